"""tools/unpack, on an archive of its own that apt really reads."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
SIGN = "src/interfaces/libpq/fe-connect.c"
NEWEST, OLDER, OLDEST = "15.10", "15.9", "15.9~rc1"

pytestmark = pytest.mark.skipif(
    not (shutil.which("apt-get") and shutil.which("dpkg-source")), reason="not Debian"
)

CONFIGURATION = """\
Dir::Etc::sourcelist "{home}/sources.list";
Dir::Etc::parts "{home}/apt.conf.d";
Dir::Etc::sourceparts "{home}/none";
Dir::State::lists "{home}/lists";
Dir::State::status "{home}/status";
Dir::Cache "{home}/cache";
APT::Sandbox::User "root";
"""

CONTROL = """\
Source: postgresql-15
Maintainer: Nobody <nobody@example.org>

Package: libpq-dev
Architecture: any
Description: headers
"""

# Rebuilt without a change of the source: the numbers differ.
PACKAGES = """\
Package: libpq-dev
Source: postgresql-15 ({version})
Version: {version}+b1
Architecture: {architecture}
Filename: ./none.deb
Size: 1
SHA256: 0
"""


class Machine:
    """A copy of the tool, and an apt that knows one archive."""

    def __init__(self, home: Path) -> None:
        self.archive = home / "archive"
        self.target = home / "tree" / "subprojects" / "libpq"
        self.unpack = home / "tree" / "tools" / "unpack"
        self.unpack.parent.mkdir(parents=True)
        shutil.copy(TOP / "tools" / "unpack", self.unpack)
        files = TOP / "subprojects" / "packagefiles"
        shutil.copytree(files, self.target.parent / "packagefiles")
        for name in ("archive", "apt.conf.d", "lists/partial", "cache/archives/partial"):
            (home / name).mkdir(parents=True)
        (home / "status").touch()
        (home / "sources.list").write_text(f"deb [trusted=yes] file:{self.archive} ./\n")
        (home / "apt.conf").write_text(CONFIGURATION.format(home=home))
        self.environment = {"PATH": os.environ["PATH"], "APT_CONFIG": str(home / "apt.conf")}

    def publish(self, *versions: str) -> None:
        """Lists them, and has apt read that; the last one is the newest."""
        for version in versions:
            self._source_package(version)
        sources = self._say("dpkg-scansources", ".")
        (self.archive / "Sources").write_text(sources)
        own = self._say("dpkg", "--print-architecture").strip()
        (self.archive / "Packages").write_text(
            PACKAGES.format(version=versions[-1], architecture=own)
        )
        self._say("apt-get", "-q", "update")

    def _say(self, *command: str) -> str:
        return subprocess.run(
            command,
            cwd=self.archive,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def _source_package(self, version: str) -> None:
        tree = self.archive.parent / f"postgresql-15-{version}"
        for name in ("debian/source", "src/interfaces/libpq"):
            (tree / name).mkdir(parents=True)
        (tree / SIGN).write_text(version)
        (tree / "debian/source/format").write_text("3.0 (native)\n")
        (tree / "debian/control").write_text(CONTROL)
        (tree / "debian/changelog").write_text(
            f"postgresql-15 ({version}) stable; urgency=low\n\n  * Released.\n\n"
            " -- Nobody <nobody@example.org>  Sat, 01 Aug 2026 12:00:00 +0000\n"
        )
        self._say("dpkg-source", "--build", str(tree))

    def forget_sources(self) -> None:
        """All but the list of packages, which apt may read where it lies instead of a copy."""
        for path in self.archive.iterdir():
            if path.name != "Packages":
                path.unlink()

    def lose(self, version: str) -> None:
        """As in an archive whose index is older or newer than its files."""
        for file in self.archive.glob(f"postgresql-15_{version}*.tar.*"):
            file.rename(file.with_name("lost-" + file.name))

    def find_again(self) -> None:
        for file in self.archive.glob("lost-*"):
            file.rename(file.with_name(file.name[len("lost-") :]))

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(word) for word in (self.unpack, *arguments)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True)

    def unpacked(self) -> str:
        """The version that is there, complete."""
        assert (self.target / "meson.build").exists() and (self.target / "build.sh").exists()
        (found,) = self.target.glob("*/" + SIGN)
        return found.read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_newest_is_taken_and_named(machine: Machine) -> None:
    machine.publish(OLDEST, OLDER, NEWEST)
    result = machine.run("libpq")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"libpq: unpacking postgresql-15={NEWEST}\n"
    assert machine.unpacked() == NEWEST


def test_a_second_call_asks_nobody(machine: Machine) -> None:
    machine.publish(NEWEST)
    machine.run("libpq")
    before = (machine.target / "meson.build").stat().st_mtime_ns
    machine.forget_sources()
    result = machine.run("libpq")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert (machine.target / "meson.build").stat().st_mtime_ns == before


def test_build_files_that_have_changed(machine: Machine) -> None:
    machine.publish(NEWEST)
    machine.run("libpq")
    own = machine.target.parent / "packagefiles" / "libpq" / "build.sh"
    own.write_text("true\n")
    machine.run("libpq")
    assert (machine.target / "build.sh").read_text() == "true\n"


def test_what_cannot_be_downloaded_gives_way_to_the_next(machine: Machine) -> None:
    machine.publish(OLDEST, OLDER, NEWEST)
    machine.lose(NEWEST)
    result = machine.run("libpq")
    assert result.returncode == 0
    assert result.stdout == f"libpq: unpacking postgresql-15={OLDER}\n"
    complaint = f"libpq: postgresql-15={NEWEST} is listed but cannot be downloaded: E: "
    assert result.stderr.startswith(complaint) and result.stderr.count("\n") == 1
    assert machine.unpacked() == OLDER


def test_a_newer_one_is_tried_at_each_call(machine: Machine) -> None:
    machine.publish(OLDER, NEWEST)
    machine.lose(NEWEST)
    machine.run("libpq")
    before = (machine.target / "meson.build").stat().st_mtime_ns
    assert machine.run("libpq").stdout == f"libpq: postgresql-15={OLDER} is there already\n"
    assert (machine.target / "meson.build").stat().st_mtime_ns == before
    machine.find_again()
    assert machine.run("libpq").stdout == f"libpq: unpacking postgresql-15={NEWEST}\n"
    assert machine.unpacked() == NEWEST


def test_no_version_at_all(machine: Machine) -> None:
    machine.publish(OLDER, NEWEST)
    machine.lose("15")
    result = machine.run("libpq")
    assert (result.returncode, result.stdout) == (1, "")
    *complaints, last = result.stderr.splitlines()
    assert [line.split()[1] for line in complaints] == [
        f"postgresql-15={NEWEST}",
        f"postgresql-15={OLDER}",
    ]
    assert last == "libpq: no version can be downloaded; name the source with --source"
    assert not machine.target.exists()


def test_a_package_that_apt_does_not_know(machine: Machine) -> None:
    machine.publish(NEWEST)
    result = machine.run("cmocka")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "cmocka: apt knows no package libcmocka-dev; name the source with --source\n"
    )


def source_tree(home: Path, version: str) -> Path:
    tree = home / f"postgresql {version}"
    (tree / SIGN).parent.mkdir(parents=True)
    (tree / SIGN).write_text(version)
    return tree


def test_a_directory_by_hand(machine: Machine, tmp_path: Path) -> None:
    tree = source_tree(tmp_path, "18.1")
    result = machine.run("libpq", "--source", tree)
    assert (result.returncode, result.stdout) == (0, f"libpq: unpacking {tree}\n")
    assert machine.unpacked() == "18.1"


def test_a_tarball_by_hand_and_the_distribution_again(machine: Machine, tmp_path: Path) -> None:
    tree = source_tree(tmp_path, "18.1")
    tarball = shutil.make_archive(str(tmp_path / "given"), "bztar", tmp_path, tree.name)
    assert machine.run("libpq", "--source", tarball).returncode == 0
    assert machine.unpacked() == "18.1"
    machine.publish(NEWEST)
    machine.run("libpq")
    assert machine.unpacked() == NEWEST


def test_a_source_of_something_else(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "other" / "src").mkdir(parents=True)
    result = machine.run("libpq", "--source", tmp_path / "other")
    assert result.returncode == 1
    assert result.stderr == (
        f"libpq: {tmp_path}/other is not the source of libpq: it has no {SIGN}\n"
    )
    assert not (machine.target / "meson.build").exists()


def test_a_source_that_is_not_there(machine: Machine, tmp_path: Path) -> None:
    result = machine.run("libpq", "--source", tmp_path / "none")
    assert (result.returncode, result.stderr) == (1, f"libpq: there is no {tmp_path}/none\n")


@pytest.mark.parametrize(
    "arguments", [(), ("openssl",), ("libpq", "--source"), ("libpq", "x", "y"), ("libpq", "-h")]
)
def test_how_it_is_called(machine: Machine, arguments: tuple[str, ...]) -> None:
    result = machine.run(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("unpack NAME [--source TARBALL|DIRECTORY]: ")


@pytest.mark.parametrize("name", ["libpq", "libevent", "cmocka"])
def test_each_wrap_has_what_it_needs(name: str) -> None:
    text = (TOP / "subprojects" / f"{name}.wrap").read_text()
    assert f"\ndirectory = {name}\n" in text and f"\npatch_directory = {name}\n" in text
    assert (TOP / "subprojects" / "packagefiles" / name / "meson.build").exists()
