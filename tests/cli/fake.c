#include "fake.h"

#include <inlay-admin.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fake fake;

static const struct inlay_statement two[2] = {{.length = 9, .line = 1},
                                              {.offset = 10, .length = 9, .line = 2}};

#define SCRIPT(body, file, count, flag)                                                            \
    {                                                                                              \
        .text = body, .length = sizeof(body) - 1, .path = file, .statements = two,                 \
        .statement_count = count, .flags = flag, .statement_size = sizeof(struct inlay_statement)  \
    }

static const struct inlay_migration migrations[] = {
    {.version = 1,
     .name = "create_users",
     .sha256 = "1111111111111111111111111111111111111111111111111111111111111111",
     .body = "SELECT 1;\nSELECT 2;\n",
     .up = SCRIPT("SELECT 1;\nSELECT 2;\n", "001_create_users.up.sql", 2, 0),
     .down = SCRIPT("SELECT 3", "001_create_users.down.sql", 1, 0)},
    {.version = 2,
     .name = "add_email",
     .sha256 = "2222222222222222222222222222222222222222222222222222222222222222",
     .body = "\tSELECT '\"\\\x01';\r\n-- \xC3\xA9",
     .up = SCRIPT("\tSELECT '\"\\\x01';\r\n-- \xC3\xA9", "002_add_email.sql", 1, 0)},
    {.version = 10,
     .name = "index_email",
     .sha256 = "3333333333333333333333333333333333333333333333333333333333333333",
     .body = "SELECT 4",
     .up = SCRIPT("SELECT 4", "010_index_email.sql", 1, INLAY_SCRIPT_NO_TRANSACTION)},
};

const struct inlay_set fake_set = {
    .abi = INLAY_SET_ABI,
    .directory = "migrations",
    .history = "public.applied_migrations",
    .digest = "4444444444444444444444444444444444444444444444444444444444444444",
    .migrations = migrations,
    .migration_count = 3,
};

int fake_reset(void **state)
{
    (void)state;
    static const char *const variables[] = {
        "INLAY_DATABASE_URL",  "DATABASE_URL",    "PGHOST",         "PGHOSTADDR",
        "PGDATABASE",          "PGSERVICE",       "MIGRATIONS_DIR", "DBMATE_MIGRATIONS_DIR",
        "GOOSE_MIGRATION_DIR", "FLYWAY_LOCATIONS"};
    fake = (struct fake){
        .error = {.version = -1, .message = "as the test says"},
        .linked = {.inlay = "0.1.7", .libpq = "15.20", .openssl = "OpenSSL 3.0.19 27 Jan 2026"}};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    return 0;
}

static int answer(const char *call, const struct inlay_options *options, struct inlay_error *err)
{
    size_t turn = fake.calls < fake.code_count ? fake.calls : fake.code_count - 1;
    enum inlay_code code = fake.code_count ? fake.codes[turn] : INLAY_OK;
    fake.calls++;
    fake.last_call = call;
    fake.options = *options;
    if (fake.during)
        fake.during(options);
    *err = fake.error;
    err->code = code;
    return code;
}

int inlay_check(const struct inlay_set *set, const struct inlay_options *options,
                struct inlay_error *err)
{
    (void)set;
    return answer("check", options, err);
}

int inlay_migrate(const struct inlay_set *set, const struct inlay_options *options,
                  struct inlay_result *result, struct inlay_error *err)
{
    (void)set;
    int code = answer("migrate", options, err);
    if (code == INLAY_OK)
        *result = fake.result;
    return code;
}

static int move(const char *call, int64_t argument, const struct inlay_options *options,
                struct inlay_result *result, struct inlay_error *err)
{
    int code = answer(call, options, err);
    fake.argument = argument;
    if (code == INLAY_OK)
        *result = fake.result;
    return code;
}

int inlay_migrate_to(const struct inlay_set *set, const struct inlay_options *options,
                     int64_t version, struct inlay_result *result, struct inlay_error *err)
{
    (void)set;
    return move("migrate_to", version, options, result, err);
}

int inlay_undo(const struct inlay_set *set, const struct inlay_options *options, size_t count,
               struct inlay_result *result, struct inlay_error *err)
{
    (void)set;
    return move("undo", (int64_t)count, options, result, err);
}

