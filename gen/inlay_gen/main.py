"""The command line of the generator."""

from __future__ import annotations

import argparse
import glob
import os
import re
import sys

from . import VERSION
from .check import CheckedMigration, check
from .discover import Directory, discover
from .emit import emit
from .findings import ERROR, Finding, InlayError, sort
from .output import depfile, write

EXIT_FINDINGS = 1
EXIT_USAGE = 2

_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SCHEMA_MAX = 63  # bytes: PostgreSQL's NAMEDATALEN - 1
_TABLE_MAX = 57  # less "_state"


def _symbol(text: str) -> str:
    if _SYMBOL.match(text) is None:
        raise argparse.ArgumentTypeError(f'"{text}" is not a C identifier')
    return text


def _history(text: str) -> str:
    schema, dot, table = text.partition(".")
    if not (schema and dot and table) or "." in table:
        raise argparse.ArgumentTypeError(
            f'"{text}" is not SCHEMA.TABLE (as stored, without quotes)'
        )
    if len(schema.encode()) > _SCHEMA_MAX or len(table.encode()) > _TABLE_MAX:
        raise argparse.ArgumentTypeError(
            f'"{text}" is too long: at most {_SCHEMA_MAX} bytes of schema and {_TABLE_MAX} of table'
        )
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="inlay",
        allow_abbrev=False,
        description="Turns a directory of PostgreSQL migrations into a C file.",
    )
    parser.add_argument("--version", action="version", version=f"inlay {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    embed = commands.add_parser(
        "embed", allow_abbrev=False, help="check a directory and write its migrations as C"
    )
    embed.add_argument("directory", metavar="DIR")
    embed.add_argument("--output", required=True, metavar="FILE.c")
    embed.add_argument("--depfile", required=True, metavar="FILE.d")
    embed.add_argument("--symbol", required=True, type=_symbol, metavar="NAME")
    embed.add_argument(
        "--history", type=_history, default="public.applied_migrations", metavar="SCHEMA.TABLE"
    )
    embed.set_defaults(run=_embed)

    checked = commands.add_parser(
        "check", allow_abbrev=False, help="the same findings, without writing anything"
    )
    checked.add_argument("directory", metavar="DIR")
    checked.set_defaults(run=_check)
    return parser


def _print(findings: list[Finding]) -> bool:
    """Prints what was found; says whether there is an error among it."""
    for finding in sort(findings):
        for line in finding.lines():
            print(line, file=sys.stderr)
    return any(f.severity == ERROR for f in findings)


def _load(path: str) -> tuple[Directory, list[CheckedMigration], bool]:
    directory = discover(path)
    migrations, findings = check(directory)
    return directory, migrations, not _print(findings)


def _check(arguments: argparse.Namespace) -> int:
    _, migrations, good = _load(arguments.directory)
    if not good:
        return EXIT_FINDINGS
    count = len(migrations)
    print(f"{arguments.directory}: {count} migration{'' if count == 1 else 's'}, no errors")
    return 0


def _inputs(directory: Directory) -> list[str]:
    """What the output depends on. The directory itself is among it: its time moves when a file is
    added or removed."""
    sources = [s for m in directory.migrations for s in (m.up, m.down) if s is not None]
    modules = glob.glob(os.path.join(glob.escape(os.path.dirname(__file__)), "*.py"))
    files = [os.path.join(directory.path, source.name) for source in sources]
    return [directory.path, *files, *sorted(modules)]


def _embed(arguments: argparse.Namespace) -> int:
    directory, migrations, good = _load(arguments.directory)
    if not good:
        return EXIT_FINDINGS
    text = emit(migrations, directory.name, arguments.symbol, arguments.history)
    write(arguments.output, text.encode())
    write(arguments.depfile, depfile(arguments.output, _inputs(directory)))
    return 0


def main(arguments: list[str]) -> int:
    """Runs the generator; returns its exit status."""
    parsed = _parser().parse_args(arguments)
    try:
        result: int = parsed.run(parsed)
    except InlayError as error:
        print(f"inlay: error: {error}", file=sys.stderr)
        return EXIT_FINDINGS
    return result
