"""dbmate: 20240131120000_name.sql with `-- migrate:up` and `-- migrate:down`."""

from __future__ import annotations

import re

from ..files.discover import Directory, Migration, Transaction, error
from .common.files import Named, Refused, collect
from .common.sections import Problems, Section, split

MARK = re.compile(rb"(?m)^--[ \t]*migrate:(up|down)((?:[ \t][^\r\n]*)?)\r?$")

_NAME = re.compile(r"([0-9]+)(.*)\.sql", re.DOTALL)

_UP, _DOWN = "-- migrate:up", "-- migrate:down"


def parse(file: str) -> Named | Refused | None:
    """dbmate takes every .sql file that begins with a digit."""
    if not file.endswith(".sql"):
        return None
    match = _NAME.fullmatch(file)
    if match is None:
        return Refused(
            "stray-file",
            "dbmate leaves this file out, because its name does not begin with a version; move it "
            "out of this directory",
        )
    return Named(file, int(match[1]), match[2].lstrip("_-") or match[1])


def discover(path: str) -> Directory:
    """Reads a directory of dbmate."""
    directory = collect(path, "dbmate", parse, _finish)
    _check_order(directory)
    return directory


def _check_order(directory: Directory) -> None:
    """dbmate goes by the text of the names."""
    for before, after in zip(directory.migrations, directory.migrations[1:]):
        if before.up.name > after.up.name:
            text = (
                f"dbmate runs this file before {before.up.name}, by the text of their names, and "
                "inlay after it, by number; give both numbers the same length with zeros in front"
            )
            finding = error(directory.path, after.up.name, "version-order", text)
            directory.findings.append(finding)


def _transaction(problems: Problems, mark: re.Match[bytes]) -> Transaction:
    """The options after a mark."""
    found = Transaction.ALWAYS
    for option in mark[2].decode("utf-8", "replace").split():
        if option == "transaction:false":
            found = Transaction.NEVER
        elif option != "transaction:true":
            problems.warning(mark.start(), f"the option '{option}' has no effect")
    return found


def _finish(directory: Directory, migration: Migration) -> Migration | None:
    problems = Problems(directory, migration.up)
    sections: dict[bytes, Section] = {}
    for mark in MARK.finditer(migration.up.text):
        if mark[1] in sections:
            which = mark[1].decode()
            text = f"a second '-- migrate:{which}'; make a migration of its own of each"
            problems.error(mark.start(), text)
        elif mark[1] == b"down" and not sections:
            problems.error(mark.start(), f"'{_DOWN}' stands before '{_UP}'")
        sections.setdefault(mark[1], Section(mark.start(), _transaction(problems, mark)))
    if b"up" not in sections:
        if not problems.found:
            problems.error(0, f"no '{_UP}', which each file of dbmate's has")
        return None
    return split(problems, migration, sections[b"up"], sections.get(b"down"), _UP)
