/* Asking a verify script by itself. */
#ifndef INLAY_VERIFY_RUN_H
#define INLAY_VERIFY_RUN_H

#include "run/run.h"

/* Asks whether the migration did what it should, in a transaction that only reads and is rolled
 * back, under the migration's statement_timeout. INLAY_OK, also where nothing verifies it;
 * INLAY_E_FAILED with the place; INLAY_E_LOCKED; INLAY_E_MEMORY, or the codes of
 * inlay_query_ask. */
int inlay_verify_run(struct session *session, const struct request *request,
                     const struct limits *limits, const struct inlay_migration *migration,
                     struct inlay_error *err);

#endif
