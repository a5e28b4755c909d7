/* The SQL texts that read and write the history and the state table, with their names put in. */
#include "history/sql.h"

#include <stdlib.h>

#define OWN_XID "(pg_catalog.pg_current_xact_id()::pg_catalog.xid)::pg_catalog.text"

/* Only version and name must exist, so all columns are taken and known by their names. Times are
 * ISO 8601 as the server writes them, but for the letter T, or come by way of JSON, which is ISO
 * 8601 whatever the session's DateStyle is. */
char *inlay_sql_rows(const struct history_name *name, bool iso)
{
    return inlay_text_new("SELECT h.*%s FROM ONLY %s AS h",
                          iso ? ""
                              : ", pg_catalog.jsonb_object_field_text(pg_catalog.to_jsonb(h.*),"
                                " 'applied_at') AS " ROWS_ISO_AT,
                          name->quoted);
}

#define ISO_AT "pg_catalog.jsonb_array_element_text(pg_catalog.jsonb_build_array(s.at), 0)"

/* Down scripts are not read each time: that they are there is enough. */
char *inlay_sql_state(const struct history_name *name, bool iso)
{
    return inlay_text_new("SELECT s.kind, s.key, s.checksum, s.done, CASE WHEN s.kind" EQ
                          "'down'::pg_catalog.text THEN NULL ELSE s.body END AS body, s.at%s"
                          " FROM ONLY %s AS s",
                          iso ? "" : ", " ISO_AT, name->quoted_state);
}

char *inlay_sql_state_columns(const struct history_name *name)
{
    return inlay_text_new("SELECT s.* FROM ONLY %s AS s LIMIT 0", name->quoted_state);
}

static char *create(const char *quoted, const struct column *columns, size_t count)
{
    char *list = inlay_columns_text(columns, count);
    char *text = list != NULL ? inlay_text_new("CREATE TABLE %s %s", quoted, list) : NULL;

    free(list);
    return text;
}

char *inlay_sql_create_history(const struct history_name *name)
{
    return create(name->quoted, inlay_history_columns, HISTORY_COLUMNS);
}

char *inlay_sql_create_state(const struct history_name *name)
{
    return create(name->quoted_state, inlay_state_columns, STATE_COLUMNS);
}

/* Without its constraint: it is not known when the rows that are there were applied. */
char *inlay_sql_add_column(const struct history_name *name, const struct column *column)
{
    return inlay_text_new("ALTER TABLE %s ADD COLUMN %s %s", name->quoted, column->name,
                          column->type);
}

#define INSERT_ROW "INSERT INTO %s AS h (version, name, applied_at, checksum, batch"

#define CLAIM                                                                                      \
    INSERT_ROW ") VALUES ($1::bigint, $2, pg_catalog.now(), $3, $4::bigint)"                       \
               " RETURNING h.xmin"

char *inlay_sql_claim(const struct history_name *name)
{
    return inlay_text_new(CLAIM, name->quoted);
}

#define REPLACES                                                                                   \
    "INSERT INTO %s AS s (kind, key, body, done, at) VALUES ('replaces',"                          \
    " $1::bigint::pg_catalog.text, $5, $6::bigint, pg_catalog.now()) ON CONFLICT (kind, key)"      \
    " DO UPDATE SET body = excluded.body, done = excluded.done, at = excluded.at"

char *inlay_sql_claim_replacing(const struct history_name *name)
{
    return inlay_text_new("WITH replaced AS (" REPLACES ") " CLAIM, name->quoted_state,
                          name->quoted);
}

char *inlay_sql_record(const struct history_name *name)
{
    return inlay_text_new(INSERT_ROW
                          ", elapsed_ms) VALUES ($1::bigint, $2, pg_catalog.now(), $3, $4::bigint,"
                          " $5::bigint)",
                          name->quoted);
}

/* concat is not immutable, so the cast is not tried before it is needed. */
#define SEALED_ONE                                                                                 \
    ", CASE WHEN pg_catalog.count(*)" EQ "1 THEN 0 ELSE"                                           \
    " pg_catalog.concat('" RAISED_ROWS "', pg_catalog.count(*))::integer END), " ELAPSED_MS

#define CLAIMED_ONE                                                                                \
    "SELECT CASE WHEN pg_catalog.count(*)" EQ "1 THEN " OWN_XID                                    \
    " ELSE pg_catalog.concat('" RAISED_ROWS "', pg_catalog.count(*))::integer"                     \
    "::pg_catalog.text END FROM claimed"

/* Of the transaction, to now. */
#define ELAPSED_MS                                                                                 \
    "pg_catalog.date_part('epoch', (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-)"           \
    " pg_catalog.now()) OPERATOR(pg_catalog.*) '1000')::bigint"

/* The row is as it was claimed: by this run, by the first command of this very transaction, and
 * touched by none after it. The key is unique: one row or none; to count them takes the server a
 * fifth longer. */
