"""The command line of the generator. Only this module prints."""

from __future__ import annotations

import argparse
import datetime
import os
import re
import sys
from dataclasses import dataclass
from typing import Any, TextIO

from . import VERSION
from .files import paths
from .files.discover import Directory
from .files.findings import Finding, InlayError, Severity
from .files.repeatables import REPEATABLE
from .files.scripts import CheckedMigration
from .layouts import AUTO, NAMES, discover
from .output import listing
from .output.create import create, create_repeatable
from .output.emit import DEFAULT_HISTORY, SetOptions, emit
from .output.formats import FORMATS, render
from .output.writing import depfile, write
from .rules import base, frozen, squash
from .rules.check import Checks, check
from .rules.policy import Policy, parse_allowed
from .sql.grammar import Grammar, NoGrammar, load

_EXIT_FINDINGS = 1  # argparse's own, for usage, is 2

# Whose record of what is applied the library reads (src/library/foreign/tools.c).
ADOPTED = tuple(
    "golang-migrate dbmate goose sqlx flyway diesel refinery bun filenames id-name".split()
)

_IDENTIFIER_MAX = 63  # bytes: PostgreSQL's NAMEDATALEN - 1
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
    except (InlayError, NoGrammar) as error:
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
    _add_embed(commands)
    _add_check(commands)
    _add_new(commands)
    _add_list(commands)
    _add_freeze(commands)
    return parser


_Commands = Any  # argparse does not name what add_subparsers gives


def _add(commands: _Commands, name: str, run: object, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, allow_abbrev=False, help=text)
    parser.add_argument("directory", type=_path, metavar="DIR")
    parser.add_argument(
        "--layout", choices=NAMES, default=AUTO, help="the tool that the directory was written for"
    )
    parser.set_defaults(run=run)
    return parser


def _add_embed(commands: _Commands) -> None:
    embed = _add(commands, "embed", _embed, "check a directory and write its migrations as C")
    embed.add_argument("--output", required=True, type=_path, metavar="FILE.c")
    embed.add_argument("--depfile", required=True, type=_path, metavar="FILE.d")
    embed.add_argument("--symbol", required=True, type=_symbol, metavar="NAME")
    embed.add_argument(
        "--late",
        choices=("apply", "refuse"),
        default="apply",
        help="what the program does with a version below one that is applied",
    )
    embed.add_argument(
        "--adopt",
        type=_adopted,
        metavar="TOOL=SCHEMA.TABLE",
        help="on the first start record what this tool has applied",
    )
    embed.add_argument(
        "--keep-down",
        dest="flags",
        default=[],
        action="append_const",
        const="INLAY_SET_KEEP_DOWN",
        help="store each down script in the database when its migration is applied",
    )
    embed.add_argument(
        "--no-reset",
        dest="flags",
        default=[],
        action="append_const",
        const="INLAY_SET_NO_RESET",
        help="refuse --migrate-reset in the program: for what runs in production",
    )
    _add_checks(embed)


def _add_check(commands: _Commands) -> None:
    checked = _add(commands, "check", _check, "the same findings; writes nothing")
    checked.add_argument(
        "--base", metavar="GITREF", help="also compare with this commit, before the merge"
    )
    checked.add_argument("--format", choices=FORMATS, default="text", help="of the findings")
    _add_checks(checked)


def _add_new(commands: _Commands) -> None:
    new = _add(commands, "new", _new, "write the file of a new migration")
    new.add_argument("name", metavar="NAME")
    kind = new.add_mutually_exclusive_group()
    kind.add_argument(
        "--timestamp", action="store_true", help="number it by the time (YYYYMMDDhhmmss)"
    )
    kind.add_argument(
        "--repeatable", action="store_true", help="one that runs again when it changes: R__name.sql"
    )


def _add_list(commands: _Commands) -> None:
    listed = _add(commands, "list", _list, "show what is in a directory")
    listed.add_argument("--json", action="store_true")


def _add_freeze(commands: _Commands) -> None:
    _add(commands, "freeze", _freeze, "add what is new to SHA256SUMS: it will not change any more")


