"""What inlay may weigh. A change that makes one of these grow raises its figure here, beside the
reason for the last rise."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

BUDGET = {
    # Other compilers need a few percent more. The way out of a stranger's mistakes takes
    # 2,300. A rehearsal takes 8,000 of it, the guard that tries
    # what it advises 3,000, a record that fails 1,300, what
    # is said of wrong arguments 2,500, the waits for the history's own tables 3,300,
    # several hosts and the silent one among them 2,700, what a rehearsal asks of locks and
    # catalogs 19,000, the settings that are ours and the plans of before 2,000,
    # what is wrong with a connection string 2,500, who holds the lock 1,000, asking
    # whether our tables are fit 5,000, the questions to all catalogs for the schema as text 26,000
    # and its drift 3,600, a script for psql 22,000 (8,000 for what
    # it refuses), programs of another age 1,000, a search_path
    # 1,200, the stack protector 9,000, verify scripts 4,000, who holds a table that is read and
    # what stands under an old name 3,700, the place of a call in a migration in C
    # and the callback for the connection string 1,000, what is missing of a squash and the
    # rows that one writes 1,500. Many databases 13,000, which a program that does not call
    # them has nothing of.
    # The queries that read other tools' tables take 10,700, all of it constants. What is wrong
    # with the answer to a query that was given, and who holds its tables, 2,100.
    # The checksums of the files, where the tool has them, 600.
    # Why a row or a query is not adopted 400.
    # Other histories that the guard names, and repairs that can be pasted, 3,400.
    "bytes of the library's code and constants": 337_300,
    # inlay_verify, inlay_psql_script, inlay_status_at, inlay_contents_at, inlay_schema_read, _free;
    # inlay_tx_execute_at, _query_at, _fail_at; inlay_many_look, _migrate, _select and
    # inlay_standing_name
    "public calls of the library": 46,
    "public calls of the command line": 4,  # in one step, in two, as a whole program
    "lines of inlay.h": 260,
    "functions that take the whole run": 30,
    "verbs": 24,  # script, schema, drift, verify; without rollback
    "options": 25,  # targets, jobs, part: many databases in one command
    # what check says of what migrations do; lone lines; the schema as a file;
    # the library as two files
    # in a host 900; a table that is locked 230; create script and upgrade steps 340; many
    # databases and their engines 1,500
    # thirty tools whose tables are read, and a query 970, and a section with a transcript for
    # each 600; gaps in what is replaced 150; a schema without a record 100
    # a create script beside its steps 170
    # scripts for pg_dump, what needs a transaction 40
    # Prisma's checksums 90
    # Of a list of targets, the number of a job and the hint of a target 130
    # a pg_dump that does not work, and what is seen while a backup is made 90
    # what is not adopted, and why 130
    # what the guard takes for a history 60
    "words of the manual": 34_960,
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


def takers() -> int:
    """The functions that can reach all that a call has at hand, instead of the part they need."""
    texts = [path.read_text() for path in (TOP / "src/library").rglob("*.c")]
    heads = [re.findall(r"^[a-z][^;{}=]*\([^;{}]*\)\s*\{", text, re.M) for text in texts]
    return sum(bool(re.search(r"\bstruct run \*\w", head)) for found in heads for head in found)


def rows(source: str) -> int:
    """The rows of a table of verbs or options."""
    return len(re.findall(r'^    \{"[a-z-]+", ', (TOP / "src/cli" / source).read_text(), re.M))


def test_nothing_has_grown_in_silence() -> None:
    headers = [path.name for path in sorted((TOP / "include").glob("inlay*.h"))]
    weighed = {
        "bytes of the library's code and constants": library_bytes(),
        "public calls of the library": calls(*(h for h in headers if h != "inlay-cli.h")),
        "public calls of the command line": calls("inlay-cli.h"),
        "lines of inlay.h": len((TOP / "include/inlay.h").read_text().splitlines()),
        "functions that take the whole run": takers(),
        "verbs": rows("verbs/verbs.c"),
        "options": rows("words/options.c"),
        "words of the manual": sum(
            len(page.read_text().split())
            for page in (TOP / "docs").glob("*.md")
            if page.name != "performance.md"  # figures, which ./dev bench writes
        ),
    }
    assert min(weighed.values()) > 0, weighed
    assert weighed.keys() == BUDGET.keys()
    grown = {what: n for what, n in weighed.items() if n > BUDGET[what]}
    assert grown == {}, "raise the figure in tests/unit/test_budget.py, with the reason"
    slack = {what: n for what, n in weighed.items() if n < BUDGET[what] * 0.95}
    assert slack == {}, "lower the figure in tests/unit/test_budget.py"
