"""PostgreSQL's own grammar, where the module pglast is there: a syntax error is found in the build.

The module is imported, never bundled: it is under the GPL.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from . import since
from .lexer import tokens
from .scan import Statement

# What is parsed at a time, where no single statement is larger.
_PART = 1 << 20

# The newest PostgreSQL that inlay has been tested with.
NEWEST = 18

# How a statement of PostgreSQL up to that one begins; what begins otherwise is no newer syntax.
_BEGINNING = re.compile(
    rb"(?i)\s*(?:\(|(?:abort|alter|analy[sz]e|begin|call|checkpoint|close|cluster|comment|commit|"
    rb"copy|create|deallocate|declare|delete|discard|do|drop|end|execute|explain|fetch|grant|"
    rb"import|insert|listen|load|lock|merge|move|notify|prepare|reassign|refresh|reindex|release|"
    rb"reset|revoke|rollback|savepoint|security|select|set|show|start|table|truncate|unlisten|"
    rb"update|vacuum|values|with)\b)"
)

_WAY_OUT = "install it for this Python (Debian: python3-pglast), or say --grammar=off"


class NoGrammar(Exception):
    """The grammar was asked for, and the module that has it is not there."""


class Problem(NamedTuple):
    """What a server would refuse, and where."""

    offset: int
    text: str
    sure: bool  # no version accepts it


class Grammar:
    """The grammar of one major version of PostgreSQL."""

    def __init__(self, parser: Any) -> None:
        self.version: int = parser.get_postgresql_version()[0]
        self._parser = parser
        self._split: Callable[..., object] = parser.split
        self._error: type[Exception] = parser.ParseError

    def check(self, data: bytes, statements: list[Statement]) -> list[Problem]:
        """The syntax errors of a text."""
        errors = []
        for part in _parts(statements):
            if self._parse(data[part[0].start : part[-1].end]) is None:
                continue
            for statement in part:
                error = self._parse(data[statement.start : statement.end])
                if error is not None:
                    sure = _BEGINNING.match(data, statement.start, statement.end) is None
                    errors.append(Problem(statement.start + error[0], error[1], sure))
        return errors

    def newer(self, data: bytes, statements: list[Statement], target: int) -> list[Problem]:
        """What this grammar accepts, and a server of the target's version does not."""
        problems = []
        for start, end in statements:
            try:
                tree = json.loads(self._parser.parse_sql_json(_plain(data[start:end])))
            except self._error:
                continue  # said by check()
            except RecursionError:
                text = f"nested too deeply to tell whether PostgreSQL {target} accepts it"
                problems.append(Problem(start, text, False))
                continue
            for words, version in sorted(since.added(tree, target).items()):
                text = f"PostgreSQL {target} does not have {words}, which came with {version}"
                problems.append(Problem(start, text, True))
        return problems

    def _parse(self, text: bytes) -> tuple[int, str] | None:
        try:
            self._split(_plain(text), with_parser=True, only_slices=True)
        except self._error as error:
            message, at = str(error.args[0]), error.args[1]
            at = at if isinstance(at, int) and 0 <= at < len(text) else len(text)
            return at, _in_own_words(message, text, at)
        return None


def _parts(statements: list[Statement]) -> Iterator[list[Statement]]:
    """Statements that are parsed together: in one go that is many times faster than one by one, but
    the parser takes twenty times the memory of its text."""
    part: list[Statement] = []
    for statement in statements:
        if part and statement.end - part[0].start > _PART:
            yield part
            part = []
        part.append(statement)
    if part:
        yield part


def _plain(text: bytes) -> str:
    """Every byte that is not ASCII as a letter, which it is to the lexer: so that places are bytes,
    whatever the module makes of characters."""
    return text.decode("latin-1").translate(_LETTERS)


_LETTERS = dict.fromkeys(range(128, 256), "z")


def _in_own_words(message: str, text: bytes, at: int) -> str:
    """The message with the token as it is written."""
    if not message.startswith("syntax error at or near "):
        return message
    token = next(tokens(text, at, len(text)), None)
    if token is None:
        return message
    shown = text[token.start : token.end].decode("utf-8", "replace")
    return f'syntax error at or near "{shown if len(shown) <= 40 else shown[:40] + "..."}"'


def load(mode: str) -> Grammar | None:
    """The grammar for --grammar=auto, require or off."""
    if mode == "off":
        return None
    try:
        return Grammar(importlib.import_module("pglast.parser"))
    except ImportError as error:
        if mode == "require":
            raise NoGrammar(f"the module pglast cannot be imported: {error}; {_WAY_OUT}") from None
        return None


def note(grammar: Grammar | None, mode: str, target: int | None) -> str | None:
    """What a run does not look at, although one might think so."""
    if grammar is None:
        return None if mode == "off" else _NO_GRAMMAR
    if target is None or target >= grammar.version:
        return None
    return since.unchecked(grammar.version, target)


_NO_GRAMMAR = (
    "syntax is not checked, because the Python module pglast is not there (Debian: "
    "python3-pglast); --grammar=off ends this note"
)
