"""docs/when-it-goes-wrong.md: an entry for every message, and every repair on it repairs."""

from __future__ import annotations

import re
from typing import Callable

import pytest

import messages
import pages
from conftest import AppFactory
from foreign_tables import GOOSE
from harness.database import Database
from outcomes import lock_key
from repairs import ACCOUNTS, ALL, MEMBERS, Repair, Stage, run

PAGE = pages.load(pages.DOCS / "when-it-goes-wrong.md")
BLOCKS = PAGE.named("sql")
INVALID = pages.load(pages.DOCS / "no-transaction.md").named("sql")["leftovers"]
# Messages stand in blocks of their own, and in the first column of tables.
ENTRIES = [
    *(
        (block.headings, line)
        for block in PAGE.blocks
        if (block.language, block.name) == ("text", "message")
        for line in block.text.splitlines()
    ),
    *(
        (row.headings, message)
        for row in PAGE.rows
        for message in re.findall(r"`([^`]*)`", row.cells[0])
    ),
]
LINES = [line for _, line in ENTRIES]
SAID = [said for path in messages.sources(pages.TOP) for said in messages.said_in(path)]


def test_every_message_has_an_entry() -> None:
    """But for the lines that only inform."""
    missing = [
        f"{said.file}: {said.format}"
        for said in SAID
        if said.has_words and not (said.informs or any(said.matches(line) for line in LINES))
    ]
    assert not missing, "\n".join(missing)


def test_every_entry_is_a_message() -> None:
    worded = [said for said in SAID if said.has_words]
    stale = [line for line in LINES if not any(said.matches(line) for said in worded)]
    assert not stale, "\n".join(stale)


def test_messages_that_are_handed_on_are_known() -> None:
    """A helper that sets a message for its callers: messages.CALLS has to name it."""
    assert {said.file for said in SAID if not said.has_words} == messages.HANDED_ON


# ---- the repairs ----

NUMBERED = {
    "001_create_tickets.sql": "CREATE TABLE tickets (number integer);\n"
    "INSERT INTO tickets VALUES (1), (1);\n",
    "002_index_numbers.sql": "-- inlay: no-transaction\n"
    "CREATE UNIQUE INDEX CONCURRENTLY tickets_number_idx ON tickets (number);\n",
}


def apply_all(stage: Stage) -> None:
    stage.apply(ALL)


def test_invalid_indexes_are_found(app: AppFactory, database: Database) -> None:
    stage = Stage(app, database)
    stage.fail(NUMBERED)
    invalid = stage.psql(INVALID, database.url)
    assert invalid == "tickets_number_idx\n"
    database.execute("DELETE FROM tickets")
    stage.apply(NUMBERED)
    assert stage.psql(INVALID, database.url) == ""


def hold_the_lock(stage: Stage) -> None:
    connection = stage.database.connect(autocommit=True)
    connection.execute("SELECT pg_advisory_lock(%s)", [lock_key()])
    stage.words["4711"] = str(connection.info.backend_pid)
    stage.kept.append(connection)


