/* Many targets as the command line has them: what a list may say, which options go together, whose
 * part a target is, and how all of them end together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"

static char path[] = "/tmp/inlay-targets-XXXXXX";

static const char *write_list(const char *text, size_t length)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    return path;
}

static const struct run *check(const char *text)
{
    return run_cli("--migrate-check", "--migrate-targets", write_list(text, strlen(text)), NULL);
}

static void a_line_is_a_schema_or_a_string_or_both_with_a_name(void **state)
{
    (void)state;
    fake.standings[0] = INLAY_BEHIND;
    for (size_t i = 1; i < 7; i++)
        fake.standings[i] = INLAY_BEHIND;
    const struct run *run = check("\xEF\xBB\xBF"
                                  "acme\r\n\n# a comment\n  \nhost=db dbname=shop\n"
                                  "postgresql://u@h/db\nAn\xC3\xADsia\n"
                                  "one\tacme\thost=a password=secret\ntwo\t\tpostgres://u:p@h/x\n"
                                  "three\ta b/c:d@e;f\t\n");
    assert_int_equal(run->status, INLAY_EXIT_PENDING);
    assert_string_equal(run->out, "acme\nhost=db dbname=shop\npostgresql://u@h/db\nAn\xC3\xADsia\n"
                                  "one\ntwo\nthree\n");
    assert_string_equal(run->err, "7 targets: 7 behind\nerror: 7 of 7 targets are behind\n");
    assert_string_equal(check("acme\n")->err,
                        "1 target: 1 behind\nerror: 1 of 1 target is behind\n");
}

static void a_line_that_cannot_be_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line, *says;
    } cases[] = {
        {"a\nb\tc\n", "2", "a line is a schema, or a connection string, or NAME, SCHEMA and "},
        {"a\tb\tc\td\n", "1", "a line is a schema"},
        {"\ta\t\n", "1", "a line is a schema"},
        {"a\t\t\n", "1", "a target needs a schema or a connection string"},
        {"a.b\n", "1", "a schema is written as stored: no quotes, points, commas"},
        {"\n\"a\"\n", "2", "a schema is written as stored"},
        {"a,b\n", "1", "a schema is written as stored"},
        {"a \n", "1", "a schema is written as stored"},
        {"pg_temp\n", "1", "this schema is the server's own"},
        {"a\thost=x\thost=x\n", "1", "this is no schema: a connection string stands alone"},
        {"a\x01\n", "1", "a target has a control character"},
        {"host=h password=secret\n", "1", "a connection string with a password needs a name"},
        {"postgres://u:secret@h/x\n", "1", "a connection string with a password needs a name"},
        {"postgres://h/x?PASSWORD=secret\n", "1", "a connection string with a password"},
        {"postgres://h/x?%70assword=secret\n", "1", "a connection string with a password"},
        {"postgresql://u:secretpw@h/x\tu99\t\n", "1", "the name of a target is printed"},
        {"host=h password=secret\tu99\t\n", "1", "the name of a target is printed"},
        {"a234567890123456789012345678901234567890123456789012345678901234\n", "1",
         "a schema has 63 bytes at most"},
        {"a\nb\na\n", "3", "a target of this name stands in line 1 too"},
        {"borealis tenant_borealis\n", "1", "with a blank, / : @ or ; this is neither a schema"},
        {"db8:5432/shared\n", "1", "NAME, SCHEMA, CONNINFO with a tab between two"},
        {"a\npostgresql//app:secret@h/db\n", "2", "neither a schema nor a connection string"},
        {"acme; drop schema acme\n", "1", "neither a schema nor a connection string"},
        {"app@db8\n", "1", "neither a schema nor a connection string"},
        {"a\nx\ta\t\n", "2", "a target with this schema and connection string stands in line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char begins[64];
        const struct run *run = check(cases[i].text);
        snprintf(begins, sizeof begins, "%s:%s: error: ", path, cases[i].line);
        assert_int_equal(run->status, INLAY_EXIT_USAGE);
        assert_ptr_equal(strstr(run->err, begins), run->err);
        assert_non_null(strstr(run->err, cases[i].says));
        assert_null(strstr(run->err, "secret"));
        assert_string_equal(run->out, "");
    }
    assert_int_equal(fake.calls, 0);
}

static void a_list_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    char says[128];
    snprintf(says, sizeof says, "error: %s lists no targets\n", path);
    assert_string_equal(check("# nothing\n")->err, says);
    assert_string_equal(check("")->err, says);
    snprintf(says, sizeof says, "error: %s is no text: line 2 has a NUL byte\n", path);
    const struct run *run =
        run_cli("--migrate-check", "--migrate-targets", write_list("a\nb\0c\n", 6), NULL);
    assert_string_equal(run->err, says);
    run = run_cli("--migrate-check", "--migrate-targets=/nowhere/list", NULL);
    assert_string_equal(run->err, "error: the targets in /nowhere/list cannot be read: No such "
                                  "file or directory\n");
    run = run_cli("--migrate-check", "--migrate-targets=/tmp", "--migrate-json", NULL);
    assert_non_null(strstr(run->err, "error: the targets in /tmp cannot be read: Is a directory"));
    assert_non_null(strstr(run->out, "\"exit\": 2, \"targets\": null, "));
    assert_int_equal(run->status, INLAY_EXIT_USAGE);
}

/* Runs in a process of its own: has the pipe open once that is read, says nothing, and asks the
 * reader to stop. Whatever becomes of that, the pipe is closed in the end. */
