"""docs/checking.md: its transcripts come out the same, and its scripts run."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Iterator

import psycopg
import pytest

import pages
from conftest import ProgramFactory
from harness.database import Database
from harness.program import Builder, Program
from test_back_docs import EMAIL, ORDERS, USERS, blocks
from test_cli_docs import SOURCE, squeeze, transcript

PAGE = pages.load(pages.DOCS / "checking.md")
SH = PAGE.named("sh")

TOUCHED = {
    "001_create_users.up.sql": "CREATE TABLE users (id bigint PRIMARY KEY, name text,"
    " at timestamptz);\n",
    "001_create_users.down.sql": "DROP TABLE users;\n",
    "002_touch_users.up.sql": "ALTER TABLE users DROP name;\n"
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql"
    " AS $$ BEGIN NEW.at = now(); RETURN NEW; END $$;\n"
    "CREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();\n",
    "002_touch_users.down.sql": "DROP TRIGGER touch ON users;\nALTER TABLE users ADD name text;\n",
}


def test_every_block_is_tested() -> None:
    assert set(SH) == {
        "ci",
        "template",
        "example",
        "boot",
        "schema",
        "drift",
    }  # boot: server/test_boot.py
    assert set(PAGE.named("meson")) == {"selftest"}
    unnamed = [block.language for block in PAGE.blocks if not block.name]
    assert unnamed == ["yaml", "meson"]


def test_every_way_leads_back(program: ProgramFactory, builder: Builder) -> None:
    """By the project's own test: the line that the page shows."""
    server = program(SOURCE, {**USERS, **EMAIL, **ORDERS})
    (line,) = re.findall(r"args: (\[.*\])\)", PAGE.named("meson")["selftest"])
    words = ast.literal_eval(line.replace("server,", f"{str(server.path)!r},"))
    done = subprocess.run([*builder.generator, *words], capture_output=True, text=True)
    assert done.returncode == 0
    shown = f"$ inlay scratch -- ./server --migrate-selftest\n{done.stdout}{done.stderr}"
    assert squeeze(shown) in blocks(PAGE)


def test_a_way_that_does_not(program: ProgramFactory) -> None:
    server = program(SOURCE, TOUCHED)
    assert squeeze(transcript(server, "--migrate-selftest")) in blocks(PAGE)


OWNED = {
    "001_create_users.sql": "CREATE TABLE users (id bigint PRIMARY KEY);\n",
    "002_create_orders.sql": "CREATE TABLE orders (id bigint NOT NULL,"
    " state text NOT NULL DEFAULT 'open', owner bigint REFERENCES users);\n",
}


def run_in(directory: Path, server: Program, builder: Builder, script: str) -> None:
    """With ./server, and inlay on the path."""
    tool = directory / "bin" / "inlay"
    tool.parent.mkdir(exist_ok=True)
    words = " ".join(f"'{word}'" for word in builder.generator)
    tool.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    tool.chmod(0o755)
    (directory / "server").unlink(missing_ok=True)
    (directory / "server").symlink_to(server.path)
    env = {**os.environ, "PATH": f"{tool.parent}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-ec", script], cwd=directory, env=env, check=True)


def test_the_schema_is_a_file(
    program: ProgramFactory, builder: Builder, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "migrations").mkdir()
    server = program(SOURCE, OWNED)
    run_in(tmp_path, server, builder, SH["schema"])
    kept = (tmp_path / "migrations" / "SCHEMA").read_text()
    head, *shown = PAGE.named("text")["schema"].splitlines()
    assert re.fullmatch(f"{head[:-2]}[0-9]+", kept.splitlines()[0])
    assert kept.splitlines()[1 : 1 + len(shown)] == shown
    embedding = program(SOURCE, {**OWNED, "SCHEMA": kept}, embed=["--schema", "migrations/SCHEMA"])
    drift = "\n".join(f"inlay scratch -- sh -ec '{SH['drift']}'".splitlines())
    run_in(tmp_path, embedding, builder, drift)
    embedding.run("--migrate-only")
    database.execute(
        "CREATE INDEX orders_hot ON orders (state)",
        "ALTER TABLE orders ALTER state DROP NOT NULL",
    )
    shown_now = transcript(embedding, "--migrate-drift")
    if f"PostgreSQL {int(database.value('SHOW server_version_num')) // 10000}" in kept:
        assert squeeze(shown_now) in blocks(PAGE)


