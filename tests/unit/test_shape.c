/* What a table must be to serve as a history, and each reason to refuse one. */
#include "unit.h"

#include "history/shape.h"

enum { INT2 = 21, INT4 = 23, INT8 = 20, TEXT = 25, VARCHAR = 1043, BPCHAR = 1042 };
enum { TIMESTAMP = 1114, TIMESTAMPTZ = 1184, DATE = 1082 };

static const struct shape our_history = {
    .exists = true,
    .kind = 'r',
    .persistence = 'p',
    .owned = true,
    .described = true,
    .key = true,
    .types = {INT8, TEXT, TIMESTAMPTZ, TEXT, INT8, INT8},
};

static const struct shape our_state = {
    .exists = true,
    .kind = 'r',
    .persistence = 'p',
    .owned = true,
    .described = true,
    .key = true,
    .types = {TEXT, TEXT, TEXT, INT8, TEXT, TIMESTAMPTZ},
};

static struct history_name name(void)
{
    struct history_name name;
    struct inlay_error err;

    assert_int_equal(inlay_name_parse("public.h", &name, &err), INLAY_OK);
    return name;
}

static void takes_what_we_create(void **state)
{
    (void)state;
    struct history_name of = name();
    struct inlay_error err;

    assert_int_equal(inlay_shape_check_history(&our_history, &of, &err), INLAY_OK);
    assert_int_equal(inlay_shape_check_state(&our_state, &of, &err), INLAY_OK);
}

static void takes_a_table_that_is_not_there(void **state)
{
    (void)state;
    const struct shape none = {0};
    struct history_name of = name();
    struct inlay_error err;

    assert_int_equal(inlay_shape_check_history(&none, &of, &err), INLAY_OK);
    assert_int_equal(inlay_shape_check_state(&none, &of, &err), INLAY_OK);
}

/* Only version and name must be there; 32 bits, varchar and times without zone do. */
static void takes_a_table_of_another_hand(void **state)
{
    (void)state;
    static const int64_t types[][6] = {
        {INT8, TEXT, 0, 0, 0, 0},
        {INT4, VARCHAR, TIMESTAMP, VARCHAR, INT4, INT4},
        {INT4, TEXT, 0, TEXT, 0, INT8},
    };
    struct history_name of = name();

    for (size_t i = 0; i < COUNT(types); i++) {
        struct shape shape = our_history;
        struct inlay_error err;
        memcpy(shape.types, types[i], sizeof shape.types);
        shape.owned = false; /* is asked before the first write, not before the first look */
        assert_int_equal(inlay_shape_check_history(&shape, &of, &err), INLAY_OK);
    }
}

#define ANOTHER "use another table: --migrate-history SCHEMA.TABLE"

static void check(const struct shape *shape, bool is_state, const char *message, const char *hint)
{
    struct history_name of = name();
    struct inlay_error err;
    int rc = is_state ? inlay_shape_check_state(shape, &of, &err)
                      : inlay_shape_check_history(shape, &of, &err);

    assert_int_equal(rc, INLAY_E_REFUSED);
    assert_int_equal(err.code, INLAY_E_REFUSED);
    assert_string_equal(err.message, message);
    assert_string_equal(err.hint, hint);
}

