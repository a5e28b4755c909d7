/* Leaves a silent host out of the lists that libpq is given. */
#include "wire/hosts.h"
#include "base/text.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

const char *const inlay_host_keywords[HOST_PARTS] = {"host", "hostaddr", "port"};

/* Takes the parts over, whatever comes of it; one that is NULL had no memory. */
static bool add_host(struct hosts *hosts, char *name, char *address, char *port)
{
    struct host *list = calloc(hosts->count + 1, sizeof *list);

    if (list != NULL && hosts->count > 0)
        memcpy(list, hosts->list, hosts->count * sizeof *list);
    if (list != NULL) {
        free(hosts->list);
        hosts->list = list;
    }
    if (list == NULL || name == NULL || address == NULL || port == NULL) {
        free(name);
        free(address);
        free(port);
        return false;
    }
    list[hosts->count++] = (struct host){.parts = {name, address, port}};
    return true;
}

void inlay_hosts_finish(struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++)
        for (size_t part = 0; part < HOST_PARTS; part++)
            free(hosts->list[i].parts[part]);
    for (size_t part = 0; part < HOST_PARTS; part++)
        free(hosts->joined[part]);
    free(hosts->list);
    memset(hosts, 0, sizeof *hosts);
}

/* ---- the lists of the connection string ---- */

static const PQconninfoOption *find_part(const PQconninfoOption *options, enum host_part part)
{
    while (strcmp(options->keyword, inlay_host_keywords[part]) != 0)
        options++;
    return options;
}

static const char *list_of(const PQconninfoOption *options, enum host_part part)
{
    const char *list = find_part(options, part)->val;

    return list != NULL ? list : "";
}

static size_t count_parts(const char *list)
{
    size_t count = 1;

    for (; *list != '\0'; list++)
        count += *list == ',';
    return count;
}

/* Empty where there are no more. */
static char *copy_place(const char *list, size_t index)
{
    for (; index > 0; index--) {
        list += strcspn(list, ",");
        list += *list == ',';
    }
    return inlay_text_new("%.*s", (int)strcspn(list, ","), list);
}

/* One port is that of all hosts. An empty one would be looked for elsewhere if it were the last
 * that is left, and is written out. */
static char *copy_port(const PQconninfoOption *options, size_t index)
{
    const char *list = list_of(options, HOST_PORT);
    const char *usual = find_part(options, HOST_PORT)->compiled;
    char *port = copy_place(list, strchr(list, ',') != NULL ? index : 0);

    if (port == NULL || port[0] != '\0')
        return port;
    free(port);
    return inlay_text_new("%s", usual != NULL ? usual : "");
}

static bool read_lists(struct hosts *hosts, const PQconninfoOption *options)
{
    const char *names = list_of(options, HOST_NAME);
    const char *addresses = list_of(options, HOST_ADDRESS);
    size_t count = count_parts(addresses[0] != '\0' ? addresses : names);

    for (size_t i = 0; i < count; i++)
        if (!add_host(hosts, copy_place(names, i), copy_place(addresses, i), copy_port(options, i)))
            return false;
    return true;
}

static size_t count_given(const struct hosts *hosts, enum host_part part)
{
    size_t given = 0;

    for (size_t i = 0; i < hosts->count; i++)
        given += hosts->list[i].parts[part][0] != '\0';
    return given;
}

/* An empty part in the place of a list counts as not given, and libpq would take the whole list
 * again. So a part is given for all hosts or for none; else the first that is silent ends it. */
static bool is_complete(const struct hosts *hosts)
{
    size_t names = count_given(hosts, HOST_NAME);
    size_t addresses = count_given(hosts, HOST_ADDRESS);

    return (names == hosts->count || names == 0) && (addresses == hosts->count || addresses == 0) &&
           names + addresses > 0;
}

static enum hosts_left read_hosts(struct hosts *hosts, PGconn *conn)
{
    PQconninfoOption *options = PQconninfo(conn);
    bool read = options != NULL && read_lists(hosts, options);

    PQconninfoFree(options);
    if (!read)
        return HOSTS_NO_MEMORY;
    return is_complete(hosts) ? HOSTS_LEFT : HOSTS_NONE;
}

/* ---- the silent one ---- */

