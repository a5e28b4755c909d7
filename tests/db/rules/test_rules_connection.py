"""Connecting, and losing the connection: what cannot be had is said at once, what is lost is asked
for again, and a migration whose commit got no answer is neither run twice nor left out."""

from __future__ import annotations

import time
from typing import Callable

import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.relay import DOWN, UP, Relay
from harness.server import Server
from outcomes import DRIVER, advisory_locks, assert_prompt, backends, check, finish, migrate
from outcomes import tables, versions, wait_until

FILES = {"001_one.sql": "CREATE TABLE one ();", "002_two.sql": "CREATE TABLE two ();"}
ALONE = "-- inlay: no-transaction\n"

# ---- what cannot be had ----


def test_a_missing_database(app: AppFactory, database: Database) -> None:
    url = database.server.url(database.role, "nowhere")
    outcome = migrate(app(FILES), "--connect-wait=20", url=url)
    assert (outcome.exit, outcome.code, outcome.error["sqlstate"]) == (6, "connection", "3D000")
    assert 'database "nowhere" does not exist' in outcome.error["message"]
    assert "createdb" in outcome.error["hint"]
    assert check(app(FILES), url=url) == 6


def test_a_wrong_password(app: AppFactory, database: Database) -> None:
    url = database.server.url(database.role, database.name, "127.0.0.1", password="wrong-one")
    began = time.monotonic()
    outcome = migrate(app(FILES), "--connect-wait=20", url=url)
    assert_prompt(began, 5)
    assert (outcome.exit, outcome.code, outcome.error["sqlstate"]) == (6, "connection", "28P01")
    assert "password authentication failed" in outcome.error["message"]
    assert "wrong-one" not in outcome.stderr


def test_no_password_where_one_is_wanted(app: AppFactory, database: Database) -> None:
    url = database.server.url(database.role, database.name, "127.0.0.1")
    outcome = migrate(app(FILES), "--connect-wait=20", url=url)
    assert outcome.exit == 6
    assert "the server wants a password" in outcome.error["hint"]


def test_tls_that_the_server_does_not_have(app: AppFactory, database: Database) -> None:
    """It will not have it in a moment either."""
    began = time.monotonic()
    url = database.tcp_url + "?sslmode=require"
    outcome = migrate(app(FILES), "--connect-wait=20", url=url)
    assert_prompt(began, 5)
    assert (outcome.exit, outcome.code) == (6, "connection")
    assert "server does not support SSL" in outcome.error["message"]
    assert "if the server has no TLS: ssl = on there, or sslmode=prefer" in outcome.error["hint"]


@pytest.mark.parametrize(
    "query, said",
    [
        ("?sslmode=nonsense", "invalid sslmode value"),
        ("?port=99999", "invalid port number"),
        ("?port=1,2", "could not match 2 port numbers to 1 hosts"),
        ("?target_session_attrs=x", "invalid target_session_attrs value"),
        ("?gssencmode=x", "invalid gssencmode value"),
        ("?keepalives=x", "invalid integer value"),
        ("?connect_timeout=soon", "its connect_timeout is not a number"),
    ],
)
def test_a_mistake_in_the_connection_string(
    app: AppFactory, database: Database, query: str, said: str
) -> None:
    """It will not be better in a moment."""
    began = time.monotonic()
    outcome = migrate(app(FILES), "--connect-wait=20", url=database.tcp_url + query)
    assert_prompt(began, 5)
    assert (outcome.exit, outcome.code) == (2, "argument")
    assert said in outcome.error["message"]


def test_no_url_at_all(app: AppFactory, database: Database) -> None:
    """libpq finds a server by itself, which does not know us."""
    server = {"PGHOST": str(database.server.directory), "PGPORT": str(database.server.port)}
    outcome = migrate(app(FILES), url=None, env={**server, "PGUSER": "nobody"})
    assert (outcome.exit, outcome.error["sqlstate"]) == (6, "28000")
    assert outcome.error["hint"] == (
        "no connection string was given (--migrate-database, INLAY_DATABASE_URL or DATABASE_URL; "
        "in C options.conninfo), so libpq used its own defaults; check user, password and "
        "pg_hba.conf"
    )


