/* Out of memory: the linker puts these allocators under the library's calls. */
#include "unit.h"

#include <stdlib.h>

#include "apply/stepwise/stepwise.h"
#include "apply/transaction/apply.h"
#include "history/sql.h"
#include "plan/goal.h"
#include "plan/merge.h"
#include "plan/plan.h"
#include "plan/steps.h"
#include "wire/hosts.h"
#include "wire/session.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool out_of_memory;
static size_t left = SIZE_MAX; /* calls that still have memory */

static bool has_memory(void)
{
    left -= left > 0 && left < SIZE_MAX;
    return !out_of_memory && left > 0;
}

void *__wrap_malloc(size_t size)
{
    return has_memory() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return has_memory() ? __real_calloc(count, size) : NULL;
}

static int give_memory_back(void **state)
{
    (void)state;
    out_of_memory = false;
    return 0;
}

static void assert_memory_error(int rc, const struct inlay_error *err)
{
    out_of_memory = false;
    assert_int_equal(rc, INLAY_E_MEMORY);
    assert_int_equal(err->code, INLAY_E_MEMORY);
    assert_string_equal(err->message, "out of memory");
}

static void plans_and_steps_need_memory(void **state)
{
    (void)state;
    const struct goal up = {.kind = GOAL_UP};
    struct unit_set set;
    struct history history;
    struct plan plan;
    struct steps steps;
    struct inlay_error err;

    unit_set_parse(&set, "1:a");
    unit_history_parse(&history, "1:a");
    out_of_memory = true;
    assert_memory_error(inlay_merge(&set.set, &history, &plan, &err), &err);
    out_of_memory = true;
    assert_memory_error(inlay_steps_list(&set.set, &plan, &up, &steps, &err), &err);
    assert_null(steps.list);
    inlay_plan_free(&plan);
    inlay_history_free(&history);
}

static void a_status_needs_memory(void **state)
{
    (void)state;
    struct unit_set set;
    struct inlay_status *status = NULL;
    struct inlay_error err;

    unit_set_parse(&set, "1:a");
    out_of_memory = true;
    assert_memory_error(inlay_status_read(&set.set, NULL, &status, &err), &err);
    assert_null(status);
}

static void texts_need_memory(void **state)
{
    (void)state;
    char buffer[] = "";
    char *copy = buffer;

    out_of_memory = true;
    assert_null(inlay_text_new("%d", 1));
    assert_false(inlay_text_copy("a", &copy));
    assert_null(copy);
    assert_true(inlay_text_copy(NULL, &copy)); /* none to copy: none needed */
}

static void statements_need_memory(void **state)
{
    (void)state;
    struct unit_set set;
    struct run run;
    struct inlay_error err;

    unit_set_parse(&set, "1:a");
    const struct step step = {.migration = &set.migrations[0], .script = &set.migrations[0].up};
    const struct stretch stretch = {.steps = &step, .count = 1};
    assert_int_equal(inlay_run_begin(&run, &set.set, NULL, &err), INLAY_OK);
    out_of_memory = true;
    assert_memory_error(inlay_apply(&run, &stretch, &err), &err);
    out_of_memory = true;
    assert_memory_error(inlay_stepwise(&run, &step, &err), &err);
}

/* At any point: nothing is lost of what was made until then, which is for a sanitizer to say. */
static void lists_of_hosts_need_memory(void **state)
{
    (void)state;
    PGconn *conn = PQconnectStart("host=localhost,a,b port=1,2,3");
    enum hosts_left came = HOSTS_NO_MEMORY;
    size_t given = 0;

    assert_int_not_equal(PQstatus(conn), CONNECTION_BAD);
    while (came == HOSTS_NO_MEMORY && given < 100) {
        struct hosts hosts = {0};
        left = ++given;
        came = inlay_hosts_leave_out(&hosts, conn);
        left = SIZE_MAX;
        if (came == HOSTS_LEFT)
            assert_string_equal(hosts.joined[HOST_PORT] + strlen(hosts.joined[HOST_PORT]) - 3,
                                "2,3");
        inlay_hosts_finish(&hosts);
    }
    PQfinish(conn);
    assert_int_equal(came, HOSTS_LEFT);
    assert_in_range(given, 20, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(plans_and_steps_need_memory, give_memory_back),
        cmocka_unit_test_teardown(a_status_needs_memory, give_memory_back),
        cmocka_unit_test_teardown(texts_need_memory, give_memory_back),
        cmocka_unit_test_teardown(lists_of_hosts_need_memory, give_memory_back),
        cmocka_unit_test_teardown(statements_need_memory, give_memory_back),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
