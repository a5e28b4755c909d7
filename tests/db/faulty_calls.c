/* What is asked of the library while its calls fail (wraps.c stands before this file), and the host
 * that listens to it. */
#include <fcntl.h>
#include <inlay-admin.h>
#include <inlay-many.h>
#include <inlay.h>
#include <unistd.h>

#define TEXT_MAX 400

extern const struct inlay_set app_migrations;

static const char *url;
static PGconn *observer;
static int stop_pipe[2];
static char told[TEXT_MAX]; /* the versions that the host was told are applied */

/* ---- the library's host ---- */

static void hear_log(void *user, enum inlay_log_level level, const char *text)
{
    (void)user;
    (void)level;
    (void)text;
}

static void hear_event(void *user, const struct inlay_event *event)
{
    bool *stops = user;
    size_t length = strlen(told);

    if (event->kind == INLAY_EVENT_APPLIED && !event->down)
        snprintf(told + length, sizeof told - length, "%s%lld", length > 0 ? "," : "",
                 (long long)event->migration->version);
    if (event->kind == INLAY_EVENT_STARTED && event->migration->version == 2 && stops != NULL)
        (void)!write(stop_pipe[1], "x", 1);
}

static int permit(void *user, const struct inlay_event *event, struct inlay_error *err)
{
    (void)user;
    return event->target->environment[0] != NULL ? INLAY_OK : inlay_refuse(err, "nowhere");
}

/* ---- the calls ---- */

static struct inlay_result count;

/* How a call connects: by itself, or on the connection of a caller. */
static struct inlay_options options_on(PGconn *conn)
{
    return (struct inlay_options){
        .size = sizeof(struct inlay_options),
        .connection = conn,
        .conninfo = url,
        .lock_wait_ms = 20000,
        .skip_missing_down = true,
        .log = hear_log,
        .event = hear_event,
        .before_run = permit,
    };
}

static int migrate(struct inlay_options *options, struct inlay_error *err)
{
    return inlay_migrate(&app_migrations, options, &count, err);
}

static int stop(struct inlay_options *options, struct inlay_error *err)
{
    char slow[TEXT_MAX];
    bool stops = true;
    char byte;

    snprintf(slow, sizeof slow, "%s&options=-cfaulty.pause%%3D60", url);
    options->conninfo = slow;
    options->stop_fd = stop_pipe[0];
    options->user = &stops;
    int rc = inlay_migrate(&app_migrations, options, &count, err);
    while (read(stop_pipe[0], &byte, 1) == 1)
        ;
    return rc;
}

static int back(struct inlay_options *options, struct inlay_error *err)
{
    return inlay_migrate_to(&app_migrations, options, 1, &count, err);
}

static int start_over(struct inlay_options *options, struct inlay_error *err)
{
    return inlay_reset(&app_migrations, options, PQdb(observer), &count, err);
}

static int adopt(struct inlay_options *options, struct inlay_error *err)
{
    return inlay_adopt(&app_migrations, options, "dbmate", err);
}

static int baseline(struct inlay_options *options, struct inlay_error *err)
{
    return inlay_baseline(&app_migrations, options, 4, err);
}

static int check(struct inlay_options *options, struct inlay_error *err)
{
    return inlay_check(&app_migrations, options, err);
}

static void note_finding(void *user, const struct inlay_many_finding *finding)
{
    *(struct inlay_error *)user = *finding->error;
}

static int look_many(struct inlay_options *options, struct inlay_error *err)
{
    const struct inlay_many_target targets[] = {{.schema = "public"}};
    struct inlay_error found = {.code = INLAY_E_FAILED};
    int rc = inlay_many_look(&app_migrations, options, targets, 1, note_finding, &found, err);

    if (rc == INLAY_OK)
        *err = found;
    return rc == INLAY_OK ? (int)found.code : rc;
}

struct one_target {
    size_t given;
    struct inlay_error error;
};

static const struct inlay_many_target *next_target(void *user)
{
    static const struct inlay_many_target targets[] = {{.schema = "public"}, {.conninfo = NULL}};
    struct one_target *one = user;

    return one->given < 2 ? &targets[one->given++] : NULL;
}

static void note_end(void *user, const struct inlay_many_target *target,
                     const struct inlay_result *result, const struct inlay_error *err)
{
    struct one_target *one = user;

    (void)target;
    (void)result;
    if (one->error.code == INLAY_OK)
        one->error = *err;
}

/* The same history twice, so that the second has the connection of the first. */
static int migrate_many(struct inlay_options *options, struct inlay_error *err)
{
    struct one_target one = {.given = 0};
    const struct inlay_many_queue queue = {.next = next_target, .done = note_end, .user = &one};
    int rc = inlay_many_migrate(&app_migrations, options, &queue, err);

    if (rc == INLAY_OK)
        *err = one.error;
    return rc == INLAY_OK ? (int)one.error.code : rc;
}

/* What is read is what there is: nothing may be missing for want of memory. */
static int read_all(struct inlay_options *options, struct inlay_error *err)
{
    struct inlay_status *status = NULL;
    struct inlay_contents *contents = NULL;
    struct inlay_kept_down *kept = NULL;
    int rc = inlay_status_read(&app_migrations, options, &status, err);

    if (rc == INLAY_OK)
        rc = inlay_contents_read(&app_migrations, options, &contents, err);
    if (rc == INLAY_OK)
        rc = inlay_kept_down_read(&app_migrations, options, 1, &kept, err);
    if (rc == INLAY_OK &&
        (status->applied != 4 || status->entry_count != 5 || contents->schema_count != 1 ||
         inlay_contents_at(contents, 0)->tables != 5 ||
         strcmp(kept->text, "DROP TABLE one;\n") != 0))
        rc = INLAY_E_FAILED;
    inlay_status_free(status);
    inlay_contents_free(contents);
    inlay_kept_down_free(kept);
    return rc;
}
