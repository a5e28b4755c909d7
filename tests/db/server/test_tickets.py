"""The reference server's tickets: what it answers, with the database there, busy or away."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import urlencode

import pytest

from harness.database import Database
from harness.program import Program
from harness.relay import DOWN, Relay
from harness.server import Server
from outcomes import assert_prompt, backends, wait_until
from serving import Service

OPENED = {"account": "acme", "author": "ann@acme.test", "subject": "The printer is on fire"}
LOCK = "LOCK TABLE tickets IN ACCESS EXCLUSIVE MODE"


class Desk:
    """What a client of the service does."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def ask(self, path: str, **parameters: str) -> tuple[int, Any]:
        """GET where the path has no parameters in it and none are given, else POST."""
        method, body = ("POST", urlencode(parameters)) if parameters else ("GET", None)
        return self.send(path, method, body)

    def send(self, path: str, method: str = "POST", body: str | None = None) -> tuple[int, Any]:
        answer = self.service.ask(path, method, 20, body)
        assert answer.headers["Content-Type"] == "application/json"
        assert ("Retry-After" in answer.headers) == (answer.status == 503)
        return answer.status, json.loads(answer.body)

    def open(self) -> int:
        status, ticket = self.ask("/tickets", **OPENED)
        assert status == 201
        return int(ticket["id"])


def add_people(database: Database) -> None:
    database.execute(
        "INSERT INTO accounts (slug, title) VALUES ('acme', 'Acme'), ('other', 'Other')",
        "INSERT INTO members (account_id, email, display_name) VALUES"
        " (1, 'ann@acme.test', 'Ann'), (1, 'bob@acme.test', 'Bob'), (2, 'eve@other.test', 'Eve')",
    )


@pytest.fixture
def desk(reference_server: Program, database: Database, tmp_path: Path) -> Desk:
    service = Service(reference_server, tmp_path)
    service.await_ready()
    add_people(database)
    return Desk(service)


@pytest.fixture
def relayed(reference_server: Program, database: Database, relay: Relay, tmp_path: Path) -> Desk:
    """With a pooled connection through the relay, which can stall it."""
    service = Service(reference_server, tmp_path, url=relay.url(database.url))
    service.await_ready()
    assert Desk(service).ask("/tickets") == (200, [])
    return Desk(service)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(100) as executor:
        yield executor


def state(database: Database, ticket: int) -> str:
    return str(database.value(f"SELECT state FROM tickets WHERE id = {ticket}"))


def test_a_ticket_from_end_to_end(desk: Desk, database: Database) -> None:
    assert desk.ask("/tickets") == (200, [])
    shown = {**OPENED, "id": 1, "state": "open", "assignee": None}
    assert desk.ask("/tickets", **OPENED) == (201, shown)
    shown["assignee"] = "bob@acme.test"
    assert desk.ask("/tickets/1/assign", assignee="bob@acme.test") == (200, shown)
    second = desk.open()
    assert [ticket["id"] for ticket in desk.ask("/tickets")[1]] == [second, 1]
    shown["state"] = "closed"
    assert desk.send("/tickets/1/close") == (200, shown)
    assert desk.ask("/tickets?state=closed") == (200, [shown])
    assert [ticket["id"] for ticket in desk.ask("/tickets?state=open")[1]] == [second]
    assert database.rows("SELECT id, state::text, assignee_id FROM tickets ORDER BY id") == [
        (1, "closed", 2),
        (2, "open", None),
    ]
    wait_until(lambda: backends(database) == 1)  # the pool's; that of the look ends
    assert desk.service.stop() == 0


def test_the_newest_hundred(desk: Desk, database: Database) -> None:
    database.execute(
        "INSERT INTO tickets (account_id, author_id, subject)"
        " SELECT 1, 1, n::text FROM generate_series(1, 120) AS n"
    )
    status, listed = desk.ask("/tickets")
    assert status == 200 and [ticket["id"] for ticket in listed] == list(range(120, 20, -1))


def test_what_others_write_stays_text(desk: Desk) -> None:
    subject = "\"'; DROP TABLE tickets; -- \\ & = % + \x01 \u202e \u00e9 \U0001f525 </script>\n\x7f"
    assert desk.ask("/tickets", **{**OPENED, "subject": subject})[1]["subject"] == subject
    assert desk.ask("/tickets")[1][0]["subject"] == subject


MISSING = "a parameter is missing"
UNKNOWN = "a parameter is unknown, or there twice"
IMPOSSIBLE = "a parameter has a value that is not possible"
FORM = urlencode(OPENED)