int inlay_undo_batch(const struct inlay_set *set, const struct inlay_options *options,
                     struct inlay_result *result, struct inlay_error *err)
{
    (void)set;
    return move("undo_batch", -1, options, result, err);
}

int inlay_redo(const struct inlay_set *set, const struct inlay_options *options,
               struct inlay_result *result, struct inlay_error *err)
{
    (void)set;
    return move("redo", -1, options, result, err);
}

int inlay_selftest(const struct inlay_set *set, const struct inlay_options *options,
                   struct inlay_selftest_result *result, struct inlay_error *err)
{
    (void)set;
    int code = answer("selftest", options, err);
    if (code == INLAY_OK)
        *result = fake.selftest;
    return code;
}

int inlay_rehearse(const struct inlay_set *set, const struct inlay_options *options,
                   const char *keep_in, struct inlay_rehearsal *result, struct inlay_error *err)
{
    (void)set;
    snprintf(fake.database, sizeof fake.database, "%s", keep_in ? keep_in : "");
    int code = answer("rehearse", options, err);
    if (code == INLAY_OK)
        *result = fake.rehearsal;
    return code;
}

int inlay_verify(const struct inlay_set *set, const struct inlay_options *options,
                 struct inlay_verification *result, struct inlay_error *err)
{
    (void)set;
    *result = (struct inlay_verification){.verified = 1};
    return answer("verify", options, err);
}

int inlay_psql_script(const struct inlay_set *set, const struct inlay_options *options,
                      const struct inlay_span *span, char **script, struct inlay_error *err)
{
    (void)set;
    int code = answer("psql_script", options, err);
    if (span)
        fake.span = *span;
    if (code == INLAY_OK)
        *script = strdup("SELECT 1;\n");
    return code;
}

int inlay_reset(const struct inlay_set *set, const struct inlay_options *options,
                const char *database, struct inlay_result *result, struct inlay_error *err)
{
    (void)set;
    snprintf(fake.database, sizeof fake.database, "%s", database);
    return move("reset", -1, options, result, err);
}

int inlay_contents_read(const struct inlay_set *set, const struct inlay_options *options,
                        struct inlay_contents **contents, struct inlay_error *err)
{
    (void)set;
    int code = answer("contents_read", options, err);
    if (code == INLAY_OK) {
        *contents = malloc(sizeof **contents);
        memcpy(*contents, fake.contents, sizeof **contents);
    }
    return code;
}

int inlay_schema_read(const struct inlay_set *set, const struct inlay_options *options,
                      struct inlay_schema **schema, struct inlay_error *err)
{
    (void)set;
    int code = answer("schema_read", options, err);
    if (code == INLAY_OK) {
        *schema = malloc(sizeof **schema);
        memcpy(*schema, fake.schema, sizeof **schema);
    }
    return code;
}

void inlay_schema_free(struct inlay_schema *schema)
{
    free(schema);
}

void inlay_contents_free(struct inlay_contents *contents)
{
    free(contents);
}

int inlay_refuse(struct inlay_error *err, const char *message)
{
    *err = (struct inlay_error){.code = INLAY_E_REFUSED, .version = -1};
    snprintf(err->message, sizeof err->message, "%s", message);
    return err->code;
}

static int edit(const char *call, const struct inlay_options *options, int64_t version,
                struct inlay_error *err)
{
    fake.argument = version;
    return answer(call, options, err);
}

int inlay_baseline(const struct inlay_set *set, const struct inlay_options *options,
                   int64_t version, struct inlay_error *err)
{
    (void)set;
    return edit("baseline", options, version, err);
}

int inlay_mark(const struct inlay_set *set, const struct inlay_options *options, int64_t version,
               struct inlay_error *err)
{
    (void)set;
    return edit("mark", options, version, err);
}

int inlay_unmark(const struct inlay_set *set, const struct inlay_options *options, int64_t version,
                 struct inlay_error *err)
{
    (void)set;
    return edit("unmark", options, version, err);
}

int inlay_accept(const struct inlay_set *set, const struct inlay_options *options, int64_t version,
                 struct inlay_error *err)
{
    (void)set;
    return edit("accept", options, version, err);
}

