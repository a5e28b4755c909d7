"""Repeatable migrations, R__name.sql: run again whenever they change, after all that have a
version."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace

from .findings import Finding, Note, Place, Severity, place_in
from .scripts import Script

# The version of what has none: INLAY_REPEATABLE.
REPEATABLE = -1

_NAME = re.compile(r"R__(.+)\.sql", re.DOTALL)
_DIRECTION = re.compile(r"\.(up|down)$", re.IGNORECASE)


def is_repeatable(file: str) -> bool:
    """Does a file name begin as that of a repeatable migration?"""
    return os.path.basename(file).startswith("R__")


def name_of(file: str) -> str | None:
    """The name of a repeatable migration; None where its file's name has another form."""
    match = _NAME.fullmatch(os.path.basename(file))
    return match[1] if match is not None and not _DIRECTION.search(match[1]) else None


def problem(file: str) -> str:
    """What is wrong with a file name that has no name."""
    if file.endswith(".down.sql"):
        return (
            "a repeatable migration has no down script: to go back, put its old text back; "
            "remove this file"
        )
    return "cannot tell the name from this file name: write R__name.sql"


def check(directory: str, script: Script, findings: Iterable[Finding]) -> list[Finding]:
    """What a repeatable migration cannot be; the findings about its text are put in its words."""
    path = os.path.join(directory, script.path)
    found = [_in_its_words(finding) for finding in findings]
    alone = any(finding.rule == "repeatable" for finding in found)
    replaces = script.settings.replaces
    if replaces is not None:
        at = place_in(path, script.text, replaces.at)
        found.append(Finding(at, Severity.ERROR, "repeatable", _REPLACES))
    if script.settings.no_transaction and not alone:
        found.append(Finding(Place(path), Severity.ERROR, "repeatable", _ALONE))
    return found


_REPLACES = "a repeatable migration has no version, and replaces none; remove this setting"
_ALONE = (
    "a repeatable migration runs in one transaction, together with the row that says so, and this "
    "one cannot or is told not to; write a versioned migration"
)
_STATEMENT = (
    "this statement cannot run inside a transaction, as a repeatable migration always does; write "
    "a versioned migration"
)


def _in_its_words(finding: Finding) -> Finding:
    if finding.rule != "needs-no-transaction":
        return finding
    return replace(finding, rule="repeatable", text=_STATEMENT)


def collision(directory: str, first: str, second: str, name: str) -> Finding:
    """Two files with one name."""
    note = Note(Place(os.path.join(directory, first)), "and here")
    text = f"the name '{name}' is taken by {first}; give one of them another"
    place = Place(os.path.join(directory, second))
    return Finding(place, Severity.ERROR, "repeatable", text, (note,))
