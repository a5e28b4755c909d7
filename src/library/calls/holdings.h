/* What is in a database, as a reset sees it. */
#ifndef INLAY_HOLDINGS_H
#define INLAY_HOLDINGS_H

/* All that a reset drops, in the order in which it does: what is in schemas that are neither the
 * system's nor an extension's, less what belongs to an extension; what this role owns besides; and
 * the schemas. */
enum {
    HOLDING_DROP,    /* the statement; NULL: it stays */
    HOLDING_TYPE,    /* "table", "function" ... "extension", "schema" */
    HOLDING_NAME,    /* of its schema; after those in a schema, its own */
    HOLDING_ROWS,    /* estimated, or NULL */
    HOLDING_OBSTACLE /* why it cannot be dropped, in words; or NULL */
};
extern const char inlay_holdings_sql[];

#endif
