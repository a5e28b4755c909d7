"""The rules: from the files of a directory to scripts that can be embedded, and findings. Those
about one file are in file.py."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import takewhile

from ..files import repeatables
from ..files.discover import Directory, Migration
from ..files.findings import Finding, Note, Place, Severity, place_in
from ..files.scripts import CheckedMigration, Script
from ..files.settings import Settings
from . import created, frozen, leftovers, squash
from .file import Checks, check_file


def check(
    directory: Directory, checks: Checks = Checks()
) -> tuple[list[CheckedMigration], list[Finding]]:
    """Reads all files of a directory, those of repeatable migrations last. What cannot be read as
    text is left out and reported."""
    findings: list[Finding] = []
    checked = []
    for migration in directory.migrations:
        up = check_file(directory, migration.up, findings, checks)
        down = _check_down(directory, migration, findings, checks)
        asks = _check_verify(directory, migration, findings, checks)
        if up is not None:
            checked.append(CheckedMigration(migration.version, migration.name, up, down, asks))
    frozen_names = frozen.names(directory)
    told = {finding.place.path for finding in findings if finding.severity == Severity.ERROR}
    # One that is frozen was meant so.
    told.update(os.path.join(directory.path, name) for name in frozen_names)
    findings += _empty_migrations(directory, checked, told)
    findings += leftovers.check(directory.path, checked)
    checked, found = squash.complete(directory, checked, frozen_names)
    checked = created.mark(checked)
    for repeatable in directory.repeatables:
        about: list[Finding] = []
        script = check_file(directory, repeatable.up, about, checks)
        if script is not None:
            about = repeatables.check(directory.path, script, about)
            checked.append(CheckedMigration(repeatable.version, repeatable.name, script, None))
        found += about
    return checked, _pair(findings + found, "history-schema")


def _empty_migrations(
    directory: Directory, checked: list[CheckedMigration], told: set[str]
) -> list[Finding]:
    """A file that waits to be written is applied as it is by the next start. One with others after
    it has stayed empty on purpose."""
    text = (
        "no statement in this file: the next start would record it as applied, and what is written "
        "into it later would not run; if it is meant to be empty, freeze it"
    )
    newest_first = (migration.up for migration in reversed(checked))
    empty = takewhile(lambda up: not up.statements and not up.in_c, newest_first)
    paths = [os.path.join(directory.path, up.path) for up in empty]
    return [
        Finding(Place(path), Severity.WARNING, "empty-migration", text)
        for path in paths
        if path not in told
    ]


def _pair(findings: list[Finding], rule: str) -> list[Finding]:
    """Lets each finding of a rule name the others: what creates a schema, and what drops it."""
    places = [finding.place for finding in findings if finding.rule == rule]
    return [
        replace(f, notes=tuple(Note(p, "and here") for p in places if p != f.place))
        if f.rule == rule
        else f
        for f in findings
    ]


def _check_down(
    directory: Directory, migration: Migration, findings: list[Finding], checks: Checks
) -> Script | None:
    """Other tools never looked at the way down before it was taken, and an applied file is not
    rewritten for a way that is never taken: what cannot run there is left out."""
    if migration.down is None:
        return None
    found: list[Finding] = []
    script = check_file(directory, migration.down, found, checks, is_down=True)
    if directory.layout != "inlay" and any(f.severity == Severity.ERROR for f in found):
        script = None
        found = [_left_out(f) if f.severity == Severity.ERROR else f for f in found]
    if script is not None and script.settings.replaces is not None:
        found.append(Finding(squash.place(directory, script), Severity.ERROR, "replaces", _DOWN))
    findings += found
    return script


def _check_verify(
    directory: Directory, migration: Migration, findings: list[Finding], checks: Checks
) -> Script | None:
    """What verifies a migration is asked inside its transaction, and later in one that only reads;
    it has no settings of its own."""
    if migration.verify is None:
        return None
    script = check_file(directory, migration.verify, findings, checks, is_verify=True)
    if script is not None and script.settings != Settings():
        at = place_in(os.path.join(directory.path, script.path), script.text, 0)
        findings.append(Finding(at, Severity.ERROR, "setting", _NO_SETTINGS))
    return script


_NO_SETTINGS = "a verify script has no settings: it runs in the transaction of its migration"


_DOWN = "replaces belongs in the up file: it is about what has been applied"


def _left_out(finding: Finding) -> Finding:
    text = f"{finding.text}; this down script is not embedded"
    return replace(finding, severity=Severity.WARNING, text=text)