def test_a_role_that_does_not_exist(app: AppFactory, database: Database) -> None:
    outcome = migrate(app(FILES), url=database.server.url("nobody", database.name))
    assert (outcome.exit, outcome.error["sqlstate"]) == (6, "28000")


def test_a_role_without_connect(app: AppFactory, database: Database) -> None:
    service = database.add_role("service")
    database.admin(f"REVOKE CONNECT ON DATABASE {database.name} FROM public")
    outcome = migrate(app(FILES), url=database.url_for(service))
    assert (outcome.exit, outcome.error["sqlstate"]) == (6, "42501")


def test_a_stopped_server(app: AppFactory, database: Database, server: Server) -> None:
    server.stop()
    try:
        outcome = migrate(app(FILES))
        assert (outcome.exit, outcome.code) == (6, "connection")
        assert "--migrate-connect-wait" in outcome.error["hint"]
    finally:
        server.start()
    assert migrate(app(FILES)).applied == [1, 2]


def test_a_server_that_starts_meanwhile(
    app: AppFactory, database: Database, server: Server
) -> None:
    server.stop()
    try:
        waiting = app(FILES).start("--only", "--json", "--connect-wait=30")
        time.sleep(0.3)
        assert waiting.poll() is None
    finally:
        server.start()
    assert finish(waiting).applied == [1, 2]


def test_a_server_that_ends_while_we_connect(
    app: AppFactory, database: Database, relay: Relay
) -> None:
    """As one that is not there: status 6, and tried again where the caller waits for a server."""
    url = relay.url(database.url)
    cases: list[tuple[list[str], int]] = [([], 6), (["--connect-wait=20"], 0)]
    for options, exit_status in cases:
        relay.at(DOWN, b"server_version", relay.cut)
        assert migrate(app(FILES), *options, url=url).exit == exit_status
        assert not relay.pending
    assert versions(database) == [1, 2]


def test_what_a_server_says_while_we_connect(program: ProgramFactory, database: Database) -> None:
    """It goes to the log: the library prints nothing."""
    database.admin(f"ALTER ROLE {database.role} SET default_tablespace = 'gone'")
    result = program(DRIVER, FILES).run("migrate")
    assert 'log notice WARNING: invalid value for parameter "default_tablespace"' in result.stdout
    assert result.stderr == ""


def test_a_server_that_never_answers(app: AppFactory, database: Database, relay: Relay) -> None:
    relay.drop(UP)
    began = time.monotonic()
    outcome = migrate(app(FILES), url=relay.url(database.url) + "&connect_timeout=1")
    assert 1 <= time.monotonic() - began
    assert_prompt(began, 3)
    assert (outcome.exit, outcome.code) == (6, "connection")
    assert "no answer from the server at 127.0.0.1" in outcome.error["message"]


def test_too_many_connections_may_pass(app: AppFactory, database: Database) -> None:
    database.admin(f"ALTER ROLE {database.role} CONNECTION LIMIT 1")
    with database.connect():
        assert migrate(app(FILES)).error["sqlstate"] == "53300"
        waiting = app(FILES).start("--only", "--json", "--connect-wait=20")
        time.sleep(0.3)
        assert waiting.poll() is None
    assert finish(waiting).applied == [1, 2]


# ---- what our connection brings ----


SEE = (
    "INSERT INTO seen SELECT current_setting('client_encoding'),"
    " current_setting('application_name'),"
    " current_setting('client_connection_check_interval', true),"
    " current_setting('idle_session_timeout', true);"
)


