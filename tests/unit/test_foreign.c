/* Other tools' records: where they are, which versions follow from their rows, and how they compare
 * with a set. */
#include "unit.h"

#include <stdlib.h>

#include "foreign/foreign.h"
#include "foreign/known.h"
#include "foreign/match.h"
#include "foreign/source.h"

static struct foreign_source of(const char *text)
{
    struct foreign_source source;
    struct inlay_error err;

    assert_int_equal(inlay_foreign_parse(text, &source, &err), INLAY_OK);
    return source;
}

/* ---- TOOL=SCHEMA.TABLE.COLUMN ---- */

static void a_source_is_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *schema, *table, *column;
    } examples[] = {
        {"golang-migrate", "golang-migrate", "", "schema_migrations", ""},
        {"dbmate", "dbmate", "", "schema_migrations", ""},
        {"goose", "goose", "", "goose_db_version", ""},
        {"sqlx", "sqlx", "", "_sqlx_migrations", ""},
        {"flyway", "flyway", "", "flyway_schema_history", ""},
        {"diesel", "diesel", "", "__diesel_schema_migrations", ""},
        {"refinery", "refinery", "", "refinery_schema_history", ""},
        {"bun", "bun", "", "bun_migrations", ""},
        {"id-name", "id-name", "", "pgmigrations", ""},
        {"goose=a.b", "goose", "a", "b", ""},
        {"filenames=A b.c=d", "filenames", "A b", "c=d", ""},
        {"filenames=a.b.the column", "filenames", "a", "b", "the column"},
        {"filenames=\"a.b\".\"c\"\"d\".\"e\"", "filenames", "a.b", "c\"d", "e"},
        {"goose=a\"b.\"c.d\"", "goose", "a\"b", "c.d", ""},
        {"sqitch", "sqitch", "sqitch", "events", ""},
        {"sequelize", "sequelize", "", "SequelizeMeta", ""},
        {"query=SELECT 1 AS version", "query", "", "", ""},
    };

    for (size_t i = 0; i < COUNT(examples); i++) {
        struct foreign_source source = of(examples[i].text);
        assert_string_equal(inlay_foreign_name(&source), examples[i].name);
        assert_string_equal(source.schema, examples[i].schema);
        assert_string_equal(source.table, examples[i].table);
        assert_string_equal(source.column, examples[i].column);
    }
}

static void what_is_no_source(void **state)
{
    (void)state;
    static const char *const examples[] = {
        NULL,
        "",
        "query",
        "query=",
        "query= ;\n",
        "goos",
        "goose2",
        "Goose",
        "goose=",
        "goose=a",
        "goose=.b",
        "goose=a.",
        "goose=a.b.c",
        "filenames",
        "filenames=",
        "filenames=a",
        "filenames=a.",
        "filenames=.b.c",
        "filenames=a..c",
        "filenames=a.b.",
        "filenames=a.b.c.d",
        "id-name=a.b.c",
        "goose=\"a.b",
        "goose=\"a.b\"",
        "goose=\"a\"b.c",
        "goose=\"a\"xb",
        "goose=\"\".c",
        "goose=a.\"b\"\"",
        "goose=\"a.b\".0123456789012345678901234567890123456789012345678901234567890123",
        "filenames=a.b.0123456789012345678901234567890123456789012345678901234567890123",
        " goose",
        "goose=a.0123456789012345678901234567890123456789012345678901234567890123"};

    for (size_t i = 0; i < COUNT(examples); i++) {
        struct foreign_source source;
        struct inlay_error err;
        assert_int_equal(inlay_foreign_parse(examples[i], &source, &err), INLAY_E_ARGUMENT);
        assert_string_equal(err.message,
                            "what is adopted is TOOL, TOOL=SCHEMA.TABLE or query=SELECT ...");
        assert_non_null(strstr(err.hint, "tools are golang-migrate, rails, ecto, "));
        assert_non_null(strstr(err.hint, "bun, filenames (with its table), id-name, "));
    }
}

/* ---- the guard ---- */

/* All that it looks for, and what is not sure behind the rest. */
static void what_the_guard_looks_for(void **state)
{
    (void)state;
    struct detect_query query;

    inlay_detect_message(&query, &(struct detect_terms){.schema = "public"});
    assert_string_equal(query.created, "");
    assert_true(strlen(query.tools) < sizeof query.tools - 100);
    assert_memory_equal(query.tools, "0..schema_migrations.dirty. ", 28);
    assert_non_null(strstr(query.tools, " 1..schema_migrations.version.ar_internal_metadata "));
    const char *sure = strstr(query.tools, ".sqitch.events.change_id. ");
    const char *vague = strstr(query.tools, "..schema_version.version.");
    assert_true(sure != NULL && vague > sure);
}

