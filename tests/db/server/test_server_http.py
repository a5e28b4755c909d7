"""The reference server as an HTTP server, and its command line."""

from __future__ import annotations

import http.client
import json
import re
import socket
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.database import Database
from harness.program import Builder, Program
from harness.server import Server
from outcomes import wait_until
from serving import Service, refusal, refusing_server

PATHS = ["/", "/healthz", "/livez", "/readyz", "/status.json", "/style.css"]
HOSTILE = (
    "<script>alert(1)</script> & \"'\x1b[31m\x07 \u202egpj.exe\u00e9\x85\u061c\u200f\u2028\u2066"
)


@pytest.fixture
def service(reference_server: Program, tmp_path: Path) -> Service:
    running = Service(reference_server, tmp_path)
    running.await_ready()
    return running


def test_the_answers_are_safe_and_fresh(service: Service) -> None:
    kinds = ["text/html", "text/plain", "text/plain", "text/plain", "application/json", "text/css"]
    for path, kind in zip(PATHS, kinds):
        answer = service.ask(path)
        assert answer.status == 200
        assert str(answer.headers["Content-Type"]).split(";")[0] == kind
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
    assert service.stop() == 0


def test_head(service: Service) -> None:
    for path in ("/livez", "/style.css"):
        length = len(service.ask(path).body.encode())
        head = f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        with socket.create_connection((service.host, service.port), timeout=5) as connection:
            connection.sendall(head)
            raw = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        assert raw.startswith("HTTP/1.1 200 ") and raw.endswith("\r\n\r\n")
        assert raw.count("\r\n\r\n") == 1
        assert f"\r\nContent-Length: {length}\r\n" in raw


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods(service: Service, method: str) -> None:
    for path in PATHS:
        answer = service.ask(path, method)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert service.ask("/nowhere", method).status == 404


@pytest.mark.parametrize("path", ["/nowhere", "/readyz/", "/%2e%2e/etc/passwd", "//readyz"])
def test_other_paths(service: Service, path: str) -> None:
    assert service.ask(path).status == 404


def test_a_query_is_ignored(service: Service) -> None:
    assert service.ask("/readyz?verbose").status == 200


def test_bad_requests_do_no_harm(service: Service) -> None:
    large = b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"
    body = b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"
    for request in (b"\x00\x01\x02\r\n\r\n", large, body, b"GET\r\n\r\n"):
        with socket.create_connection((service.host, service.port), timeout=5) as connection:
            answer = b""
            with suppress(ConnectionError):
                connection.sendall(request)
                answer = connection.recv(65536)
            assert not answer.startswith(b"HTTP/1.1 200")
    assert service.ask("/readyz").status == 200
    assert service.stop() == 0


def test_a_connection_is_used_again(service: Service) -> None:
    connection = http.client.HTTPConnection(service.host, service.port, timeout=5)
    for path in PATHS * 2:
        connection.request("GET", path)
        assert connection.getresponse().read() != b""
    connection.close()


# ---- the page and the document ----


