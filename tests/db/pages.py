"""The manual as data: its headings, links and fenced blocks.

A block that a test runs has a name behind its language (```sql accept-edit), which readers never
see rendered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
DOCS = TOP / "docs"

_FENCE = re.compile(r"```(\w*) ?(.*)\n", re.ASCII)
_HEADING = re.compile(r"(#{1,6}) (.*)\n")
_LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
_CODE_SPAN = re.compile(r"`[^`\n]*`")


@dataclass(frozen=True)
class Block:
    """A fenced block and the headings it stands under, the outermost first."""

    language: str
    name: str
    text: str
    line: int
    headings: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """A row of a table, and the headings that it stands under."""

    cells: tuple[str, ...]
    headings: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    path: Path
    blocks: tuple[Block, ...]
    rows: tuple[Row, ...]
    headings: tuple[str, ...]
    prose: str  # what is not in a fenced block

    def named(self, language: str) -> dict[str, str]:
        """The blocks of a language by name."""
        found = {b.name: b.text for b in self.blocks if b.language == language and b.name}
        count = sum(1 for b in self.blocks if b.language == language and b.name)
        assert len(found) == count, f"{self.path}: two blocks with one name"
        return found

    @property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def anchors(self) -> set[str]:
        return {anchor(heading) for heading in self.headings}

    @property
    def links(self) -> list[str]:
        return _LINK.findall(_CODE_SPAN.sub("", self.prose))


def anchor(heading: str) -> str:
    """What GitHub makes of a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


@lru_cache(maxsize=None)
def load(path: Path) -> Page:
    blocks: list[Block] = []
    rows: list[Row] = []
    headings: list[str] = []
    prose: list[str] = []
    under: list[tuple[int, str]] = []
    fence: re.Match[str] | None = None
    inside: list[str] = []
    for number, line in enumerate(path.read_text().splitlines(keepends=True), 1):
        if fence is not None:
            if line.rstrip() == "```":
                start = number - len(inside)
                titles = tuple(title for _, title in under)
                blocks.append(Block(fence[1], fence[2].strip(), "".join(inside), start, titles))
                fence, inside = None, []
            else:
                inside.append(line)
            continue
        fence = _FENCE.fullmatch(line)
        if fence is None:
            prose.append(line)
        if line.startswith("| "):
            cells = tuple(line.strip().strip("|").strip().split(" | "))
            rows.append(Row(cells, tuple(title for _, title in under)))
        heading = _HEADING.fullmatch(line)
        if heading is not None:
            depth = len(heading[1])
            under = [entry for entry in under if entry[0] < depth] + [(depth, heading[2])]
            headings.append(heading[2])
    assert fence is None, f"{path}: a fenced block does not end"
    return Page(path, tuple(blocks), tuple(rows), tuple(headings), "".join(prose))


def manual() -> list[Page]:
    """Every page of the project, the READMEs included."""
    server = TOP / "src" / "server" / "README.md"
    return [load(path) for path in sorted([*TOP.glob("*.md"), *DOCS.glob("*.md"), server])]
