/* The limit to measure many targets against: the same questions and statements, by hand.
 *
 * usage: many look FIRST COUNT       asks each of the schemas tFIRST, ... for the digest of its
 *                                    history, in one pipeline; a new connection after 1,000
 *        many loop FIRST COUNT JOBS  on JOBS connections: BEGIN, search_path, the statement, the
 *                                    row, COMMIT, as one message for each schema
 *        many lock FIRST COUNT JOBS  the same as eight messages: with the migration lock, and the
 *                                    history read under it, before
 *        many same FIRST COUNT JOBS  the same SQL as a run: the schema is looked at beforehand; the
 *                                    lock, both tables; then in one pipeline the claim, the
 *                                    timeout, the statement, the resets, the seal, the unlock
 *
 * The database is $INLAY_DATABASE_URL. */
#include <inlay.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct inlay_set app_migrations;

#define TOGETHER 1000

static void fail(PGconn *conn, const char *what)
{
    fprintf(stderr, "many: %s: %s", what, PQerrorMessage(conn));
    exit(1);
}

static PGconn *connect_to_server(void)
{
    PGconn *conn = PQconnectdb(getenv("INLAY_DATABASE_URL"));

    if (PQstatus(conn) != CONNECTION_OK)
        fail(conn, "connect");
    return conn;
}

/* ---- look ---- */

static const char shapes[] =
    "SELECT s.place, c.relname, c.relkind, c.relpersistence, c.relhasrules, c.relhastriggers,"
    " c.relhassubclass, row_security_active(c.oid), has.columns, has.keys"
    " FROM generate_series($1::int, $1::int + $2::int - 1) WITH ORDINALITY AS s (n, place)"
    " CROSS JOIN LATERAL (SELECT oid FROM pg_namespace"
    " WHERE nspname = concat('t', s.n)::name OFFSET 0) AS n"
    " CROSS JOIN LATERAL (SELECT * FROM pg_class WHERE relnamespace = n.oid"
    " AND relname = ANY ('{applied_migrations,applied_migrations_state}'::name[]) OFFSET 0) AS c"
    " CROSS JOIN LATERAL (SELECT array_agg(concat(a.attname, ' ', a.atttypid)) AS columns,"
    " (SELECT array_agg(i.indkey::text) FROM pg_index AS i WHERE i.indrelid = c.oid) AS keys"
    " FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0) AS has";

static const char digest[] =
    "SELECT concat(count(*), ' ', max(version), ' ',"
    " encode(sha256(convert_to(string_agg(concat(version, ':', length(name), ':', name,"
    " length(checksum), ':', checksum), ';' ORDER BY version), 'UTF8')), 'hex'), ' ',"
    " (SELECT encode(sha256(convert_to(string_agg(concat(length(kind), ':', kind, length(key), ':',"
    " key, length(checksum), ':', checksum, done, ':', length(body), ':', body), ';'"
    " ORDER BY kind, key), 'UTF8')), 'hex') FROM t%d.applied_migrations_state))"
    " FROM t%d.applied_migrations";

static void queue(PGconn *conn, const char *sql, int count, const char *const *values)
{
    if (!PQsendQueryParams(conn, sql, count, NULL, values, NULL, NULL, 0))
        fail(conn, sql);
}

static void send(PGconn *conn, const char *sql, int count, const char *const *values)
{
    queue(conn, sql, count, values);
    if (!PQpipelineSync(conn))
        fail(conn, "sync");
}

/* Takes what has come; returns how many answers are whole. */
static int take(PGconn *conn)
{
    int answers = 0;

    while (!PQisBusy(conn)) {
        PGresult *result = PQgetResult(conn);
        ExecStatusType status = PQresultStatus(result);
        if (result == NULL)
            continue;
        if (status == PGRES_FATAL_ERROR)
            fail(conn, "answer");
        PQclear(result);
        answers += status == PGRES_PIPELINE_SYNC;
        if (answers > 0)
            return answers;
    }
    return answers;
}

static void hear(PGconn *conn, int wanted)
{
    while (wanted > 0) {
        int left = PQflush(conn);
        struct pollfd fd = {.fd = PQsocket(conn), .events = POLLIN};
        if (left > 0)
            fd.events |= POLLOUT;
        if (PQisBusy(conn)) {
            poll(&fd, 1, -1);
            if ((fd.revents & POLLIN) != 0 && !PQconsumeInput(conn))
                fail(conn, "receive");
        }
        wanted -= take(conn);
    }
}

static void look(int first, int count)
{
    for (int done = 0; done < count; done += TOGETHER) {
        char from[16], some[16], sql[2048];
        int most = count - done < TOGETHER ? count - done : TOGETHER;
        const char *const values[] = {from, some};
        PGconn *conn = connect_to_server();
        PQsetnonblocking(conn, 1);
        PQenterPipelineMode(conn);
        snprintf(from, sizeof from, "%d", first + done);
        snprintf(some, sizeof some, "%d", most);
        send(conn, "SET lock_timeout = '100ms'", 0, NULL);
        send(conn, shapes, 2, values);
        hear(conn, 2);
        for (int i = 0; i < most; i++) {
            snprintf(sql, sizeof sql, digest, first + done + i, first + done + i);
            send(conn, sql, 0, NULL);
        }
        hear(conn, most);
        PQfinish(conn);
    }
}