def test_what_a_connection_of_ours_says(app: AppFactory, database: Database) -> None:
    """In every migration: what one body changes is set again for the next."""
    database.execute(
        "CREATE TABLE seen (encoding text, name text, check_interval text, idle text)",
        f"ALTER ROLE {database.role} SET client_encoding = 'LATIN1'",
    )
    has_them = database.server.major_version >= 14
    if has_them:
        database.execute(f"ALTER ROLE {database.role} SET idle_session_timeout = '10min'")
    files = {"1_see.sql": SEE, "2_see.sql": "-- inlay: no-transaction\n" + SEE, "3_see.sql": SEE}
    assert migrate(app(files)).exit == 0
    settings = ("2s", "0") if has_them else (None, None)
    assert database.rows("TABLE seen") == [("UTF8", "inlay", *settings)] * 3
    url = database.url + "&application_name=deploy"
    assert migrate(app({**files, "4_see.sql": SEE}), url=url).exit == 0
    assert database.value("SELECT count(*) FROM seen WHERE name = 'deploy'") == 1


def test_names_are_utf8(app: AppFactory, database: Database) -> None:
    database.execute(f"ALTER ROLE {database.role} SET client_encoding = 'LATIN1'")
    program = app({"001_大小.sql": "CREATE TABLE words AS SELECT '大小' AS w;"})
    assert migrate(program).exit == 0
    assert database.value("SELECT name FROM applied_migrations") == "大小"
    assert database.value("TABLE words") == "大小"
    assert check(program) == 0


# ---- what is lost ----


@pytest.mark.parametrize("head", ["", ALONE], ids=["transaction", "no transaction"])
def test_a_terminated_backend(app: AppFactory, database: Database, head: str) -> None:
    """Once: the connection is opened again and the migration runs again."""
    slow = "SELECT pg_sleep(CASE nextval('tries') WHEN 1 THEN 600 ELSE 0 END);\n"
    files = {**FILES, "003_slow.sql": f"{head}CREATE TABLE three ();\n{slow}"}
    database.execute("CREATE SEQUENCE tries")
    running = app(files).start("--only", "--json")
    sleeps = "query ~ 'pg_sleep' AND state = 'active'"
    wait_until(lambda: backends(database, sleeps))
    database.admin(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = current_database() AND pid <> pg_backend_pid() AND {sleeps}"
    )
    outcome = finish(running)
    assert (outcome.exit, outcome.applied) == (0, [1, 2, 3]), outcome.stderr
    (warning,) = outcome.warnings
    assert "the connection to the server was lost: terminating connection" in warning
    assert tables(database) == {"one", "two", "three"} and versions(database) == [1, 2, 3]
    assert database.value("SELECT last_value FROM tries") == 2
    wait_until(lambda: advisory_locks(database) == 0)


def test_a_body_that_always_ends_the_connection(app: AppFactory, database: Database) -> None:
    """One more try, then it is said: not for ever."""
    files = {**FILES, "003_end.sql": "SELECT nextval('tries'), pg_sleep(0.05);\n"}
    files["003_end.sql"] += "SELECT pg_terminate_backend(pg_backend_pid());\n"
    database.execute("CREATE SEQUENCE tries")
    outcome = migrate(app(files))
    assert (outcome.exit, outcome.code, outcome.error["version"]) == (6, "lost", "3")
    assert database.value("SELECT last_value FROM tries") == 2
    assert versions(database) == [1, 2]
    wait_until(lambda: advisory_locks(database) == 0)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_restarts_in_the_middle(
    app: AppFactory, database: Database, server: Server, mode: str
) -> None:
    wait = "DO $$ BEGIN IF NOT EXISTS (SELECT FROM gone) THEN PERFORM pg_sleep(600); END IF; END $$"
    database.execute("CREATE TABLE gone (a int)")
    running = app({**FILES, "003_slow.sql": f"CREATE TABLE three ();\n{wait};\n"}).start(
        "--only", "--json", "--lock-wait=30"
    )
    wait_until(lambda: backends(database, "query ~ 'pg_sleep' AND state = 'active'"))
    database.execute("INSERT INTO gone VALUES (1)")
    server.restart(mode)
    outcome = finish(running)
    assert (outcome.exit, outcome.applied) == (0, [1, 2, 3]), outcome.stderr
    assert tables(database) == {"one", "two", "three", "gone"}
    assert versions(database) == [1, 2, 3]


