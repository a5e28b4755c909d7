"""`inlay check --execute`: what is released, what is excused, and what cannot be looked at."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Callable

import pytest

import executed
from executed import Check
from harness.program import Builder, Files

pytestmark = pytest.mark.plain  # what the newest PostgreSQL does is asked too

ORDERS = {"001_orders.sql": "CREATE TABLE orders (id bigint PRIMARY KEY, total int);\n"}
WIDER = {"002_wider.sql": "ALTER TABLE orders ALTER COLUMN total TYPE bigint;\n"}
PLANS = {"003_plans.sql": "CREATE TABLE plans (id bigint PRIMARY KEY, total int);\n"}
WIDER_PLANS = {"004_wider.sql": "SELECT 1;\nALTER TABLE plans ALTER COLUMN total TYPE bigint;\n"}
ALL = {**ORDERS, **WIDER, **PLANS, **WIDER_PLANS}

Run = Callable[..., Check]


@pytest.fixture
def run(builder: Builder, tmp_path: Path) -> Run:
    """Checks a program that has these files."""

    def check(files: Files, *options: str, frozen: list[str] = []) -> Check:
        directory = executed.write(tmp_path / "migrations", files, frozen)
        program = executed.program_of(builder, directory)
        return executed.check(builder, directory, program, *options)

    return check


def git(directory: Path, *words: str) -> None:
    own = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *own, *words], cwd=directory, check=True, capture_output=True)


# ---- what is released ----


def test_without_a_release_each_file_is_one(run: Run) -> None:
    found = run(ALL)
    assert found.found == [
        ("table-rewrite", "002_wider.sql", 1),
        ("table-rewrite", "004_wider.sql", 2),
    ]
    assert found.status == 1


def test_since_a_version(run: Run) -> None:
    assert run(ALL, "--since", "1").found == [("table-rewrite", "002_wider.sql", 1)]


def test_since_the_newest_version(run: Run) -> None:
    assert run(ALL, "--since", "4").findings == []


def test_what_is_frozen_is_released(run: Run) -> None:
    """It cannot be changed any more, and what it made is full."""
    assert run(ALL, frozen=[*ORDERS, *WIDER]).findings == []


def test_frozen_files_and_a_version(run: Run) -> None:
    found = run(ALL, "--since", "3", frozen=[*ORDERS]).found
    assert found == [("table-rewrite", "004_wider.sql", 2)]


@pytest.mark.parametrize("option", ["--since", "--base"])
def test_since_a_commit(option: str, builder: Builder, tmp_path: Path) -> None:
    """The one of --base, unless another is named."""
    directory = executed.write(tmp_path / "migrations", {**ORDERS, **PLANS})
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "released")
    (directory / "004_wider.sql").write_text(WIDER_PLANS["004_wider.sql"])
    (directory / "005_more.sql").write_text(
        "CREATE TABLE parts (id bigint PRIMARY KEY);\nALTER TABLE parts ADD CHECK (id > 0);\n"
    )
    (directory / "006_more.sql").write_text("ALTER TABLE parts ADD CHECK (id > 1);\n")
    program = executed.program_of(builder, directory)
    found = executed.check(builder, directory, program, option, "main")
    assert found.found == [("table-rewrite", "004_wider.sql", 2)]


def refused(builder: Builder, directory: Path, program: "Path | str", *options: str) -> str:
    words = ["check", directory.name, "--grammar=off", "--execute", str(program), *options]
    done = subprocess.run(
        [*builder.generator, *words],
        cwd=directory.parent,
        env=executed.environment(),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


@pytest.mark.parametrize(
    "since, said",
    [
        ("9", "--since 9: no migration has this version"),
        ("v1.4", "'v1.4' is not a commit that is here"),
    ],
)
def test_what_is_no_release(since: str, said: str, builder: Builder, tmp_path: Path) -> None:
    directory = executed.write(tmp_path / "migrations", ORDERS)
    git(tmp_path, "init", "--quiet")
    program = executed.program_of(builder, directory)
    assert f"inlay: error: {said}" in refused(builder, directory, program, "--since", since)


# ---- what is excused ----


@pytest.mark.parametrize("name", ["orders", "public.orders"])
def test_a_small_table(name: str, run: Run) -> None:
    found = run({**ORDERS, **WIDER}, "--small", name, "--small", "other.plans")
    assert (found.status, found.findings) == (0, [])


def test_what_depends_on_the_rows_of_a_small_table(run: Run) -> None:
    """What loses rows, and what each write pays for, does not."""
    other = "CREATE SCHEMA o;\nCREATE TABLE o.orders (id bigint PRIMARY KEY, total int);\n"
    text = (
        "UPDATE orders SET total = 1;\nUPDATE o.orders SET total = 1;\nDELETE FROM orders;\n"
        "ALTER TABLE orders ADD COLUMN part bigint REFERENCES o.orders;\n"
        "CREATE UNIQUE INDEX again ON orders (id);\n"
        "DO $$ BEGIN UPDATE orders SET total = 2; END $$;\n"
    )
    files = {"001_orders.sql": ORDERS["001_orders.sql"] + other, "002_more.sql": text}
    found = run(files, "--small", "orders", "--since", "1").found
    assert [each for each in found if each[0] != "rows-under-lock"] == [
        ("duplicate-index", "002_more.sql", 5),
        ("update-without-where", "002_more.sql", 2),
        ("update-without-where", "002_more.sql", 3),
    ]


def test_a_small_table_is_used_all_the_same(run: Run) -> None:
    files = {**ORDERS, "002_drop.sql": "ALTER TABLE orders DROP COLUMN total;\n"}
    assert run(files, "--small", "orders").rules == ["breaks-older-binary"]


def test_a_file_that_is_right(run: Run) -> None:
    assert run(ALL, "--allow", "table-rewrite:002_*").found == [
        ("table-rewrite", "004_wider.sql", 2)
    ]


def test_warnings_are_warnings(run: Run) -> None:
    files = {**ORDERS, "002_all.sql": "UPDATE orders SET total = 0;\n"}
    found = run(files)
    assert (found.status, found.rules) == (0, ["update-without-where"])


# ---- in words ----


def test_the_words(run: Run) -> None:
    """One sentence of what happens, and one of what to write instead."""
    (found,) = run({**ORDERS, **WIDER}).findings
    assert found["text"] == (
        "PostgreSQL writes every row of public.orders anew for this, and nobody can read or write "
        "the table until that is done: with many rows that takes minutes, and the application "
        "stands still"
    )
    (note,) = found["notes"]
    assert note["text"].startswith("instead: add a second column (ALTER TABLE public.orders ADD")
    assert (note["path"], note["line"]) == (found["path"], found["line"])


def test_where_the_lock_was_taken(run: Run) -> None:
    files = {
        **ORDERS,
        "002_fill.sql": "ALTER TABLE orders ADD note text;\n\n"
        "UPDATE orders SET note = '' WHERE total > 0;\n",
    }
    (found,) = run(files).findings
    assert (found["rule"], found["line"]) == ("rows-under-lock", 3)
    assert [(note["line"], note["text"]) for note in found["notes"]][1] == (1, "locked here")


def test_names_that_are_quoted(run: Run) -> None:
    files = {
        "001_a.sql": 'CREATE TABLE "Order Lines" (id bigint PRIMARY KEY, "Net" int);\n',
        "002_b.sql": 'SELECT 1;\nALTER TABLE "Order Lines" DROP COLUMN "Net";\n',
        "003_c.sql": 'CREATE INDEX ON "Order Lines" (id) WHERE id > 0;\n',
    }
    assert run(files, "--small", 'public."Order Lines"').found == [
        ("breaks-older-binary", "002_b.sql", 2)
    ]


# ---- what cannot be executed ----


def test_a_file_that_fails(run: Run) -> None:
    files = {**ORDERS, "002_bad.sql": "SELECT 1;\nALTER TABLE parts ADD note text;\n"}
    (found,) = run(files).findings
    assert (found["rule"], found["severity"], found["line"]) == ("execution-failed", "error", 2)
    assert found["text"].startswith('this fails on an empty database: relation "parts" does not')
    assert found["path"] == "migrations/002_bad.sql"


def test_steps_beside_a_create_script(run: Run) -> None:
    """On an empty database the script runs in their place: they are executed on another."""
    files = {
        "001_a.sql": "CREATE TABLE t (x integer PRIMARY KEY);",
        "002_b.sql": "ALTER TABLE t ALTER x TYPE bigint;",
        "003_s.sql": "-- inlay: replaces 1..2\nCREATE TABLE t (x bigint PRIMARY KEY);",
    }
    told = run(files, "--since", "1")
    assert told.found == [("table-rewrite", "002_b.sql", 1)] and told.status == 1


STEPS = {
    "001_a.sql": "CREATE TABLE t (x bigint PRIMARY KEY, z text DEFAULT 'a');",
    "002_b.sql": "ALTER TABLE t ADD y bigint; CREATE TABLE u (a int PRIMARY KEY);",
}
SCRIPT = "-- inlay: replaces 1..2\n-- The schema.\n"
SAME = "CREATE TABLE u (a int PRIMARY KEY);"


def notes(check: Check, rule: str) -> list[str]:
    (found,) = (finding for finding in check.findings if finding["rule"] == rule)
    return [note["text"] for note in found["notes"]]


def test_a_create_script_that_leads_elsewhere(run: Run) -> None:
    made = "CREATE TABLE t (x bigint PRIMARY KEY, z text DEFAULT 'b', y int);"
    made += "CREATE VIEW v AS SELECT 1;"
    told = run({**STEPS, "003_s.sql": SCRIPT + made})
    assert told.found == [("create-script", "003_s.sql", 3)] and told.status == 1
    assert notes(told, "create-script") == [
        'table public.t: only the steps have "z text DEFAULT \'a\'::text", "y bigint", only this '
        'file has "z text DEFAULT \'b\'::text", "y integer"',
        "table public.u: only the steps make it",
        "table public.u constraint u_pkey: only the steps make it",
        "view public.v: only this file makes it",
    ]


def test_a_later_file_may_put_a_create_script_right(run: Run) -> None:
    """What counts is where both end. The steps are as released as the script."""
    files = {
        **STEPS,
        "003_s.sql": SCRIPT + "CREATE TABLE t (x bigint PRIMARY KEY, z text DEFAULT 'a', y int);",
        "004_c.sql": "ALTER TABLE t ALTER y TYPE bigint; DROP TABLE IF EXISTS u;",
    }
    assert "create-script" not in run(files).rules


@pytest.mark.parametrize("more", [(), ("--allow", "create-script-columns")])
def test_a_create_script_with_its_columns_in_another_order(run: Run, more: tuple[str, ...]) -> None:
    made = "CREATE TABLE t (x bigint PRIMARY KEY, y bigint, z text DEFAULT 'a');"
    told = run({**STEPS, "003_s.sql": SCRIPT + made + SAME}, *more)
    assert told.status == 0
    assert told.rules == ([] if more else ["create-script-columns"])
    if not more:
        assert told.findings[0]["severity"] == "warning"
        assert notes(told, "create-script-columns") == [
            "table public.t: the steps have \"z text DEFAULT 'a'::text\" where this file has "
            '"y bigint"'
        ]


def test_the_order_of_an_enum_is_more_than_that_of_columns(run: Run) -> None:
    files = {
        "001_a.sql": "CREATE TYPE e AS ENUM ('a');",
        "002_b.sql": "ALTER TYPE e ADD VALUE 'b';",
    }
    told = run({**files, "003_s.sql": SCRIPT + "CREATE TYPE e AS ENUM ('b', 'a');"})
    assert told.rules == ["create-script"]


def test_only_the_first_differences_are_shown(run: Run) -> None:
    tables = "".join(f"CREATE TYPE t{i} AS (a int);" for i in range(7))
    files = {"001_a.sql": tables, "002_b.sql": "SELECT 1;", "003_s.sql": SCRIPT + "SELECT 1;"}
    assert notes(run(files), "create-script")[-2:] == [
        "type public.t4: only the steps make it",
        "and 2 more objects",
    ]


def test_a_create_script_that_leads_to_the_same(run: Run) -> None:
    made = "CREATE TABLE t (x bigint PRIMARY KEY, z text DEFAULT 'a', y bigint);"
    told = run({**STEPS, "003_s.sql": SCRIPT + made + SAME})
    assert told.findings == [] and "was compared with nothing" not in told.err


LONE = {"003_s.sql": SCRIPT + "CREATE TABLE t (x bigint PRIMARY KEY);"}


@pytest.mark.parametrize("options, says", [((), True), (("--since", "3"), False)])
def test_a_create_script_without_its_steps(run: Run, options: tuple[str, ...], says: bool) -> None:
    """Of what is released it is too late to know."""
    told = run(LONE, *options)
    assert (told.status, told.findings) == (0, [])
    assert ("inlay: note: 003_s.sql was compared with nothing: " in told.err) == says


def test_a_verify_script_that_fails(run: Run) -> None:
    (found,) = run({**ORDERS, "001_orders.verify.sql": "SELECT 1;\nSELECT false;\n"}).findings
    assert (found["rule"], found["line"]) == ("execution-failed", 2)
    assert found["path"] == "migrations/001_orders.verify.sql"


def test_a_program_that_knows_the_directory_otherwise(builder: Builder, tmp_path: Path) -> None:
    """The finding is in the directory that is checked."""
    files = {**ORDERS, "002_bad.sql": "ALTER TABLE parts ADD note text;\n"}
    directory = executed.write(tmp_path / "sql", files)
    program = executed.program_of(builder, directory)
    (found,) = executed.check(builder, directory, program).findings
    assert found["path"] == "sql/002_bad.sql"


def test_a_program_of_other_files(builder: Builder, tmp_path: Path) -> None:
    old = executed.write(tmp_path / "old", ORDERS)
    directory = executed.write(tmp_path / "migrations", {**ORDERS, **WIDER})
    program = executed.program_of(builder, old)
    assert refused(builder, directory, program) == (
        "inlay: error: app was built from other migrations than these (002_wider.sql is not the "
        "same): build it, and run this again\n"
    )


def test_the_environment_leads_nowhere_else(builder: Builder, tmp_path: Path) -> None:
    """Whatever database the caller has."""
    directory = executed.write(tmp_path / "migrations", {**ORDERS, **WIDER})
    program = executed.program_of(builder, directory)
    elsewhere = {"DATABASE_URL": "postgresql://nowhere/", "INLAY_DATABASE_URL": "postgresql://no/"}
    found = executed.check(builder, directory, program, env={**elsewhere, "PGHOST": "nowhere"})
    assert found.rules == ["table-rewrite"]


def test_the_server_is_gone(builder: Builder, tmp_path: Path) -> None:
    directory = executed.write(tmp_path / "migrations", ORDERS)
    program = tmp_path / "program"
    replay = executed.program_of(builder, directory)
    program.write_text(
        f'#!/bin/sh\necho "$INLAY_DATABASE_URL" >>"{tmp_path}/url"\nexec "{replay}" "$@"\n'
    )
    program.chmod(0o755)
    assert executed.check(builder, directory, program).findings == []
    (url,) = [line for line in (tmp_path / "url").read_text().splitlines() if line]
    place = url.split("host=")[1].split("&")[0].replace("%2F", "/")
    assert place.startswith("/") and not os.path.exists(place)


def test_github(builder: Builder, tmp_path: Path) -> None:
    directory = executed.write(tmp_path / "migrations", {**ORDERS, **WIDER})
    program = executed.program_of(builder, directory)
    words = ["check", "migrations", "--grammar=off", "--execute", str(program)]
    done = subprocess.run(
        [*builder.generator, *words, "--format=github"],
        cwd=tmp_path,
        env=executed.environment(),
        capture_output=True,
        text=True,
    )
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "::error file=migrations/002_wider.sql,line=1,col=1,title=table-rewrite::"
    )
    assert "%0Amigrations/002_wider.sql:1:1: instead: " in line
    assert json.dumps(line)
