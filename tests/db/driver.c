/* A program that does with the library what its arguments say, in their order, and prints what it
 * hears: settings (KEY=VALUE), things to do with a connection of the caller's, and calls.
 *
 *     driver lock-wait=100 caller sql="SET client_encoding = 'LATIN1'" migrate state
 */
#include <inlay-admin.h>
#include <inlay.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct inlay_set app_migrations;

static struct inlay_options options = {.size = sizeof options};

/* ---- what the library tells ---- */

static void print_log(void *user, enum inlay_log_level level, const char *text)
{
    static const char *const names[] = {"debug", "info", "notice", "warning"};

    (void)user;
    printf("log %s %s\n", names[level], text);
}

static void print_event(void *user, const struct inlay_event *event)
{
    static const char *const names[] = {"begin",      "waiting", "started",   "progress",
                                        "applied",    "skipped", "failed",    "end",
                                        "connecting", "retried", "rehearsed", "unrehearsed"};

    (void)user;
    printf("event %s %lld %zu/%zu statement=%zu batch=%lld elapsed=%lld\n", names[event->kind],
           event->migration != NULL ? (long long)event->migration->version : -1, event->index,
           event->count, event->statement, (long long)event->batch, (long long)event->elapsed_ms);
}

/* ---- calls ---- */

static void print_outcome(const char *call, int rc, const struct inlay_error *err)
{
    char text[INLAY_ERROR_TEXT_MAX];

    printf("%s %s\n", call, inlay_code_name(rc));
    if (rc == INLAY_OK)
        return;
    inlay_error_format(err, text, sizeof text);
    fputs(text, stderr);
}

static void migrate(void)
{
    struct inlay_result result = {.applied = 99};
    struct inlay_error err;
    int rc = inlay_migrate(&app_migrations, &options, &result, &err);

    print_outcome("migrate", rc, &err);
    printf("result applied=%zu skipped=%zu batch=%lld\n", result.applied, result.skipped,
           (long long)result.batch);
}

static void rehearse(void)
{
    struct inlay_rehearsal rehearsal = {.rehearsed = 99};
    struct inlay_error err;
    int rc = inlay_rehearse(&app_migrations, &options, NULL, &rehearsal, &err);

    print_outcome("rehearse", rc, &err);
    printf("result rehearsed=%zu unrehearsed=%zu\n", rehearsal.rehearsed, rehearsal.unrehearsed);
}

static void check(void)
{
    struct inlay_error err;

    print_outcome("check", inlay_check(&app_migrations, &options, &err), &err);
}

static void read_status(void)
{
    struct inlay_status *status = NULL;
    struct inlay_error err;
    int rc = inlay_status_read(&app_migrations, &options, &status, &err);

    print_outcome("status", rc, &err);
    for (size_t i = 0; status != NULL && i < status->entry_count; i++)
        printf("entry %lld %s\n", (long long)inlay_status_at(status, i)->version,
               inlay_state_name(inlay_status_at(status, i)->state));
    inlay_status_free(status);
}

/* The most anonymous memory that this process had: the peak of all, less the pages of files, which
 * do not get fewer. */
static void print_memory(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long peak = 0;
    long of_files = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        sscanf(line, "VmHWM: %ld", &peak);
        sscanf(line, "RssFile: %ld", &of_files);
    }
    if (file != NULL)
        fclose(file);
    printf("memory %ld\n", peak - of_files);
}

/* ---- the caller's own connection ---- */

static void print_heard(void *user, const PGresult *result)
{
    printf("%s %s\n", (const char *)user, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
}

static void connect_caller(void)
{
    options.connection = PQconnectdb(getenv("INLAY_DATABASE_URL"));
    if (PQstatus(options.connection) != CONNECTION_OK)
        fputs(PQerrorMessage(options.connection), stderr);
}

static void listen_to_notices(void)
{
    PQsetNoticeReceiver(options.connection, print_heard, "heard");
}

static void stop_blocking(void)
{
    PQsetnonblocking(options.connection, 1);
}

static void enter_pipeline(void)
{
    PQenterPipelineMode(options.connection);
}

static void execute(const char *sql)
{
    PGresult *result = PQexec(options.connection, sql);

    printf("sql %s\n",
           PQntuples(result) == 1 ? PQgetvalue(result, 0, 0) : PQresStatus(PQresultStatus(result)));
    PQclear(result);
}

static void print_state(void)
{
    const PGconn *conn = options.connection;
    PQnoticeReceiver receiver = PQsetNoticeReceiver(options.connection, NULL, NULL);

    printf("state status=%d transaction=%d pipeline=%d nonblocking=%d encoding=%s receiver=%s\n",
           PQstatus(conn), PQtransactionStatus(conn), PQpipelineStatus(conn), PQisnonblocking(conn),
           PQparameterStatus(conn, "client_encoding"), receiver == print_heard ? "own" : "default");
}

/* ---- the arguments ---- */

static void stop_on_input(void)
{
    options.stop_fd = dup(STDIN_FILENO);
}

static void be_silent(void)
{
    options.log = NULL;
    options.event = NULL;
}

static void be_asynchronous(void)
{
    options.asynchronous = true;
}

static const struct {
    const char *word;
    void (*run)(void);
} actions[] = {
    {"migrate", migrate},           {"check", check},
    {"status", read_status},        {"memory", print_memory},
    {"caller", connect_caller},     {"own-receiver", listen_to_notices},
    {"nonblocking", stop_blocking}, {"pipeline", enter_pipeline},
    {"state", print_state},         {"stop-on-input", stop_on_input},
    {"silent", be_silent},          {"asynchronous", be_asynchronous},
    {"rehearse", rehearse},
};

static const struct {
    const char *key;
    int64_t *number;
} numbers[] = {{"lock-wait", &options.lock_wait_ms},
               {"connect-wait", &options.connect_wait_ms},
               {"retry", &options.retry_ms}};

static const struct {
    const char *key;
    const char **text;
} texts[] = {{"history", &options.history}, {"application", &options.application_name}};

static int set(const char *argument, const char *value)
{
    size_t length = (size_t)(value - argument) - 1;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (strncmp(numbers[i].key, argument, length) == 0)
            return *numbers[i].number = atoll(value), 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strncmp(texts[i].key, argument, length) == 0)
            return *texts[i].text = value, 0;
    if (strncmp("sql", argument, length) == 0)
        return execute(value), 0;
    return 2;
}

static int perform(const char *argument)
{
    const char *equals = strchr(argument, '=');

    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(actions[i].word, argument) == 0)
            return actions[i].run(), 0;
    return equals != NULL ? set(argument, equals + 1) : 2;
}

int main(int argc, char **argv)
{
    int status = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    options.conninfo = getenv("INLAY_DATABASE_URL");
    options.log = print_log;
    options.event = print_event;
    for (int i = 1; i < argc && status == 0; i++)
        status = perform(argv[i]);
    if (options.connection != NULL)
        PQfinish(options.connection);
    return status;
}
