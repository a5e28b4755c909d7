"""`inlay scratch` without a server: its command line, and where it looks for the programs.
tests/db/verbs/test_scratch.py has the rest."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from inlay_gen.scratch import server
from support import Inlay

HINT = "what to run follows --, as in: inlay scratch -- ./server --migrate-selftest"


@pytest.mark.parametrize("arguments", [[], ["--"], ["--pg", "/x"], ["--url", "x", "--"]])
def test_nothing_to_run(inlay: Inlay, arguments: list[str]) -> None:
    result = inlay("scratch", *arguments)
    assert (result.status, result.out) == (2, "")
    assert result.err.endswith(f"\ninlay scratch: error: {HINT}\n")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["true"], "inlay: error: unrecognized arguments: true"),
        (["true", "--", "x"], "inlay: error: unrecognized arguments: true"),
        (
            ["--pg", "a", "--url", "b", "--", "true"],
            "inlay scratch: error: argument --url: not allowed with argument --pg",
        ),
    ],
)
def test_usage(inlay: Inlay, arguments: list[str], message: str) -> None:
    result = inlay("scratch", *arguments)
    assert (result.status, result.err.splitlines()[-1]) == (2, message)


def programs(directory: Path, *names: str) -> Path:
    directory.mkdir(parents=True)
    for name in names or ("initdb", "postgres"):
        (directory / name).write_text("#!/bin/sh\nexit 1\n")
        (directory / name).chmod(0o755)
    return directory


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has nothing but what the test makes: `path` is in PATH, `debian` is where
    Debian installs servers."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin/nowhere")
    monkeypatch.setattr(server, "DEBIAN", tmp_path / "debian")
    return tmp_path


def test_the_programs_are_found_in_an_order(places: Path) -> None:
    """Each place comes before those that were made before it."""
    old = programs(places / "debian" / "9.6" / "bin")
    assert server.find_bindir() == old
    new = programs(places / "debian" / "15" / "bin")
    programs(places / "debian" / "17" / "bin", "initdb")
    assert server.find_bindir() == new
    config = programs(places / "config")
    tools = programs(places / "path", "pg_config", "initdb")
    (tools / "pg_config").write_text(f"#!/bin/sh\necho {config}\n")
    assert server.find_bindir() == config
    (tools / "postgres").symlink_to(tools / "initdb")
    assert server.find_bindir() == tools
    assert server.find_bindir(str(old)) == old


def test_a_link_stands_for_where_it_leads(places: Path) -> None:
    """pg_dump and psql are there, and not beside the link."""
    installed = programs(places / "debian" / "15" / "bin")
    (places / "path").mkdir()
    for name in ("initdb", "postgres"):
        (places / "path" / name).symlink_to(installed / name)
    assert server.find_bindir() == installed


def test_no_programs(places: Path, inlay: Inlay) -> None:
    (places / "path").mkdir()
    (places / "path" / "true").symlink_to("/bin/true")
    result = inlay("scratch", "--", "true")
    assert (result.status, result.out) == (1, "")
    assert result.err == (
        "inlay: error: no PostgreSQL server here (looked for initdb and postgres in PATH, in "
        f"pg_config --bindir and in {places}/debian/*/bin): apt-get install postgresql; or say "
        "where they are, --pg DIR; or name an empty database, --url URL\n"
    )
    result = inlay("scratch", "--pg", str(places), "--", "true")
    assert result.status == 1
    assert result.err.startswith(f"inlay: error: {places}: no initdb and postgres here; ")


def test_root_without_another_user(
    places: Path, inlay: Inlay, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(places / "path", "initdb", "postgres", "true")

    def nobody(name: str) -> pwd.struct_passwd:
        raise KeyError(name)

    monkeypatch.setattr(pwd, "getpwnam", nobody)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    result = inlay("scratch", "--", "true")
    assert result.status == 1
    assert result.err == (
        "inlay: error: PostgreSQL does not run as root, and there is no user postgres or nobody to "
        "run it as: useradd --system postgres; or run this as another user\n"
    )
