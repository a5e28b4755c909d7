"""Signals, with one migration running or hundreds on their way: what is told to be applied is
applied, the rest is not, and the next run does it. Signals in each phase: test_fault_death.py."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time

import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.program import Program
from harness.relay import DOWN, Relay
from outcomes import DRIVER, advisory_locks, await_signal, backends, finish, migrate, numbered
from outcomes import versions, wait_until
from phases import ALONE

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
MANY = 400
SLOW = 300  # the one that waits: those before it are applied, those behind it are on their way
GATE = (
    "DO $$ BEGIN WHILE EXISTS (SELECT FROM closed) LOOP PERFORM pg_sleep(0.02); END LOOP; END $$;"
)
WAITS = "query ~ 'closed' AND state = 'active'"


def start(program: Program, url: str = "") -> subprocess.Popen[str]:
    return program.start("--only", "--json", url=url)


def many(database: Database) -> dict[str, str]:
    """Migrations of which each leaves a line, and one waits until the gate is open."""
    database.execute("CREATE TABLE log (line int)", "CREATE TABLE closed AS SELECT 1")
    files = dict(numbered(MANY, "INSERT INTO log VALUES ({n});\n"))
    files[f"{SLOW:04d}_step.sql"] += GATE
    return files


def open_the_gate(database: Database) -> None:
    database.execute("DELETE FROM closed")


def assert_first(database: Database, count: int) -> None:
    """So many of them are applied, each once."""
    expected = list(range(1, count + 1))
    assert versions(database) == expected
    assert [line for (line,) in database.rows("SELECT line FROM log ORDER BY line")] == expected


@SIGNALS
def test_hundreds_are_queued(app: AppFactory, database: Database, number: signal.Signals) -> None:
    program = app(many(database))
    running = start(program)
    wait_until(lambda: backends(database, WAITS))
    running.send_signal(number)
    outcome = finish(running)
    assert (outcome.exit, outcome.code) == (128 + number, "stopped")
    assert outcome.applied == list(range(1, SLOW))
    assert_first(database, SLOW - 1)
    assert advisory_locks(database) == 0
    open_the_gate(database)
    assert migrate(program).applied == list(range(SLOW, MANY + 1))
    assert_first(database, MANY)


@SIGNALS
def test_twice(app: AppFactory, database: Database, number: signal.Signals) -> None:
    """The second signal does not wait for the server; the server ends what it was doing."""
    program = app(many(database))
    running = start(program)
    wait_until(lambda: backends(database, WAITS))
    pid = database.value(
        f"SELECT pid FROM pg_stat_activity WHERE {WAITS} AND pid <> pg_backend_pid()"
        " AND datname = current_database()"
    )
    os.kill(pid, signal.SIGSTOP)  # it does not answer the first one
    try:
        running.send_signal(number)
        await_signal(running)
        time.sleep(0.2)
        assert running.poll() is None
        running.send_signal(number)
        assert running.wait(20) == 128 + number
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: backends(database) == 0)
    assert_first(database, SLOW - 1)
    open_the_gate(database)
    assert migrate(program).exit == 0
    assert_first(database, MANY)


@SIGNALS
def test_the_answers_stay_away(
    app: AppFactory, database: Database, relay: Relay, number: signal.Signals
) -> None:
    """All are on their way, and no answer comes any more: what is not known is not told."""
    program = app(many(database))
    running = start(program, url=relay.url(database.url))
    wait_until(lambda: backends(database, WAITS))
    relay.stall(DOWN)
    running.send_signal(number)
    wait_until(lambda: any(connection.is_cancel for connection in relay.connections))
    outcome = finish(running)
    assert (outcome.exit, outcome.code) == (6, "lost")
    assert outcome.applied == list(range(1, len(outcome.applied) + 1))
    assert "may or may not be committed" in outcome.error["outcome"]
    wait_until(lambda: backends(database) == 0)
    assert_first(database, SLOW - 1)
    assert set(outcome.applied) <= set(versions(database))
    open_the_gate(database)
    assert migrate(program).exit == 0
    assert_first(database, MANY)


BETWEEN = """
#include <inlay.h>
#include <stdio.h>
#include <unistd.h>
extern const struct inlay_set app_migrations;
static int stop[2];

static void hear(void *user, const struct inlay_event *event)
{
    (void)user;
    if (event->kind != INLAY_EVENT_APPLIED)
        return;
    printf("%d\\n", (int)event->migration->version);
    if (event->migration->version == 2 && write(stop[1], "x", 1) != 1)
        printf("failed\\n");
}

int main(int argc, char **argv)
{
    struct inlay_options options = {.size = sizeof options, .conninfo = argv[argc - 1]};

    if (pipe(stop) != 0)
        return 1;
    options.stop_fd = stop[0];
    options.event = hear;
    return -inlay_migrate(&app_migrations, &options, NULL, NULL);
}
"""


@pytest.mark.parametrize("head", ["", ALONE], ids=["transaction", "no transaction"])
def test_between_two_migrations(program: ProgramFactory, database: Database, head: str) -> None:
    """Told between the second and the third, of which any number may be on its way."""
    files = {name: head + text for name, text in many(database).items()}
    stopped = program(BETWEEN, files).run(database.url)
    assert stopped.returncode == 9
    told = [int(line) for line in stopped.stdout.splitlines()]
    assert told == list(range(1, len(told) + 1)) and 2 <= len(told) < SLOW
    assert_first(database, len(told))
    assert advisory_locks(database) == 0
    open_the_gate(database)
    assert "migrate ok\n" in program(DRIVER, files).run("migrate").stdout
    assert_first(database, MANY)


def test_at_any_moment(app: AppFactory, database: Database) -> None:
    """However many are applied when the signal comes."""
    program = app(many(database))
    open_the_gate(database)
    seed = int(os.environ.get("INLAY_SEED", time.time()))
    print(f"INLAY_SEED={seed}")
    moments = random.Random(seed)
    done = 0
    while done < MANY:
        running = start(program)
        enough = min(MANY, done + moments.randint(1, 60))
        wait_until(lambda: database.value("SELECT count(*) FROM log") >= enough)
        running.send_signal(moments.choice([signal.SIGTERM, signal.SIGINT]))
        outcome = finish(running)
        assert outcome.code in ("stopped", "ok"), outcome.stderr
        assert outcome.applied == list(range(done + 1, done + len(outcome.applied) + 1))
        done += len(outcome.applied)
        assert_first(database, done)
        assert advisory_locks(database) == 0
