"""What a reader finds in a tool's directory: its migrations in the tool's order."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Optional

from ..files import paths
from ..files.discover import Directory, Source, Transaction, Unreadable, error, read
from ..files.findings import Finding, Severity, place_in
from ..layouts.common.files import walk


@dataclass(frozen=True)
class Found:
    """A migration, by the name that the tool records."""

    name: str
    up: Source
    down: Optional[Source] = None
    verify: Optional[Source] = None


class Reading:
    """What has been read so far, and what there is to say of it."""

    def __init__(self, path: str, tool: str) -> None:
        self.path = path
        self.files, _ = walk(path)
        self.found: list[Found] = []
        self.directory = Directory(path, paths.own_name(path), [], layout=tool)
        self.lost: list[str] = []  # what could not be carried over, and where

    def source(self, file: str, mode: Transaction = Transaction.ALWAYS) -> Source | None:
        """A file that has to be there."""
        try:
            found = read(self.path, file)
        except Unreadable as problem:
            self.directory.findings.append(problem.finding)
            return None
        return Source(found.name, found.data, mode)

    def beside(self, file: str, mode: Transaction = Transaction.ALWAYS) -> Source | None:
        """A file that need not be there."""
        return self.source(file, mode) if file in self.files else None

    def add(self, name: str, up: Source | None, **others: Source | None) -> None:
        if up is not None:
            self.found.append(Found(name, up, **others))

    def error(self, file: str, rule: str, text: str) -> None:
        """About a file as a whole."""
        self.directory.findings.append(error(self.path, file, rule, text))

    def error_in(self, source: Source, offset: int, rule: str, text: str) -> None:
        place = place_in(os.path.join(self.path, source.name), source.text, offset)
        self.directory.findings.append(Finding(place, Severity.ERROR, rule, text))

    def lose(self, file: str, text: str) -> None:
        self.lost.append(f"{os.path.join(self.path, file)}:1:1: note: {text}")
