"""Fixtures of the generator's tests. They run from a build directory or plainly:
python3 -m pytest tests/gen"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Callable

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "gen"))
sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
sys.dont_write_bytecode = True

from inlay_gen.main import main  # noqa: E402
from support import EMBED, Files, Inlay, Migrations, Result, write_files  # noqa: E402


settings.register_profile("inlay", derandomize=True, deadline=None, database=None)
settings.load_profile("inlay")


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


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Migrations:
    """Makes the directory `migrations` and goes where it is."""
    monkeypatch.chdir(tmp_path)

    def make(files: Files) -> str:
        shutil.rmtree("migrations", ignore_errors=True)
        write_files(Path("migrations"), files)
        return "migrations"

    return make


@pytest.fixture
def embed(inlay: Inlay, migrations: Migrations) -> Callable[..., str]:
    """The C file that is made of these files."""

    def run(files: Files, *options: str) -> str:
        result = inlay("embed", migrations(files), *EMBED, "--warnings", "off", *options)
        assert (result.status, result.out, result.err) == (0, "", "")
        return Path("out.c").read_text(encoding="ascii")

    return run
