"""From the names in a directory to migrations: versions, names, pairs."""

from __future__ import annotations

import enum
import itertools
import os
import re
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Optional

from . import paths, repeatables
from .findings import Finding, InlayError, Note, Place, Severity
from .names import both_directions, of_another_tool, unusual

VERSION_MAX = 2**63 - 1

_NAME = re.compile(r"([0-9]+)_([^.].*?)(?:(\.up|\.down|\.verify)?\.sql|\.c)", re.DOTALL)
C_NAME = re.compile(r"[0-9]+_[^.]+\.c")
_DIRECTION = re.compile(r"\.(up|down|verify)$", re.IGNORECASE)
_PATTERN = "NNN_name.sql, or NNN_name.up.sql with NNN_name.down.sql"

_BOM = b"\xef\xbb\xbf"
_OTHER_THAN_LINE_END = re.compile(rb"[^\n]+")


class Transaction(enum.Enum):
    """What a layout says of a script's transaction, beyond the settings in the file."""

    ALWAYS = enum.auto()
    NEVER = enum.auto()
    AS_NEEDED = enum.auto()  # none where no statement of it can run in one


@dataclass(frozen=True)
class Source:
    """A file: its name in the directory and its bytes. Where both directions stand in one file,
    the script is a part of its text."""

    name: str
    data: bytes
    transaction: Transaction = Transaction.ALWAYS
    part: tuple[int, int] | None = None

    @property
    def text(self) -> bytes:
        """The file less a byte order mark."""
        return self.data[len(_BOM) :] if self.data.startswith(_BOM) else self.data

    @property
    def script(self) -> bytes:
        """The text with blanks for all that is not of this direction: every place stays."""
        if self.part is None:
            return self.text
        start, end = self.part
        before, after = self.text[:start], self.text[end:]
        return _blank(before) + self.text[start:end] + _blank(after)


def _blank(text: bytes) -> bytes:
    return _OTHER_THAN_LINE_END.sub(lambda line: b" " * len(line[0]), text)


@dataclass(frozen=True)
class Migration:
    """A version with its files."""

    version: int
    name: str
    up: Source
    down: Source | None = None
    verify: Source | None = None


# The version that a file name has; None where it is not a migration's.
VersionOf = Callable[[str], Optional[int]]

# That depends on the other names in a layout where one of them may have points.
Numbering = Callable[[Iterable[str]], VersionOf]


def _by_name(names: Iterable[str]) -> VersionOf:
    return version_of


@dataclass(frozen=True)
class Directory:
    """A directory of migrations as it was read."""

    path: str  # as given
    name: str  # its own
    files: list[str]  # that it was made from, as their user would open them
    migrations: list[Migration] = field(default_factory=list)  # ascending by version
    repeatables: list[Migration] = field(default_factory=list)  # by name
    findings: list[Finding] = field(default_factory=list)
    layout: str = "inlay"  # whose directory it is
    names: tuple[str, ...] = ()  # of all files in it, where the layout asks for them
    numbering: Numbering = _by_name

    @cached_property
    def version_of(self) -> VersionOf:
        """What version a file of this name has here."""
        return self.numbering(self.names)


@dataclass(frozen=True)
class _Named:
    """A file whose name says what it is."""

    file: str
    digits: str
    name: str
    down: bool
    verify: bool

    @property
    def version(self) -> int:
        return int(self.digits)


def version_of(file: str) -> int | None:
    """The version that a file name has; None where it is not a migration's."""
    match = _NAME.fullmatch(file)
    return int(match[1]) if match is not None and _problem(file, match) is None else None


