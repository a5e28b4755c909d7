"""docs/json.schema.json describes every document of --migrate-json: each that any test gets is
checked where it is read (harness/program.py); here that it is a schema, and that it can fail."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from conftest import AppFactory
from harness.program import Builder
from harness.schema import SCHEMA, Invalid, check_documents, validate

FILES = {"001_a.up.sql": "CREATE TABLE a ();", "001_a.down.sql": "DROP TABLE a;"}


@pytest.fixture
def document(app: AppFactory) -> dict[str, Any]:
    read = app(FILES).run("--only", "--json").stdout
    return dict(json.loads(read))


def test_it_has_every_verb(builder: Builder) -> None:
    table = (builder.source / "src/cli/verbs/verbs.c").read_text()
    verbs = re.findall(r'^    \{"([a-z-]+)", ', table, re.MULTILINE)
    document = SCHEMA["$defs"]["document"]
    assert [verb for verb in document["properties"]["verb"]["enum"] if verb] == verbs
    described = [
        verb for part in document["allOf"] for verb in part["if"]["properties"]["verb"]["enum"]
    ]
    assert sorted([*described, "check"]) == sorted(verbs)


@pytest.mark.parametrize(
    "change",
    [
        {"new": 1},
        {"exit": "0"},
        {"exit": 256},
        {"exit": True},
        {"code": "done"},
        {"verb": "up"},
        {"verb": "status"},
        {"applied": -1},
        {"migrations": [{"version": "1"}]},
        {"migrations": None},
        {"error": {"code": "failed"}},
        {"verb": "down"},
    ],
    ids=str,
)
def test_what_it_does_not_describe_is_noticed(
    document: dict[str, Any], change: dict[str, Any]
) -> None:
    validate(document)
    with pytest.raises(Invalid):
        validate({**document, **change})
    with pytest.raises(Invalid):
        check_documents("a line\n" + json.dumps({**document, **change}) + "\n")


@pytest.mark.parametrize("member", ["inlay", "error", "applied", "backup", "migrations"])
def test_what_is_missing_is_noticed(document: dict[str, Any], member: str) -> None:
    del document[member]
    with pytest.raises(Invalid):
        validate(document)


WORDS = [
    *("only", "status", "check", "dry-run", "rehearse", "show", "show 1", "show 7", "await 0"),
    *("version", "help", "help down", "selftest", "redo --yes", "down batch --yes", "to 1"),
    *("down 1 --yes", "mark 1", "unmark 1", "baseline 1", "accept 1", "resume-at 1:1"),
    *("adopt goose", "reset", "down x", "schema", "drift"),
]


def test_every_verb_fits_it(app: AppFactory) -> None:
    """With what it says of a database that is empty, migrated, and not there."""
    program = app(FILES)
    for line in [*WORDS, f"reset --yes={program.database.name}"]:
        verb, *more = line.split()
        for url in ("", "postgresql://127.0.0.1:1/none"):
            result = program.run(f"--{verb}", *more, "--json", url=url)
            assert json.loads(result.stdout)["verb"] == verb
