"""Versions of several numbers, such as 2.0.1, as one number that sorts as they do.

Where one file of a directory has points, the versions of all its files are made so: 3 is then
3.0.0.0. Where none has, 3 is 3."""

from __future__ import annotations

import re

_SEPARATOR = re.compile("[._]")

_PART = 10**4
_LONG_PART = 10**6
_SMALL = 10**5  # below this the first part is a number like others
_DATES = range(10**7, 9 * 10**8 + 1)  # such as 20240131

FORMS = "a.b.c.d, where a has up to 5 digits and the others up to 4, or DATE.b.c"


def parts(written: str) -> list[int]:
    """The numbers of a version."""
    return [int(part) for part in _SEPARATOR.split(written)]


def shown(written: str) -> str:
    """As it is in the name of its migration."""
    return _SEPARATOR.sub(".", written)


def number(written: str) -> int | None:
    """None: it has no number."""
    first, *rest = parts(written)
    if first < _SMALL and len(rest) <= 3 and all(part < _PART for part in rest):
        b, c, d = rest + [0] * (3 - len(rest))
        return first * _PART**3 + b * _PART**2 + c * _PART + d
    if first in _DATES and len(rest) <= 2:
        b, c = rest + [0] * (2 - len(rest))
        if b < _LONG_PART and c < _PART:
            return first * _LONG_PART * _PART + b * _PART + c
    return None


def refusal(written: str) -> str:
    """Why a version has no number."""
    return (
        f"version {shown(written)} has no number here: where one version has points, all are "
        f"{FORMS}; rename the file"
    )
