/* What the verbs print and how they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include <inlay-admin.h>

static void every_code_has_its_exit_status(void **state)
{
    (void)state;
    static const struct {
        enum inlay_code code;
        int status;
    } cases[] = {
        {INLAY_OK, 0},        {INLAY_E_FAILED, 1},   {INLAY_E_ARGUMENT, 2},   {INLAY_E_PENDING, 3},
        {INLAY_E_LOCKED, 5},  {INLAY_E_MISMATCH, 4}, {INLAY_E_CONNECTION, 6}, {INLAY_E_LOST, 6},
        {INLAY_E_REFUSED, 7}, {INLAY_E_MEMORY, 1},
    };
    fake.code_count = 1;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake.codes[0] = cases[i].code;
        const struct run *run = run_cli("--migrate-check", NULL);
        assert_int_equal(run->status, cases[i].status);
        assert_string_equal(run->out, "");
        assert_string_equal(run->err, i == 0 ? "up to date: 3 migrations, the newest is "
                                               "010_index_email\n"
                                             : "error: as the test says\n");
    }
}

static void tell(const struct inlay_options *options, enum inlay_event_kind kind, size_t migration,
                 int64_t elapsed_ms)
{
    struct inlay_event event = {
        .kind = kind,
        .migration = &fake_set.migrations[migration],
        .index = migration + 1,
        .count = 3,
        .batch = 7,
        .elapsed_ms = elapsed_ms,
    };
    options->event(options->user, &event);
}

static void apply_two_of_three(const struct inlay_options *options)
{
    tell(options, INLAY_EVENT_BEGIN, 0, 0);
    options->log(options->user, INLAY_LOG_INFO, "waiting for the lock");
    tell(options, INLAY_EVENT_STARTED, 0, 0);
    tell(options, INLAY_EVENT_PROGRESS, 0, 500);
    tell(options, INLAY_EVENT_APPLIED, 0, 12);
    tell(options, INLAY_EVENT_SKIPPED, 1, 0);
    options->log(options->user, INLAY_LOG_WARNING, "odd \033[2J \xE2\x80\xAE\xFF \"x\"");
    options->log(options->user, INLAY_LOG_NOTICE, "010_index_email.sql: NOTICE: hello");
    tell(options, fake.codes[0] == INLAY_OK ? INLAY_EVENT_APPLIED : INLAY_EVENT_FAILED, 2, 61500);
}

static void only_says_a_line_for_each_migration(void **state)
{
    (void)state;
    fake.during = apply_two_of_three;
    fake.result = (struct inlay_result){.applied = 2, .skipped = 1, .batch = 7, .elapsed_ms = 3400};
    const struct run *run = run_cli("--migrate-only", NULL);
    assert_string_equal(run->out, "");
    assert_string_equal(run->err, "waiting for the lock\n"
                                  "applied 001_create_users (12 ms)\n"
                                  "skipped 002_add_email: another process applied it\n"
                                  "warning: odd \\x1b[2J \\u202e\xEF\xBF\xBD \"x\"\n"
                                  "010_index_email.sql: NOTICE: hello\n"
                                  "applied 010_index_email (1 min 1 s)\n"
                                  "2 migrations applied in batch 7 (3.4 s)\n");
}

static void take_long(const struct inlay_options *options)
{
    static const int64_t times[] = {500,   9999,  10001,  10500,  59999,
                                    60001, 60500, 119999, 121000, 121500};

    tell(options, INLAY_EVENT_BEGIN, 0, 0);
    for (size_t migration = 0; migration < 2; migration++) {
        tell(options, INLAY_EVENT_STARTED, migration, 0);
        for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
            tell(options, INLAY_EVENT_PROGRESS, migration, times[i]);
        tell(options, INLAY_EVENT_APPLIED, migration, 130000);
    }
}

static void what_takes_long_is_named_where_no_line_is_drawn(void **state)
{
    (void)state;
    fake.during = take_long;
    fake.result = (struct inlay_result){.applied = 2, .batch = 7, .elapsed_ms = 260000};
    const struct run *run = run_cli("--migrate-only", NULL);
    assert_string_equal(run->err, "applying 001_create_users, 1 of 3: statement 1 of 2, 10.0 s\n"
                                  "applying 001_create_users, 1 of 3: statement 1 of 2, 1 min 0 s\n"
                                  "applying 001_create_users, 1 of 3: statement 1 of 2, 2 min 1 s\n"
                                  "applied 001_create_users (2 min 10 s)\n"
                                  "applying 002_add_email, 2 of 3: statement 1 of 1, 10.0 s\n"
                                  "applying 002_add_email, 2 of 3: statement 1 of 1, 1 min 0 s\n"
                                  "applying 002_add_email, 2 of 3: statement 1 of 1, 2 min 1 s\n"
                                  "applied 002_add_email (2 min 10 s)\n"
                                  "2 migrations applied in batch 7 (4 min 20 s)\n");
}

static void only_keeps_the_steps_of_a_failed_run(void **state)
{
    (void)state;
    fake.codes[fake.code_count++] = INLAY_E_FAILED;
    fake.during = apply_two_of_three;
    const struct run *run = run_cli("--migrate-json", "--migrate-only", NULL);
    assert_int_equal(run->status, INLAY_EXIT_FAILED);
    assert_string_equal(
        run->out,
        "{\"inlay\": \"0.1.0\", \"verb\": \"only\", \"code\": \"failed\", \"exit\": 1, "
        "\"applied\": 1, \"skipped\": 1, \"batch\": 7, \"migrations\": ["
        "{\"version\": \"1\", \"name\": \"create_users\", \"result\": \"applied\", "
        "\"elapsed_ms\": 12}, "
        "{\"version\": \"2\", \"name\": \"add_email\", \"result\": \"skipped\", "
        "\"elapsed_ms\": 0}, "
        "{\"version\": \"10\", \"name\": \"index_email\", \"result\": \"failed\", "
        "\"elapsed_ms\": 61500}], \"backup\": null, "
        "\"warnings\": [\"odd \\u001b[2J \\u202e\xEF\xBF\xBD \\\"x\\\"\"], "
        "\"error\": {\"code\": \"failed\", \"message\": \"as the test says\", \"sqlstate\": null, "
        "\"version\": null, \"path\": null, \"line\": null, \"column\": null, \"detail\": null, "
        "\"hint\": null, \"context\": null, \"excerpt\": null, \"outcome\": null}}\n");
}

static void an_error_document_has_every_member(void **state)
{
    (void)state;
    fake.codes[fake.code_count++] = INLAY_E_FAILED;
    fake.error = (struct inlay_error){
        .sqlstate = "42703",
        .version = INT64_MAX,
        .path = "migrations/1.sql",
        .line = 17,
        .column = 9,
        .message = "m",
        .detail = "d",
        .hint = "h",
        .context = "c",
        .excerpt = "\t1 |\n",
        .outcome = "o",
    };
    assert_non_null(
        strstr(run_cli("--migrate-check", "--migrate-json", NULL)->out,
               "\"error\": {\"code\": \"failed\", \"message\": \"m\", \"sqlstate\": \"42703\", "
               "\"version\": \"9223372036854775807\", \"path\": \"migrations/1.sql\", "
               "\"line\": 17, \"column\": 9, \"detail\": \"d\", \"hint\": \"h\", "
               "\"context\": \"c\", \"excerpt\": \"\\t1 |\\n\", \"outcome\": \"o\"}}\n"));
}

static const struct inlay_status_entry *entries(void)
{
    static struct inlay_status_entry all[5];
    const struct inlay_migration *embedded = fake_set.migrations;
    all[0] = (struct inlay_status_entry){
        .version = 1,
        .state = INLAY_STATE_APPLIED,
        .name = "create_users",
        .migration = &embedded[0],
        .recorded_name = "create_users",
        .applied_at = "2026-01-24T10:00:00.123456+00:00",
        .batch = 1,
        .elapsed_ms = 12,
        .statements_done = -1,
    };
    all[1] = (struct inlay_status_entry){
        .version = 2,
        .state = INLAY_STATE_PENDING,
        .late = true,
        .name = "add_email",
        .migration = &embedded[1],
        .batch = -1,
        .elapsed_ms = -1,
        .statements_done = -1,
    };
    all[2] = (struct inlay_status_entry){
        .version = 7,
        .state = INLAY_STATE_UNKNOWN,
        .name = "\xE8\xA1\xA8\xCC\x81\x1b[31m",
        .recorded_name = "\xE8\xA1\xA8\xCC\x81\x1b[31m",
        .recorded_checksum = "5555555555555555",
        .batch = 12,
        .elapsed_ms = -1,
        .statements_done = -1,
    };
    all[3] = (struct inlay_status_entry){
        .version = 10,
        .state = INLAY_STATE_PENDING,
        .late = true,
        .name = "index_email",
        .migration = &embedded[2],
        .batch = -1,
        .elapsed_ms = -1,
        .statements_done = 0,
        .statement_open = 1,
    };
    all[4] = (struct inlay_status_entry){
        .version = 1234,
        .state = INLAY_STATE_UNKNOWN,
        .name = "new",
        .recorded_name = "new",
        .down_kept = true,
        .batch = -1,
        .elapsed_ms = -1,
        .statements_done = -1,
    };
    return all;
}

static const struct inlay_status *mixed_status(void)
{
    static struct inlay_status status;
    status = (struct inlay_status){
        .database = "shop",
        .role = "own\ner",
        .history = "public.applied_migrations",
        .history_exists = true,
        .applied = 1,
        .pending = 2,
        .unknown = 2,
        .next_batch = 13,
        .entries = entries(),
        .entry_count = 5,
    };
    return &status;
}

static void status_is_an_aligned_table(void **state)
{
    (void)state;
    fake.status = mixed_status();
    const struct run *run = run_cli("--migrate-status", NULL);
    assert_int_equal(run->status, INLAY_EXIT_OK);
    assert_string_equal(run->err, "");
    assert_string_equal(
        run->out,
        "database shop, role own\\x0aer, history public.applied_migrations\n"
        "version  name          state    applied at                 batch  elapsed  checksum\n"
        "001      create_users  applied  2026-01-24T10:00:00+00:00      1    12 ms  "
        "111111111111  recorded without checksum\n"
        "002      add_email     pending                                             "
        "222222222222  late\n"
        "007      \xE8\xA1\xA8\xCC\x81\\x1b[31m    unknown                                12       "
        "    555555555555\n"
        "010      index_email   pending                                             "
        "333333333333  late, half done, 0 of 1, whether statement 1 is done is not known\n"
        "1234     new           unknown                                                           "
        "its down script is stored\n"
        "2 migrations pending: --migrate-only applies them in batch 13; 2 in the history are not "
        "in this binary\n");
}

static void status_shows_what_disagrees(void **state)
{
    (void)state;
    struct inlay_status_entry all[2];
    memcpy(all, entries(), sizeof all);
    all[0].state = INLAY_STATE_RENAMED;
    all[0].recorded_name = "old\tname";
    all[1] = all[0];
    all[1].migration = &fake_set.migrations[1];
    all[1].state = INLAY_STATE_EDITED;
    all[1].recorded_checksum = "99999999999999999999";
    struct inlay_status status = *mixed_status();
    status.entries = all;
    status.entry_count = 2;
    status.read_only = true;
    status.verdict =
        (struct inlay_error){.code = INLAY_E_MISMATCH, .version = 1, .message = "no\033"};
    fake.status = &status;
    const struct run *run = run_cli("--migrate-status", NULL);
    assert_int_equal(run->status, INLAY_EXIT_OK);
    assert_non_null(strstr(run->out, "applied_migrations, read-only\n"));
    assert_non_null(strstr(run->out, "  recorded as \"old\\x09name\"\n"));
    assert_non_null(strstr(run->out, "  recorded with 999999999999\nerror: no\\x1b\n"));
    run = run_cli("--migrate-dry-run", "--migrate-json", NULL);
    assert_int_equal(run->status, INLAY_EXIT_MISMATCH);
    assert_string_equal(run->err, "error: no\\x1b\n");
    assert_non_null(strstr(run->out, "\"batch\": null, \"migrations\": []"));
    assert_non_null(strstr(run->out, "\"error\": {\"code\": \"mismatch\""));
}

static void status_names_who_migrates(void **state)
{
    (void)state;
    struct inlay_status status = *mixed_status();
    struct inlay_lock_holder holder = {.pid = 4711,
                                       .application = "de\nploy",
                                       .address = "10.0.0.7",
                                       .since = "2026-01-24T10:00:00.5+00:00",
                                       .statement = "CREATE INDEX\033 i"};
    status.lock_holder = &holder;
    fake.status = &status;
    assert_non_null(
        strstr(run_cli("--migrate-status", NULL)->out,
               "\nthe migration lock is held by pid 4711 (de\\x0aploy from 10.0.0.7), "
               "connected since 2026-01-24T10:00:00+00:00: CREATE INDEX\\x1b i\n2 mig"));
    assert_non_null(strstr(run_cli("--migrate-status", "--migrate-json", NULL)->out,
                           "\"lock_holder\": {\"pid\": 4711, \"application\": \"de\\nploy\", "
                           "\"address\": \"10.0.0.7\", \"since\": "
                           "\"2026-01-24T10:00:00.5+00:00\", \"statement\": "
                           "\"CREATE INDEX\\u001b i\"}, \"warnings\""));
    holder = (struct inlay_lock_holder){.pid = 4712, .application = ""};
    assert_non_null(strstr(run_cli("--migrate-status", NULL)->out,
                           "\nthe migration lock is held by pid 4712\n2 migrations"));
}

static void a_fresh_database_has_only_the_columns_it_needs(void **state)
{
    (void)state;
    struct inlay_status_entry all[2];
    memcpy(all, &entries()[1], sizeof all[0]);
    all[0].late = false;
    struct inlay_status status = *mixed_status();
    status.entries = all;
    status.entry_count = 1;
    status.history_exists = false;
    status.pending = 1;
    status.unknown = 0;
    status.next_batch = 1;
    fake.status = &status;
    assert_string_equal(run_cli("--migrate-status", NULL)->out,
                        "database shop, role own\\x0aer, history public.applied_migrations (does "
                        "not exist yet)\n"
                        "version  name       state    checksum\n"
                        "002      add_email  pending  222222222222\n"
                        "1 migration pending: --migrate-only applies it in batch 1\n");
}

static void status_is_a_document(void **state)
{
    (void)state;
    fake.status = mixed_status();
    const char *out = run_cli("--migrate-status", "--migrate-json", NULL)->out;
    assert_non_null(
        strstr(out, "{\"inlay\": \"0.1.0\", \"verb\": \"status\", \"code\": \"ok\", \"exit\": 0, "
                    "\"database\": \"shop\", \"role\": \"own\\ner\", "
                    "\"history\": \"public.applied_migrations\", \"history_exists\": true, "
                    "\"read_only\": false, \"applied\": 1, \"pending\": 2, \"unknown\": 2, "
                    "\"mismatched\": 0, \"replaced\": 0, \"next_batch\": 13, \"verdict\": null, "
                    "\"migrations\": ["
                    "{\"version\": \"1\", \"name\": \"create_users\", \"state\": \"applied\", "
                    "\"late\": false, \"recorded\": false, \"applied_at\": "
                    "\"2026-01-24T10:00:00.123456+00:00\", \"batch\": 1, "
                    "\"elapsed_ms\": 12, \"recorded_name\": \"create_users\", "
                    "\"recorded_checksum\": null, \"statements_done\": null, \"statement_open\": "
                    "null, \"embedded\": {"
                    "\"path\": \"001_create_users.up.sql\", "
                    "\"checksum\": \"11111111111111111111111111111111111111111111111111111111111111"
                    "11\", "
                    "\"language\": \"sql\", \"statements\": 2, \"transaction\": true, \"down\": "
                    "\"001_create_users.down.sql\", \"replaces\": null}, \"down_kept\": false"
                    "}, "));
    assert_non_null(strstr(out, "\"name\": \"\xE8\xA1\xA8\xCC\x81\\u001b[31m\""));
    assert_non_null(strstr(out, "\"statements_done\": null, \"statement_open\": null, "
                                "\"embedded\": null, \"down_kept\": true}], "
                                "\"lock_holder\": null, \"warnings\": "
                                "[], \"error\": null}\n"));
}

static void dry_run_lists_what_would_run(void **state)
{
    (void)state;
    fake.status = mixed_status();
    const struct run *run = run_cli("--migrate-dry-run", NULL);
    assert_int_equal(run->status, INLAY_EXIT_OK);
    assert_string_equal(fake.last_call, "status_read");
    assert_string_equal(run->out,
                        "would apply 002_add_email (1 statement, late)\n"
                        "would apply 010_index_email (1 statement, no transaction, late, 0 already "
                        "done)\n"
                        "2 migrations would be applied in batch 13; nothing was written\n");
    run = run_cli("--migrate-dry-run", "--migrate-json", NULL);
    assert_non_null(strstr(run->out, "\"batch\": 13, \"migrations\": [{\"version\": \"2\", "));
    assert_null(strstr(run->out, "create_users"));
}

static void show_lists_all_without_a_version(void **state)
{
    (void)state;
    const struct run *run = run_cli("--migrate-show", NULL);
    assert_string_equal(run->out,
                        "version  name          statements  checksum\n"
                        "001      create_users           2  111111111111  has down\n"
                        "002      add_email              1  222222222222\n"
                        "010      index_email            1  333333333333  no transaction\n"
                        "3 migrations from migrations, history public.applied_migrations\n");
    run = run_cli("--migrate-show", "--migrate-json", NULL);
    assert_non_null(strstr(run->out, "\"verb\": \"show\", "));
    assert_non_null(strstr(run->out, "\"digest\": \"4444"));
    assert_non_null(strstr(run->out, "{\"version\": \"10\", \"name\": \"index_email\", "
                                     "\"path\": \"010_index_email.sql\""));
    assert_int_equal(fake.calls, 0);
}

static int in_c(struct inlay_tx *tx, struct inlay_error *err)
{
    (void)tx;
    (void)err;
    return INLAY_OK;
}

/* Its text is the source of a function, of which no statements are known. */
static void a_migration_in_c_is_called_one(void **state)
{
    (void)state;
    struct inlay_status_entry entry = entries()[1];
    struct inlay_migration migration = *entry.migration;
    migration.up.function = in_c;
    migration.up.statement_count = 0;
    entry.migration = &migration;
    struct inlay_status status = *mixed_status();
    status.entries = &entry;
    status.entry_count = 1;
    fake.status = &status;
    assert_non_null(strstr(run_cli("--migrate-dry-run", NULL)->out,
                           "would apply 002_add_email (in C, late)\n"));
    assert_non_null(strstr(run_cli("--migrate-dry-run", "--migrate-json", NULL)->out,
                           "\"language\": \"c\", \"statements\": null"));
}

