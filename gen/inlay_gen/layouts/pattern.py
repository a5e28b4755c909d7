"""--pattern: names as a regular expression describes them."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterable
from functools import partial

from ..files.discover import Directory
from ..files.findings import Finding, InlayError, Place, Severity
from .common import versions
from .common.files import Named, Parse, Refused, collect_all

NAME = "pattern"

_GROUPS = frozenset("version name direction".split())
_VERSION = re.compile(r"[0-9]+(?:[._][0-9]+)*")
_UP = "up do deploy upgrade migrate".split()
_DOWN = "down undo revert rollback downgrade".split()
_SHOWN = 3
_MOST_SECONDS = 1.0  # of the processor, for one name


class Pattern:
    """A regular expression that is given up where it would take for ever."""

    def __init__(self, compiled: re.Pattern[str]) -> None:
        self.pattern = compiled.pattern
        self._compiled = compiled

    def fullmatch(self, name: str) -> re.Match[str] | None:
        """Python looks for signals while it matches; only its main thread can be asked to."""
        if not hasattr(signal, "setitimer") or (
            threading.current_thread() is not threading.main_thread()
        ):
            return self._compiled.fullmatch(name)

        def give_up(*_: object) -> None:
            raise InlayError(
                f"--pattern '{self.pattern}' takes too long for the name {name}: write it without "
                "a repetition inside of another, such as (a+)+"
            )

        before = signal.signal(signal.SIGVTALRM, give_up)
        signal.setitimer(signal.ITIMER_VIRTUAL, _MOST_SECONDS)
        try:
            return self._compiled.fullmatch(name)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)


def compile_pattern(text: str) -> Pattern:
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
    return Pattern(pattern)


def discover(path: str, pattern: Pattern) -> Directory:
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


def _parse_of(pattern: Pattern, files: Iterable[str]) -> Parse:
    found = [match["version"] for file in files if (match := pattern.fullmatch(file))]
    pointed = any(len(_numbers(version)) > 1 for version in found)
    return partial(_parse, pattern, pointed)


def _numbers(version: str | None) -> list[int]:
    return versions.parts(version) if version and _VERSION.fullmatch(version) else []


def _parse(pattern: Pattern, pointed: bool, file: str) -> Named | Refused | None:
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
    name, shown = groups.get("name") or "", ""
    version: int | None = int(_numbers(written)[0])
    if pointed:
        version, shown = versions.number(written), versions.shown(written)
        name = f"{shown} {name}".rstrip()
    if version is None:
        return Refused("version-parts", versions.refusal(written))
    return Named(file, version, name or written, direction in _DOWN, shown)