REFUSED = [
    ("POST", "/tickets", "", 400, MISSING),
    ("POST", "/tickets", "account=acme&author=ann%40acme.test", 400, MISSING),
    ("POST", "/tickets?" + FORM, "", 400, MISSING),  # a POST has its parameters in the body
    ("POST", "/tickets", FORM + "&subject=again", 400, UNKNOWN),
    ("POST", "/tickets", FORM + "&state=open", 400, UNKNOWN),
    ("POST", "/tickets", FORM + "x" * 200, 400, "a parameter is too long"),
    ("POST", "/tickets", FORM.replace("acme&", "&"), 400, "a parameter is empty"),
    ("POST", "/tickets", FORM + "%00", 400, "a parameter is not text"),
    ("POST", "/tickets", FORM + "%ff", 400, IMPOSSIBLE),
    ("POST", "/tickets", '{"account": "acme"}', 400, "parameters are sent as name=value&"),
    ("POST", "/tickets", FORM.replace("acme&", "b&"), 400, "no such author in the account"),
    ("POST", "/tickets", FORM.replace("ann", "eve"), 400, "no such author in the account"),
    ("GET", "/tickets?state=lost", None, 400, IMPOSSIBLE),
    ("GET", "/tickets?stat=open", None, 400, UNKNOWN),
    ("POST", "/tickets/1/assign", "assignee=eve%40other.test", 400, "no such assignee in"),
    ("POST", "/tickets/1/assign", "", 400, MISSING),
    ("POST", "/tickets/1/close", "x=y", 400, UNKNOWN),
    ("POST", "/tickets/3/assign", "assignee=bob%40acme.test", 404, "no such ticket"),
    ("POST", "/tickets/3/close", None, 404, "no such ticket"),
    ("POST", "/tickets/999999999999999999/close", None, 404, "no such ticket"),
    ("POST", "/tickets/9999999999999999999/close", None, 404, "no such path"),
    ("POST", "/tickets/1", None, 404, "no such path"),
    ("POST", "/tickets/", None, 404, "no such path"),
    ("POST", "/tickets/1/reopen", None, 404, "no such path"),
    ("POST", "/tickets/+1/close", None, 404, "no such path"),
    ("POST", "/tickets//close", None, 404, "no such path"),
    ("POST", "/tickets/2/close", None, 409, "the ticket is closed"),
    ("POST", "/tickets/2/assign", "assignee=bob%40acme.test", 409, "the ticket is closed"),
]


def test_what_is_refused(desk: Desk, database: Database) -> None:
    assert (desk.open(), desk.open()) == (1, 2)
    assert desk.send("/tickets/2/close")[0] == 200
    before = database.rows("TABLE tickets")
    for method, path, body, status, error in REFUSED:
        got, answer = desk.send(path, method, body)
        assert (got, answer["error"].startswith(error)) == (status, True), (path, body, answer)
    assert database.rows("TABLE tickets") == before
    assert "tickets: " not in desk.service.log  # a client's mistakes are not worth a line


def test_the_parameter_is_named(desk: Desk) -> None:
    for given in ({"account": "acme", "subject": "x"}, {**OPENED, "author": ""}):
        assert desk.ask("/tickets", **given)[1]["parameter"] == "author"


def test_other_methods(desk: Desk) -> None:
    for path, methods in (("/tickets", "GET, HEAD, POST"), ("/tickets/1/close", "POST")):
        answer = desk.service.ask(path, "DELETE")
        assert (answer.status, answer.headers["Allow"]) == (405, methods)
    head = desk.service.ask("/tickets", "HEAD")
    assert (head.status, head.headers["Content-Length"], head.body) == (200, "3", "")
    assert desk.service.ask("/ticketsx").status == 404


def test_a_body_that_is_too_long(desk: Desk) -> None:
    with suppress(ConnectionError):
        assert desk.service.ask("/tickets", "POST", 5, "subject=" + "x" * 5000).status == 413
    assert desk.open() == 1


# ---- readiness ----


def test_before_the_service_is_ready(
    reference_server: Program, database: Database, tmp_path: Path
) -> None:
    service = Service(reference_server, tmp_path, "--no-migrate")
    service.await_unready("pending: ")
    refused = (503, {"error": "not ready; /readyz says why"})
    assert Desk(service).ask("/tickets") == Desk(service).ask("/tickets", **OPENED) == refused
    wait_until(lambda: backends(database) == 0)  # it was not even tried; the pool's would stay
    assert reference_server.run("--migrate-only").returncode == 0
    service.await_ready()
    assert Desk(service).ask("/tickets") == (200, [])


def test_a_newer_binary_has_migrated(desk: Desk, database: Database) -> None:
    """Expanded: what is there stays as it is."""
    database.execute(
        "ALTER TABLE tickets ADD COLUMN priority int NOT NULL DEFAULT 3",
        "INSERT INTO applied_migrations (version, name) VALUES (14, 'add_ticket_priority')",
    )
    wait_until(lambda: "warning: " in desk.service.readiness().body, "for the warning", 10)
    assert desk.open() == 1
    assert desk.ask("/tickets/1/assign", assignee="bob@acme.test")[0] == 200
    assert desk.send("/tickets/1/close")[0] == 200
    assert "priority" not in desk.ask("/tickets")[1][0]