static void show_prints_the_bytes(void **state)
{
    (void)state;
    const char *body = fake_set.migrations[1].body;
    assert_string_equal(run_cli("--migrate-show", "2", NULL)->out, body);
    assert_string_equal(run_cli("--migrate-show=0002", NULL)->out, body);
    assert_non_null(strstr(run_cli("--migrate-show=2", "--migrate-json", NULL)->out,
                           "\"text\": \"\\tSELECT '\\\"\\\\\\u0001';\\r\\n-- \xC3\xA9\""));
    assert_int_equal(fake.calls, 0);
}

static void show_asks_the_database_for_what_is_not_embedded(void **state)
{
    (void)state;
    fake.codes[0] = INLAY_E_ARGUMENT;
    fake.code_count = 1;
    const struct run *run = run_cli("--migrate-show=3", NULL);
    assert_int_equal(run->status, INLAY_EXIT_USAGE);
    assert_string_equal(run->out, "");
    assert_string_equal(run->err,
                        "error: version 3 is not embedded in this binary, see --migrate-show\n");
    assert_string_equal(fake.last_call, "kept_down_read");
    assert_int_equal(fake.argument, 3);
}

static void show_prints_a_stored_script(void **state)
{
    (void)state;
    const struct inlay_kept_down kept = {
        .version = 3,
        .name = "n\x1b",
        .text = "DROP TABLE \x1b;\n",
        .checksum = "66",
        .kept_at = "2026-01-24T10:00:00+00:00",
    };
    fake.kept = &kept;
    const struct run *run = run_cli("--migrate-show=3", NULL);
    assert_int_equal(run->status, INLAY_EXIT_OK);
    assert_string_equal(run->out, kept.text); /* byte for byte */
    assert_string_equal(run->err, "version 3 (n\\x1b) is not in this binary: this is the down "
                                  "script that was stored with it; it was not run\n");
    assert_non_null(strstr(run_cli("--migrate-show=3", "--migrate-json", NULL)->out,
                           "\"version\": \"3\", \"name\": \"n\\u001b\", \"checksum\": \"66\", "
                           "\"kept_at\": \"2026-01-24T10:00:00+00:00\", "
                           "\"kept_down\": \"DROP TABLE \\u001b;\\n\", \"warnings\""));
}

