"""docs/reliability.md names the tests that hold its rules: they exist, and no fault is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pages
from conftest import FAULTS

HERE = Path(__file__).parent
PAGE = pages.load(pages.DOCS / "reliability.md")
NAMED = re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", PAGE.prose)


def functions(name: str) -> set[str]:
    """The tests of a file."""
    path = HERE / name
    text = path.read_text() if path.exists() else ""
    return set(re.findall(r"^def (test_\w+)", text, re.MULTILINE))


def test_every_test_that_is_named_exists() -> None:
    assert len(NAMED) > 50
    missing = [f"{file}::{test}" for file, test in NAMED if test and test not in functions(file)]
    missing += [file for file, _ in NAMED if not functions(file)]
    assert missing == []


def test_every_file_of_faults_is_named() -> None:
    files = {path.name for path in HERE.glob("test_fault_*.py")}
    assert files <= {file for file, _ in NAMED}


def test_what_is_named_is_in_the_fault_suite() -> None:
    """./dev test --faults runs them all, as the page says."""
    assert {file for file, _ in NAMED if not file.startswith(FAULTS)} == set()


def test_every_rule_says_what_goes_wrong_and_which_test_tells() -> None:
    rules = PAGE.text.partition("\n## The rules\n")[2].partition("\n## ")[0].split("\n### ")[1:]
    for rule in rules:
        assert "\n* **Without it**" in rule and "\n* **Tests** `test_" in rule, rule