/* ---- loop ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int next, end;
static bool locks, same;

static void execute(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);

    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail(conn, sql);
    PQclear(result);
}

static void migrate(PGconn *conn, int n)
{
    const struct inlay_migration *m =
        inlay_set_migration(&app_migrations, app_migrations.migration_count - 1);
    char sql[4096];

    if (locks) {
        snprintf(sql, sizeof sql, "SELECT pg_try_advisory_lock(%d)", n);
        execute(conn, sql);
        snprintf(sql, sizeof sql, "SELECT * FROM t%d.applied_migrations", n);
        execute(conn, sql);
        execute(conn, sql);
    }
    snprintf(sql, sizeof sql,
             "BEGIN; SET LOCAL search_path = t%d; %s; INSERT INTO t%d.applied_migrations"
             " (version, name, checksum, batch) VALUES (%lld, '%s', '%s', 2); COMMIT",
             n, m->body, n, (long long)m->version, m->name, m->sha256);
    execute(conn, sql);
    if (locks) {
        execute(conn, "RESET ALL");
        snprintf(sql, sizeof sql, "SELECT pg_advisory_unlock(%d)", n);
        execute(conn, sql);
    }
}

/* ---- the same SQL ---- */

static const char rows[] = "SELECT * FROM ONLY t%d.applied_migrations";
static const char state[] =
    "SELECT kind, key, checksum, done, body, at FROM ONLY t%d.applied_migrations_state";

static void send_about(PGconn *conn, const char *text, int n)
{
    char sql[2048];

    snprintf(sql, sizeof sql, text, n, n);
    send(conn, sql, 0, NULL);
}

/* Up to the COMMIT with one Sync. */
static void queue_migration(PGconn *conn, int n)
{
    const struct inlay_migration *m =
        inlay_set_migration(&app_migrations, app_migrations.migration_count - 1);
    static const char *const resets[] = {"SET CONSTRAINTS ALL IMMEDIATE",
                                         "RESET SESSION AUTHORIZATION",
                                         "RESET ROLE",
                                         "RESET ALL",
                                         "UNLISTEN *",
                                         "CLOSE ALL",
                                         "DISCARD TEMP",
                                         "DISCARD SEQUENCES",
                                         "DEALLOCATE ALL"};
    char version[24], sql[1024];
    const char *const values[] = {version, m->name, m->sha256, "2"};

    snprintf(version, sizeof version, "%lld", (long long)m->version);
    queue(conn, "BEGIN", 0, NULL);
    snprintf(sql, sizeof sql,
             "INSERT INTO t%d.applied_migrations AS h (version, name, applied_at, checksum, batch)"
             " VALUES ($1, $2, now(), $3, $4) RETURNING h.xmin",
             n);
    queue(conn, sql, 4, values);
    queue(conn, "SET LOCAL lock_timeout = 200", 0, NULL);
    snprintf(sql, sizeof sql, "SET LOCAL search_path = t%d", n);
    queue(conn, sql, 0, NULL);
    queue(conn, m->body, 0, NULL);
    for (size_t i = 0; i < sizeof resets / sizeof resets[0]; i++)
        queue(conn, resets[i], 0, NULL);
    snprintf(sql, sizeof sql,
             "UPDATE ONLY t%d.applied_migrations SET elapsed_ms = extract(epoch FROM"
             " clock_timestamp() - now()) * 1000 WHERE version = $1 AND name = $2 AND checksum = $3"
             " AND batch = $4 AND xmin = pg_current_xact_id()::xid RETURNING elapsed_ms",
             n);
    queue(conn, sql, 4, values);
    send(conn, "COMMIT", 0, NULL);
}

static void migrate_the_same(PGconn *conn, int n)
{
    send_about(conn, "SELECT pg_try_advisory_lock(%d)", n);
    send_about(conn, rows, n);
    send_about(conn, state, n);
    hear(conn, 3);
    queue_migration(conn, n);
    send_about(conn, "SELECT pg_advisory_unlock(%d)", n);
    hear(conn, 2);
}

static int take_next(void)
{
    pthread_mutex_lock(&mutex);
    int taken = next < end ? next++ : -1;
    pthread_mutex_unlock(&mutex);
    return taken;
}

static void *work(void *unused)
{
    PGconn *conn = connect_to_server();

    if (same && (PQsetnonblocking(conn, 1) != 0 || !PQenterPipelineMode(conn)))
        fail(conn, "pipeline");
    for (int n = take_next(); n >= 0; n = take_next())
        same ? migrate_the_same(conn, n) : migrate(conn, n);
    PQfinish(conn);
    return unused;
}

static void loop(int jobs)
{
    pthread_t threads[64];

    for (int i = 0; i < jobs; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < jobs; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    next = atoi(argv[2]);
    end = next + atoi(argv[3]);
    locks = strcmp(argv[1], "lock") == 0;
    same = strcmp(argv[1], "same") == 0;
    if (same)
        look(next, end - next);
    if (strcmp(argv[1], "look") == 0)
        look(next, end - next);
    else
        loop(argc > 4 ? atoi(argv[4]) : 1);
    return 0;
}
