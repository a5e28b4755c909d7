"""inlay import: another tool's directory, written once as files of inlay's own.

A tool is a row: what reads its directory, the lines that only it reads, and whether it has recorded
a checksum of the whole file. The checks are those of a build."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..files import paths
from ..files.discover import Directory, Migration, Source
from ..files.discover import version_of as version_of_file
from ..files.findings import Finding, InlayError, Severity
from ..files.scripts import CheckedMigration
from ..layouts import sql_migrate
from ..rules.check import check
from ..rules.file import Checks
from ..rules.policy import Policy
from ..rules.transaction import EVERY
from ..sql.scan import scan
from . import flat, folders
from .apart import apart
from .reading import Found, Reading
from .sqitch import sqitch
from .writing import stems, text_of, write_all


@dataclass(frozen=True)
class Tool:
    """What is to be known of a tool."""

    read: Callable[[Reading], None]
    marks: re.Pattern[bytes] | None = None  # lines that only this tool reads
    hashes: bool = False  # it has recorded the SHA-256 of each file


_TERN = re.compile(rb"(?m)^---- (?:create above / drop below|tern: disable-tx) ----\r?$")

TOOLS: dict[str, Tool] = {
    "prisma": Tool(folders.prisma, hashes=True),
    "drizzle": Tool(folders.drizzle, hashes=True),
    "hasura": Tool(folders.hasura),
    "sqitch": Tool(sqitch),
    "supabase": Tool(flat.supabase),
    "atlas": Tool(flat.atlas, re.compile(rb"(?m)^--[ \t]*atlas:[^\r\n]*")),
    "bun": Tool(flat.bun, re.compile(rb"(?m)^--bun:[^\r\n]*")),
    "graphile-migrate": Tool(flat.graphile, re.compile(rb"(?m)^--![^\r\n]*")),
    "yoyo": Tool(flat.yoyo, re.compile(rb"(?mi)^[ \t]*--[ \t]*(?:depends|transactional):[^\r\n]*")),
    "sql-migrate": Tool(flat.from_sql_migrate, sql_migrate.MARK),
    "tern": Tool(flat.from_tern, _TERN),
}


@dataclass(frozen=True)
class Imported:
    """What came of it."""

    findings: list[Finding]  # errors: nothing was written
    lost: list[str]
    summary: str = ""


def run(tool: str, path: str, out: str) -> Imported:
    """Reads a tool's directory and writes another."""
    if os.path.lexists(out) and not os.path.isdir(out):
        raise InlayError(f"{out} is not a directory; nothing was written: name another")
    if os.path.isdir(out) and os.listdir(out):
        raise InlayError(f"{out} is not empty; nothing was written: name another directory")
    read = os.path.realpath(paths.to_system(path))
    if os.path.realpath(paths.to_system(out)).startswith(os.path.join(read, b"")):
        raise InlayError(f"{out} lies in {path}, which is read: name a directory beside it")
    reading = Reading(path, tool)
    TOOLS[tool].read(reading)
    names = stems([found.name for found in reading.found])
    for (version, stem), found in zip(names, reading.found):
        up, down = apart(reading, found.up), apart(reading, _way_back(found))
        assert up is not None
        migration = Migration(version, stem, up, down, found.verify)
        reading.directory.migrations.append(migration)
        if version_of_file(f"{stem}.sql") != version:
            text = f"the name '{stem}' cannot be that of a migration here; rename it"
            reading.error(found.up.name, "file-name", text)
    if not reading.found and not reading.directory.findings:
        raise InlayError(f"{path}: no migration of {tool}'s; name the directory that has them")
    checked, errors = _check(reading)
    if errors:
        return Imported(errors, reading.lost)
    return _write(tool, reading, checked, out)


def _way_back(found: Found) -> Source | None:
    """A script without a statement undoes nothing."""
    if found.down is None:
        return None
    result = scan(found.down.script)
    return found.down if result.statements or result.problems else None


def _check(reading: Reading) -> tuple[list[CheckedMigration], list[Finding]]:
    """The migrations, and the errors. A verify script that cannot be asked is left out."""
    directory = reading.directory
    policy = Policy(strip_transaction=(EVERY,))
    checked, findings = check(directory, Checks(policy))
    verifies = {_path(directory, m.verify) for m in directory.migrations if m.verify is not None}
    errors = []
    for finding in [*directory.findings, *findings]:
        if finding.severity != Severity.ERROR:
            continue
        if finding.place.path in verifies:
            reading.lost.append(f"{finding.place}: note: {finding.text}; it was left out")
        else:
            errors.append(replace(finding, text=finding.text.replace(_OPTION, "a file is")))
    return checked, sorted(errors)


# What a build says, in words that fit here.
_OPTION = f"--strip-transaction={EVERY} is for files that are"


def _path(directory: Directory, source: Source) -> str:
    return os.path.join(directory.path, source.name)


def _write(tool: str, reading: Reading, checked: list[CheckedMigration], out: str) -> Imported:
    files: dict[str, bytes] = {}
    downs = alone = 0
    unasked = {line.split(":")[0] for line in reading.lost}
    for migration, made in zip(reading.directory.migrations, checked):
        verify = migration.verify
        if verify is not None and _path(reading.directory, verify) not in unasked:
            files[f"{made.name}.verify.sql"] = verify.data
        if migration.down is not None and made.down is None:
            reading.lose(migration.down.name, "it cannot run here, and was left out")
        files.update(_files(tool, reading, migration, made))
        downs += made.down is not None
        alone += made.up.settings.no_transaction
    write_all(out, files)
    count = f"{len(checked)} migration{'' if len(checked) == 1 else 's'}"
    text = f"{out}: {count} of {tool}'s, {downs} with a down script, {alone} without a transaction"
    return Imported([], reading.lost, text)


def _files(
    tool: str, reading: Reading, migration: Migration, made: CheckedMigration
) -> dict[str, bytes]:
    row = TOOLS[tool]
    text = text_of(migration.up, made.up, row.marks)
    if row.hashes and text != migration.up.data:
        reading.lose(migration.up.name, folders.CHANGED)
    if migration.down is None or made.down is None:
        return {f"{made.name}.sql": text}
    back = text_of(migration.down, made.down, row.marks)
    return {f"{made.name}.up.sql": text, f"{made.name}.down.sql": back}
