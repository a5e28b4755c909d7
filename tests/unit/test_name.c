/* The history's name: what is one, how it is quoted, and the key of its lock. */
#include "unit.h"

#include <stdio.h>

#include "history/name.h"

#define S57 "sssssssssssssssssssssssssssssssssssssssssssssssssssssssss"
#define Q57                                                                                        \
    "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"" \
    "\"\"\"\"\"\"\"\"\"\"\""

static struct history_name parse(const char *text)
{
    struct history_name name;
    struct inlay_error err;

    memset(&name, 'x', sizeof name);
    assert_int_equal(inlay_name_parse(text, &name, &err), INLAY_OK);
    return name;
}

static void splits_and_quotes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *schema, *table, *quoted, *quoted_state, *quoted_schema;
    } cases[] = {
        {"public.applied_migrations", "public", "applied_migrations",
         "\"public\".\"applied_migrations\"", "\"public\".\"applied_migrations_state\"",
         "\"public\""},
        {"a.b", "a", "b", "\"a\".\"b\"", "\"a\".\"b_state\"", "\"a\""},
        /* As stored: nothing is folded, nothing is unquoted. */
        {"Tenant 1.History", "Tenant 1", "History", "\"Tenant 1\".\"History\"",
         "\"Tenant 1\".\"History_state\"", "\"Tenant 1\""},
        {"\"a\".\"b\"", "\"a\"", "\"b\"", "\"\"\"a\"\"\".\"\"\"b\"\"\"",
         "\"\"\"a\"\"\".\"\"\"b\"\"_state\"", "\"\"\"a\"\"\""},
        {"x\"; DROP TABLE y; --.t", "x\"; DROP TABLE y; --", "t",
         "\"x\"\"; DROP TABLE y; --\".\"t\"", "\"x\"\"; DROP TABLE y; --\".\"t_state\"",
         "\"x\"\"; DROP TABLE y; --\""},
        {"it's.%s\\", "it's", "%s\\", "\"it's\".\"%s\\\"", "\"it's\".\"%s\\_state\"", "\"it's\""},
        {"sch\xC3\xA9ma.t\xC3\xA2"
         "ble",
         "sch\xC3\xA9ma",
         "t\xC3\xA2"
         "ble",
         "\"sch\xC3\xA9ma\".\"t\xC3\xA2"
         "ble\"",
         "\"sch\xC3\xA9ma\".\"t\xC3\xA2"
         "ble_state\"",
         "\"sch\xC3\xA9ma\""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct history_name name = parse(cases[i].text);
        assert_string_equal(name.text, cases[i].text);
        assert_string_equal(name.schema, cases[i].schema);
        assert_string_equal(name.table, cases[i].table);
        assert_string_equal(name.quoted, cases[i].quoted);
        assert_string_equal(name.quoted_state, cases[i].quoted_state);
        assert_string_equal(name.quoted_schema, cases[i].quoted_schema);
    }
}

static void refuses_what_is_not_schema_and_table(void **state)
{
    (void)state;
    static const char *const cases[] = {"",     ".",     "table", "a.",   ".b",     "..",
                                        "a..b", "a.b.c", "a.b.",  ".a.b", "a.b.c.d"};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct history_name name;
        struct inlay_error err;
        char message[128];
        snprintf(message, sizeof message, "the history \"%s\" is not SCHEMA.TABLE", cases[i]);
        assert_int_equal(inlay_name_parse(cases[i], &name, &err), INLAY_E_ARGUMENT);
        assert_int_equal(err.code, INLAY_E_ARGUMENT);
        assert_string_equal(err.message, message);
        assert_string_equal(err.hint, "write it as stored and without quotes, for example "
                                      "public.applied_migrations");
    }
}

