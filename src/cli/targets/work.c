/* Migrates targets: one queue, and as many threads that take from it as the command line says. */
#include "targets/work.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/event.h"
#include "terminal/clock.h"
#include "writing/text.h"

struct work {
    struct tally *tally;
    pthread_mutex_t mutex; /* of all that follows, of the tally, and of the host's callbacks */
    size_t *open;          /* indexes of the targets */
    size_t count;
    size_t taken;
    bool met;      /* another process that does the same */
    uint64_t dice; /* never 0 */
};

/* The first member is what the callbacks of the command line take. */
struct worker {
    struct console console;
    struct work *work;
    struct inlay_options options;
    size_t index;
    int64_t begun_ms;
    struct inlay_error error;
    char *conninfo; /* what the host found last */
    pthread_t thread;
};

/* ---- what the library asks and tells ---- */

static void tell_event(void *user, const struct inlay_event *event)
{
    struct worker *worker = user;
    if (worker->console.lines)
        inlay_cli_event_line(&worker->console, event);
}

static int ask_host_before_run(void *user, const struct inlay_event *event, struct inlay_error *err)
{
    struct worker *worker = user;
    const struct inlay_options *host = &worker->work->tally->cli->host;
    pthread_mutex_lock(&worker->work->mutex);
    int code = host->before_run(host->user, event, err);
    pthread_mutex_unlock(&worker->work->mutex);
    return code;
}

static int ask_host_before_migration(void *user, const struct inlay_event *event,
                                     struct inlay_error *err)
{
    struct worker *worker = user;
    const struct inlay_options *host = &worker->work->tally->cli->host;
    pthread_mutex_lock(&worker->work->mutex);
    int code = host->before_migration(host->user, event, err);
    pthread_mutex_unlock(&worker->work->mutex);
    return code;
}

/* The host's text stays as it is until it is asked again, which another thread may do. */
static const char *find_conninfo_of_host(void *user, struct inlay_error *err)
{
    struct worker *worker = user;
    const struct inlay_options *host = &worker->work->tally->cli->host;
    pthread_mutex_lock(&worker->work->mutex);
    const char *found = host->find_conninfo(host->find_conninfo_user, err);
    free(worker->conninfo);
    worker->conninfo = found ? strdup(found) : NULL;
    pthread_mutex_unlock(&worker->work->mutex);
    if (found && !worker->conninfo)
        inlay_refuse(err, "out of memory");
    return worker->conninfo;
}

/* Two processes that go the same way would wait for each other at each step: one that has met
 * another goes on anywhere. */
static void step_aside(struct work *work)
{
    work->dice ^= work->dice << 13; /* xorshift */
    work->dice ^= work->dice >> 7;
    work->dice ^= work->dice << 17;
    size_t other = work->taken + (size_t)(work->dice % (work->count - work->taken));
    size_t index = work->open[other];
    work->open[other] = work->open[work->taken];
    work->open[work->taken] = index;
}

static const struct inlay_many_target *take_next(void *user)
{
    struct worker *worker = user;
    struct work *work = worker->work;
    const struct inlay_many_target *target = NULL;
    pthread_mutex_lock(&work->mutex);
    if (work->taken < work->count) {
        if (work->met)
            step_aside(work);
        worker->index = work->open[work->taken++];
        target = &work->tally->list.targets[worker->index];
        worker->console.target = target->name;
    }
    pthread_mutex_unlock(&work->mutex);
    worker->begun_ms = inlay_cli_clock_ms();
    return target;
}

/* "acme: 2 migrations applied in batch 3 (9 ms)"; "acme: error: ..." */
static void say_done(struct worker *worker, const struct inlay_result *result,
                     const struct inlay_error *err)
{
    struct buffer line = {0};
    inlay_cli_text_escape(&line, worker->console.target, "");
    inlay_cli_buffer_text(&line, ": ");
    if (err->code != INLAY_OK) {
        inlay_cli_buffer_text(&line, "error: ");
        inlay_cli_text_escape(&line, err->message, "");
    } else if (result->applied == 0) {
        inlay_cli_buffer_text(&line, "up to date: another process migrated it");
    } else {
        inlay_cli_text_count(&line, result->applied, "migration");
        inlay_cli_buffer_format(&line, " applied in batch %" PRId64 " (", result->batch);
        inlay_cli_text_duration(&line, result->elapsed_ms);
        inlay_cli_buffer_text(&line, ")");
    }
    if (!line.failed)
        inlay_cli_console_say(&worker->console, STYLE_PLAIN, line.data, "");
    inlay_cli_buffer_free(&line);
}

