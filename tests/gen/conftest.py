"""Fixtures of the generator's tests. They run from a build directory or plainly:
python3 -m pytest tests/gen"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Callable, NamedTuple

import pytest
from hypothesis import settings

SOURCE = Path(__file__).resolve().parents[2]

sys.path.insert(0, str(SOURCE / "gen"))
sys.dont_write_bytecode = True

from inlay_gen.main import main  # noqa: E402

settings.register_profile("inlay", derandomize=True, deadline=None, database=None)
settings.load_profile("inlay")

Files = dict[str, "str | bytes"]


class Result(NamedTuple):
    """What a run of the generator did."""

    status: int
    out: str
    err: str


Inlay = Callable[..., Result]


@pytest.fixture
def inlay(capfdbinary: pytest.CaptureFixture[bytes]) -> Inlay:
    """Runs the generator's command line in this process."""

    def run(*arguments: str | Path) -> Result:
        capfdbinary.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as error:
            status = int(error.code or 0)
        out, err = capfdbinary.readouterr()
        return Result(status, *(text.decode("utf-8", "surrogateescape") for text in (out, err)))

    return run


def write_files(directory: Path, files: Files) -> Path:
    """Makes a directory of these files."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (directory / name).write_bytes(data)
    return directory


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Files], str]:
    """Makes the directory `migrations` and goes where it is."""
    monkeypatch.chdir(tmp_path)

    def make(files: Files) -> str:
        shutil.rmtree("migrations", ignore_errors=True)
        write_files(Path("migrations"), files)
        return "migrations"

    return make


@pytest.fixture
def embed(inlay: Inlay, migrations: Callable[[Files], str]) -> Callable[..., str]:
    """The C file that is made of these files."""

    def run(files: Files, *options: str) -> str:
        result = inlay("embed", migrations(files), *EMBED, "--warnings", "off", *options)
        assert (result.status, result.out, result.err) == (0, "", "")
        return Path("out.c").read_text(encoding="ascii")

    return run


EMBED = ("--output", "out.c", "--depfile", "out.c.d", "--symbol", "app", "--grammar", "off")


def compilers() -> list[str]:
    """The C compilers of this machine, with the build's own."""
    own = os.environ.get("CC", "cc")
    found = [name for name in (own, "gcc", "clang") if shutil.which(name.split()[0])]
    assert found, "no C compiler"
    return list(dict.fromkeys(found))