def discover(path: str) -> Directory:
    """Reads a directory. Findings are about names; what is in the files comes later."""
    listed, folders = list_names(path)
    repeated = [name for name in listed if repeatables.is_repeatable(name)]
    named, findings = _parse_names(path, [name for name in listed if name not in set(repeated)])
    findings += folders
    versions: dict[int, list[_Named]] = defaultdict(list)
    for file in named:
        versions[file.version].append(file)
    inputs = [os.path.join(path, file) for file in [*(n.file for n in named), *repeated]]
    directory = Directory(path, paths.own_name(path), inputs, findings=findings)
    free = itertools.count(max(versions, default=0) + 1)
    renamed = _versions_to_rename(listed)
    for version, files in sorted(versions.items()):
        ups = [f for f in files if not f.down and not f.verify]
        downs = [f for f in files if f.down]
        verifies = [f for f in files if f.verify]
        if ups or version not in renamed:
            findings += _check_version(path, ups, downs, free)
            findings += _check_verifies(path, ups, verifies)
        for up in ups:
            _add(directory, up, _of_name(downs, up.name), _of_name(verifies, up.name))
    _add_repeatables(directory, repeated)
    return directory


def list_names(path: str) -> tuple[list[str], list[Finding]]:
    """The names that concern us, in an order that is the same everywhere; about directories, which
    may have such names as well, findings."""
    try:
        with os.scandir(paths.to_system(path)) as entries:
            found = sorted((paths.from_system(e.name), _is_folder(e)) for e in entries)
    except OSError as problem:
        raise InlayError(f"{path}: cannot be read: {problem.strerror}") from problem
    # An editor's own files begin with a dot or, in Emacs, with #.
    ours = [(name, folder) for name, folder in found if _concerns_us(name)]
    files = [name for name, folder in ours if not folder]
    return files, [error(path, name, "stray-file", _FOLDER) for name, folder in ours if folder]


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
    """A link may lead to a directory, or round and round."""
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


_FOLDER = (
    "this is a directory, and what is in it would never run: move its files here, or give it a "
    "name without this ending"
)


def _concerns_us(name: str) -> bool:
    if name.startswith((".", "#")):
        return False
    return name.lower().endswith(".sql") or C_NAME.fullmatch(name) is not None


# ---- names ----


def error(directory: str, file: str, rule: str, text: str, *notes: Note) -> Finding:
    """What is wrong with a file as a whole."""
    return Finding(Place(os.path.join(directory, file)), Severity.ERROR, rule, text, notes)


def _parse_names(directory: str, files: list[str]) -> tuple[list[_Named], list[Finding]]:
    named, findings = [], []
    for file in files:
        match = _NAME.fullmatch(file)
        problem = _problem(file, match)
        if problem is not None:
            findings.append(error(directory, file, *problem))
        elif match is not None:
            down, verify = match[3] == ".down", match[3] == ".verify"
            named.append(_Named(file, match[1], match[2], down, verify))
    return named, findings


def _versions_to_rename(files: list[str]) -> set[int]:
    """Where a file is called otherwise soon, its down file is not alone."""
    return {int(re.split("[^0-9]", file)[0]) for file in files if of_another_tool(file)}


def _problem(file: str, match: re.Match[str] | None) -> tuple[str, str] | None:
    """What is wrong with a name: the rule and the text."""
    if not re.match("[0-9]", file):
        return (
            "stray-file",
            f"no version number: this file would never run. Name it {_PATTERN}, or move it "
            "elsewhere",
        )
    theirs = of_another_tool(file)
    if theirs is not None:
        return "file-name", theirs
    if match is None or _DIRECTION.search(match[2]):
        return "file-name", f"cannot tell version and name from this file name: write {_PATTERN}"
    strange = unusual(file)
    if strange is not None:
        return "file-name", strange
    if int(match[1]) > VERSION_MAX:
        return "version-range", f"version {match[1]} is over {VERSION_MAX}, the largest bigint"
    return None


# ---- versions ----


def _check_version(
    directory: str, ups: list[_Named], downs: list[_Named], free: Iterator[int]
) -> list[Finding]:
    """The files of one version should be one up file and at most one down file."""
    names = {up.name for up in ups}
    findings = [_collision(directory, ups[0], other, free) for other in ups[1:]]
    findings += [_lone_down(directory, down, ups) for down in downs if down.name not in names]
    for name in names:
        same = [down for down in downs if down.name == name]
        findings += [_second_down(directory, same[0], other) for other in same[1:]]
    return findings


def _of_name(files: list[_Named], name: str) -> _Named | None:
    return next((file for file in files if file.name == name), None)


