"""The examples as their reader builds them: against an installed inlay and with its source tree as
a subproject, run on PostgreSQL, and rebuilt after a migration was added, edited and deleted."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import psycopg
import pytest

from harness.database import Database
from harness.program import Program
from outcomes import lock_key, tables, wait_until

Adopt = Callable[[Path], Program]
THIRD = "migrations/003_add_note_tags.up.sql"


def source() -> Path:
    build = Path(os.environ["INLAY_BUILD"], "tests", "db", "build.json")
    return Path(json.loads(build.read_text())["source"])


def sh(*command: object, cwd: Path | None = None, prefix: Path | None = None) -> str:
    """Runs a command as in a fresh shell that knows, at most, where inlay is installed."""
    env = {"PATH": os.environ["PATH"], "HOME": str(cwd or "/")}
    if prefix is not None:
        env["PKG_CONFIG_PATH"] = str(prefix / "share" / "pkgconfig")
        env["PKG_CONFIG_PATH_FOR_BUILD"] = env["PKG_CONFIG_PATH"]  # where the build is a cross one
        env["CMAKE_PREFIX_PATH"] = str(prefix)
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """inlay as a user installs it: outside of PATH, outside of where pkg-config looks, and with the
    directory of libraries that Meson takes on a Debian without dpkg-dev."""
    home = tmp_path_factory.mktemp("prefix")
    sh("meson", "setup", home / "build", source(), "--prefix", home / "installed",
       "--libdir", "lib64", "-Dserver=disabled", "-Dtests=disabled")  # fmt: skip
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
    listed = json.loads(program.run("--migrate-show", "--migrate-json").stdout)
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


KINDS = [
    (MesonExample, "meson", True),
    (MesonExample, "meson", False),
    (CMakeExample, "cmake", True),
    (CMakeMakeExample, "cmake", True),
    (MakeExample, "make", True),
]


INSTALLED = [kind for kind in KINDS if kind[2]]


def compiled(example: Example) -> dict[Path, tuple[int, int]]:
    """What a compiler or a linker has made."""
    made = [p for p in example.tree.rglob("*") if p.suffix in (".o", ".a") or p.name == "notes"]
    return {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in made if p.is_file()}


@pytest.mark.parametrize(("kind", "name", "installed"), KINDS)
def test_nothing_changed_nothing_compiled(
    kind: type[Example], name: str, installed: bool, tmp_path: Path, prefix: Path
) -> None:
    """No compile, no link."""
    example = kind(name, tmp_path, prefix if installed else None)
    example.build()
    first = compiled(example)
    later()
    example.build()
    assert compiled(example) == first and len(first) > 2
    (example.tree / "migrations/001_create_notes.up.sql").touch()
    example.build()
    assert compiled(example) == first


@pytest.mark.parametrize(("kind", "name", "installed"), INSTALLED)
def test_files_with_an_old_time(
    kind: type[Example], name: str, installed: bool, tmp_path: Path, prefix: Path, adopt: Adopt
) -> None:
    """As rsync -a and tar x bring them: no build tool that compares times sees them."""
    example = kind(name, tmp_path, prefix if installed else None)
    example.build()
    program = example.program(adopt)
    beside = example.tree / "brought.sql"
    for text in ("SELECT 1;\n", "SELECT 2;\n"):
        later()
        beside.write_text(text)
        os.utime(beside, (1_000_000_000, 1_000_000_000))
        beside.replace(example.tree / THIRD)
        example.build()
        assert program.run("--migrate-show", "3").stdout.endswith(text)

    later()  # another directory under the name
    there = example.tree / "migrations"
    shutil.copytree(there, example.tree / "other")
    (example.tree / "other" / Path(THIRD).name).unlink()
    os.utime(example.tree / "other", (1_000_000_000, 1_000_000_000))
    there.rename(example.tree / "gone")
    (example.tree / "other").rename(there)
    example.build()
    assert versions(program) == ["1", "2"]


@pytest.mark.parametrize(("kind", "name", "installed"), INSTALLED)
def test_findings_stay_visible(
    kind: type[Example], name: str, installed: bool, tmp_path: Path, prefix: Path
) -> None:
    example = kind(name, tmp_path, prefix if installed else None)
    third = example.tree / THIRD
    third.write_text("SELECT 'a\r\n';\n")
    for _ in range(2):
        assert "[crlf-in-string]" in example.build()
    third.write_text("BEGIN;\n")
    for _ in range(2):
        with pytest.raises(AssertionError, match="transaction-control"):
            example.build()
    third.unlink()
    assert "migrations/" not in example.build().replace("the migrations of", "")


def test_the_installed_generator_is_compiled(prefix: Path) -> None:
    """By content: a module that is replaced, with whatever time, is not run as it was."""
    modules = sorted((prefix / "share/inlay/inlay_gen").rglob("*.py"))
    assert len(modules) > 30
    for module in modules:
        (made,) = module.parent.glob(f"__pycache__/{module.stem}.cpython-*.pyc")
        assert made.read_bytes()[4:8] == b"\x03\0\0\0"
    tree = prefix.parent / "staged"
    sh("env", f"DESTDIR={tree}", "meson", "install", "-C", prefix.parent / "build")
    (made,) = tree.rglob("main.cpython-*.pyc")
    assert f"{prefix}/share/inlay/inlay_gen/main.py".encode() in made.read_bytes()
    assert str(tree).encode() not in made.read_bytes()


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


# ---- in a host ----


class HostExample(MesonExample):
    """What a program has to be that migrates: a daemon, a loop, a plugin."""

    def __init__(self, name: str, binary: str, home: Path, prefix: Path) -> None:
        super().__init__(name, home, prefix)
        self.binary = Path("build") / binary
        self.build()


def processes_of(program: Program) -> list[int]:
    """Also those that have left their parent, and their root."""
    found = []
    for link in Path("/proc").glob("[0-9]*/exe"):
        with contextlib.suppress(OSError):
            if link.readlink().name == program.path.name and link.samefile(program.path):
                found.append(int(link.parent.name))
    return found


def configure(example: HostExample, database: Database) -> str:
    """Where a socket is not to be seen, there is TCP."""
    config = example.tree / "notesd.conf"
    config.write_text(f"database = {database.tcp_url}\n")
    return f"--config={config}"


def test_a_daemon_reads_its_own_options(
    tmp_path: Path, prefix: Path, adopt: Adopt, database: Database
) -> None:
    """Those of inlay may stand anywhere, and both sets do what they ask."""
    example = HostExample("daemon", "notesd", tmp_path, prefix)
    program = example.program(adopt)
    config = configure(example, database)
    elsewhere = "postgresql:///elsewhere?host=/nowhere"  # the configuration goes before it
    assert program.run("--migrate-check", config, url=elsewhere).returncode == 3
    wrong = program.run("--migrate-only", "--confg", config)
    assert wrong.returncode == 2 and "usage: notesd" in wrong.stderr
    assert program.run("--migrate-onyl", "--confg").stderr.startswith("error: unknown option")
    assert program.run("--migrate-help").stdout.startswith("usage: notesd --migrate-VERB")
    one = program.run("--part", "audit", "--migrate-only", config)
    assert one.returncode == 0, one.stderr
    assert database.rows("SELECT name FROM audit_migrations") == [("create_audit",)]
    assert database.value("SELECT to_regclass('notes') IS NULL")
    both = program.run("--migrate-lock-wait", "5s", config, "--migrate-only")
    assert both.returncode == 0 and "applied 001_create_notes" in both.stderr
    assert program.run("--migrate-check", config).returncode == 0
    failing = program.run("--migrate-check", config, "--migrate-database", elsewhere, url=None)
    assert failing.returncode == 6
    assert processes_of(program) == []


def test_a_daemon_gives_up_its_rights_first(
    tmp_path: Path, prefix: Path, adopt: Adopt, database: Database
) -> None:
    """In an empty root, and where it is root itself as another user. Whoever is not has a root of
    his own in a namespace."""
    example = HostExample("daemon", "notesd", tmp_path, prefix)
    program = example.program(adopt)
    root = tmp_path / "root"
    root.mkdir()
    command = [str(program.path), configure(example, database), "--chroot", str(root)]
    if os.geteuid() == 0:
        command += ["--user", "nobody"]
    else:
        command = ["unshare", "--map-root-user", *command]
    subprocess.run(command, check=True, timeout=60, env={"PATH": os.environ["PATH"]})
    wait_until(lambda: "notes" in tables(database) and "audit" in tables(database))
    (daemon,) = processes_of(program)
    try:
        assert os.path.samefile(f"/proc/{daemon}/root", root)
        if os.geteuid() == 0:
            status = Path(f"/proc/{daemon}/status").read_text()
            assert f"\nUid:\t{pwd.getpwnam('nobody').pw_uid}\t" in status
    finally:
        os.kill(daemon, signal.SIGTERM)
    seen = subprocess.run([*command, "--migrate-status"], capture_output=True, text=True)
    assert seen.stdout.count("up to date") == 2, seen.stderr
    assert os.listdir(root) == []


@pytest.mark.parametrize("stops", [False, True])
def test_a_loop_turns_while_a_thread_migrates(
    tmp_path: Path, prefix: Path, adopt: Adopt, database: Database, stops: bool
) -> None:
    program = HostExample("event-loop", "notes", tmp_path, prefix).program(adopt)
    with database.connect() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_key()])
        server = program.start()
        assert server.stdout is not None
        assert [server.stdout.readline() for _ in range(3)] == ["not ready\n"] * 3
        if stops:
            server.terminate()
            said = server.communicate(timeout=20)
            assert server.returncode == 1 and "stopped on request" in said[1]
            assert set(said[0].split("\n")) <= {"not ready", ""}
            assert tables(database) == set()
            return
    while server.stdout.readline() != "ready\n":
        assert server.poll() is None
    assert tables(database) == {"notes"}
    server.terminate()
    assert server.wait(20) == 0


def test_a_plugin(tmp_path: Path, prefix: Path, adopt: Adopt, database: Database) -> None:
    """It brings its tables with it, and exports nothing of inlay."""
    example = HostExample("plugin", "notes", tmp_path, prefix)
    program = example.program(adopt)
    plugin = str(example.tree / "build" / "store.so")
    for _ in range(2):
        result = program.run(plugin, env={"DATABASE_URL": database.url})
        assert (result.returncode, result.stdout) == (0, "the store is ready\n"), result.stderr
    assert tables(database) == {"notes"}
    failing = program.run(plugin, env={"DATABASE_URL": "host=/nowhere"})
    assert failing.returncode == 1 and "/nowhere/.s.PGSQL" in failing.stderr
    exported = sh("nm", "-D", "--defined-only", plugin)
    assert [line.split()[-1] for line in exported.splitlines()] == ["store"]


# ---- an installation of which a part is found, beside the subproject ----


def half(prefix: Path, tmp_path: Path, *lacking: str) -> MesonExample:
    """The example with inlay in subprojects/, where pkg-config does not find these."""
    found = tmp_path / "half" / "share" / "pkgconfig"
    shutil.copytree(prefix / "share" / "pkgconfig", found)
    for name in lacking:
        (found / f"{name}.pc").unlink()
    example = MesonExample("meson", tmp_path, None)
    example.prefix = tmp_path / "half"
    return example


def test_a_library_without_the_tool(tmp_path: Path, prefix: Path) -> None:
    """All comes from the subproject, because the tool is asked for first."""
    example = half(prefix, tmp_path, "inlay-tool")
    example.build()
    assert list(example.tree.glob("build/subprojects/inlay/src/cli/libinlay-cli.a"))


def test_a_tool_without_the_library(tmp_path: Path, prefix: Path) -> None:
    example = half(prefix, tmp_path, "inlay", "inlay-cli")
    with pytest.raises(AssertionError) as caught:
        example.build()
    said = str(caught.value)
    assert "pkg-config finds an installed inlay-tool beside this subproject" in said
    assert said.index("beside this subproject") < said.index("has already been resolved or overr")
    shutil.rmtree(example.tree / "build")
    advice = "--force-fallback-for=inlay"
    assert f"or {advice}\n" in said
    sh("meson", "setup", "build", advice, cwd=example.tree, prefix=example.prefix)


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
        match = re.search(r'/\* digest \*/ "(.{16})', source)
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


# ---- CMake ----

# Each option of `inlay embed` as inlay_embed() takes it; what the two give themselves is not there.
PASSED_ON = {
    "--adopt=dbmate=public.d": "ADOPT dbmate=public.d",
    "--allow=empty-set": "ALLOW empty-set a:b*",
    "--grammar=off": "GRAMMAR off",
    "--history=app.my done": 'HISTORY "app.my done"',
    "--keep-down": "KEEP_DOWN",
    "--late=refuse": "LATE refuse",
    "--layout=inlay": "LAYOUT inlay",
    "--no-reset": "NO_RESET",
    "--no-transaction=00*.sql": 'NO_TRANSACTION "00*.sql"',
    "--pattern=e-(?P<version>[0-9]+).sql": 'PATTERN "e-(?P<version>[0-9]+).sql"',
    "--require-frozen": "REQUIRE_FROZEN",
    "--schema=/there/SCHEMA": "SCHEMA /there/SCHEMA",
    "--strip-transaction=00*.sql": 'STRIP_TRANSACTION "00*.sql"',
    "--symbol=mine": "SYMBOL mine",
    "--target-version=15": "TARGET_VERSION 15",
    "--warnings=off": "WARNINGS off",
}


def with_embed(tmp_path: Path, prefix: Path, options: str) -> CMakeExample:
    """The example, with these options, and with a program in the generator's place that keeps the
    words it is given."""
    example = CMakeExample("cmake", tmp_path, prefix)
    keeper = tmp_path / "keeper"
    keeper.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >'{tmp_path}/words'\nfalse\n")
    keeper.chmod(0o755)
    lists = example.tree / "CMakeLists.txt"
    head = lists.read_text().split("inlay_embed(")[0]
    call = f"inlay_embed(notes migrations {options})"
    lists.write_text(f"{head}set(INLAY_EXECUTABLE {keeper})\n{call}\n")
    return example


def test_cmake_passes_every_option_on(tmp_path: Path, prefix: Path) -> None:
    told = sh(prefix / "bin" / "inlay", "embed", "--help")
    known = set(re.findall(r"^  (--[a-z-]+)", told, re.MULTILINE))
    assert {word.split("=")[0] for word in PASSED_ON} == known - {"--output", "--depfile"}
    example = with_embed(tmp_path, prefix, " ".join(PASSED_ON.values()))
    with pytest.raises(AssertionError):
        example.build()
    words = (tmp_path / "words").read_text().splitlines()
    assert words[:2] == ["embed", str(example.tree / "migrations")]
    assert words[-2:] == ["--output", str(example.tree / "build" / "mine.c")]
    assert sorted(words[2:-2]) == sorted([*PASSED_ON, "--allow=a:b*"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("KEEP_DOWNS", "inlay_embed: unknown arguments: KEEP_DOWNS"),
        ("HISTORY KEEP_DOWN", "inlay_embed: without a value: HISTORY"),
    ],
)
def test_cmake_says_what_it_does_not_take(
    tmp_path: Path, prefix: Path, options: str, said: str
) -> None:
    with pytest.raises(AssertionError, match=said):
        with_embed(tmp_path, prefix, options).build()


def test_cmake_embeds_two_sets(tmp_path: Path, prefix: Path) -> None:
    example = CMakeExample("cmake", tmp_path, prefix)
    (example.tree / "audit").mkdir()
    (example.tree / "audit" / "001_create_audit.sql").write_text("CREATE TABLE audit ();\n")
    with (example.tree / "CMakeLists.txt").open("a") as lists:
        lists.write("inlay_embed(notes audit SYMBOL audit_migrations HISTORY public.audited)\n")
    example.build()
    symbols = sh("nm", example.tree / example.binary)
    assert {"notes_migrations", "audit_migrations"} <= set(symbols.split())


def test_cmake_names_the_missing_language(tmp_path: Path, prefix: Path) -> None:
    example = CMakeExample("cmake", tmp_path, prefix)
    lists = example.tree / "CMakeLists.txt"
    lists.write_text(lists.read_text().replace("LANGUAGES C", "LANGUAGES NONE"))
    with pytest.raises(AssertionError, match="inlay needs C or C"):
        example.build()
