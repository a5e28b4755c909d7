/* What a history says, short: those that say the same have the same plan. */
#ifndef INLAY_DIGEST_H
#define INLAY_DIGEST_H

#include "history/name.h"

enum { DIGEST_MOST = 192 };

/* A query for one text: how many rows the history has, the newest, a digest of all that a plan
 * depends on, and where `state` one of the state table. The caller frees; NULL without memory. */
char *inlay_digest_sql(const struct history_name *name, bool state);

#endif