def _add_checks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--history", type=_history, default=DEFAULT_HISTORY, metavar="SCHEMA.TABLE")
    parser.add_argument("--warnings", choices=("error", "show", "off"), default="show")
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        type=_allowed,
        metavar="RULE[:GLOB]",
        help="do not report this rule (for these files)",
    )
    parser.add_argument(
        "--no-transaction",
        action="append",
        default=[],
        metavar="GLOB",
        help="run these files without a transaction",
    )
    parser.add_argument(
        "--grammar",
        choices=("auto", "require", "off"),
        default="auto",
        help="parse every statement with PostgreSQL's grammar (the Python module pglast)",
    )
    parser.add_argument(
        "--target-version",
        type=int,
        metavar="N",
        help="of the server; above the grammar's, syntax findings are warnings",
    )
    parser.add_argument(
        "--require-frozen", action="store_true", help="refuse drafts (for release builds)"
    )


def _path(text: str) -> str:
    return paths.from_argument(text)


def _symbol(text: str) -> str:
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", text) or text in _C_KEYWORDS:
        raise argparse.ArgumentTypeError(f"'{text}' is not a name in C")
    return text


def _history(text: str) -> str:
    return _table(text, _TABLE_MAX)


def _table(text: str, most: int) -> str:
    """SCHEMA.TABLE, with at most this many bytes of table."""
    name = _utf8(text)
    schema, _, table = name.partition(".")
    if not schema or not table or "." in table:
        raise argparse.ArgumentTypeError(
            f"'{name}' is not SCHEMA.TABLE, as stored and without quotes"
        )
    if len(schema.encode()) > _IDENTIFIER_MAX or len(table.encode()) > most:
        raise argparse.ArgumentTypeError(
            f"'{name}' is too long: at most {_IDENTIFIER_MAX} bytes of schema and {most} of table"
        )
    return name


def _utf8(text: str) -> str:
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeDecodeError:
        raise argparse.ArgumentTypeError(f"{ascii(text)} is not UTF-8") from None


def _adopted(text: str) -> str:
    """TOOL=SCHEMA.TABLE; of file names the column can be named, too."""
    tool, _, table = text.partition("=")
    if tool not in ADOPTED or not table:
        raise argparse.ArgumentTypeError(
            f"{ascii(text)} is not TOOL=SCHEMA.TABLE; tools are {', '.join(ADOPTED)}"
        )
    dot = column = ""
    if tool == "filenames" and table.count(".") == 2:
        table, dot, column = _utf8(table).rpartition(".")
        if not 0 < len(column.encode()) <= _IDENTIFIER_MAX:
            raise argparse.ArgumentTypeError(
                f"'{column}' is not a column: a name has 1 to {_IDENTIFIER_MAX} bytes"
            )
    return f"{tool}={_table(table, _IDENTIFIER_MAX)}{dot}{column}"


