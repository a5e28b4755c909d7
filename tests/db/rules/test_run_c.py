"""Migrations written in C: one transaction like any other, whatever the function does."""

from __future__ import annotations

import subprocess
from typing import Callable

import pytest

from conftest import ProgramFactory
from harness.database import Database
from harness.program import Program
from outcomes import DRIVER, advisory_locks, backends, tables, versions, wait_until

FUNCTION = """#include <inlay-tx.h>

int app_migrations_up_2(struct inlay_tx *tx, struct inlay_error *err)
{
    int rc = INLAY_OK;
    %s
    return rc;
}
"""
FILES = {
    "001_table.sql": "CREATE TABLE t (a int, b text);\nINSERT INTO t VALUES (1, 'one'), (2, NULL);",
    "003_after.sql": "CREATE TABLE after AS SELECT current_setting('work_mem') AS m;",
}

Write = Callable[[str], Program]


@pytest.fixture
def driver(program: ProgramFactory) -> Write:
    """A driver whose second migration is a function with this body."""

    def write(body: str) -> Program:
        files = {**FILES, "002_function.c": FUNCTION % body}
        return program(DRIVER + '#include "migrations/002_function.c"\n', files)

    return write


def execute(sql: str) -> str:
    return f'rc = inlay_tx_execute(tx, "{sql}", 0, NULL, NULL, err);\n    '


def test_parameters_rows_and_counts(driver: Write, database: Database) -> None:
    body = """
    struct inlay_rows *rows;
    const char *const parameters[] = {"3", NULL};
    int64_t affected = -1;
    rc = inlay_tx_execute(tx, "INSERT INTO t VALUES ($1::int, $2), (4, 'four')", 2, parameters,
                          &affected, err);
    if (rc == INLAY_OK && affected != 2)
        return inlay_tx_fail(err, "not two");
    rc = inlay_tx_query(tx, "SELECT a, b FROM t ORDER BY a", 0, NULL, &rows, err);
    if (rc != INLAY_OK)
        return rc;
    if (inlay_rows_count(rows) != 4 || inlay_rows_value(rows, 2, 1) != NULL ||
        inlay_rows_value(rows, 4, 0) != NULL || inlay_rows_value(rows, 0, 2) != NULL)
        rc = inlay_tx_fail(err, "other rows");
    const char *const copied[] = {inlay_rows_value(rows, 3, 1)};
    if (rc == INLAY_OK)
        rc = inlay_tx_execute(tx, "UPDATE t SET b = $1 WHERE a = 1", 1, copied, &affected, err);
    inlay_rows_free(rows);"""
    result = driver(body).run("migrate")
    assert "migrate ok\nresult applied=3 skipped=0 batch=1\n" in result.stdout, result.stderr
    assert database.rows("SELECT b FROM t ORDER BY a") == [("four",), (None,), (None,), ("four",)]
    assert versions(database) == [1, 2, 3]
    assert driver(body).run("migrate", "check").stdout.endswith("check ok\n")


FAILING = {
    "a statement": (execute("INSERT INTO t VALUES (1 / 0)"), "division by zero [22012]"),
    "a statement, and it goes on": (
        execute("SELECT nothing") + execute("INSERT INTO t VALUES (9)") + "rc = INLAY_OK;",
        'column "nothing" does not exist [42703]',
    ),
    "by itself": ('return inlay_tx_fail(err, "the moon is full");', "the moon is full"),
    "by itself, without a text": (
        "return inlay_tx_fail(err, NULL);",
        "the migration failed, and did not say why",
    ),
    "a statement that is NULL": (
        "rc = inlay_tx_execute(tx, NULL, 0, NULL, NULL, err);",
        "the migration gave a statement that is NULL",
    ),
    "parameters that are NULL": (
        'rc = inlay_tx_query(tx, "SELECT $1", 1, NULL, NULL, err);',
        "the migration gave parameters in an array that is NULL",
    ),
    "without a word": ("rc = 42;", "the migration returned 42"),
    "a deferred constraint": (
        execute("ALTER TABLE t ADD UNIQUE (a) DEFERRABLE INITIALLY DEFERRED")
        + execute("INSERT INTO t VALUES (1)"),
        "duplicate key value violates unique constraint",
    ),
    "it rolls back": (
        execute("ROLLBACK") + execute("INSERT INTO t VALUES (9)"),
        "a statement of the migration ended its transaction",
    ),
    "it copies in": (execute("COPY t FROM STDIN"), "COPY from or to the client is not possible"),
    "it copies out": (execute("COPY t TO STDOUT"), "COPY from or to the client is not possible"),
}


@pytest.mark.parametrize("body, message", FAILING.values(), ids=FAILING.keys())
def test_a_function_that_fails(driver: Write, database: Database, body: str, message: str) -> None:
    result = driver(body).run("migrate")
    assert "migrate failed\n" in result.stdout
    place = ":6:5" if "inlay_tx_" in body and "deferred" not in body.lower() else ""
    assert f"migrations/002_function.c{place}: error: {message}" in result.stderr
    assert tables(database) == {"t"} and versions(database) == [1]
    assert database.rows("SELECT a FROM t ORDER BY a") == [(1,), (2,)]
    wait_until(lambda: advisory_locks(database) == 0)
    assert "migrate ok" in driver("rc = INLAY_OK;").run("migrate").stdout


def test_a_function_that_commits(driver: Write, database: Database) -> None:
    result = driver(execute("INSERT INTO t VALUES (9)") + execute("COMMIT")).run("migrate")
    assert "migrate failed\n" in result.stdout
    assert "002_function.c is PARTLY COMMITTED" in result.stderr
    assert versions(database) == [1] and tables(database) == {"t"}
    assert database.value("SELECT count(*) FROM t") == 3


def test_what_a_function_sets_is_reset(driver: Write, database: Database) -> None:
    assert "migrate ok" in driver(execute("SET work_mem = '7MB'")).run("migrate").stdout
    assert database.value("SELECT m FROM after") == "4MB"


def test_a_function_is_stopped_in_its_statement(driver: Write, database: Database) -> None:
    body = execute("INSERT INTO t VALUES (9)") + execute("SELECT pg_sleep(600)")
    process = driver(body).start("stop-on-input", "migrate", stdin=subprocess.PIPE)
    wait_until(lambda: backends(database, "query ~ 'pg_sleep' AND state = 'active'"))
    stdout, stderr = process.communicate("x", timeout=60)
    assert "migrate stopped\n" in stdout
    assert "002_function.c was rolled back" in stderr
    assert database.value("SELECT count(*) FROM t") == 2 and versions(database) == [1]


def test_a_function_on_a_connection_that_is_lost(driver: Write, database: Database) -> None:
    """It runs again, as a whole."""
    database.execute("CREATE SEQUENCE tries")
    body = execute("INSERT INTO t VALUES (9)")
    body += execute(
        "SELECT CASE nextval('tries') WHEN 1 THEN pg_terminate_backend(pg_backend_pid()) END"
    )
    result = driver(body).run("migrate")
    assert "migrate ok\n" in result.stdout, result.stderr
    assert database.value("SELECT count(*) FROM t WHERE a = 9") == 1
    assert database.value("SELECT last_value FROM tries") == 2


@pytest.mark.valgrind
def test_a_function_on_the_callers_connection(driver: Write, database: Database) -> None:
    body = execute("SET ROLE NONE") + execute("SET work_mem = '7MB'")
    result = driver(body).run("caller", "migrate", "state", "sql=SHOW work_mem")
    assert "state status=0 transaction=0 pipeline=0 nonblocking=0" in result.stdout
    assert result.stdout.endswith("sql 4MB\n")
