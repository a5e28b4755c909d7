"""The look before the work: nothing is done twice, and no change is ever passed over. The entry
script runs as a build runs it."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path
from typing import Callable

import pytest

from inlay_gen.output import stamp
from support import SOURCE, Files, Result, write_files

FILES: Files = {"001_a.sql": "SELECT 'one'", "002_b.sql": "SELECT 'two'"}
OLD = 1_000_000_000  # a time, in seconds


class Build:
    """A directory of migrations, and what embeds it."""

    def __init__(self, home: Path, modules: Path) -> None:
        self.home = home
        self.directory = write_files(home / "migrations", FILES)
        for path in self.directory.iterdir():
            os.utime(path, (OLD, OLD))
        self.tool = home / "inlay"
        text = (SOURCE / "gen" / "inlay.in").read_text()
        self.tool.write_text(
            text.replace("@python@", sys.executable).replace("@modules@", str(modules))
        )
        self.tool.chmod(0o755)
        self.options = ["--symbol", "app", "--grammar", "off"]
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home)}
        (home / "out").mkdir()
        self.output = home / "out" / "out.c"
        self.stamp = home / "out" / "out.c.stamp"

    def embed(self, output: str = "out/out.c", directory: str = "migrations") -> Result:
        done = subprocess.run(
            [self.tool, "embed", directory, "--output", output, *self.options],
            cwd=self.home,
            env=self.env,
            capture_output=True,
            text=True,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def runs(self) -> bool:
        """Embeds; was all of the work done?"""
        before = self.stamp.read_bytes()
        assert self.embed().status == 0
        return self.stamp.read_bytes() != before

    def ripen(self, by_ns: int = 10**10) -> None:
        """As if the files had lain there for a while when the last run began."""
        fields = self.stamp.read_bytes().split(b"\0\0", 8)
        fields[2] = b"%d" % (int(fields[2]) + by_ns)
        self.stamp.write_bytes(b"\0\0".join(fields))

    def is_right(self, text: str) -> bool:
        """Does the next run make the C file of this text, although it allows for no time at all
        between two changes? There is no stamp of a run that saw two states."""
        if self.stamp.exists():
            self.ripen(stamp._CLOSE_NS)
        assert self.embed().status == 0
        return text in self.output.read_text()

    def fresh(self) -> bytes:
        """What a build from nothing makes."""
        shutil.rmtree(self.home / "fresh", ignore_errors=True)
        (self.home / "fresh").mkdir()
        assert self.embed("fresh/out.c").status == 0
        return (self.home / "fresh" / "out.c").read_bytes()


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Built, and nothing has changed for a while."""
    made = Build(tmp_path, SOURCE / "gen")
    assert made.embed() == (0, "", "")
    made.ripen()
    assert not made.runs()
    return made


def edit(path: Path, text: str) -> None:
    """In place, with the time that it had."""
    about = path.stat()
    path.write_text(text)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


def bring(path: Path, text: str) -> None:
    """As rsync -a brings a file: another one, with an old time, moved to its name."""
    beside = path.parent.parent / "brought"
    beside.write_text(text)
    os.utime(beside, (OLD, OLD))
    beside.replace(path)


# ---- what must be seen ----

Trap = Callable[[Build], None]
TRAPS: dict[str, Trap] = {}


def trap(change: Trap) -> Trap:
    TRAPS[change.__name__] = change
    return change


@trap
def an_edit(build: Build) -> None:
    (build.directory / "001_a.sql").write_text("SELECT 'uno'")


@trap
def an_edit_with_an_old_time(build: Build) -> None:
    edit(build.directory / "001_a.sql", "SELECT 'uno'")


@trap
def a_file_with_an_old_time(build: Build) -> None:
    bring(build.directory / "003_c.sql", "SELECT 'three'")


@trap
def another_file_with_the_same_time_and_size(build: Build) -> None:
    bring(build.directory / "001_a.sql", "SELECT 'uno'")


@trap
def an_older_file_from_an_archive(build: Build) -> None:
    path = build.directory / "001_a.sql"
    kept = path.read_bytes()
    path.write_text("SELECT 'uno'")
    os.utime(path, (OLD, OLD))
    with tarfile.open(build.home / "a.tar", "w") as archive:
        archive.add(path, "migrations/001_a.sql")
    path.write_bytes(kept)
    assert build.embed().status == 0
    build.ripen()
    subprocess.run(["tar", "xf", "a.tar"], cwd=build.home, check=True)
    assert path.stat().st_mtime == OLD


