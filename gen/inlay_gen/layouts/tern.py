"""tern: 001_name.sql, in which `---- create above / drop below ----` ends what applies."""

from __future__ import annotations

import re

from ..files.discover import Directory, Migration, Transaction, error
from ..sql.scan import scan
from .common.files import Named, Refused, collect
from .common.sections import Problems, Section, split

NAME = "tern"
HALF = re.compile(rb"---- create above / drop below ----")
ALONE = re.compile(rb"(?m)^---- tern: disable-tx ----\r?$")

_NAME = re.compile(r"([0-9]+)_(.+)\.sql", re.DOTALL)
_TEMPLATE = re.compile(rb"\{\{[^\r\n]*")


def parse(file: str) -> Named | Refused | None:
    """tern leaves other names out in silence."""
    if not file.endswith(".sql"):
        return None
    match = _NAME.fullmatch(file)
    if match is None:
        return Refused(
            "stray-file",
            "tern leaves this file out: its names are NNN_name.sql; rename the file, or move it "
            "out of this directory",
        )
    return Named(file, int(match[1]), match[2])


def discover(path: str) -> Directory:
    """Reads a directory of tern, whose numbers have no gaps."""
    directory = collect(path, NAME, parse, finish)
    for expected, migration in enumerate(directory.migrations, 1):
        if migration.version != expected and not directory.findings:
            text = f"tern counts from 1 without a gap, and version {expected} is not here"
            directory.findings.append(error(path, migration.up.name, "version-order", text))
    return directory


def finish(directory: Directory, migration: Migration) -> Migration | None:
    """The two parts of a file."""
    text = migration.up.text
    problems = Problems(directory, migration.up)
    half = HALF.search(text)
    end = half.start() if half is not None else len(text)
    up = Section(0, _mode(text[:end]))
    down = Section(end, _mode(text[end:])) if half is not None else None
    for template in _TEMPLATE.finditer(text):
        problems.error(
            template.start(),
            "tern reads this file as a template, and inlay as it is; write what tern makes of "
            f"{template[0].decode('utf-8', 'replace').strip()}",
            "placeholder",
        )
    if not scan(text[:end]).statements and not problems.found:
        problems.error(0, "tern refuses a file without a statement above the line")
    return split(problems, migration, up, down, "")


def _mode(part: bytes) -> Transaction:
    return Transaction.NEVER if ALONE.search(part) else Transaction.ALWAYS
