/* What travels with a stretch of migrations, so that it costs no round trip of its own: before
 * them the transaction that makes our tables, after the last one the unlock. */
#ifndef INLAY_ENVELOPE_H
#define INLAY_ENVELOPE_H

#include "history/lock.h"
#include "run/prepare.h"

struct envelope {
    const struct request *request;
    struct knowledge *known;
    struct lock *lock;
    struct tables tables; /* none, or what is missing */
    size_t sent;          /* messages about them */
    size_t heard;
    bool refused; /* they could not be made */
    bool unlocks; /* there is an unlock after the last migration */
    bool unlock_sent;
    struct lock_key key;
};

/* Lists the tables that are to be made. INLAY_OK or INLAY_E_MEMORY; finish it in any case. */
int inlay_envelope_add_tables(struct envelope *envelope, struct inlay_error *err);
void inlay_envelope_finish(struct envelope *envelope);

/* The stretch begins again at a later migration: the tables are there, the unlock was not heard. */
void inlay_envelope_begin(struct envelope *envelope);

/* The tables were not made after all, and are to be. */
void inlay_envelope_rewind(struct envelope *envelope);

/* Fills the next message before them, or after; false: there is none. */
bool inlay_envelope_front(struct envelope *envelope, struct message *message);
bool inlay_envelope_back(struct envelope *envelope, struct message *message);

/* Is the oldest open message one in front? */
bool inlay_envelope_is_open(const struct envelope *envelope);

/* Takes an answer to one of those. INLAY_OK or INLAY_E_REFUSED. */
int inlay_envelope_take(struct envelope *envelope, const PGresult *result, struct inlay_error *err);
/* ... and to the unlock. */
void inlay_envelope_take_unlock(struct envelope *envelope, const PGresult *result);

#endif
