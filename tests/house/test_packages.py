"""Debian's packages, as ./dev packages makes them on a machine that has nothing, and first steps
(docs/first-steps.md) on another one that has only these.

Meson runs this for ./dev test --packages. What the commands said is in BUILD/packages."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Callable, Iterator

import pytest

import own_project
from bare import TOP, bare_debian, directory_for
from debian import Debian

# The copy of the tree as a repository, because the packages are of what git tracks.
MAKE = """set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get install -y git
git -C inlay init -q
git -C inlay add --all
git -C inlay -c user.name=x -c user.email=x@localhost commit -qm x
{made}
apt-get install -y --no-install-recommends lintian
lintian --fail-on error inlay/build/packages/*.changes
"""
# The page's two lines: on the one machine, and on the other.
MADE, INSTALLED = own_project.blocks("other-builds.md")["sh", "debian"].splitlines()

CONTENTS = {
    "libinlay0.1": {"/usr/lib/TRIPLET/libinlay.so.0.1", "/usr/lib/TRIPLET/libinlay-cli.so.0.1"},
    "libinlay-dev": {
        "/usr/include/inlay.h",
        "/usr/lib/TRIPLET/libinlay.a",
        "/usr/lib/TRIPLET/libinlay.so",
        "/usr/lib/TRIPLET/pkgconfig/inlay-cli.pc",
        "/usr/share/cmake/inlay/inlay-config.cmake",
        "/usr/share/man/man3/inlay.3.gz",
    },
    "inlay": {
        "/usr/bin/inlay",
        "/usr/share/man/man1/inlay.1.gz",
        "/usr/share/man/man7/inlay-migrate.7.gz",
        "/usr/share/bash-completion/completions/inlay.bash",
        "/usr/share/zsh/vendor-completions/_inlay",
    },
}


@pytest.fixture(scope="module")
def logs() -> Path:
    return directory_for("packages")


@pytest.fixture(scope="module")
def debian(logs: Path) -> Iterator[Debian]:
    yield from bare_debian(logs)


@pytest.fixture(scope="module")
def packages(debian: Debian, logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of what ./dev packages has made."""
    machine = debian.machine("packages", TOP)
    (machine.root / "root" / "make.sh").write_text(MAKE.format(made=MADE))
    log = logs / "make.log"
    status = machine.run("sh make.sh", log)
    assert status == 0, log.read_text(errors="replace")[-5000:]
    made = tmp_path_factory.mktemp("made") / "packages"
    shutil.copytree(machine.root / "root" / "inlay" / "build" / "packages", made)
    machine.remove()
    return made


def said_of(package: Path, option: str) -> str:
    return subprocess.check_output(["dpkg-deb", option, package], text=True)


def test_what_is_in_them(packages: Path) -> None:
    version = re.findall(r"^  version: '(.*)',$", (TOP / "meson.build").read_text(), re.MULTILINE)
    found = {path.name.split("_")[0]: path for path in packages.glob("*.deb")}
    assert set(found) == set(CONTENTS)
    for name, wanted in CONTENTS.items():
        assert re.findall(r"^ Version: (.*)$", said_of(found[name], "--info"), re.M) == version
        listed = re.findall(r" \.(/\S+)", said_of(found[name], "--contents"))
        files = {re.sub(r"/lib/[\w-]+-linux-gnu\w*/", "/lib/TRIPLET/", path) for path in listed}
        assert wanted - files == set(), name
        assert not [path for path in listed if "__pycache__" in path]


def test_the_first_steps(
    packages: Path,
    debian: Debian,
    logs: Path,
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    machine = debian.machine("first-steps", TOP)
    shutil.rmtree(machine.root / "root" / "inlay")
    shutil.copytree(packages, machine.root / "root" / "inlay" / "build" / "packages")
    install = INSTALLED.replace("apt-get install", "apt-get install -y")
    (machine.root / "root" / "steps.sh").write_text(own_project.steps(":", f"{install}\n"))
    log = logs / "first-steps.log"
    status = machine.run("sh steps.sh", log)
    said = log.read_text(errors="replace")
    assert status == 0, said[-5000:]
    took = ", ".join(f"{name} {seconds} s" for name, seconds in own_project.check(said).items())
    record_testsuite_property("remark", f"first steps with the packages: {took}")
    machine.remove()