static void repeat_a_warning(const struct inlay_options *options)
{
    options->log(options->user, INLAY_LOG_WARNING, "the same");
}

static void await_goes_on_until_nothing_is_pending(void **state)
{
    (void)state;
    fake.codes[fake.code_count++] = INLAY_E_PENDING;
    fake.codes[fake.code_count++] = INLAY_E_LOST;
    fake.codes[fake.code_count++] = INLAY_E_PENDING;
    fake.codes[fake.code_count++] = INLAY_OK;
    fake.during = repeat_a_warning;
    const struct run *run = run_cli("--migrate-await", "1min", NULL);
    assert_int_equal(run->status, INLAY_EXIT_OK);
    assert_int_equal(fake.calls, 4);
    assert_string_equal(run->err, "warning: the same\n"
                                  "waiting: as the test says\n"
                                  "up to date: 3 migrations, the newest is 010_index_email\n");
}

static void await_gives_up_when_time_is_up(void **state)
{
    (void)state;
    fake.codes[fake.code_count++] = INLAY_E_PENDING;
    const struct run *run = run_cli("--migrate-await=300ms", "--migrate-json", NULL);
    assert_int_equal(run->status, INLAY_EXIT_PENDING);
    assert_int_equal(fake.calls, 3);
    assert_non_null(strstr(run->err, "\nerror: as the test says\nstill so after 30"));
    assert_non_null(strstr(run->out, "\"code\": \"pending\", \"exit\": 3, \"waited_ms\": 30"));
    fake.calls = 0;
    assert_int_equal(run_cli("--migrate-await=0", NULL)->status, INLAY_EXIT_PENDING);
    assert_int_equal(fake.calls, 1);
}

