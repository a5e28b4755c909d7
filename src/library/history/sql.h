/* Every SQL text of ours. All is qualified, operators and types included: what stands ahead of
 * pg_catalog on a search_path is not ours to trust. Values are parameters. */
#ifndef INLAY_SQL_H
#define INLAY_SQL_H

#include "history/columns.h"
#include "history/name.h"

/* Operators that no search path can replace. */
#define EQ " OPERATOR(pg_catalog.=) "
#define NOT_EQUAL " OPERATOR(pg_catalog.<>) "

/* The qualified and quoted name of the relation c in the schema n. */
#define QUOTED_NAME                                                                                \
    "pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(c.relname))"

/* Texts that name the history; the caller frees. NULL without memory.
 *
 * `iso`: the session writes times as ISO 8601 does. */
char *inlay_sql_rows(const struct history_name *name, bool iso);

/* What holds applied_at besides, where the session writes times in another way. */
#define ROWS_ISO_AT "inlay_applied_at"

/* inlay_sql_state answers the columns of the state in their order, and after them: */
enum { STATE_ISO_AT = STATE_COLUMNS }; /* where the session writes times in another way */

char *inlay_sql_state(const struct history_name *name, bool iso);
char *inlay_sql_state_columns(const struct history_name *name); /* all that there are, no row */
char *inlay_sql_create_history(const struct history_name *name);
char *inlay_sql_create_state(const struct history_name *name);
char *inlay_sql_add_column(const struct history_name *name, const struct column *column);

/* What claims and seals raise where the row is not as it has to be: a number that is none, 22P02.
 */
#define RAISED_ROWS "rows of this migration: "
/* ... and what they raise where a table of ours is not fit any more: which, and why, see shape.h.
 */
#define RAISED_UNFIT "unfit: "

/* An expression that is NULL, or raises. `state`: the state table is there. */
char *inlay_sql_unfit(const struct history_name *name, bool state);
/* The same; `fresh` has to hold too, " AND ...", where the server is not to ask its catalogs. */
char *inlay_sql_unfit_unless(const struct history_name *name, bool state, const char *fresh);

/* Raises where something is. */
char *inlay_sql_demand_fit(const struct history_name *name, bool state);

/* Claim: $1 version, $2 name, $3 checksum, $4 batch; one row: the transaction's xid. */
char *inlay_sql_claim(const struct history_name *name);
/* The same of a migration that replaces others: $5 their range, $6 how many they were; both also go
 * into the state table. */
char *inlay_sql_claim_replacing(const struct history_name *name);
/* Claim and seal of a repeatable migration, in the state table: $1 name, $2 checksum, $3 batch.
 * Both raise unless there is one row, the claim also where the checksum is there already; they
 * answer as those of a migration that is undone. */
char *inlay_sql_claim_repeatable(const struct history_name *name);
char *inlay_sql_seal_repeatable(const struct history_name *name);
/* Seal: $1 version, $2 name, $3 checksum, $4 batch; one row, whose last column is the elapsed
 * milliseconds. Raises unless the row is this transaction's and as it was claimed. */
char *inlay_sql_seal(const struct history_name *name, bool state);
/* The same where other commands of the transaction came before the claim; what followed it ran
 * under a savepoint. */
char *inlay_sql_seal_inside(const struct history_name *name, bool state);
/* Prepares the same, once for many. It also raises where others are prepared. */
#define INLAY_PREPARED_SEAL "inlay seal"
char *inlay_sql_prepare_seal(const struct history_name *name, bool state);

/* Prepares it for one migration, ahead of the look that finds both tables fit: $5 their owner. */
char *inlay_sql_prepare_seal_ahead(const struct history_name *name);
/* Claim and seal of a migration that is undone: $1 version. Both raise unless there is one row; the
 * claim answers the transaction's xid, the seal elapsed milliseconds in its last column. */
char *inlay_sql_claim_down(const struct history_name *name);
char *inlay_sql_seal_down(const struct history_name *name, bool state);
/* Is there a row of this version? $1 version */
char *inlay_sql_find_row(const struct history_name *name);
/* Does the row still stand under the claim's transaction? $1 version, $2 xid of the claim. */
char *inlay_sql_find_claim(const struct history_name *name);
/* Changes by hand. $1 version, $2 name, $3 checksum */
char *inlay_sql_mark(const struct history_name *name);
char *inlay_sql_unmark(const struct history_name *name);
char *inlay_sql_accept(const struct history_name *name);
/* A row that another tool's stands for. $1 version, $2 name, $3 time or NULL, $4 batch or NULL */
char *inlay_sql_adopt(const struct history_name *name);
/* That it was done once. $1 the tool's table */
char *inlay_sql_set_adopted(const struct history_name *name);
char *inlay_sql_adopted(const struct history_name *name); /* a row where it was */
/* A row where either table has one. `state`: there is a state table. */
char *inlay_sql_recorded(const struct history_name *name, bool state);
/* Takes a claim back that a migration committed: $1 version, or the name of a repeatable; $2 xid of
 * the claim. */
char *inlay_sql_take_back(const struct history_name *name);
char *inlay_sql_take_back_all(const struct history_name *name); /* up to the version */
char *inlay_sql_take_back_repeatable(const struct history_name *name);

/* Progress of a no-transaction migration. $1 version, $2 statements done, $3 their checksum, $4
 * the statement after them that was begun, or NULL */
char *inlay_sql_progress(const struct history_name *name);
char *inlay_sql_progress_end(const struct history_name *name); /* $1 version */
/* The stored down script. $1 version, $2 checksum of the migration, $3 script */
char *inlay_sql_keep_down(const struct history_name *name);
char *inlay_sql_forget_down(const struct history_name *name); /* $1 version */
char *inlay_sql_kept_down(const struct history_name *name);   /* $1 version: body, checksum, at */
/* The row of a no-transaction migration: as the claim, and $5 elapsed milliseconds. */
char *inlay_sql_record(const struct history_name *name);

#endif
