/* The limit to measure against: what a hand-written libpq pipeline needs for the same migrations
 * and the same rows, without anything that makes it safe.
 *
 * usage: pipeline apply    applies the whole set, one Sync at the end
 *        pipeline connect  connects and asks one question, as every boot must
 *
 * The database is $INLAY_DATABASE_URL. */
#include <inlay.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct inlay_set app_migrations;

static void fail(PGconn *conn, const char *what)
{
    fprintf(stderr, "pipeline: %s: %s", what, PQerrorMessage(conn));
    exit(1);
}

static void send(PGconn *conn, const char *sql, int count, const char *const *values)
{
    if (!PQsendQueryParams(conn, sql, count, NULL, values, NULL, NULL, 0))
        fail(conn, "send");
}

static void send_statement(PGconn *conn, const struct inlay_script *script,
                           const struct inlay_statement *statement)
{
    char *sql = strndup(script->text + statement->offset, statement->length);

    send(conn, sql, 0, NULL);
    free(sql);
}

static void send_migration(PGconn *conn, const struct inlay_migration *migration)
{
    char version[24];
    const char *const row[] = {version, migration->name, migration->sha256};

    snprintf(version, sizeof version, "%lld", (long long)migration->version);
    send(conn, "BEGIN", 0, NULL);
    for (size_t i = 0; i < migration->up.statement_count; i++)
        send_statement(conn, &migration->up, &migration->up.statements[i]);
    send(conn, "INSERT INTO applied_migrations (version, name, checksum) VALUES ($1, $2, $3)", 3,
         row);
    send(conn, "COMMIT", 0, NULL);
}

/* Waits until the server takes or gives something; takes what it gives. False after the Sync. */
static bool move(PGconn *conn)
{
    int left = PQflush(conn);
    struct pollfd fd = {.fd = PQsocket(conn), .events = POLLIN};

    if (left > 0)
        fd.events |= POLLOUT;
    poll(&fd, 1, -1);
    if ((fd.revents & POLLIN) != 0 && !PQconsumeInput(conn))
        fail(conn, "receive");
    while (!PQisBusy(conn)) {
        PGresult *result = PQgetResult(conn);
        ExecStatusType status = PQresultStatus(result);
        if (result != NULL && status == PGRES_FATAL_ERROR) {
            fprintf(stderr, "pipeline: %s", PQresultErrorMessage(result));
            exit(1);
        }
        PQclear(result);
        if (status == PGRES_PIPELINE_SYNC)
            return false;
    }
    return true;
}

static void apply(PGconn *conn)
{
    PQclear(PQexec(conn, "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text,"
                         " applied_at timestamptz DEFAULT now(), checksum text)"));
    PQenterPipelineMode(conn);
    PQsetnonblocking(conn, 1);
    for (size_t i = 0; i < app_migrations.migration_count; i++) {
        send_migration(conn, &app_migrations.migrations[i]);
        PQflush(conn);
    }
    PQpipelineSync(conn);
    while (move(conn))
        continue;
}

int main(int argc, char **argv)
{
    PGconn *conn = PQconnectdb(getenv("INLAY_DATABASE_URL"));

    if (PQstatus(conn) != CONNECTION_OK)
        fail(conn, "connect");
    if (argc > 1 && strcmp(argv[1], "apply") == 0)
        apply(conn);
    else
        PQclear(PQexec(conn, "SELECT 1"));
    PQfinish(conn);
    return 0;
}
