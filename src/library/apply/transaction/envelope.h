/* What travels with a stretch of migrations, so that it costs no round trip of its own: in front of
 * them the transaction that makes our tables, behind the last one the unlock. */
#ifndef INLAY_ENVELOPE_H
#define INLAY_ENVELOPE_H

#include "history/lock.h"
#include "run/prepare.h"

struct frame {
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
int inlay_frame_init(struct frame *frame, struct run *run, bool makes_tables, bool unlocks,
                     struct inlay_error *err);
void inlay_frame_finish(struct frame *frame);

/* The stretch begins again at a later migration: the tables are there, the unlock was not heard. */
void inlay_frame_begin(struct frame *frame);

/* Fills the next message in front, or behind; false: there is none. */
bool inlay_frame_front(struct frame *frame, struct message *message);
bool inlay_frame_back(struct frame *frame, struct message *message);

/* Is the oldest open message one in front? */
bool inlay_frame_is_open(const struct frame *frame);

/* Takes an answer to one of those. INLAY_OK or INLAY_E_REFUSED. */
int inlay_frame_take(struct frame *frame, const PGresult *result, struct inlay_error *err);
/* ... and to the unlock. */
void inlay_frame_take_unlock(struct frame *frame, const PGresult *result);

#endif
