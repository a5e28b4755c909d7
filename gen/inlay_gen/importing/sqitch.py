"""Sqitch: the changes of sqitch.plan, with deploy/, revert/ and verify/."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..files.discover import Source, Transaction
from ..sql.classify import classify
from ..sql.scan import scan
from .reading import Reading

_PLAN = "sqitch.plan"
_TAG = re.compile(r"@(\S+)")
_CHANGE = re.compile(r"([^\s%@#:\[]\S*)(?:\s+\[([^\]]*)\])?\s+\d{4}-\d\d-\d\dT\S+\s.*<.*>.*")
_LINE = re.compile(rb"[^\r\n]+")
_VARIABLE = re.compile(rb"(?<![:\w\[]):(?:'[^'\n]+'|\"[^\"\n]+\"|[A-Za-z_]\w*)")


@dataclass
class _Change:
    name: str
    needs: str
    tags: list[str] = field(default_factory=list)  # after it, and before the change is reworked


def sqitch(reading: Reading) -> None:
    """psql runs a script, so it has the transaction that it begins itself."""
    plan = reading.beside(_PLAN)
    if plan is None:
        reading.error("", "empty-set", f"there is no {_PLAN} here; name the directory that has it")
        return
    for change in _changes(reading, plan):
        file = _file(reading, change)
        up = _script(reading, f"deploy/{file}.sql")
        down, verify = (
            _script(reading, name) if (name := f"{kind}/{file}.sql") in reading.files else None
            for kind in ("revert", "verify")
        )
        reading.add(change.name, up, down=down, verify=verify)
        others = [word for word in change.needs.split() if ":" in word or word.startswith("!")]
        if others:
            text = f"{change.name} depends on {', '.join(others)}, which nothing here looks at"
            reading.lose(_PLAN, text)


def _changes(reading: Reading, plan: Source) -> list[_Change]:
    """A change that comes again has been reworked: the earlier one has files of its own."""
    found: list[_Change] = []
    for line in _LINE.finditer(plan.text):
        text = line[0].decode("utf-8", "replace").strip()
        tag, change = _TAG.match(text), _CHANGE.fullmatch(text)
        newest = {c.name: c for c in found}
        if tag is not None:
            for one in newest.values():
                one.tags.append(tag[1])
        elif change is not None:
            needs = change[2] or ""
            for missing in (n for n in needs.split() if not _is_there(n, newest)):
                text = f"{change[1]} depends on {missing}, which is not above it in this file"
                reading.error_in(plan, line.start(), "version-order", text)
            found.append(_Change(change[1].lstrip("+"), needs))
        elif text and text[0] not in "%#":
            text = "this line of the plan is no change; restore it, or begin it with #"
            reading.error_in(plan, line.start(), "metadata", text)
    return found


def _is_there(need: str, changes: dict[str, _Change]) -> bool:
    """Of other projects, and of what must not be there, nothing is known here."""
    name, _, tag = need.partition("@")
    if ":" in need or need.startswith("!"):
        return True
    if tag and tag not in ("ROOT", "HEAD") and not any(tag in c.tags for c in changes.values()):
        return False
    return not name or name in changes


def _file(reading: Reading, change: _Change) -> str:
    """Of a reworked change the scripts are called after the tag that came before."""
    for tag in change.tags:
        if f"deploy/{change.name}@{tag}.sql" in reading.files:
            return f"{change.name}@{tag}"
    return change.name


def _script(reading: Reading, file: str) -> Source | None:
    source = reading.source(file)
    if source is None:
        return None
    found = scan(source.text).statements
    for statement in found:
        for variable in _VARIABLE.finditer(source.text, *statement):
            shown = variable[0].decode("utf-8", "replace")
            text = f"psql puts a value in the place of {shown}; write the value"
            reading.error_in(source, variable.start(), "placeholder", text)
    control = any(classify(source.text, s).rule == "transaction-control" for s in found)
    alone = not control and len(found) > 1 and not file.startswith("verify/")
    mode = Transaction.NEVER if alone else Transaction.AS_NEEDED
    return Source(source.name, source.data, mode)
