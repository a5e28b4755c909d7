"""The rules of `check --execute`, on a real server: each hazard of hazards.sql is found at its
statement, what to write instead is not, and what looks like a hazard is not either."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

import executed
import hazards
from harness.program import Builder
from harness.server import find_bindir
from inlay_gen.execute.words import SEVERITY
from inlay_gen.files.discover import discover
from inlay_gen.rules.check import check
from inlay_gen.scratch.server import Server
from replay import Fact, replay

CASES = hazards.read(Path(__file__).with_name("hazards.sql"))


def test_there_are_enough() -> None:
    bad = [case for case in CASES if case.bad]
    assert len(bad) >= 78
    assert {case.rule for case in bad} == set(SEVERITY)
    assert {case.rule for case in CASES if case.good} == set(SEVERITY)


@pytest.mark.parametrize("kind", ["bad", "good"])
def test_the_hazards(kind: str, builder: Builder, tmp_path: Path) -> None:
    """All of them in one directory, each in a schema of its own."""
    files, released, expected = hazards.directory(CASES, kind)
    directory = executed.write(tmp_path / "migrations", files, released)
    program = executed.program_of(builder, directory)
    assert executed.check(builder, directory, program).found == expected
    assert len(expected) >= (78 if kind == "bad" else 0)


@contextlib.contextmanager
def a_server() -> Iterator[str]:
    """The URL of a server of its own: the hazards make roles."""
    server = Server(find_bindir())
    try:
        yield server.url()
    finally:
        server.close()


def facts_of(document: str) -> set[Fact]:
    """What the program's rehearsal says, as the replay has it. Without a transaction a lock is
    gone before it can be seen, and the program tells it from the kind of the statement."""
    facts: set[Fact] = set()
    for migration in json.loads(document)["migrations"]:
        seen = ("rewrites", "scans", *(["locks"] if migration["transaction"] else []))
        for statement in migration["statements"]:
            at = (migration["file"], statement["number"])
            for what in seen:
                for one in statement[what]:
                    word = {"rewrites": "rewrite", "scans": "scan"}.get(what, one.get("mode"))
                    if one["kind"] in ("table", "partitioned table", "materialized view"):
                        facts.add((*at, word, one["relation"]))
    return {fact for fact in facts if fact[2] in ("rewrite", "scan", "ACCESS EXCLUSIVE")}


@pytest.mark.parametrize("kind", ["bad", "good"])
def test_the_facts(kind: str, builder: Builder, tmp_path: Path) -> None:
    """The program's are those of a replay that asks after each statement."""
    files, released, _ = hazards.directory(CASES, kind)
    directory = executed.write(tmp_path / "migrations", files, released)
    program = executed.program_of(builder, directory)
    with a_server() as url:
        words = [str(program), "--rehearse=keep", "--yes", "--json", "--database", url]
        done = subprocess.run(words, capture_output=True, text=True)
    migrations, _ = check(discover(str(directory)))
    with a_server() as url:
        expected = replay(url, migrations)
    assert len(expected) > 50
    assert facts_of(done.stdout) == expected
