"""CONTRIBUTING's map and its "Where do I ...": what they name is there."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PAGE = (TOP / "CONTRIBUTING.md").read_text()
TABLE = PAGE.split("## Where do I ...\n")[1].split("\n## ")[0]

WANTED = (
    "verb",
    "public call",
    "tool whose directory",
    "statement ends",
    "drift",
    "option",
    "rule",
    "layout",
    "tool to adopt from",
    "column",
    "setting",
    "event",
    "error code",
    "fault test",
)
MOST_CODE = 5


def rows() -> list[list[str]]:
    lines = [line for line in TABLE.splitlines() if line.startswith("| ")]
    found = [line.strip("| ").split(" | ") for line in lines if not line.startswith("| to add")]
    assert len(found) >= len(WANTED)
    return found


def named(text: str) -> list[str]:
    """The paths of a text: what stands in backquotes and has a slash."""
    return [name for name in re.findall(r"`([^`\s]+/[^`\s]*)`", text) if not name.startswith(".")]


def test_every_path_exists() -> None:
    paths = named(PAGE.split("## The map")[1].split("## Style")[0])
    assert len(paths) > 40
    missing = [
        name
        for name in paths
        if not (TOP / name).exists()
        and not any(
            (TOP / room / name).exists() for room in ("gen/inlay_gen", "src/library/apply", "tests")
        )
    ]
    assert missing == []


def test_what_people_add_is_there() -> None:
    asked = [row[0] for row in rows()]
    assert [what for what in WANTED if not any(what in row for row in asked)] == []


def test_each_change_is_small() -> None:
    for what, code, *_ in rows():
        assert 1 <= len(named(code)) <= MOST_CODE, what