/* What will not get better by waiting ends at once; the rest is time and again exit status 3. */
static void await_knows_what_is_final(void **state)
{
    (void)state;
    static const struct {
        enum inlay_code code;
        char sqlstate[6];
        const char *patience;
        int status;
    } cases[] = {
        {INLAY_E_MISMATCH, "", "1min", INLAY_EXIT_MISMATCH},
        {INLAY_E_REFUSED, "", "1min", INLAY_EXIT_REFUSED},
        {INLAY_E_REFUSED, "42501", "50ms", INLAY_EXIT_PENDING},
        {INLAY_E_CONNECTION, "28P01", "50ms", INLAY_EXIT_CONNECTION},
        {INLAY_E_CONNECTION, "3D000", "50ms", INLAY_EXIT_CONNECTION},
        {INLAY_E_CONNECTION, "57P03", "50ms", INLAY_EXIT_PENDING},
        {INLAY_E_CONNECTION, "53300", "50ms", INLAY_EXIT_PENDING},
        {INLAY_E_CONNECTION, "", "50ms", INLAY_EXIT_PENDING},
        {INLAY_E_CONNECTION, "", "1min", INLAY_EXIT_CONNECTION},
        {INLAY_E_ARGUMENT, "", "1min", INLAY_EXIT_USAGE},
        {INLAY_E_MEMORY, "", "1min", INLAY_EXIT_FAILED},
    };
    fake.code_count = 1;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake.codes[0] = cases[i].code;
        memcpy(fake.error.sqlstate, cases[i].sqlstate, sizeof fake.error.sqlstate);
        assert_int_equal(run_cli("--migrate-await", cases[i].patience, NULL)->status,
                         cases[i].status);
    }
}

