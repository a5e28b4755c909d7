"""Findings in real migrations, judged by hand. labelled.tsv has the verdicts: right or wrong; found
or silent before the rules were mended, and after; where; the rule; and the kind, which says why.
labelled.sql and hazards.sql have each kind in a small form of our own: what is right is found at
its statement, and what was a false alarm is silent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import executed
import hazards
from harness.program import Builder

pytestmark = pytest.mark.plain  # what the newest PostgreSQL does is asked too

HERE = Path(__file__).parent
OURS = hazards.read(HERE / "labelled.sql")
ALL = [*hazards.read(HERE / "hazards.sql"), *OURS]
ROWS = [line.split("\t") for line in (HERE / "labelled.tsv").read_text().splitlines()]


@pytest.mark.parametrize("form", ["bad", "good"])
def test_the_kinds(form: str, builder: Builder, tmp_path: Path) -> None:
    files, released, expected = hazards.directory(OURS, form)
    directory = executed.write(tmp_path / "migrations", files, released)
    program = executed.program_of(builder, directory)
    assert executed.check(builder, directory, program).found == expected


def test_there_are_enough() -> None:
    assert sum(len(case.bad) + len(case.good) for case in ALL) >= 200


def test_the_table() -> None:
    """Each row has a kind, and 95 of 100 findings are right."""
    kinds = {f"{case.rule}: {case.name}" for case in ALL}
    projects = {row[1] for row in ROWS if row[0] == "project"}
    found: Counter[str] = Counter()
    for verdict, *rest in ROWS[len(projects) :]:
        _, after, project, file, line, rule, kind = rest
        assert verdict in ("right", "wrong") and project in projects
        assert file.endswith(".sql") and int(line) > 0
        assert (kind if ": " in kind else f"{rule}: {kind}") in kinds
        found[f"{verdict} {after}"] += 1
    assert len(projects) >= 6
    assert found["right found"] >= 200
    assert found["right found"] >= 0.95 * (found["right found"] + found["wrong found"])
    assert found["right silent"] <= 0.05 * found["right found"]
