/* The columns of our two tables, in the order that every statement and reader of them follows. */
#include "history/columns.h"
#include "base/text.h"

/* OIDs that never change (pg_type.dat). */
enum {
    TYPE_INT8 = 20,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_VARCHAR = 1043,
    TYPE_TIMESTAMP = 1114,
    TYPE_TIMESTAMPTZ = 1184
};

#define BIGINT "bigint"
#define TEXT "pg_catalog.text"
#define TIMESTAMPTZ "pg_catalog.timestamptz"
#define NOT_NULL " NOT NULL"
#define NOW " NOT NULL DEFAULT pg_catalog.now()"

#define NUMBERS                                                                                    \
    "bigint",                                                                                      \
    {                                                                                              \
        TYPE_INT8, TYPE_INT4                                                                       \
    }
#define TEXTS                                                                                      \
    "text",                                                                                        \
    {                                                                                              \
        TYPE_TEXT, TYPE_VARCHAR                                                                    \
    }
#define TIMES                                                                                      \
    "timestamptz",                                                                                 \
    {                                                                                              \
        TYPE_TIMESTAMPTZ, TYPE_TIMESTAMP                                                           \
    }

const struct column inlay_history_columns[HISTORY_COLUMNS] = {
    [HISTORY_VERSION] = {"version", BIGINT, NOT_NULL, NUMBERS, true, true},
    [HISTORY_NAME] = {"name", TEXT, NOT_NULL, TEXTS, true, false},
    [HISTORY_APPLIED_AT] = {"applied_at", TIMESTAMPTZ, NOW, TIMES, false, false},
    [HISTORY_CHECKSUM] = {"checksum", TEXT, "", TEXTS, false, false},
    [HISTORY_BATCH] = {"batch", BIGINT, "", NUMBERS, false, false},
    [HISTORY_ELAPSED_MS] = {"elapsed_ms", BIGINT, "", NUMBERS, false, false},
};

const struct column inlay_state_columns[STATE_COLUMNS] = {
    [STATE_KIND] = {"kind", TEXT, NOT_NULL, TEXTS, true, true},
    [STATE_KEY] = {"key", TEXT, NOT_NULL, TEXTS, true, true},
    [STATE_CHECKSUM] = {"checksum", TEXT, "", TEXTS, true, false},
    [STATE_DONE] = {"done", BIGINT, "", NUMBERS, true, false},
    [STATE_BODY] = {"body", TEXT, "", TEXTS, true, false},
    [STATE_AT] = {"at", TIMESTAMPTZ, NOW, TIMES, true, false},
};

char *inlay_columns_text(const struct column *columns, size_t count)
{
    char text[1024] = "(";
    char key[64] = "";

    for (size_t i = 0; i < count; i++) {
        inlay_text_add(text, sizeof text, "%s %s%s, ", columns[i].name, columns[i].type,
                       columns[i].constraint);
        if (columns[i].in_key)
            inlay_text_add(key, sizeof key, "%s%s", key[0] != '\0' ? ", " : "", columns[i].name);
    }
    return inlay_text_new("%sPRIMARY KEY (%s))", text, key);
}
