"""docs/tables.md: the tables are as it says, and every repair on it repairs."""

from __future__ import annotations

import pytest

import pages
from conftest import AppFactory
from harness.database import Database
from outcomes import lock_key, migrate, tables, versions, wait_until
from repairs import ACCOUNTS, ALL, MEMBERS, TICKETS, Repair, Stage, run

PAGE = pages.load(pages.DOCS / "tables.md")
BLOCKS = PAGE.named("sql")
# A block of its own, or the first line of a statement that does the same.
COMMANDS = PAGE.named("sh") | {
    name: text.splitlines()[0].removeprefix("-- ")
    for name, text in BLOCKS.items()
    if text.startswith("-- ./server ")
}
FACTS = {"history", "state", "lock"}

OTHER_TOOL = (
    "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean)",
    "INSERT INTO schema_migrations VALUES (2, false)",
    "CREATE TABLE accounts ()",
    "CREATE TABLE members ()",
)
HALF_DONE = {
    **ACCOUNTS,
    **MEMBERS,
    "003_create_tickets.sql": "-- inlay: no-transaction\nCREATE TABLE tickets (id integer);\n"
    "ALTER TABLE tickets ADD CHECK (id > (SELECT n FROM settings));\n",
}
REMEDIED = {
    **HALF_DONE,
    "003_create_tickets.sql": "-- inlay: no-transaction\n"
    "CREATE TABLE tickets (id bigint);\nALTER TABLE tickets ADD CHECK (id > 0);\n",
}


def create_by_hand(stage: Stage) -> None:
    stage.apply({**ACCOUNTS, **MEMBERS})
    stage.database.execute("CREATE TABLE tickets (id integer)")


def apply_all(stage: Stage) -> None:
    stage.apply(ALL)


def apply_other_text(stage: Stage) -> None:
    stage.apply({**ALL, "003_create_tickets.sql": "CREATE TABLE tickets ();\n"})


def apply_other_name(stage: Stage) -> None:
    stage.apply({**ACCOUNTS, **MEMBERS, "003_add_tickets.sql": TICKETS["003_create_tickets.sql"]})


def apply_other_number(stage: Stage) -> None:
    stage.apply({**ACCOUNTS, "002_create_tickets.sql": TICKETS["003_create_tickets.sql"]})


def apply_a_branch(stage: Stage) -> None:
    stage.apply({**ACCOUNTS, "002_try_something.sql": "SELECT 1;\n"})


def stop_half_way(stage: Stage) -> None:
    stage.fail(HALF_DONE)


def finish_half_of_it(stage: Stage) -> None:
    """The second statement was run by hand: the third is left."""
    stop_half_way(stage)
    stage.database.execute("ALTER TABLE tickets ADD CHECK (id > 0)")


def come_from_another_tool(stage: Stage) -> None:
    stage.database.execute(*OTHER_TOOL)


def has_all(stage: Stage) -> None:
    assert versions(stage.database) == [1, 2, 3]
    assert stage.database.value("SELECT count(*) FROM applied_migrations_state") == 0


def is_a_second_batch(stage: Stage) -> None:
    assert stage.database.value("SELECT batch FROM applied_migrations WHERE version = 3") == 2
    assert tables(stage.database) == {"accounts", "members", "tickets"}


def is_a_bigint(stage: Stage) -> None:
    has_all(stage)
    query = "SELECT pg_typeof(id)::text FROM (SELECT) x LEFT JOIN tickets ON true"
    assert stage.database.value(query) == "bigint"


def keeps_the_old_row_unproven(stage: Stage) -> None:
    rows = stage.database.rows("SELECT version, checksum IS NULL FROM applied_migrations")
    assert sorted(rows) == [(1, True), (2, True), (3, False)]


def is_moved(stage: Stage) -> None:
    assert versions(stage.database, "ticket_history") == [1, 2, 3]
    stage.psql("SELECT FROM ticket_history_state", stage.database.url)


REPAIRS = {
    "record": Repair(1, create_by_hand, after=has_all),
    "again": Repair(0, apply_all, after=is_a_second_batch),
    "accept-edit": Repair(4, apply_other_text, after=has_all),
    "accept-name": Repair(4, apply_other_name, after=has_all),
    "accept-number": Repair(4, apply_other_number, {**ACCOUNTS, **TICKETS}),
    "forget": Repair(4, apply_a_branch, {**ACCOUNTS, **TICKETS}),
    "finish": Repair(1, stop_half_way, HALF_DONE, after=has_all),
    "go-on": Repair(1, finish_half_of_it, HALF_DONE, after=has_all),
    "restart": Repair(4, stop_half_way, REMEDIED, after=is_a_bigint),
    "take-over": Repair(7, come_from_another_tool, after=keeps_the_old_row_unproven),
    "move": Repair(
        0, apply_all, options_after=("--history", "public.ticket_history"), after=is_moved
    ),
}


def test_every_block_is_tested() -> None:
    assert set(BLOCKS) | set(COMMANDS) == FACTS | set(REPAIRS)
    assert len(COMMANDS) == 7
    assert {block.language for block in PAGE.blocks} == {"sh", "sql", "text"}
    assert all(block.name for block in PAGE.blocks if block.language != "text")


@pytest.mark.parametrize("name", sorted(set(BLOCKS) - FACTS))
def test_repair(app: AppFactory, database: Database, name: str) -> None:
    run(REPAIRS[name], BLOCKS[name], Stage(app, database))


@pytest.mark.parametrize("name", COMMANDS)
def test_repair_by_command(app: AppFactory, database: Database, name: str) -> None:
    run(REPAIRS[name], COMMANDS[name], Stage(app, database))


SHAPE = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = %s::regnamespace AND c.relname LIKE 'applied_migrations%%'
ORDER BY c.relname, a.attnum
"""


def test_the_tables_are_as_shown(app: AppFactory, database: Database) -> None:
    assert migrate(app({}, history=None)).exit == 0
    assert migrate(app(ALL)).exit == 0
    shown = "CREATE SCHEMA shown; SET search_path = shown;" + BLOCKS["history"] + BLOCKS["state"]
    Stage(app, database).psql(shown, database.admin_url)
    made = database.rows(SHAPE, "public")
    assert made and made == database.rows(SHAPE, "shown")


def test_the_lock_is_found(app: AppFactory, database: Database) -> None:
    assert str(lock_key()) in BLOCKS["lock"] and str(lock_key()) in PAGE.prose
    assert database.rows(BLOCKS["lock"]) == []
    app({"001_slow.sql": "SELECT pg_sleep(60);"}).start("--only")
    wait_until(lambda: database.rows(BLOCKS["lock"]), "for the lock")
    ((_, application, *_),) = database.rows(BLOCKS["lock"])
    assert application == "inlay"
