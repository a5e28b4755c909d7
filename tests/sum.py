"""sum.py BUILD ...: adds up what the tests of build directories have written, one line for each.

The last line is "N passed, N failed", with ", N skipped" if any were. Exits with 1 if a test
failed. A test that Meson ran and that wrote no results, or results without a single test in them,
or that failed by itself (a crash, a leak at the end) although its results say otherwise, counts as
one that failed; so does a directory in which no test was run.
"""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def __str__(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


FAILURES_NAMED = 5


def has_failed(case: ElementTree.Element) -> bool:
    return case.find("failure") is not None or case.find("error") is not None


def failures_of(path: Path) -> str:
    """The first tests of one JUnit file that failed."""
    cases = [case for case in ElementTree.parse(path).iter("testcase") if has_failed(case)]
    names = [case.get("name", "?") for case in cases[:FAILURES_NAMED]]
    return ", ".join(names + ["..."] * (len(cases) > FAILURES_NAMED))


def count_file(path: Path) -> Count:
    """The sum of one JUnit file, taken from its cases rather than from what it claims."""
    count = Count()
    for case in ElementTree.parse(path).iter("testcase"):
        if has_failed(case):
            count += Count(failed=1)
        elif case.find("skipped") is not None:
            count += Count(skipped=1)
        else:
            count += Count(passed=1)
    return count


def count_elsewhere(path: Path) -> int:
    """How many tests of one JUnit file ran on the distribution's server instead."""
    properties = ElementTree.parse(path).iterfind(".//testcase/properties/property")
    return sum(p.get("name") == "server" and p.get("value") == "distribution" for p in properties)


def remarks_of(path: Path) -> list[str]:
    """What one JUnit file says of the whole run, and why tests were skipped."""
    tree = ElementTree.parse(path)
    properties = [p for suite in tree.iter("testsuite") for p in suite.iterfind("properties/*")]
    remarks = [p.get("value", "") for p in properties if p.get("name") == "remark"]
    elsewhere = count_elsewhere(path)
    if elsewhere:
        remarks.append(f"{elsewhere} need pg_dump and ran on the distribution's server")
    reasons = {skipped.get("message", "") for skipped in tree.iter("skipped")} - {""}
    return remarks + [f"skipped: {reason}" for reason in sorted(reasons)]


def count_test(results: Path, name: str, ended_well: bool) -> tuple[Count, str]:
    """The sum of one registered test and remarks on it."""
    path = results / f"{name}.xml"
    try:
        count = count_file(path)
    except FileNotFoundError:
        return Count(failed=1), "wrote no results"
    except ElementTree.ParseError as error:
        return Count(failed=1), f"wrote no sound results: {error}"
    if count == Count():
        return Count(failed=1), "ran no tests"
    remarks = [failures_of(path)] * (count.failed > 0) + remarks_of(path)
    if not ended_well and not count.failed:
        count, remarks = count + Count(failed=1), ["failed outside its tests", *remarks]
    return count, "; ".join(remarks)


def meson_results(build: Path) -> dict[str, bool]:
    """The tests that Meson ran, and whether each ended with status 0."""
    log = build / "meson-logs" / "testlog.json"
    if not log.exists():
        return {}
    results = [json.loads(line) for line in log.read_text().splitlines()]
    return {result["name"].rpartition(" / ")[2]: result["result"] == "OK" for result in results}


def count_build(build: Path) -> Count:
    total = Count()
    for name, ended_well in meson_results(build).items():
        count, remark = count_test(build / "results", name, ended_well)
        print(f"{build.name}: {name}: {count}" + (f" ({remark})" if remark else ""))
        total += count
    if total == Count():
        print(f"{build.name}: no test was run")
        total = Count(failed=1)
    return total


def main(builds: list[str]) -> int:
    total = sum((count_build(Path(build)) for build in builds), Count())
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