/* The names that the build has given to what runs first; not the tables that get an index. */
static void which_tables_the_guard_looks_for(void **state)
{
    (void)state;
    static char wide[4000];
    struct detect_query query;
    struct inlay_statement statements[] = {
        {.table = "users"},
        {.kind = INLAY_STATEMENT_INDEX_CONCURRENTLY, .index = "i", .table = "indexed"},
        {.table = NULL},
        {.table = "app.\"Old One\""},
        {.table = wide},
        {.table = "last"},
    };
    const struct inlay_script script = {
        .statements = statements, .statement_count = 6, .statement_size = sizeof statements[0]};

    memset(wide, 'w', sizeof wide - 1);
    inlay_detect_message(&query, &(struct detect_terms){.schema = "public", .first = &script});
    assert_true(strlen(query.created) < sizeof query.created);
    assert_memory_equal(query.created, "users\napp.\"Old One\"\nwww", 23);
    assert_non_null(strstr(query.created, "w\nlast"));
    statements[0].table = wide;
    inlay_detect_message(&query, &(struct detect_terms){.schema = "public", .first = &script});
    assert_non_null(strstr(query.created, "w\napp.\"Old One\"\nlast"));
}

/* ---- locks ---- */

static void the_locks_of_the_tools(void **state)
{
    (void)state;
    static const struct {
        const char *source, *schema;
        int64_t keys[FOREIGN_LOCKS];
    } examples[] = {
        {"golang-migrate", "public", {2101699660, 3689236698}},
        {"sqlx", "public", {INT64_C(2969972169318647292), 0}},
        {"goose", "public", {INT64_C(5887940537704921958), 0}},
        {"flyway", "public", {INT64_C(77433833903597), 0}},
        {"flyway=a.b", "a", {INT64_C(77430333499440), 0}},
        {"id-name", "public", {INT64_C(7241865325823964), 0}},
        {"rails", "public", {INT64_C(2053462845) * INT64_C(2892647586), 0}},
        {"postgres-migrations", "public", {INT64_C(-8525285245963000605), 0}},
        {"atlas", "atlas_schema_revisions", {INT64_C(2686470616), 0}},
        {"dbmate", "public", {0, 0}},
        {"bun", "public", {0, 0}},
    };

    for (size_t i = 0; i < COUNT(examples); i++) {
        struct foreign_source source = of(examples[i].source);
        int64_t keys[FOREIGN_LOCKS] = {0};
        size_t count = inlay_foreign_locks(&source, examples[i].schema, "shop", keys);
        assert_int_equal(count, (examples[i].keys[0] != 0) + (examples[i].keys[1] != 0));
        for (size_t k = 0; k < FOREIGN_LOCKS; k++)
            assert_int_equal(keys[k], examples[i].keys[k]);
    }
}

/* ---- rows ---- */

/* Rows with commas between them: a version, "@name", "version@name", ">" everything up to it, "^"
 * the same though it is not embedded, "!" half done, "-" nothing at all. */
struct rows {
    struct foreign_row rows[UNIT_MOST];
    size_t count;
    char text[400];
};

static void parse_rows(struct rows *to, const char *text)
{
    static const char marks[] = "@>^!";
    static const enum foreign_field fields[] = {FOREIGN_NAME, FOREIGN_THROUGH, FOREIGN_BASELINE,
                                                FOREIGN_HALF};
    char *end;

    memset(to, 0, sizeof *to);
    inlay_text_put(to->text, sizeof to->text, "%s", text);
    for (char *row = strtok_r(to->text, ",", &end); row != NULL; row = strtok_r(NULL, ",", &end)) {
        const char **values = to->rows[to->count++].values;
        const char *mark = strchr(marks, row[0]);
        char *name = strchr(row, '@');
        if (mark != NULL)
            values[fields[mark - marks]] = row + 1;
        else if (strcmp(row, "-") != 0)
            values[FOREIGN_VERSION] = row;
        if (mark == NULL && name != NULL) {
            *name = '\0';
            values[FOREIGN_NAME] = name + 1;
        }
    }
}

