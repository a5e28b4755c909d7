/* Looks at targets in a few threads: each has some of the connection strings, and all targets of
 * these. */
#include "targets/look.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "report/event.h"

/* So many connections at once, or as many as migrate at once: whichever is more. */
#define LOOKERS 8

struct looking {
    struct tally *tally;
    pthread_mutex_t mutex; /* of the tally, and of what is said */
    struct share *shares;
    size_t count;
    struct inlay_many_target *targets; /* of all shares */
    size_t *indexes;
    struct inlay_options options;
};

/* What one thread looks at. */
struct share {
    struct looking *looking;
    struct inlay_many_target *targets;
    size_t *indexes; /* in the list, of each */
    size_t count;
    int code;
    struct inlay_error error;
    pthread_t thread;
};

/* ---- what the library tells ---- */

static void note_finding(struct tally *tally, size_t index,
                         const struct inlay_many_finding *finding)
{
    static const enum outcome outcomes[] = {[INLAY_CURRENT] = OUTCOME_CURRENT,
                                            [INLAY_BEHIND] = OUTCOME_BEHIND,
                                            [INLAY_NEW] = OUTCOME_NEW,
                                            [INLAY_DISAGREES] = OUTCOME_DISAGREES,
                                            [INLAY_UNREADABLE] = OUTCOME_UNREADABLE};
    inlay_cli_tally_put(tally, &(struct event_of_target){.index = index,
                                                         .outcome = outcomes[finding->standing],
                                                         .pending = finding->pending,
                                                         .elapsed_ms = -1,
                                                         .error = finding->error});
}

static void take_finding(void *user, const struct inlay_many_finding *finding)
{
    note_finding(user, finding->target, finding);
}

static void take_share(void *user, const struct inlay_many_finding *finding)
{
    struct share *share = user;
    pthread_mutex_lock(&share->looking->mutex);
    note_finding(share->looking->tally, share->indexes[finding->target], finding);
    pthread_mutex_unlock(&share->looking->mutex);
}

static void log_in_turn(void *user, enum inlay_log_level level, const char *text)
{
    struct looking *looking = user;
    pthread_mutex_lock(&looking->mutex);
    inlay_cli_console_log(&looking->tally->cli->console, level, text);
    pthread_mutex_unlock(&looking->mutex);
}

static void tell_in_turn(void *user, const struct inlay_event *event)
{
    struct looking *looking = user;
    pthread_mutex_lock(&looking->mutex);
    inlay_cli_event(looking->tally->cli, event);
    pthread_mutex_unlock(&looking->mutex);
}

/* ---- whose share it is ---- */

static int compare_strings(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

static int order_connections(const void *a, const void *b)
{
    const struct inlay_many_target *const *left = a;
    const struct inlay_many_target *const *right = b;
    int order = compare_strings((*left)->conninfo, (*right)->conninfo);
    return order ? order : (*left > *right) - (*left < *right);
}

/* Turn by turn, as strings that are alike may fail alike. Returns how many strings there are. */
static size_t deal(struct looking *looking, const struct inlay_many_target *const *sorted)
{
    const struct list *list = &looking->tally->list;
    size_t strings = 0;
    for (size_t i = 0; i < list->ours; i++) {
        if (i > 0 && compare_strings(sorted[i - 1]->conninfo, sorted[i]->conninfo))
            strings++;
        struct share *share = looking->count ? &looking->shares[strings % looking->count] : NULL;
        if (!share)
            continue;
        share->targets[share->count] = *sorted[i];
        share->indexes[share->count++] = (size_t)(sorted[i] - list->targets);
    }
    return strings + 1;
}

static bool init_shares(struct looking *looking, size_t count)
{
    size_t most = looking->tally->list.ours;
    looking->shares = calloc(count, sizeof *looking->shares);
    looking->targets = calloc(count * most, sizeof *looking->targets);
    looking->indexes = calloc(count * most, sizeof *looking->indexes);
    if (!looking->shares || !looking->targets || !looking->indexes)
        return false;
    looking->count = count;
    for (size_t i = 0; i < count; i++) {
        struct share *share = &looking->shares[i];
        share->looking = looking;
        share->targets = &looking->targets[i * most];
        share->indexes = &looking->indexes[i * most];
    }
    return true;
}

/* False without memory. */
static bool deal_shares(struct looking *looking)
{
    const struct tally *tally = looking->tally;
    size_t jobs = (size_t)tally->cli->jobs;
    size_t most = jobs > LOOKERS ? jobs : LOOKERS;
    size_t count = tally->list.ours;
    const struct inlay_many_target **sorted = calloc(count, sizeof *sorted);
    if (!sorted)
        return false;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &tally->list.targets[i];
    qsort(sorted, count, sizeof *sorted, order_connections);
    size_t strings = deal(looking, sorted);
    bool good = strings == 1 || init_shares(looking, strings < most ? strings : most);
    if (good && looking->count > 0)
        deal(looking, sorted);
    free(sorted);
    return good;
}

/* ---- the threads ---- */

static void *look_at_share(void *user)
{
    struct share *share = user;
    const struct looking *looking = share->looking;
    share->code = inlay_many_look(looking->tally->cli->set, &looking->options, share->targets,
                                  share->count, take_share, share, &share->error);
    return NULL;
}

/* What no thread is to be had for is looked at here, one after another. */
static void look_at_shares(struct share *shares, size_t count)
{
    size_t started = 1;
    while (started < count &&
           pthread_create(&shares[started].thread, NULL, look_at_share, &shares[started]) == 0)
        started++;
    look_at_share(&shares[0]);
    for (size_t i = started; i < count; i++)
        look_at_share(&shares[i]);
    for (size_t i = 1; i < started; i++)
        pthread_join(shares[i].thread, NULL);
}

static void take_codes(const struct looking *looking, struct answer *answer)
{
    for (size_t i = 0; i < looking->count && answer->code == INLAY_OK; i++) {
        answer->code = looking->shares[i].code;
        answer->error = looking->shares[i].error;
    }
}

static void free_shares(struct looking *looking)
{
    free(looking->shares);
    free(looking->targets);
    free(looking->indexes);
}

static void look_at_once(struct looking *looking, struct answer *answer)
{
    look_at_shares(looking->shares, looking->count);
    answer->code = INLAY_OK;
    take_codes(looking, answer);
}

int inlay_cli_look(struct tally *tally, struct answer *answer)
{
    const struct cli *cli = tally->cli;
    const struct list *list = &tally->list;
    struct looking looking = {
        .tally = tally, .mutex = PTHREAD_MUTEX_INITIALIZER, .options = cli->options};
    looking.options.user = &looking;
    looking.options.log = log_in_turn;
    looking.options.event = tell_in_turn;
    bool good = list->ours == 0 || deal_shares(&looking);
    if (!good)
        inlay_cli_answer_fail(answer, INLAY_E_MEMORY, "out of memory");
    else if (looking.count > 0)
        look_at_once(&looking, answer);
    else
        answer->code = inlay_many_look(cli->set, &cli->options, list->targets, list->ours,
                                       take_finding, tally, &answer->error);
    free_shares(&looking);
    return answer->code;
}
