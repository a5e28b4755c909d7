#include "cursor.h"
#include "set.h"

static size_t messages_in(enum phase phase, const struct inlay_script *script,
                          const struct cursor_shape *shape)
{
    const struct inlay_settings *settings = inlay_script_settings(script);

    switch (phase) {
    case PHASE_SETTINGS:
        return settings->lock_timeout_ms != INLAY_UNSET ||
               settings->statement_timeout_ms != INLAY_UNSET;
    case PHASE_BODY:
        return script->function == NULL ? script->statement_count : 0;
    case PHASE_RESET:
        return shape->resets;
    case PHASE_OURS:
        return shape->settings;
    default:
        return 1;
    }
}

void inlay_cursor_advance(struct cursor *cursor, const struct step *steps,
                          const struct cursor_shape *shape)
{
    const struct inlay_script *script = steps[cursor->step].script;

    cursor->item++;
    while (cursor->phase < PHASE_COUNT &&
           cursor->item >= messages_in(cursor->phase, script, shape)) {
        cursor->phase++;
        cursor->item = 0;
    }
    if (cursor->phase == PHASE_COUNT) {
        cursor->phase = PHASE_BEGIN;
        cursor->step++;
    }
}
