"""docs/testing.md: its transcripts come out the same, and its scripts run."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

import pages
from conftest import ProgramFactory
from harness.database import Database
from harness.program import Program
from test_back_docs import EMAIL, ORDERS, USERS, blocks
from test_cli_docs import SOURCE, squeeze, transcript

PAGE = pages.load(pages.DOCS / "testing.md")
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
    assert set(SH) == {"selftest", "template", "example", "boot"}  # boot: test_boot.py
    unnamed = [block.language for block in PAGE.blocks if not block.name]
    assert unnamed == ["meson"]


def test_every_way_leads_back(program: ProgramFactory) -> None:
    server = program(SOURCE, {**USERS, **EMAIL, **ORDERS})
    assert squeeze(transcript(server, "--migrate-selftest")) in blocks(PAGE)


def test_a_way_that_does_not(program: ProgramFactory) -> None:
    server = program(SOURCE, TOUCHED)
    assert squeeze(transcript(server, "--migrate-selftest")) in blocks(PAGE)


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
    """With PostgreSQL's programs; its databases get names of this test's own."""
    scratch = server.database.server
    env = {
        "PATH": f"{Path(scratch.program('psql')).parent}:{os.environ['PATH']}",
        "PGHOST": str(scratch.directory),
        "PGPORT": str(scratch.port),
        "PGUSER": role,
    }
    text = re.sub(r"(?<![\w-])(app_test|selftest)", rf"{server.database.name}_\1", text)
    text = text.replace("./server", str(server.path))
    done = subprocess.run(["sh", "-eu"], input=text, text=True, env=env, capture_output=True)
    assert done.returncode == 0, done.stderr


def databases(database: Database) -> list[tuple[str, bool]]:
    query = (
        "SELECT datname, datistemplate FROM pg_database WHERE starts_with(datname, %s) ORDER BY 1"
    )
    return [(name, ready) for name, ready in database.rows(query, f"{database.name}_")]


@pytest.mark.sample
def test_the_self_test_as_a_script(
    program: ProgramFactory, database: Database, creator: str
) -> None:
    run_script(SH["selftest"], program(SOURCE, USERS), creator)
    assert databases(database) == []


@pytest.mark.sample
def test_a_template_by_hand(program: ProgramFactory, database: Database, creator: str) -> None:
    server = program(SOURCE, {**USERS, **EMAIL})
    run_script(SH["template"], server, creator)
    digest = json.loads(server.run("--migrate-list", "--migrate-json").stdout)["digest"]
    template, copy = f"{database.name}_app_test_{digest[:16]}", f"{database.name}_app_test_1"
    assert databases(database) == sorted([(copy, False), (template, True)])
    url = database.server.url(creator, copy)
    assert server.run("--migrate-check", "--migrate-strict", url=url).returncode == 0
