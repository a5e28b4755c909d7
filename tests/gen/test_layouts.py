"""Other tools' directories: whose they are, and what becomes of names, marks and files beside."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Callable

import pytest

from support import EMBED, Files, Inlay
from made import Made

Make = Callable[[Files], Made]


@pytest.fixture
def made(inlay: Inlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.chdir(tmp_path)
    return lambda files: Made(inlay, files)


GOOSE: Files = {
    "00001_users.sql": "-- +goose Up\nCREATE TABLE u ();\n-- +goose Down\nDROP TABLE u;\n",
    "00002_index.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n"
    "CREATE INDEX CONCURRENTLY i ON u ((1));\n\n-- +goose Down\n",
    "00003_function.sql": "-- +goose up\n-- +goose StatementBegin\nDO $$ BEGIN; END $$;\n"
    "-- +goose StatementEnd\n-- +goose envsub off\n",
    "notes.go": "package migrations",
    "00004_x_test.go": "package migrations",
}
DBMATE: Files = {
    "20240131120000_users.sql": "-- migrate:up\nCREATE TABLE u ();\n\n"
    "-- migrate:down\nDROP TABLE u",
    "20240131120001-index.sql": "--migrate:up transaction:false\n"
    "CREATE INDEX CONCURRENTLY i ON u ((1));\n-- migrate:down transaction:false\n"
    "DROP INDEX CONCURRENTLY i;\n",
    "20240131120002.sql": "-- a head\n-- migrate:up transaction:true\nSELECT 1;\n"
    "-- migrate:down\n\n",
}
SQLX: Files = {
    "20240131120000_add_users.sql": "CREATE TABLE u ();",
    "20240131120001_add_index.up.sql": "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON u ((1));",
    "20240131120001_add_index.down.sql": "DROP INDEX i;",
}
GOLANG_MIGRATE: Files = {
    "000001_add_users.up.sql": "CREATE TABLE u ();",
    "000001_users_away.down.sql": "DROP TABLE u;",
    "000002_index.up.sql": "CREATE INDEX CONCURRENTLY i ON u ((1));",
    "000002_index.down.sql": "DROP INDEX CONCURRENTLY i;",
}
DIESEL: Files = {
    "00000000000000_diesel_initial_setup/up.sql": "SELECT 1;",
    "00000000000000_diesel_initial_setup/down.sql": "SELECT 1;",
    "20240130120000_old/up.sql": "SELECT 1;",
    "2024-01-31-120000-0000_second_of_both/up.sql": "SELECT 1;",
    "2024-01-31-120000_first_of_both/up.sql": "SELECT 1;",
    "2024-01-31-120000-0012_third/up.sql": "SELECT 1;",
    "2024-01-31-120001_index/up.sql": "CREATE INDEX CONCURRENTLY i ON u ((1));",
    "2024-01-31-120001_index/down.sql": "DROP INDEX CONCURRENTLY i;",
    "2024-01-31-120001_index/metadata.toml": "# why\nrun_in_transaction = false # so\n[a]\nb = 1\n",
    "2024-02-01-000000/up.sql": "SELECT 1;",
    "2024-02-01-000000/metadata.toml": "run_in_transaction = true",
    "2024-02-02-000000_says_nothing/up.sql": "SELECT 1;",
    "2024-02-02-000000_says_nothing/metadata.toml": "a = 1\n[t]\nrun_in_transaction = true",
    "README.md": "",
}
FLYWAY: Files = {
    "V1__add_users.sql": "CREATE TABLE u (); -- ${not} a placeholder",
    "U1__users_away.sql": "DROP TABLE u;",
    "V02__index.sql": "CREATE INDEX CONCURRENTLY i ON u ((1)); DROP INDEX CONCURRENTLY i;",
    "more/V10__in_a_directory.sql": "SELECT '${kept}';",
    "more/V10__in_a_directory.sql.conf": "placeholderReplacement=false\n"
    " executeInTransaction = false",
    "V11__together.sql": "SELECT 1;",
    "V11__together.sql.conf": "flyway.executeInTransaction=true\r\n",
}
REFINERY: Files = {
    "V1__add_users.sql": "CREATE TABLE u ();",
    "U3__late_one.sql": "SELECT 1;",
    "V4__index.sql": "-- +refinery NO TRANSACTION\nCREATE INDEX CONCURRENTLY i ON u ((1));",
    "more/V10__in_a_directory.sql": "SELECT 1;",
}

SQL_MIGRATE: Files = {
    "20240131120000-users.sql": "-- a head\n-- +migrate Up\nCREATE TABLE u ();\n\n"
    "-- +migrate Down\nDROP TABLE u;\n",
    "2_first.sql": "-- +migrate Up notransaction\nCREATE INDEX CONCURRENTLY i ON u ((1));\n"
    "-- +migrate Down notransaction\nDROP INDEX CONCURRENTLY i;\n",
    "3_function.sql": "-- +migrate Up\n-- +migrate StatementBegin\nDO $$ BEGIN; END $$;\n"
    "-- +migrate StatementEnd\n-- +migrate Down\n-- nothing\n",
    "dbconfig.yml": "",
}
TERN: Files = {
    "001_users.sql": "CREATE TABLE u ();\n---- create above / drop below ----\nDROP TABLE u;\n",
    "002_index.sql": "---- tern: disable-tx ----\nCREATE INDEX CONCURRENTLY i ON u ((1));\n"
    "---- create above / drop below ----\n",
    "3_more.sql": "SELECT 1;\n",
    "tern.conf": "",
}

Rows = list[tuple[int, str, str, bool, bool]]

LISTED: dict[str, tuple[Files, Rows]] = {
    "sql-migrate": (
        SQL_MIGRATE,
        [
            (2, "first", "2_first.sql", False, True),
            (3, "function", "3_function.sql", True, False),
            (20240131120000, "users", "20240131120000-users.sql", True, True),
        ],
    ),
    "tern": (
        TERN,
        [
            (1, "users", "001_users.sql", True, True),
            (2, "index", "002_index.sql", False, False),
            (3, "more", "3_more.sql", True, False),
        ],
    ),
    "goose": (
        GOOSE,
        [
            (1, "users", "00001_users.sql", True, True),
            (2, "index", "00002_index.sql", False, False),
            (3, "function", "00003_function.sql", True, False),
        ],
    ),
    "dbmate": (
        DBMATE,
        [
            (20240131120000, "users", "20240131120000_users.sql", True, True),
            (20240131120001, "index", "20240131120001-index.sql", False, True),
            (20240131120002, "20240131120002", "20240131120002.sql", True, False),
        ],
    ),
    "sqlx": (
        SQLX,
        [
            (20240131120000, "add users", "20240131120000_add_users.sql", True, False),
            (20240131120001, "add index", "20240131120001_add_index.up.sql", False, True),
        ],
    ),
    "golang-migrate": (
        GOLANG_MIGRATE,
        [
            (1, "add_users", "000001_add_users.up.sql", True, True),
            (2, "index", "000002_index.up.sql", False, True),
        ],
    ),
    "diesel": (
        DIESEL,
        [
            (0, "diesel_initial_setup", "00000000000000_diesel_initial_setup/up.sql", True, True),
            (2024013012000000000, "old", "20240130120000_old/up.sql", True, False),
            (
                2024013112000000000,
                "first_of_both",
                "2024-01-31-120000_first_of_both/up.sql",
                True,
                False,
            ),
            (
                2024013112000000001,
                "second_of_both",
                "2024-01-31-120000-0000_second_of_both/up.sql",
                True,
                False,
            ),
            (2024013112000000121, "third", "2024-01-31-120000-0012_third/up.sql", True, False),
            (2024013112000100000, "index", "2024-01-31-120001_index/up.sql", False, True),
            (2024020100000000000, "2024-02-01-000000", "2024-02-01-000000/up.sql", True, False),
            (
                2024020200000000000,
                "says_nothing",
                "2024-02-02-000000_says_nothing/up.sql",
                False,
                False,
            ),
        ],
    ),
    "flyway": (
        FLYWAY,
        [
            (1, "add users", "V1__add_users.sql", True, True),
            (2, "index", "V02__index.sql", False, False),
            (10, "in a directory", "more/V10__in_a_directory.sql", False, False),
            (11, "together", "V11__together.sql", True, False),
        ],
    ),
    "refinery": (
        REFINERY,
        [
            (1, "add_users", "V1__add_users.sql", True, False),
            (3, "late_one", "U3__late_one.sql", True, False),
            (4, "index", "V4__index.sql", False, False),
            (10, "in_a_directory", "more/V10__in_a_directory.sql", True, False),
        ],
    ),
}


@pytest.mark.parametrize("layout", LISTED)
def test_what_becomes_of_it(layout: str, made: Make) -> None:
    files, rows = LISTED[layout]
    directory = made(files)
    assert directory.check("--layout", layout) == (layout, [])
    assert directory.list("--layout", layout) == rows


@pytest.mark.parametrize("layout", sorted(set(LISTED) - {"golang-migrate", "sql-migrate", "tern"}))
def test_found_by_itself(layout: str, made: Make) -> None:
    files, rows = LISTED[layout]
    directory = made(files)
    assert directory.check() == (layout, [])
    assert directory.list() == rows


@pytest.mark.parametrize("layout", LISTED)
def test_the_order_is_the_tools_own(layout: str, made: Make) -> None:
    """diesel sorts as text what stands before the underscore, less the hyphens; so does dbmate with
    its names. The others sort by number."""
    files, rows = LISTED[layout]
    if layout == "diesel":
        names = [path.split("/")[0].split("_")[0].replace("-", "") for _, _, path, _, _ in rows]
        assert names == sorted(names)
    elif layout == "dbmate":
        assert [row[2] for row in rows] == sorted(row[2] for row in rows)
    assert [row[0] for row in made(files).list("--layout", layout)] == sorted(r[0] for r in rows)


# ---- whose directory it is ----


@pytest.mark.parametrize(
    "layout, files",
    [
        ("inlay", {"notes.txt": "", "R__a.sql": "SELECT 1;"}),
        ("inlay", {"notes.txt": "", "old/V1__a.sql": "SELECT 1;", "001_a.sql": "SELECT 1;"}),
        # Nothing tells these two from inlay's own.
        ("inlay", {"001_a.up.sql": "SELECT 1;", "001_a.down.sql": "SELECT 1;"}),
        ("inlay", {"001_a.sql": "SELECT 1; -- migrate:up\n -- +goose Up\n\n-- no-transaction"}),
        ("inlay", {"001_a.sql": "-- no-transaction\n-- inlay: no-transaction"}),
        ("flyway", {"V1__a.sql": "SELECT 1;"}),
        ("flyway", {"db/V1__a.sql": "SELECT 1;"}),
        ("refinery", {"U1__a.sql": "SELECT 1;"}),
    ],
)
def test_whose_it_is(layout: str, files: Files, made: Make) -> None:
    assert made(files).check()[0] == layout


@pytest.mark.parametrize(
    "files, shown",
    [
        (
            {"1_a/up.sql": "", "001_b.sql": ""},
            "1_a/up.sql is diesel's and 001_b.sql is inlay's",
        ),
        ({"V1__a.sql": "", "001_b.sql": ""}, "V1__a.sql is flyway's and 001_b.sql is inlay's"),
        (
            {"1_a.sql": "-- +goose Up\n", "2_b.sql": "-- migrate:up\n"},
            "2_b.sql is dbmate's and 1_a.sql is goose's",
        ),
        (
            {"1_a.sql": "-- no-transaction\n", "2_b.sql": "-- migrate:up\n"},
            "2_b.sql is dbmate's and 1_a.sql is sqlx's",
        ),
    ],
)
def test_it_could_be_two(files: Files, shown: str, made: Make) -> None:
    text = f"cannot tell whose directory this is: {shown}; say --layout=NAME"
    assert made(files).check() == ("", [f"inlay: error: migrations: {text}"])


def test_the_largest_version(made: Make) -> None:
    files = {"9223372036854775807_a.sql": "-- +goose Up\nSELECT 1;\n"}
    assert [version for version, *_ in made(files).list()] == [2**63 - 1]


def test_said_on_the_command_line(made: Make) -> None:
    directory = made({"001_add_users.sql": "SELECT 1;"})
    assert directory.list()[0][1] == "add_users"
    assert directory.list("--layout", "sqlx")[0][1] == "add users"
    assert directory.inlay("check", "migrations", "--layout", "rails").status == 2


def test_a_directory_that_is_not_there(inlay: Inlay) -> None:
    for layout in ("auto", "diesel", "goose"):
        result = inlay("check", "nowhere", "--layout", layout)
        assert result.err == "inlay: error: nowhere: cannot be read: No such file or directory\n"
        assert result.status == 1


# ---- both directions in one file ----


def test_places_in_a_part(made: Make) -> None:
    text = "-- +goose Up\nSELECT 'é', 1;\n SELECT 'é', (;\n-- +goose Down\nSELECT 1;\n  SELECT );\n"
    assert made({"1_a.sql": "\ufeff" + text}).check() == (
        "",
        [
            "1_a.sql:3:14: error: this ( is never closed [parenthesis]",
            "1_a.sql:6:10: warning: this ) closes nothing; this down script is not embedded "
            "[parenthesis]",
        ],
    )


def test_a_string_does_not_reach_into_the_other_part(made: Make) -> None:
    files: Files = {"1_a.sql": "-- migrate:up\nSELECT 'a\n-- migrate:down\nSELECT 'b';\n"}
    assert made(files).check()[1] == [
        "1_a.sql:2:8: error: this string does not end; close it with ' [unterminated]"
    ]


def test_settings_of_each_part(inlay: Inlay, made: Make) -> None:
    made(
        {
            "1_a.sql": "-- inlay: lock_timeout=1s\n-- migrate:up\nSELECT 1;\n-- migrate:down\n"
            "-- inlay: no-transaction\nSELECT 2;\n"
        }
    )
    assert inlay("embed", "migrations", *EMBED).status == 0
    text = Path("out.c").read_text()
    assert "app_settings[] = {\n    /* 1_a.sql */\n    {1000, -1},\n};" in text
    rows = re.findall(r'"1_a.sql", &app_statements\[(\d)\], 1, (.+?)\}', text)
    sizes = "INLAY_SCRIPT_SIZES"
    assert rows == [
        ("0", f"0, {sizes}, &app_settings[0]"),
        ("1", f"INLAY_SCRIPT_NO_TRANSACTION, {sizes}"),
    ]


def test_the_text_is_there_once(inlay: Inlay, made: Make) -> None:
    made(GOOSE)
    result = inlay("embed", "migrations", *EMBED)
    assert result == (0, "", "")
    text = Path("out.c").read_text()
    assert text.count("CREATE TABLE u ();") == 1
    file = str(GOOSE["00001_users.sql"])
    up, down = re.findall(r'\{(&app_text\[0\]), (\d+), "00001_users.sql"', text)
    assert up == down == ("&app_text[0]", str(len(file)))
    begin, end = (file.index(s) for s in ("CREATE", "DROP"))
    comment = "    /* 00001_users.sql */\n"
    created = 'INLAY_STATEMENT_ORDINARY, NULL, "u"'
    assert f"{comment}    {{{begin}, 17, 2, {created}}},\n{comment}    {{{end}, 12, 4}},\n" in text


PLAIN = "SELECT 1;\nSELECT 2;\n"


@pytest.mark.parametrize(
    "layout, files",
    [
        ("goose", {"1_a.sql": f"-- +goose NO TRANSACTION\n-- +goose Up\n{PLAIN}"}),
        ("dbmate", {"1_a.sql": f"-- migrate:up transaction:false\n{PLAIN}"}),
        ("sqlx", {"1_a.sql": f"-- no-transaction\n{PLAIN}"}),
        (
            "diesel",
            {"1_a/up.sql": PLAIN, "1_a/metadata.toml": "run_in_transaction = false"},
        ),
        ("flyway", {"V1__a.sql": PLAIN, "V1__a.sql.conf": "executeInTransaction=false"}),
        ("refinery", {"V1__a.sql": f"-- +refinery NO TRANSACTION\n{PLAIN}"}),
    ],
)
def test_statements_that_could_run_in_a_transaction(layout: str, files: Files, made: Make) -> None:
    """It is said that they do not: their kind is not asked for."""
    assert [row[3] for row in made(files).list("--layout", layout)] == [False]


def test_each_direction_says_for_itself(inlay: Inlay, made: Make) -> None:
    text = f"-- migrate:up\n{PLAIN}-- migrate:down transaction:false\n{PLAIN}"
    made({"1_a.sql": text, "2_b.sql": text.replace("up\n", "up transaction:false\n", 1)})
    assert inlay("embed", "migrations", *EMBED).status == 0
    written = Path("out.c").read_text()
    rows = re.findall(r'"._.\.sql", &app_statements\[\d\], 2, (\w+)', written)
    assert rows == ["0", *3 * ["INLAY_SCRIPT_NO_TRANSACTION"]]


# ---- what belongs to it elsewhere ----


def test_the_head_names_the_layout(inlay: Inlay, made: Make) -> None:
    made(GOOSE)
    assert inlay("embed", "migrations", *EMBED) == (0, "", "")
    command = " *     inlay embed migrations --symbol app --layout goose"
    assert command in Path("out.c").read_text().splitlines()


@pytest.mark.parametrize(
    "layout, beside",
    [("diesel", "2024-01-31-120001_index/metadata.toml"), ("flyway", "V11__together.sql.conf")],
)
def test_the_depfile_names_directories_and_files_beside(
    layout: str, beside: str, inlay: Inlay, made: Make
) -> None:
    made(LISTED[layout][0])
    assert inlay("embed", "migrations", *EMBED, "--layout", layout).status == 0
    inputs = Path("out.c.d").read_text().split("\n\n")[0].split(" \\\n  ")[1:]
    wanted = {f"migrations/{name}" for name in LISTED[layout][0] if name != "README.md"}
    wanted |= {"migrations", *(str(Path(name).parent) for name in wanted)}
    assert {name for name in inputs if not name.endswith(".py")} == wanted
    assert f"migrations/{beside}" in wanted


def test_frozen_by_file(inlay: Inlay, made: Make) -> None:
    made(GOOSE)
    assert inlay("freeze", "migrations").out.count("00001_users.sql") == 1
    path = Path("migrations/00001_users.sql")
    path.write_text(path.read_text() + "-- more\n")
    result = inlay("check", "migrations")
    assert result.status == 1 and "00001_users.sql:1:1: error: this file is frozen" in result.err


def test_new_leaves_other_tools_files_to_them(inlay: Inlay, made: Make) -> None:
    made(GOOSE)
    result = inlay("new", "migrations", "more")
    assert (result.status, result.err) == (
        1,
        "inlay: error: migrations is a directory of goose's, and only files of inlay, "
        "golang-migrate, sqlx can be written; let goose make it\n",
    )
    assert sorted(p.name for p in Path("migrations").iterdir()) == sorted(GOOSE)


def git(*arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


@pytest.mark.parametrize(
    "layout, new, taken",
    [
        ("diesel", "2024-01-31-120000_again/up.sql", "2024-01-31-120000_first_of_both/up.sql"),
        ("flyway", "V02__again.sql", "V02__index.sql"),
        ("dbmate", "20240131120001_a.sql", "20240131120001-index.sql"),
    ],
)
def test_against_another_branch(layout: str, new: str, taken: str, made: Make) -> None:
    files, rows = LISTED[layout]
    directory = made(files)
    git("init", "-q", "-b", "main")
    git("add", "migrations")
    git("commit", "-q", "-m", "a")
    assert directory.check("--base", "main", "--layout", layout) == (layout, [])
    (Path("migrations") / taken).unlink()
    if layout == "diesel":
        Path("migrations", taken).parent.rmdir()
    made({new: "-- migrate:up\nSELECT 1;" if layout == "dbmate" else "SELECT 1;"})
    found = directory.check("--base", "main", "--layout", layout)[1]
    version = next(row[0] for row in rows if row[2] == taken)
    such_as = "" if layout == "diesel" else f", such as {max(row[0] for row in rows) + 1}"
    assert found == sorted(
        [
            f"{taken}:1:1: error: {taken} is on main and was deleted here; put it back: git "
            f"checkout main -- migrations/{taken} [base-changed]",
            f"{new}:1:1: error: version {version} is taken on main by {taken}; renumber this one"
            f"{such_as} [base-collision]",
        ]
    )
