"""PostgreSQL's own grammar over every statement."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from inlay_gen.sql import grammar
from inlay_gen.sql.scan import scan
from support import Files, Inlay, write_files


def check(inlay: Inlay, tmp_path: Path, sql: str, *options: str) -> tuple[int, str, str]:
    directory = write_files(tmp_path / "m", {"001_a.sql": sql})
    result = inlay("check", directory, *options)
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
    status, _, err = check(inlay, tmp_path, sql, "--grammar=require")
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


def test_a_newer_server_than_the_grammar(inlay: Inlay, tmp_path: Path) -> None:
    sql = "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE RETURNING t.*;"
    assert check(inlay, tmp_path, sql)[0] == 1
    status, _, err = check(inlay, tmp_path, sql, "--target-version=17")
    assert status == 0
    assert err == (
        '001_a.sql:1:60: warning: syntax error at or near "RETURNING" (in the grammar of '
        "PostgreSQL 15, older than the target) [syntax]\n"
    )
    assert check(inlay, tmp_path, sql, "--target-version=15")[0] == 1


@pytest.fixture
def no_pglast(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pglast", "pglast.parser"):
        monkeypatch.setitem(sys.modules, name, None)  # type: ignore[misc]  # what import refuses


@pytest.mark.usefixtures("no_pglast")
def test_without_the_module(inlay: Inlay, tmp_path: Path) -> None:
    assert check(inlay, tmp_path, "SELEC 1;")[0] == 0
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
