/* Counts what became of each target, and puts those together that failed alike. */
#include "targets/tally.h"

#include <ctype.h>
#include <inlay-cli.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "targets/advise.h"
#include "writing/text.h"

#define NAMES_SHOWN 10

bool inlay_cli_tally_init(struct tally *tally, struct cli *cli)
{
    tally->cli = cli;
    tally->fates = calloc(tally->list.ours + 1, sizeof *tally->fates);
    tally->troubles = calloc(TROUBLES_MOST, sizeof *tally->troubles);
    return tally->fates && tally->troubles;
}

void inlay_cli_tally_free(struct tally *tally)
{
    inlay_cli_list_free(&tally->list);
    free(tally->fates);
    free(tally->troubles);
}

/* ---- what failed alike ---- */

static bool is_letter(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (c & 0x80);
}

/* The message with a * in the place of the schema. */
static void write_key(char *key, size_t size, const char *message, const char *schema)
{
    size_t length = schema ? strlen(schema) : 0;
    size_t at = 0;
    for (const char *c = message; *c && at + 1 < size; c++) {
        bool begins = c == message || !is_letter(c[-1]);
        if (length && begins && strncmp(c, schema, length) == 0 && !is_letter(c[length])) {
            key[at++] = '*';
            c += length - 1;
        } else {
            key[at++] = *c;
        }
    }
    key[at] = '\0';
}

static bool is_alike(const struct trouble *trouble, const struct inlay_error *error,
                     const char *key)
{
    const struct inlay_error *first = &trouble->error;
    return first->code == error->code && first->version == error->version &&
           first->line == error->line && strcmp(first->path, error->path) == 0 &&
           strcmp(first->sqlstate, error->sqlstate) == 0 && strcmp(trouble->key, key) == 0;
}

/* Returns its number, from 1. */
static size_t note_trouble(struct tally *tally, size_t index, const struct inlay_error *error)
{
    char key[sizeof tally->troubles->key];
    size_t i = 0;
    write_key(key, sizeof key, error->message, tally->list.targets[index].schema);
    while (i < tally->trouble_count && !is_alike(&tally->troubles[i], error, key))
        i++;
    if (i == TROUBLES_MOST)
        i--;
    struct trouble *trouble = &tally->troubles[i];
    if (i == tally->trouble_count) {
        memcpy(trouble->key, key, sizeof key);
        tally->trouble_count++;
    }
    if (trouble->count == 0 || (index < trouble->first && is_alike(trouble, error, key))) {
        trouble->error = *error;
        trouble->first = index;
    }
    trouble->count++;
    return i + 1;
}

void inlay_cli_tally_put(struct tally *tally, const struct event_of_target *event)
{
    struct fate *fate = &tally->fates[event->index];
    struct event_of_target told = *event;
    struct inlay_error error;
    tally->counts[fate->outcome] -= fate->outcome != OUTCOME_UNSEEN;
    *fate = (struct fate){
        .outcome = event->outcome, .code = event->error->code, .pending = event->pending};
    if (inlay_cli_outcome_is_trouble(event->outcome)) {
        error = *event->error;
        told.error = &error;
        inlay_cli_advise(tally->cli, &tally->list.targets[event->index], &error);
        fate->trouble = note_trouble(tally, event->index, &error);
    }
    tally->counts[event->outcome]++;
    if (tally->cli->lines)
        inlay_cli_outcome_line(tally->list.targets[event->index].name, &told);
}

/* ---- in words ---- */

