"""--pattern: directories whose files have names of their own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable

import pytest

from support import EMBED, SOURCE, Files, Inlay
from made import Made

Make = Callable[[Files], Made]

ONE = "SELECT 1;"
EXCHANGE = r"(?P<name>exchange)-(?P<version>[0-9]+)\.sql"


@pytest.fixture
def made(inlay: Inlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.chdir(tmp_path)
    return lambda files: Made(inlay, files)


def listed(directory: Made, pattern: str) -> list[tuple[int, str, str, bool]]:
    rows = directory.list("--pattern", pattern)
    return [(version, name, path, down) for version, name, path, _, down in rows]


def test_a_name_before_the_version(made: Make) -> None:
    directory = made({"exchange-0010.sql": ONE, "exchange-0002.sql": ONE})
    assert directory.check("--pattern", EXCHANGE) == ("pattern", [])
    assert listed(directory, EXCHANGE) == [
        (2, "exchange", "exchange-0002.sql", False),
        (10, "exchange", "exchange-0010.sql", False),
    ]


def test_versions_with_points_in_a_directory_below(made: Make) -> None:
    names = ("upgrade/19.0.sql", "upgrade/19.sub/19.1.sql", "upgrade/2.0.2.sql")
    directory = made(dict.fromkeys(names, ONE))
    assert listed(directory, r"upgrade/(?:.*/)?(?P<version>[0-9.]+)\.sql") == [
        (2 * 10**12 + 2 * 10**4, "2.0.2", "upgrade/2.0.2.sql", False),
        (19 * 10**12, "19.0", "upgrade/19.0.sql", False),
        (19 * 10**12 + 10**8, "19.1", "upgrade/19.sub/19.1.sql", False),
    ]
    named = r"(?P<name>upgrade)/(?P<version>[0-9.]+)\.sql"
    assert listed(directory, named)[0][:2] == (2 * 10**12 + 2 * 10**4, "2.0.2 upgrade")


def test_directions(made: Make) -> None:
    names = ("1/up.sql", "1/down.sql", "2/Upgrade.sql", "2/revert.sql")
    directory = made(dict.fromkeys(names, ONE))
    assert listed(directory, r"(?P<version>\d+)/(?P<direction>\w+)\.sql") == [
        (1, "1", "1/up.sql", True),
        (2, "2", "2/Upgrade.sql", True),
    ]


def test_what_it_does_not_name(made: Make) -> None:
    directory = made({"exchange-1.sql": ONE, "a.sql": ONE, "b/c.SQL": ONE, "d.txt": ""})
    told = [
        "a.sql:1:1: warning: the pattern does not name a.sql, b/c.SQL: what is in there would "
        "never run [unmatched]"
    ]
    assert directory.check("--pattern", EXCHANGE) == ("pattern", told)
    assert directory.check("--pattern", EXCHANGE, "--allow", "unmatched") == ("pattern", [])
    assert made({f"{n}.sql": ONE for n in range(3)}).check("--pattern", EXCHANGE)[1] == [
        "0.sql:1:1: warning: the pattern does not name 0.sql, 1.sql, 2.sql and 2 more: what is in "
        "there would never run [unmatched]"
    ]


def test_a_list_says_what_is_left_out(inlay: Inlay, made: Make) -> None:
    made({"exchange-1.sql": ONE, "a.sql": ONE})
    told = inlay("list", "migrations", "--pattern", EXCHANGE)
    assert (told.status, told.err.count("does not name a.sql")) == (0, 1)


def test_a_pattern_that_would_take_for_ever(inlay: Inlay, made: Make) -> None:
    made({f"{'a' * 60}.sql": ONE})
    told = inlay("check", "migrations", "--pattern", r"(?P<version>[0-9]*)(a+)+b")
    assert told.status == 1 and told.err.startswith("inlay: error: --pattern '(?P<version>[0-9]*)")
    assert f"takes too long for the name {'a' * 60}.sql: write it without" in told.err


def test_a_pattern_that_names_nothing(inlay: Inlay, made: Make) -> None:
    made({"sub/exchange-1.sql": ONE})
    told = inlay("check", "migrations", "--pattern", EXCHANGE)
    assert (told.status, told.err) == (
        1,
        "migrations:1:1: error: the pattern names no file; it has to match whole paths below here, "
        "such as sub/exchange-1.sql [empty-set]\n",
    )


def test_what_is_refused(made: Make) -> None:
    directory = made({"x-a.sql": ONE, "y-1.sql": ONE, "1-sideways.sql": ONE})
    pattern = r"(?:[xy]-(?P<version>\w+)|1-(?P<direction>\w+))\.sql"
    assert directory.check("--pattern", pattern)[1] == [
        "1-sideways.sql:1:1: error: the pattern finds '' for version, and no number [file-name]",
        "x-a.sql:1:1: error: the pattern finds 'a' for version, and no number [file-name]",
    ]
    pattern = r"(?P<version>1)-(?P<direction>\w+)\.sql"
    (told,) = directory.check("--pattern", pattern, "--allow", "unmatched")[1]
    assert told.startswith("1-sideways.sql:1:1: error: the direction 'sideways' is none of up, do,")
    both = made({"1.0.sql": ONE, "123456.sql": ONE}).check(
        "--pattern", r"(?P<version>[0-9.]+)\.sql", "--allow", "unmatched"
    )[1]
    assert len(both) == 1 and both[0].endswith("[version-parts]")
    same = made({"01.0.sql": ONE}).check(
        "--pattern", r"(?P<version>[01.]+)\.sql", "--allow", "unmatched"
    )[1]
    assert same[0].endswith("[version-collision]")


@pytest.mark.parametrize(
    "pattern, why",
    [
        ("(?P<version>[0-9]+", "is not a regular expression of Python's: missing )"),
        ("([0-9]+)_.*", "has to have a group (?P<version>...)"),
        ("(?P<version>1)(?P<nmae>2)", "no other that has a name"),
    ],
)
def test_expressions_that_are_none(pattern: str, why: str, inlay: Inlay) -> None:
    told = inlay("check", "migrations", "--pattern", pattern)
    assert told.status == 2 and why in told.err
    assert inlay("check", "m", "--pattern", EXCHANGE, "--layout", "goose").status == 2


def test_it_is_embedded_and_frozen(inlay: Inlay, made: Make) -> None:
    made({"exchange-1.sql": ONE, "exchange-2.sql": "VACUUM;"})
    options = ("--pattern", EXCHANGE, "--no-transaction", "*-2.sql")
    result = inlay("embed", "migrations", *EMBED, *options)
    assert (result.status, result.err) == (0, "")
    assert "embed migrations" in Path("out.c").read_text()
    assert inlay("freeze", "migrations", *options).out.count("frozen") == 2
    assert inlay("check", "migrations", "--require-frozen", *options).status == 0


PAGE = (SOURCE / "docs" / "coming-from.md").read_text(encoding="utf-8")


def test_the_patterns_of_the_page(made: Make) -> None:
    rows = re.findall(r"^\| (`.*?) \| `--pattern '(.*)'` \|$", PAGE, re.M)
    assert len(rows) == 3
    for number, (files, pattern) in enumerate(rows):
        names = re.findall("`([^`]*)`", files)
        directory = made({name: ONE for name in names})
        told = directory.check("--pattern", pattern.replace("\\|", "|"), "--allow", "unmatched")
        assert told == ("pattern", [])
        assert len(listed(directory, pattern.replace("\\|", "|"))) == (1 if number == 2 else 2)


def test_the_patterns_for_tools(made: Make) -> None:
    """Those of docs/tools.md, on a file as each of the tools names it."""
    page = (SOURCE / "docs" / "tools.md").read_text(encoding="utf-8")
    files = {"postgres-migrations": "1_a", "postgrator": "001.do.a", "databases": "0001-a"}
    sections = [section for section in page.split("\n## ") if "`--pattern " in section]
    assert [section.split("\n")[0].lstrip("@") for section in sections] == list(files)
    for section, name in zip(sections, files.values()):
        (pattern,) = re.findall("`--pattern '(.*)'`", section)
        assert listed(made({f"{name}.sql": ONE}), pattern) == [(1, "a", f"{name}.sql", False)]


def test_one_version_in_two_directories(made: Make) -> None:
    """Both may be wanted: neither is called the same as the other."""
    directory = made({"a/1.sql": "SELECT 1;", "b/1.sql": "SELECT 2;"})
    assert directory.check("--pattern", r"[ab]/(?P<version>[0-9]+)\.sql")[1] == [
        "b/1.sql:1:1: error: version 1 is also used by a/1.sql; give one of them another "
        "[version-collision]",
        "a/1.sql:1:1: note: version 1 is here",
    ]
