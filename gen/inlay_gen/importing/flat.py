"""Tools whose migrations are files of one directory: Supabase, Atlas, bun, graphile-migrate, yoyo,
sql-migrate, tern."""

from __future__ import annotations

import re
from dataclasses import replace

from ..files.discover import Migration, Source, Transaction
from ..layouts import sql_migrate, tern
from .folders import ended
from .reading import Found, Reading

_SUPABASE = re.compile(r"[0-9]+_.*\.sql", re.DOTALL)
_TXMODE = re.compile(rb"(?m)^--[ \t]*atlas:txmode[ \t]+none[ \t]*\r?$")
_BUN = re.compile(r"([0-9]+_.+?)(\.tx)?\.up\.sql", re.DOTALL)
_GO = re.compile(r"[0-9]+_.*(?<!_test)\.go", re.DOTALL)
_SPLIT = re.compile(rb"(?m)^--bun:split")
_COMMITTED = re.compile(r"(committed/)?([0-9]{6,}(?:-.*)?)\.sql", re.DOTALL)
_PLACEHOLDER = re.compile(rb"(?<![:\w]):[A-Z][A-Z0-9]*_[A-Z0-9_]+\b")
_ALONE = re.compile(rb"(?m)^--![ \t]*no-transaction\b")


def supabase(reading: Reading) -> None:
    for file in _top(reading):
        if _SUPABASE.fullmatch(file):
            reading.add(file[: -len(".sql")], reading.source(file, Transaction.AS_NEEDED))
        else:
            reading.lose(file, "Supabase leaves it out, because of its name")


def atlas(reading: Reading) -> None:
    """By the text of the names. What its directives change is refused by the checks."""
    for file in _top(reading):
        source = reading.source(file)
        if source is not None and _TXMODE.search(source.text):
            source = replace(source, transaction=Transaction.NEVER)
        if source is not None and (at := source.text.find(b"{{")) >= 0 and b"}}" in source.text:
            text = "Atlas reads this file as a template; write what it makes of it"
            reading.error_in(source, at, "placeholder", text)
        reading.add(file[: -len(".sql")], source)


def bun(reading: Reading) -> None:
    """What is not .tx runs part by part, as --bun:split divides it."""
    for file in reading.files:
        if "/" not in file and _GO.fullmatch(file):
            text = "a migration in Go, which this program cannot run; write in SQL what it does"
            reading.error(file, "code-migration", text)
    for file in _top(reading):
        if (match := _BUN.fullmatch(file)) is not None:
            downs = [f"{match[1]}{tx}.down.sql" for tx in ("", ".tx")]
            down = next((name for name in downs if name in reading.files), None)
            reading.add(
                match[1],
                _bun_source(reading, file),
                down=_bun_source(reading, down) if down is not None else None,
            )
        elif not file.endswith(".down.sql"):
            reading.lose(file, "bun leaves it out, because of its name")


def _bun_source(reading: Reading, file: str) -> Source | None:
    source = reading.source(file)
    if source is None or ".tx." in file:
        return source
    if _SPLIT.search(source.text) is None:
        return replace(source, transaction=Transaction.AS_NEEDED)
    return Source(source.name, ended(source.text, _SPLIT), Transaction.NEVER)


def graphile(reading: Reading) -> None:
    """What is committed, by number."""
    found = {file: m for file in reading.files if (m := _COMMITTED.fullmatch(file)) is not None}
    for file in sorted(found, key=lambda name: found[name][2]):
        source = reading.source(file)
        if source is None:
            continue
        for mark in _PLACEHOLDER.finditer(source.text):
            shown = mark[0].decode()
            text = f"graphile-migrate puts a value in the place of {shown}; write the value"
            reading.error_in(source, mark.start(), "placeholder", text)
        alone = _ALONE.search(source.text) is not None
        mode = Transaction.NEVER if alone else Transaction.ALWAYS
        reading.add(found[file][2], replace(source, transaction=mode))
    for file in reading.files:
        if file == "current.sql" or file.startswith("current/"):
            reading.lose(file, "it is not committed")


_YOYO = re.compile(r"(?!.*\.rollback\.sql$)(.+)\.sql", re.DOTALL)
_HEAD = re.compile(rb"(?:[ \t]*--[^\r\n]*\r?\n|[ \t]*\r?\n)*")
_SAID = re.compile(r"(?m)^[ \t]*--[ \t]*([\w-]+)[ \t]*:[ \t]*([^\r\n]*)")


def yoyo(reading: Reading) -> None:
    """By the text of the names, and what one depends on before it."""
    said: dict[str, dict[str, str]] = {}
    sources: dict[str, Source] = {}
    for file in reading.files:
        if "/" in file:
            continue
        match = _YOYO.fullmatch(file)
        if file.endswith(".py") and not file.startswith("__"):
            text = "a migration in Python, which this program cannot run; write in SQL what it does"
            reading.error(file, "code-migration", text)
        elif file == "post-apply.sql":
            reading.lose(file, "yoyo runs it after each time; inlay has R__name.sql")
        elif match is not None and (source := reading.source(file)) is not None:
            said[match[1]] = _head(source)
            sources[match[1]] = source
    for name in _in_order(reading, said, sources):
        up = _yoyo_mode(sources[name])
        down = reading.beside(f"{name}.rollback.sql")
        reading.add(name, up, down=_yoyo_mode(down) if down is not None else None)


def _head(source: Source) -> dict[str, str]:
    head = _HEAD.match(source.text)
    assert head is not None  # it matches nothing, too
    said = head[0].decode("utf-8", "replace")
    return {match[1].lower(): match[2] for match in _SAID.finditer(said)}


def _yoyo_mode(source: Source) -> Source:
    alone = _head(source).get("transactional", "").strip().lower() == "false"
    return replace(source, transaction=Transaction.NEVER if alone else Transaction.ALWAYS)


def _in_order(
    reading: Reading, said: dict[str, dict[str, str]], sources: dict[str, Source]
) -> list[str]:
    order: list[str] = []
    open_: list[str] = []

    def visit(name: str) -> None:
        if name in open_:
            reading.error(sources[name].name, "version-order", "it depends on itself")
        if name in order or name in open_:
            return
        open_.append(name)
        for other in said[name].get("depends", "").split():
            if other in said:
                visit(other)
            else:
                text = f"it depends on {other}, which is not here: add that file"
                reading.error(sources[name].name, "version-order", text)
        open_.remove(name)
        order.append(name)

    for name in said:
        visit(name)
    return order


def from_sql_migrate(reading: Reading) -> None:
    """By number, and those without one at the end, by name."""

    def place(file: str) -> tuple[bool, int, str]:
        digits = re.match("[0-9]*", file)
        assert digits is not None
        return not digits[0], int(digits[0] or 0), file

    for file in sorted(_top(reading), key=place):
        source = reading.source(file)
        if source is not None:
            made = sql_migrate.finish(reading.directory, Migration(0, file, source))
            if made is not None:
                reading.found.append(Found(file[: -len(".sql")], made.up, made.down))


def from_tern(reading: Reading) -> None:
    directory = tern.discover(reading.path)
    reading.directory.findings.extend(directory.findings)
    for made in directory.migrations:
        reading.found.append(Found(made.up.name[: -len(".sql")], made.up, made.down))


def _top(reading: Reading) -> list[str]:
    return [file for file in reading.files if "/" not in file and file.endswith(".sql")]
