"""Versions with points: their numbers, what is refused, and directories that mix them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import Files, Inlay
from inlay_gen.layouts.common import versions
from made import Made

Make = Callable[[Files], Made]


@pytest.fixture
def made(inlay: Inlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.chdir(tmp_path)
    return lambda files: Made(inlay, files)


@pytest.mark.parametrize(
    "written, number",
    [
        ("0", 0),
        ("1", 10**12),
        ("1.0.0.0", 10**12),
        ("2.0.1", 2 * 10**12 + 10**4),
        ("2_0_1_07", 2 * 10**12 + 10**4 + 7),
        ("99999.9999.9999.9999", 99999_9999_9999_9999),
        ("10000000", 10**17),
        ("20240131.1", 202401310000010000),
        ("900000000.999999.9999", 9000000009999999999),
        ("1.2.3.4.5", None),
        ("1.10000", None),
        ("100000.1", None),
        ("9999999", None),
        ("20240131.1000000", None),
        ("20240131.1.10000", None),
        ("20240131.1.1.1", None),
        ("900000001", None),
        ("20240131120000.1", None),
    ],
)
def test_the_number(written: str, number: int | None) -> None:
    assert versions.number(written) == number
    assert number is None or number < 2**63


PART = st.integers(0, 10**4 + 1)
FIRST = st.one_of(PART, st.integers(10**7 - 1, 9 * 10**8 + 1))
WRITTEN = st.tuples(FIRST, st.lists(PART, max_size=4)).map(lambda v: [v[0], *v[1]])


@given(WRITTEN, WRITTEN)
def test_numbers_sort_as_versions_do(one: list[int], other: list[int]) -> None:
    numbers = [versions.number(".".join(map(str, written))) for written in (one, other)]
    if None not in numbers:
        full = [written + [0] * (5 - len(written)) for written in (one, other)]
        assert (numbers[0] < numbers[1], numbers[0] == numbers[1]) == (  # type: ignore[operator]
            full[0] < full[1],
            full[0] == full[1],
        )


def test_whole_numbers_stay_what_they_are(made: Make) -> None:
    directory = made({"V1__a.sql": "SELECT 1;", "V20240131120000__b_c.sql": "SELECT 1;"})
    assert [row[:2] for row in directory.list()] == [(1, "a"), (20240131120000, "b c")]


def test_one_with_points_gives_all_new_numbers(made: Make) -> None:
    directory = made(
        {
            "V1__a.sql": "SELECT 1;",
            "sub/V1_0_2__b_c.sql": "SELECT 1;",
            "V1.1__d.sql": "SELECT 1;",
            "U1.1__e.sql": "SELECT 1;",
            "V10__f.sql": "SELECT 1;",
        }
    )
    assert directory.check() == ("flyway", [])
    rows = [(version, name, down) for version, name, _, _, down in directory.list()]
    assert rows == [
        (10**12, "1 a", False),
        (10**12 + 2 * 10**4, "1.0.2 b c", False),
        (10**12 + 10**8, "1.1 d", True),
        (10 * 10**12, "10 f", False),
    ]


def test_one_version_written_in_two_ways(made: Make) -> None:
    found = made({"V1__a.sql": "", "V1.0__b.sql": ""}).check()[1]
    assert found == [
        "V1__a.sql:1:1: error: version 1 is also used by V1.0__b.sql; give one of them another "
        "[version-collision]",
        "V1.0__b.sql:1:1: note: version 1.0 is here",
    ]
    found = made({"V1.1__a.sql": "", "V1_1__b.sql": ""}).check()[1]
    assert "error: version 1.1 is also used by" in "".join(found)


def test_what_has_no_number(made: Make) -> None:
    files: Files = {"V1.1__a.sql": "", "V20240131120000__b.sql": "", "V1.2.3.4.5__c.sql": ""}
    assert made(files).check() == (
        "",
        [
            f"{name}:1:1: error: version {written} has no number here: where one version has "
            f"points, all are {versions.FORMS}; rename the file [version-parts]"
            for name, written in (
                ("V1.2.3.4.5__c.sql", "1.2.3.4.5"),
                ("V20240131120000__b.sql", "20240131120000"),
            )
        ],
    )


def git(*words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


def test_the_first_with_points_is_found_before_the_merge(made: Make) -> None:
    directory = made({"V1__a.sql": "SELECT 1;", "V2__b.sql": "SELECT 2;"})
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    Path("migrations/V3__c.sql").write_text("SELECT 3;")
    assert directory.check("--base", "HEAD") == ("flyway", [])
    Path("migrations/V2.1__d.sql").write_text("SELECT 4;")
    assert directory.check("--base", "HEAD") == (
        "",
        [
            "V1__a.sql:1:1: error: this is version 1 on HEAD, and 1000000000000 here, because one "
            "of the two has a file whose version has points and the other has none; name new files "
            "as before [base-changed]"
        ],
    )
