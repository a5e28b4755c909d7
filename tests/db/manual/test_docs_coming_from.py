"""docs/coming-from.md about databases: the transcripts come out the same, and the statements find
what each tool's own table says. The tools one by one: test_docs_tools.py."""

from __future__ import annotations

import re
import shlex

import pytest

import pages
from conftest import AppFactory, ProgramFactory
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
    assert at_terminal(server, "--migrate-only", "") in written
    assert server.run("--migrate-adopt", "golang-migrate").returncode == 0
    assert at_terminal(server, "--migrate-only", "") in written
    start_again(database)
    assert at_terminal(server, "--migrate-baseline 2", "") in written
    start_again(database)
    applied = ", ".join(f"({version}, true)" for version in (1, 2, 7))
    database.execute(*GOOSE.fill(f"(version_id, is_applied) VALUES {applied}"))
    assert at_terminal(server, "--migrate-adopt goose", "") in written


def test_transcript_of_file_names(program: ProgramFactory, database: Database) -> None:
    database.execute(*FILLED, PAGE.named("sql")["file-names"])
    server = program(SOURCE, ALL)
    command = "--migrate-adopt filenames=public.schema_migrations.version"
    assert command in server.run("--migrate-only").stderr
    assert at_terminal(server, command, "") in blocks(PAGE)
    assert server.run("--migrate-only").returncode == 0 and versions(database) == [1, 2, 3, 4]
    times = "SELECT applied_at::date::text FROM applied_migrations WHERE version <= 2 ORDER BY 1"
    assert database.rows(times) == [("2024-01-02",), ("2024-02-03",)]


def test_transcript_of_a_first_start(program: ProgramFactory, database: Database) -> None:
    database.execute(*FILLED, *GOOSE.fill())
    server = program(SOURCE, ALL, embed=ADOPT)
    assert at_terminal(server, "--migrate-only", "") in blocks(PAGE)


def test_queries(app: AppFactory, database: Database) -> None:
    """Those of the page, on tables as servers have them."""
    database.execute(
        "CREATE TABLE schema_version (version int, minor int)",
        "INSERT INTO schema_version VALUES (2, 1)",
        "CREATE SCHEMA _v CREATE TABLE patches (patch_name text)",
        "INSERT INTO _v.patches VALUES ('versioning-0001'), ('exchange-0001'), ('exchange-0002')",
    )
    pattern = r"(?P<name>exchange)-(?P<version>[0-9]+)\.sql"
    numbers = {f"{n}_a.sql": "" for n in (1, 2, 3)}
    points = {f"V{n}__a.sql": "" for n in ("1.9", "2.0", "2.1", "2.2")}
    exchange = {f"exchange-000{n}.sql": "" for n in (1, 2, 3)}
    programs = [app(numbers), app(points), app(exchange, embed=["--pattern", pattern])]
    commands = PAGE.named("sh")["query"].splitlines()
    assert len(commands) == len(programs)
    for program, command in zip(programs, commands):
        words = shlex.split(command)[1:]
        assert migrate(program).exit == 7
        assert program.run(*words).returncode == 0
        assert len(migrate(program).applied) == 1
        database.execute("DROP TABLE applied_migrations, applied_migrations_state")


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


def test_what_flyway_has_undone_is_not_told(database: Database) -> None:
    """Nor what it has deleted; what it has applied again is."""
    again = "INSERT INTO flyway_schema_history SELECT 20, version, description, 'SQL', script, 1,"
    again += " 'x', now(), 1, true FROM flyway_schema_history WHERE installed_rank = 11"
    rows = ((10, "3", "SQL"), (11, "3", "UNDO_SQL"), (12, "4", "SQL"), (13, "4", "DELETE"))
    database.execute(*FLYWAY_TABLE.fill())
    for rank, version, kind in rows:
        database.execute(
            f"INSERT INTO flyway_schema_history VALUES ({rank}, '{version}', 'c', '{kind}',"
            f" 'V{version}__c.sql', 1, 'x', now(), 1, true)"
        )
    assert psql(database.server, statements()["Flyway"], database.url).strip() == "2"
    database.execute(again)
    assert psql(database.server, statements()["Flyway"], database.url).strip() == "3"


def test_a_dirty_version_is_not_told(database: Database) -> None:
    database.execute(*GOLANG_MIGRATE.fill(), "UPDATE schema_migrations SET dirty = true")
    assert psql(database.server, statements()["golang-migrate"], database.url).strip() == ""
