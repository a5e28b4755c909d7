"""Warnings of what a migration leaves in its session, where no reset takes it back: the next ones
of the same run find it, and those that run one by one do not."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..files.findings import Finding, Note, Place, Severity, place_in
from ..files.scripts import CheckedMigration, Script
from ..sql.lexer import Unterminated, tokens
from ..sql.scan import Statement

_RULE = "session-leftover"

# What else mentions a name, such as CREATE FUNCTION, runs later.
_RUN = ("call", "delete", "do", "insert", "select", "set", "update", "values", "with")

_INTERESTING = re.compile(rb"(?i)dblink_connect|pg_replication_origin_session_setup|[.]")


@dataclass(frozen=True)
class _Piece:
    """A word, a string or a symbol of what a file runs."""

    text: str  # words in lower case
    start: int


def check(directory: str, checked: list[CheckedMigration]) -> list[Finding]:
    findings = []
    made: dict[str, Place] = {}  # settings of one's own, and what sets them first
    for migration in checked:
        for script in (migration.up, migration.down):
            if script is not None and _INTERESTING.search(script.text):
                file = _File(os.path.join(directory, script.path), script)
                findings += [*file.origins(), *file.connections()]
                if script is migration.up:
                    findings += file.settings(made)
    return findings


class _File:
    def __init__(self, path: str, script: Script) -> None:
        self.path = path
        self.data = script.text
        self.pieces = [p for s, _ in script.statements for p in _pieces(script.text, s)]
        self.texts = [piece.text for piece in self.pieces]

    def origins(self) -> Iterator[Finding]:
        for at in self._calls("pg_replication_origin_session_setup"):
            if "pg_replication_origin_session_reset" not in self.texts[at:]:
                yield self._finding(
                    at,
                    "this replication origin stays with the migrations that follow in the same "
                    "session; end the file with SELECT pg_replication_origin_session_reset();",
                )

    def connections(self) -> Iterator[Finding]:
        for at in self._calls("dblink_connect", "dblink_connect_u"):
            name = self.texts[at + 2]
            closed = any(
                self.texts[end + 2] == name for end in self._calls("dblink_disconnect") if end > at
            )
            named = name.startswith("'") and self.texts[at + 3 : at + 4] == [","]
            if named and not closed:
                yield self._finding(
                    at,
                    f"the connection {name} stays open for the migrations that follow in the same "
                    f"session; end the file with SELECT dblink_disconnect({name});",
                )

    def settings(self, made: dict[str, Place]) -> Iterator[Finding]:
        """What asks whether a setting is NULL, after another file has set it."""
        own = dict(self._made())
        for at in self._calls("current_setting"):
            name = self.texts[at + 2].strip("'")
            earlier = made.get(name)
            if earlier is not None and own.get(name, at) >= at and self._asks_for_null(at):
                yield self._finding(
                    at,
                    f"{name} reads as '' and not as NULL once another migration has set it in the "
                    f"same session; write nullif(current_setting('{name}', true), '')",
                    (Note(earlier, "set here"),),
                )
        for name, at in own.items():
            made.setdefault(name, place_in(self.path, self.data, self.pieces[at].start))

    def _made(self) -> Iterator[tuple[str, int]]:
        for at in reversed(self._calls("set_config")):
            if "." in self.texts[at + 2]:
                yield self.texts[at + 2].strip("'"), at
        for at in reversed(range(len(self.texts))):
            words = self.texts[at : at + 5]
            if words[:1] == ["set"]:
                names = words[2:] if words[1:2] in (["local"], ["session"]) else words[1:]
                if names[1:2] == ["."]:
                    yield "".join(names[:3]), at

    def _asks_for_null(self, at: int) -> bool:
        """coalesce(current_setting('a.b', true), ...), current_setting('a.b', true) IS NULL"""
        if self.texts[at + 3 : at + 6] != [",", "true", ")"]:
            return False
        first = at - 2 if self.texts[max(0, at - 2) : at] == ["pg_catalog", "."] else at
        before = self.texts[max(0, first - 2) : first]
        after = self.texts[at + 6 : at + 9]
        return before == ["coalesce", "("] or after[:2] == ["is", "null"] or after == _NOT_NULL

    def _calls(self, *names: str) -> list[int]:
        """Where one of these functions is called with a string or more."""
        return [
            at
            for at, text in enumerate(self.texts)
            if text in names and self.texts[at + 1 : at + 2] == ["("] and at + 2 < len(self.texts)
        ]

    def _finding(self, at: int, text: str, notes: tuple[Note, ...] = ()) -> Finding:
        place = place_in(self.path, self.data, self.pieces[at].start)
        return Finding(place, Severity.WARNING, _RULE, text, notes)


_NOT_NULL = ["is", "not", "null"]


def _pieces(data: bytes, statement: Statement) -> Iterator[_Piece]:
    """Those of a statement that runs at once; of DO what is between its quotes."""
    found = [_Piece(_text(data, t.start, t.end), t.start) for t in tokens(data, *statement)]
    if not found or found[0].text not in _RUN:
        return
    yield from found
    for token in tokens(data, *statement):
        if found[0].text == "do" and data[token.start : token.start + 1] == b"$":
            edge = data.index(b"$", token.start + 1) + 1 - token.start
            yield from _inside(data, token.start + edge, token.end - edge)


def _inside(data: bytes, start: int, end: int) -> list[_Piece]:
    try:
        return [_Piece(_text(data, t.start, t.end), t.start) for t in tokens(data, start, end)]
    except Unterminated:  # another language, perhaps
        return []


def _text(data: bytes, start: int, end: int) -> str:
    text = data[start:end].decode("utf-8", "replace")
    return text if text.startswith(("'", '"', "$")) else text.lower()
