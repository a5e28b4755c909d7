/* A growing list of what a migration did, with its own copies of all names. */
#ifndef INLAY_EFFECTS_H
#define INLAY_EFFECTS_H

#include <inlay-admin.h>

/* All zero is an empty one. */
struct effects {
    struct inlay_effect *list;
    size_t count;
    size_t capacity;
    struct inlay_effect *settled; /* what is left of it at the end of the file; NULL: not known */
    size_t settled_count;
    struct effect_text *texts;
    bool failed; /* without memory: something is missing in it */
};

/* Adds a copy. */
void inlay_effects_add(struct effects *effects, const struct inlay_effect *effect);

/* Makes room in `settled` for all of the list, until something is added. False without memory. */
bool inlay_effects_settle(struct effects *effects);

void inlay_effects_clear(struct effects *effects);
void inlay_effects_finish(struct effects *effects);

#endif
