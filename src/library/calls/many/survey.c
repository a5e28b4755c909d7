/* How one of many targets stands: the judgement of inlay_check, told to the caller. */
#include "calls/many/survey.h"
#include "calls/reading.h"
#include "calls/status.h"
#include "plan/merge.h"

static enum inlay_standing standing_of(int code, bool exists)
{
    switch (code) {
    case INLAY_OK:
        return INLAY_CURRENT;
    case INLAY_E_PENDING:
        return exists ? INLAY_BEHIND : INLAY_NEW;
    case INLAY_E_MISMATCH:
        return INLAY_DISAGREES;
    default:
        return INLAY_UNREADABLE;
    }
}

const char *inlay_standing_name(enum inlay_standing standing)
{
    static const char *const names[] = {"current", "behind", "new", "disagreeing", "unreadable"};
    size_t index = (size_t)standing;

    return index < sizeof names / sizeof names[0] ? names[index] : "unreadable";
}

void inlay_survey_tell(const struct survey *survey, const struct many_place *place, bool exists,
                       size_t pending, const struct inlay_error *err)
{
    const struct inlay_many_finding finding = {
        .target = place->index,
        .standing = standing_of(err->code, exists),
        .pending = err->code == INLAY_E_PENDING ? pending : 0,
        .error = err,
    };

    survey->found(survey->user, &finding);
}

int inlay_survey_judge(struct survey *survey, struct inlay_error *err)
{
    struct knowledge *known = &survey->run.known;

    inlay_error_clear(err);
    inlay_plan_free(&known->plan);
    int rc = inlay_merge(survey->set, &known->snapshot.history, &known->plan, err);
    if (rc == INLAY_OK)
        inlay_status_take_check(&survey->run, err);
    return rc;
}

int inlay_survey_alone(struct survey *survey, const struct many_place *place,
                       struct inlay_error *err)
{
    struct run run;
    struct aim aim;
    const struct reading reading = {.take = inlay_status_take_check, .context = &run};

    inlay_error_clear(err);
    if (inlay_aim(survey->set, &survey->options, place->target, &aim, err) != INLAY_OK) {
        inlay_survey_tell(survey, place, false, 0, err);
        return INLAY_OK;
    }
    int rc = inlay_reading(&run, survey->set, &aim.options, &reading, err);
    if (rc != INLAY_E_STOPPED && rc != INLAY_E_MEMORY)
        inlay_survey_tell(survey, place, run.known.snapshot.history.exists, run.known.plan.pending,
                          err);
    inlay_run_end(&run);
    return rc == INLAY_E_STOPPED || rc == INLAY_E_MEMORY ? rc : INLAY_OK;
}
