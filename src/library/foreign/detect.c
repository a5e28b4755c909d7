/* Tables of other tools, and which command takes over what they record. Every command is tried
 * before it is advised, without a lock and without writing. And a table that the first migration
 * would create: its schema is there without a record. */
#include "foreign/detect.h"
#include "foreign/known.h"
#include "foreign/record.h"
#include "foreign/source.h"
#include "history/sql.h"

#include <stdlib.h>
#include <string.h>

/* One of the tables that were found. */
struct finding {
    const struct foreign_tool *tool;
    const PGresult *found;
    int row;
    enum {
        RECORDS_NOTHING,
        RECORDS_SOMETHING, /* that cannot be adopted */
        RECORDS_VERSIONS   /* that --migrate-adopt takes over */
    } what;
    bool hidden;      /* its rows cannot be read */
    char grant[768];  /* what the role needs to read them */
    bool by_name;     /* the source takes versions from file names */
    char source[256]; /* for --migrate-adopt */
};

static const char *found_value(const struct finding *finding, int column)
{
    return PQgetvalue(finding->found, finding->row, column);
}

/* ---- the refusal ---- */

static const char *name_of(const struct finding *finding)
{
    return finding->tool->vague && finding->what == RECORDS_VERSIONS && finding->by_name
               ? "another tool"
               : finding->tool->shown;
}

/* A shell takes the command as it is printed. */
static const char *quote_for(const char *source)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-=.";

    return strspn(source, plain) == strlen(source) ? "" : "'";
}

/* One of many schemas, or a history that an option names: the command is to be about it too. */
static void advise_history(const struct detection *detection, struct inlay_error *err)
{
    const char *name = detection->name->text;
    const char *quote = quote_for(name);

    if (strcmp(name, detection->set->history) != 0 && strchr(name, '\'') == NULL)
        inlay_text_add(err->hint, sizeof err->hint, "; with --migrate-history %s%s%s", quote, name,
                       quote);
}

/* A first run that failed leaves an empty one. */
static const char *our_record(const struct detection *detection)
{
    return detection->now->history.exists ? "inlay's history is empty"
                                          : "inlay has no history here";
}

static int refuse_foreign(const struct detection *detection, const struct finding *finding,
                          struct inlay_error *err)
{
    const char *quote = quote_for(finding->source);

    inlay_error_set(err, INLAY_E_REFUSED, "%s has migrated this database (%s %s) and %s",
                    name_of(finding), found_value(finding, FOUND_QUOTED),
                    finding->hidden ? "cannot be read" : "has rows", our_record(detection));
    if (detection->first != NULL)
        inlay_text_put(err->detail, sizeof err->detail,
                       "running migration %lld would fail or do damage",
                       (long long)detection->first->version);
    if (finding->grant[0] != '\0')
        inlay_text_put(err->hint, sizeof err->hint, "let it be read and run again: %s or ",
                       finding->grant);
    else if (finding->what == RECORDS_VERSIONS)
        inlay_text_put(err->hint, sizeof err->hint,
                       "take over its record: --migrate-adopt %s%s%s; or ", quote, finding->source,
                       quote);
    else
        inlay_text_put(err->hint, sizeof err->hint,
                       "say with a query what it has applied (query= of --migrate-adopt), or ");
    inlay_text_add(err->hint, sizeof err->hint,
                   "declare everything up to a version applied: --migrate-baseline VERSION; or, if "
                   "that table belongs to another program: --migrate-fresh, once");
    advise_history(detection, err);
    return err->code;
}

/* $1 schema and $2 table of ours, $3 the schema of what was found: other histories of inlay's form,
 * the nearest first. */
static const char histories_sql[] =
    "SELECT pg_catalog.concat(n.nspname, '.', c.relname), n.nspname" EQ "$3::pg_catalog.name"
    " FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ "c.relnamespace"
    " WHERE c.relkind" EQ "'r' AND NOT (n.nspname" EQ "$1::pg_catalog.name AND c.relname" EQ
    "$2::pg_catalog.name) AND 6" EQ "(SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute AS a"
    " WHERE a.attrelid" EQ "c.oid AND NOT a.attisdropped AND a.attname" EQ "ANY"
    " ('{version,name,applied_at,checksum,batch,elapsed_ms}'::pg_catalog.name[]))"
    " AND EXISTS (SELECT FROM pg_catalog.pg_class AS s WHERE s.relnamespace" EQ
    "n.oid AND s.relname::pg_catalog.text" EQ "pg_catalog.concat(c.relname, '_state'))"
    " ORDER BY 2 DESC LIMIT 2";

/* Of the databases and schemas of many, each has one of its own: named is the only one, there or
 * beside the table. */
