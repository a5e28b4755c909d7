/* The texts of the questions, for PostgreSQL 13 to 18. Those about objects are long, and would be
 * twice as long if they were qualified word by word: PROBE_ENTER makes the search_path that they
 * are read with, so that every function, operator and catalog is PostgreSQL's. */
#include "apply/effects/probes.h"
#include "history/sql.h"

#include <stdlib.h>

/* ---- which, and when ---- */

enum { MOST = 6 };

static const enum probe rounds[ROUNDS][MOST] = {
    [ROUND_BEFORE] = {PROBE_BASE, PROBE_WRITES},
    [ROUND_STATEMENT] = {PROBE_LOCKS, PROBE_WRITES},
    [ROUND_SCOPE] = {PROBE_ENTER, PROBE_SCOPE, PROBE_LEAVE},
    [ROUND_OTHERS] = {PROBE_ENTER, PROBE_OTHERS, PROBE_LEAVE},
    [ROUND_ALL] = {PROBE_ENTER, PROBE_ALL, PROBE_LEAVE},
    [ROUND_OUTSIDE] = {PROBE_BEGIN, PROBE_ENTER, PROBE_ALL, PROBE_COMMIT},
};

size_t inlay_probes_count(enum round round)
{
    size_t count = 0;

    while (count < MOST && rounds[round][count] != PROBE_NONE)
        count++;
    return count;
}

enum probe inlay_probes_at(enum round round, size_t index)
{
    return rounds[round][index];
}

/* ---- locks and counts ---- */

#define MINE(EQUALS, LEAST)                                                                        \
    " FROM pg_catalog.pg_locks WHERE pid" EQUALS "pg_catalog.pg_backend_pid()"                     \
    " AND locktype" EQUALS "'relation' AND granted AND relation" LEAST "16384"

#define QUALIFIED(operator) " OPERATOR(pg_catalog." operator") "
#define RANK(name, rank) " WHEN mode" EQ "'" name "Lock' THEN " rank

#define LOCKED                                                                                     \
    "(SELECT relation, pg_catalog.max(CASE" RANK("AccessShare", "1") RANK("RowShare", "2")         \
        RANK("RowExclusive", "3") RANK("ShareUpdateExclusive", "4") RANK("Share", "5")             \
            RANK("ShareRowExclusive", "6") RANK("Exclusive", "7") " ELSE 8 END) AS rank" MINE(     \
                EQ, QUALIFIED(">=")) " GROUP BY relation) AS l"

/* The server counts since its last report: not since the transaction began. Whoever asks
 * subtracts. */
#define COUNT(what, oid) " pg_catalog.pg_stat_get_xact_" what "(" oid ")"
#define INSERTED(oid) COUNT("tuples_inserted", oid)
#define UPDATED(oid) COUNT("tuples_updated", oid)
#define DELETED(oid) COUNT("tuples_deleted", oid)
#define COUNTED(oid)                                                                               \
    COUNT("numscans", oid)                                                                         \
    "," COUNT("tuples_returned", oid) "," INSERTED(oid) "," UPDATED(oid) "," DELETED(oid)
#define SOME QUALIFIED(">") "0"

static const char base[] = "SELECT c.oid, COALESCE(l.rank, 0)," COUNTED(
    "c.oid") " FROM pg_catalog.pg_class AS c LEFT JOIN " LOCKED " ON l.relation" EQ "c.oid"
             " WHERE c.oid" QUALIFIED(">=") "16384 AND (l.rank IS NOT NULL OR" COUNT(
                 "numscans", "c.oid") SOME " OR" INSERTED("c.oid") SOME " OR" UPDATED("c.oid") SOME
    " OR" DELETED("c.oid") SOME ") ORDER BY c.oid";

/* A relation that was dropped is still locked. */
static const char locks[] =
    "SELECT l.relation, l.rank," COUNTED("l.relation") " FROM " LOCKED " ORDER BY l.relation";

#define WRITTEN(oid)                                                                               \
    "pg_catalog.sum(" INSERTED(oid) QUALIFIED("+") UPDATED(oid) QUALIFIED("+") DELETED(oid) ")"

