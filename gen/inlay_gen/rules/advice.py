"""Findings about what runs, but not as it was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..files.settings import Settings
from ..sql.classify import Class, Kind
from ..sql.lexer import Token, tokens
from ..sql.scan import Statement

Statements = list[tuple[Statement, Class]]
Advice = tuple[str, int, str]  # rule, offset, text

_SET_CONFIG = re.compile(rb"(?is)\bset_config\s*\(\s*'[^']*'\s*,(?:[^;']|'[^']*')*?,\s*false\s*\)")
_ADD_VALUE = re.compile(
    rb"(?is)ALTER\s+TYPE\s+(?P<type>[^\s]+)\s+ADD\s+VALUE\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    rb"(?P<value>'(?:[^']|'')*')"
)
_IF_NOT_EXISTS = re.compile(
    rb"(?is)CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+IF\s+NOT\s+EXISTS\b"
)
_SCHEMA = re.compile(
    rb"(?is)(?P<verb>CREATE|DROP)\s+SCHEMA\s+(?P<soft>IF\s+(?:NOT\s+)?EXISTS\s+)?"
    rb'(?P<name>"(?:[^"]|"")*"|[A-Za-z_\x80-\xff][\w$\x80-\xff]*)'
)


_CREATE_TYPE = re.compile(rb"(?is)CREATE\s+TYPE\s+(?P<type>[^\s]+)\s")


def advise(data: bytes, statements: Statements, settings: Settings) -> Iterator[Advice]:
    """Everything that one text alone shows."""
    yield from _concurrently(data, statements)
    if settings.no_transaction:
        return  # a SET for the statements that follow is what one writes there
    yield from _session(data, statements)
    if _ADD_VALUE.search(data):
        yield from _enum_values(data, statements)


def _concurrently(data: bytes, statements: Statements) -> Iterator[Advice]:
    for statement, known in statements:
        if known.kind is Kind.INDEX_CONCURRENTLY and _IF_NOT_EXISTS.match(data, statement.start):
            yield (
                "concurrently-if-not-exists",
                statement.start,
                "IF NOT EXISTS also finds an index that an earlier try left INVALID, and leaves it "
                "so; write CREATE INDEX CONCURRENTLY without it",
            )


def _session(data: bytes, statements: Statements) -> Iterator[Advice]:
    """Said once for a file: pg_dump writes a dozen of them."""
    calls = b"set_config" in data.lower()
    for statement, known in statements:
        call = _SET_CONFIG.search(data, statement.start, statement.end) if calls else None
        if known.kind is Kind.SESSION_SET or call is not None:
            reset = data[statement.start : statement.start + 5].upper() == b"RESET"
            what = "set_config" if call else "RESET" if reset else "SET"
            instead = "SET LOCAL" if call is None else "true as its third argument"
            yield (
                "session-setting",
                statement.start if call is None else call.start(),
                f"this {what} lasts only until the end of the migration. Write {instead}; to keep "
                "it, ALTER DATABASE ... SET",
            )
            return


def _enum_values(data: bytes, statements: Statements) -> Iterator[Advice]:
    """A value cannot be used in the transaction that adds it (55P04)."""
    added: dict[bytes, bytes] = {}
    own: set[bytes] = set()  # types of this very transaction, whose values may be used
    for statement, _ in statements:
        created = _CREATE_TYPE.match(data, statement.start, statement.end)
        if created is not None:
            own.add(created["type"])
        for token in _strings(data, statement):
            value = data[token.start : token.end]
            if value in added:
                yield (
                    "enum-value-used",
                    token.start,
                    f"{_shown(value)} is added to {_shown(added[value])} in this file, and cannot "
                    "be used in the same transaction (55P04); use it in a later migration",
                )
                del added[value]
        match = _ADD_VALUE.match(data, statement.start, statement.end)
        if match is not None and match["type"] not in own:
            added[match["value"]] = match["type"]


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _strings(data: bytes, statement: Statement) -> Iterator[Token]:
    return (t for t in tokens(data, *statement) if t.kind == "string")


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


def _folded(name: bytes) -> str:
    """A name as it is stored."""
    text = name.decode("utf-8", "replace")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()
