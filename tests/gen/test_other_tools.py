"""Files that another tool would not run as a whole: what it keeps apart is refused by its name."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Callable

import pytest

from support import Files, Inlay
from inlay_gen.layouts import NAMES
from made import Made

Make = Callable[[Files], Made]


@pytest.fixture
def made(inlay: Inlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.chdir(tmp_path)
    return lambda files: Made(inlay, files)


HEAD = "--liquibase formatted sql\n"
UP, DOWN = "CREATE TABLE t (i int);", "DROP TABLE t;"
MOVE = "and inlay would run it with the rest: move it to 1_a.down.sql, or remove it"

# Tool, the mark of the part that applies (none: the file begins with it), that of the other.
HALVES = [
    ("sql-migrate", "-- +migrate Up", "-- +migrate Down"),
    ("micrate", "-- +micrate Up", "-- +micrate Down"),
    ("rambler", "-- rambler up", "-- rambler down"),
    ("tern", None, "---- create above / drop below ----"),
    ("MyBatis Migrations", None, "-- //@UNDO"),
    ("MyBatis Migrations", None, "--//@UNDO"),
    ("MyBatis Migrations", None, "-- @UNDO"),
    ("Play", "-- !Ups", "-- !Downs"),
    ("Play", "-- --- !Ups", "-- --- !Downs"),
    ("node-pg-migrate", "-- Up Migration", "-- Down Migration"),
    ("node-pg-migrate", "---- up migration:", "-- DOWN migration (rollback) ---"),
    ("node-pg-migrate", None, "-- Down Migration"),
]


@pytest.mark.parametrize("tool, up, down", HALVES)
def test_both_halves(tool: str, up: str | None, down: str, made: Make) -> None:
    text = f"{up}\n{UP}\n{down}\n{DOWN}\n" if up else f"\n{UP}\n{down}\r\n{DOWN}\n"
    layout = f". A directory of {tool}'s needs --layout {tool}" if tool in NAMES else ""
    assert made({"1_a.sql": text}).check() == (
        "",
        [f"1_a.sql:3:1: error: {tool} runs what follows only to undo, {MOVE}{layout} [other-tool]"],
    )
    if layout:
        assert made({"1_a.sql": text}).check("--layout", tool) == (tool, [])


@pytest.mark.parametrize("tool, up, down", HALVES)
def test_a_mark_that_does_nothing(tool: str, up: str | None, down: str, made: Make) -> None:
    """The part that undoes is a comment, or not there."""
    warning = (
        f"1_a.sql:1:1: warning: a mark of {tool}'s, which is a comment here: inlay runs the whole "
        "file [other-mark]"
    )
    if up:
        assert made({"1_a.sql": f"{up}\n{UP}\n"}).check() == ("inlay", [warning])
        assert made({"1_a.sql": f"{up}\n{UP}\n{down}\n-- {DOWN}"}).check() == ("inlay", [warning])
        assert made({"1_a.sql": f"{down}\n/* no */\n{up}\n{UP}"}).check() == ("inlay", [warning])
    else:
        found = made({"1_a.sql": f"{UP}\n{down}\n-- {DOWN}"}).check()
        assert found == ("inlay", [warning.replace(":1:1:", ":2:1:")])


@pytest.mark.parametrize(
    "up, down", [("-- Up", "-- Down"), ("-- ==== UP ====", "--==== DOWN ====")]
)
def test_a_down_part_of_nobody_in_particular(up: str, down: str, made: Make) -> None:
    assert made({"1_a.sql": f"{up}\n{UP}\n{down}\n{DOWN}"}).check() == (
        "",
        [f"1_a.sql:3:1: error: what follows undoes, {MOVE} [other-tool]"],
    )
    assert made({"1_a.sql": f"{up}\n{UP}\n{down}\n-- {DOWN}"}).check() == ("inlay", [])


@pytest.mark.parametrize(
    "mark",
    ["-- rollback", "-- UNDO:", "-- Revert script", "/* DOWN */", "/* undo */"]
    + ["-- =====\n-- ROLLBACK\n-- ====="],
)
def test_a_lone_line_between_two_halves(mark: str, made: Make) -> None:
    """Where more comment follows it, what undoes is a comment as well."""
    (found,) = made({"1_a.sql": f"{UP}\n{mark}\n\n{DOWN}"}).check()[1]
    assert MOVE in found and found.endswith("[other-tool]")
    assert made({"1_a.sql": f"{UP}\nSELECT '\n{mark}\n';"}).check() == ("inlay", [])
    if "down" not in mark.lower():
        for text in f"{UP}\n{mark}\n-- {DOWN}\n{UP}", f"{mark}\n{DOWN}\n-- redo\n{UP}":
            assert made({"1_a.sql": text}).check() == ("inlay", [])


def test_a_lone_line_in_a_comment_or_a_down_script(made: Make) -> None:
    assert made({"1_a.sql": f"{UP}\n/*\n-- undo\n{DOWN}\n*/\n{UP}"}).check() == ("inlay", [])
    assert made({"1_a.sql": f"{UP}\n/* undo\n{DOWN}\n*/"}).check() == ("inlay", [])
    assert made({"1_a.down.sql": f"{DOWN}\n-- undo\n{DOWN}"}).check() == ("inlay", [])


def test_several_marks_are_told_once(made: Make) -> None:
    text = f"-- +migrate Up\n{UP}\n" + f"-- +migrate Down\n-- +migrate Down\n{DOWN}\n" * 3
    places = [line.split(": ")[0] for line in made({"1_a.sql": text}).check()[1]]
    assert places == ["1_a.sql:3:1"]
    more = f"-- +migrate Down\n-- +migrate Up\n{UP}\n-- +migrate Down\n{DOWN}\n"
    places = [line.split(": ")[0] for line in made({"1_a.sql": more}).check()[1]]
    assert places == ["1_a.sql:4:1"]


LONG = 300_000


@pytest.mark.parametrize(
    "line",
    [
        "--" + " " * LONG + "up",
        "-- Down\n" * (LONG // 30),
        "-- down migration" + "(" * LONG + "x",
        "-- +migrate Up " + "notransactio " * (LONG // 10),
        f"{HEAD}-- changeset" + " " * LONG,
        f"{HEAD}-- changeset a:1 " + "a" * LONG,
    ],
    ids=lambda line: str(line)[:20],
)
def test_long_lines_and_many(line: str, made: Make) -> None:
    """Nothing is read again and again: this would take minutes."""
    rows = ",\n".join(f"('{n}\n--', 1)\n-- up" for n in range(2_000))
    directory = made({"1_a.sql": f"{line}\nINSERT INTO t VALUES\n{rows};\n-- {line}"})
    begun = time.process_time()
    assert directory.check("--allow", "other-mark", "--allow", "other-tool") == ("inlay", [])
    assert time.process_time() - begun < 20


def test_what_stands_before_the_first_mark(made: Make) -> None:
    assert made({"1_a.sql": f"{UP}\n-- +migrate Up\n{UP}"}).check() == (
        "",
        [
            "1_a.sql:2:1: error: sql-migrate runs nothing that stands before this line, and inlay "
            "does: move it below, or remove it [other-tool]"
        ],
    )


@pytest.mark.parametrize(
    "tool, mark", [("sql-migrate", "-- +migrate Up"), ("dbmate", "-- migrate:up"), ("", "--")]
)
def test_names_that_are_only_the_tools(tool: str, mark: str, made: Make) -> None:
    more = f". A directory of {tool}'s needs --layout {tool}" if tool else ""
    assert made({"20240101120000-a.sql": f"{mark}\n{UP}"}).check() == (
        "",
        [
            "20240101120000-a.sql:1:1: error: cannot tell version and name from this file name: "
            "write NNN_name.sql, or NNN_name.up.sql with NNN_name.down.sql"
            f"{more} [file-name]"
        ],
    )


def test_the_halves_of_a_down_script(made: Make) -> None:
    """Where the whole file undoes, what applies does not belong there."""
    files: Files = {"1_a.up.sql": UP, "1_a.down.sql": f"-- Down Migration\n{DOWN}"}
    assert made(files).check() == ("inlay", [])
    down = f"-- +migrate Down\n{DOWN}\n-- +migrate Up\n{UP}"
    assert made({"1_a.down.sql": down}).check() == (
        "",
        [
            "1_a.down.sql:3:1: error: what follows is the part that applies, and inlay would run "
            "it to undo: remove it [other-tool]"
        ],
    )


@pytest.mark.parametrize(
    "text",
    [
        f"{UP}\n-- Drop down\n{DOWN}",
        f"{UP}\n-- the marks are -- Up\n-- and no\n-- down migration exists somewhere.\n{DOWN}",
        f"{UP}\n  -- Down\n{DOWN}",
        "INSERT INTO t VALUES ('\n-- +migrate Down\n');\nSELECT 1;",
        "DO $$\n-- +migrate Down\n BEGIN NULL; END $$;\nSELECT 1;",
        "-- changeset a:1 dbms:mysql\nSELECT 1;\n--ignoreLines:1\nSELECT 2;",
        "-- atlas:nolint destructive\nSELECT 1;",
        "SELECT 1; -- +migrate Down\nSELECT 2;",
        "SELECT 1\n# 2;\nSELECT 5 #!1;",
    ],
)
def test_what_is_no_mark(text: str, made: Make) -> None:
    assert made({"1_a.sql": text}).check() == ("inlay", [])


# ---- our own layouts' marks, where they do not count ----

GOOSE = f"-- +goose Up\n{UP}\n-- +goose Down\n{DOWN}\n"
DBMATE = f"-- migrate:up\n{UP}\n-- migrate:down\n{DOWN}\n"


@pytest.mark.parametrize(
    "layout, files, tool, where",
    [
        ("inlay", {"1_a.sql": GOOSE}, "goose", "1_a.down.sql"),
        ("golang-migrate", {"1_a.up.sql": DBMATE}, "dbmate", "1_a.down.sql"),
        ("sqlx", {"1_a.sql": DBMATE}, "dbmate", "1_a.down.sql"),
        ("flyway", {"V1__a.sql": DBMATE}, "dbmate", "a down script"),
        ("flyway", {"R__a.sql": GOOSE}, "goose", "a down script"),
        ("inlay", {"R__a.sql": DBMATE}, "dbmate", "a down script"),
        ("refinery", {"V1__a.sql": GOOSE}, "goose", "a down script"),
        ("diesel", {"1_a/up.sql": DBMATE}, "dbmate", "a down script"),
    ],
)
def test_in_another_directory(layout: str, files: Files, tool: str, where: str, made: Make) -> None:
    (name,) = files
    assert made(files).check("--layout", layout) == (
        "",
        [
            f"{name}:3:1: error: {tool} runs what follows only to undo, and inlay would run it "
            f"with the rest: move it to {where}, or remove it. A directory of {tool}'s needs "
            f"--layout {tool} [other-tool]"
        ],
    )


def test_one_in_the_other(made: Make) -> None:
    assert made({"1_a.sql": f"-- +goose Up\n{DBMATE}"}).check("--layout", "goose")[1] == [
        "1_a.sql:4:1: error: dbmate runs what follows only to undo, and inlay would run it with "
        "the rest: move it to a down script, or remove it. A directory of dbmate's needs --layout "
        "dbmate [other-tool]"
    ]
    assert made({"1_a.sql": GOOSE}).check() == ("goose", [])


# ---- without a transaction ----

ALONE = [
    ("sql-migrate", "-- +migrate Up notransaction"),
    ("goose", "-- +goose NO TRANSACTION"),
    ("refinery", "-- +refinery NO TRANSACTION"),
    ("dbmate", "-- migrate:up transaction:false"),
    ("sqlx", "-- no-transaction"),
    ("tern", "---- tern: disable-tx ----"),
    ("yoyo", "-- transactional: false"),
    ("graphile-migrate", "--! no-transaction"),
    ("Atlas", "-- atlas:txmode none"),
    ("postgres-migrations", "-- postgres-migrations disable-transaction"),
]


@pytest.mark.parametrize("tool, mark", ALONE)
def test_without_a_transaction(tool: str, mark: str, made: Make) -> None:
    options = ("--layout", "inlay", "--allow", "other-mark")
    assert made({"1_a.sql": f"{mark}\n{UP}"}).check(*options) == (
        "",
        [
            f"1_a.sql:1:1: error: {tool} runs this file without a transaction, and inlay in one: "
            "write '-- inlay: no-transaction' at the top of the file, or embed it with "
            "--no-transaction, or remove this line [other-tool]"
        ],
    )
    said = made({"1_a.sql": f"{mark}\n-- inlay: no-transaction\n{UP}"})
    assert said.check(*options) == ("inlay", [])
    assert made({"1_a.sql": f"{mark}\n{UP}"}).check(*options, "--no-transaction", "1_*")[0]


# ---- what else changes what runs ----


@pytest.mark.parametrize(
    "mark, why",
    [
        (
            "-- atlas:delimiter \\n\\n\\n",
            "Atlas ends statements where this line says, and inlay at semicolons: end each with a "
            "semicolon, and remove this line",
        ),
        (
            "-- atlas:txtar",
            "Atlas keeps several files in this one, and inlay would run them all: keep what is in "
            "its migration.sql, and remove this line",
        ),
        (
            "-- atlas:checkpoint",
            "Atlas runs a checkpoint instead of the files before it, and inlay after them: write "
            "'-- inlay: replaces FIRST..LAST' at the top of the file, or remove the file",
        ),
        (
            "--! include functions/f.sql",
            "graphile-migrate puts another file here, and inlay does not: write its statements",
        ),
    ],
)
def test_directives(mark: str, why: str, made: Make) -> None:
    assert made({"2_a.sql": f"{mark}\n{UP}"}).check() == (
        "",
        [f"2_a.sql:1:1: error: {why} [other-tool]"],
    )


def test_a_checkpoint_that_replaces(made: Make) -> None:
    files: Files = {"1_a.sql": UP, "2_b.sql": f"-- atlas:checkpoint\n-- inlay: replaces 1..1\n{UP}"}
    assert made(files).check() == ("inlay", [])


def test_the_head_of_graphile_migrate(made: Make) -> None:
    head = "--! Previous: -\n--! Hash: sha1:2\n--! Message: first\n"
    assert made({"1_a.sql": f"{head}{UP}"}).check() == (
        "inlay",
        [
            "1_a.sql:2:1: warning: a mark of graphile-migrate's, which is a comment here: inlay "
            "runs the whole file [other-mark]"
        ],
    )


# ---- Liquibase ----

NEEDS = "and inlay would run it: remove it"


@pytest.mark.parametrize(
    "attributes, why",
    [
        (
            "dbms:mysql",
            f"Liquibase runs this changeset on other databases alone (dbms:mysql), {NEEDS}",
        ),
        (
            'splitStatements:false dbms:"mysql, h2"',
            f'Liquibase runs this changeset on other databases alone (dbms:"mysql, h2"), {NEEDS}',
        ),
        (
            "dbms:!postgresql",
            f"Liquibase runs this changeset on other databases alone (dbms:!postgresql), {NEEDS}",
        ),
        (
            "context:test",
            "Liquibase runs this changeset only where it is asked to (context:test), and inlay "
            "always: remove the changeset, or 'context:test'",
        ),
        (
            'labels:"a or b"',
            'Liquibase runs this changeset only where it is asked to (labels:"a or b"), and inlay '
            "always: remove the changeset, or 'labels:\"a or b\"'",
        ),
        (
            "ignore:true",
            "Liquibase leaves this changeset out (ignore:true), and inlay runs it: remove it",
        ),
        (
            "runInTransaction:false",
            "Liquibase runs this changeset without a transaction, and inlay in one: move it to a "
            "file of its own with '-- inlay: no-transaction' at the top",
        ),
    ],
)
def test_a_changeset_for_elsewhere(attributes: str, why: str, made: Make) -> None:
    text = f'{HEAD}--changeset a:1\n{UP}\n-- changeset "b c":2 {attributes}\n{DOWN}\n'
    assert made({"1_a.sql": text}).check() == ("", [f"1_a.sql:4:1: error: {why} [other-tool]"])


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        "dbms:postgresql",
        'dbms:"oracle,postgresql"',
        "dbms:!mysql,!h2",
        "dbms:all",
        "runOnChange:true",
    ],
)
def test_a_changeset_for_here(attributes: str, made: Make) -> None:
    text = f"{HEAD}--changeset a:1 {attributes}\n{UP}\n--rollback {DOWN}\n--changeset a:2 dbms:h2\n"
    assert made({"1_a.sql": text}).check() == (
        "inlay",
        [
            "1_a.sql:1:1: warning: a mark of Liquibase's, which is a comment here: inlay runs the "
            "whole file [other-mark]"
        ],
    )


@pytest.mark.parametrize(
    "line, why",
    [
        (
            "--ignoreLines:start",
            "Liquibase leaves the lines out that follow, and inlay runs them: remove them",
        ),
        (
            "--preconditions onFail:MARK_RAN",
            "Liquibase runs this changeset only if the preconditions hold, and inlay always: ask "
            "in SQL, or remove this line",
        ),
    ],
)
def test_lines_of_liquibase(line: str, why: str, made: Make) -> None:
    text = f"{HEAD}--changeset a:1\n{line}\n{UP}\n--ignoreLines:end\n"
    assert made({"1_a.sql": text}).check() == ("", [f"1_a.sql:3:1: error: {why} [other-tool]"])


# ---- names ----


@pytest.mark.parametrize(
    "name, why",
    [
        (
            "20240101_02_fGhIj-seats.sql",
            "yoyo's names have two numbers, and a version is one: write the directory with inlay "
            "import yoyo, or rename the file to 2024010102_seats.sql",
        ),
        (
            "20240101_02_fGhIj-seats.rollback.sql",
            "yoyo's names have two numbers, and a version is one: write the directory with inlay "
            "import yoyo, or rename the file to 2024010102_seats.down.sql",
        ),
        (
            "0001.init.rollback.sql",
            ".rollback.sql is another tool's down script: rename the file to 0001_init.down.sql",
        ),
        (
            "0001_init.undo.sql",
            ".undo.sql is another tool's down script: rename the file to 0001_init.down.sql",
        ),
        (
            "1_init.tx.up.sql",
            "bun runs a .tx file in a transaction, and inlay all of them: rename the file to "
            "1_init.up.sql",
        ),
        ("1_a.mysql.up.sql", "by its name this file is for mysql: move it out of this directory"),
        ("1_a.sqlite3.sql", "by its name this file is for sqlite3: move it out of this directory"),
    ],
)
def test_names(name: str, why: str, made: Make) -> None:
    assert made({name: UP}).check() == ("", [f"{name}:1:1: error: {why} [file-name]"])


def test_a_down_file_beside_one_that_is_renamed_is_not_alone(made: Make) -> None:
    found = made({"1_init.tx.up.sql": UP, "1_init.down.sql": DOWN}).check()[1]
    assert [line.rsplit(" ", 1)[1] for line in found] == ["[file-name]"]


# ---- exceptions ----


def test_what_can_be_allowed(made: Make) -> None:
    directory = made({"1_a.sql": f"{UP}\n-- Down\n{DOWN}", "2_b.sql": f"-- !Ups\n{UP}"})
    assert directory.check("--allow", "other-tool:1_a.sql", "--allow", "other-mark") == (
        "inlay",
        [],
    )
