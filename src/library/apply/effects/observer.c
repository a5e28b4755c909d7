/* Asks, compares and keeps what is different. Only differences count: the server's counters were
 * not at zero when the file began. */
#include "apply/effects/observer.h"
#include "base/clock.h"
#include "wire/query.h"

#include <stdlib.h>

/* ---- answers ---- */

static void read_touched(const PGresult *result, int row, struct touched *read)
{
    *read = (struct touched){
        .relation = (uint32_t)strtoul(PQgetvalue(result, row, LOCK_RELATION), NULL, 10),
        .rank = atoi(PQgetvalue(result, row, LOCK_RANK))};
    for (int i = 0; i < COUNTS; i++)
        inlay_text_number(PQgetvalue(result, row, LOCK_COUNTS + i), &read->counts[i]);
}

static void take_touched(struct picture *picture, const PGresult *result,
                         void (*take)(struct picture *picture, const struct touched *read))
{
    struct touched read;

    for (int row = 0; row < PQntuples(result); row++) {
        read_touched(result, row, &read);
        take(picture, &read);
    }
}

static void take_writes(struct picture *picture, const PGresult *result)
{
    int64_t writes;

    for (int row = 0; row < PQntuples(result); row++)
        if (inlay_text_number(PQgetvalue(result, row, 1), &writes))
            inlay_changes_written(
                picture, PQgetvalue(result, row, 0)[0] == '0' ? PART_RELATIONS : PART_OTHERS,
                writes);
}

void inlay_observer_take(struct observer *observer, enum probe probe, const PGresult *result)
{
    struct picture *picture = &observer->picture;

    switch (probe) {
    case PROBE_BASE:
        take_touched(picture, result, inlay_changes_base);
        break;
    case PROBE_LOCKS:
        take_touched(picture, result, inlay_changes_touched);
        break;
    case PROBE_WRITES:
        take_writes(picture, result);
        break;
    case PROBE_SCOPE:
    case PROBE_OTHERS:
    case PROBE_ALL:
        picture->failed |= !inlay_objects_add(&picture->now, result);
        break;
    default:
        break;
    }
}

static void hand_over(struct observer *observer)
{
    const struct effects *effects = &observer->picture.effects;
    bool settled = effects->settled != NULL;

    observer->report->effects = settled ? effects->settled : effects->list;
    observer->report->effect_count = settled ? effects->settled_count : effects->count;
}

void inlay_observer_answered(struct observer *observer, enum probe probe)
{
    if (probe == PROBE_SCOPE || probe == PROBE_OTHERS || probe == PROBE_ALL)
        inlay_changes_compare(&observer->picture, probe);
    hand_over(observer);
    observer->since_ms = inlay_clock_ms();
}

void inlay_observer_ran(struct observer *observer, size_t statement)
{
    observer->picture.statement = statement + 1;
    observer->picture.elapsed_ms = inlay_clock_ms() - observer->since_ms;
}

int inlay_observer_fail(const PGresult *result, struct inlay_error *err)
{
    inlay_result_error(result, INLAY_E_FAILED, err);
    inlay_text_add(err->context, sizeof err->context, "%swhile asking what the migration did",
                   err->context[0] != '\0' ? "\n" : "");
    return INLAY_E_FAILED;
}

int inlay_observer_ask(struct observer *observer, enum round round, bool silent,
                       struct inlay_error *err)
{
    enum { MOST = 8 };
    struct message messages[MOST];
    PGresult *results[MOST] = {0};
    size_t count = inlay_probes_count(round);

    for (size_t i = 0; i < count; i++)
        inlay_probes_fill(&observer->probes, inlay_probes_at(round, i), &messages[i]);
    observer->picture.silent = silent;
    int rc = inlay_query_ask(observer->session, messages, count, results, err);
    for (size_t i = 0; i < count && rc == INLAY_OK; i++) {
        if (inlay_result_failed(results[i])) {
            rc = inlay_observer_fail(results[i], err);
            break;
        }
        inlay_observer_take(observer, inlay_probes_at(round, i), results[i]);
        inlay_observer_answered(observer, inlay_probes_at(round, i));
    }
    inlay_results_clear(results, count);
    observer->picture.silent = false;
    if (rc == INLAY_OK && (observer->picture.failed || observer->picture.effects.failed))
        rc = inlay_error_memory(err);
    return rc;
}

int inlay_observer_look(struct observer *observer, struct inlay_error *err)
{
    struct picture *picture = &observer->picture;
    int rc = INLAY_OK;

    picture->moved = false;
    if (picture->changed[PART_RELATIONS])
        rc = inlay_observer_ask(observer, ROUND_SCOPE, false, err);
    if (rc == INLAY_OK && picture->changed[PART_OTHERS])
        rc = inlay_observer_ask(observer, ROUND_OTHERS, false, err);
    return rc == INLAY_OK && picture->moved ? inlay_observer_ask(observer, ROUND_ALL, true, err)
                                            : rc;
}

static int settle_effects(struct observer *observer, int rc, struct inlay_error *err)
{
    inlay_changes_settle(&observer->picture);
    hand_over(observer);
    return rc == INLAY_OK && observer->picture.effects.failed ? inlay_error_memory(err) : rc;
}

int inlay_observer_end(struct observer *observer, struct inlay_error *err)
{
    observer->picture.statement = 0;
    observer->picture.elapsed_ms = 0;
    int rc = inlay_observer_ask(observer, ROUND_STATEMENT, false, err);
    if (rc == INLAY_OK)
        rc = inlay_observer_look(observer, err);
    return settle_effects(observer, rc, err);
}

/* ---- life ---- */

static int look_at_statement(struct watch *watch, enum watch_moment moment, size_t statement,
                             struct inlay_error *err)
{
    struct observer *observer = (struct observer *)watch;

    if (moment == WATCH_BEFORE) {
        observer->picture.touched_count = 0;
        return inlay_observer_ask(observer, ROUND_BEFORE, false, err);
    }
    inlay_observer_ran(observer, statement);
    if (moment == WATCH_INSIDE) {
        int asked = inlay_observer_ask(observer, ROUND_STATEMENT, false, err);
        return asked == INLAY_OK ? inlay_observer_look(observer, err) : asked;
    }
    observer->picture.outside = true;
    int rc = inlay_observer_ask(observer, ROUND_OUTSIDE, false, err);
    observer->picture.outside = false;
    return settle_effects(observer, rc, err); /* perhaps it was the last */
}

int inlay_observer_init(struct observer *observer, struct session *session,
                        const struct history_name *name, struct report *report, bool together,
                        struct inlay_error *err)
{
    *observer = (struct observer){.watch = {.look = look_at_statement},
                                  .session = session,
                                  .report = report,
                                  .together = together};
    return inlay_probes_init(&observer->probes, name) ? INLAY_OK : inlay_error_memory(err);
}

void inlay_observer_begin(struct observer *observer, const struct step *step)
{
    inlay_effects_clear(&observer->picture.effects);
    observer->report->effects = NULL;
    observer->report->effect_count = 0;
    observer->picture.step = step;
    observer->picture.statement = 0;
    observer->picture.elapsed_ms = 0;
    if (!observer->together)
        observer->picture.touched_count = 0;
    observer->since_ms = inlay_clock_ms();
}

void inlay_observer_finish(struct observer *observer)
{
    observer->report->effects = NULL;
    observer->report->effect_count = 0;
    inlay_probes_finish(&observer->probes);
    inlay_changes_finish(&observer->picture);
}
