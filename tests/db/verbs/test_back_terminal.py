"""The question whether to go back: yes, no, and everything between."""

from __future__ import annotations

import re

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from outcomes import advisory_locks, migrate, tables, versions
from terminal import Terminal, screen
from ways import table

ALL = {**table(1, "a"), **table(2, "b"), **table(3, "c")}
TERMINAL = {"TERM": "xterm"}
SURE = "? [y/N] "


@pytest.fixture
def program(app: AppFactory) -> Program:
    made = app(ALL)
    migrate(made)
    return made


def ask(program: Program, *words: str) -> Terminal:
    """Up to the question."""
    terminal = Terminal(program, *words, env=TERMINAL, columns=200)
    terminal.read_until(SURE)
    return terminal


@pytest.mark.parametrize("answer", [b"y\n", b"Y\n", b"yes\n", b"YES\n"])
def test_yes(program: Program, database: Database, answer: bytes) -> None:
    terminal = ask(program, "--down", "2")
    assert f"undo 2 migrations of database {database.name}: 003_c, 002_b{SURE}" in terminal.seen
    assert versions(database) == [1, 2, 3] and advisory_locks(database) == 0
    terminal.press(answer)
    assert terminal.finish() == 0
    lines = screen(terminal.seen)
    assert re.fullmatch(r"undone 003_c \(\d+ ms\)", lines[1])
    assert re.fullmatch(r"undone 002_b \(\d+ ms\)", lines[2])
    assert re.fullmatch(r"2 migrations undone \(\d+ ms\)", lines[3])
    assert tables(database) == {"a"} and versions(database) == [1]


NO = [b"n\n", b"\n", b"yep\n", b" y\n", b"y \n", b"yyyyyyyyyyyyyyyyyyyy\n", b"no\n"]


@pytest.mark.parametrize("answer", [*NO, b"\x04", b"y\x04\x04"])
def test_no(program: Program, database: Database, answer: bytes) -> None:
    """Control-D ends the input, or hands on a line that is not finished."""
    terminal = ask(program, "--to", "1")
    terminal.press(answer)
    assert terminal.finish() == 2
    lines = screen(terminal.seen)
    assert [line for line in lines[1:] if line] == ["error: not confirmed", "nothing was undone"]
    assert tables(database) == {"a", "b", "c"} and versions(database) == [1, 2, 3]


def test_the_interrupt_key(program: Program, database: Database) -> None:
    terminal = ask(program, "--down=batch")
    terminal.press(b"\x03")
    assert terminal.finish() == 130
    lines = [line for line in screen(terminal.seen) if line]
    assert lines[-2:] == ["error: stopped while asking", "nothing was undone"]
    assert versions(database) == [1, 2, 3]


def test_the_interrupt_key_in_the_middle_of_a_word(program: Program, database: Database) -> None:
    terminal = ask(program, "--down=batch")
    terminal.press(b"ye\x03")
    assert terminal.finish() == 130 and versions(database) == [1, 2, 3]


def test_redo_asks_too(program: Program, database: Database) -> None:
    terminal = ask(program, "--redo")
    assert f"redo 1 migration of database {database.name}: 003_c{SURE}" in terminal.seen
    terminal.press(b"y\n")
    assert terminal.finish() == 0
    assert "1 migration undone, 1 applied in batch 2" in terminal.seen


def test_asks_again_when_the_history_has_changed(app: AppFactory, database: Database) -> None:
    """What was shown is what is undone."""
    migrate(app({**table(1, "a"), **table(2, "b")}))
    program = app(ALL)
    terminal = ask(program, "--down", "1")
    assert ": 002_b? " in terminal.seen
    migrate(program)
    terminal.press(b"y\n")
    terminal.read_until(f": 003_c{SURE}")
    assert versions(database) == [1, 2, 3]
    terminal.press(b"y\n")
    assert terminal.finish() == 0
    assert terminal.seen.count(SURE) == 2
    assert tables(database) == {"a", "b"} and versions(database) == [1, 2]


@pytest.mark.parametrize(
    "words, status",
    [
        (["--down", "1", "--yes"], 0),
        (["--down", "1", "--json"], 2),
        (["--down", "1", "--json", "--yes"], 0),
        (["--to", "3"], 0),
        (["--to", "9"], 2),
    ],
)
def test_not_asked(program: Program, words: list[str], status: int) -> None:
    terminal = Terminal(program, *words, env=TERMINAL)
    assert terminal.finish() == status
    assert SURE not in terminal.seen


def test_a_dumb_terminal_can_be_asked(program: Program, database: Database) -> None:
    terminal = Terminal(program, "--down", "1", env={"TERM": "dumb"}, columns=200)
    terminal.read_until(SURE)
    terminal.press(b"y\n")
    assert terminal.finish() == 0
    assert "\x1b" not in terminal.seen and versions(database) == [1, 2]


def test_undoing_is_drawn(app: AppFactory) -> None:
    slow = {**ALL, "003_c.down.sql": "DROP TABLE c;\nSELECT pg_sleep(1.2);\n"}
    program = app(slow)
    migrate(program)
    terminal = Terminal(program, "--down", "2", "--yes", env=TERMINAL, columns=120)
    assert terminal.finish() == 0
    assert re.search(r"\rundoing 003_c, 1 of 2: statement 2 of 2, ", terminal.seen)
    assert not any("undoing" in line for line in screen(terminal.seen))
