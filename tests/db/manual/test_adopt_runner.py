"""docs/coming-from.md, "A runner of your own": what happens when an old runner works on the same
table, and its checksums brought up to date as the page says."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any, Iterator

import psycopg
import pytest

import pages
from conftest import AppFactory
from harness.database import Database
from harness.program import Files
from outcomes import backends, finish, lock_key, migrate, versions, wait_until
from test_back_docs import ALL, EMAIL, USERS

BLOCKS = pages.load(pages.DOCS / "coming-from.md").named("sh")
HISTORY = (
    "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT now(), checksum text)"
)
FIRST, SECOND = USERS["001_create_users.up.sql"], EMAIL["002_add_email.up.sql"]
CRLF = {name: text.replace("\n", "\r\n") for name, text in ALL.items()}  # a checkout on Windows
OLD_KEY = lock_key(prefix="")


def record(version: int, name: str, text: str | None = None) -> str:
    """The runner's own row, with the sum of the bytes as they are."""
    checksum = f"'{hashlib.sha256(text.encode()).hexdigest()}'" if text is not None else "NULL"
    columns = "version, name, checksum"
    return f"INSERT INTO applied_migrations ({columns}) VALUES ({version}, '{name}', {checksum})"


@pytest.fixture
def runner(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """A session that migrates, under the runner's lock: 1 is applied."""
    database.execute(HISTORY, FIRST, record(1, "create_users"))
    with database.connect(autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [OLD_KEY])
        yield connection


def test_the_locks_are_two(
    app: AppFactory, database: Database, runner: psycopg.Connection[Any]
) -> None:
    assert OLD_KEY != lock_key()
    assert migrate(app(ALL), "--lock-wait=0").applied == [2, 3, 4]


def test_a_release_without_migrations(
    app: AppFactory, database: Database, runner: psycopg.Connection[Any]
) -> None:
    """Has nothing to do, whatever the runner does, and leaves its table as it is."""
    outcome = migrate(app(USERS), "--lock-wait=0")
    assert (outcome.exit, outcome.results) == (0, {})
    columns = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'applied_migrations'::regclass"
    assert database.value(f"{columns} AND attnum > 0") == 4
    assert database.value("SELECT to_regclass('applied_migrations_state')") is None


def test_both_apply_one_version(
    app: AppFactory, database: Database, runner: psycopg.Connection[Any]
) -> None:
    """The key lets one of them: inlay waits for the runner's row, and goes on behind it."""
    with runner.transaction():
        runner.execute(record(2, "add_email"))
        runner.execute(SECOND)
        process = app(ALL).start("--only", "--json")
        wait_until(lambda: backends(database, "wait_event_type = 'Lock'") == 1)
    outcome = finish(process)
    assert (outcome.exit, outcome.applied) == (0, [3, 4])
    assert versions(database) == [1, 2, 3, 4]


def test_the_runner_comes_second(
    app: AppFactory, database: Database, runner: psycopg.Connection[Any]
) -> None:
    slow = {"002_add_email.up.sql": SECOND + "SELECT pg_sleep(1);\n"}
    process = app({**ALL, **slow}).start("--only", "--json")
    wait_until(lambda: backends(database, "wait_event = 'PgSleep'") == 1)
    with pytest.raises(psycopg.errors.UniqueViolation), runner.transaction():
        runner.execute(record(2, "add_email"))
        runner.execute(SECOND)
    outcome = finish(process)
    assert (outcome.exit, outcome.applied) == (0, [2, 3, 4])


@pytest.fixture
def recorded(database: Database) -> Database:
    """1 and 2 are applied, from files with CRLF."""
    database.execute(HISTORY, FIRST, SECOND)
    for number, name in enumerate(("create_users", "add_email"), 1):
        database.execute(record(number, name, CRLF[f"{number:03d}_{name}.up.sql"]))
    return database


@pytest.mark.parametrize("files", (CRLF, ALL), ids=("CRLF", "LF"))
def test_checksums_of_line_ends(app: AppFactory, recorded: Database, files: Files) -> None:
    program = app(files)
    outcome = migrate(program)
    assert outcome.exit == 4
    assert outcome.error["detail"].partition("; ")[0] == "2 versions are edited: 1, 2"
    (command,) = BLOCKS["accept"].splitlines()
    for version in ("1", "2"):
        assert program.run(*shlex.split(command)[1:-1], version).returncode == 0
    assert migrate(program).applied == [3, 4]
    for checkout in (CRLF, ALL):
        assert app(checkout).run("--check", "--strict").returncode == 0


@pytest.mark.parametrize("files", (CRLF, ALL), ids=("CRLF", "LF"))
def test_telling_line_ends_from_edits(recorded: Database, files: Files, tmp_path: Path) -> None:
    """The history's sum is that of the command for this checkout, and of no other."""
    write(tmp_path, files)
    sums = run_block("sums", recorded, tmp_path)
    assert [number for number, sum in enumerate(sums) if sum == sums[0]] == [
        0,
        1 if files is CRLF else 2,
    ]
    path = tmp_path / "migrations" / "001_create_users.up.sql"
    path.write_bytes(b"-- edited\r\n" + path.read_bytes())
    assert sums[0] not in run_block("sums", recorded, tmp_path)[1:]


def write(directory: Path, files: Files) -> None:
    (directory / "migrations").mkdir()
    for name, text in files.items():
        data = text if isinstance(text, bytes) else text.encode()
        (directory / "migrations" / name).write_bytes(data)


def run_block(name: str, database: Database, directory: Path) -> list[str]:
    """The sums that a block of the page prints."""
    programs = Path(database.server.program("psql")).parent
    env = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PGHOST": str(database.server.directory),
        "PGPORT": str(database.server.port),
        "PGUSER": database.role,
        "PGDATABASE": database.name,
    }
    script = ["sh", "-euc", BLOCKS[name]]
    printed = subprocess.check_output(script, text=True, env=env, cwd=directory)
    return [line.split()[0] for line in printed.splitlines()]
