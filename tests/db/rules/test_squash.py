"""Migrations that replace others, on a database that has what they replace and on one that has not;
with the binary that replaces, with those before it, while the old files are there and after."""

from __future__ import annotations

import itertools
import json
from hashlib import sha256
from typing import Any

import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import check, tables, versions, wait_until
from steps import run, state_rows, status

A = {"001_a.sql": "CREATE TABLE a ();"}
B = {"002_b.sql": "CREATE TABLE b ();"}
C = {"003_c.sql": "CREATE TABLE c ();"}
OLD = {**A, **B, **C}
TEXT = "-- inlay: replaces 1..3\nCREATE TABLE a ();\nCREATE TABLE b ();\nCREATE TABLE c ();\n"
SQUASH = {"004_squash.sql": TEXT}
NEXT = {"005_d.sql": "CREATE TABLE d ();"}
BOTH = {**OLD, **SQUASH}  # the release in which both are there
ALL = {"a", "b", "c"}


def frozen(files: dict[str, str]) -> dict[str, str]:
    """With the list that says that there are no others."""
    sums = (f"{sha256(text.encode()).hexdigest()}  {name}\n" for name, text in files.items())
    return {**files, "SHA256SUMS": "".join(sums)}


def made(database: Database) -> list[tuple[Any, ...]]:
    return database.rows("SELECT version, name, batch FROM applied_migrations ORDER BY version")


# ---- recorded, run, refused ----


@pytest.mark.parametrize("files", [BOTH, SQUASH], ids=["with the old files", "without"])
def test_where_all_is_applied_it_is_recorded(
    app: AppFactory, database: Database, files: dict[str, str]
) -> None:
    run(app(OLD))
    outcome = run(app(files))
    assert (outcome.exit, outcome.steps, outcome.batch) == (0, ["recorded 4"], 2)
    assert tables(database) == ALL
    assert made(database) == [(1, "a", 1), (2, "b", 1), (3, "c", 1), (4, "squash", 2)]
    known = {"4": [None, 3 if files == BOTH else 0, "1..3"]}
    assert state_rows(database, "replaces") == known
    again = run(app(files))
    assert (again.exit, again.steps, again.warnings) == (0, [], [])
    assert check(app(files), "--strict") == 0


@pytest.mark.parametrize("files", [BOTH, SQUASH], ids=["with the old files", "without"])
def test_where_nothing_is_applied_it_runs(
    app: AppFactory, database: Database, files: dict[str, str]
) -> None:
    outcome = run(app(files))
    assert (outcome.exit, outcome.steps) == (0, ["applied 4"])
    assert tables(database) == ALL
    assert versions(database) == ([1, 2, 3, 4] if files == BOTH else [4])
    assert run(app(files)).steps == []
    assert check(app(files), "--strict") == 0


def test_with_the_rest_of_the_history(app: AppFactory, database: Database) -> None:
    """What lies below it stays and is applied before, what lies above after."""
    files = {"000_z.sql": "CREATE TABLE z ();", **BOTH, **NEXT}
    assert run(app(files)).steps == ["applied 0", "applied 4", "applied 5"]
    assert tables(database) == ALL | {"z", "d"}


EVERY_ROW = "SELECT version, name, checksum FROM applied_migrations ORDER BY version"


def test_every_mixture_ends_with_the_same_rows(app: AppFactory, database: Database) -> None:
    """What is missing of the steps runs, and the create script where there is nothing; at the end
    nobody can tell which it was."""
    program = app({**BOTH, **NEXT})
    ends = []
    for to in ("1", "2", "3", "4", "5", None):
        if to is not None:
            run(program, "to", to)
        outcome = run(program)
        assert (outcome.exit, tables(database)) == (0, ALL | {"d"})
        ends.append(database.rows(EVERY_ROW))
        assert (run(program).steps, check(program, "--strict")) == ([], 0)
        assert run(program, "down", "1").code == "refused"  # 5 has no down script
        database.execute("DROP TABLE a, b, c, d, applied_migrations, applied_migrations_state")
    assert [row[0] for row in ends[0]] == [1, 2, 3, 4, 5] and all(row[2] for row in ends[0])
    assert ends == [ends[0]] * 6