int inlay_resume_at(const struct inlay_set *set, const struct inlay_options *options,
                    int64_t version, size_t statement, struct inlay_error *err)
{
    (void)set;
    fake.statement = statement;
    return edit("resume_at", options, version, err);
}

int inlay_status_read(const struct inlay_set *set, const struct inlay_options *options,
                      struct inlay_status **status, struct inlay_error *err)
{
    (void)set;
    int code = answer("status_read", options, err);
    if (code == INLAY_OK) {
        *status = malloc(sizeof **status);
        memcpy(*status, fake.status, sizeof **status);
    }
    return code;
}

const struct inlay_status_entry *inlay_status_at(const struct inlay_status *status, size_t index)
{
    return &status->entries[index];
}

const struct inlay_schema_contents *inlay_contents_at(const struct inlay_contents *contents,
                                                      size_t index)
{
    return &contents->schemas[index];
}

void inlay_status_free(struct inlay_status *status)
{
    free(status);
}

int inlay_kept_down_read(const struct inlay_set *set, const struct inlay_options *options,
                         int64_t version, struct inlay_kept_down **kept, struct inlay_error *err)
{
    (void)set;
    int code = answer("kept_down_read", options, err);
    fake.argument = version;
    if (code == INLAY_OK) {
        *kept = malloc(sizeof **kept);
        memcpy(*kept, fake.kept, sizeof **kept);
    }
    return code;
}

void inlay_kept_down_free(struct inlay_kept_down *kept)
{
    free(kept);
}

void inlay_linked_read(struct inlay_linked *linked)
{
    *linked = fake.linked;
}

const struct inlay_migration *inlay_set_find(const struct inlay_set *set, int64_t version)
{
    for (size_t i = 0; i < set->migration_count; i++) {
        if (set->migrations[i].version == version)
            return &set->migrations[i];
    }
    return NULL;
}

size_t inlay_error_format(const struct inlay_error *err, char *buffer, size_t size)
{
    char place[300] = "";
    if (err->path[0] && err->line > 0)
        snprintf(place, sizeof place, "%s:%u: ", err->path, err->line);
    return (size_t)snprintf(buffer, size, "%serror: %s\n%s%s%s%s%s", place, err->message,
                            err->hint[0] ? "hint: " : "", err->hint, err->hint[0] ? "\n" : "",
                            err->outcome, err->outcome[0] ? "\n" : "");
}

const char *inlay_code_name(int code)
{
    static const char *const names[] = {"ok",       "failed",  "argument",   "pending",
                                        "mismatch", "locked",  "connection", "refused",
                                        "lost",     "stopped", "memory"};
    return names[-code];
}

const char *inlay_state_name(enum inlay_state state)
{
    static const char *const names[] = {"applied", "pending", "unknown", "renamed", "edited"};
    return names[state];
}

/* ---- running ---- */

static struct run the_run;
static char words[32][128];

static FILE *capture(FILE *stream, int *saved)
{
    FILE *file = tmpfile();
    fflush(stream);
    *saved = dup(fileno(stream));
    dup2(fileno(file), fileno(stream));
    return file;
}