static bool readable(int fd)
{
    struct pollfd end = {.fd = fd, .events = POLLIN};
    return poll(&end, 1, 0) == 1;
}

static int signal_to_send;

static void send_signal(const struct inlay_options *options)
{
    assert_false(readable(options->stop_fd));
    raise(SIGPIPE);
    raise(signal_to_send);
    assert_true(readable(options->stop_fd));
}

static void a_signal_stops_the_verb(void **state)
{
    (void)state;
    static const int signals[] = {SIGINT, SIGTERM};
    fake.codes[fake.code_count++] = INLAY_E_STOPPED;
    fake.during = send_signal;
    for (int i = 0; i < 2; i++) {
        struct sigaction now;
        signal_to_send = signals[i];
        const struct run *run = run_cli("--migrate-only", "--migrate-json", NULL);
        assert_int_equal(run->status, 128 + signals[i]);
        assert_non_null(strstr(run->out, signals[i] == SIGINT
                                             ? "\"code\": \"stopped\", \"exit\": 130, "
                                             : "\"code\": \"stopped\", \"exit\": 143, "));
        sigaction(signals[i], NULL, &now);
        assert_true(now.sa_handler == SIG_DFL);
        sigaction(SIGPIPE, NULL, &now);
        assert_true(now.sa_handler == SIG_DFL);
    }
}

