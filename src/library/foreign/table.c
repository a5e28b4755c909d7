/* Finds the table of a tool, and checks in the catalogs that it has the tool's columns. */
#include "foreign/table.h"
#include "foreign/known.h"
#include "foreign/source.h"
#include "history/sql.h"

#include <string.h>

enum {
    TABLE_SCHEMA,
    TABLE_QUOTED,
    TABLE_FAULT, /* why it is not the tool's */
    TABLE_LOCK,
    TABLE_BLOCK,
    TABLE_COLUMNS
};

#define SPEC_PART "pg_catalog.split_part(t.item, ':', "
#define IS_WANTED "a.name" EQ "s.wanted"
#define IS_OF_FAMILY "a.type" EQ "ANY (f.types::pg_catalog.oid[])"

/* $1 its schema, or NULL: wherever the guard looks; $2 table; $3 schema of the history; $4 table of
 * the lock row; $5 the tool's columns; $6 the column that was named, or NULL. The OIDs of types
 * never change (pg_type.dat). */
static const char table_sql[] =
    "WITH s AS (SELECT t.place, " SPEC_PART "1) AS name, pg_catalog.left(" SPEC_PART
    "2), 1) AS family,"
    " pg_catalog.substr(" SPEC_PART "2), 2) AS also, CASE WHEN pg_catalog.strpos(t.item, '!')" EQ
    "0 THEN " SPEC_PART "1) ELSE COALESCE($6::pg_catalog.text, " SPEC_PART "1)) END AS wanted"
    " FROM pg_catalog.unnest(pg_catalog.string_to_array($5::pg_catalog.text, ' '))"
    " WITH ORDINALITY AS t (item, place)),"
    " r AS (SELECT c.oid, c.relname, c.relkind, c.relrowsecurity, n.nspname, " QUOTED_NAME
    " AS quoted, pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE') AS blocks"
    " FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ "c.relnamespace"
    " WHERE c.relname" EQ "ANY (ARRAY[$2::pg_catalog.name, $4::pg_catalog.name]) AND c.relkind" EQ
    "ANY ('{r,p,v,m,f}')),"
    " a AS (SELECT r.oid, a.attname::pg_catalog.text AS name, a.atttypid AS type"
    " FROM pg_catalog.pg_attribute AS a JOIN r ON r.oid" EQ "a.attrelid"
    " WHERE a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped)"
    " SELECT c.nspname, c.quoted, CASE WHEN c.relkind" NOT_EQUAL
    "'r' THEN 'is not an ordinary table' WHEN c.relrowsecurity THEN"
    " 'has row security, which hides rows' ELSE k.fault END, l.quoted, CASE WHEN c.blocks AND"
    " l.blocks IS NOT FALSE THEN pg_catalog.concat('LOCK TABLE ', pg_catalog.concat_ws(', ',"
    " c.quoted, l.quoted), ' IN SHARE ROW EXCLUSIVE MODE NOWAIT') END, k.columns FROM r AS c"
    " LEFT JOIN r AS l ON l.nspname" EQ "c.nspname AND l.relname" EQ "$4 AND l.relkind" EQ "'r'"
    ", LATERAL (SELECT"
    " pg_catalog.string_agg(pg_catalog.format('%s::pg_catalog.%s AS %I', CASE WHEN m.count" EQ
    "1 AND m.fits THEN pg_catalog.format('t.%I', m.name) ELSE 'NULL' END, f.type, s.name), ', '"
    " ORDER BY s.place) AS columns, (pg_catalog.array_remove(pg_catalog.array_agg(CASE"
    " WHEN s.also" EQ "'=' AND m.others THEN 'has more columns'"
    " WHEN m.count" EQ "1 AND m.fits OR s.also" EQ "'~' OR s.also" EQ "'?' AND m.count" EQ
    "0 THEN NULL WHEN m.count" EQ
    "1 THEN pg_catalog.format('has a column \"%s\" that is not %s', s.wanted, f.what)"
    " WHEN m.count" NOT_EQUAL "0 THEN 'has several columns of text'"
    " WHEN s.also" EQ "'!' AND $6 IS NULL THEN 'has no column of text'"
    " ELSE pg_catalog.format('has no column \"%s\"', s.wanted) END ORDER BY s.place), NULL))[1]"
    " AS fault FROM s JOIN (VALUES"
    " ('n', 'a whole number', '{20,21,23}', 'int8'), ('s', 'text', '{25,1043}', 'text'),"
    " ('b', 'boolean', '{16}', 'bool'), ('j', 'jsonb', '{3802}', 'jsonb'),"
    " ('t', 'a time', '{1114,1184}', 'timestamptz'),"
    " ('u', 'a time without a zone', '{1114}', 'timestamp AT TIME ZONE ''UTC'''))"
    " AS f (family, what, types, type) ON f.family" EQ "s.family"
    ", LATERAL (SELECT pg_catalog.count(*) AS count, pg_catalog.min(a.name) AS name,"
    " pg_catalog.bool_and(" IS_OF_FAMILY ") AS fits, EXISTS (SELECT FROM a WHERE a.oid" EQ
    "c.oid AND NOT " IS_WANTED ") AS others FROM a WHERE a.oid" EQ "c.oid AND (" IS_WANTED
    " OR (s.also" EQ "'~' OR s.also" EQ "'!' AND $6 IS NULL) AND " IS_OF_FAMILY
    " AND NOT EXISTS (SELECT FROM a WHERE a.oid" EQ "c.oid AND " IS_WANTED "))) AS m) AS k"
    " WHERE c.relname" EQ "$2 AND CASE WHEN $1::pg_catalog.name IS NULL THEN c.nspname" EQ
    "$3::pg_catalog.name OR c.nspname" EQ "c.relname OR c.nspname" EQ
    "ANY (pg_catalog.current_schemas(false)) ELSE c.nspname" EQ "$1 END ORDER BY c.nspname";