/* "1, 2 and through 5" */
static void describe(const struct foreign_record *record, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; i < record->count; i++)
        inlay_text_add(text, size, "%s%lld", i > 0 ? " " : "",
                       (long long)record->versions[i].version);
    if (record->through >= 0)
        inlay_text_add(text, size, "%s<=%lld", text[0] != '\0' ? " " : "",
                       (long long)record->through);
}

struct rows_example {
    const char *source, *set, *rows, *versions, *message;
};

static void read_all(const struct rows_example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct foreign_source source = of(examples[i].source);
        struct foreign_record record;
        struct inlay_error err;
        struct unit_set set;
        struct rows rows;
        char text[200] = "";

        unit_set_parse(&set, examples[i].set);
        parse_rows(&rows, examples[i].rows);
        inlay_error_clear(&err);
        int rc = inlay_foreign_read(&source, &set.set, "a.b", rows.rows, rows.count, &record, &err);
        if (rc == INLAY_OK)
            describe(&record, text, sizeof text);
        assert_string_equal(err.message, examples[i].message);
        assert_string_equal(text, examples[i].versions);
        assert_int_equal(rc, examples[i].message[0] == '\0' ? INLAY_OK : INLAY_E_REFUSED);
        free(record.versions);
    }
}

static void versions_follow_from_rows(void **state)
{
    (void)state;
    static const char dotted[] = "1000000000000:1_a 2000000010000:2.0.1_b";
    static const struct rows_example examples[] = {
        {"golang-migrate", "", "", "", ""},
        {"golang-migrate", "", ">7", "<=7", ""},
        {"dbmate", "", "003,1,02", "1 2 3", ""},
        {"dbmate", "", "9223372036854775807", "9223372036854775807", ""},
        {"flyway", "", "7,^5,^3", "7 <=5", ""},
        {"flyway", "1:a", "2.0.1", "2000000010000", ""},
        {"flyway", "1:a 2:b", "1.0,2.0.00", "1 2", ""}, /* the same to it */
        {"query=q", "2:b", ">2.000", "<=2", ""},
        {"flyway", dotted, "2.0.1,1", "1000000000000 2000000010000", ""},
        {"flyway", dotted, "20240131.1,20240131.1.7", "202401310000010000 202401310000010007", ""},
        {"query=q", "2000000010000:2.0.1", "^2.0.1", "<=2000000010000", ""},
        {"filenames=a.b", "", "@db/2_b.sql,@1.sql,@003-c/up/3-x", "1 2 3", ""},
        {"filenames=a.b", "7:a 8:b", "@b,@a.sql", "7 8", ""},
        {"filenames=a.b", "1:20240101_a 2:20240102_b", "@20240102_b", "2", ""},
        {"filenames=a.b", "1:20240101_a 2:7_a", "@7_a.sql", "2", ""}, /* all of its name */
        {"filenames=a.b", "1:a 2:a", "@7_a.sql", "7", ""},
        {"drizzle", "1:a:5f 2:b:0", "@5f", "1", ""},
        {"id-name", "", "@2_b,@1_a", "1 2", ""},
        {"prisma", "3:x", "@dir/3_x.sql,@004-Y", "3 4", ""},
        {"typeorm", "", "1700000000001@CreateUsers", "1700000000001", ""},
    };

    read_all(examples, COUNT(examples));
}

