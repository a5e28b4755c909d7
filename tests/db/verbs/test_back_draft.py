"""The daily loop of writing a migration, and accepting what was edited."""

from __future__ import annotations

import hashlib
import json

import pytest

from conftest import AppFactory, ProgramFactory
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


def frozen(files: dict[str, str]) -> dict[str, str]:
    """The same, listed in SHA256SUMS."""
    sums = [f"{hashlib.sha256(t.encode()).hexdigest()}  {n}\n" for n, t in files.items()]
    return {**files, "SHA256SUMS": "".join(sums)}


def columns(database: Database) -> list[str]:
    query = "SELECT attname FROM pg_attribute WHERE attrelid = 'draft'::regclass AND attnum > 0"
    return [name for name, in database.rows(query)]


def test_editing_and_redoing_ten_times(app: AppFactory, database: Database) -> None:
    migrate(app(draft("c0")))
    for number in range(1, 11):
        program = app(draft(f"c{number}"))
        refused = migrate(program)
        assert refused.exit == 4
        assert "--migrate-redo undoes it and applies it as it is now." in refused.error["hint"]
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


def test_a_frozen_file_is_no_draft(app: AppFactory, database: Database) -> None:
    """It was edited and frozen after a draft of it was applied here: redoing is not offered, and
    who knows better may do it."""
    migrate(app(draft("c0")))
    program = app(frozen(draft("c1")))
    refused = migrate(program)
    assert refused.exit == 4
    assert refused.error["hint"].startswith("restore the file and")
    assert "redo" not in refused.error["hint"]
    assert go(program, "redo").steps == [*undone(2), *applied(2)]
    assert columns(database) == ["c1"] and check(program) == 0


def test_a_frozen_down_script_alone_is_a_draft(app: AppFactory, database: Database) -> None:
    migrate(app(draft("c0")))
    edited = draft("c1")
    sums = frozen({name: text for name, text in edited.items() if ".up." not in name})
    refused = migrate(app({**edited, "SHA256SUMS": sums["SHA256SUMS"]}))
    assert "--migrate-redo undoes it" in refused.error["hint"]


IN_C = """
#include <inlay-tx.h>
int app_migrations_up_2(struct inlay_tx *tx, struct inlay_error *err)
{
    return inlay_tx_execute(tx, "CREATE TABLE c ()", 0, 0, 0, err);
}
"""
MAIN = """
#include <inlay-cli.h>
#include "migrations/002_c.c"
extern const struct inlay_set app_migrations;
int main(int argc, char **argv)
{
    return inlay_main(argc, argv, &app_migrations);
}
"""


def test_an_edited_migration_in_c(program: ProgramFactory, database: Database) -> None:
    """What runs is the compiled function, so formatting is no edit; of a frozen file it is."""
    edited = IN_C + "/* edited */\n"
    assert program(MAIN, {"002_c.c": IN_C}).run("--only").returncode == 0
    draft_again = program(MAIN, {"002_c.c": edited})
    assert check(draft_again) == 0 and check(program(MAIN, frozen({"002_c.c": IN_C}))) == 0
    refused = migrate(program(MAIN, frozen({"002_c.c": edited})))
    assert refused.exit == 4 and "was edited after it was applied" in refused.error["message"]
    assert go(draft_again, "accept", "2").exit == 0
    assert check(program(MAIN, frozen({"002_c.c": edited}))) == 0


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
    document = json.loads(program.run("--accept", "2", "--json").stdout)
    assert document["version"] == "2"
    assert document["log"] == [now.replace("  is ", " was "), now, statement]
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
