"""What a person at a terminal sees."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from typing import Mapping

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Program

SLOW = {
    "001_fast.sql": "CREATE TABLE fast ();\n",
    "002_slow_one_with_a_name_that_is_too_long_for_a_narrow_terminal.sql": (
        "CREATE TABLE slow ();\nSELECT pg_sleep(1.8);\nSELECT 1;\n"
    ),
}
TERMINAL = {"TERM": "xterm"}


class Terminal:
    """A program on a terminal of its own."""

    def __init__(
        self, program: Program, *arguments: str, env: Mapping[str, str], columns: int = 80
    ) -> None:
        self._leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process: subprocess.Popen[str] = program.start(
            *arguments,
            env=env,
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
            preexec_fn=_control,
        )
        os.close(follower)
        self.seen = ""

    def read_until(self, text: str) -> None:
        """Reads until the text is seen, or to the end for an empty one."""
        deadline = time.monotonic() + 20
        while not text or text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if not select.select([self._leader], [], [], 0.1)[0]:
                continue
            try:
                self.seen += os.read(self._leader, 4096).decode()
            except OSError:  # the last one to write has ended
                break
        assert text in self.seen

    def press(self, keys: bytes) -> None:
        os.write(self._leader, keys)

    def finish(self) -> int:
        self.read_until("")
        os.close(self._leader)
        return self.process.wait(20)


def _control() -> None:
    """The terminal's keys are for this process."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def screen(seen: str) -> list[str]:
    """The lines that are left on a terminal, which has done what it was told."""
    lines = [""]
    column = 0
    for part in re.findall(r"\r|\n|\x1b\[\d*[mK]|[^\r\n\x1b]+", seen):
        if part == "\n":
            lines.append("")
            column = 0
        elif part == "\r":
            column = 0
        elif part == "\x1b[K":
            lines[-1] = lines[-1][:column]
        elif not part.startswith("\x1b"):
            end = column + len(part)
            lines[-1] = lines[-1][:column] + part + lines[-1][end:]
            column = end
    return lines


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


def test_progress_fits_a_narrow_terminal(app: AppFactory) -> None:
    terminal = Terminal(app(SLOW), "--only", env=TERMINAL, columns=40)
    terminal.finish()
    drawn = [text for text in re.findall(r"\r([^\r\n\x1b]*)\x1b\[K", terminal.seen) if text]
    assert drawn and all(len(text) == 39 for text in drawn)


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
    terminal = Terminal(program, "--status", env=env)
    terminal.finish()
    assert ("\x1b[32mapplied\x1b[0m" in terminal.seen) == coloured
    assert screen(terminal.seen) == screen(program.run("--status").stdout)
    terminal = Terminal(program, "--show=7", env=env)
    terminal.finish()
    assert ("\x1b[31merror:\x1b[0m version 7" in terminal.seen) == coloured


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