static void rows_that_are_not_understood(void **state)
{
    (void)state;
#define OTHER_NUMBER(text) "a.b has a row whose number is not that of its migration: \"" text "\""
    static const char not_one[] = "a.b has a row whose version is not one: \"9223372036854775808\"";
    static const struct rows_example examples[] = {
        {"golang-migrate", "", "!7", "", "a.b says that version 7 is half done"},
        {"prisma", "", "@1_a,!2_b", "", "a.b says that version 2_b is half done"},
        {"golang-migrate", "", ">1,>2", "",
         "a.b has more than one row for its version, which is not how golang-migrate leaves it"},
        {"dbmate", "", "-", "", "a.b has a row without a version"},
        {"dbmate", "", "1,x", "", "a.b has a row whose version is not one: \"x\""},
        {"dbmate", "", "-1", "", "a.b has a row whose version is not one: \"-1\""},
        {"dbmate", "", "1.0", "", "a.b has a row whose version is not one: \"1.0\""},
        {"dbmate", "", "9223372036854775808", "", not_one},
        {"golang-migrate", "", ">9223372036854775808", "", not_one},
        {"dbmate", "", "1,01", "",
         "a.b has more than one row for 01, which is not how dbmate leaves it"},
        {"flyway", "", "1.2.3.4.5", "", "a.b has a row whose version is not one: \"1.2.3.4.5\""},
        {"flyway", "", "1.10000", "", "a.b has a row whose version is not one: \"1.10000\""},
        {"flyway", "", "900000001.1", "",
         "a.b has a row whose version is not one: \"900000001.1\""},
        {"flyway", "", "1..2", "", "a.b has a row whose version is not one: \"1..2\""},
        {"filenames=a.b", "", "@1a.sql", "",
         "a.b has a row that names no migration of this binary: \"1a.sql\""},
        {"filenames=a.b", "", "@1_a/x", "",
         "a.b has a row that names no migration of this binary: \"1_a/x\""},
        /* A number alone is a counter as well as anything. */
        {"filenames=a.b", "1:a 2:b", "@007_a.sql", "", OTHER_NUMBER("007_a.sql")},
        {"filenames=a.b", "1:a 2:b", "@1_b", "", OTHER_NUMBER("1_b")},
        {"knex", "1:create_a", "@20240101_create_a.js", "", OTHER_NUMBER("20240101_create_a.js")},
        {"filenames=a.b", "1:a", "@1_a.sql,@001_a.sql", "",
         "a.b has more than one row for 001_a.sql"},
        {"filenames=a.b", "1:a", "@1", "",
         "a.b has a row that names no migration of this binary: \"1\""},
        {"id-name", "", "@1_a,@b", "",
         "a.b has a row that names no migration of this binary: \"b\""},
        {"sqitch", "1:a 2:a", "@a", "",
         "a.b has a row whose name is that of several migrations: \"a\""},
        {"query=q", "1:init 2:INIT", "@init", "",
         "a.b has a row whose name is that of several migrations: \"init\""},
    };

    read_all(examples, COUNT(examples));
}

static void what_is_another_name(void **state)
{
    (void)state;
    static const struct {
        const char *set, *text, *version;
        bool differs;
    } examples[] = {
        {"1:create_users", "001_create_users.sql", NULL, false},
        {"1:create users", "db/1-Create-Users.js", NULL, false},
        {"1:create_users", "CreateUsers", "1", false},
        {"1:create_users", "create_orders", "1", true},
        {"1:create_users", "create_user", "1", true},
        {"1:create_users", "create_users2", "1", true},
        {"1:create_users", "1_create_users", NULL, false}, /* its file */
        {"1:init", "001.sql", NULL, false},                /* no name */
        {"1:2.0.1 create users", "create users", "2.0.1", false},
        {"1:2.0.1 create users", "create orders", "2.0.1", true},
        {"1:\xc3\xa9", "001_\xc3\xa9.sql", NULL, false},
        {"1:\xc3\xa9", "001_\xc3\xa8.sql", NULL, true},
    };

    for (size_t i = 0; i < COUNT(examples); i++) {
        struct unit_set set;
        unit_set_parse(&set, "1:x");
        set.migrations[0].name = examples[i].set + 2;
        set.migrations[0].up.path = "1_create_users.sql";
        assert_int_equal(
            inlay_match_differs(&set.migrations[0], examples[i].text, examples[i].version),
            examples[i].differs);
    }
}

/* ---- record and set ---- */

