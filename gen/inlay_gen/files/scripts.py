"""Files that have been read, ready to be written down."""

from __future__ import annotations

from dataclasses import dataclass

from ..sql.classify import Class
from ..sql.scan import Statement
from .settings import Settings


@dataclass(frozen=True)
class Script:
    """One direction of a migration, ready to be written down."""

    path: str  # in the directory
    text: bytes
    statements: list[tuple[Statement, Class]]
    settings: Settings
    in_c: bool = False  # the text is the source of a function that the project compiles


@dataclass(frozen=True)
class CheckedMigration:
    """A migration whose files have been read."""

    version: int  # or REPEATABLE
    name: str
    up: Script
    down: Script | None
    verify: Script | None = None  # asks whether it did what it should
    replaced: tuple[int, ...] = ()  # versions that its range is known to have had