def _allowed(text: str) -> tuple[str, str]:
    try:
        return parse_allowed(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


# ---- commands ----


@dataclass(frozen=True)
class _Loaded:
    """A directory that was read and checked."""

    directory: Directory
    migrations: list[CheckedMigration]
    findings: list[Finding]
    grammar: Grammar | None
    frozen: frozenset[str]  # names of files


def _load(arguments: argparse.Namespace) -> _Loaded:
    policy = Policy(arguments.warnings, tuple(arguments.allow), tuple(arguments.no_transaction))
    grammar = load(arguments.grammar)
    schema = arguments.history.partition(".")[0]
    directory = discover(arguments.directory, arguments.layout)
    migrations, findings = check(
        directory, Checks(policy, grammar, arguments.target_version, schema)
    )
    replaced = squash.ranges(migrations)
    names, changed = frozen.check(directory, arguments.require_frozen, replaced)
    findings += directory.findings + changed
    base_ref = getattr(arguments, "base", None)
    if base_ref is not None:
        findings += base.check(directory, base_ref, replaced)
    return _Loaded(directory, migrations, sorted(policy.apply(findings)), grammar, frozenset(names))


def _check(arguments: argparse.Namespace) -> int:
    loaded = _load(arguments)
    if arguments.format == "json":
        _write_text(sys.stdout, render(loaded.findings, "json"))
        return _EXIT_FINDINGS if _has_errors(loaded.findings) else 0
    _write_text(sys.stderr, render(loaded.findings, arguments.format))
    if _has_errors(loaded.findings):
        return _EXIT_FINDINGS
    repeatable = sum(m.version == REPEATABLE for m in loaded.migrations)
    counts = (
        f"{_count(len(loaded.migrations) - repeatable, 'migration')}, "
        f"{_count(repeatable, 'repeatable') + ', ' if repeatable else ''}"
        f"{_count(len(loaded.findings), 'warning')}, "
        f"layout {loaded.directory.layout}, {_describe(loaded.grammar)}"
    )
    _print(sys.stdout, f"{arguments.directory}: {counts}")
    return 0


def _describe(grammar: Grammar | None) -> str:
    if grammar is None:
        return "without PostgreSQL's grammar"
    return f"parsed as PostgreSQL {grammar.version}"


def _embed(arguments: argparse.Namespace) -> int:
    loaded = _load(arguments)
    directory = loaded.directory
    _write_text(sys.stderr, render(loaded.findings, "text"))
    if _has_errors(loaded.findings):
        return _EXIT_FINDINGS
    late = ["INLAY_SET_REFUSE_LATE"] if arguments.late == "refuse" else []
    options = SetOptions(
        directory.name,
        arguments.symbol,
        arguments.history,
        directory.layout,
        tuple(sorted(set(arguments.flags + late))),
        arguments.adopt,
        loaded.frozen,
        tuple(arguments.no_transaction),
    )
    write(arguments.output, emit(loaded.migrations, options))
    write(arguments.depfile, [depfile(arguments.output, _inputs(directory))])
    return 0


def _new(arguments: argparse.Namespace) -> int:
    now = datetime.datetime.now(datetime.timezone.utc)
    directory = discover(arguments.directory, arguments.layout)
    if arguments.repeatable:
        made = [create_repeatable(directory, arguments.name, now)]
    else:
        made = create(directory, arguments.name, arguments.timestamp, now)
    for path in made:
        _print(sys.stdout, path)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    directory = discover(arguments.directory, arguments.layout)
    migrations, findings = check(directory)
    findings = sorted(f for f in directory.findings + findings if f.severity == Severity.ERROR)
    _write_text(sys.stderr, render(findings, "text"))
    names, _ = frozen.check(directory, False)
    show = listing.as_json if arguments.json else listing.as_text
    _print(sys.stdout, show(directory.layout, migrations, names))
    return _EXIT_FINDINGS if findings else 0


def _freeze(arguments: argparse.Namespace) -> int:
    """What is wrong is not frozen: it could not be mended any more."""
    directory = discover(arguments.directory, arguments.layout)
    migrations, findings = check(directory)
    findings += directory.findings
    findings += frozen.check(directory, False, squash.ranges(migrations))[1]
    findings = sorted(f for f in findings if f.severity == Severity.ERROR)
    _write_text(sys.stderr, render(findings, "text"))
    if findings:
        return _EXIT_FINDINGS
    for name in frozen.freeze(directory):
        _print(sys.stdout, f"frozen: {name}")
    return 0


def _inputs(directory: Directory) -> list[str]:
    """What the output depends on. A directory is among it: its time moves when a file is added or
    removed."""
    own = os.path.dirname(os.path.abspath(__file__))
    sums = os.path.join(directory.path, frozen.FILE)
    listed = [sums] if os.path.exists(paths.to_system(sums)) else []
    modules = [os.path.join(at, n) for at, _, names in os.walk(own) for n in names]
    return [
        directory.path,
        *directory.files,
        *listed,
        *(paths.from_argument(name) for name in sorted(modules) if name.endswith(".py")),
    ]


# ---- printing ----


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _has_errors(findings: list[Finding]) -> bool:
    return any(finding.severity == Severity.ERROR for finding in findings)


def _print_error(line: str) -> None:
    _print(sys.stderr, line)


def _print(stream: TextIO, line: str) -> None:
    _write_text(stream, line + "\n")


def _write_text(stream: TextIO, text: str) -> None:
    """Prints names as they are, whatever the locale."""
    try:
        stream.buffer.write(paths.to_system(text))
        stream.buffer.flush()
    except OSError as error:
        # What is left in the buffer has nowhere to go, and Python would try again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise InlayError(f"{stream.name}: cannot be written: {error.strerror}") from error
