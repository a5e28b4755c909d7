"""What a program's rehearsal says that each statement did: its JSON as data. Members that are not
known are passed over."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ..files.findings import InlayError

_Data = dict[str, Any]


@dataclass(frozen=True)
class Touched:
    """A relation that was there before the file, and what a statement did to it."""

    relation: str  # schema-qualified, quoted where it must be
    kind: str
    made_by: str | None  # the version that made it in this run
    mode: str = ""  # of a lock


@dataclass(frozen=True)
class Effect:
    """What one statement did."""

    number: int  # from 1
    line: int
    locks: tuple[Touched, ...] = ()
    rewrites: tuple[Touched, ...] = ()
    scans: tuple[Touched, ...] = ()


@dataclass(frozen=True)
class Change:
    """What is otherwise in the catalogs after a file."""

    change: str  # dropped, renamed, created ...
    kind: str
    name: str
    table: str | None
    made_by: str | None
    number: int | None = None  # of the statement
    to: str = ""
    type: str = ""  # of a constraint
    valid: bool = True
    default: bool = False  # of a column that must have a value
    again: bool = False  # something else has its name at the end of the file
    columns: str = ""  # of an index that is gone


@dataclass(frozen=True)
class Advice:
    """What a question to the catalogs found after a file."""

    rule: str
    object: str
    table: str
    columns: frozenset[str] = frozenset()  # of a foreign key
    number: int | None = None  # of the statement that is it, where that is known


@dataclass(frozen=True)
class Executed:
    """One migration."""

    version: str
    file: str
    transaction: bool
    effects: dict[int, Effect] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Failure:
    """The migration that could not be executed."""

    path: str | None
    line: int
    column: int
    message: str


def version_of(data: _Data) -> str:
    """As `made_by` has it."""
    return str(data["version"]) if data.get("version") is not None else f"R__{data['name']}"


def read(text: str) -> tuple[list[Executed], Failure | None]:
    """The document of --migrate-rehearse=keep --migrate-json."""
    try:
        data = json.loads(text)
        done = [_executed(m) for m in data["migrations"] if m.get("result") != "failed"]
        error = data.get("error")
        return done, _failure(error) if error else None
    except (ValueError, KeyError, TypeError) as error:
        raise InlayError(f"the program's rehearsal cannot be read: {error!r}") from error


def failure(text: str) -> Failure | None:
    """Of a document that says how a run went."""
    try:
        error = json.loads(text)["error"]
        return _failure(error) if error else None
    except (ValueError, KeyError, TypeError) as problem:
        raise InlayError(f"what the program says cannot be read: {problem!r}") from problem


def _failure(error: _Data) -> Failure:
    details = [error["message"], error.get("detail"), error.get("hint")]
    text = "; ".join(str(part) for part in details if part)
    return Failure(error.get("path"), error.get("line") or 1, error.get("column") or 1, text)


def _executed(data: _Data) -> Executed:
    effects = [_effect(statement) for statement in data.get("statements", [])]
    return Executed(
        version_of(data),
        data["file"],
        data.get("transaction", True),
        {effect.number: effect for effect in effects},
        tuple(_change(change) for change in data.get("changes", [])),
    )


def _effect(data: _Data) -> Effect:
    def touched(name: str, kind: str = "table") -> tuple[Touched, ...]:
        return tuple(
            Touched(t["relation"], t.get("kind", kind), t.get("made_by"), t.get("mode", ""))
            for t in data.get(name, [])
        )

    return Effect(
        data["number"], data["line"], touched("locks"), touched("rewrites"), touched("scans")
    )


def _change(data: _Data) -> Change:
    return Change(
        data["change"],
        data["kind"],
        data["object"],
        data.get("table"),
        data.get("made_by"),
        data.get("statement"),
        data.get("to") or "",
        data.get("type") or "",
        data.get("valid") is not False,
        data.get("default") is True,
        data.get("again") is True,
        data.get("columns") or "",
    )