static void refuses_what_is_no_ordinary_table(void **state)
{
    (void)state;
    static const struct {
        char kind;
        const char *message;
    } cases[] = {
        {'v', "\"public\".\"h\" is a view; the history must be an ordinary table"},
        {'m', "\"public\".\"h\" is a materialized view; the history must be an ordinary table"},
        {'f', "\"public\".\"h\" is a foreign table; the history must be an ordinary table"},
        {'p', "\"public\".\"h\" is a partitioned table; the history must be an ordinary table"},
        {'S', "\"public\".\"h\" is a sequence; the history must be an ordinary table"},
        {'c', "\"public\".\"h\" is a composite type; the history must be an ordinary table"},
        {'i', "\"public\".\"h\" is not a table; the history must be an ordinary table"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct shape shape = our_history;
        shape.kind = cases[i].kind;
        check(&shape, false, cases[i].message, ANOTHER);
    }
}

static void refuses_columns_that_are_missing_or_of_another_type(void **state)
{
    (void)state;
    static const struct {
        size_t column;
        int64_t type;
        const char *message;
    } cases[] = {
        {0, 0, "\"public\".\"h\" has no column \"version\": it is not a history of ours"},
        {1, 0, "\"public\".\"h\" has no column \"name\": it is not a history of ours"},
        {0, TEXT, "\"public\".\"h\" has a column \"version\" that is not bigint"},
        {0, INT2, "\"public\".\"h\" has a column \"version\" that is not bigint"},
        {1, BPCHAR, "\"public\".\"h\" has a column \"name\" that is not text"},
        {2, DATE, "\"public\".\"h\" has a column \"applied_at\" that is not timestamptz"},
        {3, INT8, "\"public\".\"h\" has a column \"checksum\" that is not text"},
        {4, TEXT, "\"public\".\"h\" has a column \"batch\" that is not bigint"},
        {5, TIMESTAMPTZ, "\"public\".\"h\" has a column \"elapsed_ms\" that is not bigint"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct shape shape = our_history;
        shape.types[cases[i].column] = cases[i].type;
        check(&shape, false, cases[i].message, ANOTHER);
    }
}

static void refuses_a_state_table_without_each_column(void **state)
{
    (void)state;
    static const char *const messages[] = {
        "\"public\".\"h_state\" has no column \"kind\": it is not a history of ours",
        "\"public\".\"h_state\" has no column \"key\": it is not a history of ours",
        "\"public\".\"h_state\" has no column \"checksum\": it is not a history of ours",
        "\"public\".\"h_state\" has no column \"done\": it is not a history of ours",
        "\"public\".\"h_state\" has no column \"body\": it is not a history of ours",
        "\"public\".\"h_state\" has no column \"at\": it is not a history of ours",
    };

    for (size_t i = 0; i < COUNT(messages); i++) {
        struct shape shape = our_state;
        shape.types[i] = 0;
        check(&shape, true, messages[i], ANOTHER);
    }
}

static struct shape with(const struct shape *of, char what)
{
    struct shape shape = *of;

    shape.persistence = what == 'u' || what == 't' ? what : 'p';
    shape.key = what != 'k';
    shape.secured = what == 's';
    shape.hidden = what == 's';
    shape.rules = what == 'r';
    shape.triggers = what == 'g';
    shape.children = what == 'c';
    return shape;
}

static void refuses_what_would_act_on_its_own(void **state)
{
    (void)state;
    static const struct {
        char what;
        const char *message, *state_message, *hint, *state_hint;
    } cases[] = {
        {'u', "\"public\".\"h\" is unlogged: a crash would empty it",
         "\"public\".\"h_state\" is unlogged: a crash would empty it",
         "ALTER TABLE \"public\".\"h\" SET LOGGED; or " ANOTHER,
         "ALTER TABLE \"public\".\"h_state\" SET LOGGED; or " ANOTHER},
        {'t', "\"public\".\"h\" is a temporary table",
         "\"public\".\"h_state\" is a temporary table", ANOTHER, ANOTHER},
        {'k', "\"public\".\"h\" has no unique key on version",
         "\"public\".\"h_state\" has no unique key on (kind, key)",
         "add one: ALTER TABLE \"public\".\"h\" ADD PRIMARY KEY (version); or " ANOTHER,
         "add one: ALTER TABLE \"public\".\"h_state\" ADD PRIMARY KEY (kind, key); or " ANOTHER},
        {'s', "\"public\".\"h\" has row security, which hides rows from this role",
         "\"public\".\"h_state\" has row security, which hides rows from this role",
         "ALTER TABLE \"public\".\"h\" DISABLE ROW LEVEL SECURITY; or " ANOTHER,
         "ALTER TABLE \"public\".\"h_state\" DISABLE ROW LEVEL SECURITY; or " ANOTHER},
        {'r', "\"public\".\"h\" has rules, which rewrite what is recorded",
         "\"public\".\"h_state\" has rules, which rewrite what is recorded",
         "DROP RULE; or " ANOTHER, "DROP RULE; or " ANOTHER},
        {'g', "\"public\".\"h\" has triggers, which can change or drop what is recorded",
         "\"public\".\"h_state\" has triggers, which can change or drop what is recorded",
         "DROP TRIGGER; or " ANOTHER, "DROP TRIGGER; or " ANOTHER},
        {'c', "\"public\".\"h\" has tables that inherit from it, whose rows look like its own",
         "\"public\".\"h_state\" has tables that inherit from it, whose rows look like its own",
         "ALTER TABLE ... NO INHERIT; or " ANOTHER, "ALTER TABLE ... NO INHERIT; or " ANOTHER},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct shape history = with(&our_history, cases[i].what);
        struct shape state_table = with(&our_state, cases[i].what);
        check(&history, false, cases[i].message, cases[i].hint);
        check(&state_table, true, cases[i].state_message, cases[i].state_hint);
    }
}

/* ---- what a table has ---- */

static void takes_columns_by_their_names(void **state)
{
    (void)state;
    PGresAttDesc columns[] = {
        {.name = (char[]){"name"}, .columnid = 1, .typid = TEXT},
        {.name = (char[]){"batch"}, .columnid = 2, .typid = INT4},
        {.name = (char[]){"version"}, .columnid = 4, .typid = INT8},
    };
    static const int64_t expected[] = {INT8, TEXT, 0, 0, INT4, 0};
    PGresult *result = unit_result(columns, COUNT(columns));
    struct shape shape = {.exists = true};

    inlay_shape_describe_history(&shape, result, "{4}");
    assert_true(shape.described);
    assert_true(shape.key);
    assert_memory_equal(shape.types, expected, sizeof expected);
    PQclear(result);
}

static void finds_the_key_among_the_indexes(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        bool of_history, of_state;
    } cases[] = {
        {"{}", false, false},
        {"{1}", true, false},
        {"{2}", false, false},
        {"{11}", false, false},
        {"{NULL}", false, false},
        {"{NULL,1,NULL}", true, false},
        {"{\"1 2\"}", false, true},
        {"{\"2 1\"}", false, true},
        {"{\"1 1\"}", false, false},
        {"{\"1 2 3\"}", false, false},
        {"{3,\"1 2\",1}", true, true},
        {"{1,2}", true, false},
        {"{\"1 3\",2}", false, false},
        {"{0}", false, false},
        {"", false, false},
    };
    PGresAttDesc columns[] = {
        {.name = (char[]){"version"}, .columnid = 1, .typid = INT8},
        {.name = (char[]){"kind"}, .columnid = 1, .typid = TEXT},
        {.name = (char[]){"key"}, .columnid = 2, .typid = TEXT},
    };
    PGresult *result = unit_result(columns, COUNT(columns));

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct shape history = {.exists = true};
        struct shape state_table = {.exists = true};
        inlay_shape_describe_history(&history, result, cases[i].keys);
        inlay_shape_describe_state(&state_table, result, cases[i].keys);
        assert_int_equal(history.key, cases[i].of_history);
        assert_int_equal(state_table.key, cases[i].of_state);
    }
    PQclear(result);
}

/* Who may not read a table is told that, not that it has no columns. */
static void does_not_judge_what_it_has_not_seen(void **state)
{
    (void)state;
    const struct shape unseen = {.exists = true, .kind = 'r', .persistence = 'p'};
    struct shape unlogged = unseen;
    struct history_name of = name();
    struct inlay_error err;

    assert_int_equal(inlay_shape_check_history(&unseen, &of, &err), INLAY_OK);
    unlogged.persistence = 'u';
    assert_int_equal(inlay_shape_check_history(&unlogged, &of, &err), INLAY_E_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_we_create),
        cmocka_unit_test(takes_a_table_that_is_not_there),
        cmocka_unit_test(takes_a_table_of_another_hand),
        cmocka_unit_test(refuses_what_is_no_ordinary_table),
        cmocka_unit_test(refuses_columns_that_are_missing_or_of_another_type),
        cmocka_unit_test(refuses_a_state_table_without_each_column),
        cmocka_unit_test(refuses_what_would_act_on_its_own),
        cmocka_unit_test(takes_columns_by_their_names),
        cmocka_unit_test(finds_the_key_among_the_indexes),
        cmocka_unit_test(does_not_judge_what_it_has_not_seen),
    };
    return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
