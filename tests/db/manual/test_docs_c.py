"""docs/c-interface.md: its blocks are compiled, and do what the page says."""

from __future__ import annotations

import signal

import pytest

import pages
from conftest import ProgramFactory
from harness.database import Database
from outcomes import backends, wait_until

PAGE = pages.load(pages.DOCS / "c-interface.md")
BLOCKS = PAGE.named("c")

FILES = {
    "001_create_people.sql": "CREATE TABLE people (id bigint PRIMARY KEY, name text);\n"
    "INSERT INTO people VALUES (1, 'ann'), (2, 'bob');\n",
}
SLOW = {
    "001_sleep.sql": "SELECT 1;\nDO $$ BEGIN RAISE NOTICE 'off'; END $$;\nSELECT pg_sleep(2);\n"
}

HEAD = """
#include <inlay-admin.h>
#include <inlay-cli.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
"""
# For the blocks that are called with options and return a code.
CALL = """
int main(void)
{
    struct inlay_options options = {.size = sizeof options};
    options.conninfo = getenv("INLAY_DATABASE_URL");
    struct inlay_error err = {0};
    (void)err;
    %s
}
"""


def source(*blocks: str, before: str = "", main: str = "") -> str:
    parts = [HEAD, BLOCKS["set"], before, *(BLOCKS[name] for name in blocks)]
    return "\n".join([*parts, CALL % main if main else ""])


def test_every_block_is_tested() -> None:
    assert {block.language for block in PAGE.blocks} == {"c"}
    assert set(BLOCKS) == {
        "set",
        "main",
        "serve",
        "options",
        "token",
        "act",
        "connection",
        "progress",
        "hooks",
        "stop",
        "status",
        "schema",
        "function",
    }


ACCEPT = """
static int accept_requests(int argc, char **argv)
{
    printf("serving %d %s\\n", argc, argv[1]);
    return 5;
}
"""


def test_a_whole_program(program: ProgramFactory, database: Database) -> None:
    server = program(source("serve", "main", before=ACCEPT), FILES)
    assert server.run("--migrate-check").returncode == 3
    result = server.run("--port", "--migrate-strict")
    assert (result.returncode, result.stdout) == (5, "serving 2 --port\n")
    assert server.run("--migrate-check").returncode == 0
    database.execute("UPDATE applied_migrations SET name = 'x'")
    result = server.run("--port")
    assert result.returncode == 1
    assert "version 1 was applied as" in result.stderr


def test_options(program: ProgramFactory) -> None:
    main = "return inlay_migrate(&app_migrations, &options, NULL, NULL) == INLAY_E_CONNECTION;"
    text = source() + "int main(void) {\n" + BLOCKS["options"] + main + "}"
    nowhere = {"PGHOST": "/nowhere"}
    assert program(text, FILES).run(url=None, env=nowhere).returncode == 1


VAULT = """
struct vault {
    const char *token;
    char conninfo[200];
};
static bool fetch_token(struct vault *vault)
{
    vault->token = getenv("TOKEN");
    return vault->token != NULL;
}
"""


def test_a_token(program: ProgramFactory, database: Database) -> None:
    main = (
        "struct vault vault = {NULL}; int rc = migrate_with_token(options, &vault, &err);"
        " fputs(err.message, stderr); return -rc;"
    )
    text = source("token", before=VAULT, main=main)
    sealed = program(text, FILES).run()
    assert (sealed.returncode, sealed.stderr) == (6, "the vault gives no token")
    where = f"host='{database.server.directory}' port={database.server.port}"
    where += f" dbname={database.name} user={database.role}"
    given = program(text.replace("host=db.internal user=app", where), FILES)
    assert given.run(env={"TOKEN": "short-lived"}).returncode == 0
    assert database.rows("SELECT version FROM applied_migrations") == [(1,)]


def test_what_to_do_with_an_error(program: ProgramFactory, database: Database) -> None:
    waiting = program(source("act", main="return migrate(&options, &err);"), FILES)
    assert waiting.run(url="postgresql:///x?host=/nowhere").returncode == 1
    missing = database.url.replace(database.name, "no_such_database")
    assert waiting.run(url=missing).returncode == 2
    assert waiting.run().returncode == 0
    database.execute("UPDATE applied_migrations SET name = 'x'")
    assert waiting.run().returncode == 2