static int find_history(const struct detection *detection, const struct finding *created,
                        char other[130], struct inlay_error *err)
{
    const char *const names[] = {detection->name->schema, detection->name->table,
                                 found_value(created, FOUND_SCHEMA)};
    const struct message query = {.sql = histories_sql, .parameter_count = 3, .parameters = names};
    PGresult *result = NULL;
    int rc = inlay_query_demand(detection->session, &query, 1, &result, INLAY_E_REFUSED, err);
    int rows = rc == INLAY_OK ? PQntuples(result) : 0;

    other[0] = '\0';
    if (rows == 1 || (rows == 2 && PQgetvalue(result, 0, 1)[0] != PQgetvalue(result, 1, 1)[0]))
        inlay_text_put(other, 130, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    if (strchr(other, '\'') != NULL)
        other[0] = '\0';
    return rc;
}

/* Whose steps the binary has as well: as much as them need not be there. */
static bool embeds_steps(const struct detection *detection)
{
    const struct inlay_range *range = detection->first->replaces;

    for (size_t i = 0; range != NULL && i < detection->set->migration_count; i++) {
        int64_t version = inlay_set_migration(detection->set, i)->version;
        if (version >= range->first && version <= range->last)
            return true;
    }
    return false;
}

static void advise_record(const struct detection *detection, const char *other,
                          struct inlay_error *err)
{
    const struct inlay_migration *first = detection->first;
    const char *quote = quote_for(other);

    if (other[0] != '\0')
        inlay_text_put(err->hint, sizeof err->hint,
                       "if that is its record: --migrate-history %s%s%s; or ", quote, other, quote);
    inlay_text_add(err->hint, sizeof err->hint, "record what is there without running it: ");
    if (embeds_steps(detection))
        inlay_text_add(err->hint, sizeof err->hint,
                       "--migrate-baseline VERSION, the newest whose work is there");
    else
        inlay_text_add(err->hint, sizeof err->hint,
                       "--migrate-baseline %lld, or the newest version whose work is there",
                       (long long)first->version);
    inlay_text_add(err->hint, sizeof err->hint,
                   "; or, if a table knows what is applied, say it with a query (query= of "
                   "--migrate-adopt); or, to run %s all the same: --migrate-fresh, once",
                   first->up.path);
}

/* CREATE TABLE IF NOT EXISTS passes over a table of any form, and over a view. */
static int refuse_created(const struct detection *detection, const struct finding *created,
                          struct inlay_error *err)
{
    const struct inlay_migration *first = detection->first;
    const char *quoted = found_value(created, FOUND_QUOTED);
    const char *kind = found_value(created, FOUND_MARK);
    char other[130];

    if (find_history(detection, created, other, err) != INLAY_OK)
        return err->code;
    if (strcmp(kind, "table") == 0)
        inlay_error_set(err, INLAY_E_REFUSED,
                        "this database has the table %s, which %s would create, and %s", quoted,
                        first->up.path, our_record(detection));
    else
        inlay_error_set(err, INLAY_E_REFUSED,
                        "this database has the %s %s, where %s would create a table, and %s", kind,
                        quoted, first->up.path, our_record(detection));
    err->version = first->version;
    if (other[0] != '\0')
        inlay_text_put(err->detail, sizeof err->detail, "another history of inlay's is here: %s",
                       other);
    else
        inlay_text_put(err->detail, sizeof err->detail,
                       "its schema was made without inlay: running migration %lld would fail, or "
                       "take what is there for what it should be",
                       (long long)first->version);
    advise_record(detection, other, err);
    advise_history(detection, err);
    return err->code;
}

/* ---- what a table records ---- */

/* The name alone may be that of another table. */
static bool is_the_same(const struct finding *finding, const struct record *record)
{
    return record->quoted != NULL &&
           strcmp(record->quoted, found_value(finding, FOUND_QUOTED)) == 0;
}

/* If a migration is half done, --migrate-adopt says what to do. */
static void conclude(struct finding *finding, const struct record *record, int rc,
                     const struct inlay_error *why)
{
    const struct foreign_record *foreign = &record->foreign;

    if (!is_the_same(finding, record))
        return;
    if (strcmp(why->sqlstate, "42501") == 0)
        inlay_text_put(finding->grant, sizeof finding->grant, "%s", why->hint);
    else if (foreign->half_done)
        finding->what = RECORDS_VERSIONS;
    else if (rc == INLAY_OK)
        finding->what =
            foreign->count > 0 || foreign->through >= 0 ? RECORDS_VERSIONS : RECORDS_NOTHING;
}

/* Nothing is advised that was not tried. */
static int try_source(const struct detection *detection, struct finding *finding,
                      struct inlay_error *err)
{
    struct record record = {.session = detection->session,
                            .set = detection->set,
                            .name = detection->name,
                            .now = detection->now};
    struct inlay_error why;

    if (strchr(finding->source, '\'') != NULL ||
        inlay_foreign_parse(finding->source, &record.source, &why) != INLAY_OK)
        return INLAY_OK;
    inlay_error_clear(&why);
    int rc = inlay_record_look(&record, &why);
    if (rc == INLAY_OK || rc == INLAY_E_REFUSED)
        conclude(finding, &record, rc, &why);
    else
        *err = why;
    inlay_record_free(&record);
    return rc == INLAY_E_REFUSED ? INLAY_OK : rc;
}

static bool is_undecided(const struct finding *finding)
{
    return finding->what == RECORDS_SOMETHING && finding->grant[0] == '\0';
}

static void add_part(struct finding *finding, const char *before, int column)
{
    const char *name = found_value(finding, column);
    char quoted[132];

    inlay_text_quote(quoted, sizeof quoted, name, '"');
    inlay_text_add(finding->source, sizeof finding->source, "%s%s", before,
                   strpbrk(name, ".\"") != NULL ? quoted : name);
}

/* Its name alone, then with the table, then with the column; the first that can be adopted. */
static int try_tool(const struct detection *detection, struct finding *finding, const char *tool,
                    struct inlay_error *err)
{
    int rc = INLAY_OK;

    if (tool == NULL || !is_undecided(finding))
        return INLAY_OK;
    finding->by_name = strcmp(tool, "filenames") == 0;
    inlay_text_put(finding->source, sizeof finding->source, "%s", tool);
    for (int parts = 0; parts < 3 && rc == INLAY_OK && is_undecided(finding); parts++) {
        if (parts == 1) {
            add_part(finding, "=", FOUND_SCHEMA);
            add_part(finding, ".", FOUND_TABLE);
        }
        if (parts == 2)
            add_part(finding, ".", FOUND_MARK);
        rc = try_source(detection, finding, err);
    }
    return rc;
}

/* Rows that cannot be read are rows, and so are those that row security may hide. */
static int ask_for_rows(const struct detection *detection, struct finding *finding,
                        struct inlay_error *err)
{
    const char *quoted = found_value(finding, FOUND_QUOTED);
    char *sql = inlay_text_new("SELECT 1 WHERE pg_catalog.row_security_active($1::pg_catalog.text)"
                               " UNION ALL (SELECT 1 FROM %s LIMIT 1)",
                               quoted);
    const struct message query = {.sql = sql, .parameter_count = 1, .parameters = &quoted};
    PGresult *result = NULL;
    int rc = sql != NULL ? inlay_query_ask(detection->session, &query, 1, &result, err)
                         : inlay_error_memory(err);

    if (rc == INLAY_OK && inlay_result_has_state(result, "55P03"))
        rc = inlay_record_refuse_held(detection->session, quoted, result, err);
    finding->hidden = rc == INLAY_OK && inlay_result_failed(result);
    if (finding->hidden || (rc == INLAY_OK && PQntuples(result) > 0))
        finding->what = RECORDS_SOMETHING;
    PQclear(result);
    free(sql);
    return rc;
}

static int examine(const struct detection *detection, struct finding *finding,
                   struct inlay_error *err)
{
    int rc = ask_for_rows(detection, finding, err);

    if (rc == INLAY_OK)
        rc = try_tool(detection, finding, finding->tool->name, err);
    if (rc == INLAY_OK && finding->tool->vague)
        rc = try_tool(detection, finding, "filenames", err);
    return rc;
}

/* The same table can be found under two names of tools, the sure one first. */
static bool was_examined(const struct finding *finding)
{
    for (int row = 0; row < finding->row; row++)
        if (strcmp(PQgetvalue(finding->found, row, FOUND_QUOTED),
                   found_value(finding, FOUND_QUOTED)) == 0)
            return true;
    return false;
}

/* A table that can be adopted is named before one that cannot, and any that records something
 * before one that would be created. */
int inlay_detect_check(const struct detection *detection, const PGresult *found,
                       struct inlay_error *err)
{
    struct finding first = {.what = RECORDS_NOTHING};
    struct finding created = {.found = NULL};

    for (int row = 0; row < PQntuples(found); row++) {
        struct finding finding = {
            .tool = inlay_detect_tool(found, row), .found = found, .row = row};
        if (finding.tool == NULL)
            created = finding;
        if (finding.tool == NULL || was_examined(&finding))
            continue;
        if (examine(detection, &finding, err) != INLAY_OK)
            return err->code;
        if (finding.what > first.what)
            first = finding;
    }
    if (first.what != RECORDS_NOTHING)
        return refuse_foreign(detection, &first, err);
    return created.found != NULL ? refuse_created(detection, &created, err) : INLAY_OK;
}
