"""SQL as PostgreSQL's lexer sees it: where each statement begins and ends.

The rules are those of psqlscan.l and scan.l in PostgreSQL, with standard_conforming_strings
on. Nothing is understood beyond that; classify.py looks at the first words of a statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_SPACE = rb"[ \t\n\r\f\v]"
_WORD_START = rb"[A-Za-z\x80-\xff_]"
_WORD_MORE = rb"[A-Za-z\x80-\xff0-9_$]"

# One token. An operator ends where a comment begins: `*--x` is an operator and a comment.
_TOKEN = re.compile(
    rb"(?P<space>" + _SPACE + rb"+)"
    rb"|(?P<line_comment>--[^\n\r]*)"
    rb"|(?P<block_comment>/\*)"
    rb"|(?P<escape_string>[eE]')"
    rb"|(?P<plain_string>(?:[bBxXnN]|[uU]&)?')"
    rb'|(?P<name>(?:[uU]&)?")'
    rb"|(?P<dollar>\$(?:" + _WORD_START + rb"[A-Za-z\x80-\xff0-9_]*)?\$)"
    rb"|(?P<parameter>\$[0-9]+)"
    rb"|(?P<number>(?:[0-9][0-9_]*(?:\.(?!\.)[0-9_]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    rb"|(?P<word>" + _WORD_START + _WORD_MORE + rb"*)"
    rb"|(?P<semicolon>;)"
    rb"|(?P<open>\()"
    rb"|(?P<close>\))"
    rb"|(?P<backslash>\\)"
    rb"|(?P<operator>(?:(?!--|/\*)[~!@#^&|`?+\-*/%<>=])+)"
    rb"|(?P<other>.)",
    re.DOTALL,
)

# Tokens that decide nothing, with the space between them, in one match. A word is taken only whole
# and only where no quote follows, which could make it the introducer of a string. The alternatives
# begin differently and nothing follows the repetition, so there is nothing to backtrack into.
_PLAIN = (
    rb"(?:" + _WORD_START + _WORD_MORE + rb"*(?!" + _WORD_MORE + rb"|['\"&])"
    rb"|[0-9,.:=<>*+\[\]|]|'[^']*')"
)
_PLAIN_RUN = re.compile(_PLAIN + rb"(?:" + _SPACE + rb"*" + _PLAIN + rb")*")

_COMMENT_EDGE = re.compile(rb"/\*|\*/")
_PLAIN_END = re.compile(rb"'")
_NAME_END = re.compile(rb'"')
_ESCAPE_END = re.compile(rb"(?:[^'\\]|\\.|'')*'", re.DOTALL)

# Two strings with a line break between them are one; only for E'' does it matter which kind the
# second is.
_CONTINUATION = re.compile(
    rb"(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:" + _SPACE + rb"|--[^\n\r]*[\n\r])*'"
)


@dataclass(frozen=True)
class Token:
    """A token that is neither space nor comment."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Statement:
    """The bytes [start, end) of a text, without semicolon, space and comments around them."""

    start: int
    end: int


@dataclass(frozen=True)
class Problem:
    """Something the lexer cannot get over, or that must be told: a rule's name and where."""

    rule: str
    offset: int
    text: str


@dataclass
class Scan:
    """What the scanner found in a text."""

    statements: list[Statement] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    comments: list[tuple[int, int]] = field(default_factory=list)  # line comments


class Unterminated(Exception):
    """A string, comment or quoted name that does not end."""

    def __init__(self, what: str, start: int) -> None:
        super().__init__(what)
        self.what = what
        self.start = start


def _end_of_comment(data: bytes, start: int) -> int:
    depth = 1
    for edge in _COMMENT_EDGE.finditer(data, start + 2):
        depth += 1 if edge.group() == b"/*" else -1
        if depth == 0:
            return edge.end()
    raise Unterminated("comment", start)


def _end_of_escape_string(data: bytes, start: int, body: int) -> int:
    while True:
        end = _ESCAPE_END.match(data, body)
        if end is None:
            raise Unterminated("string", start)
        more = _CONTINUATION.match(data, end.end())
        if more is None:
            return end.end()
        body = more.end()


def _end_of_quoted(data: bytes, token: re.Match[bytes]) -> int:
    """The end of the quoted thing that begins with this token."""
    kind, start, body = token.lastgroup, token.start(), token.end()
    if kind == "block_comment":
        return _end_of_comment(data, start)
    if kind == "escape_string":
        return _end_of_escape_string(data, start, body)
    if kind == "dollar":
        closing = data.find(token.group(), body)
        if closing < 0:
            raise Unterminated("dollar quote", start)
        return closing + len(token.group())
    # A doubled quote reads as two strings that touch, which ends in the same place.
    end = (_NAME_END if kind == "name" else _PLAIN_END).search(data, body)
    if end is None:
        raise Unterminated("quoted name" if kind == "name" else "string", start)
    return end.end()


