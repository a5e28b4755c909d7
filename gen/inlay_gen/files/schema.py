"""The file of --schema: what a program's --migrate-schema has written of a migrated database."""

from __future__ import annotations

import re

from . import paths
from .findings import InlayError

_HEAD = re.compile(rb"-- inlay schema 1, PostgreSQL [0-9]+\n")
_CONFLICT = re.compile(rb"^(<<<<<<<|=======|>>>>>>>)", re.MULTILINE)


def read(path: str) -> bytes | None:
    """Its text; None of an empty file, for a program that has not written it yet."""
    try:
        with open(paths.to_system(path), "rb") as file:
            text = file.read().replace(b"\r\n", b"\n")
    except OSError as error:
        raise InlayError(
            f"{path}: cannot be read: {error.strerror}; an empty file will do, until the program's "
            "--migrate-schema has written it"
        ) from error
    if _CONFLICT.search(text):
        raise InlayError(
            f"{path}: two branches changed the schema: empty this file, build, and write it anew "
            "with the program's --migrate-schema"
        )
    if text and (not _HEAD.match(text) or b"\0" in text):
        raise InlayError(
            f"{path}: not what --migrate-schema of this inlay writes: empty this file, build, and "
            "write it anew"
        )
    return text or None
