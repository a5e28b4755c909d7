"""docs/coming-from.md, followed by hand: a directory as each tool has it, a database that the tool
has migrated, the commands of the page; and no statement runs twice."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Mapping

import pytest

import pages
from conftest import ProgramFactory
from foreign_tables import DBMATE, FLYWAY_TABLE, GOLANG_MIGRATE, GOOSE, SQLX, Foreign
from harness.database import Database
from outcomes import tables
from test_cli_docs import SOURCE
from test_docs_pages import OPTION

PAGE = pages.load(pages.DOCS / "coming-from.md")
TOOLS = pages.load(pages.DOCS / "tools.md")
BLOCKS = PAGE.named("sh")

# What each migration does beside its work: run twice it would be seen.
RAN = "INSERT INTO ran VALUES ('{}');\n"
USERS = "CREATE TABLE users (id bigint PRIMARY KEY);\n" + RAN.format("users")
EMAIL = "ALTER TABLE users ADD email text;\n" + RAN.format("email")
INDEX = "CREATE INDEX CONCURRENTLY users_email ON users (email);\n"
ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY);\n" + RAN.format("orders")


@dataclass(frozen=True)
class Directory:
    """One tool's directory: three migrations that it has run, and one that is new."""

    foreign: Foreign
    files: Mapping[str, str]
    rows: str  # what the tool has recorded
    versions: tuple[int, ...]


def goose(up: str, down: str, head: str = "") -> str:
    return (
        f"{head}-- +goose Up\n-- +goose StatementBegin\n{up}-- +goose StatementEnd\n\n"
        f"-- +goose Down\n{down}"
    )


def dbmate(up: str, down: str, options: str = "") -> str:
    return f"-- migrate:up{options}\n{up}\n-- migrate:down\n{down}"


DIRECTORIES = {
    "golang-migrate": Directory(
        GOLANG_MIGRATE,
        {
            "000001_create_users.up.sql": USERS,
            "000001_create_users.down.sql": "DROP TABLE users;\n",
            "000002_add_email.up.sql": EMAIL,
            "000002_add_email.down.sql": "ALTER TABLE users DROP email;\n",
            "000003_index_email.up.sql": INDEX,
            "000003_index_email.down.sql": "DROP INDEX users_email;\n",
            "000004_create_orders.up.sql": ORDERS,
            "000004_create_orders.down.sql": "DROP TABLE orders;\n",
        },
        "VALUES (3, false)",
        (1, 2, 3, 4),
    ),
    "goose": Directory(
        GOOSE,
        {
            "00001_create_users.sql": goose(USERS, "DROP TABLE users;\n"),
            "00002_add_email.sql": goose(EMAIL, "ALTER TABLE users DROP email;\n"),
            "00003_index_email.sql": goose(
                INDEX, "DROP INDEX users_email;\n", "-- +goose NO TRANSACTION\n"
            ),
            "00004_create_orders.sql": goose(ORDERS, "DROP TABLE orders;\n"),
        },
        "(version_id, is_applied) VALUES (0, true), (1, true), (2, true), (3, true),"
        " (4, true), (4, false)",
        (1, 2, 3, 4),
    ),
    "dbmate": Directory(
        DBMATE,
        {
            "20240101000000_create_users.sql": dbmate(USERS, "DROP TABLE users;\n"),
            "20240201000000_add_email.sql": dbmate(EMAIL, "ALTER TABLE users DROP email;\n"),
            "20240301000000_index_email.sql": dbmate(
                INDEX, "DROP INDEX users_email;\n", " transaction:false"
            ),
            "20240401000000_create_orders.sql": dbmate(ORDERS, "DROP TABLE orders;\n"),
        },
        "VALUES ('20240101000000'), ('20240201000000'), ('20240301000000')",
        (20240101000000, 20240201000000, 20240301000000, 20240401000000),
    ),
    "flyway": Directory(
        FLYWAY_TABLE,
        {
            "V1__create_users.sql": USERS,
            "U1__create_users.sql": "DROP TABLE users;\n",
            "V2__add_email.sql": EMAIL,
            "U2__add_email.sql": "ALTER TABLE users DROP email;\n",
            "V3__index_email.sql": INDEX,
            "V3__index_email.sql.conf": "executeInTransaction=false\n",
            "U3__index_email.sql": "DROP INDEX users_email;\n",
            "V4__create_orders.sql": ORDERS,
            "U4__create_orders.sql": "DROP TABLE orders;\n",
        },
        "VALUES (1, '1', 'create users', 'SQL', 'V1__create_users.sql', 1, 'x', now(), 1, true),"
        " (2, '2', 'add email', 'SQL', 'V2__add_email.sql', 1, 'x', now(), 1, true),"
        " (3, '3', 'index email', 'SQL', 'V3__index_email.sql', 1, 'x', now(), 1, true)",
        (1, 2, 3, 4),
    ),
    "sqlx": Directory(
        SQLX,
        {
            "20240101000000_create_users.up.sql": USERS,
            "20240101000000_create_users.down.sql": "DROP TABLE users;\n",
            "20240201000000_add_email.up.sql": EMAIL,
            "20240201000000_add_email.down.sql": "ALTER TABLE users DROP email;\n",
            "20240301000000_index_email.up.sql": f"-- no-transaction\n{INDEX}",
            "20240301000000_index_email.down.sql": "DROP INDEX users_email;\n",
            "20240401000000_create_orders.up.sql": ORDERS,
            "20240401000000_create_orders.down.sql": "DROP TABLE orders;\n",
        },
        "VALUES (20240101000000, 'create users', now(), true, '', 1),"
        " (20240201000000, 'add email', now(), true, '', 1),"
        " (20240301000000, 'index email', now(), true, '', 1)",
        (20240101000000, 20240201000000, 20240301000000, 20240401000000),
    ),
}


