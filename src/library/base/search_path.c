/* Writes the statement that sets a search_path of schemas that are there. */
#include "base/search_path.h"
#include "base/text.h"

#include <string.h>

enum { NAME_MOST = 64, NAMES_MOST = 8 };

/* A name as an identifier, and that as a literal. */
struct quoted {
    char identifier[2 * NAME_MOST + 3];
    char literal[4 * NAME_MOST + 8];
};

/* Takes the next name. Spaces around it are no part of it. False: it is empty or too long. */
static bool take_name(const char **names, struct quoted *quoted)
{
    char name[NAME_MOST];
    const char *begin = *names + strspn(*names, " ");
    size_t length = strcspn(begin, ",");

    *names = begin + length + (begin[length] == ',');
    while (length > 0 && begin[length - 1] == ' ')
        length--;
    if (length == 0 || length >= NAME_MOST)
        return false;
    memcpy(name, begin, length);
    name[length] = '\0';
    inlay_text_quote(quoted->identifier, sizeof quoted->identifier, name, '"');
    inlay_text_quote(quoted->literal, sizeof quoted->literal, quoted->identifier, '\'');
    return true;
}

bool inlay_search_path_sql(const char *names, bool local, char buffer[INLAY_SEARCH_PATH_MOST])
{
    char path[NAMES_MOST * (2 * NAME_MOST + 5)] = "";
    char literal[INLAY_SEARCH_PATH_MOST];
    char casts[INLAY_SEARCH_PATH_MOST] = "";
    bool ends_open = names[0] == '\0' || names[strlen(names) - 1] == ',';

    for (int count = 0; *names != '\0'; count++) {
        struct quoted quoted;
        if (count == NAMES_MOST || !take_name(&names, &quoted))
            return false;
        inlay_text_add(path, sizeof path, "%s%s", count > 0 ? ", " : "", quoted.identifier);
        inlay_text_add(casts, sizeof casts, ", %s::pg_catalog.regnamespace", quoted.literal);
    }
    inlay_text_quote(literal, sizeof literal, path, '\'');
    inlay_text_put(buffer, INLAY_SEARCH_PATH_MOST,
                   "SELECT pg_catalog.set_config('search_path', %s, %s)%s", literal,
                   local ? "true" : "false", casts);
    return !ends_open && strlen(buffer) + 1 < INLAY_SEARCH_PATH_MOST;
}
