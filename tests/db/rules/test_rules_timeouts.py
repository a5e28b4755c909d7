"""Whose timeouts a migration runs under, and what they never end: what is ours."""

from __future__ import annotations

from typing import Iterator

import psycopg
import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.program import Program
from harness.server import Server
from outcomes import DRIVER, Outcome, backends, finish, migrate, tables, versions, wait_until
from pooler import Pooler

SHOW = (
    "CREATE TABLE {n} AS SELECT current_setting('lock_timeout') AS l,"
    " current_setting('statement_timeout') AS s, current_setting('transaction_isolation') AS i;"
)


def seen(database: Database, table: str = "seen") -> tuple[str, str, str]:
    (row,) = database.rows(f"TABLE {table}")
    return row  # type: ignore


ROLES: dict[str, tuple[list[str], tuple[str, str]]] = {
    "nobody's": ([], ("200ms", "0")),
    "the role's": (
        ["ALTER ROLE {r} SET lock_timeout = '7s'", "ALTER ROLE {r} SET statement_timeout = '8s'"],
        ("7s", "8s"),
    ),
    "the database's": (["ALTER DATABASE {d} SET lock_timeout = '9s'"], ("9s", "0")),
    "a role that is to have none": (["ALTER ROLE {r} SET lock_timeout = 0"], ("0", "0")),
    "a role in this database": (
        [
            "ALTER ROLE {r} SET lock_timeout = '1s'",
            "ALTER ROLE {r} IN DATABASE {d} SET lock_timeout = 0",
        ],
        ("0", "0"),
    ),
}


def prepare(database: Database, statements: list[str]) -> None:
    for statement in statements:
        database.admin(statement.format(r=database.role, d=database.name))


@pytest.mark.parametrize("whose", ROLES)
def test_what_nobody_else_says_is_the_roles(
    app: AppFactory, database: Database, whose: str
) -> None:
    """Where the role says nothing either, a lock is waited for a moment only."""
    statements, expected = ROLES[whose]
    prepare(database, statements)
    files = {"1_seen.sql": SHOW.format(n="seen"), "2_again.sql": SHOW.format(n="again")}
    assert migrate(app(files)).exit == 0
    assert seen(database) == seen(database, "again") == (*expected, "read committed")


def test_the_connection_string_says_so_too(app: AppFactory, database: Database) -> None:
    url = database.url + "&options=-clock_timeout%3D0%20-cstatement_timeout%3D4s"
    assert migrate(app({"1_seen.sql": SHOW.format(n="seen")}), url=url).exit == 0
    assert seen(database) == ("0", "4s", "read committed")


SETS = {
    "one by one": ["--set", "lock_timeout=3s", "--set", "isolation=serializable"],
    "in one": ["--set", "lock_timeout=3s isolation=serializable"],
}


@pytest.mark.parametrize("how", SETS)
def test_the_callers_come_before_the_roles(app: AppFactory, database: Database, how: str) -> None:
    prepare(database, ROLES["the role's"][0])
    head = "-- inlay: lock_timeout=2s isolation=repeatable-read\n"
    files = {"1_seen.sql": SHOW.format(n="seen"), "2_own.sql": head + SHOW.format(n="own")}
    assert migrate(app(files), *SETS[how]).exit == 0
    assert seen(database) == ("3s", "8s", "serializable")
    assert seen(database, "own") == ("2s", "8s", "repeatable read")


def test_no_timeout_although_the_role_has_one(app: AppFactory, database: Database) -> None:
    prepare(database, ROLES["the role's"][0])
    files = {"1_seen.sql": SHOW.format(n="seen")}
    assert migrate(app(files), "--set=lock_timeout=0 statement_timeout=0").exit == 0
    assert seen(database) == ("0", "0", "read committed")


def test_a_statement_alone_has_the_roles(app: AppFactory, database: Database) -> None:
    """The caller's and ours are those of transactional migrations."""
    prepare(database, ROLES["the role's"][0][1:])
    alone = "-- inlay: no-transaction\n"
    files = {"1_seen.sql": alone + SHOW.format(n="seen")}
    assert migrate(app(files), "--set", "lock_timeout=3s statement_timeout=1s").exit == 0
    assert seen(database)[:2] == ("0", "8s")


def test_what_the_caller_had_set_is_not_the_bodys(
    program: ProgramFactory, database: Database
) -> None:
    """It is reset anyway: all bodies of a run see the same."""
    files = {"1_seen.sql": SHOW.format(n="seen"), "2_again.sql": SHOW.format(n="again")}
    words = ["caller", "sql=SET lock_timeout = '9s'", "migrate", "sql=SHOW lock_timeout"]
    stdout = program(DRIVER, files).run(*words).stdout
    assert stdout.endswith("sql 0\n")
    assert seen(database) == seen(database, "again") == ("200ms", "0", "read committed")


