"""docs/squashing.md, and docs/migration-files.md about repeatable migrations: the transcripts come
out the same."""

from __future__ import annotations

import os
import re
import shlex
import subprocess

import pytest

import pages
from conftest import ProgramFactory
from harness.database import Database
from harness.program import Files
from pages import Page
from test_back_docs import blocks
from test_cli_docs import SOURCE, squeeze, transcript

SQUASHING = pages.load(pages.DOCS / "squashing.md")
REPEATABLES = pages.load(pages.DOCS / "migration-files.md")

DUMP = """pg_dump --schema-only --exclude-table='applied_migrations*' -d "$DATABASE_URL" |
    grep -vE '^.(un)?restrict '"""

EMPTY = "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"


def files_of(page: Page) -> dict[str, str]:
    """The files that a page shows: ```sql NAME."""
    return {
        name: text for name, text in page.named("sql").items() if re.fullmatch(r"\S+\.sql", name)
    }


def squeezed(text: str) -> str:
    """A status has the times of its runs."""
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", "WHEN", squeeze(text))


def written(page: Page) -> set[str]:
    return {re.sub(" {2,}", "  ", squeezed(block)) for block in blocks(page)}


def said(program: ProgramFactory, files: Files, command: str) -> str:
    text = transcript(program(SOURCE, files), command).replace("role shop_owner", "role shop")
    return re.sub(" {2,}", "  ", squeezed(text))


def test_transcripts_of_squashing(program: ProgramFactory, database: Database) -> None:
    files = files_of(SQUASHING)
    squash = {"004_schema.sql": files["004_schema.sql"]}
    later = {"005_create_events.sql": files["005_create_events.sql"]}
    old = {name: text for name, text in files.items() if name < "004"}
    shown = written(SQUASHING)
    both = {**old, **squash}
    after = {**squash, **later}

    def apply(chosen: Files) -> None:
        assert program(SOURCE, chosen).run("--migrate-only").returncode == 0

    database.execute(*EMPTY)
    apply(old)
    assert said(program, both, "--migrate-dry-run") in shown
    apply(after)
    assert said(program, after, "--migrate-status") in shown
    database.execute(*EMPTY)
    apply({name: text for name, text in old.items() if name < "002"})
    for command in ("--migrate-dry-run", "--migrate-only"):
        assert said(program, both, command) in shown, command
    database.execute(*EMPTY)
    for command in ("--migrate-only", "--migrate-status"):
        assert said(program, both, command) in shown, command


@pytest.mark.pg_dump
def test_the_text_of_the_page_makes_the_same_schema(
    program: ProgramFactory, database: Database
) -> None:
    """As pg_dump has it, too."""
    files = files_of(SQUASHING)
    dumps = []
    for names in (("001", "002", "003"), ("004",)):
        database.execute(*EMPTY)
        chosen = {name: text for name, text in files.items() if name.startswith(names)}
        assert program(SOURCE, chosen).run("--migrate-only").returncode == 0
        command = DUMP.replace("pg_dump", shlex.quote(database.server.program("pg_dump")))
        variables = {**os.environ, "DATABASE_URL": database.admin_url}
        words = ["sh", "-c", command]
        dumps.append(
            subprocess.run(words, env=variables, capture_output=True, text=True, check=True).stdout
        )
    assert dumps[0] == dumps[1] and "CREATE TABLE" in dumps[0]


def test_transcripts_of_repeatables(program: ProgramFactory, database: Database) -> None:
    files = files_of(REPEATABLES)
    changed = {**files, "R__order_totals.sql": REPEATABLES.named("sql")["changed"]}
    shown = written(REPEATABLES)
    for now, command in [
        (files, "--migrate-only"),
        (changed, "--migrate-status"),
        (changed, "--migrate-only"),
    ]:
        assert said(program, now, command) in shown, command
    database.execute(REPEATABLES.named("sql")["again"])
    assert "R__order_totals" in said(program, changed, "--migrate-check")
