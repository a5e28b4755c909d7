#include "history/sql.h"

/* No table is read: to plan a query over one costs a server process that has just begun ten times
 * what these functions do. */
#define NAMESPACE "pg_catalog.to_regnamespace($1::pg_catalog.text)::pg_catalog.oid"

const char inlay_sql_facts[] =
    "SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(),"
    " pg_catalog.current_setting('transaction_read_only')," /* on, off */
    " pg_catalog.current_database(), current_user, " NAMESPACE " IS NOT NULL,"
    " COALESCE(pg_catalog.has_schema_privilege(" NAMESPACE ", 'CREATE'),"
    " pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')),"
    " pg_catalog.version()";

#define OUR_TABLES                                                                                 \
    " FROM pg_catalog.pg_class AS c WHERE c.relnamespace" EQ NAMESPACE " AND c.relname" EQ         \
    "ANY (ARRAY[$2, $3]::pg_catalog.name[])"

const char inlay_sql_shapes[] =
    "SELECT c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.relhasrules,"
    " c.relhastriggers, pg_catalog.pg_has_role(c.relowner, 'USAGE'),"
    " pg_catalog.pg_get_userbyid(c.relowner),"
    " ARRAY(SELECT CASE WHEN i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred"
    " IS NULL AND i.indexprs IS NULL THEN i.indkey END"
    " FROM pg_catalog.pg_index AS i WHERE i.indrelid" EQ "c.oid)" OUR_TABLES;

const char inlay_sql_attached[] =
    "SELECT c.relname, EXISTS (SELECT FROM pg_catalog.pg_rewrite AS w WHERE w.ev_class" EQ
    "c.oid), EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid" EQ
    "c.oid AND NOT t.tgisinternal)" OUR_TABLES;

const char inlay_sql_own_settings[] =
    "SELECT s.name, s.reset_val, s.source, pg_catalog.inet_server_addr() IS NULL"
    " FROM pg_catalog.pg_settings AS s WHERE s.name" EQ "'synchronous_commit' OR s.name" EQ
    "'client_encoding'"
    " OR s.name OPERATOR(pg_catalog.~) '^(tcp_|client_connection_check_|.*_timeout$)'";

const char inlay_sql_asynchronous[] =
    "SELECT pg_catalog.set_config('synchronous_commit', 'off', true)";

const char inlay_sql_flush[] = "SELECT pg_catalog.pg_logical_emit_message(true, 'inlay', '')";

const char inlay_sql_no_timeouts[] = "SELECT pg_catalog.set_config('lock_timeout', '0', true),"
                                     " pg_catalog.set_config('statement_timeout', '0', true)";

/* The age of other roles' transactions is not for everybody to see: those are taken as old. A
 * prepared transaction has no process. */
const char inlay_sql_blockers[] =
    "WITH held AS (SELECT l.pid, COALESCE(p.gid, a.application_name) AS who,"
    " pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-)"
    " COALESCE(a.xact_start, p.prepared)) AS age,"
    " CASE WHEN pg_catalog.strpos($1, c.relname::pg_catalog.text) OPERATOR(pg_catalog.>) 0"
    " THEN 2 ELSE 0 END AS named, pg_catalog.concat(l.mode, ' on ',"
    " pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(c.relname)) AS lock"
    " FROM pg_catalog.pg_locks AS l"
    " JOIN pg_catalog.pg_class AS c ON c.oid" EQ "l.relation AND c.relkind"
    " OPERATOR(pg_catalog.<>) 'i' JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ
    "c.relnamespace AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog'"
    " LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid" EQ "l.pid"
    " LEFT JOIN (SELECT x.virtualtransaction, q.gid, q.prepared FROM pg_catalog.pg_locks AS x"
    " JOIN pg_catalog.pg_prepared_xacts AS q ON q.transaction" EQ
    "x.transactionid WHERE x.pid IS NULL) AS p ON l.pid IS NULL AND p.virtualtransaction" EQ
    "l.virtualtransaction WHERE l.granted AND l.database" EQ
    "(SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname" EQ
    "pg_catalog.current_database()) AND (l.pid IS NULL OR l.pid OPERATOR(pg_catalog.<>)"
    " pg_catalog.pg_backend_pid())),"
    " ranked AS (SELECT h.*, h.named OPERATOR(pg_catalog.+) CASE WHEN h.age OPERATOR(pg_catalog.*)"
    " 1000 OPERATOR(pg_catalog.<) $2::double precision THEN 0 ELSE 1 END AS rank FROM held AS h)"
    " SELECT r.pid, r.who, pg_catalog.floor(r.age), pg_catalog.min(r.lock),"
    " pg_catalog.count(*) OPERATOR(pg_catalog.-) 1 FROM ranked AS r WHERE r.rank" EQ
    "(SELECT pg_catalog.max(o.rank) FROM ranked AS o) GROUP BY r.pid, r.who, r.age"
    " ORDER BY r.age DESC LIMIT 4";

