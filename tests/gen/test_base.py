"""Before the merge: a directory against another commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support import EMPTY, Inlay, write_files


class Repository:
    """A clone with a branch of its own; `main` has moved on."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.directory = home / "db" / "migrations"
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit({"001_a.sql": "SELECT 1;\n", "002_b.sql": "SELECT 2;\n"})
        self.git("checkout", "--quiet", "-b", "feature")

    def git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=self.home, check=True)

    def commit(self, files: dict[str, str]) -> None:
        write_files(self.directory, {**files})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=x")

    def on_main(self, files: dict[str, str]) -> None:
        self.git("checkout", "--quiet", "main")
        self.commit(files)
        self.git("checkout", "--quiet", "feature")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(write_files(tmp_path / "r", {}))


def check(inlay: Inlay, repository: Repository, ref: str = "main") -> tuple[int, list[str]]:
    result = inlay("check", repository.directory, "--base", ref, "--warnings=show", *EMPTY)
    lines = result.err.replace(f"{repository.directory}/", "").splitlines()
    return result.status, lines


def test_nothing_changed(inlay: Inlay, repository: Repository) -> None:
    assert check(inlay, repository) == (0, [])
    repository.commit({"003_c.sql": "SELECT 3;\n"})
    assert check(inlay, repository) == (0, [])


def test_a_number_that_is_taken(inlay: Inlay, repository: Repository) -> None:
    repository.on_main({"003_theirs.sql": "SELECT 3;\n", "004_theirs_too.sql": "SELECT 4;\n"})
    repository.commit({"0003_ours.sql": "SELECT 3;\n"})
    assert check(inlay, repository) == (
        1,
        [
            "0003_ours.sql:1:1: error: version 3 is taken on main by 003_theirs.sql; renumber this "
            "one, such as 5 [base-collision]"
        ],
    )


def test_a_draft_that_is_not_committed_counts_too(inlay: Inlay, repository: Repository) -> None:
    repository.on_main({"003_theirs.sql": "SELECT 3;\n"})
    (repository.directory / "003_ours.sql").write_text("SELECT 3;\n")
    assert check(inlay, repository)[0] == 1


def test_late(inlay: Inlay, repository: Repository) -> None:
    repository.on_main({"005_theirs.sql": "SELECT 5;\n"})
    repository.commit({"003_ours.sql": "SELECT 3;\n"})
    assert check(inlay, repository) == (
        0,
        [
            "003_ours.sql:1:1: warning: version 3 is late: main is at 5 already, and databases "
            "there will apply this one after it; renumber it if it was meant to come last "
            "[late-version]"
        ],
    )


def test_edited(inlay: Inlay, repository: Repository) -> None:
    repository.commit({"001_a.sql": "SELECT 0;\n"})
    path = repository.directory / "001_a.sql"
    assert check(inlay, repository) == (
        1,
        [
            "001_a.sql:1:1: error: 001_a.sql is on main and was edited here; put it back (git "
            f"checkout main -- {path}) and the change into a new migration [base-changed]".replace(
                f"{repository.directory}/", ""
            )
        ],
    )


def test_deleted(inlay: Inlay, repository: Repository) -> None:
    (repository.directory / "002_b.sql").unlink()
    status, lines = check(inlay, repository)
    assert status == 1
    assert lines[0].startswith("002_b.sql:1:1: error: 002_b.sql is on main and was deleted here; ")


def test_what_main_got_meanwhile_is_not_deleted(inlay: Inlay, repository: Repository) -> None:
    repository.on_main({"003_theirs.sql": "SELECT 3;\n"})
    assert check(inlay, repository) == (0, [])


def test_a_commit_that_is_not_here(inlay: Inlay, repository: Repository) -> None:
    status, lines = check(inlay, repository, "origin/none")
    assert status == 1
    assert lines[0].startswith("inlay: error: 'origin/none' is not a commit that is here; ")


def test_no_repository(inlay: Inlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    directory = write_files(tmp_path / "m", {"001_a.sql": ""})
    assert inlay("check", directory, "--base", "main").status == 1


def test_what_is_replaced_may_be_deleted(inlay: Inlay, repository: Repository) -> None:
    repository.commit({"003_s.sql": "-- inlay: replaces 1..2\nSELECT 3;\n"})
    assert check(inlay, repository) == (0, [])
    (repository.directory / "001_a.sql").unlink()
    (repository.directory / "002_b.sql").unlink()
    assert check(inlay, repository) == (0, [])


def test_what_is_replaced_may_not_be_edited(inlay: Inlay, repository: Repository) -> None:
    repository.commit({"003_s.sql": "-- inlay: replaces 1..2\n", "002_b.sql": "SELECT 22;\n"})
    status, lines = check(inlay, repository)
    assert (status, len(lines)) == (1, 1)
    assert lines[0].startswith("002_b.sql:1:1: error: 002_b.sql is on main and was edited here")


def test_nothing_is_added_to_what_is_replaced(inlay: Inlay, repository: Repository) -> None:
    repository.on_main({"005_s.sql": "-- inlay: replaces 1..2\nSELECT 3;\n"})
    repository.git("merge", "--quiet", "main")
    repository.on_main({"004_other.sql": "SELECT 4;\n"})
    files = repository.directory
    (files / "002_b.sql").unlink()
    repository.commit({"002_late.sql": "SELECT 2;\n"})
    status, lines = check(inlay, repository)
    assert status == 1
    assert lines == [
        "002_late.sql:1:1: error: version 2 is new and lies in 1..2, which another migration "
        "replaces: a database that has that one would never run this; give it a number above "
        "[replaces]"
    ]


def test_a_repeatable_may_be_edited(inlay: Inlay, repository: Repository) -> None:
    repository.on_main({"R__v.sql": "SELECT 1;\n"})
    repository.git("merge", "--quiet", "main")
    repository.commit({"R__v.sql": "SELECT 2;\n", "R__w.sql": "SELECT 1;\n"})
    assert check(inlay, repository) == (0, [])
