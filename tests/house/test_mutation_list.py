"""The list of mutations fits the sources: a line that was changed is changed in the list, too."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "mutations"))

ALL = importlib.import_module("test_mutations").ALL


def find_test(test: str) -> Path:
    """unit/NAME and cli/NAME are programs in C."""
    suite, _, name = test.partition("/")
    in_c = suite in ("unit", "cli")
    return TOP / "tests" / (f"{suite}/test_{name}.c" if in_c else test)


def test_each_line_stands_once_in_its_source() -> None:
    assert len(ALL) >= 150
    assert [
        str(mutation)
        for mutation in ALL
        if (TOP / mutation.file).read_text().count(mutation.old) != 1
    ] == []


def test_the_tests_that_should_notice_are_there() -> None:
    named = {test for mutation in ALL for test in mutation.tests}
    assert sorted(test for test in named if not find_test(test).is_file()) == []
