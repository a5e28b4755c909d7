"""A statement without a transaction that is done, and whose record then fails: it is never taken
for one that failed, whatever cancels it and whenever."""

from __future__ import annotations

import random
import time

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.relay import UP, Relay
from outcomes import advisory_locks, finish, migrate, wait_until
from unfinished import KINDS, LOG, PROGRESS, RESET, Kind, assert_complete, begin, complete

# What is written to the state table is counted, and one of these fails.
SPOILED = (
    "CREATE SEQUENCE writes",
    "CREATE TABLE spoiled (number int, state text)",
    "GRANT SELECT ON spoiled TO PUBLIC",
    """CREATE FUNCTION spoil() RETURNS bool LANGUAGE plpgsql AS $$
    DECLARE s public.spoiled;
    BEGIN
        FOR s IN SELECT * FROM public.spoiled LOOP
            IF pg_catalog.nextval('public.writes') = s.number THEN
                RAISE EXCEPTION 'spoiled' USING ERRCODE = s.state;
            END IF;
        END LOOP;
        RETURN true;
    END $$""",
    "ALTER TABLE applied_migrations_state ADD CHECK (spoil()) NOT VALID",
)


def spoil(database: Database, number: int, state: str) -> None:
    database.execute(
        "ALTER SEQUENCE writes RESTART",
        "TRUNCATE spoiled",
        f"INSERT INTO spoiled VALUES ({number}, '{state}')",
    )


def spare(database: Database) -> bool:
    """Ends that. Did it come to that write?"""
    ((came, number),) = database.rows(
        "SELECT last_value >= number AND is_called, number FROM writes, spoiled"
    )
    database.execute("TRUNCATE spoiled")
    return bool(came)


# A row that is there already is checked twice. 1: no statement is done; 2 and 3: the first one is;
# 4 and 5: the second one is announced; 6: it is done.
RECORD = 6
ALL = {**KINDS, "set": Kind("SET work_mem = '8MB'", "")}


@pytest.mark.parametrize("state", ["53100", "57014"], ids=["full disk", "cancelled"])
@pytest.mark.parametrize("name", ALL)
def test_any_record_may_fail(app: AppFactory, database: Database, name: str, state: str) -> None:
    kind = ALL[name]
    program = begin(app, kind)
    database.execute(*SPOILED)
    number = 1
    while True:
        spoil(database, number, state)
        outcome = migrate(program)
        if not spare(database):
            break
        assert outcome.exit in (0, 1), outcome.stderr
        assert outcome.exit == 0 or "spoiled" in outcome.error["message"]
        if outcome.exit == 1:
            outcomes = complete(program, kind)
            assert outcomes[-1].exit == 0, (number, outcomes[-1].stderr)
            assert state == "53100" or len(outcomes) == 1
        assert_complete(database, kind)
        database.execute(*RESET)
        begin(app, kind)
        number += 1
    assert number > 3


def test_what_is_said_of_it(app: AppFactory, database: Database) -> None:
    """Neither that the statement failed nor that it will be run again."""
    kind = KINDS["index"]
    program = begin(app, kind)
    database.execute(*SPOILED)
    spoil(database, RECORD, "53100")
    outcome = migrate(program)
    assert spare(database) and outcome.exit == 1
    assert outcome.error["context"] == (
        "PL/pgSQL function spoil() line 6 at RAISE\n"
        "while recording how far 002_alone.sql has got"
    )
    assert outcome.error["outcome"] == (
        "002_alone.sql has no transaction: 1 of 3 statements done and kept, perhaps statement 2 "
        "too; the next run finds out"
    )
    ((_, done, body),) = database.rows(PROGRESS)
    assert done == 1 and body.startswith("building 2 ")
    outcome = migrate(program)
    assert "002_alone.sql: statement 2 is done: CREATE INDEX t_a" in outcome.stderr
    assert_complete(database, kind)


def test_a_procedure_whose_record_fails(app: AppFactory, database: Database) -> None:
    """Nobody is told that it failed."""
    kind = KINDS["call"]
    program = begin(app, kind)
    database.execute(*SPOILED)
    spoil(database, RECORD, "53100")
    outcome = migrate(program)
    assert spare(database) and outcome.exit == 1
    assert "failed" not in outcome.error["outcome"]
    assert database.rows(LOG) == [("batch",)] * 3 + [("before",)]
    assert complete(program, kind)[-1].exit == 0
    assert_complete(database, kind)


def test_a_begin_that_fails_takes_the_others_along(
    app: AppFactory, database: Database, relay: Relay
) -> None:
    """Otherwise each of them would be a transaction of its own, and the statement run again."""
    kind = ALL["ordinary"]
    program = begin(app, kind)
    relay.replace(UP, b"BEGIN ISOLATION", b"BEGXN ISOLATION")
    outcome = migrate(program, url=relay.url(database.url))
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "42601")
    assert database.rows(LOG) == [] and database.rows(PROGRESS) == [("2", 0, None)]
    assert complete(program, kind)[-1].exit == 0
    assert_complete(database, kind)


# ---- at random moments ----

ROUNDS = 6


def end_at_random(
    app: AppFactory, database: Database, kind: Kind, function: str, seed: int
) -> None:
    """Ends what the program does at some moment, several times over."""
    moments = random.Random(seed)
    program = begin(app, kind)
    for _ in range(ROUNDS):
        running = program.start("--only", "--json")
        session = (
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'inlay'"
            " AND datname = current_database()"
        )
        wait_until(lambda: running.poll() is not None or database.rows(session))
        for _ in range(3):
            time.sleep(moments.uniform(0, 0.02))
            database.admin(f"SELECT {function}(pid) FROM ({session}) AS s")
        outcome = finish(running)
        assert outcome.exit in (0, 1, 6, 7), outcome.stderr
        wait_until(lambda: not advisory_locks(database))
        if outcome.exit != 0 or outcome.applied != [2]:
            outcomes = complete(program, kind)
            assert outcomes[-1].exit == 0, outcomes[-1].stderr
        assert_complete(database, kind)
        database.execute(*RESET)
        begin(app, kind)


@pytest.mark.parametrize("function", ["pg_cancel_backend", "pg_terminate_backend"])
@pytest.mark.parametrize("name", ALL)
def test_ended_at_random_moments(
    app: AppFactory, database: Database, name: str, function: str
) -> None:
    end_at_random(app, database, ALL[name], function, seed=1)