static void record_and_set(void **state)
{
    (void)state;
    static const struct {
        const char *source, *set, *rows, *detail;
        int64_t version;
    } examples[] = {
        {"dbmate", "1:a 2:b 3:c", "1,2", "", -1},
        {"dbmate", "1:a 2:b", "", "", -1},
        {"dbmate", "", "4", "applied there and not in this binary: 4", 4},
        {"dbmate", "1:a 2:b 3:c", "1,3",
         "in this binary and not applied there, below the newest that is: 2", 2},
        {"dbmate", "1:a 3:c 9:d", "2,3,4",
         "applied there and not in this binary: 2, 4\n"
         "in this binary and not applied there, below the newest that is: 1",
         2},
        {"dbmate", "0:a", "1,2,3,4,5,6,7,8,9,10,11,12",
         "applied there and not in this binary: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...\n"
         "in this binary and not applied there, below the newest that is: 0",
         1},
        {"golang-migrate", "1:a 4:b 5:c", ">4", "", -1},
        {"golang-migrate", "1:a 5:c", ">4", "applied there and not in this binary: 4", 4},
        {"flyway", "1:a 5:c 6:d 7:e", "^4,7",
         "in this binary and not applied there, below the newest that is: 5, 6", 5},
        {"sqlx", "1:a 2:b", "1@a,2@x", "of another name there: 2 (x)", 2},
        {"sqlx", "1:a 2:b 3:c", "1@a,2@x,4@d",
         "applied there and not in this binary: 4\n"
         "in this binary and not applied there, below the newest that is: 3\n"
         "of another name there: 2 (x)",
         4},
        {"filenames=a.b", "1:a 2:b", "@1_x.sql,@2_y.sql",
         "of another name there: 1 (1_x.sql), 2 (2_y.sql)", 1},
    };

    for (size_t i = 0; i < COUNT(examples); i++) {
        struct foreign_source source = of(examples[i].source);
        struct foreign_record record;
        struct inlay_error err;
        struct unit_set set;
        struct rows rows;

        unit_set_parse(&set, examples[i].set);
        parse_rows(&rows, examples[i].rows);
        assert_int_equal(
            inlay_foreign_read(&source, &set.set, "a.b", rows.rows, rows.count, &record, &err),
            INLAY_OK);
        inlay_error_clear(&err);
        int rc = inlay_foreign_compare(&set.set, &record, "a.b", false, &err);
        assert_string_equal(err.detail, examples[i].detail);
        assert_int_equal(err.version, examples[i].version);
        assert_int_equal(rc, examples[i].detail[0] == '\0' ? INLAY_OK : INLAY_E_MISMATCH);
        assert_int_equal(err.code, rc);
        rc = inlay_foreign_compare(&set.set, &record, "a.b", true, &err);
        bool renamed = strstr(examples[i].detail, "of another name there") != NULL;
        assert_int_equal(rc, renamed ? INLAY_E_MISMATCH : INLAY_OK); /* the rest can be adopted */
        free(record.versions);
    }
}

static void what_a_version_is_recorded_by(void **state)
{
    (void)state;
    struct foreign_source source = of("flyway");
    struct foreign_record record;
    struct inlay_error err;
    struct unit_set set;
    struct rows rows;
    bool applied;

    unit_set_parse(&set, "");
    parse_rows(&rows, "^2,4");
    assert_int_equal(
        inlay_foreign_read(&source, &set.set, "a.b", rows.rows, rows.count, &record, &err),
        INLAY_OK);
    assert_null(inlay_foreign_find(&record, 1, &applied));
    assert_true(applied);
    assert_null(inlay_foreign_find(&record, 3, &applied));
    assert_false(applied);
    assert_ptr_equal(inlay_foreign_find(&record, 4, &applied), &rows.rows[1]);
    assert_true(applied);
    free(record.versions);
}

/* The newest first, each with its number: what is quadratic in the rows does not end in time. */
static void a_long_table_is_read_in_time(void **state)
{
    (void)state;
    enum { ROWS = 500000 };
    struct foreign_source source = of("goose");
    struct foreign_row *rows = calloc(ROWS, sizeof *rows);
    char(*texts)[8] = calloc(ROWS, sizeof *texts);
    struct foreign_record record;
    struct inlay_error err;
    struct unit_set set;

    unit_set_parse(&set, "");
    assert_true(rows != NULL && texts != NULL);
    for (size_t i = 0; i < ROWS; i++) {
        inlay_text_put(texts[i], sizeof texts[i], "%zu", ROWS - i);
        rows[i].values[FOREIGN_VERSION] = texts[i];
    }
    assert_int_equal(inlay_foreign_read(&source, &set.set, "a.b", rows, ROWS, &record, &err),
                     INLAY_OK);
    assert_int_equal(record.count, ROWS);
    assert_int_equal(record.versions[0].version, 1);
    assert_ptr_equal(record.versions[0].row, &rows[ROWS - 1]);
    free(record.versions);
    free(texts);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_is_taken_apart),
        cmocka_unit_test(what_is_no_source),
        cmocka_unit_test(what_the_guard_looks_for),
        cmocka_unit_test(which_tables_the_guard_looks_for),
        cmocka_unit_test(the_locks_of_the_tools),
        cmocka_unit_test(versions_follow_from_rows),
        cmocka_unit_test(rows_that_are_not_understood),
        cmocka_unit_test(what_is_another_name),
        cmocka_unit_test(a_long_table_is_read_in_time),
        cmocka_unit_test(record_and_set),
        cmocka_unit_test(what_a_version_is_recorded_by),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
