/* Gives each ticket a code that people can read out on the telephone: its number in base 32 without
 * the letters that look like others, and a check symbol (https://www.crockford.com/base32.html).
 * SQL has no word for that. */
#include <inlay-tx.h>
#include <inlay.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int server_migrations_up_13(struct inlay_tx *tx, struct inlay_error *err);
int server_migrations_down_13(struct inlay_tx *tx, struct inlay_error *err);

enum { PART = 500, CODE_MAX = 16 };

/* Two arrays as PostgreSQL writes them, "{1,2}" and "{1-1,2-2}". */
struct part {
    char ids[PART * 21 + 2];
    char codes[PART * (CODE_MAX + 1) + 2];
    size_t ids_length;
    size_t codes_length;
};

/* The digits come out from the last to the first. */
static void encode(unsigned long long number, char code[CODE_MAX])
{
    static const char symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";
    char *at = code + CODE_MAX - 1;

    *at = '\0';
    *--at = symbols[number % 37];
    do {
        *--at = symbols[number % 32];
        number /= 32;
    } while (number > 0);
    memmove(code, at, strlen(at) + 1);
}

static void add(struct part *part, const char *id)
{
    char code[CODE_MAX];
    const char *comma = part->ids_length > 1 ? "," : "";

    encode(strtoull(id, NULL, 10), code);
    part->ids_length += (size_t)sprintf(part->ids + part->ids_length, "%s%s", comma, id);
    part->codes_length += (size_t)sprintf(part->codes + part->codes_length, "%s%s", comma, code);
}

static int update(struct inlay_tx *tx, struct part *part, struct inlay_error *err)
{
    const char *const arrays[] = {part->ids, part->codes};

    strcpy(part->ids + part->ids_length, "}");
    strcpy(part->codes + part->codes_length, "}");
    return inlay_tx_execute(tx,
                            "UPDATE tickets SET code = new.code"
                            " FROM unnest($1::bigint[], $2::text[]) AS new (id, code)"
                            " WHERE tickets.id = new.id",
                            2, arrays, NULL, err);
}

/* Fills the tickets above `last`, and moves it; `*count` is how many there were. */
static int fill_part(struct inlay_tx *tx, char last[24], size_t *count, struct inlay_error *err)
{
    struct part part = {.ids = "{", .codes = "{", .ids_length = 1, .codes_length = 1};
    const char *const after[] = {last};
    struct inlay_rows *rows;
    int rc = inlay_tx_query(tx, "SELECT id FROM tickets WHERE id > $1 ORDER BY id LIMIT 500", 1,
                            after, &rows, err);

    if (rc != INLAY_OK)
        return rc;
    *count = inlay_rows_count(rows);
    for (size_t i = 0; i < *count; i++)
        add(&part, inlay_rows_value(rows, i, 0));
    if (*count > 0) {
        snprintf(last, 24, "%s", inlay_rows_value(rows, *count - 1, 0));
        rc = update(tx, &part, err);
    }
    inlay_rows_free(rows);
    return rc;
}

static int run(struct inlay_tx *tx, const char *sql, struct inlay_error *err)
{
    return inlay_tx_execute(tx, sql, 0, NULL, NULL, err);
}

int server_migrations_up_13(struct inlay_tx *tx, struct inlay_error *err)
{
    char last[24] = "0";
    size_t count = PART;
    int rc = run(tx, "ALTER TABLE tickets ADD COLUMN code text", err);

    /* A ticket that gets its code has not changed for those who read it. */
    if (rc == INLAY_OK)
        rc = run(tx, "ALTER TABLE tickets DISABLE TRIGGER tickets_touch", err);
    while (rc == INLAY_OK && count == PART)
        rc = fill_part(tx, last, &count, err);
    if (rc == INLAY_OK)
        rc = run(tx, "ALTER TABLE tickets ENABLE TRIGGER tickets_touch", err);
    return rc == INLAY_OK ? run(tx, "CREATE UNIQUE INDEX tickets_code_idx ON tickets (code)", err)
                          : rc;
}

int server_migrations_down_13(struct inlay_tx *tx, struct inlay_error *err)
{
    return run(tx, "ALTER TABLE tickets DROP COLUMN code", err);
}