#define SEALED                                                                                     \
    "WITH sealed AS (UPDATE ONLY %s AS h SET elapsed_ms = " ELAPSED_MS " WHERE h.version" EQ       \
    "$1::bigint AND h.name::pg_catalog.text" EQ                                                    \
    "$2::pg_catalog.text AND h.checksum::pg_catalog.text" EQ "$3::pg_catalog.text AND h.batch" EQ  \
    "$4::bigint AND h.xmin" EQ "pg_catalog.pg_current_xact_id()::pg_catalog.xid"
#define FIRST_COMMAND " AND h.cmin" EQ "'0'::pg_catalog.cid"
#define SEALED_ROW ", (TABLE sealed), pg_catalog.concat('" RAISED_ROWS "0')::bigint)"

/* A seal changes the row and asks whether both tables are fit; that one is unfit is said before
 * that a row is wrong, which may come of it. Frees all texts. */
static char *compose_seal(char *change, char *unfit, char *answer)
{
    char *text = change != NULL && unfit != NULL && answer != NULL
                     ? inlay_text_new("%s SELECT COALESCE(%s%s", change, unfit, answer)
                     : NULL;

    free(change);
    free(unfit);
    free(answer);
    return text;
}

static char *seal_history(const char *change, const char *condition,
                          const struct history_name *name, bool state, const char *fresh)
{
    return compose_seal(
        inlay_text_new("%s" SEALED "%s RETURNING h.elapsed_ms)", change, name->quoted, condition),
        inlay_sql_unfit_unless(name, state, fresh), inlay_text_new("%s", SEALED_ROW));
}

char *inlay_sql_seal(const struct history_name *name, bool state)
{
    return seal_history("", FIRST_COMMAND, name, state, "");
}

/* What touches the row under a savepoint leaves the savepoint's own xmin in it. */
char *inlay_sql_seal_inside(const struct history_name *name, bool state)
{
    return seal_history("", "", name, state, "");
}

#define PREPARE_SEAL                                                                               \
    "PREPARE \"" INLAY_PREPARED_SEAL "\" (bigint, pg_catalog.text, pg_catalog.text, bigint"

char *inlay_sql_prepare_seal(const struct history_name *name, bool state)
{
    return seal_history(PREPARE_SEAL ") AS ",
                        FIRST_COMMAND
                        " AND NOT EXISTS (SELECT FROM pg_catalog.pg_prepared_statement() AS p"
                        " WHERE p.name OPERATOR(pg_catalog.<>) '" INLAY_PREPARED_SEAL
                        "'::pg_catalog.text)",
                        name, state, "");
}

/* That a role is no member of the owner any more changes no table. */
char *inlay_sql_prepare_seal_ahead(const struct history_name *name)
{
    return seal_history(PREPARE_SEAL ", pg_catalog.name) AS ", FIRST_COMMAND, name, true,
                        " AND pg_catalog.pg_has_role($5, 'USAGE')");
}

/* If the checksum is the same, another process has just run it. */
char *inlay_sql_claim_repeatable(const struct history_name *name)
{
    return inlay_text_new(
        "WITH claimed AS (INSERT INTO %s AS s (kind, key, checksum, done, at)"
        " VALUES ('repeatable', $1, $2, $3::bigint, pg_catalog.now()) ON CONFLICT (kind, key)"
        " DO UPDATE SET checksum = excluded.checksum, done = excluded.done, at = excluded.at"
        " WHERE NOT COALESCE(s.checksum::pg_catalog.text" EQ
        "excluded.checksum::pg_catalog.text, false) RETURNING 1) " CLAIMED_ONE,
        name->quoted_state);
}

char *inlay_sql_seal_repeatable(const struct history_name *name)
{
    return compose_seal(inlay_text_new("%s", ""), inlay_sql_unfit(name, true),
                        inlay_text_new(SEALED_ONE
                                       " FROM ONLY %s AS s WHERE s.kind" EQ
                                       "'repeatable'::pg_catalog.text AND s.key::pg_catalog.text" EQ
                                       "$1::pg_catalog.text AND s.checksum::pg_catalog.text" EQ
                                       "$2::pg_catalog.text AND s.xmin::pg_catalog.text" EQ OWN_XID,
                                       name->quoted_state));
}

char *inlay_sql_take_back_repeatable(const struct history_name *name)
{
    return inlay_text_new("DELETE FROM ONLY %s AS s WHERE s.kind" EQ
                          "'repeatable'::pg_catalog.text AND s.key::pg_catalog.text" EQ
                          "$1::pg_catalog.text AND s.xmin::pg_catalog.text" EQ
                          "$2::pg_catalog.text",
                          name->quoted_state);
}

char *inlay_sql_claim_down(const struct history_name *name)
{
    return inlay_text_new(
        "WITH claimed AS (UPDATE ONLY %s AS h SET name = h.name WHERE h.version" EQ
        "$1::bigint RETURNING 1) " CLAIMED_ONE,
        name->quoted);
}

