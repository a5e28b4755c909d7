"""Going back when something goes wrong in the middle: what is undone has lost its row, what is not
has kept it, and a second run completes."""

from __future__ import annotations

import signal

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.relay import Relay
from outcomes import advisory_locks, backends, check, end_orphans, migrate
from outcomes import tables, versions, wait_until
from ways import ALONE, applied, command, finish, go, half_done, schema, table, undone

A, B, C = table(1, "a"), table(2, "b"), table(3, "c")
ALL = {**A, **B, **C}
SLEEPING = "query ~ 'pg_sleep' AND state = 'active'"


def with_down(files: dict[str, str], version: int, name: str, text: str) -> dict[str, str]:
    return {**files, f"{version:03d}_{name}.down.sql": text}


def test_a_failing_down(app: AppFactory, database: Database) -> None:
    migrate(app(ALL))
    program = app(with_down(ALL, 2, "b", "DROP TABLE b;\nDROP TABLE nothing;\n"))
    way = go(program, "down", "3")
    assert (way.exit, way.steps) == (1, [*undone(3), (2, "failed")])
    assert (way.error["path"], way.error["line"]) == ("migrations/002_b.down.sql", 2)
    assert way.error["sqlstate"] == "42P01"
    assert "002_b.down.sql was rolled back" in way.error["outcome"]
    assert tables(database) == {"a", "b"} and versions(database) == [1, 2]
    assert go(app(ALL), "to", "0").steps == undone(2, 1)


def test_redo_of_a_draft_that_fails(app: AppFactory, database: Database) -> None:
    """The new text is wrong: the old one is undone, nothing of the new one kept."""
    migrate(app(ALL))
    bad = {**ALL, "003_c.up.sql": "CREATE TABLE c ();\nSELECT wrong;\n"}
    way = go(app(bad), "redo")
    assert (way.exit, way.steps) == (1, [*undone(3), (3, "failed")])
    assert "what this run undid before it stays undone" in way.error["outcome"]
    assert tables(database) == {"a", "b"} and versions(database) == [1, 2]
    assert migrate(app(ALL)).applied == [3]


@pytest.mark.parametrize("words", [["down", "2"], ["to", "1"], ["down", "batch"]], ids=" ".join)
def test_killed_in_the_middle(app: AppFactory, database: Database, words: list[str]) -> None:
    migrate(app(A))
    migrate(app(ALL))
    slow = with_down(ALL, 2, "b", "DROP TABLE b;\nSELECT pg_sleep(60);\n")
    running = app(slow).start(*command(*words))
    wait_until(lambda: backends(database, SLEEPING))
    running.kill()
    assert running.wait(20) == -signal.SIGKILL
    end_orphans(database)
    wait_until(lambda: not advisory_locks(database))
    assert tables(database) == {"a", "b"} and versions(database) == [1, 2]
    again = ["down", "1"] if words[0] == "down" else words
    assert go(app(ALL), *again).steps == undone(2)
    assert tables(database) == {"a"} and versions(database) == [1]


@pytest.mark.pg_dump
def test_redo_killed_between_down_and_up(app: AppFactory, database: Database) -> None:
    migrate(app(ALL))
    before = schema(database)
    slow = {**ALL, "003_c.up.sql": "CREATE TABLE c ();\nSELECT pg_sleep(60);\n"}
    running = app(slow).start(*command("redo"))
    wait_until(lambda: backends(database, SLEEPING))
    running.kill()
    end_orphans(database)
    wait_until(lambda: not advisory_locks(database))
    assert tables(database) == {"a", "b"} and versions(database) == [1, 2]
    assert migrate(app(ALL)).applied == [3] and schema(database) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle(app: AppFactory, database: Database, number: int) -> None:
    migrate(app(ALL))
    slow = with_down(ALL, 2, "b", "DROP TABLE b;\nSELECT pg_sleep(60);\n")
    running = app(slow).start(*command("down", "3"))
    wait_until(lambda: backends(database, SLEEPING))
    running.send_signal(number)
    way = finish(running)
    assert (way.exit, way.steps) == (128 + number, undone(3))
    assert tables(database) == {"a", "b"} and versions(database) == [1, 2]
    assert advisory_locks(database) == 0


