/* Opening a connection where there is no server, or one that says no. */
#include "unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire/connect.h"
#include "wire/hosts.h"

/* A server that answers each connection with one error and hangs up. */
struct refuser {
    char directory[64];
    char conninfo[160];
    struct sockaddr_un address;
    int listener;
    pthread_t thread;
    const char *const *answers; /* one for each connection; the last again and again; up to NULL */
    size_t connections;
};

static void answer(int client, const char *sqlstate_and_message)
{
    char request[1024];
    char body[512];
    char head[5] = {'E', 0, 0, 0, 0};

    if (read(client, request, sizeof request) <= 0)
        return;
    int length =
        snprintf(body, sizeof body, "SFATAL%cVFATAL%cC%.5s%cM%s%cFpostmaster.c%cL1%cRmain%c", 0, 0,
                 sqlstate_and_message, 0, sqlstate_and_message + 6, 0, 0, 0, 0);
    head[3] = (char)((length + 5) / 256);
    head[4] = (char)((length + 5) % 256);
    assert_int_equal(write(client, head, sizeof head), sizeof head);
    assert_int_equal(write(client, body, (size_t)length + 1), length + 1);
}

static void *serve(void *context)
{
    struct refuser *refuser = context;

    for (;;) {
        int client = accept(refuser->listener, NULL, NULL);
        if (client < 0)
            return NULL;
        size_t turn = 0;
        while (turn < refuser->connections && refuser->answers[turn + 1] != NULL)
            turn++;
        refuser->connections++;
        answer(client, refuser->answers[turn]);
        close(client);
    }
}

static void start_refuser(struct refuser *refuser, const char *const *answers)
{
    memset(refuser, 0, sizeof *refuser);
    refuser->answers = answers;
    snprintf(refuser->directory, sizeof refuser->directory, "/tmp/inlay-unit-XXXXXX");
    assert_non_null(mkdtemp(refuser->directory));
    refuser->address.sun_family = AF_UNIX;
    snprintf(refuser->address.sun_path, sizeof refuser->address.sun_path, "%s/.s.PGSQL.5432",
             refuser->directory);
    snprintf(refuser->conninfo, sizeof refuser->conninfo,
             "host=%s port=5432 user=me dbname=app sslmode=disable gssencmode=disable",
             refuser->directory);
    refuser->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(
        bind(refuser->listener, (struct sockaddr *)&refuser->address, sizeof refuser->address), 0);
    assert_int_equal(listen(refuser->listener, 8), 0);
    if (answers != NULL)
        assert_int_equal(pthread_create(&refuser->thread, NULL, serve, refuser), 0);
}

static void stop_refuser(struct refuser *refuser)
{
    shutdown(refuser->listener, SHUT_RDWR);
    if (refuser->answers != NULL)
        pthread_join(refuser->thread, NULL);
    close(refuser->listener);
    unlink(refuser->address.sun_path);
    rmdir(refuser->directory);
}

/* Puts a word in the place of a letter. */
static void put_word(char *to, size_t size, const char *from, char letter, const char *word)
{
    *to = '\0';
    for (; *from != '\0'; from++)
        if (*from == letter)
            inlay_text_add(to, size, "%s", word);
        else
            inlay_text_add(to, size, "%c", *from);
}

static struct inlay_set set(void)
{
    return (struct inlay_set){
        .abi = INLAY_SET_ABI, .directory = "m", .history = "public.h", .digest = ""};
}

static int check(const char *conninfo, int64_t wait_ms, struct inlay_error *err)
{
    const struct inlay_set empty = set();
    const struct inlay_options options = {
        .size = sizeof options, .conninfo = conninfo, .connect_wait_ms = wait_ms};

    return inlay_check(&empty, &options, err);
}

static void says_that_nobody_is_there(void **state)
{
    (void)state;
    struct inlay_error err;

    assert_int_equal(check("host=/nowhere/at/all user=me", 0, &err), INLAY_E_CONNECTION);
    assert_non_null(strstr(err.message, "/nowhere/at/all/.s.PGSQL.5432"));
    assert_null(strchr(err.message, '\n'));
    assert_null(strchr(err.message, '\t'));
    assert_string_equal(err.sqlstate, "");
    assert_string_equal(err.hint, "is PostgreSQL running at this host and port? If it is still "
                                  "starting: --migrate-connect-wait 60");
}

