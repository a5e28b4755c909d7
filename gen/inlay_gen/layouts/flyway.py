"""Flyway: V1__name.sql, undone by U1__name.sql; R__name.sql."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from ..files.discover import Directory, Migration, Source, Transaction
from ..files.repeatables import REPEATABLE, is_repeatable, name_of, problem
from ..sql.scan import scan
from .common import versions
from .common.files import Named, Parse, Refused, collect_all, read_beside
from .common.sections import Problems

_NAME = re.compile(r"([VU])([0-9]+)((?:[._][0-9]+)*)__(.+)\.sql", re.DOTALL)
_SETTING = re.compile(rb"(?m)^[ \t]*(?:flyway\.)?(\w+)[ \t]*=[ \t]*([^\r\n]*?)[ \t]*\r?$")
_PLACEHOLDER = re.compile(rb"\$\{[^}\r\n]*\}")

_OTHER_KINDS = (
    (
        re.compile(r"[VUR][0-9._]*__.*\.(java|kt|class)", re.DOTALL),
        "code-migration",
        "a migration in Java, which this program cannot run; write in SQL what it does",
    ),
    (
        re.compile(r"B[0-9].*\.sql", re.DOTALL),
        "baseline",
        "inlay needs no baseline migration: keep the files that it stands for, and move it out of "
        "this directory",
    ),
    (
        re.compile(r"(before|after)[A-Z][A-Za-z]*(__.*)?\.sql", re.DOTALL),
        "callback",
        "inlay runs no callbacks of Flyway; move it out of this directory",
    ),
)


def parse_of(files: Iterable[str]) -> Parse:
    """What names mean beside these."""
    return partial(parse, pointed=any(map(_has_points, files)))


def _has_points(file: str) -> bool:
    match = _NAME.fullmatch(os.path.basename(file))
    return match is not None and match[3] != ""


def parse(file: str, pointed: bool = False) -> Named | Refused | None:
    """Flyway records a description, in which spaces stand for underscores. `pointed`: a version in
    the directory has points."""
    base = os.path.basename(file)
    for pattern, rule, text in _OTHER_KINDS:
        if pattern.fullmatch(base):
            return Refused(rule, text)
    if not base.endswith(".sql"):
        return None
    if is_repeatable(base):
        name = name_of(base)
        if name is None:
            return Refused("file-name", problem(base))
        return Named(file, REPEATABLE, name.replace("_", " "))
    match = _NAME.fullmatch(base)
    if match is None:
        return Refused(
            "stray-file",
            "Flyway leaves this file out: its names are V1__name.sql, U1__name.sql and "
            "R__name.sql; rename the file, or move it out of this directory",
        )
    written, name = match[2] + match[3], match[4].replace("_", " ")
    if not pointed:
        return Named(file, int(written), name, match[1] == "U")
    version = versions.number(written)
    if version is None:
        return Refused("version-parts", versions.refusal(written))
    shown = versions.shown(written)
    return Named(file, version, f"{shown} {name}", match[1] == "U", shown)


def discover(path: str) -> Directory:
    """Reads a directory of Flyway, which also looks into the directories below."""
    return collect_all(path, "flyway", parse_of, _finish)


def _finish(directory: Directory, migration: Migration) -> Migration:
    down = _configured(directory, migration.down) if migration.down is not None else None
    return replace(migration, up=_configured(directory, migration.up), down=down)


def _configured(directory: Directory, source: Source) -> Source:
    """What the file NAME.conf says beside it. Without it Flyway itself finds out whether the
    statements can run in a transaction."""
    beside = read_beside(directory, source.name + ".conf")
    settings = dict(_SETTING.findall(beside.text)) if beside is not None else {}
    if settings.get(b"placeholderReplacement") != b"false":
        _check_placeholders(directory, source)
    modes = {b"true": Transaction.ALWAYS, b"false": Transaction.NEVER}
    mode = modes.get(settings.get(b"executeInTransaction", b""), Transaction.AS_NEEDED)
    return replace(source, transaction=mode)


def _check_placeholders(directory: Directory, source: Source) -> None:
    if b"${" not in source.text:
        return
    problems = Problems(directory, source)
    for statement in scan(source.text).statements:
        for match in _PLACEHOLDER.finditer(source.text, *statement):
            problems.error(
                match.start(),
                f"Flyway puts a value in the place of {match[0].decode('utf-8', 'replace')}, and "
                "inlay runs the file as it is; write the value",
                "placeholder",
            )
