"""The README's two commands, in either order, on a Debian that has never seen the project: what
./dev installs is all that they need. Of the tests a sample: ./dev test --sample. And a project of
one's own outside the tree, as docs/first-steps.md and docs/other-builds.md have it, by each build.

Meson runs this as a test of its own, for ./dev test --bare. What the commands said is in
BUILD/bare.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

import own_project
from bare import TOP, bare_debian, directory_for
from debian import Debian

DEMO, TESTS = "demo", "test --sample"


@pytest.fixture(scope="module")
def logs() -> Path:
    return directory_for("bare")


@pytest.fixture(scope="module")
def debian(logs: Path) -> Iterator[Debian]:
    yield from bare_debian(logs)


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


# The copy of the tree as a repository, and a clone of it, from which all else is done.
CLONE = """apt-get install -y git
mv inlay tree
git -C tree init -q
git -C tree add --all
git -C tree -c user.name=x -c user.email=x@localhost commit -qm x
echo == clone $(date +%s)
git clone -q file:///root/tree inlay"""


def test_a_project_of_ones_own(
    debian: Debian, logs: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    machine = debian.machine("first-steps", TOP)
    (machine.root / "root" / "steps.sh").write_text(own_project.steps(CLONE))
    log = logs / "first-steps.log"
    status = machine.run("sh steps.sh", log)
    said = log.read_text(errors="replace")
    assert status == 0, said[-5000:]
    took = own_project.check(said)
    first = sum(took[name] for name in ("clone", "packages", "install", "project", "database"))
    each = ", ".join(f"{name} {seconds} s" for name, seconds in took.items())
    record_testsuite_property(
        "remark", f"from git clone to the first own migration applied {first} s ({each})"
    )
    assert first < 600
    machine.remove()
