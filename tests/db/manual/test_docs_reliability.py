"""docs/reliability.md: each of its rules has a test (reliability_rules.py), and no fault is left
out."""

from __future__ import annotations

import re
from pathlib import Path

import pages
from conftest import FAULTS
from reliability_rules import EVENTS, RULES

HERE = Path(__file__).parents[1]
PAGE = pages.load(pages.DOCS / "reliability.md")
NAMED = [name.partition("::") for tests in (*EVENTS.values(), *RULES.values()) for name in tests]


def part(heading: str) -> str:
    return PAGE.prose.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def functions(name: str) -> set[str]:
    """The tests of a file."""
    path = HERE / name
    text = path.read_text() if path.exists() else ""
    return set(re.findall(r"^def (test_\w+)", text, re.MULTILINE))


def test_every_rule_has_a_test() -> None:
    rules = re.findall(r"^### (.*)$", part("The rules"), re.MULTILINE)
    assert len(rules) > 10 and rules == list(RULES)
    assert all(RULES.values())


def test_every_event_has_a_test() -> None:
    rows = re.findall(r"^\| (.+?) \| .+ \|$", part("What happens when"), re.MULTILINE)
    assert len(rows) > 10 and rows == list(EVENTS)
    assert all(EVENTS.values())


def test_every_test_that_is_named_exists() -> None:
    assert len(NAMED) > 100
    missing = [f"{file}::{test}" for file, _, test in NAMED if test and test not in functions(file)]
    missing += [file for file, _, _ in NAMED if not functions(file)]
    assert missing == []


def test_every_file_of_faults_is_named() -> None:
    files = {f"faults/{path.name}" for path in HERE.glob("faults/test_fault_*.py")}
    assert len(files) > 5 and files <= {file for file, _, _ in NAMED}


def test_what_is_named_is_in_the_fault_suite() -> None:
    """./dev test --faults runs them all, as the page says."""
    assert {file for file, _, _ in NAMED if not Path(file).name.startswith(FAULTS)} == set()
