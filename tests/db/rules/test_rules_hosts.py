"""Several hosts in one connection string: one that is silent, down or a standby does not keep a run
from the one that takes it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Iterator

import psycopg
import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from harness.relay import UP, Relay
from harness.server import Server
from outcomes import assert_prompt, backends, check, finish, migrate, tables, versions, wait_until
from serving import Service
from standby import Standby

FILES = {"001_one.sql": "CREATE TABLE one ();", "002_two.sql": "CREATE TABLE two ();"}
HELD = "SELECT pg_sleep(600) WHERE (SELECT count(*) FROM gone) = 0;"
NOWHERE = ("/nowhere", 5432)
# libpq 15 and before do not know it.
BALANCED = ["load_balance_hosts=random"] if psycopg.pq.version() >= 160000 else []

Place = tuple[object, int]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture(scope="module")
def standby(server: Server) -> Iterator[Standby]:
    running = Standby(server)
    yield running
    running.close()


@pytest.fixture
def silent(relay: Relay) -> Place:
    """A host that accepts connections, and never says a word."""
    relay.drop(UP)
    return "127.0.0.1", relay.port


@pytest.fixture
def primary(database: Database) -> Place:
    return database.server.directory, database.server.port


def among(database: Database, *places: Place, options: str = "") -> str:
    hosts = ",".join(str(host) for host, _ in places)
    ports = ",".join(str(port) for _, port in places)
    return (
        f"host={hosts} port={ports} dbname={database.name} user={database.role}"
        f" connect_timeout=1 sslmode=disable gssencmode=disable {options}"
    )


@pytest.mark.parametrize("options", ["", "target_session_attrs=read-write", *BALANCED])
def test_the_first_is_silent(
    app: AppFactory, database: Database, silent: Place, primary: Place, options: str
) -> None:
    outcome = migrate(app(FILES), url=among(database, silent, primary, options=options))
    assert (outcome.exit, outcome.applied) == (0, [1, 2])


def test_each_has_time_of_its_own(
    app: AppFactory, database: Database, silent: Place, primary: Place
) -> None:
    began = time.monotonic()
    outcome = migrate(app(FILES), url=among(database, silent, NOWHERE, silent, primary))
    assert (outcome.exit, outcome.applied) == (0, [1, 2])
    assert time.monotonic() - began >= 2


def test_all_are_silent(app: AppFactory, database: Database, silent: Place) -> None:
    began = time.monotonic()
    outcome = migrate(app(FILES), url=among(database, silent, silent))
    assert time.monotonic() - began >= 2
    assert_prompt(began, 6)
    assert (outcome.exit, outcome.code) == (6, "connection")
    assert "no answer from the server at 127.0.0.1" in outcome.error["message"]
    assert outcome.error["detail"] == "before that, no answer from 127.0.0.1"


def test_a_silent_one_is_named_while_it_is_waited_for(
    app: AppFactory, database: Database, silent: Place
) -> None:
    """Once for each, not as often as there is a tick."""
    url = among(database, silent, silent).replace("connect_timeout=1", "connect_timeout=3")
    outcome = migrate(app(FILES), url=url)
    assert outcome.stderr.count("waiting for an answer of the server at 127.0.0.1") == 2


def test_the_last_is_down(app: AppFactory, database: Database, silent: Place) -> None:
    outcome = migrate(app(FILES), url=among(database, silent, NOWHERE))
    assert (outcome.exit, outcome.code) == (6, "connection")
    assert "/nowhere/.s.PGSQL.5432" in outcome.error["message"]
    assert outcome.error["detail"] == "before that, no answer from 127.0.0.1"


def test_the_wait_as_a_whole_ends(app: AppFactory, database: Database, silent: Place) -> None:
    """--connect-wait is for all of them together."""
    began = time.monotonic()
    url = among(database, *[silent] * 9)
    assert migrate(app(FILES), "--connect-wait=2", url=url).exit == 6
    assert_prompt(began, 5)


def test_addresses_beside_names(
    app: AppFactory, database: Database, silent: Place, server: Server
) -> None:
    url = among(database, ("db1", silent[1]), ("db2", server.port))
    url += f" hostaddr=127.0.0.1,127.0.0.1 password={database.passwords[0]}"
    outcome = migrate(app(FILES), url=url)
    assert (outcome.exit, outcome.applied) == (0, [1, 2])


# In the place of a name server: "db" has two addresses.
NAMES = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints,
                struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (name == NULL || strcmp(name, "db") != 0)
        return real(name, port, hints, found);
    real("127.0.0.2", port, hints, found);
    return real("127.0.0.1", port, hints, &(*found)->ai_next);
}
"""