def test_a_lock_that_is_not_given_passes(program: ProgramFactory, database: Database) -> None:
    """An error of the file does not."""
    main = "options.retry_ms = INLAY_NO_WAIT;\n    return migrate(&options, &err);"
    locked = {**FILES, "002_age.sql": "-- inlay: lock_timeout=100ms\nALTER TABLE people ADD a int;"}
    assert program(source("act", main=main), FILES).run().returncode == 0
    with database.connect() as reader:
        reader.execute("SELECT FROM people")
        assert program(source("act", main=main), locked).run().returncode == 1
    wrong = {**FILES, "002_age.sql": "ALTER TABLE persons ADD a int;"}
    assert program(source("act", main=main), wrong).run().returncode == 2


CONNECTION = """
    PGconn *conn = PQconnectdb(getenv("INLAY_DATABASE_URL"));
    PQclear(PQexec(conn, "PREPARE one AS SELECT 1"));
    PQclear(PQexec(conn, "SET work_mem = '1MB'"));
    for (int i = 0; i < 2; i++) {
        int rc = migrate_on(conn, &err);
        PGresult *mem = PQexec(conn, "SHOW work_mem");
        PGresult *one = PQexec(conn, "EXECUTE one");
        printf("%d %d %s %s\\n", rc, PQtransactionStatus(conn) == PQTRANS_IDLE,
               PQgetvalue(mem, 0, 0), PQresStatus(PQresultStatus(one)));
        PQclear(mem);
        PQclear(one);
        PQclear(PQexec(conn, "PREPARE one AS SELECT 1"));
        PQclear(PQexec(conn, "SET work_mem = '1MB'"));
    }
    PQfinish(conn);
"""


def test_a_connection_of_ones_own(program: ProgramFactory) -> None:
    result = program(source("connection", main=CONNECTION), FILES).run()
    after_a_run, with_nothing_pending = result.stdout.splitlines()
    assert after_a_run == "0 1 4MB PGRES_FATAL_ERROR"
    assert with_nothing_pending == "0 1 1MB PGRES_TUPLES_OK"


def test_progress(program: ProgramFactory) -> None:
    loud = program(source("progress", main="return -migrate_aloud(options, &err);"), SLOW)
    result = loud.run()
    assert result.returncode == 0
    lines = result.stderr.splitlines()
    assert "1 of 1: sleep, statement 3 of 3" in lines
    assert lines[-1].startswith("1 of 1: sleep, done after 2")
    assert "001_sleep.sql: NOTICE: off" in lines


SCHEMA = "-- inlay schema 1, PostgreSQL {}\n\ntable public.gone\n    id bigint\n"


def test_drift(program: ProgramFactory, database: Database) -> None:
    major = int(database.value("SHOW server_version_num")) // 10000
    if major < 15:  # what the server began with
        database.admin("GRANT CREATE ON SCHEMA public TO PUBLIC")
    main = (
        "if (inlay_migrate(&app_migrations, &options, NULL, &err) != INLAY_OK) return 1;\n"
        "return -report_drift(&options, &err);"
    )
    made = program(
        source("schema", main=main),
        {**FILES, "SCHEMA": SCHEMA.format(major)},
        embed=["--schema", "migrations/SCHEMA"],
    )
    result = made.run()
    assert result.returncode == 0
    assert result.stderr.splitlines() == [
        "drift: table public.gone",
        "drift: table public.people",
        "drift: table public.people constraint people_pkey",
    ]


DISK = "struct disk { unsigned free_mb; };"
CARE = """
    struct disk disk = {.free_mb = %d};
    int rc = migrate_with_care(options, &disk, &err);
    fputs(err.message, stderr);
    return -rc;
"""


@pytest.mark.parametrize(
    "free, applied, message",
    [(100, 0, "less than 100 MB are left for each migration"), (1000, 2, "")],
)
def test_asking_the_host(
    program: ProgramFactory, database: Database, free: int, applied: int, message: str
) -> None:
    files = {**FILES, "002_long.sql": "SELECT 1;" * 4}
    cautious = program(source("hooks", before=DISK, main=CARE % free), files)
    result = cautious.run()
    assert (result.returncode, result.stderr) == (7 if message else 0, message)
    if applied:
        assert database.value("SELECT count(*) FROM applied_migrations") == applied


COPY_FIRST = """
static int copy_first(void *user, const struct inlay_event *event, struct inlay_error *err)
{
    char *arguments[] = {"pg_dump", "--no-password", "--format=custom", "--file=before.dump", NULL};
    pid_t child = fork();
    int status = -1;

    (void)user;
    if (child == 0) {
        execve("/usr/bin/pg_dump", arguments, (char **)event->target->environment);
        _exit(127);
    }
    waitpid(child, &status, 0);
    return status == 0 ? INLAY_OK : inlay_refuse(err, "there is no copy");
}

static int migrate_with_a_copy(struct inlay_options options, struct inlay_error *err)
{
    options.before_run = copy_first;
    return inlay_migrate(&app_migrations, &options, NULL, err);
}
"""