@trap
def a_deleted_file(build: Build) -> None:
    (build.directory / "001_a.sql").unlink()


@trap
def a_renamed_file(build: Build) -> None:
    (build.directory / "001_a.sql").rename(build.directory / "003_a.sql")


@trap
def two_files_that_change_places(build: Build) -> None:
    first, second = (build.directory / name for name in FILES)
    first.rename(build.home / "first")
    second.rename(first)
    (build.home / "first").rename(second)


@trap
def another_directory_under_the_name(build: Build) -> None:
    other = write_files(build.home / "other", {**FILES, "001_a.sql": "SELECT 'uno'"})
    for path in (*other.iterdir(), other):
        os.utime(path, (OLD, OLD))
    build.directory.rename(build.home / "gone")
    other.rename(build.directory)


@trap
def a_link_to_another_file(build: Build) -> None:
    first, second = build.home / "first.sql", build.home / "second.sql"
    for path, text in ((first, "SELECT 1"), (second, "SELECT 2")):
        path.write_text(text)
        os.utime(path, (OLD, OLD))
    link = build.directory / "003_c.sql"
    link.symlink_to(first)
    assert build.embed().status == 0
    build.ripen()
    assert not build.runs()
    link.unlink()
    link.symlink_to(second)


@trap
def another_name_of_a_file(build: Build) -> None:
    (build.directory / "001_a.sql").unlink()
    os.link(build.directory / "002_b.sql", build.directory / "001_a.sql")


@trap
def frozen_files(build: Build) -> None:
    subprocess.run([build.tool, "freeze", "migrations"], cwd=build.home, check=True)


@trap
def a_deleted_output(build: Build) -> None:
    build.output.unlink()


@trap
def an_edited_output(build: Build) -> None:
    edit(build.output, build.output.read_text().replace("one", "uno"))


@trap
def an_output_from_elsewhere(build: Build) -> None:
    bring(build.output, build.output.read_text().replace("one", "uno"))


@trap
def another_command(build: Build) -> None:
    build.options += ["--late", "refuse"]


@trap
def what_a_stopped_run_leaves(build: Build) -> None:
    (build.directory / "001_a.sql").write_text("SELECT 'uno'")
    build.stamp.write_bytes(build.stamp.read_bytes()[:200])


@trap
def a_stamp_of_nothing(build: Build) -> None:
    (build.directory / "001_a.sql").write_text("SELECT 'uno'")
    build.stamp.write_bytes(b"")


@trap
def a_stamp_that_is_a_directory(build: Build) -> None:
    build.stamp.unlink()
    (build.stamp / "x").mkdir(parents=True)
    (build.directory / "001_a.sql").write_text("SELECT 'uno'")


@trap
def a_copied_build_directory(build: Build) -> None:
    shutil.copytree(build.home / "out", build.home / "copy")
    shutil.rmtree(build.home / "out")
    (build.home / "copy").rename(build.home / "out")
    (build.directory / "001_a.sql").write_text("SELECT 'uno'")


@pytest.mark.parametrize("name", TRAPS)
def test_a_change_is_seen(build: Build, name: str) -> None:
    before = build.output.read_bytes()
    TRAPS[name](build)
    assert build.embed().status == 0
    assert build.output.read_bytes() == build.fresh()
    kept = name in ("a_deleted_output", "an_edited_output", "an_output_from_elsewhere")
    assert (build.output.read_bytes() == before) is kept


@pytest.mark.parametrize("layout", ["diesel", "flyway"])
def test_a_change_below_is_seen(tmp_path: Path, layout: str) -> None:
    build = Build(tmp_path, SOURCE / "gen")
    shutil.rmtree(build.directory)
    file = "2024-01-02-030405_a/up.sql" if layout == "diesel" else "x/y/V1__a.sql"
    write_files(build.directory, {file: "SELECT 'one'"})
    build.options += ["--layout", layout]
    assert build.embed().status == 0
    build.ripen()
    assert not build.runs()
    edit(build.directory / file, "SELECT 'uno'")
    assert build.runs()
    assert build.output.read_bytes() == build.fresh()
    assert "uno" in build.output.read_text()


