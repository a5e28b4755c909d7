"""What a mistake in C would meet in a program that is built for release."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from elf import assert_memory_is_protected, read
from harness.program import Builder

BUILD = Path(os.environ["INLAY_BUILD"])


def option(name: str) -> Any:
    options = json.loads((BUILD / "meson-info" / "intro-buildoptions.json").read_text())
    (value,) = [option["value"] for option in options if option["name"] == name]
    return value


def test_the_server(builder: Builder) -> None:
    assert_memory_is_protected(builder.server)
    assert "DYN (Position-Independent Executable file)" in read(builder.server, "--file-header")
    assert "BIND_NOW" in read(builder.server, "--dynamic")


def test_what_the_compiler_adds(builder: Builder) -> None:
    if option("b_sanitize") not in ("none", [], "") or option("optimization") in ("0", "g"):
        pytest.skip("a sanitizer sees more, and without optimization there is none of it")
    called = read(builder.server, "--dyn-syms")
    assert " __stack_chk_fail@" in called
    assert re.search(r" __v?snprintf_chk@", called)