/* The server would cut a longer name, in silence; and the state table needs its ending. */
static void knows_the_longest_names(void **state)
{
    (void)state;
    struct history_name name = parse(S57 "123456." S57);

    assert_string_equal(name.schema, S57 "123456");
    assert_string_equal(name.table, S57);
    assert_string_equal(name.text, S57 "123456." S57);
    assert_string_equal(name.state_table, S57 "_state");
    assert_string_equal(name.quoted_state, "\"" S57 "123456\".\"" S57 "_state\"");
}

static void quotes_the_longest_names_of_quotes(void **state)
{
    (void)state;
    struct history_name name = parse(Q57 "\"\"\"\"\"\"." Q57);

    assert_int_equal(strlen(name.quoted_schema), 2 + 2 * 63);
    assert_int_equal(strspn(name.quoted_schema, "\""), 2 + 2 * 63);
    assert_int_equal(strlen(name.quoted), 2 + 2 * 63 + 1 + 2 + 2 * 57);
    assert_int_equal(strspn(name.quoted, "\"."), strlen(name.quoted));
    assert_int_equal(strlen(name.quoted_state), strlen(name.quoted) + strlen("_state"));
    assert_string_equal(name.quoted_state + strlen(name.quoted_state) - 8, "\"_state\"");
}

static void refuses_names_that_the_server_would_cut(void **state)
{
    (void)state;
    static const char *const cases[] = {S57 "1234567.t", "s." S57 "1", S57 S57 S57 "." S57 S57};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct history_name name;
        struct inlay_error err;
        char message[512];
        snprintf(message, sizeof message,
                 "the history \"%s\" is too long: at most 63 bytes of schema and 57 of table",
                 cases[i]);
        assert_int_equal(inlay_name_parse(cases[i], &name, &err), INLAY_E_ARGUMENT);
        assert_string_equal(err.message, message);
    }
}

static uint64_t fnv1a(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

/* Two releases that disagreed here would migrate one database at the same time: these numbers are
 * for ever. */
static void the_lock_has_the_same_key_for_ever(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t key;
    } cases[] = {
        {"public.applied_migrations", UINT64_C(0xf9da8a2b6c9c4e70)},
        {"billing.applied_migrations", UINT64_C(0x7ca425941209f30a)},
        {"a.b", UINT64_C(0xd2acafd832d44d2d)},
        {"we\"ird.ta'ble", UINT64_C(0xf384f24457519018)},
        {"sch\xC3\xA9ma.t\xC3\xA2"
         "ble",
         UINT64_C(0xe46a8ca14517f18e)},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true((uint64_t)parse(cases[i].name).lock_key == cases[i].key);
}

static void the_key_is_fnv1a_of_the_name(void **state)
{
    (void)state;
    uint32_t seed = 3;

    /* The published vectors of the function itself. */
    assert_true(fnv1a("") == UINT64_C(0xcbf29ce484222325));
    assert_true(fnv1a("a") == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(fnv1a("foobar") == UINT64_C(0x85944171f73967e8));
    for (size_t i = 0; i < 1000; i++) {
        char schema[64];
        char table[58];
        char text[160];
        unit_random_text(&seed, schema, 1 + unit_random(&seed, sizeof schema - 1));
        unit_random_text(&seed, table, 1 + unit_random(&seed, sizeof table - 1));
        if (schema[0] == '\0' || table[0] == '\0')
            continue;
        snprintf(text, sizeof text, "inlay:%s.%s", schema, table);
        assert_true((uint64_t)parse(text + strlen("inlay:")).lock_key == fnv1a(text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_and_quotes),
        cmocka_unit_test(refuses_what_is_not_schema_and_table),
        cmocka_unit_test(knows_the_longest_names),
        cmocka_unit_test(quotes_the_longest_names_of_quotes),
        cmocka_unit_test(refuses_names_that_the_server_would_cut),
        cmocka_unit_test(the_lock_has_the_same_key_for_ever),
        cmocka_unit_test(the_key_is_fnv1a_of_the_name),
    };
    return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
