"""What a role, an environment, an encoding or a pooler brings along that a run did not ask for."""

from __future__ import annotations

from typing import Callable, Iterator

import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.program import Files, Program
from harness.relay import Relay
from harness.server import Server
from outcomes import DRIVER, advisory_locks, backends, check, finish, lock_key, migrate
from outcomes import numbered, tables, versions, wait_until
from phases import ALONE
from pooler import Pooler

FILES = {"001_one.sql": "CREATE TABLE one ();", "002_two.sql": "CREATE TABLE two ();"}


SINCE = {"idle_session_timeout": 14, "default_toast_compression": 14}


def set_role(database: Database, **settings: str) -> None:
    """What the server does not have yet cannot be set, nor do harm."""
    for name, value in settings.items():
        if database.server.major_version >= SINCE.get(name, 0):
            database.admin(f"ALTER ROLE {database.role} SET {name} = '{value}'")


# ---- what the role has ----


def test_a_roles_statement_timeout_is_a_migrations(app: AppFactory, database: Database) -> None:
    set_role(database, statement_timeout="1s")
    outcome = migrate(app({**FILES, "003_slow.sql": "CREATE TABLE c ();\nSELECT pg_sleep(60);"}))
    assert (outcome.exit, outcome.applied, outcome.error["sqlstate"]) == (1, [1, 2], "57014")
    assert outcome.error["line"] == 2
    assert tables(database) == {"one", "two"} and advisory_locks(database) == 0


def test_a_roles_timeouts_do_not_end_a_wait(
    app: AppFactory, database: Database, relay: Relay
) -> None:
    """Who waits for the lock is idle between two looks, and never inside of a statement."""
    with database.connect(autocommit=True) as holder:
        set_role(database, statement_timeout="1s", lock_timeout="1s")
        set_role(database, idle_session_timeout="100ms")
        set_role(database, idle_in_transaction_session_timeout="100ms")
        holder.execute("SELECT pg_advisory_lock(%s)", [lock_key()])
        waiting = app(FILES).start("--only", "--json", url=relay.url(database.url))
        wait_until(lambda: relay.round_trips > 12, "for pauses that are longer than that")
    outcome = finish(waiting)
    assert (outcome.exit, outcome.applied, outcome.warnings) == (0, [1, 2], [])
    assert len(relay.connections) == 1


@pytest.mark.parametrize("head", ["", ALONE], ids=["transaction", "no transaction"])
def test_a_transaction_does_not_wait_for_us(
    app: AppFactory, database: Database, relay: Relay, head: str
) -> None:
    """All of it is on its way before the first answer: the server has nothing to wait for, however
    far away we are."""
    set_role(database, idle_in_transaction_session_timeout="200ms")
    relay.delay = 0.15
    files = numbered(2, head + "CREATE TABLE t{n} ();\nINSERT INTO t{n} DEFAULT VALUES;")
    outcome = migrate(app(files), url=relay.url(database.url))
    assert (outcome.exit, outcome.applied, outcome.warnings) == (0, [1, 2], [])


def test_a_roles_defaults_for_transactions(app: AppFactory, database: Database) -> None:
    set_role(
        database,
        default_transaction_isolation="serializable",
        default_transaction_deferrable="on",
        synchronous_commit="off",
        default_toast_compression="pglz",
        search_path="nowhere",
        DateStyle="German",
        TimeZone="Asia/Kolkata",
        bytea_output="escape",
        standard_conforming_strings="off",
        lc_messages="C",
    )
    files = {"001_one.sql": "CREATE TABLE public.one ();", "002_two.sql": "SELECT 1;"}
    program = app({**files, "003_alone.sql": f"{ALONE}CREATE TABLE public.three ();"})
    assert migrate(program).applied == [1, 2, 3]
    assert check(program) == 0 and migrate(program).results == {}
    assert tables(database) == {"one", "three"}


# ---- what the environment has ----

ENVIRONMENT = {
    "PGCLIENTENCODING": "LATIN1",
    "PGOPTIONS": "-c search_path=pg_catalog -c default_transaction_isolation=serializable",
    "PGAPPNAME": "somebody",
}
WRITING = {**ENVIRONMENT, "PGTZ": "Asia/Kolkata", "PGDATESTYLE": "German"}
WORDS = {"001_größe.sql": "CREATE TABLE public.words AS SELECT '大小' AS w, 'größe' AS g;"}


def test_libpqs_environment(app: AppFactory, database: Database) -> None:
    program = app(WORDS)
    assert migrate(program, env=ENVIRONMENT).exit == 0
    assert database.rows("SELECT w, g, name FROM words, applied_migrations") == [
        ("大小", "größe", "größe")
    ]
    assert check(program, env=WRITING) == check(program) == 0


