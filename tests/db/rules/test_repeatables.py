"""Repeatable migrations: whenever they change, after all versions, once for each text."""

from __future__ import annotations

import hashlib
import json
import subprocess
from typing import Any

import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.relay import FAR, Relay
from outcomes import DRIVER, advisory_locks, backends, check, end_orphans, versions, wait_until
from steps import Run, run, run_of, state_rows, status
from test_rules_cost import bare_connection
from test_rules_events import events_of

ONE = {"001_one.sql": "CREATE TABLE one (line text);"}
TWO = {"002_two.sql": "CREATE TABLE two ();"}
SLEEPING = "query ~ 'pg_sleep' AND state = 'active'"


def note(name: str, text: str = "") -> dict[str, str]:
    """A repeatable that leaves a line each time it runs."""
    return {f"R__{name}.sql": f"INSERT INTO one VALUES ('{name}{text}');\n"}


def lines(database: Database) -> list[str]:
    return [line for line, in database.rows("SELECT line FROM one ORDER BY ctid")]


def recorded(database: Database) -> dict[str, tuple[str, int]]:
    """Checksum and batch by name."""
    rows = state_rows(database, "repeatable").items()
    return {key: (checksum, batch) for key, (checksum, batch, _) in rows}


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def finish(process: subprocess.Popen[str]) -> Run:
    stdout, stderr = process.communicate(timeout=60)
    return run_of(subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr))


# ---- when they run ----


def test_after_the_last_version_in_the_order_of_names(app: AppFactory, database: Database) -> None:
    files = {**note("b"), **note("a"), **note("B"), **ONE, **TWO}
    outcome = run(app(files))
    assert outcome.steps == [
        "applied 1",
        "applied 2",
        "applied R__B",
        "applied R__a",
        "applied R__b",
    ]
    assert (outcome.exit, outcome.batch, lines(database)) == (0, 1, ["B", "a", "b"])
    assert recorded(database) == {n: (sha(files[f"R__{n}.sql"]), 1) for n in ("B", "a", "b")}
    assert versions(database) == [1, 2]


def test_again_when_it_changes_and_only_then(app: AppFactory, database: Database) -> None:
    run(app({**ONE, **note("a"), **note("b")}))
    assert run(app({**ONE, **note("a"), **note("b")})).steps == []
    changed = {**ONE, **note("a", " 2"), **note("b")}
    assert check(app(changed)) == 3
    outcome = run(app(changed))
    assert (outcome.steps, outcome.batch) == (["applied R__a"], 2)
    assert (check(app(changed)), run(app(changed)).steps) == (0, [])
    run(app({**ONE, **note("a", " 3"), **note("b")}))
    run(app({**ONE, **note("a"), **note("b")}))  # back to the first text
    assert lines(database) == ["a", "b", "a 2", "a 3", "a"]
    assert {name: batch for name, (_, batch) in recorded(database).items()} == {"a": 4, "b": 1}


def test_line_ends_are_no_change(app: AppFactory, database: Database) -> None:
    run(app({**ONE, **note("a")}))
    windows = {"R__a.sql": note("a")["R__a.sql"].replace("\n", "\r\n")}
    assert run(app({**ONE, **windows})).steps == []


def test_nothing_else(app: AppFactory, database: Database) -> None:
    files = {"R__one.sql": "CREATE TABLE IF NOT EXISTS one (line text);", **note("two")}
    assert run(app(files)).steps == ["applied R__one", "applied R__two"]
    assert (versions(database), lines(database)) == ([], ["two"])
    again = app(files).run("--only")
    assert again.stderr == "up to date: 2 repeatables\n"
    assert check(app(files)) == 0


def test_a_new_name_runs_and_the_old_one_stays(app: AppFactory, database: Database) -> None:
    run(app({**ONE, **note("a")}))
    renamed = {"R__z.sql": note("a")["R__a.sql"]}
    program = app({**ONE, **renamed})
    outcome = run(program)
    assert (outcome.steps, outcome.warnings) == (["applied R__z"], [])
    assert sorted(recorded(database)) == ["a", "z"]
    assert status(program)["states"] == {"1": "applied", "R__a": "unknown", "R__z": "applied"}
    assert (check(program, "--strict"), status(program)["unknown"]) == (0, 0)
    assert "left alone" in program.run("--status").stdout


