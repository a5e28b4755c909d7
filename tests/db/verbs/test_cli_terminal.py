"""What a person at a terminal sees."""

from __future__ import annotations

import re

import pytest

from conftest import AppFactory
from harness.database import Database
from terminal import Terminal, screen

SLOW = {
    "001_fast.sql": "CREATE TABLE fast ();\n",
    "002_slow_one_with_a_name_that_is_too_long_for_a_narrow_terminal.sql": (
        "CREATE TABLE slow ();\nSELECT pg_sleep(1.8);\nSELECT 1;\n"
    ),
}
TERMINAL = {"TERM": "xterm"}
STATUS = [
    (150, "version, name, state, applied at, batch, elapsed, checksum"),
    (120, "version, name, state, applied at, batch, elapsed"),
    (80, "version, name, state, applied at, batch, elapsed"),
    (70, "version, name, state, applied at, batch"),
    (40, "version, name, state"),
]


def test_progress_comes_and_goes(app: AppFactory) -> None:
    terminal = Terminal(app(SLOW), "--only", env=TERMINAL, columns=120)
    assert terminal.finish() == 0
    drawn = re.findall(r"\rapplying 002_slow_[a-z_]*, 2 of 2: statement 2 of 3, ", terminal.seen)
    assert len(drawn) >= 2
    assert "\x1b[33m" not in terminal.seen
    lines = screen(terminal.seen)
    assert re.fullmatch(r"applied 001_fast \(\d+ ms\)", lines[1])
    assert re.fullmatch(r"applied 002_slow_one_\w+ \([12]\.\d s\)", lines[2])
    assert re.fullmatch(r"2 migrations applied in batch 1 \([12]\.\d s\)", lines[3])
    assert lines[4:] == [""]


def test_progress_of_a_rehearsal(app: AppFactory) -> None:
    terminal = Terminal(app(SLOW), "--rehearse", env=TERMINAL, columns=120)
    assert terminal.finish() == 0
    assert re.search(r"\rrehearsing 002_slow_[a-z_]*, 2 of 2: statement 2 of 3, ", terminal.seen)
    assert re.fullmatch(r"rehearsed 001_fast \(\d+ ms\)", screen(terminal.seen)[0])


def test_progress_fits_a_narrow_terminal(app: AppFactory) -> None:
    terminal = Terminal(app(SLOW), "--only", env=TERMINAL, columns=40)
    terminal.finish()
    drawn = [text for text in re.findall(r"\r([^\r\n\x1b]*)\x1b\[K", terminal.seen) if text]
    assert drawn and all(len(text) <= 39 for text in drawn)
    assert any(re.fullmatch(r"applying 002_s[a-z_.]*nal, 2 of 2, \d.*", text) for text in drawn)


def test_progress_shortens_the_name(app: AppFactory) -> None:
    terminal = Terminal(app(SLOW), "--only", env=TERMINAL, columns=70)
    terminal.finish()
    drawn = [text for text in re.findall(r"\r([^\r\n\x1b]*)\x1b\[K", terminal.seen) if text]
    named = re.compile(
        r"applying 002_slow[a-z_]*\.\.\.[a-z_]*terminal, 2 of 2: statement 2 of 3, .*"
    )
    assert drawn and all(len(text) == 69 for text in drawn)
    assert any(named.fullmatch(text) for text in drawn)


@pytest.mark.parametrize("columns, titles", STATUS)
def test_the_status_fits_the_terminal(app: AppFactory, columns: int, titles: str) -> None:
    program = app(SLOW)
    program.run("--only")
    terminal = Terminal(program, "--status", env={}, columns=columns)
    terminal.finish()
    _, head, *rows, _, _ = screen(terminal.seen)
    assert re.sub("  +", ", ", head) == titles
    assert all(len(row) <= columns for row in rows)
    name = rows[1].split()[1]
    assert name.startswith("slow_one") and name.endswith("erminal")


@pytest.mark.parametrize(
    "env, coloured, redrawn",
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False, True),
        ({"TERM": "dumb"}, False, False),
        ({}, False, False),
    ],
)
def test_colours(app: AppFactory, env: dict[str, str], coloured: bool, redrawn: bool) -> None:
    program = app(SLOW)
    terminal = Terminal(program, "--only", env=env)
    terminal.finish()
    assert ("\x1b[32mapplied\x1b[0m 001_fast" in terminal.seen) == coloured
    assert ("\x1b[K" in terminal.seen) == redrawn
    terminal = Terminal(program, "--status", env=env, columns=200)
    terminal.finish()
    assert ("\x1b[32mapplied\x1b[0m" in terminal.seen) == coloured
    assert screen(terminal.seen) == screen(program.run("--status").stdout)
    terminal = Terminal(program, "--show=7", env=env)
    terminal.finish()
    assert ("\x1b[31merror:\x1b[0m version 7" in terminal.seen) == coloured


@pytest.mark.sample
def test_the_interrupt_key(app: AppFactory, database: Database) -> None:
    terminal = Terminal(app({"001_slow.sql": "SELECT pg_sleep(60);\n"}), "--only", env=TERMINAL)
    terminal.read_until("statement 1 of 1")
    terminal.press(b"\x03")
    assert terminal.finish() == 130
    lines = screen(terminal.seen)
    assert not any("applying" in line for line in lines)
    assert any("stopped" in line for line in lines)
    assert database.value("SELECT count(*) FROM applied_migrations") == 0


def test_waiting_is_drawn(app: AppFactory) -> None:
    terminal = Terminal(app(SLOW), "--await", "2", env=TERMINAL)
    assert terminal.finish() == 3
    assert re.search(r"\rwaiting: 2 of 2 migrations are pending.*?, 1\.\d s\x1b\[K", terminal.seen)
    assert not any("waiting" in line for line in screen(terminal.seen))


def test_a_document_is_plain_on_a_terminal_too(app: AppFactory) -> None:
    terminal = Terminal(app(SLOW), "--status", "--json", env=TERMINAL)
    assert terminal.finish() == 0
    assert "\x1b" not in terminal.seen
