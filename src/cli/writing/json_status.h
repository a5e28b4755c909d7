/* What the library knows of a database, as members of a JSON object. */
#ifndef INLAY_CLI_JSON_STATUS_H
#define INLAY_CLI_JSON_STATUS_H

#include <inlay.h>

#include "writing/json.h"

/* null where there is none. */
void inlay_cli_json_status_error(struct json *json, const char *key, const struct inlay_error *err);

/* What the binary has of a migration. */
void inlay_cli_json_status_embedded(struct json *json, const struct inlay_migration *migration);

/* One migration of a status, an object of its own. */
void inlay_cli_json_status_entry(struct json *json, const struct inlay_status_entry *entry);

/* "database", "role", "history". */
void inlay_cli_json_status_place(struct json *json, const struct inlay_status *status);

/* Those, the counts, the verdict and the migrations. */
void inlay_cli_json_status_members(struct json *json, const struct inlay_status *status);

#endif