def test_a_state_table_that_is_made_later(app: AppFactory, database: Database) -> None:
    database.execute(
        "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text NOT NULL)",
        *ONE.values(),
        "INSERT INTO applied_migrations VALUES (1, 'one')",
    )
    assert run(app({**ONE, **note("a")})).steps == ["applied R__a"]
    assert list(recorded(database)) == ["a"]


def test_one_that_somebody_asks_for_again(app: AppFactory, database: Database) -> None:
    program = app({**ONE, **note("a")})
    run(program)
    database.execute("DELETE FROM applied_migrations_state WHERE kind = 'repeatable' AND key = 'a'")
    assert run(program).steps == ["applied R__a"]


# ---- when they fail ----


@pytest.mark.valgrind
def test_a_failing_one(app: AppFactory, database: Database) -> None:
    bad = {"R__b.sql": "INSERT INTO one VALUES ('b');\nSELECT 1/0;\n"}
    outcome = run(app({**ONE, **note("a"), **bad, **note("c")}))
    assert outcome.steps == ["applied 1", "applied R__a", "failed R__b"]
    assert (outcome.exit, outcome.error["sqlstate"], outcome.error["version"]) == (1, "22012", None)
    assert (outcome.error["path"], outcome.error["line"]) == ("migrations/R__b.sql", 2)
    assert "R__b.sql was rolled back" in outcome.error["outcome"]
    assert (lines(database), list(recorded(database))) == (["a"], ["a"])
    assert run(app({**ONE, **note("a"), **note("b"), **note("c")})).steps == [
        "applied R__b",
        "applied R__c",
    ]


def test_the_old_text_stays_recorded_when_the_new_one_fails(
    app: AppFactory, database: Database
) -> None:
    run(app({**ONE, **note("a")}))
    before = state_rows(database, "repeatable")
    assert run(app({**ONE, "R__a.sql": "SELECT 1/0;"})).exit == 1
    assert state_rows(database, "repeatable") == before
    assert run(app({**ONE, **note("a")})).steps == []


def test_killed_in_the_middle(app: AppFactory, database: Database) -> None:
    body = note("a")["R__a.sql"]
    running = app({**ONE, "R__a.sql": body + "SELECT pg_sleep(60);"}).start("--only")
    wait_until(lambda: backends(database, SLEEPING))
    running.kill()
    end_orphans(database)
    wait_until(lambda: not advisory_locks(database))
    assert (lines(database), recorded(database), versions(database)) == ([], {}, [1])
    assert run(app({**ONE, **note("a")})).steps == ["applied R__a"]


def test_a_lost_connection_is_tried_again(app: AppFactory, database: Database) -> None:
    """The first time the server ends it; the history tells that nothing was kept."""
    body = "SELECT CASE WHEN nextval('turn') = 1 THEN pg_terminate_backend(pg_backend_pid()) END;"
    database.execute("CREATE SEQUENCE turn")
    outcome = run(app({**ONE, "R__a.sql": note("a")["R__a.sql"] + body}))
    assert (outcome.exit, lines(database)) == (0, ["a"])


ENDING = {
    "COMMIT": ("INSERT INTO one VALUES ('a');\nCOMMIT;\n", ["a"], True),
    "COMMIT and BEGIN": ("INSERT INTO one VALUES ('a');\nCOMMIT;\nBEGIN;\n", ["a"], True),
    "ROLLBACK and BEGIN": ("INSERT INTO one VALUES ('a');\nROLLBACK;\nBEGIN;\n", [], False),
    "deletes its row": ("DELETE FROM applied_migrations_state WHERE key = 'a';\n", [], False),
    "disowns it": (
        "UPDATE applied_migrations_state SET checksum = '0' WHERE key = 'a';\n",
        [],
        False,
    ),
}


