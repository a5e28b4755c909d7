"""Would the tests notice? Each mutation makes one rule wrong in a copy of the tree, and the tests
that should notice must fail.

./dev test --mutations N takes a sample of N that INLAY_SEED draws, ./dev test --mutations all takes
all of them. mutations.txt lists them."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

TOP = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("mutations.txt")
WANTED = os.environ.get("INLAY_MUTATIONS", "10")
SEED = int(os.environ.get("INLAY_SEED", time.time()))
TIMEOUT = 600  # a mutation may make a wait endless: that is noticed, too


# What the programs of the tests with a database are linked from.
LINKED = ("src/library/libinlay.a", "src/cli/libinlay-cli.a", "tests/db/libapp_main.a", "server")


class Mutation(NamedTuple):
    """In `file`, the one line `old` becomes `new`; `tests` should notice."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}: {self.old} -> {self.new}"


def read_list() -> list[Mutation]:
    """Blocks of FILE: TESTS, then pairs of lines, - before and + after."""
    found = []
    file, old = "", ""
    tests: tuple[str, ...] = ()
    for line in LIST.read_text().splitlines():
        if line.startswith("- "):
            old = line[2:]
        elif line.startswith("+ "):
            found.append(Mutation(file, old, line[2:], tests))
        elif line and not line.startswith("#"):
            file, _, names = line.partition(": ")
            tests = tuple(names.split())
    return found


ALL = read_list()


def sample() -> list[Mutation]:
    if WANTED == "all":
        return ALL
    return random.Random(SEED).sample(ALL, min(int(WANTED), len(ALL)))


def run(copy: Path, *command: str) -> int:
    """The exit status; -1 where it took too long."""
    try:
        return subprocess.run(
            command, cwd=copy, capture_output=True, timeout=TIMEOUT, env=environment(copy)
        ).returncode
    except subprocess.TimeoutExpired:
        return -1


def environment(copy: Path) -> dict[str, str]:
    build = copy / "build"
    return {**os.environ, "INLAY_BUILD": str(build), "INLAY_TOOL": str(build / "gen" / "inlay")}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tree as it is, built."""
    made: Path = tmp_path_factory.mktemp("mutations")
    for above in (made, *made.parents[:2]):
        above.chmod(0o755)  # PostgreSQL runs as another user where we are root
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True
    ).stdout
    for name in tracked.decode().split("\0"):
        if name and (TOP / name).is_file():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, made / name)
    subprocess.run(
        ["meson", "setup", "build", "-Dtests=enabled", "-Dserver=enabled"], cwd=made, check=True
    )
    subprocess.run(["ninja", "-C", "build"], cwd=made, check=True)
    yield made
    shutil.rmtree(made)


def notices(copy: Path, test: str) -> bool:
    """Does it fail? unit/NAME and cli/NAME are programs in C, all else files of pytest."""
    if test.startswith(("unit/", "cli/")):
        suite, name = test.split("/")
        program = f"tests/{suite}/test_{suite}_{name}"
        assert run(copy, "ninja", "-C", "build", program) == 0, "it does not compile"
        return run(copy, f"build/{program}") != 0
    if test.startswith("db/"):
        assert run(copy, "ninja", "-C", "build", *LINKED) == 0, "it does not compile"
    pytest_ = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    status = run(copy, *pytest_, "-c", "tests/pytest.ini", f"tests/{test}")
    assert status in (0, 1, -1), f"{test} could not be run"
    return status != 0


@pytest.mark.parametrize("mutation", sample(), ids=str)
def test_is_noticed(copy: Path, mutation: Mutation) -> None:
    source = copy / mutation.file
    text = source.read_text()
    assert text.count(mutation.old) == 1, "the list does not fit the source: mend it"
    source.write_text(text.replace(mutation.old, mutation.new))
    try:
        assert any(notices(copy, test) for test in mutation.tests), f"INLAY_SEED={SEED}"
    finally:
        source.write_text(text)
