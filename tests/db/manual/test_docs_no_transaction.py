"""docs/no-transaction.md: the transcripts come out the same, the statement finds what it says."""

from __future__ import annotations

import re

import pages
from conftest import AppFactory, ProgramFactory
from harness.database import Database
from outcomes import migrate
from repairs import psql
from test_back_docs import Transcripts, blocks
from test_cli_docs import SOURCE, squeeze, transcript
from unfinished import ALONE, INVALID

PAGE = pages.load(pages.DOCS / "no-transaction.md")
SQL = PAGE.named("sql")

TICKETS = {
    "001_create_tickets.sql": "CREATE TABLE tickets (number int, account int, closed boolean);\n"
    "INSERT INTO tickets VALUES (1, 1), (1, 2), (2, 2);\n"
    "CREATE PROCEDURE close_tickets() LANGUAGE plpgsql AS $$\n"
    "BEGIN\n"
    "    UPDATE tickets SET closed = true WHERE number = 1;\n"
    "    COMMIT;\n"
    "    UPDATE tickets SET closed = true WHERE number = 2 AND 1 / (account - 2) > 0;\n"
    "END $$;\n"
}
INDEXES = {"002_index_tickets.sql": SQL["indexes"]}
CLOSE = {"003_close_tickets.sql": SQL["close"]}
EDITED = {"003_close_tickets.sql": SQL["close"].replace("note text", "remark text")}


def level(text: str) -> str:
    """Without times, and with columns of any width."""
    return re.sub(" +", " ", re.sub(r"\d{4}-\d\d-\d\dT\S+", "TIME", squeeze(text)))


def test_the_transcripts_are_real(program: ProgramFactory, database: Database) -> None:
    written = Transcripts(level(block) for block in blocks(PAGE))
    shown = 0

    def show(files: dict[str, str], command: str) -> None:
        nonlocal shown
        shown += 1
        assert level(transcript(program(SOURCE, files), command)) in written, command

    show({**TICKETS, **INDEXES}, "--migrate-only")
    psql(database.server, SQL["repair"], database.url)
    show({**TICKETS, **INDEXES}, "--migrate-only")
    assert program(SOURCE, {**TICKETS, **INDEXES, **CLOSE}).run("--migrate-only").returncode == 1
    show({**TICKETS, **INDEXES, **CLOSE}, "--migrate-only")
    show({**TICKETS, **INDEXES, **EDITED}, "--migrate-only")
    show({**TICKETS, **INDEXES, **CLOSE}, "--migrate-resume-at 3:3")
    show({**TICKETS, **INDEXES, **CLOSE}, "--migrate-only")
    assert len(written) == shown


def test_the_leftovers_are_found(app: AppFactory, database: Database) -> None:
    assert set(SQL) == {"indexes", "repair", "close", "leftovers"}
    unique = f"{ALONE}CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a);\n"
    migrate(
        app(
            {"1_t.sql": "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1);", "2_i.sql": unique}
        )
    )
    assert psql(database.server, SQL["leftovers"], database.url) == "t_a\n"
    assert database.rows(INVALID) == [("t_a",)]