const char inlay_sql_lock[] = "SELECT pg_catalog.pg_try_advisory_lock($1::bigint)";

const char inlay_sql_unlock[] = "SELECT pg_catalog.pg_advisory_unlock($1::bigint)";

/* pg_locks shows a 64-bit key as two halves. */
#define LOCK_IS_OURS                                                                               \
    "l.locktype" EQ "'advisory'::pg_catalog.text AND l.granted AND l.objsubid" EQ                  \
    "1 AND l.database" EQ "(SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname" EQ      \
    "pg_catalog.current_database()) AND l.classid" EQ                                              \
    "(($1::bigint OPERATOR(pg_catalog.>>) 32) OPERATOR(pg_catalog.&) 4294967295)"                  \
    "::pg_catalog.oid AND l.objid" EQ                                                              \
    "($1::bigint OPERATOR(pg_catalog.&) 4294967295)::pg_catalog.oid"

const char inlay_sql_holder[] =
    "SELECT l.pid, a.application_name, pg_catalog.host(a.client_addr),"
    " pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-)"
    " a.backend_start)::bigint FROM pg_catalog.pg_locks AS l"
    " LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid" EQ "l.pid WHERE " LOCK_IS_OURS;

const char inlay_sql_holding[] = "SELECT 1 FROM pg_catalog.pg_locks AS l WHERE l.pid" EQ
                                 "pg_catalog.pg_backend_pid() AND " LOCK_IS_OURS;

#define QUOTED_NAME                                                                                \
    "pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(c.relname))"

/* Told by name and by a column that only this tool's table has; a sure guess comes before a vague
 * one about the same table. Looked for where the history is to be and where the migrations would
 * put their tables. */
