"""What is refused in other tools' directories, by name and place."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from support import Files, Inlay
from made import Made

Make = Callable[[Files], Made]


@pytest.fixture
def made(inlay: Inlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.chdir(tmp_path)
    return lambda files: Made(inlay, files)


UP = "-- +goose Up\n"
MIGRATE_UP = "-- migrate:up\n"
OUT = "move it out of this directory"

REFUSED: list[tuple[str, Files, list[str]]] = [
    (
        "sql-migrate",
        {
            "a.sql": "",
            "1_a.sql": "SELECT 1;",
            "2_b.sql": "-- +migrate up\n -- +migrate Up\n-- +migrate Sideways\n",
            "3_c.sql": "SELECT 1;\n-- +migrate Up\n-- +migrate StatementBegin\n"
            "-- +migrate Down\n",
            "4_d.sql": "-- +migrate Down\n-- +migrate Up\n-- +migrate Up\n"
            "-- +migrate StatementEnd\n",
        },
        [
            "1_a.sql:1:1: error: no '-- +migrate Up', which each file of sql-migrate's has "
            "[section]",
            *(
                f"2_b.sql:{line}:1: error: sql-migrate does not know this mark: its own are "
                "-- +migrate Up, Down, StatementBegin and StatementEnd [section]"
                for line in (1, 2, 3)
            ),
            "3_c.sql:1:1: error: a statement before '-- +migrate Up', which would never run "
            "[section]",
            "3_c.sql:3:1: error: 'StatementBegin' without 'StatementEnd' [section]",
            "4_d.sql:2:1: error: '-- +migrate Down' stands before '-- +migrate Up' [section]",
            "4_d.sql:3:1: error: a second '-- +migrate Up'; make a migration of its own of each "
            "[section]",
            "4_d.sql:4:1: error: 'StatementEnd' without 'StatementBegin' [section]",
            "a.sql:1:1: error: sql-migrate runs a file without a number last, and here it would "
            "have no version: rename the file to NNN_name.sql [file-name]",
        ],
    ),
    (
        "tern",
        {
            "001_a.sql": "-- nothing\n---- create above / drop below ----\nSELECT 1;",
            "002_b.sql": "CREATE TABLE {{.prefix}}t ();",
            "3.sql": "",
        },
        [
            "001_a.sql:1:1: error: tern refuses a file without a statement above the line "
            "[section]",
            "002_b.sql:1:14: error: tern reads this file as a template, and inlay as it is; write "
            "what tern makes of {{.prefix}}t (); [placeholder]",
            "3.sql:1:1: error: tern leaves this file out: its names are NNN_name.sql; rename the "
            f"file, or {OUT} [stray-file]",
        ],
    ),
    (
        "tern",
        {"001_a.sql": "SELECT 1;", "3_b.sql": "SELECT 1;"},
        [
            "3_b.sql:1:1: error: tern counts from 1 without a gap, and version 2 is not here "
            "[version-order]",
        ],
    ),
    (
        "goose",
        {"001_a.go": "", "b.sql": UP},
        [
            "001_a.go:1:1: error: a migration in Go, which this program cannot run; write in SQL "
            "what it does [code-migration]",
            "b.sql:1:1: error: goose's names are NNN_name.sql; rename the file [file-name]",
        ],
    ),
    (
        "goose",
        {"1_a.sql": "SELECT 1;"},
        ["1_a.sql:1:1: error: no '-- +goose Up', which each file of goose's has " "[section]"],
    ),
    (
        "goose",
        {"1_a.sql": "-- note\n  SELECT 1;\n-- +goose Up\n"},
        ["1_a.sql:2:3: error: a statement before '-- +goose Up', which would never run [section]"],
    ),
    (
        "goose",
        {"1_a.sql": f"{UP}{UP}-- +goose Down\n-- +goose Down\n"},
        [
            "1_a.sql:2:1: error: a second '-- +goose Up'; a file is one migration [section]",
            "1_a.sql:4:1: error: a second '-- +goose Down'; a file is one migration [section]",
        ],
    ),
    (
        "goose",
        {"1_a.sql": f"-- +goose StatementBegin\n-- +goose Down\n{UP}-- +goose Sideways\n"},
        [
            "1_a.sql:1:1: error: '-- +goose StatementBegin' stands before '-- +goose Up' [section]",
            "1_a.sql:1:1: error: '-- +goose StatementBegin' without '-- +goose StatementEnd' "
            "[section]",
            "1_a.sql:2:1: error: '-- +goose Down' stands before '-- +goose Up' [section]",
            "1_a.sql:4:1: error: goose has no annotation 'Sideways' [section]",
        ],
    ),
    (
        "goose",
        {"1_a.sql": f"{UP}-- +goose StatementEnd\n-- +goose ENVSUB ON\n"},
        [
            "1_a.sql:2:1: error: '-- +goose StatementEnd' without '-- +goose StatementBegin' "
            "[section]",
            "1_a.sql:3:1: error: goose puts variables of the environment into this file, and a "
            "build must not; write the values [placeholder]",
        ],
    ),
    (
        "goose",
        {"1_a.sql": UP, "01_b.sql": UP, "9223372036854775808_c.sql": UP, "2_d.c": ""},
        [
            "1_a.sql:1:1: error: version 1 is also used by 01_b.sql; give one of them another "
            "[version-collision]",
            "01_b.sql:1:1: note: version 1 is here",
            "2_d.c:1:1: error: migrations in C stand in directories of inlay's own layout only "
            "[file-name]",
            "9223372036854775808_c.sql:1:1: error: version 9223372036854775808 is over "
            "9223372036854775807, the largest bigint [version-range]",
        ],
    ),
    (
        "goose",
        {"1_a\n.sql": UP, "2_\udcff.sql": UP},
        [
            "1_a\\n.sql:1:1: error: a control character in this file name; rename the file "
            "[file-name]",
            "2_\\udcff.sql:1:1: error: this file name is not UTF-8; rename the file [file-name]",
        ],
    ),
    (
        "diesel",
        {"1_e\u0301/up.sql": "", "2_\u202e/up.sql": ""},
        [
            "1_e\u0301/up.sql:1:1: error: this file name is not in Unicode's composed form (NFC), "
            "and one that looks the same is another name: it is '1_e\\u0301/up.sql'; rename the "
            "file to '1_\\xe9/up.sql' [file-name]",
            "2_\\u202e/up.sql:1:1: error: the character U+202E (RIGHT-TO-LEFT OVERRIDE) in this "
            "file name, which cannot be seen; rename the file [file-name]",
        ],
    ),
    (
        "dbmate",
        {"a.sql": "", "1_a.sql": "SELECT 1;"},
        [
            "1_a.sql:1:1: error: no '-- migrate:up', which each file of dbmate's has " "[section]",
            "a.sql:1:1: error: dbmate leaves this file out, because its name does not begin with "
            f"a version; {OUT} [stray-file]",
        ],
    ),
    (
        "dbmate",
        {
            "1_a.sql": "-- migrate:down\n-- migrate:up\n-- migrate:up\n",
            "2_b.sql": f"SELECT 1;\n{MIGRATE_UP}",
        },
        [
            "1_a.sql:1:1: error: '-- migrate:down' stands before '-- migrate:up' [section]",
            "1_a.sql:3:1: error: a second '-- migrate:up'; make a migration of its own of each "
            "[section]",
            "2_b.sql:1:1: error: a statement before '-- migrate:up', which would never run "
            "[section]",
        ],
    ),
    (
        "dbmate",
        {"2_a.sql": MIGRATE_UP, "10_b.sql": "-- migrate:up transaction:maybe\n"},
        [
            "10_b.sql:1:1: error: dbmate runs this file before 2_a.sql, by the text of their "
            "names, and inlay after it, by number; give both numbers the same length with zeros "
            "in front [version-order]",
            "10_b.sql:1:1: warning: the option 'transaction:maybe' has no effect [section]",
        ],
    ),
    (
        "sqlx",
        {"a.sql": "", "1_a.down.sql": "SELECT 1;"},
        [
            "1_a.down.sql:1:1: error: this undoes a migration that is not there: add it, or remove "
            "this file [lone-down]",
            "a.sql:1:1: error: sqlx's names are NNN_name.sql, or NNN_name.up.sql with "
            f"NNN_name.down.sql; rename the file, or {OUT} [file-name]",
        ],
    ),
    (
        "golang-migrate",
        {"1_a.sql": "", "2_b.up.sql": "SELECT 1;\nVACUUM;"},
        [
            "1_a.sql:1:1: error: golang-migrate leaves this file out: its names are "
            f"NNN_name.up.sql and NNN_name.down.sql; rename the file, or {OUT} [file-name]",
            "2_b.up.sql:2:1: error: VACUUM cannot run inside a transaction; give it a file of its "
            "own with '-- inlay: no-transaction' at the top. A file that is applied already is not "
            "edited: embed it with --no-transaction 2_b.up.sql [needs-no-transaction]",
        ],
    ),
    (
        "diesel",
        {
            "2024-01-31-120000-00001_a/up.sql": "",
            "abc/up.sql": "",
            "2_b/down.sql": "",
            "2_b/other.sql": "",
            "3_c/notes": "",
            "x.sql": "",
        },
        [
            "2024-01-31-120000-00001_a/up.sql:1:1: error: cannot make a number of the name of this "
            "directory: diesel's are YYYY-MM-DD-hhmmss_name, with at most 18 digits before the "
            "underscore [file-name]",
            "2_b/down.sql:1:1: error: this undoes a migration that is not there: add it, or remove "
            "this file [lone-down]",
            "2_b/other.sql:1:1: warning: diesel leaves this file out, and so does inlay "
            "[stray-file]",
            "3_c:1:1: error: a directory without up.sql is no migration of diesel; add it, or "
            "move the directory [stray-file]",
            "abc/up.sql:1:1: error: cannot make a number of the name of this directory: diesel's "
            "are YYYY-MM-DD-hhmmss_name, with at most 18 digits before the underscore [file-name]",
            "x.sql:1:1: warning: diesel leaves this file out, and so does inlay [stray-file]",
        ],
    ),
    (
        "diesel",
        {"1_a/up.sql": "", "1-0_b/up.sql": "", "9999-99-99-999999_c/up.sql": ""},
        [
            "1_a/up.sql:1:1: error: version 1000000000000000000 is also used by 1-0_b/up.sql; give "
            "one of them another [version-collision]",
            "1-0_b/up.sql:1:1: note: version 1000000000000000000 is here",
            "9999-99-99-999999_c/up.sql:1:1: error: version 9999999999999900000 is over "
            "9223372036854775807, the largest bigint [version-range]",
        ],
    ),
    (
        "diesel",
        {"1_a/up.sql": "", "1_a/metadata.toml": "\nrun_in_transaction = no\n"},
        [
            "1_a/metadata.toml:2:1: error: write run_in_transaction = false, or true [metadata]",
        ],
    ),
    (
        "flyway",
        {
            "V1.2.3.4.5__a.sql": "",
            "R__views.down.sql": "",
            "R__.sql": "",
            "B3__base.sql": "",
            "beforeMigrate.sql": "",
            "afterMigrate__x.sql": "",
            "V4__d.java": "",
            "V5_e.sql": "",
            "U6__f.sql": "",
        },
        [
            f"B3__base.sql:1:1: error: inlay needs no baseline migration: keep the files that it "
            f"stands for, and {OUT} [baseline]",
            "R__.sql:1:1: error: cannot tell the name from this file name: write R__name.sql "
            "[file-name]",
            "R__views.down.sql:1:1: error: a repeatable migration has no down script: to go back, "
            "put its old text back; remove this file [file-name]",
            "U6__f.sql:1:1: error: this undoes a migration that is not there: add it, or remove "
            "this file [lone-down]",
            "V1.2.3.4.5__a.sql:1:1: error: version 1.2.3.4.5 has no number here: where one version "
            "has points, all are a.b.c.d, where a has up to 5 digits and the others up to 4, or "
            "DATE.b.c; rename the file [version-parts]",
            "V4__d.java:1:1: error: a migration in Java, which this program cannot run; write in "
            "SQL what it does [code-migration]",
            "V5_e.sql:1:1: error: Flyway leaves this file out: its names are V1__name.sql, "
            f"U1__name.sql and R__name.sql; rename the file, or {OUT} [stray-file]",
            "afterMigrate__x.sql:1:1: error: inlay runs no callbacks of Flyway; "
            f"{OUT} [callback]",
            f"beforeMigrate.sql:1:1: error: inlay runs no callbacks of Flyway; {OUT} [callback]",
        ],
    ),
    (
        "flyway",
        {"V1__a.sql": "SELECT 1;\nSELECT '${who}' -- ${x}", "V2__b.sql": "SELECT 1; VACUUM;"},
        [
            "V1__a.sql:2:9: error: Flyway puts a value in the place of ${who}, and inlay runs the "
            "file as it is; write the value [placeholder]",
            "V2__b.sql:1:11: error: VACUUM cannot run inside a transaction; give it a file of its "
            "own with '-- inlay: no-transaction' at the top. A file that is applied already is not "
            "edited: embed it with --no-transaction V2__b.sql [needs-no-transaction]",
        ],
    ),
    (
        "refinery",
        {"V1.2__a.sql": "", "V2__b.rs": "", "V3_c.sql": "", "U4__d.sql": "", "V4__e.sql": ""},
        [
            "V1.2__a.sql:1:1: error: version 1.2 has several parts, and a version is one whole "
            "number here; rename all files to numbers in the order of their versions "
            "[version-parts]",
            "V2__b.rs:1:1: error: a migration in Rust, which this program cannot run; write in "
            "SQL what it does [code-migration]",
            "V3_c.sql:1:1: error: refinery leaves this file out: its names are V1__name.sql and "
            f"U1__name.sql; rename the file, or {OUT} [stray-file]",
            "V4__e.sql:1:1: error: version 4 is also used by U4__d.sql; give one of them another "
            "[version-collision]",
            "U4__d.sql:1:1: note: version 4 is here",
        ],
    ),
]


REFUSED += [
    (
        "sqlx",
        {"1_a.sql": "", "1_a.up.sql": ""},
        [
            "1_a.up.sql:1:1: error: 1_a.sql is the same one, and only one of the two can run; "
            "remove one [version-collision]",
            "1_a.sql:1:1: note: version 1 is here",
        ],
    ),
]


@pytest.mark.parametrize("layout, files, findings", REFUSED)
def test_refused(layout: str, files: Files, findings: list[str], made: Make) -> None:
    assert made(files).check("--layout", layout) == ("", findings)


def test_a_placeholder_can_be_allowed(made: Make) -> None:
    directory = made({"db/V1__a.sql": "SELECT '${who}'"})
    assert directory.check("--allow", "placeholder:db/*") == ("flyway", [])
    assert directory.check("--allow", "placeholder:other/*")[0] == ""


@pytest.mark.parametrize("layout", ["goose", "diesel"])
def test_what_cannot_be_read(layout: str, made: Make) -> None:
    broken = "1_a.sql" if layout == "goose" else "1_a/metadata.toml"
    directory = made({broken: "", "1_a/up.sql": ""})
    (Path("migrations") / broken).unlink()
    (Path("migrations") / broken).symlink_to("nowhere")
    text = f"{broken}:1:1: error: cannot be read: No such file or directory [unreadable]"
    assert directory.check("--layout", layout) == ("", [text])


def test_directories_that_go_round(made: Make) -> None:
    directory = made({"a/V1__a.sql": "SELECT 1;"})
    (Path("migrations") / "a" / "again").symlink_to("..")
    assert [row[2] for row in directory.list()] == ["a/V1__a.sql"]
