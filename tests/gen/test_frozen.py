"""Frozen history: SHA256SUMS, as sha256sum writes it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Callable

import pytest

from support import Files, Inlay, write_files

FILES: Files = {
    "001_a.up.sql": "CREATE TABLE a ();\n",
    "001_a.down.sql": "DROP TABLE a;\n",
    "002_b c.sql": "SELECT 2;\n",
}


@pytest.fixture
def directory(inlay: Inlay, tmp_path: Path) -> Path:
    """A directory that is frozen."""
    made = write_files(tmp_path / "m", FILES)
    assert inlay("freeze", made).status == 0
    return made


def errors(inlay: Inlay, directory: Path, *options: str) -> list[str]:
    result = inlay("check", directory, *options)
    assert result.status == (1 if result.err else 0)
    return [line.replace(f"{directory}/", "") for line in result.err.splitlines()]


def test_sha256sum_reads_it(directory: Path) -> None:
    done = subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=directory)
    assert done.returncode == 0


def test_sha256sum_would_have_written_it(directory: Path) -> None:
    names = ["001_a.up.sql", "001_a.down.sql", "002_b c.sql"]
    done = subprocess.run(["sha256sum", *names], cwd=directory, capture_output=True, check=True)
    assert (directory / "SHA256SUMS").read_bytes() == done.stdout


def test_freezing_appends_what_is_new(inlay: Inlay, directory: Path) -> None:
    before = (directory / "SHA256SUMS").read_bytes()
    assert inlay("freeze", directory).out == ""
    (directory / "003_c.sql").write_text("SELECT 3;\n")
    assert inlay("freeze", directory).out == "frozen: 003_c.sql\n"
    after = (directory / "SHA256SUMS").read_bytes()
    assert after.startswith(before) and after.count(b"\n") == before.count(b"\n") + 1


def test_nothing_wrong_and_line_ends_do_not_matter(inlay: Inlay, directory: Path) -> None:
    assert errors(inlay, directory) == []
    (directory / "001_a.up.sql").write_bytes(b"CREATE TABLE a ();\r\n")
    assert errors(inlay, directory) == []


@pytest.mark.parametrize("file", ["001_a.up.sql", "001_a.down.sql"])
def test_edited(inlay: Inlay, directory: Path, file: str) -> None:
    (directory / file).write_text("SELECT 0;\n")
    assert errors(inlay, directory) == [
        f"{file}:1:1: error: this file is frozen (it may be applied somewhere) and was edited; put "
        f"it back as it was, and the change into a new migration: inlay new {directory} NAME "
        "[frozen]"
    ]


def test_renamed(inlay: Inlay, directory: Path) -> None:
    (directory / "002_b c.sql").rename(directory / "003_b.sql")
    assert errors(inlay, directory) == [
        "SHA256SUMS:3:1: error: 002_b c.sql is frozen and was renamed to 003_b.sql; give it its "
        "name back [frozen]"
    ]


def test_deleted(inlay: Inlay, directory: Path) -> None:
    (directory / "002_b c.sql").unlink()
    assert errors(inlay, directory) == [
        "SHA256SUMS:3:1: error: 002_b c.sql is frozen and was deleted; put it back (git checkout "
        "-- 002_b c.sql) [frozen]"
    ]


def test_drafts(inlay: Inlay, directory: Path) -> None:
    (directory / "003_c.sql").write_text("SELECT 3;\n")
    assert errors(inlay, directory) == []
    assert errors(inlay, directory, "--require-frozen") == [
        "003_c.sql:1:1: error: a draft, and only frozen migrations are allowed here; freeze it and "
        f"commit: inlay freeze {directory} [draft]"
    ]


def test_without_the_file_nothing_changes(inlay: Inlay, tmp_path: Path) -> None:
    assert errors(inlay, write_files(tmp_path / "m", FILES)) == []


def test_a_broken_line(inlay: Inlay, directory: Path) -> None:
    with (directory / "SHA256SUMS").open("a") as file:
        file.write("<<<<<<< HEAD\n")
    assert errors(inlay, directory) == [
        "SHA256SUMS:4:1: error: not a line of sha256sum; 'inlay freeze' adds them [frozen]"
    ]


def test_what_is_wrong_is_not_frozen(inlay: Inlay, tmp_path: Path) -> None:
    directory = write_files(tmp_path / "m", {"001_a.sql": "COMMIT;"})
    assert inlay("freeze", directory).status == 1
    assert not (directory / "SHA256SUMS").exists()


def test_the_build_follows_it(inlay: Inlay, directory: Path, tmp_path: Path) -> None:
    inlay("embed", directory, "--output", tmp_path / "o.c", "--depfile", tmp_path / "o.d",
          "--symbol", "app")  # fmt: skip
    assert f"{directory}/SHA256SUMS" in (tmp_path / "o.d").read_text()


# ---- what becomes of it in C ----


def flags(written: str) -> dict[str, str]:
    """The flags of each script by its path."""
    rows = re.findall(r'"(\w[^"]*\.sql)", [^,]*, \d+(?:, ([A-Z_| ]+))?', written)
    return {path: flag for path, flag in rows}


def test_embedded_scripts_know_that_they_are_frozen(
    inlay: Inlay, embed: Callable[..., str]
) -> None:
    alone = {"003_d.sql": "-- inlay: no-transaction\nVACUUM;\n"}
    assert set(flags(embed({**FILES, **alone})).values()) == {"", "INLAY_SCRIPT_NO_TRANSACTION"}
    assert inlay("freeze", "migrations").status == 0
    sums = Path("migrations/SHA256SUMS").read_bytes()
    draft = {"004_e.sql": "SELECT 4;\n"}
    assert flags(embed({**FILES, **alone, **draft, "SHA256SUMS": sums})) == {
        **{name: "INLAY_SCRIPT_FROZEN" for name in FILES},
        "003_d.sql": "INLAY_SCRIPT_NO_TRANSACTION | INLAY_SCRIPT_FROZEN",
        "004_e.sql": "",
    }
