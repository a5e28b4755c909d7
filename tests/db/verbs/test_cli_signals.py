"""Stopping a run from outside, and output that cannot be written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import Any, Iterator

import psycopg
import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from outcomes import read_line

FILES = {
    "001_fast.sql": "CREATE TABLE fast ();\n",
    "002_slow.sql": "CREATE TABLE slow ();\nSELECT pg_sleep(60);\n",
}
WAITING = """SELECT pid FROM pg_stat_activity WHERE datname = current_database()
    AND pid <> pg_backend_pid() AND query ~ 'applied_migrations_state'"""
SLEEPING = """SELECT pid FROM pg_stat_activity WHERE datname = current_database()
    AND pid <> pg_backend_pid() AND query ~ '^SELECT pg_sleep' AND state = 'active'"""


def default_signals() -> None:
    """A test runner in the background of a shell hands on an ignored SIGINT."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)


def start(program: Program, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    return program.start(*arguments, preexec_fn=default_signals, **options)


def await_rows(database: Database, query: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not database.rows(query):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


def await_gone(database: Database, query: str) -> None:
    deadline = time.monotonic() + 60
    while database.rows(query):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lock_key(history: str) -> int:
    """FNV-1a of 64 bits, as a signed number."""
    value = 0xCBF29CE484222325
    for byte in f"inlay:{history}".encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value - 2**64 if value >= 2**63 else value


@pytest.fixture
def held_lock(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """Another process has the lock."""
    with database.connect(autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (lock_key("public.applied_migrations"),))
        yield connection


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_a_long_statement(app: AppFactory, database: Database, number: int) -> None:
    process = start(app(FILES), "--only", "--json")
    await_rows(database, SLEEPING, process)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    read = json.loads(stdout)
    assert (read["code"], read["exit"], read["applied"]) == ("stopped", 128 + number, 1)
    assert "applied 001_fast" in stderr
    assert database.rows("SELECT version FROM applied_migrations") == [(1,)]
    assert database.value("SELECT to_regclass('slow')") is None
    assert database.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'") == []
    await_gone(database, SLEEPING)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_waiting_for_the_lock(
    app: AppFactory, database: Database, held_lock: object, number: int
) -> None:
    process = start(app(FILES), "--only")
    await_rows(database, WAITING, process)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert database.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []
    assert database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 1


@pytest.mark.parametrize("arguments", [["--await", "1h"], ["--status", "--connect-wait", "1h"]])
def test_stopped_while_waiting_for_a_server(app: AppFactory, arguments: list[str]) -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"
    process = start(app(FILES), *arguments, url=url)
    assert read_line(process.stderr).startswith("waiting for the server: ")
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM


def test_stopped_while_awaiting_others(app: AppFactory) -> None:
    process = start(app(FILES), "--await", "1h")
    assert read_line(process.stderr).startswith("waiting: ")
    process.terminate()
    stderr = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signal.SIGTERM
    assert "stopped" in stderr


def test_a_second_signal_ends_it_at_once(app: AppFactory, database: Database) -> None:
    """A frozen server does not answer the cancel: the first signal alone would wait for it."""
    process = start(app(FILES), "--only")
    await_rows(database, SLEEPING, process)
    pid = database.value(SLEEPING)
    os.kill(pid, signal.SIGSTOP)
    try:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 128 + signal.SIGINT
    finally:
        os.kill(pid, signal.SIGCONT)
    await_gone(database, SLEEPING)
    assert database.rows("SELECT version FROM applied_migrations") == [(1,)]


def test_nohup(app: AppFactory, database: Database) -> None:
    """Started to ignore SIGINT, it ignores SIGINT."""
    process = app({"001_slow.sql": "SELECT pg_sleep(1);\n"}).start(
        "--only", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)
    )
    await_rows(database, SLEEPING, process)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0


VERBS = ["--status", "--show", "--show=1", "--dry-run", "--help", "--only --json", "--check --json"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_full_disk(app: AppFactory, database: Database, verb: str) -> None:
    with open("/dev/full", "w") as full:
        process = start(app({"001_a.sql": "CREATE TABLE a ();\n"}), *verb.split(), stdout=full)
        stderr = process.communicate(timeout=20)[1]
    assert process.returncode == (3 if "check" in verb else 1)
    expected = "error: the result cannot be written to stdout: No space left on device\n"
    assert stderr.endswith(expected)


def test_a_reader_that_goes_away(app: AppFactory, database: Database) -> None:
    """Neither stdout nor stderr has a reader any more: the migrations go on to their end."""
    program = app({**FILES, "002_slow.sql": "SELECT pg_sleep(1);\n", "003_b.sql": "SELECT 1;\n"})
    process = start(program, "--only", "--json")
    assert process.stdout and process.stderr
    process.stdout.close()
    process.stderr.close()
    assert process.wait(60) == 1
    assert database.value("SELECT count(*) FROM applied_migrations") == 3


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(app: AppFactory, database: Database, closed: str) -> None:
    """What is printed never ends up in the connection."""
    files = {
        "001_talk.sql": "DO $$ BEGIN RAISE NOTICE 'hello'; END $$;\nSELECT pg_sleep(0.6);\n",
        "002_a.sql": "CREATE TABLE a ();\n",
    }
    program = app(files)
    environment = {"INLAY_DATABASE_URL": database.url}
    command = f'"$0" --only --json {closed}'
    result = subprocess.run(
        ["sh", "-c", command, str(program.path)], capture_output=True, text=True, env=environment
    )
    assert result.returncode == (1 if " >&-" in f" {closed}" else 0)
    assert database.value("SELECT count(*) FROM applied_migrations") == 2
    assert result.stdout == "" or json.loads(result.stdout)["applied"] == 2
