"""Liquibase's formatted SQL: changesets in one file, some of which may be meant for elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...sql.scan import scan
from .marks import Mark, Remark

_HEAD = re.compile(rb"(?i)--\s*liquibase\s+formatted\b.*")
_CHANGESET = re.compile(rb'(?i)--\s*changeset\s(?:\s*"[^"]*"|[^:"]+):(?:"[^"]*"|\S+)(.*)')
_ATTRIBUTE = re.compile(rb'(?<!\w)(\w+):("[^"]*"|\S+)')

_LINES = (
    (
        re.compile(rb"(?i)--\s*ignorelines:(?:start|[0-9]+).*"),
        "Liquibase leaves the lines out that follow, and inlay runs them: remove them",
    ),
    (
        re.compile(rb"(?i)--\s*preconditions\b.*"),
        "Liquibase runs this changeset only if the preconditions hold, and inlay always: ask in "
        "SQL, or remove this line",
    ),
)
_SOMETIMES = (b"context", b"contexts", b"contextfilter", b"labels")


def check(text: bytes, marks: list[Mark]) -> Iterator[Remark]:
    """What Liquibase would not run everywhere, or not so."""
    head = next((mark for mark in marks if _HEAD.fullmatch(mark.text)), None)
    if head is None:
        return
    changesets = [(mark, found) for mark in marks if (found := _CHANGESET.fullmatch(mark.text))]
    ends = [mark.start for mark, _ in changesets[1:]] + [len(text)]
    remarks = [
        mark.error(why)
        for (mark, found), end in zip(changesets, ends)
        if (why := _elsewhere(found[1])) and scan(text[mark.end : end]).statements
    ]
    remarks += [m.error(why) for m in marks for line, why in _LINES if line.fullmatch(m.text)]
    yield from remarks or [head.warning("Liquibase")]


def _elsewhere(attributes: bytes) -> str | None:
    """Why a changeset does not run, or not so; None where it does."""
    for match in _ATTRIBUTE.finditer(attributes):
        name, value = match[1].lower(), match[2].strip(b'"').lower()
        shown = match[0].decode("utf-8", "replace")
        if name == b"dbms" and not _is_for_postgresql(value):
            return (
                f"Liquibase runs this changeset on other databases alone ({shown}), and inlay "
                "would run it: remove it"
            )
        if name in _SOMETIMES:
            return (
                f"Liquibase runs this changeset only where it is asked to ({shown}), and inlay "
                f"always: remove the changeset, or '{shown}'"
            )
        if (name, value) == (b"ignore", b"true"):
            return "Liquibase leaves this changeset out (ignore:true), and inlay runs it: remove it"
        if (name, value) == (b"runintransaction", b"false"):
            return (
                "Liquibase runs this changeset without a transaction, and inlay in one: move it to "
                "a file of its own with '-- inlay: no-transaction' at the top"
            )
    return None


def _is_for_postgresql(value: bytes) -> bool:
    names = [name.strip() for name in value.split(b",")]
    without = [name for name in names if name.startswith(b"!")]
    if len(without) == len(names):
        return b"!postgresql" not in without
    return b"postgresql" in names or b"all" in names
