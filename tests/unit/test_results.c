/* The server's answers: errors made of them, and the rows that a migration in C is handed. */
#include "unit.h"

#include "apply/transaction/in_c.h"
#include "wire/result.h"
#include <inlay-tx.h>

static void tells_failures(void **state)
{
    (void)state;
    static const struct {
        ExecStatusType status;
        bool failed;
    } cases[] = {
        {PGRES_COMMAND_OK, false},  {PGRES_TUPLES_OK, false},    {PGRES_SINGLE_TUPLE, false},
        {PGRES_EMPTY_QUERY, false}, {PGRES_FATAL_ERROR, true},   {PGRES_NONFATAL_ERROR, true},
        {PGRES_BAD_RESPONSE, true}, {PGRES_COPY_IN, true},       {PGRES_COPY_OUT, true},
        {PGRES_COPY_BOTH, true},    {PGRES_PIPELINE_SYNC, true}, {PGRES_PIPELINE_ABORTED, true},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        PGresult *result = PQmakeEmptyPGresult(NULL, cases[i].status);
        assert_int_equal(inlay_result_failed(result), cases[i].failed);
        assert_false(inlay_result_has_state(result, "23505"));
        PQclear(result);
    }
    assert_true(inlay_result_failed(NULL)); /* no memory for an answer */
    assert_false(inlay_result_has_state(NULL, "23505"));
}

static void an_answer_without_fields_is_an_error_all_the_same(void **state)
{
    (void)state;
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_FATAL_ERROR);
    PGresult *const answers[] = {NULL, result};

    for (size_t i = 0; i < COUNT(answers); i++) {
        struct inlay_error err;
        assert_int_equal(inlay_result_error(answers[i], INLAY_E_REFUSED, &err), INLAY_E_REFUSED);
        assert_int_equal(err.code, INLAY_E_REFUSED);
        assert_string_equal(err.message, "the server's answer could not be read");
        assert_string_equal(err.sqlstate, "");
    }
    PQclear(result);
}

static void clears_what_is_there(void **state)
{
    (void)state;
    PGresult *results[3] = {PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK), NULL,
                            PQmakeEmptyPGresult(NULL, PGRES_COMMAND_OK)};

    inlay_results_clear(results, COUNT(results));
    for (size_t i = 0; i < COUNT(results); i++)
        assert_null(results[i]);
}

static struct inlay_rows *two_by_two(void)
{
    static char names[][2] = {"a", "b"};
    static char texts[][3] = {"11", "", "22"};
    PGresAttDesc columns[2] = {{.name = names[0]}, {.name = names[1]}};
    PGresult *result = unit_result(columns, 2);

    assert_true(PQsetvalue(result, 0, 0, texts[0], 2));
    assert_true(PQsetvalue(result, 0, 1, NULL, -1));
    assert_true(PQsetvalue(result, 1, 0, texts[1], 0));
    assert_true(PQsetvalue(result, 1, 1, texts[2], 2));
    return (struct inlay_rows *)result;
}

static void hands_out_rows(void **state)
{
    (void)state;
    struct inlay_rows *rows = two_by_two();

    assert_int_equal(inlay_rows_count(rows), 2);
    assert_string_equal(inlay_rows_value(rows, 0, 0), "11");
    assert_null(inlay_rows_value(rows, 0, 1)); /* SQL's NULL */
    assert_string_equal(inlay_rows_value(rows, 1, 0), "");
    assert_string_equal(inlay_rows_value(rows, 1, 1), "22");
    inlay_rows_free(rows);
}

static void there_is_nothing_beside_the_rows(void **state)
{
    (void)state;
    static const size_t beyond[] = {2, 3, INT32_MAX, UINT32_MAX, SIZE_MAX};
    struct inlay_rows *rows = two_by_two();

    for (size_t i = 0; i < COUNT(beyond); i++) {
        assert_null(inlay_rows_value(rows, beyond[i], 0));
        assert_null(inlay_rows_value(rows, 0, beyond[i]));
    }
    inlay_rows_free(rows);
    inlay_rows_free(NULL);
}

/* ---- migrations in C that send nothing ---- */

static int goes_on(struct inlay_tx *tx, struct inlay_error *err)
{
    (void)tx;
    (void)err;
    return INLAY_OK;
}

static int gives_up(struct inlay_tx *tx, struct inlay_error *err)
{
    (void)tx;
    return inlay_tx_fail(err, "100 % of the plans are %s");
}

static int says_nothing(struct inlay_tx *tx, struct inlay_error *err)
{
    (void)tx;
    (void)err;
    return 42;
}