char *inlay_sql_seal_down(const struct history_name *name, bool state)
{
    return compose_seal(
        inlay_text_new("WITH sealed AS (DELETE FROM ONLY %s AS h WHERE h.version" EQ
                       "$1::bigint AND h.xmin::pg_catalog.text" EQ OWN_XID " RETURNING 1)",
                       name->quoted),
        inlay_sql_unfit(name, state), inlay_text_new("%s", SEALED_ONE " FROM sealed"));
}

char *inlay_sql_find_row(const struct history_name *name)
{
    return inlay_text_new("SELECT 1 FROM ONLY %s AS h WHERE h.version" EQ "$1::bigint",
                          name->quoted);
}

#define ONE_CLAIM                                                                                  \
    " FROM ONLY %s AS h WHERE h.version" EQ "$1::bigint AND h.xmin::pg_catalog.text" EQ            \
    "$2::pg_catalog.text"

char *inlay_sql_find_claim(const struct history_name *name)
{
    return inlay_text_new("SELECT 1" ONE_CLAIM, name->quoted);
}

char *inlay_sql_take_back(const struct history_name *name)
{
    return inlay_text_new("DELETE" ONE_CLAIM, name->quoted);
}

/* With the rows that one writes which runs in the place of others. */
char *inlay_sql_take_back_all(const struct history_name *name)
{
    return inlay_text_new("DELETE FROM ONLY %s AS h WHERE h.version OPERATOR(pg_catalog.<=)"
                          " $1::bigint AND h.xmin::pg_catalog.text" EQ "$2::pg_catalog.text",
                          name->quoted);
}

char *inlay_sql_progress(const struct history_name *name)
{
    return inlay_text_new("INSERT INTO %s AS s (kind, key, checksum, done, body, at)"
                          " VALUES ('progress', $1, $3, $2::bigint, $4, pg_catalog.now())"
                          " ON CONFLICT (kind, key) DO UPDATE SET checksum = excluded.checksum,"
                          " done = excluded.done, body = excluded.body, at = excluded.at",
                          name->quoted_state);
}

char *inlay_sql_progress_end(const struct history_name *name)
{
    return inlay_text_new("DELETE FROM ONLY %s AS s WHERE s.kind" EQ
                          "'progress'::pg_catalog.text AND s.key" EQ "$1::pg_catalog.text",
                          name->quoted_state);
}

char *inlay_sql_keep_down(const struct history_name *name)
{
    return inlay_text_new("INSERT INTO %s AS s (kind, key, checksum, body, at)"
                          " VALUES ('down', $1, $2, $3, pg_catalog.now())"
                          " ON CONFLICT (kind, key) DO UPDATE SET checksum = excluded.checksum,"
                          " body = excluded.body, at = excluded.at",
                          name->quoted_state);
}

#define ONE_DOWN                                                                                   \
    " FROM ONLY %s AS s WHERE s.kind" EQ "'down'::pg_catalog.text AND s.key" EQ                    \
    "$1::pg_catalog.text"

char *inlay_sql_forget_down(const struct history_name *name)
{
    return inlay_text_new("DELETE" ONE_DOWN, name->quoted_state);
}

char *inlay_sql_kept_down(const struct history_name *name)
{
    return inlay_text_new("SELECT s.body, s.checksum, " ISO_AT ONE_DOWN, name->quoted_state);
}

/* No checksum: it is not known what text ran. */
char *inlay_sql_mark(const struct history_name *name)
{
    return inlay_text_new("INSERT INTO %s AS h (version, name, applied_at)"
                          " VALUES ($1::bigint, $2, pg_catalog.now())",
                          name->quoted);
}

char *inlay_sql_unmark(const struct history_name *name)
{
    return inlay_text_new("DELETE FROM ONLY %s AS h WHERE h.version" EQ "$1::bigint", name->quoted);
}

char *inlay_sql_accept(const struct history_name *name)
{
    return inlay_text_new("UPDATE ONLY %s AS h SET name = $2, checksum = $3 WHERE h.version" EQ
                          "$1::bigint",
                          name->quoted);
}

/* No checksum here either. */
char *inlay_sql_adopt(const struct history_name *name)
{
    return inlay_text_new("INSERT INTO %s AS h (version, name, applied_at, batch) VALUES"
                          " ($1::bigint, $2, COALESCE($3::pg_catalog.timestamptz,"
                          " pg_catalog.now()), $4::bigint)",
                          name->quoted);
}

char *inlay_sql_set_adopted(const struct history_name *name)
{
    return inlay_text_new("INSERT INTO %s AS s (kind, key) VALUES ('adopted', $1)"
                          " ON CONFLICT (kind, key) DO NOTHING",
                          name->quoted_state);
}

char *inlay_sql_recorded(const struct history_name *name, bool state)
{
    return inlay_text_new(
        "(SELECT 1 FROM ONLY %s LIMIT 1) UNION ALL (SELECT 1 FROM ONLY %s LIMIT 1)", name->quoted,
        state ? name->quoted_state : name->quoted);
}

char *inlay_sql_adopted(const struct history_name *name)
{
    return inlay_text_new("SELECT 1 FROM ONLY %s AS s WHERE s.kind" EQ "'adopted'::pg_catalog.text",
                          name->quoted_state);
}
