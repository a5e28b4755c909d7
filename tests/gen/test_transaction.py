"""--strip-transaction: which files it takes, what it says of others, and what is embedded."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Callable

import pytest

from support import EMBED, EMPTY, Files, Inlay, Migrations

Check = Callable[..., "list[str]"]


@pytest.fixture
def check(inlay: Inlay, migrations: Migrations) -> Check:
    def run(files: Files, *options: str) -> list[str]:
        result = inlay("check", migrations(files), "--grammar", "off", *EMPTY, *options)
        assert (result.status == 0) == (": error: " not in result.err)
        return result.err.replace("migrations/", "").splitlines()

    return run


ONLY = (
    "1_a.sql:{}: error: --strip-transaction={} is for files that are one transaction from BEGIN to "
    "COMMIT, and {}; {} [transaction-control]"
)
PARTS = "make a file of each part, without BEGIN and COMMIT"
SETTING = "write BEGIN alone, and a setting such as '-- inlay: isolation=serializable'"


@pytest.mark.parametrize(
    "text",
    [
        "BEGIN;\nSELECT 1;\nCOMMIT;\n",
        "-- head\n/* BEGIN */ begin work; SELECT 1; SAVEPOINT a; ROLLBACK TO a; end -- tail\n;\n",
        "START /* x */ TRANSACTION;\nSELECT 'COMMIT;';\nCOMMIT TRANSACTION AND NO CHAIN",
        "BEGIN TRANSACTION; CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; END;",
        "BEGIN; COMMIT",
    ],
)
def test_one_transaction(text: str, check: Check) -> None:
    for option in ("--strip-transaction", "--strip-transaction=1_*", "--strip-transaction=*"):
        assert check({"1_a.sql": text}, option) == []
    told = check({"1_a.sql": text}, "--strip-transaction=2_*")
    assert len(told) == 3 and "--strip-transaction=2_* is of no file" in told[0]
    assert all("embed it with --strip-transaction [" in line for line in told[1:])


@pytest.mark.parametrize(
    "text, place, why",
    [
        ("SELECT 1;\nBEGIN;\nCOMMIT;", "1:1", "this statement stands before BEGIN"),
        (
            "\n BEGIN ISOLATION LEVEL SERIALIZABLE;COMMIT",
            "2:2",
            "this BEGIN says what kind of transaction it begins",
        ),
        (
            "BEGIN;\nSELECT 1;\nCOMMIT;\nBEGIN;\nCOMMIT;",
            "3:1",
            "COMMIT stands between the first and the last statement",
        ),
        (
            "BEGIN;\nSET TRANSACTION READ ONLY;\nCOMMIT;",
            "2:1",
            "SET TRANSACTION stands between the first and the last statement",
        ),
        ("BEGIN;\nSELECT 1;\n", "2:1", "this is the last statement, and it is not COMMIT"),
        ("BEGIN;\nROLLBACK;\n", "2:1", "this is the last statement, and it is not COMMIT"),
        ("BEGIN;\n", "1:1", "this is the last statement, and it is not COMMIT"),
        ("BEGIN;\nCOMMIT AND CHAIN;\n", "2:1", "this COMMIT begins another transaction"),
        (
            "-- inlay: no-transaction\nBEGIN;\nCOMMIT;\n",
            "2:1",
            "this one is to run without a transaction",
        ),
    ],
)
def test_what_is_not_one_transaction(text: str, place: str, why: str, check: Check) -> None:
    way_out = SETTING if "kind of transaction" in why else PARTS
    assert check({"1_a.sql": text}, "--strip-transaction") == [
        ONLY.format(place, "*", why, way_out)
    ]
    told = check({"1_a.sql": text})
    assert told != [] and all("--strip-transaction" not in line for line in told)


def test_a_file_without_one(check: Check) -> None:
    """Only a pattern says that the file has one."""
    files: Files = {"1_a.sql": "SELECT 1;", "2_b.sql": "BEGIN; COMMIT;"}
    assert check(files, "--strip-transaction") == []
    why = "there is no BEGIN in this file"
    way_out = "take the file out of the pattern"
    assert check(files, "--strip-transaction=[12]_*") == [
        ONLY.format("1:1", "[12]_*", why, way_out)
    ]


def test_down_scripts_and_repeatables(check: Check) -> None:
    text = "BEGIN; SELECT 1; COMMIT;"
    files: Files = {"1_a.up.sql": text, "1_a.down.sql": text, "R__b.sql": text}
    assert check(files, "--strip-transaction") == []
    assert len(check(files, "--strip-transaction=1_*")) == 2
    halves = "-- +goose Up\nBEGIN; SELECT 1; COMMIT;\n-- +goose Down\nBEGIN; SELECT 2; COMMIT;\n"
    assert check({"1_a.sql": halves}, "--strip-transaction", "--layout", "goose") == []


def test_a_statement_that_cannot_run_in_one_stays_one(check: Check) -> None:
    text = "BEGIN;\nCREATE INDEX CONCURRENTLY i ON t (a);\nCOMMIT;"
    (told,) = check({"1_a.up.sql": text}, "--strip-transaction", "--layout", "golang-migrate")
    assert told == (
        "1_a.up.sql:2:1: error: CREATE INDEX CONCURRENTLY cannot run inside a transaction; give it "
        "a file of its own with '-- inlay: no-transaction' at the top. A file that is applied "
        "already is not edited: embed it with --no-transaction 1_a.up.sql [needs-no-transaction]"
    )


def test_what_is_embedded(inlay: Inlay, migrations: Migrations) -> None:
    text = "-- why\nBEGIN;\nSELECT 1;\n  SELECT 2;\nCOMMIT;\n"
    files: Files = {"1_a.sql": text}
    assert inlay("embed", migrations(files), *EMBED, "--strip-transaction").status == 0
    made = Path("out.c").read_text()
    assert re.findall(r"^    \{(\d+, \d+, \d+)\},$", made, re.M) == ["14, 8, 3", "26, 8, 4"]
    assert hashlib.sha256(text.encode()).hexdigest() in made
    assert "'--strip-transaction=*'" in made


def test_it_can_be_listed_and_frozen(inlay: Inlay, migrations: Migrations) -> None:
    directory = migrations({"1_a.sql": "BEGIN;\nSELECT 1;\nCOMMIT;\n", "2_b.sql": "VACUUM;"})
    options = ("--strip-transaction=1*", "--no-transaction=2*")
    listed = inlay("list", directory, "--json", *options)
    assert (listed.status, listed.err) == (0, "")
    rows = json.loads(listed.out)["migrations"]
    assert [(row["statements"], row["transaction"]) for row in rows] == [(1, True), (1, False)]
    assert inlay("freeze", directory).status == 1
    frozen = inlay("freeze", directory, *options)
    assert (frozen.status, frozen.out) == (0, "frozen: 1_a.sql\nfrozen: 2_b.sql\n")


def test_a_pattern_after_a_space(inlay: Inlay, migrations: Migrations) -> None:
    told = inlay("check", "--strip-transaction", "1*", migrations({"1_a.sql": "SELECT 1;"}))
    assert told.status == 2
    assert told.err.endswith("; a pattern is written --strip-transaction=GLOB\n")