@pytest.mark.parametrize("there", [A, {**B, **C}])
def test_in_between_the_missing_steps_run(
    app: AppFactory, database: Database, there: dict[str, str]
) -> None:
    run(app(there))
    program = app({**BOTH, **NEXT})
    missing = sorted(int(name[:3]) for name in set(OLD) - set(there))
    assert check(program) == 3
    shown = status(program)
    assert [shown["states"][str(version)] for version in missing] == ["pending"] * len(missing)
    assert (shown["states"]["4"], shown["migrations"][3]["recorded"]) == ("pending", True)
    assert "would record 004_squash (replaces 1..3, which are applied first)\n" in (
        program.run("--dry-run").stdout
    )
    outcome = run(program)
    steps = [f"applied {version}" for version in missing]
    assert (outcome.exit, outcome.steps) == (0, [*steps, "recorded 4", "applied 5"])
    assert (tables(database), versions(database)) == (ALL | {"d"}, [1, 2, 3, 4, 5])


def test_a_step_that_is_half_done(app: AppFactory, database: Database) -> None:
    """The first one, without a transaction: the database has no row, and is not empty."""
    alone = "-- inlay: no-transaction\nCREATE TABLE a ();\nSELECT 1/0;\n"
    assert run(app({"001_a.sql": alone})).exit == 1 and versions(database) == []
    mended = {"001_a.sql": alone.replace("/0", "")}
    outcome = run(app(SQUASH))
    assert (outcome.exit, tables(database)) == (4, {"a"})
    assert "one of them is half done here, and version 1 is not" in outcome.error["message"]
    steps = ["applied 1", "applied 2", "applied 3", "recorded 4"]
    assert run(app({**BOTH, **mended})).steps == steps and tables(database) == ALL


def test_a_body_that_commits_takes_none_of_the_rows_along(
    app: AppFactory, database: Database
) -> None:
    bad = {"004_squash.sql": TEXT + "COMMIT;\n"}
    outcome = run(app({**OLD, **bad}, allow_bad=True))
    assert "004_squash.sql is PARTLY COMMITTED" in outcome.error["outcome"]
    assert (outcome.exit, versions(database), tables(database)) == (1, [], ALL)


def test_in_between_without_one_of_the_old_files(app: AppFactory, database: Database) -> None:
    """It is frozen, so that the build knows of it."""
    run(app(A))
    before = made(database)
    program = app({**A, **C, **SQUASH, "SHA256SUMS": f"{'0' * 64}  002_b.sql\n"})
    outcome = run(program)
    assert (outcome.exit, outcome.code, outcome.steps) == (4, "mismatch", [])
    assert outcome.error["message"] == (
        "version 4 replaces 1..3: 1 of them is applied here, and version 2 is not"
    )
    assert outcome.error["detail"] == "not applied: 2, 3"
    assert (outcome.error["version"], outcome.error["path"]) == ("4", "migrations/004_squash.sql")
    assert (made(database), check(program)) == (before, 4)


def test_in_between_without_the_old_files(app: AppFactory, database: Database) -> None:
    run(app({**A, **B}))
    outcome = run(app({**SQUASH, **NEXT}))
    assert outcome.exit == 4
    assert outcome.error["message"].endswith("2 of them are applied here, and version 3 is not")
    assert "run the newest release that still has these files" in outcome.error["hint"]
    assert tables(database) == {"a", "b"} and versions(database) == [1, 2]


def test_a_gap_that_nobody_knows_of(app: AppFactory, database: Database) -> None:
    """Whether there was a 2 is not known any more: it is not taken for applied."""
    run(app({**A, **C}))
    program = app(SQUASH)
    outcome = run(program)
    assert (outcome.exit, versions(database)) == (4, [1, 3])
    assert "does not know which versions there were" in outcome.error["detail"]
    assert "--migrate-mark 4" in outcome.error["hint"]
    assert program.run("--mark", "4").returncode == 0
    assert (run(program).steps, check(program, "--strict")) == ([], 0)
    assert state_rows(database, "replaces") == {"4": [None, 0, "1..3"]}


