/* Finds which lines two lists of them do not have in common. */
#include "schema/lines.h"

#include <stdlib.h>
#include <string.h>

/* The lines of a block that differ are looked for with a table of this many pairs at most. */
#define PAIRS_MOST (4u << 20)

int inlay_span_compare(struct span a, struct span b)
{
    size_t length = a.length < b.length ? a.length : b.length;
    int order = memcmp(a.text, b.text, length);

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

/* Without a sign the line is not shown. */
static void show_span(struct builder *out, const char *sign, struct span line)
{
    if (sign == NULL)
        return;
    inlay_builder_text(out, sign);
    inlay_builder_add(out, line.text, line.length);
    inlay_builder_text(out, "\n");
}

static void show_spans(struct builder *out, const char *sign, const struct span *lines,
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        show_span(out, sign, lines[i]);
}

/* common[i * (m + 1) + j]: how many lines `a` from i and `b` from j have in common, in order. */
static void fill_table(const struct span *a, size_t n, const struct span *b, size_t m,
                       unsigned *common)
{
    for (size_t i = n; i-- > 0;) {
        for (size_t j = m; j-- > 0;) {
            unsigned *here = &common[i * (m + 1) + j];
            unsigned down = here[m + 1];
            *here = inlay_span_compare(a[i], b[j]) == 0 ? here[m + 2] + 1
                                                        : (down > here[1] ? down : here[1]);
        }
    }
}

static int order_lines(const void *a, const void *b)
{
    return inlay_span_compare(*(const struct span *)a, *(const struct span *)b);
}

/* Are they the same lines, in whatever order? Without memory: no. */
static bool have_same_lines(const struct span *a, size_t n, const struct span *b, size_t m)
{
    struct span *lines = n == m && n > 0 ? calloc(2 * n, sizeof *lines) : NULL;
    bool same = lines != NULL;

    if (lines != NULL) {
        memcpy(lines, a, n * sizeof *lines);
        memcpy(lines + n, b, n * sizeof *lines);
        qsort(lines, n, sizeof *lines, order_lines);
        qsort(lines + n, n, sizeof *lines, order_lines);
    }
    for (size_t i = 0; i < n && same; i++)
        same = inlay_span_compare(lines[i], lines[n + i]) == 0;
    free(lines);
    return same;
}

/* All but what the two have in common in the same order. */
static void show_changes(struct builder *out, const struct span *a, size_t n, const struct span *b,
                         size_t m)
{
    bool moved = have_same_lines(a, n, b, m);
    const char *gone = moved ? "~ " : "- ";
    const char *made = moved ? NULL : "+ ";
    bool small = n < PAIRS_MOST && (n + 1) * (m + 1) <= PAIRS_MOST;
    unsigned *common = small ? calloc((n + 1) * (m + 1), sizeof *common) : NULL;
    size_t i = 0;
    size_t j = 0;

    if (common != NULL)
        fill_table(a, n, b, m, common);
    while (common != NULL && i < n && j < m) {
        const unsigned *here = &common[i * (m + 1) + j];
        if (inlay_span_compare(a[i], b[j]) == 0) {
            i++;
            j++;
        } else if (here[m + 1] >= here[1]) {
            show_span(out, gone, a[i++]);
        } else {
            show_span(out, made, b[j++]);
        }
    }
    show_spans(out, gone, a + i, n - i);
    show_spans(out, made, b + j, m - j);
    free(common);
}

void inlay_lines_compare(struct builder *out, const struct span *a, size_t n, const struct span *b,
                         size_t m)
{
    while (n > 0 && m > 0 && inlay_span_compare(a[0], b[0]) == 0) {
        a++, n--;
        b++, m--;
    }
    while (n > 0 && m > 0 && inlay_span_compare(a[n - 1], b[m - 1]) == 0) {
        n--;
        m--;
    }
    show_changes(out, a, n, b, m);
}
