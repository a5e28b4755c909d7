/* Calling a migration that is written in C. */
#ifndef INLAY_IN_C_H
#define INLAY_IN_C_H

#include "wire/query.h"

/* Calls the script's function inside the transaction that is open. INLAY_OK; INLAY_E_FAILED, with
 * the place; the codes of inlay_query_ask where a statement of the function met them, whatever it
 * made of that. */
int inlay_in_c_run(struct session *session, const struct inlay_set *set,
                   const struct inlay_script *script, struct inlay_error *err);

#endif
