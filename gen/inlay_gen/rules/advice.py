"""Findings about what runs, but not as it was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from ..sql.classify import Class, Kind
from ..sql.scan import Statement

Statements = list[tuple[Statement, Class]]
Advice = tuple[str, int, str]  # rule, offset, text

# SET, but neither to DEFAULT nor what is no name.
_SET = re.compile(
    rb'(?is)SET\s+(?:SESSION\s+)?(?P<name>TIME\s+ZONE|[\w."\x80-\xff]+)(?!.*\bDEFAULT\s*\Z)'
)
_NAME = rb'"(?:[^"]|"")*"|[A-Za-z_\x80-\xff][\w$\x80-\xff]*'
_SCHEMA = re.compile(
    rb"(?is)(?P<verb>CREATE|DROP)\s+SCHEMA\s+(?P<soft>IF\s+(?:NOT\s+)?EXISTS\s+)?"
    rb"(?P<name>" + _NAME + rb")"
)
_ROWS = re.compile(
    rb"(?is)(?:(?:INSERT|MERGE)\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|COPY)\s+"
    rb"(?:ONLY\s+)?(?:(?P<schema>" + _NAME + rb")\s*\.\s*)?(?P<name>" + _NAME + rb")"
)


def advise(data: bytes, statements: Statements) -> Iterator[Advice]:
    """A SET that no statement follows does nothing. One that puts back what the file has changed
    is there for tools that do not."""
    last = list(takewhile(lambda known: known[1].kind is Kind.SESSION_SET, reversed(statements)))
    if not last:
        return
    before = (data[s.start : s.end] for s, _ in statements[: -len(last)])
    earlier = _without_space(b" ".join(before))
    for statement, _ in reversed(last):
        match = _SET.match(data[statement.start : statement.end])
        if match is not None and _without_space(match["name"]) not in earlier:
            yield (
                "session-setting",
                statement.start,
                "this SET is reset at the end of the file, and no statement follows it; to keep "
                "it, ALTER DATABASE ... SET",
            )


def _without_space(text: bytes) -> bytes:
    return b"".join(text.lower().split())


def schema_statements(data: bytes, statements: Statements, schema: str) -> Iterator[Advice]:
    """Statements that create or drop the schema in which the history lives."""
    for statement, _ in statements:
        match = _SCHEMA.match(data, statement.start, statement.end)
        if match is None or _folded(match["name"]) != schema:
            continue
        if match["verb"].upper() == b"DROP":
            yield (
                "history-schema",
                statement.start,
                f"this drops the schema {schema}, and the history with it; keep the history in "
                "another schema (--history SCHEMA.TABLE)",
            )
        elif match["soft"] is None:
            yield (
                "history-schema",
                statement.start,
                f"the schema {schema} is there before this runs, because the history is in it; "
                "write CREATE SCHEMA IF NOT EXISTS, or keep the history in another schema "
                "(--history SCHEMA.TABLE)",
            )


def row_statements(
    data: bytes, statements: Statements, schema: str, table: str
) -> Iterator[Advice]:
    """Statements that write the rows of the history: a run does not notice what became of others
    than its own."""
    for statement, _ in statements:
        match = _ROWS.match(data, statement.start, statement.end)
        if match is None or _folded(match["name"]) not in (table, f"{table}_state"):
            continue
        if match["schema"] is None or _folded(match["schema"]) == schema:
            yield (
                "history-rows",
                statement.start,
                f"this changes the rows of the history {schema}.{table}, and a run does not notice "
                "what is applied or pending by that; --migrate-mark and --migrate-unmark record it",
            )


def _folded(name: bytes) -> str:
    """A name as it is stored."""
    text = name.decode("utf-8", "replace")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()
