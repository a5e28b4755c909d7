/* May we write here? What must hold before the first change, and the tables that it needs. */
#ifndef INLAY_ADMISSION_H
#define INLAY_ADMISSION_H

#include "foreign/known.h"
#include "run/run.h"

/* Before the lock: a server that takes writes, no pooler, our tables or the right to create them,
 * no other tool's history. INLAY_OK or INLAY_E_REFUSED. */
int inlay_admission_check(struct session *session, const struct request *request,
                          const struct knowledge *known, struct inlay_error *err);

/* What is asked and set before a run. */
struct admission {
    struct connection *connection;
    const struct request *request;
    const struct knowledge *known;
    struct questions_before before;
    struct message queries[SNAPSHOT_BEFORE_MOST];
    PGresult *results[SNAPSHOT_BEFORE_MOST];
    struct detect_query detect;
    size_t resets;  /* first of all: so many messages give back a caller's session */
    size_t seal;    /* the place of what prepares the seal, from 1; 0: nothing does */
    char *seal_sql; /* which may fail: then it is not prepared */
    const char *tables[3];
    bool settled;      /* by an earlier run over this connection: limits are known, settings made */
    bool asks_foreign; /* last of all */
    bool asks_readers; /* the same, where there is a history */
};

/* The same as inlay_admission_check, as far as the look has the answer, and the admission: the rest
 * of it, and the session settings that a run needs. Nothing is set before there is something to do,
 * because through a pooler a setting would stay in another client's connection. A caller's session
 * is reset first: what its host has set is not for us, and what the look has of role and rights is
 * read again after it. */
int inlay_admission_enter(struct connection *connection, const struct request *request,
                          const struct knowledge *known, struct admission *admission,
                          struct inlay_error *err);

/* Is this connection one over which another run has been admitted? What it has asked and set stays,
 * so that the first look can be the one under the lock. */
bool inlay_admission_is_settled(const struct connection *connection);

/* What goes ahead of such a look, and what comes of it: INLAY_OK or INLAY_E_REFUSED; only the seal
 * may fail, and is not ready then. The admission itself follows, as ever. */
void inlay_admission_go_ahead(struct connection *connection, const struct request *request,
                              struct admission *admission);
int inlay_admission_take(struct admission *admission, struct inlay_error *err);

/* Reads the answers to the admission: INLAY_OK or INLAY_E_REFUSED. */
int inlay_admission_entered(struct admission *admission, struct inlay_error *err);

/* Asks it by itself, and reads the answers. */
int inlay_admission_ask(struct admission *admission, struct inlay_error *err);

/* Frees the answers, whoever asked, and whatever came of it. */
void inlay_admission_finish(struct admission *admission);

#endif
