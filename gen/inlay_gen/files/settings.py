"""The settings in the head of a file: `-- inlay: lock_timeout=5s`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

UNSET = -1  # INLAY_UNSET
DEFAULT_ISOLATION = "INLAY_ISOLATION_DEFAULT"

_COLON = re.compile(rb"[^:]*:")
_WORD = re.compile(rb"replaces[ \t]+\S+|\S+")
_RANGE = re.compile(r"replaces[ \t]+([0-9]+)\.\.([0-9]+)")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s|min|h|d)?")
_UNIT_US = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}
_LONGEST_MS = 2**31 - 1  # the server's own limit, 24.8 days
_VERSION_MAX = 2**63 - 1

_ISOLATIONS = {
    "read-committed": "INLAY_ISOLATION_READ_COMMITTED",
    "repeatable-read": "INLAY_ISOLATION_REPEATABLE_READ",
    "serializable": "INLAY_ISOLATION_SERIALIZABLE",
}


@dataclass(frozen=True)
class Range:
    """The versions that a migration stands for, both ends included."""

    first: int
    last: int
    at: int = 0  # where the setting is, in the text

    def __contains__(self, version: int | None) -> bool:
        return version is not None and self.first <= version <= self.last

    def __str__(self) -> str:
        return f"{self.first}..{self.last}"


@dataclass(frozen=True)
class Settings:
    """struct inlay_settings, the flags of the script, and what the migration replaces."""

    no_transaction: bool = False
    lock_timeout_ms: int = UNSET
    statement_timeout_ms: int = UNSET
    isolation: str = DEFAULT_ISOLATION
    replaces: Range | None = None

    @property
    def has_row(self) -> bool:
        """Does the file set what struct inlay_settings holds?"""
        return self != Settings(self.no_transaction, replaces=self.replaces)


class SettingError(Exception):
    """A setting that cannot be used, and why."""


def words(remark: bytes) -> list[tuple[int, str]]:
    """The settings in a `-- inlay:` comment, each with its offset."""
    colon = _COLON.match(remark)
    assert colon is not None
    found = _WORD.finditer(remark, colon.end())
    return [(word.start(), word[0].decode("utf-8", "replace")) for word in found]


def name_of(word: str) -> str:
    """The name of a setting."""
    return re.split(r"[=\s]", word, maxsplit=1)[0]


def apply(settings: Settings, word: str, offset: int = 0) -> Settings:
    """Adds one setting."""
    name, equals, value = word.partition("=")
    if name_of(word) == "replaces":
        return replace(settings, replaces=_range(word, offset))
    if word == "no-transaction":
        return replace(settings, no_transaction=True)
    if name == "lock_timeout" and equals:
        return replace(settings, lock_timeout_ms=_milliseconds(name, value))
    if name == "statement_timeout" and equals:
        return replace(settings, statement_timeout_ms=_milliseconds(name, value))
    if name == "isolation" and equals:
        if value not in _ISOLATIONS:
            raise SettingError(f"isolation is one of {', '.join(_ISOLATIONS)}, not '{value}'")
        return replace(settings, isolation=_ISOLATIONS[value])
    raise SettingError(
        f"unknown setting '{word}'; there are no-transaction, lock_timeout=TIME, "
        "statement_timeout=TIME, isolation=LEVEL and replaces FIRST..LAST"
    )


def _range(word: str, offset: int) -> Range:
    match = _RANGE.fullmatch(word)
    if match is None:
        raise SettingError(
            f"replaces is followed by the first and the last version, such as replaces 1..300, not "
            f"'{word[len('replaces') :].strip(' =')}'"
        )
    first, last = int(match[1]), int(match[2])
    if last > _VERSION_MAX:
        raise SettingError(f"version {last} is over {_VERSION_MAX}, the largest bigint")
    if first > last:
        raise SettingError(f"replaces {first}..{last} holds no version: the first is the smaller")
    return Range(first, last, offset)


def _milliseconds(name: str, value: str) -> int:
    """A time in PostgreSQL's units."""
    match = _DURATION.fullmatch(value)
    if match is None:
        raise SettingError(
            f"{name} is a number with one of the units us, ms, s, min, h, d, such as {name}=5s, "
            f"not '{value}'"
        )
    ms = Fraction(match[1]) * _UNIT_US[match[2] or "ms"] / 1000
    if ms.denominator != 1:
        raise SettingError(f"{name} is a whole number of milliseconds, not '{value}'")
    if ms > _LONGEST_MS:
        raise SettingError(f"{name} is at most {_LONGEST_MS} ms (24 days), not '{value}'")
    return int(ms)
