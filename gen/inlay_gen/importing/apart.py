"""Scripts that end their transaction in the middle: each statement runs by itself then."""

from __future__ import annotations

import re
from dataclasses import replace

from ..files.discover import Source, Transaction
from ..rules.transaction import File, Statements, is_begin, is_commit, is_control, unfit
from ..sql.classify import Kind, classify
from ..sql.scan import scan
from .reading import Reading
from .writing import with_semicolon

_OF_ONE = re.compile(
    rb"(?i)\b(?:SET\s+LOCAL|LOCK\s+TABLE|ON\s+COMMIT|DECLARE\s+\w+\s+CURSOR|SAVEPOINT)\b"
)
_NOT_LINE_END = re.compile(rb"[^\r\n]")


def apart(reading: Reading, source: Source | None) -> Source | None:
    """Without what begins and ends transactions, if there are several and none of their
    statements depends on that; also if only settings stand outside of the one that there is."""
    if source is None:
        return None
    text = source.script
    statements = [(at, classify(text, at)) for at in scan(text).statements]
    control = [(at, known) for at, known in statements if is_control(known)]
    if not control or unfit(File(source.name, text, statements, False)) is None:
        return source
    if _is_framed(text, statements):
        return replace(source, data=_without(source.text, control))
    if not _is_paired(text, control) or _OF_ONE.search(text):
        return source
    reading.lose(source.name, "it has several transactions; its statements run one by one here")
    made = _without(source.text, control)
    return replace(source, data=made, transaction=Transaction.NEVER)


def _is_paired(text: bytes, control: Statements) -> bool:
    """Has each BEGIN its COMMIT, and does neither say more than that?"""
    pairs = zip(control[::2], control[1::2])
    return len(control) % 2 == 0 and all(
        is_begin(text, begin) and is_commit(text, commit) for (begin, _), (commit, _) in pairs
    )


def _is_framed(text: bytes, statements: Statements) -> bool:
    """One transaction, with nothing before and after it but SET."""
    kinds = [known.kind for _, known in statements]
    inside = [place for place, kind in enumerate(kinds) if kind is not Kind.SESSION_SET]
    first, last = inside[0], inside[-1]
    return unfit(File("", text, statements[first : last + 1], False)) is None


def _without(text: bytes, control: Statements) -> bytes:
    """Blanks in their place, so that every line keeps its number."""
    for at, _ in control:
        start, end = with_semicolon(text, at)
        text = text[:start] + _NOT_LINE_END.sub(b" ", text[start:end]) + text[end:]
    return text
