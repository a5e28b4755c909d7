/* Looking a connection string over before libpq does. */
#ifndef INLAY_CONNINFO_H
#define INLAY_CONNINFO_H

#include "base/error.h"

/* Is this text a connection string that libpq will read as its writer meant it? Refuses what could
 * make an error message quote a password. INLAY_OK or INLAY_E_ARGUMENT. */
int inlay_conninfo_validate(const char *conninfo, struct inlay_error *err);

#endif
