"""docs/performance.md and the README's rows are what bench/page.py makes of bench/figures.json."""

from __future__ import annotations

import copy
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "bench"), str(TOP / "tests" / "db")]
page = importlib.import_module("page")
measure = importlib.import_module("measure")
peers = importlib.import_module("peers")


@pytest.fixture
def figures() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((TOP / "bench" / "figures.json").read_text())
    return found


def test_the_page_is_what_the_writer_makes(figures: dict[str, Any]) -> None:
    assert (TOP / "docs" / "performance.md").read_text() == page.page(figures)


def test_the_readme_has_six_rows_of_it(figures: dict[str, Any]) -> None:
    rows = page.readme(figures)
    assert len([line for line in rows.splitlines() if line.startswith("|")]) == 2 + 6
    assert page.IN_README.findall((TOP / "README.md").read_text()) == [rows]


def test_where_inlay_takes_more_is_said(figures: dict[str, Any]) -> None:
    changed = copy.deepcopy(figures)
    peer = changed["apply"]["far"][-1]
    peer["seconds"] = peer["cpu_seconds"] = 0.0001
    told = page.worse(changed)
    for what in ("time", "CPU"):
        (line,) = [
            line for line in told if line.startswith(f"- 200 migrations, 10 ms away, {what}:")
        ]
        assert f" {peer['name']} 0.1 ms; inlay " in line
    assert "\n".join(told) in page.page(changed)


def test_a_loaded_machine_is_told(figures: dict[str, Any]) -> None:
    for load, told in ((0.3, False), (12.25, True)):
        changed = {**figures, "about": {**figures["about"], "load": load}}
        for text in (page.page(changed), page.readme(changed)):
            assert ("Other work ran on the machine (load average 12.2" in text) is told


def test_what_took_long_enough_is_not_run_again() -> None:
    ran = []

    def action(name: str, seconds: float) -> Any:
        ran.append(name)
        return measure.Usage(seconds, 0.0, 1.0)

    subjects = {name: lambda n=name, s=s: action(n, s) for name, s in (("a", 1.0), ("b", 9.0))}
    rows = measure.in_turn(subjects, 3, 8.0)
    assert ran == ["a", "b", "a", "a"]  # in turn
    assert [(row["name"], row["runs"], row["seconds"]) for row in rows] == [
        ("a", 3, 1.0),
        ("b", 1, 9.0),
    ]


def test_a_peer_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one that lacks what it runs on."""
    for name in ("dbmate", "liquibase"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found, missing = peers.find(tmp_path / "home", [(1, "a", ("SELECT 1",))])
    assert [peer.name for peer in found] == [*peers.WITHOUT_HISTORY, "dbmate"]
    assert {"goose", "migrate", "sql-migrate", "liquibase"} <= set(missing)


def test_a_part_that_is_not_there() -> None:
    command = [sys.executable, TOP / "bench" / "run.py", "--only", "nothing"]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 2
    assert all(part in done.stderr for part in page.SECTIONS)
