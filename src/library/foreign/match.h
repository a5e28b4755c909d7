/* From what a tool calls a migration to the version that it has here. Pure: no I/O, no libpq. */
#ifndef INLAY_FOREIGN_MATCH_H
#define INLAY_FOREIGN_MATCH_H

#include <inlay.h>

/* A whole number; with `points` also 2.0.1, and the numbers of a set that has such versions: as the
 * generator makes them. In another set 2.0 is 2. False: it is none. */
bool inlay_match_version(const struct inlay_set *set, const char *text, bool points,
                         int64_t *version);

enum match {
    MATCH_NONE,
    MATCH_VERSION,
    MATCH_OTHER_NUMBER, /* the name is that of `*version`, and the digits in front are not */
    MATCH_SEVERAL
};

/* "db/0001_create_users.sql": the migration of that name, that file or that checksum, else the
 * digits that the name begins with. */
enum match inlay_match_name(const struct inlay_set *set, const char *text, int64_t *version);

/* Does a tool call it otherwise? "create-users.sql" is create_users, and so is "001_create users";
 * `version` is what the tool writes for that, or NULL. A number is no name. */
bool inlay_match_differs(const struct inlay_migration *migration, const char *text,
                         const char *version);

#endif
