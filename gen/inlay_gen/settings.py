"""The settings in the head of a file: `-- inlay: lock_timeout=5s`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

UNSET = -1  # INLAY_UNSET
DEFAULT_ISOLATION = "INLAY_ISOLATION_DEFAULT"

_COLON = re.compile(rb"[^:]*:")
_WORD = re.compile(rb"\S+")
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

_ISOLATIONS = {
    "read-committed": "INLAY_ISOLATION_READ_COMMITTED",
    "repeatable-read": "INLAY_ISOLATION_REPEATABLE_READ",
    "serializable": "INLAY_ISOLATION_SERIALIZABLE",
}


@dataclass(frozen=True)
class Settings:
    """struct inlay_settings, and the flags of the script."""

    no_transaction: bool = False
    lock_timeout_ms: int = UNSET
    statement_timeout_ms: int = UNSET
    isolation: str = DEFAULT_ISOLATION


class SettingError(Exception):
    """A setting that cannot be used, and why."""


def words(remark: bytes) -> list[tuple[int, str]]:
    """The settings in a `-- inlay:` comment, each with its offset."""
    colon = _COLON.match(remark)
    assert colon is not None
    found = _WORD.finditer(remark, colon.end())
    return [(word.start(), word[0].decode("utf-8", "replace")) for word in found]


def apply(settings: Settings, word: str) -> Settings:
    """Adds one setting."""
    name, equals, value = word.partition("=")
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
        "statement_timeout=TIME and isolation=LEVEL"
    )


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
