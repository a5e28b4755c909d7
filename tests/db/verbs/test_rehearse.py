"""--rehearse: what is pending runs in one transaction, and nothing of it stays."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conftest import AppFactory
from foreign_tables import GOOSE
from harness.database import Database
from outcomes import advisory_locks, migrate, tables, versions
from rehearsals import ALONE, BASE, TWO, UNCHANGED, is_there, ran, rehearse


def everything(database: Database) -> str:
    """All that is in the database, our own tables too, as pg_dump writes it; and what is locked."""
    dump = [database.server.program("pg_dump"), "-d", database.admin_url]
    text = subprocess.run(dump, capture_output=True, text=True, check=True, timeout=60).stdout
    assert advisory_locks(database) == 0
    return re.sub(r"^\\(un)?restrict .*\n", "", text, flags=re.MULTILINE)


# ---- nothing stays ----


@pytest.mark.pg_dump
def test_nothing_stays(app: AppFactory, database: Database) -> None:
    """In a database that is empty, with files that need each other."""
    before = everything(database)
    three = "ALTER TABLE two ADD z integer;\nINSERT INTO two SELECT x, x FROM base;\n"
    program = app({**BASE, **TWO, "003_three.sql": f"{three}DROP TABLE base;\n"})
    result = rehearse(program)
    assert (result.exit, result.steps) == (0, ran(1, 2, 3)), result.stderr
    assert everything(database) == before
    assert not is_there(database, "applied_migrations")
    assert migrate(program).applied == [1, 2, 3]
    assert database.rows("SELECT y, z FROM two ORDER BY y") == [(1, 1), (2, 2)]


@pytest.mark.pg_dump
def test_nothing_stays_beside_what_is_there(app: AppFactory, database: Database) -> None:
    """In a database that has a history and rows; and a second time."""
    migrate(app(BASE))
    before = everything(database)
    program = app({**BASE, "002_two.sql": "UPDATE base SET x = x + 1;\nTRUNCATE base;\n"})
    for _ in range(2):
        result = rehearse(program)
        assert (result.exit, result.steps) == (0, ran(2))
        assert everything(database) == before
    assert versions(database) == [1]


def test_what_is_said(app: AppFactory, database: Database) -> None:
    index = {"003_index.sql": f"{ALONE}CREATE INDEX CONCURRENTLY i ON two (y);\n"}
    program = app({**BASE, **TWO, **index})
    result = program.run("--rehearse")
    assert (result.returncode, result.stdout) == (0, "")
    lines = [re.sub(r"[\d.]+ m?s\b", "N ms", line) for line in result.stderr.splitlines()]
    assert lines == [
        "rehearsed 001_base (N ms)",
        "rehearsed 002_two (N ms)",
        "warning: 003_index.sql could not be rehearsed: it runs without a transaction",
        "2 migrations rehearsed and rolled back (N ms); could not be rehearsed: 003_index",
    ]
    migrate(program)
    result = program.run("--rehearse")
    assert result.returncode == 0
    assert result.stderr == (
        "nothing to rehearse; up to date: 3 migrations, the newest is 003_index\n"
    )


def test_the_document(app: AppFactory) -> None:
    index = {"002_index.sql": f"{ALONE}CREATE INDEX CONCURRENTLY i ON base (x);\n"}
    result = app({**BASE, **index}).run("--rehearse", "--json")
    document = json.loads(result.stdout)
    nothing: dict[str, Any] = {"statements": [], "changes": []}
    assert document.pop("migrations") == [
        {
            "version": "1",
            "name": "base",
            "result": "rehearsed",
            "elapsed_ms": document_time(result),
            "file": "001_base.sql",
            "transaction": True,
            **nothing,
        },
        {
            "version": "2",
            "name": "index",
            "result": "unrehearsed",
            "elapsed_ms": None,
            "file": "002_index.sql",
            "transaction": False,
            **nothing,
        },
    ]
    assert document["kept"] is False
    assert {key: document[key] for key in ("exit", "code", "rehearsed", "unrehearsed")} == {
        "exit": 0,
        "code": "ok",
        "rehearsed": 1,
        "unrehearsed": 1,
    }
    assert document["warnings"] == [
        "002_index.sql could not be rehearsed: it runs without a transaction"
    ]
    assert document["error"] is None


def document_time(result: subprocess.CompletedProcess[str]) -> int:
    elapsed = json.loads(result.stdout)["migrations"][0]["elapsed_ms"]
    assert 0 <= elapsed < 10000
    return int(elapsed)


def test_sequences_advance(app: AppFactory, database: Database) -> None:
    """What no rollback undoes, as the manual says."""
    database.execute("CREATE SEQUENCE s")
    assert rehearse(app({"001_next.sql": "SELECT nextval('s');\n"})).exit == 0
    assert database.value("SELECT last_value FROM s") == 1
    assert database.value("SELECT is_called FROM s") is True


def test_an_empty_set(app: AppFactory, database: Database) -> None:
    assert rehearse(app({})).exit == 0
    assert not is_there(database, "applied_migrations")


# ---- as in a real run ----


@pytest.mark.pg_dump
def test_the_first_failure_has_its_place(app: AppFactory, database: Database) -> None:
    before = everything(database)
    broken = {"002_broken.sql": "CREATE TABLE c ();\nSELECT 1 FROM base\n WHERE nothing > 0;\n"}
    program = app({**BASE, **broken, "003_more.sql": "SELECT wrong;\n"})
    result = rehearse(program)
    assert (result.exit, result.code) == (1, "failed")
    assert result.steps == [("1", "rehearsed"), ("2", "failed")]
    assert result.place == ("migrations/002_broken.sql", 3, 8)
    assert (result.error["sqlstate"], result.error["version"]) == ("42703", "2")
    assert result.error["outcome"] == UNCHANGED and result.error["hint"] is None
    assert everything(database) == before
    real = migrate(program).error
    assert {**real, "outcome": UNCHANGED} == result.error


def test_repeatables_come_last(app: AppFactory, database: Database) -> None:
    view = {"R__v.sql": "CREATE OR REPLACE VIEW v AS SELECT * FROM base;\n"}
    program = app({**BASE, **view})
    result = rehearse(program)
    assert (result.exit, result.steps) == (0, [("1", "rehearsed"), (None, "rehearsed")])
    assert tables(database) == set() and not is_there(database, "v")
    assert program.run("--only").returncode == 0
    changed = app({**BASE, "R__v.sql": "CREATE OR REPLACE VIEW v AS SELECT 1 AS y;\n"})
    result = rehearse(changed)
    assert (result.exit, result.steps) == (1, [(None, "failed")])
    assert result.error["sqlstate"] == "42P16"
    assert rehearse(program).steps == []  # it is still the recorded one


def test_what_it_replaces_is_recorded(app: AppFactory, database: Database) -> None:
    migrate(app({**BASE, **TWO}))
    squashed = {
        "003_all.sql": "-- inlay: replaces 1..2\nCREATE TABLE base (x integer);\n",
        "004_more.sql": "ALTER TABLE two ADD z integer;\n",
    }
    result = rehearse(app(squashed))
    assert (result.exit, result.steps) == (0, ran(3, 4)), result.stderr
    assert versions(database) == [1, 2]


def test_down_scripts_are_kept_in_vain(app: AppFactory, database: Database) -> None:
    program = app({"001_a.up.sql": "CREATE TABLE a ();\n", "001_a.down.sql": "DROP TABLE a;\n"})
    assert rehearse(program, "--keep-down").steps == ran(1)
    assert not is_there(database, "applied_migrations_state")


def test_a_late_file(app: AppFactory, database: Database) -> None:
    migrate(app({"002_two.sql": "CREATE TABLE two ();\n"}))
    program = app({**BASE, "002_two.sql": "CREATE TABLE two ();\n"})
    result = rehearse(program)
    assert (result.exit, result.steps) == (0, ran(1))
    assert any("applying late" in warning for warning in result.warnings)
    assert rehearse(program, "--late=refuse").exit == 4
    assert versions(database) == [2]


def test_what_a_body_leaves_in_the_session(app: AppFactory, database: Database) -> None:
    """The next one finds a session as in a real run."""
    first = (
        "SET search_path = pg_catalog;\nSET ROLE %s;\nPREPARE p AS SELECT 1;\n"
        "CREATE TEMPORARY TABLE t ();\nDECLARE c CURSOR WITH HOLD FOR SELECT 1;\n"
        "SET lock_timeout = '7s';\nSET client_encoding = 'LATIN1';\n"
    ) % f'"{database.role}"'
    second = (
        "CREATE TABLE ours ();\nPREPARE p AS SELECT 1;\nCREATE TEMPORARY TABLE t ();\n"
        "DO $$ BEGIN ASSERT to_regclass('public.ours') IS NOT NULL;\n"
        " ASSERT current_setting('client_encoding') = 'UTF8';\n"
        " ASSERT current_setting('lock_timeout') IN ('200ms', '800ms');\n"
        " ASSERT NOT EXISTS (SELECT FROM pg_cursors WHERE name = 'c'); END $$;\n"
    )
    program = app({"001_first.sql": first, "002_second.sql": second})
    assert rehearse(program).steps == ran(1, 2)
    assert migrate(program).applied == [1, 2]


def test_the_history_is_as_in_a_real_run(app: AppFactory) -> None:
    """A body that looks finds its own row and those before it."""
    looks = (
        "DO $$ BEGIN ASSERT (SELECT array_agg(version ORDER BY version) FROM applied_migrations)"
        " = '{1,2}'; ASSERT (SELECT elapsed_ms IS NOT NULL FROM applied_migrations"
        " WHERE version = 1); END $$;\n"
    )
    program = app({**BASE, "002_looks.sql": looks})
    assert rehearse(program).exit == 0 and migrate(program).exit == 0


TOUCHES = {
    "its row": "UPDATE applied_migrations SET name = name WHERE version = 2;\n",
    "no row": "DELETE FROM applied_migrations WHERE version = 2;\n",
    "another row": "INSERT INTO applied_migrations (version, name) VALUES (2, 'x')"
    " ON CONFLICT (version) DO UPDATE SET name = 'x';\n",
}


@pytest.mark.parametrize("body", TOUCHES.values(), ids=TOUCHES.keys())
def test_the_history_is_not_for_bodies(app: AppFactory, body: str) -> None:
    program = app({**BASE, "002_touches.sql": body})
    for outcome in (rehearse(program).error, migrate(program).error):
        assert outcome["message"].startswith("the migration ended its own transaction, or changed")
        assert outcome["path"] == "migrations/002_touches.sql"


# ---- refusals are those of a run ----


def test_an_edited_file(app: AppFactory, database: Database) -> None:
    migrate(app(BASE))
    program = app({"001_base.sql": "CREATE TABLE other ();\n", **TWO})
    result = rehearse(program)
    assert (result.exit, result.code, result.steps) == (4, "mismatch", [])
    assert result.error == migrate(program).error


def test_a_version_that_is_unknown(app: AppFactory, database: Database) -> None:
    migrate(app({**BASE, "009_nine.sql": "SELECT 1;\n"}))
    result = rehearse(app({**BASE, **TWO}))
    assert (result.exit, result.steps) == (0, ran(2))
    assert any("newer than this binary" in warning for warning in result.warnings)
    assert rehearse(app({**BASE, **TWO}), "--strict").exit == 4


@pytest.mark.parametrize("right", ["no right", "read-only", "another's history"])
def test_what_a_run_refuses(app: AppFactory, database: Database, right: str) -> None:
    name = database.name
    if right == "no right":
        database.admin("ALTER SCHEMA public OWNER TO postgres")
    elif right == "read-only":
        database.admin(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    else:
        database.admin(*GOOSE.fill())
    program = app(BASE)
    result = rehearse(program)
    assert (result.exit, result.code, result.steps) == (7, "refused", [])
    assert result.error == migrate(program).error


def test_what_the_build_says_to_adopt_is_not_adopted(app: AppFactory, database: Database) -> None:
    for statement in GOOSE.fill():
        database.execute(statement)
    result = rehearse(app(BASE, embed=["--adopt", "goose=public.goose_db_version"]))
    assert (result.exit, result.steps) == (7, [])
    assert "--migrate-adopt goose" in result.error["hint"]
    assert not is_there(database, "applied_migrations")


def test_a_pooler_in_transaction_mode(app: AppFactory) -> None:
    result = rehearse(app(BASE), "--pooler=transaction")
    assert (result.exit, result.steps) == (7, [])
    assert result.error["message"] == (
        "a rehearsal needs the migration lock, which a pooler in transaction mode cannot give: use"
        " the direct URL of the server (INLAY_DATABASE_URL)"
    )
    assert rehearse(app(BASE), "--pooler=session").exit == 0


def test_no_backup_is_made(app: AppFactory, tmp_path: Path) -> None:
    result = rehearse(app(BASE), "--backup", str(tmp_path), "--backup-required")
    assert result.exit == 0 and list(tmp_path.iterdir()) == []
