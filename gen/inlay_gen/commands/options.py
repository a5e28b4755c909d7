"""The options that several commands have."""

from __future__ import annotations

import argparse
from typing import Any

from ..layouts import AUTO, NAMES
from ..output.emit import DEFAULT_HISTORY
from . import values


Commands = Any  # argparse does not name what add_subparsers gives


class _Help(argparse.HelpFormatter):
    """argparse writes no other form than with a space, and here that takes no pattern (main.py)."""

    def format_help(self) -> str:
        return super().format_help().replace(f"{_STRIP} GLOB", f"{_STRIP}[=GLOB]")


_STRIP = "--strip-transaction"


def add(commands: Commands, name: str, run: object, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, allow_abbrev=False, help=text, formatter_class=_Help
    )
    if name != "new":
        parser.add_argument("directory", type=values.path, metavar="DIR")
    names = parser.add_mutually_exclusive_group()
    names.add_argument(
        "--layout", choices=NAMES, default=AUTO, help="the tool that the directory was written for"
    )
    if name != "new":
        names.add_argument(
            "--pattern",
            type=values.pattern,
            metavar="REGEX",
            help="what the names of its files look like, with the groups version, name, direction",
        )
    parser.set_defaults(run=run)
    return parser


def add_checks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--history", type=values.history, default=DEFAULT_HISTORY, metavar="SCHEMA.TABLE"
    )
    parser.add_argument("--warnings", choices=("error", "show", "off"), default="show")
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        type=values.allowed,
        metavar="RULE[:GLOB]",
        help="do not report this rule (for these files)",
    )
    add_scripts(parser)
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


def add_scripts(parser: argparse.ArgumentParser) -> None:
    """What may be said of files that cannot be edited."""
    parser.add_argument(
        "--no-transaction",
        action="append",
        default=[],
        metavar="GLOB",
        help="run these files without a transaction",
    )
    parser.add_argument(
        _STRIP,
        action="append",
        default=[],
        metavar="GLOB",
        help="leave out the BEGIN and the COMMIT around these files; without =GLOB: around all "
        "that have them",
    )
