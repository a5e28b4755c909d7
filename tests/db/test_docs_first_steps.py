"""docs/first-steps.md as its reader follows it: every command as it is written, in the order of the
page, in an empty directory, with the source tree beside it; every file as it is shown."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, Iterator

import psycopg
import pytest

import pages
from harness.program import Builder
from harness.server import ADMIN, Server
from test_back_docs import blocks
from test_cli_docs import squeeze

PAGE = pages.load(pages.DOCS / "first-steps.md")
SH = PAGE.named("sh")
FILES = {block.name: block.text for block in PAGE.blocks if block.language != "sh"}
FIRST = ("install", "new", "build", "migrate")  # the ten commands


class Reader:
    """A shell that is given one piece of the page after the other: what one exports, and the
    directory that it changes to, the next one finds."""

    def __init__(self, home: Path, server: Server) -> None:
        self._state = home / "state"
        programs = Path(server.program("createdb")).parent
        self._state.write_text(
            f"cd '{home}'\n"
            f"export HOME='{home}' PATH='{programs}:{os.environ['PATH']}' LC_ALL=C.UTF-8\n"
            f"export PGHOST='{server.directory}' PGPORT={server.port} PGUSER={ADMIN}\n"
        )
        self.project = home / "notes"

    def run(self, commands: str) -> str:
        """What they printed; each of them has to succeed."""
        keep = f"{{ echo \"cd '$PWD'\"; export -p; }} > '{self._state}'\n"
        done: subprocess.CompletedProcess[str] = subprocess.run(
            ["env", "-i", "sh", "-eu"],
            input=f". '{self._state}'\n{commands}{keep}",
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def save(self, *names: str) -> None:
        for name in names:
            (self.project / name).write_text(FILES[name])


@pytest.fixture(scope="module")
def reader(
    builder: Builder, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reader]:
    """Who has followed the page up to its tenth command."""
    home = tmp_path_factory.mktemp("reader")
    (home / "inlay").symlink_to(builder.source)
    yield Reader(home, server)
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS notes WITH (FORCE)")


@pytest.fixture(scope="module")
def migrated(reader: Reader) -> str:
    """What the ten commands printed last."""
    for name in FIRST:
        if name == "build":
            reader.save("migrations/001_create_notes.sql", "main.c", "meson.build")
        printed = reader.run(SH[name])
        assert name != "new" or printed == "migrations/001_create_notes.sql\n"
    return printed


def rows(server: Server, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.admin_url("notes")) as connection:
        return connection.execute(query).fetchall()


VERSIONS = "SELECT version FROM applied_migrations ORDER BY 1"


def test_every_block_is_followed() -> None:
    assert list(SH) == [*FIRST, "next", "cmake", "make"]
    assert all(block.name for block in PAGE.blocks)
    assert sum(len(SH[name].splitlines()) for name in FIRST) == 10


def test_the_first_ten_commands(reader: Reader, server: Server, migrated: str) -> None:
    assert squeeze(migrated) in blocks(PAGE)
    assert rows(server, VERSIONS) == [(1,)] and rows(server, "SELECT id, body FROM notes") == []
    again = SH["migrate"].splitlines()[-1]
    assert squeeze(reader.run(f"{again}\n")) in blocks(PAGE)
    assert reader.run("./build/notes\n") == "here your program starts\n"


def test_the_next_migration(reader: Reader, server: Server, migrated: str) -> None:
    reader.save("migrations/002_add_title.sql", "migrations/002_add_title.down.sql")
    told = reader.run(SH["next"])
    for line in ("002 add_title pending", "undone 002_add_title", "applied 002_add_title"):
        assert line in " ".join(told.split()), told
    assert rows(server, VERSIONS) == [(1,), (2,)] and rows(server, "SELECT title FROM notes") == []


@pytest.mark.parametrize(("build", "file"), [("cmake", "CMakeLists.txt"), ("make", "Makefile")])
def test_the_other_builds(
    reader: Reader, server: Server, migrated: str, build: str, file: str
) -> None:
    reader.save(file)
    told = reader.run("export DATABASE_URL=postgresql:///notes\n" + SH[build])
    assert "up to date: " in told or "applied in batch" in told


def test_cxx(reader: Reader, migrated: str) -> None:
    """Meson's lines and CMake's, changed as the page says."""
    reader.save("main.cpp")
    (reader.project / "main.c").unlink()
    meson, cmake = "project('notes', 'c', 'cpp'", "project(notes LANGUAGES C CXX)"
    assert meson in PAGE.prose and cmake in PAGE.prose
    for file, old, new in [
        ("meson.build", "project('notes', 'c'", meson),
        ("CMakeLists.txt", "project(notes LANGUAGES C)", cmake),
    ]:
        assert old in FILES[file]
        text = FILES[file].replace(old, new).replace("main.c", "main.cpp")
        (reader.project / file).write_text(text)
    reader.run("meson setup cxx && meson compile -C cxx && ./cxx/notes --migrate-list\n")
    reader.run('cmake -B cxx2 -DCMAKE_PREFIX_PATH="$HOME/inlay-0.1" && cmake --build cxx2\n')
    assert "create_notes" in reader.run("./cxx2/notes --migrate-list\n")
    reader.save("main.c")
