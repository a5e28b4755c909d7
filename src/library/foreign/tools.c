/* The list of other tools: names, tables, columns, what their rows mean and which locks they take.
 * The generator has the names that can be adopted (ADOPTED in gen/inlay_gen/commands/values.py). */
#include "foreign/tools.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* ---- versions ---- */

/* diesel compares versions as text. The number that the generator gives them sorts in the same way:
 * zeros on the right up to 18 digits, and one more digit that tells whether there were 18. */
static bool parse_diesel(const char *text, int64_t *version)
{
    enum { DIGITS = 18 };
    char digits[DIGITS + 2] = "";
    size_t length = strlen(text);

    if (length == 0 || length > DIGITS || strspn(text, "0123456789") != length)
        return false;
    for (size_t i = 0; i < DIGITS; i++)
        digits[i] = i < length ? text[i] : '0';
    digits[DIGITS] = length == DIGITS ? '1' : '0';
    return inlay_text_number(digits, version);
}

/* "db/0001_create_users.sql": the digits that a file name begins with. */
static bool parse_leading(const char *text, int64_t *version)
{
    const char *slash = strrchr(text, '/');
    const char *name = slash != NULL ? slash + 1 : text;
    size_t length = strspn(name, "0123456789");
    char digits[24] = "";

    if (length >= sizeof digits || strchr("_-.", name[length]) == NULL)
        return false;
    memcpy(digits, name, length);
    return inlay_text_number(digits, version);
}

/* ---- meanings ---- */

static bool is(const char *value, const char *wanted)
{
    return value != NULL && strcmp(value, wanted) == 0;
}

static bool begins(const char *value, const char *with)
{
    return value != NULL && strncmp(value, with, strlen(with)) == 0;
}

static enum meaning golang_migrate_meaning(const struct foreign_row *row)
{
    return is(row->values[FOREIGN_FLAG], "false") ? MEANS_THROUGH : MEANS_HALF_DONE;
}

/* Version 0 is the row that goose makes its table with. */
static enum meaning goose_meaning(const struct foreign_row *row)
{
    if (is(row->values[FOREIGN_VERSION], "0"))
        return MEANS_NOTHING;
    return is(row->values[FOREIGN_FLAG], "true") ? MEANS_APPLIED : MEANS_GONE;
}

static enum meaning sqlx_meaning(const struct foreign_row *row)
{
    return is(row->values[FOREIGN_FLAG], "true") ? MEANS_APPLIED : MEANS_HALF_DONE;
}

/* Rows without a version are repeatables, and the one that says that the schema was created.
 * DELETE is what repair writes about a version whose file is gone. */
static enum meaning flyway_meaning(const struct foreign_row *row)
{
    const char *kind = row->values[FOREIGN_KIND];

    if (row->values[FOREIGN_VERSION] == NULL || !is(row->values[FOREIGN_FLAG], "true"))
        return MEANS_NOTHING;
    if (begins(kind, "UNDO") || is(kind, "DELETE"))
        return MEANS_GONE;
    return kind != NULL && strstr(kind, "BASELINE") != NULL ? MEANS_THROUGH : MEANS_APPLIED;
}

/* ---- locks ---- */