/* A code that belongs to the calls does not change what has happened: the migration failed. */
static int claims_a_lost_connection(struct inlay_tx *tx, struct inlay_error *err)
{
    (void)tx;
    inlay_tx_fail(err, "lost, it says");
    return INLAY_E_LOST;
}

static int run_function(inlay_migration_function function, struct inlay_error *err)
{
    const struct inlay_set of_cells = {.abi = INLAY_SET_ABI, .directory = "m"};
    const struct inlay_script script = {
        .text = "one\n\ttwo\n", .length = 9, .path = "sub/2_two.c", .function = function};
    struct session session = {0};

    inlay_error_clear(err);
    return inlay_in_c_run(&session, &of_cells, &script, err);
}

static void a_function_decides_how_it_ends(void **state)
{
    (void)state;
    static const struct {
        inlay_migration_function function;
        int code;
        const char *message;
    } cases[] = {
        {goes_on, INLAY_OK, ""},
        {gives_up, INLAY_E_FAILED, "100 % of the plans are %s"},
        {says_nothing, INLAY_E_FAILED, "the migration returned 42"},
        {claims_a_lost_connection, INLAY_E_FAILED, "lost, it says"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct inlay_error err;
        assert_int_equal(run_function(cases[i].function, &err), cases[i].code);
        assert_int_equal(err.code, cases[i].code);
        assert_string_equal(err.message, cases[i].message);
    }
}

static struct {
    const char *file;
    int line;
} failing_at;

static int fails_there(struct inlay_tx *tx, struct inlay_error *err)
{
    (void)tx;
    return inlay_tx_fail_at(failing_at.file, failing_at.line, err, "there");
}

static int fails_without_a_place(struct inlay_tx *tx, struct inlay_error *err)
{
    (void)tx;
    return (inlay_tx_fail)(err, "as programs of the first header do");
}

/* The migration's own file goes by its usual name, wherever it was compiled. */
static void an_error_has_the_place_of_the_call(void **state)
{
    (void)state;
    char longer[400];
    static const struct {
        const char *file;
        int line;
        const char *path;
        uint32_t shown, column;
    } cases[] = {
        {"../m/sub/2_two.c", 2, "m/sub/2_two.c", 2, 2},
        {"sub/2_two.c", 1, "m/sub/2_two.c", 1, 1},
        {"sub/2_two.c", 4, "sub/2_two.c", 4, 0}, /* another text than was embedded */
        {"../people.c", 12, "../people.c", 12, 0},
        {"/there/mysub/2_two.c", 1, "/there/mysub/2_two.c", 1, 0},
        {"", 1, "m/sub/2_two.c", 0, 0},
        {NULL, 0, "m/sub/2_two.c", 0, 0},
    };
    struct inlay_error err;

    for (size_t i = 0; i < COUNT(cases); i++) {
        failing_at.file = cases[i].file;
        failing_at.line = cases[i].line;
        assert_int_equal(run_function(fails_there, &err), INLAY_E_FAILED);
        assert_string_equal(err.path, cases[i].path);
        assert_int_equal(err.line, cases[i].shown);
        assert_int_equal(err.column, cases[i].column);
        assert_int_equal(err.excerpt[0] != '\0', cases[i].column > 0);
    }
    run_function(fails_without_a_place, &err);
    assert_string_equal(err.path, "m/sub/2_two.c");
    run_function(gives_up, &err);
    assert_non_null(strstr(err.path, "test_results.c"));
    assert_in_range(err.line, 100, 200);

    for (size_t i = 0; i + 1 < sizeof longer;
         i += 3) /* of its end what fits, in whole characters */
        memcpy(longer + i, "\xE2\x82\xAC", 3);
    memcpy(longer + 396, "a.c", 4);
    failing_at.file = longer;
    failing_at.line = 7;
    run_function(fails_there, &err);
    assert_string_equal(err.path + strlen(err.path) - 6, "\xE2\x82\xAC"
                                                         "a.c");
    assert_memory_equal(err.path, "\xE2\x82\xAC", 3);
}

static void failing_needs_no_place_for_the_error(void **state)
{
    (void)state;
    assert_int_equal(inlay_tx_fail(NULL, "why"), INLAY_E_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_failures),
        cmocka_unit_test(an_answer_without_fields_is_an_error_all_the_same),
        cmocka_unit_test(clears_what_is_there),
        cmocka_unit_test(hands_out_rows),
        cmocka_unit_test(there_is_nothing_beside_the_rows),
        cmocka_unit_test(a_function_decides_how_it_ends),
        cmocka_unit_test(an_error_has_the_place_of_the_call),
        cmocka_unit_test(failing_needs_no_place_for_the_error),
    };
    return cmocka_run_group_tests_name("results", tests, NULL, NULL);
}
