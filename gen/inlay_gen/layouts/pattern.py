"""--pattern: names as a regular expression describes them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import partial

from ..files.discover import Directory
from ..files.findings import Finding, Place, Severity
from .common import versions
from .common.files import Named, Parse, Refused, collect_all

NAME = "pattern"

_GROUPS = frozenset("version name direction".split())
_VERSION = re.compile(r"[0-9]+(?:[._][0-9]+)*")
_UP = "up do deploy upgrade migrate".split()
_DOWN = "down undo revert rollback downgrade".split()
_SHOWN = 3


def compile_pattern(text: str) -> re.Pattern[str]:
    """ValueError says what is wrong with it."""
    try:
        pattern = re.compile(text, re.DOTALL)
    except re.error as problem:
        raise ValueError(f"'{text}' is not a regular expression of Python's: {problem}") from None
    groups = set(pattern.groupindex)
    if "version" not in groups or not groups <= _GROUPS:
        raise ValueError(
            f"'{text}' has to have a group (?P<version>...); it may have (?P<name>...) and "
            "(?P<direction>...), and no other that has a name"
        )
    return pattern


def discover(path: str, pattern: re.Pattern[str]) -> Directory:
    """Reads a directory and those below it."""
    directory = collect_all(path, NAME, partial(_parse_of, pattern))
    unmatched = [
        name
        for name in directory.names
        if name.lower().endswith(".sql") and not pattern.fullmatch(name)
    ]
    if not directory.migrations and not directory.findings:
        shown = f", such as {unmatched[0]}" if unmatched else ""
        text = f"the pattern names no file; it has to match whole paths below here{shown}"
        place = Place(path.rstrip("/") or "/")
        directory.findings.append(Finding(place, Severity.ERROR, "empty-set", text))
    elif unmatched:
        directory.findings.append(_unmatched(path, unmatched))
    return directory


def _unmatched(path: str, files: list[str]) -> Finding:
    shown = ", ".join(files[:_SHOWN])
    shown += f" and {len(files) - _SHOWN} more" if files[_SHOWN:] else ""
    text = f"the pattern does not name {shown}: what is in there would never run"
    return Finding(Place(os.path.join(path, files[0])), Severity.WARNING, "unmatched", text)


def _parse_of(pattern: re.Pattern[str], files: Iterable[str]) -> Parse:
    found = [match["version"] for file in files if (match := pattern.fullmatch(file))]
    pointed = any(len(_numbers(version)) > 1 for version in found)
    return partial(_parse, pattern, pointed)


def _numbers(version: str | None) -> list[int]:
    return versions.parts(version) if version and _VERSION.fullmatch(version) else []


def _parse(pattern: re.Pattern[str], pointed: bool, file: str) -> Named | Refused | None:
    match = pattern.fullmatch(file)
    if match is None:
        return None
    groups = match.groupdict()
    written, direction = groups["version"] or "", (groups.get("direction") or "").lower()
    if not _numbers(written):
        return Refused("file-name", f"the pattern finds '{written}' for version, and no number")
    if direction not in ("", *_UP, *_DOWN):
        known = ", ".join((*_UP, *_DOWN))
        return Refused("file-name", f"the direction '{direction}' is none of {known}")
    name = groups.get("name") or ""
    version: int | None = int(_numbers(written)[0])
    if pointed:
        version = versions.number(written)
        name = f"{versions.shown(written)} {name}".rstrip()
    if version is None:
        return Refused("version-parts", versions.refusal(written))
    return Named(file, version, name or written, direction in _DOWN)
