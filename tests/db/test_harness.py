"""The instruments measure right: what the other tests rely on."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

import psycopg
import pytest

from conftest import AppFactory, ProgramFactory, make_place
from harness.database import Database
from harness.namespace import Cable, Namespace
from harness.program import BuildError
from harness.relay import DOWN, UP, Relay
from harness.server import Server
from outcomes import backends, wait_until


def test_the_role_is_ordinary_and_owns_its_schema(database: Database) -> None:
    database.execute("CREATE TABLE t (i int)")
    assert database.value("SELECT tableowner FROM pg_tables WHERE tablename = 't'") == database.role
    assert not database.value("SELECT rolsuper FROM pg_roles WHERE rolname = %s", database.role)


def test_databases_are_fresh(database: Database) -> None:
    assert database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []


def test_the_password_is_asked_on_tcp_only(database: Database) -> None:
    psycopg.connect(database.tcp_url).close()
    wrong = database.server.url(database.role, database.name, "127.0.0.1", password="wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_the_server_stops_and_starts(server: Server, database: Database) -> None:
    database.execute("CREATE TABLE t (i int)")
    server.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database.url)
    server.start()
    assert database.value("SELECT count(*) FROM t") == 0
    assert "shutdown" in server.log() or "shut down" in server.log()


def test_the_results_name_the_versions_under_test(database: Database, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only"]
    command += ["-c", str(Path(__file__).parents[1] / "pytest.ini"), __file__]
    results = tmp_path / "results.xml"
    subprocess.run([*command, f"--junit-xml={results}"], stdout=subprocess.DEVNULL, check=True)
    server = database.value("SHOW server_version")
    libpq = "{}.{}".format(*divmod(psycopg.pq.version(), 10000))
    assert f'name="remark" value="PostgreSQL {server}, libpq {libpq}"' in results.read_text()


def test_the_relay_counts_round_trips(relay: Relay, database: Database) -> None:
    with psycopg.connect(relay.url(database.url), autocommit=True) as connection:
        before = relay.round_trips
        for _ in range(5):
            connection.execute("SELECT 1")
        assert relay.round_trips == before + 5
    assert relay.round_trips == before + 5, "saying goodbye is no round trip"
    (seen,) = relay.connections
    assert seen.bytes[UP] > 5 * len("SELECT 1")
    assert seen.bytes[DOWN] > 5


def test_the_relay_delays_each_way(relay: Relay, database: Database) -> None:
    with psycopg.connect(relay.url(database.url), autocommit=True) as connection:
        relay.delay = 0.05
        times = []
        for _ in range(5):
            start = time.monotonic()
            connection.execute("SELECT 1")
            times.append(time.monotonic() - start)
        assert 0.1 <= min(times) < 0.15


def test_the_relay_knows_a_cancel_request(relay: Relay, database: Database) -> None:
    with psycopg.connect(relay.url(database.url)) as connection:
        connection.cancel()
    assert [seen.is_cancel for seen in relay.connections] == [False, True]


def test_the_relay_cuts(relay: Relay, database: Database) -> None:
    with psycopg.connect(relay.url(database.url), autocommit=True) as connection:
        relay.cut()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    psycopg.connect(relay.url(database.url)).close()


def test_the_relay_cuts_before_a_commit_and_after(relay: Relay, database: Database) -> None:
    database.execute("CREATE TABLE t (i int)")
    for direction, kept in ((UP, 0), (DOWN, 1)):
        relay.at(direction, b"COMMIT", relay.cut)
        with pytest.raises(psycopg.OperationalError):
            with psycopg.connect(relay.url(database.url)) as connection:
                connection.execute("INSERT INTO t VALUES (1)")
        wait_until_alone(database)
        assert database.value("SELECT count(*) FROM t") == kept


def test_the_relay_stalls_and_resumes(relay: Relay, database: Database) -> None:
    with psycopg.connect(relay.url(database.url), autocommit=True) as connection:
        relay.stall(DOWN)
        query = connection.pgconn
        query.send_query(b"SELECT 1")
        query.flush()
        time.sleep(0.2)
        query.consume_input()
        assert query.is_busy()
        relay.resume(DOWN)
        assert query.get_result() is not None
        assert query.get_result() is None


def test_the_relay_drops(relay: Relay, database: Database) -> None:
    database.execute("CREATE TABLE t (i int)")
    connection = psycopg.connect(relay.url(database.url), autocommit=True)
    relay.drop(UP)
    connection.pgconn.send_query(b"INSERT INTO t VALUES (1)")
    connection.pgconn.flush()
    time.sleep(0.2)
    assert database.value("SELECT count(*) FROM t") == 0
    connection.close()


def test_the_relay_refuses_and_accepts(relay: Relay, database: Database) -> None:
    relay.refuse()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(relay.url(database.url))
    relay.accept()
    psycopg.connect(relay.url(database.url)).close()


def test_the_relay_takes_a_client_away(relay: Relay, database: Database) -> None:
    """Its session goes on, and commits, until it is told."""
    database.execute("CREATE TABLE t (i int)")
    client = psycopg.connect(relay.url(database.url), autocommit=True)
    client.pgconn.send_query(b"SELECT pg_sleep(0.2); INSERT INTO t VALUES (1)")
    client.pgconn.flush()
    wait_until(lambda: backends(database, "state = 'active'"))
    relay.orphan()
    wait_until(lambda: database.rows("SELECT i FROM t") == [(1,)])
    wait_until(lambda: backends(database) == 1)
    relay.bury()
    wait_until(lambda: backends(database) == 0)
    client.close()


@pytest.mark.sample
def test_a_namespace_has_mounts_of_its_own(namespace: Namespace, tmp_path: Path) -> None:
    namespace.run("mount", "-t", "tmpfs", "tmpfs", str(tmp_path))
    namespace.run("touch", str(tmp_path / "seen"))
    assert namespace.run("ls", str(tmp_path)) == "seen\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [Namespace, Cable])
def test_a_namespace_that_may_not_be_made(
    kind: Callable[[], Namespace | Cable], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Fails, and says what to do about it: only who was told leaves a fault out."""
    monkeypatch.delenv("INLAY_WITHOUT_NETFAULTS", raising=False)
    (tmp_path / "unshare").write_text("#!/bin/sh\necho not permitted >&2; exit 1\n")
    (tmp_path / "unshare").chmod(0o755)
    for path in (str(tmp_path), "/nowhere"):
        monkeypatch.setenv("PATH", path)
        with pytest.raises(pytest.fail.Exception, match="--without-netfaults leaves it out"):
            next(make_place(kind))
    monkeypatch.setenv("INLAY_WITHOUT_NETFAULTS", "1")
    with pytest.raises(pytest.skip.Exception):
        next(make_place(kind))