def test_a_gap_that_is_frozen(app: AppFactory, database: Database) -> None:
    """SHA256SUMS says that there never was a 2."""
    run(app({**A, **C}))
    sums = frozen({**A, **C})["SHA256SUMS"]
    outcome = run(app({**SQUASH, "SHA256SUMS": sums}))
    assert (outcome.exit, outcome.steps) == (0, ["recorded 4"])
    assert state_rows(database, "replaces") == {"4": [None, 2, "1..3"]}


def test_a_database_without_a_beginning(app: AppFactory, database: Database) -> None:
    """The old rows were cleaned away: what comes after says that this is no empty database."""
    run(app({**OLD, "004_squash.sql": "", **NEXT}))
    database.execute("DELETE FROM applied_migrations WHERE version < 5")
    program = app({**SQUASH, **NEXT})
    outcome = run(program)
    assert (outcome.exit, versions(database)) == (4, [5])
    assert "but version 5 (d), which comes after, is" in outcome.error["message"]
    assert program.run("--mark", "4").returncode == 0
    assert run(program).exit == 0


def test_another_program_s_history(app: AppFactory, database: Database) -> None:
    run(app({"001_x.sql": "", "002_y.sql": ""}))
    outcome = run(app(SQUASH))
    assert (outcome.exit, versions(database)) == (4, [1, 2])
    assert "another program's history" in outcome.error["hint"]


def test_a_failing_one_leaves_nothing(app: AppFactory, database: Database) -> None:
    bad = {"004_squash.sql": TEXT + "SELECT 1/0;\n"}
    outcome = run(app({**OLD, **bad}))
    assert (outcome.exit, outcome.steps) == (1, ["failed 4"])
    assert outcome.error["line"] == 5
    assert tables(database) == set() and versions(database) == []
    assert state_rows(database, "replaces") == {}
    assert run(app(BOTH)).steps == ["applied 4"]


def test_a_row_that_cannot_be_written(app: AppFactory, database: Database) -> None:
    """Named by the file, although nothing of that is run."""
    run(app(OLD))
    database.execute("ALTER TABLE applied_migrations ADD CHECK (version < 4)")
    outcome = run(app(BOTH))
    assert (outcome.exit, outcome.steps, versions(database)) == (1, ["failed 4"], [1, 2, 3])
    assert (outcome.error["sqlstate"], outcome.error["path"]) == (
        "23514",
        "migrations/004_squash.sql",
    )
    assert "004_squash.sql was rolled back" in outcome.error["outcome"]
    assert state_rows(database, "replaces") == {}


# ---- older binaries ----


@pytest.mark.parametrize("files", [BOTH, SQUASH], ids=["with the old files", "without"])
@pytest.mark.parametrize("kept", [{}, {"000_z.sql": "CREATE TABLE z ();"}], ids=["all", "above z"])
def test_an_older_binary_where_it_ran(
    app: AppFactory, database: Database, files: dict[str, str], kept: dict[str, str]
) -> None:
    """What it has was never run here and must not be: the schema is there."""
    run(app({**kept, **files, **NEXT}))
    before = made(database)
    older = app({**kept, **OLD})
    outcome = run(older)
    assert (outcome.exit, outcome.steps) == (0, [])
    assert len(outcome.warnings) == 1 and "the database is newer" in outcome.warnings[0]
    assert made(database) == before
    assert (check(older), check(older, "--strict")) == (0, 4)
    states = status(older)["states"]
    as_was = "applied" if files == BOTH else "replaced"
    assert [states[str(version)] for version in range(1, 6)] == [as_was] * 3 + ["unknown"] * 2


@pytest.mark.parametrize("files", [BOTH, SQUASH], ids=["with the old files", "without"])
def test_an_older_binary_where_it_is_recorded(
    app: AppFactory, database: Database, files: dict[str, str]
) -> None:
    run(app(OLD))
    run(app(files))
    outcome = run(app(OLD))
    assert (outcome.exit, outcome.steps, len(outcome.warnings)) == (0, [], 1)
    assert check(app(OLD)) == 0
    outcome = run(app({**A, **B}))  # a still older one
    assert (outcome.exit, outcome.steps) == (0, [])


def test_a_much_older_binary_where_it_ran(app: AppFactory, database: Database) -> None:
    """It does not reach the end of the range: this may be anybody's history."""
    run(app(SQUASH))
    outcome = run(app({**A, **B}))
    assert (outcome.exit, outcome.steps, versions(database)) == (4, [], [4])
    assert "belongs to another set" in outcome.error["message"]
    assert "version 4 replaces 1..3" in outcome.error["detail"]


