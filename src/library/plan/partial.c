/* Reads what the history says of a migration that is half done; what follows is others' business.
 */
#include "plan/partial.h"
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

#define DOWN "down:"

static const char *const intent_words[] = {"", "begun", "building", "dropping", "failed"};

const char *inlay_partial_word(enum intent_kind kind)
{
    return intent_words[kind];
}

void inlay_partial_checksum(const struct inlay_script *script, bool down, size_t count,
                            char checksum[32])
{
    uint64_t hash = INLAY_HASH_EMPTY;

    for (size_t i = 0; i < count; i++) {
        const struct inlay_statement *statement = inlay_script_statement(script, i);
        for (size_t b = 0; b <= statement->length; b++) {
            char c = b < statement->length ? script->text[statement->offset + b] : ';';
            if (c != '\r')
                hash = inlay_hash_add(hash, c);
        }
    }
    snprintf(checksum, 32, "%sfnv1a64:%016llx", down ? DOWN : "", (unsigned long long)hash);
}

bool inlay_partial_is_down(const struct history_progress *row)
{
    return row->checksum != NULL && strncmp(row->checksum, DOWN, strlen(DOWN)) == 0;
}

static enum intent_kind kind_of_word(const char *word)
{
    for (enum intent_kind kind = INTENT_BEGUN; kind <= INTENT_FAILED; kind++)
        if (strcmp(word, intent_words[kind]) == 0)
            return kind;
    return INTENT_NONE;
}

struct intent inlay_partial_intent(const struct history_progress *row)
{
    struct intent intent = {.kind = INTENT_NONE, .index = ""};
    char word[16];
    long long statement;
    int index = 0;

    if (row->body == NULL)
        return intent;
    if (sscanf(row->body, "%15s %lld %31s %n", word, &statement, intent.checksum, &index) < 3 ||
        kind_of_word(word) == INTENT_NONE)
        return (struct intent){.kind = INTENT_BEGUN, .index = ""};
    /* An older binary moves on without a look at it. */
    if (statement != row->done + 1)
        return intent;
    intent.kind = kind_of_word(word);
    intent.index = row->body + (index > 0 ? (size_t)index : strlen(row->body));
    return intent;
}

bool inlay_partial_unchanged(const struct inlay_script *script, bool down, size_t done,
                             const struct intent *intent)
{
    char checksum[32];

    if (done >= script->statement_count)
        return false;
    inlay_partial_checksum(script, down, done + 1, checksum);
    return strcmp(checksum, intent->checksum) == 0;
}

bool inlay_partial_has_begun(const struct history_progress *row)
{
    struct intent intent = inlay_partial_intent(row);

    return row->done != 0 || (intent.kind != INTENT_NONE && intent.kind != INTENT_FAILED);
}

bool inlay_partial_is_of(const struct history_progress *row, const struct inlay_script *up)
{
    struct intent intent = inlay_partial_intent(row);
    char checksum[32];

    if (row->done == 0)
        return inlay_partial_unchanged(up, false, 0, &intent);
    if (row->done < 0 || (size_t)row->done > up->statement_count || row->checksum == NULL)
        return false;
    inlay_partial_checksum(up, false, (size_t)row->done, checksum);
    return strcmp(checksum, row->checksum) == 0;
}
