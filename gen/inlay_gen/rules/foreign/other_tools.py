"""Marks of other tools in the text of a file. Here they are comments, so that what such a tool
keeps apart would run as one: the part that undoes, what is for another database, what is left out.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...files.settings import Settings
from ...sql.lexer import Token, tokens
from ...sql.scan import Statement, scan
from . import liquibase
from .marks import Mark, Remark


@dataclass(frozen=True)
class File:
    """What the marks of a file are held against."""

    text: bytes
    statements: list[Statement]
    settings: Settings
    layout: str
    down: str | None  # where its down script would be; None: it is one


def check(file: File) -> Iterator[Remark]:
    """What would run that the tool would not run so, and marks that do nothing."""
    marks = _marks(file)
    if not marks:
        return
    for halves in _HALVES:
        if halves.tool != file.layout:
            yield from _check_halves(file, halves, marks)
    for mark in marks:
        yield from _check_undo(file, mark)
        yield from _check_transaction(file, mark)
        yield from _check_directive(file, mark)
    yield from liquibase.check(file.text, marks)


# ---- the lines that may be marks ----

_LINE = re.compile(rb"(?m)^(?:--|#|/\*)[^\r\n]*")
_LIKELY = re.compile(
    rb"(?i)\b(?:up|down|ups|downs|changeset|liquibase|ignorelines|preconditions)\b|@undo|drop below"
    rb"|\b(?:undo|rollback|revert)\b|atlas:|--!|transaction|disable-tx"
)


def _marks(file: File) -> list[Mark]:
    """Lines of comment, not those within a string."""
    if not _LIKELY.search(file.text):
        return []
    lines = [line for line in _LINE.finditer(file.text) if _LIKELY.search(line[0])]
    strings = _Strings(file)
    return [Mark(m.start(), m[0].rstrip()) for m in lines if not strings.hold(m.start())]


class _Strings:
    """Strings that go over lines. Each statement is read once, and only where it is asked for."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.starts = [statement.start for statement in file.statements]
        self.found: dict[int, list[Token]] = {}

    def hold(self, at: int) -> bool:
        """Is this place within one?"""
        index = bisect.bisect(self.starts, at) - 1
        if index < 0 or at >= self.file.statements[index].end:
            return False
        if index not in self.found:
            self.found[index] = self._read(self.file.statements[index])
        return any(token.start < at < token.end for token in self.found[index])

    def _read(self, statement: Statement) -> list[Token]:
        text = self.file.text
        return [t for t in tokens(text, *statement) if text.find(b"\n", t.start, t.end) >= 0]


# ---- both directions in one file ----


@dataclass(frozen=True)
class _Halves:
    """A tool that keeps both directions in one file."""

    tool: str
    up: re.Pattern[bytes] | None  # None: the file begins with it
    down: re.Pattern[bytes]


def _halves(tool: str, up: bytes | None, down: bytes) -> _Halves:
    up_mark = re.compile(rb"(?i)" + up) if up is not None else None
    return _Halves(tool, up_mark, re.compile(rb"(?i)" + down))


_ANY = ""  # a comment that says no more than "down" names no tool
_HALVES = (
    _halves("goose", rb"--\s*\+goose\s+up\b.*", rb"--\s*\+goose\s+down\b.*"),
    _halves("sql-migrate", rb"--\s*\+migrate\s+up\b.*", rb"--\s*\+migrate\s+down\b.*"),
    _halves("micrate", rb"--\s*\+micrate\s+up\b.*", rb"--\s*\+micrate\s+down\b.*"),
    _halves("dbmate", rb"--\s*migrate:up\b.*", rb"--\s*migrate:down\b.*"),
    _halves("rambler", rb"--\s*rambler\s+up\b.*", rb"--\s*rambler\s+down\b.*"),
    _halves("tern", None, rb"----\s*create above\s*/\s*drop below.*"),
    _halves("MyBatis Migrations", None, rb"--\s*(?://\s*)?@undo\b.*"),
    _halves("Play", rb"(?:--|#).*!ups\b.*", rb"(?:--|#).*!downs\b.*"),
    _halves(
        "node-pg-migrate",
        rb"--[\s-]*up\s+migration[^\w(]*(?:\([^)]*\)\W*)?",
        rb"--[\s-]*down\s+migration[^\w(]*(?:\([^)]*\)\W*)?",
    ),
    _halves(_ANY, rb"--\W*up\W*", rb"--\W*down\W*"),
)
_LAYOUTS = ("goose", "dbmate", "sql-migrate", "tern")


def _check_halves(file: File, halves: _Halves, marks: list[Mark]) -> Iterator[Remark]:
    ups = [m for m in marks if halves.up is not None and halves.up.fullmatch(m.text)]
    downs = [m for m in marks if halves.down.fullmatch(m.text)]
    unwanted, wanted = (ups, downs) if file.down is None else (downs, ups)
    found = False
    end = 0
    for mark in unwanted:
        if found or mark.start < end:
            continue
        end = next((m.start for m in wanted if m.start > mark.start), len(file.text))
        if scan(file.text[mark.end : end]).statements:
            found = True
            yield mark.error(_other_half(file, halves.tool))
    if halves.tool == _ANY or file.down is None:
        return
    if ups and file.statements and file.statements[0].start < ups[0].start:
        found = True
        text = f"{halves.tool} runs nothing that stands before this line, and inlay does: move it"
        yield ups[0].error(f"{text} below, or remove it")
    if not found and (ups or downs):
        yield min(ups + downs, key=lambda m: m.start).warning(halves.tool)


