/* What our statements raise, in the program's words: texts that a script for psql keeps at hand,
 * and asks by. */
#include "calls/psql/text.h"
#include "history/shape.h"
#include "history/sql.h"
#include "plan/verify.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is at hand ---- */

static void put_variable(struct psql *psql, const char *name, const char *text)
{
    inlay_builder_text(&psql->writer.text, "SELECT ");
    inlay_writer_verbatim(&psql->writer, text, strlen(text));
    inlay_builder_format(&psql->writer.text, " AS %s \\gset\n", name);
}

/* For format(), in which a percent sign is no text. */
static void add_case(struct builder *block, const char *raised, const char *words)
{
    char literal[1024];

    inlay_text_quote(literal, sizeof literal, words, '\'');
    inlay_builder_format(block, "    WHEN pg_catalog.strpos(sqlerrm, '%s') > 0 THEN ", raised);
    for (const char *at = literal; *at != '\0'; at++) {
        inlay_builder_add(block, at, 1);
        if (*at == '%')
            inlay_builder_add(block, at, 1);
    }
    inlay_builder_text(block, "\n");
}

#define LEAVES "the migration leaves "
#define UNFIT " unfit: it "

static void add_cases(const struct psql *psql, struct builder *block)
{
    const struct history_name *name = &psql->request->name;
    char raised[UNFIT_RAISED_MOST];
    struct unfit unfit;
    char words[512];

    for (size_t place = 0; inlay_shape_fault(place, name, raised, &unfit); place++) {
        inlay_text_put(words, sizeof words, LEAVES "%s" UNFIT "%s", unfit.quoted, unfit.what);
        add_case(block, raised, words);
    }
    inlay_text_put(words, sizeof words,
                   "the migration ended its own transaction, or changed its row in %s", name->text);
    add_case(block, RAISED_ROWS, words);
    add_case(block, RAISED_FALSE "NULL", "this query of the verify script is NULL");
    add_case(block, RAISED_FALSE, "this query of the verify script is false");
}

/* What is asked, where, and four parameters. In a subtransaction, which the claim must not be. */
static void put_ask(struct psql *psql)
{
    struct builder block = {0};

    inlay_builder_text(&block, "DECLARE said text;\nBEGIN\n  EXECUTE %1$L USING %3$L::text,"
                               " %4$L::text, %5$L::text, %6$L::text;\n"
                               "EXCEPTION WHEN invalid_text_representation THEN\n  said := CASE\n");
    add_cases(psql, &block);
    inlay_builder_text(
        &block, "  END;\n  IF %2$L = '' THEN said := pg_catalog.replace(pg_catalog.replace(said,"
                " '" UNFIT "', ' '), '" LEAVES "', ''); END IF;\n"
                "  IF said IS NULL THEN RAISE; END IF;\n"
                "  RAISE EXCEPTION '%%', pg_catalog.concat(%2$L, said);\nEND");
    if (block.failed)
        psql->writer.text.failed = true;
    else
        put_variable(psql, "inlay_ask", block.data);
    inlay_builder_free(&block);
}

void inlay_psql_seal_name(const struct psql *psql, const struct message *message, char name[32])
{
    size_t kind = 0;

    while (kind + 1 < MESSAGES_KINDS && psql->messages.seal_sql[kind] != message->sql)
        kind++;
    inlay_text_put(name, 32, "inlay_seal_%zu", kind);
}

/* Of each kind that a step has. */
static void put_seals(struct psql *psql)
{
    const struct course course = {.steps = psql->steps->list};
    bool known[MESSAGES_KINDS] = {false};

    for (size_t i = 0; i < psql->steps->count; i++) {
        const struct cursor at = {.step = i, .phase = PHASE_SEAL};
        struct message message = {.sql = NULL};
        char name[32];
        size_t kind = 0;
        if (inlay_step_is_bare(&psql->steps->list[i]))
            continue;
        inlay_messages_fill(&psql->messages, &course, &at, &message);
        while (psql->messages.seal_sql[kind] != message.sql)
            kind++;
        inlay_psql_seal_name(psql, &message, name);
        if (!known[kind])
            put_variable(psql, name, message.sql);
        known[kind] = true;
    }
}

bool inlay_psql_words(struct psql *psql)
{
    char *fit = inlay_sql_demand_fit(&psql->request->name, true);

    if (fit == NULL)
        return false;
    put_ask(psql);
    put_variable(psql, "inlay_fit", fit);
    put_seals(psql);
    free(fit);
    return true;
}

/* ---- asking ---- */

void inlay_psql_ask_begin(struct psql *psql)
{
    inlay_builder_text(&psql->writer.text,
                       "SELECT pg_catalog.format('DO %L', pg_catalog.format(:'inlay_ask', ");
}

void inlay_psql_ask_end(struct psql *psql, const char *place, const struct message *message)
{
    enum { PARAMETERS = 4 };
    int count = message != NULL ? message->parameter_count : 0;

    inlay_builder_text(&psql->writer.text, ", ");
    inlay_writer_literal(&psql->writer, place);
    for (int i = 0; i < PARAMETERS; i++) {
        inlay_builder_text(&psql->writer.text, ", ");
        inlay_writer_parameter(&psql->writer, i < count ? message->parameters[i] : NULL);
    }
    inlay_builder_text(&psql->writer.text, ")) \\gexec\n");
}
