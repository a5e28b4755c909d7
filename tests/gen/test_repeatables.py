"""Repeatable migrations: R__name.sql."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Callable

import pytest

from support import EMPTY, Files, Inlay, Migrations, write_files

FILES: Files = {
    "001_a.sql": "CREATE TABLE a ();",
    "R__b.sql": "CREATE VIEW b AS SELECT 1;\nSELECT 2;",
    "R__B.sql": "-- inlay: lock_timeout=2s\n",
    "R__é x.sql": "SELECT 1;",
}


def errors(inlay: Inlay, directory: str | Path) -> list[str]:
    result = inlay("check", directory, *EMPTY)
    assert result.status == (1 if result.err else 0)
    return [line.replace(f"{directory}/", "") for line in result.err.splitlines()]


def test_they_are_counted_and_listed(inlay: Inlay, migrations: Migrations) -> None:
    directory = migrations(FILES)
    result = inlay("check", directory, "--grammar=off", *EMPTY)
    assert result.out.startswith("migrations: 1 migration, 3 repeatables, 0 warnings, layout inlay")
    document = json.loads(inlay("list", directory, "--json").out)
    assert [(m["version"], m["name"]) for m in document["migrations"]] == [
        ("1", "a"),
        (None, "B"),
        (None, "b"),
        (None, "é x"),
    ]
    rows = inlay("list", directory).out.splitlines()
    assert re.split("  +", rows[3]) == [
        "R__",
        "b",
        sha(FILES["R__b.sql"])[:12],
        "2",
        "yes",
        "repeatable",
    ]


def sha(text: str | bytes) -> str:
    data = text if isinstance(text, bytes) else text.encode()
    return hashlib.sha256(data).hexdigest()


def test_a_directory_without_one_has_none(embed: Callable[..., str]) -> None:
    text = embed({"001_a.sql": "SELECT 1;"})
    assert "/* repeatables */ NULL" in text and "/* repeatable_count */ 0" in text


BAD: list[tuple[Files, list[str]]] = [
    (
        {"R__a.sql": "-- inlay: no-transaction\nSELECT 1;"},
        [
            "R__a.sql:1:1: error: a repeatable migration runs in one transaction, together with "
            "the row that says so, and this one cannot or is told not to; write a versioned "
            "migration [repeatable]"
        ],
    ),
    (
        {"R__a.sql": "-- inlay: no-transaction\nCOMMIT;"},
        [
            "R__a.sql:1:1: error: a repeatable migration runs in one transaction, together with "
            "the row that says so, and this one cannot or is told not to; write a versioned "
            "migration [repeatable]",
            "R__a.sql:2:1: error: remove COMMIT: the statements of this file run one by one "
            "[transaction-control]",
        ],
    ),
    (
        {"R__a.sql": "-- inlay: replaces 1..3\nSELECT 1;"},
        [
            "R__a.sql:1:11: error: a repeatable migration has no version, and replaces none; "
            "remove this setting [repeatable]"
        ],
    ),
    (
        {"R__a.down.sql": "", "R__b.up.sql": "", "R__.sql": ""},
        [
            "R__.sql:1:1: error: cannot tell the name from this file name: write R__name.sql "
            "[file-name]",
            "R__a.down.sql:1:1: error: a repeatable migration has no down script: to go back, "
            "put its old text back; remove this file [file-name]",
            "R__b.up.sql:1:1: error: cannot tell the name from this file name: write R__name.sql "
            "[file-name]",
        ],
    ),
    (
        {"r__a.sql": ""},
        [
            "r__a.sql:1:1: error: no version number: this file would never run. Name it "
            "NNN_name.sql, or NNN_name.up.sql with NNN_name.down.sql, or move it elsewhere "
            "[stray-file]"
        ],
    ),
    (
        {"R__a.sql": "SELECT 'x"},
        ["R__a.sql:1:8: error: this string does not end; close it with ' [unterminated]"],
    ),
    (
        {"R__a.sql": b"\xff"},
        ["R__a.sql:1:1: error: byte 0xff is not UTF-8; save the file as UTF-8 [invalid-utf8]"],
    ),
    (
        {"R__a\x01.sql": ""},
        [
            "R__a\\x01.sql:1:1: error: a control character in this file name; rename the file "
            "[file-name]"
        ],
    ),
]


@pytest.mark.parametrize(("files", "findings"), BAD)
def test_refused(inlay: Inlay, migrations: Migrations, files: Files, findings: list[str]) -> None:
    assert errors(inlay, migrations(files)) == findings


def test_no_transaction_from_outside(inlay: Inlay, migrations: Migrations) -> None:
    directory = migrations({"R__a.sql": "SELECT 1;"})
    result = inlay("check", directory, "--no-transaction", "R__*")
    assert result.status == 1 and "runs in one transaction" in result.err


def test_an_unreadable_file(inlay: Inlay, tmp_path: Path) -> None:
    directory = write_files(tmp_path / "m", {})
    (directory / "R__a.sql").symlink_to("nowhere")
    assert errors(inlay, directory) == [
        "R__a.sql:1:1: error: cannot be read: No such file or directory [unreadable]"
    ]


def test_the_depfile_names_them(embed: Callable[..., str]) -> None:
    embed({"R__a.sql": ""})
    assert " migrations/R__a.sql" in Path("out.c.d").read_text()


# ---- frozen, new, before the merge ----


def test_they_are_never_frozen(inlay: Inlay, tmp_path: Path) -> None:
    directory = write_files(tmp_path / "m", {"001_a.sql": "", "R__a.sql": ""})
    assert inlay("freeze", directory).out == "frozen: 001_a.sql\n"
    assert inlay("check", directory, "--require-frozen").status == 0
    sums = directory / "SHA256SUMS"
    sums.write_text(sums.read_text() + f"{sha('')}  R__a.sql\n")
    assert errors(inlay, directory) == [
        "SHA256SUMS:2:1: error: a repeatable migration is not frozen, because it may change; "
        "remove this line [frozen]"
    ]


def test_new(inlay: Inlay, tmp_path: Path) -> None:
    directory = write_files(tmp_path / "m", {"001_a.up.sql": "", "001_a.down.sql": ""})
    result = inlay("new", directory, "Seat Report", "--repeatable")
    assert (result.status, result.out) == (0, f"{directory}/R__seat_report.sql\n")
    assert errors(inlay, directory) == []
    again = inlay("new", directory, "seat report", "--repeatable")
    assert again.status == 1 and "nothing was written over" in again.err
    assert inlay("new", directory, "x", "--repeatable", "--timestamp").status == 2
    other = write_files(tmp_path / "goose", {"001_a.sql": "-- +goose Up\n"})
    assert (
        "only files of inlay, flyway can be written" in inlay("new", other, "x", "--repeatable").err
    )


# ---- Flyway's ----


def test_flyway_s(inlay: Inlay, migrations: Migrations) -> None:
    directory = migrations({"V1__a.sql": "", "R__seat_report.sql": "", "R__a.sql": "VACUUM;"})
    (Path(directory) / "deep").mkdir()
    (Path(directory) / "deep" / "R__seat__report.sql").write_text("SELECT '${x}';")
    (Path(directory) / "deep" / "R__seat report.sql").write_text("")
    assert errors(inlay, directory) == [
        "R__a.sql:1:1: error: a repeatable migration runs in one transaction, together with the "
        "row that says so, and this one cannot or is told not to; write a versioned migration "
        "[repeatable]",
        "deep/R__seat report.sql:1:1: error: the name 'seat report' is taken by "
        "R__seat_report.sql; give one of them another [repeatable]",
        "R__seat_report.sql:1:1: note: and here",
        "deep/R__seat__report.sql:1:9: error: Flyway puts a value in the place of ${x}, and inlay "
        "runs the file as it is; write the value [placeholder]",
    ]


def test_flyway_s_names_have_spaces(inlay: Inlay, migrations: Migrations) -> None:
    files: Files = {"V1__a.sql": "", "R__b_c.sql": "", "R__a.sql": ""}
    directory = migrations(files)
    rows = json.loads(inlay("list", directory, "--json").out)["migrations"]
    assert [(r["version"], r["name"]) for r in rows] == [("1", "a"), (None, "a"), (None, "b c")]
    assert json.loads(inlay("list", directory, "--json").out)["layout"] == "flyway"


def test_by_itself_it_is_inlay_s(inlay: Inlay, migrations: Migrations) -> None:
    rows = json.loads(inlay("list", migrations({"R__b_c.sql": ""}), "--json").out)
    assert (rows["layout"], rows["migrations"][0]["name"]) == ("inlay", "b_c")
    numbered = migrations({"R__b_c.sql": "", "001_a.sql": ""})
    assert json.loads(inlay("list", numbered, "--json").out)["layout"] == "inlay"
