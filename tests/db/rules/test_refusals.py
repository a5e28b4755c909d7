"""History and binary disagree: refused before anything runs, and the way out that is offered
is one."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import Outcome, check, migrate, tables, versions

ONE = {"001_one.sql": "CREATE TABLE one ();"}
TWO = {"002_two.sql": "CREATE TABLE two ();"}
THREE = {"003_three.sql": "CREATE TABLE three ();"}


@pytest.fixture
def applied(app: AppFactory, database: Database) -> list[tuple[Any, ...]]:
    """A database with ONE and TWO; its history before the refusal."""
    assert migrate(app({**ONE, **TWO})).exit == 0
    return database.rows("SELECT * FROM applied_migrations")


def assert_refused(app: AppFactory, database: Database, files: dict[str, str]) -> Outcome:
    """Neither `only` nor `check` goes on, and nothing changes."""
    before = database.rows("SELECT * FROM applied_migrations"), tables(database)
    outcome = migrate(app(files))
    assert (outcome.exit, outcome.code, outcome.results) == (4, "mismatch", {})
    assert check(app(files)) == 4
    assert (database.rows("SELECT * FROM applied_migrations"), tables(database)) == before
    return outcome


@pytest.mark.parametrize("more", [{}, THREE], ids=["nothing pending", "pending"])
def test_edited(
    app: AppFactory, database: Database, applied: list[Any], more: dict[str, str]
) -> None:
    edited = {**ONE, "002_two.sql": "CREATE TABLE two (id int);", **more}
    outcome = assert_refused(app, database, edited)
    assert outcome.error["version"] == "2"
    assert outcome.error["path"] == "migrations/002_two.sql"
    assert "was edited after it was applied" in outcome.error["message"]
    assert applied[1][3][:12] in outcome.error["message"]
    database.execute(outcome.way_out)
    outcome = migrate(app(edited))
    assert (outcome.exit, outcome.applied) == (0, [3] if more else [])
    assert check(app(edited)) == 0


@pytest.mark.parametrize("more", [{}, THREE], ids=["the newest", "below one"])
def test_edited_after_it_was_applied_empty(
    app: AppFactory, database: Database, more: dict[str, str]
) -> None:
    """Its down script would undo what never was: --migrate-redo is no way out here."""
    down = {"002_two.down.sql": "DROP TABLE two;"}
    migrate(app({**ONE, "002_two.sql": "", **down, **more}))
    written = app({**ONE, **TWO, **down, **more})
    outcome = migrate(written)
    assert (outcome.exit, outcome.code) == (4, "mismatch")
    offered = "the file was empty when it was applied: --migrate-unmark 2, and it runs as it is now"
    assert outcome.error["hint"].startswith(f"{offered}; or restore")
    assert written.run("--unmark", "2", "--yes").returncode == 0
    assert migrate(written).applied == [2]
    assert "two" in tables(database)
    assert check(written) == 0


def test_edited_after_it_held_comments_alone(app: AppFactory, database: Database) -> None:
    migrate(app({**ONE, "002_two.sql": "-- two (2026-11-29)\n\n"}))
    written = app({**ONE, **TWO})
    outcome = migrate(written)
    offered = "when it was applied: --migrate-redo --migrate-skip-missing-down"
    assert f"{offered} applies it as it is now." in outcome.error["hint"]
    assert written.run("--redo", "--skip-missing-down", "--yes").returncode == 0
    assert tables(database) == {"one", "two"}
    assert check(written) == 0


def test_line_ends_are_no_edit(app: AppFactory, applied: list[Any], database: Database) -> None:
    lines = {"003_lines.sql": b"CREATE TABLE three\n();\n"}
    windows = {"003_lines.sql": b"CREATE TABLE three\r\n();\r\n"}
    assert migrate(app({**ONE, **TWO, **windows})).applied == [3]
    assert check(app({**ONE, **TWO, **lines})) == 0


@pytest.mark.parametrize("more", [{}, THREE], ids=["nothing pending", "pending"])
def test_renamed(
    app: AppFactory, database: Database, applied: list[Any], more: dict[str, str]
) -> None:
    renamed = {**ONE, "002_it's_new.sql": TWO["002_two.sql"], **more}
    outcome = assert_refused(app, database, renamed)
    message = 'version 2 was applied as "two" and is now named "it\'s_new"'
    assert outcome.error["message"] == message
    assert (outcome.error["version"], outcome.error["path"]) == ("2", "migrations/002_it's_new.sql")
    database.execute(outcome.way_out)
    assert migrate(app(renamed)).exit == 0
    assert database.value("SELECT name FROM applied_migrations WHERE version = 2") == "it's_new"


def test_renumbered(app: AppFactory, database: Database, applied: list[Any]) -> None:
    renumbered = {**ONE, "004_two.sql": TWO["002_two.sql"]}
    outcome = assert_refused(app, database, renumbered)
    assert '"two" was applied as version 2 and is now version 4' in outcome.error["message"]
    assert outcome.error["path"] == "migrations/004_two.sql"
    database.execute(outcome.way_out)
    assert migrate(app(renumbered)).results == {}
    assert versions(database) == [1, 4]


def test_diverged(app: AppFactory, database: Database, applied: list[Any]) -> None:
    other = {**ONE, **THREE}
    outcome = assert_refused(app, database, other)
    assert outcome.error["message"] == (
        "the histories have diverged: the database has version 2 (two), which this binary lacks,"
        " and this binary has 1 pending migration"
    )
    assert outcome.error["version"] == "2"
    database.execute("DROP TABLE two", outcome.way_out)
    assert migrate(app(other)).applied == [3]
    assert tables(database) == {"one", "three"}


def test_a_file_that_was_deleted_after_it_was_applied(
    app: AppFactory, database: Database, applied: list[Any]
) -> None:
    outcome = assert_refused(app, database, {**ONE, **THREE})
    assert outcome.error["hint"].startswith("put its file back if it was deleted, or build from")
    assert migrate(app({**ONE, **TWO, **THREE})).applied == [3]
    assert migrate(app({**ONE, **THREE})).warnings == [
        "this binary lacks 1 version below its newest that public.applied_migrations has: 2 "
        "(deleted here, or applied late by a newer binary)"
    ]


def test_two_that_look_the_same(app: AppFactory, database: Database) -> None:
    """The build takes one form alone: the other one came from another program, or another time."""
    migrate(app({"001_caf\u00e9.sql": "SELECT 1;"}))
    database.execute("UPDATE applied_migrations SET name = U&'cafe\\0301'")
    outcome = migrate(app({"001_caf\u00e9.sql": "SELECT 1;"}))
    assert (outcome.exit, outcome.code) == (4, "mismatch")
    detail = "the bytes of these names: cafe\\xcc\\x81 and caf\\xc3\\xa9"
    assert outcome.error["detail"] == detail
    database.execute(outcome.way_out)
    assert migrate(app({"001_caf\u00e9.sql": "SELECT 1;"})).exit == 0


def test_diverged_but_nothing_pending_boots(
    app: AppFactory, database: Database, applied: list[Any]
) -> None:
    migrate(app({**ONE, **TWO, **THREE}))
    outcome = migrate(app({**ONE, **THREE}))
    assert (outcome.exit, outcome.results, len(outcome.warnings)) == (0, {}, 1)


def test_strict_refuses_what_is_newer(
    app: AppFactory, database: Database, applied: list[Any]
) -> None:
    outcome = migrate(app(ONE), "--strict")
    assert (outcome.exit, outcome.code) == (4, "mismatch")
    assert "version 2 (two) is applied but not in this binary" in outcome.error["message"]
    assert check(app(ONE), "--strict") == 4
    assert check(app(ONE)) == 0


def test_another_set(app: AppFactory, database: Database, applied: list[Any]) -> None:
    other = {"001_users.sql": "CREATE TABLE users ();", "002_roles.sql": "CREATE TABLE roles ();"}
    outcome = assert_refused(app, database, other)
    assert outcome.error["message"] == (
        "the history public.applied_migrations belongs to another set of migrations: none of its"
        ' names is in this binary (it begins with version 1, "one")'
    )
    assert migrate(app(other), "--history", "public.their_history").exit == 0
    assert versions(database) == [1, 2] == versions(database, "their_history")


def test_another_set_with_other_versions(
    app: AppFactory, database: Database, applied: list[Any]
) -> None:
    other = {"100_users.sql": "CREATE TABLE users ();"}
    outcome = assert_refused(app, database, other)
    assert "belongs to another set" in outcome.error["message"]


def test_a_moved_set_is_not_another_one(
    app: AppFactory, database: Database, applied: list[Any]
) -> None:
    """All files renumbered: the names are the set's own."""
    moved = {"101_one.sql": ONE["001_one.sql"], "102_two.sql": TWO["002_two.sql"]}
    outcome = assert_refused(app, database, moved)
    assert '"one" was applied as version 1 and is now version 101' in outcome.error["message"]


def test_all_of_several_are_named(app: AppFactory, database: Database, applied: list[Any]) -> None:
    outcome = assert_refused(app, database, {"1_one.sql": "SELECT 1;", "2_two.sql": "SELECT 2;"})
    assert outcome.error["detail"].startswith("2 versions are edited: 1, 2; no applied migration")


def test_a_row_of_unknown_content_agrees(app: AppFactory, database: Database) -> None:
    database.execute(
        "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text, checksum text)",
        "INSERT INTO applied_migrations VALUES (1, 'one', NULL)",
    )
    assert migrate(app({**ONE, **TWO})).applied == [2]
    assert tables(database) == {"two"}