FILES = {"001_a.sql": "CREATE TABLE a (i int);\nINSERT INTO a\nVALUES (1);  \n"}


@pytest.mark.parametrize("allow_bad", [False, True])
def test_a_program_holds_its_migrations(
    app: AppFactory, database: Database, allow_bad: bool
) -> None:
    result = app(FILES, history="public.mine", allow_bad=allow_bad).run("--only")
    assert result.returncode == 0, result.stderr
    assert database.rows("SELECT * FROM a") == [(1,)]
    assert database.rows("SELECT version, name FROM mine") == [(1, "a")]


def test_bad_bodies_pass_where_the_generator_is_left_out(
    app: AppFactory, database: Database
) -> None:
    with pytest.raises(BuildError, match="001_a.sql:1:1: error: "):
        app({"001_a.sql": "COMMIT;"})
    assert app({"001_a.sql": "COMMIT;"}, allow_bad=True).run("--show").returncode == 0


def test_the_same_program_is_built_once(app: AppFactory) -> None:
    assert app(FILES).path == app(dict(FILES)).path
    assert app(FILES).path != app(FILES, history="public.other").path


def test_a_program_of_ones_own(program: ProgramFactory) -> None:
    source = """
        #include <inlay.h>
        #include <stdio.h>
        extern const struct inlay_set app_migrations;
        int main(void) { puts(app_migrations.migrations[0].name); return 3; }
    """
    result = program(source, FILES).run()
    assert (result.returncode, result.stdout) == (3, "a\n")


def test_a_program_gets_a_clean_environment(
    program: ProgramFactory, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "/nonsense")
    source = """
        #include <stdio.h>
        #include <stdlib.h>
        int main(void) { printf("%s %d", getenv("INLAY_DATABASE_URL"), getenv("PGHOST") != NULL); }
    """
    with pytest.raises(AssertionError, match="a password was shown"):
        program(source, FILES).run()
    assert program(source, FILES).run(url="postgresql:///x").stdout == "postgresql:///x 0"
    assert "nothing" in program(source, FILES).run(env={"INLAY_DATABASE_URL": "nothing"}).stdout


def wait_until_alone(database: Database) -> None:
    """Until the server has seen that its clients are gone."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 10
    while database.value(others, database.name) and time.monotonic() < deadline:
        time.sleep(0.02)
