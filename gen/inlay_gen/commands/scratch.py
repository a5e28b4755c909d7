"""`inlay scratch`: runs a command with a throw-away PostgreSQL."""

from __future__ import annotations

import argparse

from . import options, printing


def add(commands: options.Commands) -> None:
    scratch = commands.add_parser(
        "scratch",
        allow_abbrev=False,
        usage="inlay scratch [--pg DIR | --url URL] -- COMMAND ...",
        help="run a command with a throw-away PostgreSQL in DATABASE_URL",
    )
    place = scratch.add_mutually_exclusive_group()
    place.add_argument("--pg", metavar="DIR", help="where the server's programs are")
    place.add_argument("--url", metavar="URL", help="an empty database, instead of a server")
    scratch.set_defaults(run=lambda arguments: _run(scratch, arguments))


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    from ..scratch import command  # it is of no use to a build, which would wait for it

    if not arguments.command_line:
        parser.error("what to run follows --, as in: inlay scratch -- ./server --migrate-selftest")
    try:
        if arguments.url is not None:
            return command.run_on_given(arguments.command_line, arguments.url)
        return command.run_on_scratch(arguments.command_line, arguments.pg)
    except command.CommandError as error:
        printing.say_error(f"inlay: error: {error}")
        return error.status
