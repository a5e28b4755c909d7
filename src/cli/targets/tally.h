/* What became of each target, counted, with what failed put together. */
#ifndef INLAY_CLI_TALLY_H
#define INLAY_CLI_TALLY_H

#include "targets/list.h"
#include "targets/outcome.h"
#include "words/command.h"

struct fate {
    enum outcome outcome;
    enum inlay_code code;
    size_t pending;
    size_t trouble; /* from 1; 0: none */
};

/* Targets that failed alike: the same but for the name of the schema. */
struct trouble {
    struct inlay_error error; /* of the first of them in the list */
    size_t first;
    char key[512];
    size_t count;
};

enum { TROUBLES_MOST = 24 }; /* what comes after that goes into the last */

struct tally {
    struct cli *cli;
    struct list list;
    struct fate *fates; /* one for each that is ours */
    size_t counts[OUTCOME_COUNT];
    struct trouble *troubles;
    size_t trouble_count;
};

/* False without memory. It is freed in any case, with the list. */
bool inlay_cli_tally_init(struct tally *tally, struct cli *cli);
void inlay_cli_tally_free(struct tally *tally);

/* Notes it, and with --migrate-json=lines writes it. */
void inlay_cli_tally_put(struct tally *tally, const struct event_of_target *event);

/* The failure whose first target in the list is this one; or NULL. In the order of the list the
 * order of failures is the same whoever was looked at first. */
const struct trouble *inlay_cli_tally_trouble(const struct tally *tally, size_t index);

/* "20 targets: 15 up to date, 2 behind"; and before that each failure with the targets that it is
 * of. On stderr. */
void inlay_cli_tally_say(const struct tally *tally);

/* Sets code, error and exit status of the answer from all outcomes. */
void inlay_cli_tally_judge(const struct tally *tally, struct answer *answer);

#endif
