"""PostgreSQL's own grammar over every statement."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from inlay_gen.sql import grammar, since
from inlay_gen.sql.scan import scan
from support import EMPTY, Files, Inlay, write_files


def check(inlay: Inlay, tmp_path: Path, sql: str, *options: str) -> tuple[int, str, str]:
    directory = write_files(tmp_path / "m", {"001_a.sql": sql})
    result = inlay("check", directory, *EMPTY, *options)
    return result.status, result.out, result.err.replace(f"{directory}/", "")


@pytest.mark.parametrize(
    ("sql", "place", "what"),
    [
        ("SELEC 1;", "1:1", 'syntax error at or near "SELEC"'),
        ("SELECT 1;\nCREATE TABLE t (a intt intt);", "2:24", 'syntax error at or near "intt"'),
        ("SELECT 'é', b FRM x y;", "1:19", 'syntax error at or near "x"'),
        ("SELECT 1;\n  SELECT 'äöü' wher é = 1;", "2:21", 'syntax error at or near "é"'),
        ("SELECT 1 +", "1:11", "syntax error at end of input"),
        ("DROP TABLE;", "1:11", "syntax error at end of input"),
    ],
)
def test_a_syntax_error(inlay: Inlay, tmp_path: Path, sql: str, place: str, what: str) -> None:
    known = ("--grammar=require", "--target-version=15")
    status, _, err = check(inlay, tmp_path, sql, *known)
    assert status == 1
    assert err == f"001_a.sql:{place}: error: {what} (PostgreSQL 15) [syntax]\n"


def test_every_statement_is_parsed(inlay: Inlay, tmp_path: Path) -> None:
    _, _, err = check(inlay, tmp_path, "SELEC 1;\nSELECT 1;\nSELEC 2;", "--grammar=require")
    assert [line.split(" ")[0] for line in err.splitlines()] == ["001_a.sql:1:1:", "001_a.sql:3:1:"]


def test_the_output_says_which_grammar(inlay: Inlay, tmp_path: Path) -> None:
    assert check(inlay, tmp_path, "SELECT 1;")[1].endswith(", parsed as PostgreSQL 15\n")
    without = check(inlay, tmp_path, "SELEC 1;", "--grammar=off")
    assert without[0] == 0
    assert without[1].endswith(", without PostgreSQL's grammar\n")


NEWER = "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE RETURNING t.*;"


def test_a_newer_server_than_the_grammar(inlay: Inlay, tmp_path: Path) -> None:
    status, _, err = check(inlay, tmp_path, NEWER, "--target-version=17")
    assert status == 0
    assert err == (
        '001_a.sql:1:60: warning: syntax error at or near "RETURNING" (in the grammar of '
        "PostgreSQL 15, older than the target) [syntax]\n"
    )
    status, _, err = check(inlay, tmp_path, NEWER, "--target-version=15")
    assert status == 1
    assert err.endswith('error: syntax error at or near "RETURNING" (PostgreSQL 15) [syntax]\n')


def test_a_server_of_which_nothing_is_said(inlay: Inlay, tmp_path: Path) -> None:
    """The grammar of Debian 12 is older than most servers."""
    status, _, err = check(inlay, tmp_path, NEWER)
    assert status == 0
    assert err == (
        '001_a.sql:1:60: warning: syntax error at or near "RETURNING" (in the grammar of '
        "PostgreSQL 15; if no server is newer, --target-version=15 makes this an error) [syntax]\n"
    )
    assert check(inlay, tmp_path, NEWER, "--warnings=error")[0] == 1
    assert check(inlay, tmp_path, NEWER, "--allow=syntax:001_*")[2] == ""


@pytest.mark.parametrize("sql", ["SELEC 1;", "CRAETE TABLE t ();", "1;", "'a';", "é;", "merges;"])
def test_what_no_version_can_read(inlay: Inlay, tmp_path: Path, sql: str) -> None:
    """No statement of any version begins so."""
    status, _, err = check(inlay, tmp_path, sql)
    assert (status, err.count(": error: syntax error at or near ")) == (1, 1)


def test_the_newest_grammar_is_trusted(
    inlay: Inlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inlay_gen.rules.file.NEWEST", 15)
    assert check(inlay, tmp_path, NEWER)[0] == 1


OLDER = [
    (14, "CREATE OR REPLACE TRIGGER", "CREATE OR REPLACE TRIGGER x BEFORE INSERT ON t EXECUTE "
     "FUNCTION f()", "CREATE TRIGGER x BEFORE INSERT ON t EXECUTE FUNCTION f()"),
    (14, "a function body in SQL without quotes", "CREATE FUNCTION f() RETURNS int RETURN 1",
     "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    (14, "a function body in SQL without quotes",
     "CREATE PROCEDURE f() BEGIN ATOMIC SELECT 1; END", "SELECT 1"),
    (14, "an OUT parameter of a procedure", "CREATE PROCEDURE f(OUT a int) LANGUAGE sql AS ''",
     "CREATE FUNCTION f(OUT a int) LANGUAGE sql AS ''; "
     "CREATE PROCEDURE f(INOUT a int) LANGUAGE sql AS ''"),
    (14, "SEARCH in WITH", "WITH RECURSIVE a AS (SELECT 1) SEARCH DEPTH FIRST BY x SET y SELECT 1",
     "WITH RECURSIVE a AS (SELECT 1) SELECT 1"),
    (14, "CYCLE in WITH", "WITH RECURSIVE a AS (SELECT 1) CYCLE x SET y USING z SELECT 1",
     "SELECT 1"),
    (14, "GROUP BY DISTINCT", "SELECT a FROM t GROUP BY DISTINCT a", "SELECT a FROM t GROUP BY a"),
    (14, "an alias of JOIN ... USING", "SELECT * FROM a JOIN b USING (x) AS y",
     "SELECT * FROM a JOIN b USING (x)"),
    (14, "COMPRESSION", "CREATE TABLE t (a text COMPRESSION lz4)", "CREATE TABLE t (a text)"),
    (14, "SET COMPRESSION", "ALTER TABLE t ALTER a SET COMPRESSION lz4",
     "ALTER TABLE t ALTER a SET STORAGE plain"),
    (14, "DETACH PARTITION ... CONCURRENTLY", "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
     "ALTER TABLE t DETACH PARTITION p; CREATE INDEX i ON t (a)"),
    (14, "DETACH PARTITION ... FINALIZE", "ALTER TABLE t DETACH PARTITION p FINALIZE",
     "ALTER TABLE t ATTACH PARTITION p DEFAULT"),
    (14, "GRANTED BY on an object", "GRANT SELECT ON t TO a GRANTED BY b",
     "GRANT SELECT ON t TO a; GRANT c TO a GRANTED BY b"),
    (14, "statistics on an expression", "CREATE STATISTICS s ON (a+1) FROM t",
     "CREATE STATISTICS s ON a, b FROM t"),
    (14, "ADD PUBLICATION", "ALTER SUBSCRIPTION s ADD PUBLICATION p",
     "ALTER SUBSCRIPTION s SET PUBLICATION p"),
    (14, "DROP PUBLICATION", "ALTER SUBSCRIPTION s DROP PUBLICATION p",
     "ALTER SUBSCRIPTION s ENABLE"),
    (14, "TABLESPACE of REINDEX", "REINDEX (TABLESPACE x) TABLE t", "REINDEX (VERBOSE) TABLE t"),
    (15, "MERGE", "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", "SELECT 1"),
    (15, "NULLS NOT DISTINCT", "CREATE UNIQUE INDEX i ON t (a) NULLS NOT DISTINCT",
     "CREATE UNIQUE INDEX i ON t (a NULLS FIRST)"),
    (15, "NULLS NOT DISTINCT", "CREATE TABLE t (a int, UNIQUE NULLS NOT DISTINCT (a))",
     "CREATE TABLE t (a int UNIQUE)"),
    (15, "a list of columns behind SET NULL or SET DEFAULT",
     "ALTER TABLE t ADD FOREIGN KEY (a,b) REFERENCES u ON DELETE SET NULL (a)",
     "ALTER TABLE t ADD FOREIGN KEY (a,b) REFERENCES u ON DELETE SET NULL"),
    (15, "TABLES IN SCHEMA", "CREATE PUBLICATION p FOR TABLES IN SCHEMA s",
     "CREATE PUBLICATION p FOR TABLE t"),
    (15, "WHERE of a publication", "CREATE PUBLICATION p FOR TABLE t WHERE (a>1)",
     "CREATE PUBLICATION p FOR ALL TABLES"),
    (15, "columns of a publication", "CREATE PUBLICATION p FOR TABLE t (a)", "SELECT 1"),
    (15, "SET ACCESS METHOD", "ALTER TABLE t SET ACCESS METHOD heap",
     "CREATE TABLE t () USING heap"),
    (15, "rights on a parameter", "GRANT SET ON PARAMETER work_mem TO a",
     "GRANT USAGE ON SCHEMA s TO a"),
    (15, "REFRESH COLLATION VERSION of a database", "ALTER DATABASE d REFRESH COLLATION VERSION",
     "ALTER COLLATION d REFRESH VERSION"),
    (15, "security_invoker", "CREATE VIEW v WITH (security_invoker) AS SELECT 1",
     "CREATE VIEW v WITH (security_barrier) AS SELECT 1"),
    (15, "an unlogged sequence", "CREATE UNLOGGED SEQUENCE s",
     "CREATE TEMP SEQUENCE s; CREATE UNLOGGED TABLE t ()"),
    (15, "an unlogged sequence", "ALTER SEQUENCE s SET UNLOGGED", "ALTER TABLE s SET UNLOGGED"),
]  # fmt: skip


@pytest.mark.parametrize(("version", "words", "new", "old"), OLDER, ids=[o[2] for o in OLDER])
def test_an_older_server_than_the_grammar(
    inlay: Inlay, tmp_path: Path, version: int, words: str, new: str, old: str
) -> None:
    """What it lacks is found by the grammar's own node, and what it has is not."""
    for target in (13, 14):
        options = ("--target-version", str(target), "--no-transaction=*", "--warnings=off")
        status, _, err = check(inlay, tmp_path, f"SELECT 'é';\n{new};", *options)
        wrong = f"001_a.sql:2:1: error: PostgreSQL {target} does not have {words}, which came with"
        assert (status == 1) is (version > target)
        assert (f"{wrong} {version} [syntax]" in err) is (version > target)
        assert check(inlay, tmp_path, f"{old};", *options)[0] == 0


