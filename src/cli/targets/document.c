/* Writes what became of targets as JSON: the members of the document. What they mean is in
 * docs/json.md. */
#include "targets/document.h"

#include "writing/json_status.h"

static void write_counts(struct json *json, const struct tally *tally)
{
    inlay_cli_json_open(json, "counts", '{');
    inlay_cli_json_number(json, "targets", (int64_t)tally->list.ours);
    for (size_t i = OUTCOME_CURRENT; i < OUTCOME_COUNT; i++)
        inlay_cli_json_number(json, inlay_cli_outcome_name((enum outcome)i),
                              (int64_t)tally->counts[i]);
    inlay_cli_json_close(json, '}');
}

static bool is_listed(const struct fate *fate)
{
    return fate->outcome != OUTCOME_CURRENT && fate->outcome != OUTCOME_MIGRATED;
}

static void write_left(struct json *json, const struct tally *tally)
{
    inlay_cli_json_open(json, "left", '[');
    for (size_t i = 0; i < tally->list.ours; i++) {
        const struct fate *fate = &tally->fates[i];
        if (!is_listed(fate))
            continue;
        inlay_cli_json_open(json, NULL, '{');
        inlay_cli_json_text(json, "target", tally->list.targets[i].name);
        inlay_cli_json_text(json, "state", inlay_cli_outcome_name(fate->outcome));
        inlay_cli_json_text(json, "code", inlay_code_name((int)fate->code));
        inlay_cli_json_number(json, "pending", (int64_t)fate->pending);
        inlay_cli_json_close(json, '}');
    }
    inlay_cli_json_close(json, ']');
}

static void write_failures(struct json *json, const struct tally *tally)
{
    inlay_cli_json_open(json, "failures", '[');
    for (size_t i = 0; i < tally->list.ours; i++) {
        const struct trouble *trouble = inlay_cli_tally_trouble(tally, i);
        if (!trouble)
            continue;
        inlay_cli_json_open(json, NULL, '{');
        inlay_cli_json_number(json, "targets", (int64_t)trouble->count);
        inlay_cli_json_status_error(json, "error", &trouble->error);
        inlay_cli_json_close(json, '}');
    }
    inlay_cli_json_close(json, ']');
}

void inlay_cli_document(struct json *json, const struct tally *tally)
{
    inlay_cli_json_open(json, "targets", '{');
    write_counts(json, tally);
    write_left(json, tally);
    write_failures(json, tally);
    inlay_cli_json_close(json, '}');
}
