"""The command line of the generator."""

from __future__ import annotations

import argparse

from . import VERSION
from .commands import check, embed, importing, listing, new, printing, scratch
from .files.findings import InlayError
from .rules.transaction import EVERY
from .sql.grammar import NoGrammar


def main(arguments: list[str]) -> int:
    """Runs the generator; returns its exit status."""
    parsed = _parse(arguments)
    try:
        status: int = parsed.run(parsed)
    except (InlayError, NoGrammar) as error:
        printing.say_error(f"inlay: error: {error}")
        return printing.EXIT_FINDINGS
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
    embed.add(commands)
    check.add(commands)
    new.add(commands)
    listing.add(commands)
    listing.add_freeze(commands)
    importing.add(commands)
    scratch.add(commands)
    return parser
