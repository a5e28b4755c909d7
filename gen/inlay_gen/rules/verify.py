"""Scripts that verify a migration: NNN_name.verify.sql. What of one is asked."""

from __future__ import annotations

import re
from dataclasses import replace

from ..sql.classify import Class, Kind
from ..sql.scan import Statement

Statements = list[tuple[Statement, Class]]

# A query can stand in another one, which looks at what it gives.
_QUERY = re.compile(rb"\(|(?i:SELECT|VALUES|TABLE|WITH)\b")
# One without a column cannot, nor one that makes a table.
_PLAIN = re.compile(rb"(?is)SELECT\s+FROM\b|.*\bINTO\b")


def questions(data: bytes, statements: Statements) -> Statements:
    """The statements, less a BEGIN and a ROLLBACK around them, which sqitch's scripts have: nothing
    stays of them here either."""
    if len(statements) > 1 and _is(statements[0], "BEGIN", "START TRANSACTION"):
        if _is(statements[-1], "ROLLBACK"):
            statements = statements[1:-1]
    return [(statement, _classify(data, statement, known)) for statement, known in statements]


def is_allowed(known: Class) -> bool:
    return known.kind.transactional and known.rule != "transaction-control"


def refusal(known: Class, start: int) -> tuple[str, int, str]:
    """The rule, where, and the text."""
    if known.rule == "transaction-control":
        text = f"remove {known.command}: a verify script runs in a transaction that is rolled back"
        return known.rule, start, text
    text = f"{known.command} cannot run in a verify script, which only reads"
    return "needs-no-transaction", start, text


def _is(found: tuple[Statement, Class], *commands: str) -> bool:
    return found[1].rule == "transaction-control" and found[1].command in commands


def _classify(data: bytes, statement: Statement, known: Class) -> Class:
    text = data[statement.start : statement.end]
    if known.kind is Kind.ORDINARY and _QUERY.match(text) and not _PLAIN.match(text):
        return replace(known, kind=Kind.QUERY)
    return known