static void release(FILE *stream, int saved, FILE *file, char *text, size_t size)
{
    fflush(stream);
    dup2(saved, fileno(stream));
    close(saved);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void take_words(const char *word, va_list rest)
{
    the_run = (struct run){.argc = 1};
    the_run.argv[0] = strcpy(words[0], "/opt/app/server");
    for (; word; word = va_arg(rest, const char *)) {
        the_run.argv[the_run.argc] = strcpy(words[the_run.argc], word);
        the_run.argc++;
    }
}

static void call_main(const struct inlay_options *defaults)
{
    (void)defaults;
    the_run.ended = true;
    the_run.status = inlay_main(the_run.argc, the_run.argv, &fake_set);
}

static void take_outcome(bool ended, const struct inlay_cli_outcome *outcome)
{
    the_run.ended = ended;
    the_run.status = outcome->exit_status;
    the_run.options = outcome->options;
}

static void call_cli(const struct inlay_options *defaults)
{
    struct inlay_cli_outcome outcome;
    (void)defaults;
    bool ended = inlay_cli(&the_run.argc, the_run.argv, &fake_set, &outcome);
    take_outcome(ended, &outcome);
}

static void call_steps(const struct inlay_options *defaults)
{
    struct inlay_cli_command command;
    struct inlay_cli_outcome outcome;
    the_run.ended = inlay_cli_take(&the_run.argc, the_run.argv, &command);
    the_run.status = command.exit_status;
    the_run.verb = command.verb;
    if (the_run.ended)
        return;
    bool ended = inlay_cli_run(&command, &fake_set, defaults, &outcome);
    take_outcome(ended, &outcome);
}

static const struct run *run(void (*call)(const struct inlay_options *defaults),
                             const struct inlay_options *defaults)
{
    int saved_out, saved_err;
    FILE *out = capture(stdout, &saved_out), *err = capture(stderr, &saved_err);
    call(defaults);
    release(stdout, saved_out, out, the_run.out, sizeof the_run.out);
    release(stderr, saved_err, err, the_run.err, sizeof the_run.err);
    return &the_run;
}

const struct run *run_cli(const char *word, ...)
{
    va_list rest;
    va_start(rest, word);
    take_words(word, rest);
    va_end(rest);
    return run(call_cli, NULL);
}

const struct run *run_main(const char *word, ...)
{
    va_list rest;
    va_start(rest, word);
    take_words(word, rest);
    va_end(rest);
    return run(call_main, NULL);
}

const struct run *run_steps(const struct inlay_options *defaults, const char *word, ...)
{
    va_list rest;
    va_start(rest, word);
    take_words(word, rest);
    va_end(rest);
    return run(call_steps, defaults);
}

int inlay_adopt(const struct inlay_set *set, const struct inlay_options *options,
                const char *source, struct inlay_error *err)
{
    (void)set;
    fake.source = source;
    return answer("adopt", options, err);
}

const char *inlay_standing_name(enum inlay_standing standing)
{
    (void)standing;
    return "current";
}

int inlay_many_select(const struct inlay_options *options, const char *query,
                      void (*each)(void *user, const struct inlay_many_target *target), void *user,
                      struct inlay_error *err)
{
    int code = answer("many_select", options, err);
    fake.source = query;
    for (size_t i = 0; code == INLAY_OK && i < fake.target_count; i++)
        each(user, &fake.targets[i]);
    if (code == INLAY_OK)
        *err = (struct inlay_error){.code = INLAY_OK, .version = -1};
    return code;
}

/* Each target stands as it is listed in `standings`, the rest as the first. */
int inlay_many_look(const struct inlay_set *set, const struct inlay_options *options,
                    const struct inlay_many_target *targets, size_t count,
                    void (*found)(void *user, const struct inlay_many_finding *finding), void *user,
                    struct inlay_error *err)
{
    static const enum inlay_code codes[] = {INLAY_OK, INLAY_E_PENDING, INLAY_E_PENDING,
                                            INLAY_E_MISMATCH, INLAY_E_CONNECTION};
    (void)set;
    int code = answer("many_look", options, err);
    for (size_t i = 0; code == INLAY_OK && i < count; i++) {
        enum inlay_standing standing = fake.standings[i < MAX_TARGETS ? i : 0];
        struct inlay_error error = {.code = codes[standing], .version = -1};
        snprintf(error.message, sizeof error.message, "what is wrong with %s", targets[i].name);
        if (codes[standing] == INLAY_E_MISMATCH && fake.hint)
            snprintf(error.hint, sizeof error.hint, "%s", fake.hint);
        found(user, &(struct inlay_many_finding){.target = i,
                                                 .standing = standing,
                                                 .pending = codes[standing] == INLAY_E_PENDING,
                                                 .error = &error});
    }
    return code;
}

int inlay_many_migrate(const struct inlay_set *set, const struct inlay_options *options,
                       const struct inlay_many_queue *queue, struct inlay_error *err)
{
    const struct inlay_many_target *target;
    *err = (struct inlay_error){.code = INLAY_OK};
    while ((target = queue->next(queue->user))) {
        struct inlay_result result = {0};
        struct inlay_error error = {.code = INLAY_OK};
        inlay_migrate(set, options, &result, &error);
        queue->done(queue->user, target, &result, &error);
    }
    return INLAY_OK;
}
