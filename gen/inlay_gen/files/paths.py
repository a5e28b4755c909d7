"""Names of files as text.

The system's names are bytes. Here they are text in UTF-8, whatever the locale says, so that the
output is the same in every locale; bytes that are not UTF-8 survive as surrogates.
"""

from __future__ import annotations

import os


def from_system(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def to_system(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def from_argument(argument: str) -> str:
    """A name from the command line."""
    return from_system(os.fsencode(argument))


def own_name(directory: str) -> str:
    """The name of a directory, which "." does not tell."""
    return from_system(os.path.basename(os.path.realpath(to_system(directory))))
