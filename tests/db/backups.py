"""What the tests of backups share: programs that stand in for pg_dump, and what is in a directory
of backups."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
from pathlib import Path
from typing import Mapping

import pages
from harness.database import Database
from harness.server import Server

NAME = re.compile(r"(\d{8}T\d{6}Z)_(.+)_before_(\d+|reset|repeatable)\.sql\.gz")

# Notes what it was called with, and is pg_dump.
NOTING = """\
[ "$1" = --version ] && exec {real} --version
printf '%s\\n' "$0" "$@" >{notes}/arguments
env >{notes}/environment
ls /proc/$$/fd >{notes}/descriptors
exec {real} "$@"
"""

# Never ends by itself; notes its number first.
SLOW = """\
[ "$1" = --version ] && exec {real} --version
echo begun
echo $$ >{notes}/slow.new && mv {notes}/slow.new {notes}/slow
exec sleep 1000
"""

# The same, and only notes that it was asked to end.
STUBBORN = "trap 'echo told >{notes}/told' TERM INT\n" + SLOW.replace(
    "exec sleep 1000", "while true; do sleep 0.1; done"
)

# Waits for a file to be there; then it is pg_dump.
HELD = SLOW.replace("echo begun\n", "").replace(
    "exec sleep 1000", 'while [ ! -e {notes}/go ]; do sleep 0.05; done\nexec {real} "$@"'
)


class Tools:
    """A directory with a pg_dump of the test's own, ahead in PATH."""

    def __init__(self, server: Server, directory: Path) -> None:
        self._real = server.program("pg_dump")
        self._bin = directory / "bin"
        self._bin.mkdir()
        self.notes = directory / "notes"
        self.notes.mkdir()

    def write(self, script: str) -> dict[str, str]:
        """The environment in which `script` is pg_dump."""
        path = self._bin / "pg_dump"
        path.write_text("#!/bin/sh\n" + script.format(real=self._real, notes=self.notes))
        path.chmod(0o755)
        return {"PATH": f"{self._bin}:{os.environ['PATH']}"}

    def real(self) -> dict[str, str]:
        """The environment in which pg_dump is the server's own."""
        return {"PATH": f"{Path(self._real).parent}:{os.environ['PATH']}"}

    def note(self, name: str) -> list[str]:
        return (self.notes / name).read_text().splitlines()


def backups(directory: Path) -> list[str]:
    """The names of whole ones, the oldest first."""
    return sorted(path.name for path in directory.iterdir() if NAME.fullmatch(path.name))


def versions_before(directory: Path) -> list[str]:
    """What each of them was made before, the oldest first."""
    found = [NAME.fullmatch(name) for name in backups(directory)]
    return [match[3] for match in found if match]


def text_of(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode()


def edited(path: Path) -> str:
    """What the manual hands to psql."""
    page = pages.load(pages.DOCS / "going-back.md")
    (script,) = set(re.findall(r"sed '([^']+)'", "".join(page.named("sh").values())))
    result = subprocess.run(
        ["sed", script], input=text_of(path), capture_output=True, text=True, check=True
    )
    return result.stdout


def restore(server: Server, path: Path, url: str, before: str = "", after: str = "") -> str:
    """As the manual says: unpacked, through psql, all or nothing. Returns what psql complained of,
    of which nothing is expected unless `after` is there to fail."""
    command = [server.program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "--single-transaction"]
    result = subprocess.run(
        [*command, "-d", url],
        input=before + edited(path) + after,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.returncode == 0) == (not after), result.stderr
    assert "transaction in progress" not in result.stderr
    return result.stderr


def contents(database: Database, url: str) -> str:
    """Schema and data, the history included."""
    command = [database.server.program("pg_dump"), "-d", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return re.sub(r"^\\(un)?restrict .*\n", "", text, flags=re.MULTILINE)


def environment_of(tools: Tools) -> Mapping[str, str]:
    return dict(line.split("=", 1) for line in tools.note("environment") if "=" in line)
