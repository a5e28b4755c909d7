"""What the tests share that need a Debian of their own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

import pytest

from debian import Debian, Unavailable, check, tracked

TOP = Path(__file__).resolve().parents[2]


def directory_for(name: str) -> Path:
    """Where the commands of a test leave what they said."""
    directory = Path(os.environ["INLAY_BUILD"]) / name
    directory.mkdir(exist_ok=True)
    return directory


def bare_debian(logs: Path) -> Iterator[Debian]:
    """One, for as long as it is needed; where it cannot be had, its tests are skipped."""
    try:
        check()
        tracked(TOP)
    except Unavailable as reason:
        pytest.skip(f"no bare Debian here: {reason}")
    made = Debian()
    try:
        made.make(logs / "debootstrap.log")
        yield made
    except Unavailable as reason:
        pytest.skip(f"no bare Debian here: {reason}")
    finally:
        made.close()