def test_two_processes_at_once(app: AppFactory, database: Database) -> None:
    """The second waits for the lock, and finds the history that the first leaves."""
    migrate(app(ALL))
    slow = app(with_down(ALL, 3, "c", "DROP TABLE c;\nSELECT pg_sleep(1);\n"))
    first = slow.start(*command("down", "1"))
    wait_until(lambda: backends(database, SLEEPING))
    second = slow.start(*command("to", "1"))
    ways = [finish(first), finish(second)]
    assert [(way.exit, way.steps) for way in ways] == [(0, undone(3)), (0, undone(2))]
    assert tables(database) == {"a"} and versions(database) == [1]


@pytest.mark.parametrize(
    "direction, needle, left",
    [("up", b"DROP TABLE b", [[1, 2, 3]]), ("down", b"COMMIT\0", [[1, 2], [1]])],
)
def test_a_lost_connection_is_final(
    app: AppFactory,
    database: Database,
    relay: Relay,
    direction: str,
    needle: bytes,
    left: list[list[int]],
) -> None:
    """Another "two down" would go too far: nobody has heard how far this one came, and both may
    have been on their way."""
    program = app(ALL)
    migrate(program)
    relay.at(direction, needle, relay.cut)
    way = go(program, "down", "2", url=relay.url(database.url))
    assert (way.exit, way.code, way.steps) == (6, "lost", [])
    assert "See --migrate-status before you undo more" in way.error["outcome"]
    assert "un again" not in way.error["outcome"]
    wait_until(lambda: not advisory_locks(database))
    assert versions(database) in left
    assert tables(database) == {"abc"[n - 1] for n in versions(database)}


def test_to_a_version_goes_on(app: AppFactory, database: Database, relay: Relay) -> None:
    program = app(ALL)
    migrate(program)
    relay.at("up", b"DROP TABLE b", relay.cut)
    way = go(program, "to", "1", url=relay.url(database.url))
    assert (way.exit, way.steps) == (0, undone(3, 2)), way.stderr
    assert versions(database) == [1] and tables(database) == {"a"}


# ---- without a transaction ----

INDEXED = {
    **A,
    "002_index.up.sql": (
        f"{ALONE}CREATE TABLE t (a int);\nCREATE INDEX CONCURRENTLY t_a ON t (a);\n"
    ),
    "002_index.down.sql": f"{ALONE}DROP INDEX CONCURRENTLY t_a;\nDROP TABLE t;\n",
}


def broken(text: str) -> dict[str, str]:
    """The down script with something else in place of its last statement."""
    return {**INDEXED, "002_index.down.sql": f"{ALONE}DROP INDEX CONCURRENTLY t_a;\n{text}"}


def indexes(database: Database) -> int:
    return int(database.value("SELECT count(*) FROM pg_indexes WHERE indexname = 't_a'"))


def test_down_without_a_transaction(app: AppFactory, database: Database) -> None:
    program = app(INDEXED)
    migrate(program)
    assert go(program, "redo").steps == [*undone(2), *applied(2)]
    assert indexes(database) == 1 and half_done(database) == []
    assert go(program, "down", "1").steps == undone(2)
    assert tables(database) == {"a"} and versions(database) == [1] and half_done(database) == []


def test_half_undone(app: AppFactory, database: Database) -> None:
    """What is done stays, the row too; the next run continues after it."""
    migrate(app(INDEXED))
    bad = app(broken("DROP TABLE nothing;\nDROP TABLE t;\n"))
    way = go(bad, "down", "2")
    assert (way.exit, way.steps) == (1, [(2, "failed")])
    assert way.error["path"] == "migrations/002_index.down.sql" and way.error["line"] == 3
    assert (
        "1 of 3 statements done and kept; the next run continues with statement 2"
        in way.error["outcome"]
    )
    assert indexes(database) == 0 and tables(database) == {"a", "t"}
    assert versions(database) == [1, 2] and half_done(database) == [("2", 1)]
    assert "half undone, 1 of 3" in bad.run("--status").stdout
    refused = migrate(app({**INDEXED, "003_next.sql": "CREATE TABLE next ();"}))
    assert (refused.exit, refused.results) == (4, {})
    assert refused.error["path"] == "migrations/002_index.down.sql"
    assert refused.error["message"] == (
        "version 2 (index) is half undone: its down script has begun and has not ended"
    )
    assert refused.error["detail"] == "done so far: 1 statement"
    assert check(app(INDEXED)) == 4
    way = go(app(INDEXED), "down", "2")
    assert (way.exit, way.steps) == (0, undone(2, 1)), way.stderr
    assert "continuing after statement 1 of 2" in way.stderr
    assert tables(database) == set() and versions(database) == [] and half_done(database) == []


