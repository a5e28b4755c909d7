/* Puts a query of a verify script into one that looks at what it gives. */
#include "plan/verify.h"
#include "base/search_path.h"
#include "base/text.h"
#include "history/sql.h"

#include <string.h>

const struct inlay_script *inlay_verify_script(const struct step *step)
{
    return step->down || step->recorded ? NULL : step->migration->verify;
}

/* boolean, and the domains over it: a domain has the category of what it is over. */
#define BOOLEANS                                                                                   \
    "ANY (ARRAY(SELECT t.oid FROM pg_catalog.pg_type AS t WHERE t.typcategory" EQ                  \
    "'B' AND (t.typtype" EQ "'d' OR t.oid" EQ "'boolean'::pg_catalog.regtype)))"

/* What has more than one row or column is only to run. The type of the first column stands before
 * the count of all: of another type no row is looked at further. */
static const char verify_head[] =
    "SELECT CASE WHEN pg_catalog.count(*)" EQ "1 AND pg_catalog.bool_and(v.single) AND NOT"
    " pg_catalog.bool_and(v.holds) THEN pg_catalog.concat('" RAISED_FALSE "', COALESCE("
    "pg_catalog.min(v.text), 'NULL'))::integer END FROM (SELECT"
    " pg_catalog.pg_typeof(q.inlay_value)::pg_catalog.oid" EQ BOOLEANS " AND (SELECT"
    " pg_catalog.count(*) FROM pg_catalog.jsonb_object_keys(pg_catalog.to_jsonb(q)))" EQ
    "1 AS single, COALESCE(q.inlay_value::pg_catalog.text" EQ
    "'true'::pg_catalog.text, false) AS holds,"
    " q.inlay_value::pg_catalog.text AS text FROM (";

static bool is_query(const struct inlay_script *script, size_t statement)
{
    return inlay_script_statement(script, statement)->kind == INLAY_STATEMENT_QUERY;
}

size_t inlay_verify_shift(const struct inlay_script *script, size_t statement)
{
    return is_query(script, statement) ? strlen(verify_head) : 0;
}

size_t inlay_verify_count(const struct inlay_script *script)
{
    return 1 + script->statement_count;
}

static char *begin_questions(const struct verify_terms *terms)
{
    char sql[INLAY_SEARCH_PATH_MOST] = "SELECT NULL";
    char timeout[96] = "";

    if (terms->search_path != NULL)
        inlay_search_path_sql(terms->search_path, true, sql);
    if (terms->statement_ms != INLAY_UNSET)
        inlay_text_put(timeout, sizeof timeout,
                       ", pg_catalog.set_config('statement_timeout', '%lld', true)",
                       (long long)terms->statement_ms);
    return inlay_text_new("%s, pg_catalog.set_config('transaction_read_only', 'on', true),"
                          " pg_catalog.set_config('lock_timeout', '%lld', true)%s",
                          sql, (long long)terms->lock_ms, timeout);
}

char *inlay_verify_text(const struct inlay_script *script, const struct verify_terms *terms,
                        size_t index)
{
    if (index == 0)
        return begin_questions(terms);
    const struct inlay_statement *statement = inlay_script_statement(script, index - 1);
    bool query = is_query(script, index - 1);

    return inlay_text_new("%s%.*s%s", query ? verify_head : "", (int)statement->length,
                          script->text + statement->offset,
                          query ? "\n) AS q (inlay_value)) AS v" : "");
}
