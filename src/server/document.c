/* /status.json. Its details are the members that --migrate-status --migrate-json has. */
#include "document.h"

#include "writing/json_status.h"

static void write_headline_member(struct json *json, const struct snapshot *now,
                                  const struct readiness *readiness)
{
    struct buffer headline = {0};

    write_headline(&headline, now, readiness);
    inlay_cli_json_text(json, "headline", headline.data);
    json->text.failed |= headline.failed;
    inlay_cli_buffer_free(&headline);
}

static void write_progress(struct json *json, const struct snapshot *now)
{
    if (now->phase != PHASE_MIGRATING) {
        inlay_cli_json_null(json, "progress");
        return;
    }
    inlay_cli_json_open(json, "progress", '{');
    inlay_cli_json_number(json, "index", (int64_t)now->index);
    inlay_cli_json_number(json, "count", (int64_t)now->count);
    inlay_cli_json_close(json, '}');
}

static void write_details(struct json *json, const struct snapshot *now,
                          const struct readiness *readiness)
{
    struct reason reason = reason_of(now, readiness);

    inlay_cli_json_text_or_null(json, "reason", reason.text);
    inlay_cli_json_text(json, "code",
                        readiness->error != NULL ? inlay_code_name(readiness->error->code) : NULL);
    inlay_cli_json_text(json, "digest", now->set->digest);
    inlay_cli_json_number_or_null(json, "age_ms",
                                  now->status != NULL ? clock_ms() - now->answered_at : -1);
    if (now->status != NULL)
        inlay_cli_json_status_members(json, now->status);
    else
        inlay_cli_json_null(json, "database");
}

void write_document(struct buffer *out, const struct snapshot *now,
                    const struct readiness *readiness, bool details)
{
    struct json json = {0};

    inlay_cli_json_open(&json, NULL, '{');
    inlay_cli_json_text(&json, "inlay", INLAY_VERSION);
    inlay_cli_json_bool(&json, "ready", readiness->condition == CONDITION_READY);
    inlay_cli_json_text(&json, "condition", condition_name(readiness->condition));
    write_headline_member(&json, now, readiness);
    write_progress(&json, now);
    if (details)
        write_details(&json, now, readiness);
    inlay_cli_json_close(&json, '}');
    inlay_cli_buffer_text(&json.text, "\n");
    *out = json.text;
}