# ---- what is ours ----

TIMEOUTS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
# Its seal takes half a second.
SLOW = {
    "2_slow.sql": SHOW.format(n="seen")
    + """
CREATE FUNCTION slow(elapsed bigint) RETURNS bool LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_sleep(0.5) WHERE elapsed IS NOT NULL; RETURN true; END $$;
ALTER TABLE applied_migrations ADD CHECK (slow(elapsed_ms)) NOT VALID;
"""
}
ONE = {"1_one.sql": "CREATE TABLE one ();"}


@pytest.fixture
def pooler(server: Server, database: Database) -> Iterator[Pooler]:
    running = Pooler(server, database, "transaction")
    yield running
    running.close()


def hurry(database: Database) -> None:
    """The role's timeouts are shorter than what is to come."""
    prepare(database, [f"ALTER ROLE {{r}} SET {name} = '200ms'" for name in TIMEOUTS])


def wait_behind_a_holder(program: Program, database: Database, *options: str, url: str) -> Outcome:
    """Somebody has the history for half a second."""
    with psycopg.connect(database.admin_url) as holder:
        holder.execute("LOCK TABLE applied_migrations IN SHARE MODE")
        running = program.start("--only", "--json", *options, url=url)
        wait_until(lambda: database.rows("SELECT 1 FROM pg_locks WHERE NOT granted"))
        holder.execute("SELECT pg_sleep(0.5)")
    return finish(running)


@pytest.mark.parametrize("bare", [False, True], ids=["direct", "behind a transaction pooler"])
def test_nothing_ends_claim_and_seal(
    app: AppFactory, database: Database, pooler: Pooler, bare: bool
) -> None:
    assert migrate(app(ONE)).exit == 0
    hurry(database)
    options = ["--set", "lock_timeout=100ms", *(["--pooler=transaction"] if bare else [])]
    url = pooler.url if bare else database.url
    outcome = wait_behind_a_holder(app({**ONE, **SLOW}), database, *options, url=url)
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert seen(database)[:2] == ("100ms", "200ms")


# What holds at each claim and each seal, as the row's own check sees it.
WATCHED = (*TIMEOUTS, "idle_session_timeout")
NOTE = (
    "CREATE TABLE noted (moment text, timeouts text)",
    """CREATE FUNCTION note(elapsed bigint) RETURNS bool LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO public.noted SELECT CASE WHEN elapsed IS NULL THEN 'claim' ELSE 'seal' END,
            (SELECT string_agg(setting, ' ') FROM pg_catalog.pg_settings WHERE name = ANY ('{%s}'));
        RETURN true;
    END $$"""
    % ",".join(WATCHED),
    "ALTER TABLE applied_migrations ADD CHECK (note(elapsed_ms)) NOT VALID",
)
BODIES = {
    "2_two.sql": "CREATE TABLE two ();\nRESET ALL;",
    "3_three.sql": "SET lock_timeout = '9s';\nSET statement_timeout = '9s';",
    "4_four.sql": "-- inlay: lock_timeout=2s statement_timeout=3s\nSELECT;",
    "5_five.sql": "SET LOCAL statement_timeout = '9s';\nSET LOCAL lock_timeout = '9s';",
}


def watched(database: Database) -> list[str]:
    """The settings of WATCHED that this server has."""
    names = "{%s}" % ",".join(WATCHED)
    query = "SELECT name FROM pg_settings WHERE name = ANY (%s::text[])"
    return [name for (name,) in database.rows(query, names)]


@pytest.mark.parametrize("whose", ["nobody's", "the role's", "the caller's"])
def test_ours_has_its_own_after_each_body(
    app: AppFactory, program: ProgramFactory, database: Database, whose: str
) -> None:
    assert migrate(app(ONE)).exit == 0
    database.execute(*NOTE)
    names = watched(database)
    if whose != "nobody's":
        prepare(database, [f"ALTER ROLE {{r}} SET {name} = '20s'" for name in names])
    if whose == "the caller's":
        setting = [f"sql=SET {name} = '10s'" for name in names]
        driver = program(DRIVER, {**ONE, **BODIES})
        assert "migrate ok" in driver.run("caller", *setting, "migrate").stdout
    else:
        assert migrate(app({**ONE, **BODIES})).exit == 0
    ours = " ".join("2000" if name == "lock_timeout" else "0" for name in names)
    assert database.rows("TABLE noted") == 4 * [("claim", ours), ("seal", ours)]


