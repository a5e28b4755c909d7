"""Compiles the installed modules, which is most of what a start of the generator takes. Run by
`meson install`, by the Python that will run them.

Each compiled file carries the hash of its source, so that a module which is replaced, with whatever
time, is never run as it was.
"""

from __future__ import annotations

import compileall
import os
import sys
from py_compile import PycInvalidationMode


def main(modules: str) -> int:
    """Compiles below this directory, which is relative to the prefix."""
    destination = os.environ.get("DESTDIR", "")
    done = compileall.compile_dir(
        os.path.join(os.environ["MESON_INSTALL_DESTDIR_PREFIX"], modules),
        quiet=1,
        force=True,
        stripdir=destination or None,
        prependdir="/" if destination else None,
        invalidation_mode=PycInvalidationMode.CHECKED_HASH,
    )
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
