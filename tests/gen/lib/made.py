"""Directories of migrations, other tools' too."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from support import EMPTY, Files, Inlay

CHECK = ("--grammar", "off", *EMPTY)


class Made:
    """A directory of these files, and what the generator says of it."""

    def __init__(self, inlay: Inlay, files: Files) -> None:
        self.inlay = inlay
        for name, content in files.items():
            path = Path("migrations") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def check(self, *options: str) -> tuple[str, list[str]]:
        """The layout, empty where there are errors; the findings, less the directory."""
        result = self.inlay("check", "migrations", *CHECK, *options)
        layout = re.search(r"layout (\S+),", result.out)
        findings = [line.replace("migrations/", "", 1) for line in result.err.splitlines()]
        assert (result.status == 0) == (layout is not None)
        return layout[1] if layout else "", findings

    def list(self, *options: str) -> list[tuple[int, str, str, bool, bool]]:
        """Version, name, path, whether in a transaction, whether there is a way down."""
        result = self.inlay("list", "migrations", "--json", *options)
        assert result.status == 0
        assert all(line.endswith("[unmatched]") for line in result.err.splitlines())
        rows: list[dict[str, Any]] = json.loads(result.out)["migrations"]
        return [
            (int(r["version"]), r["name"], r["path"], r["transaction"], r["down"]) for r in rows
        ]
