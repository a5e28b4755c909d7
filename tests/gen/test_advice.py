"""What runs, but not as it was meant: warnings, and what a project says to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import Files, Inlay, write_files

ALONE = "-- inlay: no-transaction\n"


def check(inlay: Inlay, tmp_path: Path, files: Files, *options: str) -> tuple[int, list[str]]:
    """Exit status, and the findings without the directory."""
    directory = write_files(tmp_path / "m", files)
    result = inlay("check", directory, "--grammar=off", *options)
    return result.status, [line.replace(f"{directory}/", "") for line in result.err.splitlines()]


@pytest.mark.parametrize(
    ("sql", "place", "rule"),
    [
        (
            f"{ALONE}CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a);",
            "2:1",
            "concurrently-if-not-exists",
        ),
        ("SELECT 1;\nSET search_path = x;", "2:1", "session-setting"),
        ("RESET ALL;", "1:1", "session-setting"),
        ("SELECT pg_catalog.set_config('search_path', '', false);", "1:19", "session-setting"),
        ("ALTER TYPE s ADD VALUE 'x';\nINSERT INTO t VALUES ('x');", "2:23", "enum-value-used"),
        ("ALTER TYPE s ADD VALUE IF NOT EXISTS 'x';\nSELECT 'x';", "2:8", "enum-value-used"),
    ],
)
def test_advice(inlay: Inlay, tmp_path: Path, sql: str, place: str, rule: str) -> None:
    status, lines = check(inlay, tmp_path, {"001_a.sql": sql})
    assert status == 0
    assert len(lines) == 1
    assert lines[0].startswith(f"001_a.sql:{place}: warning: ")
    assert lines[0].endswith(f" [{rule}]")


@pytest.mark.parametrize(
    ("sql", "what", "instead"),
    [
        ("SET search_path = x;", "SET", "SET LOCAL"),
        ("/* set */ reset all;", "RESET", "SET LOCAL"),
        ("SELECT set_config('a.b', 'x', false);", "set_config", "true as its third argument"),
    ],
)
def test_what_a_session_setting_is_told(
    inlay: Inlay, tmp_path: Path, sql: str, what: str, instead: str
) -> None:
    _, (line,) = check(inlay, tmp_path, {"001_a.sql": sql})
    assert line.endswith(
        f": warning: this {what} lasts only until the end of the migration. Write {instead}; to "
        "keep it, ALTER DATABASE ... SET [session-setting]"
    )


@pytest.mark.parametrize(
    "sql",
    [
        f"{ALONE}CREATE INDEX CONCURRENTLY i ON t (a);",
        f"{ALONE}SET maintenance_work_mem = '1GB';\nREINDEX INDEX CONCURRENTLY i;",
        "SET LOCAL search_path = x;",
        "SELECT set_config('search_path', '', true);",
        "SELECT 'set_config(a, b, false)';",
        "ALTER TYPE s ADD VALUE 'x';\nSELECT 'y', $$'x'$$; -- 'x'",
        "CREATE TYPE s AS ENUM ('a');\nALTER TYPE s ADD VALUE 'x';\nSELECT 'x'::s;",
        f"{ALONE}ALTER TYPE s ADD VALUE 'x';\nINSERT INTO t VALUES ('x');",
        "CREATE SCHEMA IF NOT EXISTS public;",
        "CREATE SCHEMA other; DROP SCHEMA other;",
    ],
)
def test_nothing_to_say(inlay: Inlay, tmp_path: Path, sql: str) -> None:
    assert check(inlay, tmp_path, {"001_a.sql": sql}) == (0, [])


def test_session_settings_are_told_once_a_file(inlay: Inlay, tmp_path: Path) -> None:
    _, lines = check(inlay, tmp_path, {"001_a.sql": "SET a.a = 1;\nSET a.b = 2;\nRESET ALL;"})
    assert [line.split(" ")[0] for line in lines] == ["001_a.sql:1:1:"]


@pytest.mark.parametrize("sql", ["CREATE SCHEMA app;", 'DROP SCHEMA IF EXISTS "app" CASCADE;'])
def test_the_schema_of_the_history(inlay: Inlay, tmp_path: Path, sql: str) -> None:
    files = {"001_a.up.sql": "SELECT 1;", "001_a.down.sql": f"SELECT 1;\n{sql}"}
    status, lines = check(inlay, tmp_path, files, "--history", "app.applied_migrations")
    assert status == 1
    assert lines[0].startswith("001_a.down.sql:2:1: error: ")
    assert lines[0].endswith(" [history-schema]")
    assert check(inlay, tmp_path, files) == (0, [])


def test_what_creates_the_schema_and_what_drops_it(inlay: Inlay, tmp_path: Path) -> None:
    files: Files = {"001_a.up.sql": "CREATE SCHEMA app;", "001_a.down.sql": "DROP SCHEMA app;"}
    _, lines = check(inlay, tmp_path, files, "--history", "app.applied_migrations")
    assert [lines[1], lines[3]] == [
        "001_a.up.sql:1:1: note: and here",
        "001_a.down.sql:1:1: note: and here",
    ]


def test_names_that_are_nearly_the_same(inlay: Inlay, tmp_path: Path) -> None:
    files: Files = {"001_add_user.sql": "", "002_other.sql": "", "003_Add-User.sql": ""}
    assert check(inlay, tmp_path, files) == (
        0,
        [
            "003_Add-User.sql:1:1: warning: the name 'Add-User' is taken twice; was this file "
            "renumbered? [duplicate-name]",
            "001_add_user.sql:1:1: note: and here",
        ],
    )


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
        (["--warnings=error", "--no-transaction", "00?_*"], 0, 0),
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
