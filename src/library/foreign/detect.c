/* Tables of other tools, and which command takes over what they record. Every command is tried
 * before it is advised, without a lock and without writing. */
#include "foreign/detect.h"
#include "foreign/record.h"
#include "history/sql.h"

#include <stdlib.h>
#include <string.h>

/* $1 schema of the history; $2 for each tool its place in the list, table and marker. Looked for
 * where the history is to be and where the migrations would put their tables. */
static const char detect_sql[] =
    "SELECT " QUOTED_NAME ", k.tool, n.nspname, c.relname FROM (SELECT t.place,"
    " pg_catalog.split_part(t.item, '.', 1) AS tool, pg_catalog.split_part(t.item, '.', 2) AS name,"
    " pg_catalog.split_part(t.item, '.', 3) AS marker FROM pg_catalog.unnest("
    "pg_catalog.string_to_array($2::pg_catalog.text, ' ')) WITH ORDINALITY AS t (item, place)) AS k"
    " JOIN pg_catalog.pg_class AS c ON c.relname::pg_catalog.text" EQ "k.name AND (c.relkind" EQ
    "'r' OR c.relkind" EQ "'p')"
    " JOIN pg_catalog.pg_attribute AS a ON a.attrelid" EQ "c.oid AND a.attname::pg_catalog.text" EQ
    "k.marker AND NOT a.attisdropped"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ "c.relnamespace AND (n.nspname" EQ
    "$1::pg_catalog.name OR n.nspname" EQ
    "ANY (pg_catalog.current_schemas(false))) ORDER BY k.place";

/* The columns of detect_sql. */
enum { FOUND_QUOTED, FOUND_TOOL, FOUND_SCHEMA, FOUND_TABLE };

static void add_tools(struct detect_query *query, bool vague)
{
    for (size_t i = 0; i < inlay_tool_count; i++)
        if (inlay_tools[i].shown[0] != '\0' && inlay_tools[i].vague == vague)
            inlay_text_add(query->tools, sizeof query->tools, "%s%zu.%s.%s",
                           query->tools[0] != '\0' ? " " : "", i, inlay_tools[i].table,
                           inlay_tools[i].marker);
}

/* A sure guess comes before a vague one. */
struct message inlay_detect_message(struct detect_query *query, const char *schema)
{
    query->tools[0] = '\0';
    add_tools(query, false);
    add_tools(query, true);
    query->parameters[0] = schema;
    query->parameters[1] = query->tools;
    return (struct message){
        .sql = detect_sql, .parameter_count = 2, .parameters = query->parameters};
}

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

static int refuse_foreign(const struct detection *detection, const struct finding *finding,
                          struct inlay_error *err)
{
    const char *quote = quote_for(finding->source);

    inlay_error_set(err, INLAY_E_REFUSED,
                    "%s has migrated this database (%s %s) and inlay has no history here",
                    name_of(finding), found_value(finding, FOUND_QUOTED),
                    finding->hidden ? "cannot be read" : "has rows");
    if (detection->first_pending >= 0)
        inlay_text_put(err->detail, sizeof err->detail,
                       "running migration %lld again would fail or do damage",
                       (long long)detection->first_pending);
    if (finding->grant[0] != '\0')
        inlay_text_put(err->hint, sizeof err->hint, "let it be read and run again: %s or ",
                       finding->grant);
    else if (finding->what == RECORDS_VERSIONS)
        inlay_text_put(err->hint, sizeof err->hint,
                       "take over its record: --migrate-adopt %s%s%s; or ", quote, finding->source,
                       quote);
    inlay_text_add(err->hint, sizeof err->hint,
                   "declare everything up to a version applied: --migrate-baseline VERSION; or, if "
                   "that table belongs to another program: --migrate-fresh, once");
    return err->code;
}

/* ---- what a table records ---- */

/* A name with a point in it is taken apart at the wrong place. */
static bool is_the_same(const struct finding *finding, const struct record *record)
{
    return record->quoted != NULL &&
           strcmp(record->quoted, found_value(finding, FOUND_QUOTED)) == 0;
}

/* Numbers can be read as file names, but the one number of a counter is not a list of versions. */
static bool records_file_names(const struct record *record)
{
    for (size_t i = 0; i < record->row_count; i++)
        if (!inlay_foreign_is_name(&record->source, record->rows[i].values[FOREIGN_VERSION]))
            return false;
    return true;
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
    else if (rc == INLAY_OK && (!finding->by_name || records_file_names(record)))
        finding->what =
            foreign->count > 0 || foreign->through >= 0 ? RECORDS_VERSIONS : RECORDS_NOTHING;
}

/* Nothing is advised that was not tried. */
static int try_source(const struct detection *detection, struct finding *finding,
                      struct inlay_error *err)
{
    struct record record = {
        .session = detection->session, .name = detection->name, .now = detection->now};
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

/* Its name alone, then with the table, then with the column; the first that can be adopted. */
static int try_tool(const struct detection *detection, struct finding *finding, const char *tool,
                    struct inlay_error *err)
{
    int rc = INLAY_OK;

    if (!is_undecided(finding))
        return INLAY_OK;
    finding->by_name = strcmp(tool, "filenames") == 0;
    inlay_text_put(finding->source, sizeof finding->source, "%s", tool);
    for (int parts = 0; parts < 3 && rc == INLAY_OK && is_undecided(finding); parts++) {
        if (parts == 1)
            inlay_text_add(finding->source, sizeof finding->source, "=%s.%s",
                           found_value(finding, FOUND_SCHEMA), found_value(finding, FOUND_TABLE));
        if (parts == 2)
            inlay_text_add(finding->source, sizeof finding->source, ".%s", finding->tool->marker);
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
    if (rc == INLAY_OK && (finding->tool->file_names || finding->tool->vague))
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

static const struct foreign_tool *tool_of(const PGresult *found, int row)
{
    int64_t place;
    bool known = inlay_text_number(PQgetvalue(found, row, FOUND_TOOL), &place) && place >= 0 &&
                 place < (int64_t)inlay_tool_count;

    return &inlay_tools[known ? place : 0];
}

/* A table that can be adopted is named before one that cannot. */
int inlay_detect_check(const struct detection *detection, const PGresult *found,
                       struct inlay_error *err)
{
    struct finding first = {.what = RECORDS_NOTHING};

    for (int row = 0; row < PQntuples(found); row++) {
        struct finding finding = {.tool = tool_of(found, row), .found = found, .row = row};
        if (was_examined(&finding))
            continue;
        if (examine(detection, &finding, err) != INLAY_OK)
            return err->code;
        if (finding.what > first.what)
            first = finding;
    }
    return first.what == RECORDS_NOTHING ? INLAY_OK : refuse_foreign(detection, &first, err);
}
