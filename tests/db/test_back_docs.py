"""docs/going-back.md and docs/adopting.md: the transcripts come out the same, and the statements
find what each tool's own table says."""

from __future__ import annotations

import re
import pytest

import pages
from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.program import Program
from outcomes import migrate
from repairs import psql
from terminal import Terminal, screen
from test_cli_docs import SOURCE, squeeze

BACK = pages.load(pages.DOCS / "going-back.md")
ADOPTING = pages.load(pages.DOCS / "adopting.md")

USERS = {
    "001_create_users.up.sql": "CREATE TABLE users (id bigint PRIMARY KEY, name text);\n",
    "001_create_users.down.sql": "DROP TABLE users;\n",
}
EMAIL = {
    "002_add_email.up.sql": "ALTER TABLE users ADD email text;\n",
    "002_add_email.down.sql": "ALTER TABLE users DROP email;\n",
}
ORDERS = {
    "003_create_orders.up.sql": "CREATE TABLE orders (id bigint PRIMARY KEY);\n",
    "003_create_orders.down.sql": "DROP TABLE orders;\n",
}
EVENTS = {
    "004_create_events.up.sql": "CREATE TABLE events (id bigint PRIMARY KEY);\n",
    "004_create_events.down.sql": "DROP TABLE events;\n",
}
EDITED = {
    **EVENTS,
    "004_create_events.up.sql": "CREATE TABLE events (id bigint PRIMARY KEY, at timestamptz);\n",
}
REWORDED = {"001_create_users.up.sql": "-- People.\n" + USERS["001_create_users.up.sql"]}
ALL = {**USERS, **EMAIL, **ORDERS, **EVENTS}
SURE = "? [y/N] "


def blocks(page: pages.Page) -> set[str]:
    found = re.findall(r"(?:^    .*\n)+", page.prose, re.MULTILINE)
    return {squeeze(re.sub("^    ", "", block, flags=re.MULTILINE)) for block in found}


def at_terminal(program: Program, command: str, answer: str) -> str:
    """What is on the screen in the end."""
    terminal = Terminal(program, *command.split(), env={"TERM": "xterm"}, columns=250)
    if answer:
        terminal.read_until(SURE)
        terminal.press(f"{answer}\n".encode())
    status = terminal.finish()
    lines = [line for line in screen(terminal.seen) if line]
    lines = [f"$ ./server {command}", *lines]
    return squeeze(
        "\n".join([*lines, *([f"[exit status {status}]"] if status else [])]).replace(
            program.database.name, "shop"
        )
    )


def test_transcripts_of_going_back(program: ProgramFactory) -> None:
    server = program(SOURCE, ALL)
    edited = program(SOURCE, {**ALL, **EDITED})
    reworded = program(SOURCE, {**ALL, **EDITED, **REWORDED})
    assert program(SOURCE, {**USERS, **EMAIL}).run("--migrate-only").returncode == 0
    assert server.run("--migrate-only").returncode == 0
    written = blocks(BACK)
    for made, command, answer in [
        (server, "--migrate-rollback", "y"),
        (server, "--migrate-to 3", ""),
        (server, "--migrate-down 1", "n"),
        (server, "--migrate-to 2 --migrate-yes", ""),
        (server, "--migrate-only", ""),
        (edited, "--migrate-only", ""),
        (edited, "--migrate-redo", "y"),
        (reworded, "--migrate-accept 1", ""),
    ]:
        assert at_terminal(made, command, answer) in written, command


# ---- adopting ----

# What each tool documents of its own table, after versions 1 and 2, and 3 taken back or failed.
TOOLS = {
    "golang-migrate": (
        "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)",
        "INSERT INTO schema_migrations VALUES (2, false)",
    ),
    "dbmate": (
        "CREATE TABLE schema_migrations (version varchar(255) PRIMARY KEY)",
        "INSERT INTO schema_migrations VALUES ('1'), ('2')",
    ),
    "goose": (
        "CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL,"
        " is_applied boolean NOT NULL, tstamp timestamp DEFAULT now())",
        "INSERT INTO goose_db_version (version_id, is_applied)"
        " VALUES (0, true), (1, true), (2, true), (3, true), (3, false)",
    ),
    "sqlx": (
        "CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL,"
        " installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL,"
        " checksum bytea NOT NULL, execution_time bigint NOT NULL)",
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)"
        " VALUES (1, 'a', true, '', 1), (2, 'b', true, '', 1), (3, 'c', false, '', 1)",
    ),
    "Flyway": (
        "CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50),"
        " description varchar(200) NOT NULL, type varchar(20) NOT NULL,"
        " script varchar(1000) NOT NULL, checksum int, installed_by varchar(100) NOT NULL,"
        " installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL,"
        " success boolean NOT NULL)",
        "INSERT INTO flyway_schema_history VALUES"
        " (1, '1', 'a', 'SQL', 'V1__a.sql', 1, 'x', now(), 1, true),"
        " (2, '2', 'b', 'SQL', 'V2__b.sql', 1, 'x', now(), 1, true),"
        " (3, NULL, 'r', 'SQL', 'R__r.sql', 1, 'x', now(), 1, true),"
        " (4, '3', 'c', 'SQL', 'V3__c.sql', 1, 'x', now(), 1, false)",
    ),
}


def statements() -> dict[str, str]:
    """The statement that the page has for each tool."""
    return dict(re.findall(r"^\| (\S+) \| `(SELECT [^`]*;)` \|", ADOPTING.prose, re.MULTILINE))


def test_the_page_has_each_tool() -> None:
    assert list(statements()) == list(TOOLS)


@pytest.mark.parametrize("tool", TOOLS)
def test_statement_and_baseline(app: AppFactory, database: Database, tool: str) -> None:
    """Followed by hand: nothing runs twice, the rest runs, the tool's table stays as it is."""
    files = [USERS["001_create_users.up.sql"], EMAIL["002_add_email.up.sql"]]
    database.execute(*files, *TOOLS[tool])
    program = app(ALL)
    assert migrate(program).exit == 7  # another tool's database
    version = psql(database.server, statements()[tool], database.url).strip()
    assert version == "2"
    assert program.run("--baseline", version).returncode == 0
    assert migrate(program).applied == [3, 4]
    assert program.run("--check").returncode == 0


def test_a_dirty_version_is_not_told(database: Database) -> None:
    database.execute(*TOOLS["golang-migrate"], "UPDATE schema_migrations SET dirty = true")
    assert psql(database.server, statements()["golang-migrate"], database.url).strip() == ""


def test_transcripts_of_adopting(program: ProgramFactory, database: Database) -> None:
    files = [USERS["001_create_users.up.sql"], EMAIL["002_add_email.up.sql"]]
    database.execute(*files, *TOOLS["golang-migrate"])
    server = program(SOURCE, ALL)
    written = blocks(ADOPTING)
    for command in ("--migrate-only", "--migrate-baseline 2", "--migrate-only"):
        assert at_terminal(server, command, "") in written, command
