"""What bash and zsh complete after `inlay`: asked of the shells themselves."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

from inlay_gen.main import command_line
from support import SOURCE, Inlay

Offer = Callable[..., list[str]]

_ASK = {
    "bash": 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _inlay\n'
    'printf "%s\\n" "${COMPREPLY[@]}"',
    # Its own function is what offers; here it prints.
    "zsh": 'compadd() { shift; print -l -- "$@" | grep -e "^${words[CURRENT]}" }\n'
    '_files() { print files }; words=("$@"); CURRENT=$#; set --; source "$0"',
}


@pytest.fixture(params=["bash", "zsh"])
def offer(request: pytest.FixtureRequest, tmp_path: Path) -> Offer:
    scripts = {"bash": tmp_path / "inlay.bash", "zsh": tmp_path / "_inlay"}
    complete = SOURCE / "gen" / "installed" / "complete.py"
    made = [sys.executable, complete, SOURCE / "gen", scripts["bash"], scripts["zsh"]]
    subprocess.run([str(word) for word in made], check=True)
    shell = str(request.param)

    def ask(*words: str) -> list[str]:
        command = [shell, "-c", _ASK[shell], str(scripts[shell]), "inlay", *words]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert asked.stderr == ""
        return [line for line in asked.stdout.splitlines() if line not in ("", "files")]

    return ask


def commands() -> dict[str, argparse.ArgumentParser]:
    for action in command_line()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def test_every_command(offer: Offer) -> None:
    assert offer("") == [*commands(), "--help", "--version"]
    assert offer("fr") == ["freeze"]


def test_every_option(offer: Offer, inlay: Inlay) -> None:
    for name in commands():
        shown = inlay(name, "--help").out
        offered = offer(name, "--")
        assert offered and all(option in shown for option in offered)
        assert offer(name, "") == []  # files
    assert "--timestamp" in offer("new", "-")
    assert offer("embed", "--out") == ["--output"]


def test_every_value(offer: Offer) -> None:
    assert offer("check", "--format", "") == ["text", "json", "github", "gcc"]
    assert offer("embed", "m", "--layout", "go") == ["goose", "golang-migrate"]
    assert offer("embed", "--output", "") == []
