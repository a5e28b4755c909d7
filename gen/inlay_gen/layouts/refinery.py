"""refinery: V1__name.sql and U1__name.sql."""

from __future__ import annotations

import os
import re
from dataclasses import replace

from ..files.discover import Directory, Migration, Transaction
from .common.files import Named, Refused, collect

_NAME = re.compile(r"([VU])([0-9]+)((?:[._][0-9]+)*)__(.+)\.sql", re.DOTALL)
_RUST = re.compile(r"[VU][0-9]+__.*\.rs", re.DOTALL)
_ALONE = re.compile(rb"(?im)^--[ \t]*\+refinery[ \t]+NO TRANSACTION[ \t]*\r?$")


def parse(file: str) -> Named | Refused | None:
    """A U is no undo here: it is a migration that may come late."""
    base = os.path.basename(file)
    if _RUST.fullmatch(base):
        return Refused(
            "code-migration",
            "a migration in Rust, which this program cannot run; write in SQL what it does",
        )
    if not base.endswith(".sql"):
        return None
    match = _NAME.fullmatch(base)
    if match is None:
        return Refused(
            "stray-file",
            "refinery leaves this file out: its names are V1__name.sql and U1__name.sql; rename "
            "the file, or move it out of this directory",
        )
    if match[3]:
        return Refused("version-parts", parts(match[2] + match[3]))
    return Named(file, int(match[2]), match[4])


def parts(version: str) -> str:
    """Why a version of several parts is refused."""
    return (
        f"version {version.replace('_', '.')} has several parts, and a version is one whole number "
        "here; rename all files to numbers in the order of their versions"
    )


def is_unordered(file: str) -> bool:
    """Is this one of refinery's U migrations?"""
    return os.path.basename(file).startswith("U")


def discover(path: str) -> Directory:
    """Reads a directory of refinery, which also looks into the directories below."""
    return collect(path, "refinery", parse, _finish, deep=True)


def _finish(directory: Directory, migration: Migration) -> Migration:
    if not _ALONE.search(migration.up.text):
        return migration
    return replace(migration, up=replace(migration.up, transaction=Transaction.NEVER))
