"""goose: 00001_name.sql with `-- +goose Up` and `-- +goose Down`."""

from __future__ import annotations

import re

from ..files.discover import Directory, Migration, Transaction
from .common.files import Named, Refused, collect
from .common.sections import Problems, Section, split

MARK = re.compile(rb"(?im)^--[ \t]*\+goose[ \t]+([^\r\n]*?)[ \t]*\r?$")

_NAME = re.compile(r"([0-9]+)_(.+)\.sql", re.DOTALL)
_GO = re.compile(r"[0-9]+_.*(?<!_test)\.go", re.DOTALL)

_UP, _DOWN = "-- +goose Up", "-- +goose Down"
_BEGIN, _END = "-- +goose StatementBegin", "-- +goose StatementEnd"


def parse(file: str) -> Named | Refused | None:
    """goose takes every .sql file, and .go files of its own."""
    if _GO.fullmatch(file):
        return Refused(
            "code-migration",
            "a migration in Go, which this program cannot run; write in SQL what it does",
        )
    if not file.endswith(".sql"):
        return None
    match = _NAME.fullmatch(file)
    if match is None:
        return Refused("file-name", "goose's names are NNN_name.sql; rename the file")
    return Named(file, int(match[1]), match[2])


def discover(path: str) -> Directory:
    """Reads a directory of goose."""
    return collect(path, "goose", parse, _finish)


class _Marks:
    """The annotations of one file, in their order."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.up: int | None = None
        self.down: int | None = None
        self.open: int | None = None  # a StatementBegin that has no StatementEnd yet
        self.transaction = Transaction.ALWAYS

    def take(self, at: int, word: str) -> None:
        marks = {
            "UP": self.begin_up,
            "DOWN": self.begin_down,
            "STATEMENTBEGIN": self.begin_statement,
            "STATEMENTEND": self.end_statement,
            "NO TRANSACTION": self.no_transaction,
            "ENVSUB ON": self.substitute,
            "ENVSUB OFF": self.keep,
        }
        if word.upper() in marks:
            marks[word.upper()](at)
        else:
            self.problems.error(at, f"goose has no annotation '{word}'")

    def begin_up(self, at: int) -> None:
        if self.up is not None:
            self.problems.error(at, f"a second '{_UP}'; a file is one migration")
        else:
            self.up = at

    def begin_down(self, at: int) -> None:
        self.close()
        if self.up is None:
            self.problems.error(at, f"'{_DOWN}' stands before '{_UP}'")
        elif self.down is not None:
            self.problems.error(at, f"a second '{_DOWN}'; a file is one migration")
        else:
            self.down = at

    def begin_statement(self, at: int) -> None:
        if self.up is None:
            self.problems.error(at, f"'{_BEGIN}' stands before '{_UP}'")
        self.close()
        self.open = at

    def end_statement(self, at: int) -> None:
        if self.open is None:
            self.problems.error(at, f"'{_END}' without '{_BEGIN}'")
        self.open = None

    def no_transaction(self, at: int) -> None:
        self.transaction = Transaction.NEVER

    def substitute(self, at: int) -> None:
        self.problems.error(
            at,
            "goose puts variables of the environment into this file, and a build must not; write "
            "the values",
            "placeholder",
        )

    def keep(self, at: int) -> None:
        """Nothing is put in anywhere as it is."""

    def close(self) -> None:
        if self.open is not None:
            self.problems.error(self.open, f"'{_BEGIN}' without '{_END}'")
            self.open = None


def _finish(directory: Directory, migration: Migration) -> Migration | None:
    problems = Problems(directory, migration.up)
    marks = _Marks(problems)
    for mark in MARK.finditer(migration.up.text):
        marks.take(mark.start(), " ".join(mark[1].decode("utf-8", "replace").split()))
    marks.close()
    if marks.up is None:
        if not problems.found:
            problems.error(0, f"no '{_UP}', which each file of goose's has")
        return None
    down = Section(marks.down, marks.transaction) if marks.down is not None else None
    return split(problems, migration, Section(marks.up, marks.transaction), down, _UP)
