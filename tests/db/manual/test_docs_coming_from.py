"""docs/coming-from.md about databases: the transcripts come out the same, the statements find what
each tool's own table says, and the table of tools is whole."""

from __future__ import annotations

import re

import pytest

import pages
from conftest import AppFactory, ProgramFactory
from foreign_tables import ALL as TOOLS
from foreign_tables import DBMATE, FLYWAY_TABLE, GOLANG_MIGRATE, GOOSE, SQLX, Foreign
from harness.database import Database
from outcomes import migrate, tables, versions
from repairs import psql
from test_back_docs import ALL, EMAIL, USERS, at_terminal, blocks
from test_cli_docs import SOURCE

PAGE = pages.load(pages.DOCS / "coming-from.md")
FILLED = [USERS["001_create_users.up.sql"], EMAIL["002_add_email.up.sql"]]
ADOPT = ("--adopt", "goose=public.goose_db_version")


def start_again(database: Database) -> None:
    """The same database, before anything was adopted."""
    ours = "applied_migrations, applied_migrations_state, orders, events"
    database.execute(f"DROP TABLE IF EXISTS {ours}")


def test_transcripts(program: ProgramFactory, database: Database) -> None:
    server = program(SOURCE, ALL)
    database.execute(*FILLED, *GOLANG_MIGRATE.fill())
    written = blocks(PAGE)
    for command in ("--migrate-only", "--migrate-adopt golang-migrate", "--migrate-only"):
        assert at_terminal(server, command, "") in written, command
    start_again(database)
    assert at_terminal(server, "--migrate-baseline 2", "") in written
    start_again(database)
    applied = ", ".join(f"({version}, true)" for version in (1, 2, 7))
    database.execute(*GOOSE.fill(f"(version_id, is_applied) VALUES {applied}"))
    assert at_terminal(server, "--migrate-adopt goose", "") in written


def test_transcript_of_file_names(program: ProgramFactory, database: Database) -> None:
    database.execute(*FILLED, PAGE.named("sql")["file-names"])
    server = program(SOURCE, ALL)
    command = "--migrate-adopt filenames=public.schema_migrations"
    assert command in server.run("--migrate-only").stderr
    assert at_terminal(server, command, "") in blocks(PAGE)
    assert server.run("--migrate-only").returncode == 0 and versions(database) == [1, 2, 3, 4]
    times = "SELECT applied_at::date::text FROM applied_migrations WHERE version <= 2 ORDER BY 1"
    assert database.rows(times) == [("2024-01-02",), ("2024-02-03",)]


def test_transcript_of_a_first_start(program: ProgramFactory, database: Database) -> None:
    database.execute(*FILLED, *GOOSE.fill())
    server = program(SOURCE, ALL, embed=ADOPT)
    assert at_terminal(server, "--migrate-only", "") in blocks(PAGE)


def test_the_page_has_every_tool() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (?:`(\w+)`|to be given) \|", PAGE.prose, re.MULTILINE)
    default = {foreign.tool: foreign.table for foreign in TOOLS}
    assert dict(rows) == {**default, "filenames": ""}


# The names that the page has for tools, and for each the third version taken back or failed.
STATEMENTS: dict[str, Foreign] = {
    "golang-migrate": GOLANG_MIGRATE,
    "dbmate": DBMATE,
    "goose": GOOSE,
    "sqlx": SQLX,
    "Flyway": FLYWAY_TABLE,
}


def statements() -> dict[str, str]:
    """The statement that the page has for each tool."""
    return dict(re.findall(r"^\| (\S+) \| `(SELECT [^`]*;)` \|", PAGE.prose, re.MULTILINE))


def test_the_page_has_each_statement() -> None:
    assert list(statements()) == list(STATEMENTS)


@pytest.mark.parametrize("tool", STATEMENTS)
def test_statement_and_baseline(app: AppFactory, database: Database, tool: str) -> None:
    """Followed by hand: nothing runs twice, the rest runs, the tool's table stays as it is."""
    database.execute(*FILLED, *STATEMENTS[tool].fill())
    program = app(ALL)
    assert migrate(program).exit == 7  # another tool's database
    version = psql(database.server, statements()[tool], database.url).strip()
    assert version == "2"
    assert program.run("--baseline", version).returncode == 0
    assert migrate(program).applied == [3, 4]
    assert program.run("--check").returncode == 0 and STATEMENTS[tool].table in tables(database)


def test_a_dirty_version_is_not_told(database: Database) -> None:
    database.execute(*GOLANG_MIGRATE.fill(), "UPDATE schema_migrations SET dirty = true")
    assert psql(database.server, statements()["golang-migrate"], database.url).strip() == ""