static void stop_silently(const char *pipe)
{
    int fd = -1;
    alarm(10);
    while (fd < 0)
        fd = open(pipe, O_WRONLY | O_NONBLOCK);
    kill(getppid(), SIGTERM);
    for (;;)
        pause();
}

static void a_silent_pipe_is_waited_for_until_a_signal_comes(void **state)
{
    (void)state;
    char pipe[64];
    snprintf(pipe, sizeof pipe, "%s.pipe", path);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    pid_t child = fork();
    if (child == 0)
        stop_silently(pipe);
    const struct run *run = run_cli("--migrate-check", "--migrate-targets", pipe, NULL);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    unlink(pipe);
    assert_string_equal(run->err, "error: stopped on request\n");
    assert_int_equal(run->status, INLAY_EXIT_SIGNAL + SIGTERM);
}

static void a_query_lists_them_too(void **state)
{
    (void)state;
    static const char query[] = "SELECT s AS schema FROM tenants";
    fake.targets[0] = (struct inlay_many_target){.schema = "acme"};
    fake.targets[1] = (struct inlay_many_target){.conninfo = "host=x", .name = "x"};
    fake.target_count = 2;
    const struct run *run = run_cli("--migrate-check", "--migrate-targets", query, NULL);
    assert_string_equal(run->err, "2 targets: 2 up to date\n");
    assert_string_equal(fake.source, query);
    static const char *const others[] = {"\n  select\ts AS schema", "WITH t AS (SELECT) SELECT"};
    for (size_t i = 0; i < 2; i++) {
        fake.source = NULL;
        run_cli("--migrate-check", "--migrate-targets", others[i], NULL);
        assert_non_null(fake.source);
        assert_string_equal(fake.source, others[i]);
    }
    fake.targets[1].name = "acme";
    run = run_cli("--migrate-check", "--migrate-targets", query, NULL);
    assert_string_equal(run->err, "error: row 2 of the query for targets: a target of this name "
                                  "stands in row 1 too\n");
    fake.code_count = 1;
    fake.codes[0] = INLAY_E_CONNECTION;
    assert_int_equal(run_cli("--migrate-only", "--migrate-targets", query, NULL)->status,
                     INLAY_EXIT_CONNECTION);
}

static void a_row_that_cannot_be_is_named(void **state)
{
    (void)state;
    static const struct {
        struct inlay_many_target target;
        const char *says;
    } cases[] = {
        {{.schema = NULL}, "a target needs a schema or a connection string"},
        {{.schema = "tenant\"q"}, "a schema is written as stored"},
        {{.schema = "host=x"},
         "this is no schema: a connection string is in the column conninfo\n"},
        {{.schema = "a\nb"}, "a target has a control character"},
        {{.conninfo = "host=x password=secret"},
         "a connection string with a password needs a name, which is printed in its place: in the "
         "column name\n"},
    };
    fake.targets[0] = (struct inlay_many_target){.schema = "acme"};
    fake.target_count = 2;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char begins[128];
        fake.targets[1] = cases[i].target;
        const struct run *run =
            run_cli("--migrate-check", "--migrate-targets", "SELECT s", "--migrate-json", NULL);
        snprintf(begins, sizeof begins, "error: row 2 of the query for targets: %s", cases[i].says);
        assert_ptr_equal(strstr(run->err, begins), run->err);
        assert_null(strstr(run->err, "secret"));
        assert_non_null(strstr(run->out, "\"row 2 of the query for targets: "));
        assert_int_equal(run->status, INLAY_EXIT_USAGE);
    }
}

