/* From words to options: what is taken, what is left, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "verbs/verbs.h"
#include "words/options.h"

static void leaves_the_hosts_words_in_order(void **state)
{
    (void)state;
    const struct run *run = run_cli("--listen", ":80", "--migrate-strict", "-v", "--migrate-pooler",
                                    "session", "file", "--", "--migrate-only", NULL);
    assert_false(run->ended);
    assert_int_equal(run->argc, 7);
    const char *const left[] = {"--listen", ":80", "-v", "file", "--", "--migrate-only"};
    for (int i = 0; i < 6; i++)
        assert_string_equal(run->argv[i + 1], left[i]);
    assert_null(run->argv[7]);
    assert_true(run->options.strict);
    assert_int_equal(run->options.pooler, INLAY_POOLER_SESSION);
    assert_int_equal(fake.calls, 0);
}

static void fills_every_option(void **state)
{
    (void)state;
    const struct run *run =
        run_cli("--migrate-database=postgresql://h/db?a=b", "--migrate-history", "app.done",
                "--migrate-fresh", "--migrate-pooler=transaction", "--migrate-lock-wait", "2min",
                "--migrate-connect-wait=30", "--migrate-skip-missing-down", "--migrate-late=refuse",
                "--migrate-retry=1h", "--migrate-asynchronous", NULL);
    assert_false(run->ended);
    assert_int_equal(run->options.size, sizeof(struct inlay_options));
    assert_string_equal(run->options.conninfo, "postgresql://h/db?a=b");
    assert_string_equal(run->options.history, "app.done");
    assert_true(run->options.fresh);
    assert_false(run->options.strict);
    assert_true(run->options.skip_missing_down);
    assert_int_equal(run->options.pooler, INLAY_POOLER_TRANSACTION);
    assert_int_equal(run->options.lock_wait_ms, 120000);
    assert_int_equal(run->options.connect_wait_ms, 30000);
    assert_true(run->options.refuse_late);
    assert_true(run->options.asynchronous);
    assert_int_equal(run->options.retry_ms, 3600000);
    assert_int_equal(run_cli("--migrate-retry=0", NULL)->options.retry_ms, INLAY_NO_WAIT);
    assert_null(run->options.log);
    assert_null(run->options.event);
    assert_null(run->options.user);
    assert_int_equal(run->options.stop_fd, 0);
}

static void hands_the_options_to_the_verb(void **state)
{
    (void)state;
    const struct run *run = run_cli("--migrate-only", "--migrate-strict", NULL);
    assert_true(run->ended);
    assert_string_equal(fake.last_call, "migrate");
    assert_true(fake.options.strict);
    assert_true(fake.options.stop_fd > 0);
    assert_non_null(fake.options.log);
    assert_int_equal(run->options.stop_fd, 0);
    assert_null(run->options.log);
}

static void the_environment_comes_after_the_option(void **state)
{
    (void)state;
    setenv("DATABASE_URL", "second", 1);
    assert_string_equal(run_cli("x", NULL)->options.conninfo, "second");
    setenv("INLAY_DATABASE_URL", "first", 1);
    assert_string_equal(run_cli("x", NULL)->options.conninfo, "first");
    assert_string_equal(run_cli("--migrate-database", "own", NULL)->options.conninfo, "own");
    setenv("INLAY_DATABASE_URL", "", 1);
    assert_string_equal(run_cli("x", NULL)->options.conninfo, "second");
    unsetenv("DATABASE_URL");
    assert_null(run_cli("x", NULL)->options.conninfo);
}

/* No verb, no line: a server that starts may have its own use for the variable. */
static void a_directory_in_the_environment_is_not_read(void **state)
{
    (void)state;
    static const char *const variables[] = {"FLYWAY_LOCATIONS", "GOOSE_MIGRATION_DIR",
                                            "DBMATE_MIGRATIONS_DIR", "MIGRATIONS_DIR"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        char line[128];
        snprintf(line, sizeof line,
                 "%s is set, but no directory is read: this program has its own 3 migrations\n",
                 variables[i]);
        setenv(variables[i], "/secret", 1);
        assert_string_equal(run_cli("--migrate-show", NULL)->err, line);
        assert_string_equal(run_cli("--migrate-version", NULL)->err, line);
        const struct run *run = run_cli("--migrate-check", "--migrate-json", NULL);
        assert_ptr_equal(strstr(run->err, line), run->err);
        assert_non_null(strstr(run->out, "\"warnings\": [], \"error\": null}\n"));
        assert_string_equal(run_cli("--migrate-help", NULL)->err, "");
        assert_string_equal(run_cli("--migrate-strict", NULL)->err, "");
        assert_null(strstr(run_main(NULL)->err, line));
    }
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        setenv(variables[i], "", 1);
    assert_string_equal(run_cli("--migrate-show", NULL)->err, "");
}

