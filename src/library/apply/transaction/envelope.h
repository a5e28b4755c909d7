/* What travels with a stretch of migrations, so that it costs no round trip of its own: in front of
 * them the transaction that makes our tables, behind the last one the unlock. */
#ifndef INLAY_ENVELOPE_H
#define INLAY_ENVELOPE_H

#include "history/lock.h"
#include "run/prepare.h"

struct envelope {
    struct run *run;
    struct tables tables; /* none, or what is missing */
    size_t sent;          /* messages about them */
    size_t heard;
    bool refused; /* they could not be made */
    bool unlocks; /* there is an unlock behind the last migration */
    bool unlock_sent;
    struct lock_key key;
};

/* INLAY_OK or INLAY_E_MEMORY; finish it in any case. */
int inlay_envelope_init(struct envelope *envelope, struct run *run, bool makes_tables, bool unlocks,
                        struct inlay_error *err);
void inlay_envelope_finish(struct envelope *envelope);

/* The stretch begins again at a later migration: the tables are there, the unlock was not heard. */
void inlay_envelope_begin(struct envelope *envelope);

/* Fills the next message in front, or behind; false: there is none. */
bool inlay_envelope_front(struct envelope *envelope, struct message *message);
bool inlay_envelope_back(struct envelope *envelope, struct message *message);

/* Is the oldest open message one in front? */
bool inlay_envelope_is_open(const struct envelope *envelope);

/* Takes an answer to one of those. INLAY_OK or INLAY_E_REFUSED. */
int inlay_envelope_take(struct envelope *envelope, const PGresult *result, struct inlay_error *err);
/* ... and to the unlock. */
void inlay_envelope_take_unlock(struct envelope *envelope, const PGresult *result);

#endif