static void say_trouble(const struct tally *tally, const struct trouble *trouble)
{
    size_t number = (size_t)(trouble - tally->troubles) + 1;
    struct buffer text = {0};
    size_t shown = 0;
    inlay_cli_text_error(&text, &trouble->error);
    inlay_cli_buffer_text(&text, "  in ");
    for (size_t i = 0; i < tally->list.ours && shown < NAMES_SHOWN; i++) {
        if (tally->fates[i].trouble != number)
            continue;
        inlay_cli_buffer_text(&text, shown++ ? ", " : "");
        inlay_cli_text_escape(&text, tally->list.targets[i].name, "");
    }
    if (shown < trouble->count)
        inlay_cli_buffer_format(&text, " and %zu more", trouble->count - shown);
    inlay_cli_buffer_text(&text, "\n");
    if (!text.failed)
        inlay_cli_console_write(&tally->cli->console, text.data, text.length);
    inlay_cli_buffer_free(&text);
}

const struct trouble *inlay_cli_tally_trouble(const struct tally *tally, size_t index)
{
    size_t number = tally->fates[index].trouble;
    const struct trouble *trouble = number > 0 ? &tally->troubles[number - 1] : NULL;
    return trouble && trouble->first == index ? trouble : NULL;
}

static void say_troubles(const struct tally *tally)
{
    for (size_t i = 0; i < tally->list.ours; i++) {
        const struct trouble *trouble = inlay_cli_tally_trouble(tally, i);
        if (trouble)
            say_trouble(tally, trouble);
    }
}

void inlay_cli_tally_say(const struct tally *tally)
{
    static const char *const words[OUTCOME_COUNT] = {
        [OUTCOME_CURRENT] = "up to date",    [OUTCOME_MIGRATED] = "migrated",
        [OUTCOME_BEHIND] = "behind",         [OUTCOME_NEW] = "new",
        [OUTCOME_DISAGREES] = "disagreeing", [OUTCOME_UNREADABLE] = "unreadable",
        [OUTCOME_FAILED] = "failed"};
    struct buffer line = {0};
    const char *between = ": ";
    say_troubles(tally);
    inlay_cli_text_count(&line, tally->list.ours, "target");
    for (size_t i = OUTCOME_CURRENT; i < OUTCOME_COUNT; i++) {
        if (tally->counts[i] == 0)
            continue;
        inlay_cli_buffer_format(&line, "%s%zu %s", between, tally->counts[i], words[i]);
        between = ", ";
    }
    if (!line.failed)
        inlay_cli_console_say(&tally->cli->console, STYLE_PLAIN, "", line.data);
    inlay_cli_buffer_free(&line);
}

/* ---- how it ends ---- */

/* A status tells of a history that disagrees; it fails where it could read none. */
static size_t count_failed(const struct tally *tally)
{
    bool tells = strcmp(tally->cli->verb->name, "status") == 0;
    return tally->counts[OUTCOME_UNREADABLE] + tally->counts[OUTCOME_FAILED] +
           (tells ? 0 : tally->counts[OUTCOME_DISAGREES]);
}

static bool all_alike(const struct tally *tally)
{
    for (size_t i = 1; i < tally->list.ours; i++) {
        if (tally->fates[i].code != tally->fates[0].code)
            return false;
    }
    return true;
}

void inlay_cli_tally_judge(const struct tally *tally, struct answer *answer)
{
    bool checks = strcmp(tally->cli->verb->name, "check") == 0;
    size_t total = tally->list.ours;
    size_t failed = count_failed(tally);
    size_t open = tally->counts[OUTCOME_BEHIND] + tally->counts[OUTCOME_NEW];
    if (failed == 0 && open > 0 && checks)
        inlay_cli_answer_fail(answer, INLAY_E_PENDING, "%zu of %zu target%s %s behind", open, total,
                              total == 1 ? "" : "s", open == 1 ? "is" : "are");
    if (failed == 0)
        return;
    bool alike = failed == total && all_alike(tally);
    inlay_cli_answer_fail(answer, alike ? tally->fates[0].code : INLAY_E_FAILED,
                          "%zu of %zu target%s %s", failed, total, total == 1 ? "" : "s",
                          tally->counts[OUTCOME_FAILED] > 0 ? "failed"
                                                            : "cannot be taken as they are");
    answer->exit_status = alike ? 0 : INLAY_EXIT_SOME;
}
