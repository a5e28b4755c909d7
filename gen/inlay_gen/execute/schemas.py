"""Compares the schema that a create script makes with the one that its steps lead to, as
--migrate-schema writes both."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from ..files.findings import printable

# How much of what differs is shown.
_MOST_OBJECTS, _MOST_LINES, _LONGEST = 5, 3, 80

_TABLE = re.compile("(foreign )?table [^ ]+$")


@dataclass(frozen=True)
class Difference:
    """One object. `columns`: only their order differs."""

    object: str
    says: str
    columns: bool = False


def differences(by_script: str, by_steps: str) -> list[Difference]:
    """Sorted by object."""
    script, steps = _blocks(by_script), _blocks(by_steps)
    found = []
    for name in sorted(script.keys() | steps.keys()):
        if name not in script:
            found.append(Difference(name, f"{name}: only the steps make it"))
        elif name not in steps:
            found.append(Difference(name, f"{name}: only this file makes it"))
        elif script[name] != steps[name]:
            found.append(_different(name, script[name], steps[name]))
    return found


def shown(found: list[Difference]) -> list[str]:
    """The first of them, and how many more there are."""
    says = [difference.says for difference in found[:_MOST_OBJECTS]]
    more = len(found) - len(says)
    return says + ([f"and {more} more object{'s' if more > 1 else ''}"] if more else [])


def _blocks(text: str) -> dict[str, list[str]]:
    """The entries of each object. In a table, what belongs to a column stands below it and further
    in, such as its default."""
    blocks: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines()[1:]:
        inner = re.sub(r"^  \|", "   ", line)
        if line and line[0] != " ":
            name = line
            blocks[name] = []
        elif blocks.get(name) and _TABLE.match(name) and inner.startswith(" " * 5):
            blocks[name][-1] += " " + inner.strip()
        elif inner.strip():
            blocks[name].append(inner.strip())
    return blocks


def _different(name: str, script: list[str], steps: list[str]) -> Difference:
    here, there = Counter(script), Counter(steps)
    if here == there:
        at = next(i for i, (a, b) in enumerate(zip(script, steps)) if a != b)
        says = (
            f"{name}: the steps have {_quoted(steps[at])} where this file has {_quoted(script[at])}"
        )
        return Difference(name, says, _TABLE.match(name) is not None)
    sides = (("the steps have", there - here), ("this file has", here - there))
    only = [f"only {side} {_listed(lines)}" for side, lines in sides if lines]
    return Difference(name, f"{name}: {', '.join(only)}")


def _listed(lines: Counter[str]) -> str:
    listed = list(lines.elements())
    more = len(listed) - _MOST_LINES
    shown = ", ".join(_quoted(line) for line in listed[:_MOST_LINES])
    return shown + (f" and {more} more line{'s' if more > 1 else ''}" if more > 0 else "")


def _quoted(line: str) -> str:
    text = printable(line)
    return f'"{text[:_LONGEST]}..."' if len(text) > _LONGEST else f'"{text}"'
