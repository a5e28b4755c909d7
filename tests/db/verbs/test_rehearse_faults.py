"""A rehearsal that meets locks, ends early, or is ended; and the call in C."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import Callable

import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.program import Program
from harness.relay import UP, Relay
from outcomes import DRIVER, advisory_locks, backends, end_orphans, lock_key, migrate, numbered
from outcomes import tables, versions, wait_until
from rehearsals import ALONE, BASE, UNCHANGED, ran, rehearsal_of, rehearse, sleeping


# ---- locks ----


def test_another_process_migrates(app: AppFactory, database: Database) -> None:
    with database.connect(autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_key()])
        result = rehearse(app(BASE), "--lock-wait", "0")
        assert (result.exit, result.code) == (5, "locked")


def test_a_run_waits_for_a_rehearsal(app: AppFactory, database: Database) -> None:
    program = app({**BASE, "002_sleep.sql": "SELECT pg_sleep(2);\n"})
    process = program.start("--rehearse")
    wait_until(lambda: sleeping(database))
    assert migrate(program, "--lock-wait", "0").exit == 5
    assert process.wait(30) == 0
    assert migrate(program).applied == [1, 2]


def test_a_lock_that_is_not_given(app: AppFactory, database: Database) -> None:
    """Once is enough, for others wait behind it; who holds the lock is named."""
    migrate(app(BASE))
    program = app({**BASE, "002_alter.sql": "ALTER TABLE base ADD y integer;\n"})
    with database.connect(application_name="holder") as other:
        other.execute("SELECT * FROM base")
        began = time.monotonic()
        result = rehearse(program, "--set", "lock_timeout=300ms")
    assert time.monotonic() - began < 30
    assert (result.exit, result.error["sqlstate"]) == (5, "55P03")
    assert "holder" in result.error["detail"] and "on public.base" in result.error["detail"]
    assert result.error["hint"] == (
        "a run would try again; rehearse at a quieter time, or on a copy"
    )
    assert result.error["outcome"] == UNCHANGED


def test_a_statement_that_takes_too_long(app: AppFactory, database: Database) -> None:
    body = "-- inlay: statement_timeout=200ms\nSELECT pg_sleep(60);\n"
    result = rehearse(app({**BASE, "002_slow.sql": body}))
    assert (result.exit, result.error["sqlstate"]) == (1, "57014")
    assert "the file's statement_timeout of 200ms ended this" in result.error["hint"]


# ---- what ends the transaction ----

IN_C = """
#include <inlay-cli.h>
extern const struct inlay_set app_migrations;
int app_migrations_up_2(struct inlay_tx *tx, struct inlay_error *err)
{
    int rc = inlay_tx_execute(tx, "CREATE TABLE c (x integer)", 0, NULL, NULL, err);
    if (rc == INLAY_OK)
        rc = inlay_tx_execute(tx, "%s", 0, NULL, NULL, err);
    return rc;
}
int main(int argc, char **argv)
{
    return inlay_main(argc, argv, &app_migrations);
}
"""
C_FILE = {"002_in_c.c": "int app_migrations_up_2(struct inlay_tx *tx, struct inlay_error *err);\n"}
AFTER = {"003_after.sql": "INSERT INTO c SELECT x FROM base;\n"}

Write = Callable[[str], Program]


@pytest.fixture
def in_c(program: ProgramFactory) -> Write:
    """A program whose second migration is a function that sends this statement."""
    return lambda statement: program(IN_C % statement, {**BASE, **C_FILE, **AFTER})


def test_a_migration_in_c(in_c: Write, database: Database) -> None:
    result = rehearse(in_c("INSERT INTO c SELECT x FROM base"))
    assert (result.exit, result.steps) == (0, ran(1, 2, 3)), result.stderr
    assert tables(database) == set()
    result = rehearse(in_c("INSERT INTO nowhere VALUES (1)"))
    assert (result.exit, result.error["sqlstate"]) == (1, "42P01")
    assert result.error["path"] == "migrations/002_in_c.c"
    assert result.error["outcome"] == UNCHANGED


@pytest.mark.parametrize("statement", ["COMMIT", "COMMIT AND CHAIN"])
def test_a_migration_in_c_that_commits(in_c: Write, database: Database, statement: str) -> None:
    result = rehearse(in_c(statement))
    assert (result.exit, result.steps) == (1, [("1", "rehearsed"), ("2", "failed")])
    assert result.error["outcome"] == (
        "002_in_c.c is PARTLY COMMITTED: it ended the transaction of the rehearsal, so what it did"
        " before that is permanent, and the migrations before it are applied; its own row was"
        " taken back"
    )
    assert tables(database) == {"base", "c"} and versions(database) == [1]
    assert advisory_locks(database) == 0


def test_a_migration_in_c_that_rolls_back(in_c: Write, database: Database) -> None:
    result = rehearse(in_c("ROLLBACK"))
    assert (result.exit, result.error["outcome"]) == (1, UNCHANGED)
    assert result.error["message"] == "a statement of the migration ended its transaction"
    assert tables(database) == set()


ENDS = ["COMMIT;\nCREATE TABLE more ();\n", "COMMIT;\nBEGIN;\nCREATE TABLE more ();\n"]


@pytest.mark.parametrize("end", ENDS)
def test_a_file_that_commits(app: AppFactory, database: Database, end: str) -> None:
    """The generator refuses it."""
    body = {"002_ends.sql": f"CREATE TABLE c ();\n{end}"}
    result = rehearse(app({**BASE, **body}, allow_bad=True))
    assert result.exit == 1 and "is PARTLY COMMITTED" in result.error["outcome"]
    assert result.error["message"].startswith("the migration ended its own transaction")
    assert versions(database) == [1] and {"base", "c"} <= tables(database)


def test_a_file_that_rolls_back(app: AppFactory, database: Database) -> None:
    body = {"002_ends.sql": "CREATE TABLE c ();\nROLLBACK;\n"}
    result = rehearse(app({**BASE, **body}, allow_bad=True))
    assert (result.exit, result.error["outcome"]) == (1, UNCHANGED)
    assert result.error["message"].startswith("the migration ended its own transaction")
    assert tables(database) == set()


def test_a_procedure_that_commits(app: AppFactory, database: Database) -> None:
    body = "DO $$ BEGIN CREATE TABLE c (); COMMIT; END $$;\n"
    result = rehearse(app({**BASE, "002_do.sql": body}))
    assert (result.exit, result.error["sqlstate"]) == (1, "2D000")
    assert tables(database) == set() and result.error["outcome"] == UNCHANGED


def test_savepoints_of_a_body(app: AppFactory) -> None:
    body = "SAVEPOINT a;\nCREATE TABLE c ();\nROLLBACK TO SAVEPOINT a;\nCREATE TABLE c ();\n"
    assert rehearse(app({**BASE, "002_save.sql": body})).steps == ran(1, 2)


# ---- interrupted ----


def test_stopped(app: AppFactory, database: Database) -> None:
    program = app({**BASE, "002_sleep.sql": "SELECT pg_sleep(600);\n"})
    process = program.start("--rehearse", "--json")
    wait_until(lambda: sleeping(database))
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    result = rehearsal_of(
        subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
    )
    assert (result.exit, result.code) == (130, "stopped")
    assert result.error["outcome"] == UNCHANGED
    assert tables(database) == set() and advisory_locks(database) == 0


def test_killed(app: AppFactory, database: Database) -> None:
    program = app({**BASE, "002_sleep.sql": "SELECT pg_sleep(600);\n"})
    process = program.start("--rehearse")
    wait_until(lambda: sleeping(database))
    process.kill()
    process.wait(30)
    end_orphans(database)
    wait_until(lambda: backends(database) == 0)
    assert tables(database) == set() and advisory_locks(database) == 0


def test_a_lost_connection_is_final(app: AppFactory, database: Database) -> None:
    """Whatever ends the server's process, a rehearsal is not the one to try that again."""
    body = "SELECT pg_terminate_backend(pg_backend_pid());\n"
    result = rehearse(app({**BASE, "002_ends.sql": body}))
    assert (result.exit, result.code) == (6, "lost")
    assert result.error["outcome"] == UNCHANGED
    assert result.steps == [("1", "rehearsed"), ("2", "failed")]
    assert tables(database) == set()