CUTS: dict[str, Callable[[Relay], None]] = {
    "before the claim": lambda relay: relay.at(UP, b'INSERT INTO "public"', relay.cut),
    "before the body": lambda relay: relay.at(UP, b"CREATE TABLE two", relay.cut),
    "before COMMIT": lambda relay: relay.at(UP, b"COMMIT", relay.cut),
    "before the answer to COMMIT": lambda relay: relay.at(DOWN, b"COMMIT\0", relay.cut),
    "before the look": lambda relay: relay.at(UP, b"pg_is_in_recovery", relay.cut),
    "before the lock": lambda relay: relay.at(UP, b"pg_try_advisory_lock", relay.cut),
    "before the answer to the lock": lambda relay: relay.at(
        DOWN, b"pg_try_advisory_lock", relay.cut
    ),
    "before the answer to the unlocking": lambda relay: relay.at(
        DOWN, b"pg_advisory_unlock", relay.cut
    ),
}


@pytest.mark.parametrize("moment", CUTS)
def test_a_connection_that_is_cut(
    app: AppFactory, database: Database, relay: Relay, moment: str
) -> None:
    migrate(app({"001_one.sql": FILES["001_one.sql"]}))
    CUTS[moment](relay)
    outcome = migrate(app(FILES), url=relay.url(database.url))
    assert outcome.exit == 0, outcome.stderr
    # The answer to COMMIT may have been in the same piece as that to the unlocking.
    assert len(relay.connections) == 2 or moment == "before the answer to the unlocking"
    assert tables(database) == {"one", "two"} and versions(database) == [1, 2]
    wait_until(lambda: backends(database) == 0)
    wait_until(lambda: advisory_locks(database) == 0)


def test_an_unheard_commit_is_not_repeated(
    app: AppFactory, database: Database, relay: Relay
) -> None:
    """The server committed, the answer never came: the history knows."""
    database.execute("CREATE TABLE log (line int)")
    relay.at(DOWN, b"COMMIT\0", relay.cut)
    files = {
        "001_log.sql": "INSERT INTO log VALUES (1);",
        "002_log.sql": "INSERT INTO log VALUES (2);",
    }
    outcome = migrate(app(files), url=relay.url(database.url))
    assert (outcome.exit, len(relay.connections)) == (0, 2)
    assert database.rows("SELECT line FROM log ORDER BY line") == [(1,), (2,)]


def test_a_statement_alone_whose_answer_is_lost(
    app: AppFactory, database: Database, relay: Relay
) -> None:
    """Statement and progress are one transaction: it is not repeated either."""
    database.execute("CREATE TABLE log (line int)")
    relay.at(UP, b"INSERT INTO log VALUES (1)", lambda: relay.at(DOWN, b"COMMIT\0", relay.cut))
    files = {"001_log.sql": f"{ALONE}INSERT INTO log VALUES (1);\nINSERT INTO log VALUES (2);"}
    outcome = migrate(app(files), url=relay.url(database.url))
    assert (outcome.exit, len(relay.connections)) == (0, 2)
    assert database.rows("SELECT line FROM log ORDER BY line") == [(1,), (2,)]


def test_a_server_that_does_not_come_back(
    app: AppFactory, database: Database, relay: Relay
) -> None:
    def end() -> None:
        relay.refuse()
        relay.cut()

    relay.at(UP, b"CREATE TABLE two", end)
    began = time.monotonic()
    outcome = migrate(app(FILES), "--lock-wait=1s", url=relay.url(database.url))
    assert_prompt(began, 5)
    assert (outcome.exit, outcome.code, outcome.error["version"]) == (6, "lost", "1")
    assert "connecting again failed: " in outcome.error["detail"]
    assert outcome.error["outcome"].startswith(
        "001_one.sql may or may not be committed "
        "(nor is it known for the 1 sent after it). Run again"
    )
    wait_until(lambda: backends(database) == 0)
    relay.accept()
    assert migrate(app(FILES), url=relay.url(database.url)).exit == 0
    assert versions(database) == [1, 2]


def test_check_on_a_connection_that_is_cut(
    app: AppFactory, database: Database, relay: Relay
) -> None:
    relay.at(UP, b"pg_is_in_recovery", relay.cut)
    assert check(app(FILES), url=relay.url(database.url)) == 6
