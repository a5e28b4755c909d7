"""docs/migration-files.md: each rule's bad example makes exactly the findings that are shown, and
the good one makes none."""

from __future__ import annotations

import re
from typing import Callable, NamedTuple

import pytest

from conftest import SOURCE, Files, Inlay

PAGE = (SOURCE / "docs" / "migration-files.md").read_text(encoding="utf-8")

_BLOCK = re.compile(r"```(text|sql)(?: (good|bad) (\S+))?\n(.*?)```", re.DOTALL)


class Rule(NamedTuple):
    name: str
    shown: str  # findings
    bad: Files
    good: Files


def rules() -> list[Rule]:
    found = []
    for name, section in re.findall(r"^### `([a-z0-9-]+)`\n(.*?)(?=^##)", PAGE, re.M | re.S):
        shown, examples = "", {"good": Files(), "bad": Files()}
        for language, kind, file, text in _BLOCK.findall(section):
            if language == "text":
                shown += text
            else:
                examples[kind][file] = text
        found.append(Rule(name, shown, examples["bad"], examples["good"]))
    return found


RULES = rules()


@pytest.mark.parametrize("rule", [r for r in RULES if r.bad], ids=lambda rule: rule.name)
def test_examples(rule: Rule, inlay: Inlay, migrations: Callable[[Files], str]) -> None:
    bad = inlay("check", migrations(rule.bad), "--grammar", "off")
    assert bad.err == rule.shown
    assert f"[{rule.name}]\n" in bad.err
    if rule.good:
        good = inlay("check", migrations(rule.good), "--grammar", "off")
        assert (good.status, good.err) == (0, "")


def test_examples_that_are_not_files_have_the_form_of_findings() -> None:
    """Bytes that a page cannot show, and 96 MB: test_findings.py has them."""
    for rule in RULES:
        if not rule.bad:
            section = PAGE[PAGE.index(f"### `{rule.name}`") :]
            (line,) = re.findall(r"^    (migrations/.*)$", section.split("\n##")[0], re.M)
            assert re.fullmatch(rf"\S+:\d+:\d+: (error|warning): .* \[{rule.name}\]", line)


def test_every_rule_of_the_scanner_and_the_checks_is_there() -> None:
    """Or in checking.md."""
    source = "".join(
        (SOURCE / "gen" / "inlay_gen" / name).read_text()
        for name in ("check.py", "scan.py", "classify.py", "discover.py")
    )
    calls = r'(?:error|warning|problem|Problem|return)\(\s*"([a-z][a-z0-9-]+)",'
    used = set(re.findall(calls, source) + re.findall(r'rule="([a-z-]+)"', source))
    assert len(used) > 10
    pages = PAGE + (SOURCE / "docs" / "checking.md").read_text(encoding="utf-8")
    assert [r for r in sorted(used) if f"`{r}`" not in pages and f"[{r}]" not in pages] == []


def test_the_settings_example(inlay: Inlay, migrations: Callable[[Files], str]) -> None:
    (block,) = re.findall(r"```sql good (\S+)\n(.*?)```", PAGE.split("## Findings")[0], re.S)
    result = inlay("check", migrations(dict([block])), "--grammar", "off")
    assert (result.status, result.err) == (0, "")
