"""Behind a connection pooler: an up-to-date program boots, a run refuses and says what to do, and
goes on where it is told what kind of pooler it is."""

from __future__ import annotations

from typing import Iterator

import psycopg
import pytest

from conftest import AppFactory
from harness.database import Database
from harness.relay import UP, Relay
from harness.server import Server
from outcomes import advisory_locks, check, finish, lock_key, migrate, numbered
from outcomes import outcome_of, tables, versions
from pooler import Pooler

ALONE = "-- inlay: no-transaction\n"
FILES = {"001_one.sql": "CREATE TABLE one ();", "002_two.sql": "CREATE TABLE two ();"}
INDEX = {"003_alone.sql": f"{ALONE}CREATE TABLE t (a int);\nCREATE INDEX CONCURRENTLY i ON t (a);"}


@pytest.fixture
def mode() -> str:
    return "transaction"


@pytest.fixture
def pooler(server: Server, database: Database, mode: str) -> Iterator[Pooler]:
    running = Pooler(server, database, mode)
    yield running
    running.close()


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_without_a_word_it_boots_but_does_not_run(
    app: AppFactory, database: Database, pooler: Pooler
) -> None:
    outcome = migrate(app(FILES), url=pooler.url)
    assert (outcome.exit, outcome.code, outcome.results) == (7, "refused", {})
    assert "goes through a pooler" in outcome.error["message"]
    for word in ("INLAY_DATABASE_URL", "--migrate-pooler=session", "--migrate-pooler=transaction"):
        assert word in outcome.error["hint"]
    assert database.rows("SELECT relname FROM pg_class WHERE relname ~ '^applied'") == []
    assert check(app(FILES), url=pooler.url) == 3
    migrate(app(FILES))
    outcome = migrate(app(FILES), url=pooler.url)
    assert (outcome.exit, outcome.results) == (0, {})
    assert check(app(FILES), url=pooler.url) == 0
    assert app(FILES).run("--status", url=pooler.url).returncode == 0


@pytest.mark.sample
@pytest.mark.parametrize("mode", ["session"])
def test_a_session_is_as_good_as_a_connection(
    app: AppFactory, database: Database, pooler: Pooler
) -> None:
    program = app({**FILES, **INDEX})
    outcome = migrate(program, "--pooler=session", url=pooler.url)
    assert (outcome.exit, outcome.applied) == (0, [1, 2, 3]), outcome.stderr
    assert versions(database) == [1, 2, 3] and advisory_locks(database) == 0


@pytest.mark.parametrize("mode", ["session"])
def test_many_sessions_at_once(app: AppFactory, database: Database, pooler: Pooler) -> None:
    program = app(numbered(10, "CREATE TABLE t{n} ();"))
    fleet = [program.start("--only", "--json", "--pooler=session", url=pooler.url) for _ in "12345"]
    outcomes = [finish(process) for process in fleet]
    assert [outcome.stderr for outcome in outcomes if outcome.exit != 0] == []
    assert versions(database) == list(range(1, 11)) and advisory_locks(database) == 0


def test_transactions_on_the_claims_alone(
    app: AppFactory, database: Database, pooler: Pooler
) -> None:
    files = {**FILES, "003_set.sql": "-- inlay: lock_timeout=5s\nCREATE TABLE three ();"}
    outcome = migrate(app(files), "--pooler=transaction", url=pooler.url)
    assert (outcome.exit, outcome.applied) == (0, [1, 2, 3]), outcome.stderr
    assert tables(database) == {"one", "two", "three"}
    assert migrate(app(files), "--pooler=transaction", url=pooler.url).results == {}


def test_transactions_need_no_lock(app: AppFactory, database: Database, pooler: Pooler) -> None:
    """It would be taken on one backend and given back on another."""
    with database.connect(autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [lock_key()])
        outcome = migrate(app(FILES), "--pooler=transaction", "--lock-wait=0", url=pooler.url)
    assert (outcome.exit, outcome.applied) == (0, [1, 2])


def test_no_lock_is_released_that_was_not_taken(
    app: AppFactory, database: Database, relay: Relay
) -> None:
    """The answer would be false, and a warning about the migrations."""
    relay.at(UP, b"pg_advisory_unlock", lambda: None)
    for files in (FILES, {**FILES, "003_bad.sql": "SELECT 1/0;"}):
        url = relay.url(database.tcp_url)
        outcome = migrate(app(files), "--pooler=transaction", url=url)
        assert outcome.warnings == []
        assert relay.pending


def test_nothing_is_left_in_the_poolers_session(
    app: AppFactory, database: Database, pooler: Pooler
) -> None:
    """The next client of the pooler gets the very backend that we have used."""
    fine = "CREATE TABLE used AS SELECT pg_backend_pid() AS pid;"
    migrate(app({"1_a.sql": fine}), "--pooler=transaction", url=pooler.url)
    migrate(
        app({"1_a.sql": fine, "2_b.sql": "SELECT 1/0;"}), "--pooler=transaction", url=pooler.url
    )
    with psycopg.connect(pooler.url, autocommit=True, prepare_threshold=None) as client:
        (mine,) = client.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        assert (mine,) in database.rows("SELECT pid FROM used")
        settings = "SELECT name FROM pg_settings WHERE source = 'session' AND name <> ALL (%s)"
        # What PgBouncer itself brings from client to client.
        brought = ["application_name", "client_encoding", "DateStyle", "TimeZone"]
        brought += ["standard_conforming_strings", "IntervalStyle"]
        assert client.execute(settings, [brought]).fetchall() == []
        assert client.execute("SELECT * FROM pg_prepared_statements").fetchall() == []
    assert advisory_locks(database) == 0


