"""A tool to adopt from is a row of src/library/foreign/tools.c, a word of the generator's list and
a section of docs/tools.md, and nothing else: none grows a module of its own."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
TABLE = TOP / "src/library/foreign/tools.c"
LIST = TOP / "gen/inlay_gen/commands/values.py"
PAGE = TOP / "docs/tools.md"

# What is about directories: layouts, files written once, what a build refuses of them.
OF_DIRECTORIES = ("layouts", "importing", "rules", "files", "output")

# Examples of the help, and the source that is any table of file names.
ELSEWHERE = {
    "golang-migrate": {"verbs.c"},
    "goose": {"verbs.c"},
    "flyway": {"verbs.c"},
    "filenames": {"verbs.c", "detect.c", "table.c"},
}

# A lock whose key is made of names; a third one is a reason to think again.
OWN_LOCKS = {"golang_migrate": {"tools.h", "source.c"}, "flyway": {"tools.h", "source.c"}}

COMMENT = re.compile(r'/\*.*?\*/|("(?:[^"\\\n]|\\.)*")', re.DOTALL)
ROWS = re.findall(r"^    \{\n(.*?)^    \},", TABLE.read_text(), re.DOTALL | re.MULTILINE)


def value(row: str, member: str) -> str:
    match = re.search(rf'\.{member} = "([^"]*)"', row)
    return match[1] if match is not None else ""


NAMES = {value(row, "name"): value(row, "shown") for row in ROWS if value(row, "name")}


def sources() -> list[Path]:
    gen = [
        path
        for path in (TOP / "gen/inlay_gen").rglob("*.py")
        if path.parent.name not in OF_DIRECTORIES and path.parents[1].name not in OF_DIRECTORIES
    ]
    return [*(TOP / "src").rglob("*.[ch]"), *gen]


def strings(path: Path) -> str:
    text = path.read_text()
    if path.suffix == ".py":
        return "\n".join("".join(m) for m in re.findall(r'"([^"\n]*)"|\'([^\'\n]*)\'', text))
    return "\n".join(match[1] or "" for match in COMMENT.finditer(text))


def test_each_tool_stands_in_two_sources() -> None:
    assert len(NAMES) > 30
    texts = {path: strings(path) for path in sources()}
    for name, shown in NAMES.items():
        words = "|".join(re.escape(word) for word in (name, shown) if word)
        word = re.compile(rf"(?<![\w-])(?:{words})(?![\w-])")
        found = {path for path, text in texts.items() if word.search(text)}
        assert {TABLE, LIST} <= found, name
        assert {path.name for path in found - {TABLE, LIST}} <= ELSEWHERE.get(name, set()), name


def test_no_function_is_a_tools_own() -> None:
    for name in NAMES:
        stem = name.replace("-", "_")
        named = re.compile(rf"\w+_{stem}\b|\b{stem}_\w+", re.IGNORECASE)
        code = {
            path.name
            for path in (TOP / "src").rglob("*.[ch]")
            if path != TABLE and named.search(COMMENT.sub("", path.read_text()))
        }
        if name not in ("filenames", "databases"):  # words of our own, too
            assert code <= OWN_LOCKS.get(stem, set()), name


def test_each_tool_has_its_section() -> None:
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    for name in NAMES:
        command = re.compile(rf"--migrate-adopt {name}(?![\w-])")
        titles = [text.splitlines()[0] for text in sections if command.search(text)]
        assert len(titles) == (name != "filenames"), (name, titles)
