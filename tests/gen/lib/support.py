"""What the generator's tests share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Callable, Mapping, NamedTuple, Union

SOURCE = Path(__file__).resolve().parents[3]

Files = Mapping[str, Union[str, bytes]]


class Result(NamedTuple):
    """What a run of the generator did."""

    status: int
    out: str
    err: str


# Runs the generator's command line with these arguments.
Inlay = Callable[..., Result]

# Makes the directory `migrations` of these files, goes where it is, and returns its name.
Migrations = Callable[[Files], str]

# Many files of the tests are empty: what they are about is in their names.
EMPTY = ("--allow", "empty-migration")
EMBED = (
    *("--output", "out.c", "--depfile", "out.c.d", "--symbol", "app", "--grammar", "off"),
    *("--allow", "empty-set", *EMPTY),
)


def write_files(directory: Path, files: Files) -> Path:
    """Makes a directory of these files."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(data)
    return directory


def compilers() -> list[str]:
    """The C compilers of this machine, with the build's own."""
    own = os.environ.get("CC", "cc")
    found = [name for name in (own, "gcc", "clang") if shutil.which(name.split()[0])]
    assert found, "no C compiler"
    return list(dict.fromkeys(found))
