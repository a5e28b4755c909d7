"""A rehearsal: running it and reading how it went."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from harness.database import Database
from harness.program import Program
from outcomes import backends

ALONE = "-- inlay: no-transaction\n"
UNCHANGED = "nothing was changed: this was a rehearsal"
BASE = {"001_base.sql": "CREATE TABLE base (x integer);\nINSERT INTO base VALUES (1), (2);\n"}
TWO = {"002_two.sql": "CREATE TABLE two (y integer);\n"}


@dataclass(frozen=True)
class Rehearsal:
    """How `--rehearse` went."""

    exit: int
    code: str
    error: dict[str, Any]  # empty where there is none
    steps: list[tuple[str | None, str]]  # version and result
    warnings: list[str]
    stderr: str

    @property
    def place(self) -> tuple[str, int, int]:
        return (self.error["path"], self.error["line"], self.error["column"])


def rehearse(program: Program, *options: str, **how: Any) -> Rehearsal:
    return rehearsal_of(program.run("--rehearse", "--json", *options, **how))


def rehearsal_of(result: subprocess.CompletedProcess[str]) -> Rehearsal:
    assert result.stdout, result.stderr
    read = json.loads(result.stdout)
    assert read["exit"] == result.returncode and read["verb"] == "rehearse"
    steps = [(step["version"], step["result"]) for step in read["migrations"]]
    counted = [result for _, result in steps]
    assert read["rehearsed"] == counted.count("rehearsed")
    assert read["unrehearsed"] == counted.count("unrehearsed")
    return Rehearsal(
        result.returncode,
        read["code"],
        read["error"] or {},
        steps,
        read["warnings"],
        result.stderr,
    )


def ran(*steps: int) -> list[tuple[str | None, str]]:
    return [(str(version), "rehearsed") for version in steps]


def is_there(database: Database, name: str) -> bool:
    return bool(database.value("SELECT to_regclass(%s) IS NOT NULL", name))


def sleeping(database: Database) -> bool:
    return backends(database, "query ~ 'pg_sleep' AND state = 'active'") > 0