def test_a_much_older_binary_where_the_rows_are_there(app: AppFactory, database: Database) -> None:
    run(app(BOTH))
    outcome = run(app({**A, **B}))
    assert (outcome.exit, outcome.steps, versions(database)) == (0, [], [1, 2, 3, 4])


def test_an_older_binary_with_a_file_of_its_own(app: AppFactory, database: Database) -> None:
    """Nobody has ever run it, and the newer one does not know it: nothing is guessed."""
    run(app({**A, **C}))
    run(app({**frozen({**A, **C}), **SQUASH}))
    outcome = run(app(OLD))
    assert (outcome.exit, versions(database)) == (4, [1, 3, 4])
    assert outcome.error["message"] == (
        "version 4 replaces 1..3, and version 2 (b) was not there when it was applied"
    )


@pytest.mark.parametrize("recorded", [True, False])
def test_a_file_that_comes_late(app: AppFactory, database: Database, recorded: bool) -> None:
    """Into the range of what is applied already: it would run on one database and not on the
    other."""
    if recorded:
        run(app({**A, **C}))
    run(app({**frozen({**A, **C}), **SQUASH}))
    outcome = run(app({**BOTH, **NEXT}))
    assert (outcome.exit, outcome.steps) == (4, [])
    assert "above 4" in outcome.error["hint"]
    assert "d" not in tables(database)


