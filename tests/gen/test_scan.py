"""Where statements begin and end: PostgreSQL's lexical rules, one by one."""

from __future__ import annotations

import pytest

from inlay_gen.sql.scan import scan


def split(sql: str) -> list[str]:
    data = sql.encode()
    return [data[s.start : s.end].decode() for s in scan(data).statements]


def problems(sql: str) -> list[tuple[str, int, str]]:
    return [(p.rule, p.offset, p.what) for p in scan(sql.encode()).problems]


# A pilcrow stands for a semicolon that ends a statement; every other one must not.
@pytest.mark.parametrize(
    "marked",
    [
        "",
        "SELECT 1",
        " \n SELECT 1 \n¶\t SELECT 2\v\f",
        "SELECT -- a;\n 1 /* ; */ + 2 ¶ SELECT/**/2",
        "SELECT 1 /* a /* ; */ ; */ + 1 ¶ SELECT 2",
        "SELECT 1 /***;***/ + 1 ¶ SELECT 1 /*/ ; */ + 2 ¶ SELECT /**/ 1 ¶ SELECT 3",
        "SELECT 1 +/* ; */ 2 ¶ SELECT 3*--;\n4 ¶ SELECT 5",
        "SELECT 4/2-1 ¶ SELECT - - 1 ¶ SELECT 3",
        # strings
        "SELECT ';--' ¶ SELECT '/*;' ¶ SELECT 3",
        "SELECT 'it''s;' ¶ SELECT '''' ¶ SELECT ''",
        r"SELECT '\' ¶ SELECT ';' ¶ SELECT '\;'",
        "SELECT B'1;', x'f;', N'\\' ¶ SELECT U&'\\' ¶ SELECT 3",
        r"SELECT E'\';' ¶ SELECT e'\\' ¶ SELECT E'\\\';' ¶ SELECT 4",
        r"SELECT E'a''\';' ¶ SELECT 2",
        "SELECT E'a' \n '\\';' ¶ SELECT 2",
        "SELECT E'a'\r\f'\\';'\n\n'\\';' ¶ SELECT 2",
        "SELECT E'a' -- b'\n -- c\n '\\';' ¶ SELECT 2",
        "SELECT E'a' '\\' ¶ SELECT 2",
        "SELECT E'a' /*\n*/ '\\' ¶ SELECT 2",
        r"SELECT date'\' ¶ SELECT 2",
        r"SELECT (e'\';') ¶ SELECT [e'\';'] ¶ SELECT 3",
        # quoted names
        'SELECT ";"";" ¶ SELECT U&"\\" ¶ SELECT "\'" ¶ SELECT "a$b$"',
        # dollar quotes
        "SELECT $$;'$$ ¶ SELECT $$$$ ¶ SELECT $a$;$$;$b$;$a$ ¶ SELECT 4",
        "SELECT $a$;$A$;$a$ ¶ SELECT $a$;$b$a$ ¶ SELECT $é$;$é$ ¶ SELECT $a1_$;$a1_$ ¶ SELECT 5",
        "SELECT $1 ¶ SELECT $1$ ¶ SELECT $ ¶ SELECT $1a$ ¶ SELECT 5",
        "SELECT a$b$ ¶ SELECT c$b$ ¶ SELECT é$b$ ¶ SELECT a$1$b$ ¶ SELECT a$$ ¶ SELECT 6",
        "SELECT'a'||$$;$$||$b$;$b$ ¶ SELECT $$;$$$a$;$a$ ¶ SELECT $a$;$a$b$a$ ¶ SELECT 4",
        "SELECT a$e'\\' ¶ SELECT 2",
        # what only psql reads
        "SELECT :a, :'b;', :\"c;\" ¶ SELECT a::int, b[1:2]",
        # parentheses
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2) ¶ SELECT 3",
        "SELECT ((1); (2;)) ¶ SELECT 3",
        "SELECT '(' || $$($$ /* ( */ || \"(\" ¶ SELECT 2",
        "SELECT [ ¶ ] { ¶ }",
    ],
)
def test_statements(marked: str) -> None:
    expected = [part for part in (p.strip(" \n\t\v\f") for p in marked.split("¶")) if part]
    for sql in (marked.replace("¶", ";"), marked.replace("¶", ";") + ";" + EVERY_WORD):
        assert split(sql) == expected
        assert problems(sql) == []