static void reads_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -2: refused */
    } cases[] = {
        {"5", 5000},
        {"0", INLAY_NO_WAIT},
        {"500ms", 500},
        {"5s", 5000},
        {"2min", 120000},
        {"1h", 3600000},
        {"007", 7000},
        {"366h", 1317600000},
        {"8784h", INT64_C(31622400000)},
        {"8785h", -2},
        {"", -2},
        {"s", -2},
        {"-1", -2},
        {"+1", -2},
        {"1.5", -2},
        {" 1", -2},
        {"1 s", -2},
        {"5m", -2},
        {"5sec", -2},
        {"0x10", -2},
        {"99999999999999999999", -2},
        {"9e3", -2},
        {"5S", -2},
        {"31622401", -2},
        {"31622400", INT64_C(31622400000)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char word[64] = "--migrate-lock-wait=";
        strcat(word, cases[i].text);
        const struct run *run = run_cli(word, NULL);
        assert_int_equal(run->ended, cases[i].ms == -2);
        if (run->ended)
            assert_string_equal(run->err, "error: --migrate-lock-wait needs a duration: seconds, "
                                          "or 500ms, 5s, 2min, 1h, up to a year; see "
                                          "--migrate-help\n");
        else
            assert_int_equal(run->options.lock_wait_ms, cases[i].ms);
    }
}

/* Several words in one value, or one after the other; the last one counts. */
static void reads_settings(void **state)
{
    (void)state;
    const struct run *run =
        run_cli("--migrate-set= statement_timeout=10min\tisolation=serializable ", "--migrate-set",
                "lock_timeout=5s", NULL);
    assert_false(run->ended);
    assert_int_equal(run->options.lock_timeout_ms, 5000);
    assert_int_equal(run->options.statement_timeout_ms, 600000);
    assert_int_equal(run->options.isolation, INLAY_ISOLATION_SERIALIZABLE);
    run = run_cli("--migrate-set=lock_timeout=1s lock_timeout=0", "--migrate-set",
                  "isolation=read-committed", "--migrate-set", "isolation=repeatable-read", NULL);
    assert_int_equal(run->options.lock_timeout_ms, INLAY_NO_TIMEOUT);
    assert_int_equal(run->options.statement_timeout_ms, 0);
    assert_int_equal(run->options.isolation, INLAY_ISOLATION_REPEATABLE_READ);
}

/* As the generator reads the head of a file. */
static void reads_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -2: refused */
    } cases[] = {
        {"5s", 5000},
        {"250", 250},
        {"250ms", 250},
        {"2000us", 2},
        {"2min", 120000},
        {"1h", 3600000},
        {"1d", 86400000},
        {"1.5s", 1500},
        {"0.001s", 1},
        {"0.5d", 43200000},
        {"1.250000000s", -2},
        {"1.250000s", 1250},
        {"0", INLAY_NO_TIMEOUT},
        {"0s", INLAY_NO_TIMEOUT},
        {"0.0", INLAY_NO_TIMEOUT},
        {"2147483647", 2147483647},
        {"2147483648", -2},
        {"24.855d", 2147472000},
        {"25d", -2},
        {"99999999999999999999", -2},
        {"0.5", -2},
        {"500us", -2},
        {"1.0005s", -2},
        {"", -2},
        {"s", -2},
        {".5s", -2},
        {"5.s", -2},
        {"-1", -2},
        {"+1", -2},
        {"1e3", -2},
        {"5sec", -2},
        {"5S", -2},
        {"1.2.3s", -2},
        {"5m", -2},
        {"0x10", -2},
        {"2147483647000us", 2147483647},
        {"0.000001d", -2},
        {"596h", INT64_C(2145600000)},
        {"597h", -2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char word[64] = "--migrate-set=statement_timeout=";
        strcat(word, cases[i].text);
        const struct run *run = run_cli(word, NULL);
        assert_int_equal(run->ended, cases[i].ms == -2);
        if (!run->ended)
            assert_int_equal(run->options.statement_timeout_ms, cases[i].ms);
    }
}

