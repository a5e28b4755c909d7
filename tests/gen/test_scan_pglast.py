"""The scanner against PostgreSQL's own lexer and grammar (pglast): on soups of tokens, on generated
SQL and on real SQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from pglast.error import Error
from pglast.parser import parse_sql
from pglast.parser import scan as pg_scan

from inlay_gen.sql.lexer import tokens
from inlay_gen.sql.scan import scan
from sql import SCRIPT, SOUP

SOURCE = Path(__file__).resolve().parents[2]


def ours(sql: str) -> list[tuple[int, int]]:
    """The boundaries that the scanner finds, in characters."""
    data = sql.encode()
    return [
        (len(data[:start].decode()), len(data[:end].decode()))
        for start, end in scan(data).statements
    ]


def pg_tokens(sql: str) -> list[tuple[int, int, str]]:
    """PostgreSQL's tokens without comments: start, end, name."""
    found = pg_scan(sql)
    nexts = [t.start for t in found[1:]] + [len(sql)]
    return [
        # The ends of U&"" and U&'' are not told right.
        (t.start, len(sql[:n].rstrip()) if t.name in ("UIDENT", "USCONST") else t.end + 1, t.name)
        for t, n in zip(found, nexts)
        if t.name not in ("SQL_COMMENT", "C_COMMENT")
    ]


def lexer_says(sql: str) -> list[tuple[int, int]]:
    """The boundaries by the rule alone: semicolons outside of parentheses, in what PostgreSQL's
    lexer sees. It knows nothing of BEGIN ATOMIC."""
    statements: list[list[tuple[int, int]]] = []
    current: list[tuple[int, int]] = []
    depth = 0
    for start, end, name in pg_tokens(sql):
        if name == "ASCII_59" and depth == 0:
            statements.append(current)
            current = []
            continue
        current.append((start, end))
        depth = max(0, depth + (name == "ASCII_40") - (name == "ASCII_41"))
    return [(s[0][0], s[-1][1]) for s in [*statements, current] if s]


def grammar_says(sql: str) -> list[tuple[int, int]]:
    """The boundaries of the statements that PostgreSQL's grammar finds, less what is around."""
    found = []
    all_tokens = pg_tokens(sql)
    for statement in parse_sql(sql):
        begin = statement.stmt_location
        end = begin + statement.stmt_len if statement.stmt_len else len(sql)
        inside = [t for t in all_tokens if begin <= t[0] < end]
        found.append((inside[0][0], inside[-1][1]))
    return found


# ---- soups: anything that the lexer accepts ----


@given(SOUP)
@settings(max_examples=1500)
def test_soups(sql: str) -> None:
    result = scan(sql.encode())
    try:
        expected = lexer_says(sql)
    except (Error, UnicodeDecodeError):  # the message can end inside a character
        return
    if any(p.rule == "psql-command" for p in result.problems):
        return
    assert not any(p.rule == "unterminated" and p.what != "BEGIN ATOMIC" for p in result.problems)
    if "atomic" not in sql:
        assert ours(sql) == expected


@given(SOUP)
@settings(max_examples=500)
def test_two_readings_of_one_soup(sql: str) -> None:
    """Word by word the scanner finds what it finds in leaps, and the tokens of a statement end
    where it ends."""
    data = sql.replace("atomic", "atom").encode()
    result = scan(data)
    by_words = scan(b"/*atomic*/" + data)
    assert [(s - 10, e - 10) for s, e in by_words.statements] == [
        (s, e) for s, e in result.statements
    ]
    for start, end in result.statements:
        found = list(tokens(data, start, end))
        assert (found[0].start, found[-1].end) == (start, end)


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_any_bytes_can_be_scanned(data: bytes) -> None:
    last = 0
    for start, end in scan(data).statements:
        assert last <= start < end <= len(data)
        last = end


# ---- SQL that the grammar accepts ----


@given(SCRIPT)
@settings(max_examples=300)
def test_generated_sql(sql: str) -> None:
    try:
        expected = grammar_says(sql)
    except (Error, UnicodeDecodeError):
        reject()
    assert ours(sql) == expected
    assert [p for p in scan(sql.encode()).problems if p.rule != "crlf-in-string"] == []


# ---- SQL that people wrote ----

REAL = sorted([*SOURCE.glob("migrations/*.sql"), *Path(__file__).parent.glob("sql/*.sql")])


@pytest.mark.parametrize("path", REAL, ids=lambda path: str(path.name))
def test_real_sql(path: Path) -> None:
    sql = path.read_text(encoding="utf-8")
    assert ours(sql) == grammar_says(sql)
