"""What runs, but not as it was meant: warnings, and what a project says to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import EMPTY, Files, Inlay, write_files

ALONE = "-- inlay: no-transaction\n"


def check(inlay: Inlay, tmp_path: Path, files: Files, *options: str) -> tuple[int, list[str]]:
    """Exit status, and the findings without the directory."""
    directory = write_files(tmp_path / "m", files)
    result = inlay("check", directory, "--grammar=off", *EMPTY, *options)
    return result.status, [line.replace(f"{directory}/", "") for line in result.err.splitlines()]


SETS = (
    "warning: this SET is reset at the end of the file, and no statement follows it; to keep it, "
    "ALTER DATABASE ... SET [session-setting]"
)


@pytest.mark.parametrize(
    ("sql", "places"),
    [
        ("SET search_path = x;", ["1:1"]),
        (f"{ALONE}SELECT 1;\nSET SESSION search_path = x;", ["3:1"]),
        ("SELECT 1;\nSET a.a = 1;\nset a.b to 2;\nRESET ALL;", ["2:1", "3:1"]),
        ("CREATE EXTENSION x;\n-- the time zone\n/* of all */ SET TIME ZONE 'UTC';", ["3:14"]),
        ("CREATE TABLE t (a text DEFAULT 'b');\nSET a.c = 'default';", ["2:1"]),
    ],
)
def test_a_setting_for_nothing(inlay: Inlay, tmp_path: Path, sql: str, places: list[str]) -> None:
    status, lines = check(inlay, tmp_path, {"001_a.sql": sql})
    assert (status, lines) == (0, [f"001_a.sql:{place}: {SETS}" for place in places])


def test_what_lasts_for_a_transaction_in_a_file_without_one(inlay: Inlay, tmp_path: Path) -> None:
    sql = "SET LOCAL lock_timeout = '2s';\nSET CONSTRAINTS ALL DEFERRED;\nVACUUM t;"
    status, lines = check(inlay, tmp_path, {"001_a.sql": f"{ALONE}{sql}"})
    ends = "ends with itself, because the statements of this file run one by one"
    assert (status, lines) == (
        0,
        [
            f"001_a.sql:2:1: warning: SET LOCAL {ends}; write SET [session-setting]",
            f"001_a.sql:3:1: warning: SET CONSTRAINTS {ends}; remove it [session-setting]",
        ],
    )
    with_one = {"001_a.sql": sql.replace("VACUUM t", "SELECT 1")}
    assert check(inlay, tmp_path, with_one) == (0, [])


BODY = "AS $$ SELECT set_config('app.user', name, false) $$"


@pytest.mark.parametrize(
    "sql",
    [
        "SET search_path = x;\nCREATE TABLE t (a int);",
        "SELECT pg_catalog.set_config('search_path', '', false);\nSELECT 1;\nSET search_path = x;",
        "SET session_replication_role = replica;\nDELETE FROM t;\n"
        "SET session_replication_role = origin;",
        "SET TIME ZONE 'UTC';\nDELETE FROM t;\nSET SESSION  TIME\nZONE 'CET';",
        "DO $$ BEGIN SET LOCAL ROLE app; END $$;\nSET role TO y;",
        "SELECT 1;\nSET a.b = DEFAULT;",
        "SELECT 1;\nSET a.b TO default;",
        "RESET ALL;",
        "SET LOCAL search_path = x;",
        "SELECT set_config('search_path', '', false);",
        f"CREATE FUNCTION log_in(name text) RETURNS text LANGUAGE sql {BODY};",
        f"{ALONE}SET maintenance_work_mem = '1GB';\nREINDEX INDEX CONCURRENTLY i;",
        "CREATE SCHEMA IF NOT EXISTS public;",
        "CREATE SCHEMA other; DROP SCHEMA other;",
        # The program drops an index that is INVALID, and the server knows the types.
        f"{ALONE}CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a);",
        "ALTER TYPE s ADD VALUE 'x';\nALTER TABLE t ADD CHECK (kind::text <> 'x');",
    ],
)
def test_nothing_to_say(inlay: Inlay, tmp_path: Path, sql: str) -> None:
    assert check(inlay, tmp_path, {"001_a.sql": sql}) == (0, [])


def test_one_name_for_two_migrations(inlay: Inlay, tmp_path: Path) -> None:
    files: Files = {"001_set_roles.sql": "SELECT 1;", "002_set_roles.sql": "SELECT 2;"}
    assert check(inlay, tmp_path, files) == (0, [])


@pytest.mark.parametrize("sql", ["CREATE SCHEMA app;", 'DROP SCHEMA IF EXISTS "app" CASCADE;'])
def test_the_schema_of_the_history(inlay: Inlay, tmp_path: Path, sql: str) -> None:
    files = {"001_a.up.sql": "SELECT 1;", "001_a.down.sql": f"SELECT 1;\n{sql}"}
    status, lines = check(inlay, tmp_path, files, "--history", "app.applied_migrations")
    assert status == 1
    assert lines[0].startswith("001_a.down.sql:2:1: error: ")
    assert lines[0].endswith(" [history-schema]")
    assert check(inlay, tmp_path, files) == (0, [])


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO applied_migrations VALUES (2, 'b');",
        'DELETE FROM ONLY app."applied_migrations" WHERE version = 1;',
        "UPDATE APP.Applied_Migrations SET checksum = NULL;",
        "TRUNCATE applied_migrations_state;",
    ],
)
def test_the_rows_of_the_history(inlay: Inlay, tmp_path: Path, sql: str) -> None:
    files: Files = {"001_a.sql": f"SELECT 1;\n{sql}"}
    history = ("--history", "app.applied_migrations")
    status, lines = check(inlay, tmp_path, files, *history)
    assert status == 1 and lines[0].startswith("001_a.sql:2:1: error: this changes the rows of ")
    assert check(inlay, tmp_path, files, *history, "--allow", "history-rows") == (0, [])
    assert check(inlay, tmp_path, files, "--history", "app.other") == (0, [])


def test_other_tables_than_the_history(inlay: Inlay, tmp_path: Path) -> None:
    other = "INSERT INTO other.applied_migrations VALUES (1);\nDELETE FROM applied_migrations_2;"
    read = "\nCREATE VIEW v AS SELECT * FROM applied_migrations;"
    assert check(inlay, tmp_path, {"001_a.sql": other + read}) == (0, [])


def test_what_creates_the_schema_and_what_drops_it(inlay: Inlay, tmp_path: Path) -> None:
    files: Files = {"001_a.up.sql": "CREATE SCHEMA app;", "001_a.down.sql": "DROP SCHEMA app;"}
    _, lines = check(inlay, tmp_path, files, "--history", "app.applied_migrations")
    assert [lines[1], lines[3]] == [
        "001_a.up.sql:1:1: note: and here",
        "001_a.down.sql:1:1: note: and here",
    ]


FILES: Files = {"001_a.sql": "SET a.a = 1;", "002_b.sql": "SET a.a = 1;"}


@pytest.mark.parametrize(
    ("options", "status", "count"),
    [
        ([], 0, 2),
        (["--warnings=show"], 0, 2),
        (["--warnings=off"], 0, 0),
        (["--warnings=error"], 1, 2),
        (["--warnings=error", "--allow", "session-setting"], 0, 0),
        (["--warnings=error", "--allow", "session-setting:001_*"], 1, 1),
        (["--warnings=error", "--allow", "unlock-all"], 1, 2),
    ],
)
def test_what_a_project_says_to_warnings(
    inlay: Inlay, tmp_path: Path, options: list[str], status: int, count: int
) -> None:
    found, lines = check(inlay, tmp_path, FILES, *options)
    assert (found, len(lines)) == (status, count)
    assert all(("error" if status else "warning") in line for line in lines)


def test_an_exception_from_outside_of_the_file(inlay: Inlay, tmp_path: Path) -> None:
    files: Files = {"001_a.sql": "CREATE INDEX CONCURRENTLY i ON t (a);"}
    assert check(inlay, tmp_path, files)[0] == 1
    assert check(inlay, tmp_path, files, "--no-transaction=001_a.sql") == (0, [])
    embedded = tmp_path / "out.c"
    inlay("embed", tmp_path / "m", "--output", embedded, "--depfile", tmp_path / "out.d",
          "--symbol", "app", "--no-transaction=001*")  # fmt: skip
    assert "INLAY_SCRIPT_NO_TRANSACTION" in embedded.read_text()


@pytest.mark.parametrize("rule", ["version-collision", "unterminated", "nonsense"])
def test_some_rules_hold_always(inlay: Inlay, tmp_path: Path, rule: str) -> None:
    status, lines = check(inlay, tmp_path, FILES, "--allow", rule)
    assert status == 2
    assert f"'{rule}' is not a rule that can be allowed" in " ".join(lines)