/* Every way to be misunderstood: one line on stderr, exit status 2, nothing run. */
static void refuses_what_makes_no_sense(void **state)
{
    (void)state;
    static const struct {
        const char *words[3];
        const char *line; /* without "error: " and "; see --migrate-help" */
    } cases[] = {
        {{"--migrate-statsu"}, "unknown option --migrate-statsu (did you mean --migrate-status?)"},
        {{"--migrate-stat"}, "unknown option --migrate-stat (did you mean --migrate-status?)"},
        {{"--migrate-dryrun"}, "unknown option --migrate-dryrun (did you mean --migrate-dry-run?)"},
        {{"--migrate-databse=postgresql://u:secret@h/d"},
         "unknown option --migrate-databse (did you mean --migrate-database?)"},
        {{"--migrate-postgresql://u:secret@h/d"}, "unknown option --migrate-postgresql..."},
        {{"--migrate-"}, "unknown option --migrate-"},
        {{"--migrate-xyzzyxyzzy"}, "unknown option --migrate-xyzzyxyzzy"},
        {{"--migrate-status", "--migrate-only"},
         "one verb at a time: --migrate-status came before --migrate-only"},
        {{"--migrate-only", "--migrate-only"},
         "one verb at a time: --migrate-only came before --migrate-only"},
        {{"--migrate-only=yes"}, "--migrate-only takes no value"},
        {{"--migrate-strict=postgresql://u:secret@h/d"}, "--migrate-strict takes no value"},
        {{"--migrate-database"}, "--migrate-database needs a connection string"},
        {{"--migrate-database="}, "--migrate-database needs a connection string"},
        {{"--migrate-database", ""}, "--migrate-database needs a connection string"},
        {{"--migrate-database", "--migrate-only"}, "--migrate-database needs a connection string"},
        {{"--migrate-database", "--"}, "--migrate-database needs a connection string"},
        {{"--migrate-history"}, "--migrate-history needs the name of a table, SCHEMA.TABLE"},
        {{"--migrate-history=x"}, "--migrate-history needs the name of a table, SCHEMA.TABLE"},
        {{"--migrate-history=.x"}, "--migrate-history needs the name of a table, SCHEMA.TABLE"},
        {{"--migrate-history=x."}, "--migrate-history needs the name of a table, SCHEMA.TABLE"},
        {{"--migrate-history=a.b.c"}, "--migrate-history needs the name of a table, SCHEMA.TABLE"},
        {{"--migrate-history=postgresql://u:secret@db.example/x"},
         "--migrate-history needs the name of a table, SCHEMA.TABLE"},
        {{"--migrate-history=host=db.example password=secret"},
         "--migrate-history needs the name of a table, SCHEMA.TABLE"},
        {{"--migrate-set"}, "--migrate-set needs settings, such as lock_timeout=5s"},
        {{"--migrate-set", "--migrate-only"},
         "--migrate-set needs settings, such as lock_timeout=5s"},
        {{"--migrate-set=lock_timeout=secret"},
         "--migrate-set: lock_timeout is a number with one of the units us, ms, s, min, h, d, such "
         "as lock_timeout=5s"},
        {{"--migrate-set=isolation=serializable statement_timeout=1.5us"},
         "--migrate-set: statement_timeout is a whole number of milliseconds"},
        {{"--migrate-set=lock_timeout=30d"},
         "--migrate-set: lock_timeout is at most 2147483647 ms (24 days)"},
        {{"--migrate-set=isolation=secret"},
         "--migrate-set: isolation is one of read-committed, repeatable-read, serializable"},
        {{"--migrate-set=no-transaction"},
         "--migrate-set: there are lock_timeout=TIME, statement_timeout=TIME and isolation=LEVEL"},
        {{"--migrate-set=lock_timeout 5s"},
         "--migrate-set: there are lock_timeout=TIME, statement_timeout=TIME and isolation=LEVEL"},
        {{"--migrate-set=postgresql://u:secret@h/d"},
         "--migrate-set: there are lock_timeout=TIME, statement_timeout=TIME and isolation=LEVEL"},
        {{"--migrate-retry=secret"},
         "--migrate-retry needs a duration: seconds, or 500ms, 5s, 2min, 1h, up to a year"},
        {{"--migrate-late=apply"}, "--migrate-late needs \"refuse\""},
        {{"--migrate-pooler=secret"}, "--migrate-pooler needs \"session\" or \"transaction\""},
        {{"--migrate-connect-wait=secret"},
         "--migrate-connect-wait needs a duration: seconds, or "
         "500ms, 5s, 2min, 1h, up to a year"},
        {{"--migrate-await"},
         "--migrate-await needs a duration: seconds, or 500ms, 5s, 2min, 1h, "
         "up to a year"},
        {{"--migrate-show="}, "--migrate-show needs a version: a whole number, or nothing"},
        {{"--migrate-show", "secret"},
         "--migrate-show needs a version: a whole number, or nothing"},
        {{"--migrate-show", "1_a"}, "--migrate-show needs a version: a whole number, or nothing"},
        {{"--migrate-show=9223372036854775808"},
         "--migrate-show needs a version: a whole number, or nothing"},
        {{"--migrate-mark", "-1"}, "--migrate-mark needs a version: a whole number"},
        {{"--migrate-to"}, "--migrate-to needs a version: a whole number"},
        {{"--migrate-baseline", "001_a"}, "--migrate-baseline needs a version: a whole number"},
        {{"--migrate-adopt"}, "--migrate-adopt needs a tool, or TOOL=SCHEMA.TABLE"},
        {{"--migrate-adopt="}, "--migrate-adopt needs a tool, or TOOL=SCHEMA.TABLE"},
        {{"--migrate-mark", "--migrate-yes"}, "--migrate-mark needs a version: a whole number"},
        {{"--migrate-unmark="}, "--migrate-unmark needs a version: a whole number"},
        {{"--migrate-accept", "all"}, "--migrate-accept needs a version: a whole number"},
        {{"--migrate-down"}, "--migrate-down needs how many: a whole number from 1; or \"batch\""},
        {{"--migrate-down", "0"},
         "--migrate-down needs how many: a whole number from 1; or \"batch\""},
        {{"--migrate-down=-1"},
         "--migrate-down needs how many: a whole number from 1; or \"batch\""},
        {{"--migrate-down", "1.5"},
         "--migrate-down needs how many: a whole number from 1; or \"batch\""},
        {{"--migrate-down", "last"},
         "--migrate-down needs how many: a whole number from 1; or \"batch\""},
        {{"--migrate-redo=2"}, "--migrate-redo takes no value"},
        {{"--migrate-down=1", "--migrate-yes=shop"},
         "--migrate-yes takes no value without --migrate-reset"},
        {{"--migrate-yes=shop"}, "--migrate-yes takes no value without --migrate-reset"},
        {{"--migrate-reset", "--migrate-yes"},
         "--migrate-reset needs the name of the database: --migrate-yes=DATABASE"},
        {{"--migrate-reset", "--migrate-yes="},
         "--migrate-yes needs the name of a database after ="},
        {{"--migrate-backup=x"}, "--migrate-backup needs a verb"},
        {{"--migrate-only", "--migrate-backup"}, "--migrate-backup needs a directory"},
        {{"--migrate-only", "--migrate-backup="}, "--migrate-backup needs a directory"},
        {{"--migrate-only", "--migrate-backup-keep=0"},
         "--migrate-backup-keep needs how many: a whole number from 1"},
        {{"--migrate-only", "--migrate-backup-required"},
         "--migrate-backup-required needs --migrate-backup DIR"},
        {{"--migrate-down=1", "--migrate-redo"},
         "one verb at a time: --migrate-down came before --migrate-redo"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const *words = cases[i].words;
        const struct run *run = run_cli(words[0], words[1], words[1] ? words[2] : NULL, NULL);
        char line[512];
        snprintf(line, sizeof line, "error: %s; see --migrate-help\n", cases[i].line);
        assert_true(run->ended);
        assert_string_equal(run->err, line);
        assert_string_equal(run->out, "");
        assert_int_equal(run->status, INLAY_EXIT_USAGE);
        assert_int_equal(fake.calls, 0);
    }
}

static void a_usage_error_is_a_document_too(void **state)
{
    (void)state;
    const struct run *run = run_cli("--migrate-statsu", "--migrate-json", NULL);
    assert_int_equal(run->status, INLAY_EXIT_USAGE);
    assert_non_null(strstr(run->out, "{\"inlay\": \"0.1.0\", \"verb\": null, "
                                     "\"code\": \"argument\", \"exit\": 2, "));
    assert_non_null(strstr(run->out, "\"message\": \"unknown option --migrate-statsu (did you "
                                     "mean --migrate-status?); see --migrate-help\""));
}

static void a_document_has_lines_or_not(void **state)
{
    (void)state;
    const struct run *run = run_cli("--migrate-show", "--migrate-json=line", NULL);
    assert_string_equal(run->err, "error: --migrate-json needs \"lines\" or nothing; see "
                                  "--migrate-help\n");
    run = run_cli("--migrate-show", "--migrate-json", "lines", NULL);
    assert_int_equal(run->argc, 2);
    assert_int_equal(run->status, INLAY_EXIT_OK);
    run = run_cli("--migrate-show", "--migrate-json=lines", NULL);
    assert_ptr_equal(strstr(run->out, "{\"inlay\""), run->out);
}

static void a_document_needs_a_verb(void **state)
{
    (void)state;
    const struct run *run = run_cli("--migrate-json", NULL);
    assert_int_equal(run->status, INLAY_EXIT_USAGE);
    assert_string_equal(run->err, "error: --migrate-json needs a verb; see --migrate-help\n");
}

static void a_whole_program_takes_both_spellings(void **state)
{
    (void)state;
    assert_int_equal(run_main("--check", NULL)->status, INLAY_EXIT_OK);
    assert_string_equal(fake.last_call, "check");
    assert_int_equal(run_main("--migrate-only", "--strict", NULL)->status, INLAY_EXIT_OK);
    assert_string_equal(fake.last_call, "migrate");
    assert_true(fake.options.strict);
    assert_int_equal(run_main("--check", "--", NULL)->status, INLAY_EXIT_OK);
}

struct typed {
    const char *prefix, *word, *says;
};

/* The one line that is printed, with the prefix in the place of each "@". */
static void assert_says(const struct typed *typed)
{
    char option[64], line[512];
    snprintf(option, sizeof option, "%s%s", typed->prefix, typed->word);
    size_t length = (size_t)snprintf(line, sizeof line, "error: unknown option %s (", option);
    for (const char *c = typed->says; *c; c++)
        length += (size_t)snprintf(line + length, sizeof line - length, "%.*s",
                                   *c == '@' ? (int)strlen(typed->prefix) : 1,
                                   *c == '@' ? typed->prefix : c);
    snprintf(line + length, sizeof line - length, "); see %shelp\n", typed->prefix);
    bool whole = strcmp(typed->prefix, "--") == 0;
    const struct run *run = whole ? run_main(option, NULL) : run_cli(option, NULL);
    assert_string_equal(run->err, line);
    assert_int_equal(run->status, INLAY_EXIT_USAGE);
    assert_int_equal(fake.calls, 0);
}

/* What the tools call their verbs, and what is said here; "@" is the prefix. */
static void knows_the_verbs_of_other_tools(void **state)
{
    (void)state;
    static const struct {
        const char *words, *says;
    } cases[] = {
        {"up migrate apply run deploy setup Up", "did you mean @only?"},
        {"goto up-to down-to up-by-one up_to Down-To", "did you mean @to VERSION?"},
        {"list ls", "did you mean @show?"},
        {"roll-back roll_back rollBack ROLLBACK rollback", "did you mean @down batch?"},
        {"undo revert", "did you mean @down N? @down batch undoes the whole last run"},
        {"info pending log", "did you mean @status?"},
        {"validate", "did you mean @check? Files are checked at build time: inlay check DIR"},
        {"lint", "files are checked at build time: inlay check DIR"},
        {"create new add", "migrations are written before the build: inlay new DIR NAME"},
        {"repair", "did you mean @accept VERSION?"},
        {"fix", "to renumber a file, rename it and build again; for an edited one: @accept "
                "VERSION"},
        {"force", "nothing can be dirty here: run again; or record it without running: @mark "
                  "VERSION"},
        {"clean drop", "did you mean @reset? It drops everything, then migrates"},
        {"dump", "pg_dump --schema-only writes the schema"},
        {"wait", "did you mean @connect-wait DURATION? It goes with a verb"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char words[64];
        strcpy(words, cases[i].words);
        for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
            assert_says(&(struct typed){"--migrate-", word, cases[i].says});
            assert_says(&(struct typed){"--", word, cases[i].says});
        }
    }
}

static void a_whole_program_refuses_other_words(void **state)
{
    (void)state;
    static const struct {
        const char *words[2];
        const char *line;
    } cases[] = {
        {{"--check", "postgresql://u:secret@h/d"}, "unexpected argument: only options are taken"},
        {{"--check", "x"}, "unexpected argument: only options are taken"},
        {{"--chekc"}, "unknown option --chekc (did you mean --check?)"},
        {{"-h"}, "unknown option -h (did you mean --help?)"},
        {{"up"}, "unexpected argument up (did you mean --only?)"},
        {{"down_to", "3"}, "unexpected argument: only options are taken"},
        {{"status"}, "unexpected argument status (did you mean --status?)"},
        {{"statsu"}, "unexpected argument: only options are taken"},
        {{"--", "--status"}, "unexpected argument: only options are taken"},
        {{"migrate"}, "unexpected argument migrate (did you mean --only?)"},
        {{"migrate", "--json"}, "unexpected argument migrate (did you mean --only?)"},
        {{"migrate", "revert"}, "unexpected argument revert (did you mean --down N? "},
        {{"migrate", "postgresql://u:secret@h/d"}, "unexpected argument: only options are taken"},
        {{"up=secret"}, "unexpected argument: only options are taken"},
        {{"--up=secret"}, "unknown option --up (did you mean --only?)"},
        {{"--strict"}, "no verb was given"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct run *run = run_main(cases[i].words[0], cases[i].words[1], NULL);
        assert_int_equal(run->status, INLAY_EXIT_USAGE);
        assert_non_null(strstr(run->err, cases[i].line));
        assert_null(strstr(run->err, "secret"));
        assert_int_equal(fake.calls, 0);
    }
}

static void a_whole_program_without_a_verb_helps(void **state)
{
    (void)state;
    const struct run *run = run_main(NULL);
    assert_int_equal(run->status, INLAY_EXIT_USAGE);
    assert_non_null(strstr(run->err, "usage: server --VERB [--OPTION ...]\n"));
    assert_non_null(strstr(run->err, "\n  --status  "));
    assert_string_equal(run->out, "");
}

static void helps_in_json_too(void **state)
{
    (void)state;
    const struct run *run = run_cli("--migrate-help", "--migrate-json", NULL);
    assert_int_equal(run->status, INLAY_EXIT_OK);
    assert_int_equal(run->out[0], '{');
    assert_non_null(strstr(run->out, "\"text\": \"usage: server --migrate-VERB "
                                     "[--migrate-OPTION ...]\\n\\nevery day\\n"));
}

static size_t lines_of_at_most(const char *text, size_t columns)
{
    size_t lines = 0;
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        assert_true(strcspn(line, "\n") <= columns);
        lines++;
    }
    return lines;
}

static void helps_on_one_screen(void **state)
{
    (void)state;
    const struct run *run = run_cli("--migrate-help", NULL);
    assert_int_equal(run->status, INLAY_EXIT_OK);
    assert_string_equal(run->err, "");
    assert_non_null(strstr(run->out, "usage: server --migrate-VERB [--migrate-OPTION ...]\n\n"
                                     "every day\n  --migrate-only              apply what "));
    const char *const groups[] = {
        "\ngoing back\n  --migrate-down N|batch  ",
        "\nadopting\n  --migrate-adopt TOOL[=SCHEMA.TABLE]  record what another tool ",
        "\nrepair\n  --migrate-accept VERSION  ",
        "an option does)\n  --migrate-database --migrate-history --migrate-search-path\n",
    };
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        assert_non_null(strstr(run->out, groups[i]));
    assert_in_range(lines_of_at_most(run->out, 79), 35, 43);
}

/* Under its own name, with the prefix, and as the value. */
static void helps_with_one_verb(void **state)
{
    (void)state;
    static const char *const words[] = {"--migrate-help=down", "--migrate-help=--migrate-down"};
    const char *down =
        "usage: server --migrate-down N|batch [--migrate-OPTION ...]\n\n"
        "undo the newest N, or what the last run applied\n"
        "The newest first, each together with its row. With \"batch\" all that has the\n"
        "number of the newest batch.\n\noptions\n";
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const struct run *run = run_cli(words[i], NULL);
        assert_int_equal(run->status, INLAY_EXIT_OK);
        assert_ptr_equal(strstr(run->out, down), run->out);
        assert_non_null(strstr(run->out, "\n  --migrate-lock-wait DURATION\n      wait this "));
        assert_non_null(strstr(run->out, "\n  --migrate-yes[=DATABASE]\n"));
        assert_null(strstr(run->out, "--migrate-allow-missing"));
        assert_non_null(strstr(run->out, "\n  6  the connection failed or was lost\n"));
    }
    const struct run *run = run_cli("--migrate-help", "dry-run", "other", NULL);
    assert_int_equal(run->argc, 2);
    assert_non_null(strstr(run->out, "alone: --migrate-rehearse runs the files.\nRefuses "));
    assert_null(strstr(run->out, "--migrate-lock-wait"));
    run = run_main("--help", "help", NULL);
    assert_string_equal(run->out,
                        "usage: server --help [NAME] [--OPTION ...]\n\n"
                        "print this help, or all about one verb or option\n"
                        "Such as --help down, or --help lock-wait.\n\noptions\n"
                        "  --json[=lines]\n"
                        "      print one JSON document on stdout; lines: events before it\n");
}

