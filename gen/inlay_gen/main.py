"""The command line of the generator. Only this module prints."""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import TextIO

from . import VERSION, paths
from .check import CheckedMigration, check
from .discover import Directory, discover
from .emit import emit
from .findings import Finding, InlayError, Severity
from .output import depfile, write

_EXIT_FINDINGS = 1  # argparse's own, for usage, is 2

_SCHEMA_MAX = 63  # bytes: PostgreSQL's NAMEDATALEN - 1
_TABLE_MAX = 57  # less "_state"

_C_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while".split()
)


def main(arguments: list[str]) -> int:
    """Runs the generator; returns its exit status."""
    parsed = _parser().parse_args(arguments)
    try:
        status: int = parsed.run(parsed)
    except InlayError as error:
        _print_error(f"inlay: error: {error}")
        return _EXIT_FINDINGS
    return status


# ---- the command line ----


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
    _add_directory(embed)
    embed.add_argument("--output", required=True, type=_path, metavar="FILE.c")
    embed.add_argument("--depfile", required=True, type=_path, metavar="FILE.d")
    embed.add_argument("--symbol", required=True, type=_symbol, metavar="NAME")
    embed.add_argument(
        "--history", type=_history, default="public.applied_migrations", metavar="SCHEMA.TABLE"
    )
    embed.set_defaults(run=_embed)

    checked = commands.add_parser(
        "check", allow_abbrev=False, help="the same findings; writes nothing"
    )
    _add_directory(checked)
    checked.set_defaults(run=_check)
    return parser


def _add_directory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=_path, metavar="DIR")


def _path(text: str) -> str:
    return paths.from_argument(text)


def _symbol(text: str) -> str:
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", text) or text in _C_KEYWORDS:
        raise argparse.ArgumentTypeError(f"'{text}' is not a name in C")
    return text


def _history(text: str) -> str:
    try:
        name = os.fsencode(text).decode("utf-8")
    except UnicodeDecodeError:
        raise argparse.ArgumentTypeError(f"{ascii(text)} is not UTF-8") from None
    schema, _, table = name.partition(".")
    if not schema or not table or "." in table:
        raise argparse.ArgumentTypeError(
            f"'{name}' is not SCHEMA.TABLE, as stored and without quotes"
        )
    if len(schema.encode()) > _SCHEMA_MAX or len(table.encode()) > _TABLE_MAX:
        raise argparse.ArgumentTypeError(
            f"'{name}' is too long: at most {_SCHEMA_MAX} bytes of schema and {_TABLE_MAX} of table"
        )
    return name


# ---- commands ----


def _load(path: str) -> tuple[Directory, list[CheckedMigration], list[Finding]]:
    directory = discover(path)
    migrations, findings = check(directory)
    return directory, migrations, sorted(directory.findings + findings)


def _check(arguments: argparse.Namespace) -> int:
    _, migrations, findings = _load(arguments.directory)
    if _print_findings(findings):
        return _EXIT_FINDINGS
    counts = f"{_count(len(migrations), 'migration')}, {_count(len(findings), 'warning')}"
    _print(sys.stdout, f"{arguments.directory}: {counts}")
    return 0


def _embed(arguments: argparse.Namespace) -> int:
    directory, migrations, findings = _load(arguments.directory)
    if _print_findings(findings):
        return _EXIT_FINDINGS
    write(arguments.output, emit(migrations, directory.name, arguments.symbol, arguments.history))
    write(arguments.depfile, [depfile(arguments.output, _inputs(directory))])
    return 0


def _inputs(directory: Directory) -> list[str]:
    """What the output depends on. A directory is among it: its time moves when a file is added or
    removed."""
    own = os.path.dirname(os.path.abspath(__file__))
    modules = sorted(name for name in os.listdir(own) if name.endswith(".py"))
    own = paths.from_argument(own)
    return [directory.path, *directory.files, *(os.path.join(own, name) for name in modules)]


# ---- printing ----


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _print_findings(findings: list[Finding]) -> bool:
    """Prints what was found; says whether an error is among it."""
    for finding in findings:
        for line in finding.lines():
            _print_error(line)
    return any(finding.severity == Severity.ERROR for finding in findings)


def _print_error(line: str) -> None:
    _print(sys.stderr, line)


def _print(stream: TextIO, line: str) -> None:
    """Prints names as they are, whatever the locale."""
    stream.buffer.write(paths.to_system(line + "\n"))
    stream.buffer.flush()
