"""docs/going-back.md, backups and the reset: the transcripts come out the same, and the
commands for restoring restore. (test_back_docs.py has the rest of the page.)"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Iterator, Mapping

import psycopg
import pytest

import pages
from backups import Tools, backups as whole, contents
from conftest import ProgramFactory
from harness.database import Database
from harness.program import Program
from terminal import Terminal, screen
from test_cli_docs import SOURCE, squeeze

BACK = pages.load(pages.DOCS / "going-back.md")

USERS = {
    "001_create_users.sql": "CREATE TABLE users (id bigint PRIMARY KEY, name text);\n",
    "002_add_email.sql": "ALTER TABLE users ADD email text;\n",
}
TRIM = {"003_trim_names.sql": "UPDATE users SET name = trim(name);\n"}

# The pages are of a server that has its pg_dump.
pytestmark = pytest.mark.pg_dump

QUESTION = "to drop all this: "


def normal(text: str) -> str:
    """Without times, sizes and estimates, and what depends on their width."""
    text = re.sub(r"\d{8}T\d{6}Z", "STAMP", squeeze(text))
    text = re.sub(r"\d+(\.\d+)? (bytes|kB)", "SIZE", text)
    text = re.sub(
        r"(about )?\d+(?=(  the schema itself stays)?$)", "ROWS", text, flags=re.MULTILINE
    )
    return re.sub(r" +", " ", text)


def written(page: pages.Page) -> set[str]:
    found = re.findall(r"(?:^    .*\n)+", page.prose, re.MULTILINE)
    return {normal(re.sub("^    ", "", block, flags=re.MULTILINE)) for block in found}


def transcript(program: Program, command: str, env: Mapping[str, str]) -> str:
    result = program.run(*shlex.split(command), env=env)
    return shown(program, command, result.stderr + result.stdout, result.returncode)


def shown(program: Program, command: str, output: str, status: int) -> str:
    name = program.database.name
    command = command.replace(name, "shop")
    output = output.replace(program.database.role, "shop").replace(name, "shop")
    return normal(f"$ ./server {command}\n{output}" + (f"[exit status {status}]" if status else ""))


@pytest.fixture
def kept(program: ProgramFactory) -> Iterator[Path]:
    """The directory `backups` of the page, where programs are started."""
    made = program(SOURCE, USERS)._home / "backups"
    made.mkdir()
    yield made
    shutil.rmtree(made)


@pytest.fixture
def env(database: Database, tmp_path: Path) -> dict[str, str]:
    return Tools(database.server, tmp_path).real()


def test_transcripts_of_backups(
    program: ProgramFactory, database: Database, kept: Path, env: dict[str, str]
) -> None:
    command = "--migrate-only --migrate-backup backups"
    page = written(BACK)
    assert program(SOURCE, USERS).run("--migrate-only").returncode == 0
    server = program(SOURCE, {**USERS, **TRIM})
    assert transcript(server, command, env) in page
    assert len(whole(kept)) == 1


def test_transcripts_of_the_reset(program: ProgramFactory, database: Database) -> None:
    page = written(BACK)
    server = program(SOURCE, USERS)
    assert server.run("--migrate-only").returncode == 0
    database.execute(
        "CREATE SCHEMA audit",
        "CREATE TABLE audit.log ()",
        "CREATE FUNCTION audit.note() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE orders AS SELECT generate_series(1, 2000) AS id",
        "CREATE TABLE items ()",
        "CREATE VIEW ordered AS SELECT id FROM orders",
        "CREATE TYPE state AS ENUM ()",
    )
    terminal = Terminal(server, "--migrate-reset", env={"TERM": "xterm"}, columns=200)
    terminal.read_until(QUESTION)
    terminal.press(database.name.encode() + b"\n")
    status = terminal.finish()
    lines = "\n".join(line for line in screen(terminal.seen) if line)
    assert shown(server, "--migrate-reset", lines, status) in page


def test_every_block_is_tested() -> None:
    """by-hand: test_back_docs.py."""
    named = {(b.language, b.name) for b in BACK.blocks}
    assert named == {("sh", "restore-new"), ("sh", "restore-over"), ("sh", "by-hand")}


def close_public(url: str) -> None:
    """As the page says of servers where everybody may create there unless that is taken away."""
    statement = "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    assert f"`{statement}`" in BACK.prose
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(statement)


@pytest.mark.sample
@pytest.mark.parametrize("block", ["restore-new", "restore-over"])
def test_restoring(
    program: ProgramFactory,
    database: Database,
    kept: Path,
    env: dict[str, str],
    block: str,
) -> None:
    """The commands, in a shell, on a database as it is after the migration."""
    server = database.server
    assert program(SOURCE, USERS).run("--migrate-only").returncode == 0
    database.execute("INSERT INTO users VALUES (1, ' ann '), (2, 'bob')")
    before = contents(database, database.admin_url)
    migrating = program(SOURCE, {**USERS, **TRIM})
    assert migrating.run("--migrate-only", "--migrate-backup", str(kept), env=env).returncode == 0
    assert contents(database, database.admin_url) != before
    restored = f"{database.name}_restored"
    script = BACK.named("sh")[block].replace("FILE", str(kept / whole(kept)[0]))
    script = re.sub(r"\bshop(?=_restored|$)", database.name, script, flags=re.MULTILINE)
    where = {"PGHOST": str(server.directory), "PGPORT": str(server.port), "PGUSER": "postgres"}
    shell = {"HOME": os.environ.get("HOME", "/"), **env, **where}
    try:
        subprocess.run(["sh", "-ec", script], env=shell, check=True, timeout=60)
        name = restored if block == "restore-new" else database.name
        if server.major_version < 15:
            close_public(server.admin_url(name))
        assert contents(database, server.admin_url(name)) == before
    finally:
        with psycopg.connect(server.admin_url(), autocommit=True) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{restored}"')
