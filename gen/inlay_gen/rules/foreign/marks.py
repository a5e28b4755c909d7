"""A line of comment that means something to another tool, and what there is to say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ...files.findings import Severity


class Remark(NamedTuple):
    """A finding of this file: where, and what."""

    severity: Severity
    rule: str
    offset: int
    text: str


@dataclass(frozen=True)
class Mark:
    """A line of comment: where it begins, and its text without space around it."""

    start: int
    text: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def error(self, text: str) -> Remark:
        """Something would run that the tool would not run so."""
        return Remark(Severity.ERROR, "other-tool", self.start, text)

    def warning(self, tool: str) -> Remark:
        """The mark does nothing here, and nothing is lost by that."""
        text = f"a mark of {tool}'s, which is a comment here: inlay runs the whole file"
        return Remark(Severity.WARNING, "other-mark", self.start, text)
