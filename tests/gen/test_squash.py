"""Migrations that replace others: `-- inlay: replaces 1..300`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Callable

import pytest

from inlay_gen.files.settings import Range, SettingError, Settings, apply
from support import EMPTY, Files, Inlay, Migrations, write_files

OLD: Files = {"001_a.sql": "SELECT 1;", "002_b.sql": "SELECT 2;", "003_c.sql": "SELECT 3;"}


def squash(text: str, number: int = 4) -> Files:
    name = "s" if number == 4 else "t"
    return {f"{number:03}_{name}.sql": f"-- inlay: {text}\nSELECT 1;"}


def sums_of(*names: str) -> str:
    """SHA256SUMS of files that are empty."""
    return "".join(f"{hashlib.sha256().hexdigest()}  {name}\n" for name in names)


def errors(inlay: Inlay, directory: str | Path) -> list[str]:
    result = inlay("check", directory, *EMPTY)
    assert result.status == any(" error: " in line for line in result.err.splitlines())
    return [line.replace(f"{directory}/", "") for line in result.err.splitlines()]


# ---- the setting ----


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("replaces 1..300", Range(1, 300)),
        ("replaces 0..0", Range(0, 0)),
        ("replaces \t 001..0300", Range(1, 300)),
        ("replaces 20240101000000..9223372036854775807", Range(20240101000000, 2**63 - 1)),
    ],
)
def test_the_setting(word: str, found: Range) -> None:
    assert apply(Settings(), word) == Settings(replaces=found)


FORM = "replaces is followed by the first and the last version, such as replaces 1..300, not '{}'"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("replaces", FORM.format("")),
        ("replaces 1", FORM.format("1")),
        ("replaces 1-3", FORM.format("1-3")),
        ("replaces=1..3", FORM.format("1..3")),
        ("replaces 1...3", FORM.format("1...3")),
        ("replaces -1..3", FORM.format("-1..3")),
        ("replaces 1..x", FORM.format("1..x")),
        ("replaces 3..1", "replaces 3..1 holds no version: the first is the smaller"),
        (
            "replaces 1..9223372036854775808",
            "version 9223372036854775808 is over 9223372036854775807, the largest bigint",
        ),
    ],
)
def test_a_bad_setting(word: str, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        apply(Settings(), word)
    assert str(caught.value) == message


def test_it_stands_among_others(inlay: Inlay, migrations: Migrations) -> None:
    directory = migrations(
        {**OLD, **squash("lock_timeout=5s replaces 1..3 isolation=serializable")}
    )
    assert errors(inlay, directory) == []
    (row,) = [m for m in json.loads(inlay("list", directory, "--json").out)["migrations"][3:]]
    assert (row["version"], row["replaces"]) == ("4", "1..3")
    assert inlay("list", directory).out.splitlines()[-2].endswith("draft, replaces 1..3")


def test_twice(inlay: Inlay, migrations: Migrations) -> None:
    directory = migrations({**OLD, **squash("replaces 1..3 replaces 1..2")})
    assert errors(inlay, directory) == [
        "004_s.sql:1:25: error: replaces is set twice; keep one [setting]"
    ]


# ---- what it may replace ----

BAD: list[tuple[Files, list[str]]] = [
    (
        {**OLD, **squash("replaces 1..4")},
        [
            "004_s.sql:1:11: error: version 4 cannot replace 1..4: its own version lies above all "
            "that it replaces [replaces]"
        ],
    ),
    (
        {**OLD, **squash("replaces 1..3 no-transaction")},
        [
            "004_s.sql:1:11: error: a migration that replaces others runs in one transaction, so "
            "that it is there or not, and this file is no-transaction; on an empty database "
            "nothing has to be CONCURRENTLY [replaces]"
        ],
    ),
    (
        {**OLD, **squash("replaces 1..2")},
        [
            "004_s.sql:1:11: error: version 3 lies between 1..2 and this one: on an empty database "
            "it would run before what it builds on; write replaces 1..3 [replaces]",
            "003_c.sql:1:1: note: this one",
        ],
    ),
    (
        {**OLD, **squash("replaces 0..3")},
        ["004_s.sql:1:11: error: there is no version 0: what there is of 0..3 is 1..3 [replaces]"],
    ),
    (
        {**OLD, **squash("replaces 1..7", 9)},
        ["009_t.sql:1:11: error: there is no version 7: what there is of 1..7 is 1..3 [replaces]"],
    ),
    (
        {**squash("replaces 1..3"), "005_d.sql": "", **squash("replaces 4..5", 6)},
        [
            "006_t.sql:1:11: error: 4..5 holds a part of 1..3, which 004_s.sql replaces; write "
            "replaces 1..5 [replaces]",
            "004_s.sql:1:11: note: replaced here",
        ],
    ),
    (
        {**squash("replaces 1..3"), "005_d.sql": "", **squash("replaces 3..5", 6)},
        [
            "006_t.sql:1:11: error: 3..5 holds a part of 1..3, which 004_s.sql replaces; write "
            "replaces 1..5 [replaces]",
            "004_s.sql:1:11: note: replaced here",
            "006_t.sql:1:11: error: there is no version 3: what there is of 3..5 is 4..5 "
            "[replaces]",
        ],
    ),
    (
        {
            "001_a.up.sql": "",
            "002_s.up.sql": "-- inlay: replaces 1..1\n",
            "002_s.down.sql": "\n-- inlay: replaces 1..1\n",
        },
        [
            "002_s.down.sql:2:11: error: replaces belongs in the up file: it is about what has "
            "been applied [replaces]"
        ],
    ),
]


@pytest.mark.parametrize(("files", "findings"), BAD)
def test_refused(inlay: Inlay, migrations: Migrations, files: Files, findings: list[str]) -> None:
    assert errors(inlay, migrations(files)) == findings


GAP = (
    "005_t.sql:1:11: error: of 1..4 version 3 is not there, and nothing says that it never was: a "
    "database that has a part of the others would never get what a deleted file makes; put it "
    "back, or delete all that this one replaces; if nothing was deleted, list what there is: "
    "inlay freeze {} [replaces]"
)


def test_a_gap_between_numbers(inlay: Inlay, tmp_path: Path) -> None:
    """It has been there from the start, or a file was deleted: a list of frozen files tells."""
    files: Files = {"001_a.sql": "", "002_b.sql": "", **squash("replaces 1..4", 5)}
    directory = write_files(tmp_path / "m", files)
    (directory / "004_d.sql").touch()
    assert errors(inlay, directory) == [GAP.format(directory)]
    sums = directory / "SHA256SUMS"
    sums.write_text(sums_of("001_a.sql", "002_b.sql"))  # 4 is newer than the list
    assert GAP.format(directory) in errors(inlay, directory)
    sums.unlink()
    assert inlay("freeze", directory).status == 0
    assert errors(inlay, directory) == []


def test_gaps_are_named_as_ranges(inlay: Inlay, migrations: Migrations) -> None:
    files = {f"{number:03}_a.sql": "" for number in (10, 20, 22, 30, 40, 50, 60)}
    directory = migrations({**files, "061_t.sql": "-- inlay: replaces 10..60\n"})
    (line,) = errors(inlay, directory)
    assert (
        "of 10..60 versions 11..19, 21, 23..29, 31..39, 41..49 and more are not there, and nothing "
        "says that they never were: "
    ) in line


def test_gaps_between_dates(inlay: Inlay, tmp_path: Path) -> None:
    """They are no sign of anything; that a file is deleted is seen once it is frozen."""
    files: Files = {"20240101_a.sql": "", "20240105_b.sql": ""}
    squashed = "-- inlay: replaces 20240101..20240105\n"
    directory = write_files(tmp_path / "m", {**files, "20240106_s.sql": squashed})
    assert errors(inlay, directory) == [
        "20240106_s.sql:1:11: warning: of 20240101..20240105, which are dates, no file is frozen: "
        "nobody would miss one that is deleted, and a database that has a part of the others would "
        f"never get what it makes; inlay freeze {directory} [replaces]"
    ]
    assert inlay("freeze", directory).status == 0
    assert errors(inlay, directory) == []


def test_a_create_script_moves_on(inlay: Inlay, tmp_path: Path) -> None:
    """Without the line of its old number the list says that there is no such step."""
    directory = write_files(tmp_path / "m", {**OLD, **squash("replaces 1..3")})
    assert inlay("freeze", directory).status == 0
    (directory / "004_s.sql").unlink()
    write_files(directory, {"005_d.sql": "", "006_s.sql": "-- inlay: replaces 1..5\nSELECT 1;"})
    sums = directory / "SHA256SUMS"
    assert any("version 4 is not there any more" in line for line in errors(inlay, directory))
    sums.write_text("".join(sums.read_text().splitlines(keepends=True)[:3]))
    inlay("freeze", directory)
    assert errors(inlay, directory) == []


GOOD: list[Files] = [
    {**OLD, **squash("replaces 1..3")},
    {**OLD, **squash("replaces 2..3")},  # what lies below stays
    {**OLD, **squash("replaces 1..3"), "005_d.sql": ""},
    squash("replaces 1..3"),  # the old files are deleted
    {**OLD, **squash("replaces 1..3"), "005_d.sql": "", **squash("replaces 1..5", 6)},
    {**squash("replaces 1..3"), "005_d.sql": "", **squash("replaces 1..5", 6)},
    squash("replaces 1..5", 6),
    {**squash("replaces 1..3"), **squash("replaces 5..8", 9)},  # two stretches
]


@pytest.mark.parametrize("files", GOOD)
def test_accepted(inlay: Inlay, migrations: Migrations, files: Files) -> None:
    assert errors(inlay, migrations(files)) == []


def test_in_another_layout(inlay: Inlay, migrations: Migrations) -> None:
    directory = migrations({"V1__a.sql": "", "V2__s.sql": "-- inlay: replaces 1..2\n"})
    (line,) = errors(inlay, directory)
    assert line.startswith("V2__s.sql:1:11: error: version 2 cannot replace 1..2")


# ---- what is known of the versions ----


def rows(text: str, what: str) -> list[str]:
    """The lines of an array in the C file."""
    _, _, rest = text.partition(f" app_{what}[] = {{\n")
    lines = map(str.strip, rest.partition("};")[0].splitlines())
    return [line for line in lines if not line.startswith("/*")]


def test_the_versions_are_those_of_the_files(embed: Callable[..., str]) -> None:
    files: Files = {"001_a.sql": "", "003_c.sql": ""}
    text = embed({**files, "SHA256SUMS": sums_of(*files), **squash("replaces 1..3")})
    assert rows(text, "replaced") == ["1,", "3,"]
    assert rows(text, "ranges") == ["{1, 3, &app_replaced[0], 2},"]


def test_without_the_files_they_are_not_known(embed: Callable[..., str]) -> None:
    text = embed(squash("replaces 1..3"))
    assert rows(text, "replaced") == []
    assert rows(text, "ranges") == ["{1, 3},"]


def test_frozen_files_are_remembered(inlay: Inlay, tmp_path: Path) -> None:
    directory = write_files(tmp_path / "m", {"001_a.sql": "", "003_c.sql": ""})
    write_files(directory, squash("replaces 1..3"))
    assert inlay("freeze", directory).status == 0
    (directory / "001_a.sql").unlink()
    (directory / "003_c.sql").unlink()
    assert errors(inlay, directory) == []
    out = tmp_path / "o.c"
    made = ("--output", out, "--depfile", tmp_path / "d", "--symbol", "app", "--require-frozen")
    assert inlay("embed", directory, *made).status == 0
    assert rows(out.read_text(), "replaced") == ["1,", "3,"]


def test_frozen_files_above_may_not_be_deleted(inlay: Inlay, tmp_path: Path) -> None:
    files: Files = {**OLD, **squash("replaces 1..3"), "005_d.sql": ""}
    directory = write_files(tmp_path / "m", files)
    inlay("freeze", directory)
    (directory / "005_d.sql").unlink()
    assert errors(inlay, directory) == [
        "SHA256SUMS:5:1: error: 005_d.sql is frozen and was deleted; put it back (git checkout -- "
        "005_d.sql) [frozen]"
    ]


def test_a_draft_that_is_replaced(inlay: Inlay, tmp_path: Path) -> None:
    directory = write_files(tmp_path / "m", {"001_a.sql": "", "003_c.sql": ""})
    inlay("freeze", directory)
    write_files(directory, {"002_b.sql": "", **squash("replaces 1..3")})
    assert errors(inlay, directory) == [
        "002_b.sql:1:1: warning: 004_s.sql replaces this file, which is not frozen: once it is "
        f"deleted, nothing says that there was a version 2; inlay freeze {directory} [replaces]"
    ]
    inlay("freeze", directory)
    assert errors(inlay, directory) == []


def test_a_range_that_is_there_in_part(inlay: Inlay, tmp_path: Path) -> None:
    """What a database lacks of it is run: for that it has to be embedded."""
    directory = write_files(tmp_path / "m", OLD)
    inlay("freeze", directory)
    write_files(directory, squash("replaces 1..3"))
    (directory / "002_b.sql").unlink()
    assert errors(inlay, directory) == [
        "004_s.sql:1:11: warning: of 1..3 version 2 is not there any more, and 1 is: a database "
        "that has a part of them is refused; put the file back, or delete all that this one "
        "replaces [replaces]"
    ]
    (directory / "001_a.sql").unlink()
    assert "of 1..3 versions 1, 2 are not there any more, and 3 is" in errors(inlay, directory)[0]
    (directory / "003_c.sql").unlink()
    assert errors(inlay, directory) == []
    write_files(directory, {"005_d.sql": "", **squash("replaces 1..5", 6)})
    assert [line for line in errors(inlay, directory) if "any more" in line] == []


def test_two_ranges_share_the_array(embed: Callable[..., str]) -> None:
    text = embed({**OLD, **squash("replaces 1..3"), "005_d.sql": "", **squash("replaces 1..5", 6)})
    assert rows(text, "ranges") == ["{1, 3, &app_replaced[0], 3},", "{1, 5, &app_replaced[3], 5},"]
    assert rows(text, "replaced") == [f"{v}," for v in (1, 2, 3, 1, 2, 3, 4, 5)]