static void what_does_not_go_together_is_refused(void **state)
{
    (void)state;
    static const char goes[] = "error: --migrate-targets goes with --migrate-only, --migrate-check "
                               "or --migrate-status; see --migrate-help\n";
    assert_string_equal(run_cli("--migrate-down", "1", "--migrate-targets", "x", NULL)->err, goes);
    assert_string_equal(run_cli("--migrate-reset", "--migrate-targets=x", NULL)->err, goes);
    assert_string_equal(run_cli("--migrate-targets=x", NULL)->err, goes);
    static const struct {
        const char *verb, *one, *two, *says;
    } cases[] = {
        {"--migrate-only", "--migrate-jobs=2", "", "jobs needs --migrate-targets FILE"},
        {"--migrate-check", "--migrate-part=1/2", "", "part needs --migrate-targets FILE"},
        {"--migrate-check", "--migrate-jobs=2", "--migrate-targets=x",
         "jobs goes with --migrate-only"},
        {"--migrate-only", "--migrate-jobs=0", "--migrate-targets=x",
         "jobs needs how many at once"},
        {"--migrate-only", "--migrate-jobs=65", "--migrate-targets=x",
         "jobs needs how many at once"},
        {"--migrate-only", "--migrate-part=3/2", "--migrate-targets=x", "part needs which part of"},
        {"--migrate-only", "--migrate-part=0/2", "--migrate-targets=x", "part needs which part of"},
        {"--migrate-only", "--migrate-part=1/0", "--migrate-targets=x", "part needs which part of"},
        {"--migrate-only", "--migrate-part=2", "--migrate-targets=x", "part needs which part of"},
        {"--migrate-only", "--migrate-backup=/tmp", "--migrate-targets=x",
         "no backup is made of many targets: make one before, and say --migrate-no-backup"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct run *run =
            run_cli(cases[i].verb, cases[i].one, cases[i].two[0] ? cases[i].two : NULL, NULL);
        assert_int_equal(run->status, INLAY_EXIT_USAGE);
        assert_non_null(strstr(run->err, cases[i].says));
    }
    struct inlay_options defaults = {.size = sizeof defaults,
                                     .connection = (struct pg_conn *)(uintptr_t)&defaults};
    const struct run *run = run_steps(&defaults, "--migrate-check", "--migrate-targets=x", NULL);
    assert_non_null(strstr(run->err, "needs a connection string, --migrate-database URL"));
    assert_int_equal(fake.calls, 0);
}

static void whose_string_it_is_is_said_of_the_one_that_failed(void **state)
{
    (void)state;
    static const char says[] = "the connection string is that of DATABASE_URL";
    setenv("DATABASE_URL", "host=/nowhere", 1);
    static const struct {
        const char *list;
        bool says;
    } cases[] = {{"acme\nborealis\n", true}, {"acme\nhost=x\n", false}};
    for (size_t i = 0; i < 2; i++) {
        write_list(cases[i].list, strlen(cases[i].list));
        fake.standings[0] = fake.standings[1] = INLAY_UNREADABLE;
        const struct run *run =
            run_cli("--migrate-check", "--migrate-targets", path, "--migrate-json", NULL);
        assert_int_equal(run->status, INLAY_EXIT_CONNECTION);
        assert_int_equal(strstr(run->out, says) != NULL, cases[i].says);
    }
    unsetenv("DATABASE_URL");
}

/* Parts are the same in every release: what was half done is found again. */
static void each_target_is_in_one_part(void **state)
{
    (void)state;
    static const char list[] = "acme\nborealis\ncirrus\ndelta\neos\nfornax\n";
    for (size_t i = 0; i < MAX_TARGETS; i++)
        fake.standings[i] = INLAY_NEW;
    write_list(list, strlen(list));
    static const char *const parts[] = {"1/3", "2/3", "3/3"};
    char all[256] = "";
    for (size_t i = 0; i < 3; i++)
        strcat(all, run_cli("--migrate-check", "--migrate-targets", path, "--migrate-part",
                            parts[i], NULL)
                        ->out);
    assert_string_equal(all, "borealis\ncirrus\ndelta\nfornax\nacme\neos\n");
    setenv("JOB_COMPLETION_INDEX", "1", 1);
    const struct run *run =
        run_cli("--migrate-check", "--migrate-targets", path, "--migrate-part=/3", NULL);
    assert_non_null(strstr(all, run->out));
    assert_int_equal(run->status, INLAY_EXIT_PENDING);
    setenv("JOB_COMPLETION_INDEX", "3", 1);
    run = run_cli("--migrate-check", "--migrate-targets", path, "--migrate-part=/3", NULL);
    assert_string_equal(run->err, "error: --migrate-part /3: this is job 3 from 0, so there are "
                                  "not 3 parts\n");
    unsetenv("JOB_COMPLETION_INDEX");
    run = run_cli("--migrate-check", "--migrate-targets", path, "--migrate-part=/3", NULL);
    assert_string_equal(run->err, "error: --migrate-part /3 needs JOB_COMPLETION_INDEX or "
                                  "SLURM_ARRAY_TASK_ID; elsewhere say which part it is, as in "
                                  "1/3\n");
    setenv("SLURM_ARRAY_TASK_ID", "9", 1);
    setenv("SLURM_ARRAY_TASK_MIN", "5", 1);
    setenv("SLURM_ARRAY_TASK_STEP", "2", 1);
    setenv("SLURM_ARRAY_TASK_COUNT", "3", 1);
    run = run_cli("--migrate-check", "--migrate-targets", path, "--migrate-part=/3", NULL);
    assert_string_equal(run->out, "acme\neos\n");
    run = run_cli("--migrate-check", "--migrate-targets", path, "--migrate-part=/4", NULL);
    assert_int_equal(run->status, INLAY_EXIT_USAGE);
    unsetenv("SLURM_ARRAY_TASK_ID");
    run = run_cli("--migrate-check", "--migrate-targets", path, "--migrate-part=1/1000", NULL);
    assert_string_equal(run->err, "none of the targets is in part 1/1000\n0 targets\n");
    assert_int_equal(run->status, INLAY_EXIT_OK);
}

static void a_number_of_a_job_is_a_number(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *value;
    } cases[] = {
        {"JOB_COMPLETION_INDEX", "abc"},
        {"JOB_COMPLETION_INDEX", "1x"},
        {"JOB_COMPLETION_INDEX", " 1"},
        {"JOB_COMPLETION_INDEX", "-1"},
        {"SLURM_ARRAY_TASK_ID", "1x"},
        {"SLURM_ARRAY_TASK_MIN", "x"},
        {"SLURM_ARRAY_TASK_COUNT", "+3"},
        {"SLURM_ARRAY_TASK_STEP", "2 "},
        {"SLURM_ARRAY_TASK_ID", "9999999999999999999999"},
    };
    write_list("acme\n", 5);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char says[96];
        setenv("SLURM_ARRAY_TASK_ID", "1", 1);
        setenv(cases[i].variable, cases[i].value, 1);
        const struct run *run =
            run_cli("--migrate-check", "--migrate-targets", path, "--migrate-part=/8", NULL);
        unsetenv("SLURM_ARRAY_TASK_ID");
        unsetenv(cases[i].variable);
        snprintf(says, sizeof says, "error: %s=%s is no number\n", cases[i].variable,
                 cases[i].value);
        assert_string_equal(run->err, says);
        assert_int_equal(run->status, INLAY_EXIT_USAGE);
    }
    assert_int_equal(fake.calls, 0);
}