# With this word in it a text is read word by word.
EVERY_WORD = "/* atomic */"


@pytest.mark.parametrize(
    "sql, statements",
    [
        (";; ;\n;", []),
        ("-- a;\n/* b; */", []),
        ("-- a\n/* b */ SELECT 1 -- c\n/* d */ ; -- e", ["SELECT 1"]),
        ("SELECT 1--;\n;SELECT 2--", ["SELECT 1", "SELECT 2"]),
        ("SELECT 1 -- a\r; SELECT 2 /*;*/", ["SELECT 1", "SELECT 2"]),
        ("/* ' */ SELECT /* ' */ 1 /* ' */;", ["SELECT /* ' */ 1"]),
        ("SELECT E'a' -- b'; SELECT 2", ["SELECT E'a'"]),
    ],
)
def test_comments_around_a_statement_are_no_part_of_it(sql: str, statements: list[str]) -> None:
    assert split(sql) == statements
    assert split(sql + "\n;" + EVERY_WORD) == statements


BODIES = [
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END",
    "create /* a */ procedure p()\nbegin -- b\n atomic end",
    "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC ; ; END",
    "CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN a THEN b ELSE CASE c WHEN 1 THEN 2 END END;"
    " SELECT (CASE WHEN a THEN b END); END",
    "CREATE FUNCTION f() BEGIN ATOMIC SELECT 1 AS end; SELECT 1 end; SELECT t.end; END",
    "CREATE FUNCTION f() BEGIN ATOMIC SELECT 1 AS case; SELECT t.case, t.begin; END",
    "CREATE FUNCTION f() BEGIN ATOMIC SELECT begin atomic FROM t; END",
    "CREATE FUNCTION f() BEGIN ATOMIC SELECT \"end\"; SELECT $$; end$$; SELECT '; end'; END",
    "CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; /* ; END */ -- ; END\n END",
    "CREATE FUNCTION f() BEGIN ATOMIC INSERT INTO t VALUES (1); DELETE FROM t; END",
    "CREATE FUNCTION begin() BEGIN ATOMIC SELECT 1; END",
    "CREATE FUNCTION f(begin atomic) BEGIN ATOMIC SELECT 1; END",
    "CREATE FUNCTION f() BEGIN ATOMIC CREATE FUNCTION g() BEGIN ATOMIC SELECT 1; END; SELECT; END",
    "CREATE FUNCTION f() BEGIN ATOMIC CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); END",
]


@pytest.mark.parametrize("body", BODIES)
def test_a_body_is_part_of_its_statement(body: str) -> None:
    sql = f"SELECT 0; {body}; SELECT 1; {body}"
    assert split(sql) == ["SELECT 0", body, "SELECT 1", body]
    assert problems(sql) == []


@pytest.mark.parametrize(
    "marked",
    [
        "BEGIN ATOMIC ¶ SELECT 1 ¶ END",
        "CREATE VIEW v AS SELECT begin atomic FROM t ¶ SELECT 1 ¶ END",
        "CREATE FUNCTION f() RETURN begin + atomic ¶ END",
        'CREATE "function" f() BEGIN ATOMIC ¶ END',
        'CREATE FUNCTION f() "begin" ATOMIC ¶ END',
        "CREATE FUNCTION f() BEGIN, ATOMIC ¶ END",
        "CREATE FUNCTION f() BEGIN 'a' ATOMIC ¶ END",
        "CREATE TRIGGER FUNCTION f() BEGIN ATOMIC ¶ END",
        "1 CREATE FUNCTION f() BEGIN ATOMIC ¶ END",
        "SELECT atomic ¶ CREATE FUNCTION f() AS $$ BEGIN ATOMIC; $$ ¶ END",
    ],
)
def test_what_looks_like_a_body_and_is_none(marked: str) -> None:
    assert split(marked.replace("¶", ";")) == [part.strip() for part in marked.split("¶")]


