/* The parts of a script for psql: what comes before the migrations, each migration, the end. */
#ifndef INLAY_PSQL_TEXT_H
#define INLAY_PSQL_TEXT_H

#include "apply/transaction/messages.h"
#include "calls/psql/writer.h"

/* What is written from. */
struct psql {
    const struct request *request;
    const struct limits *limits;
    const struct plan *plan;
    const struct steps *steps;
    struct messages messages;
    struct writer writer;
};

/* The first migration is one to undo. */
bool inlay_psql_leads_back(const struct psql *psql);

/* Session, lock, tables, and what must be so before anything runs. False without memory. */
bool inlay_psql_head(struct psql *psql);

/* What --migrate-only asks before it changes anything: may this role migrate this server, and has
 * another tool migrated this database? */
void inlay_psql_admission(struct psql *psql);
void inlay_psql_foreign(struct psql *psql);

/* Is the history what the script was written for? In the words of plan/verdict.c. */
void inlay_psql_guards(struct psql *psql);

/* A step in one transaction, as inlay_apply runs it, unless it is done. */
void inlay_psql_transaction(struct psql *psql, size_t step);

/* A step without a transaction, as inlay_stepwise runs it, from where it was left. False without
 * memory. */
bool inlay_psql_stepwise(struct psql *psql, size_t step);

void inlay_psql_end(struct psql *psql);

/* Puts the program's words at hand, and texts that are asked more than once: variables of psql. */
bool inlay_psql_words(struct psql *psql);

/* A question that raises where something is wrong, asked so that it says so in the program's words:
 * between these two comes an SQL expression for its text. `place`: the file and line, or empty
 * where no migration is to blame; `message`: has its parameters, four at most; or NULL. */
void inlay_psql_ask_begin(struct psql *psql);
void inlay_psql_ask_end(struct psql *psql, const char *place, const struct message *message);

/* Such expressions. */
#define PSQL_FIT ":'inlay_fit'"
void inlay_psql_seal_name(const struct psql *psql, const struct message *message, char name[32]);

/* "migrations/001_init.sql:3: ", without the line if that is 0. */
enum { PSQL_PLACE_MOST = 600 };
void inlay_psql_place(const struct psql *psql, const struct inlay_script *script, uint32_t line,
                      char place[PSQL_PLACE_MOST]);

/* What is asked for a verify script; `text`: what inlay_verify_text has at this place. */
void inlay_psql_question(struct psql *psql, const struct inlay_script *verify, size_t index,
                         const char *text);

/* Stops the script if the message that the query before it left in inlay_refusal is not empty. */
void inlay_psql_refuse(struct psql *psql);

/* What gives the session back after a body. */
void inlay_psql_reset(struct psql *psql);

/* What psql prints when a step begins and ends: \if around it. */
void inlay_psql_step_begin(struct psql *psql, const struct step *step);
void inlay_psql_step_end(struct psql *psql);

#endif
