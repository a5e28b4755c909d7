"""What inlay may weigh. A change that makes one of these grow raises its figure here, beside the
reason for the last rise."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

BUDGET = {
    # Other compilers need a few percent more. A rehearsal takes 8,000 of it, the guard that tries
    # what it advises 3,000.
    "bytes of the library's code and constants": 164_000,
    "public calls of the library": 33,  # inlay_rehearse, inlay_linked_read
    "public calls of the command line": 2,
    "verbs": 22,  # rehearse, version
    "options": 20,
    "words of the manual": 37_500,
}


def library_bytes() -> int:
    """.text and .rodata of the library as it is shipped."""
    listed = subprocess.run(
        ["size", "-A", os.environ["INLAY_STATIC"]], capture_output=True, text=True, check=True
    ).stdout
    sizes = re.findall(r"^\.(?:text|rodata)\S*\s+(\d+)", listed, re.MULTILINE)
    return sum(map(int, sizes))


def calls(*headers: str) -> int:
    texts = [(TOP / "include" / header).read_text() for header in headers]
    return sum(len(re.findall(r"^INLAY_API", text, re.MULTILINE)) for text in texts)


def rows(source: str) -> int:
    """The rows of a table of verbs or options."""
    return len(re.findall(r'^    \{"[a-z-]+", ', (TOP / "src/cli" / source).read_text(), re.M))


def test_nothing_has_grown_in_silence() -> None:
    headers = [path.name for path in sorted((TOP / "include").glob("inlay*.h"))]
    weighed = {
        "bytes of the library's code and constants": library_bytes(),
        "public calls of the library": calls(*(h for h in headers if h != "inlay-cli.h")),
        "public calls of the command line": calls("inlay-cli.h"),
        "verbs": rows("verbs/verbs.c"),
        "options": rows("words/options.c"),
        "words of the manual": sum(
            len(page.read_text().split()) for page in (TOP / "docs").glob("*.md")
        ),
    }
    assert min(weighed.values()) > 0, weighed
    assert weighed.keys() == BUDGET.keys()
    grown = {what: n for what, n in weighed.items() if n > BUDGET[what]}
    assert grown == {}, "raise the figure in tests/unit/test_budget.py, with the reason"
    slack = {what: n for what, n in weighed.items() if n < BUDGET[what] * 0.95}
    assert slack == {}, "lower the figure in tests/unit/test_budget.py"
