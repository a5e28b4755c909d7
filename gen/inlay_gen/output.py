"""Writing what was made: whole or not at all, and only where it differs."""

from __future__ import annotations

import os
import tempfile

from .findings import InlayError


def _same(path: str, data: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read() == data
    except OSError:
        return False


def write(path: str, data: bytes) -> None:
    """Replaces the file in one step. An unchanged file keeps its time, so nothing is rebuilt."""
    if _same(path, data):
        return
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=".inlay-", dir=os.path.dirname(path) or ".")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise InlayError(f"{path}: cannot be written: {error.strerror}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _escape(path: str) -> str:
    """As make and ninja read a name."""
    return path.replace("\\", "\\\\").replace("$", "$$").replace("#", "\\#").replace(" ", "\\ ")


def depfile(target: str, inputs: list[str]) -> bytes:
    """A rule for the target, and an empty one for each input: deleting one breaks no build."""
    names = [_escape(name) for name in inputs]
    lines = [f"{_escape(target)}: \\\n  " + " \\\n  ".join(names) + "\n"]
    lines += [f"\n{name}:\n" for name in names]
    return "".join(lines).encode("utf-8", "surrogateescape")