static void what_failed_alike_is_said_once(void **state)
{
    (void)state;
    fake.standings[1] = INLAY_DISAGREES;
    fake.standings[2] = INLAY_DISAGREES;
    const struct run *run = check("acme\nborealis\ncirrus\n");
    assert_int_equal(run->status, INLAY_EXIT_SOME);
    assert_string_equal(run->err, "error: what is wrong with borealis\n"
                                  "  in borealis, cirrus\n"
                                  "3 targets: 1 up to date, 2 disagreeing\n"
                                  "error: 2 of 3 targets cannot be taken as they are\n");
    run = run_cli("--migrate-status", "--migrate-targets", path, NULL);
    assert_int_equal(run->status, INLAY_EXIT_OK);
    fake.standings[0] = INLAY_DISAGREES;
    assert_int_equal(check("acme\nborealis\n")->status, INLAY_EXIT_MISMATCH);
}

/* The hint of a target that is disagreeing, as text has it. */
static const char *hint_of(const char *line, const char *hint, const char *option)
{
    static char said[2048];
    fake.standings[0] = INLAY_DISAGREES;
    fake.hint = hint;
    write_list(line, strlen(line));
    const struct run *run = run_cli("--migrate-check", "--migrate-targets", path,
                                    "--migrate-history=public.h", option, NULL);
    const char *at = strstr(run->err, "hint: ");
    assert_non_null(at);
    snprintf(said, sizeof said, "%s", at + strlen("hint: "));
    *strstr(said, "  in ") = '\0';
    return said;
}

