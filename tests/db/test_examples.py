"""The examples as their reader builds them: against an installed inlay and with its source tree as
a subproject, run on PostgreSQL, and rebuilt after a migration was added, edited and deleted."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import psycopg
import pytest

from harness.database import Database
from harness.program import Program

Adopt = Callable[[Path], Program]
THIRD = "migrations/003_add_note_tags.up.sql"


def source() -> Path:
    build = Path(os.environ["INLAY_BUILD"], "tests", "db", "build.json")
    return Path(json.loads(build.read_text())["source"])


def sh(*command: object, cwd: Path | None = None, prefix: Path | None = None) -> str:
    """Runs a command as in a fresh shell that knows, at most, where inlay is installed."""
    env = {"PATH": os.environ["PATH"], "HOME": str(cwd or "/")}
    if prefix is not None:
        found = [str(p.parent) for p in prefix.rglob("*.pc")]
        env["PKG_CONFIG_PATH"] = ":".join(sorted(set(found)))
        env["PKG_CONFIG_PATH_FOR_BUILD"] = env["PKG_CONFIG_PATH"]  # where the build is a cross one
        env["CMAKE_PREFIX_PATH"] = str(prefix)
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """inlay as a user installs it: outside of PATH, and outside of where pkg-config looks."""
    home = tmp_path_factory.mktemp("prefix")
    sh("meson", "setup", home / "build", source(), "--prefix", home / "installed",
       "-Dserver=disabled", "-Dtests=disabled")  # fmt: skip
    sh("meson", "install", "-C", home / "build")
    yield home / "installed"


class Example:
    """A copy of an example, how it is built, and what comes out."""

    def __init__(self, name: str, home: Path, prefix: Path | None) -> None:
        self.tree = home / name
        self.prefix = prefix
        shutil.copytree(source() / "examples" / name, self.tree)
        if prefix is None:
            (self.tree / "subprojects" / "inlay").symlink_to(source())

    def build(self) -> str:
        raise NotImplementedError

    binary = Path("build/notes")

    def program(self, adopt: Adopt) -> Program:
        return adopt(self.tree / self.binary)


class MesonExample(Example):
    def build(self) -> str:
        if not (self.tree / "build").exists():
            sh("meson", "setup", "build", "--fatal-meson-warnings", cwd=self.tree,
               prefix=self.prefix)  # fmt: skip
        return sh("ninja", "-C", "build", cwd=self.tree, prefix=self.prefix)


class CMakeExample(Example):
    def build(self) -> str:
        if not (self.tree / "build").exists():
            sh("cmake", "-B", "build", "-G", self.generator, cwd=self.tree, prefix=self.prefix)
        return sh("cmake", "--build", "build", cwd=self.tree, prefix=self.prefix)

    generator = "Ninja"


class CMakeMakeExample(CMakeExample):
    generator = "Unix Makefiles"


class MakeExample(Example):
    binary = Path("notes")

    def build(self) -> str:
        return sh("make", cwd=self.tree, prefix=self.prefix)


def versions(program: Program) -> list[str]:
    listed = json.loads(program.run("--migrate-list", "--migrate-json").stdout)
    return [m["version"] for m in listed["migrations"]]


def later() -> None:
    """make compares whole clock ticks of the file system."""
    time.sleep(0.02)


@pytest.mark.parametrize(
    ("kind", "name", "installed"),
    [
        (MesonExample, "meson", True),
        (MesonExample, "meson", False),
        (CMakeExample, "cmake", True),
        pytest.param(CMakeMakeExample, "cmake", True, marks=pytest.mark.sample),
        (MakeExample, "make", True),
    ],
)
def test_life(
    kind: type[Example],
    name: str,
    installed: bool,
    tmp_path: Path,
    prefix: Path,
    adopt: Adopt,
    database: Database,
) -> None:
    example = kind(name, tmp_path, prefix if installed else None)
    example.build()
    program = example.program(adopt)
    assert program.run().returncode == 0
    assert database.rows("SELECT version FROM applied_migrations ORDER BY 1") == [(1,), (2,)]

    later()  # added
    (example.tree / THIRD).write_text("ALTER TABLE notes ADD COLUMN tags text[];\n")
    example.build()
    assert program.run("--migrate-check").returncode == 3
    assert program.run("--migrate-only").returncode == 0
    assert database.rows("SELECT count(tags) FROM notes") == [(0,)]

    later()  # edited
    (example.tree / THIRD).write_text("ALTER TABLE notes ADD COLUMN tags text[] DEFAULT '{}';\n")
    example.build()
    assert "DEFAULT" in program.run("--migrate-show", "3").stdout
    assert program.run("--migrate-check").returncode == 4

    later()  # deleted
    (example.tree / THIRD).unlink()
    example.build()
    assert versions(program) == ["1", "2"]


@pytest.mark.parametrize("installed", [True, False])
def test_nothing_changed_nothing_done(installed: bool, tmp_path: Path, prefix: Path) -> None:
    example = MesonExample("meson", tmp_path, prefix if installed else None)
    example.build()
    assert "no work to do" in example.build()
    later()  # touched: the generator runs, the compiler does not
    (example.tree / "migrations/001_create_notes.up.sql").touch()
    assert "migrations.c.o" not in example.build()
    assert "no work to do" in example.build()


@pytest.mark.parametrize(("wanted", "found"), [("0.1", True), ("0.1.0", True), ("0.2", False)])
def test_cmake_versions(wanted: str, found: bool, tmp_path: Path, prefix: Path) -> None:
    example = CMakeExample("cmake", tmp_path, prefix)
    lists = example.tree / "CMakeLists.txt"
    lists.write_text(lists.read_text().replace("(inlay REQUIRED)", f"(inlay {wanted} REQUIRED)"))
    if found:
        example.build()
    else:
        with pytest.raises(AssertionError, match="that is compatible"):
            example.build()


def test_a_collision_fails_the_build(tmp_path: Path, prefix: Path) -> None:
    example = MesonExample("meson", tmp_path, prefix)
    (example.tree / "migrations/02_again.sql").write_text("SELECT 1;\n")
    with pytest.raises(AssertionError, match="version 2 is also used"):
        example.build()


@pytest.mark.parametrize("installed", [pytest.param(True, marks=pytest.mark.sample), False])
def test_cxx(
    installed: bool, tmp_path: Path, prefix: Path, adopt: Adopt, database: Database
) -> None:
    example = MesonExample("cxx", tmp_path, prefix if installed else None)
    example.build()
    program = example.program(adopt)
    first = program.run(env={"DATABASE_URL": database.url})
    again = program.run(env={"DATABASE_URL": database.url})
    assert (first.stdout, again.stdout) == ("applied 2\n", "applied 0\n")


def test_two_services(tmp_path: Path, prefix: Path, adopt: Adopt, database: Database) -> None:
    example = MesonExample("two-services", tmp_path, prefix)
    example.build()
    database.execute("CREATE SCHEMA shop; CREATE SCHEMA billing")
    for service in ("shop", "billing"):
        assert adopt(example.tree / "build" / service).run("--only").returncode == 0
        assert database.rows(f"SELECT count(*) FROM {service}.applied_migrations") == [(1,)]
    assert database.rows("SELECT to_regclass('public.applied_migrations')") == [(None,)]


# ---- databases for tests ----


@pytest.fixture
def tester(database: Database) -> Iterator[dict[str, str]]:
    """The environment of a role that may create databases; what it leaves is dropped."""
    role = database.add_role("tester", "LOGIN CREATEDB")
    yield {"TEST_DATABASE_URL": database.url_for(role)}
    for name, _ in ours(database):
        database.admin(f"ALTER DATABASE {name} WITH IS_TEMPLATE false")
        database.admin(f"DROP DATABASE {name} WITH (FORCE)")


def ours(database: Database) -> list[tuple[str, bool]]:
    """The databases that the example made, and whether they are templates."""
    query = (
        "SELECT datname, datistemplate FROM pg_database"
        " WHERE starts_with(datname, 'notes_test_') ORDER BY 1"
    )
    return [(name, ready) for name, ready in database.rows(query)]


class TestDatabases(MesonExample):
    __test__ = False  # an example, whatever its name begins with
    binary = Path("build/test_notes")

    @property
    def template(self) -> str:
        source = next((self.tree / "build").rglob("migrations.c")).read_text()
        match = re.search(r'\.digest = "(.{16})', source)
        assert match is not None
        return f"notes_test_{match[1]}"


PASSED = "ok takes_notes\nok starts_without_notes\n"


@pytest.mark.parametrize("installed", [True, False])
def test_databases_for_tests(
    installed: bool,
    tmp_path: Path,
    prefix: Path,
    adopt: Adopt,
    database: Database,
    tester: dict[str, str],
) -> None:
    example = TestDatabases("test-databases", tmp_path, prefix if installed else None)
    example.build()
    program = example.program(adopt)
    for _ in range(2):
        result = program.run(env=tester)
        assert (result.returncode, result.stdout) == (0, PASSED), result.stderr
        assert ours(database) == [(example.template, True)]
    assert program.run().returncode == 1  # without TEST_DATABASE_URL
    before = example.template

    later()  # other migrations, another template; the old one is swept
    (example.tree / THIRD).write_text("ALTER TABLE notes ADD COLUMN tags text[];\n")
    example.build()
    assert program.run(env=tester).stdout == PASSED
    assert example.template != before and ours(database) == [(example.template, True)]


def test_databases_for_several_processes(
    tmp_path: Path, prefix: Path, adopt: Adopt, database: Database, tester: dict[str, str]
) -> None:
    """One of them makes the template, the others wait for it."""
    example = TestDatabases("test-databases", tmp_path, prefix)
    example.build()
    program = example.program(adopt)
    started = [program.start(env=tester) for _ in range(5)]
    for process in started:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out) == (0, PASSED), err
    assert ours(database) == [(example.template, True)]


def test_databases_that_killed_tests_have_left(
    tmp_path: Path, prefix: Path, adopt: Adopt, database: Database, tester: dict[str, str]
) -> None:
    """A template that is half made is no template; what nobody has a lock on is swept, and what
    somebody has is not."""
    example = TestDatabases("test-databases", tmp_path, prefix)
    example.build()
    program = example.program(adopt)
    role = f"{database.name}_tester"
    for name in (example.template, "notes_test_4711_1", "notes_test_used"):
        database.admin(f"CREATE DATABASE {name} OWNER {role}")
    with psycopg.connect(tester["TEST_DATABASE_URL"], autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended('notes_test_used', 0))")
        result = program.run(env=tester)
        assert (result.returncode, result.stdout) == (0, PASSED), result.stderr
        assert ours(database) == [(example.template, True), ("notes_test_used", False)]
    assert program.run(env=tester).stdout == PASSED
    assert ours(database) == [(example.template, True)]


def test_cross_build(tmp_path: Path, prefix: Path) -> None:
    """A cross build runs the tool of the build machine: inlay-tool is native."""
    compiler = shutil.which("cc")
    cross = tmp_path / "cross.ini"
    cross.write_text(
        f"[binaries]\nc = '{compiler}'\npkgconfig = 'pkg-config'\n"
        "[host_machine]\nsystem = 'linux'\ncpu_family = 'aarch64'\ncpu = 'aarch64'\n"
        "endian = 'little'\n[properties]\nneeds_exe_wrapper = true\n"
    )
    for installed in (True, False):
        home = tmp_path / ("installed" if installed else "subproject")
        example = MesonExample("meson", home, prefix if installed else None)
        sh("meson", "setup", "build", "--cross-file", cross, cwd=example.tree,
           prefix=prefix if installed else None)  # fmt: skip
        example.build()
