"""Tools that keep each migration in a directory of its own, or list them: Prisma, Drizzle and
Hasura."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from ..files.discover import Source, Transaction
from ..sql.scan import scan
from .reading import Reading

_FOLDER = re.compile(r"([^/]+)/migration\.sql", re.DOTALL)
_HASURA = re.compile(r"(([0-9]+)_[^/]*)/(up|down)\.(sql|yaml)", re.DOTALL)
_BREAK = re.compile(rb"--> statement-breakpoint")
_PROVIDER = re.compile(rb'(?m)^[ \t]*provider[ \t]*=[ \t]*"([^"\r\n]*)"')
_JOURNAL = "meta/_journal.json"


def prisma(reading: Reading) -> None:
    """Each directory by the text of its name. A script has no transaction but the one that the
    server makes of several statements which are sent at once."""
    lock = reading.beside("migration_lock.toml")
    provider = _PROVIDER.search(lock.text) if lock is not None else None
    if lock is not None and provider is not None and provider[1] != b"postgresql":
        text = f"these are migrations for {provider[1].decode('utf-8', 'replace')}"
        reading.error_in(lock, provider.start(), "other-tool", f"{text}; name another directory")
    for file in reading.files:
        if match := _FOLDER.fullmatch(file):
            up = reading.source(file, Transaction.AS_NEEDED)
            reading.add(match[1], up, down=reading.beside(f"{match[1]}/down.sql"))


def drizzle(reading: Reading) -> None:
    """As meta/_journal.json lists them; since version 1 in directories."""
    journal = reading.beside(_JOURNAL)
    if journal is None:
        for file in reading.files:
            if match := _FOLDER.fullmatch(file):
                reading.add(match[1], _broken(reading, file))
        return
    tags = _tags(reading, journal)
    for tag in tags:
        if f"{tag}.sql" in reading.files:
            reading.add(tag, _broken(reading, f"{tag}.sql"))
        else:
            text = f"{_JOURNAL} lists this file, and it is not here: restore it"
            reading.error(f"{tag}.sql", "unreadable", text)
    for file in reading.files:
        if "/" not in file and file.endswith(".sql") and file[: -len(".sql")] not in tags:
            reading.lose(file, f"it is not in {_JOURNAL}, and Drizzle does not run it")


def _tags(reading: Reading, journal: Source) -> list[str]:
    try:
        data = json.loads(journal.text)
        dialect, entries = data["dialect"], list(data["entries"])
        tags = [str(entry["tag"]) for entry in entries]
        without = [tag for tag, entry in zip(tags, entries) if not _is_time(entry.get("when"))]
    except (ValueError, LookupError, TypeError, AttributeError):
        reading.error(_JOURNAL, "metadata", "this is not a journal of Drizzle's; restore it")
        return []
    if dialect not in ("postgresql", "pg"):
        text = f"these are migrations for {dialect}; name another directory"
        reading.error(_JOURNAL, "other-tool", text)
    for tag in without:
        text = f"the entry of {tag} has no time in 'when', by which Drizzle knows it; restore it"
        reading.error(_JOURNAL, "metadata", text)
    return tags


def _is_time(value: object) -> bool:
    """Milliseconds, as Drizzle records them."""
    return isinstance(value, int) and not isinstance(value, bool)


def _broken(reading: Reading, file: str) -> Source | None:
    source = reading.source(file)
    if source is None:
        return None
    text = ended(source.text, _BREAK)
    if text == source.text:
        return source
    reading.lose(file, CHANGED)
    return replace(source, data=text)


CHANGED = "its text is another now than the one whose checksum was recorded"


def ended(text: bytes, mark: re.Pattern[bytes]) -> bytes:
    """A statement ends at a mark, too: with a semicolon where it has none."""
    pieces, start = [], 0
    for found in mark.finditer(text):
        piece = text[start : found.start()]
        pieces += [piece, b";" if _ends_open(piece) else b"", found[0]]
        start = found.end()
    return b"".join([*pieces, text[start:]])


def _ends_open(text: bytes) -> bool:
    """Does the last statement have no semicolon?"""
    return len(scan(text + b"\nSELECT 1").statements) == len(scan(text).statements) > 0


def hasura(reading: Reading) -> None:
    """Each directory by its number."""
    folders: dict[str, int] = {}
    for file in reading.files:
        match = _HASURA.fullmatch(file)
        if match is not None and match[4] == "yaml":
            text = "inlay reads no YAML: write its statements into a file with the ending .sql"
            reading.error(file, "other-tool", text)
        elif match is not None and match[3] == "up":
            folders[match[1]] = int(match[2])
        elif match is not None and f"{match[1]}/up.sql" not in reading.files:
            reading.lose(file, "there is nothing that it undoes")
    for folder in sorted(folders, key=lambda name: (folders[name], name)):
        up = reading.source(f"{folder}/up.sql")
        reading.add(folder, up, down=reading.beside(f"{folder}/down.sql"))
