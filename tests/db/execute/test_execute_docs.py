"""What the manual says of `check --execute`: each risky file of findings.md is found, and what it
shows instead passes; so do the three releases of busy-databases.md, which fail in one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import executed
import pages
from harness.program import Builder
from inlay_gen.execute.words import SEVERITY

PAGE = pages.load(pages.DOCS / "findings.md")
TEXT = (pages.DOCS / "findings.md").read_text()
SQL = [(b.name.split(), b.text) for b in PAGE.blocks if b.language == "sql" and b.name]
BEFORE = {"001_before.sql": next(text for name, text in SQL if name == ["before"])}
RISKY = {name[1]: text for name, text in SQL if name[0] == "risky"}
SAFE = {name[1]: text for name, text in SQL if name[0] == "safe"}


def files_of(text: str) -> dict[str, str]:
    """A block begins each file with its name."""
    parts = re.split(r"(?m)^-- (\d{3}_\w+\.sql)\n", text)[1:]
    return dict(zip(parts[::2], parts[1::2]))


def test_every_rule_is_there() -> None:
    section = TEXT[TEXT.index("## What a migration does") : TEXT.index("## Other layouts")]
    for rule, severity in SEVERITY.items():
        named = re.findall(rf"`{rule}`(?:\*\*)?( \(warning\))?", section)
        assert named and any(named) == (str(severity) == "warning"), rule
    assert RISKY.keys() == SAFE.keys() and len(RISKY) == 8


@pytest.mark.parametrize("kind", ["risky", "safe"])
def test_the_examples(kind: str, builder: Builder, tmp_path: Path) -> None:
    """Each in a schema of its own."""
    shown = RISKY if kind == "risky" else SAFE
    files, frozen, expected = {}, [], set()
    for number, (rule, text) in enumerate(shown.items()):
        path = f"SET search_path = {rule.replace('-', '_')};"
        before = f"CREATE SCHEMA {rule.replace('-', '_')}; {path}\n{BEFORE['001_before.sql']}"
        frozen.append(f"{number}00_before.sql")
        files[frozen[-1]] = before
        for name, body in files_of(text).items():
            head, alone = ("-- inlay: no-transaction\n", "\n") if "-- inlay:" in body else ("", "")
            name = f"{number}{name[1:]}"
            files[name] = head + path + body.replace(head or "\0", alone)
        expected.add((rule, name) if kind == "risky" else None)
    directory = executed.write(tmp_path / "migrations", files, frozen)
    program = executed.program_of(builder, directory)
    found = executed.check(builder, directory, program).found
    assert {(rule, file) for rule, file, _ in found} == (expected if kind == "risky" else set())


# ---- a create script ----


def test_a_create_script_beside_its_steps(builder: Builder, tmp_path: Path) -> None:
    """The files of squashing.md lead to one schema; another type is the finding that is shown."""
    page = pages.load(pages.DOCS / "squashing.md")
    files = {n: text for n, text in page.named("sql").items() if n.endswith(".sql")}
    released = [name for name in files if name < "004"]
    for column, found in (("email text", []), ("email varchar(80)", shown_of_a_create_script())):
        directory = executed.write(tmp_path / column / "migrations", files, released)
        schema = directory / "004_schema.sql"
        schema.write_text(files["004_schema.sql"].replace("email text", column))
        program = executed.program_of(builder, directory)
        told = executed.check(builder, directory, program).findings
        assert [(f["severity"], f["text"], f["notes"][0]["text"]) for f in told] == found


def shown_of_a_create_script() -> list[tuple[str, str, str]]:
    block = PAGE.named("text")["create-script"]
    return re.findall(r"\d: (error): (.*) \[create-script\]\n.*: note: (.*)\n", block)


# ---- a million rows, in three releases ----

BUSY = {
    block.name: block.text
    for block in pages.load(pages.DOCS / "busy-databases.md").blocks
    if block.language == "sql" and block.name
}
TICKETS = {"001_tickets.sql": "CREATE TABLE tickets (id bigint PRIMARY KEY, price int NOT NULL);\n"}
EXPAND = ("010_add_price_cents.sql",)
BACKFILL = ("011_fill_in_batches.sql",)
REQUIRE = ("013_require_price.sql", "014_validate_price.sql", "015_price_not_null.sql")


STEPS = {
    "expand": (
        {"010_add.sql": "ALTER TABLE tickets ADD price_cents bigint NOT NULL;\n"},
        {name: BUSY[name] for name in EXPAND},
        ["breaks-older-binary"],
    ),
    "backfill": (
        {
            "010_add.sql": BUSY[EXPAND[0]]
            + "UPDATE tickets SET price_cents = price * 100 WHERE price_cents IS NULL;\n"
        },
        {name: BUSY[name] for name in (*EXPAND, *BACKFILL)},
        ["rows-under-lock"],
    ),
    "require": (
        {
            **{name: BUSY[name] for name in (*EXPAND, *BACKFILL)},
            "013_require.sql": "ALTER TABLE tickets ALTER price_cents SET NOT NULL;\n",
        },
        {name: BUSY[name] for name in (*EXPAND, *BACKFILL, *REQUIRE)},
        ["scan-under-lock"],
    ),
    "contract": (
        {"020_drop.sql": "ALTER TABLE tickets DROP price;\n"},
        {"020_optional.sql": "ALTER TABLE tickets ALTER price DROP NOT NULL;\n"},
        ["breaks-older-binary"],
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_the_releases(step: str, builder: Builder, tmp_path: Path) -> None:
    hasty, careful, rules = STEPS[step]
    # That the older program writes the new column by now is said to the check.
    said = ["--allow", "breaks-older-binary:01[35]_*"] if step == "require" else []
    for name, files, expected in (("hasty", hasty, rules), ("careful", careful, [])):
        directory = executed.write(tmp_path / name, {**TICKETS, **files}, list(TICKETS))
        program = executed.program_of(builder, directory)
        assert executed.check(builder, directory, program, *said).rules == expected, name


def test_the_old_column_goes_when_it_is_said(builder: Builder, tmp_path: Path) -> None:
    files = {**TICKETS, "020_drop.sql": "ALTER TABLE tickets DROP price;\n"}
    directory = executed.write(tmp_path / "migrations", files, list(TICKETS))
    program = executed.program_of(builder, directory)
    said = "breaks-older-binary:020_drop.sql"
    assert executed.check(builder, directory, program, "--allow", said).findings == []