def test_every_node_of_an_older_grammar_is_tried() -> None:
    rows = {(version, words) for rows in since._ADDED.values() for version, words, _ in rows}
    assert rows == {(version, words) for version, words, _, _ in OLDER}


def test_what_is_not_checked_for_an_older_server(inlay: Inlay, tmp_path: Path) -> None:
    said = [check(inlay, tmp_path, "SELECT 1;", f"--target-version={v}")[2] for v in (13, 14, 15)]
    assert said == [
        "inlay: note: --target-version=13: of what PostgreSQL 14 to 15 added only the syntax is "
        "checked\n",
        "inlay: note: --target-version=14: of what PostgreSQL 15 added only the syntax is "
        "checked\n",
        "",
    ]
    assert since.unchecked(18, 14) == (
        "--target-version=14: of what PostgreSQL 15 added only the syntax is checked, and what "
        "PostgreSQL 16 to 18 added is not checked"
    )
    assert since.unchecked(18, 17) == "--target-version=17: what PostgreSQL 18 added is not checked"


def test_a_statement_that_is_nested_too_deeply(inlay: Inlay, tmp_path: Path) -> None:
    sql = f"SELECT {'1+' * 3000}1;"
    status, _, err = check(inlay, tmp_path, sql, "--target-version=13")
    assert status == 0
    assert err.splitlines()[1:] == [
        "001_a.sql:1:1: warning: nested too deeply to tell whether PostgreSQL 13 accepts it "
        "[syntax]"
    ]


