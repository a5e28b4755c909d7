#include "cursor.h"

/* RESET ROLE follows because RESET SESSION AUTHORIZATION also forgets a role that ALTER ROLE ...
 * SET role gave this session at its start. */
const char *const inlay_reset_statements[] = {
    "RESET SESSION AUTHORIZATION",
    "RESET ROLE",
    "RESET ALL",
    "UNLISTEN *",
    "DEALLOCATE ALL",
    "CLOSE ALL",
    "DISCARD TEMP",
    "DISCARD SEQUENCES",
};
const size_t inlay_reset_count = sizeof inlay_reset_statements / sizeof inlay_reset_statements[0];

static size_t messages_in(const struct cursor *cursor, const struct step *step, bool bare,
                          size_t asynchronous)
{
    const struct inlay_script *script = step->script;

    switch (cursor->phase) {
    case PHASE_ASYNCHRONOUS:
        return cursor->step < asynchronous ? 1 : 0;
    case PHASE_QUIET:
        return bare ? 1 : 0;
    case PHASE_BODY:
        return script->function == NULL ? script->statement_count : 0;
    case PHASE_RESET:
        return bare ? 0 : inlay_reset_count;
    case PHASE_KEEP:
        return step->keep != KEEP_AS_IT_IS;
    default:
        return 1;
    }
}

void inlay_cursor_advance(struct cursor *cursor, const struct step *steps, bool bare,
                          size_t asynchronous)
{
    const struct step *step = &steps[cursor->step];

    cursor->item++;
    while (cursor->phase < PHASE_COUNT &&
           cursor->item >= messages_in(cursor, step, bare, asynchronous)) {
        cursor->phase++;
        cursor->item = 0;
    }
    if (cursor->phase == PHASE_COUNT) {
        cursor->phase = PHASE_BEGIN;
        cursor->step++;
    }
}
