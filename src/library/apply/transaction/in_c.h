/* Calling a migration that is written in C. */
#ifndef INLAY_IN_C_H
#define INLAY_IN_C_H

#include "wire/query.h"

/* Calls the function inside the transaction that is open. INLAY_OK; INLAY_E_FAILED; the codes of
 * inlay_query_ask where a statement of the function met them, whatever it made of that. */
int inlay_in_c_run(struct session *session, inlay_migration_function function,
                   struct inlay_error *err);

#endif
