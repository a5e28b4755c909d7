/* The hosts of a connection string, to continue with the others if one is silent.
 *
 * libpq asks several hosts in turn, and leaves the connection timeout to a caller that polls. Which
 * host it waits for can be seen; but nothing makes it turn to the next. So that host is left out,
 * and libpq begins again with the others: it alone knows what target_session_attrs and
 * load_balance_hosts want of them. */
#ifndef INLAY_HOSTS_H
#define INLAY_HOSTS_H

#include <libpq-fe.h>
#include <stddef.h>

enum host_part { HOST_NAME, HOST_ADDRESS, HOST_PORT, HOST_PARTS };

struct host {
    char *parts[HOST_PARTS]; /* empty: not given */
};

/* All zero: those of the connection string. */
struct hosts {
    struct host *list;
    size_t count;
    char *joined[HOST_PARTS]; /* the list as libpq takes it: "a,b" */
};

/* What libpq calls a part. */
extern const char *const inlay_host_keywords[HOST_PARTS];

enum hosts_left { HOSTS_LEFT, HOSTS_NONE, HOSTS_NO_MEMORY };

/* Leaves out the host that `conn` waits for; where its name has several addresses, this address. */
enum hosts_left inlay_hosts_leave_out(struct hosts *hosts, PGconn *conn);

void inlay_hosts_finish(struct hosts *hosts);

#endif