static bool ignored;

static void send_late(const struct inlay_options *options)
{
    raise(signal_to_send);
    assert_int_equal(readable(options->stop_fd), !ignored);
}

static void a_signal_ends_the_pause_of_await(void **state)
{
    (void)state;
    fake.codes[fake.code_count++] = INLAY_E_PENDING;
    fake.during = send_late;
    signal_to_send = SIGTERM;
    ignored = false;
    const struct run *run = run_cli("--migrate-await", "1h", NULL);
    assert_int_equal(run->status, 128 + SIGTERM);
    assert_int_equal(fake.calls, 1);
}

static void an_ignored_signal_stays_ignored(void **state)
{
    (void)state;
    signal(SIGINT, SIG_IGN);
    fake.during = send_late;
    signal_to_send = SIGINT;
    ignored = true;
    struct sigaction now;
    assert_int_equal(run_cli("--migrate-only", NULL)->status, INLAY_EXIT_OK);
    sigaction(SIGINT, NULL, &now);
    assert_true(now.sa_handler == SIG_IGN);
    signal(SIGINT, SIG_DFL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, fake_reset)
    const struct CMUnitTest tests[] = {
        TEST(every_code_has_its_exit_status),
        TEST(only_says_a_line_for_each_migration),
        TEST(what_takes_long_is_named_where_no_line_is_drawn),
        TEST(only_keeps_the_steps_of_a_failed_run),
        TEST(an_error_document_has_every_member),
        TEST(status_is_an_aligned_table),
        TEST(status_shows_what_disagrees),
        TEST(status_names_who_migrates),
        TEST(a_fresh_database_has_only_the_columns_it_needs),
        TEST(status_is_a_document),
        TEST(dry_run_lists_what_would_run),
        TEST(show_lists_all_without_a_version),
        TEST(a_migration_in_c_is_called_one),
        TEST(show_prints_the_bytes),
        TEST(show_asks_the_database_for_what_is_not_embedded),
        TEST(show_prints_a_stored_script),
        TEST(await_goes_on_until_nothing_is_pending),
        TEST(await_gives_up_when_time_is_up),
        TEST(await_knows_what_is_final),
        TEST(a_signal_stops_the_verb),
        TEST(a_signal_ends_the_pause_of_await),
        TEST(an_ignored_signal_stays_ignored),
    };
    /* As a shell would start it, whatever started the test. */
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