def test_libpqs_environment_on_the_callers_connection(
    program: ProgramFactory, database: Database
) -> None:
    driver = program(DRIVER, WORDS)
    printed = driver.run("caller", "migrate", "check", "state", env=ENVIRONMENT).stdout
    assert "migrate ok\n" in printed and "check ok\n" in printed
    assert "encoding=LATIN1" in printed
    assert "check ok\n" in driver.run("caller", "check", env=WRITING).stdout
    assert database.rows("SELECT w, name FROM words, applied_migrations") == [("大小", "größe")]


# ---- how the server writes ----

Encoded = Callable[[Files], Program]


@pytest.fixture
def encoding() -> str:
    return "UTF8"


@pytest.fixture
def database(server: Server, encoding: str) -> Iterator[Database]:
    fresh = Database(server, encoding)
    yield fresh
    fresh.drop()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_what_the_servers_encoding_has(app: AppFactory, database: Database, encoding: str) -> None:
    files = {"001_größe.sql": "CREATE TABLE words AS SELECT 'größe'::text AS g;"}
    outcome = migrate(app(files))
    assert (outcome.exit, outcome.applied) == (0, [1]), outcome.stderr
    assert check(app(files)) == 0 and "größe" in app(files).run("--status").stdout
    stored = "größe".encode("latin-1" if encoding == "LATIN1" else "utf-8")
    raw = "SELECT name::bytea, g::bytea FROM applied_migrations, words"
    assert [tuple(map(bytes, row)) for row in database.rows(raw)] == [(stored, stored)]


@pytest.mark.parametrize("encoding", ["LATIN1"])
@pytest.mark.parametrize(
    "files",
    [{"002_大小.sql": "SELECT 1;"}, {"002_size.sql": "CREATE TABLE two ();\nSELECT '大小';"}],
    ids=["name", "body"],
)
def test_what_the_servers_encoding_has_not(
    app: AppFactory, database: Database, files: dict[str, str]
) -> None:
    outcome = migrate(app({"001_one.sql": FILES["001_one.sql"], **files}))
    assert (outcome.exit, outcome.applied, outcome.error["sqlstate"]) == (1, [1], "22P05")
    assert tables(database) == {"one"} and versions(database) == [1]
    assert advisory_locks(database) == 0


@pytest.mark.parametrize("encoding", ["SQL_ASCII"])
def test_bytes_that_are_no_text(app: AppFactory, database: Database) -> None:
    """A server that does not look at its bytes may hold any: refused, and nothing is run."""
    migrate(app({"001_one.sql": FILES["001_one.sql"]}))
    stray = "convert_from('\\xfc6e'::bytea, 'SQL_ASCII')"
    database.execute(f"INSERT INTO applied_migrations (version, name) VALUES (9, {stray})")
    outcome = migrate(app(FILES))
    assert (outcome.exit, outcome.code, outcome.error["sqlstate"]) == (7, "refused", "22021")
    assert tables(database) == {"one"}


# ---- a pooler in statement mode, and what is said of a pooler that is not so ----


@pytest.fixture
def statements(server: Server, database: Database) -> Iterator[Pooler]:
    running = Pooler(server, database, "statement")
    yield running
    running.close()


def test_a_pooler_in_statement_mode(
    app: AppFactory, database: Database, statements: Pooler
) -> None:
    """What needs no transaction works; a run is refused, and goes the direct way."""
    outcome = migrate(app(FILES), url=statements.url)
    assert (outcome.exit, outcome.code, outcome.results) == (7, "refused", {})
    assert check(app(FILES), url=statements.url) == 3
    assert migrate(app(FILES)).applied == [1, 2]
    assert migrate(app(FILES), url=statements.url).exit == 0
    assert app(FILES).run("--status", url=statements.url).returncode == 0


@pytest.mark.parametrize("claimed", ["session", "transaction"])
def test_a_pooler_that_is_not_what_was_said(
    app: AppFactory, database: Database, statements: Pooler, claimed: str
) -> None:
    """It ends the connection when it sees a transaction that is open, and whether it does depends
    on how the packets come. What is told is so; a lock that was left in its pool ends with it."""
    outcome = migrate(app(FILES), f"--pooler={claimed}", url=statements.url)
    assert (outcome.exit, outcome.applied) in ((6, []), (6, [1]), (6, [1, 2]), (0, [1, 2]))
    statements.close()
    wait_until(lambda: backends(database) == 0)
    names = {1: "one", 2: "two"}
    assert tables(database) == {names[version] for version in outcome.applied}
    assert migrate(app(FILES)).exit == 0
    assert versions(database) == [1, 2] and tables(database) == {"one", "two"}
