/* A plugin that keeps notes in PostgreSQL and brings its tables with it. */
#include "store.h"

#include <inlay.h>

extern const struct inlay_set store_migrations;

static bool prepare(const char *database, char *why, size_t size)
{
    struct inlay_options options = {.size = sizeof options, .conninfo = database};
    struct inlay_error err;

    options.application_name = "store";
    if (inlay_migrate(&store_migrations, &options, NULL, &err) == INLAY_OK)
        return true;
    inlay_error_format(&err, why, size);
    return false;
}

extern const struct store store;
__attribute__((visibility("default"))) const struct store store = {.prepare = prepare};