@pytest.mark.parametrize("words", [["down", "1"], ["down", "batch"], ["redo"]], ids=" ".join)
def test_no_statement_undoes_alone_in_transaction_mode(
    app: AppFactory, database: Database, words: list[str]
) -> None:
    """The up script runs in a transaction, the down script does not."""
    program = app(
        {"001_t.up.sql": "CREATE TABLE t ();", "001_t.down.sql": f"{ALONE}DROP TABLE t;\n"}
    )
    assert migrate(program).exit == 0
    verb = (f"--{words[0]}", *words[1:], "--yes", "--json", "--pooler=transaction")
    outcome = outcome_of(program.run(*verb))
    assert (outcome.exit, outcome.results) == (7, {})
    assert "marked no-transaction" in outcome.error["message"]
    assert tables(database) == {"t"} and versions(database) == [1]


def test_no_statement_runs_alone_in_transaction_mode(
    app: AppFactory, database: Database, pooler: Pooler
) -> None:
    outcome = migrate(app({**FILES, **INDEX}), "--pooler=transaction", url=pooler.url)
    assert (outcome.exit, outcome.code, outcome.results) == (7, "refused", {})
    assert "marked no-transaction" in outcome.error["message"]
    assert tables(database) == set()
    direct = migrate(app({**FILES, **INDEX}), "--pooler=transaction")
    assert direct.error == outcome.error
    assert migrate(app({**FILES, **INDEX})).applied == [1, 2, 3]
    assert migrate(app({**FILES, **INDEX}), "--pooler=transaction", url=pooler.url).exit == 0


def test_a_failure_in_transaction_mode(app: AppFactory, database: Database, pooler: Pooler) -> None:
    files = {**FILES, "003_bad.sql": "CREATE TABLE three ();\nSELECT nothing;"}
    outcome = migrate(app(files), "--pooler=transaction", url=pooler.url)
    assert (outcome.exit, outcome.applied, outcome.error["line"]) == (1, [1, 2], 2)
    assert tables(database) == {"one", "two"} and versions(database) == [1, 2]


IN_THE_WAY = "CREATE TYPE applied_migrations AS ENUM ()"


def test_the_table_of_another_is_seen_by_its_type_first(
    app: AppFactory, database: Database
) -> None:
    """A table brings a type of its name: which of them is met first is chance. Here it is a type
    alone, and gone by the second time that somebody wants to make the table."""
    database.execute(IN_THE_WAY)
    database.admin(
        "CREATE SEQUENCE tries",
        """CREATE FUNCTION give_way() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN IF nextval('public.tries') = 2 THEN DROP TYPE public.applied_migrations; END IF; END
        $$""",
        "CREATE EVENT TRIGGER early ON ddl_command_start WHEN TAG IN ('CREATE TABLE')"
        " EXECUTE FUNCTION give_way()",
    )
    outcome = migrate(app({"001_one.sql": "SELECT 1;"}), "--pooler=transaction")
    assert (outcome.exit, outcome.applied) == (0, [1]), outcome.stderr
    assert versions(database) == [1]


def test_a_type_that_stays_in_the_way(app: AppFactory, database: Database) -> None:
    """It is nobody's table, however often one looks."""
    database.execute(IN_THE_WAY)
    outcome = migrate(app(FILES), "--pooler=transaction")
    assert (outcome.exit, outcome.code, outcome.error["sqlstate"]) == (7, "refused", "42710")
    assert "nothing was changed" in outcome.error["outcome"]
    assert tables(database) == set()


def test_twelve_at_once_in_transaction_mode(
    app: AppFactory, database: Database, pooler: Pooler
) -> None:
    """On an empty database, where all of them want to make the tables."""
    program = app(numbered(10, "CREATE TABLE t{n} ();\nSELECT pg_sleep(0.01);"))
    fleet = [
        program.start("--only", "--json", "--pooler=transaction", url=pooler.url) for _ in range(12)
    ]
    outcomes = [finish(process) for process in fleet]
    assert [outcome.stderr for outcome in outcomes if outcome.exit != 0] == []
    applied = sorted(version for outcome in outcomes for version in outcome.applied)
    assert applied == versions(database) == list(range(1, 11))


def test_many_targets_leave_no_setting_in_it(
    app: AppFactory, database: Database, pooler: Pooler
) -> None:
    program = app(FILES)
    migrate(program)

    def looked_at() -> str:
        command = ("--check", "--targets", "-")
        return program.run(*command, url=pooler.url, stdin="public\nnew\n").stdout

    with psycopg.connect(pooler.url, autocommit=True, prepare_threshold=None) as connection:
        before = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert looked_at() == "new\n"
        after = connection.execute("SELECT pg_backend_pid(), current_setting('lock_timeout')")
        assert before is not None and after.fetchone() == (*before, "0")