/* Of the catalogs of relations, and of the others. */
static const char writes[] =
    "SELECT c.part, CASE WHEN pg_catalog.current_setting('track_counts')" EQ "'on' THEN " WRITTEN(
        "c.oid") " ELSE -1 END FROM (VALUES (0, 'pg_catalog.pg_class'::pg_catalog.regclass),"
                 " (0, 'pg_catalog.pg_attribute'), (0, 'pg_catalog.pg_attrdef'),"
                 " (0, 'pg_catalog.pg_constraint'), (0, 'pg_catalog.pg_index'), (0, "
                 "'pg_catalog.pg_trigger'),"
                 " (1, 'pg_catalog.pg_proc'), (1, 'pg_catalog.pg_type'), (1, 'pg_catalog.pg_enum'),"
                 " (1, 'pg_catalog.pg_namespace')) AS c (part, oid) GROUP BY c.part ORDER BY "
                 "c.part";

static const char *const lock_names[] = {
    "",      "ACCESS SHARE",        "ROW SHARE", "ROW EXCLUSIVE",    "SHARE UPDATE EXCLUSIVE",
    "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE",
};

const char *inlay_probes_lock_name(int rank)
{
    return lock_names[rank];
}

/* ---- objects ---- */

static const char enter[] = "SELECT pg_catalog.set_config('inlay.search_path',"
                            " pg_catalog.current_setting('search_path'), true),"
                            " pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)";

static const char leave[] = "SELECT pg_catalog.set_config('search_path',"
                            " pg_catalog.current_setting('inlay.search_path'), true)";

/* What regclass prints is qualified and quoted: nothing but pg_catalog is on the path. Tables of a
 * session come and go with it; TOAST tables follow theirs. $1, $2 our own. */
#define NAME(relation) relation "::regclass::text"
#define NOT_OURS(relation)                                                                         \
    relation " <> ALL (ARRAY[COALESCE(to_regclass($1::text)::oid, 0),"                             \
             " COALESCE(to_regclass($2::text)::oid, 0)])"
#define LASTING                                                                                    \
    " c.oid >= 16384 AND c.relpersistence <> 't' AND c.relkind <> 't' AND c.relnamespace <> 99"

/* In scope is what has such a lock, or is an index of a table that has it. */
static const char scope[] = "WITH l AS MATERIALIZED (SELECT DISTINCT relation" MINE(
    " = ", " >= ") " AND mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')) ";

static const char all_relations[] =
    "SELECT 'r', c.oid::bigint AS oid, 0 AS sub, COALESCE(x.indrelid, c.oid)::bigint,"
    " c.relfilenode::bigint, COALESCE(x.indisvalid, true), false,"
    " CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view'"
    " WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'"
    " WHEN 'c' THEN 'type' ELSE 'index' END, concat(c.relnamespace, '.', c.relname), " NAME(
        "c.oid") ","
                 " " NAME("x.indrelid") ", CASE WHEN x.indpred IS NULL THEN (SELECT string_agg("
                                        "pg_get_indexdef(x.indexrelid, k, false), ', ' ORDER BY k)"
                                        " FROM generate_series(1, x.indnkeyatts) AS k) END"
                                        " FROM pg_class AS c LEFT JOIN pg_index AS x ON "
                                        "x.indexrelid = c.oid WHERE" LASTING
                                        " AND " NOT_OURS("COALESCE(x.indrelid, c.oid)");
static const char relations_in_scope[] =
    " AND (c.oid IN (SELECT relation FROM l) OR x.indrelid IN (SELECT relation FROM l))";

static const char columns[] =
    " UNION ALL SELECT 'a', a.attrelid::bigint, a.attnum, a.attrelid::bigint,"
    " (a.atttypid::bigint * 65599 + a.atttypmod + 1) % 4294967296, a.attnotnull,"
    " a.atthasdef OR a.attidentity <> '', 'column', quote_ident(a.attname),"
    " concat(" NAME("c.oid") ", '.', quote_ident(a.attname)), " NAME(
        "c.oid") ","
                 " format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a"
                 " JOIN pg_class AS c ON c.oid = a.attrelid WHERE" LASTING
                 " AND " NOT_OURS("c.oid") " AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND "
                                           "a.attnum > 0 AND NOT a.attisdropped";
static const char columns_in_scope[] = " AND a.attrelid IN (SELECT relation FROM l)";

/* Since PostgreSQL 18 NOT NULL is among the constraints; it is reported of the column. */
static const char all_constraints[] =
    " UNION ALL SELECT 'c', k.oid::bigint, 0, k.conrelid::bigint, 0, k.convalidated, false,"
    " 'constraint', quote_ident(k.conname), concat(" NAME(
        "k.conrelid") ", '.',"
                      " quote_ident(k.conname)), " NAME(
                          "k.conrelid") ", NULL FROM pg_constraint AS k"
                                        " WHERE k.conrelid >= 16384 AND k.contype NOT IN ('n', "
                                        "'t') AND " NOT_OURS("k.conrelid");
