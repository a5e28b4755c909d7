"""Whatever is in a file: it is embedded byte for byte, or it is said why not."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from inlay_gen.main import main
from sql import SCRIPT, SOUP
from support import EMBED, SOURCE, Files, write_files

FINDING = re.compile(r"\S+/1_a(?:\.down)?\.sql:(\d+):(\d+): (?:error|warning): .+ \[[a-z0-9-]+\]")


def embed(files: Files, *options: str) -> tuple[int, str, bytes]:
    """Status, findings and C file of a run in a directory of its own."""
    top = Path(tempfile.mkdtemp(prefix="inlay-gen-"))
    try:
        directory = write_files(top / "migrations", files)
        output = top / "out.c"
        arguments = [str(top / word) if word.startswith("out.c") else word for word in EMBED]
        errors = io.BytesIO()
        stream = io.TextIOWrapper(errors)
        with contextlib.redirect_stderr(stream):
            status = main(["embed", str(directory), *arguments, *options])
        said = errors.getvalue().decode("utf-8")
        return status, said, output.read_bytes() if output.exists() else b""
    finally:
        shutil.rmtree(top)


ESCAPES = {"n": b"\n", "t": b"\t", "\\": b"\\", '"': b'"', "?": b"?"}


def texts(source: bytes) -> list[bytes]:
    """The texts that a C compiler reads in the generated file."""
    start = source.index(b"app_text[] =")
    spliced = source[start : source.index(b"\n;\n", start)].replace(b"\\\n", b"")
    literals = re.findall(rb'"((?:[^"\\\n]|\\.)*)"', spliced)
    joined = b"".join(literals)

    def unescape(match: re.Match[bytes]) -> bytes:
        octal, letter = match.groups()
        return bytes([int(octal, 8)]) if octal else ESCAPES[letter.decode()]

    return re.sub(rb"\\(?:([0-7]{3})|(.))", unescape, joined).split(b"\0")[:-1]


def check(data: bytes, *options: str) -> None:
    status, said, source = embed({"1_a.sql": data, "1_a.down.sql": data[::-1]}, *options)
    lines = said.splitlines() if said else []
    assert all(FINDING.fullmatch(line) for line in lines), said
    if status == 0:
        bodies = [
            body[3:] if body.startswith(b"\xef\xbb\xbf") else body for body in (data, data[::-1])
        ]
        assert texts(source) == bodies
        assert not any(": error: " in line for line in lines)
    else:
        assert (status, source) == (1, b"")
        assert any(": error: " in line for line in lines)
    for line in lines:
        match = FINDING.fullmatch(line)
        assert match is not None
        text = data[::-1] if "_a.down.sql" in line else data
        rows = text.decode("utf-8", "replace").split("\n")
        assert 1 <= int(match[1]) <= len(rows)
        assert 1 <= int(match[2]) <= len(rows[int(match[1]) - 1]) + 1


@given(st.binary(max_size=120))
@example(b"\xef\xbb\xbf")
@example(b"\xef\xbb\xbfSELECT 1;\xff")
@settings(max_examples=300)
def test_any_bytes(data: bytes) -> None:
    check(data)


@given(st.text(max_size=80))
@settings(max_examples=300)
def test_any_text(text: str) -> None:
    check(text.encode("utf-8", "surrogatepass"), "--grammar", "require")


@given(SOUP)
@settings(max_examples=300)
def test_soups_of_tokens(text: str) -> None:
    check(text.encode(), "--grammar", "require")


@given(SCRIPT, st.integers(0, 200))
@settings(max_examples=150)
def test_truncated_sql(text: str, end: int) -> None:
    check(text.encode()[:end], "--grammar", "require")


REAL = sorted(SOURCE.glob("migrations/*.sql"))


@given(st.sampled_from(REAL), st.integers(0, 1000), st.binary(max_size=3))
@settings(max_examples=200)
def test_real_files_with_a_piece_replaced(path: Path, at: int, piece: bytes) -> None:
    data = path.read_bytes()
    at %= len(data)
    check(data[:at] + piece + data[at + len(piece) :])


def test_a_hundred_thousand_statements() -> None:
    data = b"".join(b"INSERT INTO t VALUES (%d, 'it''s');\n" % n for n in range(100_000))
    status, said, source = embed({"1_a.sql": data})
    assert (status, said) == (0, "")
    assert texts(source) == [data]
    last = data.rindex(b"INSERT")
    assert b"\n    {%d, %d, 100000},\n" % (last, len(data) - len(b";\n") - last) in source
