"""What goes wrong on the command line and in the environment: each its own message and exit
status, as text and as a document, and never a password."""

from __future__ import annotations

import json
import socket
from typing import Sequence
from urllib.parse import quote

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from harness.relay import DOWN, GOODBYE, UP, Relay

FILES = {"001_a.sql": "CREATE TABLE a ();\n", "002_b.sql": "CREATE TABLE b ();\n"}


def fails(program: Program, arguments: Sequence[str], url: str | None = "") -> tuple[int, str]:
    """Runs it as text and as a document, which must agree; returns exit status and message."""
    plain = program.run(*arguments, url=url)
    assert plain.returncode != 0
    assert plain.stdout == ""
    both = program.run(*arguments, "--json", url=url)
    read = json.loads(both.stdout)
    assert both.stdout.count("\n") == 1
    assert both.returncode == plain.returncode == read["exit"]
    assert read["error"]["code"] == read["code"] != "ok"
    assert "error: " + read["error"]["message"] in both.stderr
    return plain.returncode, plain.stderr


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--statsu"], "unknown option --statsu (did you mean --status?)"),
        (["--migrate-onyl"], "unknown option --migrate-onyl (did you mean --only?)"),
        (["--status", "--only"], "one verb at a time: --status came before --only"),
        (["--show", "x"], "--show needs a version: a whole number"),
        (["--await", "soon"], "--await needs a duration: seconds, or 500ms, 5s, 2min, 1h"),
        (["--only", "--lock-wait"], "--lock-wait needs a duration"),
        (["--only", "--database="], "--database needs a connection string"),
        (["--only", "now"], "unexpected argument: only options are taken"),
    ],
)
def test_usage(app: AppFactory, database: Database, arguments: list[str], message: str) -> None:
    status, stderr = fails(app(FILES), arguments)
    assert status == 2
    assert stderr.startswith(f"error: {message}")
    assert stderr.endswith("; see --help\n") and stderr.count("\n") == 1
    assert database.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []


def test_a_version_that_is_not_embedded(app: AppFactory) -> None:
    """The database might have its down script; it does not."""
    status, stderr = fails(app(FILES), ["--show", "3"])
    assert status == 2
    assert stderr.startswith("error: version 3 is not embedded in this binary, see --show\n")


def test_a_history_that_is_no_name(app: AppFactory) -> None:
    assert fails(app(FILES), ["--check", "--history", "a.b.c"])[0] == 2


def test_pending(app: AppFactory) -> None:
    assert fails(app(FILES), ["--check"])[0] == 3


@pytest.mark.parametrize("verb", ["--only", "--check", "--dry-run", "--await=1h"])
@pytest.mark.parametrize("column, value", [("checksum", "x"), ("name", "x"), ("version", "9")])
def test_mismatch(app: AppFactory, database: Database, verb: str, column: str, value: str) -> None:
    program = app(FILES)
    program.run("--only")
    database.execute(f"UPDATE applied_migrations SET {column} = '{value}' WHERE version = 1")
    database.execute("DELETE FROM applied_migrations WHERE version = 2")
    if column == "version":  # below what is embedded: the histories have diverged
        database.execute("UPDATE applied_migrations SET version = 0, name = 'zero'")
    status, stderr = fails(program, [verb])
    assert status == 4
    assert "hint: " in stderr
    assert database.value("SELECT count(*) FROM applied_migrations") == 1


