#include "calls/trials/schema.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

/* The one text of ours that is not qualified word by word: it would be twice as long. The message
 * before it, in the same transaction, makes the search_path that it is read with, so that every
 * function, operator, type and catalog is PostgreSQL's; and so that what the server prints of the
 * database is qualified. It also keeps the server from compiling the query to machine code, which
 * can take several times as long as running it. Both settings end with the transaction. */
static const char prepare[] =
    "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),"
    " pg_catalog.set_config('jit', 'off', true)";

/* The server may keep notes of its own among the options that users set: 15.20 writes
 * {pg_attver=N} for each new column, another N each time. So only what a user can set is compared,
 * sorted. For a column PostgreSQL has two options. Those of a relation may also be an extension's,
 * with any name; the prefix pg_ is the server's. */
#define OPTIONS(options, which)                                                                    \
    "(SELECT array_agg(o ORDER BY o COLLATE \"C\") FROM unnest(" options ") AS o WHERE " which ")"
#define COLUMN_OPTIONS                                                                             \
    OPTIONS("a.attoptions", "split_part(o, '=', 1) = ANY ('{n_distinct,n_distinct_inherited}')")
#define RELATION_OPTIONS OPTIONS("c.reloptions", "NOT starts_with(o, 'pg_')")

/* One row for each object: class, oid, column (0: none), the table that it is of, owner, the kind
 * of its default privileges, its privileges, its definition. Dropped columns keep their numbers, so
 * a column's place is its rank. */
static const char relations[] =
    "SELECT 'pg_class'::regclass AS class, c.oid, 0 AS sub, x.indrelid AS home,"
    " CASE WHEN x.indexrelid IS NULL THEN c.relowner END AS owner,"
    " CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\" AS kind, c.relacl AS acl,"
    " concat_ws(' ', CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid)"
    " WHEN 'm' THEN pg_get_viewdef(c.oid) WHEN 'p' THEN pg_get_partkeydef(c.oid)"
    " WHEN 'S' THEN (SELECT concat_ws(' ', s.seqtypid::regtype, s.seqstart, s.seqincrement,"
    " s.seqmin, s.seqmax, s.seqcache, s.seqcycle) FROM pg_sequence s WHERE s.seqrelid = c.oid) END,"
    " pg_get_indexdef(x.indexrelid), CASE WHEN NOT x.indisvalid THEN 'INVALID' END,"
    " NULLIF(c.relpersistence, 'p'), " RELATION_OPTIONS ","
    " CASE c.relkind WHEN 'r' THEN NULLIF(c.relreplident, 'd') END,"
    " CASE WHEN c.relrowsecurity THEN 'ROW SECURITY' END,"
    " CASE WHEN c.relforcerowsecurity THEN 'FORCED' END, pg_get_expr(c.relpartbound, c.oid),"
    " (SELECT 'OF ' || string_agg(pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid),"
    " ', ' ORDER BY d.refobjid) FROM pg_depend d WHERE d.classid = 'pg_class'::regclass"
    " AND d.objid = c.oid AND d.objsubid = 0 AND d.refclassid = d.classid"
    " AND x.indexrelid IS NULL)) AS def"
    " FROM pg_class c LEFT JOIN pg_index x ON x.indexrelid = c.oid"
    " WHERE c.relpersistence <> 't' AND c.relkind <> 't'"

    " UNION ALL SELECT 'pg_class'::regclass, a.attrelid, a.attnum, NULL, NULL, NULL, a.attacl,"
    " concat_ws(' ', rank() OVER (PARTITION BY a.attrelid ORDER BY a.attnum),"
    " format_type(a.atttypid, a.atttypmod), NULLIF(a.attcollation, t.typcollation)::regcollation,"
    " CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'IDENTITY ' || NULLIF(a.attidentity, '')::text,"
    " 'GENERATED ' || NULLIF(a.attgenerated, '')::text,"
    " 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), NULLIF(a.attstorage, t.typstorage),"
    " " COLUMN_OPTIONS ", a.attfdwoptions) FROM pg_attribute a"
    " JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = ANY ('{r,p,v,m,f,c}')"
    " AND c.relpersistence <> 't' JOIN pg_type t ON t.oid = a.atttypid"
    " LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attnum > 0";

