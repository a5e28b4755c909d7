"""From the names in a directory to migrations: versions, names, pairs."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from .findings import ERROR, Finding, InlayError, Place

VERSION_MAX = 2**63 - 1

_NAME = re.compile(r"([0-9]+)_(.+?)(\.up|\.down)?\.sql\Z", re.DOTALL)
_WAY_OUT = "a migration is named NNN_name.sql, or NNN_name.up.sql and NNN_name.down.sql"


@dataclass(frozen=True)
class Source:
    """A file: its name in the directory and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Migration:
    """A version with its files."""

    version: int
    name: str
    up: Source
    down: Source | None = None


@dataclass(frozen=True)
class Directory:
    """A directory of migrations as it was read."""

    path: str
    name: str  # the directory's own name
    migrations: list[Migration]  # ascending by version
    findings: list[Finding]


@dataclass(frozen=True)
class _Named:
    """A file whose name says what it is."""

    file: str
    version: int
    name: str
    down: bool


def place(directory: str, name: str, line: int = 1, column: int = 1) -> Place:
    """A place in a file of the directory, as its user would open it."""
    return Place(os.path.join(directory, name), line, column)


def list_files(directory: str) -> list[str]:
    """The names that concern us: an editor's own files and directories do not."""
    try:
        names = sorted(entry.name for entry in os.scandir(directory) if not entry.is_dir())
    except OSError as error:
        raise InlayError(f"{directory}: {error.strerror}") from error
    return [n for n in names if n.lower().endswith(".sql") and not n.startswith((".", "#"))]


def _error(directory: str, name: str, rule: str, text: str) -> Finding:
    shown = name.encode("utf-8", "backslashreplace").decode()
    return Finding(place(directory, shown), ERROR, rule, text)


def _parse_name(directory: str, file: str) -> _Named | Finding:
    if any("\ud800" <= c <= "\udfff" for c in file):
        return _error(directory, file, "file-name", f"the file's name is not UTF-8; {_WAY_OUT}")
    if any(ord(c) < 32 or ord(c) == 127 for c in file):
        return _error(
            directory, ascii(file)[1:-1], "file-name", "the file's name has a control character"
        )
    match = _NAME.match(file)
    if match is None:
        return _error(
            directory, file, "file-name", f"a .sql file whose name has no version: {_WAY_OUT}"
        )
    version = int(match[1])
    if version > VERSION_MAX:
        return _error(
            directory, file, "version-range", f"version {version} is over {VERSION_MAX} (2^63-1)"
        )
    return _Named(file, version, match[2], match[3] == ".down")


def _collision(directory: str, first: _Named, second: _Named) -> Finding:
    what = "a down file" if second.down else "a file"
    return Finding(
        place(directory, second.file),
        ERROR,
        "version-collision",
        f"version {second.version} is taken: two files cannot share it; give {what} that is not "
        "applied anywhere yet the next free number",
        ((place(directory, first.file), f"version {first.version} is also here"),),
    )


def _index(directory: str, files: list[_Named]) -> tuple[dict[int, _Named], list[Finding]]:
    found: dict[int, _Named] = {}
    findings = []
    for file in files:
        if file.version in found:
            findings.append(_collision(directory, found[file.version], file))
        else:
            found[file.version] = file
    return found, findings


def _lone_down(directory: str, down: _Named, up: _Named | None) -> Finding:
    notes: tuple[tuple[Place, str], ...] = ()
    if up is not None:
        notes = ((place(directory, up.file), f'version {up.version} is named "{up.name}" here'),)
    return Finding(
        place(directory, down.file),
        ERROR,
        "lone-down",
        f"a down file with no up file: there is no {down.file[: -len('.down.sql')]}.up.sql",
        notes,
    )


def _read(directory: str, name: str) -> Source:
    path = os.path.join(directory, name)
    try:
        with open(path, "rb") as file:
            return Source(name, file.read())
    except OSError as error:
        raise InlayError(f"{path}: {error.strerror}") from error


def discover(directory: str) -> Directory:
    """Reads a directory. Findings are about names; what is in the files comes later."""
    parsed = [_parse_name(directory, name) for name in list_files(directory)]
    named = [p for p in parsed if isinstance(p, _Named)]
    findings = [p for p in parsed if isinstance(p, Finding)]
    ups, up_findings = _index(directory, [n for n in named if not n.down])
    downs, down_findings = _index(directory, [n for n in named if n.down])
    findings += up_findings + down_findings
    for version, down in downs.items():
        up = ups.get(version)
        if up is None or up.name != down.name:
            findings.append(_lone_down(directory, down, up))
    migrations = []
    for version, up in sorted(ups.items()):
        match = downs.get(version)
        down_source = _read(directory, match.file) if match and match.name == up.name else None
        migrations.append(Migration(version, up.name, _read(directory, up.file), down_source))
    own_name = os.path.basename(os.path.realpath(directory))
    return Directory(directory, own_name, migrations, findings)
