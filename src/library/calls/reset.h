/* Dropping everything and beginning again. */
#ifndef INLAY_RESET_H
#define INLAY_RESET_H

#include "calls/migrate.h"

/* Asks for all that a reset drops: see inlay_holdings_sql. What *holdings was is cleared; the
 * caller clears what it is. */
int inlay_reset_ask(struct run *run, PGresult **holdings, struct inlay_error *err);

/* May all of it be dropped, and made again? INLAY_OK or INLAY_E_REFUSED. */
int inlay_reset_verdict(const struct run *run, const PGresult *holdings, struct inlay_error *err);

/* Is it this database? INLAY_OK, INLAY_E_ARGUMENT, or INLAY_E_REFUSED behind a pooler. */
int inlay_reset_gate(struct run *run, struct inlay_error *err);

/* Under the lock: drops everything in one transaction, then goes up. */
int inlay_reset_work(struct run *run, struct inlay_error *err);

/* Is the set one that may be reset? */
int inlay_reset_check_set(const struct inlay_set *set, struct inlay_error *err);

#endif
