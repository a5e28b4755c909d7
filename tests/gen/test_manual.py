"""The manual. docs/findings.md: each rule's bad example makes exactly the findings that are
shown, and the good one makes none. docs/inlay.1: every command, option and value. inlay(3):
every public call."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import NamedTuple

import pytest

from support import SOURCE, Files, Inlay, Migrations
from inlay_gen.commands.values import ADOPTED
from inlay_gen.rules.policy import ALLOWABLE

PAGE = (SOURCE / "docs" / "findings.md").read_text(encoding="utf-8")

_BLOCK = re.compile(r"```(text|sql)(?: (good|bad) (\S+))?\n(.*?)```", re.DOTALL)


class Rule(NamedTuple):
    name: str
    shown: str  # findings
    bad: Files
    good: Files


def rules() -> list[Rule]:
    found = []
    for name, section in re.findall(r"^### `([a-z0-9-]+)`\n(.*?)(?=^##)", PAGE, re.M | re.S):
        shown = ""
        examples: dict[str, dict[str, str]] = {"good": {}, "bad": {}}
        for language, kind, file, text in _BLOCK.findall(section):
            if language == "text":
                shown += text
            else:
                examples[kind][file] = text
        found.append(Rule(name, shown, examples["bad"], examples["good"]))
    return found


RULES = rules()


@pytest.mark.parametrize("rule", [r for r in RULES if r.bad], ids=lambda rule: str(rule.name))
def test_examples(rule: Rule, inlay: Inlay, migrations: Migrations) -> None:
    bad = inlay("check", migrations(rule.bad), "--grammar", "off")
    assert bad.err == rule.shown
    assert f"[{rule.name}]\n" in bad.err
    if rule.good:
        good = inlay("check", migrations(rule.good), "--grammar", "off")
        assert (good.status, good.err) == (0, "")


def generator() -> str:
    modules = (SOURCE / "gen" / "inlay_gen").rglob("*.py")
    return "".join(path.read_text(encoding="utf-8") for path in modules)


def printed_rules() -> set[str]:
    """Where a finding is made, its rule is a literal."""
    shapes = (
        r'(?:error|warning|problem|Problem|Refused)\(\s*"([a-z][a-z0-9-]+)",',
        r'(?:return|yield) \(?\s*"([a-z][a-z0-9-]+)",',
        r'(?:path, name|directory, name|\.file|\.name|file), "([a-z-]+)",',
        r'Severity\.[A-Z]+,(?: offset, text,)?\s*"([a-z-]+)"',
        r're\.DOTALL\),\s*"([a-z-]+)",',
        r'rule(?:: str)? ?= ?"([a-z-]+)"',
    )
    source = generator()
    return {rule for shape in shapes for rule in re.findall(shape, source)} | ALLOWABLE


def test_every_rule_that_is_printed_is_there() -> None:
    used = printed_rules()
    assert used >= {"frozen", "draft", "base-collision", "base-changed", "late-version", "syntax"}
    assert used >= {"section", "version-parts", "version-order", "callback", "unnamed-index"}
    assert [rule for rule in sorted(used) if f"`{rule}`" not in PAGE] == []


def test_every_rule_that_is_there_is_printed() -> None:
    headings = re.findall(r"^### `([a-z0-9-]+)`$", PAGE, re.M)
    tables = re.findall(r"^\| ((?:`[a-z]+-?[a-z-]*`(?:, )?)+)(?: \(warning\))? \|", PAGE, re.M)
    rows = [rule for row in tables for rule in re.findall("`([^`]*)`", row)]
    assert len(headings) == 3 and len(rows) > 35
    source = generator()
    assert [rule for rule in {*headings, *rows} if f'"{rule}"' not in source] == []


def test_the_rules_that_can_be_allowed() -> None:
    (listed,) = re.findall(r"`--allow` takes\s+the\s+rules.*?:(.*?)\.\n", PAGE, re.S)
    assert re.findall("`([a-z-]+)`", listed) == sorted(ALLOWABLE)


FILES = (SOURCE / "docs" / "migration-files.md").read_text(encoding="utf-8")


def test_the_settings_example(inlay: Inlay, migrations: Migrations) -> None:
    (block,) = re.findall(r"```sql good (\S+)\n(.*?)```", FILES, re.S)
    result = inlay("check", migrations(dict([block])), "--grammar", "off")
    assert (result.status, result.err) == (0, "")


def test_the_names_that_count(inlay: Inlay, migrations: Migrations) -> None:
    """Each name of the page's table, and one of each kind that is skipped."""
    table = FILES.split("## Names")[1].split("## Text")[0]
    rows = re.findall(r"^\| `(\S+\.(?:sql|c))`", table, re.M)
    assert len(rows) == 5
    skipped = {".005_a.sql": "", "#006_a.sql": "", "notes.md": "", "helper.c": "", "008.x": ""}
    listed = inlay("list", migrations({**dict.fromkeys(rows, ""), **skipped})).out
    assert re.findall(r"^([0-9R_]+) +([a-z_]+) +[0-9a-f]{12} ", listed, re.M) == [
        ("3", "add_seats"),
        ("4", "fill_seats"),
        ("R__", "seat_report"),
    ]


