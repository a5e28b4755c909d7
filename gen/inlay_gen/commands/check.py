"""`inlay check`: the findings about a directory."""

from __future__ import annotations

import argparse
import sys

from ..files.repeatables import REPEATABLE
from ..output.formats import FORMATS, render
from ..sql.grammar import Grammar
from . import loading, options, printing, values


def add(commands: options.Commands) -> None:
    checked = options.add(commands, "check", _run, "the same findings; writes nothing")
    checked.add_argument(
        "--base", metavar="GITREF", help="also compare with this commit, before the merge"
    )
    checked.add_argument("--format", choices=FORMATS, default="text", help="of the findings")
    checked.add_argument(
        "--execute",
        type=values.path,
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
    options.add_checks(checked)


def _run(arguments: argparse.Namespace) -> int:
    loaded = loading.load(arguments)
    printing.write(sys.stderr, loaded.note)
    if arguments.format == "json":
        printing.write(sys.stdout, render(loaded.findings, "json"))
        return printing.EXIT_FINDINGS if printing.has_errors(loaded.findings) else 0
    printing.write(sys.stderr, render(loaded.findings, arguments.format))
    if printing.has_errors(loaded.findings):
        return printing.EXIT_FINDINGS
    repeatable = sum(m.version == REPEATABLE for m in loaded.migrations)
    counts = (
        f"{printing.count(len(loaded.migrations) - repeatable, 'migration')}, "
        f"{printing.count(repeatable, 'repeatable') + ', ' if repeatable else ''}"
        f"{printing.count(len(loaded.findings), 'warning')}, "
        f"layout {loaded.directory.layout}, {_describe(loaded.grammar)}"
    )
    printing.say(sys.stdout, f"{arguments.directory}: {counts}")
    return 0


def _describe(grammar: Grammar | None) -> str:
    if grammar is None:
        return "without PostgreSQL's grammar"
    return f"parsed as PostgreSQL {grammar.version}"
