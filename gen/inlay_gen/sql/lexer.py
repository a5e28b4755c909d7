"""PostgreSQL's lexical rules: strings, names, dollar quotes, comments.

The rules are those of the server's scan.l and of psql's psqlscan.l in PostgreSQL 13 to 18, with
standard_conforming_strings on. A text is bytes in UTF-8; every byte above 127 is a letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SPACE = b" \t\n\r\f\v"

_LETTERS = rb"A-Za-z_\x80-\xff"
WORD = rb"[" + _LETTERS + rb"][" + _LETTERS + rb"0-9$]*"

DOLLAR = re.compile(rb"\$(?:[" + _LETTERS + rb"][" + _LETTERS + rb"0-9]*)?\$")

_COMMENT_EDGE = re.compile(rb"/\*|\*/")

# The inside of E'...' up to its end. Written so that each byte can be taken in one way only: where
# the end is missing, nothing is tried twice.
_ESCAPES = re.compile(rb"[^'\\]*(?:(?:\\.|'')[^'\\]*)*'", re.DOTALL)

# Strings with a line break between them are one string. For others than E'' it makes no difference
# to where they end.
_CONTINUED = re.compile(
    rb"[ \t\f\v]*(?:--[^\n\r]*)?[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'",
)


class Unterminated(Exception):
    """A string, comment, quoted name or dollar quote that does not end."""

    def __init__(self, what: str, start: int) -> None:
        super().__init__(what)
        self.what = what
        self.start = start


def end_of_comment(data: bytes, start: int) -> int:
    """The end of the block comment at `start`; comments nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(data, start):
        depth += 1 if edge[0] == b"/*" else -1
        if depth == 0:
            return edge.end()
    raise Unterminated("comment", start)


def end_of_quoted(data: bytes, start: int) -> int:
    """The end of what begins with the quote character at `start`; doubled it is part of it."""
    quote = data[start : start + 1]
    at = start + 1
    while (end := data.find(quote, at)) >= 0:
        if data[end + 1 : end + 2] != quote:
            return end + 1
        at = end + 2
    raise Unterminated("string" if quote == b"'" else "quoted identifier", start)


def end_of_escapes(data: bytes, start: int) -> int:
    """The end of the E'...' at `start`, with the strings that continue it."""
    at = start + 2
    while True:
        end = _ESCAPES.match(data, at)
        if end is None:
            raise Unterminated("string", start)
        more = _CONTINUED.match(data, end.end())
        if more is None:
            return end.end()
        at = more.end()


def end_of_dollar(data: bytes, opening: re.Match[bytes]) -> int:
    """The end of the dollar quote that begins with this $tag$."""
    end = data.find(opening[0], opening.end())
    if end < 0:
        raise Unterminated("dollar quote", opening.start())
    return end + len(opening[0])


@dataclass(frozen=True)
class Token:
    """A token that is neither space nor comment: the bytes [start, end) of a text."""

    kind: str  # "word", "name" (quoted), "string", "number", "symbol"
    start: int
    end: int


_TOKEN = re.compile(
    rb"(?P<space>[ \t\n\r\f\v]+|--[^\n\r]*)"
    rb"|(?P<comment>/\*)"
    rb"|(?P<escapes>[eE]')"
    rb"|(?P<string>(?:[bBxXnN]|[uU]&)?')"
    rb'|(?P<name>(?:[uU]&)?")'
    rb"|(?P<word>" + WORD + rb")"
    rb"|(?P<dollar>\$)"
    rb"|(?P<number>[0-9]+(?:" + WORD + rb")?)"
    rb"|(?P<symbol>.)",
    re.DOTALL,
)


def tokens(data: bytes, start: int, end: int) -> Iterator[Token]:
    """The tokens of data[start:end], in which everything quoted ends. Symbols are single bytes."""
    at = start
    while at < end:
        match = _TOKEN.match(data, at, end)
        assert match is not None  # `symbol` takes any byte
        kind, begin, at = str(match.lastgroup), at, match.end()
        if kind == "comment":
            at = end_of_comment(data, begin)
        elif kind == "escapes":
            kind, at = "string", end_of_escapes(data, begin)
        elif kind in ("string", "name"):
            at = end_of_quoted(data, at - 1)
        elif kind == "dollar":
            opening = DOLLAR.match(data, begin)
            kind = "string" if opening else "symbol"
            at = end_of_dollar(data, opening) if opening else at
        if kind not in ("space", "comment"):
            yield Token(kind, begin, at)
