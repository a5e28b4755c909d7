/* Other tools' records: what is a table of theirs, which versions follow from its rows, and how
 * they compare with a set. */
#include "unit.h"

#include <stdlib.h>

#include "foreign/table.h"

enum { INT2 = 21, INT4 = 23, INT8 = 20, TEXT = 25, VARCHAR = 1043, BYTEA = 17, BOOL = 16 };
enum { TIMESTAMP = 1114, TIMESTAMPTZ = 1184 };

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
        "rails",
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
        "filenames=a.b.0123456789012345678901234567890123456789012345678901234567890123",
        " goose",
        "goose=a.0123456789012345678901234567890123456789012345678901234567890123"};

    for (size_t i = 0; i < COUNT(examples); i++) {
        struct foreign_source source;
        struct inlay_error err;
        assert_int_equal(inlay_foreign_parse(examples[i], &source, &err), INLAY_E_ARGUMENT);
        assert_string_equal(err.message, "what is adopted is TOOL or TOOL=SCHEMA.TABLE");
        assert_non_null(strstr(err.hint, "golang-migrate, dbmate, goose, sqlx, flyway, diesel, "
                                         "refinery, bun, filenames (with its table), id-name"));
    }
}

/* ---- the table ---- */

struct shape_example {
    const char *source;
    struct foreign_attribute attributes[6];
    const char *columns; /* "version at batch flag kind number", more versions after "or" */
    const char *message;
};

static void check_shapes(const struct shape_example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct foreign_source source = of(examples[i].source);
        struct foreign_table table = {
            .quoted = "a.b", .kind = 'r', .attributes = examples[i].attributes};
        struct foreign_columns columns[6];
        struct inlay_error err;
        char text[200] = "";
        size_t choices;

        while (table.attribute_count < 6 && table.attributes[table.attribute_count].name != NULL)
            table.attribute_count++;
        inlay_error_clear(&err);
        int rc = inlay_foreign_check(&source, &table, columns, &choices, &err);
        assert_string_equal(err.message, examples[i].message);
        assert_int_equal(rc, examples[i].message[0] == '\0' ? INLAY_OK : INLAY_E_REFUSED);
        for (size_t c = 0; rc == INLAY_OK && c < FOREIGN_COLUMNS; c++)
            inlay_text_add(text, sizeof text, "%s%s", c > 0 ? " " : "",
                           columns[0].names[c] != NULL ? columns[0].names[c] : "-");
        for (size_t other = 1; rc == INLAY_OK && other < choices; other++) {
            inlay_text_add(text, sizeof text, " or %s", columns[other].names[FOREIGN_VERSION]);
            assert_ptr_equal(columns[other].names[FOREIGN_AT], columns[0].names[FOREIGN_AT]);
        }
        assert_string_equal(text, examples[i].columns);
    }
}

static void what_is_a_table_of_theirs(void **state)
{
    (void)state;
    static const struct shape_example examples[] = {
        {"golang-migrate", {{"version", INT8}, {"dirty", BOOL}}, "version - - dirty - -", ""},
        {"golang-migrate", {{"dirty", BOOL}, {"version", INT4}}, "version - - dirty - -", ""},
        {"dbmate", {{"version", VARCHAR}, {"x", BYTEA}}, "version - - - - -", ""},
        {"bun",
         {{"id", INT8}, {"name", TEXT}, {"group_id", INT2}, {"migrated_at", TIMESTAMP}},
         "name migrated_at group_id - - id",
         ""},
        {"filenames=a.b", {{"file", TEXT}}, "file - - - - -", ""},
        {"filenames=a.b",
         {{"sum", TEXT}, {"filename", TEXT}, {"x", TIMESTAMP}},
         "filename x - - - -",
         ""},
        {"filenames=a.b",
         {{"f", TEXT}, {"x", TIMESTAMP}, {"applied_at", TIMESTAMPTZ}},
         "f applied_at - - - -",
         ""},
        {"filenames=a.b", {{"f", TEXT}, {"x", TIMESTAMP}, {"y", TIMESTAMP}}, "f - - - - -", ""},
        {"filenames=a.b",
         {{"version", VARCHAR}, {"n", INT4}, {"sum", TEXT}, {"applied_at", TIMESTAMPTZ}},
         "version applied_at - - - - or sum",
         ""},
        {"filenames=a.b.sum",
         {{"filename", TEXT}, {"sum", TEXT}, {"at", TIMESTAMPTZ}},
         "sum at - - - -",
         ""},
        {"id-name",
         {{"id", INT4}, {"name", TEXT}, {"run_on", TIMESTAMP}},
         "name run_on - - - id",
         ""},
        {"id-name", {{"id", INT4}, {"name", TEXT}, {"applied_at", TEXT}}, "name - - - - id", ""},
    };

    check_shapes(examples, COUNT(examples));
}