/* libpq's own variables may lead anywhere; most often DATABASE_URL was forgotten. */
static void says_that_no_connection_string_was_given(void **state)
{
    (void)state;
    struct inlay_error err;

    setenv("PGHOST", "/nowhere/at/all", 1);
    assert_int_equal(check(NULL, 0, &err), INLAY_E_CONNECTION);
    unsetenv("PGHOST");
    assert_string_equal(err.hint,
                        "no connection string was given (--migrate-database, INLAY_DATABASE_URL or "
                        "DATABASE_URL; in C options.conninfo), so libpq used its own defaults; is "
                        "PostgreSQL running there? If it is still starting: --migrate-connect-wait "
                        "60");
}

static void keeps_trying_as_long_as_it_was_told(void **state)
{
    (void)state;
    struct inlay_error err;
    int64_t begun = inlay_clock_ms();

    assert_int_equal(check("host=/nowhere/at/all user=me", 600, &err), INLAY_E_CONNECTION);
    assert_in_range(inlay_clock_ms() - begun, 200, 5000);
}

static void tells_what_the_server_says(void **state)
{
    (void)state;
    static const struct {
        const char *answers[2];
        const char *sqlstate, *message, *hint;
    } cases[] = {
        {{"28P01 password authentication failed for user \"me\"", NULL},
         "28P01",
         "FATAL:  password authentication failed for user \"me\"",
         "check user, password and pg_hba.conf"},
        {{"28000 no pg_hba.conf entry", NULL},
         "28000",
         "FATAL:  no pg_hba.conf entry",
         "check user, password and pg_hba.conf"},
        {{"3D000 database \"app\" does not exist", NULL},
         "3D000",
         "FATAL:  database \"app\" does not exist",
         "create the database first (createdb), or check the name"},
        {{"53300 too many clients", NULL}, "53300", "FATAL:  too many clients", ""},
        {{"57P03 starting:  ABCDE: up", NULL}, "57P03", "FATAL:  starting:  ABCDE: up", ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct refuser refuser;
        struct inlay_error err;
        start_refuser(&refuser, cases[i].answers);
        int rc = check(refuser.conninfo, 0, &err);
        stop_refuser(&refuser);
        assert_int_equal(rc, INLAY_E_CONNECTION);
        assert_string_equal(err.sqlstate, cases[i].sqlstate);
        assert_string_equal(err.message + strlen(err.message) - strlen(cases[i].message),
                            cases[i].message);
        assert_string_equal(err.hint, cases[i].hint);
    }
}

/* What a server says while it starts or is full may pass; everything else is its last word. */
static void tries_again_only_where_it_helps(void **state)
{
    (void)state;
    static const struct {
        const char *answers[4];
        const char *sqlstate;
        size_t connections;
    } cases[] = {
        {{"57P03 starting up", "53300 full", "28P01 wrong password", NULL}, "28P01", 3},
        {{"57P01 stopping", "57P02 crashed", "3D000 no such database", NULL}, "3D000", 3},
        {{"28P01 wrong password", "57P03 starting up", NULL, NULL}, "28P01", 1},
        {{"3D000 no such database", "57P03 starting up", NULL, NULL}, "3D000", 1},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct refuser refuser;
        struct inlay_error err;
        start_refuser(&refuser, cases[i].answers);
        int rc = check(refuser.conninfo, 20000, &err);
        stop_refuser(&refuser);
        assert_int_equal(rc, INLAY_E_CONNECTION);
        assert_string_equal(err.sqlstate, cases[i].sqlstate);
        assert_int_equal(refuser.connections, cases[i].connections);
    }
}

static void gives_up_on_a_server_that_is_silent(void **state)
{
    (void)state;
    struct refuser silent;
    struct inlay_error err;
    char conninfo[200];
    char message[160];
    int64_t begun = inlay_clock_ms();

    start_refuser(&silent, NULL);
    snprintf(conninfo, sizeof conninfo, "%s connect_timeout=1", silent.conninfo);
    snprintf(message, sizeof message,
             "no answer from the server at %s within the connection timeout", silent.directory);
    int rc = check(conninfo, 0, &err);
    stop_refuser(&silent);
    assert_int_equal(rc, INLAY_E_CONNECTION);
    assert_string_equal(err.message, message);
    assert_in_range(inlay_clock_ms() - begun, 1000, 5000);
}

/* Listens on a port of 127.0.0.1, and accepts what comes without a word. */
static int listen_silently(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return listener;
}

/* The lists that libpq is given next: none of their places may be empty by accident. */
static void leaves_out_the_silent_host(void **state)
{
    (void)state;
    static const struct {
        const char *lists;
        enum hosts_left left;
        const char *joined[HOST_PARTS]; /* "P" is the port */
    } cases[] = {
        {"host=a,b hostaddr=127.0.0.1,127.0.0.1 port=P,1", HOSTS_LEFT, {"b", "127.0.0.1", "1"}},
        {"host=a,b,c hostaddr=127.0.0.1,127.0.0.2,127.0.0.3 port=P",
         HOSTS_LEFT,
         {"b,c", "127.0.0.2,127.0.0.3", "P,P"}},
        {"hostaddr=127.0.0.1,127.0.0.2 port=P,", HOSTS_LEFT, {"", "127.0.0.2", "5432"}},
        {"host=127.0.0.1,/tmp port=P,6", HOSTS_LEFT, {"/tmp", "", "6"}},
        {"host=127.0.0.1,b,127.0.0.1 port=P", HOSTS_LEFT, {"b,127.0.0.1", ",", "P,P"}},
        {"host=127.0.0.1 port=P", HOSTS_NONE, {NULL}},
        {"hostaddr=127.0.0.1 port=P", HOSTS_NONE, {NULL}},
        /* libpq would fill these in from elsewhere. */
        {"host=127.0.0.1, port=P", HOSTS_NONE, {NULL}},
        {"host=a,b hostaddr=127.0.0.1, port=P", HOSTS_NONE, {NULL}},
        {"host=a, hostaddr=127.0.0.1,127.0.0.1 port=P", HOSTS_NONE, {NULL}},
    };
    int port;
    int listener = listen_silently(&port);
    char number[8];

    snprintf(number, sizeof number, "%d", port);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hosts hosts = {0};
        char conninfo[160];
        char expected[80];
        put_word(conninfo, sizeof conninfo, cases[i].lists, 'P', number);
        PGconn *conn = PQconnectStart(conninfo);
        assert_int_not_equal(PQstatus(conn), CONNECTION_BAD);
        assert_int_equal(inlay_hosts_leave_out(&hosts, conn), cases[i].left);
        for (size_t part = 0; part < HOST_PARTS && cases[i].left == HOSTS_LEFT; part++) {
            put_word(expected, sizeof expected, cases[i].joined[part], 'P', number);
            assert_string_equal(hosts.joined[part], expected);
        }
        inlay_hosts_finish(&hosts);
        PQfinish(conn);
    }
    close(listener);
}