_QUOTED = frozenset(("block_comment", "escape_string", "plain_string", "name", "dollar"))


def tokens(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Token]:
    """The tokens of a text without space and comments; quoted things are one token each."""
    at, limit = start, len(data) if end is None else end
    while at < limit:
        match = _TOKEN.match(data, at)
        assert match is not None  # `other` takes any byte
        kind = str(match.lastgroup)
        at = _end_of_quoted(data, match) if kind in _QUOTED else match.end()
        if kind not in ("space", "line_comment", "block_comment"):
            yield Token(kind, match.start(), at)


_FUNCTION = re.compile(
    rb"CREATE" + _SPACE + rb"+(?:OR" + _SPACE + rb"+REPLACE" + _SPACE + rb"+)?"
    rb"(?:FUNCTION|PROCEDURE)\b",
    re.IGNORECASE,
)


class _Scanner:
    """The state between two tokens: how deep in parentheses, where the statement began."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.result = Scan()
        self.at = 0
        self.begin_statement()

    def begin_statement(self) -> None:
        self.start = -1
        self.end = -1
        self.depth = 0  # of parentheses
        self.blocks = 0  # of BEGIN ATOMIC ... END and CASE ... END within
        self.is_function = False
        self.last_word = b""

    def take(self, start: int, end: int) -> None:
        """Adds a significant token to the statement."""
        if self.start < 0:
            self.start = start
            self.is_function = _FUNCTION.match(self.data, start) is not None
        self.end = end

    def finish_statement(self) -> None:
        if self.start >= 0:
            self.result.statements.append(Statement(self.start, self.end))
        self.begin_statement()

    def count_block(self, word: bytes) -> None:
        """A function's SQL body holds semicolons of its own."""
        word = word.lower()
        if word == b"atomic" and self.last_word == b"begin":
            self.blocks += 1
        elif word == b"case" and self.blocks > 0:
            self.blocks += 1
        elif word == b"end" and self.blocks > 0:
            self.blocks -= 1
        self.last_word = word

    def problem(self, rule: str, offset: int, text: str) -> None:
        self.result.problems.append(Problem(rule, offset, text))

    def psql_command(self, offset: int) -> int:
        """Names a psql command and skips its line."""
        line = re.compile(rb"[^\n\r]*").match(self.data, offset)
        assert line is not None
        name = line.group().split()[0].decode("utf-8", "replace")
        self.problem(
            "psql-command",
            offset,
            f"{name} is a command of psql, not SQL: take it out, or write what it does as SQL",
        )
        return line.end()

    def step(self) -> None:
        """Takes one token, or a run of plain ones."""
        if not self.is_function:
            run = _PLAIN_RUN.match(self.data, self.at)
            if run is not None:
                self.take(run.start(), run.end())
                self.at = run.end()
                return
        match = _TOKEN.match(self.data, self.at)
        assert match is not None
        kind = str(match.lastgroup)
        self.at = _end_of_quoted(self.data, match) if kind in _QUOTED else match.end()
        if kind == "line_comment":
            self.result.comments.append((match.start(), match.end()))
        elif kind == "backslash":
            self.at = self.psql_command(match.start())
        elif kind == "semicolon" and self.depth == 0 and self.blocks == 0:
            self.finish_statement()
        elif kind not in ("space", "block_comment"):
            self.significant(kind, match)

    def significant(self, kind: str, match: re.Match[bytes]) -> None:
        self.take(match.start(), self.at)
        if kind == "open":
            self.depth += 1
        elif kind == "close":
            self.depth = max(0, self.depth - 1)
        elif kind == "word" and self.is_function and self.depth == 0:
            self.count_block(match.group())

    def run(self) -> Scan:
        try:
            while self.at < len(self.data):
                self.step()
        except Unterminated as error:
            self.problem("unterminated", error.start, f"this {error.what} does not end")
            return self.result
        self.finish_statement()
        return self.result


def scan(data: bytes) -> Scan:
    """Splits a text into statements."""
    return _Scanner(data).run()


def quoted_parts(data: bytes) -> Iterator[Token]:
    """The strings and dollar quotes of a text, as far as it can be read."""
    try:
        for token in tokens(data):
            if token.kind in ("escape_string", "plain_string", "dollar"):
                yield token
    except Unterminated:
        return