static void what_is_not(void **state)
{
    (void)state;
    static const struct shape_example examples[] = {
        {"dbmate",
         {{"dirty", BOOL}},
         "",
         "a.b is not a table of dbmate: it has no column \"version\""},
        {"dbmate",
         {{"version", INT8}},
         "",
         "a.b is not a table of dbmate: it has a column \"version\" that is not text"},
        {"golang-migrate",
         {{"version", INT8}, {"dirty", TEXT}},
         "",
         "a.b is not a table of golang-migrate: it has a column \"dirty\" that is not boolean"},
        {"sqlx",
         {{"version", TEXT}},
         "",
         "a.b is not a table of sqlx: it has a column \"version\" that is not a whole number"},
        {"diesel",
         {{"version", TEXT}, {"run_on", TEXT}},
         "",
         "a.b is not a table of diesel: it has a column \"run_on\" that is not a time"},
        {"filenames=a.b",
         {{"a", INT8}, {"b", BYTEA}},
         "",
         "a.b is not a table of filenames: it has no column of text"},
        {"filenames=a.b.c",
         {{"filename", TEXT}},
         "",
         "a.b is not a table of filenames: it has no column \"c\""},
        {"filenames=a.b.c",
         {{"c", INT8}},
         "",
         "a.b is not a table of filenames: it has a column \"c\" that is not text"},
        {"filenames=a.b",
         {{"filename", INT4}, {"b", TEXT}},
         "",
         "a.b is not a table of filenames: it has a column \"filename\" that is not text"},
    };

    check_shapes(examples, COUNT(examples));
}

static void a_table_must_be_one(void **state)
{
    (void)state;
    static const struct foreign_attribute attribute = {"version", TEXT};
    struct foreign_table table = {
        .quoted = "a.b", .kind = 'r', .attributes = &attribute, .attribute_count = 1};
    struct foreign_source source = of("dbmate");
    struct foreign_columns columns[1];
    struct inlay_error err;
    size_t count;

    assert_int_equal(inlay_foreign_check(&source, &table, columns, &count, &err), INLAY_OK);
    for (const char *kind = "vmpf"; *kind != '\0'; kind++) {
        table.kind = *kind;
        assert_int_equal(inlay_foreign_check(&source, &table, columns, &count, &err),
                         INLAY_E_REFUSED);
    }
    table.kind = 'r';
    table.row_security = true;
    assert_int_equal(inlay_foreign_check(&source, &table, columns, &count, &err), INLAY_E_REFUSED);
}

/* ---- file names ---- */

static void what_is_a_file_name(void **state)
{
    (void)state;
    static const char *const names[] = {"001_init.sql",
                                        "001_init",
                                        "db/001_init.sql",
                                        "1.sql",
                                        "2_2fa.sql",
                                        "12-a",
                                        "1__a",
                                        "1.a",
                                        "a/1_a.down",
                                        "1_\xc3\xa9",
                                        "000/0001_ab.sql",
                                        "1_1/2_a.sql",
                                        "20240101000000-create-users.js"};
    static const char *const others[] = {"",
                                         "1",
                                         "20240131120000",
                                         "a.sql",
                                         "1a.sql",
                                         "1.0.2",
                                         "2024-01-31",
                                         "2024-01-31T12:00:00.123Z",
                                         "2024-01-31 12:00:00+00",
                                         "7d4462a1a0633db6c53220799461b1c4",
                                         "001_a/b",
                                         "001_",
                                         "99999999999999999999_a.sql",
                                         ".sql"};

    struct foreign_source source = of("filenames=a.b");

    for (size_t i = 0; i < COUNT(names); i++)
        assert_true(inlay_foreign_is_name(&source, names[i]));
    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(inlay_foreign_is_name(&source, others[i]));
    assert_false(inlay_foreign_is_name(&source, NULL));
}

