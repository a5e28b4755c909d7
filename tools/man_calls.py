"""Writes inlay(3) to stdout: the public headers, whose comments are its text."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator

from man import plain

TOP = Path(__file__).resolve().parents[1]
# What the generator writes is nothing to call: inlay-set.h is read for its calls alone.
HEADERS = (
    "inlay.h",
    "inlay-events.h",
    "inlay-set.h",
    "inlay-admin.h",
    "inlay-many.h",
    "inlay-tx.h",
    "inlay-cli.h",
)

HEAD = r""".\" Written by tools/man_calls.py from the public headers.
.Dd November 29, 2026
.Dt INLAY 3
.Os
.Sh NAME
.Nm inlay
.Nd PostgreSQL migrations compiled into a C program
.Sh LIBRARY
pkg-config: inlay, and inlay-cli for the command line
.Sh DESCRIPTION
"""
TAIL = r""".Sh SEE ALSO
.Xr inlay 1 ,
.Xr inlay-migrate 7
"""
# A comment, perhaps, and what it is about.
_DECLARED = re.compile(r"\A(?:/\*(.*?)\*/)?\s*(.*)\Z", re.DOTALL)


def paragraphs(header: str) -> Iterator[str]:
    """What blank lines separate, outside of braces and comments."""
    text = re.sub(r"#ifdef __cplusplus\n.*?#endif\n", "", header, flags=re.DOTALL)
    text = re.sub(r"^#(?!define \w+[ (]).*\n", "", text, flags=re.MULTILINE)
    part = ""
    for line in text.splitlines(keepends=True):
        part += line if part or line.strip() else ""
        code = re.sub(r"/\*.*?(\*/|\Z)", "", part, flags=re.DOTALL)
        open_comment = part.rfind("/*") > part.rfind("*/")
        if not line.strip() and not open_comment and code.count("{") == code.count("}"):
            yield part.strip()
            part = ""
    if part.strip():
        yield part.strip()


def manual() -> str:
    text = HEAD
    for header in HEADERS:
        first = True
        for part in paragraphs((TOP / "include" / header).read_text()):
            comment, code = _DECLARED.findall(part)[0]
            title = re.fullmatch(r" ---- (.*?) ---- ", comment)
            if title:
                text += f".Ss {plain(title[1])}\n"
            elif header != "inlay-set.h" or code.startswith("INLAY_API") or first:
                text += f".Sh {header.upper()}\n" if first and header != HEADERS[0] else ""
                text += (_literal(code) if code else "") + _prose(comment)
            first = False
    return text + TAIL


def _prose(comment: str) -> str:
    """A comment as text; what is indented in it stays as it is."""
    text = ".Pp\n"
    for block in "\n".join(re.sub(r"^ ?\*? ?", "", c) for c in comment.splitlines()).split("\n\n"):
        lines = block.strip("\n").splitlines()
        if all(line.startswith("    ") for line in lines):
            text += _literal("\n".join(lines))
        else:
            text += "".join(f"{plain(line.strip())}\n" for line in lines if line.strip()) + ".Pp\n"
    return text.removesuffix(".Pp\n") if comment else ""


def _literal(code: str) -> str:
    """A block, or one for each call that is declared."""
    calls = re.split(r"^INLAY_API ", code, flags=re.MULTILINE)[1:]
    blocks = [re.sub(r"\n +", "\n    ", call) for call in calls] or [code]
    return "".join(
        ".Bd -literal\n" + "".join(f"{plain(line)}\n" for line in block.splitlines()) + ".Ed\n"
        for block in blocks
    )


if __name__ == "__main__":
    sys.stdout.write(manual())
