"""What the C sources can say: the format strings of their messages, read from the text of the
calls that set them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

_TOKEN = re.compile(r"""\s+|/\*.*?\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\w+|.""", re.DOTALL)
_CONVERSION = re.compile(r'%(?:[-+ #0]*[\d*]*(?:\.[\d*]+)?(?:hh|ll|[hlzjt])?[a-zA-Z])|" ?PRI\w+ ?"')

# A call that says something, the argument (from 0) that says it, and where that is so: in every
# file, or in one where a function of that name does.
CALLS = (
    ("inlay_error_set", 2, ""),
    ("inlay_cli_answer_fail", 2, ""),
    ("inlay_log", 2, ""),
    ("complain", 1, "parse.c"),
    ("refuse", 1, "backup.c"),
    ("go_without", 2, "backup.c"),
    ("inlay_cli_buffer_format", 1, "backup.c"),
    ("inlay_cli_buffer_format", 1, "cli.c"),
    ("inlay_cli_buffer_text", 1, "await.c"),
    ("refuse_conninfo", 1, "conninfo.c"),
    ("refuse_with", 1, "conninfo.c"),
    ("refuse_line", 3, "list.c"),
    ("refuse_shape", 2, "shape.c"),
    ("refuse_connection", 0, "session.c"),
    ("refuse_table", 2, "table.c"),
    ("inlay_pursue_confirmed", 2, ""),
)
# Members of the error, and variables that end there, that are written as texts.
_TARGET = re.compile(r"(?:.*\W)?(?:message|outcome|what)")

# What the server answers that a table is not: in the text of a query.
_FAULT = re.compile(r"(?:THEN|ELSE|format\()[\s\"]*'((?:has|is) [a-z][^']*)'")

# Where a format without a word of its own hands on what another call says (the calls above), what
# the server or libpq says, or what a migration in C or the host says.
HANDED_ON = {
    "await.c",
    "connect.c",
    "error.c",
    "in_c.c",
    "list.c",
    "pursue.c",
    "result.c",
    "selftest.c",
    "shape.c",
    "verify.c",
    "wire.c",
}


@dataclass(frozen=True)
class Say:
    """One message, or the end of one, and where it is said."""

    file: str
    format: str
    whole: bool
    informs: bool = False  # of what is as it should be

    @property
    def has_words(self) -> bool:
        return re.search(r"[A-Za-z]{3}", _CONVERSION.sub("", self.format)) is not None

    def matches(self, line: str) -> bool:
        """Is this line of the manual this message, with whatever in place of its values? A page
        may break off with "..." where texts follow that it does not repeat."""
        return self._pattern.fullmatch(line) is not None or self._begins(line)

    def _begins(self, line: str) -> bool:
        """Does the line break off inside this message, after enough of it to be searched for?
        Words in capitals stand for its values."""
        head, dots, _ = line.partition(" ...")
        if not dots or len(re.findall(r"\b[a-z]{2,}\b", head)) < 3:
            return False
        pattern = ".+?".join(map(re.escape, re.split(r"\b[A-Z]+\b", head)))
        return re.match(pattern, self.format.strip()) is not None

    @property
    def _pattern(self) -> re.Pattern[str]:
        parts = _CONVERSION.split(self.format.strip())
        start = "" if self.whole else ".*"
        return re.compile(start + ".*".join(map(re.escape, parts)) + r"(?: \.\.\.)?")


def sources(top: Path) -> list[Path]:
    found = [path for room in ("library", "cli") for path in (top / "src" / room).rglob("*.c")]
    assert len(found) > 50, "the sources are somewhere else"
    return sorted(found)


def said_in(path: Path) -> Iterator[Say]:
    """Every message of a source file."""
    for fault in _FAULT.findall(path.read_text()) if path.name == "table.c" else []:
        yield Say(path.name, _unescape(fault), False)
    tokens = _TOKEN.findall(path.read_text())
    tokens = [t for t in tokens if not t.isspace() and not t.startswith("/*")]
    for index in range(len(tokens) - 1):
        if tokens[index + 1] == "(":
            for call, argument, where in CALLS:
                if tokens[index] == call and where in ("", path.name):
                    arguments = _arguments(tokens, index + 2)
                    if argument < len(arguments):
                        whole = not call.startswith("refuse")
                        informs = ["INLAY_LOG_INFO"] in arguments
                        yield from _texts(path.name, arguments[argument], whole, informs)
            if tokens[index] in ("inlay_text_put", "snprintf"):
                target, _, text = _arguments(tokens, index + 2)[:3]
                if _TARGET.fullmatch("".join(target)):
                    yield from _texts(path.name, text, target != ["what"])
        elif tokens[index : index + 2] == ["message", "="]:
            yield from _texts(path.name, tokens[index + 2 : tokens.index(";", index)], True)


def _arguments(tokens: list[str], start: int) -> list[list[str]]:
    """The arguments of the call whose first token behind the parenthesis is at `start`."""
    arguments: list[list[str]] = [[]]
    depth = 0
    for token in tokens[start:]:
        if token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
        if depth < 0:
            break
        if token == "," and depth == 0:
            arguments.append([])
        else:
            arguments[-1].append(token)
    return arguments


def _texts(file: str, tokens: list[str], whole: bool, informs: bool = False) -> Iterator[Say]:
    """The string literals of an expression; adjacent ones, macros for formats between them, are
    one."""
    text = ""
    for token in [*tokens, ";"]:
        if token.startswith('"'):
            text += _unescape(token[1:-1])
        elif token.startswith("PRI"):
            text += "d"
        elif text:
            yield Say(file, text, whole, informs)
            text = ""


def _unescape(text: str) -> str:
    return text.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
