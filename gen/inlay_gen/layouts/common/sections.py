"""Both directions in one file: the script is what follows its mark."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from ...files.discover import Directory, Migration, Source, Transaction
from ...files.findings import Finding, Severity, place_in
from ...sql.scan import scan


@dataclass(frozen=True)
class Section:
    """Where a direction begins: the offset of its mark."""

    start: int
    transaction: Transaction = Transaction.ALWAYS


class Problems:
    """Where the findings about the marks of one file go."""

    def __init__(self, directory: Directory, source: Source) -> None:
        self.path = os.path.join(directory.path, source.name)
        self.text = source.text
        self.findings = directory.findings
        self.found = False

    def error(self, offset: int, text: str, rule: str = "section") -> None:
        self.found = True
        self._add(Severity.ERROR, offset, text, rule)

    def warning(self, offset: int, text: str) -> None:
        self._add(Severity.WARNING, offset, text, "section")

    def _add(self, severity: Severity, offset: int, text: str, rule: str) -> None:
        place = place_in(self.path, self.text, offset)
        self.findings.append(Finding(place, severity, rule, text))


def split(
    problems: Problems, migration: Migration, up: Section, down: Section | None, mark: str
) -> Migration | None:
    """The migration with its two parts. What stands before the first mark is no part of either,
    but settings there are those of the way up. A way down without a statement is none."""
    text = migration.up.text
    for statement in scan(text[: up.start]).statements[:1]:
        problems.error(statement.start, f"a statement before '{mark}', which would never run")
    if problems.found:
        return None
    end = down.start if down is not None else len(text)
    back = None
    if down is not None:
        part = (down.start, len(text))
        back = replace(migration.up, part=part, transaction=down.transaction)
        found = scan(back.script)
        if not found.statements and not found.problems:
            back = None
    script = replace(migration.up, part=(0, end), transaction=up.transaction)
    return replace(migration, up=script, down=back)
