/* The verbs that undo: each lists what would be undone, asks, and calls the library. */
#include "verbs/back.h"

#include <inttypes.h>
#include <string.h>

#include "report/say.h"
#include "verbs/confirm.h"
#include "writing/text.h"

/* One way back, as the library goes it. */
struct way {
    const char *name; /* in the question */
    /* Is this applied version among those to undo, `newer` of them being so already? */
    bool (*takes)(const struct cli *cli, const struct inlay_status *status,
                  const struct inlay_status_entry *entry, size_t newer);
    int (*go)(struct cli *cli, struct answer *answer);
};

/* "012_create_events", "002_add_email (no down script)" */
static void add_name(struct buffer *list, const struct cli *cli,
                     const struct inlay_status_entry *entry)
{
    inlay_cli_buffer_text(list, list->length ? ", " : "");
    if (!entry->migration) {
        inlay_cli_buffer_format(list, "%" PRId64 "_", entry->version);
        inlay_cli_text_escape(list, entry->name, "");
        inlay_cli_buffer_text(list, " (not in this binary)");
        return;
    }
    inlay_cli_text_label(list, entry->migration);
    if (entry->recorded)
        inlay_cli_buffer_text(list, " (its row only)");
    else if (!inlay_cli_text_has_down(entry->migration))
        inlay_cli_buffer_text(list, cli->options.skip_missing_down ? " (its row only)"
                                                                   : " (no down script)");
}

/* "undo 2 migrations of database shop: 012_x, 011_y"; nothing where nothing would be undone. */
static void describe(struct buffer *out, const struct cli *cli, const struct way *way,
                     const struct inlay_status *status)
{
    struct buffer list = {0};
    size_t count = 0;
    for (size_t i = status->entry_count; i-- > 0;) {
        const struct inlay_status_entry *entry = inlay_status_at(status, i);
        if (!entry->recorded_name || entry->version == INLAY_REPEATABLE ||
            !way->takes(cli, status, entry, count))
            continue;
        add_name(&list, cli, entry);
        count++;
    }
    if (count > 0) {
        inlay_cli_buffer_format(out, "%s ", way->name);
        inlay_cli_text_count(out, count, "migration");
        inlay_cli_buffer_text(out, " of database ");
        inlay_cli_text_escape(out, status->database, "");
        inlay_cli_buffer_format(out, ": %s", list.failed ? "" : list.data);
        out->failed |= list.failed;
    }
    inlay_cli_buffer_free(&list);
}

/* What would be undone now, into `out`. */
static bool look(struct buffer *out, struct cli *cli, struct answer *answer, const struct way *way)
{
    struct inlay_status *status = NULL;
    answer->code = inlay_status_read(cli->set, &cli->options, &status, &answer->error);
    if (answer->code == INLAY_OK)
        describe(out, cli, way, status);
    inlay_status_free(status);
    if (out->failed)
        inlay_cli_answer_fail(answer, INLAY_E_MEMORY, "out of memory");
    return answer->code == INLAY_OK;
}

/* While a person thinks the history may change, and nothing is undone that was not shown: the
 * question comes again until what it was about is still so. */
static bool is_agreed(struct cli *cli, struct answer *answer, const struct way *way)
{
    struct buffer agreed = {0}, now = {0};
    bool going = look(&now, cli, answer, way);
    while (going && now.length > 0 && (!agreed.length || strcmp(agreed.data, now.data) != 0)) {
        inlay_cli_buffer_free(&agreed);
        agreed = now;
        now = (struct buffer){0};
        going = inlay_cli_confirm(cli, answer, agreed.data) && look(&now, cli, answer, way);
    }
    inlay_cli_buffer_free(&agreed);
    inlay_cli_buffer_free(&now);
    return going;
}

static void go_back(struct cli *cli, struct answer *answer, const struct way *way)
{
    if (!cli->yes && !is_agreed(cli, answer, way))
        return;
    answer->code = way->go(cli, answer);
    if (answer->code == INLAY_OK)
        inlay_cli_say_moved(cli, &answer->result);
}

/* ---- the ways ---- */

static bool takes_newest(const struct cli *cli, const struct inlay_status *status,
                         const struct inlay_status_entry *entry, size_t newer)
{
    (void)status;
    (void)entry;
    return (int64_t)newer < cli->argument.number;
}

static int go_down(struct cli *cli, struct answer *answer)
{
    return inlay_undo(cli->set, &cli->options, (size_t)cli->argument.number, &answer->result,
                      &answer->error);
}

static bool takes_last_batch(const struct cli *cli, const struct inlay_status *status,
                             const struct inlay_status_entry *entry, size_t newer)
{
    (void)cli;
    (void)newer;
    for (size_t i = 0; i < status->entry_count; i++) {
        if (inlay_status_at(status, i)->batch > entry->batch)
            return false;
    }
    return entry->batch >= 0;
}

static int go_batch(struct cli *cli, struct answer *answer)
{
    return inlay_undo_batch(cli->set, &cli->options, &answer->result, &answer->error);
}

void inlay_cli_back_down(struct cli *cli, struct answer *answer)
{
    static const struct way newest = {"undo", takes_newest, go_down};
    static const struct way batch = {"undo", takes_last_batch, go_batch};
    go_back(cli, answer, cli->argument.number > 0 ? &newest : &batch);
}

static bool takes_above(const struct cli *cli, const struct inlay_status *status,
                        const struct inlay_status_entry *entry, size_t newer)
{
    (void)status;
    (void)newer;
    return entry->version > cli->argument.number;
}

static int go_to(struct cli *cli, struct answer *answer)
{
    return inlay_migrate_to(cli->set, &cli->options, cli->argument.number, &answer->result,
                            &answer->error);
}

void inlay_cli_back_to(struct cli *cli, struct answer *answer)
{
    static const struct way way = {"undo", takes_above, go_to};
    int64_t version = cli->argument.number;
    if (version == 0 || inlay_set_find(cli->set, version))
        go_back(cli, answer, &way);
    else /* no question about what is refused in any case */
        answer->code = go_to(cli, answer);
}

static bool takes_one(const struct cli *cli, const struct inlay_status *status,
                      const struct inlay_status_entry *entry, size_t newer)
{
    (void)cli;
    (void)status;
    (void)entry;
    return newer == 0;
}

static int go_redo(struct cli *cli, struct answer *answer)
{
    return inlay_redo(cli->set, &cli->options, &answer->result, &answer->error);
}

void inlay_cli_back_redo(struct cli *cli, struct answer *answer)
{
    static const struct way way = {"redo", takes_one, go_redo};
    go_back(cli, answer, &way);
}
