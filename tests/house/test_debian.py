"""A Debian that has seen nothing: where it cannot be had, it is said why, and nothing stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import debian


def write_program(directory: Path, name: str, script: str) -> None:
    (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Debian 12 with root's rights, as far as debian.py can see; what it runs is in here."""
    directory = tmp_path / "bin"
    directory.mkdir()
    (tmp_path / "os-release").write_text('ID=debian\nVERSION_CODENAME="bookworm"\n')
    monkeypatch.setattr(debian, "OS_RELEASE", tmp_path / "os-release")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(directory))
    write_program(directory, "debootstrap", "exit 0")
    write_program(directory, "setpriv", "exit 0")
    return directory


def unavailable() -> str:
    with pytest.raises(debian.Unavailable) as caught:
        debian.check()
    return str(caught.value)


def test_it_can_be_had(programs: Path) -> None:
    debian.check()
    assert debian.codename() == "bookworm"


@pytest.mark.parametrize("text", [None, "ID=ubuntu\nVERSION_CODENAME=noble\n", "ID=debian\n"])
def test_not_on_a_release_of_debian(programs: Path, text: str | None) -> None:
    release = programs.parent / "os-release"
    release.unlink() if text is None else release.write_text(text)
    assert unavailable() == "this is not a release of Debian"


def test_not_without_root(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert unavailable() == "this needs root"


def test_not_without_debootstrap(programs: Path) -> None:
    (programs / "debootstrap").unlink()
    assert unavailable() == "debootstrap is not there and could not be installed"


def test_not_where_mounting_is_forbidden(programs: Path) -> None:
    write_program(programs, "setpriv", "echo 'unshare failed: Operation not permitted' >&2; exit 1")
    assert unavailable() == "no mounts of its own: unshare failed: Operation not permitted"


def test_not_without_a_list_of_packages(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(programs, "apt-get", "echo bookworm-security http://host/ bookworm-security main")
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    made = debian.Debian()
    try:
        with pytest.raises(debian.Unavailable) as caught:
            made.make(tmp_path / "log")
    finally:
        made.close()
    assert str(caught.value) == "apt has no list of an archive of bookworm: apt-get update"


def test_the_archives_are_those_of_this_machine(programs: Path) -> None:
    lines = ["bookworm http://host/debian/ stable main", "bookworm-security http://s/ other main"]
    write_program(programs, "apt-get", "\n".join(f"echo '{line}'" for line in lines))
    assert [(archive.codename, archive.line) for archive in debian.archives()] == [
        ("bookworm", "deb http://host/debian/ stable main\n"),
        ("bookworm-security", "deb http://s/ other main\n"),
    ]


def test_the_tree_is_what_git_tracks(tmp_path: Path) -> None:
    with pytest.raises(debian.Unavailable, match="^the source tree is not a git clone$"):
        debian.tracked(tmp_path)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for name in ("tracked", "untracked"):
        (tmp_path / name).touch()
    subprocess.run(["git", "-C", str(tmp_path), "add", "tracked"], check=True)
    assert debian.tracked(tmp_path) == ["tracked"]


def kill(script: str) -> str:
    """Runs a script that uses debian.py until it has printed a line, and kills it. Returns the line
    when every process that has the same output has ended."""
    command = [sys.executable, "-c", f"import subprocess, time, debian\n{script}"]
    with subprocess.Popen(
        command, cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        process.kill()
        began = time.monotonic()
        assert process.stdout.read() == ""
        assert time.monotonic() - began < 20, "something ran on"
    return line


def test_a_killed_run_leaves_no_directory() -> None:
    script = "print(debian.Debian().directory, flush=True); time.sleep(60)"
    directory = Path(kill(script))
    deadline = time.monotonic() + 20
    while directory.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(debian.refusal() != "", reason="no mounts of its own")
def test_a_killed_run_leaves_no_process() -> None:
    """Not even one in a session of its own. The mounts are gone with the last of them."""
    words = ["sh", "-c", "mount --bind /mnt /mnt; setsid sleep 60 & echo begun; sleep 60"]
    assert kill(f"subprocess.run([*debian.APART, *{words}])") == "begun"
