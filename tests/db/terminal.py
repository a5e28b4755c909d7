"""A program on a terminal of its own, and what a person sees there."""

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

from harness.program import Program


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

    def close(self) -> None:
        os.close(self._leader)

    def finish(self) -> int:
        self.read_until("")
        self.close()
        return self.process.wait(20)


def _control() -> None:
    """The terminal's keys and its end are for this process, whatever the tests run under: nohup
    hands down an ignored SIGHUP."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
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
