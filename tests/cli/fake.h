/* A library that talks to no database: each call notes what it was asked and gives what the test
 * prepared. With it a test sees the command line alone. */
#ifndef TEST_FAKE_H
#define TEST_FAKE_H

#include <inlay-admin.h>
#include <inlay-cli.h>
#include <inlay-many.h>

#define MAX_CODES 8
#define MAX_TARGETS 8

struct fake {
    /* What the calls return, one after the other; the last one again and again. */
    enum inlay_code codes[MAX_CODES];
    size_t code_count;
    struct inlay_error error; /* handed out with every code but INLAY_OK */
    struct inlay_result result;
    struct inlay_selftest_result selftest;
    struct inlay_rehearsal rehearsal;
    struct inlay_span span; /* that was asked for */
    const struct inlay_status *status;
    const struct inlay_kept_down *kept;
    const struct inlay_contents *contents;
    const struct inlay_schema *schema;
    struct inlay_linked linked;
    struct inlay_many_target targets[MAX_TARGETS]; /* of the query */
    size_t target_count;
    enum inlay_standing standings[MAX_TARGETS];          /* of the targets that are looked at */
    const char *hint;                                    /* of one that is disagreeing; or NULL */
    void (*during)(const struct inlay_options *options); /* called from inside each call; or NULL */

    /* What the calls were given. */
    size_t calls;
    const char *last_call;
    int64_t argument;   /* version or count of the last call */
    size_t statement;   /* of inlay_resume_at */
    const char *source; /* of inlay_adopt */
    char database[64];  /* that was confirmed */
    struct inlay_options options;
};

extern struct fake fake;

extern const struct inlay_set fake_set; /* 001_create_users, 002_add_email, 010_index_email */

/* What a command line did. Static memory, until the next run. */
struct run {
    bool ended; /* inlay_cli's answer; true for inlay_main */
    int status;
    const char *verb;             /* of the command, of two steps */
    struct inlay_options options; /* of the outcome */
    char out[16384];
    char err[16384];
    int argc;
    char *argv[32];
};

/* Runs inlay_cli (or inlay_main) on the words, up to a NULL. */
const struct run *run_cli(const char *word, ...);
const struct run *run_main(const char *word, ...);

/* Runs inlay_cli_take, and inlay_cli_run unless the program is to end before that. */
const struct run *run_steps(const struct inlay_options *defaults, const char *word, ...);

int fake_reset(void **state);

#endif
