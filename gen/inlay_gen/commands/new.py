"""`inlay new`: writes the file of a new migration."""

from __future__ import annotations

import argparse
import datetime
import sys

from .. import layouts
from ..files import paths
from ..files.findings import InlayError
from ..output.create import NewFiles, create, create_repeatable, make_directory, place
from . import options, printing


def add(commands: options.Commands) -> None:
    new = options.add(commands, "new", _run, "write the file of a new migration")
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


def _run(arguments: argparse.Namespace) -> int:
    now = datetime.datetime.now(datetime.timezone.utc)
    if arguments.repeatable and arguments.down:
        raise InlayError("a repeatable migration has no down script: leave out --down")
    path, name = place(arguments.words)
    if not path:
        raise InlayError("the name of the directory is empty")
    if make_directory(paths.from_argument(path), name):
        printing.say_error(f"inlay: made the directory {path}")
    directory = layouts.discover(paths.from_argument(path), arguments.layout)
    if arguments.repeatable:
        made = [create_repeatable(directory, name, now)]
    else:
        made = create(directory, name, NewFiles(arguments.timestamp, arguments.down), now)
    for path in made:
        printing.say(sys.stdout, path)
    return 0
