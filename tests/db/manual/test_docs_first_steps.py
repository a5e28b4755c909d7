"""docs/first-steps.md and docs/other-builds.md as their reader follows them: every block as it is
written, in the order of the page, in an empty directory with the source tree beside it. What root
does there, tests/house/test_bare.py tries."""

from __future__ import annotations

import os
import shutil
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
OTHER = pages.load(pages.DOCS / "other-builds.md")
FILES = {block.name: block.text for block in OTHER.blocks if block.language != "sh"}
VERSIONS = "SELECT version FROM applied_migrations ORDER BY 1"


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

    def run(self, commands: str, status: int = 0) -> str:
        """What they printed."""
        keep = f"{{ echo \"cd '$PWD'\"; export -p; }} > '{self._state}'\n"
        done: subprocess.CompletedProcess[str] = subprocess.run(
            ["env", "-i", "sh", "-eu"],
            input=f". '{self._state}'\n{commands}{keep}",
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def save(self, *names: str) -> None:
        for name in names:
            (self.project / name).write_text(FILES[name])


@pytest.fixture(scope="module")
def reader(
    builder: Builder, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reader]:
    home = tmp_path_factory.mktemp("reader")
    (home / "inlay").symlink_to(builder.source)
    yield Reader(home, server)
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS notes WITH (FORCE)")


def rows(server: Server, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.admin_url("notes")) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def told(reader: Reader, server: Server) -> dict[str, str]:
    """What each block printed; and the versions that the database had after it."""
    said = {}
    for name, commands in SH.items():
        if name == "packages":
            continue
        said[name] = reader.run(commands, 1 if name == "mistake" else 0)
        if name not in ("install", "project"):
            said[f"{name} applied"] = str([version for (version,) in rows(server, VERSIONS)])
    return said


def shown(transcript: str, printed: str) -> bool:
    """Does what was printed end as the page shows it?"""
    return squeeze(printed).endswith(squeeze(transcript))


def test_every_block_has_a_name_and_the_page_is_short() -> None:
    assert all(block.name and block.language == "sh" for block in PAGE.blocks)
    assert all(block.name for block in OTHER.blocks)
    assert len(PAGE.text.splitlines()) <= 120


def test_the_first_steps(told: dict[str, str], reader: Reader) -> None:
    applied = {name: told[f"{name} applied"] for name in SH if f"{name} applied" in told}
    assert applied == {
        "database": "[1]",
        "mistake": "[1]",
        "repair": "[1, 2]",
        "deploy": "[1, 2, 3]",
        "back": "[1, 2]",
    }
    assert "migrations/001_create_notes.sql\n" in told["project"]
    assert told["mistake"].startswith("migrations/002_add_title.sql\n")
    for name in ("database", "mistake"):
        assert any(shown(block, told[name]) for block in blocks(PAGE)), told[name]
    both = "migrations/003_index_title.up.sql\nmigrations/003_index_title.down.sql\n"
    assert told["deploy"].startswith(both)
    assert "003 index_title pending" in " ".join(told["deploy"].split())
    assert told["deploy"].endswith("here your program starts\n")
    assert "undone 003_index_title" in told["back"]


@pytest.mark.parametrize(
    ("build", "file", "program"),
    [
        ("cmake", "CMakeLists.txt", "cmake-build/notes"),
        ("make", "Makefile", "notes"),
        ("cc", "", "notes"),
        ("cxx", "main.cpp", "notes"),
    ],
)
def test_the_other_builds(
    reader: Reader, told: dict[str, str], build: str, file: str, program: str
) -> None:
    (reader.project / "notes").unlink(missing_ok=True)
    reader.save(*filter(None, [file]))
    reader.run(OTHER.named("sh")[build])
    assert "index_title" in reader.run(f"./{program} --migrate-show\n")


@pytest.mark.parametrize(
    ("file", "commands", "program"),
    [("Makefile", "make", "notes"), ("CMakeLists.txt", "cmake -B b && cmake --build b", "b/notes")],
)
def test_a_tarball(
    reader: Reader,
    told: dict[str, str],
    builder: Builder,
    tmp_path: Path,
    file: str,
    commands: str,
    program: str,
) -> None:
    """Where there is neither Python nor Meson nor inlay, in a path with a space."""
    reader.run(OTHER.named("sh")["cc"])
    tree, tools = tmp_path / "notes 1.0", tmp_path / "tools"
    tree.mkdir()
    for name in ("main.c", "embedded.c"):
        shutil.copy(reader.project / name, tree)
    for part in ("include", "src"):
        shutil.copytree(builder.source / part, tree / "inlay" / part)
    (tree / file).write_text(FILES[f"tarball/{file}"])
    tools.mkdir()
    for tool in "sh cc as ld ar ranlib make cmake pkg-config find".split():
        found = shutil.which(tool)
        assert found
        (tools / tool).symlink_to(found)
    environment = {"PATH": str(tools), "HOME": str(tmp_path)}
    for command in (commands, f"./{program} --migrate-show"):
        done = subprocess.run(
            ["sh", "-c", command], cwd=tree, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "create_notes" in done.stdout


def test_cxx_alone(reader: Reader, told: dict[str, str]) -> None:
    """Meson's lines and CMake's, changed as the page says."""
    reader.save("main.cpp", "CMakeLists.txt")
    meson = (reader.project / "meson.build").read_text()
    for name, text, changes in [
        (
            "meson.build",
            meson.replace(", default_options: ['c_std=c11']", ""),
            {
                "project('notes', 'c')": "project('notes', 'cpp')",
                "output: 'migrations.c'": "output: 'migrations.cpp'",
                "'main.c'": "'main.cpp'",
            },
        ),
        (
            "CMakeLists.txt",
            FILES["CMakeLists.txt"],
            {"LANGUAGES C)": "LANGUAGES CXX)", "main.c)": "main.cpp)"},
        ),
    ]:
        for old, new in changes.items():
            assert old in text and new.strip(")") in OTHER.prose
            text = text.replace(old, new)
        (reader.project / name).write_text(text)
    (reader.project / "main.c").rename(reader.project / "main.not")
    reader.run("meson setup cxx && meson compile -C cxx && ./cxx/notes --show\n")
    reader.run("cmake -B cxx2 && cmake --build cxx2\n")
    assert "create_notes" in reader.run("./cxx2/notes --show\n")
    (reader.project / "main.not").rename(reader.project / "main.c")
    (reader.project / "meson.build").write_text(meson)