static const char others[] =
    " UNION ALL SELECT 'pg_constraint'::regclass, k.oid, 0, k.conrelid, NULL, NULL, NULL,"
    " pg_get_constraintdef(k.oid) FROM pg_constraint k"

    " UNION ALL SELECT 'pg_trigger'::regclass, g.oid, 0, g.tgrelid, NULL, NULL, NULL,"
    " concat_ws(' ', pg_get_triggerdef(g.oid), NULLIF(g.tgenabled, 'O'))"
    " FROM pg_trigger g WHERE NOT g.tgisinternal"

    " UNION ALL SELECT 'pg_rewrite'::regclass, w.oid, 0, w.ev_class, NULL, NULL, NULL,"
    " concat_ws(' ', pg_get_ruledef(w.oid), NULLIF(w.ev_enabled, 'O'))"
    " FROM pg_rewrite w WHERE w.rulename <> '_RETURN'"

    " UNION ALL SELECT 'pg_policy'::regclass, p.oid, 0, p.polrelid, NULL, NULL, NULL,"
    " concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::regrole[],"
    " pg_get_expr(p.polqual, p.polrelid), '/', pg_get_expr(p.polwithcheck, p.polrelid))"
    " FROM pg_policy p"

    " UNION ALL SELECT 'pg_proc'::regclass, f.oid, 0, NULL, f.proowner, 'f', f.proacl,"
    " CASE f.prokind WHEN 'a' THEN concat_ws(' ', a.aggtransfn, a.aggfinalfn,"
    " a.aggtranstype::regtype, a.agginitval) ELSE rtrim(pg_get_functiondef(f.oid), E'\\n') END"
    " FROM pg_proc f LEFT JOIN pg_aggregate a ON a.aggfnoid = f.oid WHERE f.oid >= 16384"

    " UNION ALL SELECT 'pg_type'::regclass, t.oid, 0, NULL, t.typowner, 'T', t.typacl,"
    " concat_ws(' ', (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)"
    " FROM pg_enum e WHERE e.enumtypid = t.oid),"
    " (SELECT r.rngsubtype::regtype FROM pg_range r WHERE r.rngtypid = t.oid),"
    " format_type(NULLIF(t.typbasetype, 0), t.typtypmod),"
    " CASE WHEN t.typnotnull THEN 'NOT NULL' END, 'DEFAULT ' || t.typdefault)"
    " FROM pg_type t WHERE t.typtype = ANY ('{b,d,e,r}')"
    " AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)"

    " UNION ALL SELECT 'pg_namespace'::regclass, n.oid, 0, NULL, n.nspowner, 'n', n.nspacl, ''"
    " FROM pg_namespace n WHERE NOT starts_with(n.nspname, 'pg_')"

    " UNION ALL SELECT 'pg_extension'::regclass, e.oid, 0, NULL, NULL, NULL, NULL,"
    " concat_ws(' ', e.extversion, e.extnamespace::regnamespace) FROM pg_extension e"

    " UNION ALL SELECT 'pg_publication'::regclass, p.oid, 0, NULL, p.pubowner, NULL, NULL,"
    " concat_ws(' ', p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate,"
    " p.pubviaroot) FROM pg_publication p"

    " UNION ALL SELECT 'pg_event_trigger'::regclass, e.oid, 0, NULL, e.evtowner, NULL, NULL,"
    " concat_ws(' ', e.evtevent, e.evtenabled, e.evttags, e.evtfoid::regproc)"
    " FROM pg_event_trigger e"

    " UNION ALL SELECT 'pg_default_acl'::regclass, d.oid, 0, NULL, d.defaclrole, NULL,"
    " d.defaclacl, '' FROM pg_default_acl d"

    " UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid, 0, s.stxrelid, s.stxowner, NULL, NULL,"
    " pg_get_statisticsobjdef(s.oid) FROM pg_statistic_ext s"

    /* Of these it is enough that they are there. */
    " UNION ALL SELECT d.classid, d.objid, 0, NULL, NULL, NULL, NULL, '' FROM pg_depend d"
    " WHERE d.classid = ANY ('{pg_operator,pg_opclass,pg_opfamily,pg_cast,pg_collation,"
    "pg_conversion,pg_foreign_server,pg_language,pg_publication_rel,pg_transform,pg_ts_config,"
    "pg_ts_dict,pg_ts_parser,pg_ts_template,pg_user_mapping}'::regclass[]) GROUP BY 1, 2";

/* Owner and privileges are shown where they are not what every new object has: GRANT and REVOKE
 * leave even those spelled out. */
static const char head[] =
    "SELECT (i.type || ' ' || i.identity) COLLATE \"C\", l.n, l.t COLLATE \"C\" FROM (";

