"""The C file: constant data in the structs of inlay.h.

Text is written as string literals, one source line each: compilers read those many times faster
than arrays of numbers. The tables are terse for the same reason: each row is a struct of inlay.h up
to its last member that is not zero. Nothing in the file depends on time, place or user.
"""

from __future__ import annotations

import hashlib

from . import ABI, VERSION
from .check import CheckedMigration, Script
from .classify import Classified, Kind
from .scan import Statement
from .settings import DEFAULT_ISOLATION


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


def _statement_row(statement: Statement, classified: Classified, line: int) -> str:
    row = f"{statement.start},{statement.end - statement.start},{line}"
    if classified.kind is not Kind.ORDINARY:
        row += f",{classified.kind.value}"
    if classified.index is not None or classified.table is not None:
        row += f",{_short(classified.index)},{_short(classified.table)}"
    return f"{{{row}}},"


class _Tables:
    """The two arrays that the scripts point into: one for all texts, one for all statements. A
    compiler reads one large array much faster than thousands of small ones."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.statements: list[str] = []
        self.text_length = 0

    def add_text(self, text: bytes) -> int:
        """Adds a text, NUL-terminated; returns where it begins."""
        start = self.text_length
        self.texts.append(f'    {literal(text)}\n    "\\000"\n')
        self.text_length += len(text) + 1
        return start

    def add_statements(self, script: Script) -> int:
        start = len(self.statements)
        line, seen = 1, 0
        for statement, classified in script.statements:
            line += script.text.count(b"\n", seen, statement.start)
            seen = statement.start
            self.statements.append(_statement_row(statement, classified, line))
        return start

    def script(self, script: Script) -> tuple[str, str]:
        """The text's place, and struct inlay_script up to its last member that is not zero."""
        text = f"text+{self.add_text(script.text)}"
        statements = f"statements+{self.add_statements(script)}" if script.statements else "0"
        settings = script.settings
        flags = "INLAY_SCRIPT_NO_TRANSACTION" if settings.no_transaction else "0"
        values = f"{settings.lock_timeout_ms},{settings.statement_timeout_ms}"
        if settings.isolation != DEFAULT_ISOLATION:
            values += f",{settings.isolation}"
        return text, (
            f"{{{text},{len(script.text)},{_short(script.path)},"
            f"{statements},{len(script.statements)},{flags},{{{values}}}}}"
        )

    def migration(self, migration: CheckedMigration) -> str:
        """struct inlay_migration."""
        body, up = self.script(migration.up)
        down = ""
        if migration.down is not None:
            down = ",\n " + self.script(migration.down)[1]
        checksum = sha256(migration.up.text)
        head = f'{migration.version},{_short(migration.name)},"{checksum}",{body}'
        return f"{{{head},\n {up}{down}}},\n"

    def arrays(self) -> list[str]:
        parts = []
        if self.texts:
            parts += ["\nstatic const char text[] =\n", *self.texts, ";\n"]
        if self.statements:
            rows = "\n".join(self.statements)
            parts.append(f"\nstatic const struct inlay_statement statements[] = {{\n{rows}\n}};\n")
        return parts


_HEAD = """\
/* Written by inlay {version} from the migrations in {directory}. Edit those, not this. */
#include <inlay.h>

#if INLAY_ABI != {abi}
#error "written for another inlay.h: take generator and library from one release"
#endif

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Woverlength-strings"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif
"""


def emit(migrations: list[CheckedMigration], directory: str, symbol: str, history: str) -> str:
    """The whole file."""
    shown = directory.replace("*/", "* /")
    parts = [
        _HEAD.format(version=VERSION, directory=shown.encode("unicode_escape").decode(), abi=ABI)
    ]
    tables = _Tables()
    rows = [tables.migration(m) for m in migrations]
    parts += tables.arrays()
    if rows:
        parts += ["\nstatic const struct inlay_migration migrations[] = {\n", *rows, "};\n"]
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
