"""What the commands print, and how. No other module does."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from ..files import paths
from ..files.findings import Finding, InlayError, Severity

EXIT_FINDINGS = 1  # argparse's own, for usage, is 2


def count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def has_errors(findings: list[Finding]) -> bool:
    return any(finding.severity == Severity.ERROR for finding in findings)


def say_error(line: str) -> None:
    say(sys.stderr, line)


def say(stream: TextIO, line: str) -> None:
    write(stream, line + "\n")


def write(stream: TextIO, text: str) -> None:
    """Prints names as they are, whatever the locale."""
    try:
        stream.buffer.write(paths.to_system(text))
        stream.buffer.flush()
    except OSError as error:
        # What is left in the buffer has nowhere to go, and Python would try again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise InlayError(f"{stream.name}: cannot be written: {error.strerror}") from error
