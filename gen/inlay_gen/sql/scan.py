"""Where each statement of a text begins and ends.

A statement ends at a semicolon outside of quotes, comments, parentheses and the SQL body of a
function (BEGIN ATOMIC ... END).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from . import lexer
from .lexer import SPACE, WORD

# What can change where a statement ends; everything between two marks is plain. A pattern that
# begins with one set of characters is searched for several times faster than alternatives. The
# second form stops at words too, except at the prefix of an E'...'.
_MARKS = rb"['\"$();\\/-](?:(?<=-)-[^\n\r]*|(?<=/)\*)?"
_MARK = re.compile(_MARKS)
_MARK_OR_WORD = re.compile(_MARKS + rb"|(?![eE]')" + WORD)

_ATOMIC = re.compile(rb"(?i)atomic")
_REST_OF_WORD = re.compile(rb"[A-Za-z_\x80-\xff0-9$]*")
_REST_OF_LINE = re.compile(rb"[^\n\r]*")
_LETTERS = frozenset(byte for byte in range(256) if _REST_OF_WORD.fullmatch(bytes([byte])))
_WORD_BYTES = _LETTERS - {ord("$")}
_REMARK = re.compile(rb"(?i)--[ \t]*inlay[ \t]*:")
_SETTING = (
    rb"(?:no-transaction\b|replaces[ \t]+[0-9]|(?:lock_timeout|statement_timeout|isolation)[ \t]*=)"
)
_NO_COLON = re.compile(rb"(?i)--[ \t]*inlay[ \t]+" + _SETTING)
_BLOCK_REMARK = re.compile(rb"(?i)/\*+\s*inlay[ \t]*:?[ \t]*" + _SETTING)
_COPY_FROM_STDIN = re.compile(rb"(?is)copy\b.*\bfrom\s+stdin\b")
_END_OF_DATA = re.compile(rb"^\\\.\r?$", re.MULTILINE)


class Statement(NamedTuple):
    """The bytes [start, end) of a text, without semicolon, space and comments around them."""

    start: int
    end: int


@dataclass(frozen=True)
class Problem:
    """Something that is not as it should be: a rule's name, where, and what it is about."""

    rule: str
    offset: int
    what: str


@dataclass(frozen=True)
class Scan:
    """What the scanner found in a text."""

    statements: list[Statement] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    remarks: list[tuple[int, int]] = field(default_factory=list)  # `-- inlay: ...`


class _Bodies:
    """Follows the words of a statement to tell when it is inside the body of a function.

    Only CREATE FUNCTION and CREATE PROCEDURE have such bodies. The END that closes one comes
    directly after a semicolon or after ATOMIC: no statement begins with END in there, and a CASE's
    END or a column named "end" comes after something else.
    """

    _HEADS = (
        (b"create", b"function"),
        (b"create", b"procedure"),
        (b"create", b"or", b"replace", b"function"),
        (b"create", b"or", b"replace", b"procedure"),
    )

    def __init__(self) -> None:
        self.depth = 0
        self.begin_statement()

    def begin_statement(self) -> None:
        self.head: tuple[bytes, ...] = ()
        self.previous = b";"  # or none

    def word(self, word: bytes) -> None:
        """Takes a word outside of parentheses."""
        if word == b"end" and self.depth > 0 and self.previous == b";":
            self.depth -= 1
        if word == b"atomic" and self.previous == b"begin" and self.head in self._HEADS:
            self.depth += 1
            self.begin_statement()
            return
        if len(self.head) < 4 and self.head not in self._HEADS:
            self.head += (word,)
        self.previous = word

    def other(self) -> None:
        """Takes anything that is neither a word nor space."""
        self.previous = b""
        if len(self.head) < 4 and self.head not in self._HEADS:
            self.head += (b"",)


