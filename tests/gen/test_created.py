"""The tables that a first file creates, which a program looks for in a database without a
history: named only where the words of the file leave no doubt."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support import EMBED, Files, Inlay, write_files

NAMED = re.compile(r'INLAY_STATEMENT_ORDINARY, NULL, "((?:[^"\\]|\\.)*)"')


def named(inlay: Inlay, directory: Path, files: Files) -> list[str]:
    output = directory / "out.c"
    options = [str(directory / o) if o.startswith("out.c") else o for o in EMBED]
    result = inlay("embed", write_files(directory / "m", files), *options, "--warnings", "off")
    assert result.status == 0, result.err
    return [name.replace('\\"', '"') for name in NAMED.findall(output.read_text())]


CASES = {
    "CREATE TABLE a (); create unlogged table if not exists B ();": ["a", "B"],
    "CREATE FOREIGN TABLE a () SERVER s; CREATE TABLE b AS SELECT 1;": ["a", "b"],
    'CREATE TABLE s . "T"";" ();': ['s."T"";"'],
    "CREATE TABLE U&\"d!0061ta\" UESCAPE '!' ();": ['"data"'],
    'CREATE TABLE U&"a\\000Ab" (); CREATE TABLE db.s.t (); CREATE TABLE pg_temp.t ();': [],
    'CREATE TABLE "pg_temp_3".t (); CREATE TABLE "a\nb" (); CREATE TABLE pg_tempo ();': [
        "pg_tempo"
    ],
    "CREATE TEMP TABLE a (); CREATE LOCAL TEMPORARY TABLE b (); CREATE VIEW c AS SELECT 1;": [],
    "SELECT 1 INTO a; DO 'CREATE TABLE b ()'; CREATE INDEX ON c (d);": [],
    "ALTER TABLE z ADD a int; COMMENT ON TABLE z IS 'drop'; CREATE TABLE a ();": ["a"],
    "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DROP TABLE x'; CREATE TABLE a ();": ["a"],
    "CREATE TABLE a (); DROP TABLE a; CREATE TABLE b ();": ["a"],
    "CREATE TABLE a (); ALTER TABLE a RENAME TO b; CREATE TABLE c ();": ["a"],
    "ALTER TABLE a SET SCHEMA b; CREATE TABLE a ();": [],
    "DO $$ BEGIN EXECUTE x; END $$; CREATE TABLE a ();": [],
    "DO $$ BEGIN CREATE TYPE x AS ENUM (); END $$; CREATE TABLE a ();": ["a"],
    "CALL f(); CREATE TABLE a ();": [],
    "SELECT set_config('search_path', '', false); CREATE TABLE a (); CREATE TABLE s.b ();": ["s.b"],
    "SET LOCAL search_path = s; CREATE TABLE a (); CREATE TABLE s.b ();": ["s.b"],
    "SET SCHEMA 's'; CREATE TABLE a ();": [],
    "SET ROLE r; CREATE TABLE a ();": [],
    "RESET ALL; CREATE TABLE a ();": [],
    "CREATE SCHEMA s; CREATE TABLE a (); CREATE TABLE s.a ();": ["s.a"],
    "SET lock_timeout = 1; CREATE TABLE a ();": ["a"],
}


@pytest.mark.parametrize("text", CASES)
def test_names(inlay: Inlay, tmp_path: Path, text: str) -> None:
    assert named(inlay, tmp_path, {"001_a.sql": text}) == CASES[text]


def test_files_that_may_run_first(inlay: Inlay, tmp_path: Path) -> None:
    """The lowest one, and a squash; up, and not down."""
    files = {f"{n:03}_f.sql": f"CREATE TABLE t{n} ();" for n in (1, 2, 3, 5)}
    files["004_s.sql"] = "-- inlay: replaces 1..3\nCREATE TABLE squashed ();"
    files["001_f.down.sql"] = "CREATE TABLE down ();"
    files["R__r.sql"] = "CREATE TABLE IF NOT EXISTS again ();"
    assert named(inlay, tmp_path, files) == ["t1", "squashed"]


def test_a_file_of_both_directions(inlay: Inlay, tmp_path: Path) -> None:
    text = "-- +goose Up\nCREATE TABLE a ();\n-- +goose Down\nCREATE TABLE b ();\n"
    assert named(inlay, tmp_path, {"001_a.sql": text}) == ["a"]
