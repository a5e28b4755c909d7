"""`inlay check --execute`: running it, and reading what it found."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.program import Builder, Files
from harness.server import find_bindir

Found = tuple[str, str, int]  # rule, file, line


@dataclass(frozen=True)
class Check:
    """How a check went."""

    status: int
    err: str
    findings: list[dict[str, Any]]

    @property
    def found(self) -> list[Found]:
        return sorted((f["rule"], os.path.basename(f["path"]), f["line"]) for f in self.findings)

    @property
    def rules(self) -> list[str]:
        return [rule for rule, _, _ in self.found]


def environment(bindir: Path | None = None) -> dict[str, str]:
    """In which the server under test is the one that is found."""
    path = f"{bindir or find_bindir()}:{os.environ['PATH']}"
    return {**{k: v for k, v in os.environ.items() if not k.startswith("PG")}, "PATH": path}


def check(builder: Builder, directory: Path, program: Path, *options: str, **more: Any) -> Check:
    """The findings as JSON; the directory is named as it is from beside it."""
    words = ["check", directory.name, "--grammar=off", "--execute", str(program), *options]
    done = subprocess.run(
        [*builder.generator, *words, "--format=json"],
        cwd=directory.parent,
        env={**environment(), **more.get("env", {})},
        capture_output=True,
        text=True,
    )
    assert done.stdout, done.stderr
    return Check(done.returncode, done.stderr, json.loads(done.stdout))


def program_of(builder: Builder, directory: Path) -> Path:
    """A program with the migrations of a directory inside."""
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    return builder.app(files, None, False)


def write(directory: Path, files: Files, frozen: Sequence[str] = ()) -> Path:
    """A directory of migrations, some of which are released."""
    directory.mkdir(parents=True)
    for name, text in files.items():
        (directory / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    sums = "".join(
        f"{hashlib.sha256((directory / name).read_bytes()).hexdigest()}  {name}\n"
        for name in frozen
    )
    if frozen:
        (directory / "SHA256SUMS").write_text(sums)
    return directory