def test_half_undone_and_kept(app: AppFactory, database: Database) -> None:
    """Whoever has put back what was undone says so."""
    migrate(app(INDEXED))
    assert go(app(broken("DROP TABLE nothing;\n")), "down", "1").exit == 1
    program = app(INDEXED)
    database.execute("CREATE INDEX t_a ON t (a)")
    marked = program.run("--mark", "2")
    assert marked.returncode == 0 and "002_index.up.sql counts as applied again" in marked.stderr
    assert half_done(database) == [] and versions(database) == [1, 2]
    assert migrate(program).exit == 0


def test_half_undone_by_an_older_text(app: AppFactory, database: Database) -> None:
    """A binary whose down script is another one knows as much."""
    migrate(app(INDEXED))
    assert go(app(broken("DROP TABLE nothing;\n")), "down", "1").exit == 1
    assert migrate(app({**INDEXED, "002_index.down.sql": "DROP TABLE t;\n"})).exit == 4


# Up and down begin with the same statement, so that its text does not tell them apart.
CACHE = {
    "001_a.sql": "CREATE TABLE cache (k int);\nCREATE TABLE t (a int);\n",
    "002_b.up.sql": (
        f"{ALONE}TRUNCATE cache;\nINSERT INTO cache VALUES (2);\n"
        "CREATE INDEX CONCURRENTLY t_a ON t (a);\n"
    ),
    "002_b.down.sql": f"{ALONE}TRUNCATE cache;\nDROP INDEX CONCURRENTLY nothing;\n",
}
MENDED = "DROP INDEX t_a;\nTRUNCATE cache;\nINSERT INTO cache VALUES (1);\n"


def stop_in_the_down_script(app: AppFactory, database: Database) -> None:
    assert migrate(app(CACHE)).exit == 0
    assert go(app(CACHE), "down", "1").exit == 1
    assert half_done(database) == [("2", 1)] and versions(database) == [1, 2]


def cached(database: Database) -> list[tuple[int, ...]]:
    return database.rows("SELECT k FROM cache")


def test_half_undone_and_then_undone_in_a_transaction(app: AppFactory, database: Database) -> None:
    """The next time it is applied it begins with its first statement."""
    stop_in_the_down_script(app, database)
    mended = app({**CACHE, "002_b.down.sql": MENDED})
    assert migrate(mended).exit == 4
    assert go(mended, "down", "1").steps == undone(2)
    assert half_done(database) == [] and cached(database) == [(1,)]
    assert migrate(mended).applied == [2] and cached(database) == [(2,)]


def test_half_undone_and_the_row_taken_away(app: AppFactory, database: Database) -> None:
    stop_in_the_down_script(app, database)
    without = app({k: v for k, v in CACHE.items() if "down" not in k})
    assert migrate(without).exit == 4
    way = go(without, "down", "1", "--skip-missing-down")
    assert (way.exit, half_done(database)) == (0, [])
    database.execute("DROP INDEX t_a", "INSERT INTO cache VALUES (1)")
    assert migrate(without).applied == [2] and cached(database) == [(2,)]


def test_half_undone_and_undone_by_hand(app: AppFactory, database: Database) -> None:
    stop_in_the_down_script(app, database)
    database.execute(
        "DROP INDEX t_a",
        "INSERT INTO cache VALUES (1)",
        "DELETE FROM applied_migrations WHERE version = 2",
    )
    program = app(CACHE)
    assert "half" not in program.run("--status").stdout
    assert migrate(program).applied == [2] and cached(database) == [(2,)]
    assert half_done(database) == []


def test_half_done_and_then_done_in_a_transaction(app: AppFactory, database: Database) -> None:
    """What is recorded of how far it got ends with it."""
    half = {"001_t.sql": f"{ALONE}CREATE TABLE t (a int);\nSELECT 1/0;\n"}
    assert migrate(app(half)).exit == 1 and half_done(database) == [("1", 1)]
    program = app({"001_t.sql": "CREATE TABLE IF NOT EXISTS t (a int);\n"})
    assert migrate(program).applied == [1] and half_done(database) == []
    assert check(program) == 0 and "half" not in program.run("--status").stdout


def test_half_undone_below_a_baseline(app: AppFactory, database: Database) -> None:
    stop_in_the_down_script(app, database)
    program = app(CACHE)
    assert program.run("--baseline", "2").returncode == 0
    assert half_done(database) == [] and check(program) == 0