def make_read_only(stage: Stage) -> None:
    name = stage.database.name
    stage.database.admin(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')


def take_the_schema_away(stage: Stage) -> None:
    stage.database.admin("ALTER SCHEMA public OWNER TO postgres")
    # Where the tables of the migrations go is another matter.
    stage.database.admin(f"CREATE SCHEMA work AUTHORIZATION {stage.database.role}")


def take_the_database_away(stage: Stage) -> None:
    name = stage.database.name
    stage.database.admin(f'REVOKE CREATE ON DATABASE "{name}" FROM {stage.database.role}')


def apply_as_superuser(stage: Stage) -> None:
    result = stage.app({**ACCOUNTS, **MEMBERS}).run("--only", url=stage.database.admin_url)
    assert result.returncode == 0
    stage.database.admin(f"GRANT SELECT ON applied_migrations TO {stage.database.role}")


def add_a_service(stage: Stage) -> None:
    stage.database.admin("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    stage.apply(ALL)
    stage.database.add_role("service")


def leave_anothers_table(stage: Stage) -> None:
    stage.database.admin(*GOOSE.fill())


def after_all(*statements: str) -> Callable[[Stage], None]:
    def breakage(stage: Stage) -> None:
        stage.apply({**ACCOUNTS, **MEMBERS})
        stage.database.execute(*statements)

    return breakage


def leave_holes(stage: Stage) -> None:
    stage.database.execute(
        "CREATE TABLE applied_migrations (version bigint UNIQUE, name text)",
        "INSERT INTO applied_migrations VALUES (1, 'create_accounts'), (2, 'create_members')",
        "INSERT INTO applied_migrations VALUES (3, NULL), (NULL, 'create_tickets')",
    )


# Repairs that the hint names; an empty one is the hint's own text.
HINTED = {
    "grant-create": "",
    "create-schema": "",
    "grant-select": "",
    "grant-foreign": "",
    "set-logged": "ALTER TABLE applied_migrations SET LOGGED;",
    "add-key": "ALTER TABLE applied_migrations ADD PRIMARY KEY (version);",
    "disable-row-security": "ALTER TABLE applied_migrations DISABLE ROW LEVEL SECURITY;",
    "drop-rule": "DROP RULE keep_quiet ON applied_migrations;",
    "drop-trigger": "DROP TRIGGER audit ON applied_migrations;",
}

REPAIRS = {
    "terminate": Repair(5, hold_the_lock, options=("--lock-wait", "0")),
    "read-write": Repair(7, make_read_only, superuser=True),
    "grant-create": Repair(7, take_the_schema_away, superuser=True),
    "create-schema": Repair(
        7, take_the_database_away, options=("--history", "app_history.history"), superuser=True
    ),
    "change-owner": Repair(7, apply_as_superuser, superuser=True),
    "grant-select": Repair(7, add_a_service, service=True),
    "set-logged": Repair(7, after_all("ALTER TABLE applied_migrations SET UNLOGGED")),
    "add-key": Repair(
        7, after_all("ALTER TABLE applied_migrations DROP CONSTRAINT applied_migrations_pkey")
    ),
    "disable-row-security": Repair(
        7,
        after_all(
            "ALTER TABLE applied_migrations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
        ),
    ),
    "drop-rule": Repair(
        7,
        after_all("CREATE RULE keep_quiet AS ON INSERT TO applied_migrations DO INSTEAD NOTHING"),
    ),
    "drop-trigger": Repair(
        7,
        after_all(
            "CREATE TRIGGER audit BEFORE INSERT ON applied_migrations"
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        ),
    ),
    "fill-row": Repair(7, leave_holes),
    "grant-foreign": Repair(
        7, leave_anothers_table, embed=("--adopt", "goose=public.goose_db_version"), superuser=True
    ),
}


def test_every_block_is_tested() -> None:
    assert set(BLOCKS) | set(HINTED) == set(REPAIRS)
    assert {b.language for b in PAGE.blocks} == {"sql", "text"}


@pytest.mark.parametrize("name", REPAIRS)
def test_repair(app: AppFactory, database: Database, name: str) -> None:
    """What is refused has the status and one of the messages that the block stands under, or one
    of those of its status if the hint has the repair."""
    said = run(REPAIRS[name], BLOCKS.get(name) or HINTED[name], Stage(app, database))
    section = f"Exit status {REPAIRS[name].status}: "
    under = [b.headings for b in PAGE.blocks if b.language == "sql" and b.name == name]
    assert any(
        matches(line, said)
        for headings, line in ENTRIES
        if headings in under or not under and headings[1].startswith(section)
    )
    assert all(headings[1].startswith(section) for headings in under)


def matches(line: str, said: str) -> bool:
    """Words in capitals stand for anything, and dots for the rest."""
    parts = re.split(r"\b[A-Z]+\b", line.removesuffix(" ..."))
    return re.search(".*".join(map(re.escape, parts)), said) is not None
