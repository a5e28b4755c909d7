#!/usr/bin/env python3
"""Writes the library as two files, inlay.c and inlay.h, for programs that have no place for more.

usage: amalgamate.py DIRECTORY

They are what src/library and include/ have, each file after those that it includes; without the
command line. For `meson dist`, which sets MESON_DIST_ROOT, it takes the files of the release and
writes into it.
"""

from __future__ import annotations

import os
import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path

TOP = Path(os.environ.get("MESON_DIST_ROOT") or Path(__file__).resolve().parents[1])
LIBRARY = TOP / "src" / "library"

# What the library defines nothing of.
ELSEWHERE = {"inlay-cli.h"}

SYSTEM = re.compile(r"^#include <(?!inlay)[^>]+>\n", re.MULTILINE)
OURS = re.compile(r'^#include (?:"([^"]+)\.h"|<(inlay[^>]*)>)\n', re.MULTILINE)

# Names that other sources are to know, and other programs are not.
SOURCE_HEAD = """\
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include "inlay.h"

{system}
#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif
"""
SOURCE_END = """
#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
"""


def sorted_by_includes(includes: dict[str, set[str]]) -> list[str]:
    """What includes nothing of ours comes first."""
    return list(
        TopologicalSorter({k: sorted(includes[k]) for k in sorted(includes)}).static_order()
    )


def part(path: Path, root: Path) -> str:
    """A file without its includes."""
    text = OURS.sub("", SYSTEM.sub("", path.read_text()))
    assert "#include" not in text, f"{path}: an include that cannot be moved to the head"
    return f"\n/* ==== {path.relative_to(root)} ==== */\n\n{text.strip()}\n"


def system_includes(paths: list[Path]) -> str:
    return "".join(sorted({line for path in paths for line in SYSTEM.findall(path.read_text())}))


def head(what: str) -> str:
    """The licence, once."""
    licence = (TOP / "LICENSE").read_text().strip().splitlines()
    lines = "".join(f" * {line}".rstrip() + "\n" for line in ["", *licence])
    version = re.findall(r'INLAY_VERSION "(.*)"', (TOP / "include/inlay-set.h").read_text())[0]
    return f"/* inlay {version}: {what}. Written by amalgamate.py from the sources.\n{lines} */\n"


def header() -> str:
    paths = {path.name: path for path in (TOP / "include").glob("*.h")}
    includes = {
        name: {found[1] for found in OURS.findall(path.read_text())}
        for name, path in paths.items()
        if name not in ELSEWHERE
    }
    order = [paths[name] for name in sorted_by_includes(includes)]
    parts = "".join(part(path, TOP) for path in order)
    return head("the public headers of the library") + "\n" + system_includes(order) + parts


def source() -> str:
    """A source and its header are one unit, and come together."""
    paths = sorted(LIBRARY.rglob("*.[ch]"))
    includes: dict[str, set[str]] = {}
    for path in paths:
        unit = str(path.relative_to(LIBRARY).with_suffix(""))
        named = {found[0] for found in OURS.findall(path.read_text())} - {""}
        includes.setdefault(unit, set()).update(named - {unit})
    order = [
        path
        for unit in sorted_by_includes(includes)
        for path in (LIBRARY / f"{unit}.h", LIBRARY / f"{unit}.c")
        if path.exists()
    ]
    assert set(order) == set(paths), "an include of what is not there"
    before = SOURCE_HEAD.format(system=system_includes(order))
    parts = "".join(part(path, LIBRARY) for path in order)
    return head("the library, to compile with libpq") + "\n" + before + parts + SOURCE_END


def main(directory: str) -> int:
    output = Path(os.environ.get("MESON_DIST_ROOT", "."), directory)
    output.mkdir(parents=True, exist_ok=True)
    (output / "inlay.h").write_text(header())
    (output / "inlay.c").write_text(source())
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