static void a_column_that_is_not_told(void **state)
{
    (void)state;
    static const struct foreign_columns columns[] = {{{"version"}}, {{"script"}}};
    struct foreign_source source = of("filenames=a.b");
    struct inlay_error err;

    assert_int_equal(inlay_foreign_refuse_choice(&source, "a.b", columns, 0, &err),
                     INLAY_E_REFUSED);
    assert_string_equal(err.message, "a.b is not a table of filenames: it has no column that holds "
                                     "a file name in every row");
    assert_int_equal(inlay_foreign_refuse_choice(&source, "a.b", columns, 2, &err),
                     INLAY_E_REFUSED);
    assert_string_equal(err.message, "a.b is not a table of filenames: it has several columns of "
                                     "file names: \"version\", \"script\"");
    assert_non_null(strstr(err.hint, "--migrate-adopt filenames=SCHEMA.TABLE.COLUMN; or"));
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

/* Rows as "VERSION FLAG KIND NUMBER" with "-" for NULL and less at the end, separated by commas. */
struct rows {
    struct foreign_row rows[UNIT_MOST];
    size_t count;
    char text[400];
};

static void parse_rows(struct rows *to, const char *text)
{
    static const enum foreign_column order[] = {FOREIGN_VERSION, FOREIGN_FLAG, FOREIGN_KIND,
                                                FOREIGN_NUMBER};
    char *row_end, *word_end;

    memset(to, 0, sizeof *to);
    inlay_text_put(to->text, sizeof to->text, "%s", text);
    for (char *row = strtok_r(to->text, ",", &row_end); row != NULL;
         row = strtok_r(NULL, ",", &row_end)) {
        size_t column = 0;
        for (char *word = strtok_r(row, " ", &word_end); word != NULL;
             word = strtok_r(NULL, " ", &word_end), column++)
            to->rows[to->count].values[order[column]] = strcmp(word, "-") == 0 ? NULL : word;
        to->count++;
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
    const char *source, *rows, *versions, *message;
};

static void read_all(const struct rows_example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct foreign_source source = of(examples[i].source);
        struct foreign_record record;
        struct inlay_error err;
        struct rows rows;
        char text[200] = "";

        parse_rows(&rows, examples[i].rows);
        inlay_error_clear(&err);
        int rc = inlay_foreign_read(&source, "a.b", rows.rows, rows.count, &record, &err);
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
    static const struct rows_example examples[] = {
        {"golang-migrate", "", "", ""},
        {"golang-migrate", "7 false", "<=7", ""},
        {"dbmate", "003,1,02", "1 2 3", ""},
        {"dbmate", "9223372036854775807", "9223372036854775807", ""},
        {"goose", "0 true,1 true,2 true", "1 2", ""},
        {"goose", "1 true,2 true,1 false,3 true,2 false,2 true", "2 3", ""},
        {"goose", "1 false", "", ""},
        {"sqlx", "2 true,1 true", "1 2", ""},
        {"diesel", "00000000000000,20140924113530", "0 2014092411353000000", ""},
        {"diesel", "202401311200000001,20240131120000", "2024013112000000000 2024013112000000011",
         ""},
        {"diesel", "9223", "9223000000000000000", ""},
        {"flyway", "1 true SQL,- true SQL,2 false SQL", "1", ""},
        {"flyway", "1 true SQL,2 true SQL,2 true UNDO_SQL", "1", ""},
        {"flyway", "1 true SQL,2 true SQL,2 true UNDO_SQL,2 true SQL", "1 2", ""},
        {"flyway", "1 true SQL,2 true SQL,2 false UNDO_SQL", "1 2", ""},
        {"flyway", "5 true BASELINE,3 true BASELINE,7 true JDBC", "7 <=5", ""},
        {"flyway", "1 true SQL,1 true DELETE", "", ""},
        {"filenames=a.b", "db/2_b.sql,1.sql,003-c/up/3", "1 2 3", ""},
        {"filenames=a.b", "4", "4", ""},
        {"id-name", "2_b - - 1,1_a - - 2", "1 2", ""},
        {"id-name", "b - - 2,a - - 1", "1 2", ""},
        {"bun", "20240101000000,20240102000000", "20240101000000 20240102000000", ""},
    };

    read_all(examples, COUNT(examples));
}

static void rows_that_are_not_understood(void **state)
{
    (void)state;
    static const struct rows_example examples[] = {
        {"golang-migrate", "7 true", "", "a.b says that version 7 is half done"},
        {"golang-migrate", "7 -", "", "a.b says that version 7 is half done"},
        {"golang-migrate", "1 false,2 false", "",
         "a.b has more than one row for its version, which is not how golang-migrate leaves it"},
        {"sqlx", "1 true,2 false", "", "a.b says that version 2 is half done"},
        {"dbmate", "-", "", "a.b has a row without a version"},
        {"dbmate", "1,x", "", "a.b has a row whose version is not one: \"x\""},
        {"dbmate", "-1", "", "a.b has a row whose version is not one: \"-1\""},
        {"dbmate", "9223372036854775808", "",
         "a.b has a row whose version is not one: \"9223372036854775808\""},
        {"dbmate", "1,01", "",
         "a.b has more than one row for 01, which is not how dbmate leaves it"},
        {"goose", "- true", "", "a.b has a row without a version"},
        {"diesel", "-2", "", "a.b has a row whose version is not one: \"-2\""},
        {"diesel", "1234567890123456789", "",
         "a.b has a row whose version is not one: \"1234567890123456789\""},
        {"diesel", "9224", "", "a.b has a row whose version is not one: \"9224\""},
        {"flyway", "1.2 true SQL", "", "a.b has a row whose version is not one: \"1.2\""},
        {"filenames=a.b", "1a.sql", "", "a.b has a row whose version is not one: \"1a.sql\""},
        {"filenames=a.b", "1_a/x", "", "a.b has a row whose version is not one: \"1_a/x\""},
        {"id-name", "1_a - - 1,b - - 2", "", "a.b has a row whose version is not one: \"b\""},
        {"id-name", "a - - -", "", "a.b has a row without a version"},
        {"id-name", "- - - 1", "", "a.b has a row without a version"},
    };

    read_all(examples, COUNT(examples));
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
        {"golang-migrate", "1:a 4:b 5:c", "4 false", "", -1},
        {"golang-migrate", "1:a 5:c", "4 false", "applied there and not in this binary: 4", 4},
        {"flyway", "1:a 5:c 6:d 7:e", "4 true BASELINE,7 true SQL",
         "in this binary and not applied there, below the newest that is: 5, 6", 5},
    };

    for (size_t i = 0; i < COUNT(examples); i++) {
        struct foreign_source source = of(examples[i].source);
        struct foreign_record record;
        struct inlay_error err;
        struct unit_set set;
        struct rows rows;

        unit_set_parse(&set, examples[i].set);
        parse_rows(&rows, examples[i].rows);
        assert_int_equal(inlay_foreign_read(&source, "a.b", rows.rows, rows.count, &record, &err),
                         INLAY_OK);
        inlay_error_clear(&err);
        int rc = inlay_foreign_compare(&set.set, &record, "a.b", &err);
        assert_string_equal(err.detail, examples[i].detail);
        assert_int_equal(err.version, examples[i].version);
        assert_int_equal(rc, examples[i].detail[0] == '\0' ? INLAY_OK : INLAY_E_MISMATCH);
        assert_int_equal(err.code, rc);
        free(record.versions);
    }
}

static void what_a_version_is_recorded_by(void **state)
{
    (void)state;
    struct foreign_source source = of("flyway");
    struct foreign_record record;
    struct inlay_error err;
    struct rows rows;
    bool applied;

    parse_rows(&rows, "2 true BASELINE,4 true SQL");
    assert_int_equal(inlay_foreign_read(&source, "a.b", rows.rows, rows.count, &record, &err),
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

    assert_true(rows != NULL && texts != NULL);
    for (size_t i = 0; i < ROWS; i++) {
        inlay_text_put(texts[i], sizeof texts[i], "%zu", ROWS - i);
        rows[i].values[FOREIGN_VERSION] = texts[i];
        rows[i].values[FOREIGN_FLAG] = "true";
    }
    assert_int_equal(inlay_foreign_read(&source, "a.b", rows, ROWS, &record, &err), INLAY_OK);
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
        cmocka_unit_test(what_is_a_table_of_theirs),
        cmocka_unit_test(what_is_not),
        cmocka_unit_test(a_table_must_be_one),
        cmocka_unit_test(what_is_a_file_name),
        cmocka_unit_test(a_column_that_is_not_told),
        cmocka_unit_test(the_locks_of_the_tools),
        cmocka_unit_test(versions_follow_from_rows),
        cmocka_unit_test(rows_that_are_not_understood),
        cmocka_unit_test(a_long_table_is_read_in_time),
        cmocka_unit_test(record_and_set),
        cmocka_unit_test(what_a_version_is_recorded_by),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