@pytest.mark.parametrize("before", [True, False], ids=["changed", "new"])
@pytest.mark.parametrize("case", ENDING)
def test_one_that_ends_its_transaction(
    app: AppFactory, database: Database, case: str, before: bool
) -> None:
    """What it committed of its row is taken back: the next run begins it anew."""
    body, left, half = ENDING[case]
    if before:
        run(app({**ONE, "R__a.sql": "SELECT 1;"}))
    outcome = run(app({**ONE, "R__a.sql": body, **note("b")}, allow_bad=True))
    assert (outcome.exit, outcome.steps[-1]) == (1, "failed R__a")
    assert ("PARTLY COMMITTED" in outcome.error["outcome"]) is half
    assert lines(database) == left
    assert list(recorded(database)) == (["a"] if before and not half else [])
    assert run(app({**ONE, **note("a", " 2"), **note("b")})).steps == [
        "applied R__a",
        "applied R__b",
    ]


# ---- at once, and older ----


def test_two_processes_at_once(app: AppFactory, database: Database) -> None:
    files = {**ONE, "R__a.sql": note("a")["R__a.sql"] + "SELECT pg_sleep(0.3);"}
    fleet = [app(files).start("--only", "--json") for _ in range(4)]
    outcomes = [finish(process) for process in fleet]
    assert [outcome.exit for outcome in outcomes] == [0] * 4
    assert sum("applied R__a" in outcome.steps for outcome in outcomes) == 1
    assert lines(database) == ["a"]


def test_two_processes_on_the_claims_alone(app: AppFactory, database: Database) -> None:
    """Behind a transaction pooler no lock keeps them apart: the second waits for the row of the
    first, and finds its own text there."""
    run(app(ONE))
    wait = "SELECT pg_advisory_xact_lock(77);\n"
    program = app({**ONE, "R__a.sql": wait + note("a")["R__a.sql"]})
    with database.connect() as holder:
        holder.execute("SELECT pg_advisory_lock(77)")
        fleet = [program.start("--only", "--json", "--pooler=transaction") for _ in range(2)]
        claims = "wait_event_type = 'Lock' AND query ~ 'applied_migrations_state'"
        wait_until(lambda: backends(database, claims), "for the second to wait for the first")
    outcomes = [finish(process) for process in fleet]
    assert sorted(outcome.steps for outcome in outcomes) == [["applied R__a"], ["skipped R__a"]]
    assert [outcome.exit for outcome in outcomes] == [0, 0]
    assert lines(database) == ["a"]


def test_an_older_binary_leaves_a_newer_database_alone(app: AppFactory, database: Database) -> None:
    run(app({**ONE, **note("a"), **TWO}))
    older = app({**ONE, **note("a", " of yesterday"), **note("gone")})
    outcome = run(older)
    assert (outcome.exit, outcome.steps) == (0, [])
    assert [w for w in outcome.warnings if w.startswith("R__a.sql is another text")]
    assert lines(database) == ["a"]
    assert check(older) == 0
    assert status(older)["states"] == {
        "1": "applied",
        "2": "unknown",
        "R__a": "replaced",
        "R__gone": "replaced",
    }
    assert "the database is newer" in older.run("--status").stdout


def test_an_older_binary_without_them(app: AppFactory, database: Database) -> None:
    run(app({**ONE, **note("a")}))
    assert (run(app(ONE)).steps, check(app(ONE), "--strict")) == ([], 0)


# ---- the other verbs ----


def test_going_back_and_forth(app: AppFactory, database: Database) -> None:
    two = {"002_two.up.sql": "CREATE TABLE two ();", "002_two.down.sql": "DROP TABLE two;"}
    run(app({**ONE, **note("a")}))
    program = app({**ONE, **two, **note("a", " 2")})
    assert run(program, "to", "1").steps == []  # it belongs to the newest version
    assert run(program, "to", "2").steps == ["applied 2", "applied R__a"]
    assert run(program, "down", "1").steps == ["undone 2"]
    assert lines(database) == ["a", "a 2"]
    assert list(recorded(database)) == ["a"]
    assert run(program).steps == ["applied 2"]
    edited = app({**ONE, **two, **note("a", " 3")})
    assert run(edited, "redo").steps == ["undone 2", "applied 2", "applied R__a"]