static void a_command_of_a_hint_is_about_the_target(void **state)
{
    (void)state;
    static const char accept[] = "or: --migrate-accept 2, or\nUPDATE x;";
    static const struct {
        const char *line, *hint, *option, *ends;
    } cases[] = {
        {"w1", accept, NULL, "UPDATE x;\nfor w1: --migrate-history w1.h\n"},
        {"dbname=t3", accept, NULL, "\nfor dbname=t3: --migrate-database dbname=t3\n"},
        {"dbname='t 3'", accept, NULL, "': --migrate-database 'dbname='\\''t 3'\\'''\n"},
        {"one\tw 1\thost=x", accept, NULL,
         "for one: --migrate-database host=x --migrate-history 'w 1.h'\n"},
        {"one\tw1\thost=x password=secret", accept, NULL,
         "--migrate-database URL (its connection string) --migrate-history w1.h\n"},
        {"one\t\tpostgres://u:secret@h/x", accept, NULL,
         "for one: --migrate-database URL (its connection string)\n"},
        {"w1", "adopt: --migrate-adopt goose; with --migrate-history w1.h", NULL,
         "adopt: --migrate-adopt goose; with --migrate-history w1.h\n"},
        {"w1", "once --migrate-fresh", "--migrate-search-path=ext",
         "for w1: --migrate-history w1.h; to run migrations, add --migrate-search-path w1,ext\n"},
        {"w1", "try --migrate-redo", NULL,
         "for w1: --migrate-history w1.h; to run migrations, add --migrate-search-path w1\n"},
        {"w1", "--migrate-history w1.h; or --migrate-fresh", NULL,
         "\nfor w1: to run migrations, add --migrate-search-path w1\n"},
        {"w1", "its own: --migrate-history SCHEMA.TABLE, or --migrate-accept 2", NULL,
         "\nfor w1: --migrate-history w1.h\n"},
        {"dbname=t3", "longer: --migrate-lock-wait", NULL, "longer: --migrate-lock-wait\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *hint = hint_of(cases[i].line, cases[i].hint, cases[i].option);
        size_t length = strlen(hint), least = strlen(cases[i].ends);
        assert_true(length >= least);
        assert_string_equal(hint + length - least, cases[i].ends);
        assert_null(strstr(hint, "secret"));
    }
    hint_of("dbname=t3", accept, NULL);
    const struct run *run =
        run_cli("--migrate-only", "--migrate-targets", path, "--migrate-json=lines", NULL);
    const char *said = strstr(run->out, "\\nfor dbname=t3: --migrate-database dbname=t3\"");
    assert_non_null(said);
    assert_non_null(strstr(said + 1, "\\nfor dbname=t3: --migrate-database dbname=t3\""));
}

/* A part of the line would lead elsewhere. */
static void a_hint_that_is_full_stays_as_it_is(void **state)
{
    (void)state;
    char full[740] = "--migrate-accept 2 ";
    memset(full + strlen(full), 'x', sizeof full - strlen(full) - 1);
    full[sizeof full - 1] = '\0';
    const char *hint = hint_of("w1", full, NULL);
    assert_memory_equal(hint, full, sizeof full - 1);
    assert_string_equal(hint + sizeof full - 1, "\n");
    full[708] = '\0';
    hint = hint_of("a\t\thost=/a/directory/with/a/longer/name", full, NULL);
    assert_string_equal(hint + 708, "\nfor a: --migrate-database URL (its connection string)\n");
}

static void those_behind_are_migrated(void **state)
{
    (void)state;
    fake.standings[1] = INLAY_BEHIND;
    fake.standings[2] = INLAY_NEW;
    fake.result = (struct inlay_result){.applied = 2, .batch = 4, .elapsed_ms = 7};
    check("acme\nborealis\ncirrus\n");
    const struct run *run =
        run_cli("--migrate-only", "--migrate-targets", path, "--migrate-jobs=2", NULL);
    assert_int_equal(run->status, INLAY_EXIT_OK);
    assert_non_null(strstr(run->err, "2 of 3 targets are behind\n"));
    assert_non_null(strstr(run->err, "cirrus: 2 migrations applied in batch 4 (7 ms)\n"));
    assert_non_null(strstr(run->err, "\n3 targets: 1 up to date, 2 migrated\n"));
    assert_string_equal(run->out, "");
    fake.code_count = 3;
    fake.calls = 0;
    fake.codes[1] = INLAY_E_FAILED;
    run = run_cli("--migrate-only", "--migrate-targets", path, "--migrate-json=lines", NULL);
    assert_int_equal(run->status, INLAY_EXIT_SOME);
    assert_non_null(strstr(run->err, "borealis: error: as the test says\n"));
    assert_non_null(strstr(run->out, "{\"event\": \"target\", \"target\": \"borealis\", \"state\": "
                                     "\"failed\", \"pending\": 1, \"applied\": 0, "));
    assert_non_null(strstr(run->out, "\"migrated\": 1, \"behind\": 0, \"new\": 0, "));
}

static const char *find_it(void *user, struct inlay_error *err)
{
    (void)err;
    return user;
}

static const char *found;

static void note_found(const struct inlay_options *options)
{
    struct inlay_error err;
    if (options->find_conninfo)
        found = options->find_conninfo(options->find_conninfo_user, &err);
    found = found && strcmp(found, "host=found") == 0 ? "host=found" : NULL;
}

static void the_host_finds_the_string_for_each(void **state)
{
    (void)state;
    char text[] = "host=found";
    const struct inlay_options defaults = {
        .size = sizeof defaults, .find_conninfo = find_it, .find_conninfo_user = text};
    fake.standings[0] = INLAY_BEHIND;
    fake.during = note_found;
    write_list("acme\n", 5);
    run_steps(&defaults, "--migrate-only", "--migrate-targets", path, NULL);
    assert_string_equal(fake.last_call, "migrate");
    assert_true(fake.options.find_conninfo != find_it);
    assert_string_equal(found, "host=found");
}

static int make_list(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_list(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_line_is_a_schema_or_a_string_or_both_with_a_name, fake_reset),
        cmocka_unit_test_setup(a_line_that_cannot_be_is_named, fake_reset),
        cmocka_unit_test_setup(a_list_that_cannot_be_read_is_refused, fake_reset),
        cmocka_unit_test_setup(a_silent_pipe_is_waited_for_until_a_signal_comes, fake_reset),
        cmocka_unit_test_setup(a_query_lists_them_too, fake_reset),
        cmocka_unit_test_setup(a_row_that_cannot_be_is_named, fake_reset),
        cmocka_unit_test_setup(what_does_not_go_together_is_refused, fake_reset),
        cmocka_unit_test_setup(whose_string_it_is_is_said_of_the_one_that_failed, fake_reset),
        cmocka_unit_test_setup(each_target_is_in_one_part, fake_reset),
        cmocka_unit_test_setup(a_number_of_a_job_is_a_number, fake_reset),
        cmocka_unit_test_setup(what_failed_alike_is_said_once, fake_reset),
        cmocka_unit_test_setup(a_command_of_a_hint_is_about_the_target, fake_reset),
        cmocka_unit_test_setup(a_hint_that_is_full_stays_as_it_is, fake_reset),
        cmocka_unit_test_setup(those_behind_are_migrated, fake_reset),
        cmocka_unit_test_setup(the_host_finds_the_string_for_each, fake_reset),
    };
    return cmocka_run_group_tests_name("targets", tests, make_list, remove_list);
}
