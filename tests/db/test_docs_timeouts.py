"""docs/timeouts.md: the transcripts come out the same, and its numbers are the program's."""

from __future__ import annotations

import re

import pages
from conftest import ProgramFactory
from harness.database import Database
from harness.program import Program
from test_back_docs import blocks
from test_cli_docs import SOURCE, squeeze, transcript

PAGE = pages.load(pages.DOCS / "timeouts.md")

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