def _other_half(file: File, tool: str) -> str:
    if file.down is None:
        return "what follows is the part that applies, and inlay would run it to undo: remove it"
    what = f"{tool} runs what follows only to undo" if tool else "what follows undoes"
    layout = f". A directory of {tool}'s needs --layout {tool}" if tool in _LAYOUTS else ""
    way_out = f"move it to {file.down}, or remove it{layout}"
    return f"{what}, and inlay would run it with the rest: {way_out}"


# A line that says nothing else, between a statement and one that follows it at once. Where more
# comment follows, that is mostly what undoes, as a comment.
_UNDO = re.compile(
    rb"(?i)(?:--|/\*)\W*(?:down|undo|rollback|revert)(?:\W+(?:script|sql|migration|part))?\W*"
)
_RULERS = re.compile(rb"(?:\s|--[-=*#_~ \t]*$)*", re.MULTILINE)


def _check_undo(file: File, mark: Mark) -> Iterator[Remark]:
    if file.down is None or not _UNDO.fullmatch(mark.text) or not _is_whole(mark):
        return
    before = [s for s in file.statements if s.start < mark.start]
    after = next((s for s in file.statements if s.start >= mark.end), None)
    if not before or before[-1].end > mark.start or after is None or _is_down(mark):
        return
    if _RULERS.fullmatch(file.text[mark.end : after.start]):
        yield mark.error(_other_half(file, _ANY))


def _is_whole(mark: Mark) -> bool:
    """A comment of the other form may go on in the next line."""
    return mark.text.endswith(b"*/") or not mark.text.startswith(b"/*")


def _is_down(mark: Mark) -> bool:
    return any(halves.down.fullmatch(mark.text) for halves in _HALVES)


# ---- without a transaction ----

_ALONE = (
    ("sql-migrate", re.compile(rb"(?i)--\s*\+migrate\s+(?:up|down)\s.*\bnotransaction\b.*")),
    ("goose", re.compile(rb"(?i)--\s*\+goose\s+no\s+transaction")),
    ("refinery", re.compile(rb"(?i)--\s*\+refinery\s+no\s+transaction")),
    ("dbmate", re.compile(rb"(?i)--\s*migrate:(?:up|down)\s.*\btransaction:false\b.*")),
    ("sqlx", re.compile(rb"-- no-transaction.*")),  # at the very beginning
    ("tern", re.compile(rb"(?i)----\s*tern:\s*disable-tx\s*----")),
    ("yoyo", re.compile(rb"(?i)--\s*transactional:\s*false")),
    ("graphile-migrate", re.compile(rb"(?i)--!\s*no-transaction\b.*")),
    ("Atlas", re.compile(rb"(?i)--\s*atlas:txmode\s+none")),
    ("postgres-migrations", re.compile(rb"(?i)--\s*postgres-migrations\s+disable-transaction")),
)


def _check_transaction(file: File, mark: Mark) -> Iterator[Remark]:
    if file.settings.no_transaction:
        return
    for tool, pattern in _ALONE:
        counts = tool != file.layout and (tool != "sqlx" or mark.start == 0)
        if counts and pattern.fullmatch(mark.text):
            yield mark.error(
                f"{tool} runs this file without a transaction, and inlay in one: write '-- inlay: "
                "no-transaction' at the top of the file, or embed it with --no-transaction, or "
                "remove this line"
            )


# ---- what else changes what runs ----

_DIRECTIVES = (
    (
        re.compile(rb"(?i)--\s*atlas:delimiter\b.*"),
        "Atlas ends statements where this line says, and inlay at semicolons: end each with a "
        "semicolon, and remove this line",
    ),
    (
        re.compile(rb"(?i)--\s*atlas:txtar\b.*"),
        "Atlas keeps several files in this one, and inlay would run them all: keep what is in its "
        "migration.sql, and remove this line",
    ),
    (
        re.compile(rb"(?i)--!\s*include\b.*"),
        "graphile-migrate puts another file here, and inlay does not: write its statements",
    ),
)
_CHECKPOINT = re.compile(rb"(?i)--\s*atlas:checkpoint\b.*")
_GRAPHILE = re.compile(rb"(?i)--!\s*hash:.*")


def _check_directive(file: File, mark: Mark) -> Iterator[Remark]:
    for pattern, text in _DIRECTIVES:
        if pattern.fullmatch(mark.text):
            yield mark.error(text)
    if _CHECKPOINT.fullmatch(mark.text) and file.settings.replaces is None:
        yield mark.error(
            "Atlas runs a checkpoint instead of the files before it, and inlay after them: write "
            "'-- inlay: replaces FIRST..LAST' at the top of the file, or remove the file"
        )
    if _GRAPHILE.fullmatch(mark.text):
        yield mark.warning("graphile-migrate")
