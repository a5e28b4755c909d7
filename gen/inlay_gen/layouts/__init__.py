"""Other tools' directories of migrations, as they are: one module for each tool."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace

from ..files import discover as inlay
from ..files.discover import Directory
from ..files.findings import Finding, InlayError
from . import (
    dbmate,
    diesel,
    empty,
    flyway,
    golang_migrate,
    goose,
    pattern,
    refinery,
    sql_migrate,
    sqlx,
    tern,
)
from .common.files import Named, walk

AUTO = "auto"

_DISCOVER: dict[str, Callable[[str], Directory]] = {
    "inlay": inlay.discover,
    "goose": goose.discover,
    "dbmate": dbmate.discover,
    "sqlx": sqlx.discover,
    "golang-migrate": golang_migrate.discover,
    "diesel": diesel.discover,
    "flyway": flyway.discover,
    "refinery": refinery.discover,
    "sql-migrate": sql_migrate.discover,
    "tern": tern.discover,
}

NAMES = (AUTO, *_DISCOVER)

_NUMBERED = re.compile(r"[0-9]+[^/]*\.sql")
_PREFIXED = re.compile(r"[VU][0-9][0-9._]*__.+\.sql", re.DOTALL)  # R__ is inlay's as well
_INLAY_SETTING = re.compile(rb"(?im)^[ \t]*--[ \t]*inlay[ \t]*:")


def discover(path: str, layout: str = AUTO, names: pattern.Pattern | None = None) -> Directory:
    """Reads a directory in the layout of the tool that it was written for, or by its names."""
    if names is not None:
        directory = pattern.discover(path, names)
    else:
        directory = _DISCOVER[layout](path) if layout != AUTO else _detect(path)
    directory.findings.extend(empty.check(directory))
    return directory


def _detect(path: str) -> Directory:
    """By the names; where those look like inlay's own, by what is in the files."""
    files = walk(path)[0]
    found = {
        "diesel": next((f for f in files if diesel.is_up(f)), None),
        _prefixed(files): _first_prefixed(files),
        "inlay": next((f for f in files if _NUMBERED.fullmatch(f)), None),
    }
    layout = _only(path, found)
    if layout == "diesel":
        return diesel.found(path)
    if layout != "inlay":
        return _DISCOVER[layout](path)
    own = inlay.discover(path)
    layout = _only(path, _marks(own))
    if layout != "inlay":
        return _DISCOVER[layout](path)
    own.findings[:] = [_name_layout(path, finding) for finding in own.findings]
    return own


def _name_layout(path: str, finding: Finding) -> Finding:
    """A name that is not inlay's own may be right where the file comes from."""
    file = os.path.relpath(finding.place.path, path)
    if finding.rule != "file-name" or not isinstance(sql_migrate.parse(file), Named):
        return finding
    try:
        text = inlay.read(path, file).text
    except inlay.Unreadable:
        return finding
    tools = {"sql-migrate": sql_migrate.MARK, "dbmate": dbmate.MARK}
    tool = next((tool for tool, mark in tools.items() if mark.search(text)), None)
    if tool is None:
        return finding
    return replace(finding, text=f"{finding.text}. A directory of {tool}'s needs --layout {tool}")


def _only(path: str, found: dict[str, str | None]) -> str:
    """The one layout that was found, each with a file that shows it."""
    shown = {layout: file for layout, file in found.items() if file is not None}
    if len(shown) > 1:
        files = " and ".join(f"{file} is {layout}'s" for layout, file in sorted(shown.items()))
        raise InlayError(f"{path}: cannot tell whose directory this is: {files}; say --layout=NAME")
    return next(iter(shown), "inlay")


def _first_prefixed(files: list[str]) -> str | None:
    """Flyway and refinery look into directories, too; there it tells nothing where this one has
    files of its own."""
    top = [file for file in files if "/" not in file and file.endswith(".sql")]
    return next((f for f in top or files if _PREFIXED.fullmatch(os.path.basename(f))), None)


def _prefixed(files: list[str]) -> str:
    """V1__name.sql is Flyway's and refinery's. U1__name.sql undoes V1 in Flyway; in refinery it is
    a migration like any other."""
    named = [named for named in map(refinery.parse, files) if isinstance(named, Named)]
    ups = {named.version for named in named if not refinery.is_unordered(named.file)}
    unordered = [named for named in named if refinery.is_unordered(named.file)]
    if unordered and not any(named.version in ups for named in unordered):
        return "refinery"
    return "flyway"


def _marks(own: Directory) -> dict[str, str | None]:
    """The tools whose comments are in the files."""
    sources = [migration.up for migration in own.migrations]
    found = {
        "goose": next((s.name for s in sources if goose.MARK.search(s.text)), None),
        "dbmate": next((s.name for s in sources if dbmate.MARK.search(s.text)), None),
    }
    if not any(_INLAY_SETTING.search(s.text) for s in sources):
        found["sqlx"] = next((s.name for s in sources if sqlx.runs_alone(s)), None)
    return found