static enum outcome outcome_of(const struct inlay_result *result, const struct inlay_error *err,
                               enum outcome before)
{
    if (err->code == INLAY_E_STOPPED)
        return before;
    if (err->code != INLAY_OK)
        return OUTCOME_FAILED;
    return result->applied > 0 ? OUTCOME_MIGRATED : OUTCOME_CURRENT;
}

static void take_done(void *user, const struct inlay_many_target *target,
                      const struct inlay_result *result, const struct inlay_error *err)
{
    struct worker *worker = user;
    struct tally *tally = worker->work->tally;
    const struct fate *fate = &tally->fates[worker->index];
    (void)target;
    pthread_mutex_lock(&worker->work->mutex);
    inlay_cli_tally_put(
        tally, &(struct event_of_target){.index = worker->index,
                                         .outcome = outcome_of(result, err, fate->outcome),
                                         .pending = err->code == INLAY_OK ? 0 : fate->pending,
                                         .applied = result->applied,
                                         .elapsed_ms = inlay_cli_clock_ms() - worker->begun_ms,
                                         .error = err});
    worker->work->met |= err->code == INLAY_OK && result->applied == 0;
    say_done(worker, result, err);
    pthread_mutex_unlock(&worker->work->mutex);
}

/* ---- the threads ---- */

static void init_worker(struct worker *worker, struct work *work)
{
    const struct cli *cli = work->tally->cli;
    *worker = (struct worker){.work = work, .options = cli->options};
    worker->console = (struct console){.colour = cli->console.colour, .lines = cli->lines};
    worker->options.user = worker;
    worker->options.event = tell_event;
    worker->options.before_run = cli->host.before_run ? ask_host_before_run : NULL;
    worker->options.before_migration =
        cli->host.before_migration ? ask_host_before_migration : NULL;
    if (cli->host.find_conninfo) {
        worker->options.find_conninfo = find_conninfo_of_host;
        worker->options.find_conninfo_user = worker;
    }
}

static void *run_worker(void *user)
{
    struct worker *worker = user;
    const struct inlay_many_queue queue = {.next = take_next, .done = take_done, .user = worker};
    inlay_many_migrate(worker->work->tally->cli->set, &worker->options, &queue, &worker->error);
    return NULL;
}

/* The first works in the thread that is here, and alone where there is no other to be had. */
static void run_workers(struct worker *workers, size_t count)
{
    size_t started = 1;
    while (started < count &&
           pthread_create(&workers[started].thread, NULL, run_worker, &workers[started]) == 0)
        started++;
    run_worker(&workers[0]);
    for (size_t i = 1; i < started; i++)
        pthread_join(workers[i].thread, NULL);
}

/* Of those that worked, the first that could not go on. */
static int take_errors(const struct worker *workers, size_t count, struct answer *answer)
{
    for (size_t i = 0; i < count; i++) {
        if (workers[i].error.code == INLAY_OK)
            continue;
        answer->error = workers[i].error;
        answer->code = (int)workers[i].error.code;
        return answer->code;
    }
    return INLAY_OK;
}

static int fail_memory_of_work(struct answer *answer)
{
    inlay_cli_answer_fail(answer, INLAY_E_MEMORY, "out of memory");
    return INLAY_E_MEMORY;
}

static void list_open(struct work *work)
{
    const struct tally *tally = work->tally;
    for (size_t i = 0; i < tally->list.ours; i++) {
        if (inlay_cli_outcome_is_open(tally->fates[i].outcome))
            work->open[work->count++] = i;
    }
}

static int work_with(struct work *work, struct answer *answer)
{
    int64_t jobs = work->tally->cli->jobs ? work->tally->cli->jobs : 1;
    size_t count = (size_t)jobs < work->count ? (size_t)jobs : work->count;
    struct worker *workers = calloc(count + 1, sizeof *workers);
    if (!workers)
        return fail_memory_of_work(answer);
    for (size_t i = 0; i < count; i++)
        init_worker(&workers[i], work);
    if (count > 0)
        run_workers(workers, count);
    int code = take_errors(workers, count, answer);
    for (size_t i = 0; i < count; i++)
        free(workers[i].conninfo);
    free(workers);
    return code;
}

int inlay_cli_work(struct tally *tally, struct answer *answer)
{
    struct work work = {.tally = tally, .mutex = PTHREAD_MUTEX_INITIALIZER};
    work.dice = (uint64_t)inlay_cli_clock_ms() << 20 | (uint64_t)getpid() | 1;
    work.open = calloc(tally->list.ours + 1, sizeof *work.open);
    if (!work.open)
        return fail_memory_of_work(answer);
    list_open(&work);
    int code = work_with(&work, answer);
    free(work.open);
    return code;
}
