"""What the build fails on and what it warns of: the exact words, at the exact place.

The manual's examples are held to the tool by test_manual.py; here are the other forms."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Callable

import pytest

from support import EMBED, EMPTY, Files, Inlay, Migrations
from inlay_gen.rules import file

WAY = "write NNN_name.sql, or NNN_name.up.sql with NNN_name.down.sql"


@pytest.fixture
def findings(inlay: Inlay, migrations: Migrations) -> Callable[[Files], list[str]]:
    """What `check` says about these files; `embed` must say the same and write nothing."""

    def run(files: Files) -> list[str]:
        directory = migrations(files)
        for output in (Path("out.c"), Path("out.c.d")):
            output.unlink(missing_ok=True)
        checked = inlay("check", directory, "--grammar", "off", *EMPTY)
        embedded = inlay("embed", directory, *EMBED)
        assert embedded.err == checked.err
        assert embedded.status == checked.status == (1 if ": error: " in checked.err else 0)
        assert Path("out.c").exists() == Path("out.c.d").exists() == (checked.status == 0)
        assert checked.err == "" or checked.err.endswith("\n")
        return checked.err.splitlines()

    return run


Find = Callable[[Files], list[str]]


def one(findings: Find, sql: "str | bytes", name: str = "001_a.sql") -> str:
    """The only finding about a file with this text, without its name."""
    (line,) = findings({name: sql})
    assert line.startswith(f"migrations/{name}:")
    return line[len(f"migrations/{name}:") :]


# ---- names ----


@pytest.mark.parametrize(
    "files",
    [
        {"001_a.sql": "", "2_b.up.sql": "", "02_b.down.sql": ""},
        {"0_a.sql": "", "00000000000000000000001_b.sql": "", "20260124000001_c.sql": ""},
        {"9223372036854775807_a.sql": ""},
        {"001_a.sql": "", "001_a.down.sql": ""},
        {"001_A b'c$d#e:f.sql": "", "2_ü.1.up.sql": "", "3__.sql": "", "4_up.sql": ""},
        {
            "1_a.sql": "",
            ".001_a.sql": "\0",
            "#001_a.sql#": "\0",
            "#001_a.sql": "\0",
            "001_a.sql~": "\0",
        },
        {"1_a.sql": "", "README.md": "\0", "001_a.sql.orig": "\0", "001_a.sqlx": "\0"},
    ],
    ids=lambda files: " ".join(files),
)
def test_good_names(findings: Find, files: Files) -> None:
    assert findings(files) == []


@pytest.mark.parametrize(
    "name",
    [
        "001.sql",
        "001_.sql",
        "001_.up.sql",
        "001_.down.sql",
        "001-a.sql",
        "001 a.sql",
        "001a.sql",
        "001_a.SQL",
        "001_a.Sql",
        "001_a.Down.sql",
        "001_a.UP.sql",
        "001_a.up.down.sql",
    ],
)
def test_names_that_cannot_be_parsed(findings: Find, name: str) -> None:
    assert findings({name: ""}) == [
        f"migrations/{name}:1:1: error: cannot tell version and name from this file name: {WAY} "
        "[file-name]"
    ]


def test_names_that_cannot_be_kept(inlay: Inlay, migrations: Migrations) -> None:
    directory = migrations({})
    for name in (b"001_a\xff.sql", b"002_a\nb.sql", b"003_a\x7f.sql", b"\xff.sql"):
        Path(os.fsdecode(os.path.join(os.fsencode(directory), name))).touch()
    assert inlay("check", directory).err.splitlines() == [
        "migrations/001_a\\udcff.sql:1:1: error: this file name is not UTF-8; rename the file "
        "[file-name]",
        "migrations/002_a\\nb.sql:1:1: error: a control character in this file name; rename the "
        "file [file-name]",
        "migrations/003_a\\x7f.sql:1:1: error: a control character in this file name; rename the "
        "file [file-name]",
        f"migrations/\\udcff.sql:1:1: error: {STRAY}",
    ]


STRAY = (
    "no version number: this file would never run. Name it NNN_name.sql, or NNN_name.up.sql with "
    "NNN_name.down.sql, or move it elsewhere [stray-file]"
)


@pytest.mark.parametrize(
    "character, shown, what",
    [
        ("\x85", "\\x85", "a control character"),
        ("\u202e", "\\u202e", "the character U+202E (RIGHT-TO-LEFT OVERRIDE)"),
        ("\u2066", "\\u2066", "the character U+2066 (LEFT-TO-RIGHT ISOLATE)"),
        ("\u200b", "\\u200b", "the character U+200B (ZERO WIDTH SPACE)"),
        ("\ufeff", "\\ufeff", "the character U+FEFF (ZERO WIDTH NO-BREAK SPACE)"),
        ("\u2028", "\\u2028", "the character U+2028 (LINE SEPARATOR)"),
        ("\U000e0041", "\\U000e0041", "the character U+E0041 (TAG LATIN CAPITAL LETTER A)"),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("form", ["001_a{}b.sql", "R__a{}b.sql", "001_a{}b.c"])
def test_what_cannot_be_seen_in_a_name(
    findings: Find, form: str, character: str, shown: str, what: str
) -> None:
    end = "" if what == "a control character" else ", which cannot be seen"
    assert findings({form.format(character): ""}) == [
        f"migrations/{form.format(shown)}:1:1: error: {what} in this file name{end}; rename the "
        "file [file-name]"
    ]


def test_two_forms_of_one_name(findings: Find) -> None:
    """They look the same wherever they are shown, and are not the same bytes."""
    files = {"001_caf\u00e9.up.sql": "", "001_cafe\u0301.down.sql": "", "R__\u1100\u1161.sql": ""}
    text = (
        "error: this file name is not in Unicode's composed form (NFC), and one that looks the "
        "same is another name: it is '{}'; rename the file to '{}' [file-name]"
    )
    assert findings(files) == [
        "migrations/001_cafe\u0301.down.sql:1:1: "
        + text.format("001_cafe\\u0301.down.sql", "001_caf\\xe9.down.sql"),
        "migrations/R__\u1100\u1161.sql:1:1: "
        + text.format("R__\\u1100\\u1161.sql", "R__\\uac00.sql"),
    ]
    assert findings({"001_caf\u00e9.up.sql": "", "001_caf\u00e9.down.sql": ""}) == []


def test_stray_files(findings: Find) -> None:
    assert findings({"001_a.sql": "", "schema.sql": "", "٣_a.sql": "", "_1_a.sql": ""}) == [
        f"migrations/_1_a.sql:1:1: error: {STRAY}",
        f"migrations/schema.sql:1:1: error: {STRAY}",
        f"migrations/٣_a.sql:1:1: error: {STRAY}",
    ]


def test_versions_out_of_range(findings: Find) -> None:
    digits = "9" * 200
    end = "is over 9223372036854775807, the largest bigint [version-range]"
    assert findings({"9223372036854775808_a.sql": "", f"{digits}_b.sql": ""}) == [
        f"migrations/9223372036854775808_a.sql:1:1: error: version 9223372036854775808 {end}",
        f"migrations/{digits}_b.sql:1:1: error: version {digits} {end}",
    ]


def test_versions_that_collide(findings: Find) -> None:
    files = dict.fromkeys(("01_c.up.sql", "1_b.sql", "001_a.sql", "7_d.sql", "01_c.down.sql"), "")
    assert findings(files) == [
        "migrations/01_c.up.sql:1:1: error: version 1 is also used by 001_a.sql. Renumber the "
        "one that no database has applied yet: 08 is free [version-collision]",
        "migrations/001_a.sql:1:1: note: version 1 is also here",
        "migrations/1_b.sql:1:1: error: version 1 is also used by 001_a.sql. Renumber the "
        "one that no database has applied yet: 9 is free [version-collision]",
        "migrations/001_a.sql:1:1: note: version 1 is also here",
    ]


def test_each_collision_is_offered_a_number_of_its_own(findings: Find) -> None:
    files = ("1_a.sql", "1_b.sql", "2_a.sql", "2_b.sql", "9223372036854775806_z.sql")
    errors = [line for line in findings(dict.fromkeys(files, "")) if ": error: " in line]
    assert [line.partition("sql. ")[2] for line in errors] == [
        "Renumber the one that no database has applied yet: 9223372036854775807 is free "
        "[version-collision]",
        "",  # there is no other
    ]


def test_there_may_be_no_higher_number(findings: Find) -> None:
    largest = "9223372036854775807"
    assert findings({f"{largest}_a.sql": "", f"{largest}_b.sql": ""}) == [
        f"migrations/{largest}_b.sql:1:1: error: version {largest} is also used by "
        f"{largest}_a.sql [version-collision]",
        f"migrations/{largest}_a.sql:1:1: note: version {largest} is also here",
    ]


@pytest.mark.parametrize("other", ["001_a.up.sql", "1_a.sql", "001_a.c"])
def test_one_migration_in_two_files(findings: Find, other: str) -> None:
    first, second = sorted(("001_a.sql", other))
    assert findings({first: "", second: "", "001_a.down.sql": ""}) == [
        f"migrations/{second}:1:1: error: {first} is the same migration, and only one of the two "
        "can run; remove one [version-collision]",
        f"migrations/{first}:1:1: note: version 1 is also here",
    ]


@pytest.mark.parametrize(
    "up, down", [("1_a_up", "1_a_down"), ("1_a", "1_a_rollback"), ("1_a-UP", "1_a-undo")]
)
def test_directions_of_another_form(findings: Find, up: str, down: str) -> None:
    found = findings({f"{up}.sql": "", f"{down}.sql": ""})
    assert [line for line in found if "error" in line] == [
        f"migrations/{max(up, down)}.sql:1:1: error: {min(up, down)}.sql is the other direction: "
        "rename the files to 1_a.up.sql and 1_a.down.sql [version-collision]"
    ]
    assert "Renumber" in findings({"1_a_up.sql": "", "1_b_down.sql": ""})[0]


def test_two_down_files(findings: Find) -> None:
    assert findings({"1_a.up.sql": "", "001_a.down.sql": "", "1_a.down.sql": ""}) == [
        "migrations/1_a.down.sql:1:1: error: version 1 has a down file already, 001_a.down.sql; "
        "remove one of them [version-collision]",
        "migrations/001_a.down.sql:1:1: note: version 1 is also here",
    ]


def test_a_down_file_with_another_name(findings: Find) -> None:
    assert findings({"001_a.up.sql": "", "001_b.down.sql": ""}) == [
        "migrations/001_b.down.sql:1:1: error: a down file without its up file: add "
        "001_b.up.sql, or remove this file [lone-down]",
        "migrations/001_a.up.sql:1:1: note: version 1 is 'a' here",
    ]


def test_verify_files(findings: Find) -> None:
    files = {
        "001_a.up.sql": "SELECT 1;",
        "001_a.verify.sql": "BEGIN;\nSELECT true;\nROLLBACK;\n",
        "1_a.verify.sql": "",
        "001_b.verify.sql": "",
        "002_c.sql": "SELECT 1;",
        "002_c.verify.sql": "-- inlay: no-transaction\nSELECT 1;\nCOMMIT;\nVACUUM;\n",
        "003_d.VERIFY.sql": "",
    }
    assert findings(files) == [
        "migrations/001_b.verify.sql:1:1: error: a verify file without its migration: add "
        "001_b.up.sql, or remove this file [lone-verify]",
        "migrations/002_c.verify.sql:1:1: error: a verify script has no settings: it runs in the "
        "transaction of its migration [setting]",
        "migrations/002_c.verify.sql:3:1: error: remove COMMIT: a verify script runs in a "
        "transaction that is rolled back [transaction-control]",
        "migrations/002_c.verify.sql:4:1: error: VACUUM cannot run in a verify script, which only "
        "reads [needs-no-transaction]",
        "migrations/003_d.VERIFY.sql:1:1: error: cannot tell version and name from this file name: "
        "write NNN_name.sql, or NNN_name.up.sql with NNN_name.down.sql [file-name]",
        "migrations/1_a.verify.sql:1:1: error: 001_a.verify.sql verifies version 1 already; remove "
        "one of them [version-collision]",
    ]


# ---- files that cannot be read ----


def unreadable(name: str, why: str) -> str:
    return f"migrations/{name}:1:1: error: cannot be read: {why} [unreadable]"


def test_files_that_cannot_be_read(inlay: Inlay, migrations: Migrations) -> None:
    directory = Path(migrations({}))
    (directory / "001_a.sql").symlink_to("001_a.sql")
    (directory / "002_b.sql").symlink_to("nowhere")
    (directory / "003_c.sql").mkdir()
    os.mkfifo(directory / "004_d.up.sql")
    (directory / "005_e.up.sql").write_text("SELECT 1;")
    (directory / "005_e.down.sql").mkdir()
    (directory / "R__f.sql").mkdir()
    (directory / "seeds.SQL").symlink_to("..")
    (directory / ".old.sql").mkdir()
    result = inlay("check", directory)
    assert result.status == 1
    assert result.err.splitlines() == [
        unreadable("001_a.sql", "Too many levels of symbolic links"),
        unreadable("002_b.sql", "No such file or directory"),
        f"migrations/003_c.sql:1:1: error: {FOLDER}",
        unreadable("004_d.up.sql", "not an ordinary file"),
        f"migrations/005_e.down.sql:1:1: error: {FOLDER}",
        f"migrations/R__f.sql:1:1: error: {FOLDER}",
        f"migrations/seeds.SQL:1:1: error: {FOLDER}",
    ]


FOLDER = (
    "this is a directory, and what is in it would never run: move its files here, or give it a "
    "name without this ending [stray-file]"
)


def test_a_file_without_the_right_to_read_it(inlay: Inlay, migrations: Migrations) -> None:
    directory = Path(migrations({"001_a.sql": ""}))
    (directory / "001_a.sql").chmod(0)
    try:
        (directory / "001_a.sql").read_bytes()
    except PermissionError:
        assert inlay("check", directory).err == unreadable("001_a.sql", "Permission denied") + "\n"
    else:
        assert inlay("check", directory).status == 0  # root reads everything


# ---- text ----


def test_bytes_that_are_no_text(findings: Find) -> None:
    nul = "error: a NUL byte; save the file as UTF-8 (is it UTF-16?) [nul-byte]"
    assert one(findings, b"SELECT 1;\nSE\0LECT") == f"2:3: {nul}"
    assert one(findings, b"\0") == f"1:1: {nul}"
    assert one(findings, "\ufeffSELECT 1".encode("utf-16-le")) == f"1:2: {nul}".replace(
        "1:2", "1:4"
    )
    assert one(findings, "-- é\n-- ü, ".encode() + "ä".encode("latin-1")) == (
        "2:7: error: byte 0xe4 is not UTF-8; save the file as UTF-8 [invalid-utf8]"
    )


@pytest.mark.parametrize(
    "sql, place, what",
    [
        ("SELECT 'é', 'a; -- '';", "1:13", "this string does not end; close it with '"),
        ("SELECT 1;\nSELECT E'\\'", "2:8", "this string does not end; close it with '"),
        ('SELECT "a', "1:8", 'this quoted identifier does not end; close it with "'),
        ("\n/* /* */", "2:1", "this comment does not end; close it with */ (comments nest)"),
        (
            "DO $a$ $b$",
            "1:4",
            "this dollar quote does not end; close it with the tag that opened it",
        ),
        (
            "SELECT 1;\n  CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;",
            "2:3",
            "this BEGIN ATOMIC does not end; close it with END",
        ),
    ],
)
def test_what_does_not_end(findings: Find, sql: str, place: str, what: str) -> None:
    assert one(findings, sql) == f"{place}: error: {what} [unterminated]"


def test_parentheses(findings: Find) -> None:
    assert one(findings, "CREATE TABLE t (a int;\nSELECT (1);") == (
        "1:16: error: this ( is never closed [parenthesis]"
    )
    assert one(findings, "SELECT (1));\nSELECT 2;") == (
        "1:11: error: this ) closes nothing [parenthesis]"
    )


@pytest.mark.parametrize(
    "command, way_out",
    [
        ("\\restrict", "pg_dump wrote it for psql: remove the line"),
        ("\\unrestrict", "pg_dump wrote it for psql: remove the line"),
        ("\\copy", "use INSERT, or COPY from a file on the server"),
        ("\\i", "put the statements of that file here"),
        ("\\ir", "put the statements of that file here"),
        ("\\include", "put the statements of that file here"),
        ("\\include_relative", "put the statements of that file here"),
        ("\\connect", "remove it, or write what it does in SQL"),
        ("\\", "remove it, or write what it does in SQL"),
        ("\\é", "remove it, or write what it does in SQL"),
    ],
)
def test_psql_commands(findings: Find, command: str, way_out: str) -> None:
    assert one(findings, f"SELECT 1;\n {command} it's '\nSELECT 2;") == (
        f"2:2: error: {command} is a command of psql, not SQL; {way_out} [psql-command]"
    )


def test_crlf_in_a_string_is_told_once(findings: Find) -> None:
    sql = b"-- a\r\nSELECT 'b\r\nc';\r\nDO $$\r\n$$;\r\n"
    assert one(findings, sql) == (
        "2:10: warning: a CRLF inside a string is data, which another checkout may not have; keep "
        "LF with '*.sql text eol=lf' in .gitattributes, or write E'\\r\\n' [crlf-in-string]"
    )


# ---- settings ----


def test_every_bad_setting_is_told(findings: Find) -> None:
    sql = (
        "-- inlay: no-transaktion lock_timeout=5x\n"
        "/* é */ --inlay: isolation=none\n"
        "-- INLAY :\n"
        "SELECT 1;"
    )
    found = [line.replace("migrations/001_a.sql:", "") for line in findings({"001_a.sql": sql})]
    assert [line.split(";")[0].split(", such")[0] for line in found] == [
        "1:11: error: unknown setting 'no-transaktion'",
        "1:26: error: lock_timeout is a number with one of the units us, ms, s, min, h, d",
        "2:18: error: isolation is one of read-committed, repeatable-read, serializable, not "
        "'none' [setting]",
        "3:1: error: no setting follows '-- inlay:' [setting]",
    ]


def test_settings_that_do_not_fit_together(findings: Find) -> None:
    assert one(findings, "-- inlay: lock_timeout=1s\n-- inlay: lock_timeout=1s") == (
        "2:11: error: lock_timeout is set twice; keep one [setting]"
    )
    for first, second in ("no-transaction", "isolation=serializable"), (
        "isolation=serializable",
        "no-transaction",
    ):
        assert one(findings, f"-- inlay: {first} {second}") == (
            f"1:{12 + len(first)}: error: isolation is a transaction's, and this file is "
            "no-transaction; remove one of the two [setting]"
        )


@pytest.mark.parametrize(
    "comment, why",
    [
        ("-- inlay no-transaction", "no colon follows inlay"),
        ("--Inlay lock_timeout = 5s", "no colon follows inlay"),
        ("/* inlay: no-transaction */", "it is in a comment of the form /* ... */"),
        ("/**\n inlay isolation=serializable\n*/", "it is in a comment of the form /* ... */"),
    ],
)
def test_what_looks_like_a_setting(findings: Find, comment: str, why: str) -> None:
    assert findings({"1_a.sql": f"{comment}\nSELECT 1;"}) == [
        f"migrations/1_a.sql:1:1: error: this looks like a setting and is none, since {why}; write "
        "'-- inlay: ...' [setting]"
    ]
    no_settings = f"-- inlay has no setting for this\nSELECT '\n{comment}';\n-- INLAY2: x"
    assert findings({"1_a.sql": no_settings}) == []


def test_a_setting_too_late(findings: Find) -> None:
    assert one(findings, "-- inlay: lock_timeout=1s\nSELECT 1; -- inlay: nonsense") == (
        "2:11: error: a setting after the first statement has no effect; move it to the top of the "
        "file [late-setting]"
    )
    assert one(findings, "SELECT -- inlay: no-transaction\n1")[:2] == "1:"


def test_where_settings_may_stand(findings: Find) -> None:
    assert findings({"001_a.sql": "\n\n/* a */\n-- b\n;-- inlay: lock_timeout=1s"}) == []
    assert findings({"001_a.sql": b"\xef\xbb\xbf-- inlay: lock_timeout=1s\r\n"}) == []
    # Prose, and a comment of the other kind.
    assert findings({"001_a.sql": "-- inlay is good\n/* inlay: x */ SELECT '-- inlay: x'"}) == []


# ---- statements ----

CONTROL = (
    "remove {}: inlay already runs the file and its history row in one transaction{} "
    "[transaction-control]"
)


def test_transaction_control(findings: Find) -> None:
    found = findings({"001_a.sql": "BEGIN;\nSELECT 1;\n  COMMIT;\nSET TRANSACTION READ ONLY"})
    level = ", and write '-- inlay: isolation=serializable' at the top of the file"
    assert found == [
        f"migrations/001_a.sql:1:1: error: {CONTROL.format('BEGIN', '')}",
        f"migrations/001_a.sql:3:3: error: {CONTROL.format('COMMIT', '')}",
        f"migrations/001_a.sql:4:1: error: {CONTROL.format('SET TRANSACTION', level)}",
    ]
    sql = "-- inlay: no-transaction\nROLLBACK"
    assert one(findings, sql) == (
        "2:1: error: remove ROLLBACK: the statements of this file run one by one "
        "[transaction-control]"
    )
    sql = "SAVEPOINT a;\nROLLBACK TO a;\nRELEASE a"
    assert findings({"001_a.sql": sql}) == []
    alone = findings({"001_a.sql": f"-- inlay: no-transaction\n{sql}"})
    assert [re.findall(r"remove ([A-Z ]+): the statements", line) for line in alone] == [
        ["SAVEPOINT"],
        ["ROLLBACK TO SAVEPOINT"],
        ["RELEASE SAVEPOINT"],
    ]
    sql = "LOCK TABLE t;\nDECLARE c CURSOR FOR SELECT 1;\nDECLARE d CURSOR WITH HOLD FOR SELECT 1"
    assert findings({"001_a.sql": sql}) == []
    alone = findings({"001_a.sql": f"-- inlay: no-transaction\n{sql}"})
    assert [re.findall(r":(\d).*remove ([A-Z ]+): the statements", line) for line in alone] == [
        [("2", "LOCK TABLE")],
        [("3", "DECLARE CURSOR")],
    ]
    way_out = ". A file that is applied already is not edited: embed it with --strip-transaction"
    assert findings({"001_a.sql": "START TRANSACTION;\nSELECT 1;\nEND"}) == [
        f"migrations/001_a.sql:1:1: error: {CONTROL.format('START TRANSACTION', way_out)}",
        f"migrations/001_a.sql:3:1: error: {CONTROL.format('END', way_out)}",
    ]


def test_a_statement_that_cannot_run_in_a_transaction(findings: Find) -> None:
    assert one(findings, "\tVACUUM") == (
        "1:2: error: VACUUM cannot run inside a transaction; give it a file of its own with "
        "'-- inlay: no-transaction' at the top. A file that is applied already is not edited: "
        "embed it with --no-transaction 001_a.sql [needs-no-transaction]"
    )
    assert findings({"001_a.sql": "-- inlay: no-transaction\nVACUUM"}) == []
    # Each file has its own settings.
    files = {"001_a.up.sql": "-- inlay: no-transaction\nVACUUM", "001_a.down.sql": "VACUUM"}
    assert len(findings(files)) == 1


def test_everything_that_is_wrong_with_one_statement(findings: Find) -> None:
    found = findings({"001_a.sql": "CREATE INDEX CONCURRENTLY ON t (a)"})
    assert [line.rsplit(" ", 1)[1] for line in found] == [
        "[needs-no-transaction]",
        "[unnamed-index]",
    ]


UNLOCKS = (
    "also releases the lock that keeps two migrators apart; release your own locks one by one with "
    "pg_advisory_unlock [unlock-all]"
)


def test_unlocking_all(findings: Find) -> None:
    sql = (
        "-- pg_advisory_unlock_all\n"
        "SELECT /* pg_advisory_unlock_all */ PG_Advisory_unlock_ALL(), my_pg_advisory_unlock_all()"
        ";\n"
        "DO $$ BEGIN PERFORM pg_advisory_unlock_all(); END $$;\n"
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_unlock_all()'"
    )
    assert findings({"001_a.sql": sql}) == [
        f"migrations/001_a.sql:2:37: warning: pg_advisory_unlock_all {UNLOCKS}",
        f"migrations/001_a.sql:3:21: warning: pg_advisory_unlock_all {UNLOCKS}",
    ]
    assert one(findings, "-- inlay: no-transaction\nDISCARD ALL") == (
        f"2:1: warning: DISCARD ALL {UNLOCKS}"
    )


def test_a_large_statement(findings: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    assert file._LARGE_STATEMENT == 64 << 20
    size = 2 << 20
    monkeypatch.setattr(file, "_LARGE_STATEMENT", size)
    assert findings({"001_a.sql": "SELECT '" + "x" * (size - 9) + "';"}) == []
    assert one(findings, "\nSELECT '" + "x" * (size - 8) + "'; SELECT 2") == (
        "2:1: warning: a statement of 2 MB, which client and server each hold in memory several "
        "times; split it [large-statement]"
    )


# ---- nothing in it ----

EMPTY_MIGRATION = (
    "no statement in this file: the next start would record it as applied, and what is written "
    "into it later would not run; if it is meant to be empty, freeze it [empty-migration]"
)


def warned(inlay: Inlay, directory: str) -> list[str]:
    return inlay("check", directory, "--grammar", "off").err.splitlines()


def test_one_that_others_follow(inlay: Inlay, migrations: Migrations) -> None:
    files: Files = {"001_a.sql": "SELECT 1;", "002_b.sql": "", "003_c.sql": "SELECT 1;"}
    assert warned(inlay, migrations(files)) == []
    files |= {"004_d.sql": "", "005_e.sql": "-- later"}
    assert warned(inlay, migrations(files)) == [
        f"migrations/{file}:1:1: warning: {EMPTY_MIGRATION}" for file in ("004_d.sql", "005_e.sql")
    ]


@pytest.mark.parametrize("text", ["", " \n;\n", "-- add seats (2026-11-29)\n\n", "/* later */"])
def test_an_empty_migration(inlay: Inlay, migrations: Migrations, text: str) -> None:
    files = {"000_c.c": "", "001_a.up.sql": text, "001_a.down.sql": "", "R__b.sql": ""}
    directory = migrations(files)
    assert warned(inlay, directory) == [f"migrations/001_a.up.sql:1:1: warning: {EMPTY_MIGRATION}"]
    inlay("freeze", directory)
    assert warned(inlay, directory) == []


def test_one_of_another_tool(inlay: Inlay, migrations: Migrations) -> None:
    directory = migrations({"1_a.sql": "-- +goose Up\n-- +goose Down\nSELECT 1;"})
    assert warned(inlay, directory) == [f"migrations/1_a.sql:1:1: warning: {EMPTY_MIGRATION}"]


def test_a_new_file_is_empty_and_one_that_cannot_be_read_is_not(
    inlay: Inlay, migrations: Migrations
) -> None:
    directory = migrations({"001_a.sql": "SELECT 1;"})
    inlay("new", directory, "b")
    assert warned(inlay, directory) == [f"migrations/002_b.sql:1:1: warning: {EMPTY_MIGRATION}"]
    (line,) = warned(inlay, migrations({"001_a.sql": "'"}))
    assert line.endswith("[unterminated]")


# ---- all of a run ----


def test_all_findings_of_a_run_sorted_by_place(findings: Find) -> None:
    files = {
        "003_c.sql": "VACUUM;\nBEGIN",
        "001_a.sql": "SELECT 'b\r\n'; SELECT (",
        "01_b.sql": "COMMIT",
        "x.sql": "",
        "002_d.down.sql": "",
    }
    places = [line.split(": ")[:2] for line in findings(files)]
    assert places == [
        ["migrations/001_a.sql:1:10", "warning"],
        ["migrations/001_a.sql:2:11", "error"],
        ["migrations/002_d.down.sql:1:1", "error"],
        ["migrations/003_c.sql:1:1", "error"],
        ["migrations/003_c.sql:2:1", "error"],
        ["migrations/01_b.sql:1:1", "error"],
        ["migrations/01_b.sql:1:1", "error"],
        ["migrations/001_a.sql:1:1", "note"],
        ["migrations/x.sql:1:1", "error"],
    ]


def test_places_are_those_of_the_argument(
    inlay: Inlay, tmp_path: Path, migrations: Migrations
) -> None:
    migrations({"001_a.sql": "("})
    for directory in ("migrations", "migrations/", "./migrations", str(tmp_path / "migrations")):
        assert inlay("check", directory).err.startswith(
            f"{os.path.join(directory, '001_a.sql')}:1:1: "
        )
