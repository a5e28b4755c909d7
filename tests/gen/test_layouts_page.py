"""docs/coming-from.md about directories: every layout, the versions and the messages that it shows;
every rule is in docs/findings.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable

import pytest

from support import SOURCE, Files, Inlay
from inlay_gen.layouts import NAMES
from made import Made

Make = Callable[[Files], Made]


@pytest.fixture
def made(inlay: Inlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.chdir(tmp_path)
    return lambda files: Made(inlay, files)


PAGE = (SOURCE / "docs" / "coming-from.md").read_text(encoding="utf-8")
FINDINGS = (SOURCE / "docs" / "findings.md").read_text(encoding="utf-8")


def test_the_page_has_every_layout_and_every_rule() -> None:
    table = PAGE.split("## The directory")[1].split("\n## ")[0]
    named = re.findall(r"^\| `([a-z][a-z-]+)` \|", table, re.M)
    assert tuple(named) == NAMES[1:]
    modules = "".join(p.read_text() for p in (SOURCE / "gen/inlay_gen/layouts").rglob("*.py"))
    calls = r'(?:Refused\(|error\([^"]*?|re\.DOTALL\),|",)\s*"([a-z]+-?[a-z]+)"'
    used = set(re.findall(calls, modules)) - {"utf-8", "replace", "down", *NAMES}
    assert {"placeholder", "baseline", "lone-down", "version-order", "metadata"} <= used
    assert [rule for rule in sorted(used) if f"`{rule}`" not in FINDINGS] == []


def test_the_versions_of_the_page(made: Make) -> None:
    shown = re.findall(r"^\| `([0-9-]+_[a-z_]+)` \| (\d+) \|$", PAGE, re.M)
    directory = made({f"{name}/up.sql": "SELECT 1;" for name, _ in shown})
    listed = [(path.split("/")[0], str(version)) for version, _, path, _, _ in directory.list()]
    assert len(shown) == 4 and listed == shown


def test_the_examples_of_the_page(inlay: Inlay, made: Make) -> None:
    assert re.search(r": 42 migrations, 0 warnings, layout goose, parsed as", PAGE)
    (shown,) = re.findall(r"^    inlay: error: (.*)$", PAGE, re.M)
    made({"V1__a.sql": "", "002_b.sql": ""})
    assert inlay("check", "migrations").err == f"inlay: error: {shown}\n".replace("db/", "", 1)