STANDS = {
    "002_two.up.sql": "CREATE TABLE two (n int);",
    "002_two.down.sql": "DROP TABLE two;",
    "003_three.up.sql": "CREATE TABLE three ();",
    "003_three.down.sql": "DROP TABLE three;",
    "R__sum.sql": "CREATE OR REPLACE VIEW s AS SELECT sum(n) FROM two;",
}


def test_undoing_what_one_stands_on(app: AppFactory, database: Database) -> None:
    run(app(ONE))
    assert run(app({**ONE, **STANDS})).exit == 0
    outcome = run(app({**ONE, **STANDS}), "down", "batch")
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "2BP01")
    said = "R__sum.sql is not undone: a down script fails if it drops what this one uses"
    assert outcome.warnings == [said]
    assert outcome.stderr.index(said) < outcome.stderr.index("undone 003")
    assert outcome.error["hint"] == (
        "if what depends on it was made by a repeatable migration (R__sum.sql), let the down "
        "script drop that first, and delete the row of the repeatable in "
        '"public"."applied_migrations_state", so that the next run makes it again'
    )
    # As the hint says.
    better = {**STANDS, "002_two.down.sql": "DROP VIEW IF EXISTS s;\nDROP TABLE two;"}
    program = app({**ONE, **better})
    assert run(program, "to", "1").steps == ["undone 2"]
    database.execute(
        "DELETE FROM public.applied_migrations_state WHERE kind = 'repeatable' AND key = 'sum'"
    )
    assert run(program).steps == ["applied 2", "applied 3", "applied R__sum"]


def test_undoing_what_none_can_stand_on(app: AppFactory, database: Database) -> None:
    """It ran in an earlier batch, and was not touched since."""
    run(app({**ONE, **note("a")}))
    two = {"002_two.up.sql": "CREATE TABLE two ();", "002_two.down.sql": "DROP TABLE two;"}
    program = app({**ONE, **two, **note("a")})
    assert run(program).steps == ["applied 2"]
    assert run(program, "down", "1").warnings == []


def test_rollback_of_a_run_of_nothing_else(app: AppFactory, database: Database) -> None:
    run(app(ONE))
    program = app({**ONE, **note("a")})
    assert run(program).batch == 2
    outcome = run(program, "down", "batch")
    assert (outcome.exit, outcome.code, versions(database)) == (7, "refused", [1])
    assert "of the last run, batch 2, only repeatable migrations are left (a)" in (
        outcome.error["message"]
    )


def test_the_history_s_verbs_are_about_versions(app: AppFactory, database: Database) -> None:
    database.execute(*ONE.values())
    program = app({**ONE, **note("a")})
    assert program.run("--baseline", "1").returncode == 0
    assert run(program).steps == ["applied R__a"]
    database.execute("TRUNCATE applied_migrations")
    assert program.run("--mark", "1").returncode == 0
    assert run(program).steps == []


# ---- what is shown ----


def test_status_and_dry_run(app: AppFactory, database: Database) -> None:
    run(app({**ONE, **note("a"), **note("b")}))
    program = app({**ONE, **note("a"), **note("b", " 2"), **note("c")})
    shown = status(program)
    assert shown["states"] == {
        "1": "applied",
        "R__a": "applied",
        "R__b": "pending",
        "R__c": "pending",
    }
    assert (shown["applied"], shown["pending"], shown["next_batch"]) == (1, 2, 2)
    entry: dict[str, Any] = shown["migrations"][2]
    assert (entry["version"], entry["name"], entry["batch"]) == (None, "b", 1)
    assert entry["recorded_checksum"] == sha(note("b")["R__b.sql"])
    assert entry["embedded"]["checksum"] == sha(note("b", " 2")["R__b.sql"])
    assert entry["applied_at"].startswith("20") and entry["elapsed_ms"] is None
    text = program.run("--status").stdout
    assert "2 migrations pending: --only applies them in batch 2" in text
    assert "changed" in text
    assert program.run("--dry-run").stdout == (
        "would apply R__b (1 statement)\n"
        "would apply R__c (1 statement)\n"
        "2 migrations would be applied in batch 2; nothing was written\n"
    )
    planned = json.loads(program.run("--dry-run", "--json").stdout)["migrations"]
    assert [(m["version"], m["name"]) for m in planned] == [(None, "b"), (None, "c")]
    assert lines(database) == ["a", "b"]


