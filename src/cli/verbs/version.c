/* --migrate-version: prints the newest migration of binary and database, and what is linked. Works
 * without a database. */
#include "verbs/version.h"

#include <inttypes.h>

#include "words/environment.h"
#include "writing/text.h"

/* Without any of these libpq would try a socket, and the name of the user for a database. */
static bool is_named(const struct cli *cli)
{
    return cli->options.conninfo || cli->options.find_conninfo || cli->options.connection ||
           inlay_cli_environment("PGHOST") || inlay_cli_environment("PGHOSTADDR") ||
           inlay_cli_environment("PGDATABASE") || inlay_cli_environment("PGSERVICE");
}

void inlay_cli_version(struct cli *cli, struct answer *answer)
{
    answer->partial = true;
    if (is_named(cli))
        answer->code = inlay_status_read(cli->set, &cli->options, &answer->status, &answer->error);
}

static const struct inlay_migration *newest_embedded(const struct inlay_set *set)
{
    return set->migration_count > 0 ? inlay_set_migration(set, set->migration_count - 1) : NULL;
}

/* Repeatables have no version. */
static const struct inlay_status_entry *newest_applied(const struct inlay_status *status)
{
    for (size_t i = status->entry_count; i > 0; i--) {
        const struct inlay_status_entry *entry = inlay_status_at(status, i - 1);
        if (entry->recorded_name && entry->version != INLAY_REPEATABLE)
            return entry;
    }
    return NULL;
}

static void text_applied(struct buffer *out, const struct inlay_status_entry *entry)
{
    if (!entry) {
        inlay_cli_buffer_text(out, "nothing is applied");
        return;
    }
    if (entry->migration && entry->state != INLAY_STATE_RENAMED) {
        inlay_cli_text_label(out, entry->migration);
        return;
    }
    inlay_cli_buffer_format(out, "%" PRId64 " (", entry->version);
    inlay_cli_text_escape(out, entry->recorded_name, "");
    inlay_cli_buffer_text(out, entry->migration ? ")" : "), which this binary lacks");
}

static void text_database(struct buffer *out, const struct cli *cli, const struct answer *answer)
{
    if (answer->code != INLAY_OK) {
        inlay_cli_buffer_text(out, "not read: ");
        inlay_cli_text_escape(out, answer->error.message, "");
    } else if (answer->status) {
        inlay_cli_text_escape(out, answer->status->database, "");
        inlay_cli_buffer_text(out, ": ");
        text_applied(out, newest_applied(answer->status));
    } else {
        inlay_cli_buffer_format(out, "not asked: none is named (%sdatabase, DATABASE_URL, PGHOST)",
                                cli->prefix);
    }
}

void inlay_cli_version_text(struct buffer *out, const struct cli *cli, const struct answer *answer)
{
    const struct inlay_migration *newest = newest_embedded(cli->set);
    struct inlay_linked linked;
    inlay_linked_read(&linked);
    inlay_cli_buffer_text(out, "binary    ");
    if (newest)
        inlay_cli_text_label(out, newest);
    else
        inlay_cli_text_size(out, cli->set);
    inlay_cli_buffer_text(out, "\ndatabase  ");
    text_database(out, cli, answer);
    inlay_cli_buffer_format(out, "\nlinked    inlay %s, libpq %s, %s\n", linked.inlay, linked.libpq,
                            linked.openssl ? linked.openssl : "OpenSSL unknown");
}

static void write_migration(struct json *json, const char *key, int64_t version, const char *name)
{
    if (!name) {
        inlay_cli_json_null(json, key);
        return;
    }
    inlay_cli_json_open(json, key, '{');
    inlay_cli_json_version(json, "version", version);
    inlay_cli_json_text(json, "name", name);
    inlay_cli_json_close(json, '}');
}

void inlay_cli_version_json(struct json *json, const struct cli *cli, const struct answer *answer)
{
    const struct inlay_status *status = answer->status;
    const struct inlay_migration *embedded = newest_embedded(cli->set);
    const struct inlay_status_entry *applied = status ? newest_applied(status) : NULL;
    struct inlay_linked linked;
    inlay_linked_read(&linked);
    write_migration(json, "binary", embedded ? embedded->version : -1,
                    embedded ? embedded->name : NULL);
    inlay_cli_json_text(json, "database", status ? status->database : NULL);
    write_migration(json, "applied", applied ? applied->version : -1,
                    applied ? applied->recorded_name : NULL);
    inlay_cli_json_open(json, "linked", '{');
    inlay_cli_json_text(json, "inlay", linked.inlay);
    inlay_cli_json_text(json, "libpq", linked.libpq);
    inlay_cli_json_text(json, "openssl", linked.openssl);
    inlay_cli_json_close(json, '}');
}
