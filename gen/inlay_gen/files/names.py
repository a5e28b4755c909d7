"""What no name of a file may have, and the forms of tools whose names look like ours."""

from __future__ import annotations

import re
import unicodedata

# What is not seen, or turns round what is: control characters, those that only say how others are
# shown (zero width, direction), and the ends of lines and paragraphs.
_INVISIBLE = ("Cc", "Cf", "Zl", "Zp")


def unusual(file: str) -> str | None:
    """What is wrong with the characters of a name; None where nothing is."""
    if any("\ud800" <= c <= "\udfff" for c in file):
        return "this file name is not UTF-8; rename the file"
    hidden = next((c for c in file if unicodedata.category(c) in _INVISIBLE), None)
    return _other_form(file) if hidden is None else f"{_describe(hidden)}; rename the file"


def _describe(hidden: str) -> str:
    if unicodedata.category(hidden) == "Cc":
        return "a control character in this file name"
    name = unicodedata.name(hidden, "no name")
    return f"the character U+{ord(hidden):04X} ({name}) in this file name, which cannot be seen"


def _other_form(file: str) -> str | None:
    """Two names that look the same are one: the composed form (NFC) is taken, in which keyboards
    write, and not the one into which some systems take a name apart."""
    composed = unicodedata.normalize("NFC", file)
    if composed == file:
        return None
    return (
        "this file name is not in Unicode's composed form (NFC), and one that looks the same is "
        f"another name: it is {ascii(file)}; rename the file to {ascii(composed)}"
    )


_YOYO = re.compile(r"([0-9]{8})_([0-9]{2,})_[A-Za-z0-9]{5}-(.+?)(\.rollback)?\.sql", re.DOTALL)
_UNDOES = re.compile(r"([0-9]+[_.].+)\.(rollback|undo|revert)\.sql", re.DOTALL)
_BUN = re.compile(r"([0-9]+_.+)\.tx\.(up|down)\.sql", re.DOTALL)
_DIALECT = re.compile(
    r"[0-9]+_.*\.(mysql|mariadb|sqlite3?|cockroach(?:db)?|mssql|sqlserver|oracle)"
    r"(\.up|\.down)?\.sql",
    re.DOTALL,
)


def of_another_tool(file: str) -> str | None:
    """What is meant by a name that would be taken for another one here; None: nothing else."""
    if yoyo := _YOYO.fullmatch(file):
        name = f"{yoyo[1]}{yoyo[2]}_{yoyo[3]}{'.down' if yoyo[4] else ''}.sql"
        return (
            "yoyo's names have two numbers, and a version is one: write the directory with inlay "
            f"import yoyo, or rename the file to {name}"
        )
    if undoes := _UNDOES.fullmatch(file):
        name = undoes[1].replace(".", "_", 1) if "_" not in undoes[1] else undoes[1]
        return f".{undoes[2]}.sql is another tool's down script: rename the file to {name}.down.sql"
    if bun := _BUN.fullmatch(file):
        return (
            "bun runs a .tx file in a transaction, and inlay all of them: rename the file to "
            f"{bun[1]}.{bun[2]}.sql"
        )
    if dialect := _DIALECT.fullmatch(file):
        return f"by its name this file is for {dialect[1]}: move it out of this directory"
    return None


_UP = re.compile(r"(.+)[_-](?:up|do)", re.IGNORECASE | re.DOTALL)
_DOWN = re.compile(r"(.+)[_-](?:down|undo|rollback|revert)", re.IGNORECASE | re.DOTALL)


def both_directions(one: str, other: str) -> str | None:
    """The name of the migration of which these two apply and undo; None: they are two."""
    for up, down in (one, other), (other, one):
        undoes = _DOWN.fullmatch(down)
        applies = _UP.fullmatch(up)
        if undoes is not None and undoes[1] in (up, applies[1] if applies is not None else up):
            return undoes[1]
    return None
