"""Which transaction a file runs in: what it says of it itself, and what the command line says of
files that cannot be edited, --no-transaction and --strip-transaction.

--strip-transaction leaves out the BEGIN at the start of a file and the COMMIT at its end. The text
stays as it is, and so do the checksum and the numbers of its lines."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from ..files.discover import Source, Transaction
from ..sql.classify import INSIDE, Class
from ..sql.lexer import tokens
from ..sql.scan import Statement
from .policy import Policy

Statements = list[tuple[Statement, Class]]

EVERY = "*"  # the pattern that stands for none: all files that begin or end a transaction

_BEGIN = re.compile(r"BEGIN( WORK| TRANSACTION)?|START TRANSACTION")
_OF_A_KIND = "this BEGIN says what kind of transaction it begins"
_COMMIT = re.compile(r"(?:COMMIT|END)( WORK| TRANSACTION)?( AND NO CHAIN)?")


class Problem(NamedTuple):
    """What is wrong, and where."""

    offset: int
    text: str


class File(NamedTuple):
    """What the transaction of a file depends on."""

    name: str  # in the directory
    data: bytes
    statements: Statements
    alone: bool  # it runs without one


def runs_alone(source: Source, statements: Statements, policy: Policy) -> bool:
    """Does something outside of the settings in the file say that it has no transaction?"""
    if source.transaction is Transaction.AS_NEEDED and statements:
        if not any(known.kind.transactional for _, known in statements):
            return True
    return source.transaction is Transaction.NEVER or policy.runs_without_transaction(source.name)


def is_control(known: Class) -> bool:
    """Does a statement begin or end a transaction, or change the one that it is in?"""
    return known.rule == "transaction-control"


def strip(file: File, policy: Policy) -> tuple[Statements, list[Problem]]:
    """The statements to embed, and what is wrong with them."""
    patterns = policy.strips_transaction(file.name)
    control = [at for at, known in file.statements if is_control(known)]
    if not patterns or (not control and EVERY in patterns):
        return file.statements, _refuse(file)
    problem = unfit(file)
    body = [(at, known) for at, known in file.statements if not is_control(known)]
    if problem is None:
        return body, []
    way_out = "make a file of each part, without BEGIN and COMMIT"
    if not control:
        way_out = "take the file out of the pattern"
    elif problem.text == _OF_A_KIND:
        way_out = "write BEGIN alone, and a setting such as '-- inlay: isolation=serializable'"
    text = (
        f"--strip-transaction={patterns[0]} is for files that are one transaction from BEGIN to "
        f"COMMIT, and {problem.text}; {way_out}"
    )
    return body, [Problem(problem.offset, text)]


def _refuse(file: File) -> list[Problem]:
    """A file as it is must not begin or end a transaction, nor without one need one."""
    fits = unfit(file) is None
    refused = [
        (at, known)
        for at, known in file.statements
        if is_control(known) or (file.alone and known.command in INSIDE)
    ]
    return [_refusal(file, at, known, fits) for at, known in refused]


def _refusal(file: File, at: Statement, known: Class, fits: bool) -> Problem:
    text = f"remove {known.command}: inlay already runs the file and its history row in one "
    text += "transaction"
    if file.alone:
        text = f"remove {known.command}: the statements of this file run one by one"
    if known.command == "SET TRANSACTION":
        text += ", and write '-- inlay: isolation=serializable' at the top of the file"
    if fits:
        text += f". {APPLIED}: embed it with --strip-transaction"
    return Problem(at.start, text)


APPLIED = "A file that is applied already is not edited"


def pattern_of(name: str) -> str:
    """A pattern that matches this file, for a shell."""
    return shlex.quote(re.sub(r"([][*?])", r"[\1]", name))


def unfit(file: File) -> Problem | None:
    """Why this is not one transaction from its first statement to its last; None: it is."""
    statements = file.statements
    control = [n for n, (_, known) in enumerate(statements) if is_control(known)]
    if not control:
        return Problem(0, "there is no BEGIN in this file")
    (first, begin), (last, commit) = statements[0], statements[-1]
    inside = [n for n in control if 0 < n < len(statements) - 1]
    if begin.command not in ("BEGIN", "START TRANSACTION"):
        return Problem(first.start, "this statement stands before BEGIN")
    if not is_begin(file.data, first):
        return Problem(first.start, _OF_A_KIND)
    if inside:
        at, known = statements[inside[0]]
        return Problem(at.start, f"{known.command} stands between the first and the last statement")
    if commit.command not in ("COMMIT", "END"):
        return Problem(last.start, "this is the last statement, and it is not COMMIT")
    if not is_commit(file.data, last):
        return Problem(last.start, "this COMMIT begins another transaction")
    if file.alone:
        return Problem(first.start, "this one is to run without a transaction")
    return None


def is_begin(data: bytes, statement: Statement) -> bool:
    """BEGIN in one of its forms, with nothing about the kind of transaction."""
    return _BEGIN.fullmatch(_words(data, statement)) is not None


def is_commit(data: bytes, statement: Statement) -> bool:
    """COMMIT in one of its forms, with no other transaction after it."""
    return _COMMIT.fullmatch(_words(data, statement)) is not None


def _words(data: bytes, statement: Statement) -> str:
    found = (data[t.start : t.end].decode("utf-8", "replace") for t in tokens(data, *statement))
    return " ".join(found).upper()