/* Of IEEE 802.3, the usual one. */
static uint32_t crc32(const char *text, size_t length)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < length; i++) {
        crc ^= (unsigned char)text[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

/* Schema, table and database with NULs between them. Given a URL it takes the path of that for the
 * name of the database, slash included; given a connection, the name. */
static size_t golang_migrate_locks(const struct foreign_source *source, const char *schema,
                                   const char *database, int64_t keys[FOREIGN_LOCKS])
{
    for (int i = 0; i < FOREIGN_LOCKS; i++) {
        char text[200];
        int length = snprintf(text, sizeof text, "%s%c%s%c%s%s", schema, 0, source->table, 0,
                              i == 0 ? "/" : "", database);
        keys[i] = crc32(text, (size_t)length) * 1486364155u;
    }
    return FOREIGN_LOCKS;
}

static size_t sqlx_locks(const struct foreign_source *source, const char *schema,
                         const char *database, int64_t keys[FOREIGN_LOCKS])
{
    (void)source;
    (void)schema;
    keys[0] = INT64_C(0x3d32ad9e) * crc32(database, strlen(database));
    return 1;
}

/* "Flyway" in ASCII, plus what Java makes of "schema"."table"; that is exact for ASCII. */
static size_t flyway_locks(const struct foreign_source *source, const char *schema,
                           const char *database, int64_t keys[FOREIGN_LOCKS])
{
    char text[140];
    uint32_t hash = 0;

    (void)database;
    snprintf(text, sizeof text, "\"%s\".\"%s\"", schema, source->table);
    for (const char *c = text; *c != '\0'; c++)
        hash = hash * 31 + (unsigned char)*c;
    keys[0] = INT64_C(0x466c79776179) + (int64_t)hash;
    if (hash > INT32_MAX)
        keys[0] -= INT64_C(0x100000000);
    return 1;
}

const struct foreign_tool inlay_tools[] = {
    {
        .name = "golang-migrate",
        .table = "schema_migrations",
        .shown = "golang-migrate",
        .marker = "dirty",
        .columns = {[FOREIGN_VERSION] = {"version", FAMILY_NUMBER, false},
                    [FOREIGN_FLAG] = {"dirty", FAMILY_BOOLEAN, false}},
        .parse = inlay_text_number,
        .meaning = golang_migrate_meaning,
        .locks = golang_migrate_locks,
        .counter = true,
    },
    {
        .name = "dbmate",
        .table = "schema_migrations",
        .shown = "dbmate or another tool",
        .marker = "version",
        .vague = true,
        .columns = {[FOREIGN_VERSION] = {"version", FAMILY_TEXT, false}},
        .parse = inlay_text_number,
    },
    {
        .name = "goose",
        .table = "goose_db_version",
        .shown = "goose",
        .marker = "version_id",
        .columns = {[FOREIGN_VERSION] = {"version_id", FAMILY_NUMBER, false},
                    [FOREIGN_AT] = {"tstamp", FAMILY_TIME, false},
                    [FOREIGN_FLAG] = {"is_applied", FAMILY_BOOLEAN, false},
                    [FOREIGN_NUMBER] = {"id", FAMILY_NUMBER, false}},
        .parse = inlay_text_number,
        .meaning = goose_meaning,
        .lock = INT64_C(5887940537704921958), /* where the program has a session locker */
        .log = true,
    },
    {
        .name = "sqlx",
        .table = "_sqlx_migrations",
        .shown = "sqlx",
        .marker = "version",
        .columns = {[FOREIGN_VERSION] = {"version", FAMILY_NUMBER, false},
                    [FOREIGN_AT] = {"installed_on", FAMILY_TIME, false},
                    [FOREIGN_FLAG] = {"success", FAMILY_BOOLEAN, false}},
        .parse = inlay_text_number,
        .meaning = sqlx_meaning,
        .locks = sqlx_locks,
    },
    {
        .name = "flyway",
        .table = "flyway_schema_history",
        .shown = "Flyway",
        .marker = "installed_rank",
        .columns = {[FOREIGN_VERSION] = {"version", FAMILY_TEXT, false},
                    [FOREIGN_AT] = {"installed_on", FAMILY_TIME, false},
                    [FOREIGN_FLAG] = {"success", FAMILY_BOOLEAN, false},
                    [FOREIGN_KIND] = {"type", FAMILY_TEXT, false},
                    [FOREIGN_NUMBER] = {"installed_rank", FAMILY_NUMBER, false}},
        .parse = inlay_text_number,
        .meaning = flyway_meaning,
        .locks = flyway_locks,
        .log = true,
    },
    {
        .name = "diesel",
        .table = "__diesel_schema_migrations",
        .shown = "diesel",
        .marker = "version",
        .columns = {[FOREIGN_VERSION] = {"version", FAMILY_TEXT, false},
                    [FOREIGN_AT] = {"run_on", FAMILY_TIME, false}},
        .parse = parse_diesel,
    },
    {
        .name = "refinery",
        .table = "refinery_schema_history",
        .shown = "refinery",
        .marker = "version",
        .columns = {[FOREIGN_VERSION] = {"version", FAMILY_NUMBER, false},
                    [FOREIGN_AT] = {"applied_on", FAMILY_TEXT, false}},
        .parse = inlay_text_number,
    },
    {
        .name = "bun",
        .table = "bun_migrations",
        .shown = "bun",
        .marker = "group_id",
        .columns = {[FOREIGN_VERSION] = {"name", FAMILY_TEXT, false},
                    [FOREIGN_AT] = {"migrated_at", FAMILY_TIME, false},
                    [FOREIGN_BATCH] = {"group_id", FAMILY_NUMBER, false},
                    [FOREIGN_NUMBER] = {"id", FAMILY_NUMBER, false}},
        .parse = inlay_text_number,
    },
    {
        .name = "filenames",
        .columns = {[FOREIGN_VERSION] = {"filename", FAMILY_TEXT, true},
                    [FOREIGN_AT] = {"applied_at", FAMILY_TIME, true}},
        .parse = parse_leading,
    },
    {
        .name = "id-name",
        .table = "pgmigrations",
        .shown = "node-pg-migrate",
        .marker = "run_on",
        .columns = {[FOREIGN_VERSION] = {"name", FAMILY_TEXT, false},
                    [FOREIGN_AT] = {"applied_at", FAMILY_TIME, true},
                    [FOREIGN_NUMBER] = {"id", FAMILY_NUMBER, false}},
        .parse = parse_leading,
        .lock = INT64_C(7241865325823964), /* node-pg-migrate's */
        .or_number = true,
    },
    {.table = "alembic_version", .shown = "Alembic", .marker = "version_num"},
    {.table = "atlas_schema_revisions", .shown = "Atlas", .marker = "version"},
    {.table = "_prisma_migrations", .shown = "Prisma", .marker = "migration_name"},
    {.table = "knex_migrations", .shown = "Knex", .marker = "migration_time", .file_names = true},
    {.table = "SequelizeMeta", .shown = "Sequelize", .marker = "name", .file_names = true},
    {.table = "django_migrations", .shown = "Django", .marker = "app"},
    {.table = "databasechangelog", .shown = "Liquibase", .marker = "orderexecuted"},
    {
        .table = "__EFMigrationsHistory",
        .shown = "Entity Framework",
        .marker = "MigrationId",
        .file_names = true,
    },
    {
        .table = "gorp_migrations",
        .shown = "sql-migrate",
        .marker = "applied_at",
        .file_names = true,
    },
    {
        .table = "schema_version",
        .shown = "tern or another tool",
        .marker = "version",
        .vague = true,
    },
};

const size_t inlay_tool_count = sizeof inlay_tools / sizeof inlay_tools[0];