def test_while_migrations_run(
    desk: Desk, reference_server: Program, database: Database, pool: ThreadPoolExecutor
) -> None:
    """Down and up again under the requests: each is answered, or refused and not done."""
    over = threading.Event()

    def work() -> list[int]:
        statuses = []
        while not over.is_set():
            statuses.append(desk.ask("/tickets", **OPENED)[0])
            statuses.append(desk.ask("/tickets")[0])
        return statuses

    workers = [pool.submit(work) for _ in range(4)]
    for _ in range(5):
        assert reference_server.run("--migrate-down", "1", "--migrate-yes").returncode == 0
        assert reference_server.run("--migrate-only").returncode == 0
    over.set()
    statuses = [status for worker in workers for status in worker.result()]
    assert {200, 201} <= set(statuses) <= {200, 201, 503}
    assert database.value("SELECT count(*) FROM tickets") == statuses.count(201)


# ---- a database that is busy, away, or not as it should be ----


def test_a_table_that_is_locked(desk: Desk, database: Database, pool: ThreadPoolExecutor) -> None:
    ticket = desk.open()
    with database.connect() as holder:
        holder.execute(LOCK)
        began = time.monotonic()
        first = pool.submit(desk.send, f"/tickets/{ticket}/close")
        time.sleep(0.5)
        second = pool.submit(desk.ask, "/tickets")
        while not first.done():
            asked = time.monotonic()
            assert desk.service.ask("/livez").status == 200
            assert_prompt(asked, 0.5)
            time.sleep(0.1)
        assert first.result() == (503, {"error": "the database is busy, or away"})
        assert 4.5 < time.monotonic() - began < 8
    assert second.result() == (200, [dict(desk.ask("/tickets")[1][0], state="open")])
    assert "tickets: canceling statement due to statement timeout\n" in desk.service.log
    assert state(database, ticket) == "open"


def test_what_waits_too_long_is_not_begun(
    desk: Desk, database: Database, pool: ThreadPoolExecutor
) -> None:
    with database.connect() as holder:
        holder.execute(LOCK)
        asked = [pool.submit(desk.ask, "/tickets", **OPENED) for _ in range(3)]
        results = [future.result() for future in asked]
    assert (
        sorted(answer["error"] for status, answer in results)
        == [
            "the database does not answer",
            "the database is busy, or away",
            "the database is busy, or away",
        ]
        or [answer["error"] for _, answer in results].count("the database does not answer") == 2
    )
    assert [status for status, _ in results] == [503] * 3
    assert database.value("SELECT count(*) FROM tickets") == 0


def test_too_many_at_once(desk: Desk, database: Database, pool: ThreadPoolExecutor) -> None:
    with database.connect() as holder:
        holder.execute(LOCK)
        asked: list[Future[tuple[int, Any]]] = []
        for _ in range(70):
            asked.append(pool.submit(desk.ask, "/tickets"))
        full = (503, {"error": "too many requests are waiting"})
        wait_until(lambda: [f.done() and f.result() == full for f in asked].count(True) == 6)
    assert [future.result()[0] for future in asked].count(200) == 64


def test_the_database_goes_and_comes_back(desk: Desk, server: Server) -> None:
    assert desk.open() == 1
    server.stop()
    try:
        status, answer = desk.ask("/tickets")
        assert (status, answer["error"]) == (503, "the database does not answer")
        assert "tickets: the database does not answer: " in desk.service.log
        assert "No such file" not in str(answer)
        desk.service.await_unready("cannot reach the database")
        assert desk.ask("/tickets")[1]["error"].startswith("not ready")
    finally:
        server.start()
    desk.service.await_ready()
    assert desk.ask("/tickets")[0] == 200


OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
END_OTHERS = f"""DO $$ BEGIN
    PERFORM pg_terminate_backend(pid) {OTHERS};
    WHILE EXISTS (SELECT {OTHERS}) LOOP
        PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
    END LOOP;
END $$"""


def test_a_connection_that_was_ended(desk: Desk, database: Database) -> None:
    """Between two requests nobody notices."""
    for _ in range(3):
        assert desk.ask("/tickets") == (200, [])
        database.admin(END_OTHERS)
    assert "does not answer" not in desk.service.log


def test_a_connection_that_is_ended_meanwhile(
    desk: Desk, database: Database, pool: ThreadPoolExecutor
) -> None:
    with database.connect() as holder:
        holder.execute(LOCK)
        asked = pool.submit(desk.ask, "/tickets", **OPENED)
        waiting = "SELECT pid FROM pg_locks WHERE NOT granted"
        wait_until(lambda: bool(holder.execute(waiting).fetchall()))
        holder.execute(f"SELECT pg_terminate_backend(pid) FROM ({waiting}) AS waiting")
        assert asked.result()[0] == 503
    assert desk.ask("/tickets") == (200, [])


