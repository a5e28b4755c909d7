/* What became of one target. */
#ifndef INLAY_CLI_OUTCOME_H
#define INLAY_CLI_OUTCOME_H

#include <inlay.h>

enum outcome {
    OUTCOME_UNSEEN, /* not looked at */
    OUTCOME_CURRENT,
    OUTCOME_MIGRATED,
    OUTCOME_BEHIND,
    OUTCOME_NEW,
    OUTCOME_DISAGREES,
    OUTCOME_UNREADABLE,
    OUTCOME_FAILED,
    OUTCOME_COUNT
};

/* What happened to one target. */
struct event_of_target {
    size_t index;
    enum outcome outcome;
    size_t pending, applied;
    int64_t elapsed_ms; /* -1: it was only looked at */
    const struct inlay_error *error;
};

/* Is a target with this outcome to be migrated? */
bool inlay_cli_outcome_is_open(enum outcome outcome);

/* Did it fail, or may it not be migrated? */
bool inlay_cli_outcome_is_trouble(enum outcome outcome);

/* As JSON spells it. */
const char *inlay_cli_outcome_name(enum outcome outcome);

/* Writes it as one line of JSON to stdout. */
void inlay_cli_outcome_line(const char *name, const struct event_of_target *event);

#endif
