/* A database of its own for each test, as the migrations make it. The first process that wants one
 * migrates a template, which is named after the set's digest, so an edit of the migrations makes
 * another; every test then gets a copy. Any number of test processes may run at once. */
#ifndef TESTDB_H
#define TESTDB_H

#include <inlay.h>
#include <libpq-fe.h>

struct testdb {
    const char *url;
    PGconn *conn; /* to the server's database of TEST_DATABASE_URL; its locks are ours */
    char template_name[64];
    int count;
};

/* One test's database. */
struct testdb_copy {
    char name[64];
    PGconn *conn;
};

/* Connects to $TEST_DATABASE_URL, whose role must be allowed to create databases, sees to the
 * template, and drops what nobody needs any more. Ends the program where it cannot. */
void testdb_open(struct testdb *db, const struct inlay_set *set);
void testdb_close(struct testdb *db);

/* Makes a copy and connects to it. */
void testdb_create(struct testdb *db, struct testdb_copy *copy);
void testdb_drop(struct testdb *db, struct testdb_copy *copy);

#endif
