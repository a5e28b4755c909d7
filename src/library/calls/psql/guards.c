/* What the history must be where a script for psql begins: plan/verdict.c and plan/late.c in SQL,
 * in their words. A database that is elsewhere is another one than meant. */
#include "calls/psql/text.h"

static const struct step *find_step(const struct psql *psql, int64_t version)
{
    for (size_t i = 0; i < psql->steps->count; i++)
        if (psql->steps->list[i].migration->version == version)
            return &psql->steps->list[i];
    return NULL;
}

/* What is undone is the newest; what is applied may lie below what the program has besides. */
static bool is_expected(const struct psql *psql, const struct plan_entry *entry)
{
    return !inlay_psql_leads_back(psql) || entry->row != NULL ||
           find_step(psql, entry->version) != NULL;
}

/* ---- the rows that are compared ---- */

/* What is applied before the script must be there; what the script itself does may be done. */
static void put_expected(struct psql *psql, const struct plan_entry *entry)
{
    const struct step *step = find_step(psql, entry->version);
    const char *name = entry->migration != NULL ? entry->migration->name : entry->row->name;

    inlay_builder_format(&psql->writer.text, ",\n  (%lld, ", (long long)entry->version);
    inlay_writer_literal(&psql->writer, name);
    inlay_builder_text(&psql->writer.text, ", ");
    inlay_writer_literal(&psql->writer, entry->migration != NULL ? entry->migration->sha256 : NULL);
    inlay_builder_format(&psql->writer.text, ", %s, %s)", step != NULL ? "true" : "false",
                         step == NULL && entry->row != NULL ? "true" : "false");
}

static void put_rows(struct psql *psql)
{
    const struct plan *plan = psql->plan;

    inlay_builder_text(&psql->writer.text,
                       "WITH e (version, name, checksum, due, required) AS (VALUES\n"
                       "  (NULL::bigint, NULL::text, NULL::text, false, false)");
    for (size_t i = 0; i < plan->count; i++)
        if (is_expected(psql, &plan->entries[i]))
            put_expected(psql, &plan->entries[i]);
    inlay_builder_format(
        &psql->writer.text,
        "),\nb AS (SELECT COALESCE(e.version, h.version) AS version, e.name, h.name"
        " AS was, e.checksum,\n  h.checksum AS had, e.due, e.required, e.version IS"
        " NULL AS unknown, h.version IS NULL AS missing\n  FROM (SELECT * FROM e"
        " WHERE e.version IS NOT NULL) AS e FULL JOIN ONLY %s AS h"
        " ON h.version = e.version)\n",
        psql->request->name.quoted);
}

/* ---- what is wrong with them, the first counts ---- */

#define HERE "the program of this script"

static const char identity_sql[] =
    "  (SELECT 'version ' || b.version || ' was applied as \"' || b.was || '\" and is now named \"'"
    " || b.name || '\"'\n  FROM b WHERE b.name <> b.was ORDER BY b.version LIMIT 1),\n"
    "  (SELECT 'version ' || b.version || ' (' || b.name || ') was edited after it was applied: the"
    " history has sha256 ' || pg_catalog.left(b.had, 12) || '..., " HERE " '"
    " || pg_catalog.left(b.checksum, 12) || '...'\n  FROM b WHERE b.checksum <> b.had ORDER BY"
    " b.version LIMIT 1),\n";

static const char diverged_sql[] =
    "  (SELECT '\"' || b.was || '\" was applied as version ' || b.version || ' and is now version "
    "' ||"
    " m.version || ': renumbered after it was applied'\n  FROM b JOIN b AS m ON m.missing AND m.due"
    " AND m.name = b.was AND (m.checksum = b.had OR b.version < %lld) WHERE b.unknown ORDER BY"
    " b.version LIMIT 1),\n"
    "  (SELECT 'the histories have diverged: the database has version ' || b.version || ' (' || "
    "b.was"
    " || '), which " HERE
    " lacks'\n  FROM b WHERE b.unknown AND b.version < %lld ORDER BY b.version"
    " LIMIT 1),\n"
    "  (SELECT 'version ' || b.version || ' (' || b.was || ') is applied but not in " HERE "'\n"
    "  FROM b WHERE b.unknown ORDER BY b.version LIMIT 1),\n";

static const char above_sql[] =
    "  (SELECT 'version ' || b.version || ' (' || b.was || ') would have to be undone first, "
    "and " HERE " does not have it'\n  FROM b WHERE b.unknown AND b.version > %lld ORDER BY "
    "b.version LIMIT 1),\n";

static const char required_sql[] =
    "  (SELECT 'version ' || b.version || ' (' || b.name || ') is not applied'\n"
    "  FROM b WHERE b.missing AND b.required ORDER BY b.version LIMIT 1),\n";

