"""Which tables a statement goes through that changes rows. Scans alone do not tell: the tables are
empty here, and an index may serve for what goes through many rows later."""

from __future__ import annotations

from collections.abc import Iterable

from .facts import Touched
from .hazard import Judged
from .statements import Text, last_name


def read(
    text: Text, scanned: Iterable[Touched], locked: Iterable[Touched], judged: Judged
) -> list[Touched]:
    """Of what is scanned or locked: the table that is changed, unless it is some rows by their key,
    and the others that it names."""
    name = text.change
    mine = [t for t in scanned if last_name(t.relation) == name]
    others = [t for t in scanned if last_name(t.relation) != name]
    found = [t for t in locked if last_name(t.relation) == name]
    joined = [t for t in locked if last_name(t.relation) != name and text.uses(t.relation)]
    if found and _by_key(text, found[0].relation, judged):
        mine = []
    elif not mine and found and (found[0].relation in judged.keys or not text.equals()):
        mine = found
    return [*mine, *others, *joined]


def _by_key(text: Text, table: str, judged: Judged) -> bool:
    equal = text.equals()
    return any(key <= equal for key in judged.keys.get(table, ()))