static const char constraints_in_scope[] = " AND k.conrelid IN (SELECT relation FROM l)";

static const char triggers[] =
    " UNION ALL SELECT 'g', g.oid::bigint, 0, g.tgrelid::bigint, 0, true, false,"
    " 'trigger', quote_ident(g.tgname), concat(" NAME(
        "g.tgrelid") ", '.', quote_ident(g.tgname)),"
                     " " NAME("g.tgrelid") ", NULL FROM pg_trigger AS g WHERE NOT g.tgisinternal "
                                           "AND " NOT_OURS("g.tgrelid");
static const char triggers_in_scope[] = " AND g.tgrelid IN (SELECT relation FROM l)";

/* What changes without a lock on a relation. */
static const char all_others[] =
    "SELECT 'f', f.oid::bigint AS oid, 0 AS sub, 0, f.prorettype::bigint, true, false,"
    " CASE WHEN f.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype)"
    " THEN 'trigger function' WHEN f.prokind = 'p' THEN 'procedure'"
    " WHEN f.prokind = 'a' THEN 'aggregate' ELSE 'function' END,"
    " concat(f.pronamespace, '.', f.proname, '.', f.proargtypes),"
    " f.oid::regprocedure::text, NULL, format_type(f.prorettype, NULL) FROM pg_proc AS f"
    " WHERE f.oid >= 16384"

    " UNION ALL SELECT 't', t.oid::bigint, 0, 0, 0, true, false,"
    " CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, concat(t.typnamespace, '.', "
    "t.typname),"
    " t.oid::regtype::text, NULL, NULL FROM pg_type AS t"
    " WHERE t.oid >= 16384 AND t.typtype IN ('d', 'e', 'r')"

    " UNION ALL SELECT 'e', e.oid::bigint, 0, 0, 0, true, false, 'enum value',"
    " quote_literal(e.enumlabel), concat(e.enumtypid::regtype, '.', quote_literal(e.enumlabel)),"
    " NULL, NULL FROM pg_enum AS e"

    " UNION ALL SELECT 'n', n.oid::bigint, 0, 0, 0, true, false, 'schema', quote_ident(n.nspname),"
    " quote_ident(n.nspname), NULL, NULL FROM pg_namespace AS n WHERE n.oid >= 16384"
    " AND NOT starts_with(n.nspname, 'pg_')";

static const char in_order[] = " ORDER BY 1, 2, 3";

/* ---- life ---- */

bool inlay_probes_init(struct probes *probes, const struct history_name *name)
{
    *probes = (struct probes){
        .scope_sql = inlay_text_new("%s%s%s%s%s%s%s%s%s%s", scope, all_relations,
                                    relations_in_scope, columns, columns_in_scope, all_constraints,
                                    constraints_in_scope, triggers, triggers_in_scope, in_order),
        .others_sql = inlay_text_new("%s%s", all_others, in_order),
        .all_sql = inlay_text_new("%s%s%s%s UNION ALL %s%s", all_relations, columns,
                                  all_constraints, triggers, all_others, in_order),
        .names = {name->quoted, name->quoted_state},
    };
    return probes->scope_sql != NULL && probes->others_sql != NULL && probes->all_sql != NULL;
}

void inlay_probes_finish(struct probes *probes)
{
    free(probes->scope_sql);
    free(probes->others_sql);
    free(probes->all_sql);
}

static void fill_objects(const struct probes *probes, const char *sql, struct message *message)
{
    *message = (struct message){.sql = sql, .parameter_count = 2, .parameters = probes->names};
}

void inlay_probes_fill(const struct probes *probes, enum probe probe, struct message *message)
{
    static const char *const fixed[] = {
        [PROBE_BEGIN] = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY",
        [PROBE_BASE] = base,
        [PROBE_LOCKS] = locks,
        [PROBE_WRITES] = writes,
        [PROBE_ENTER] = enter,
        [PROBE_LEAVE] = leave,
        [PROBE_COMMIT] = "COMMIT",
    };

    switch (probe) {
    case PROBE_SCOPE:
        fill_objects(probes, probes->scope_sql, message);
        break;
    case PROBE_OTHERS:
        *message = (struct message){.sql = probes->others_sql};
        break;
    case PROBE_ALL:
        fill_objects(probes, probes->all_sql, message);
        break;
    default:
        *message = (struct message){.sql = fixed[probe]};
        break;
    }
}