/* What libpq says of an address that it found itself is as getnameinfo writes it. */
static bool is_silent(const struct host *host, const PGconn *conn)
{
    const char *name = host->parts[HOST_NAME];
    const char *address = host->parts[HOST_ADDRESS];
    const char *asked = PQhostaddr(conn);

    return strcmp(name[0] != '\0' ? name : address, PQhost(conn)) == 0 &&
           strcmp(host->parts[HOST_PORT], PQport(conn)) == 0 &&
           (address[0] == '\0' || asked == NULL || strcmp(address, asked) == 0);
}

static void remove_host(struct hosts *hosts, size_t index)
{
    for (size_t part = 0; part < HOST_PARTS; part++)
        free(hosts->list[index].parts[part]);
    hosts->count--;
    memmove(&hosts->list[index], &hosts->list[index + 1],
            (hosts->count - index) * sizeof *hosts->list);
}

/* As many as there are, each as a host of its own. */
static bool add_addresses(struct hosts *hosts, const char *name, const char *port,
                          const struct addrinfo *found)
{
    char address[128]; /* a number, perhaps with an interface */

    for (; found != NULL; found = found->ai_next) {
        if (getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof address, NULL, 0,
                        NI_NUMERICHOST) != 0)
            continue;
        if (!add_host(hosts, inlay_text_new("%s", name), inlay_text_new("%s", address),
                      inlay_text_new("%s", port)))
            return false;
    }
    return true;
}

/* The addresses of a name, without the silent one. Nothing where that is not among them: they
 * change, and it would be asked for ever. */
static bool add_other_addresses(struct hosts *hosts, const struct host *host, const PGconn *conn)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    const char *name = host->parts[HOST_NAME];
    struct addrinfo *found = NULL;
    struct hosts others = {0};

    if (host->parts[HOST_ADDRESS][0] != '\0' || name[0] == '/' || name[0] == '@' ||
        getaddrinfo(name, NULL, &hints, &found) != 0)
        return true;
    bool added = add_addresses(&others, name, host->parts[HOST_PORT], found);
    freeaddrinfo(found);
    size_t count = others.count;
    for (size_t i = others.count; i-- > 0;)
        if (is_silent(&others.list[i], conn))
            remove_host(&others, i);
    for (size_t i = 0; added && count > others.count && i < others.count; i++)
        added = add_host(hosts, inlay_text_new("%s", name),
                         inlay_text_new("%s", others.list[i].parts[HOST_ADDRESS]),
                         inlay_text_new("%s", host->parts[HOST_PORT]));
    inlay_hosts_finish(&others);
    return added;
}

/* In a list of its own, so that the order stays. */
static enum hosts_left copy_without(struct hosts *to, const struct hosts *from, const PGconn *conn)
{
    bool found = false;
    bool copied = true;

    for (size_t i = 0; copied && i < from->count; i++) {
        char *const *parts = from->list[i].parts;
        if (found || !is_silent(&from->list[i], conn)) {
            copied = add_host(to, inlay_text_new("%s", parts[HOST_NAME]),
                              inlay_text_new("%s", parts[HOST_ADDRESS]),
                              inlay_text_new("%s", parts[HOST_PORT]));
            continue;
        }
        found = true;
        copied = add_other_addresses(to, &from->list[i], conn);
    }
    if (!copied)
        return HOSTS_NO_MEMORY;
    return found && to->count > 0 ? HOSTS_LEFT : HOSTS_NONE;
}

static char *join(const struct hosts *hosts, size_t part)
{
    size_t length = 1;

    for (size_t i = 0; i < hosts->count; i++)
        length += strlen(hosts->list[i].parts[part]) + 1;
    char *joined = calloc(length, 1);
    for (size_t i = 0; joined != NULL && i < hosts->count; i++)
        inlay_text_add(joined, length, "%s%s", i > 0 ? "," : "", hosts->list[i].parts[part]);
    return joined;
}

enum hosts_left inlay_hosts_leave_out(struct hosts *hosts, PGconn *conn)
{
    struct hosts others = {0};
    enum hosts_left left = hosts->count == 0 ? read_hosts(hosts, conn) : HOSTS_LEFT;

    if (left == HOSTS_LEFT)
        left = copy_without(&others, hosts, conn);
    for (size_t part = 0; left == HOSTS_LEFT && part < HOST_PARTS; part++) {
        others.joined[part] = join(&others, part);
        if (others.joined[part] == NULL)
            left = HOSTS_NO_MEMORY;
    }
    inlay_hosts_finish(hosts);
    *hosts = others;
    return left;
}