@pytest.fixture
def no_pglast(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pglast", "pglast.parser"):
        monkeypatch.setitem(sys.modules, name, None)  # type: ignore[misc]  # what import refuses


@pytest.mark.usefixtures("no_pglast")
def test_without_the_module(inlay: Inlay, tmp_path: Path) -> None:
    note = (
        "inlay: note: syntax is not checked, because the Python module pglast is not there "
        "(Debian: python3-pglast); --grammar=off ends this note\n"
    )
    assert check(inlay, tmp_path, "SELEC 1;")[::2] == (0, note)
    assert check(inlay, tmp_path, "SELEC 1;", "--target-version=13")[::2] == (0, note)
    assert check(inlay, tmp_path, "SELEC 1;", "--grammar=off")[::2] == (0, "")
    made = ("--output", tmp_path / "out.c", "--symbol", "app")
    assert inlay("embed", tmp_path / "m", *made) == (0, "", note)
    status, _, err = check(inlay, tmp_path, "SELEC 1;", "--grammar=require")
    assert status == 1
    assert err.startswith("inlay: error: the module pglast cannot be imported: ")
    assert "python3-pglast" in err


def test_what_the_scanner_cannot_read_is_not_parsed(inlay: Inlay, tmp_path: Path) -> None:
    files: Files = {"001_a.sql": "SELECT 'x"}
    directory = write_files(tmp_path / "m", files)
    lines = inlay("check", directory).err.splitlines()
    assert len(lines) == 1 and lines[0].endswith("[unterminated]")


@pytest.mark.parametrize("part", [1, 10, 1 << 20])
def test_a_large_file_is_parsed_in_parts(
    inlay: Inlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(grammar, "_PART", part)
    sql = "SELECT 1;\nSELECT 2;\nSELEC 3;\nSELECT 'é';\nSELECT 5 5;\nSELECT 6;\n"
    _, _, err = check(inlay, tmp_path, sql, "--grammar=require")
    places = [line.split(": ")[0] for line in err.splitlines()]
    assert places == ["001_a.sql:3:1", "001_a.sql:5:10"]


def test_the_parser_is_handed_no_more_than_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes twenty times the memory of its text."""
    monkeypatch.setattr(grammar, "_PART", 100)
    texts: list[str] = []

    def split(text: str, **_: bool) -> None:
        texts.append(text)

    fake = SimpleNamespace(
        get_postgresql_version=lambda: (15, 0), split=split, ParseError=ValueError
    )
    long = "SELECT '" + "x" * 200 + "'"
    data = ("SELECT 1;\n" * 50 + long + ";\n" + "SELECT 1;\n" * 50).encode()
    assert grammar.Grammar(fake).check(data, scan(data).statements) == []
    assert max(len(t) for t in texts if t != long) <= 100
    assert long in texts  # what cannot be divided
    assert len(texts) < 15  # and no statement alone that need not be