def _check_verifies(directory: str, ups: list[_Named], verifies: list[_Named]) -> list[Finding]:
    """Each verifies a migration of its own version and name. Two differ in zeros before it."""
    findings = []
    for verify in verifies:
        first = _of_name(verifies, verify.name)
        if first is not None and first is not verify:
            text = f"{first.file} verifies version {verify.version} already; remove one of them"
            findings.append(error(directory, verify.file, "version-collision", text))
        elif _of_name(ups, verify.name) is None:
            text = (
                f"a verify file without its migration: add {verify.digits}_{verify.name}.up.sql, "
                "or remove this file"
            )
            findings.append(error(directory, verify.file, "lone-verify", text))
    return findings


def _collision(directory: str, first: _Named, second: _Named, free: Iterator[int]) -> Finding:
    """Which of the two is the newer one is not to be seen here."""
    text = f"version {second.version} is also used by {first.file}"
    if first.name == second.name:
        text = f"{first.file} is the same migration, and only one of the two can run; remove one"
    elif (pair := both_directions(first.name, second.name)) is not None:
        up, down = (f"{first.digits}_{pair}.{way}.sql" for way in ("up", "down"))
        text = f"{first.file} is the other direction: rename the files to {up} and {down}"
    elif (number := next(free)) <= VERSION_MAX:
        shown = str(number).zfill(len(second.digits))
        text += f". Renumber the one that no database has applied yet: {shown} is free"
    note = Note(Place(os.path.join(directory, first.file)), f"version {first.version} is also here")
    return error(directory, second.file, "version-collision", text, note)


def _second_down(directory: str, first: _Named, second: _Named) -> Finding:
    text = f"version {second.version} has a down file already, {first.file}; remove one of them"
    note = Note(Place(os.path.join(directory, first.file)), f"version {first.version} is also here")
    return error(directory, second.file, "version-collision", text, note)


def _lone_down(directory: str, down: _Named, ups: list[_Named]) -> Finding:
    notes = [
        Note(Place(os.path.join(directory, up.file)), f"version {up.version} is '{up.name}' here")
        for up in ups
    ]
    wanted = f"{down.digits}_{down.name}.up.sql"
    text = f"a down file without its up file: add {wanted}, or remove this file"
    return error(directory, down.file, "lone-down", text, *notes)


# ---- contents ----


def _add(directory: Directory, up: _Named, *others: _Named | None) -> None:
    """`others`: what undoes it, and what verifies it."""
    try:
        sources = [read(directory.path, f.file) if f is not None else None for f in others]
        migration = Migration(up.version, up.name, read(directory.path, up.file), *sources)
    except Unreadable as problem:
        directory.findings.append(problem.finding)
    else:
        directory.migrations.append(migration)


def _add_repeatables(directory: Directory, files: list[str]) -> None:
    for file in files:
        name = repeatables.name_of(file)
        problem = unusual(file) or (repeatables.problem(file) if name is None else None)
        if problem is not None or name is None:
            directory.findings.append(error(directory.path, file, "file-name", str(problem)))
            continue
        try:
            source = read(directory.path, file)
        except Unreadable as unreadable:
            directory.findings.append(unreadable.finding)
        else:
            directory.repeatables.append(Migration(repeatables.REPEATABLE, name, source))
    directory.repeatables.sort(key=lambda migration: migration.name.encode())


class Unreadable(Exception):
    """A file that cannot be read; the finding says why."""

    def __init__(self, directory: str, file: str, why: str) -> None:
        super().__init__(why)
        self.finding = error(directory, file, "unreadable", f"cannot be read: {why}")


def read(directory: str, file: str) -> Source:
    """Reads one file; raises Unreadable."""
    try:
        # Opening a named pipe would wait for ever.
        descriptor = os.open(
            paths.to_system(os.path.join(directory, file)), os.O_RDONLY | os.O_NONBLOCK
        )
        with open(descriptor, "rb", buffering=0) as opened:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unreadable(directory, file, "not an ordinary file")
            return Source(file, opened.readall())
    except OSError as problem:
        raise Unreadable(directory, file, str(problem.strerror)) from problem
