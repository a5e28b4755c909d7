"""diesel: 2024-01-31-120000_name/up.sql, with down.sql and metadata.toml."""

from __future__ import annotations

import os
import re
from dataclasses import replace

from ..files.discover import Directory, Migration, Transaction
from ..files.findings import Finding, Place, Severity
from .common.files import Named, Refused, collect, read_beside, walk
from .common.sections import Problems

_FILE = re.compile(r"([^/]+)/(up|down)\.sql", re.DOTALL)
_FOLDER = re.compile(r"([0-9][0-9-]*)(?:_(.+))?", re.DOTALL)

_TIME = 14  # digits of a time, 2024-01-31-120000
_DIGITS = _TIME + 4  # with the suffix, 2024-01-31-120000-0001

_KEY = re.compile(rb"(?m)^[ \t]*[\"']?run_in_transaction\b[^\r\n]*")
_VALUE = re.compile(rb"[ \t]*[\"']?run_in_transaction[\"']?[ \t]*=[ \t]*(true|false)[ \t]*(?:#.*)?")
_TABLE = re.compile(rb"(?m)^[ \t]*\[")


def is_up(file: str) -> bool:
    """Is this the file by which diesel knows a migration? One with too many digits, too."""
    match = _FILE.fullmatch(file)
    return match is not None and match[2] == "up" and _FOLDER.fullmatch(match[1]) is not None


def parse(file: str) -> Named | Refused | None:
    """The version is the name of the directory up to the first underscore, less the hyphens."""
    match = _FILE.fullmatch(file)
    if match is None:
        return None
    folder = _FOLDER.fullmatch(match[1])
    digits = folder[1].replace("-", "") if folder is not None else ""
    if folder is None or len(digits) > _DIGITS:
        return Refused(
            "file-name",
            "cannot make a number of the name of this directory: diesel's are "
            f"YYYY-MM-DD-hhmmss_name, with at most {_DIGITS} digits before the underscore",
        )
    return Named(file, _number(digits), folder[2] or match[1], match[2] == "down")


def _number(digits: str) -> int:
    """diesel compares versions as text: with zeros on the right numbers sort as text does, and of
    two that are equal then the longer one comes later."""
    suffixed = 1 if len(digits) == _DIGITS else 0
    return int(digits.ljust(_DIGITS, "0")) * 10 + suffixed


def discover(path: str) -> Directory:
    """Reads a directory of diesel."""
    directory = collect(path, "diesel", parse, _finish, deep=True)
    files, folders = walk(path)
    directory.findings.extend(_left_out(path, files))
    directory.findings.extend(_empty(path, files, folders))
    return directory


def found(path: str) -> Directory:
    """A directory that looks like diesel's. Hasura has the same names and goes by number."""
    directory = discover(path)
    names = [os.path.dirname(migration.up.name) for migration in directory.migrations]
    for before, after in zip(names, names[1:]):
        if _time_of(before) > _time_of(after):
            text = (
                f"diesel runs {before} before {after}, and Hasura after it: give their numbers the "
                "same length with zeros in front, say --layout diesel, or write the directory with "
                "inlay import hasura"
            )
            place = Place(os.path.join(path, after))
            directory.findings.append(Finding(place, Severity.ERROR, "version-order", text))
    return directory


def _time_of(folder: str) -> int:
    """The number as other tools read it, less a suffix that only diesel has."""
    match = _FOLDER.fullmatch(folder)
    digits = match[1].replace("-", "") if match is not None else ""
    return int(digits[:_TIME] if len(digits) == _DIGITS else digits)


def _left_out(path: str, files: list[str]) -> list[Finding]:
    return [
        Finding(
            Place(os.path.join(path, file)),
            Severity.WARNING,
            "stray-file",
            "diesel leaves this file out, and so does inlay",
        )
        for file in files
        if file.endswith(".sql") and _FILE.fullmatch(file) is None
    ]


def _empty(path: str, files: list[str], folders: list[str]) -> list[Finding]:
    """A directory that is no migration; one with down.sql alone is reported as that."""
    full = {os.path.join(path, os.path.dirname(file)) for file in files if _FILE.fullmatch(file)}
    return [
        Finding(
            Place(folder),
            Severity.ERROR,
            "stray-file",
            "a directory without up.sql is no migration of diesel; add it, or move the directory",
        )
        for folder in folders
        if os.path.dirname(folder) == path.rstrip("/") and folder not in full
    ]


def _finish(directory: Directory, migration: Migration) -> Migration | None:
    name = os.path.join(os.path.dirname(migration.up.name), "metadata.toml")
    metadata = read_beside(directory, name)
    if metadata is None:
        return migration
    table = _TABLE.search(metadata.text)
    line = _KEY.search(metadata.text, 0, table.start() if table else len(metadata.text))
    value = _VALUE.fullmatch(line[0]) if line else None
    if line is not None and value is None:
        Problems(directory, metadata).error(
            line.start(), "write run_in_transaction = false, or true", "metadata"
        )
        return None
    if value is not None and value[1] == b"true":
        return migration
    # diesel reads a file that does not say it as false.
    down = migration.down and replace(migration.down, transaction=Transaction.NEVER)
    return replace(migration, up=replace(migration.up, transaction=Transaction.NEVER), down=down)
