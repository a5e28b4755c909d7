"""Writing what was made: whole or not at all, and only where it differs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from ..files import paths
from ..files.findings import InlayError

_BLOCK = 1 << 20


def write(path: str, parts: Iterable[bytes]) -> os.stat_result:
    """Replaces the file in one step. An unchanged file keeps its time, so nothing is rebuilt.
    What is returned is of the file with this content, even if there is another one by now."""
    target = paths.to_system(path)
    temporary = target + b".%d.tmp" % os.getpid()
    try:
        try:
            with open(temporary, "wb") as file:
                file.writelines(parts)
                file.flush()
                same = _same(temporary, target)
                if same is not None:
                    return same
                os.replace(temporary, target)
                return os.fstat(file.fileno())
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)
    except OSError as error:
        raise InlayError(f"{path}: cannot be written: {error.strerror}") from error


def _same(first: bytes, second: bytes) -> os.stat_result | None:
    """The state of the second file, if it has the content of the first."""
    try:
        with open(first, "rb") as one, open(second, "rb") as other:
            about = os.fstat(other.fileno())
            if about.st_size != os.fstat(one.fileno()).st_size:
                return None
            while (block := one.read(_BLOCK)) == other.read(_BLOCK):
                if not block:
                    return about
        return None
    except FileNotFoundError:
        return None


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
