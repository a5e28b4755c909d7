"""--keep-down: the down script is stored with the row, for a binary that does not have the version.
It is shown and never run."""

from __future__ import annotations

import json

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from outcomes import check, migrate, tables, versions
from repairs import psql
from ways import ALONE, applied, go, table, undone

A, B, C = table(1, "a"), table(2, "b"), table(3, "c", alone=True)
ALL = {**A, **B, **C}
KEEP = "--keep-down"
DOWN_B = "DROP TABLE b;\n"


def kept(database: Database) -> dict[str, str]:
    """The stored scripts by version."""
    query = "SELECT key, body FROM applied_migrations_state WHERE kind = 'down' ORDER BY key"
    return {key: body for key, body in database.rows(query)}


def kept_sums(database: Database) -> list[str]:
    query = "SELECT checksum FROM applied_migrations_state WHERE kind = 'down' ORDER BY key"
    return [checksum for checksum, in database.rows(query)]


@pytest.fixture
def old(app: AppFactory) -> Program:
    """A binary that has the first version alone."""
    return app(A)


def test_stored_with_the_row(app: AppFactory, database: Database) -> None:
    """Byte for byte, in transactions and without; under the checksum that the row has."""
    outcome = migrate(app(ALL), KEEP)
    assert outcome.applied == [1, 2, 3]
    downs = {
        str(number): ALL[f"00{number}_{name}.down.sql"] for number, name in enumerate("abc", 1)
    }
    assert kept(database) == downs
    recorded = database.rows("SELECT checksum FROM applied_migrations ORDER BY version")
    assert [(checksum,) for checksum in kept_sums(database)] == recorded


def test_the_sets_flag(app: AppFactory, database: Database) -> None:
    migrate(app({**A, **B}, embed=[KEEP]))
    assert set(kept(database)) == {"1", "2"}


def test_nothing_is_stored_unless_told(app: AppFactory, database: Database) -> None:
    migrate(app(ALL))
    assert kept(database) == {}


def test_what_has_no_down_script(app: AppFactory, database: Database) -> None:
    migrate(app({**A, "002_b.sql": "CREATE TABLE b ();\n"}), KEEP)
    assert set(kept(database)) == {"1"}


@pytest.mark.parametrize("alone", [False, True])
def test_not_without_the_row(app: AppFactory, database: Database, alone: bool) -> None:
    """A migration that fails leaves neither."""
    files = table(1, "a", alone=alone)
    files["001_a.up.sql"] += "SELECT wrong;\n"
    assert migrate(app(files), KEEP).exit == 1
    assert kept(database) == {} and versions(database) == []


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("words", [["down", "1"], ["to", "1"], ["down", "batch"], ["unmark", "2"]])
def test_gone_with_the_row(
    app: AppFactory, database: Database, words: list[str], alone: bool
) -> None:
    migrate(app(A), KEEP)
    program = app({**A, **table(2, "b", alone=alone)})
    migrate(program, KEEP)
    assert set(kept(database)) == {"1", "2"}
    assert go(program, *words).exit == 0  # without the option
    assert set(kept(database)) == {"1"} and versions(database) == [1]


def test_not_gone_where_undoing_fails(app: AppFactory, database: Database) -> None:
    program = app({**A, "002_b.up.sql": "SELECT 1;\n", "002_b.down.sql": "DROP TABLE none;\n"})
    migrate(program, KEEP)
    assert go(program, "down", "1").exit == 1
    assert set(kept(database)) == {"1", "2"} and versions(database) == [1, 2]


@pytest.mark.parametrize("alone", [False, True])
def test_redo_keeps_it_in_step(app: AppFactory, database: Database, alone: bool) -> None:
    migrate(app({**A, **table(2, "b", alone=alone)}), KEEP)
    before = kept_sums(database)
    head = ALONE if alone else ""
    edited = {
        **A,
        "002_b.up.sql": f"{head}CREATE TABLE b (x integer);\n",
        "002_b.down.sql": f"{head}DROP TABLE b; -- edited\n",
    }
    assert go(app(edited), "redo", KEEP).steps == [*undone(2), *applied(2)]
    assert kept(database)["2"] == edited["002_b.down.sql"]
    after = kept_sums(database)
    assert after[0] == before[0] and after[1] != before[1]
    # Without the option the old one is not left behind.
    assert go(app(edited), "redo").exit == 0
    assert set(kept(database)) == {"1"}


def test_accept_keeps_it_in_step(app: AppFactory, database: Database) -> None:
    """What is stored is the way back from what counts as applied; also without the option."""
    migrate(app({**A, **B}), KEEP)
    edited = {
        **A,
        "002_b.up.sql": "-- b\n" + B["002_b.up.sql"],
        "002_b.down.sql": "-- b\nSELECT 1;",
    }
    program = app(edited)
    assert go(program, "accept", "2").exit == 0
    assert kept(database) == {"1": A["001_a.down.sql"], "2": "-- b\nSELECT 1;"}
    assert kept_sums(database)[1] == database.value(
        "SELECT checksum FROM applied_migrations WHERE version = 2"
    )
    without = {name: text for name, text in edited.items() if name != "002_b.down.sql"}
    assert go(app(without), "accept", "2").exit == 0
    assert set(kept(database)) == {"1"}
    assert go(program, "accept", "2", KEEP).exit == 0
    assert set(kept(database)) == {"1", "2"}


@pytest.mark.parametrize("words", [["mark", "2"], ["baseline", "2"]])
def test_recorded_without_running(app: AppFactory, database: Database, words: list[str]) -> None:
    assert go(app({**A, **B}), *words, KEEP).exit == 0
    assert kept(database)["2"] == DOWN_B


