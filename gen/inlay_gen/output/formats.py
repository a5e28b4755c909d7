"""Findings for people, programs and the places where code is reviewed."""

from __future__ import annotations

import json
from typing import Any

from ..files.findings import Finding, Place, Severity

FORMATS = ("text", "json", "github", "gcc")


def render(findings: list[Finding], form: str) -> str:
    """All findings in one form, each line ended."""
    if form == "json":
        return json.dumps([_as_data(f) for f in findings], indent=2, ensure_ascii=False) + "\n"
    lines: list[str] = []
    for finding in findings:
        lines += _github(finding) if form == "github" else finding.lines()
    return "".join(line + "\n" for line in lines)


_Data = dict[str, Any]


def _place(place: Place) -> _Data:
    return {"path": place.path, "line": place.line, "column": place.column}


def _as_data(finding: Finding) -> _Data:
    return {
        **_place(finding.place),
        "severity": str(finding.severity),
        "rule": finding.rule,
        "text": finding.text,
        "notes": [{**_place(note.place), "text": note.text} for note in finding.notes],
    }


def _escape(text: str) -> str:
    """Of a message in a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")


def _github(finding: Finding) -> list[str]:
    command = "error" if finding.severity == Severity.ERROR else "warning"
    place = finding.place
    text = "\n".join([finding.text, *(f"{note.place}: {note.text}" for note in finding.notes)])
    return [
        f"::{command} file={_property(place.path)},line={place.line},col={place.column},"
        f"title={_property(finding.rule)}::{_escape(text)}"
    ]