static void stops_when_it_is_told(void **state)
{
    (void)state;
    const struct inlay_set empty = set();
    struct inlay_options options = {.size = sizeof options, .connect_wait_ms = 20000};
    struct refuser silent;
    struct inlay_error err;
    int ends[2];
    int64_t begun = inlay_clock_ms();

    start_refuser(&silent, NULL);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    options.stop_fd = ends[0];
    const char *const places[] = {"host=/nowhere/at/all", silent.conninfo};
    for (size_t i = 0; i < COUNT(places); i++) {
        options.conninfo = places[i];
        assert_int_equal(inlay_migrate(&empty, &options, NULL, &err), INLAY_E_STOPPED);
        assert_string_equal(err.message, "stopped on request while connecting");
    }
    stop_refuser(&silent);
    assert_in_range(inlay_clock_ms() - begun, 0, 5000);

    struct pollfd unread = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&unread, 1, 0), 1); /* it is never read */
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_that_nobody_is_there),
        cmocka_unit_test(says_that_no_connection_string_was_given),
        cmocka_unit_test(keeps_trying_as_long_as_it_was_told),
        cmocka_unit_test(tells_what_the_server_says),
        cmocka_unit_test(tries_again_only_where_it_helps),
        cmocka_unit_test(gives_up_on_a_server_that_is_silent),
        cmocka_unit_test(leaves_out_the_silent_host),
        cmocka_unit_test(stops_when_it_is_told),
    };
    return cmocka_run_group_tests_name("connect", tests, NULL, NULL);
}
