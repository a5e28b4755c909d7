/* The list of other tools. Adopting from one more is one more row here, its name in ADOPTED
 * (gen/inlay_gen/commands/values.py), its section in docs/tools.md and its table in the tests.
 */
#include "foreign/tools.h"
#include "history/sql.h"

const char *const inlay_foreign_fields[FOREIGN_FIELDS] = {
    [FOREIGN_VERSION] = "version",   [FOREIGN_NAME] = "name",         [FOREIGN_THROUGH] = "through",
    [FOREIGN_BASELINE] = "baseline", [FOREIGN_HALF] = "half",         [FOREIGN_AT] = "applied_at",
    [FOREIGN_BATCH] = "batch",       [FOREIGN_CHECKSUM] = "checksum",
};

#define POSITIVE " OPERATOR(pg_catalog.>) 0"

const struct foreign_tool inlay_tool_of_a_query = {.name = "query", .points = true};

const struct foreign_tool inlay_tools[] = {
    {
        .name = "golang-migrate",
        .shown = "golang-migrate",
        .table = "schema_migrations",
        .columns = "dirty:b version:n",
        .query = "SELECT CASE WHEN dirty IS FALSE THEN version END AS through,"
                 " CASE WHEN dirty IS NOT FALSE THEN version END AS half FROM h",
        .lock_rule = LOCK_GOLANG_MIGRATE,
    },
    {
        .name = "rails",
        .shown = "Rails",
        .table = "schema_migrations",
        .columns = "version:s",
        .query = "SELECT version FROM h",
        .beside = "ar_internal_metadata",
        .lock = 2053462845,
        .lock_rule = LOCK_DATABASE,
    },
    {
        /* It locks its table while it runs. */
        .name = "ecto",
        .shown = "Ecto",
        .table = "schema_migrations",
        .columns = "inserted_at:t version:n",
        .query = "SELECT version, inserted_at AS applied_at FROM h",
    },
    {
        .name = "supabase",
        .shown = "Supabase",
        .table = "supabase_migrations.schema_migrations",
        .columns = "version:s name:s?",
        .query = "SELECT version, name FROM h",
    },
    {
        .name = "dbmate",
        .shown = "dbmate or another tool",
        .table = "schema_migrations",
        .columns = "version:s",
        .query = "SELECT version FROM h",
        .vague = true,
    },
    {
        /* Of the rows about a version the last one counts; with version 0 the table was made. It
         * takes the lock where the program has a session locker. */
        .name = "goose",
        .shown = "goose",
        .table = "goose_db_version",
        .columns = "version_id:n tstamp:t is_applied:b id:n",
        .query = "SELECT version_id AS version, tstamp AS applied_at FROM"
                 " (SELECT DISTINCT ON (version_id) * FROM h ORDER BY version_id, id DESC) AS l"
                 " WHERE is_applied AND (version_id" NOT_EQUAL "0) IS NOT FALSE",
        .lock = INT64_C(5887940537704921958),
    },
    {
        .name = "sqlx",
        .shown = "sqlx",
        .table = "_sqlx_migrations",
        .columns = "version:n success:b installed_on:t description:s?",
        .query = "SELECT CASE WHEN success THEN version END AS version, CASE WHEN success IS NOT"
                 " TRUE THEN version END AS half, description AS name, installed_on AS applied_at"
                 " FROM h",
        .lock = INT64_C(0x3d32ad9e),
        .lock_rule = LOCK_DATABASE,
    },
    {
        /* Rows without a version are repeatables, or say that the schema was created; DELETE is
         * what repair writes about a version whose file is gone. */
        .name = "flyway",
        .shown = "Flyway",
        .table = "flyway_schema_history",
        .columns = "installed_rank:n version:s installed_on:t success:b type:s description:s",
        .query =
            "SELECT CASE WHEN success THEN version END AS version, CASE WHEN success IS NOT"
            " TRUE THEN version END AS half, description AS name, installed_on AS applied_at,"
            " NULL AS baseline FROM (SELECT DISTINCT ON (version) * FROM h WHERE version IS"
            " NOT NULL AND pg_catalog.strpos(COALESCE(type, ''), 'BASELINE')" EQ "0"
            " ORDER BY version, installed_rank DESC) AS l WHERE (success AND"
            " (pg_catalog.left(type, 4)" EQ "'UNDO' OR type" EQ "'DELETE')) IS NOT TRUE"
            " UNION ALL SELECT NULL, NULL, NULL, NULL, version FROM h WHERE success AND version"
            " IS NOT NULL AND pg_catalog.strpos(type, 'BASELINE')" POSITIVE,
        .lock_rule = LOCK_FLYWAY,
        .points = true,
    },
    {
        /* It compares versions as text. The number that the generator gives them sorts in the same
         * way: zeros on the right up to 18 digits, and one more digit that tells whether there were
         * 18. */
        .name = "diesel",
        .shown = "diesel",
        .table = "__diesel_schema_migrations",
        .columns = "version:s run_on:t",
        .query =
            "SELECT CASE WHEN version OPERATOR(pg_catalog.~) '^[0-9]{1,18}$' THEN"
            " pg_catalog.concat(pg_catalog.rpad(version, 18, '0'), CASE WHEN"
            " pg_catalog.length(version)" EQ "18 THEN 1 ELSE 0 END) ELSE"
            " pg_catalog.concat('diesel ', version) END AS version, run_on AS applied_at FROM h",
    },
    {
        .name = "refinery",
        .shown = "refinery",
        .table = "refinery_schema_history",
        .columns = "version:n applied_on:s name:s?",
        .query = "SELECT version, name, applied_on AS applied_at FROM h",
    },
    {
        .name = "bun",
        .shown = "bun",
        .table = "bun_migrations",
        .columns = "group_id:n name:s migrated_at:t",
        .query = "SELECT name AS version, migrated_at AS applied_at, group_id AS batch FROM h",
        .lock_row = "bun_migration_locks.id",
    },
    {
        .name = "filenames",
        .columns = "filename:s! applied_at:t~",
        .query = "SELECT filename AS name, applied_at FROM h",
        .generic = true,
    },
    {
        .name = "id-name",
        .table = "pgmigrations",
        .columns = "name:s applied_at:t~",
        .query = "SELECT name, applied_at FROM h",
        .lock = INT64_C(7241865325823964),
        .generic = true,
    },
    {
        .name = "node-pg-migrate",
        .shown = "node-pg-migrate",
        .table = "pgmigrations",
        .columns = "run_on:t name:s",
        .query = "SELECT name, run_on AS applied_at FROM h",
        .lock = INT64_C(7241865325823964),
    },
    {
        .name = "sql-migrate",
        .shown = "sql-migrate",
        .table = "gorp_migrations",
        .columns = "applied_at:t id:s",
        .query = "SELECT id AS name, applied_at FROM h",
    },
    {
        .name = "tern",
        .shown = "tern or another tool",
        .table = "schema_version",
        .columns = "version:n=",
        .query = "SELECT version AS through FROM h WHERE (version" NOT_EQUAL "0) IS NOT FALSE",
        .lock = INT64_C(9628173550095224),
        .vague = true,
    },
    {
        .name = "knex",
        .shown = "Knex",
        .table = "knex_migrations",
        .columns = "migration_time:t name:s batch:n",
        .query = "SELECT name, migration_time AS applied_at, batch FROM h",
        .lock_row = "%_lock.is_locked",
    },
    {
        .name = "sequelize",
        .shown = "Sequelize",
        .table = "SequelizeMeta",
        .columns = "name:s createdAt:t?",
        .query = "SELECT name, \"createdAt\" AS applied_at FROM h",
    },
    {
        .name = "kysely",
        .shown = "Kysely",
        .table = "kysely_migration",
        .columns = "timestamp:s name:s",
        .query = "SELECT name, \"timestamp\" AS applied_at FROM h",
        .lock = INT64_C(3853314791062309107),
        .lock_row = "%_lock.is_locked",
    },
    {
        .name = "typeorm",
        .shown = "TypeORM",
        .table = "migrations",
        .columns = "timestamp:n name:s",
        .query = "SELECT \"timestamp\" AS version, pg_catalog.replace(name, \"timestamp\""
                 "::pg_catalog.text, '') AS name FROM h",
    },
    {
        .name = "postgres-migrations",
        .shown = "postgres-migrations",
        .table = "migrations",
        .columns = "executed_at:t id:n name:s",
        .query = "SELECT id AS version, name, executed_at AS applied_at FROM h WHERE (id" NOT_EQUAL
                 "0) IS NOT FALSE",
        .lock = -INT64_C(8525285245963000605),
    },
    {
        .name = "db-migrate",
        .shown = "db-migrate",
        .table = "migrations",
        .columns = "run_on:t name:s",
        .query = "SELECT name, run_on AS applied_at FROM h",
    },
    {
        .name = "postgrator",
        .shown = "postgrator",
        .table = "schemaversion",
        .columns = "version:n name:s? run_at:t?",
        .query = "SELECT version, name, run_at AS applied_at FROM h WHERE (version" NOT_EQUAL
                 "0) IS NOT FALSE",
    },
    {
        .name = "databases",
        .shown = "@databases",
        .table = "atdatabases_migrations_applied",
        .columns = "ignored_error:s name:s obsolete:b applied_at:t",
        .query =
            "SELECT CASE WHEN ignored_error IS NULL THEN name END AS name, CASE WHEN"
            " ignored_error IS NOT NULL THEN name END AS half, applied_at FROM h WHERE obsolete"
            " IS NOT TRUE",
    },
    {
        .name = "graphile-migrate",
        .shown = "graphile-migrate",
        .table = "graphile_migrate.migrations",
        .columns = "filename:s date:t",
        .query = "SELECT filename AS name, date AS applied_at FROM h",
    },
    {
        .name = "prisma",
        .shown = "Prisma",
        .table = "_prisma_migrations",
        .columns = "migration_name:s finished_at:t rolled_back_at:t checksum:s",
        .query = "SELECT CASE WHEN finished_at IS NOT NULL THEN migration_name END AS name, CASE"
                 " WHEN finished_at IS NULL THEN migration_name END AS half, finished_at AS"
                 " applied_at, checksum FROM h WHERE rolled_back_at IS NULL",
        .lock = 72707369,
    },
    {
        .name = "sqitch",
        .shown = "Sqitch",
        .table = "sqitch.events",
        .columns = "change_id:s event:s change:s committed_at:t",
        .query = "SELECT CASE WHEN event" EQ "'deploy' THEN change END AS name, CASE WHEN event" EQ
                 "'fail' THEN change END AS half, committed_at AS applied_at FROM (SELECT DISTINCT"
                 " ON (change_id) * FROM h WHERE event" NOT_EQUAL "'merge' ORDER BY change_id,"
                 " committed_at DESC) AS l WHERE event" NOT_EQUAL "'revert'",
        .lock = 75474063,
    },
    {
        .name = "yoyo",
        .shown = "yoyo",
        .table = "_yoyo_migration",
        .columns = "migration_id:s applied_at_utc:u",
        .query = "SELECT migration_id AS name, applied_at_utc AS applied_at FROM h",
        .lock_row = "yoyo_lock.locked",
    },
    {
        /* Type 1 is a baseline, 4 and more were set by hand; newer versions keep a row of their own
         * whose version begins with a point. */
        .name = "atlas",
        .shown = "Atlas",
        .table = "atlas_schema_revisions",
        .columns = "version:s type:n applied:n total:n error:s executed_at:t",
        .query =
            "SELECT CASE WHEN done AND NOT base THEN version END AS version, CASE WHEN done AND"
            " base THEN version END AS baseline, CASE WHEN done IS NOT TRUE THEN version END AS"
            " half, executed_at AS applied_at FROM (SELECT *, type" EQ "1 AS base, applied" EQ
            "total AND COALESCE(error, '')" EQ "'' OR type OPERATOR(pg_catalog.>=) 4 AS done FROM h"
            " WHERE"
            " (pg_catalog.left(version, 1)" NOT_EQUAL "'.') IS NOT FALSE) AS d",
        .lock = INT64_C(2686470616), /* FNV-1 of atlas_migrate_execute */
    },
    {
        /* A document that has the versions of each database, and true for those half done. */
        .name = "hasura",
        .shown = "Hasura",
        .table = "hdb_catalog.hdb_version",
        .columns = "cli_state:j",
        .query = "SELECT CASE WHEN v.value" EQ "'false' THEN v.key END AS version, CASE WHEN"
                 " v.value" NOT_EQUAL "'false' THEN v.key END AS half FROM h, LATERAL"
                 " pg_catalog.jsonb_each(pg_catalog.jsonb_extract_path(cli_state, 'migrations')) AS"
                 " d, LATERAL pg_catalog.jsonb_each_text(d.value) AS v",
    },
    {
        /* The checksum of each file. */
        .name = "drizzle",
        .shown = "Drizzle",
        .table = "drizzle.__drizzle_migrations",
        .columns = "hash:s",
        .query = "SELECT hash AS name FROM h",
    },
    {
        .name = "entity-framework",
        .shown = "Entity Framework",
        .table = "__EFMigrationsHistory",
        .columns = "MigrationId:s",
        .query = "SELECT \"MigrationId\" AS name FROM h",
    },
    /* Whose rows do not say which files were applied. */
    {.shown = "Alembic", .table = "alembic_version", .columns = "version_num"},
    {.shown = "Django", .table = "django_migrations", .columns = "app"},
    {.shown = "Liquibase", .table = "databasechangelog", .columns = "orderexecuted"},
    {.shown = "Laravel", .table = "migrations", .columns = "migration"},
    {.shown = "Versioning", .table = "_v.patches", .columns = "patch_name"},
    /* Names that programs give to tables of their own. */
    {.shown = "another tool", .table = "schema_versions", .columns = "version", .vague = true},
    {.shown = "another tool", .table = "schema_info", .columns = "version", .vague = true},
    {.shown = "another tool", .table = "db_version", .columns = "version", .vague = true},
    {.shown = "another tool", .table = "migrations", .columns = "version", .vague = true},
    {.shown = "another tool", .table = "migrations", .columns = "name", .vague = true},
};

const size_t inlay_tool_count = sizeof inlay_tools / sizeof inlay_tools[0];
