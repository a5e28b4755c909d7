"""What readelf says of a program."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path


def read(program: Path, *options: str) -> str:
    return subprocess.check_output(["readelf", "--wide", *options, program], text=True)


def assert_memory_is_protected(program: Path) -> None:
    """No page is both written and run, and what is filled in at the start is not written later."""
    segments = read(program, "--segments")
    assert re.search(r"^ +GNU_RELRO ", segments, re.MULTILINE)
    assert re.search(r"^ +GNU_STACK .* RW +0x", segments, re.MULTILINE)
    assert not re.search(r"^ +LOAD .* RWE ", segments, re.MULTILINE)


def assert_is_static_pie(program: Path) -> None:
    """It needs no other file, and the kernel may load it anywhere. A run path would crash it."""
    assert "DYN (Position-Independent Executable file)" in read(program, "--file-header")
    assert not re.search(r"^ +INTERP ", read(program, "--segments"), re.MULTILINE)
    assert not re.search(r"\((NEEDED|RUNPATH|RPATH)\)", read(program, "--dynamic"))