# ---- docs/inlay.1 ----

MAN = (SOURCE / "docs" / "inlay.1").read_text(encoding="utf-8")
COMMANDS = ("embed", "check", "new", "list", "freeze", "import", "scratch")


def words_of_man(text: str) -> set[str]:
    """The options of a part of the page, and the values that they can have."""
    options = re.findall(r"\bFl -([a-z-]+)", text)
    return {f"--{option}" for option in options}


def test_the_man_page_has_every_command_and_no_other(inlay: Inlay) -> None:
    shown = re.findall(r"^    (\w+) ", inlay("--help").out, re.M)
    assert tuple(shown) == COMMANDS
    assert tuple(re.findall(r"^\.It Cm (\w+)$", MAN, re.M)) == COMMANDS
    synopsis = MAN[MAN.index(".Sh SYNOPSIS") : MAN.index(".Sh DESCRIPTION")]
    assert tuple(re.findall(r"^\.Cm (\w+)$", synopsis, re.M)) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_the_man_page_has_every_option(command: str, inlay: Inlay) -> None:
    """In the synopsis, where `checks` stands for those that have a heading of their own."""
    synopsis = re.findall(rf"^\.Cm {command}\n(.*?)(?=^\.Nm)", MAN, re.M | re.S)[0]
    checks = re.findall(r"^\.Ss Checks\n(.*?)(?=^\.S)", MAN, re.M | re.S)[0]
    listed = words_of_man(synopsis)
    if "Ar checks" in synopsis:
        listed |= words_of_man("\n".join(re.findall(r"^\.It Fl.*", checks, re.M)))
    shown = inlay(command, "--help").out
    assert listed == set(re.findall(r"^  (--[a-z-]+)", shown, re.M)) - {"--help"}


def test_the_man_page_describes_every_option_once() -> None:
    described = re.findall(r"^\.It Fl -([a-z-]+)", MAN, re.M)
    assert sorted(described) == sorted(set(described))
    assert words_of_man(MAN) == {f"--{o}" for o in described} | {"--version", "--help"}


def test_the_man_page_has_every_value(inlay: Inlay) -> None:
    for command in ("embed", "check"):
        for option, values in re.findall(
            r"^  --([a-z-]+) \{(.*?)\}", inlay(command, "--help").out, re.M
        ):
            entry = re.findall(rf"^\.It Fl -{option}\b(.*?)(?=^\.(?:It|El))", MAN, re.M | re.S)[0]
            for value in values.split(","):
                assert re.search(rf"(?<![\w-]){value}(?![\w-])", entry), (option, value)


def test_the_man_page_has_every_tool_to_adopt_from() -> None:
    entry = MAN[MAN.index(".It Fl -adopt") : MAN.index(".It Fl -schema")]
    assert set(re.findall(r"^\.Ar ([a-z-]+)", entry, re.M)) == set(ADOPTED)


# ---- inlay(3) ----


def test_the_page_of_the_calls_is_made_of_the_headers() -> None:
    """Each call with its declaration and what its comment says."""
    command = [sys.executable, "-B", str(SOURCE / "tools" / "man_calls.py")]
    page = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    calls = 0
    for header in (SOURCE / "include").glob("*.h"):
        for call in re.findall(r"^INLAY_API .*?(\w+)\(", header.read_text(), re.M):
            assert re.search(rf"^\.Bd .*\n[^.].*\b{call}\(", page, re.M), call
            calls += 1
    assert calls > 30 and "Is the database up to date for this set?" in page
