/* Puts the schema and the connection string of a target into the options of a call. */
#include "calls/many/aim.h"
#include "base/options.h"

#include <string.h>

int inlay_aim_options(const struct inlay_options *options, struct inlay_options *to,
                      struct inlay_error *err)
{
    if (inlay_options_copy(to, options, err) != INLAY_OK)
        return err->code;
    if (to->connection == NULL)
        return INLAY_OK;
    inlay_error_set(err, INLAY_E_ARGUMENT,
                    "options.connection is set, and many targets have connections of their own");
    inlay_text_put(err->hint, sizeof err->hint, "give options.conninfo");
    return err->code;
}

/* A name that a search_path can hold, between commas and without the blanks around it. */
static bool is_schema(const char *schema)
{
    size_t length = strlen(schema);

    return length > 0 && length < 64 && strpbrk(schema, ".,") == NULL && schema[0] != ' ' &&
           schema[length - 1] != ' ';
}

static int aim_at_schema(const char *history, const char *schema, struct aim *aim,
                         struct inlay_error *err)
{
    const char *path = aim->options.search_path;
    const char *dot = strchr(history, '.');

    if (!is_schema(schema))
        return inlay_error_set(err, INLAY_E_ARGUMENT,
                               "\"%s\" is no schema that can be a target: up to 63 bytes, as "
                               "stored, without points and commas",
                               schema);
    inlay_text_put(aim->history, sizeof aim->history, "%s%s", schema, dot != NULL ? dot : "");
    inlay_text_put(aim->search_path, sizeof aim->search_path, "%s%s%s", schema,
                   path != NULL ? "," : "", path != NULL ? path : "");
    aim->options.history = aim->history;
    aim->options.search_path = aim->search_path;
    return INLAY_OK;
}

int inlay_aim(const struct inlay_set *set, const struct inlay_options *options,
              const struct inlay_many_target *target, struct aim *aim, struct inlay_error *err)
{
    aim->options = *options;
    if (target->conninfo != NULL)
        aim->options.conninfo = target->conninfo;
    if (target->schema == NULL)
        return INLAY_OK;
    return aim_at_schema(options->history != NULL ? options->history : set->history, target->schema,
                         aim, err);
}