const char inlay_sql_foreign[] =
    "SELECT " QUOTED_NAME ", k.tool, k.source FROM (VALUES"
    " ('schema_migrations', 'dirty', 'golang-migrate', 'golang-migrate'),"
    " ('schema_migrations', 'version', 'dbmate or another tool', 'dbmate'),"
    " ('goose_db_version', 'version_id', 'goose', 'goose'),"
    " ('_sqlx_migrations', 'version', 'sqlx', 'sqlx'),"
    " ('__diesel_schema_migrations', 'version', 'diesel', 'diesel'),"
    " ('refinery_schema_history', 'version', 'refinery', 'refinery'),"
    " ('flyway_schema_history', 'installed_rank', 'Flyway', 'flyway'),"
    " ('bun_migrations', 'group_id', 'bun', 'bun'),"
    " ('alembic_version', 'version_num', 'Alembic', NULL),"
    " ('atlas_schema_revisions', 'version', 'Atlas', NULL),"
    " ('_prisma_migrations', 'migration_name', 'Prisma', NULL),"
    " ('pgmigrations', 'run_on', 'node-pg-migrate', 'id-name'),"
    " ('knex_migrations', 'migration_time', 'Knex', NULL),"
    " ('SequelizeMeta', 'name', 'Sequelize', NULL),"
    " ('django_migrations', 'app', 'Django', NULL),"
    " ('databasechangelog', 'orderexecuted', 'Liquibase', NULL),"
    " ('__EFMigrationsHistory', 'MigrationId', 'Entity Framework', NULL),"
    " ('gorp_migrations', 'applied_at', 'sql-migrate', NULL),"
    " ('schema_version', 'version', 'tern or another tool', NULL)"
    ") AS k (name, marker, tool, source)"
    " JOIN pg_catalog.pg_class AS c ON c.relname::pg_catalog.text" EQ "k.name AND (c.relkind" EQ
    "'r' OR c.relkind" EQ "'p')"
    " JOIN pg_catalog.pg_attribute AS a ON a.attrelid" EQ "c.oid AND a.attname::pg_catalog.text" EQ
    "k.marker AND NOT a.attisdropped"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ "c.relnamespace AND (n.nspname" EQ
    "$1::pg_catalog.name OR n.nspname" EQ
    "ANY (pg_catalog.current_schemas(false))) ORDER BY pg_catalog.strpos(k.tool, ' or another')";

const char inlay_sql_foreign_table[] =
    "SELECT n.nspname, " QUOTED_NAME ", c.relkind, c.relrowsecurity,"
    " pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE'), a.attname, a.atttypid"
    " FROM pg_catalog.pg_class AS c"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ "c.relnamespace"
    " LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid" EQ
    "c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped"
    " WHERE c.relname" EQ "$2::pg_catalog.name AND c.relkind" EQ
    "ANY ('{r,p,v,m,f}'::pg_catalog.\"char\"[]) AND CASE WHEN $1::pg_catalog.name IS NULL"
    " THEN n.nspname" EQ "$3::pg_catalog.name OR n.nspname" EQ
    "ANY (pg_catalog.current_schemas(false)) ELSE n.nspname" EQ "$1::pg_catalog.name END"
    " ORDER BY n.nspname, a.attnum";

const char inlay_sql_foreign_lock[] = "SELECT pg_catalog.pg_try_advisory_xact_lock($1::bigint)";

/* Keeps writers out, and another process that adopts; never waits inside the transaction. */
char *inlay_sql_foreign_block(const char *quoted)
{
    return inlay_text_new("LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE NOWAIT", quoted);
}

#define FOREIGN_FIELD(number) "pg_catalog.jsonb_object_field_text(r.j, $" #number ")"

char *inlay_sql_foreign_rows(const char *quoted)
{
    return inlay_text_new(
        "SELECT " FOREIGN_FIELD(1) ", " FOREIGN_FIELD(2) ", " FOREIGN_FIELD(3) ", " FOREIGN_FIELD(
            4) ", " FOREIGN_FIELD(5) ", " FOREIGN_FIELD(6) " FROM (SELECT pg_catalog.to_jsonb(h.*)"
                                                           " AS j FROM %s AS h) AS r ORDER BY"
                                                           " " FOREIGN_FIELD(6) "::bigint",
        quoted);
}

/* An index has no schema of its own: it is made in its table's. Names as written are taken apart by
 * the server, which also cuts them as it cut them then. Whose progress is hidden from us still
 * shows its pid, and holds a lock on the table from the first transaction of the build to the last.
 */
