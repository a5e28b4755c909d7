/* The targets of a command line: what was listed, checked, with a name for each. */
#ifndef INLAY_CLI_LIST_H
#define INLAY_CLI_LIST_H

#include <inlay-many.h>

#include "words/answer.h"

/* All zero is an empty one. The texts belong to it. */
struct list {
    struct inlay_many_target *targets;
    size_t *lines; /* where each of them stood, from 1 */
    size_t count;
    size_t capacity;
    size_t ours;        /* so many of the first are to be worked on */
    const char *source; /* what messages call the place: "tenants.txt" */
    bool has_rows;      /* it is a query: its rows are no lines of a file */
};

/* Adds one: a part that is missing is NULL or empty. False, with
 * the answer filled, where it makes no sense. */
bool inlay_cli_list_add(struct list *list, size_t line, const struct inlay_many_target *target,
                        struct answer *answer);

/* Adds what one line says, unless it is empty or a comment. It is taken apart in place. */
bool inlay_cli_list_add_line(struct list *list, size_t line, char *text, struct answer *answer);

/* Refuses an empty list, and two targets of one name or in one place. */
bool inlay_cli_list_check(struct list *list, struct answer *answer);

/* Would a message with it show a password? */
bool inlay_cli_list_may_hold_password(const char *conninfo);

void inlay_cli_list_free(struct list *list);

#endif