static const char tail[] =
    ") AS o CROSS JOIN pg_identify_object(o.class, o.oid, o.sub) AS i"
    " CROSS JOIN regexp_split_to_table(concat_ws(' ', NULLIF(o.def, ''),"
    " 'OWNER ' || NULLIF(pg_get_userbyid(o.owner), current_user), 'PRIVILEGES ' || NULLIF("
    "(SELECT string_agg(x.a::text, ' ' ORDER BY x.a::text COLLATE \"C\") FROM unnest(o.acl)"
    " AS x (a)), (SELECT string_agg(x.a::text, ' ' ORDER BY x.a::text COLLATE \"C\")"
    " FROM unnest(acldefault(o.kind, o.owner)) AS x (a))),"
    " (SELECT 'COMMENT ' || quote_literal(d.description) FROM pg_description d"
    " WHERE d.classoid = o.class AND d.objoid = o.oid AND d.objsubid = o.sub)), E'\\n')"
    " WITH ORDINALITY AS l (t, n)"
    /* What initdb made has lower numbers; public is 2200 and may be granted on. */
    " WHERE (o.oid >= 16384 OR o.oid = 2200)"
    " AND NOT starts_with(COALESCE(i.schema, ''), 'pg_')"
    /* What an extension made, and what a type made for itself. */
    " AND NOT EXISTS (SELECT FROM pg_depend d"
    " WHERE (d.deptype = 'e' OR d.deptype = 'i' AND o.class = 'pg_proc'::regclass)"
    " AND (d.classid = o.class AND d.objid = o.oid"
    " OR d.classid = 'pg_class'::regclass AND d.objid = o.home)) ORDER BY 1, 2, 3";

int inlay_schema_read(struct session *session, PGresult **lines, struct inlay_error *err)
{
    enum { DESCRIBE = 2, COUNT = 4 };
    char *describe = inlay_text_new("%s%s%s%s", head, relations, others, tail);
    const struct message queries[COUNT] = {
        {.sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"},
        {.sql = prepare},
        [DESCRIBE] = {.sql = describe},
        {.sql = "COMMIT"}};
    PGresult *results[COUNT] = {0};
    int rc = describe != NULL
                 ? inlay_query_demand(session, queries, COUNT, results, INLAY_E_REFUSED, err)
                 : inlay_error_memory(err);

    free(describe);
    *lines = results[DESCRIBE];
    results[DESCRIBE] = NULL;
    inlay_results_clear(results, COUNT);
    return rc;
}

/* Which of two lines comes first; each is there once. */
static int compare_places(const PGresult *a, int i, const PGresult *b, int j)
{
    if (i == PQntuples(a) || j == PQntuples(b))
        return i == PQntuples(a) ? 1 : -1;
    int order = strcmp(PQgetvalue(a, i, SCHEMA_OBJECT), PQgetvalue(b, j, SCHEMA_OBJECT));
    return order != 0
               ? order
               : atoi(PQgetvalue(a, i, SCHEMA_NUMBER)) - atoi(PQgetvalue(b, j, SCHEMA_NUMBER));
}

static void show(const struct inlay_options *options, char sign, const PGresult *lines, int i)
{
    const char *number = PQgetvalue(lines, i, SCHEMA_NUMBER);
    const char *text = PQgetvalue(lines, i, SCHEMA_TEXT);
    bool further = strcmp(number, "1") != 0;

    inlay_log(options, INLAY_LOG_INFO, "%c %s%s%s%s%s", sign, PQgetvalue(lines, i, SCHEMA_OBJECT),
              further ? ", line " : "", further ? number : "", text[0] != '\0' ? ": " : "", text);
}

size_t inlay_schema_compare(const PGresult *before, const PGresult *now,
                            const struct inlay_options *options)
{
    enum { SHOWN = 20 };
    size_t found = 0;
    int i = 0;
    int j = 0;

    while (i < PQntuples(before) || j < PQntuples(now)) {
        int order = compare_places(before, i, now, j);
        bool same = order == 0 && strcmp(PQgetvalue(before, i, SCHEMA_TEXT),
                                         PQgetvalue(now, j, SCHEMA_TEXT)) == 0;
        if (order <= 0 && !same && found++ < SHOWN)
            show(options, '-', before, i);
        if (order >= 0 && !same && found++ < SHOWN)
            show(options, '+', now, j);
        i += order <= 0;
        j += order >= 0;
    }
    return found;
}

/* What a fresh database may have, and what is only a part of another object. */
static bool is_nothing(const char *object)
{
    static const char *const starts[] = {"default acl ", "extension ", "index ", "schema public"};

    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (strncmp(object, starts[i], strlen(starts[i])) == 0)
            return true;
    return strstr(object, " column ") != NULL || strstr(object, " constraint ") != NULL;
}

const char *inlay_schema_first(const PGresult *lines, size_t *count)
{
    const char *first = NULL;

    *count = 0;
    for (int i = 0; i < PQntuples(lines); i++) {
        const char *object = PQgetvalue(lines, i, SCHEMA_OBJECT);
        if (is_nothing(object) || strcmp(PQgetvalue(lines, i, SCHEMA_NUMBER), "1") != 0)
            continue;
        first = first != NULL ? first : object;
        ++*count;
    }
    return first;
}
