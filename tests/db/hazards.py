"""The table of hazards, hazards.sql: what is there before, a bad file with marks where findings
are, and good files. Each case has a schema of its own, and all of them are one directory."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from executed import Found

ALONE = "-- inlay: no-transaction\n"
MARK = re.compile(r"--!(-\d+)?(?: ([a-z][a-z-]+))?")


@dataclass
class Part:
    """A file."""

    alone: bool
    text: str = ""


@dataclass
class Case:
    """A hazard and what to write instead; without a bad file, what looks like one."""

    number: int
    rule: str
    name: str
    before: Part = field(default_factory=lambda: Part(False))
    bad: list[Part] = field(default_factory=list)
    good: list[Part] = field(default_factory=list)

    def text_of(self, part: Part) -> str:
        """The lines stay where they are."""
        path = f"SET {'' if part.alone else 'LOCAL '}search_path = case_{self.number};"
        text = part.text.replace("{case}", str(self.number))
        return (ALONE.strip() + "\n" if part.alone else "\n") + path + text

    def expected(self, part: Part, file: str) -> list[Found]:
        """The marks, each on its line or some lines up."""
        return [
            (mark[2] or self.rule, file, 2 + number + int(mark[1] or 0))
            for number, line in enumerate(part.text.splitlines())
            for mark in MARK.finditer(line)
        ]


def read(path: Path) -> list[Case]:
    cases: list[Case] = []
    part = Part(False)
    for line in path.read_text().splitlines(keepends=True):
        if not line.startswith("--- "):
            part.text += line
            continue
        head = line[4:].strip()
        kind, _, alone = head.partition(" ")
        if kind in ("good", "bad"):
            part = Part(alone == "alone")
            (cases[-1].good if kind == "good" else cases[-1].bad).append(part)
        else:
            rule, _, name = head.partition(": ")
            cases.append(Case(len(cases) + 1, rule, name))
            part = cases[-1].before
    return cases


def directory(cases: list[Case], kind: str) -> tuple[dict[str, str], list[str], list[Found]]:
    """The files, those that are released, and what is to be found in the others."""
    files: dict[str, str] = {}
    expected: list[Found] = []
    for case in cases:
        text = f"CREATE SCHEMA case_{case.number};\n{case.text_of(case.before)}"
        files[f"{len(files) + 1:04}_before_{case.number}.sql"] = text
    released = list(files)
    for case in cases:
        for part in case.good if kind == "good" else case.bad:
            file = f"{len(files) + 1:04}_{kind}_{case.number}.sql"
            files[file] = case.text_of(part)
            expected += case.expected(part, file)
    return files, released, sorted(expected)
