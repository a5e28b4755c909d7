"""What is wrong with a directory of migrations, as data."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.IntEnum):
    ERROR = 0
    WARNING = 1

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, order=True)
class Place:
    """A place in a file: line and column count from 1, columns in characters."""

    path: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


def place_in(path: str, data: bytes, offset: int) -> Place:
    """Where an offset is."""
    start = data.rfind(b"\n", 0, offset) + 1
    column = len(data[start:offset].decode("utf-8", "replace")) + 1
    return Place(path, data.count(b"\n", 0, start) + 1, column)


@dataclass(frozen=True, order=True)
class Note:
    """The other half of a finding: the file that has the version already."""

    place: Place
    text: str


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong, and what to do about it."""

    place: Place
    severity: Severity
    rule: str
    text: str
    notes: tuple[Note, ...] = ()

    def lines(self) -> list[str]:
        """The finding as a compiler prints it."""
        first = f"{self.place}: {self.severity}: {self.text} [{self.rule}]"
        notes = (f"{note.place}: note: {note.text}" for note in self.notes)
        return [printable(line) for line in (first, *notes)]


def printable(text: str) -> str:
    """A text on one line, without what a terminal would take for a command."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class InlayError(Exception):
    """The generator cannot do its work: a directory that is not there, a full disk."""
