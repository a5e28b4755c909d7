"""sql-migrate: 20240131120000-name.sql with `-- +migrate Up` and `-- +migrate Down`."""

from __future__ import annotations

import re

from ..files.discover import Directory, Migration, Transaction
from .common.files import Named, Refused, collect
from .common.sections import Problems, Section, split

NAME = "sql-migrate"
MARK = re.compile(rb"(?im)^[ \t]*--[ \t]*\+[ \t]*migrate\b([^\r\n]*?)[ \t]*\r?$")

_NAME = re.compile(r"([0-9]+)(.*)\.sql", re.DOTALL)
_EXACT = re.compile(rb"-- \+migrate (Up|Down|StatementBegin|StatementEnd)((?:[ \t][^\r\n]*)?)")

_UP, _DOWN = "-- +migrate Up", "-- +migrate Down"


def parse(file: str) -> Named | Refused | None:
    """sql-migrate runs a file without a number, too, after all others."""
    if not file.endswith(".sql"):
        return None
    match = _NAME.fullmatch(file)
    if match is None:
        return Refused(
            "file-name",
            "sql-migrate runs a file without a number last, and here it would have no version: "
            "rename the file to NNN_name.sql",
        )
    return Named(file, int(match[1]), match[2].lstrip("_-") or match[1])


def discover(path: str) -> Directory:
    """Reads a directory of sql-migrate."""
    return collect(path, NAME, parse, finish)


class _Marks:
    """The marks of one file, in their order."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.up: Section | None = None
        self.down: Section | None = None
        self.open: int | None = None  # a StatementBegin that has no StatementEnd yet

    def take(self, at: int, word: bytes, options: bytes) -> None:
        alone = b"notransaction" in options.split()
        section = Section(at, Transaction.NEVER if alone else Transaction.ALWAYS)
        if word == b"StatementBegin":
            self.close()
            self.open = at
        elif word == b"StatementEnd":
            if self.open is None:
                self.problems.error(at, "'StatementEnd' without 'StatementBegin'")
            self.open = None
        elif (self.up if word == b"Up" else self.down) is not None:
            text = f"a second '-- +migrate {word.decode()}'; make a migration of its own of each"
            self.problems.error(at, text)
        elif word == b"Up":
            self.close()
            self.up = section
            if self.down is not None:
                self.problems.error(at, f"'{_DOWN}' stands before '{_UP}'")
        else:
            self.close()
            self.down = section

    def close(self) -> None:
        if self.open is not None:
            self.problems.error(self.open, "'StatementBegin' without 'StatementEnd'")
            self.open = None


def finish(directory: Directory, migration: Migration) -> Migration | None:
    """The two parts of a file."""
    problems = Problems(directory, migration.up)
    marks = _Marks(problems)
    for mark in MARK.finditer(migration.up.text):
        exact = _EXACT.fullmatch(mark[0].rstrip())
        if exact is not None:
            marks.take(mark.start(), exact[1], exact[2])
        else:
            problems.error(
                mark.start(),
                "sql-migrate does not know this mark: its own are -- +migrate Up, Down, "
                "StatementBegin and StatementEnd",
            )
    marks.close()
    if marks.up is None:
        if not problems.found:
            problems.error(0, f"no '{_UP}', which each file of sql-migrate's has")
        return None
    return split(problems, migration, marks.up, marks.down, _UP)