def test_a_history_without_the_state_table(app: AppFactory, database: Database) -> None:
    """Of another hand: it is made when it is needed."""
    database.execute(
        "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text NOT NULL)",
        *OLD.values(),
        "INSERT INTO applied_migrations VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    )
    assert run(app(BOTH)).steps == ["recorded 4"]
    assert state_rows(database, "replaces") == {"4": [None, 3, "1..3"]}


def test_a_row_by_hand(app: AppFactory, database: Database) -> None:
    """The newer binary knows by itself what its row stands for."""
    run(app(SQUASH))
    database.execute("TRUNCATE applied_migrations_state")
    assert (run(app(BOTH)).steps, check(app(BOTH))) == ([], 0)


# ---- the other verbs ----


def test_back_where_it_is_recorded(app: AppFactory, database: Database) -> None:
    """Its row alone: nothing of it ever ran."""
    down = {"003_c.down.sql": "DROP TABLE c;"}
    old = {**A, **B, "003_c.up.sql": C["003_c.sql"], **down}
    run(app(old))
    program = app({**old, **SQUASH})
    run(program)
    assert run(program, "down", "batch").steps == ["undone 4"]
    assert (tables(database), versions(database)) == (ALL, [1, 2, 3])
    assert run(program, "redo").steps == ["undone 3", "applied 3"]
    assert run(program).steps == ["recorded 4"]
    assert run(program, "redo").steps == ["undone 4", "recorded 4"]
    assert run(program, "to", "2").steps == ["undone 4", "undone 3"]
    assert (tables(database), versions(database)) == ({"a", "b"}, [1, 2])
    assert run(program).steps == ["applied 3", "recorded 4"]


def test_back_where_it_ran_beside_the_old_files(app: AppFactory, database: Database) -> None:
    """As where it was recorded: nobody can tell."""
    down = {"003_c.down.sql": "DROP TABLE c;"}
    program = app({**A, **B, "003_c.up.sql": C["003_c.sql"], **down, **SQUASH})
    assert run(program).steps == ["applied 4"]
    assert run(program, "to", "2").steps == ["undone 4", "undone 3"]
    assert (tables(database), versions(database)) == ({"a", "b"}, [1, 2])
    assert run(program).steps == ["applied 3", "recorded 4"]


def test_back_where_it_ran_alone(app: AppFactory, database: Database) -> None:
    program = app(SQUASH)
    run(program)
    outcome = run(program, "down", "1")
    assert (outcome.exit, outcome.code, versions(database)) == (7, "refused", [4])
    paired = {
        **OLD,
        "004_squash.up.sql": TEXT,
        "004_squash.down.sql": "DROP TABLE a; DROP TABLE b; DROP TABLE c;",
    }
    assert run(app(paired), "to", "2").steps == ["undone 4", "applied 1", "applied 2"]
    assert tables(database) == {"a", "b"}


def test_up_to_what_it_replaces(app: AppFactory, database: Database) -> None:
    program = app(BOTH)
    assert run(program, "to", "2").steps == ["applied 1", "applied 2"]
    assert run(program, "to", "3").steps == ["applied 3"]
    assert run(program, "to", "4").steps == ["recorded 4"]


def test_adopting(app: AppFactory, database: Database) -> None:
    database.execute(*OLD.values())
    program = app({**BOTH, **NEXT})
    assert program.run("--baseline", "4").returncode == 0
    assert versions(database) == [1, 2, 3, 4]
    assert state_rows(database, "replaces") == {"4": [None, 3, "1..3"]}
    assert run(program).steps == ["applied 5"]
    assert run(app(OLD)).exit == 0


def test_adopting_the_old_way(app: AppFactory, database: Database) -> None:
    database.execute(*OLD.values())
    program = app(BOTH)
    assert program.run("--baseline", "3").returncode == 0
    assert versions(database) == [1, 2, 3]
    assert run(program).steps == ["recorded 4"]


def test_marking_what_is_replaced_changes_nothing(app: AppFactory, database: Database) -> None:
    run(app(BOTH))
    assert app(OLD).run("--mark", "2").returncode == 0
    assert app(BOTH).run("--baseline", "3").returncode == 0
    assert versions(database) == [1, 2, 3, 4]


def test_marking_one_whose_row_was_removed(app: AppFactory, database: Database) -> None:
    """An applied migration replaces it, and all the same it is refused until its row is there."""
    program = app(BOTH)
    run(program)
    for verb, version in (("--mark", "2"), ("--baseline", "3")):
        assert program.run("--unmark", "2").returncode == 0
        outcome = run(program)
        assert (outcome.exit, versions(database)) == (4, [1, 3, 4])
        assert "--migrate-mark 2" in outcome.error["hint"]
        assert program.run(verb, version).returncode == 0
        assert versions(database) == [1, 2, 3, 4]
        assert (run(program).steps, check(program, "--strict")) == ([], 0)


def test_marking_in_between_records_the_rest(app: AppFactory, database: Database) -> None:
    """A person says that all of it is there."""
    run(app(A))
    database.execute(*B.values(), *C.values())
    program = app({**BOTH, **NEXT})
    assert program.run("--mark", "4").returncode == 0
    assert versions(database) == [1, 2, 3, 4]
    assert run(program).steps == ["applied 5"]


def test_one_that_replaces_one_that_replaces(app: AppFactory, database: Database) -> None:
    """The next year; each of the three databases that there are by then, and a new one."""
    schema = TEXT.replace("1..3", "1..5") + NEXT["005_d.sql"]
    later = {**SQUASH, **NEXT, "006_again.sql": schema}
    began: list[tuple[dict[str, str], list[str]]] = [
        ({**OLD, **SQUASH, **NEXT}, ["recorded 6"]),  # with 4
        ({}, ["applied 6"]),
    ]
    for there, steps in began:
        run(app(there))
        assert run(app(later)).steps == steps
        assert tables(database) == ALL | {"d"}
        assert run(app({**SQUASH, **NEXT})).exit == 0  # the older one
        assert run(app({"006_again.sql": schema})).steps == []
        database.execute("DROP TABLE a, b, c, d, applied_migrations, applied_migrations_state")
    run(app(OLD))  # has never seen 4
    assert run(app(later)).steps == ["recorded 4", "applied 5", "recorded 6"]
    assert tables(database) == ALL | {"d"}
    assert run(app({"006_again.sql": schema})).steps == []


def test_the_next_create_script(app: AppFactory, database: Database) -> None:
    """The file moves on with the release, and its old row stays."""
    run(app(BOTH))
    schema = TEXT.replace("1..3", "1..5") + NEXT["005_d.sql"]
    program = app({**frozen({**OLD, **NEXT}), "006_squash.sql": schema})
    assert run(program).steps == ["applied 5", "recorded 6"]
    assert (status(program)["states"]["4"], check(program)) == ("replaced", 0)
    database.execute("DROP TABLE a, b, c, d, applied_migrations, applied_migrations_state")
    assert run(program).steps == ["applied 6"]
    assert versions(database) == [1, 2, 3, 5, 6] and check(app(BOTH)) == 0


# ---- what is shown ----


def test_status_and_dry_run_where_it_will_be_recorded(app: AppFactory, database: Database) -> None:
    run(app(OLD))
    program = app(SQUASH)
    shown = status(program)
    assert shown["states"] == {"1": "replaced", "2": "replaced", "3": "replaced", "4": "pending"}
    assert (shown["replaced"], shown["pending"], shown["unknown"]) == (3, 1, 0)
    entry: dict[str, Any] = shown["migrations"][3]
    assert entry["recorded"] is True
    assert entry["embedded"]["replaces"] == {"first": "1", "last": "3"}
    text = program.run("--status").stdout
    assert "replaces 1..3, which are applied" in text
    assert program.run("--dry-run").stdout == (
        "would record 004_squash (replaces 1..3, which are applied)\n"
        "1 migration would be applied in batch 2; nothing was written\n"
    )
    (row,) = json.loads(program.run("--dry-run", "--json").stdout)["migrations"]
    assert (row["version"], row["recorded"]) == ("4", True)
    assert versions(database) == [1, 2, 3]


def test_status_and_dry_run_where_it_will_run(app: AppFactory, database: Database) -> None:
    program = app(BOTH)
    shown = status(program)
    assert shown["states"] == {"1": "replaced", "2": "replaced", "3": "replaced", "4": "pending"}
    assert shown["migrations"][3]["recorded"] is False
    assert "would apply 004_squash (3 statements, replaces 1..3)" in program.run("--dry-run").stdout
    assert "replaces 1..3" in program.run("--show").stdout
    listed = json.loads(program.run("--show", "--json").stdout)["migrations"]
    assert [m["replaces"] for m in listed] == [None] * 3 + [{"first": "1", "last": "3"}]


def test_the_run_says_what_it_did(app: AppFactory, database: Database) -> None:
    run(app(OLD))
    said = app(BOTH).run("--only").stderr
    assert said.startswith("recorded 004_squash (its row only, ")


# ---- at once ----


def test_a_fleet(app: AppFactory, database: Database) -> None:
    """Old and new binaries on a new database, all at once: one of the two ways, and whole."""
    programs = [app(OLD), app(BOTH), app({**BOTH, **NEXT})]
    processes = [p.start("--only", "--json") for p, _ in itertools.product(programs, range(4))]
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0] * len(processes)
    assert tables(database) == ALL | {"d"} and versions(database) == [1, 2, 3, 4, 5]


