"""The sum at the end of a run is true, and silence is not success."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SUM = Path(__file__).resolve().parents[1] / "sum.py"
GOOD = '<testsuite><testcase name="a"/><testcase name="b"/></testsuite>'


def make_build(directory: Path, tests: dict[str, tuple[str, str]]) -> Path:
    """A build directory in which these tests ran: Meson's verdict and the results written."""
    (directory / "meson-logs").mkdir(parents=True)
    (directory / "results").mkdir()
    lines = []
    for name, (verdict, results) in tests.items():
        lines.append(json.dumps({"name": f"inlay:unit / {name}", "result": verdict}) + "\n")
        if results:
            (directory / "results" / f"{name}.xml").write_text(results)
    (directory / "meson-logs" / "testlog.json").write_text("".join(lines))
    return directory


def run_sum(*builds: Path) -> tuple[int, list[str]]:
    result = subprocess.run(
        [sys.executable, str(SUM), *map(str, builds)], stdout=subprocess.PIPE, text=True
    )
    return result.returncode, result.stdout.splitlines()


def test_all_is_well(tmp_path: Path) -> None:
    build = make_build(tmp_path / "b", {"plan": ("OK", GOOD), "db": ("OK", GOOD)})
    status, lines = run_sum(build)
    assert status == 0
    assert lines == ["b: plan: 2 passed, 0 failed", "b: db: 2 passed, 0 failed", lines[-1]]
    assert lines[-1] == "4 passed, 0 failed"


def test_several_builds_are_added_up(tmp_path: Path) -> None:
    first = make_build(tmp_path / "first", {"plan": ("OK", GOOD)})
    second = make_build(tmp_path / "second", {"plan": ("OK", GOOD)})
    assert run_sum(first, second)[1][-1] == "4 passed, 0 failed"


@pytest.mark.parametrize("kind", ["failure", "error"])
def test_one_failed(tmp_path: Path, kind: str) -> None:
    results = (
        f'<testsuites><testsuite><testcase name="a"><{kind}/></testcase></testsuite></testsuites>'
    )
    build = make_build(tmp_path / "b", {"plan": ("FAIL", results), "db": ("OK", GOOD)})
    status, lines = run_sum(build)
    assert (status, lines[-1]) == (1, "2 passed, 1 failed")
    assert lines[0] == "b: plan: 0 passed, 1 failed (a)"


def test_skipped_tests_are_told(tmp_path: Path) -> None:
    results = '<testsuite><testcase name="a"><skipped/></testcase><testcase name="b"/></testsuite>'
    status, lines = run_sum(make_build(tmp_path / "b", {"plan": ("OK", results)}))
    assert (status, lines[-1]) == (0, "1 passed, 0 failed, 1 skipped")


def test_the_reasons_for_skipping_are_told_once(tmp_path: Path) -> None:
    case = '<testcase name="a"><skipped message="{}"/></testcase>'
    results = "".join(["<testsuite>", *map(case.format, "ABA"), "</testsuite>"])
    _, lines = run_sum(make_build(tmp_path / "b", {"db": ("OK", results)}))
    assert lines[0] == "b: db: 0 passed, 0 failed, 3 skipped (skipped: A; skipped: B)"


def test_what_a_run_says_of_itself_is_told(tmp_path: Path) -> None:
    said = '<properties><property name="remark" value="PostgreSQL 18.4"/></properties>'
    results = f'<testsuites><testsuite>{said}<testcase name="a"/></testsuite></testsuites>'
    for verdict, line in (
        ("OK", "b: db: 1 passed, 0 failed (PostgreSQL 18.4)"),
        ("FAIL", "b: db: 1 passed, 1 failed (failed outside its tests; PostgreSQL 18.4)"),
    ):
        build = make_build(tmp_path / verdict / "b", {"db": (verdict, results)})
        assert run_sum(build)[1][0] == line


def test_what_ran_on_another_server_is_told(tmp_path: Path) -> None:
    moved = '<properties><property name="server" value="distribution"/></properties>'
    results = f'<testsuite><testcase name="a">{moved}</testcase><testcase name="b"/></testsuite>'
    status, lines = run_sum(make_build(tmp_path / "pg18", {"db": ("OK", results)}))
    assert (status, lines[-1]) == (0, "2 passed, 0 failed")
    assert lines[0] == (
        "pg18: db: 2 passed, 0 failed (1 need pg_dump and ran on the distribution's server)"
    )


@pytest.mark.parametrize(
    ("verdict", "results", "remark"),
    [
        ("OK", "", "0 passed, 1 failed (wrote no results)"),
        ("FAIL", "", "0 passed, 1 failed (wrote no results)"),
        ("OK", "<testsuite/>", "0 passed, 1 failed (ran no tests)"),
        ("OK", "<testsuite>", "0 passed, 1 failed (wrote no sound results: "),
        ("FAIL", GOOD, "2 passed, 1 failed (failed outside its tests)"),
        ("TIMEOUT", GOOD, "2 passed, 1 failed (failed outside its tests)"),
    ],
)
def test_silence_is_failure(tmp_path: Path, verdict: str, results: str, remark: str) -> None:
    build = make_build(tmp_path / "b", {"plan": (verdict, results)})
    status, lines = run_sum(build)
    assert status == 1
    assert lines[0].startswith("b: plan: " + remark)


def test_a_build_without_tests_is_failure(tmp_path: Path) -> None:
    good = make_build(tmp_path / "good", {"plan": ("OK", GOOD)})
    empty = make_build(tmp_path / "empty", {})
    for bad in (empty, tmp_path / "missing"):
        status, lines = run_sum(good, bad)
        assert status == 1
        assert lines[-2:] == [f"{bad.name}: no test was run", "2 passed, 1 failed"]