/* Each option with the verbs that ask for its value, as the library does. */
static void helps_with_one_option(void **state)
{
    (void)state;
    static const struct {
        const char *option, *verbs;
    } cases[] = {
        {"allow-missing", "adopt"},
        {"strict", "only status check dry-run rehearse script schema drift await to"},
        {"keep-down", "only script down to redo selftest reset baseline mark accept"},
        {"skip-missing-down", "script down to redo selftest"},
        {"yes", "rehearse down to redo reset"},
        {"backup", "only down to redo reset"},
        {"set", "only rehearse script down to redo selftest reset"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct run *run = run_cli("--migrate-help", cases[i].option, NULL);
        char verbs[256] = "";
        static char shown[1024];
        snprintf(shown, sizeof shown, "%s", strstr(run->out, "goes with\n"));
        char *line = strtok(shown, "\n");
        while ((line = strtok(NULL, "\n")) != NULL) {
            strcat(verbs, verbs[0] ? " " : "");
            strcat(verbs, line + strlen("  --migrate-"));
        }
        assert_string_equal(verbs, cases[i].verbs);
    }
    assert_string_equal(run_cli("--migrate-help", "allow-missing", NULL)->out,
                        "  --migrate-allow-missing\n"
                        "      adopt even if the other tool and this binary differ in versions\n"
                        "goes with\n  --migrate-adopt\n");
}

static void every_help_is_narrow(void **state)
{
    (void)state;
    for (const struct verb *verb = inlay_cli_verbs; verb->name; verb++)
        lines_of_at_most(run_cli("--migrate-help", verb->name, NULL)->out, 79);
    for (const struct option *option = inlay_cli_options; option->name; option++)
        lines_of_at_most(run_cli("--migrate-help", option->name, NULL)->out, 79);
}

static void refuses_help_with_what_there_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *topic, *said;
    } cases[] = {
        {"statsu", "unknown option statsu (did you mean --migrate-status?)"},
        {"lock-wait=3", "unknown option lock-wait (did you mean --migrate-lock-wait?)"},
        {"postgresql://u:secret@h/d", "unknown option postgresql..."},
        {"", "--migrate-help needs the name of a verb or an option"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[128];
        snprintf(line, sizeof line, "error: %s; see --migrate-help\n", cases[i].said);
        const struct run *run = run_cli("--migrate-help", cases[i].topic, NULL);
        assert_int_equal(run->status, INLAY_EXIT_USAGE);
        assert_string_equal(run->err, line);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, fake_reset)
    const struct CMUnitTest tests[] = {
        TEST(leaves_the_hosts_words_in_order),
        TEST(fills_every_option),
        TEST(hands_the_options_to_the_verb),
        TEST(the_environment_comes_after_the_option),
        TEST(a_directory_in_the_environment_is_not_read),
        TEST(reads_durations),
        TEST(reads_settings),
        TEST(reads_times),
        TEST(refuses_what_makes_no_sense),
        TEST(a_usage_error_is_a_document_too),
        TEST(a_document_has_lines_or_not),
        TEST(a_document_needs_a_verb),
        TEST(a_whole_program_takes_both_spellings),
        TEST(knows_the_verbs_of_other_tools),
        TEST(a_whole_program_refuses_other_words),
        TEST(a_whole_program_without_a_verb_helps),
        TEST(helps_on_one_screen),
        TEST(helps_with_one_verb),
        TEST(helps_with_one_option),
        TEST(every_help_is_narrow),
        TEST(refuses_help_with_what_there_is_not),
        TEST(helps_in_json_too),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