@pytest.mark.parametrize("through", ["current", "current/deep", "current/../current"])
def test_a_directory_behind_a_link(tmp_path: Path, through: str) -> None:
    """The link leads elsewhere and back again: its own times tell."""
    build = Build(tmp_path, SOURCE / "gen")
    links = tmp_path / "links"
    for at in (links / "v1", links / "v1" / "deep"):
        write_files(at, FILES)
    (links / "current").symlink_to("v1")
    arguments = ("out/out.c", f"links/{through}")
    assert build.embed(*arguments).status == 0
    build.ripen()
    before = build.stamp.read_bytes()
    assert build.embed(*arguments).status == 0
    assert build.stamp.read_bytes() == before
    (links / "new").symlink_to("v1")
    (links / "new").replace(links / "current")
    assert build.embed(*arguments).status == 0
    assert build.stamp.read_bytes() != before


def test_a_directory_that_changes_while_it_is_read(tmp_path: Path) -> None:
    """What was read, the files before or those after it?"""
    for name in ("a", "b", "c"):
        write_files(tmp_path / name, FILES)
    output = os.fsencode(tmp_path / "out.c")
    for swap in (False, True):
        begun = stamp.Stamp(output, os.fsencode(tmp_path / "a"))
        if swap:
            (tmp_path / "a").rename(tmp_path / "d")
            (tmp_path / "b").rename(tmp_path / "a")
        begun.finish([], [output], [], b"")
        begun.drop()
        assert (tmp_path / "out.c.stamp").exists() is not swap
        (tmp_path / "out.c.stamp").unlink(missing_ok=True)


def test_files_as_new_as_the_run_are_read_again(tmp_path: Path) -> None:
    build = Build(tmp_path, SOURCE / "gen")
    (build.directory / "001_a.sql").write_text("SELECT 'uno'")
    assert build.embed().status == 0
    assert build.runs()


def test_an_output_as_new_as_the_stamp_is_made_again(build: Build) -> None:
    about = build.output.stat()
    os.utime(build.stamp, ns=(about.st_ctime_ns, about.st_ctime_ns))
    assert build.runs()


def test_a_clock_that_went_back(build: Build) -> None:
    """What changed after the run began, by the clock, may have changed while it was read."""
    fields = build.stamp.read_bytes().split(b"\0\0", 8)
    newest = max(path.stat().st_ctime_ns for path in build.directory.iterdir())
    fields[2] = b"%d" % newest
    build.stamp.write_bytes(b"\0\0".join(fields))
    assert build.runs()


def test_edits_while_it_runs(tmp_path: Path) -> None:
    """Whatever is edited, and when: the last run is right."""
    build = Build(tmp_path, SOURCE / "gen")
    chance = random.Random(8)
    for number in range(15):
        stop = threading.Event()
        pause = chance.random() / 20

        def change() -> None:
            value = number * 1000
            while not stop.is_set():
                value += 1
                edit(build.directory / "001_a.sql", f"SELECT '{value:08}'")
                stop.wait(pause)

        editor = threading.Thread(target=change)
        editor.start()
        assert build.embed().status == 0
        stop.set()
        editor.join()
        assert build.is_right((build.directory / "001_a.sql").read_text())


def test_two_runs_at_once(tmp_path: Path) -> None:
    """One of them reads what is edited; the other one may overwrite what it made."""
    build = Build(tmp_path, SOURCE / "gen")
    for number in range(8):
        edit(build.directory / "001_a.sql", f"SELECT '{number:08}'")
        slow = threading.Thread(target=build.embed)
        slow.start()
        time.sleep(number / 80)
        edit(build.directory / "001_a.sql", f"SELECT '{number + 100:08}'")
        build.embed()
        slow.join()
        assert build.is_right(f"{number + 100:08}")


# ---- what else decides ----


def test_another_generator(tmp_path: Path) -> None:
    modules = tmp_path / "gen"
    shutil.copytree(SOURCE / "gen" / "inlay_gen", modules / "inlay_gen")
    build = Build(tmp_path, modules)
    assert build.embed().status == 0
    build.ripen()
    assert not build.runs()
    emit = modules / "inlay_gen" / "output" / "emit.py"
    edit(emit, emit.read_text().replace("@generated", "@Generated").replace(" by ", " BY "))
    assert build.runs()


@pytest.mark.parametrize("name", ["PYTHONPATH", "HOME", "PYTHONNOUSERSITE"])
def test_another_environment_of_python(build: Build, name: str) -> None:
    build.env[name] = "/nowhere"
    assert build.runs()


def test_another_python(build: Build) -> None:
    version = ascii(sys.version).encode()
    data = build.stamp.read_bytes()
    assert version in data
    build.stamp.write_bytes(data.replace(version, version[:1] + b"2" + version[1:]))
    assert build.runs()