# ---- the call in C ----


def driven(program: Program, *words: str) -> list[str]:
    result = program.run(*words)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_the_callers_connection(program: ProgramFactory, database: Database) -> None:
    body = "SET work_mem = '7MB';\nPREPARE p AS SELECT 1;\nLISTEN news;\nCREATE TABLE two ();\n"
    driver = program(DRIVER, {**BASE, "002_two.sql": body})
    for files in ("rehearse", "nonblocking"):
        words = ["caller", *([files] if files != "rehearse" else []), "state", "rehearse", "state"]
        lines = driven(driver, *words, "sql=SHOW work_mem", "sql=PREPARE p AS SELECT 1")
        states = [line for line in lines if line.startswith("state ")]
        assert states[0] == states[1] and "transaction=0 pipeline=0" in states[0]
        assert "result rehearsed=2 unrehearsed=0" in lines
        assert lines[-2:] == ["sql 4MB", "sql PGRES_COMMAND_OK"]
    assert tables(database) == set() and advisory_locks(database) == 0


def test_the_callers_connection_after_a_failure(
    program: ProgramFactory, database: Database
) -> None:
    driver = program(DRIVER, {**BASE, "002_bad.sql": "SET work_mem = '7MB';\nSELECT nothing;\n"})
    lines = driven(driver, "caller", "rehearse", "state", "sql=SHOW work_mem")
    assert "rehearse failed" in lines and "result rehearsed=99 unrehearsed=0" in lines
    assert "state status=0 transaction=0 pipeline=0" in lines[-2]
    assert lines[-1] == "sql 4MB"
    assert tables(database) == set() and advisory_locks(database) == 0


