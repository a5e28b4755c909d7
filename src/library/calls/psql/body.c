/* A migration in a script for psql: the messages that a run would send, in their order. */
#include "base/set.h"
#include "calls/psql/text.h"
#include "plan/verify.h"

#include <string.h>

/* ---- begin and end ---- */

static void put_condition(struct psql *psql, const struct step *step)
{
    const struct inlay_migration *migration = step->migration;
    const struct history_name *name = &psql->request->name;
    struct writer *writer = &psql->writer;

    if (migration->version == INLAY_REPEATABLE) {
        inlay_builder_format(
            &writer->text,
            "SELECT NOT EXISTS (SELECT FROM ONLY %s AS s WHERE s.kind = 'repeatable'"
            " AND s.key = ",
            name->quoted_state);
        inlay_writer_literal(writer, migration->name);
        inlay_builder_format(&writer->text, " AND s.checksum = '%s')", migration->sha256);
    } else {
        inlay_builder_format(&writer->text,
                             "SELECT %sEXISTS (SELECT FROM ONLY %s AS h WHERE h.version = %lld)",
                             step->down ? "" : "NOT ", name->quoted, (long long)migration->version);
    }
    inlay_builder_format(&writer->text, " AS inlay_due \\gset\n\\if :inlay_due\n");
}

void inlay_psql_place(const struct psql *psql, const struct inlay_script *script, uint32_t line,
                      char place[PSQL_PLACE_MOST])
{
    inlay_text_put(place, PSQL_PLACE_MOST, "%s/%s", psql->request->set->directory, script->path);
    if (line > 0)
        inlay_text_add(place, PSQL_PLACE_MOST, ":%u", (unsigned)line);
    inlay_text_add(place, PSQL_PLACE_MOST, ": ");
}

/* The first one is ours, and answers a row if it sets a search_path. */
void inlay_psql_question(struct psql *psql, const struct inlay_script *verify, size_t index,
                         const char *text)
{
    const struct message ours = {.sql = text};
    const struct inlay_statement *statement;
    char place[PSQL_PLACE_MOST];

    if (index == 0) {
        inlay_writer_query(&psql->writer, &ours);
        return;
    }
    statement = inlay_script_statement(verify, index - 1);
    if (statement->kind != INLAY_STATEMENT_QUERY) {
        inlay_writer_statement(&psql->writer, verify, index - 1);
        return;
    }
    inlay_psql_place(psql, verify, statement->line, place);
    inlay_psql_ask_begin(psql);
    inlay_writer_verbatim(&psql->writer, text, strlen(text));
    inlay_psql_ask_end(psql, place, NULL);
}

void inlay_psql_step_begin(struct psql *psql, const struct step *step)
{
    const struct inlay_script *script =
        step->script->path[0] != '\0' ? step->script : &step->migration->up;

    inlay_builder_format(&psql->writer.text, "\n-- ---- %s%s\n\n", script->path,
                         step->recorded ? ": recorded, what it replaces is applied" : "");
    put_condition(psql, step);
    inlay_builder_format(&psql->writer.text, "\\echo %s ", step->down ? "undoing" : "applying");
    inlay_writer_literal(&psql->writer, script->path);
    inlay_builder_format(&psql->writer.text, "\n");
}

void inlay_psql_step_end(struct psql *psql)
{
    inlay_builder_format(&psql->writer.text, "\\endif\n");
}

/* ---- in a transaction ---- */

static void put_seal(struct psql *psql, const struct step *step, const struct message *message)
{
    char name[32];
    char place[PSQL_PLACE_MOST];

    inlay_psql_seal_name(psql, message, name);
    inlay_psql_place(psql, step->script->path[0] != '\0' ? step->script : &step->migration->up, 0,
                     place);
    inlay_psql_ask_begin(psql);
    inlay_builder_format(&psql->writer.text, ":'%s'", name);
    inlay_psql_ask_end(psql, place, message);
}

/* Of a verify script; what stands before and behind its statements is ours. */
static void put_question(struct psql *psql, const struct course *course, const struct cursor *at,
                         const struct message *message)
{
    const struct inlay_script *verify = inlay_verify_script(&course->steps[at->step]);

    if (at->item > 0 && at->item <= inlay_verify_count(verify))
        inlay_psql_question(psql, verify, at->item - 1, message->sql);
    else
        inlay_writer_command(&psql->writer, message);
}

static void put_message(struct psql *psql, const struct course *course, const struct cursor *at)
{
    struct message message = {.sql = NULL};

    if (at->phase == PHASE_BODY) {
        inlay_writer_statement(&psql->writer, course->steps[at->step].script, at->item);
        return;
    }
    inlay_messages_fill(&psql->messages, course, at, &message);
    if (at->phase == PHASE_SEAL)
        put_seal(psql, &course->steps[at->step], &message);
    else if (at->phase == PHASE_VERIFY)
        put_question(psql, course, at, &message);
    else if (at->phase == PHASE_CLAIM ||
             (at->phase == PHASE_LIMITS && at->item == course->limits)) /* the search_path */
        inlay_writer_query(&psql->writer, &message);
    else
        inlay_writer_command(&psql->writer, &message);
}

void inlay_psql_transaction(struct psql *psql, size_t step)
{
    const struct limits *limits = psql->limits;
    const struct inlay_script *script = psql->steps->list[step].script;
    const struct course course = {
        .steps = psql->steps->list,
        .first = step,
        .again = limits->again_count,
        .limits = inlay_limit_statement(limits, script).ms > 0 ? 2 : 1,
        .search_path = psql->request->options.search_path != NULL,
    };
    struct cursor at = {.step = step};

    psql->writer.batch = psql->messages.row.batch;
    inlay_psql_step_begin(psql, &psql->steps->list[step]);
    for (; at.step == step; inlay_phases_advance(&at, &course))
        put_message(psql, &course, &at);
    inlay_psql_step_end(psql);
}
