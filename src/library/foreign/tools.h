/* The one list of other migration tools: a row for each says how its table is told and read, and
 * which locks it takes. Nothing else in the library knows of a tool. */
#ifndef INLAY_TOOLS_H
#define INLAY_TOOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a query says of applied migrations: these columns, each of which may be missing or NULL. */
enum foreign_field {
    FOREIGN_VERSION,  /* this one is applied */
    FOREIGN_NAME,     /* the same by its name or checksum; beside a version it is only compared */
    FOREIGN_THROUGH,  /* a counter: every migration up to this one, which must be embedded */
    FOREIGN_BASELINE, /* the same where that one need not be */
    FOREIGN_HALF,     /* this one is half done, or failed */
    FOREIGN_AT,
    FOREIGN_BATCH,
    FOREIGN_CHECKSUM, /* of the file, as ours: SHA-256 in hex */
    FOREIGN_FIELDS
};

/* Their names, in that order. */
extern const char *const inlay_foreign_fields[FOREIGN_FIELDS];

/* A row of its answer, as text; NULL is SQL's. */
struct foreign_row {
    const char *values[FOREIGN_FIELDS];
};

/* The key of the advisory lock that a tool holds while it migrates. */
enum lock_rule {
    LOCK_KEY,            /* always this one; 0: it takes none */
    LOCK_DATABASE,       /* this one times the CRC of the database's name */
    LOCK_GOLANG_MIGRATE, /* from the names of schema, table and database */
    LOCK_FLYWAY          /* from those of schema and table */
};

enum { FOREIGN_LOCKS = 2 };

struct foreign_tool {
    const char *name;  /* as inlay_adopt takes it; NULL: only the guard knows this tool */
    const char *shown; /* as the guard names it; NULL: the guard does not look for it */
    /* Its table; with "schema." it is always there, else where the history is, on the search_path
     * or in a schema of the table's own name. NULL: it has to be given. */
    const char *table;
    /* Its columns as "name:family". A family is n, a whole number; s, text; b, boolean; t, a time;
     * u, one in UTC; j, jsonb. Behind it: '?', the column may be missing; '~', that too, or it is
     * the only one of its family; '!', the one that was named, or it is the only one; '=', there is
     * no other. By the first one the table is told from others. */
    const char *columns;
    const char *query;    /* the fields, from these columns of h */
    const char *lock_row; /* "table.column": it is at work where that is not 0 or false; '%' stands
                             for its own table */
    const char *beside;   /* the guard tells it by this table beside its own, too */
    int64_t lock;
    enum lock_rule lock_rule;
    bool vague;   /* for the guard: others, too, give their table this name and this column */
    bool generic; /* names whatever table is given: that of a tool in the list is read as its own */
    bool points;  /* versions such as 2.0.1 are numbered as the generator does */
};

/* TOOL, TOOL=SCHEMA.TABLE, filenames=SCHEMA.TABLE.COLUMN or query=SELECT, taken apart. */
struct foreign_source {
    const struct foreign_tool *tool;
    char schema[64]; /* empty: look where the tool puts it */
    char table[64];
    char column[64];   /* empty: not named */
    const char *query; /* within the text that was parsed; NULL: the tool's */
};

/* Of two about the same table the surer comes first. */
extern const struct foreign_tool inlay_tools[];
extern const size_t inlay_tool_count;

/* query= */
extern const struct foreign_tool inlay_tool_of_a_query;

#endif
