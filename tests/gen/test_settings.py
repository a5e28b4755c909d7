"""The settings in the head of a file: what is written, and what the C file then has."""

from __future__ import annotations

import pytest

from inlay_gen.files.settings import SettingError, Settings, apply

TIMES = [
    ("0", 0),
    ("5", 5),
    ("5ms", 5),
    ("2000us", 2),
    ("5s", 5_000),
    ("1.5s", 1_500),
    ("0.001s", 1),
    ("10min", 600_000),
    ("2h", 7_200_000),
    ("1d", 86_400_000),
    ("2147483647", 2_147_483_647),
]


@pytest.mark.parametrize("text, ms", TIMES)
def test_times(text: str, ms: int) -> None:
    assert apply(Settings(), f"lock_timeout={text}") == Settings(lock_timeout_ms=ms)
    assert apply(Settings(), f"statement_timeout={text}") == Settings(statement_timeout_ms=ms)


@pytest.mark.parametrize(
    "level, name",
    [
        ("read-committed", "INLAY_ISOLATION_READ_COMMITTED"),
        ("repeatable-read", "INLAY_ISOLATION_REPEATABLE_READ"),
        ("serializable", "INLAY_ISOLATION_SERIALIZABLE"),
    ],
)
def test_isolation(level: str, name: str) -> None:
    assert apply(Settings(), f"isolation={level}") == Settings(isolation=name)


def test_settings_add_up() -> None:
    settings = apply(apply(Settings(), "no-transaction"), "lock_timeout=0")
    assert settings == Settings(no_transaction=True, lock_timeout_ms=0)


UNIT = "{} is a number with one of the units us, ms, s, min, h, d, such as {}=5s, not '{}'"
UNKNOWN = (
    "unknown setting '{}'; there are no-transaction, lock_timeout=TIME, statement_timeout=TIME, "
    "isolation=LEVEL and replaces FIRST..LAST"
)


@pytest.mark.parametrize(
    "word, message",
    [
        ("lock_timeout=", UNIT.format("lock_timeout", "lock_timeout", "")),
        ("lock_timeout=-1", UNIT.format("lock_timeout", "lock_timeout", "-1")),
        ("lock_timeout=5S", UNIT.format("lock_timeout", "lock_timeout", "5S")),
        ("statement_timeout=5sec", UNIT.format("statement_timeout", "statement_timeout", "5sec")),
        ("statement_timeout=٣s", UNIT.format("statement_timeout", "statement_timeout", "٣s")),
        ("lock_timeout=500us", "lock_timeout is a whole number of milliseconds, not '500us'"),
        ("lock_timeout=1.5", "lock_timeout is a whole number of milliseconds, not '1.5'"),
        ("lock_timeout=25d", "lock_timeout is at most 2147483647 ms (24 days), not '25d'"),
        (
            "isolation=read",
            "isolation is one of read-committed, repeatable-read, serializable, not 'read'",
        ),
        ("no-transactions", UNKNOWN.format("no-transactions")),
        ("no-transaction=on", UNKNOWN.format("no-transaction=on")),
        ("lock_timeout", UNKNOWN.format("lock_timeout")),
        ("work_mem=1GB", UNKNOWN.format("work_mem=1GB")),
        ("=", UNKNOWN.format("=")),
    ],
)
def test_bad_settings(word: str, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        apply(Settings(), word)
    assert str(caught.value) == message
