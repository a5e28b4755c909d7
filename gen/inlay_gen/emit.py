"""The C file: constant data in the structs of inlay.h.

Text is written as string literals, one source line each: compilers read those many times faster
than arrays of numbers. Nothing in the file depends on time, place or user.
"""

from __future__ import annotations

import hashlib

from . import ABI, VERSION
from .check import CheckedMigration, Script
from .settings import UNSET, Settings


def _literal_table() -> dict[int, str]:
    """How each byte is written; three octal digits, so that no digit can follow and be taken in."""
    table = {byte: f"\\{byte:03o}" for byte in [*range(32), *range(127, 256)]}
    table.update({ord("\t"): "\\t", ord("\r"): "\\r", ord('"'): '\\"', ord("\\"): "\\\\"})
    table[ord("?")] = "\\?"  # trigraphs
    table[ord("\n")] = '\\n"\n    "'
    return table


_TABLE = _literal_table()


def literal(text: bytes) -> str:
    """A text as C string literals, a line of source for each line of text."""
    written = '"' + text.decode("latin-1").translate(_TABLE) + '"'
    return written[: -len('\n    ""')] if written.endswith('\n    ""') else written


def _short(text: bytes | str | None) -> str:
    """A literal on one line, or NULL."""
    if text is None:
        return "NULL"
    data = text.encode() if isinstance(text, str) else text
    return '"' + data.decode("latin-1").translate({**_TABLE, ord("\n"): "\\n"}) + '"'


def sha256(text: bytes) -> str:
    """The checksum of a body: line ends of a Windows checkout are no drift."""
    return hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()


def digest(migrations: list[CheckedMigration]) -> str:
    """The checksum of a whole history."""
    lines = (f"{m.version} {m.name} {sha256(m.up.text)}\n" for m in migrations)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _statements(name: str, script: Script) -> str:
    if not script.statements:
        return ""
    rows = []
    line, seen = 1, 0
    for statement, classified in script.statements:
        line += script.text.count(b"\n", seen, statement.start)
        seen = statement.start
        rows.append(
            f"    {{{statement.start}, {statement.end - statement.start}, {line}, "
            f"{classified.kind.value}, {_short(classified.index)}, {_short(classified.table)}}},\n"
        )
    return f"static const struct inlay_statement {name}_statements[] = {{\n{''.join(rows)}}};\n"


def _timeout(value: int) -> str:
    return "INLAY_UNSET" if value == UNSET else str(value)


def _settings(settings: Settings) -> str:
    return (
        f"{{{_timeout(settings.lock_timeout_ms)}, {_timeout(settings.statement_timeout_ms)}, "
        f"{settings.isolation}}}"
    )


def _script(name: str, script: Script) -> str:
    flags = "INLAY_SCRIPT_NO_TRANSACTION" if script.settings.no_transaction else "0"
    statements = f"{name}_statements" if script.statements else "NULL"
    return (
        "{\n"
        f"            .text = {name},\n"
        f"            .length = {len(script.text)},\n"
        f"            .path = {_short(script.path)},\n"
        f"            .statements = {statements},\n"
        f"            .statement_count = {len(script.statements)},\n"
        f"            .flags = {flags},\n"
        f"            .settings = {_settings(script.settings)},\n"
        "        }"
    )


def _texts(migration: CheckedMigration) -> str:
    parts = []
    for direction, script in (("up", migration.up), ("down", migration.down)):
        if script is not None:
            name = f"{direction}_{migration.version}"
            parts.append(f"\nstatic const char {name}[] =\n    {literal(script.text)};\n")
            parts.append(_statements(name, script))
    return "".join(parts)


def _migration(migration: CheckedMigration) -> str:
    up = f"up_{migration.version}"
    down = ""
    if migration.down is not None:
        down = f"        .down = {_script(f'down_{migration.version}', migration.down)},\n"
    version = f"INT64_C({migration.version})"
    return (
        "    {\n"
        f"        .version = {version},\n"
        f"        .name = {_short(migration.name)},\n"
        f'        .sha256 = "{sha256(migration.up.text)}",\n'
        f"        .body = {up},\n"
        f"        .up = {_script(up, migration.up)},\n"
        f"{down}"
        "    },\n"
    )


_HEAD = """\
/* Written by inlay {version} from the migrations in {directory}. Edit those, not this. */
#include <inlay.h>

#if INLAY_ABI != {abi}
#error "written for another inlay.h: take generator and library from one release"
#endif

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Woverlength-strings"
#endif
"""


def emit(migrations: list[CheckedMigration], directory: str, symbol: str, history: str) -> str:
    """The whole file."""
    shown = directory.replace("*/", "* /")
    parts = [
        _HEAD.format(version=VERSION, directory=shown.encode("unicode_escape").decode(), abi=ABI)
    ]
    parts += [_texts(m) for m in migrations]
    if migrations:
        parts.append("\nstatic const struct inlay_migration migrations[] = {\n")
        parts += [_migration(m) for m in migrations]
        parts.append("};\n")
    parts.append(
        f"\nextern const struct inlay_set {symbol};\n"
        f"const struct inlay_set {symbol} = {{\n"
        f"    .abi = INLAY_ABI,\n"
        f"    .directory = {_short(directory)},\n"
        f"    .history = {_short(history)},\n"
        f'    .digest = "{digest(migrations)}",\n'
        f"    .migrations = {'migrations' if migrations else 'NULL'},\n"
        f"    .migration_count = {len(migrations)},\n"
        "};\n"
    )
    return "".join(parts)
