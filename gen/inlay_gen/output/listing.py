"""What is in a directory, for people and programs."""

from __future__ import annotations

import json

from ..files.repeatables import REPEATABLE
from ..files.scripts import CheckedMigration
from .emit import sha256


def _as_data(migration: CheckedMigration, frozen: set[str]) -> dict[str, object]:
    replaces = migration.up.settings.replaces
    return {
        "version": str(migration.version) if migration.version != REPEATABLE else None,
        "name": migration.name,
        "sha256": sha256(migration.up.text),
        "statements": len(migration.up.statements),
        "transaction": not migration.up.settings.no_transaction,
        "down": migration.down is not None,
        "frozen": migration.up.path in frozen,
        "replaces": str(replaces) if replaces is not None else None,
        "path": migration.up.path,
    }


def _state(migration: CheckedMigration, frozen: set[str]) -> str:
    if migration.version == REPEATABLE:
        return "repeatable"
    state = "frozen" if migration.up.path in frozen else "draft"
    replaces = migration.up.settings.replaces
    return f"{state}, replaces {replaces}" if replaces is not None else state


def as_json(layout: str, migrations: list[CheckedMigration], frozen: set[str]) -> str:
    """One document; versions are strings, which no reader rounds."""
    data = {"layout": layout, "migrations": [_as_data(m, frozen) for m in migrations]}
    return json.dumps(data, indent=2, ensure_ascii=False)


def as_text(layout: str, migrations: list[CheckedMigration], frozen: set[str]) -> str:
    """A table, aligned, and whose directory it is."""
    rows = [("version", "name", "sha256", "statements", "transaction", "state")]
    for migration in migrations:
        rows.append(
            (
                str(migration.version) if migration.version != REPEATABLE else "R__",
                migration.name,
                sha256(migration.up.text)[:12],
                str(len(migration.up.statements)),
                "no" if migration.up.settings.no_transaction else "yes",
                _state(migration, frozen),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([*lines, f"{len(migrations)} in all, layout {layout}"])
