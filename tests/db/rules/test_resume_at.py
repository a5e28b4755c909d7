"""Saying where a no-transaction file goes on."""

from __future__ import annotations

import json

import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from outcomes import advisory_locks, check, migrate, tables, versions
from ways import ALONE, go, half_done, table, undone

A = table(1, "a")
STATEMENTS = [f"CREATE TABLE t{n} ();\n" for n in (1, 2, 3)]
FILES = {
    **A,
    "002_alone.up.sql": ALONE + "".join(STATEMENTS),
    "002_alone.down.sql": f"{ALONE}DROP TABLE t3;\nDROP TABLE t2;\nDROP TABLE t1;\n",
}
STOPS = {**FILES, "002_alone.up.sql": ALONE + STATEMENTS[0] + "SELECT wrong;\n" + STATEMENTS[2]}
STOPS_DOWN = {**FILES, "002_alone.down.sql": f"{ALONE}DROP TABLE t3;\nDROP TABLE wrong;\n"}


@pytest.mark.parametrize("statement, made", [(1, {2, 3}), (2, {2, 3}), (3, {3}), (4, set())])
def test_it_goes_on_there(
    app: AppFactory, database: Database, statement: int, made: set[int]
) -> None:
    migrate(app(STOPS))
    assert half_done(database) == [("2", 1)]
    program = app(FILES)
    database.execute("DROP TABLE t1")
    for _ in range(2):  # twice is as good as once
        told = program.run("--resume-at", f"2:{statement}")
        line = f"002_alone.up.sql: the next run continues after statement {statement - 1} of 3\n"
        assert (told.returncode, told.stdout, told.stderr) == (0, "", line)
        assert half_done(database) == [("2", statement - 1)] and advisory_locks(database) == 0
    assert tables(database) == {"a"} and check(program) == 3
    outcome = migrate(program)
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert tables(database) == {"a", *(f"t{n}" for n in made | ({1} if statement == 1 else set()))}
    assert half_done(database) == [] and versions(database) == [1, 2] and check(program) == 0


def test_a_file_that_was_not_begun(app: AppFactory, database: Database) -> None:
    """Somebody ran its beginning by hand; the tables are made where they are missing."""
    database.execute(*STATEMENTS[:2])
    program = app(FILES)
    assert program.run("--resume-at", "2:3").returncode == 0
    assert half_done(database) == [("2", 2)] and versions(database) == []
    assert migrate(program).applied == [1, 2] and tables(database) == {"a", "t1", "t2", "t3"}


def test_a_half_undone_file(app: AppFactory, database: Database) -> None:
    migrate(app(FILES))
    assert go(app(STOPS_DOWN), "down", "1").exit == 1
    program = app(FILES)
    database.execute("DROP TABLE t2")
    assert "half undone, 1 of 3" in program.run("--status").stdout
    told = program.run("--resume-at", "2:3")
    assert told.returncode == 0 and "002_alone.down.sql: the next run continues" in told.stderr
    assert "half undone, 2 of 3" in program.run("--status").stdout
    assert go(program, "down", "1").steps == undone(2)
    assert tables(database) == {"a"} and half_done(database) == []


REFUSED = {
    "7:1": (2, "argument", "version 7 is not in this binary"),
    "1:1": (2, "argument", "version 1 (a) runs in one transaction: as a whole or not at all"),
    "2:5": (
        2,
        "argument",
        "version 2 (alone) has 3 statements: continue with one of them, or with 4 if all are done",
    ),
    "2:9223372036854775807": (2, "argument", "version 2 (alone) has 3 statements"),
}


@pytest.mark.parametrize("place", REFUSED)
def test_what_it_refuses(app: AppFactory, database: Database, place: str) -> None:
    migrate(app({**STOPS, **table(3, "c")}))
    database.execute("DELETE FROM applied_migrations")
    before = database.rows("TABLE applied_migrations_state")
    way = go(app(FILES), "resume-at", place)
    assert (way.exit, way.code) == REFUSED[place][:2]
    assert way.error["message"].startswith(REFUSED[place][2])
    assert database.rows("TABLE applied_migrations_state") == before
    assert advisory_locks(database) == 0


def test_an_applied_file(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    migrate(program)
    way = go(program, "resume-at", "2:1")
    assert (way.exit, way.code) == (7, "refused") and half_done(database) == []
    assert way.error["message"] == "version 2 (alone) is applied: nothing of it is open"
    assert "--migrate-unmark 2" in way.error["hint"]
    assert go(program, "resume-at", "1:1").exit == 7


@pytest.mark.parametrize("place", ["2", "2:", ":2", "2:0", "2:x", "x:2", "2:2:2", "2:-1", "2: 1"])
def test_what_is_no_place(app: AppFactory, database: Database, place: str) -> None:
    said = app(FILES).run(f"--resume-at={place}")
    assert said.returncode == 2 and versions_or_none(database) is None
    assert said.stderr == (
        "error: --resume-at needs a version and the number of a statement, as in 3:4; see --help\n"
    )


def versions_or_none(database: Database) -> object:
    return database.value("SELECT to_regclass('applied_migrations')")


def test_as_a_document(app: AppFactory, database: Database) -> None:
    migrate(app(STOPS))
    document = json.loads(app(FILES).run("--resume-at", "2:3", "--json").stdout)
    assert (document["verb"], document["code"]) == ("resume-at", "ok")
    assert (document["version"], document["statement"]) == ("2", 3)


CALLER = """
#include <inlay-admin.h>
#include <stdio.h>
#include <stdlib.h>

extern const struct inlay_set app_migrations;

int main(int argc, char **argv)
{
    struct inlay_options options = {.size = sizeof options};
    struct inlay_error err;

    options.conninfo = getenv("INLAY_DATABASE_URL");
    int rc = inlay_resume_at(&app_migrations, &options, 2, strtoul(argv[argc - 1], NULL, 10), &err);

    printf("%s: %s", inlay_code_name(rc), err.message);
    return 0;
}
"""


def test_the_call(program: ProgramFactory, app: AppFactory, database: Database) -> None:
    migrate(app(STOPS))
    caller = program(CALLER, FILES)
    assert caller.run("0").stdout.startswith("argument: version 2 (alone) has 3 statements")
    assert half_done(database) == [("2", 1)]
    assert caller.run("4").stdout == "ok: " and half_done(database) == [("2", 3)]
