"""A new migration in the directory's own style."""

from __future__ import annotations

import datetime
import glob
import os
import re
from dataclasses import dataclass

from ..files import paths
from ..files.discover import Directory
from ..files.findings import InlayError
from ..rules.frozen import sources

# Those whose files differ in nothing that a new one would have to say.
_LAYOUTS = ("inlay", "golang-migrate", "sqlx")
_REPEATABLE_LAYOUTS = ("inlay", "flyway")

_DIGITS = re.compile("[0-9]+")
_TIMESTAMP = re.compile("(19|20)[0-9]{2}(0[1-9]|1[0-2])[0-3][0-9][0-2][0-9][0-5][0-9][0-5][0-9]")


def safe_name(text: str) -> str:
    """ "Add User Roles" becomes add_user_roles."""
    name = re.sub("[^0-9a-z]+", "_", text.lower()).strip("_")
    if not name:
        raise InlayError(f"'{text}' leaves no name: use letters and digits")
    return name


@dataclass(frozen=True)
class NewFiles:
    """What was asked for besides the name."""

    timestamp: bool
    down: bool


def place(words: list[str]) -> tuple[str, str]:
    """The directory and the name in the words of a command line, [DIR] NAME."""
    if len(words) > 2:
        raise InlayError(
            f"DIR and NAME are two words, and there are {len(words)}: a name of several words "
            "needs quotes, such as 'add user roles'"
        )
    if len(words) == 2:
        return words[0], words[1]
    if os.path.isdir(words[0]):
        raise InlayError(f"{words[0]} is a directory: name the migration, too: inlay new DIR NAME")
    return _only_directory(), words[0]


def _only_directory() -> str:
    """migrations, or else the one that is in a directory of this one."""
    if os.path.isdir("migrations"):
        return "migrations"
    found = sorted(path for path in glob.glob("*/migrations") if os.path.isdir(path))
    if len(found) != 1:
        what = f"there are {', '.join(found)}" if found else "there is no directory migrations here"
        raise InlayError(f"{what}: say which: inlay new DIR NAME")
    return found[0]


def make_directory(path: str, name: str) -> bool:
    """True if it was not there; makes nothing for a name that is none."""
    safe_name(name)
    there = os.path.isdir(paths.to_system(path))
    try:
        os.makedirs(paths.to_system(path), exist_ok=True)
    except OSError as error:
        raise InlayError(f"{path}: cannot be made: {error.strerror}") from error
    return not there


def _next_version(directory: Directory, now: datetime.datetime, timestamp: bool) -> str:
    """In the width of the newest file; a directory of timestamps gets one."""
    if not directory.migrations:
        return now.strftime("%Y%m%d%H%M%S") if timestamp else "001"
    newest = directory.migrations[-1]
    match = _DIGITS.match(newest.up.name)
    digits = match.group() if match else ""
    if timestamp or _TIMESTAMP.fullmatch(digits):
        version = int(now.strftime("%Y%m%d%H%M%S"))
        return str(max(version, newest.version + 1))
    return str(newest.version + 1).zfill(len(digits))


def _names(directory: Directory, stem: str, down: bool) -> list[str]:
    """Pairs where the directory has pairs, or one is asked for."""
    newest = directory.migrations[-1] if directory.migrations else None
    if down or (newest is not None and newest.down is not None):
        return [f"{stem}.up.sql", f"{stem}.down.sql"]
    if newest is not None and newest.up.name.endswith(".up.sql"):
        return [f"{stem}.up.sql"]
    return [f"{stem}.sql"]


def _write_new(path: str, text: str) -> None:
    try:
        with open(paths.to_system(path), "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InlayError(f"{path} is there already; nothing was written over") from None
    except OSError as error:
        raise InlayError(f"{path}: cannot be written: {error.strerror}") from error


def _refuse_layout(directory: Directory, layouts: tuple[str, ...]) -> None:
    if directory.layout not in layouts:
        raise InlayError(
            f"{directory.path} is a directory of {directory.layout}'s, and only files of "
            f"{', '.join(layouts)} can be written; let {directory.layout} make it"
        )


def create_repeatable(directory: Directory, name: str, now: datetime.datetime) -> str:
    """Writes the file of a new repeatable migration; returns its path."""
    _refuse_layout(directory, _REPEATABLE_LAYOUTS)
    file = os.path.join(directory.path, f"R__{safe_name(name)}.sql")
    _write_new(file, _head(now, f"{name}; runs again when it changes"))
    return file


def _head(now: datetime.datetime, title: str) -> str:
    """The date comes first: a line that begins with the title could be a setting, ours or another
    tool's."""
    return f"-- {now:%Y-%m-%d} {' '.join(title.split())}\n\n"


def create(directory: Directory, name: str, wanted: NewFiles, now: datetime.datetime) -> list[str]:
    """Writes the files of a new migration; returns their paths."""
    _refuse_layout(directory, _LAYOUTS)
    stem = f"{_next_version(directory, now, wanted.timestamp)}_{safe_name(name)}"
    taken = {source.name for source in sources(directory)}
    files = [os.path.join(directory.path, file) for file in _names(directory, stem, wanted.down)]
    for file in files:
        if os.path.basename(file) in taken or os.path.lexists(paths.to_system(file)):
            raise InlayError(f"{file} is there already; nothing was written over")
    for file in files:
        undo = "undoes: " if file.endswith(".down.sql") else ""
        _write_new(file, _head(now, f"{undo}{name}"))
    return files
