"""./dev where it can be tried without installing or building anything."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]


def run_dev(
    *arguments: str, path: str | None = None, cwd: str | Path = "/", top: Path = TOP
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(top / "dev"), *arguments],
        env={"PATH": path or os.environ["PATH"]},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def test_help_names_every_command() -> None:
    result = run_dev("help")
    assert result.returncode == 0
    tests = ("test", "test --quick", "test --sanitize", "test --artifact", "test --pg LIST")
    builds = ("demo", "build", "artifact", "packages", "amalgamate")
    others = ("fuzz [SECONDS]", "coverage", "bench", "format", "lint")
    for command in (*tests, *builds, *others):
        assert f"\n  {command} " in result.stdout
    options = ("--sample ", "--faults ", "--valgrind ", "--fuzz ", "--bare ", "--packages ")
    for option in (*options, "--without-netfaults\n"):
        assert f"\n  test {option}" in result.stdout


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)])
def test_help_is_what_one_gets_without_a_command(arguments: tuple[str, ...]) -> None:
    result = run_dev(*arguments)
    assert (result.returncode, result.stdout) == (0, run_dev("help").stdout)


def test_an_unknown_command() -> None:
    result = run_dev("tset")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "dev: unknown command: tset (see ./dev help)\n"


def test_an_unknown_option() -> None:
    result = run_dev("test", "--fast")
    assert result.returncode == 1
    assert result.stderr == "dev: unknown option: --fast (see ./dev help)\n"


@pytest.mark.parametrize("command", ["amalgamate", "build", "format"])
def test_a_word_too_many(command: str) -> None:
    result = run_dev(command, "extra")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"dev: {command} takes no other word: extra\n"


@pytest.mark.parametrize("versions", [[], ["18,x"], [""], ["newer"]])
def test_versions_that_are_none(versions: list[str]) -> None:
    result = run_dev("test", "--pg", *versions)
    assert result.returncode == 1
    assert result.stderr == "dev: --pg needs versions, such as 13,newest\n"


@pytest.mark.parametrize("seconds", ["long", "-1", ""])
def test_a_time_that_is_none(seconds: str) -> None:
    result = run_dev("fuzz", seconds)
    assert result.returncode == 1
    assert result.stderr == "dev: fuzz takes the number of seconds for each target\n"


def test_what_cannot_be_installed_is_named(tmp_path: Path) -> None:
    """Not on Debian: only what bash itself needs is in PATH."""
    for name in ("bash", "dirname", "env"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    result = run_dev("build", path=str(tmp_path))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "dev: please install (names are Debian's): gcc libc6-dev pkg-config meson ninja-build "
        "libpq-dev libevent-dev\n"
    )


APT_GET = """\
#!/bin/sh
echo "$@" >>"${0%/*}/asked"
"""
DPKG_QUERY = """\
#!/bin/sh
[ "$1" = -W ] || exit 1
printf '%s\\n' 'installed libpq5' 'not-installed postgresql-13' 'installed postgresql-15'
"""


def upgrade(directory: Path, **programs: str) -> list[str]:
    """What apt-get is asked to do where these programs are."""
    for name, script in programs.items():
        (directory / name.replace("_", "-")).write_text(script)
        (directory / name.replace("_", "-")).chmod(0o755)
    functions = 'say() { :; }; fail() { echo "$@"; exit 1; }; sudo() { "$@"; }'
    script = f'{functions}; PATH={directory}:$PATH; source "{TOP}/tools/needs.sh"; upgrade_postgres'
    subprocess.run(["bash", "-euc", script], check=True)
    asked = directory / "asked"
    return asked.read_text().splitlines() if asked.exists() else []


def test_in_ci_postgresql_is_the_newest_of_the_distribution(tmp_path: Path) -> None:
    update, install = upgrade(tmp_path, apt_get=APT_GET, dpkg_query=DPKG_QUERY)
    assert update == "-q update"
    assert install.startswith("-q install --yes ")
    assert install.endswith(" --only-upgrade libpq5 postgresql-15")


def test_what_is_not_there_is_not_upgraded(tmp_path: Path) -> None:
    assert upgrade(tmp_path, apt_get=APT_GET, dpkg_query="#!/bin/sh\nexit 1\n") == []


STUBS = """\
require() { :; }
npm() { :; }
ninja() { :; }
meson() { mkdir -p "$3"; }
"""


@pytest.fixture
def stubbed(tmp_path: Path) -> Path:
    """A tree in which ./dev decides, and what it calls only says that it was called."""
    for name in ("tools", "bench", "build"):
        (tmp_path / name).mkdir()
    shutil.copy(TOP / "dev", tmp_path)
    (tmp_path / "tools" / "needs.sh").write_text(STUBS)
    (tmp_path / "tools" / "artifact").write_text('#!/bin/sh\nshift\necho artifact "$@"\n')
    (tmp_path / "tools" / "artifact").chmod(0o755)
    (tmp_path / "bench" / "run.py").write_text("import sys\nprint('bench', *sys.argv[1:])\n")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "builds_it"),
    [
        ("", True),
        ("--runs 2", True),
        ("--only boot", True),
        ("--only=boot", True),
        ("--only apply --only boot", True),
        ("--only apply", False),
        ("--runs 1 --only=fleet --only embed", False),
    ],
)
def test_the_artifact_is_built_for_the_part_that_starts_it(
    stubbed: Path, arguments: str, builds_it: bool
) -> None:
    result = run_dev("bench", *arguments.split(), top=stubbed)
    assert result.returncode == 0, result.stderr
    assert ("artifact\n" in result.stdout) == builds_it
    assert result.stdout.endswith(f"bench {arguments}".rstrip() + "\n")


def test_a_source_for_the_artifact(stubbed: Path) -> None:
    (stubbed / "build" / "artifact").mkdir()
    result = run_dev("artifact", "--source", "x y.tar", top=stubbed)
    assert result.stdout.startswith("artifact --source x y.tar\n")


def test_an_artifact_for_another_machine(stubbed: Path) -> None:
    said = run_dev("artifact", "--arm64", "--source", "x y.tar", top=stubbed).stdout
    assert said == "artifact --arm64 --source x y.tar\n"


@pytest.mark.parametrize(
    "arguments", [["--sauce", "x"], ["--source"], ["x"], ["--source", "x", "--arm64"]]
)
def test_how_the_artifact_is_not_built(stubbed: Path, arguments: list[str]) -> None:
    result = run_dev("artifact", *arguments, top=stubbed)
    assert result.returncode == 1
    assert result.stderr == (
        "dev: artifact takes --arm64, and --source TARBALL or --source DIRECTORY\n"
    )


def test_lint_builds_the_fuzz_targets(stubbed: Path) -> None:
    """Warnings are errors there, and what does not build is found before it is to run."""
    stubs = 'meson() { echo "meson $*"; mkdir -p "$2"; }\n'
    stubs += "".join(f"{name}() {{ :; }}\n" for name in ("xargs", "python3", "black", "flake8"))
    (stubbed / "tools" / "needs.sh").open("a").write(stubs)
    (stubbed / "src").mkdir()
    said = run_dev("lint", top=stubbed).stdout.splitlines()
    (configured,) = [line for line in said if line.startswith("meson setup build-clang ")]
    assert {"-Dwerror=true", "-Dtests=enabled", "-Dfuzz=enabled"} <= set(configured.split())