# It sees the configuration that it has the server load: a session takes it between two statements.
LOADS = """SELECT pg_reload_conf();
SELECT pg_sleep(0.3);
CREATE TABLE loaded AS SELECT reset_val FROM pg_settings WHERE name = 'statement_timeout';
CREATE FUNCTION slow(a int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_sleep(0.5); RETURN a; END $$;
CREATE TABLE t AS SELECT 1 AS a;
"""
INDEX = "-- inlay: no-transaction\nCREATE INDEX CONCURRENTLY i ON t (slow(a));"


@pytest.fixture
def configure(server: Server) -> Iterator[None]:
    """Timeouts that the server has when its configuration is loaded the next time."""
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        for name in TIMEOUTS:
            connection.execute(f"ALTER SYSTEM SET {name} = '200ms'")
        yield
        for name in TIMEOUTS:
            connection.execute(f"ALTER SYSTEM RESET {name}")
        connection.execute("SELECT pg_reload_conf()")


def test_nor_does_a_configuration_that_is_loaded_anew(
    app: AppFactory, database: Database, configure: None
) -> None:
    """The bodies have what the role had when the run began, and ours has none."""
    files = {**ONE, "2_loads.sql": LOADS, **{"3" + name[1:]: text for name, text in SLOW.items()}}
    files |= {"4_four.sql": SHOW.format(n="four"), "5_index.sql": INDEX}
    outcome = migrate(app(files), url=database.admin_url)
    assert (outcome.exit, outcome.applied) == (0, [1, 2, 3, 4, 5]), outcome.stderr
    assert database.value("TABLE loaded") == "200"
    assert seen(database) == seen(database, "four") == ("200ms", "0", "read committed")


def test_nothing_ends_what_is_done_by_hand(app: AppFactory, database: Database) -> None:
    program = app(ONE)
    assert migrate(program).exit == 0
    hurry(database)
    with psycopg.connect(database.admin_url) as holder:
        holder.execute("LOCK TABLE applied_migrations IN SHARE MODE")
        running = program.start("--unmark", "1")
        wait_until(lambda: database.rows("SELECT 1 FROM pg_locks WHERE NOT granted"))
        holder.execute("SELECT pg_sleep(0.5)")
    assert running.wait(20) == 0
    assert versions(database) == []


# ---- what they end ----


def test_the_roles_statement_timeout_is_named(app: AppFactory, database: Database) -> None:
    hurry(database)
    body = "CREATE TABLE two ();\nSELECT 1,\n  pg_sleep(30);\n"
    outcome = migrate(app({**ONE, "2_slow.sql": body}))
    error = outcome.error
    assert (outcome.exit, error["sqlstate"], error["path"]) == (1, "57014", "migrations/2_slow.sql")
    assert error["line"] == 2
    assert error["hint"].startswith("the role's statement_timeout of 200ms ended this; ")
    assert tables(database) == {"one"} and versions(database) == [1]


@pytest.mark.parametrize(
    "head, options, whose",
    [
        ("", ["--set", "statement_timeout=300ms"], "the caller's statement_timeout of 300ms"),
        ("-- inlay: statement_timeout=100\n", [], "the file's statement_timeout of 100ms"),
    ],
)
def test_other_statement_timeouts_are_named(
    app: AppFactory, database: Database, head: str, options: list[str], whose: str
) -> None:
    hurry(database)
    outcome = migrate(app({"1_slow.sql": f"{head}SELECT pg_sleep(30);"}), *options)
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "57014")
    assert outcome.error["hint"].startswith(f"{whose} ended this; ")


def test_a_deferred_trigger_is_the_bodys(app: AppFactory, database: Database) -> None:
    hurry(database)
    body = """CREATE TABLE t (a int);
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION slow();
INSERT INTO t VALUES (1);
"""
    outcome = migrate(app({"1_slow.sql": body}))
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "57014")
    assert "the role's statement_timeout of 200ms" in outcome.error["hint"]


def test_somebody_who_cancels_is_not_a_timeout(app: AppFactory, database: Database) -> None:
    files = {"1_slow.sql": "-- inlay: statement_timeout=1h\nSELECT pg_sleep(600);"}
    running = app(files).start("--only", "--json")
    sleeps = "query ~ 'pg_sleep' AND state = 'active'"
    wait_until(lambda: backends(database, sleeps))
    database.admin(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = current_database() AND pid <> pg_backend_pid() AND {sleeps}"
    )
    outcome = finish(running)
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "57014")
    assert outcome.error["hint"] is None
