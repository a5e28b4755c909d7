/* What a verb found, and how it went. */
#ifndef INLAY_CLI_ANSWER_H
#define INLAY_CLI_ANSWER_H

#include <inlay-admin.h>

#include "writing/buffer.h"

struct tally;

struct answer {
    int code;                 /* enum inlay_code */
    struct inlay_error error; /* where code is not INLAY_OK */
    struct inlay_result result;
    struct inlay_selftest_result selftest;
    struct inlay_verification verification;
    struct inlay_status *status;
    struct inlay_contents *contents;
    struct inlay_schema *schema;
    const struct inlay_migration *migration;
    struct inlay_kept_down *kept; /* for a version that is not embedded */
    char *script;                 /* for psql */
    int64_t waited_ms;
    struct tally *tally; /* of many targets */
    int exit_status;     /* 0: as the code says */
    bool partial;        /* the text is printed although code is an error */
};

/* Sets its code, and an error with this message. */
void inlay_cli_answer_fail(struct answer *answer, enum inlay_code code, const char *format, ...)
    INLAY_CLI_PRINTF(3, 4);

#endif
