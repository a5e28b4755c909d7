"""coverage.py SOURCE BUILD: what the tests of a build directory came to in src/.

Prints the lines and branches of each file, and then what no test came to: FILE:LINES, FUNCTION.
What was killed, or became another program, has counted nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Iterator


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    reached: int = 0
    total: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.reached + other.reached, self.total + other.total)

    def __str__(self) -> str:
        percent = 100 * self.reached / self.total if self.total else 100
        return f"{percent:5.1f} % of {self.total:5}"


@dataclass(frozen=True)
class File:
    name: str
    lines: Share
    branches: Share
    missed: list[tuple[int, int, str]]  # first line, last line, function


def gcovr(source: str, build: str) -> Any:
    command = ["gcovr", "--root", source, "--filter", f"{source}/src/", "--json", "--output", "-"]
    result = subprocess.run([*command, build], stdout=subprocess.PIPE, check=True)
    return json.loads(result.stdout)


def function_at(functions: list[tuple[int, str]], line: int) -> str:
    """Functions are in the order of their lines."""
    return next((name for start, name in reversed(functions) if start <= line), "")


def missed_ranges(
    lines: list[tuple[int, int]], functions: list[tuple[int, str]]
) -> Iterator[tuple[int, int, str]]:
    """Lines with code of which none in between was reached; (line, count) in their order."""
    first = last = 0
    for line, count in [*lines, (0, 1)]:
        name = function_at(functions, line)
        if first and (count or name != function_at(functions, first)):
            yield first, last, function_at(functions, first)
            first = 0
        if not count:
            first, last = first or line, line


def read_file(entry: Any) -> File:
    counted = [line for line in entry["lines"] if not line.get("gcovr/noncode")]
    lines = sorted((line["line_number"], line["count"]) for line in counted)
    branches = [branch["count"] > 0 for line in counted for branch in line["branches"]]
    functions = sorted((f["lineno"], f["name"]) for f in entry["functions"])
    return File(
        entry["file"],
        Share(sum(count > 0 for _, count in lines), len(lines)),
        Share(sum(branches), len(branches)),
        list(missed_ranges(lines, functions)),
    )


def print_report(files: list[File]) -> None:
    for file in files:
        print(f"{file.name:28} lines {file.lines}, branches {file.branches}")
    lines = sum((file.lines for file in files), Share())
    branches = sum((file.branches for file in files), Share())
    print("\nNot reached:")
    for file in files:
        for first, last, function in file.missed:
            span = str(first) if first == last else f"{first}-{last}"
            print(f"{file.name}:{span}: {function}")
    print(f"\nlines {lines}, branches {branches}")


def main(source: str, build: str) -> int:
    files = [read_file(entry) for entry in gcovr(source, build)["files"]]
    print_report(sorted(files, key=lambda file: file.name))
    return 0 if files else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
