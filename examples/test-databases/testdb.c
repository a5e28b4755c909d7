#include "testdb.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All databases of ours begin with it. */
#define PREFIX "notes_test_"

static void die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

/* Runs a statement; *value, where it is wanted, receives the first value or "". */
static void ask(PGconn *conn, char *value, size_t size, const char *format, ...)
{
    char sql[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sql, sizeof sql, format, arguments);
    va_end(arguments);
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        die(sql, PQerrorMessage(conn));
    if (value != NULL)
        snprintf(value, size, "%s", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
}

/* TEST_DATABASE_URL with another database. */
static PGconn *connect_to(const struct testdb *db, const char *name)
{
    const char *const keywords[] = {"dbname", name != NULL ? "dbname" : NULL, NULL};
    const char *const values[] = {db->url, name, NULL};
    PGconn *conn = PQconnectdbParams(keywords, values, 1);

    if (PQstatus(conn) != CONNECTION_OK)
        die("cannot connect", PQerrorMessage(conn));
    return conn;
}

/* ---- locks: who has one on a name needs the database of that name ---- */

#define KEY "hashtextextended('%s', 0)"

static int try_lock(struct testdb *db, const char *name)
{
    char locked[8];

    ask(db->conn, locked, sizeof locked, "SELECT pg_try_advisory_lock(" KEY ")", name);
    return locked[0] == 't';
}

static void unlock(struct testdb *db, const char *name)
{
    ask(db->conn, NULL, 0, "SELECT pg_advisory_unlock(" KEY ")", name);
}

/* ---- the template ---- */

/* It counts only when it is finished: a process may have been killed while it made one. */
static int is_ready(struct testdb *db)
{
    char ready[8];

    ask(db->conn, ready, sizeof ready, "SELECT datistemplate FROM pg_database WHERE datname = '%s'",
        db->template_name);
    return ready[0] == 't';
}

static void make_template(struct testdb *db, const struct inlay_set *set)
{
    ask(db->conn, NULL, 0, "DROP DATABASE IF EXISTS %s WITH (FORCE)", db->template_name);
    ask(db->conn, NULL, 0, "CREATE DATABASE %s", db->template_name);

    struct inlay_error err;
    PGconn *conn = connect_to(db, db->template_name);
    const struct inlay_options options = {.size = sizeof options, .connection = conn};
    if (inlay_migrate(set, &options, NULL, &err) != INLAY_OK) {
        char text[INLAY_ERROR_TEXT_MAX];
        inlay_error_format(&err, text, sizeof text);
        die("the template cannot be made", text);
    }
    PQfinish(conn);
    /* Nobody connects to it any more: CREATE DATABASE would have to wait for them. */
    ask(db->conn, NULL, 0, "ALTER DATABASE %s WITH ALLOW_CONNECTIONS false IS_TEMPLATE true",
        db->template_name);
}

/* A shared lock as long as we live keeps others from dropping it; who makes it is alone. */
static void see_to_template(struct testdb *db, const struct inlay_set *set)
{
    for (;;) {
        ask(db->conn, NULL, 0, "SELECT pg_advisory_lock_shared(" KEY ")", db->template_name);
        if (is_ready(db))
            return;
        ask(db->conn, NULL, 0, "SELECT pg_advisory_unlock_shared(" KEY ")", db->template_name);
        ask(db->conn, NULL, 0, "SELECT pg_advisory_lock(" KEY ")", db->template_name);
        if (!is_ready(db))
            make_template(db, set);
        unlock(db, db->template_name);
    }
}

/* Templates of other migrations, and what killed tests have left: all that nobody has a lock on. */
static void sweep(struct testdb *db)
{
    PGresult *names = PQexec(db->conn, "SELECT datname FROM pg_database"
                                       " WHERE starts_with(datname, '" PREFIX "')");

    for (int i = 0; i < PQntuples(names); i++) {
        const char *name = PQgetvalue(names, i, 0);
        char there[8];
        if (strcmp(name, db->template_name) == 0 || !try_lock(db, name))
            continue;
        /* Another process may have swept it meanwhile. */
        ask(db->conn, there, sizeof there, "SELECT 1 FROM pg_database WHERE datname = '%s'", name);
        if (there[0] != '\0') {
            ask(db->conn, NULL, 0, "ALTER DATABASE %s WITH IS_TEMPLATE false", name);
            ask(db->conn, NULL, 0, "DROP DATABASE %s WITH (FORCE)", name);
        }
        unlock(db, name);
    }
    PQclear(names);
}

void testdb_open(struct testdb *db, const struct inlay_set *set)
{
    *db = (struct testdb){.url = getenv("TEST_DATABASE_URL")};
    if (db->url == NULL)
        die("TEST_DATABASE_URL", "not set");
    snprintf(db->template_name, sizeof db->template_name, PREFIX "%.16s", set->digest);
    db->conn = connect_to(db, NULL);
    ask(db->conn, NULL, 0, "SET client_min_messages = warning");
    see_to_template(db, set);
    sweep(db);
}

void testdb_close(struct testdb *db)
{
    PQfinish(db->conn);
}

/* ---- the copies ---- */

void testdb_create(struct testdb *db, struct testdb_copy *copy)
{
    /* The server's number of our session: unique also among containers. */
    snprintf(copy->name, sizeof copy->name, PREFIX "%d_%d", PQbackendPID(db->conn), ++db->count);
    if (!try_lock(db, copy->name))
        die(copy->name, "somebody else has it");
    ask(db->conn, NULL, 0, "DROP DATABASE IF EXISTS %s WITH (FORCE)", copy->name);
    ask(db->conn, NULL, 0, "CREATE DATABASE %s TEMPLATE %s", copy->name, db->template_name);
    copy->conn = connect_to(db, copy->name);
}

void testdb_drop(struct testdb *db, struct testdb_copy *copy)
{
    PQfinish(copy->conn);
    ask(db->conn, NULL, 0, "DROP DATABASE %s WITH (FORCE)", copy->name);
    unlock(db, copy->name);
}