def test_recorded_by_hand_after_it_stopped(app: AppFactory, database: Database) -> None:
    """What is left of applying it is not taken for what is left of undoing it."""
    half = {**INDEXED, "002_index.up.sql": f"{ALONE}CREATE TABLE t (a int);\nSELECT wrong;\n"}
    assert migrate(app(half)).exit == 1
    database.execute(
        "CREATE INDEX t_a ON t (a)",
        "INSERT INTO applied_migrations (version, name) VALUES (2, 'index')",
    )
    assert migrate(app(INDEXED)).exit == 0


def test_half_undone_and_killed(app: AppFactory, database: Database) -> None:
    migrate(app(INDEXED))
    running = app(broken("SELECT pg_sleep(60);\nDROP TABLE t;\n")).start(*command("down", "1"))
    wait_until(lambda: backends(database, SLEEPING))
    running.kill()
    end_orphans(database)
    wait_until(lambda: not advisory_locks(database))
    assert half_done(database) == [("2", 1)] and versions(database) == [1, 2]
    assert go(app(INDEXED), "down", "1").steps == undone(2)
    assert indexes(database) == 0 and half_done(database) == []


def test_half_undone_and_redone(app: AppFactory, database: Database) -> None:
    """What is left of undoing it is not taken for what is left of applying it."""
    migrate(app(INDEXED))
    go(app(broken("DROP TABLE nothing;\n")), "down", "1")
    assert go(app(INDEXED), "redo").steps == [*undone(2), *applied(2)]
    assert indexes(database) == 1 and half_done(database) == []


def test_half_undone_and_edited(app: AppFactory, database: Database) -> None:
    """What is done may not change."""
    migrate(app(INDEXED))
    go(app(broken("DROP TABLE nothing;\n")), "down", "1")
    other = {**INDEXED, "002_index.down.sql": f"{ALONE}DROP TABLE t;\n"}
    way = go(app(other), "down", "1")
    assert (way.exit, way.code) == (4, "mismatch")
    assert versions(database) == [1, 2] and tables(database) == {"a", "t"}


def test_unmark_forgets_what_is_half_undone(app: AppFactory, database: Database) -> None:
    migrate(app(INDEXED))
    go(app(broken("DROP TABLE nothing;\n")), "down", "1")
    program = app(INDEXED)
    database.execute("DROP TABLE t")
    assert go(program, "unmark", "2").exit == 0
    assert half_done(database) == []
    outcome = migrate(program)
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert indexes(database) == 1


def test_baseline_forgets_what_is_half_done(app: AppFactory, database: Database) -> None:
    half = {**INDEXED, "002_index.up.sql": f"{ALONE}CREATE TABLE t (a int);\nSELECT wrong;\n"}
    assert migrate(app(half)).exit == 1 and half_done(database) == [("2", 1)]
    database.execute("CREATE INDEX t_a ON t (a)")
    program = app(INDEXED)
    assert go(program, "baseline", "2").exit == 0
    assert versions(database) == [1, 2] and half_done(database) == []
    assert go(program, "down", "1").steps == undone(2)


# ---- a body that ends its transaction ----


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK", "COMMIT;\nBEGIN"])
def test_a_down_that_ends_its_transaction(app: AppFactory, database: Database, end: str) -> None:
    """The generator refuses such a file: the tables are made by hand."""
    program = app(with_down(ALL, 3, "c", f"DROP TABLE c;\n{end};\nSELECT 1;\n"), allow_bad=True)
    migrate(program)
    way = go(program, "down", "2")
    assert (way.exit, way.code, way.steps) == (1, "failed", [(3, "failed")])
    committed = end != "ROLLBACK"
    assert ("003_c.down.sql is PARTLY COMMITTED" in way.error["outcome"]) == committed
    assert tables(database) == ({"a", "b"} if committed else {"a", "b", "c"})
    assert versions(database) == [1, 2, 3] and advisory_locks(database) == 0
    database.execute("DROP TABLE IF EXISTS c")
    assert go(program, "unmark", "3").exit == 0
    assert migrate(app(ALL)).applied == [3] and tables(database) == {"a", "b", "c"}


def test_a_down_that_takes_its_row_away(app: AppFactory, database: Database) -> None:
    text = "DROP TABLE c;\nDELETE FROM applied_migrations WHERE version = 3;\n"
    program = app(with_down(ALL, 3, "c", text))
    migrate(program)
    way = go(program, "down", "1")
    assert (way.exit, way.steps) == (1, [(3, "failed")])
    assert tables(database) == {"a", "b", "c"} and versions(database) == [1, 2, 3]
