"""--backup: what is dumped, when, under which name, and what is kept."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import stat
from pathlib import Path
from typing import Any

import psycopg
import pytest

import backups
from backups import NAME, NOTING, Tools, backups as whole, text_of, versions_before
from conftest import AppFactory
from harness.database import Database
from outcomes import finish, migrate, tables, versions
from ways import go, table

pytestmark = pytest.mark.pg_dump

TWO = {**table(1, "a"), **table(2, "b")}
THREE = {**TWO, **table(3, "c")}


@pytest.fixture
def tools(database: Database, tmp_path: Path) -> Tools:
    return Tools(database.server, tmp_path)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "kept"
    made.mkdir()
    return made


@pytest.fixture
def how(tools: Tools, directory: Path) -> dict[str, Any]:
    """A run that makes backups."""
    return {"env": {**tools.real(), "INLAY_BACKUP_DIR": str(directory)}}


# ---- when, and what ----


def test_before_the_first_change(
    app: AppFactory, database: Database, how: dict[str, Any], directory: Path
) -> None:
    migrate(app(TWO))
    database.execute("CREATE TABLE rows AS SELECT generate_series(1, 1000) AS n")
    result = app(THREE).run("--only", "--json", **how)
    assert result.returncode == 0
    (name,) = whole(directory)
    match = NAME.fullmatch(name)
    assert match and match.groups()[1:] == (database.name, "3")
    path = directory / name
    made = json.loads(result.stdout)["backup"]
    assert made["path"] == str(path) and made["bytes"] == path.stat().st_size
    assert 0 <= made["elapsed_ms"] < 60_000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = text_of(path)
    assert "DROP TABLE IF EXISTS public.a;" in text and "\n1000\n" in text
    assert "CREATE TABLE public.c " not in text
    assert versions(database) == [1, 2, 3]


def test_none_where_nothing_runs(app: AppFactory, how: dict[str, Any], directory: Path) -> None:
    program = app(TWO)
    for verb in (["--status"], ["--check"], ["--dry-run"], ["--show"], ["--mark", "1"]):
        program.run(*verb, **how)
    assert list(directory.iterdir()) == []
    assert migrate(program, **how).applied == [2]
    assert versions_before(directory) == ["2"]
    assert migrate(program, **how).applied == []
    assert program.run("--to", "2", **how).returncode == 0
    assert len(list(directory.iterdir())) == 1


def test_none_without_being_asked(app: AppFactory, database: Database, tools: Tools) -> None:
    result = app(TWO).run("--only", "--json", env=tools.write(NOTING))
    assert json.loads(result.stdout)["backup"] is None
    assert list(tools.notes.iterdir()) == [] and versions(database) == [1, 2]


def test_none_on_a_run_that_is_refused(
    app: AppFactory, database: Database, how: dict[str, Any], directory: Path
) -> None:
    """A read-only session, an edited file, a missing down script."""
    migrate(app(THREE))
    database.execute("DELETE FROM applied_migrations WHERE version = 3")
    read_only = database.url_for(database.role, options="-cdefault_transaction_read_only=on")
    assert migrate(app(THREE), url=read_only, **how).exit == 7
    database.execute("UPDATE applied_migrations SET checksum = 'x' WHERE version = 1")
    assert migrate(app(THREE), **how).exit == 4
    alone = app({**table(1, "a"), "002_b.sql": "CREATE TABLE b ();\n"})
    assert go(alone, "down", "1", **how).exit == 7
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize("words", [["down", "1"], ["to", "1"], ["down", "batch"], ["redo"]])
def test_going_back(
    app: AppFactory, database: Database, how: dict[str, Any], directory: Path, words: list[str]
) -> None:
    migrate(app(TWO))
    program = app(THREE)
    migrate(program)
    database.execute("CREATE TABLE rows AS SELECT 4711 AS n")
    assert go(program, *words, **how).exit == 0
    assert versions_before(directory) == ["3"]
    assert "\n4711\n" in text_of(directory / whole(directory)[0])


def test_a_repeatable_alone(app: AppFactory, how: dict[str, Any], directory: Path) -> None:
    first = app({**TWO, "R__view.sql": "CREATE OR REPLACE VIEW v AS SELECT 1 AS n;"})
    assert first.run("--only").returncode == 0
    changed = app({**TWO, "R__view.sql": "CREATE OR REPLACE VIEW v AS SELECT 2 AS n;"})
    assert changed.run("--only", **how).returncode == 0
    assert versions_before(directory) == ["repeatable"]


def test_a_fleet_makes_one(
    app: AppFactory, database: Database, how: dict[str, Any], directory: Path
) -> None:
    program = app(THREE)
    started = [program.start("--only", "--json", **how) for _ in range(12)]
    assert [finish(process).exit for process in started] == [0] * 12
    assert versions_before(directory) == ["1"]
    assert [path.name for path in directory.iterdir()] == whole(directory)


def test_the_lock_is_held_meanwhile(
    app: AppFactory, database: Database, tools: Tools, directory: Path
) -> None:
    """A second process is told to wait, and makes none."""
    second = f"{app(THREE).path} --only --lock-wait 0 >{tools.notes}/second 2>&1"
    script = f'[ "$1" = --version ] || {second}\necho $? >>{tools.notes}/second\n'
    script += 'exec {real} "$@"\n'
    env = {**tools.write(script), "INLAY_BACKUP_DIR": str(directory)}
    assert migrate(app(THREE), env=env).applied == [1, 2, 3]
    said = tools.note("second")
    assert said[-1] == "5" and "another process holds the migration lock" in said[0]
    assert len(whole(directory)) == 1


# ---- the options ----


def test_options_and_environment(
    app: AppFactory, tools: Tools, directory: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    env = {**tools.real(), "INLAY_BACKUP_DIR": str(directory), "INLAY_BACKUP_KEEP": "2"}
    assert migrate(app(table(1, "a")), "--backup", str(other), env=env).exit == 0
    assert len(whole(other)) == 1 and whole(directory) == []
    assert migrate(app(TWO), "--no-backup", env=env).exit == 0
    assert migrate(app(THREE), "--no-backup", "--backup", str(other), env=env).exit == 0
    assert len(whole(other)) == 1 and whole(directory) == []


@pytest.mark.parametrize("keep", ["0", "-1", "many", "3 "])
def test_a_number_that_is_none(app: AppFactory, directory: Path, keep: str) -> None:
    env = {"INLAY_BACKUP_DIR": str(directory), "INLAY_BACKUP_KEEP": keep}
    assert migrate(app(TWO), env=env).exit == 2
    assert app(TWO).run("--only", "--backup-keep", keep).returncode == 2
    assert migrate(app(TWO), "--no-backup", env=env).exit == 0


def test_required_but_nowhere(app: AppFactory, database: Database) -> None:
    none: list[str] = []
    for words in (none, ["--no-backup", "--backup", "/tmp"]):
        assert migrate(app(TWO), "--backup-required", *words).exit == 2
    assert tables(database) == set()


def test_through_a_transaction_pooler(app: AppFactory, database: Database, how: Any) -> None:
    outcome = migrate(app(TWO), "--pooler=transaction", **how)
    assert outcome.exit == 7 and "--no-backup" in outcome.error["hint"]
    assert tables(database) == set()


# ---- which are kept ----


def make(directory: Path, *names: str) -> None:
    for name in names:
        (directory / name).write_text("old")


def test_the_newest_are_kept(
    app: AppFactory, database: Database, how: dict[str, Any], directory: Path
) -> None:
    name = database.name
    old = [f"2020010{day}T000000Z_{name}_before_{day}.sql.gz" for day in range(1, 6)]
    old.append(f"20190101T000000Z_{name}_before_reset.sql.gz")
    others = [
        f"20200101T000000Z_{name}0_before_1.sql.gz",
        f"20200101T000000Z_0{name}_before_1.sql.gz",
        f"20200101T000000Z_{name}_before_1_before_1.sql.gz",
        f"20200101T000000Z_{name}_before_.sql.gz",
        f"20200101T000000Z_{name}_before_1.sql",
        f"20200101T000000Z_{name}_before_1.sql.gz.bak",
        f"x20200101T000000Z_{name}_before_1.sql.gz",
        f"20200101T00000Z_{name}_before_1.sql.gz",
        f"20200101t000000z_{name}_before_1.sql.gz",
        "notes.txt",
    ]
    make(directory, *old, *others)
    kept_directory = f"20180101T000000Z_{name}_before_1.sql.gz"
    (directory / kept_directory).mkdir()
    outcome = migrate(app(TWO), "--backup-keep", "3", **how)
    assert outcome.exit == 0
    left = {path.name for path in directory.iterdir()}
    assert left >= {*others, *old[3:5], kept_directory}
    assert not left & {*old[:3], old[5]}
    assert len(left) == len(others) + 2 + 1 + 1
    # A directory with such a name is not ours to remove, and says so.
    assert any("cannot be removed" in warning for warning in outcome.warnings)


def test_ten_are_kept(
    app: AppFactory, database: Database, how: dict[str, Any], directory: Path
) -> None:
    make(
        directory, *(f"202001{n:02}T000000Z_{database.name}_before_1.sql.gz" for n in range(1, 16))
    )
    result = app(TWO).run("--only", **how)
    assert len(whole(directory)) == 10
    assert result.stderr.count("an older backup") == 6


def test_the_new_one_is_kept_whatever_the_clock_says(
    app: AppFactory, database: Database, how: dict[str, Any], directory: Path
) -> None:
    make(directory, *(f"2999010{n}T000000Z_{database.name}_before_1.sql.gz" for n in (1, 2)))
    result = app(TWO).run("--only", "--backup-keep", "1", **how)
    assert (result.returncode, result.stderr.count(", an older backup: 1 is kept\n")) == (0, 1)
    assert len(whole(directory)) == 2 and whole(directory)[0] < "2999"


def test_what_a_dump_left_behind(
    app: AppFactory, database: Database, how: dict[str, Any], directory: Path
) -> None:
    """It is cleared away unless somebody still writes it."""
    dead, alive, other = (
        f"20200101T000000Z_{database.name}_before_1.sql.gz.part",
        f"20200101T000001Z_{database.name}_before_1.sql.gz.part",
        f"20200101T000000Z_{database.name}0_before_1.sql.gz.part",
    )
    make(directory, dead, alive, other)
    with open(directory / alive, "rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert migrate(app(TWO), **how).exit == 0
    left = {path.name for path in directory.iterdir()} - set(whole(directory))
    assert left == {alive, other}


ODD = ["we ird/../%41", "Ünïcode", "_before_1.sql.gz", 'quo"te', ".", "a" * 63, "tab\tnew\nline"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_of_databases(
    app: AppFactory, database: Database, how: dict[str, Any], directory: Path, name: str
) -> None:
    """Each has names of its own, in the directory and nowhere else."""
    quoted = '"' + name.replace('"', '""') + '"'
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {quoted}")
        try:
            url = database.server.url("postgres", name, password=database.server.password)
            for files in (table(1, "a"), TWO):
                assert migrate(app(files), "--backup-keep", "1", url=url, **how).exit == 0
        finally:
            admin.execute(f"DROP DATABASE {quoted}")
    ((path,),) = [list(directory.iterdir())]
    assert backups.NAME.fullmatch(path.name) and path.name.isascii()
    assert not set(path.name) & set(' /"\t\n')
    assert path.name.endswith("_before_2.sql.gz") and "public.a" in text_of(path)


def test_two_databases_in_one_directory(
    app: AppFactory, database: Database, how: dict[str, Any], directory: Path
) -> None:
    other = Database(database.server)
    try:
        for url in (database.url, other.url):
            assert migrate(app(TWO), "--backup-keep", "1", url=url, **how).exit == 0
    finally:
        other.drop()
    assert len(whole(directory)) == 2


# ---- the run around it ----


def test_two_in_one_second(app: AppFactory, how: dict[str, Any], directory: Path) -> None:
    """The same database, the same migration: no file is written over."""
    program = app(TWO)
    migrate(program)
    for _ in range(3):
        assert go(program, "redo", **how).exit == 0
    assert versions_before(directory) == ["2"] * 3


def ignore_children() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def test_a_host_that_ignores_its_children(app: AppFactory, how: dict[str, Any]) -> None:
    outcome = finish(app(TWO).start("--only", "--json", preexec_fn=ignore_children, **how))
    assert outcome.exit == 0 and outcome.warnings == []


def test_what_pg_dump_warns_of_is_passed_on(app: AppFactory, tools: Tools, directory: Path) -> None:
    script = 'echo "pg_dump: warning: circular" >&2\nexec {real} "$@"\n'
    env = {**tools.write(script), "INLAY_BACKUP_DIR": str(directory)}
    outcome = migrate(app(TWO), env=env)
    assert outcome.exit == 0 and outcome.warnings == ["pg_dump: warning: circular"]


def test_the_working_directory_is_no_matter(app: AppFactory, tools: Tools, tmp_path: Path) -> None:
    """A relative directory is relative to where the program was started."""
    program = app(TWO)
    where = tmp_path / "kept"
    where.mkdir()
    relative = os.path.relpath(where, program._home)
    assert migrate(program, "--backup", relative, env=tools.real()).exit == 0
    assert len(whole(where)) == 1