def test_a_history_that_has_no_state_table(app: AppFactory, database: Database) -> None:
    database.execute(
        "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text NOT NULL)"
    )
    program = app({**A, **B})
    migrate(program, KEEP)
    assert set(kept(database)) == {"1", "2"}
    database.execute("DROP TABLE applied_migrations_state")
    assert go(program, "accept", "2", KEEP).exit == 0
    assert set(kept(database)) == {"2"}
    database.execute("DROP TABLE applied_migrations_state")
    assert go(program, "down", "1").exit == 0 and versions(database) == [1]


def test_a_stale_one_goes(app: AppFactory, database: Database) -> None:
    """Somebody took the row away by hand; a program that keeps nothing applies it anew."""
    program = app({**A, **B})
    migrate(program, KEEP)
    database.execute("DELETE FROM applied_migrations WHERE version = 2", "DROP TABLE b")
    assert migrate(program).applied == [2]
    assert set(kept(database)) == {"1"}


def test_one_file_for_both_directions(app: AppFactory, database: Database) -> None:
    """The way back alone: who hands it to psql must not go up first."""
    text = "-- +goose Up\nCREATE TABLE a ();\n\n-- +goose Down\n-- why\nDROP TABLE a;\nSELECT 1;\n"
    program = app({"00001_a.sql": text})
    migrate(program, KEEP)
    assert kept(database) == {"1": "DROP TABLE a;\nSELECT 1;\n"}
    psql(database.server, kept(database)["1"], database.url)
    assert tables(database) == set()


# ---- an older binary ----


def test_an_older_binary_prints_it(app: AppFactory, database: Database, old: Program) -> None:
    migrate(app({**A, **B}), KEEP)
    shown = old.run("--show", "2")
    assert (shown.returncode, shown.stdout) == (0, DOWN_B)
    assert shown.stderr == (
        "version 2 (b) is not in this binary: this is the down script that was stored with it; "
        "it was not run\n"
    )
    assert tables(database) == {"a", "b"} and versions(database) == [1, 2]
    document = json.loads(old.run("--show", "2", "--json").stdout)
    assert (document["version"], document["name"], document["kept_down"]) == ("2", "b", DOWN_B)
    assert document["checksum"] == kept_sums(database)[1] and "T" in document["kept_at"]
    # As a person would go on by hand.
    psql(database.server, shown.stdout, database.url)
    assert old.run("--unmark", "2").returncode == 0
    assert (
        check(old, "--strict") == 0 and tables(database) == {"a"} and set(kept(database)) == {"1"}
    )


def test_status_says_that_it_is_there(app: AppFactory, database: Database, old: Program) -> None:
    migrate(app(ALL), KEEP)
    database.execute("DELETE FROM applied_migrations_state WHERE key = '3'")
    lines = old.run("--status").stdout.splitlines()
    assert [line.endswith("its down script is stored") for line in lines[2:5]] == [
        False,
        True,
        False,
    ]
    found = json.loads(old.run("--status", "--json").stdout)["migrations"]
    assert [entry["down_kept"] for entry in found] == [True, True, False]


@pytest.mark.parametrize("words", [["down", "1"], ["to", "1"], ["down", "batch"], ["redo"]])
def test_refusals_point_to_it(
    app: AppFactory, database: Database, old: Program, words: list[str]
) -> None:
    migrate(app({**A, **B}), KEEP)
    way = go(old, *words)
    assert way.exit == 7 and versions(database) == [1, 2]
    pointer = "; its down script is stored, --migrate-show 2 prints it"
    assert way.error["hint"].endswith(pointer)
    database.execute("DELETE FROM applied_migrations_state")
    assert "--migrate-show" not in go(old, *words).error["hint"]


def test_refusals_to_go_up_point_to_it(app: AppFactory, database: Database, old: Program) -> None:
    migrate(app({**A, **B}), KEEP)
    strict = migrate(old, "--strict")
    diverged = migrate(app({**A, **table(3, "c")}))
    assert (strict.exit, diverged.exit) == (4, 4)
    for refused in (strict, diverged):
        assert "; its down script is stored, --migrate-show 2 prints it" in refused.error["hint"]
    assert diverged.way_out.startswith("DELETE FROM")


def test_there_is_none(app: AppFactory, database: Database, old: Program) -> None:
    """Said in words, whether there are tables, a row, a database or not."""
    said = "error: version 2 is not embedded in this binary, see --show"
    none = 'no down script of version 2 is stored in "public"."applied_migrations_state"'
    nothing: dict[str, str] = {}
    for newer in (nothing, A, {**A, **B}):
        migrate(app(newer))
        shown = old.run("--show", "2")
        first, detail, hint = shown.stderr.splitlines()
        assert (shown.returncode, shown.stdout, first) == (2, "", said)
        assert detail == f"  detail: {none}"
        assert "--keep-down" in hint
    shown = old.run("--show", "2", url="postgresql://127.0.0.1:1/x")
    assert shown.returncode == 6 and shown.stderr.startswith(said)
    assert "Connection refused" in shown.stderr


def test_a_role_that_may_not_read_it(app: AppFactory, database: Database, old: Program) -> None:
    migrate(app({**A, **B}), KEEP)
    reader = database.add_role("reader")
    database.execute(f"GRANT SELECT ON applied_migrations TO {reader}")
    shown = old.run("--show", "2", url=database.url_for(reader))
    assert (shown.returncode, shown.stdout) == (7, "")
    assert "permission denied for table applied_migrations_state" in shown.stderr
    database.execute(f"GRANT SELECT ON applied_migrations_state TO {reader}")
    assert old.run("--show", "2", url=database.url_for(reader)).stdout == DOWN_B


def test_embedded_needs_no_database(old: Program) -> None:
    shown = old.run("--show", "1", url="postgresql://127.0.0.1:1/x")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, A["001_a.up.sql"], "")
