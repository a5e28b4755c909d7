"""The settings in the head of a file: `-- inlay: lock_timeout=5s`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

UNSET = -1  # INLAY_UNSET
DEFAULT_ISOLATION = "INLAY_ISOLATION_DEFAULT"

_COMMENT = re.compile(rb"--[ \t]*inlay:")

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|min|h|d)?\Z", re.ASCII)
_UNIT_MS = {"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_LONGEST_MS = 2**31 - 1  # as the server has it

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
    """A setting that cannot be used; `offset` is where its word begins."""

    def __init__(self, offset: int, text: str) -> None:
        super().__init__(text)
        self.offset = offset
        self.text = text


def is_setting(comment: bytes) -> bool:
    """Is this line comment one of ours?"""
    return _COMMENT.match(comment) is not None


def _milliseconds(name: str, value: str) -> int:
    match = _DURATION.match(value)
    ms = round(float(match[1]) * _UNIT_MS[match[2] or "ms"]) if match else -1
    if not 0 <= ms <= _LONGEST_MS:
        raise ValueError(
            f'{name} cannot be "{value}": write a number with us, ms, s, min, h or d, such as '
            f"{name}=5s; 0 is no timeout"
        )
    return ms


def _apply(settings: Settings, word: str) -> Settings:
    """Adds one word to the settings; ValueError says why not."""
    name, equals, value = word.partition("=")
    if word == "no-transaction":
        return replace(settings, no_transaction=True)
    if name in ("lock_timeout", "statement_timeout") and equals:
        ms = _milliseconds(name, value)
        if name == "lock_timeout":
            return replace(settings, lock_timeout_ms=ms)
        return replace(settings, statement_timeout_ms=ms)
    if name == "isolation" and equals:
        if value not in _ISOLATIONS:
            raise ValueError(
                f'isolation cannot be "{value}": it is one of {", ".join(sorted(_ISOLATIONS))}'
            )
        return replace(settings, isolation=_ISOLATIONS[value])
    raise ValueError(
        f'unknown setting "{word}": there are no-transaction, lock_timeout=, statement_timeout= '
        "and isolation="
    )


def parse(comments: list[tuple[int, bytes]]) -> Settings:
    """Reads the settings from the line comments (with their offsets) of a head."""
    settings = Settings()
    seen: set[str] = set()
    for offset, comment in comments:
        match = _COMMENT.match(comment)
        if match is None:
            continue
        words = list(re.finditer(rb"\S+", comment[match.end() :]))
        if not words:
            raise SettingError(offset, "there is no setting after `-- inlay:`")
        for found in words:
            place = offset + match.end() + found.start()
            word = found.group().decode("utf-8", "replace")
            name = word.partition("=")[0]
            if name in seen:
                raise SettingError(place, f"{name} is set twice")
            seen.add(name)
            try:
                settings = _apply(settings, word)
            except ValueError as error:
                raise SettingError(place, str(error)) from None
            if settings.no_transaction and "isolation" in seen:
                raise SettingError(
                    place, "isolation is of a transaction, and this file is no-transaction"
                )
    return settings
