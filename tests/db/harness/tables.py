"""Writes the tables that a generated file holds, without any of the generator's checks.

For tests of what the runtime does with a body that the generator would have refused, such as one
with a COMMIT in it. Statements end at a semicolon that ends its line; none of them gets a kind.
"""

from __future__ import annotations

import hashlib
import re
from typing import Iterator

FILE_NAME = re.compile(r"(\d+)_(.*?)(?:\.(up|down))?\.sql")
REPEATABLE = re.compile(r"R__(.*)\.sql")
REPLACES = re.compile(rb"-- inlay: replaces (\d+)\.\.(\d+)\n")


def write_tables(files: dict[str, bytes], history: str) -> str:
    """The C source of `app_migrations` for files by name."""
    ups: dict[int, tuple[str, str, bytes]] = {}
    downs: dict[int, tuple[str, str, bytes]] = {}
    repeatables: list[tuple[str, str, bytes]] = []
    for path, body in files.items():
        repeatable = REPEATABLE.fullmatch(path)
        if repeatable:
            repeatables.append((repeatable[1], path, body))
            continue
        match = FILE_NAME.fullmatch(path)
        assert match, f"not a migration's file name: {path}"
        target = downs if match[3] == "down" else ups
        target[int(match[1])] = (match[2], path, body)
    lines = ["#include <inlay.h>"]
    entries, proof = [], ""
    for version in sorted(ups):
        name, path, body = ups[version]
        sha256 = hashlib.sha256(body.replace(b"\r\n", b"\n")).hexdigest()
        proof += f"{version} {name} {sha256}\n"
        up = _script(lines, f"up_{version}", path, body)
        down = "{0}"
        if version in downs:
            down = _script(lines, f"down_{version}", *downs[version][1:])
        row = f'{version}, "{name}", "{sha256}", up_{version}_text, {up}, {down}'
        entries.append(f"{{{row}{_replaces(body)}}},")
    repeated = []
    for number, (name, path, body) in enumerate(sorted(repeatables)):
        sha256 = hashlib.sha256(body.replace(b"\r\n", b"\n")).hexdigest()
        up = _script(lines, f"repeated_{number}", path, body)
        repeated.append(f'{{-1, "{name}", "{sha256}", repeated_{number}_text, {up}, {{0}}}},')
    lines.append("static const struct inlay_migration repeated[] = {")
    lines += [*repeated, "{0}};"]
    digest = hashlib.sha256(proof.encode()).hexdigest()
    lines += ["static const struct inlay_migration all[] = {", *entries, "};"]
    lines.append(
        "const struct inlay_set app_migrations = "
        f'{{INLAY_SET_ABI, "migrations", "{history}", "{digest}", all, {len(entries)},'
        f" repeated, {len(repeated)}}};"
    )
    return "\n".join(lines) + "\n"


def _script(lines: list[str], symbol: str, path: str, body: bytes) -> str:
    """Appends a script's text and statements; returns its `struct inlay_script`."""
    statements = [
        f"{{{start}, {length}, {line}, INLAY_STATEMENT_ORDINARY, NULL, NULL}},"
        for start, length, line in _split(body)
    ]
    text = "".join(f"\\{byte:03o}" for byte in body)
    lines.append(f'static const char {symbol}_text[] = "{text}";')
    table = "NULL"
    if statements:
        table = f"{symbol}_statements"
        lines += [f"static const struct inlay_statement {table}[] = {{", *statements, "};"]
    flags = "INLAY_SCRIPT_NO_TRANSACTION" if b"-- inlay: no-transaction" in body else "0"
    row = f'{symbol}_text, {len(body)}, "{path}", {table}, {len(statements)}, {flags}'
    return f"{{{row}, INLAY_SCRIPT_SIZES}}"


def _replaces(body: bytes) -> str:
    found = REPLACES.match(body)
    if found is None:
        return ""
    return f", .replaces = &(const struct inlay_range){{{int(found[1])}, {int(found[2])}}}"


def _split(body: bytes) -> Iterator[tuple[int, int, int]]:
    """Offset, length and line of each statement."""
    start = 0
    for end in re.finditer(rb";[ \t\r]*(?:\n|\Z)|\Z", body):
        statement = body[start : end.start()]
        offset = start + len(statement) - len(statement.lstrip())
        if statement.strip():
            yield offset, len(statement.strip()), body.count(b"\n", 0, offset) + 1
        start = end.end()