def test_an_older_binary_at_the_same_time_without_the_lock(
    app: AppFactory, database: Database
) -> None:
    """As through a pooler: the first step commits while the create script waits for its row."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'transactionid'"
    program = app(BOTH)
    run(program, "to", "1")
    database.execute("DELETE FROM applied_migrations", "DROP TABLE a")
    with database.connect() as older:
        older.execute("INSERT INTO applied_migrations (version, name) VALUES (1, 'a')")
        older.execute(A["001_a.sql"])
        process = program.start("--only", "--json", "--pooler=transaction")
        wait_until(lambda: database.rows(waiting), "for the row of the first step")
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    steps = [f"{step['result']} {step['version']}" for step in json.loads(stdout)["migrations"]]
    assert steps == ["skipped 4", "applied 2", "applied 3", "recorded 4"]
    assert (tables(database), versions(database)) == (ALL, [1, 2, 3, 4])


def test_an_older_binary_that_only_reads_needs_the_state_table(
    app: AppFactory, database: Database
) -> None:
    """Without it the old versions look pending, and the new one like that of another program."""
    run(app({**SQUASH, **NEXT}))
    reader = database.add_role("reader")
    url = database.url_for(reader)
    database.execute(f'GRANT SELECT ON applied_migrations TO "{reader}"')
    assert check(app(OLD), url=url) == 4
    assert check(app({**OLD, **NEXT}), url=url) == 4
    database.execute(f'GRANT SELECT ON applied_migrations_state TO "{reader}"')
    assert check(app(OLD), url=url) == 0
    assert check(app({**OLD, **NEXT}), url=url) == 0
