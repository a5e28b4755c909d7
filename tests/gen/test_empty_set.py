"""A directory without a migration is refused, and what lies there is named."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from support import EMBED, Files, Inlay, Migrations
from made import Made

Make = Callable[[Files], Made]


@pytest.fixture
def made(inlay: Inlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.chdir(tmp_path)
    return lambda files: Made(inlay, files)


def refused(what: str, path: str = "migrations") -> tuple[str, list[str]]:
    text = f"no migration in this directory: {what}. To build all the same: --allow empty-set"
    return "", [f"{path}:1:1: error: {text} [empty-set]"]


PRISMA = (
    "Prisma and Drizzle keep each one in a directory of its own; here it is a file with that name, "
    "20240101000000_init.sql, and inlay import prisma (or drizzle) migrations OUT writes them"
)
SQITCH = (
    "Sqitch has the order in sqitch.plan; here it is in the names: 001_accounts.sql for "
    "deploy/accounts.sql, 001_accounts.down.sql for revert/accounts.sql, and inlay import sqitch "
    "migrations OUT writes them"
)
NAMED = "and migrations are named NNN_name.sql"


@pytest.mark.parametrize(
    "files, what",
    [
        ({"migration_lock.toml": "", "20240101000000_init/migration.sql": ""}, PRISMA),
        ({"sqitch.plan": "", "deploy/accounts.sql": "", "verify/accounts.sql": ""}, SQITCH),
        ({"deploy/accounts.sql": "", "sqitch.conf": ""}, SQITCH),
        (
            {"db.changelog-master.yaml": "", "b.xml": ""},
            "it has a changelog of Liquibase's; write each changeset as NNN_name.sql",
        ),
        (
            {"db/README": "", "db/migrations/001_a.sql": ""},
            "there are some in db/migrations; name that directory",
        ),
        (
            {"default/1604855964903_init/up.sql": ""},
            "there are some in default; name that directory",
        ),
        (
            {"down/1_a.sql": "", "up/1_a.sql": ""},
            "those in up/ apply and those in down/ undo; here they are files of one directory: "
            "NNN_name.up.sql and NNN_name.down.sql",
        ),
        ({"versions/1a_b.py": "", "env.py": ""}, f"it has env.py, versions/, {NAMED}"),
        ({n: "" for n in "dabc"}, f"it has a, b, c and 1 more, {NAMED}"),
        ({"x/y/z.txt": ""}, f"it has x/, {NAMED}"),
        (
            {".git/a": "", ".001_a.sql": ""},
            "it is empty, and inlay new migrations NAME writes the first",
        ),
    ],
)
def test_what_lies_there(files: Files, what: str, made: Make) -> None:
    assert made(files).check() == refused(what)


def test_a_directory_without_files(made: Make) -> None:
    directory = made({"above/below/x": ""})
    Path("migrations/above/below/x").unlink()
    assert directory.check() == refused(f"it has above/, {NAMED}")


@pytest.mark.parametrize("layout", ["inlay", "goose", "diesel", "flyway", "golang-migrate"])
def test_in_each_layout(layout: str, made: Make) -> None:
    assert made({"notes.txt": ""}).check("--layout", layout) == refused(
        f"it has notes.txt, {NAMED}"
    )


def test_nothing_is_written(inlay: Inlay, made: Make) -> None:
    made({"notes.txt": ""})
    options = EMBED[: EMBED.index("--allow")]
    assert inlay("embed", "migrations/", *options).status == 1
    assert not Path("out.c").exists()
    assert inlay("embed", "migrations/", *EMBED) == (0, "", "")
    assert Path("out.c").exists()


def test_one_migration_of_any_kind_is_enough(made: Make) -> None:
    assert made({"R__a.sql": "SELECT 1;"}).check() == ("inlay", [])
    assert made({"2_a.c": "int x;", "old/1_a.sql": ""}).check() == ("inlay", [])


def test_other_errors_say_enough(made: Make) -> None:
    found = made({"seeds.sql": ""}).check()[1]
    assert [line.rsplit(" ", 1)[1] for line in found] == ["[stray-file]"]


def test_the_first_file_can_be_made(inlay: Inlay, made: Make) -> None:
    made({"notes.txt": ""})
    assert inlay("new", "migrations", "first") == (0, "migrations/001_first.sql\n", "")


# ---- directories that look like diesel's ----


@pytest.mark.parametrize("first, second", [("10_reset", "2_init"), ("1604855964903_b", "2_a")])
def test_hasura_goes_by_number(first: str, second: str, made: Make) -> None:
    """By the text of the names one comes first, by their numbers the other."""
    directory = made({f"{name}/up.sql": "SELECT 1;" for name in (first, second)})
    assert directory.check() == (
        "",
        [
            f"{second}:1:1: error: diesel runs {first} before {second}, and Hasura after it: give "
            "their numbers the same length with zeros in front, say --layout diesel, or write the "
            "directory with inlay import hasura [version-order]"
        ],
    )
    assert directory.check("--layout", "diesel") == ("diesel", [])


@pytest.mark.parametrize(
    "names",
    [
        ["1604855964903_a", "1604855964904_b"],
        ["1_a", "2_b", "9_c"],
        ["2024-01-31-120000_a", "2024-01-31-120000-0000_b", "2024-02-01-000000_c"],
        ["00000000000000_diesel_initial_setup", "20140924113530_a", "2024-01-31-120000-0001_b"],
    ],
)
def test_the_same_order_in_both(names: list[str], made: Make) -> None:
    assert made({f"{name}/up.sql": "SELECT 1;" for name in names}).check() == ("diesel", [])


# ---- directories that are named as files ----

FOLDER = (
    "this is a directory, and what is in it would never run: move its files here, or give it a "
    "name without this ending [stray-file]"
)


@pytest.mark.parametrize("layout", ["inlay", "goose", "dbmate", "sqlx", "golang-migrate"])
def test_a_directory_is_no_file(layout: str, made: Make) -> None:
    text = {"goose": "-- +goose Up\n", "dbmate": "-- migrate:up\n"}.get(layout, "") + "SELECT 1;"
    directory = made({"1_a.up.sql": text, "2_b.sql/3_c.sql": text})
    assert directory.check("--layout", layout) == ("", [f"2_b.sql:1:1: error: {FOLDER}"])


def test_a_directory_with_too_many_digits(inlay: Inlay, migrations: Migrations) -> None:
    """Hasura's look like diesel's; what is wrong with it is said, and not that nothing is there."""
    told = inlay("check", migrations({"20240131120000000001_a/up.sql": "SELECT 1;"}))
    assert told.err == (
        "migrations/20240131120000000001_a/up.sql:1:1: error: cannot make a number of the name of "
        "this directory: diesel's are YYYY-MM-DD-hhmmss_name, with at most 18 digits before the "
        "underscore [file-name]\n"
    )