@pytest.mark.pg_dump
def test_before_a_run(program: ProgramFactory, database: Database) -> None:
    copied = "return -migrate_with_a_copy(options, &err);"
    where = database.server.program("pg_dump")
    text = source(before=COPY_FIRST, main=copied).replace("/usr/bin/pg_dump", where)
    made = program(text, FILES)
    file = made._home / "before.dump"
    assert made.run().returncode == 0
    assert file.read_bytes().startswith(b"PGDMP")
    file.unlink()
    database.execute("DROP TABLE people", "DELETE FROM applied_migrations")
    refusing = program(text.replace(where, "/nowhere"), FILES)
    assert refusing.run().returncode == 7  # INLAY_E_REFUSED
    assert database.value("SELECT to_regclass('people') IS NULL")


def test_stopping(program: ProgramFactory, database: Database) -> None:
    files = {"001_sleep.sql": "CREATE TABLE t ();\nSELECT pg_sleep(60);\n"}
    stopped = program(source("stop", main="return -migrate_until_told(options, &err);"), files)
    process = stopped.start()
    wait_until(lambda: backends(database, "query LIKE '%%pg_sleep%%' AND state = 'active'"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 9  # INLAY_E_STOPPED
    assert database.value("SELECT to_regclass('t') IS NULL")


IN_THREAD = """
struct boot {
    const struct inlay_options *options;
    int rc;
    struct inlay_error err;
};

static void *migrate_in_thread(void *context)
{
    struct boot *boot = context;

    boot->rc = inlay_migrate(&app_migrations, boot->options, NULL, &boot->err);
    return NULL;
}
"""
THREAD = """
    struct boot boots[2] = {{.options = &options}, {.options = &options}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, migrate_in_thread, &boots[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return boots[0].rc != INLAY_OK || boots[1].rc != INLAY_OK;
"""


def test_threads(program: ProgramFactory, database: Database) -> None:
    assert program(source(before=IN_THREAD, main=THREAD), FILES).run().returncode == 0
    assert database.value("SELECT count(*) FROM people") == 2


def test_status(program: ProgramFactory) -> None:
    result = program(source("status", main="print_pending(&options);"), FILES).run()
    assert result.stdout == "1 create_people\n"


CHANGES = """
    if (inlay_baseline(&app_migrations, &options, 2, &err) != INLAY_OK)
        return 1;
    if (inlay_unmark(&app_migrations, &options, 2, &err) != INLAY_OK)
        return 2;
    if (inlay_mark(&app_migrations, &options, 3, &err) != INLAY_OK)
        return 3;
    return inlay_accept(&app_migrations, &options, 1, &err);
"""


def test_changing_the_history(program: ProgramFactory, database: Database) -> None:
    """As by hand, and no migration runs."""
    files = {f"00{n}_{name}.sql": "SELECT 1 / 0;\n" for n, name in ((1, "a"), (2, "b"), (3, "c"))}
    assert program(source(main=CHANGES), files).run().returncode == 0
    rows = database.rows("SELECT version, checksum IS NULL FROM applied_migrations ORDER BY 1")
    assert rows == [(1, False), (3, True)]


SPELL = """
static int spell(const char *name, char *spelled, size_t size)
{
    return snprintf(spelled, size, "%c-%s", name[0], name + 1) < (int)size && name[0] != '?';
}
#include "migrations/002_spell_names.c"
"""
MIGRATE = """
    int rc = inlay_migrate(&app_migrations, &options, NULL, &err);
    fputs(err.message, stderr);
    return -rc;
"""


@pytest.mark.parametrize("name", ["bob", "?"])
def test_a_migration_in_c(program: ProgramFactory, database: Database, name: str) -> None:
    people = FILES["001_create_people.sql"].replace("bob", name)
    files = {"001_create_people.sql": people, "002_spell_names.c": BLOCKS["function"]}
    result = program(source(before=SPELL, main=MIGRATE), files).run()
    names = [row[0] for row in database.rows("SELECT name FROM people ORDER BY id")]
    if name == "?":
        assert (result.returncode, result.stderr) == (1, "a name that cannot be spelled")
        assert names == ["ann", "?"]
    else:
        assert result.returncode == 0, result.stderr
        assert names == ["a-nn", "b-ob"]
