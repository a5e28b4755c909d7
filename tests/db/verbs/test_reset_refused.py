"""--reset where it is refused, and the question for the name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Builder, Program
from outcomes import migrate, versions
from terminal import Terminal, screen
from test_reset import TWO, objects, reset, said

Adopt = Callable[[Path], Program]


@pytest.fixture
def program(app: AppFactory) -> Program:
    return app(TWO)


def assert_refused(read: dict[str, Any], status: int = 7) -> dict[str, Any]:
    assert read["exit"] == status, read
    error: dict[str, Any] = read["error"]
    return error


OBSTACLES = {
    "a table": ("CREATE TABLE theirs ()", "table public.theirs (owned by postgres)"),
    "a function": (
        "CREATE FUNCTION theirs() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "function public.theirs() (owned by postgres)",
    ),
    "a type": ("CREATE TYPE theirs AS ENUM ()", "type public.theirs (owned by postgres)"),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_what_others_own(program: Program, database: Database, obstacle: str) -> None:
    """Where the schema is not ours either."""
    migrate(program)
    database.execute("CREATE TABLE mine ()")
    statement, name = OBSTACLES[obstacle]
    database.admin("ALTER SCHEMA public OWNER TO postgres", statement)
    database.admin(f"GRANT ALL ON SCHEMA public TO {database.role}")
    before = objects(database)
    error = assert_refused(said(program))
    assert name in error["message"] and error["outcome"] == "nothing was dropped"
    assert objects(database) == before and versions(database) == [1, 2]
    assert reset(program, url=database.admin_url).returncode == 0


def test_many_are_named(program: Program, database: Database) -> None:
    database.admin("CREATE SCHEMA theirs", "ALTER SCHEMA public OWNER TO postgres")
    database.admin(*(f"CREATE TABLE theirs.t{n:03} ()" for n in range(100)))
    database.admin(f"GRANT ALL ON SCHEMA public TO {database.role}")
    message = assert_refused(said(program))["message"]
    assert "theirs.t000 " in message and "theirs.t005 " in message and len(message) < 1024


def test_in_a_schema_of_ours_it_does_not_matter(program: Program, database: Database) -> None:
    database.admin("CREATE TABLE theirs ()", "CREATE VIEW also_theirs AS SELECT 1")
    assert reset(program).returncode == 0
    assert "table public.theirs" not in objects(database)


def test_schemas_that_cannot_be_made_again(program: Program, database: Database) -> None:
    database.execute("CREATE SCHEMA mine")
    database.admin(f"REVOKE CREATE ON DATABASE {database.name} FROM {database.role}")
    assert "schema mine (to make it again" in assert_refused(said(program))["message"]
    database.execute("DROP SCHEMA mine")
    assert reset(program).returncode == 0


def test_where_the_history_could_not_be_made(program: Program, database: Database) -> None:
    migrate(program)
    database.admin("ALTER SCHEMA public OWNER TO postgres")
    database.admin(f"ALTER TABLE b OWNER TO {database.role}")
    assert "may not create tables" in assert_refused(said(program))["message"]
    assert versions(database) == [1, 2]


def test_a_subscription(program: Program, database: Database) -> None:
    database.admin(
        "CREATE SUBSCRIPTION from_there CONNECTION 'dbname=nowhere' PUBLICATION p"
        " WITH (connect = false)"
    )
    try:
        message = assert_refused(said(program))["message"]
        assert "subscription from_there" in message
    finally:
        database.admin("ALTER SUBSCRIPTION from_there SET (slot_name = NONE)")
        database.admin("DROP SUBSCRIPTION from_there")
    assert reset(program).returncode == 0


def test_read_only(program: Program, database: Database) -> None:
    migrate(program)
    url = database.url_for(database.role, options="-cdefault_transaction_read_only=on")
    assert_refused(said(program, url=url))
    assert versions(database) == [1, 2]


def test_through_a_transaction_pooler(program: Program, database: Database) -> None:
    assert "needs the lock" in assert_refused(said(program, "--pooler=transaction"))["message"]
    assert objects(database) == {"schema public"}


BOTH_CALLS = """
#include <inlay-admin.h>
extern const struct inlay_set app_migrations;
int main(int argc, char **argv)
{
    struct inlay_options options = {.size = sizeof options, .conninfo = argv[argc - 2]};
    struct inlay_contents *contents;
    struct inlay_error err;

    return inlay_reset(&app_migrations, &options, argv[argc - 1], NULL, &err) == INLAY_E_REFUSED &&
           inlay_contents_read(&app_migrations, &options, &contents, &err) == INLAY_E_REFUSED;
}
"""


def test_embedded_without_it(app: AppFactory, database: Database) -> None:
    made = app(TWO, embed=["--no-reset"])
    assert migrate(made).exit == 0
    assert "--no-reset" in assert_refused(said(made))["message"]
    assert versions(database) == [1, 2]


def test_embedded_without_it_no_call_resets(
    builder: Builder, adopt: Adopt, database: Database
) -> None:
    made = adopt(builder.program(BOTH_CALLS, TWO, None, ["--no-reset"]))
    assert made.run(database.url, database.name).returncode == 1
    assert objects(database) == {"schema public"}


# ---- the name ----


@pytest.mark.parametrize("words", [[], ["--json"], ["--yes"], ["--yes="], ["--yes=postgres"]])
def test_not_confirmed(program: Program, database: Database, words: list[str]) -> None:
    migrate(program)
    before = objects(database)
    for written in (words, [word.upper() if "yes=" in word else word for word in words]):
        assert program.run("--reset", *written).returncode == 2
    assert objects(database) == before and versions(database) == [1, 2]


def test_the_name_is_no_yes_elsewhere(program: Program, database: Database) -> None:
    migrate(program)
    assert program.run("--down", "1", f"--yes={database.name}").returncode == 2
    assert program.run("--down", "1", "--yes").returncode == 0


TERMINAL = {"TERM": "xterm"}
QUESTION = "type the name of the database to drop all this: "


@pytest.fixture
def terminal(program: Program) -> Iterator[Terminal]:
    migrate(program)
    asked = Terminal(program, "--reset", env=TERMINAL, columns=120)
    asked.read_until(QUESTION)
    yield asked


def test_typed(terminal: Terminal, database: Database) -> None:
    database.execute("CREATE TABLE mine ()")
    terminal.press(database.name.encode() + b"\n")
    assert terminal.finish() == 0
    lines = screen(terminal.seen)
    assert lines[0] == f"database {database.name} holds"
    assert lines[1].split() == ["schema", "tables", "views", "functions", "types", "others", "rows"]
    assert lines[2].split()[:6] == ["public", "4", "0", "0", "0", "0"]
    assert versions(database) == [1, 2]
    assert "table public.mine" not in objects(database)


WRONG = [b"\n", b"y\n", b"yes\n", b"{name} \n", b"{NAME}\n", b"{name}x\n", b"x" * 300 + b"\n"]


@pytest.mark.parametrize("answer", [*WRONG, b"\x04", b"{name}\x04\x04"])
def test_typed_wrong(terminal: Terminal, database: Database, answer: bytes) -> None:
    name = database.name.encode()
    terminal.press(answer.replace(b"{name}", name).replace(b"{NAME}", name.upper()))
    assert terminal.finish() == 2
    assert terminal.seen.rstrip().endswith("nothing was dropped")
    assert versions(database) == [1, 2]


def test_the_interrupt_key(terminal: Terminal, database: Database) -> None:
    terminal.press(database.name.encode() + b"\x03")
    assert terminal.finish() == 130 and versions(database) == [1, 2]


def test_a_terminal_is_not_asked_what_is_refused(program: Program, database: Database) -> None:
    database.admin("CREATE SCHEMA theirs", "CREATE TABLE theirs.t ()")
    asked = Terminal(program, "--reset", env=TERMINAL)
    assert asked.finish() == 7 and QUESTION not in asked.seen
