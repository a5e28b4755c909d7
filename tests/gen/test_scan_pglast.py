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

from inlay_gen.lexer import tokens
from inlay_gen.scan import scan

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
    statements, current, depth = [], [], 0
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

FRAGMENTS = """
    ' '' " "" $ $$ $a$ $b$ $1 E' e' U&' U&" B' X' N' \\' \\\\ -- /* */ ; ; ( ) [ ] : :: + - * / < >
    = ~ ! @ # % ^ & | ` ? , . .. 1 1.5 1e 1e5 a e E b_1 é atomic begin end case
    CREATE FUNCTION OR REPLACE
""".split()
SOUP = st.lists(
    st.one_of(
        st.sampled_from(FRAGMENTS),
        st.sampled_from([" ", "\n", "\r", "\t", "\f", " ", "\n"]),
    ),
    max_size=25,
).map("".join)


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
    assert [(s - 10, e - 10) for s, e in by_words.statements] == [*map(tuple, result.statements)]
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

SPACE = st.sampled_from([" ", "\n", "\t", " /* ; ' */ ", " -- ; '\n", "/* a /* ; */ */", "\r\n "])
LITERAL = st.sampled_from(
    [
        "1",
        "2.5e-3",
        "'a;'",
        "'it''s;'",
        r"'\'",
        r"E'\';\\'",
        "E'a'\n'\\';'",
        "E'a' -- ;\n '\\';'",
        "U&'\\0061;'",
        "B'01'",
        "X'ff'",
        "N'é;'",
        "$$;'$$",
        "$é$;$$;$é$",
        "$1",
        "NULL",
        "date'2001-01-01'",
    ]
)
NAME = st.sampled_from(
    ["a", "a$b$", "é", '";"', '"a"";"', 'U&"\\0061;"', "t.end", 't."case"', "atomic", "begin"]
)
OPERATOR = st.sampled_from(
    ["+", "-", "*", "/", "||", "@>", "<@", "~~*", "->>", "=", "!=", "%", "?|"]
)


def joined(*parts: "str | st.SearchStrategy[str]") -> st.SearchStrategy[str]:
    """These parts with space or comments between them."""
    strategies = [part if isinstance(part, st.SearchStrategy) else st.just(part) for part in parts]
    woven = [strategies[0]]
    for strategy in strategies[1:]:
        woven += [SPACE, strategy]
    return st.tuples(*woven).map("".join)


EXPRESSION = st.recursive(
    st.one_of(LITERAL, NAME),
    lambda inner: st.one_of(
        joined(inner, OPERATOR, inner),
        joined("(", inner, ")"),
        joined("CASE WHEN", inner, "THEN", inner, "END"),
        joined("CASE", inner, "WHEN", inner, "THEN", inner, "ELSE", inner, "END"),
        joined(inner, "::text"),
        joined("ARRAY[", inner, ",", inner, "]"),
        joined("(SELECT", inner, ")"),
    ),
    max_leaves=4,
)
SIMPLE = st.one_of(
    joined("SELECT", EXPRESSION),
    joined("SELECT", EXPRESSION, "AS", st.sampled_from(["end", "case", "begin", '"end"'])),
    joined("SELECT", EXPRESSION, "end"),
    joined("SELECT", "begin", "atomic"),
    joined("INSERT INTO", NAME, "VALUES (", EXPRESSION, ",", EXPRESSION, ")"),
    joined("UPDATE", "t", "SET", "a", "=", EXPRESSION),
    joined("VALUES", "(", EXPRESSION, ")"),
)
BODY = st.lists(st.one_of(SIMPLE, st.just("")), max_size=3).map(
    lambda statements: "".join(f" {s};" for s in statements)
)
ROUTINE = st.sampled_from(
    ["CREATE FUNCTION", "create /* ; */ or -- ;\n replace Function", "CREATE OR REPLACE FUNCTION"]
)
STATEMENT = st.one_of(
    SIMPLE,
    SIMPLE,
    joined(ROUTINE, "f()", "RETURNS int", "LANGUAGE sql", "BEGIN", "ATOMIC", BODY, "END"),
    joined("CREATE PROCEDURE", "begin()", "BEGIN", "ATOMIC", BODY, "END"),
    joined(ROUTINE, "f(begin int, atomic int)", "RETURNS int", "RETURN", EXPRESSION),
    joined(ROUTINE, "f()", "RETURNS int", "AS $f$ BEGIN ATOMIC; SELECT 1; $f$", "LANGUAGE sql"),
    joined("DO", "$$ BEGIN PERFORM 1; END; $$"),
    joined("CREATE RULE", "r", "AS ON INSERT TO", "t", "DO", "(", SIMPLE, ";", SIMPLE, ";", ")"),
    joined("CREATE VIEW", "v", "AS", "SELECT", EXPRESSION),
    joined("COMMENT ON TABLE", "t", "IS", st.sampled_from(["';'", "E'\\';'", "$$;$$"])),
    joined("PREPARE", "p", "AS", "SELECT", EXPRESSION),
)
SCRIPT = st.lists(st.one_of(STATEMENT, st.just("")), max_size=4).flatmap(
    lambda statements: st.tuples(*(joined(SPACE, s, ";") for s in statements), SPACE).map("".join)
)


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


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_sql(path: Path) -> None:
    sql = path.read_text(encoding="utf-8")
    assert ours(sql) == grammar_says(sql)