def test_the_events(program: ProgramFactory) -> None:
    index = {"002_index.sql": f"{ALONE}CREATE INDEX CONCURRENTLY i ON base (x);\n"}
    files = {**BASE, **index, "003_three.sql": "ALTER TABLE base ADD y integer;\n"}
    lines = driven(program(DRIVER, files), "rehearse", "rehearse")
    events = [line.split()[1:4] for line in lines if line.startswith("event ")]
    events = [event for event in events if event[0] != "progress"]
    once = [
        ["begin", "-1", "0/3"],
        ["started", "1", "1/3"],
        ["rehearsed", "1", "1/3"],
        ["unrehearsed", "2", "2/3"],
        ["started", "3", "3/3"],
        ["rehearsed", "3", "3/3"],
        ["end", "-1", "3/3"],
    ]
    assert events == once * 2


def test_the_host_is_not_asked(program: ProgramFactory) -> None:
    source = """
#include <inlay-tx.h>
#include <stdio.h>
#include <stdlib.h>
extern const struct inlay_set app_migrations;
static int refuse(void *user, const struct inlay_event *event, struct inlay_error *err)
{
    (void)user;
    (void)event;
    return inlay_refuse(err, "no");
}
int main(void)
{
    struct inlay_options options = {.size = sizeof options};
    options.conninfo = getenv("INLAY_DATABASE_URL");
    options.before_run = refuse;
    options.before_migration = refuse;
    printf("%d %d\\n", inlay_rehearse(&app_migrations, &options, NULL, NULL, NULL),
           inlay_migrate(&app_migrations, &options, NULL, NULL));
    return 0;
}
"""
    assert program(source, BASE).run().stdout == "0 -7\n"


def test_many_and_large(app: AppFactory, database: Database) -> None:
    """Many statements, and long ones."""
    large = "SELECT length('" + "x" * 700_000 + "');\n"
    files = {"0001_large.sql": large * 5, **dict(numbered(40, "CREATE TABLE t{n} ();", "t"))}
    del files["0001_t.sql"]
    files["0099_many.sql"] = "SELECT 1;\n" * 500
    result = rehearse(app(files))
    assert (result.exit, len(result.steps)) == (0, 41), result.stderr[-500:]
    assert tables(database) == set()


@pytest.mark.parametrize("needle", [b"INSERT INTO base", b"RELEASE", b"ROLLBACK"])
def test_a_cut_connection(app: AppFactory, database: Database, relay: Relay, needle: bytes) -> None:
    """Nothing is committed, so nothing is unknown; not without an answer to ROLLBACK either."""
    relay.at(UP, needle, relay.cut)
    result = rehearse(app(BASE), url=relay.url(database.url))
    assert (result.exit, result.code) == ((0, "ok") if needle == b"ROLLBACK" else (6, "lost"))
    assert result.error.get("outcome", UNCHANGED) == UNCHANGED
    end_orphans(database)
    wait_until(lambda: backends(database) == 0)
    assert tables(database) == set()
