"""Writes docs/inlay-migrate.7 from what a program says of itself:

    python3 tools/man.py PROGRAM > docs/inlay-migrate.7

PROGRAM is any that has inlay's command line, such as build/server. The suite compares."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Callable

Help = Callable[..., str]

HEAD = r""".\" Written by tools/man.py from --migrate-help.
.Dd November 29, 2026
.Dt INLAY-MIGRATE 7
.Os
.Sh NAME
.Nm inlay-migrate
.Nd the command line of a program with migrations inside
.Sh SYNOPSIS
.Ar program
.Fl -migrate- Ns Ar VERB
.Op Fl -migrate- Ns Ar OPTION ...
.Sh DESCRIPTION
A program that is linked with inlay's command line takes one verb, does it, and ends.
Without a verb it does its own work.
A program whose main function is
.Fn inlay_main
takes the verbs without
.Ql migrate-
as well.
"""
TAIL = r""".Sh SEE ALSO
.Xr inlay 1 ,
.Xr inlay 3
"""


def manual(helped: Help) -> str:
    screen, _, names = helped().partition("\noptions ")
    text = HEAD
    for line in screen.splitlines()[2:]:
        name = re.match(r"  --migrate-([a-z-]+)", line)
        text += _verb(helped(name.group(1))) if name else f".Ss {line.capitalize()}\n"
    text += ".Sh OPTIONS\n"
    for option in re.findall(r"--migrate-([a-z-]+)", names.partition("\n")[2]):
        text += _option(helped(option))
    about = helped("only").partition("\nenvironment\n")[2]
    environment, _, status = about.partition("\nexit status\n")
    return text + _table("ENVIRONMENT", environment) + _table("EXIT STATUS", status) + TAIL


def _verb(shown: str) -> str:
    usage, _, rest = shown.partition("\n\n")
    head = usage.split(" ", 2)[2].removesuffix(" [--migrate-OPTION ...]")
    first, *details = rest.partition("\n\noptions\n")[0].splitlines()
    sentence = first if first.endswith("?") else f"{first}."
    lines = [sentence[0].upper() + sentence[1:], *details]
    return _item(head) + "".join(f"{plain(line)}\n" for line in lines)


def _option(shown: str) -> str:
    head, says, goes, *verbs = (line.strip() for line in shown.splitlines())
    assert goes == "goes with"
    return f"{_item(head)}{plain(says[0].upper() + says[1:])}.\n"


def _table(title: str, text: str) -> str:
    """Of the rows "  WORD  what it says" with their further lines."""
    made = f".Sh {title}\n"
    for line in text.splitlines():
        row = re.match(r"  (\S+) +(.+)$", line) if line[:3].rstrip() != "" else None
        made += _item(row.group(1)) + f"{plain(row.group(2))}\n" if row else f"{line.strip()}\n"
    return made


def _item(head: str) -> str:
    return f".Pp\n.Sy {plain(head)}\n.br\n"


def plain(text: str) -> str:
    """Without what would be markup; a hyphen that can be copied."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped


def main(program: str) -> int:
    def helped(*words: str) -> str:
        command = [program, "--migrate-help", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    sys.stdout.write(manual(helped))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
