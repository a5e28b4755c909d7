"""subprojects/: libpq, libevent and cmocka from source. The sources are those that ./dev test
--artifact has unpacked, of whatever version the distribution has; nothing is downloaded here."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Callable

import pages
import pytest
from elf import assert_is_static_pie
from harness.database import Database
from harness.program import Builder, Program

PAGE = pages.load(pages.DOCS / "artifact.md")
SUBPROJECTS = pages.TOP / "subprojects"
NAMES = ("libpq", "libevent", "cmocka")
NOT_NEEDED = ("/doc", "/contrib", "/src/test", "/src/pl", "/po", "/.pc")

pytestmark = pytest.mark.skipif(
    not all((SUBPROJECTS / name / "meson.build").exists() for name in NAMES),
    reason="sources are not unpacked: ./dev test --artifact",
)


def sh(*command: object, cwd: Path, **environment: str) -> str:
    """Runs a command, which must succeed; what it said."""
    done = try_sh(*command, cwd=cwd, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def try_sh(*command: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


def pack(name: str, home: Path) -> Path:
    """The unpacked source as upstream ships one: a tarball with one directory inside."""
    (source,) = [path for path in (SUBPROJECTS / name).iterdir() if path.is_dir()]
    tarball = home / f"{name}-given.tar"
    with tarfile.open(tarball, "w", dereference=True) as archive:
        archive.add(
            source.resolve(),
            arcname=f"{name}-given",
            filter=lambda member: None if member.name.endswith(NOT_NEEDED) else member,
        )
    return tarball


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """inlay's tree as it is cloned, nothing unpacked. Its wraps name tarballs that are at hand, in
    given/, under a URL that leads nowhere."""
    home = tmp_path_factory.mktemp("inlay")
    for path in pages.TOP.iterdir():
        if not path.name.startswith(("build", "subprojects", ".")):
            (home / path.name).symlink_to(path)
    (home / "subprojects").mkdir()
    shutil.copytree(SUBPROJECTS / "packagefiles", home / "subprojects" / "packagefiles")
    (home / "given").mkdir()
    for name in NAMES:
        tarball = pack(name, home / "given")
        text = (SUBPROJECTS / f"{name}.wrap").read_text()
        values = {
            "source_url": f"https://nowhere.invalid/{tarball.name}",
            "source_filename": tarball.name,
            "source_hash": hashlib.sha256(tarball.read_bytes()).hexdigest(),
        }
        for key, value in values.items():
            text, count = re.subn(rf"(?m)^{key} = .*", f"{key} = {value}", text)
            assert count == 1
        (home / "subprojects" / f"{name}.wrap").write_text(text)
    return home


def give(tree: Path, project: Path, *names: str) -> None:
    """Puts tarballs where Meson looks before it downloads."""
    cache = project / "subprojects" / "packagecache"
    cache.mkdir(exist_ok=True)
    for name in names:
        (cache / f"{name}-given.tar").symlink_to(tree / "given" / f"{name}-given.tar")


def test_a_program_of_ones_own(
    tree: Path, adopt: Callable[[Path], Program], database: Database, tmp_path: Path
) -> None:
    """The page's lines for Meson, in an example whose inlay is a subproject, where pkg-config finds
    nothing; in a path with a space."""
    project = tmp_path / "my notes"
    shutil.copytree(pages.TOP / "examples" / "meson", project)
    (project / "subprojects" / "inlay").symlink_to(tree)
    give(tree, project, "libpq")
    for line in PAGE.named("sh")["static"].splitlines():
        words = shlex.split(line)
        if words[:2] == ["meson", "setup"]:
            words += ["--fatal-meson-warnings", "--wrap-mode=nodownload"]
        sh(*words, cwd=project, PKG_CONFIG_LIBDIR="/nonexistent")
    assert_is_static_pie(project / "build" / "notes")
    program = adopt(project / "build" / "notes")
    assert re.search(r"^linked .*, OpenSSL \d", program.run("--migrate-version").stdout, re.M)
    assert program.run("--migrate-only").returncode == 0
    assert database.rows("SELECT version FROM applied_migrations ORDER BY 1") == [(1,), (2,)]


def test_a_program_of_ones_own_by_make_and_cmake(
    builder: Builder, adopt: Callable[[Path], Program], database: Database, tmp_path: Path
) -> None:
    """The page's lines, with the files of a tarball as its page has them."""
    named, other = PAGE.named("sh"), pages.load(pages.DOCS / "other-builds.md")
    (tmp_path / "inlay").symlink_to(pages.TOP)
    for block in other.blocks:
        if block.name.startswith("tarball/"):
            (tmp_path / block.name.removeprefix("tarball/")).write_text(block.text)
    example = pages.TOP / "examples" / "make"
    shutil.copy(example / "main.c", tmp_path)
    embed = [*builder.generator, "embed", example / "migrations", "--symbol", "notes_migrations"]
    sh(*embed, "--output", "embedded.c", cwd=tmp_path)
    unpack, *build = named["libpq"].splitlines()
    assert unpack == "inlay/tools/unpack libpq" and (tmp_path / unpack.split()[0]).exists()
    script = "\n".join([*build, named["static-make"], named["static-cmake"]])
    sh("sh", "-euc", script, cwd=tmp_path, PKG_CONFIG_LIBDIR="/nonexistent")
    for name in ("notes", "build/notes"):
        assert_is_static_pie(tmp_path / name)
        program = adopt(tmp_path / name)
        assert re.search(r"^linked .*, OpenSSL \d", program.run("--migrate-version").stdout, re.M)
        assert program.run("--migrate-only").returncode == 0
    assert database.rows("SELECT version FROM applied_migrations ORDER BY 1") == [(1,), (2,)]


