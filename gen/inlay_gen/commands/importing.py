"""`inlay import`: writes another tool's directory as files of inlay's own."""

from __future__ import annotations

import argparse
import sys

from ..files.findings import printable
from ..output.formats import render
from . import options, printing, values


def add(commands: options.Commands) -> None:
    imported = commands.add_parser(
        "import", allow_abbrev=False, help="write another tool's directory as files of inlay's own"
    )
    imported.add_argument(
        "tool", choices=values.IMPORTED, metavar="TOOL", help=", ".join(values.IMPORTED)
    )
    imported.add_argument("directory", type=values.path, metavar="DIR")
    imported.add_argument(
        "out", type=values.path, metavar="OUT", help="a directory that is new or empty"
    )
    imported.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from .. import importing  # done once, and never by a build

    made = importing.run(arguments.tool, arguments.directory, arguments.out)
    printing.write(sys.stderr, render(made.findings, "text"))
    for line in made.lost:
        printing.say_error(printable(line))
    if made.findings:
        return printing.EXIT_FINDINGS
    printing.say(sys.stdout, made.summary)
    return 0