const char inlay_sql_index[] =
    "SELECT pg_catalog.format('%I.%I', n.nspname, w.name),"
    " i.indisvalid AND i.indisready AND i.indislive, pg_catalog.pg_get_indexdef(i.indexrelid),"
    " (SELECT l.pid FROM pg_catalog.pg_locks AS l"
    " JOIN pg_catalog.pg_stat_progress_create_index AS p ON p.pid" EQ
    "l.pid WHERE l.granted AND l.relation" EQ "COALESCE(w.rel, i.indrelid) AND p.datname" EQ
    "pg_catalog.current_database() AND l.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()"
    " LIMIT 1)"
    " FROM (SELECT t.oid AS rel, t.relnamespace AS ns,"
    " p.parts[pg_catalog.cardinality(p.parts)]::pg_catalog.name AS name"
    " FROM pg_catalog.pg_class AS t, pg_catalog.parse_ident($2) AS p (parts)"
    " WHERE t.oid" EQ "pg_catalog.to_regclass($1)"
    " UNION ALL SELECT NULL, x.relnamespace, x.relname FROM pg_catalog.pg_class AS x"
    " WHERE $1 IS NULL AND x.oid" EQ "pg_catalog.to_regclass($2)) AS w"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ "w.ns"
    " LEFT JOIN (pg_catalog.pg_class AS c JOIN pg_catalog.pg_index AS i ON i.indexrelid" EQ
    "c.oid AND c.relkind" EQ "'i') ON c.relnamespace" EQ "w.ns AND c.relname" EQ "w.name"
    " AND (w.rel IS NULL OR i.indrelid" EQ "w.rel)";

/* Those of a TOAST table are in a schema that only a superuser may look into; the server names them
 * itself when it goes over the table again. */
const char inlay_sql_leftovers[] =
    "SELECT " QUOTED_NAME " FROM pg_catalog.pg_index AS i"
    " JOIN pg_catalog.pg_class AS c ON c.oid" EQ
    "i.indexrelid AND c.relname OPERATOR(pg_catalog.~) '_cc(new|old)[0-9]*$'"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ "c.relnamespace"
    " WHERE NOT i.indisvalid AND i.indrelid" EQ
    "COALESCE(pg_catalog.to_regclass($1)::pg_catalog.oid,"
    " (SELECT x.indrelid FROM pg_catalog.pg_index AS x WHERE x.indexrelid" EQ
    "pg_catalog.to_regclass($2)))";

/* In schemas: from the dependencies that DROP SCHEMA follows too, less what belongs to an extension
 * ('e'), is a part of something else ('i') or goes with a column ('a'). The owner of a schema may
 * drop all that is in it; an object without an entry is owned by a role that cannot be dropped, the
 * first superuser (10).
 *
 * Besides: what this very role owns, because a superuser is in every role and did not make
 * everything. Extensions without CASCADE, which would take along what is not ours, and in one
 * statement, because they may need each other. Schemas without it too: nothing is left in them. */
