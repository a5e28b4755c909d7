"""The daily loop of writing a migration, and accepting what was edited."""

from __future__ import annotations

import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import check, migrate, tables, versions
from ways import ALONE, applied, go, schema, table, undone

A = table(1, "a")


def draft(column: str) -> dict[str, str]:
    return {
        **A,
        "002_draft.up.sql": f"CREATE TABLE draft ({column} integer);\n",
        "002_draft.down.sql": "DROP TABLE draft;\n",
    }


def columns(database: Database) -> list[str]:
    query = "SELECT attname FROM pg_attribute WHERE attrelid = 'draft'::regclass AND attnum > 0"
    return [name for name, in database.rows(query)]


def test_editing_and_redoing_ten_times(app: AppFactory, database: Database) -> None:
    migrate(app(draft("c0")))
    for number in range(1, 11):
        program = app(draft(f"c{number}"))
        refused = migrate(program)
        assert refused.exit == 4
        assert str(refused.error["hint"]).startswith(
            "--migrate-redo undoes it and applies it as it is now; or put the file back"
        )
        way = go(program, "redo")
        assert (way.exit, way.steps) == (0, [*undone(2), *applied(2)])
        assert columns(database) == [f"c{number}"]
        assert versions(database) == [1, 2] and check(program) == 0
    assert migrate(app(draft("c10"))).applied == []


def test_a_draft_that_was_deployed_in_between(app: AppFactory, database: Database) -> None:
    """Something newer is applied: to redo would undo that. Not named, and not what it does."""
    migrate(app({**draft("c0"), **table(3, "c")}))
    program = app({**draft("c1"), **table(3, "c")})
    refused = migrate(program)
    assert refused.exit == 4 and "redo" not in refused.error["hint"]
    assert go(program, "redo").steps == [*undone(3), *applied(3)]
    assert columns(database) == ["c0"]


@pytest.mark.pg_dump
def test_accept(app: AppFactory, database: Database) -> None:
    migrate(app(draft("c0")))
    program = app(draft("c1"))
    assert "--migrate-accept 2, or" in migrate(program).error["hint"]
    database.execute("ALTER TABLE draft RENAME c0 TO c1")
    before = schema(database)
    accepted = program.run("--accept", "2")
    assert accepted.returncode == 0
    was, now, statement = accepted.stderr.splitlines()
    assert was.startswith('version 2 was "draft" ') and now.startswith('version 2  is "draft" ')
    recorded = "SELECT checksum FROM applied_migrations WHERE version = 2"
    assert now.endswith(database.value(recorded)) and was.split()[-1] != now.split()[-1]
    assert check(program) == 0 and schema(database) == before
    # The statement for a DBA does the same.
    migrate(app(draft("c2")))
    assert check(app(draft("c1"))) == 0
    database.execute("UPDATE applied_migrations SET checksum = 'other', name = 'x'")
    database.execute(statement.removeprefix("by hand: "))
    assert database.value(recorded) == now.split()[-1]
    assert database.value("SELECT name FROM applied_migrations WHERE version = 2") == "draft"


def test_accept_a_name_that_needs_quotes(app: AppFactory, database: Database) -> None:
    migrate(app({"1_it.sql": "CREATE TABLE t ();\n"}))
    program = app({"1_it's.sql": "CREATE TABLE t ();\n", "2_u.sql": "CREATE TABLE u ();\n"})
    assert migrate(program).exit == 4
    accepted = program.run("--accept", "1")
    assert accepted.returncode == 0
    assert database.value("SELECT name FROM applied_migrations") == "it's"
    database.execute("UPDATE applied_migrations SET name = 'it'")
    database.execute(accepted.stderr.splitlines()[-1].removeprefix("by hand: "))
    assert migrate(program).applied == [2]


def test_accept_is_for_what_is_on_both_sides(app: AppFactory, database: Database) -> None:
    migrate(app({**A, **table(2, "b")}))
    program = app({**A, **table(3, "c")})
    for version, where in (("2", "this binary"), ("3", "the history"), ("9", "the history")):
        way = go(program, "accept", version)
        assert (way.exit, way.code) == (2, "argument")
        assert way.error["message"] == f"version {version} is not in {where}"
    assert versions(database) == [1, 2]


def test_redo_may_change_how_it_runs(app: AppFactory, database: Database) -> None:
    """The old text ran in a transaction, the new one does not; and back."""
    inside = draft("c0")
    outside = {**inside, "002_draft.up.sql": ALONE + inside["002_draft.up.sql"]}
    migrate(app(inside))
    for files in (outside, inside, outside):
        assert go(app(files), "redo").steps == [*undone(2), *applied(2)]
        assert tables(database) == {"a", "draft"} and check(app(files)) == 0