def test_the_page_has_every_tool() -> None:
    assert set(DIRECTORIES) <= {heading.lower() for heading in TOOLS.headings}
    (named,) = re.findall(r"`TOOL` is ([^:]*):", PAGE.prose)
    assert re.findall("`([a-z-]+)`", named) == list(DIRECTORIES)


def embed_options(command: str) -> tuple[str, ...]:
    """What the page's build says beyond the names of its files."""
    words = shlex.split(command)
    assert words[:2] == ["inlay", "embed"]
    return tuple(words[words.index("--layout") : words.index("--symbol")])


@pytest.mark.parametrize("tool", DIRECTORIES)
def test_followed_by_hand(program: ProgramFactory, database: Database, tool: str) -> None:
    directory = DIRECTORIES[tool]
    database.execute("CREATE TABLE ran (what text)")
    for statements in (USERS, EMAIL):
        database.execute(*statements.strip().split("\n"))
    with database.connect(autocommit=True) as connection:
        connection.execute(INDEX.encode())
    database.execute(*directory.foreign.fill(directory.rows))
    build, *commands = BLOCKS["change"].replace("TOOL", tool).splitlines()
    server = program(SOURCE, directory.files, embed=embed_options(build))
    for command in commands:
        result = server.run(*shlex.split(command)[1:])
        assert result.returncode == 0, result.stderr
    ran = database.rows("SELECT what FROM ran ORDER BY what")
    assert ran == [("email",), ("orders",), ("users",)]
    assert tables(database) == {"users", "orders", "ran", directory.foreign.table}
    applied = "SELECT version, checksum IS NULL FROM applied_migrations ORDER BY version"
    *old, new = directory.versions
    assert database.rows(applied) == [*((version, True) for version in old), (new, False)]
    assert server.run("--migrate-to", "0", "--migrate-yes").returncode == 0
    assert tables(database) == {"ran", directory.foreign.table}
    assert server.run("--migrate-only").returncode == 0
    assert database.value("SELECT count(*) FROM ran") == 6


def test_options_of_the_table_of_verbs(program: ProgramFactory) -> None:
    """What stands in its last column is there."""
    verbs = PAGE.prose.split("## Verbs")[1].split("##")[0]
    rows = re.findall(r"^\| .* \| ([^|]*) \|$", verbs, re.MULTILINE)
    named = {option for row in rows for option in OPTION.findall(row)}
    shown = program(SOURCE, {}).run("--migrate-help").stdout
    assert len(named) >= 9 and named <= set(OPTION.findall(shown))
