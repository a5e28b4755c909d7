#include "history/sql.h"

/* Told by name and by a column that only this tool's table has; a sure guess comes before a vague
 * one about the same table. Looked for where the history is to be and where the migrations would
 * put their tables. */
const char inlay_sql_foreign[] =
    "SELECT " QUOTED_NAME ", k.tool, k.source, n.nspname, c.relname, k.marker FROM (VALUES"
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
    " ('knex_migrations', 'migration_time', 'Knex', 'filenames'),"
    " ('SequelizeMeta', 'name', 'Sequelize', 'filenames'),"
    " ('django_migrations', 'app', 'Django', NULL),"
    " ('databasechangelog', 'orderexecuted', 'Liquibase', NULL),"
    " ('__EFMigrationsHistory', 'MigrationId', 'Entity Framework', 'filenames'),"
    " ('gorp_migrations', 'applied_at', 'sql-migrate', 'filenames'),"
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