class _Scanner:
    """The state between two marks."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0  # where the next mark is looked for
        self.done = 0  # what stands before is accounted for
        self.result = Scan()
        self.has_crlf = b"\r\n" in data
        self.bodies = _Bodies() if _ATOMIC.search(data) else None
        self.begin_statement()

    def begin_statement(self) -> None:
        self.start = -1
        self.end = -1
        self.open: list[int] = []  # parentheses
        self.broken = False  # by a command of psql: what is left is no statement
        if self.bodies is not None:
            self.bodies = _Bodies()

    def run(self) -> Scan:
        search = (_MARK if self.bodies is None else _MARK_OR_WORD).search
        marks = {
            ord("'"): self.string,
            ord('"'): self.name,
            ord("$"): self.dollar,
            ord("("): self.parenthesis,
            ord(")"): self.parenthesis,
            ord(";"): self.semicolon,
            ord("\\"): self.backslash,
            ord("-"): self.line_comment,
            ord("/"): self.comment,
        }
        try:
            while (mark := search(self.data, self.at)) is not None:
                marks.get(mark[0][0], self.word)(mark)
            self.finish()
        except lexer.Unterminated as error:
            self.problem("unterminated", error.start, error.what)
        return self.result

    def problem(self, rule: str, offset: int, what: str = "") -> None:
        self.result.problems.append(Problem(rule, offset, what))

    # ---- parts of a statement ----

    def plain(self, end: int) -> None:
        """Takes what stands before a mark."""
        text = self.data[self.done : end].rstrip(SPACE)
        if not text:
            return
        if self.start < 0:
            self.start = self.done + len(text) - len(text.lstrip(SPACE))
        self.end = self.done + len(text)
        if self.bodies is not None:
            self.bodies.other()

    def take(self, start: int, end: int) -> None:
        """Takes a mark that is part of the statement, and what stands before it."""
        self.plain(start)
        if self.start < 0:
            self.start = start
        self.end = self.at = self.done = end

    def skip(self, start: int, end: int) -> None:
        """Passes over what is no part of a statement."""
        self.plain(start)
        self.at = self.done = end

    def quoted(self, start: int, end: int) -> None:
        self.take(start, end)
        if self.bodies is not None:
            self.bodies.other()
        if self.has_crlf:
            at = self.data.find(b"\r\n", start, end)
            if at >= 0:
                self.problem("crlf-in-string", at)
                self.has_crlf = False  # once for a file

    def string(self, mark: re.Match[bytes]) -> None:
        quote = mark.start()
        prefix = self.data[max(self.done, quote - 2) : quote]
        if prefix[-1:] in (b"e", b"E") and not (prefix[1:] and prefix[0] in _LETTERS):
            self.quoted(quote - 1, lexer.end_of_escapes(self.data, quote - 1))
        else:
            self.quoted(quote, lexer.end_of_quoted(self.data, quote))

    def name(self, mark: re.Match[bytes]) -> None:
        self.quoted(mark.start(), lexer.end_of_quoted(self.data, mark.start()))

    def dollar(self, mark: re.Match[bytes]) -> None:
        start = mark.start()
        if self.ends_in_word(start):
            rest = _REST_OF_WORD.match(self.data, start)
            assert rest is not None  # it matches nothing, too
            self.at = rest.end()
            return
        opening = lexer.DOLLAR.match(self.data, start)
        if opening is None:  # $1
            self.take(start, start + 1)
        else:
            self.quoted(start, lexer.end_of_dollar(self.data, opening))

    def ends_in_word(self, end: int) -> bool:
        """Does the text before a dollar sign end in a word, which the sign is then part of?"""
        start = end
        while start > self.done and self.data[start - 1] in _WORD_BYTES:
            start -= 1
        return start < end and not self.data[start:end].isdigit()

    def word(self, mark: re.Match[bytes]) -> None:
        self.take(mark.start(), mark.end())
        if self.bodies is not None and not self.open:
            self.bodies.word(mark[0].lower())

    def parenthesis(self, mark: re.Match[bytes]) -> None:
        self.at = mark.end()
        if mark[0] == b"(":
            self.open.append(mark.start())
        elif self.open:
            self.open.pop()
        else:
            self.problem("parenthesis", mark.start(), ")")

    # ---- what separates statements, and what is no part of one ----

    def semicolon(self, mark: re.Match[bytes]) -> None:
        if self.open:
            self.at = mark.end()
        elif self.bodies is not None and self.bodies.depth > 0:
            self.take(mark.start(), mark.end())
            self.bodies.begin_statement()
        else:
            self.skip(mark.start(), mark.end())
            self.finish_statement()

    def line_comment(self, mark: re.Match[bytes]) -> None:
        if len(mark[0]) == 1:  # a minus
            self.at = mark.end()
            return
        self.skip(mark.start(), mark.end())
        if _REMARK.match(mark[0]):
            self.result.remarks.append(mark.span())
        elif _NO_COLON.match(mark[0]):
            self.problem("setting", mark.start(), "no colon follows inlay")

    def comment(self, mark: re.Match[bytes]) -> None:
        if len(mark[0]) == 1:  # a slash
            self.at = mark.end()
            return
        self.skip(mark.start(), lexer.end_of_comment(self.data, mark.start()))
        if _BLOCK_REMARK.match(self.data, mark.start()):
            self.problem("setting", mark.start(), "it is in a comment of the form /* ... */")

    def backslash(self, mark: re.Match[bytes]) -> None:
        """A command of psql takes the rest of its line."""
        line = _REST_OF_LINE.match(self.data, mark.start())
        assert line is not None  # it begins with the backslash
        self.skip(*line.span())
        self.problem("psql-command", line.start(), line[0].split()[0].decode("utf-8", "replace"))
        self.broken = self.start >= 0

    def finish_statement(self) -> None:
        if self.start >= 0 and not self.broken:
            self.result.statements.append(Statement(self.start, self.end))
            self.pass_data()
        self.begin_statement()

    def pass_data(self) -> None:
        """What follows a COPY FROM STDIN is not SQL: rows, as pg_dump writes them."""
        head = self.data[self.start : self.start + 4]
        if head.upper() != b"COPY" or not _COPY_FROM_STDIN.match(self.data, self.start, self.end):
            return
        end = _END_OF_DATA.search(self.data, self.at)
        if end is not None:
            self.at = self.done = end.end()

    def finish(self) -> None:
        """Takes the last statement, which needs no semicolon."""
        self.plain(len(self.data))
        if self.open:
            self.problem("parenthesis", self.open[-1], "(")
        elif self.bodies is not None and self.bodies.depth > 0:
            self.problem("unterminated", self.start, "BEGIN ATOMIC")
        self.finish_statement()


def scan(data: bytes) -> Scan:
    """Splits a text into statements. After what does not end nothing is split any more."""
    return _Scanner(data).run()