@pytest.fixture
def creator(database: Database) -> Iterator[str]:
    """A role that may create databases, and the end of those that the page names."""
    yield database.add_role("creator", "LOGIN CREATEDB")
    for (name,) in database.rows(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", f"{database.name}_"
    ):
        database.admin(f"ALTER DATABASE {name} WITH IS_TEMPLATE false")
        database.admin(f"DROP DATABASE {name} WITH (FORCE)")


def run_script(text: str, server: Program, role: str) -> None:
    """Each command has to succeed. With PostgreSQL's programs; its databases get names of this
    test's own."""
    scratch = server.database.server
    env = {
        "PATH": f"{Path(scratch.program('psql')).parent}:{os.environ['PATH']}",
        "PGHOST": str(scratch.directory),
        "PGPORT": str(scratch.port),
        "PGUSER": role,
    }
    text = re.sub(r"(?<![\w-])(app_test|selftest|upgrade)", rf"{server.database.name}_\1", text)
    text = text.replace("./server", str(server.path))
    done = subprocess.run(["sh", "-eu"], input=text, text=True, env=env, capture_output=True)
    assert done.returncode == 0, done.stderr


def databases(database: Database) -> list[tuple[str, bool]]:
    query = (
        "SELECT datname, datistemplate FROM pg_database WHERE starts_with(datname, %s) ORDER BY 1"
    )
    return [(name, ready) for name, ready in database.rows(query, f"{database.name}_")]


@pytest.mark.sample
@pytest.mark.parametrize("edited", [False, True])
def test_the_workflow(
    program: ProgramFactory, database: Database, creator: str, edited: bool
) -> None:
    """It passes, and fails where the release has another text of a migration."""
    changed = {"001_create_users.up.sql": "CREATE TABLE users (id int);\n"} if edited else {}
    released = program(SOURCE, {**USERS, **changed})
    text = SH["ci"].replace("./server-released", str(released.path))
    if edited:
        with pytest.raises(AssertionError, match="edited"):
            run_script(text, program(SOURCE, {**USERS, **EMAIL}), creator)
        return
    run_script(text, program(SOURCE, {**USERS, **EMAIL}), creator)
    made = {name.rsplit("_", 1)[1] for name, _ in databases(database)}
    assert made == {"selftest", "upgrade"}
    url = database.server.url(creator, f"{database.name}_upgrade")
    with psycopg.connect(url) as connection:
        query = "SELECT version FROM applied_migrations ORDER BY 1"
        assert connection.execute(query).fetchall() == [(1,), (2,)]


def test_the_check_of_the_workflow(builder: Builder, tmp_path: Path) -> None:
    """Its options, in a repository with a branch that it is for."""
    (yaml,) = [block.text for block in PAGE.blocks if block.language == "yaml"]
    (command,) = re.findall(r"run: >\n((?: {10}.*\n)+)", yaml)
    for text in (
        "git init --quiet --initial-branch=main . && mkdir migrations",
        "git config user.name a && git config user.email a@example.com",
        "echo 'SELECT 1;' > migrations/001_a.sql && git add . && git commit --quiet -m a",
        "git update-ref refs/remotes/origin/main main",
        "echo 'SELECT 2;' > migrations/002_b.sql",
    ):
        subprocess.run(["sh", "-ec", text], cwd=tmp_path, check=True)
    path = f"{Path(builder.generator[0]).parent}:{os.environ['PATH']}"
    env = {"PATH": path, "GITHUB_BASE_REF": "main"}

    def check() -> subprocess.CompletedProcess[str]:
        words = ["sh", "-ec", " ".join(command.split())]
        return subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)

    assert check().returncode == 0
    (tmp_path / "migrations" / "001_a.sql").write_text("SELECT 3;\n")
    assert check().returncode == 1 and "title=base-changed" in check().stderr


@pytest.mark.sample
def test_a_template_by_hand(program: ProgramFactory, database: Database, creator: str) -> None:
    server = program(SOURCE, {**USERS, **EMAIL})
    run_script(SH["template"], server, creator)
    digest = json.loads(server.run("--migrate-show", "--migrate-json").stdout)["digest"]
    template, copy = f"{database.name}_app_test_{digest[:16]}", f"{database.name}_app_test_1"
    assert databases(database) == sorted([(copy, False), (template, True)])
    url = database.server.url(creator, copy)
    assert server.run("--migrate-check", "--migrate-strict", url=url).returncode == 0
