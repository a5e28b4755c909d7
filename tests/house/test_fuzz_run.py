"""A fuzz target that did not come to the end of its runs has failed."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[1] / "fuzz" / "run.py"


def run_target(directory: Path, script: str) -> tuple[int, ElementTree.Element]:
    """The status and the one test case of a target that does what the script says."""
    target = directory / "fuzz_name"
    target.write_text(f"#!/bin/sh\n{script}\n")
    target.chmod(0o755)
    result = directory / "results" / "fuzz-name.xml"
    command = [sys.executable, str(RUN), str(result), "100", str(target), str(directory)]
    status = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
    (case,) = ElementTree.parse(result).iter("testcase")
    return status, case


def test_it_came_to_the_end(tmp_path: Path) -> None:
    status, case = run_target(tmp_path, "echo 'Done 100 runs in 1 second(s)' >&2")
    assert (status, case.get("name"), case.find("failure")) == (0, "fuzz_name", None)


@pytest.mark.parametrize(
    "script",
    [
        "exit 0",
        "echo 'Done 99 runs in 1 second(s)'",
        "echo 'Done 100 runs in 1 second(s)'; exit 77",
        "printf 'this does not hold: \\033\\377'; kill -ABRT $$",
    ],
    ids=["silent", "short", "status", "crash"],
)
def test_it_did_not(tmp_path: Path, script: str) -> None:
    status, case = run_target(tmp_path, script)
    assert status == 1
    assert case.find("failure") is not None
