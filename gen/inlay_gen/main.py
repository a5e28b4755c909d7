"""The command line of the generator. Only this module prints."""

from __future__ import annotations

import argparse
import datetime
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TextIO

from . import VERSION
from .files import paths, schema
from .files.discover import Directory
from .files.findings import Finding, InlayError, Severity, printable
from .files.repeatables import REPEATABLE
from .files.scripts import CheckedMigration
from .layouts import AUTO, NAMES, discover
from .layouts.pattern import compile_pattern
from .output import listing, ninja
from .output.create import NewFiles, create, create_repeatable, make_directory, place
from .output.emit import DEFAULT_HISTORY, SetOptions, emit
from .output.formats import FORMATS, render
from .output.stamp import Stamp
from .output.writing import depfile, write
from .rules import base, frozen, squash
from .rules.check import check
from .rules.file import Checks
from .rules.policy import Policy, parse_allowed
from .rules.transaction import EVERY
from .sql.grammar import Grammar, NoGrammar, load, note

_EXIT_FINDINGS = 1  # argparse's own, for usage, is 2

# Whose record of what is applied the library reads (src/library/foreign/tools.c).
ADOPTED = tuple(
    "golang-migrate dbmate goose sqlx flyway diesel refinery bun filenames id-name".split()
)

# Whose directories `import` reads: the rows of importing/.
IMPORTED = tuple(
    "prisma drizzle hasura sqitch supabase atlas bun graphile-migrate yoyo sql-migrate tern".split()
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
    parsed = _parse(arguments)
    try:
        status: int = parsed.run(parsed)
    except (InlayError, NoGrammar) as error:
        _print_error(f"inlay: error: {error}")
        return _EXIT_FINDINGS
    return status


# ---- the command line ----


def _parse(arguments: list[str]) -> argparse.Namespace:
    """argparse takes the words before the first option for all of `new`'s words, and would take
    the word after --strip-transaction for its pattern."""
    parser = command_line()
    own, command = _split_off_command(arguments)
    own = [f"{word}={EVERY}" if word == "--strip-transaction" else word for word in own]
    given = argparse.Namespace(given=arguments, command_line=command)
    parsed, rest = parser.parse_known_args(own, given)
    if parsed.command == "new" and not any(word.startswith("-") for word in rest):
        parsed.words += rest
    elif rest:
        text = f"unrecognized arguments: {' '.join(rest)}"
        if "--strip-transaction" in arguments:
            text += "; a pattern is written --strip-transaction=GLOB"
        parser.error(text)
    return parsed


def _split_off_command(arguments: list[str]) -> tuple[list[str], list[str]]:
    """What `scratch` runs: all that follows the first --."""
    if arguments[:1] != ["scratch"] or "--" not in arguments:
        return arguments, []
    end = arguments.index("--")
    return arguments[:end], arguments[end + 1 :]


def command_line() -> argparse.ArgumentParser:
    """The table of commands and options."""
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
    _add_import(commands)
    _add_scratch(commands)
    return parser


_Commands = Any  # argparse does not name what add_subparsers gives


def _add(commands: _Commands, name: str, run: object, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, allow_abbrev=False, help=text)
    if name != "new":
        parser.add_argument("directory", type=_path, metavar="DIR")
    names = parser.add_mutually_exclusive_group()
    names.add_argument(
        "--layout", choices=NAMES, default=AUTO, help="the tool that the directory was written for"
    )
    if name != "new":
        names.add_argument(
            "--pattern",
            type=_pattern,
            metavar="REGEX",
            help="what the names of its files look like, with the groups version, name, direction",
        )
    parser.set_defaults(run=run)
    return parser


def _add_embed(commands: _Commands) -> None:
    embed = _add(commands, "embed", _embed, "check a directory and write its migrations as C")
    embed.add_argument("--output", required=True, type=_path, metavar="FILE.c")
    embed.add_argument(
        "--depfile", type=_path, metavar="FILE.d", help="for a build that does not always run this"
    )
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
        "--schema",
        type=_path,
        metavar="FILE",
        help="what --migrate-schema has written, for --migrate-drift to compare with",
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
    checked.add_argument(
        "--execute",
        type=_path,
        metavar="PROGRAM",
        help="let the program run its migrations on a scratch PostgreSQL, and judge what they do",
    )
    checked.add_argument(
        "--since",
        metavar="GITREF|VERSION",
        help="what is released, for --execute: newer tables are empty, and not in use yet",
    )
    checked.add_argument(
        "--small",
        action="append",
        default=[],
        metavar="TABLE",
        help="a table that always has few rows, for --execute",
    )
    _add_checks(checked)


def _add_new(commands: _Commands) -> None:
    new = _add(commands, "new", _new, "write the file of a new migration")
    new.usage = "inlay new [options] [DIR] NAME"
    new.add_argument(
        "words",
        nargs="+",
        metavar="[DIR] NAME",
        help="DIR is made if it is not there; without it, the directory migrations",
    )
    new.add_argument(
        "--down", action="store_true", help="write the down script, too: NNN_name.down.sql"
    )
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
    _add_scripts(listed)


def _add_freeze(commands: _Commands) -> None:
    freeze = _add(
        commands, "freeze", _freeze, "add what is new to SHA256SUMS: it will not change any more"
    )
    _add_scripts(freeze)


def _add_import(commands: _Commands) -> None:
    imported = commands.add_parser(
        "import", allow_abbrev=False, help="write another tool's directory as files of inlay's own"
    )
    imported.add_argument("tool", choices=IMPORTED, metavar="TOOL", help=", ".join(IMPORTED))
    imported.add_argument("directory", type=_path, metavar="DIR")
    imported.add_argument("out", type=_path, metavar="OUT", help="a directory that is new or empty")
    imported.set_defaults(run=_import)


def _add_scratch(commands: _Commands) -> None:
    scratch = commands.add_parser(
        "scratch",
        allow_abbrev=False,
        usage="inlay scratch [--pg DIR | --url URL] -- COMMAND ...",
        help="run a command with a throw-away PostgreSQL in DATABASE_URL",
    )
    place = scratch.add_mutually_exclusive_group()
    place.add_argument("--pg", metavar="DIR", help="where the server's programs are")
    place.add_argument("--url", metavar="URL", help="an empty database, instead of a server")
    scratch.set_defaults(run=lambda arguments: _scratch(scratch, arguments))


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
    _add_scripts(parser)
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
        help="the major version of the servers, which decides what their syntax is",
    )
    parser.add_argument(
        "--require-frozen", action="store_true", help="refuse drafts (for release builds)"
    )


