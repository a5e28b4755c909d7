/* Another tool's table: on the first line TOOL, then a row on each line, its fields with a tab
 * between them; \N is SQL's NULL. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "foreign/foreign.h"
#include "foreign/source.h"

enum { ROWS_MOST = 32 };

static void split(char *line, struct foreign_row *row)
{
    for (size_t i = 0; i < FOREIGN_FIELDS; i++) {
        char *tab = line != NULL ? strchr(line, '\t') : NULL;
        if (tab != NULL)
            *tab = '\0';
        row->values[i] = line == NULL || strcmp(line, "\\N") == 0 ? NULL : line;
        line = tab != NULL ? tab + 1 : NULL;
    }
}

static void require_record(const struct foreign_record *record, size_t count)
{
    bool applied;

    fuzz_require(record->count <= count, "a version is from a row");
    for (size_t i = 0; i < record->count; i++) {
        int64_t version = record->versions[i].version;
        fuzz_require(version >= 0, "versions are not negative");
        fuzz_require(i == 0 || record->versions[i - 1].version < version, "versions ascend");
        fuzz_require(inlay_foreign_find(record, version, &applied) == record->versions[i].row &&
                         applied,
                     "a version is found again");
    }
}

static const struct inlay_migration migrations[] = {
    {.version = 1, .name = "a", .sha256 = "5f", .up = {.path = "1_a.sql"}},
    {.version = 2, .name = "2.0.1 b", .sha256 = ""},
    {.version = 20240131120000, .name = "", .sha256 = ""}};
static const struct inlay_set set = {
    .abi = INLAY_SET_ABI, .migrations = migrations, .migration_count = 3};

static void compare(const struct foreign_record *record, bool rest)
{
    struct inlay_error err;
    int rc = inlay_foreign_compare(&set, record, "\"public\".\"them\"", rest, &err);

    if (rc != INLAY_OK)
        fuzz_require_error(&err, rc);
}

static void read_rows(const struct foreign_source *source, const struct foreign_row *rows,
                      size_t count)
{
    struct foreign_record record;
    struct inlay_error err = {.code = INLAY_OK};
    int rc = inlay_foreign_read(source, &set, "\"public\".\"them\"", rows, count, &record, &err);

    if (rc == INLAY_OK) {
        require_record(&record, count);
        compare(&record, false);
        compare(&record, true);
    } else {
        fuzz_require_error(&err, rc);
    }
    free(record.versions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *)data, size};
    struct foreign_source source;
    struct foreign_row rows[ROWS_MOST];
    char *lines[ROWS_MOST];
    struct inlay_error err;
    size_t count = 0;
    char *tool = fuzz_line(&input);

    for (; input.left > 0 && count < ROWS_MOST; count++) {
        lines[count] = fuzz_line(&input);
        split(lines[count], &rows[count]);
    }
    if (inlay_foreign_parse(tool, &source, &err) == INLAY_OK)
        read_rows(&source, rows, count);
    while (count > 0)
        free(lines[--count]);
    free(tool);
    return 0;
}
