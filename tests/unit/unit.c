#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

struct token {
    int64_t version;
    char name[80];
    char sum[80];
};

/* Takes one "version:name[:sum]" off the text; false at its end. */
static bool next_token(const char **text, struct token *token)
{
    long long version;
    int length = 0;

    token->sum[0] = '\0';
    if (sscanf(*text, " %lld:%79[^: ]%n:%79[^ ]%n", &version, token->name, &length, token->sum,
               &length) < 2)
        return false;
    token->version = version;
    *text += length;
    if (token->sum[0] == '\0')
        snprintf(token->sum, sizeof token->sum, "sum-of-%.60s", token->name);
    return true;
}

void unit_set_parse(struct unit_set *to, const char *text)
{
    struct token token;
    size_t count = 0;

    memset(to, 0, sizeof *to);
    while (next_token(&text, &token)) {
        assert_true(count < UNIT_MOST);
        struct inlay_migration *migration = &to->migrations[count];
        snprintf(to->names[count], sizeof to->names[count], "%s", token.name);
        snprintf(to->sums[count], sizeof to->sums[count], "%s", token.sum);
        snprintf(to->paths[count], sizeof to->paths[count], "%lld_%s.sql", (long long)token.version,
                 token.name);
        migration->version = token.version;
        migration->name = to->names[count];
        migration->sha256 = to->sums[count];
        migration->up = unit_script(to->paths[count], "");
        migration->body = migration->up.text;
        count++;
    }
    to->set = (struct inlay_set){.abi = INLAY_SET_ABI,
                                 .directory = "migrations",
                                 .history = "public.applied_migrations",
                                 .digest = "",
                                 .migrations = count > 0 ? to->migrations : NULL,
                                 .migration_count = count};
}

/* To no more than the rows that there are, for the sanitizers. */
static void shrink(struct history *history)
{
    if (history->row_count == 0) {
        free(history->rows);
        history->rows = NULL;
        return;
    }
    history->rows = realloc(history->rows, history->row_count * sizeof *history->rows);
    assert_non_null(history->rows);
}

void unit_history_parse(struct history *to, const char *text)
{
    struct token token;

    memset(to, 0, sizeof *to);
    to->exists = true;
    to->rows = calloc(UNIT_MOST, sizeof *to->rows);
    assert_non_null(to->rows);
    while (next_token(&text, &token)) {
        assert_true(to->row_count < UNIT_MOST);
        struct history_row *row = &to->rows[to->row_count++];
        row->version = token.version;
        row->batch = -1;
        row->elapsed_ms = -1;
        assert_true(inlay_text_copy(token.name, &row->name));
        assert_true(
            inlay_text_copy(strcmp(token.sum, "NULL") == 0 ? NULL : token.sum, &row->checksum));
    }
    shrink(to);
}

struct inlay_script unit_script(const char *path, const char *text)
{
    return (struct inlay_script){.text = text, .length = strlen(text), .path = path};
}

static size_t character_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xF0)
        return 4;
    return first >= 0xE0 ? 3 : 2;
}

bool unit_is_utf8(const char *text)
{
    while (*text != '\0') {
        size_t length = character_length((unsigned char)*text);
        if (((unsigned char)*text & 0xC0) == 0x80)
            return false;
        for (size_t i = 1; i < length; i++)
            if (((unsigned char)text[i] & 0xC0) != 0x80)
                return false;
        text += length;
    }
    return true;
}

size_t unit_cut(const char *text, size_t most)
{
    size_t length = 0;

    while (text[length] != '\0') {
        size_t next = length + character_length((unsigned char)text[length]);
        if (next > most)
            break;
        length = next;
    }
    return length;
}

uint32_t unit_random(uint32_t *state, uint32_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state % below;
}

void unit_random_text(uint32_t *state, char *buffer, size_t most)
{
    static const char *const characters[] = {
        "a",
        "Z",
        "_",
        " ",
        "\"",
        "'",
        "%",
        "\t",
        "\xC3\xA9",
        "\xE0\xA4\x95",
        "\xE2\x82\xAC",
        "\xF0\x9F\x90\x98",
    };
    size_t length = 0;

    for (;;) {
        const char *character = characters[unit_random(state, COUNT(characters))];
        if (length + strlen(character) > most)
            break;
        memcpy(buffer + length, character, strlen(character));
        length += strlen(character);
    }
    buffer[length] = '\0';
}

PGresult *unit_result(PGresAttDesc *columns, int count)
{
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

    assert_non_null(result);
    assert_true(PQsetResultAttrs(result, count, columns));
    return result;
}
