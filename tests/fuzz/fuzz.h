/* What the fuzz targets share. An input is text, so that seeds are written by hand: each target
 * says what its lines are. */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inlay_error;

/* Stands for a password, or a part of one. No message may show it. */
#define FUZZ_SECRET "s3cr3t-w0rd"

struct input {
    const char *next;
    size_t left;
};

/* Each returns memory of its own, as long as the text and no longer: reading behind it is seen.
 * The caller frees. Bytes behind a NUL are not the text's. */
char *fuzz_line(struct input *input); /* without its line feed; empty at the end */
char *fuzz_rest(struct input *input);

/* One text after the other, up to a NULL. */
char *fuzz_join(const char *first, ...);

/* Ends the process where it does not hold. */
void fuzz_require(bool holds, const char *what);

void fuzz_require_secrecy(const char *text);

/* It is an error as calls return it; and it does not show the secret either. */
void fuzz_require_error(const struct inlay_error *err, int code);
void fuzz_require_secret_error(const struct inlay_error *err, int code);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
