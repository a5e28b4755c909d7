"""Writing what was made: whole or not at all, and only where it differs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from ..files import paths
from ..files.findings import InlayError

_BLOCK = 1 << 20


def write(path: str, parts: Iterable[bytes]) -> None:
    """Replaces the file in one step. An unchanged file keeps its time, so nothing is rebuilt."""
    target = paths.to_system(path)
    temporary = target + b".%d.tmp" % os.getpid()
    try:
        try:
            with open(temporary, "wb") as file:
                file.writelines(parts)
            if not _same(temporary, target):
                os.replace(temporary, target)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)
    except OSError as error:
        raise InlayError(f"{path}: cannot be written: {error.strerror}") from error


def _same(first: bytes, second: bytes) -> bool:
    try:
        if os.path.getsize(first) != os.path.getsize(second):
            return False
        with open(first, "rb") as one, open(second, "rb") as other:
            while (block := one.read(_BLOCK)) == other.read(_BLOCK):
                if not block:
                    return True
        return False
    except FileNotFoundError:
        return False


# What make or ninja reads as something else, however it is quoted.
_UNREADABLE = re.compile("[\"%&'*;<=>?\\[\\]^`|]|\\\\[#:]|\\)$")

# A prerequisite that never exists: the rule runs in every build.
_ALWAYS = "inlay-input-with-a-name-that-make-or-ninja-cannot-read"


def depfile(target: str, inputs: Iterable[str]) -> bytes:
    """A rule for the target, and an empty one for each input: deleting one breaks no build."""
    readable = dict.fromkeys(_ALWAYS if _UNREADABLE.search(name) else name for name in inputs)
    names = [_escape(name) for name in readable]
    rules = [f"{_escape(target)}: \\\n  " + " \\\n  ".join(names) + "\n"]
    rules += [f"\n{name}:\n" for name in names]
    return paths.to_system("".join(rules))


def _escape(path: str) -> str:
    """A name as both make and ninja read it; backslashes count only before these characters."""
    return re.sub(r"(\\*)([ #:])", r"\1\1\\\2", path).replace("$", "$$")
