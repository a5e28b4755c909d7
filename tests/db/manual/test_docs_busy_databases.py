"""docs/busy-databases.md: the transcripts come out the same, and its migrations of many rows do
what it says."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

import pages
from conftest import ProgramFactory
from harness.database import Database
from harness.program import Files, Program
from outcomes import advisory_locks, backends, end_orphans, wait_until
from test_back_docs import blocks
from test_cli_docs import SOURCE, squeeze, transcript

PAGE = pages.load(pages.DOCS / "busy-databases.md")

FILES = {
    "001_create_plans.sql": "CREATE TABLE plans (id bigint PRIMARY KEY, price bigint);\n",
    "002_add_seats.sql": "ALTER TABLE plans ADD seats integer NOT NULL DEFAULT 1;\n",
}
SLOW = {
    "003_count_seats.sql": "CREATE TABLE seats AS\n  SELECT plans.* FROM plans, pg_sleep(30);\n"
}


def say(server: Program, command: str) -> str:
    """Without what differs from run to run: numbers, and how often it was tried."""
    text = re.sub(r"\bpid \d+", "pid 4711", transcript(server, command))
    text = re.sub(r"tried \d+ times within \d+s", "tried 4 times within 2s", text)
    lines: list[str] = []
    for line in squeeze(text).splitlines():
        if not lines or line != lines[-1]:
            lines.append(line)
    return "\n".join(lines)


def test_transcripts(program: ProgramFactory, database: Database) -> None:
    written = blocks(PAGE)
    server = program(SOURCE, FILES)
    program(SOURCE, {"001_create_plans.sql": FILES["001_create_plans.sql"]}).run("--migrate-only")
    with database.connect(application_name="psql") as reader:
        reader.execute("SELECT FROM plans")
        command = "--migrate-only --migrate-set lock_timeout=500ms --migrate-retry 2s"
        assert say(server, command) in written
    assert server.run("--migrate-only").returncode == 0
    database.execute(f"ALTER ROLE {database.role} SET statement_timeout = '1s'")
    assert say(program(SOURCE, {**FILES, **SLOW}), "--migrate-only") in written


# ---- a million rows, or a few less ----

COUNT = 30000
TICKETS = {
    "001_create_tickets.sql": "CREATE TABLE tickets"
    " (id bigint PRIMARY KEY, price integer NOT NULL, code integer);\n"
    f"INSERT INTO tickets SELECT n * 40, n FROM generate_series(1, {COUNT}) AS n;\n"
}
# What the page takes for granted: a function that SQL does not have.
CODE_OF = """#include <stdlib.h>
static int code_of(const char *id)
{
    return (int)(atoll(id) % 97);
}
"""
WRONG = "SELECT count(*) FROM tickets WHERE price_cents IS DISTINCT FROM price * 100"
TRANSACTIONS = "SELECT count(DISTINCT xmin::text) FROM tickets"


def shown(*names: str) -> Files:
    """The first migration, and those of the page's files with these names."""
    blocks = {**PAGE.named("sql"), **PAGE.named("c")}
    return {**TICKETS, **{name: text for name, text in blocks.items() if name.startswith(names)}}


def apply(program: ProgramFactory, files: Files, source: str = SOURCE) -> None:
    done = program(source, files).run("--migrate-only")
    assert done.returncode == 0, done.stderr


def test_every_file_is_tested() -> None:
    assert set(PAGE.named("sql")) | set(PAGE.named("c")) == {
        "010_add_price_cents.sql",
        "011_fill_first.sql",
        "012_fill_rest.sql",
        "011_fill_in_batches.sql",
        "011_fill_codes.c",
        "013_require_price.sql",
        "014_validate_price.sql",
        "015_price_not_null.sql",
    }


@pytest.mark.parametrize(
    "fill, transactions", [(("011_fill_first", "012"), 2), (("011_fill_in_batches",), 3)]
)
def test_filling(
    program: ProgramFactory, database: Database, fill: tuple[str, ...], transactions: int
) -> None:
    """Each part commits by itself, rows with a value are left, and then none may be missing."""
    apply(program, shown("010"))
    database.execute("UPDATE tickets SET price_cents = price * 100 WHERE id = 40")
    apply(program, shown("010", *fill))
    assert database.value(WRONG) == 0
    assert database.value(TRANSACTIONS) == transactions + 1
    apply(program, shown("010", *fill, "013", "014", "015"))
    query = (
        "SELECT attnotnull FROM pg_attribute WHERE attrelid = 'tickets'::regclass AND attname = "
    )
    assert database.value(query + "'price_cents'")
    query = "SELECT count(*) FROM pg_constraint WHERE conrelid = 'tickets'::regclass AND contype = "
    assert database.value(query + "'c'") == 0


def test_killed_between_batches(program: ProgramFactory, database: Database) -> None:
    """What is committed stays, and the page's commands fill the rest."""
    apply(program, shown("010"))
    server = program(SOURCE, shown("010", "011_fill_in"))
    with database.connect() as other:
        other.execute(f"SELECT FROM tickets WHERE id = {COUNT * 40} FOR UPDATE")
        running = server.start("--migrate-only")
        wait_until(lambda: backends(database, "wait_event_type = 'Lock'"), "for the last batch")
        running.kill()
        end_orphans(database)
        wait_until(lambda: not advisory_locks(database), "for its end")
    assert database.value(WRONG) == 10000
    assert server.run("--migrate-only").returncode == 7
    command = PAGE.named("sh")["again"].replace("./server", str(server.path))
    env = {**os.environ, "DATABASE_URL": database.url}
    subprocess.run(["sh", "-e"], input=command, text=True, env=env, check=True, timeout=60)
    assert (database.value(WRONG), database.value(TRANSACTIONS)) == (0, 3)


def test_filling_from_c(program: ProgramFactory, database: Database) -> None:
    """In batches; rows that have a value are left."""
    files = shown("011_fill_codes")
    apply(program, TICKETS)
    database.execute("UPDATE tickets SET code = -1 WHERE id = 80")
    apply(program, files, f'{SOURCE}{CODE_OF}#include "migrations/011_fill_codes.c"\n')
    wrong = "SELECT array_agg(id) FROM tickets WHERE code IS DISTINCT FROM id % 97"
    assert database.value(wrong) == [80]
    assert database.value(TRANSACTIONS) == 2
