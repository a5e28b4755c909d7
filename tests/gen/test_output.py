"""What is written, and when; the depfile, as make and ninja understand it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

import pytest

from support import EMBED, SOURCE, Files, Inlay, Migrations, write_files
from inlay_gen.output.writing import depfile


MADE = ["out.c", "out.c.d", "out.c.stamp"]

# ---- only where it changes, and whole ----


def embed_once(inlay: Inlay, directory: str) -> tuple[int, int]:
    """Embeds; returns what tells an old C file from a new one."""
    assert inlay("embed", directory, *EMBED).status == 0
    made = Path("out.c").stat()
    return made.st_ino, made.st_mtime_ns


def test_nothing_changed_nothing_written(inlay: Inlay, migrations: Migrations) -> None:
    directory = migrations({"1_a.sql": "SELECT 1"})
    first = embed_once(inlay, directory)
    time.sleep(0.02)
    os.utime("migrations/1_a.sql")
    assert embed_once(inlay, directory) == first
    Path("migrations/1_a.sql").write_text("SELECT 2")
    assert embed_once(inlay, directory) != first


def test_a_file_of_the_same_size_is_told_apart(inlay: Inlay, migrations: Migrations) -> None:
    directory = migrations({"1_a.sql": "SELECT 1"})
    embed_once(inlay, directory)
    text = Path("out.c").read_bytes()
    Path("out.c").write_bytes(text[:-1] + b" ")
    embed_once(inlay, directory)
    assert Path("out.c").read_bytes() == text


def test_errors_leave_the_last_good_output(inlay: Inlay, migrations: Migrations) -> None:
    directory = migrations({"1_a.sql": "SELECT 1"})
    first = embed_once(inlay, directory)
    depends = Path("out.c.d").read_bytes()
    Path("migrations/2_b.sql").write_text("BEGIN")
    assert inlay("embed", directory, *EMBED).status == 1
    made = Path("out.c").stat()
    assert (made.st_ino, made.st_mtime_ns) == first
    assert Path("out.c.d").read_bytes() == depends
    assert sorted(os.listdir(".")) == ["migrations", *MADE]


def test_output_is_readable_as_others_are(inlay: Inlay, migrations: Migrations) -> None:
    Path("other").touch()
    embed_once(inlay, migrations({}))
    assert Path("out.c").stat().st_mode == Path("other").stat().st_mode


@pytest.mark.parametrize(
    "output, why",
    [
        ("missing/out.c", "No such file or directory"),
        ("migrations", "Is a directory"),
        ("other/out.c", "Not a directory"),
    ],
)
def test_output_that_cannot_be_written(
    inlay: Inlay, migrations: Migrations, output: str, why: str
) -> None:
    directory = migrations({"001_a.sql": "SELECT 1;"})
    Path("other").touch()
    options = ["--depfile", "out.c.d", "--symbol", "app"]
    result = inlay("embed", directory, "--output", output, *options)
    assert result.status == 1
    assert result.err == f"inlay: error: {output}: cannot be written: {why}\n"
    assert sorted(os.listdir(".")) == ["migrations", "other"]


def test_a_full_disk_leaves_nothing_half_written(
    inlay: Inlay, migrations: Migrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = migrations({"1_a.sql": "SELECT 1"})
    embed_once(inlay, directory)
    before = Path("out.c").read_bytes()
    Path("migrations/1_a.sql").write_text("SELECT '" + "x" * 100_000 + "'")
    command = [sys.executable, "-m", "inlay_gen", "embed", directory, *EMBED]
    # A limit on the size of files fails a write as a full disk does, in the middle.
    limited = ["sh", "-c", 'trap "" XFSZ; ulimit -f 16; exec "$@"', "sh", *command]
    env = {**os.environ, "PYTHONPATH": str(SOURCE / "gen"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(limited, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "inlay: error: out.c: cannot be written: File too large\n"
    assert Path("out.c").read_bytes() == before
    assert sorted(os.listdir(".")) == ["migrations", *MADE]


# ---- the depfile ----


def test_the_depfile_names_files_modules_and_the_directory(
    inlay: Inlay, migrations: Migrations
) -> None:
    embed_once(inlay, migrations({"1_a b#$:.up.sql": "", "1_a b#$:.down.sql": "", "x.txt": ""}))
    text = Path("out.c.d").read_text()
    rule, *empty = text.split("\n\n")
    target, *inputs = rule.split(" \\\n  ")
    assert target == "out.c:"
    modules = sorted(map(str, (SOURCE / "gen" / "inlay_gen").rglob("*.py")))
    assert inputs == [
        "migrations",
        "migrations/1_a\\ b\\#$$\\:.down.sql",
        "migrations/1_a\\ b\\#$$\\:.up.sql",
        *(module.replace(" ", "\\ ") for module in modules),
    ]
    assert [line.rstrip("\n") for line in empty] == [f"{name}:" for name in inputs]


TOOL = shlex.join([sys.executable, "-B", "-m", "inlay_gen"])


class Project:
    """A project whose C file a build tool makes with this command."""

    def __init__(self, tool: Tool, command: str) -> None:
        self.tool = tool
        self.counter = Path("counter")
        self.counter.touch()
        tool(f"echo x >> counter && {command}".replace("$", "$$"))

    def build(self) -> int:
        """Builds; says how often the command ran for it."""
        before = self.counter.stat().st_size
        env = {**os.environ, "PYTHONPATH": str(SOURCE / "gen")}
        done = subprocess.run([self.tool.__name__], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return (self.counter.stat().st_size - before) // 2


Tool = Callable[[str], None]


def make(command: str) -> None:
    Path("Makefile").write_text(
        f"out.o: out.c\n\tcp out.c out.o\nout.c:\n\t{command}\n-include out.c.d\n"
    )


def ninja(command: str) -> None:
    Path("build.ninja").write_text(
        f"rule make\n command = {command}\n depfile = out.c.d\n restat = 1\n"
        "rule copy\n command = cp $in $out\n"
        "build out.c: make\nbuild out.o: copy out.c\n"
    )


@pytest.fixture(params=[make, ninja])
def tool(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    monkeypatch.chdir(tmp_path)
    chosen: Tool = request.param
    return chosen


def project(tool: Tool, files: Files, directory: str = "migrations") -> Project:
    """A project that embeds these files."""
    write_files(Path(directory), files)
    python = shlex.join([sys.executable, "-B", "-m", "inlay_gen"])
    return Project(tool, f"{python} embed {shlex.quote(directory)} {shlex.join(EMBED)}")


def age() -> None:
    """Puts everything built or read into the past, in the order in which it was."""
    for path in sorted(Path(".").rglob("*"), key=lambda p: p.stat().st_mtime):
        when = path.stat().st_mtime - 1000
        os.utime(path, (when, when))


def contents() -> str:
    return Path("out.o").read_text()


def test_add_edit_delete(tool: Tool) -> None:
    built = project(tool, {"1_a.sql": "SELECT 'one'", "2_b.sql": "SELECT 'two'"})
    assert built.build() == 1
    assert built.build() == 0
    age()
    Path("migrations/3_c.sql").write_text("SELECT 'three'")
    assert built.build() == 1
    assert "'three'" in contents()
    assert built.build() == 0
    age()
    Path("migrations/2_b.sql").write_text("SELECT 'zwei'")
    assert built.build() == 1
    assert "'zwei'" in contents() and "'two'" not in contents()
    assert built.build() == 0
    age()
    Path("migrations/1_a.sql").unlink()
    assert built.build() == 1
    assert "'one'" not in contents()
    assert built.build() == 0
    age()
    Path("migrations/2_b.sql").rename("migrations/4_b.sql")
    assert built.build() == 1
    assert "4_b.sql" in contents()
    age()
    for path in Path("migrations").iterdir():
        path.unlink()
    assert built.build() == 1
    assert "app_migrations" not in contents()
    assert built.build() == 0


def test_touching_a_file_compiles_nothing(tool: Tool) -> None:
    built = project(tool, {"1_a.sql": "SELECT 1"})
    assert built.build() == 1
    age()
    compiled = Path("out.o").stat().st_mtime_ns
    os.utime("migrations/1_a.sql")
    Path("migrations/README.md").write_text("to do")
    assert built.build() == 1
    assert Path("out.o").stat().st_mtime_ns == compiled
    # make compares times and nothing else: it asks again until something changes.
    assert built.build() == (1 if tool is make else 0)


def test_the_build_fails_and_recovers(tool: Tool) -> None:
    built = project(tool, {"1_a.sql": "SELECT 1"})
    built.build()
    age()
    Path("migrations/2_b.sql").write_text("BEGIN")
    for _ in range(2):
        with pytest.raises(AssertionError, match="transaction-control"):
            built.build()
    Path("migrations/2_b.sql").unlink()
    assert built.build() == 1


@pytest.mark.parametrize("name, always", [("my #1 $migrations: é", 0), ("migrations (new)", 1)])
def test_a_directory_with_an_odd_name(tool: Tool, name: str, always: int) -> None:
    built = project(tool, {"1_a.sql": "SELECT 1"}, name)
    assert built.build() == 1
    assert built.build() == always
    age()
    Path(name, "2_b.sql").write_text("SELECT 2")
    assert built.build() == 1
    assert "SELECT 2" in contents()


# Where either tool cannot follow a name, the command runs in every build.
UNREADABLE = [*"\"%&'*;<=>?[]^`|", "\\#", "\\:"]
PUNCTUATION = [chr(c) for c in range(32, 127) if not chr(c).isalnum() and chr(c) != "/"]


@pytest.mark.parametrize("part", sorted({*PUNCTUATION, *UNREADABLE, "\\ ", "  ", "$$", "é"}))
def test_every_name_is_followed(tool: Tool, part: str) -> None:
    file = write_files(Path("d"), {f"1_a{part}b.sql": ""}) / f"1_a{part}b.sql"
    Path("ready.d").write_bytes(depfile("out.c", [str(file)]))
    built = Project(tool, "cp ready.d out.c.d && touch out.c")
    always = 1 if part in UNREADABLE else 0
    assert built.build() == 1
    assert built.build() == always
    age()
    file.touch()
    assert built.build() == 1
    age()
    file.unlink()
    built.build()


def test_the_depfile_itself() -> None:
    assert depfile("a b.c", ["d", "d/x#y", "d/x\\ y", "d/a'b", "d/c'd"]) == (
        b"a\\ b.c: \\\n  d \\\n  d/x\\#y \\\n  d/x\\\\\\ y \\\n"
        b"  inlay-input-with-a-name-that-make-or-ninja-cannot-read\n"
        b"\nd:\n\nd/x\\#y:\n\nd/x\\\\\\ y:\n"
        b"\ninlay-input-with-a-name-that-make-or-ninja-cannot-read:\n"
    )
