/* Looking at those targets together that are behind one connection string. */
#ifndef INLAY_LOOK_MANY_H
#define INLAY_LOOK_MANY_H

#include "calls/many/survey.h"

/* How many are looked at over one connection: a server process keeps what it learns of tables. */
enum { TOGETHER_MOST = 1000 };

/* Tells of each of them, up to TOGETHER_MOST, with one connection string. INLAY_OK, or what ends
 * the call: INLAY_E_STOPPED, _MEMORY. `away`: there was no connection, as they were told, and `err`
 * says why. */
int inlay_look_together(struct survey *survey, const struct many_place *places, size_t count,
                        bool *away, struct inlay_error *err);

#endif
