/* Two tests that would be in each other's way if they shared a database. */
#include "testdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct inlay_set notes_migrations;

static int counts(PGconn *conn, const char *wanted)
{
    PGresult *result = PQexec(conn, "SELECT count(*) FROM notes");
    int equal = PQntuples(result) == 1 && strcmp(PQgetvalue(result, 0, 0), wanted) == 0;

    PQclear(result);
    return equal;
}

static int starts_without_notes(PGconn *conn)
{
    return counts(conn, "0");
}

static int takes_notes(PGconn *conn)
{
    PQclear(PQexec(conn, "INSERT INTO notes (body) VALUES ('milk'), ('bread')"));
    return counts(conn, "2");
}

int main(void)
{
    static const struct {
        const char *name;
        int (*run)(PGconn *conn);
    } tests[] = {
        {"takes_notes", takes_notes},
        {"starts_without_notes", starts_without_notes},
    };
    struct testdb db;
    int failed = 0;

    testdb_open(&db, &notes_migrations);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        struct testdb_copy copy;
        testdb_create(&db, &copy);
        int passed = tests[i].run(copy.conn);
        testdb_drop(&db, &copy);
        printf("%s %s\n", passed ? "ok" : "FAILED", tests[i].name);
        failed += !passed;
    }
    testdb_close(&db);
    return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
