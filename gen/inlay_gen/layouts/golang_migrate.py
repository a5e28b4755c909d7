"""golang-migrate: 000001_name.up.sql and 000001_name.down.sql."""

from __future__ import annotations

import re
from dataclasses import replace

from ..files.discover import Directory, Migration, Source, Transaction
from .common.files import Named, Refused, collect

_NAME = re.compile(r"([0-9]+)_(.+)\.(up|down)\.sql", re.DOTALL)


def parse(file: str) -> Named | Refused | None:
    """golang-migrate leaves a name without a direction out in silence."""
    if not file.endswith(".sql"):
        return None
    match = _NAME.fullmatch(file)
    if match is None:
        return Refused(
            "file-name",
            "golang-migrate leaves this file out: its names are NNN_name.up.sql and "
            "NNN_name.down.sql; rename the file, or move it out of this directory",
        )
    return Named(file, int(match[1]), match[2], match[3] == "down")


def discover(path: str) -> Directory:
    """Reads a directory of golang-migrate."""
    return collect(path, "golang-migrate", parse, _finish)


def _mode(source: Source) -> Source:
    """It begins no transaction: a file of one statement runs as that statement does."""
    return replace(source, transaction=Transaction.AS_NEEDED)


def _finish(directory: Directory, migration: Migration) -> Migration:
    down = _mode(migration.down) if migration.down is not None else None
    return replace(migration, up=_mode(migration.up), down=down)
