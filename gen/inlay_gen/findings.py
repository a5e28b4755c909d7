"""What is wrong with a directory of migrations, as data."""

from __future__ import annotations

from dataclasses import dataclass

ERROR = "error"
WARNING = "warning"
NOTE = "note"


@dataclass(frozen=True, order=True)
class Place:
    """A place in a file: lines and columns count from 1, columns in characters."""

    path: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong; `notes` name the other half of a pair."""

    place: Place
    severity: str
    rule: str
    text: str
    notes: tuple[tuple[Place, str], ...] = ()

    def lines(self) -> list[str]:
        """The finding as a compiler prints it."""
        shown = [f"{self.place}: {self.severity}: {self.text} [{self.rule}]"]
        return shown + [f"{place}: {NOTE}: {text}" for place, text in self.notes]


def sort(findings: list[Finding]) -> list[Finding]:
    """In the order of files and places, whatever order they were found in."""
    return sorted(findings, key=lambda f: (f.place, f.severity, f.rule, f.text))


class InlayError(Exception):
    """The generator cannot do its work: a directory that is not there, a full disk."""