static const char late_sql[] =
    "  (SELECT 'version ' || b.version || ' (' || b.name || ') comes late: version ' ||"
    " pg_catalog.max(n.version) || ' is applied, and late versions are refused'\n"
    "  FROM b JOIN b AS n ON n.version > b.version AND n.version <= %lld AND NOT n.missing WHERE"
    " b.missing AND b.due\n  GROUP BY b.version, b.name ORDER BY b.version LIMIT 1),\n";

/* One that runs in the place of others, of which nothing may be there. */
static const char squash_sql[] =
    "  (SELECT 'version %lld replaces %lld..%lld: ' || pg_catalog.count(*) || ' of them ' || CASE"
    " pg_catalog.count(*) WHEN 1 THEN 'is' ELSE 'are' END || ' applied here'\n  FROM b WHERE NOT"
    " b.missing AND b.version BETWEEN %lld AND %lld HAVING pg_catalog.count(*) > 0 AND NOT EXISTS"
    " (SELECT FROM b WHERE b.version = %lld AND NOT b.missing)),\n"
    "  (SELECT 'version %lld replaces %lld..%lld, of which nothing is applied here; but version ' "
    "||"
    " b.version || ' (' || b.was || '), which comes after, is'\n  FROM b WHERE NOT b.missing AND"
    " b.version > %lld AND NOT EXISTS (SELECT FROM b WHERE b.version = %lld AND NOT b.missing)"
    " ORDER BY b.version LIMIT 1),\n";

static void put_squashes(struct psql *psql)
{
    for (size_t i = 0; i < psql->steps->count; i++) {
        const struct step *step = &psql->steps->list[i];
        const struct inlay_range *range = step->migration->replaces;
        if (range == NULL || step->recorded || step->down)
            continue;
        long long version = (long long)step->migration->version;
        long long first = (long long)range->first;
        long long last = (long long)range->last;
        inlay_builder_format(&psql->writer.text, squash_sql, version, first, last, first, last,
                             version, version, first, last, last, version);
    }
}

static void put_another_set(struct psql *psql)
{
    inlay_builder_text(&psql->writer.text, "  (SELECT ");
    inlay_writer_literal(&psql->writer, psql->request->name.text);
    inlay_builder_text(
        &psql->writer.text,
        " || ' belongs to another set of migrations: none of its names is in " HERE
        "'\n  WHERE EXISTS (SELECT FROM b WHERE NOT b.missing) AND NOT EXISTS (SELECT"
        " FROM b JOIN e ON e.name = b.was OR e.checksum = b.had)),\n");
}

static bool refuses_late(const struct request *request)
{
    return request->options.refuse_late || (request->set->flags & INLAY_SET_REFUSE_LATE) != 0;
}

static void put_comparison(struct psql *psql)
{
    const struct request *request = psql->request;
    size_t count = request->set->migration_count;
    long long newest = count > 0 ? inlay_set_migration(request->set, count - 1)->version : -1;
    bool down = inlay_psql_leads_back(psql);
    struct builder *text = &psql->writer.text;

    put_rows(psql);
    inlay_builder_text(text, "SELECT COALESCE(\n");
    put_another_set(psql);
    inlay_builder_text(text, identity_sql);
    put_squashes(psql);
    inlay_builder_text(text, required_sql);
    if (down)
        inlay_builder_format(text, above_sql, (long long)request->goal.version);
    else
        inlay_builder_format(text, diverged_sql, newest, newest);
    if (!down && refuses_late(request))
        inlay_builder_format(text, late_sql, (long long)inlay_goal_reach(&request->goal));
    inlay_builder_text(text, "  '') AS inlay_refusal \\gset\n");
    inlay_psql_refuse(psql);
}

/* ---- half done ---- */

/* Another file that is half done, or half undone, is for the program. */
static void put_unfinished(struct psql *psql)
{
    const char *separator = "";

    inlay_builder_text(
        &psql->writer.text,
        "SELECT COALESCE(pg_catalog.string_agg('version ' || p.key || CASE WHEN"
        " p.checksum LIKE 'down:%' THEN ' is half undone: its down script has begun and"
        " has not ended' ELSE ' is half done' END || ': run the program first', '; '),"
        " '') AS inlay_refusal\n");
    inlay_builder_format(&psql->writer.text,
                         "FROM ONLY %s AS p WHERE p.kind = 'progress' AND NOT p.key = ANY ('{",
                         psql->request->name.quoted_state);
    for (size_t i = 0; i < psql->steps->count; i++) {
        if (!inlay_step_is_bare(&psql->steps->list[i]))
            continue;
        inlay_builder_format(&psql->writer.text, "%s%lld", separator,
                             (long long)psql->steps->list[i].migration->version);
        separator = ",";
    }
    inlay_builder_text(&psql->writer.text, "}'::text[]) \\gset\n");
    inlay_psql_refuse(psql);
}

void inlay_psql_guards(struct psql *psql)
{
    put_comparison(psql);
    put_unfinished(psql);
}
