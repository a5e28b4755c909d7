/* The verbs of other migration tools, and the verb of ours that a user of those tools wants. */
#include "words/others.h"

#include <stdbool.h>
#include <string.h>

/* `@` stands for the prefix of an option. */
static const struct {
    const char *words;
    const char *say;
} others[] = {
    {"up migrate apply run deploy setup", "did you mean @only?"},
    {"goto up-to down-to up-by-one", "did you mean @to VERSION?"},
    {"undo revert", "did you mean @down N? @down batch undoes the whole last run"},
    {"rollback roll-back", "did you mean @down batch?"},
    {"list ls", "did you mean @show?"},
    {"info pending history log", "did you mean @status?"},
    {"validate", "did you mean @check? Files are checked at build time: inlay check DIR"},
    {"lint", "files are checked at build time: inlay check DIR"},
    {"create new add", "migrations are written before the build: inlay new DIR NAME"},
    {"repair", "did you mean @accept VERSION?"},
    {"fix", "to renumber a file, rename it and build again; for an edited one: @accept VERSION"},
    {"force", "nothing can be dirty here: run again; or record it without running: @mark VERSION"},
    {"clean drop", "did you mean @reset? It drops everything, then migrates"},
    {"dump", "pg_dump --schema-only writes the schema"},
    {"wait", "did you mean @connect-wait DURATION? It goes with a verb"},
};

static bool has_word(const char *words, const char *word, size_t length)
{
    while (*words) {
        size_t next = strcspn(words, " ");
        if (next == length && memcmp(words, word, length) == 0)
            return true;
        words += next + (words[next] == ' ');
    }
    return false;
}

const char *inlay_cli_others(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (has_word(others[i].words, name, length))
            return others[i].say;
    }
    return NULL;
}