def test_one_address_of_a_name_is_silent(
    app: AppFactory, database: Database, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "names.c").write_text(NAMES)
    shim = str(tmp_path / "names.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, str(tmp_path / "names.c")], check=True)
    options = f"{os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0"
    url = among(database, ("db", server.port)) + f" password={database.passwords[0]}"
    with socket.create_server(("127.0.0.2", server.port)):
        program = app(FILES)
        outcome = migrate(program, url=url, env={"LD_PRELOAD": shim, "ASAN_OPTIONS": options})
    assert (outcome.exit, outcome.applied) == (0, [1, 2]), outcome.stderr


def status(program: Program, url: str) -> dict[str, object]:
    read: dict[str, object] = json.loads(program.run("--status", "--json", url=url).stdout)
    return read


def test_a_standby_is_preferred(
    app: AppFactory, database: Database, standby: Standby, silent: Place, primary: Place
) -> None:
    """In two passes over the hosts that answer, as libpq makes them."""
    program = app(FILES)
    assert migrate(program).exit == 0
    standby.await_replay(database)
    second = standby.directory, database.server.port
    prefer = "target_session_attrs=prefer-standby"
    url = among(database, primary, silent, second, options=prefer)
    assert status(program, url)["read_only"] is True
    url = among(database, primary, silent, NOWHERE, options=prefer)
    assert status(program, url)["read_only"] is False
    assert check(program, url=url) == 0


def test_a_server_on_a_standby_migrates_after_the_promotion(
    app: AppFactory,
    reference_server: Program,
    database: Database,
    server: Server,
    tmp_path: Path,
) -> None:
    standby = Standby(server)
    try:
        standby.await_replay(database)
        url = standby.url(database.role, database.name)
        service = Service(reference_server, tmp_path, url=url)
        headline = "pending: 13 migrations, and this server migrates when the database takes writes"
        service.await_unready(headline)
        assert service.document()["condition"] == "pending"
        standby.promote()
        service.await_ready()
    finally:
        standby.close()


def test_a_server_that_lost_its_database_waits_for_the_standby(
    reference_server: Program, database: Database, server: Server, primary: Place, tmp_path: Path
) -> None:
    standby = Standby(server)
    second = standby.directory, database.server.port
    held = "backend_type = 'client backend' AND wait_event_type = 'Lock' AND query ~ 'accounts'"
    other = database.connect()
    try:
        other.execute("CREATE TABLE accounts ()")
        service = Service(reference_server, tmp_path, url=among(database, primary, second))
        wait_until(lambda: backends(database, held))
        server.stop("immediate")
        try:
            service.await_unready(
                "pending: 13 migrations, and this server migrates when the database takes writes"
            )
            standby.promote()
            service.await_ready()
        finally:
            server.start()
    finally:
        other.close()
        standby.close()


def test_the_standby_is_promoted_after_the_server_was_lost(
    app: AppFactory, database: Database, server: Server, primary: Place
) -> None:
    """It is found first as it still is: the run waits for it, and goes on."""
    database.execute("CREATE TABLE gone (a int)")
    standby = Standby(server)
    second = standby.directory, database.server.port
    try:
        program = app({**FILES, "003_slow.sql": f"CREATE TABLE three ();\n{HELD}\n"})
        running = program.start("--only", "--json", url=among(database, primary, second))
        wait_until(lambda: backends(database, "query ~ 'pg_sleep' AND state = 'active'"))
        database.execute("INSERT INTO gone VALUES (1)")
        standby.await_replay(database)
        server.stop("immediate")
        try:
            time.sleep(1.5)  # it finds the standby, which is one for now
            assert running.poll() is None
            standby.promote()
            outcome = finish(running)
        finally:
            server.start()
        assert (outcome.exit, outcome.applied) == (0, [1, 2, 3]), outcome.stderr
        assert "waiting for a server that takes writes: the server is a standby" in outcome.stderr
        with psycopg.connect(standby.url(database.role, database.name)) as connection:
            rows = connection.execute("SELECT version FROM applied_migrations ORDER BY 1")
            assert rows.fetchall() == [(1,), (2,), (3,)]
    finally:
        standby.close()


def test_a_standby_that_is_not_promoted(
    app: AppFactory, database: Database, server: Server, primary: Place
) -> None:
    standby = Standby(server)
    second = standby.directory, database.server.port
    try:
        program = app({**FILES, "003_slow.sql": "CREATE TABLE three ();\nSELECT pg_sleep(600);\n"})
        url = among(database, primary, second)
        running = program.start("--only", "--json", "--lock-wait=2", url=url)
        wait_until(lambda: backends(database, "query ~ 'pg_sleep' AND state = 'active'"))
        standby.await_replay(database)
        server.stop("immediate")
        try:
            outcome = finish(running)
        finally:
            server.start()
        assert (outcome.exit, outcome.code, outcome.error["version"]) == (6, "lost", "3")
        assert outcome.error["detail"].startswith(
            "connecting again failed: the server is a standby: it takes no writes"
        )
    finally:
        standby.close()
    assert tables(database) == {"one", "two"} and versions(database) == [1, 2]
