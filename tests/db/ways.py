"""Going back: running a verb and reading how it went, and the schema to compare."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from typing import Any

from harness.database import Database
from harness.program import Program

# A pair of files for each table; the second of them without a transaction.
ALONE = "-- inlay: no-transaction\n"


@dataclass(frozen=True)
class Way:
    """How a verb went."""

    exit: int
    code: str
    error: dict[str, Any]  # empty where there is none
    steps: list[tuple[int, str]]  # version and result, in order
    batch: int | None
    stderr: str


def go(program: Program, *words: str, yes: bool = True, **how: Any) -> Way:
    """Runs `--WORD ...` to its end; going back is confirmed unless told otherwise."""
    return way_of(program.run(*command(*words, yes=yes), **how))


def command(*words: str, yes: bool = True) -> list[str]:
    return [f"--{words[0]}", *words[1:], "--json", *(["--yes"] if yes else [])]


def finish(process: subprocess.Popen[str]) -> Way:
    """Waits for a verb that was started."""
    stdout, stderr = process.communicate(timeout=60)
    return way_of(subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr))


def way_of(result: subprocess.CompletedProcess[str]) -> Way:
    assert result.stdout, result.stderr
    read = json.loads(result.stdout)
    steps = [(int(step["version"]), step["result"]) for step in read.get("migrations", ())]
    counted = sum(step[1] == "undone" for step in steps)
    assert read.get("undone", 0) == counted
    return Way(
        result.returncode,
        read["code"],
        read["error"] or {},
        steps,
        read.get("batch"),
        result.stderr,
    )


def undone(*versions: int) -> list[tuple[int, str]]:
    return [(version, "undone") for version in versions]


def applied(*versions: int) -> list[tuple[int, str]]:
    return [(version, "applied") for version in versions]


def table(version: int, name: str, alone: bool = False) -> dict[str, str]:
    """A migration that creates a table, and the way back."""
    head = ALONE if alone else ""
    return {
        f"{version:03d}_{name}.up.sql": f"{head}CREATE TABLE {name} ();\n",
        f"{version:03d}_{name}.down.sql": f"{head}DROP TABLE {name};\n",
    }


def schema(database: Database) -> str:
    """All that is in the database but the history, as pg_dump writes it."""
    dump = [database.server.program("pg_dump"), "--schema-only", "-d", database.admin_url]
    dump += ["--exclude-table", "applied_migrations", "--exclude-table", "applied_migrations_state"]
    text = subprocess.run(dump, capture_output=True, text=True, check=True, timeout=60).stdout
    return re.sub(r"^\\(un)?restrict .*\n", "", text, flags=re.MULTILINE)


def batches(database: Database) -> list[tuple[int, int | None]]:
    """Version and batch of each row."""
    query = "SELECT version, batch FROM applied_migrations ORDER BY version"
    return [(version, batch) for version, batch in database.rows(query)]


def half_done(database: Database) -> list[tuple[str, int]]:
    """The progress of files without a transaction: version and statements done."""
    query = "SELECT key, done FROM applied_migrations_state WHERE kind = 'progress'"
    return [(key, done) for key, done in database.rows(query)]
