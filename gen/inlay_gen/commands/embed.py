"""`inlay embed`: writes the migrations of a directory as C."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable

from ..files import paths, schema
from ..files.discover import Directory
from ..output import ninja
from ..output.emit import SetOptions, emit
from ..output.formats import render
from ..output.stamp import Stamp
from ..output.writing import depfile, write
from ..rules import frozen
from . import loading, options, printing, values


def add(commands: options.Commands) -> None:
    embed = options.add(commands, "embed", _run, "check a directory and write its migrations as C")
    embed.add_argument("--output", required=True, type=values.path, metavar="FILE.c")
    embed.add_argument(
        "--depfile",
        type=values.path,
        metavar="FILE.d",
        help="for a build that does not always run this",
    )
    embed.add_argument("--symbol", required=True, type=values.symbol, metavar="NAME")
    embed.add_argument(
        "--late",
        choices=("apply", "refuse"),
        default="apply",
        help="what the program does with a version below one that is applied",
    )
    embed.add_argument(
        "--adopt",
        type=values.adopted,
        metavar="TOOL=SCHEMA.TABLE",
        help="on the first start record what this tool has applied",
    )
    embed.add_argument(
        "--schema",
        type=values.path,
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
    options.add_checks(embed)


def _run(arguments: argparse.Namespace) -> int:
    stamp = Stamp(paths.to_system(arguments.output), paths.to_system(arguments.directory))
    try:
        return _run_under(stamp, arguments)
    finally:
        stamp.drop()


def _run_under(stamp: Stamp, arguments: argparse.Namespace) -> int:
    loaded = loading.load(arguments)
    directory = loaded.directory
    said = loaded.note + render(loaded.findings, "text")
    blind = None if arguments.depfile is not None else ninja.blind(arguments.output)
    printing.write(sys.stderr, said + (blind or ""))
    if printing.has_errors(loaded.findings):
        return printing.EXIT_FINDINGS
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


def _inputs(directory: Directory, arguments: argparse.Namespace) -> list[str]:
    """What the output depends on. A directory is among it: its time moves when a file is added or
    removed."""
    sums = os.path.join(directory.path, frozen.FILE)
    listed = [sums] if os.path.exists(paths.to_system(sums)) else []
    listed += [arguments.schema] if arguments.schema is not None else []
    return [directory.path, *directory.files, *listed, *_modules()]


def _modules() -> list[str]:
    """The generator's own files."""
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files = [os.path.join(at, n) for at, _, names in os.walk(own) for n in names]
    return [paths.from_argument(name) for name in sorted(files) if name.endswith(".py")]
