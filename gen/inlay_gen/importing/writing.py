"""From what was read to files of inlay's own."""

from __future__ import annotations

import os
import re

from ..files import paths
from ..files.discover import VERSION_MAX, Source
from ..files.findings import InlayError
from ..files.scripts import Script
from ..sql.scan import Statement, scan

_ALONE = b"-- inlay: no-transaction\n"
_DIGITS = re.compile(r"([0-9]+)[_.-]*(.*)", re.DOTALL)


def stems(names: list[str]) -> list[tuple[int, str]]:
    """For each name version and stem of its file. The digits that a name begins with are its
    version if all ascend; else they are counted, and the whole name follows."""
    found = [_DIGITS.fullmatch(name) for name in names]
    numbers = [int(match[1]) if match is not None else -1 for match in found]
    ascend = all(a < b for a, b in zip([-1, *numbers], numbers))
    if ascend and all(number <= VERSION_MAX for number in numbers):
        return [
            (int(match[1]), f"{match[1]}_{match[2] or match[1]}")
            for match in found
            if match is not None
        ]
    width = max(3, len(str(len(names))))
    return [
        (count, f"{count:0{width}}_{name.replace('/', '-')}") for count, name in enumerate(names, 1)
    ]


def text_of(source: Source, script: Script, marks: re.Pattern[bytes] | None) -> bytes:
    """The text of one direction: without the tool's marks, without the BEGIN and COMMIT around it,
    with the setting that it needs. A file in which all of that is so already is copied."""
    kept = [statement for statement, _ in script.statements]
    whole = scan(source.script)
    cuts = [with_semicolon(source.text, s) for s in whole.statements if s not in kept]
    if marks is not None:
        cuts += [m.span() for m in marks.finditer(source.text) if not _within(m.start(), kept)]
    start, end = source.part or (0, len(source.text))
    cuts += [(0, start), (end, len(source.text))]
    text = _less(source.text, cuts)
    if source.part is not None:
        text = text.strip() + b"\n"
    if script.settings.no_transaction and not whole.remarks:
        text = _ALONE + text
    _compare(source, kept, text)
    return source.data if text == source.text else text


def _compare(source: Source, kept: list[Statement], text: bytes) -> None:
    """What is written must be what was read, statement by statement."""
    before = [source.text[s.start : s.end] for s in kept]
    after = [text[s.start : s.end] for s in scan(text).statements]
    if before != after:
        why = "its statements cannot be told apart once they are written: split the file"
        raise InlayError(f"{source.name}: {why}")


def _within(at: int, statements: list[Statement]) -> bool:
    return any(s.start < at < s.end for s in statements)


def with_semicolon(text: bytes, statement: Statement) -> tuple[int, int]:
    """A statement, and the semicolon where it follows at once."""
    rest = text[statement.end :]
    blank = len(rest) - len(rest.lstrip())
    ends = rest[blank : blank + 1] == b";"
    return statement.start, statement.end + (blank + 1 if ends else 0)


def _less(text: bytes, cuts: list[tuple[int, int]]) -> bytes:
    """The text without these parts, and without the lines that are empty then."""
    made, done = [], 0
    for start, end in sorted(cuts):
        line = text.rfind(b"\n", 0, start) + 1
        after = text.find(b"\n", end)
        rest = text[end : after if after >= 0 else len(text)]
        if start < end and not text[line:start].strip() and not rest.strip():
            start, end = line, after + 1 if after >= 0 else len(text)
        made.append(text[done : max(start, done)])
        done = max(end, done)
    return b"".join([*made, text[done:]])


def write_all(out: str, files: dict[str, bytes]) -> None:
    """Writes into a directory that is empty or not there."""
    try:
        os.makedirs(paths.to_system(out), exist_ok=True)
        if os.listdir(paths.to_system(out)):
            raise InlayError(f"{out} is not empty; nothing was written: name another directory")
        for name, data in files.items():
            with open(paths.to_system(os.path.join(out, name)), "xb") as file:
                file.write(data)
    except OSError as problem:
        raise InlayError(f"{out}: cannot be written: {problem.strerror}") from problem
