/* Which versions of inlay, libpq and OpenSSL the program is linked with. Needs no database. */
#include "base/text.h"

#include <inlay-admin.h>
#include <inlay.h>
#include <libpq-fe.h>

/* libpq's OpenSSL is asked only if it is in the process: this library does not depend on it. A
 * symbol that may be missing is a matter of ELF; elsewhere it would have to be linked. */
#if defined(__ELF__) && defined(__GNUC__)
extern const char *OpenSSL_version(int what) __attribute__((weak));

static const char *openssl_version(void)
{
    return OpenSSL_version != NULL ? OpenSSL_version(0) : NULL;
}
#else
static const char *openssl_version(void)
{
    return NULL;
}
#endif

void inlay_linked_read(struct inlay_linked *linked)
{
    int libpq = PQlibVersion();

    linked->inlay = INLAY_VERSION;
    linked->openssl = openssl_version();
    inlay_text_put(linked->libpq, sizeof linked->libpq, "%d.%d", libpq / 10000, libpq % 10000);
}