const char inlay_sql_holdings[] =
    "WITH me AS (SELECT r.oid AS role, d.oid AS db FROM pg_catalog.pg_roles AS r,"
    " pg_catalog.pg_database AS d WHERE r.rolname" EQ "current_user AND d.datname" EQ
    "pg_catalog.current_database()), e AS (SELECT x.*, x.extowner" EQ
    "me.role AND NOT x.extnamespace" EQ
    "'pg_catalog'::pg_catalog.regnamespace AS own FROM pg_catalog.pg_extension AS x,"
    " me), s AS (SELECT n.*, n.nspname" EQ "'public' OR NOT n.owned OR EXISTS (SELECT FROM e"
    " WHERE e.extnamespace" EQ "n.oid AND NOT e.own) AS stays FROM (SELECT n.oid, n.nspname,"
    " pg_catalog.pg_has_role(n.nspowner, 'USAGE') AS owned FROM pg_catalog.pg_namespace AS n"
    " WHERE NOT n.nspname" EQ "'information_schema'"
    " AND NOT pg_catalog.left(n.nspname::pg_catalog.text, 3)" EQ "'pg_'"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS m WHERE m.classid" EQ
    "'pg_catalog.pg_namespace'::pg_catalog.regclass AND m.objid" EQ "n.oid AND m.deptype" EQ
    "'e')) AS n)"

    " SELECT q.text, q.type, q.name, q.rows, q.obstacle FROM (SELECT 1 AS turn,"
    " pg_catalog.format('DROP %s IF EXISTS %s CASCADE', pg_catalog.replace("
    "pg_catalog.replace(i.type, 'aggregate', 'routine'), ' object', ''), i.identity) AS text, "
    "i.type,"
    " s.nspname AS name, CASE WHEN c.relkind" EQ "ANY ('{r,m}'::pg_catalog.\"char\"[]) THEN"
    " GREATEST(c.reltuples::bigint, pg_catalog.pg_stat_get_live_tuples(c.oid), 0) END AS rows,"
    " CASE WHEN NOT s.owned AND NOT pg_catalog.pg_has_role(o.owner, 'USAGE') THEN"
    " pg_catalog.format('%s %s (owned by %I)', i.type, i.identity,"
    " pg_catalog.pg_get_userbyid(o.owner)) END AS obstacle"
    " FROM s JOIN pg_catalog.pg_depend AS d ON d.refclassid" EQ
    "'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid" EQ "s.oid AND d.deptype" EQ
    "'n' AND NOT d.classid" EQ "'pg_catalog.pg_extension'::pg_catalog.regclass CROSS JOIN me"
    " LEFT JOIN pg_catalog.pg_shdepend AS h ON h.dbid" EQ "me.db AND h.classid" EQ
    "d.classid AND h.objid" EQ "d.objid AND h.deptype" EQ "'o'"
    " CROSS JOIN LATERAL (SELECT COALESCE(h.refobjid, 10::pg_catalog.oid) AS owner) AS o"
    " LEFT JOIN pg_catalog.pg_class AS c ON d.classid" EQ
    "'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid" EQ "d.objid"
    " CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, 0) AS i"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS m WHERE m.classid" EQ
    "d.classid AND m.objid" EQ "d.objid AND m.objsubid" EQ "0 AND (m.deptype" EQ
    "ANY ('{e,i}'::pg_catalog.\"char\"[]) OR (m.deptype" EQ "'a' AND m.refobjsubid"
    " OPERATOR(pg_catalog.>) 0)))"

    " UNION ALL SELECT 2, pg_catalog.format('DROP %s IF EXISTS %I CASCADE', b.type, b.name),"
    " b.type, b.name, NULL, NULL FROM"
    " (SELECT 'publication' AS type, p.pubname AS name, p.pubowner AS owner"
    " FROM pg_catalog.pg_publication AS p UNION ALL SELECT 'server', f.srvname, f.srvowner"
    " FROM pg_catalog.pg_foreign_server AS f) AS b, me WHERE b.owner" EQ "me.role"

    " UNION ALL SELECT 3, pg_catalog.format('DROP EXTENSION IF EXISTS %s', x.list),"
    " 'extension', x.list, NULL, NULL FROM (SELECT pg_catalog.string_agg("
    "pg_catalog.quote_ident(e.extname::pg_catalog.text), ', ') AS list FROM e WHERE e.own) AS x"
    " WHERE x.list IS NOT NULL"

    " UNION ALL SELECT 4, CASE WHEN NOT s.stays THEN pg_catalog.format('DROP SCHEMA IF EXISTS %I',"
    " s.nspname) END, 'schema', s.nspname, NULL, CASE WHEN NOT s.stays AND NOT"
    " pg_catalog.has_database_privilege(me.db, 'CREATE') THEN pg_catalog.format("
    "'schema %I (to make it again takes CREATE on the database)', s.nspname) END FROM s, me"

    " UNION ALL SELECT 5, NULL, 'subscription', u.subname, NULL,"
    " pg_catalog.format('subscription %I (end it first)', u.subname)"
    " FROM pg_catalog.pg_subscription AS u, me WHERE u.subdbid" EQ "me.db) AS q"
    " ORDER BY q.turn, q.name, q.text";