class Page(HTMLParser):
    """Tags that were opened, the text, and the rows of the table by version."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.rows: list[tuple[str, str]] = []  # class and text
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, _ in attributes:
            assert not name.startswith("on") and name != "style"
        if tag == "tr":
            self.rows.append((dict(attributes).get("class") or "", ""))

    def handle_data(self, data: str) -> None:
        if self.rows:
            self.rows[-1] = (self.rows[-1][0], self.rows[-1][1] + data)


def next_step(builder: Builder, service: Service) -> str:
    """What the manual says for the condition."""
    manual = (builder.source / "src/server/README.md").read_text()
    condition = service.document()["condition"]
    (step,) = re.findall(rf"^\| `{condition}` \|.*\| (.*) \|$", manual, re.MULTILINE)
    return f"<p>next: {step}</p>"


def test_the_page(
    service: Service, database: Database, builder: Builder, reference_server: Program
) -> None:
    body = service.ask("/").body
    assert next_step(builder, service) in body
    since = r"since (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC)"
    version = database.value("SHOW server_version").split()[0]
    which = rf"<bdi>{reference_server.path.name}</bdi> on <bdi>{socket.gethostname()}</bdi> {since}"
    assert re.search(rf"{which}, PostgreSQL {re.escape(version)}</p>", body)
    page = Page(body)
    assert not {"script", "img", "iframe", "form"} & set(page.tags)
    rows = page.rows[1:]
    assert [state for state, _ in rows] == ["applied"] * 13
    history = database.rows(
        "SELECT version, name, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"
        " FROM applied_migrations ORDER BY version DESC"
    )
    for (_, text), (version, name, at) in zip(rows, history):
        assert re.search(f"^applied{version:03d} {name}{at} UTC\\d+ ms$", text, re.MULTILINE)
    assert "http" not in service.ask("/").body.replace('http-equiv="', "")
    assert "http-equiv" not in service.ask("/").body  # nothing goes on: no reloading


def test_each_state_is_told_apart(service: Service, database: Database, builder: Builder) -> None:
    database.execute(
        "DELETE FROM applied_migrations WHERE version IN (8, 12)",
        f"UPDATE applied_migrations SET checksum = '{'ab' * 32}' WHERE version = 5",
        "UPDATE applied_migrations SET name = 'old_name' WHERE version = 4",
        "INSERT INTO applied_migrations (version, name) VALUES (14, 'newer')",
    )
    service.await_unready("history and binary disagree")
    assert next_step(builder, service) in service.ask("/").body
    page = Page(service.ask("/").body)
    rows = {int(re.findall(r"\d+", text)[0]): (state, text) for state, text in page.rows[1:]}
    states = {version: state for version, (state, _) in rows.items()}
    expected = {4: "renamed", 5: "edited", 8: "pending", 12: "pending", 14: "unknown"}
    assert states == {version: expected.get(version, "applied") for version in range(1, 15)}
    assert all(text.startswith(state) for state, text in rows.values())
    assert rows[8][1].startswith("pending, late008 touch_tickets")
    entries = {int(entry["version"]): entry for entry in service.document()["migrations"]}
    assert {version: entry["state"] for version, entry in entries.items()} == states
    assert entries[5]["recorded_checksum"] == "ab" * 32 != entries[5]["embedded"]["checksum"]
    assert entries[14]["embedded"] is None
    assert entries[8]["late"] is True and entries[8]["applied_at"] is None


def test_a_hostile_name(service: Service, database: Database) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(
            "INSERT INTO applied_migrations (version, name, checksum) VALUES (14, %s, %s)",
            [HOSTILE, '"><img src=x onerror=alert(1)>'],
        )
        connection.execute("UPDATE applied_migrations SET name = %s WHERE version = 4", [HOSTILE])
    answer = service.await_unready("history and binary disagree")
    shown = "\\x1b[31m\\x07 \\u202egpj.exe\u00e9\\u0085\\u061c\\u200f\\u2028\\u2066"
    body = service.ask("/").body
    page = Page(body)
    assert not {"script", "img"} & set(page.tags)
    assert f"<script>alert(1)</script> & \"'{shown}" in page.rows[1][1]
    for text in (body, answer.body, service.log):
        assert shown in text and not re.search(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200f\u2028\u202e\u2066]", text
        )
    assert service.document()["migrations"][-1]["name"] == HOSTILE


def test_what_is_not_utf8(reference_server: Program, tmp_path: Path) -> None:
    """Before a session begins a server speaks the language and the encoding that it likes."""
    with refusing_server(
        "le caf\u00e9 est ferm\u00e9 \u00ff\u0080 \u00f0".encode("latin-1")
    ) as port:
        url = f"postgresql://nobody@127.0.0.1:{port}/none?sslmode=disable&gssencmode=disable"
        service = Service(reference_server, tmp_path, url=url)
        answer = service.await_unready("cannot reach the database")
        assert "le caf\ufffd est ferm\ufffd \ufffd\ufffd \ufffd" in answer.body
        assert "le caf\ufffd est ferm\ufffd \ufffd\ufffd \ufffd" in service.document()["reason"]
        assert "le caf\ufffd est ferm\ufffd \ufffd\ufffd \ufffd" in service.ask("/").body
        assert service.stop() == 0


def test_the_document(service: Service, database: Database, reference_server: Program) -> None:
    document = service.document()
    assert (document["ready"], document["condition"]) == (True, "ready")
    assert document["reason"] is None and document["code"] is None and document["progress"] is None
    assert 0 <= document["age_ms"] < 20000
    assert (document["database"], document["role"]) == (database.name, database.role)
    status = json.loads(reference_server.run("--migrate-status", "--migrate-json").stdout)
    for key in ("history", "history_exists", "read_only", "applied", "pending", "unknown"):
        assert document[key] == status[key]
    assert document["migrations"] == status["migrations"]


SEEN = ["inlay", "ready", "condition", "headline", "progress"]


def assert_shows_no_more(service: Service, database: Database, headline: str) -> None:
    """Neither names nor rows of the database, nor what went wrong in it: those are in the log."""
    service.await_unready(headline)
    wait_until(lambda: f"not ready: {headline}\n" in service.log)
    assert service.readiness().body == service.ask("/healthz").body == f"{headline}\n"
    document = service.document()
    assert list(document) == SEEN and document["headline"] == headline
    page = service.ask("/").body
    assert f"<h1>{headline}</h1>" in page and "<table" not in page and "<pre" not in page
    for secret in (database.name, database.role, database.server.directory.name, "create_accounts"):
        assert secret not in page + str(document)


def test_what_is_shown_to_anybody(
    server: Server, reference_server: Program, database: Database, tmp_path: Path
) -> None:
    database.execute("CREATE TABLE members (id int)")
    service = Service(reference_server, tmp_path, details=False)
    assert_shows_no_more(service, database, "migrating failed; this server does not try again")
    assert 'relation "members" already exists' in service.log
    database.execute("UPDATE applied_migrations SET name = 'other'")
    assert_shows_no_more(service, database, "history and binary disagree")
    assert "other" in service.log
    server.stop()
    try:
        assert_shows_no_more(service, database, "cannot reach the database")
    finally:
        server.start()
    assert str(server.directory) in service.log


def test_what_is_shown_of_a_newer_database(
    reference_server: Program, database: Database, tmp_path: Path
) -> None:
    assert reference_server.run("--migrate-only").returncode == 0
    database.execute("INSERT INTO applied_migrations (version, name) VALUES (99, 'y')")
    service = Service(reference_server, tmp_path, details=False)
    line = "ready: 13 migrations, the newest is 013_add_ticket_codes\n"
    assert service.await_ready().body == line
    assert f"{line}warning: the database has 1 version that this binary lacks: 99\n" in service.log


# ---- the command line ----


def test_help(reference_server: Program) -> None:
    result = reference_server.run("--help", url=None)
    assert (result.returncode, result.stderr) == (0, "")
    for option in ("--listen ADDR:PORT", "--no-migrate", "--status-details", "--migrate-help"):
        assert option in result.stdout


def test_migrate_only_does_not_serve(reference_server: Program, database: Database) -> None:
    result = reference_server.run("--migrate-only", "--listen", "127.0.0.1:0")
    assert result.returncode == 0 and "listening" not in result.stderr
    assert database.value("SELECT count(*) FROM applied_migrations") == 13


@pytest.mark.parametrize(
    "arguments, text",
    [
        (["--lisen"], "unknown option --lisen; see --help"),
        (["--lisen=postgres://u:hidden@h"], "unknown option --lisen; see --help"),
        (["--lisen-postgres://u:hidden@h"], "unknown option --lisen-postgres; see --help"),
        (["--no-migrate=1"], "unknown option --no-migrate; see --help"),
        (["-h\x1b[31m"], "unknown option -h\\x1b[31m; see --help"),
        (["postgres://u:hidden@h"], "only options are taken; see --help"),
    ],
)
def test_what_is_not_understood(reference_server: Program, arguments: list[str], text: str) -> None:
    result = refusal(reference_server, *arguments)
    assert (result.returncode, result.stderr) == (2, f"server: {text}\n")


@pytest.mark.parametrize(
    "address",
    ["", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:+80", "::1:80"]
    + ["127.0.0.1:65536", "127.0.0.1:0800000", "[::1]", "[]:80", "x" * 300 + ":80"],
)
def test_addresses_that_are_none(reference_server: Program, address: str) -> None:
    for arguments in (["--listen", address], [f"--listen={address}"]):
        result = refusal(reference_server, *arguments)
        assert result.returncode == 2
        assert "--listen needs ADDR:PORT, such as 127.0.0.1:8080 or [::1]:0" in result.stderr


def test_listen_without_an_address(reference_server: Program) -> None:
    assert refusal(reference_server, "--listen").returncode == 2


def test_a_port_in_use(reference_server: Program, service: Service, database: Database) -> None:
    result = refusal(reference_server, f"--listen=127.0.0.1:{service.port}")
    assert result.returncode == 1
    assert result.stderr == (
        f"server: cannot listen on 127.0.0.1 port {service.port}: Address already in use\n"
    )


def test_addresses_that_are_not_ours(reference_server: Program, database: Database) -> None:
    result = refusal(reference_server, "--listen", "192.0.2.1:0")
    assert result.returncode == 1 and "Cannot assign requested address" in result.stderr
    assert refusal(reference_server, "--listen", "nobody.invalid:0").returncode == 1
    assert database.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []


@pytest.mark.parametrize("listen", ["[::1]:0", "localhost:0", "0.0.0.0:0", "[::]:0"])
def test_addresses(reference_server: Program, tmp_path: Path, listen: str) -> None:
    service = Service(reference_server, tmp_path, listen=listen)
    assert f"http://{listen[:-1]}{service.port}\n" in service.log
    assert service.ask("/livez").status == 200
    assert service.stop() == 0