def test_a_grammar_that_comes_later(tmp_path: Path) -> None:
    """Where Python looks for modules, another one may come to be."""
    build = Build(tmp_path, SOURCE / "gen")
    (tmp_path / "lib").mkdir()
    build.env["PYTHONPATH"] = str(tmp_path / "lib")
    assert build.embed().status == 0
    build.ripen()
    assert not build.runs()
    (tmp_path / "lib" / "pglast").mkdir()
    assert build.runs()


def test_the_grammar_itself(tmp_path: Path) -> None:
    build = Build(tmp_path, SOURCE / "gen")
    parser = (
        "class ParseError(Exception): pass\n"
        "def get_postgresql_version(): return (15, 0)\n"
        "def split(*a, **k): pass\n"
    )
    package = write_files(tmp_path / "lib" / "pglast", {"__init__.py": "", "parser.py": parser})
    build.env["PYTHONPATH"] = str(tmp_path / "lib")
    build.options = ["--symbol", "app", "--grammar", "require"]
    assert build.embed() == (0, "", "")
    build.ripen()
    assert not build.runs()
    edit(package / "parser.py", parser.replace("15", "16"))
    assert build.runs()


# ---- what is said, and what is left ----


def test_warnings_are_said_at_each_build(build: Build) -> None:
    (build.directory / "003_c.sql").write_text("SELECT 'a\r\n'")
    said = build.embed()
    assert said.status == 0 and "crlf-in-string" in said.err
    build.ripen()
    before = build.stamp.read_bytes()
    assert build.embed() == said
    assert build.stamp.read_bytes() == before


def test_a_closed_standard_error(build: Build) -> None:
    (build.directory / "003_c.sql").write_text("SELECT 'a\r\n'")
    build.embed()
    build.ripen()
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [build.tool, "embed", "migrations", "--output", "out/out.c", *build.options],
            cwd=build.home,
            env=build.env,
            stderr=full,
        )
    assert done.returncode == 1


def test_errors_are_said_at_each_build(build: Build) -> None:
    (build.directory / "003_c.sql").write_text("BEGIN")
    for _ in range(2):
        said = build.embed()
        assert said.status == 1 and "transaction-control" in said.err
    (build.directory / "003_c.sql").unlink()
    assert build.runs()


@pytest.mark.parametrize("wrong", [None, "BEGIN"])
def test_nothing_is_left_but_the_stamp(build: Build, wrong: str | None) -> None:
    if wrong is not None:
        (build.directory / "003_c.sql").write_text(wrong)
    build.stamp.unlink()
    build.embed()
    left = {"out.c"} if wrong is not None else {"out.c", "out.c.stamp"}
    assert set(os.listdir(build.home / "out")) == left


def test_no_stamp_where_none_can_be(build: Build) -> None:
    """It is no reason to fail: the next run does all of the work."""
    build.stamp.unlink()
    build.stamp.mkdir()
    for _ in range(2):
        assert build.embed() == (0, "", "")
    assert os.listdir(build.stamp) == []


@pytest.mark.parametrize(
    "words", [["--output=out/out.c"], ["--output", "x.c", "--output", "out/out.c"]]
)
def test_other_ways_to_name_the_output(build: Build, words: list[str]) -> None:
    command = [str(build.tool), "embed", "migrations", *build.options, *words]
    for run in range(2):
        before = build.stamp.read_bytes()
        subprocess.run(command, cwd=build.home, env=build.env, check=True)
        assert (build.stamp.read_bytes() != before) is (run == 0)
        build.ripen()


def test_a_missing_depfile_is_written(build: Build) -> None:
    """ninja removes it when it has read it."""
    build.options += ["--depfile", "out/out.d"]
    assert build.runs()
    build.ripen()
    assert not build.runs()
    (build.home / "out" / "out.d").unlink()
    assert build.runs()
    assert (build.home / "out" / "out.d").exists()


def test_the_look_imports_nothing(build: Build) -> None:
    """What it costs is the start of Python."""
    done = subprocess.run(
        [sys.executable, "-S", "-X", "importtime", build.tool, "embed", "migrations",
         "--output", "out/out.c", *build.options],
        cwd=build.home,
        env=build.env,
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "inlay_gen.output.stamp" in imported
    assert not imported & {"os", "re", "argparse", "site", "inlay_gen.main"}
