"""Scripts that --script prints, and psql that runs them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from harness.database import Database
from harness.program import Program
from outcomes import advisory_locks


@dataclass(frozen=True)
class Run:
    exit: int
    stdout: str
    stderr: str


def script_of(program: Program, verb: str = "--script", *options: str) -> str:
    result = program.run(verb, *options)
    assert result.returncode == 0, result.stderr
    return result.stdout


def psql(
    database: Database, script: str, *options: str, environment: dict[str, str] | None = None
) -> Run:
    command = [database.server.program("psql"), "-X", *options, "-d", database.url]
    run = subprocess.run(
        command,
        input=script,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **(environment or {})},
    )
    return Run(run.returncode, run.stdout, run.stderr)


def apply(database: Database, script: str) -> str:
    """To the end, without a word on stderr; returns what was printed."""
    run = psql(database, script)
    assert (run.exit, run.stderr) == (0, "")
    assert advisory_locks(database) == 0
    return run.stdout


def refused(database: Database, script: str, words: str, *options: str) -> None:
    run = psql(database, script, *options)
    assert run.exit == 3 and words in run.stderr, run


def span(program: Program, text: str) -> str:
    result = program.run(f"--script={text}", url=None)
    assert result.returncode == 0, result.stderr
    return result.stdout
