"""The README's two commands, in either order, on a Debian that has never seen the project: what
./dev installs is all that they need. Of the tests a sample: ./dev test --sample.

Meson runs this as a test of its own, for ./dev test --bare. What the commands said is in
BUILD/bare.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from debian import Debian, Unavailable, check, tracked

TOP = Path(__file__).resolve().parents[2]
DEMO, TESTS = "demo", "test --sample"


@pytest.fixture(scope="module")
def logs() -> Path:
    directory = Path(os.environ["INLAY_BUILD"]) / "bare"
    directory.mkdir(exist_ok=True)
    return directory


@pytest.fixture(scope="module")
def debian(logs: Path) -> Iterator[Debian]:
    try:
        check()
        tracked(TOP)
    except Unavailable as reason:
        pytest.skip(f"no bare Debian here: {reason}")
    made = Debian()
    try:
        made.make(logs / "debootstrap.log")
        yield made
    except Unavailable as reason:
        pytest.skip(f"no bare Debian here: {reason}")
    finally:
        made.close()


@pytest.mark.parametrize("order", [(DEMO, TESTS), (TESTS, DEMO)], ids=["demo-first", "tests-first"])
def test_both_commands(
    order: tuple[str, str],
    debian: Debian,
    logs: Path,
    request: pytest.FixtureRequest,
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    name = request.node.callspec.id
    machine = debian.machine(name, TOP)
    for command in order:
        log = logs / f"{name}-{command.split()[0]}.log"
        started = time.monotonic()
        status = machine.run(f"inlay/dev {command}", log)
        lines = log.read_text(errors="replace").splitlines()
        assert status == 0, "\n".join([f"./dev {command} ended with {status}", *lines[-100:]])
        took = f"{name}: ./dev {command} took {time.monotonic() - started:.0f} s"
        said = f": {lines[-1]}" if command == TESTS else ""
        record_testsuite_property("remark", took + said)
        # One that is skipped lacks something, too.
        assert command != TESTS or re.fullmatch(r"[1-9]\d* passed, 0 failed", lines[-1]), lines[
            -40:
        ]
    machine.remove()