def test_a_repaired_history_goes_on(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    program.run("--only")
    database.execute("UPDATE applied_migrations SET checksum = 'x' WHERE version = 1")
    _, stderr = fails(program, ["--only"])
    (repair,) = [line.strip() for line in stderr.splitlines() if line.strip().startswith("UPDATE")]
    database.execute(repair)
    assert program.run("--only").returncode == 0


def test_the_lock_is_taken(app: AppFactory, database: Database) -> None:
    program = app({"001_slow.sql": "SELECT pg_sleep(1);\nCREATE TABLE a ();\n"})
    running = program.start("--only")
    while not database.rows("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%%'"):
        assert running.poll() is None
    status, stderr = fails(program, ["--only", "--lock-wait", "0"])
    assert (status, running.wait(20)) == (5, 0)
    assert "another process holds the migration lock of public.applied_migrations" in stderr
    assert program.run("--only", "--lock-wait", "0").returncode == 0


def test_the_lock_is_waited_for(app: AppFactory, database: Database) -> None:
    program = app({"001_slow.sql": "SELECT pg_sleep(4);\nCREATE TABLE a ();\n"})
    running = program.start("--only")
    while not database.rows("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%%'"):
        assert running.poll() is None
    result = program.run("--only", "--lock-wait", "20s")
    assert result.returncode == 0
    assert "waiting for the migration lock of public.applied_migrations, held by " in result.stderr
    assert result.stderr.endswith("up to date: 1 migration, the newest is 001_slow\n")
    assert running.wait(20) == 0


VERBS = ["--only", "--status", "--check", "--dry-run", "--await=2h"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_wrong_password(app: AppFactory, database: Database, verb: str) -> None:
    url = database.server.url(database.role, database.name, "127.0.0.1", password="s3cr3t")
    status, stderr = fails(app(FILES), [verb, "--connect-wait=1h"], url=url)
    assert status == 6
    assert "password authentication failed" in stderr and "[28P01]" in stderr
    assert "s3cr3t" not in stderr


@pytest.mark.parametrize("verb", VERBS)
def test_a_missing_password(app: AppFactory, database: Database, verb: str) -> None:
    url = database.server.url(database.role, database.name, "127.0.0.1")
    status, stderr = fails(app(FILES), [verb, "--connect-wait=1h"], url=url)
    assert status == 6
    assert "the server wants a password" in stderr


@pytest.mark.parametrize("verb", VERBS)
def test_a_missing_database(app: AppFactory, database: Database, verb: str) -> None:
    url = database.server.url(database.role, "nowhere")
    status, stderr = fails(app(FILES), [verb, "--connect-wait=1h"], url=url)
    assert status == 6
    assert 'database "nowhere" does not exist' in stderr


@pytest.mark.parametrize("verb", VERBS[:4])
def test_nobody_listens(app: AppFactory, verb: str) -> None:
    url = f"postgresql://nobody@127.0.0.1:{closed_port()}/none"
    status, stderr = fails(app(FILES), [verb], url=url)
    assert status == 6
    assert "Connection refused" in stderr


def test_the_server_goes_away(app: AppFactory, database: Database) -> None:
    kill = "SELECT pg_terminate_backend(pg_backend_pid());\n"
    status, _ = fails(app({"001_kill.sql": kill}), ["--only"])
    assert status in (1, 6)
    assert database.value("SELECT count(*) FROM applied_migrations") == 0


def test_a_read_only_server(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    database.admin(f"ALTER ROLE {database.role} SET default_transaction_read_only = on")
    for verb in ("--only", "--dry-run"):
        status, stderr = fails(program, [verb])
        assert status == 7
        assert "read-only" in stderr
    assert ", read-only\n" in program.run("--status").stdout
    database.admin(f"ALTER ROLE {database.role} RESET default_transaction_read_only")
    assert program.run("--only").returncode == 0
    database.admin(f"ALTER ROLE {database.role} SET default_transaction_read_only = on")
    assert program.run("--only").returncode == 0


def test_another_tools_history(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    database.execute(
        "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)",
        "INSERT INTO schema_migrations VALUES (7, false)",
    )
    status, stderr = fails(program, ["--only"])
    assert status == 7
    assert "schema_migrations" in stderr and "--migrate-fresh" in stderr
    assert database.rows("SELECT 1 FROM pg_tables WHERE tablename = 'applied_migrations'") == []
    assert program.run("--only", "--fresh").returncode == 0


def test_a_history_that_is_a_view(app: AppFactory, database: Database) -> None:
    database.execute("CREATE VIEW applied_migrations AS SELECT 1::bigint AS version, 'a' AS name")
    for verb in VERBS:
        assert fails(app(FILES), [verb])[0] == 7


SECRET = "s3cr3tpw"
BROKEN_URLS = [
    f"postgresql://u:{SECRET}@127.0.0.1:1/db",
    f"postgresql://u:{SECRET}@x@127.0.0.1:1/db",
    f"postgresql://u:x@{SECRET}@127.0.0.1:1/db",
    f"postgresql://u:x/{SECRET}@127.0.0.1:1/db",
    f"postgresql://u:{SECRET}/x@127.0.0.1:1/db",
    f"postgresql://u:x#{SECRET}@127.0.0.1:1/db",
    f"postgresql://u:x?{SECRET}@127.0.0.1:1/db",
    f"postgresql://u:{SECRET}?x@127.0.0.1:1/db",
    f"postgresql://u:x:{SECRET}@127.0.0.1:1/db",
    f"postgresql://u:x%zz{SECRET}@127.0.0.1:1/db",
    f"postgresql://u:x%00{SECRET}@127.0.0.1:1/db",
    f"postgresql://u:{SECRET}@127.0.0.1:port/db",
    f"postgresql://u:{SECRET}@127.0.0.1:99999/db",
    f"postgresql://u:{SECRET}@[::1/db",
    f"postgresql://u:{SECRET}@[::1]x/db",
    f"postgresql://u:{SECRET}@nowhere.invalid/db",
    f"postgresql://u:{SECRET}",
    f"postgresql://u:{SECRET}/db",
    f"postgresql://u@127.0.0.1:1/db?password={SECRET}&bogus=1",
    f"postgresql://u@127.0.0.1:1/db?sslmode=bogus&password={SECRET}",
    f"postgresql://u@127.0.0.1:1/db?{SECRET}",
    f"postgresql://u@127.0.0.1:1/db?a={SECRET}",
    f"postgres:/u:{SECRET}@127.0.0.1:1/db",
    f"postgresql:u:{SECRET}@127.0.0.1:1/db",
    f"psql postgresql://u:{SECRET}@127.0.0.1:1/db",
    f" postgresql://u:{SECRET}@127.0.0.1:1/db",
    f'"postgresql://u:{SECRET}@127.0.0.1:1/db"',
    f"jdbc:postgresql://127.0.0.1:1/db?user=u&password={SECRET}",
    f"mysql://u:{SECRET}@127.0.0.1:1/db",
    f"postgresql+asyncpg://u:{SECRET}@127.0.0.1:1/db",
    f"host=127.0.0.1 port=1 password={SECRET} bogus=1",
    f"host=127.0.0.1 port=1 password='{SECRET}",
    f"host=127.0.0.1 port=1 password={SECRET} x",
    f"host=127.0.0.1 port={SECRET}",
    f"host=127.0.0.1 port=1 password=a {SECRET}",
    f"host=127.0.0.1 port=1 password=a {SECRET}=b",
    f"host=postgresql://u:{SECRET}@h/db",
    f"DATABASE_URL=postgresql://u:{SECRET}@127.0.0.1:1/db",
    SECRET,
    f"u:{SECRET}@127.0.0.1/db",
    f"\n{SECRET}",
]


@pytest.mark.parametrize("url", BROKEN_URLS)
def test_no_password_whatever_is_wrong_with_the_url(app: AppFactory, url: str) -> None:
    program = app(FILES)
    runs: list[tuple[list[str], dict[str, str]]] = [
        (["--status", "--json", "--database", url], {}),
        (["--status", "--json", "--database=" + url], {}),
        (["--await=0", "--json"], {"INLAY_DATABASE_URL": url}),
        (["--only", "--json"], {"DATABASE_URL": url}),
    ]
    for arguments, env in runs:
        result = program.run(*arguments, url=None, env=env)
        assert result.returncode in ((2, 3) if arguments[0] == "--await=0" else (2, 6))
        assert SECRET not in result.stdout + result.stderr
        assert json.loads(result.stdout)["exit"] == result.returncode


WRONG_PLACES = [
    ["--status", "--history", "@"],
    ["--status", "--history=@"],
    ["--status", "--lock-wait", "@"],
    ["--status", "--connect-wait", "@"],
    ["--status", "--pooler", "@"],
    ["--show", "@"],
    ["--await", "@"],
    ["--status=@"],
    ["--json=@"],
    ["--databse=@"],
    ["--databse", "@"],
    ["--@"],
    ["-@"],
    ["--migrate-@"],
    ["@"],
    ["--status", "@"],
    ["--status", "--", "@"],
]


@pytest.mark.parametrize("words", WRONG_PLACES)
def test_no_password_in_the_wrong_place(app: AppFactory, words: list[str]) -> None:
    url = f"postgresql://u:{SECRET}@127.0.0.1:1/db"
    result = app(FILES).run("--json", *(word.replace("@", url) for word in words))
    assert result.returncode == 2
    assert SECRET not in result.stdout + result.stderr


@pytest.mark.parametrize("name", ["PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGSERVICE"])
def test_no_password_from_the_environment(app: AppFactory, name: str) -> None:
    env = {"PGHOST": "127.0.0.1", "PGPORT": "1", "PGPASSWORD": "x"}
    env[name] = f"postgresql://u:{SECRET}@127.0.0.1:1/db"
    result = app(FILES).run("--status", "--json", url=None, env=env)
    assert result.returncode in (2, 6)
    assert SECRET not in result.stdout + result.stderr


def test_a_password_with_everything_in_it(app: AppFactory, database: Database) -> None:
    """Encoded as the hint says, it works."""
    password = "a:b/c?d#e@f%g &=+'\"\\"
    with database.connect(autocommit=True) as connection:
        literal = password.replace("'", "''")
        connection.execute(f"ALTER ROLE {database.role} PASSWORD '{literal}'")
    where = f"127.0.0.1:{database.server.port}/{database.name}"
    url = f"postgresql://{database.role}:{quote(password, safe='')}@{where}"
    assert app(FILES).run("--only", url=url).returncode == 0


def test_await_without_a_server_ends_as_pending(app: AppFactory) -> None:
    """The time is up: whatever it was waiting for, a server included."""
    url = "host=127.0.0.1 port=1 user=me dbname=app"
    result = app(FILES).run("--await=0", "--json", url=url)
    read = json.loads(result.stdout)
    assert (result.returncode, read["code"], read["error"]["code"]) == (3, "pending", "pending")
    assert "refused" in read["error"]["message"]
    assert app(FILES).run("--check", url=url).returncode == 6


def test_await_ends_with_what_it_has_seen(
    app: AppFactory, database: Database, relay: Relay
) -> None:
    """The last look, for which too little time was left, is not what is told."""
    relay.at(UP, GOODBYE, lambda: relay.stall(DOWN))
    result = app(FILES).run("--await=1", url=relay.url(database.url))
    assert result.returncode == 3
    assert "error: 2 of 2 migrations are pending" in result.stderr, result.stderr
    assert "still so after" in result.stderr
