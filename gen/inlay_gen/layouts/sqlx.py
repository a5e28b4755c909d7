"""sqlx: 20240131120000_name.sql, or .up.sql and .down.sql; `-- no-transaction` as first line."""

from __future__ import annotations

import re
from dataclasses import replace

from ..files.discover import Directory, Migration, Source, Transaction
from .common.files import Named, Refused, collect

_NAME = re.compile(r"([0-9]+)_(.+?)(\.up|\.down)?\.sql", re.DOTALL)


def parse(file: str) -> Named | Refused | None:
    """sqlx records a description, in which spaces stand for underscores."""
    if not file.endswith(".sql"):
        return None
    match = _NAME.fullmatch(file)
    if match is None:
        return Refused(
            "file-name",
            "sqlx's names are NNN_name.sql, or NNN_name.up.sql with NNN_name.down.sql; rename the "
            "file, or move it out of this directory",
        )
    return Named(file, int(match[1]), match[2].replace("_", " "), match[3] == ".down")


def discover(path: str) -> Directory:
    """Reads a directory of sqlx."""
    return collect(path, "sqlx", parse, _finish)


def runs_alone(source: Source) -> bool:
    """sqlx looks at the very first bytes only."""
    return source.data.startswith(b"-- no-transaction")


def _mode(source: Source) -> Source:
    return replace(source, transaction=Transaction.NEVER) if runs_alone(source) else source


def _finish(directory: Directory, migration: Migration) -> Migration:
    down = _mode(migration.down) if migration.down is not None else None
    return replace(migration, up=_mode(migration.up), down=down)