@pytest.mark.parametrize(
    "sql, problem",
    [
        ("SELECT 1; SELECT 'a; SELECT 2", ("unterminated", 17, "string")),
        ("SELECT 'a''", ("unterminated", 7, "string")),
        ("SELECT E'a\\'; SELECT 2", ("unterminated", 7, "string")),
        ("SELECT E'a\\", ("unterminated", 7, "string")),
        ("SELECT E'a'\n'b\\'; SELECT 2", ("unterminated", 7, "string")),
        ('SELECT "a; SELECT 2', ("unterminated", 7, "quoted identifier")),
        ("SELECT 1; /* a /* b */ ; ", ("unterminated", 10, "comment")),
        ("SELECT $a$; $A$ $$ $a", ("unterminated", 7, "dollar quote")),
        ("SELECT 1, (2; SELECT (3);", ("parenthesis", 10, "(")),
        ("SELECT ((2); SELECT 3;", ("parenthesis", 7, "(")),
        ("SELECT 2); SELECT 3;", ("parenthesis", 8, ")")),
        (
            "SELECT 1; CREATE FUNCTION f() BEGIN ATOMIC SELECT 1;",
            ("unterminated", 10, "BEGIN ATOMIC"),
        ),
        ("\\restrict abc; def\nSELECT 1;", ("psql-command", 0, "\\restrict")),
        ("SELECT 1 \\gset a_\n;", ("psql-command", 9, "\\gset")),
        ("SELECT 1\\; SELECT 2", ("psql-command", 8, "\\;")),
    ],
)
def test_problems(sql: str, problem: tuple[str, int, str]) -> None:
    assert problems(sql) == [problem]
    assert (
        problems(sql + EVERY_WORD if sql.endswith(";") else EVERY_WORD + sql)[-1][0] == problem[0]
    )


def test_a_psql_command_takes_its_line_and_the_statement_it_is_in() -> None:
    assert split("\\set a 'b\nSELECT 1;\n\\i c.sql\r\nSELECT 2;") == ["SELECT 1", "SELECT 2"]
    assert split("SELECT 1 \\gset 'a\n; SELECT 2") == ["SELECT 2"]


def test_rows_after_copy_are_not_read_as_sql() -> None:
    sql = "COPY t FROM stdin;\n1\tit's\n2\t(\n\\.\n\nSELECT 1;\n"
    assert split(sql) == ["COPY t FROM stdin", "SELECT 1"]
    assert problems(sql) == []
    assert split(sql.replace("\n", "\r\n")) == ["COPY t FROM stdin", "SELECT 1"]
    # Where no row ends the data there is none.
    assert split("COPY t FROM stdin; SELECT 1") == ["COPY t FROM stdin", "SELECT 1"]


def test_the_first_crlf_in_anything_quoted_is_found() -> None:
    for quoted in ("'a\r\n'", "E'a\r\n'", "$$a\r\n$$", '"a\r\n"'):
        sql = f"SELECT 1\r\n; -- a\r\n/* b\r\n*/ SELECT {quoted}, 'c\r\n';\r\n"
        assert problems(sql) == [("crlf-in-string", sql.index(quoted) + quoted.index("\r"), "")]
    assert problems("SELECT\r\n'a';\r\n-- b\r\n") == []


def test_the_scanner_finds_remarks() -> None:
    sql = b"-- inlay: a\n--inlay:b\n--  INLAY : c\n-- inlay d\n/* -- inlay: e */ '-- inlay: f'"
    found = [sql[start:end] for start, end in scan(sql).remarks]
    assert found == [b"-- inlay: a", b"--inlay:b", b"--  INLAY : c"]


@pytest.mark.parametrize(
    "piece",
    [
        "E'" + "''" * 20_000,
        "E'" + "\\\\" * 20_000,
        "E'a'" + " -- b\n" * 20_000,
        "E'a' -- " + "-- " * 20_000,
        "E'a'\n" + "\n" * 20_000 + "b",
        "/*" * 20_000,
        "a" * 50_000 + "$",
        "$a" * 20_000,
        "1$" * 20_000,
        "(" * 20_000,
        "COPY " + "from " * 20_000,
        "CREATE FUNCTION f() BEGIN ATOMIC " + "; end a" * 20_000,
        "begin atomic " * 10_000,
    ],
    ids=lambda piece: str(piece)[:12],
)
def test_nothing_makes_the_scanner_slow(piece: str) -> None:
    # What took quadratic time would not end within the test's own limit.
    scan(piece.encode())
    scan((EVERY_WORD + piece).encode())
