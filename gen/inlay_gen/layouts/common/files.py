"""From files to migrations, where the names say version and direction."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Union

from ...files import paths
from ...files.discover import (
    C_NAME,
    VERSION_MAX,
    Directory,
    Migration,
    Source,
    Unreadable,
    VersionOf,
    error,
    list_names,
    read,
)
from ...files.findings import Finding, InlayError, Note, Place
from ...files.names import unusual
from ...files.repeatables import REPEATABLE, collision


@dataclass(frozen=True)
class Named:
    """A file whose name says what it is."""

    file: str
    version: int
    name: str
    down: bool = False
    written: str = ""  # its version, where that is not the number


@dataclass(frozen=True)
class Refused:
    """A file that cannot be embedded: the rule and the text."""

    rule: str
    text: str


# None: a file that is no migration.
Parse = Callable[[str], Union[Named, Refused, None]]

# The same, where it depends on the names of all files.
ParseOf = Callable[[Iterable[str]], Parse]

# What the contents say of a migration; None where it cannot be embedded, and is reported.
Finish = Callable[[Directory, Migration], Union[Migration, None]]


def walk(path: str, deep: bool = True) -> tuple[list[str], list[str]]:
    """The names of the files, relative to the directory, and the paths of the directories below
    it; without what begins with a dot or #, which is an editor's or the system's."""
    files, folders, seen = [], [], set()
    for at, below, names in os.walk(paths.to_system(path), onerror=_fail, followlinks=True):
        below[:] = [b for b in sorted(below) if deep and not b.startswith((b".", b"#"))]
        seen.add(os.path.realpath(at))
        below[:] = [b for b in below if os.path.realpath(os.path.join(at, b)) not in seen]
        folder = paths.from_system(os.path.relpath(at, paths.to_system(path)))
        if folder != ".":
            folders.append(os.path.join(path, folder))
        for name in map(paths.from_system, names):
            if not name.startswith((".", "#")):
                files.append(name if folder == "." else f"{folder}/{name}")
    return sorted(files), sorted(folders)


def _fail(problem: OSError) -> None:
    name = problem.filename
    shown = paths.from_system(name) if isinstance(name, bytes) else name
    raise InlayError(f"{shown}: cannot be read: {problem.strerror}") from problem


def collect(
    path: str, layout: str, parse: Parse, finish: Finish | None = None, deep: bool = False
) -> Directory:
    """Reads a directory: `parse` tells what the names mean, `finish` what the contents do."""
    return collect_all(path, layout, lambda _: parse, finish, deep)


def collect_all(
    path: str, layout: str, parse_of: ParseOf, finish: Finish | None = None, deep: bool = True
) -> Directory:
    """The same, where what a name means depends on the others."""
    files, folders = walk(path, deep)
    named, findings = _parse_names(path, files, parse_of(files))
    if not deep:
        findings += list_names(path)[1]
    inputs = folders + [os.path.join(path, n.file) for n in named]
    directory = Directory(
        path,
        paths.own_name(path),
        inputs,
        findings=findings,
        layout=layout,
        names=tuple(files),
        numbering=lambda names: _versions(parse_of(names)),
    )
    versions: dict[int, list[Named]] = defaultdict(list)
    for found in named:
        versions[found.version].append(found)
    _add_repeatables(directory, versions.pop(REPEATABLE, []), finish)
    for _, same in sorted(versions.items()):
        ups = [n for n in same if not n.down]
        downs = [n for n in same if n.down]
        findings += _collisions(path, ups) + _collisions(path, downs)
        if ups:
            _add(directory, ups[0], downs[0] if downs else None, finish)
        else:
            findings += [error(path, d.file, "lone-down", _LONE_DOWN) for d in downs]
    return directory


def _versions(parse: Parse) -> VersionOf:
    def version_of(file: str) -> int | None:
        named = parse(file)
        if not isinstance(named, Named) or named.version == REPEATABLE:
            return None
        return named.version

    return version_of


_LONE_DOWN = "this undoes a migration that is not there: add it, or remove this file"


_C_FILE = Refused("file-name", "migrations in C stand in directories of inlay's own layout only")


def _parse_names(
    directory: str, files: list[str], parse: Parse
) -> tuple[list[Named], list[Finding]]:
    named, findings = [], []
    for file in files:
        result = _checked(_C_FILE if C_NAME.fullmatch(file) else parse(file))
        if isinstance(result, Named):
            named.append(result)
        elif result is not None:
            findings.append(error(directory, file, result.rule, result.text))
    return named, findings


def _checked(result: Named | Refused | None) -> Named | Refused | None:
    """What no layout can have."""
    if not isinstance(result, Named):
        return result
    strange = unusual(result.file)
    if strange is not None:
        return Refused("file-name", strange)
    if result.version > VERSION_MAX:
        return Refused(
            "version-range", f"version {result.version} is over {VERSION_MAX}, the largest bigint"
        )
    return result


def _collisions(directory: str, files: list[Named]) -> list[Finding]:
    findings = []
    for other in files[1:]:
        first = files[0]
        here, there = (named.written or str(named.version) for named in (other, first))
        note = Note(Place(os.path.join(directory, first.file)), f"version {there} is here")
        text = f"version {here} is also used by {first.file}; give one of them another"
        beside = os.path.dirname(first.file) == os.path.dirname(other.file)
        if beside and first.name == other.name:
            text = f"{first.file} is the same one, and only one of the two can run; remove one"
        findings.append(error(directory, other.file, "version-collision", text, note))
    return findings


def _add_repeatables(directory: Directory, files: list[Named], finish: Finish | None) -> None:
    taken: dict[str, str] = {}
    for found in sorted(files, key=lambda named: (named.name.encode(), named.file)):
        if found.name in taken:
            first = taken[found.name]
            directory.findings.append(collision(directory.path, first, found.file, found.name))
            continue
        taken[found.name] = found.file
        migration = _read(directory, found, None, finish)
        if migration is not None:
            directory.repeatables.append(migration)


def _add(directory: Directory, up: Named, down: Named | None, finish: Finish | None) -> None:
    migration = _read(directory, up, down, finish)
    if migration is not None:
        directory.migrations.append(migration)


def _read(
    directory: Directory, up: Named, down: Named | None, finish: Finish | None
) -> Migration | None:
    try:
        up_source = read(directory.path, up.file)
        down_source = read(directory.path, down.file) if down is not None else None
    except Unreadable as problem:
        directory.findings.append(problem.finding)
        return None
    migration = Migration(up.version, up.name, up_source, down_source)
    return finish(directory, migration) if finish is not None else migration


def read_beside(directory: Directory, name: str) -> Source | None:
    """Reads a file that says how another one is run; None where there is no such file."""
    path = os.path.join(directory.path, name)
    if not os.path.lexists(paths.to_system(path)):
        return None
    directory.files.append(path)
    try:
        return read(directory.path, name)
    except Unreadable as problem:
        directory.findings.append(problem.finding)
        return None