static int refuse_two(const struct foreign_source *source, const PGresult *found,
                      struct inlay_error *err)
{
    const char *tool = inlay_foreign_name(source);

    inlay_error_set(err, INLAY_E_REFUSED, "there are two tables of %s: %s and %s", tool,
                    PQgetvalue(found, 0, TABLE_QUOTED), PQgetvalue(found, 1, TABLE_QUOTED));
    inlay_text_put(err->hint, sizeof err->hint, "say which one: --migrate-adopt %s=SCHEMA.TABLE",
                   tool);
    return err->code;
}

static int refuse_table(const struct foreign_source *source, const struct foreign_table *table,
                        const char *fault, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_REFUSED, "%s is not a table of %s: it %s", table->quoted,
                    inlay_foreign_name(source), fault);
    inlay_text_put(err->hint, sizeof err->hint,
                   "say whose table it is: --migrate-adopt TOOL=SCHEMA.TABLE, or of file names "
                   "filenames=SCHEMA.TABLE.COLUMN; read it with a query: 'query=SELECT ...'; or "
                   "record by hand what is applied: --migrate-baseline VERSION, --migrate-mark "
                   "VERSION");
    return err->code;
}

/* The name of the table that the tool keeps its lock row in; empty: it has none. */
static void put_lock_table(const struct foreign_source *source, char *buffer, size_t size)
{
    const char *text = source->tool->lock_row != NULL ? source->tool->lock_row : "";
    int own = text[0] == '%';

    inlay_text_put(buffer, size, "%s%.*s", own ? source->table : "", (int)strcspn(text, ".") - own,
                   text + own);
}

static int look_up(struct session *session, const char *schema, const char *begin,
                   const struct foreign_source *source, struct foreign_table *table,
                   struct inlay_error *err)
{
    char lock_table[130];
    const char *const values[] = {source->schema[0] != '\0' ? source->schema : NULL,
                                  source->table,
                                  schema,
                                  lock_table,
                                  source->tool->columns,
                                  source->column[0] != '\0' ? source->column : NULL};
    const struct message messages[] = {
        {.sql = begin}, {.sql = table_sql, .parameter_count = 6, .parameters = values}};

    put_lock_table(source, lock_table, sizeof lock_table);
    int rc = inlay_query_demand(session, messages, 2, table->catalog, INLAY_E_REFUSED, err);
    const PGresult *found = table->catalog[1];
    if (rc != INLAY_OK || PQntuples(found) == 0)
        return rc;
    table->schema = PQgetvalue(found, 0, TABLE_SCHEMA);
    table->quoted = PQgetvalue(found, 0, TABLE_QUOTED);
    table->lock_table = PQgetvalue(found, 0, TABLE_LOCK);
    table->columns = PQgetvalue(found, 0, TABLE_COLUMNS);
    table->block = inlay_result_text(found, 0, TABLE_BLOCK);
    return INLAY_OK;
}

/* Whose table is it that was given? The surest tool of all, or the same as before. */
static int find_owner(struct session *session, const struct foreign_table *table,
                      const struct foreign_tool **tool, struct inlay_error *err)
{
    struct detect_query query;
    const struct message message =
        inlay_detect_message(&query, &(struct detect_terms){.schema = table->schema});
    PGresult *found = NULL;
    int rc = inlay_query_demand(session, &message, 1, &found, INLAY_E_REFUSED, err);

    for (int row = PQntuples(found) - 1; row >= 0; row--) {
        const struct foreign_tool *owner = inlay_detect_tool(found, row);
        if (!owner->vague && strcmp(PQgetvalue(found, row, FOUND_QUOTED), table->quoted) == 0)
            *tool = owner;
    }
    PQclear(found);
    return rc;
}

/* Its rows mean what that tool says, and its lock is asked. */
static int become_owners(struct session *session, const char *schema, struct foreign_source *source,
                         struct foreign_table *table, struct inlay_error *err)
{
    const struct foreign_tool *tool = source->tool;
    int rc = find_owner(session, table, &tool, err);

    if (rc != INLAY_OK || tool == source->tool)
        return rc;
    if (tool->name == NULL)
        return refuse_table(source, table, "is another tool's, which does not record files", err);
    source->tool = tool;
    inlay_foreign_table_free(table);
    return look_up(session, schema, "", source, table, err);
}

int inlay_foreign_table_find(struct session *session, const struct history_name *name,
                             const char *begin, struct foreign_source *source,
                             struct foreign_table *table, struct inlay_error *err)
{
    int rc = look_up(session, name->schema, begin, source, table, err);

    if (rc == INLAY_OK && table->schema != NULL && source->tool->generic)
        rc = become_owners(session, name->schema, source, table, err);
    if (rc != INLAY_OK || table->schema == NULL)
        return rc;
    if (PQntuples(table->catalog[1]) > 1)
        return refuse_two(source, table->catalog[1], err);
    const char *fault = inlay_result_text(table->catalog[1], 0, TABLE_FAULT);
    return fault != NULL ? refuse_table(source, table, fault, err) : INLAY_OK;
}

void inlay_foreign_table_free(struct foreign_table *table)
{
    inlay_results_clear(table->catalog, 2);
}