def _add_scripts(parser: argparse.ArgumentParser) -> None:
    """What may be said of files that cannot be edited."""
    parser.add_argument(
        "--no-transaction",
        action="append",
        default=[],
        metavar="GLOB",
        help="run these files without a transaction",
    )
    parser.add_argument(
        "--strip-transaction",
        action="append",
        default=[],
        metavar="GLOB",
        help="leave out the BEGIN and the COMMIT around these files; without =GLOB: around all "
        "that have them",
    )


def _path(text: str) -> str:
    return paths.from_argument(text)


def _symbol(text: str) -> str:
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", text) or text in _C_KEYWORDS:
        raise argparse.ArgumentTypeError(f"'{text}' is not a name in C")
    return text


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return compile_pattern(_utf8(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _history(text: str) -> str:
    name = _table(text, _TABLE_MAX)
    if name.startswith("pg_") or name.startswith("information_schema."):
        raise argparse.ArgumentTypeError(f"'{name}' is in a schema of the server's own")
    return name


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
    note: str  # what was not looked at, as a line or nothing


def _load(arguments: argparse.Namespace) -> _Loaded:
    policy = replace(
        _scripts(arguments), warnings=arguments.warnings, allowed=tuple(arguments.allow)
    )
    grammar = load(arguments.grammar)
    directory = _discover(arguments)
    migrations, findings = check(
        directory, Checks(policy, grammar, arguments.target_version, arguments.history)
    )
    replaced = squash.ranges(migrations)
    names, changed = frozen.check(directory, arguments.require_frozen, replaced)
    findings += directory.findings + changed
    base_ref = getattr(arguments, "base", None)
    if base_ref is not None:
        findings += base.check(directory, base_ref, replaced)
    notes = [note(grammar, arguments.grammar, arguments.target_version)]
    program = getattr(arguments, "execute", None)
    if program is not None:
        more, unexecuted = _execute(arguments, directory, migrations, findings, frozenset(names))
        findings += more
        notes.append(unexecuted)
    return _Loaded(
        directory,
        migrations,
        sorted(policy.apply(findings)),
        grammar,
        frozenset(names),
        "".join(f"inlay: note: {text}\n" for text in notes if text is not None),
    )


def _discover(arguments: argparse.Namespace) -> Directory:
    return discover(arguments.directory, arguments.layout, arguments.pattern)


def _scripts(arguments: argparse.Namespace) -> Policy:
    """What the command line says of the scripts of some files."""
    return Policy(
        no_transaction=tuple(arguments.no_transaction),
        strip_transaction=tuple(arguments.strip_transaction),
    )


def _execute(
    arguments: argparse.Namespace,
    directory: Directory,
    migrations: list[CheckedMigration],
    findings: list[Finding],
    frozen_names: frozenset[str],
) -> tuple[list[Finding], str | None]:
    """What the migrations do; those with errors are in no program."""
    from .execute import check as execute  # a build, which would wait for it, has no use for it

    if _has_errors(findings):
        return [], "the program was not executed, because of the errors in the files"
    since = arguments.since if arguments.since is not None else arguments.base
    small = frozenset(name if "." in name else f"public.{name}" for name in arguments.small)
    options = execute.Options(arguments.execute, since, small)
    return execute.check(directory, migrations, frozen_names, options)


def _check(arguments: argparse.Namespace) -> int:
    loaded = _load(arguments)
    _write_text(sys.stderr, loaded.note)
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
    stamp = Stamp(paths.to_system(arguments.output), paths.to_system(arguments.directory))
    try:
        return _embed_under(stamp, arguments)
    finally:
        stamp.drop()


def _embed_under(stamp: Stamp, arguments: argparse.Namespace) -> int:
    loaded = _load(arguments)
    directory = loaded.directory
    said = loaded.note + render(loaded.findings, "text")
    blind = None if arguments.depfile is not None else ninja.blind(arguments.output)
    _write_text(sys.stderr, said + (blind or ""))
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
        tuple(arguments.strip_transaction),
        arguments.pattern.pattern if arguments.pattern is not None else None,
        schema.read(arguments.schema) if arguments.schema is not None else None,
    )
    files: dict[str, Iterable[bytes]] = {arguments.output: emit(loaded.migrations, options)}
    if arguments.depfile is not None:
        files[arguments.depfile] = [depfile(arguments.output, _inputs(directory, arguments))]
    made = [(paths.to_system(path), write(path, parts)) for path, parts in files.items()]
    if blind is None:  # else the next run looks whether it has been repaired
        stamp.finish(arguments.given, _watched(arguments), made, paths.to_system(said))
    return 0


def _watched(arguments: argparse.Namespace) -> list[bytes]:
    """What decides what a run does, besides the directory: the schema, the generator, the grammar,
    and where Python looks for modules, because another grammar may come there."""
    grammar = [
        getattr(module, "__file__", None)
        for name, module in sorted(sys.modules.items())
        if name.partition(".")[0] == "pglast"
    ]
    files = [*map(paths.from_argument, filter(None, [*grammar, *sys.path])), *_modules()]
    files += [arguments.schema] if arguments.schema is not None else []
    return [paths.to_system(file) for file in files]


def _new(arguments: argparse.Namespace) -> int:
    now = datetime.datetime.now(datetime.timezone.utc)
    if arguments.repeatable and arguments.down:
        raise InlayError("a repeatable migration has no down script: leave out --down")
    path, name = place(arguments.words)
    if make_directory(paths.from_argument(path), name):
        _print_error(f"inlay: made the directory {path}")
    directory = discover(paths.from_argument(path), arguments.layout)
    if arguments.repeatable:
        made = [create_repeatable(directory, name, now)]
    else:
        made = create(directory, name, NewFiles(arguments.timestamp, arguments.down), now)
    for path in made:
        _print(sys.stdout, path)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    directory = _discover(arguments)
    migrations, findings = check(directory, Checks(_scripts(arguments)))
    findings = sorted(f for f in directory.findings + findings if f.severity == Severity.ERROR)
    _write_text(sys.stderr, render(findings, "text"))
    names, _ = frozen.check(directory, False)
    show = listing.as_json if arguments.json else listing.as_text
    _print(sys.stdout, show(directory.layout, migrations, names))
    return _EXIT_FINDINGS if findings else 0


def _freeze(arguments: argparse.Namespace) -> int:
    """What is wrong is not frozen: it could not be repaired any more."""
    directory = _discover(arguments)
    migrations, findings = check(directory, Checks(_scripts(arguments)))
    findings += directory.findings
    findings += frozen.check(directory, False, squash.ranges(migrations))[1]
    findings = sorted(f for f in findings if f.severity == Severity.ERROR)
    _write_text(sys.stderr, render(findings, "text"))
    if findings:
        return _EXIT_FINDINGS
    for name in frozen.freeze(directory):
        _print(sys.stdout, f"frozen: {name}")
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from . import importing  # done once, and never by a build

    made = importing.run(arguments.tool, arguments.directory, arguments.out)
    _write_text(sys.stderr, render(made.findings, "text"))
    for line in made.lost:
        _print_error(printable(line))
    if made.findings:
        return _EXIT_FINDINGS
    _print(sys.stdout, made.summary)
    return 0


def _scratch(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    from .scratch import command  # it is of no use to a build, which would wait for it

    if not arguments.command_line:
        parser.error("what to run follows --, as in: inlay scratch -- ./server --migrate-selftest")
    try:
        if arguments.url is not None:
            return command.run_on_given(arguments.command_line, arguments.url)
        return command.run_on_scratch(arguments.command_line, arguments.pg)
    except command.CommandError as error:
        _print_error(f"inlay: error: {error}")
        return error.status


def _inputs(directory: Directory, arguments: argparse.Namespace) -> list[str]:
    """What the output depends on. A directory is among it: its time moves when a file is added or
    removed."""
    sums = os.path.join(directory.path, frozen.FILE)
    listed = [sums] if os.path.exists(paths.to_system(sums)) else []
    listed += [arguments.schema] if arguments.schema is not None else []
    return [directory.path, *directory.files, *listed, *_modules()]


def _modules() -> list[str]:
    """The generator's own files."""
    own = os.path.dirname(os.path.abspath(__file__))
    files = [os.path.join(at, n) for at, _, names in os.walk(own) for n in names]
    return [paths.from_argument(name) for name in sorted(files) if name.endswith(".py")]


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
