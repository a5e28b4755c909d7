/* Cleaning up after a transactional migration that was not committed. */
#ifndef INLAY_RECOVER_H
#define INLAY_RECOVER_H

#include "apply/transaction/conversation.h"

/* After the conversation has ended with this code before its last step: leaves nothing open, says
 * what became of the migration, and waits if it met another session. INLAY_OK: it is to be tried
 * again; else a code of inlay_apply. */
int inlay_recover(struct apply *apply, int rc);

#endif
