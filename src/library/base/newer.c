/* Finds what a newer program says beyond the structs that this library knows. */
#include "base/newer.h"
#include "base/error.h"

bool inlay_newer_is_unset(const void *from, size_t known, size_t size)
{
    const unsigned char *bytes = from;

    for (size_t i = known; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

int inlay_newer_refuse(const char *what, struct inlay_error *err)
{
    return inlay_error_set(
        err, INLAY_E_ARGUMENT,
        "%s says what this library (%s) does not know: build program and library "
        "from one version, or unset it",
        what, INLAY_VERSION);
}