def test_the_source_that_the_page_unpacks(tmp_path: Path) -> None:
    """What lies in inlay's own subprojects/ is used where inlay is a subproject."""
    (words,) = [shlex.split(line) for line in PAGE.named("sh")["unpack"].splitlines()]
    assert words[0] == "subprojects/inlay/tools/unpack" and words[1] in NAMES
    project = tmp_path / "notes"
    shutil.copytree(pages.TOP / "examples" / "meson", project)
    (project / "subprojects" / "inlay").symlink_to(pages.TOP)
    assert os.access(project / words[0], os.X_OK)
    said = sh("meson", "setup", "build", "--force-fallback-for=libpq", cwd=project)
    assert re.search(r" libpq found: YES [1-9][0-9.]+ \(overridden\)", said)
    assert not (project / "subprojects" / "libpq").exists()


def test_libevent_and_cmocka(tree: Path, tmp_path: Path) -> None:
    """inlay itself, where libpq is installed and these are not."""
    give(tree, tree, "libevent", "cmocka")
    build = tmp_path / "build"
    sh("meson", "setup", build, "--fatal-meson-warnings", "--wrap-mode=nodownload",
       "--force-fallback-for=libevent_core,libevent_extra,cmocka",
       "-Dwerror=true", "-Dserver=enabled", "-Dtests=enabled", cwd=tree)  # fmt: skip
    sh("ninja", "-C", build, "server", "tests/unit/test_unit_text", cwd=tree)
    needed = sh("ldd", build / "server", cwd=tree)
    assert "libpq.so" in needed and "libevent" not in needed
    assert "--listen" in sh(build / "server", "--help", cwd=tree)
    assert "libcmocka" not in sh("ldd", build / "tests/unit/test_unit_text", cwd=tree)
    sh(build / "tests/unit/test_unit_text", cwd=tree)


def test_a_tarball_that_is_another(tree: Path, tmp_path: Path) -> None:
    project = tmp_path / "notes"
    shutil.copytree(pages.TOP / "examples" / "meson", project)
    (project / "subprojects" / "inlay").symlink_to(tree)
    (project / "subprojects" / "packagecache").mkdir()
    tarball = project / "subprojects" / "packagecache" / "libpq-given.tar"
    tarball.write_bytes(b"something else")
    result = try_sh("meson", "setup", "build", "--force-fallback-for=libpq", cwd=project)
    assert result.returncode != 0
    assert "Incorrect hash for source" in result.stdout, result.stdout


def test_an_inlay_with_a_libpq_of_its_own_is_not_installed(tmp_path: Path) -> None:
    """The build of the static server is one."""
    build = Path(os.environ["INLAY_BUILD"]) / "artifact" / "static"
    where = tmp_path / "installed"
    result = try_sh("meson", "install", "--no-rebuild", "--destdir", where, cwd=build)
    assert result.returncode == 1
    assert (
        "error: this build cannot be installed: its libpq is built from subprojects/ and not "
        "installed with it; install libpq-dev and set up another build directory\n"
    ) in result.stdout + result.stderr
    assert not where.exists()
