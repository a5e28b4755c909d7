/* What a program that is newer than the library says, and the library does not know. */
#ifndef INLAY_NEWER_H
#define INLAY_NEWER_H

#include <inlay.h>

/* Are the bytes [known, size) of a struct all zero? So they are where there are none. */
bool inlay_newer_is_unset(const void *from, size_t known, size_t size);

/* Says that `what` is more than this library knows. INLAY_E_ARGUMENT. */
int inlay_newer_refuse(const char *what, struct inlay_error *err);

#endif
