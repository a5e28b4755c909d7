/* A watcher looks at what each statement does: a rehearsal that is kept. What runs migrations
 * only knows this, so that a program which does not rehearse is not linked with the rest. */
#ifndef INLAY_WATCH_H
#define INLAY_WATCH_H

#include <inlay.h>

enum watch_moment {
    WATCH_BEFORE, /* in the statement's transaction, before it */
    WATCH_INSIDE, /* and after it */
    WATCH_OUTSIDE /* after a statement, whether it had a transaction or not */
};

struct watch {
    /* Looks; `statement` counts from 0. INLAY_OK or a code with its error. */
    int (*look)(struct watch *watch, enum watch_moment moment, size_t statement,
                struct inlay_error *err);
};

#endif
