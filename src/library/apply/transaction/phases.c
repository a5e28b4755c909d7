/* Steps from one message of the conversation to the next. Holds no state of its own. */
#include "apply/transaction/phases.h"
#include "plan/steps.h"
#include "plan/verify.h"
#include "run/settings.h"

/* What deallocates comes last: it would take our own prepared statement along. Behind the first
 * step there is none yet, and the one that is not sealed by it leaves none. */
static size_t count_resets(const struct cursor *cursor, const struct course *course)
{
    bool keeps = (cursor->step > course->first || course->ahead) &&
                 inlay_phases_is_prepared(course, cursor->step);

    if (course->bare)
        return 0;
    return keeps ? inlay_reset_count - 1 : inlay_reset_count;
}

static size_t count_questions(const struct step *step)
{
    const struct inlay_script *verify = inlay_verify_script(step);

    return verify != NULL ? VERIFY_BEFORE + verify->statement_count + VERIFY_AFTER : 0;
}

static size_t messages_in(const struct cursor *cursor, const struct course *course)
{
    const struct step *step = &course->steps[cursor->step];
    const struct inlay_script *script = step->script;

    switch (cursor->phase) {
    case PHASE_ASYNCHRONOUS:
        return cursor->step < course->asynchronous ? 1 : 0;
    case PHASE_QUIET:
        return course->bare ? 1 : 0;
    case PHASE_CLAIM:
        return 1 + step->place_count;
    case PHASE_LIMITS:
        return course->limits + course->search_path;
    case PHASE_BODY:
        return script->function == NULL ? script->statement_count : 0;
    case PHASE_RESET:
        return count_resets(cursor, course);
    case PHASE_PREPARE:
        return cursor->step == course->first && !course->ahead &&
               inlay_phases_is_prepared(course, cursor->step);
    case PHASE_DEALLOCATE:
        return course->ahead && inlay_phases_is_prepared(course, cursor->step);
    case PHASE_OURS:
        return course->bare ? 1 : course->again;
    case PHASE_VERIFY:
        return count_questions(step);
    case PHASE_KEEP:
        return step->keep != KEEP_AS_IT_IS;
    case PHASE_FORGET:
        return step->partial;
    default:
        return 1;
    }
}

void inlay_phases_advance(struct cursor *cursor, const struct course *course)
{
    cursor->item++;
    while (cursor->phase < PHASE_COUNT && cursor->item >= messages_in(cursor, course)) {
        cursor->phase++;
        cursor->item = 0;
    }
    if (cursor->phase == PHASE_COUNT) {
        cursor->phase = PHASE_BEGIN;
        cursor->step++;
    }
}
