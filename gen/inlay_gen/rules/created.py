"""Which tables a file creates, for the program to look for them in a database without a history.

Told by the words of the file, and only where these leave no doubt: a table that is there already
then means that the file, or another that does the same, has run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ..files.scripts import CheckedMigration, Script
from ..sql.classify import Class, created_table
from ..sql.scan import Statement

# The name of a table, its schema before it; what is in pg_temp is in nobody's way.
_PART = rb'"(?:[^"\x00-\x1f]|"")+"|[^".\x00-\x1f]+'
_NAME = re.compile(rb'(?i)(?:(?P<schema>(?!"?pg_temp)(?:' + _PART + rb"))\.)?(?:" + _PART + rb")")

# What may take a table away, or give one another name.
_TAKES_AWAY = re.compile(
    rb"(?is)(?:DROP|CALL|EXECUTE)\b"
    rb"|(?:ALTER|DO|SELECT|WITH)\b.*\b(?:DROP|RENAME|EXECUTE|SCHEMA)\b"
)

# After these a name without a schema may be in another one.
_MOVES = re.compile(
    rb"(?is)CREATE\s+SCHEMA\b|(?:RESET|DISCARD)\b"
    rb"|SET\b.*\b(?:SEARCH_PATH|SCHEMA|ROLE|AUTHORIZATION)\b"
    rb"|(?:DO|SELECT|WITH)\b.*\bSEARCH_PATH\b"
)


def mark(migrations: list[CheckedMigration]) -> list[CheckedMigration]:
    """Names the tables of those that may be the first to run: the lowest one, and what replaces
    others."""
    return [
        replace(m, up=replace(m.up, statements=list(_named(m.up))))
        if number == 0 or m.up.settings.replaces is not None
        else m
        for number, m in enumerate(migrations)
    ]


def _named(script: Script) -> Iterator[tuple[Statement, Class]]:
    """The statements of a script, each with the table that it creates."""
    certain, moved = True, False
    for statement, known in script.statements:
        name = created_table(script.text, statement) if certain else None
        match = _NAME.fullmatch(name) if name is not None else None
        if match is not None and not (moved and match["schema"] is None):
            known = replace(known, table=name)
        certain = certain and not _TAKES_AWAY.match(script.text, *statement)
        moved = moved or _MOVES.match(script.text, *statement) is not None
        yield statement, known
