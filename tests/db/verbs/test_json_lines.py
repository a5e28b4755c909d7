"""--migrate-json=lines: an event a line on stdout, as it happens, and the document last."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.schema import Invalid, validate

FILES = {
    "001_a.up.sql": "CREATE TABLE a ();",
    "001_a.down.sql": "DROP TABLE a;",
    "002_b.up.sql": "DO $$ BEGIN RAISE NOTICE 'seen'; END $$;",
    "002_b.down.sql": "SELECT 1;",
}


def lines(result: subprocess.CompletedProcess[str]) -> tuple[list[dict[str, Any]], Any]:
    """The events, and the document."""
    *events, document = map(json.loads, result.stdout.splitlines())
    assert all("event" in event for event in events) and "verb" in document
    return events, document


def short(events: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    named = ("event", "version", "direction", "index", "count", "batch")
    kept = [event for event in events if event["event"] not in ("log", "waiting", "progress")]
    return [tuple(event[name] for name in named) for event in kept]


def test_a_run(app: AppFactory) -> None:
    events, document = lines(app(FILES).run("--only", "--json=lines"))
    assert short(events) == [
        ("begin", None, None, 0, 2, 1),
        ("started", "1", "up", 1, 2, 1),
        ("applied", "1", "up", 1, 2, 1),
        ("started", "2", "up", 2, 2, 1),
        ("applied", "2", "up", 2, 2, 1),
        ("end", None, None, 2, 2, 1),
    ]
    logged = [(event["level"], event["text"]) for event in events if event["event"] == "log"]
    assert ("info", "creating the history public.applied_migrations") in logged
    assert any(level == "notice" and "seen" in text for level, text in logged)
    assert (document["applied"], document["code"]) == (2, "ok")


def test_going_back_and_failing(app: AppFactory) -> None:
    program = app({**FILES, "003_c.sql": "SELECT 1 FROM nowhere;"})
    events, document = lines(program.run("--only", "--json=lines"))
    assert [event[:2] for event in short(events)][-2:] == [("failed", "3"), ("end", None)]
    assert document["code"] == "failed"
    events, _ = lines(program.run("--down", "1", "--yes", "--json=lines"))
    assert ("undone", "2", "down", 1, 1, None) in [(*e[:5], None) for e in short(events)]
    events, _ = lines(program.run("--rehearse", "--json=lines"))
    assert "rehearsed" in [event[0] for event in short(events)]


def test_as_it_happens(app: AppFactory, database: Database) -> None:
    """A line is there while the run goes on, and it goes on until it may."""
    waits = {"003_c.sql": "-- inlay: lock_timeout=0\nSELECT pg_advisory_xact_lock(7);"}
    with database.connect() as held:
        held.execute("SELECT pg_advisory_lock(7)")
        process = app({**FILES, **waits}).start("--only", "--json=lines")
        assert process.stdout is not None
        seen: list[str] = []
        while not seen or seen[-1] != "progress":
            seen.append(json.loads(process.stdout.readline())["event"])
        assert process.poll() is None and "applied" in seen
    out, _ = process.communicate()
    assert json.loads(out.splitlines()[-1])["applied"] == 3


@pytest.mark.parametrize("event", [{"event": "done"}, {"event": "log"}, {"event": "applied"}])
def test_the_schema_notices(event: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        validate(event)
