/* The query for the digest of a history, which the server takes of its rows. */
#include "calls/many/digest.h"
#include "history/sql.h"

#include <stdlib.h>

/* Each value with its length before it, so that no two lists of rows are one text. */
#define WITH_LENGTH(value) "pg_catalog.length(" value "), ':', " value

#define ROWS_DIGEST(values, order)                                                                 \
    "pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.string_agg("             \
    "pg_catalog.concat(" values "), ';'::pg_catalog.text ORDER BY " order "), 'UTF8')), 'hex')"

/* The batch of a repeatable is in `done`, and a plan does not depend on it. Of a stored down script
 * it is enough that it is there. */
#define STATE_ROW_DONE "CASE WHEN s.kind" NOT_EQUAL "'repeatable'::pg_catalog.text THEN s.done END"
#define STATE_ROW_BODY "CASE WHEN s.kind" NOT_EQUAL "'down'::pg_catalog.text THEN s.body END"
#define STATE_ROWS_DIGEST                                                                          \
    "(SELECT " ROWS_DIGEST(WITH_LENGTH("s.kind") ", " WITH_LENGTH("s.key") ", " WITH_LENGTH(       \
                               "s.checksum") ", " STATE_ROW_DONE                                   \
                                             ", ':', " WITH_LENGTH(STATE_ROW_BODY),                \
                           "s.kind, s.key") " FROM ONLY %s AS s)"

char *inlay_digest_sql(const struct history_name *name, bool state)
{
    char *of_state = state ? inlay_text_new(", ' ', " STATE_ROWS_DIGEST, name->quoted_state)
                           : inlay_text_new("%s", "");
    char *text =
        of_state != NULL
            ? inlay_text_new(
                  "SELECT pg_catalog.concat(pg_catalog.count(*), ' ', pg_catalog.max(h.version),"
                  " ' ', " ROWS_DIGEST(
                      "h.version, ':', " WITH_LENGTH("h.name") ", " WITH_LENGTH("h.checksum"),
                      "h.version") "%s) FROM ONLY %s AS h",
                  of_state, name->quoted)
            : NULL;

    free(of_state);
    return text;
}
