/* The ticket desk: what requests mean, and what becomes of the database's answers. Knows nothing of
 * connections, neither to clients nor to the database. */
#ifndef SERVER_TICKETS_H
#define SERVER_TICKETS_H

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "pool.h"
#include "writing/buffer.h"

/* A request that was understood. `job` is ready to be submitted; it points into the ticket. */
struct ticket {
    struct job job;
    const struct action *action;
    char id[19];                 /* of the path: digits that a bigint can hold */
    struct evkeyvalq parameters; /* of the query, or of the body */
};

/* An HTTP status, and from 400 on the reason, for the client, with the parameter that it is about,
 * or NULL. */
struct verdict {
    int status;
    const char *error;
    const char *parameter;
};

/* Is the path one of the desk's? */
bool ticket_has(const char *path);

/* Reads a request for such a path; `parameters` is "name=value&...", or NULL. The verdict's status
 * is HTTP_OK where the job is to be done. ticket_finish in any case. */
struct verdict ticket_read(struct ticket *ticket, enum evhttp_cmd_type method, const char *path,
                           const char *parameters);

/* What the job came to; writes the body, JSON, where it is done. */
struct verdict ticket_answer(const struct ticket *ticket, struct buffer *body);

/* The methods that the path of a ticket allows, where ticket_read refused with HTTP_BADMETHOD. */
const char *ticket_methods(const struct ticket *ticket);

void ticket_finish(struct ticket *ticket);

#endif
