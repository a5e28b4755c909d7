"""A directory without a migration: what lies there instead."""

from __future__ import annotations

import re

from ..files.discover import Directory
from ..files.findings import Finding, Place, Severity
from . import diesel
from .common.files import walk

_NUMBERED = re.compile(r"(?:.*/)?[0-9]+_[^/]+\.sql", re.DOTALL)
_PRISMA = re.compile(r"([^/]+)/migration\.sql", re.DOTALL)
_SQITCH = re.compile(r"(?:sqitch\.plan|deploy/.+\.sql)", re.DOTALL)
_LIQUIBASE = re.compile(r"(?:.*/)?[^/]*change-?log[^/]*\.(?:xml|ya?ml|json)", re.DOTALL)

_UPS = re.compile(r"(?:.*/)?(?:up|do|deploy|migrate)", re.DOTALL)
_DOWNS = re.compile(r"(?:.*/)?(?:down|undo|revert|rollback)", re.DOTALL)

_SHOWN = 3


def check(directory: Directory) -> list[Finding]:
    """Nothing would ever be applied, without a word: mostly the path is wrong."""
    if directory.migrations or directory.repeatables:
        return []
    if any(finding.severity == Severity.ERROR for finding in directory.findings):
        return []
    path = directory.path.rstrip("/") or "/"
    text = f"no migration in this directory: {_instead(path)}"
    way_out = ". To build all the same: --allow empty-set"
    return [Finding(Place(path), Severity.ERROR, "empty-set", text + way_out)]


def _instead(path: str) -> str:
    """What there is, and what to do."""
    files, folders = walk(path)
    below = sorted({folder for file in files if (folder := _parent(file))})
    prisma = next((m[1] for file in files if (m := _PRISMA.fullmatch(file))), None)
    ups, downs = ([b for b in below if names.fullmatch(b)] for names in (_UPS, _DOWNS))
    if ups and downs:
        return (
            f"those in {ups[0]}/ apply and those in {downs[0]}/ undo; here they are files of one "
            "directory: NNN_name.up.sql and NNN_name.down.sql"
        )
    if below:
        return f"there are some in {path}/{below[0]}; name that directory"
    if prisma is not None:
        return (
            "Prisma and Drizzle keep each one in a directory of its own; here it is a file with "
            f"that name, {prisma}.sql, and inlay import prisma (or drizzle) {path} OUT writes them"
        )
    if any(_SQITCH.fullmatch(file) for file in files):
        return (
            "Sqitch has the order in sqitch.plan; here it is in the names: 001_accounts.sql for "
            "deploy/accounts.sql, 001_accounts.down.sql for revert/accounts.sql, and inlay import "
            f"sqitch {path} OUT writes them"
        )
    if any(_LIQUIBASE.fullmatch(file) for file in files):
        return "it has a changelog of Liquibase's; write each changeset as NNN_name.sql"
    top = sorted({_top(file) for file in files} | {_top(f[len(path) + 1 :] + "/") for f in folders})
    if not top:
        return f"it is empty, and inlay new {path} NAME writes the first"
    shown = ", ".join(top[:_SHOWN]) + (f" and {len(top) - _SHOWN} more" if top[_SHOWN:] else "")
    return f"it has {shown}, and migrations are named NNN_name.sql"


def _top(name: str) -> str:
    """The entry of the directory itself that a path begins with."""
    entry, slash, _ = name.partition("/")
    return entry + slash


def _parent(file: str) -> str | None:
    """The directory below that a file is a migration of."""
    if "/" in file and _NUMBERED.fullmatch(file):
        return file.rpartition("/")[0]
    above, _, rest = file.partition("/")
    return above if diesel.is_up(rest) else None
