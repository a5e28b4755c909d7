/* Names what can become of a target, and writes it as JSON while it happens. */
#include "targets/outcome.h"

#include "terminal/console.h"
#include "writing/json_status.h"

bool inlay_cli_outcome_is_trouble(enum outcome outcome)
{
    return outcome == OUTCOME_DISAGREES || outcome == OUTCOME_UNREADABLE ||
           outcome == OUTCOME_FAILED;
}

bool inlay_cli_outcome_is_open(enum outcome outcome)
{
    return outcome == OUTCOME_BEHIND || outcome == OUTCOME_NEW;
}

const char *inlay_cli_outcome_name(enum outcome outcome)
{
    static const char *const names[OUTCOME_COUNT] = {
        "unseen", "current", "migrated", "behind", "new", "disagreeing", "unreadable", "failed"};
    return names[outcome];
}

void inlay_cli_outcome_line(const char *name, const struct event_of_target *event)
{
    struct json json = {0};
    inlay_cli_json_open(&json, NULL, '{');
    inlay_cli_json_text(&json, "event", "target");
    inlay_cli_json_text(&json, "target", name);
    inlay_cli_json_text(&json, "state", inlay_cli_outcome_name(event->outcome));
    inlay_cli_json_number(&json, "pending", (int64_t)event->pending);
    inlay_cli_json_number(&json, "applied", (int64_t)event->applied);
    inlay_cli_json_number_or_null(&json, "elapsed_ms", event->elapsed_ms);
    inlay_cli_json_status_error(&json, "error", event->error);
    inlay_cli_json_close(&json, '}');
    inlay_cli_console_line(&json);
}
