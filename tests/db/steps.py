"""Runs in which not every migration has a version: what happened, by the names of the files."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from harness.database import Database
from harness.program import Program


@dataclass(frozen=True)
class Run:
    """How a verb went."""

    exit: int
    code: str
    error: dict[str, Any]  # empty where there is none
    steps: list[str]  # "applied 1", "recorded 4", "applied R__report"
    warnings: list[str]
    batch: int | None
    stderr: str


def run(program: Program, *words: str, **how: Any) -> Run:
    """Runs `--WORD ...`, `--only` by default; going back is confirmed."""
    verb = words or ("only",)
    return run_of(program.run(f"--{verb[0]}", *verb[1:], "--json", "--yes", **how))


def run_of(result: subprocess.CompletedProcess[str]) -> Run:
    assert result.stdout, result.stderr
    read = json.loads(result.stdout)
    steps = [f"{step['result']} {label(step)}" for step in read.get("migrations", ())]
    return Run(
        result.returncode,
        read["code"],
        read["error"] or {},
        steps,
        read["warnings"],
        read.get("batch"),
        result.stderr,
    )


def label(step: dict[str, Any]) -> str:
    return f"R__{step['name']}" if step["version"] is None else str(step["version"])


def status(program: Program) -> dict[str, Any]:
    """The document of `--status`, and under "states" the state of each migration."""
    read: dict[str, Any] = json.loads(program.run("--status", "--json").stdout)
    read["states"] = {label(m): m["state"] for m in read["migrations"]}
    return read


def state_rows(database: Database, kind: str) -> dict[str, Any]:
    """By key, what the state table has of a kind: (checksum, done, body)."""
    query = "SELECT key, checksum, done, body FROM applied_migrations_state WHERE kind = %s"
    return {key: rest for key, *rest in database.rows(query, kind)}
