"""What is released already: a table that it made may be full of rows and in use, and one that a
newer file made is neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..files.discover import Directory
from ..files.findings import InlayError
from ..files.repeatables import REPEATABLE
from ..files.scripts import CheckedMigration
from ..rules.base import names_at


@dataclass(frozen=True)
class Released:
    """By versions, as `made_by` has them. Without a release each file is one of its own."""

    versions: frozenset[str]
    known: bool

    def has(self, migration: CheckedMigration) -> bool:
        return id_of(migration) in self.versions

    def existed(self, made_by: str | None) -> bool:
        """Of what was there when a file began: was it there before the release that is to be?"""
        return not self.known or made_by is None or made_by in self.versions


def find(
    directory: Directory,
    migrations: Sequence[CheckedMigration],
    since: str | None,
    frozen: frozenset[str],
) -> Released:
    """By --since; what is frozen is released, too."""
    old = {id_of(m) for m in migrations if m.up.path in frozen}
    if since is None:
        return Released(frozenset(old), bool(old))
    if since.isdigit():
        if int(since) not in {m.version for m in migrations}:
            raise InlayError(f"--since {since}: no migration has this version")
        old |= {id_of(m) for m in migrations if REPEATABLE != m.version <= int(since)}
    else:
        there = names_at(directory, since)
        old |= {id_of(m) for m in migrations if m.up.path in there}
    return Released(frozenset(old), True)


def id_of(migration: CheckedMigration) -> str:
    """As `made_by` has it."""
    return str(migration.version) if migration.version != REPEATABLE else f"R__{migration.name}"
