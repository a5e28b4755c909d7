"""What each verb does to a database, prints and ends with."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import assert_prompt

FILES = {
    "001_create_users.up.sql": "CREATE TABLE users (id int PRIMARY KEY);\n",
    "001_create_users.down.sql": "DROP TABLE users;\n",
    "002_add_email.sql": "ALTER TABLE users ADD email text;\nCREATE INDEX ON users (email);\n",
    "010_seed.sql": "INSERT INTO users VALUES (1, 'a');\n",
}
COUNT = "SELECT count(*) FROM applied_migrations"


def document(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON document on stdout, with what every document has."""
    assert result.stdout.count("\n") == 1 and result.stdout.endswith("\n")
    read = json.loads(result.stdout)
    assert read["inlay"] == "0.1.0"
    assert read["exit"] == result.returncode
    assert (read["error"] is None) == (read["code"] == "ok")
    assert isinstance(read["warnings"], list)
    return dict(read)


def test_only_applies_and_then_has_nothing_to_do(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    result = program.run("--only")
    lines = result.stderr.splitlines()
    assert (result.returncode, result.stdout) == (0, "")
    assert [line.split(" (")[0] for line in lines] == [
        "creating the history public.applied_migrations",
        "applied 001_create_users",
        "applied 002_add_email",
        "applied 010_seed",
        "3 migrations applied in batch 1",
    ]
    assert database.rows("SELECT * FROM users") == [(1, "a")]
    result = program.run("--only")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "up to date: 3 migrations, the newest is 010_seed\n"
    assert database.value(COUNT) == 3


def test_only_as_a_document(app: AppFactory) -> None:
    read = document(app(FILES).run("--migrate-only", "--migrate-json"))
    steps = [(step["version"], step["name"], step["result"]) for step in read["migrations"]]
    assert steps == [
        ("1", "create_users", "applied"),
        ("2", "add_email", "applied"),
        ("10", "seed", "applied"),
    ]
    assert (read["applied"], read["skipped"], read["batch"]) == (3, 0, 1)
    read = document(app(FILES).run("--only", "--json"))
    assert (read["applied"], read["batch"], read["migrations"]) == (0, None, [])


def test_a_failed_run_reports_what_it_kept(app: AppFactory, database: Database) -> None:
    program = app({**FILES, "003_typo.sql": "SELECT 1;\nSELECT nothing;\n"})
    result = program.run("--only", "--json")
    read = document(result)
    assert (read["code"], read["exit"]) == ("failed", 1)
    assert [step["result"] for step in read["migrations"]] == ["applied", "applied", "failed"]
    error = read["error"]
    assert error["path"] == "migrations/003_typo.sql"
    assert (error["version"], error["line"], error["column"]) == ("3", 2, 8)
    assert error["sqlstate"] == "42703"
    assert '003_typo.sql:2:8: error: column "nothing" does not exist' in result.stderr
    assert database.value(COUNT) == 2


def test_status_before_and_after(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    result = program.run("--status")
    assert result.returncode == 0
    assert result.stderr == ""
    assert "history public.applied_migrations (does not exist yet)\n" in result.stdout
    assert result.stdout.endswith("3 migrations pending: --only applies them in batch 1\n")
    assert database.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []
    program.run("--only")
    result = program.run("--status")
    lines = result.stdout.splitlines()
    assert lines[0] == (
        f"database {database.name}, role {database.role}, history public.applied_migrations"
    )
    assert lines[1].split() == "version name state applied at batch elapsed checksum".split()
    assert lines[2].split()[:3] == ["001", "create_users", "applied"]
    assert lines[-1] == "up to date: 3 migrations, the newest is 010_seed"


def test_status_as_a_document(app: AppFactory, database: Database) -> None:
    app(FILES).run("--only")
    database.execute(
        "DELETE FROM applied_migrations WHERE version = 2",
        "INSERT INTO applied_migrations (version, name) VALUES (11, 'newer')",
        "UPDATE applied_migrations SET name = 'sown' WHERE version = 10",
    )
    result = app(FILES).run("--status", "--json")
    read = document(result)
    states = [(entry["version"], entry["state"]) for entry in read["migrations"]]
    assert states == [("1", "applied"), ("2", "pending"), ("10", "renamed"), ("11", "unknown")]
    assert (read["applied"], read["pending"], read["unknown"], read["mismatched"]) == (1, 1, 1, 1)
    assert read["verdict"]["code"] == "mismatch"
    assert read["error"] is None and read["exit"] == 0
    late, newer = read["migrations"][1], read["migrations"][3]
    assert late["late"] is True and late["applied_at"] is None
    assert newer["embedded"] is None and newer["recorded_name"] == "newer"
    assert read["database"] == database.name and read["role"] == database.role


def test_status_of_a_half_done_migration(app: AppFactory, database: Database) -> None:
    body = "-- inlay: no-transaction\nCREATE TABLE a ();\nCREATE TABLE b ();\nSELECT 1/0;\n"
    program = app({"001_half.sql": body})
    assert program.run("--only").returncode == 1
    assert " half done, 2 of 3\n" in program.run("--status").stdout
    (entry,) = document(program.run("--status", "--json"))["migrations"]
    assert (entry["state"], entry["statements_done"]) == ("pending", 2)
    assert "no transaction, 2 already done" in program.run("--dry-run").stdout


def test_names_from_the_database_cannot_steer_the_terminal(
    app: AppFactory, database: Database
) -> None:
    app(FILES).run("--only")
    name = "\x1b]0;owned\x07\u202egpj.exe\n\u65e5\u672c"
    with database.connect(autocommit=True) as connection:
        connection.execute("INSERT INTO applied_migrations VALUES (99, %s)", (name,))
    result = app(FILES).run("--status")
    assert "099      \\x1b]0;owned\\x07\\u202egpj.exe\\x0a\u65e5\u672c  unknown" in result.stdout
    read = document(app(FILES).run("--status", "--json"))
    assert read["migrations"][-1]["name"] == name
    assert "\x1b" not in app(FILES).run("--check").stderr


def test_check(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    result = program.run("--check")
    assert (result.returncode, result.stdout) == (3, "")
    assert document(program.run("--check", "--json"))["code"] == "pending"
    assert database.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []
    program.run("--only")
    result = program.run("--check")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "up to date: 3 migrations, the newest is 010_seed\n"
    assert document(program.run("--check", "--json"))["code"] == "ok"


def test_dry_run_writes_nothing(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    result = program.run("--dry-run")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "would apply 001_create_users (1 statement)",
        "would apply 002_add_email (2 statements)",
        "would apply 010_seed (1 statement)",
        "3 migrations would be applied in batch 1; nothing was written",
    ]
    assert database.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []
    read = document(program.run("--dry-run", "--json"))
    assert read["batch"] == 1
    assert [entry["version"] for entry in read["migrations"]] == ["1", "2", "10"]
    program.run("--only")
    result = program.run("--dry-run")
    assert result.stdout == "up to date: 3 migrations, the newest is 010_seed\n"
    read = document(program.run("--dry-run", "--json"))
    assert (read["batch"], read["migrations"]) == (None, [])


def test_dry_run_refuses_as_the_run_would(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    program.run("--only")
    database.execute("UPDATE applied_migrations SET checksum = 'x' WHERE version = 1")
    dry, real = program.run("--dry-run"), program.run("--only")
    assert (dry.returncode, dry.stdout) == (4, "")
    assert dry.stderr == real.stderr
    assert document(program.run("--dry-run", "--json"))["migrations"] == []


def test_list_and_show_need_no_database(app: AppFactory) -> None:
    program = app(FILES)
    result = program.run("--show", url=None)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["version", "name", "statements", "checksum"]
    assert [line.split()[0] for line in lines[1:4]] == ["001", "002", "010"]
    assert lines[1].endswith("  has down")
    read = document(program.run("--show", "--json", url=None))
    assert [entry["version"] for entry in read["migrations"]] == ["1", "2", "10"]
    assert program.run("--show", "2", url=None).stdout == FILES["002_add_email.sql"]
    read = document(program.run("--show", "2", "--json", url=None))
    assert (read["text"], read["name"]) == (FILES["002_add_email.sql"], "add_email")


def test_show_is_byte_for_byte(app: AppFactory) -> None:
    body = "SELECT 'é \\ \" ?? \t';\r\n-- no newline at the end".encode()
    program = app({"20260124000001_odd.sql": body})
    for version in ("20260124000001", "0020260124000001"):
        shown = subprocess.run([program.path, "--show", version], capture_output=True)
        assert (shown.stdout, shown.stderr, shown.returncode) == (body, b"", 0)


def test_a_set_without_migrations(app: AppFactory) -> None:
    program = app({})
    assert program.run("--show").stdout.startswith("0 migrations from ")
    for verb in ("--only", "--check", "--await=0"):
        result = program.run(verb)
        assert result.stderr == "up to date: this binary has no migrations\n"
        assert result.returncode == 0
    assert program.run("--status").stdout.endswith("this binary has no migrations\n")


def test_a_history_of_its_own(app: AppFactory, database: Database) -> None:
    database.execute("CREATE SCHEMA tenant")
    program = app(FILES)
    assert program.run("--only", "--history", "tenant.done").returncode == 0
    assert database.value("SELECT count(*) FROM tenant.done") == 3
    assert program.run("--check", "--history=tenant.done").returncode == 0
    assert program.run("--check").returncode == 3


def test_strict_refuses_what_is_not_embedded(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    program.run("--only")
    database.execute("INSERT INTO applied_migrations (version, name) VALUES (11, 'newer')")
    result = program.run("--only", "--json")
    read = document(result)
    assert read["exit"] == 0
    (warning,) = read["warnings"]
    assert "11" in warning
    assert f"warning: {warning}\n" in result.stderr
    assert "1 in the history is not in this binary" in program.run("--status").stdout
    assert program.run("--only", "--strict").returncode == 4


def test_the_database_comes_from_the_option_first(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    dead = "postgresql://nobody@127.0.0.1:1/none"
    for url, env in (
        (database.url, {"DATABASE_URL": dead, "PGPORT": "1"}),
        (None, {"DATABASE_URL": database.url, "PGPORT": "1"}),
        (None, {"PGHOST": str(database.server.directory), "PGPORT": str(database.server.port)}),
    ):
        names = {"PGUSER": database.role, "PGDATABASE": database.name}
        assert program.run("--check", url=url, env={**names, **env}).returncode == 3
    assert program.run("--check", "--database", database.url, url=dead).returncode == 3
    assert program.run("--check", "--database", dead).returncode == 6


def test_await_sees_another_process_finish(app: AppFactory, database: Database) -> None:
    reader = database.add_role("reader")
    database.execute(f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {reader}")
    program = app(FILES)
    waiting = program.start("--await", "30", "--json", url=database.url_for(reader))
    time.sleep(0.5)
    assert waiting.poll() is None
    assert program.run("--only").returncode == 0
    stdout, stderr = waiting.communicate(timeout=20)
    assert waiting.returncode == 0, stderr
    assert json.loads(stdout)["code"] == "ok" and json.loads(stdout)["waited_ms"] >= 400
    assert stderr.startswith("waiting: ")
    assert stderr.endswith("up to date: 3 migrations, the newest is 010_seed\n")


def test_await_sees_its_grant_come(app: AppFactory, database: Database) -> None:
    reader = database.add_role("reader")
    grant = f"SELECT pg_sleep(1);\nGRANT SELECT ON applied_migrations TO {reader};\n"
    program = app({**FILES, "011_grant.sql": grant})
    waiting = program.start("--await", "30", url=database.url_for(reader))
    assert program.run("--only").returncode == 0
    stderr = waiting.communicate(timeout=20)[1]
    assert "may not read the history" in stderr
    assert waiting.returncode == 0, stderr


def test_await_gives_up(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    started = time.monotonic()
    result = program.run("--await", "1", "--json")
    assert 1 <= time.monotonic() - started
    assert_prompt(started, 5)
    read = document(result)
    assert (read["exit"], read["code"]) == (3, "pending")
    assert "still so after 1." in result.stderr
    assert program.run("--await", "0").returncode == 3
    assert database.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []


def test_await_ends_at_a_disagreement(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    program.run("--only")
    database.execute("UPDATE applied_migrations SET checksum = 'x' WHERE version = 1")
    assert program.run("--await", "1h", timeout=10).returncode == 4


@pytest.mark.parametrize("wait", ["--await=20", "--connect-wait=20"])
def test_waits_for_a_server_that_starts(app: AppFactory, database: Database, wait: str) -> None:
    program = app(FILES)
    program.run("--only")
    database.server.stop()
    try:
        verb = [] if wait.startswith("--await") else ["--check"]
        waiting = program.start(wait, *verb)
        time.sleep(1)
        assert waiting.poll() is None
    finally:
        database.server.start()
    stderr = waiting.communicate(timeout=20)[1]
    assert waiting.returncode == 0, stderr
    assert stderr.endswith("up to date: 3 migrations, the newest is 010_seed\n")


def test_await_gives_up_on_a_server_that_is_not_there(app: AppFactory) -> None:
    result = app(FILES).run("--await=1", url="postgresql://nobody@127.0.0.1:1/none")
    assert result.returncode == 3
    assert "Connection refused" in result.stderr
