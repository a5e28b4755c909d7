/* The one list of other migration tools: which can be adopted, how, and what the guard goes by. */
#ifndef INLAY_TOOLS_H
#define INLAY_TOOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the columns of such a table are for. A tool has some of them. */
enum foreign_column {
    FOREIGN_VERSION, /* the version, or a text that begins with it */
    FOREIGN_AT,      /* when it was applied */
    FOREIGN_BATCH,
    FOREIGN_FLAG,   /* dirty, is_applied, success */
    FOREIGN_KIND,   /* Flyway's: what a row is */
    FOREIGN_NUMBER, /* the row's own number, by which the rows are read */
    FOREIGN_COLUMNS
};

struct foreign_tool;

/* TOOL, TOOL=SCHEMA.TABLE or filenames=SCHEMA.TABLE.COLUMN, taken apart. */
struct foreign_source {
    const struct foreign_tool *tool;
    char schema[64]; /* empty: look where the tool puts it */
    char table[64];
    char column[64]; /* empty: not named */
};

/* A row: the values of the columns as text; NULL is SQL's. */
struct foreign_row {
    const char *values[FOREIGN_COLUMNS];
};

enum { FOREIGN_LOCKS = 2 };

enum family { FAMILY_NUMBER, FAMILY_TEXT, FAMILY_BOOLEAN, FAMILY_TIME };

struct tool_column {
    char name[16]; /* empty: the tool has none for this */
    unsigned char family;
    bool or_another; /* else: the only one that is a time; the one of text that has file names */
};

/* What a row says of its version. */
enum meaning {
    MEANS_NOTHING,
    MEANS_APPLIED,
    MEANS_GONE,    /* undone since */
    MEANS_THROUGH, /* everything up to it is applied */
    MEANS_HALF_DONE
};

/* Texts inside, so that the table needs few relocations. */
struct foreign_tool {
    char name[16];   /* as inlay_adopt takes it; empty: only the guard knows this tool */
    char table[27];  /* empty: it has no usual name */
    char shown[24];  /* as the guard names it; empty: the guard does not look for it */
    char marker[15]; /* a column that only this tool's table has, by which the guard tells it */
    bool file_names; /* without a name: inlay_adopt can take it over as "filenames" */
    bool vague;      /* other tools, too, give their table this name and this column */
    struct tool_column columns[FOREIGN_COLUMNS];
    bool (*parse)(const char *text, int64_t *version);
    enum meaning (*meaning)(const struct foreign_row *row); /* NULL: applied */
    size_t (*locks)(const struct foreign_source *source, const char *schema, const char *database,
                    int64_t keys[FOREIGN_LOCKS]); /* NULL: `lock` */
    int64_t lock;                                 /* always the same; 0: it takes none */
    bool log;       /* of rows about one version the last one counts */
    bool counter;   /* one row, for everything up to it */
    bool or_number; /* the row's own number is the version where no text begins with one */
};

/* Of two about the same table the surer comes first. */
extern const struct foreign_tool inlay_tools[];
extern const size_t inlay_tool_count;

#endif
