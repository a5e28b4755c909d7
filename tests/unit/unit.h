/* What the unit tests share: cmocka, and sets and histories written as one line of text. */
#ifndef TEST_UNIT_H
#define TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <libpq-fe.h>

#include "history/history.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { UNIT_MOST = 16 };

struct unit_set {
    struct inlay_set set;
    struct inlay_migration migrations[UNIT_MOST];
    char names[UNIT_MOST][80];
    char sums[UNIT_MOST][80];
    char paths[UNIT_MOST][128];
};

/* "1:users 2:mails:SUM": version and name of each migration, and its checksum; where that is not
 * written it is "sum-of-" and the name. Files are called VERSION_NAME.sql. */
void unit_set_parse(struct unit_set *to, const char *text);

/* The same for the rows of a history, where the checksum "NULL" is SQL's. The caller frees with
 * inlay_history_free. */
void unit_history_parse(struct history *to, const char *text);

/* A script whose text is one statement or none. */
struct inlay_script unit_script(const char *path, const char *text);

/* An answer with these columns and no row yet. The caller clears it. */
PGresult *unit_result(PGresAttDesc *columns, int count);

/* Whole characters from first to last? */
bool unit_is_utf8(const char *text);

/* How many bytes of the text are left when it is cut to `most` between characters. */
size_t unit_cut(const char *text, size_t most);

/* Numbers that look random and are the same in each run. */
uint32_t unit_random(uint32_t *state, uint32_t below);

/* Fills with up to `most` bytes of random characters of one to four bytes. */
void unit_random_text(uint32_t *state, char *buffer, size_t most);

#endif