def test_a_database_that_hangs(relayed: Desk, relay: Relay, pool: ThreadPoolExecutor) -> None:
    relay.stall(DOWN)
    began = time.monotonic()
    asked = pool.submit(relayed.ask, "/tickets")
    time.sleep(0.5)
    assert relayed.service.ask("/livez", timeout=1).status == 200
    assert asked.result() == (503, {"error": "the database does not answer"})
    assert_prompt(began, 9)
    relay.resume(DOWN)
    relayed.service.await_ready()
    assert relayed.ask("/tickets") == (200, [])


def test_nothing_of_an_error_leaks(desk: Desk, database: Database) -> None:
    database.execute("ALTER TABLE tickets RENAME COLUMN subject TO title")
    status, answer = desk.ask("/tickets")
    assert (status, answer["error"]) == (500, "this did not work; the server's log says why")
    assert "tickets: column t.subject does not exist\n" in desk.service.log
    database.execute("ALTER TABLE tickets RENAME COLUMN title TO subject")
    assert desk.ask("/tickets") == (200, [])


# ---- clients that go, and the end ----


def test_a_client_that_goes(desk: Desk, database: Database) -> None:
    with database.connect() as holder:
        holder.execute(LOCK)
        for _ in range(3):
            with socket.create_connection((desk.service.host, desk.service.port)) as client:
                client.sendall(b"GET /tickets HTTP/1.1\r\nHost: x\r\n\r\n")
                time.sleep(0.2)
    assert desk.ask("/tickets") == (200, [])
    assert desk.service.stop() == 0


def stop_while_served(
    desk: Desk, pool: ThreadPoolExecutor, release: Callable[[], object]
) -> tuple[int, Any]:
    asked = pool.submit(desk.ask, "/tickets", **OPENED)
    time.sleep(0.5)
    desk.service.process.terminate()
    wait_until(lambda: "stopping on SIGTERM" in desk.service.log)
    with pytest.raises(ConnectionError):
        desk.service.ask("/livez")
    release()
    answer = asked.result()
    assert desk.service.process.wait(2) == 0
    return answer


def test_stopping_answers_what_was_asked(
    desk: Desk, database: Database, pool: ThreadPoolExecutor
) -> None:
    with database.connect() as holder:
        holder.execute(LOCK)
        assert stop_while_served(desk, pool, holder.rollback)[0] == 201
    assert database.value("SELECT count(*) FROM tickets") == 1


def test_stopping_does_not_wait_for_ever(
    desk: Desk, database: Database, pool: ThreadPoolExecutor
) -> None:
    with database.connect() as holder:
        holder.execute(LOCK)
        began = time.monotonic()
        assert stop_while_served(desk, pool, lambda: None)[0] == 503
        assert_prompt(began, 8)
    wait_until(lambda: backends(database) == 0)
    assert database.value("SELECT count(*) FROM tickets") == 0


def test_stopping_with_a_database_that_hangs(
    relayed: Desk, relay: Relay, pool: ThreadPoolExecutor
) -> None:
    relay.stall(DOWN)

    def ask() -> None:
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            relayed.service.ask("/tickets", timeout=20)

    asked = pool.submit(ask)
    time.sleep(0.5)
    began = time.monotonic()
    assert relayed.service.stop() == 0
    assert 4 < time.monotonic() - began < 8
    asked.result()


def test_more_connections_than_descriptors(
    reference_server: Program, adopt: Callable[[Path], Program], tmp_path: Path
) -> None:
    few = tmp_path / "few"
    few.write_text(f'#!/bin/sh\nulimit -n 60\nexec {reference_server.path} "$@"\n')
    few.chmod(0o755)
    service = Service(adopt(few), tmp_path)
    service.await_ready()
    kept = http.client.HTTPConnection(service.host, service.port, timeout=5)

    def is_ready() -> bool:
        kept.request("GET", "/readyz")
        return kept.getresponse().read().startswith(b"ready: ")

    assert is_ready()
    clients = [socket.create_connection((service.host, service.port)) for _ in range(150)]
    wait_until(lambda: "too many connections" in service.log)
    with pytest.raises(TimeoutError):
        service.ask("/livez", timeout=1)
    time.sleep(7)  # longer than it takes to look at the database again
    kept.request("GET", "/tickets")
    assert kept.getresponse().read() == b"[]\n"
    assert is_ready() and "cannot reach" not in service.log
    assert len(service.log) < 3000
    for client in clients:
        client.close()
    wait_until(lambda: service.ask("/livez").status == 200)
    assert service.stop() == 0
