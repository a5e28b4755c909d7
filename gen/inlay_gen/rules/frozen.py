"""Frozen history: SHA256SUMS beside the migrations, as sha256sum writes it.

What has been shipped is listed there and committed with the code. Two branches that both freeze
then conflict in version control instead of in production.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..files import paths
from ..files.discover import Directory, Source
from ..files.findings import Finding, InlayError, Place, Severity
from ..files.repeatables import is_repeatable
from ..files.settings import Range

FILE = "SHA256SUMS"

_LINE = re.compile(rb"(\\?)([0-9a-f]{64}) [ *](.+)")


@dataclass(frozen=True)
class Entry:
    """A line of SHA256SUMS."""

    line: int
    sha256: str
    name: str


def read(directory: str) -> tuple[list[Entry] | None, list[Finding]]:
    """The entries, or None where there is no such file; what cannot be read is reported."""
    path = os.path.join(directory, FILE)
    try:
        with open(paths.to_system(path), "rb") as file:
            lines = file.read().replace(b"\r\n", b"\n").split(b"\n")
    except FileNotFoundError:
        return None, []
    except OSError as error:
        raise InlayError(f"{path}: cannot be read: {error.strerror}") from error
    entries, findings = [], []
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is not None:
            name = match[3].replace(rb"\n", b"\n").replace(rb"\\", b"\\") if match[1] else match[3]
            entries.append(Entry(number, match[2].decode(), paths.from_system(name)))
        elif line:
            findings.append(
                _error(path, number, "not a line of sha256sum; 'inlay freeze' adds them")
            )
    return entries, findings


def _error(path: str, line: int, text: str) -> Finding:
    return Finding(Place(path, line), Severity.ERROR, "frozen", text)


def names(directory: Directory) -> list[str]:
    """All files that were ever frozen."""
    return [entry.name for entry in read(directory.path)[0] or []]


def sources(directory: Directory) -> list[Source]:
    """The files of the versioned migrations, up before down, in ascending order; one that holds
    both once."""
    found = [s for m in directory.migrations for s in (m.up, m.down) if s is not None]
    return list({source.name: source for source in found}.values())


def _hashes(data: bytes) -> tuple[str, str]:
    """Of the bytes as they are, and as they are without a Windows checkout's line ends."""
    plain = hashlib.sha256(data).hexdigest()
    return plain, hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()


def check(
    directory: Directory, require: bool, replaced: Sequence[Range] = ()
) -> tuple[set[str], list[Finding]]:
    """Names of the frozen files, and what became of those that are not as they were. What another
    migration replaces may be deleted, and its line tells what there was."""
    entries, findings = read(directory.path)
    files = {source.name: source for source in sources(directory)}
    for entry in entries or []:
        if is_repeatable(entry.name):
            findings.append(_error(os.path.join(directory.path, FILE), entry.line, _REPEATABLE))
        elif entry.name not in files:
            version = directory.version_of(entry.name)
            if version is None or not any(version in range_ for range_ in replaced):
                findings.append(_gone(directory, entry, files))
        elif entry.sha256 not in _hashes(files[entry.name].data):
            findings.append(_edited(directory, entry))
    frozen = {entry.name for entry in entries or []}
    if require:
        findings += [_draft(directory, name) for name in files if name not in frozen]
    return frozen, findings


_REPEATABLE = "a repeatable migration is not frozen, because it may change; remove this line"


def _edited(directory: Directory, entry: Entry) -> Finding:
    return Finding(
        Place(os.path.join(directory.path, entry.name)),
        Severity.ERROR,
        "frozen",
        "this file is frozen (it may be applied somewhere) and was edited; put it back as it was, "
        f"and the change into a new migration: inlay new {directory.path} NAME",
    )


def _gone(directory: Directory, entry: Entry, files: dict[str, Source]) -> Finding:
    path = os.path.join(directory.path, FILE)
    same = next((n for n, s in files.items() if entry.sha256 in _hashes(s.data)), None)
    if same is not None:
        text = f"{entry.name} is frozen and was renamed to {same}; give it its name back"
    else:
        text = f"{entry.name} is frozen and was deleted; put it back (git checkout -- {entry.name})"
    return _error(path, entry.line, text)


def _draft(directory: Directory, name: str) -> Finding:
    return Finding(
        Place(os.path.join(directory.path, name)),
        Severity.ERROR,
        "draft",
        "a draft, and only frozen migrations are allowed here; freeze it and commit: "
        f"inlay freeze {directory.path}",
    )


def freeze(directory: Directory) -> list[str]:
    """Appends what is not listed yet; returns the names."""
    entries, _ = read(directory.path)
    known = {entry.name for entry in entries or []}
    new = [source for source in sources(directory) if source.name not in known]
    if not new:
        return []
    path = os.path.join(directory.path, FILE)
    try:
        with open(paths.to_system(path), "ab") as file:
            file.write(b"".join(_line(source) for source in new))
    except OSError as error:
        raise InlayError(f"{path}: cannot be written: {error.strerror}") from error
    return [source.name for source in new]


def _line(source: Source) -> bytes:
    """As sha256sum writes it; the hash is that of a checkout with LF."""
    name = paths.to_system(source.name)
    escaped = name.replace(b"\\", rb"\\").replace(b"\n", rb"\n")
    mark = b"\\" if escaped != name else b""
    return mark + _hashes(source.data)[1].encode() + b"  " + escaped + b"\n"