def test_check_names_the_first(app: AppFactory, database: Database) -> None:
    run(app(ONE))
    program = app({**ONE, **note("a"), **note("b")})
    result = program.run("--check")
    assert result.returncode == 3
    assert "2 of 3 migrations are pending, the first is R__a" in result.stderr
    result = app({**ONE, **TWO, **note("a"), **note("b")}).run("--check")
    assert "3 of 4 migrations are pending, the first is 2 (two)" in result.stderr


def test_list_and_lines(app: AppFactory, database: Database) -> None:
    program = app({**ONE, **note("a")})
    assert "1 migration and 1 repeatable from migrations" in program.run("--show").stdout
    listed = json.loads(program.run("--show", "--json").stdout)["migrations"]
    assert [(m["version"], m["name"]) for m in listed] == [("1", "one"), (None, "a")]
    said = program.run("--only").stderr.splitlines()
    assert said[2].startswith("applied R__a (")
    assert said[3].startswith("2 migrations applied in batch 1")
    assert program.run("--only").stderr == (
        "up to date: 1 migration and 1 repeatable, the newest is 001_one\n"
    )


def test_events_have_no_version(program: ProgramFactory, database: Database) -> None:
    files = {"001_one.sql": ONE["001_one.sql"], **note("a")}
    events = events_of(program(DRIVER, files).run("migrate"))
    assert [event.partition(" statement")[0] for event in events] == [
        "begin -1 0/2",
        "started 1 1/2",
        "applied 1 1/2",
        "started -1 2/2",
        "applied -1 2/2",
        "end -1 2/2",
    ]


# ---- cost and rights ----


@pytest.mark.parametrize("verb", ["--only", "--check"])
def test_nothing_pending_is_one_round_trip(
    app: AppFactory, database: Database, relay: Relay, verb: str
) -> None:
    program = app({**ONE, **note("a"), **note("b")})
    run(program)
    bare = bare_connection(relay, database)
    relay.delay = FAR
    before = relay.round_trips
    assert program.run(verb, url=relay.url(database.url)).returncode == 0
    assert relay.round_trips - before == bare + 1


def test_a_reader_needs_the_state_table(app: AppFactory, database: Database) -> None:
    """Without it nobody can say what ran."""
    program = app({**ONE, **note("a")})
    run(program)
    reader = database.add_role("reader")
    database.execute(f'GRANT SELECT ON applied_migrations TO "{reader}"')
    url = database.url_for(reader)
    result = program.run("--check", url=url)
    assert result.returncode == 7
    assert 'may not read the state table "public"."applied_migrations_state"' in result.stderr
    assert check(app(ONE), url=url) == 0  # which has none
    (grant,) = [line for line in result.stderr.splitlines() if "GRANT" in line]
    database.execute(*grant.partition("hint: ")[2].strip(";").split("; "))
    assert check(program, url=url) == 0


def test_a_read_only_database(app: AppFactory, database: Database) -> None:
    run(app({**ONE, **note("a")}))
    database.admin(f'ALTER DATABASE "{database.name}" SET default_transaction_read_only = on')
    assert run(app({**ONE, **note("a")})).exit == 0
    outcome = run(app({**ONE, **note("a", " 2")}))
    assert (outcome.exit, outcome.code) == (7, "refused")
    assert "1 migration is pending" in outcome.error["detail"]
