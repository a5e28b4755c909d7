"""The library as two files, inlay.c and inlay.h: ./dev amalgamate and `meson dist` write them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Callable

import pages
import pytest
from harness.database import Database
from harness.program import Builder, Program

PAGE = pages.load(pages.DOCS / "other-builds.md")
SCRIPT = pages.TOP / "tools" / "amalgamate.py"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
PUBLIC = [p for p in sorted((pages.TOP / "include").glob("*.h")) if p.name != "inlay-cli.h"]

MAIN = """
#include <inlay.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" const struct inlay_set app_migrations;
#else
extern const struct inlay_set app_migrations;
#endif

int main(void)
{
    static char text[INLAY_ERROR_TEXT_MAX];
    struct inlay_options options;
    struct inlay_error err;
    struct inlay_result result;

    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.conninfo = getenv("INLAY_DATABASE_URL");
    if (inlay_migrate(&app_migrations, &options, &result, &err) != INLAY_OK) {
        inlay_error_format(&err, text, sizeof text);
        fputs(text, stderr);
        return 1;
    }
    return 0;
}
"""


def sh(*command: object, cwd: Path) -> str:
    """Runs a command, which must have nothing to say on stderr; what it said."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def libpq(what: str) -> list[str]:
    return shlex.split(subprocess.check_output(["pkg-config", what, "libpq"], text=True))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two files, and what a program of one's own has beside them."""
    home = tmp_path_factory.mktemp("amalgamation")
    sh(sys.executable, "-B", SCRIPT, home, cwd=home)
    assert sorted(path.name for path in home.iterdir()) == ["inlay.c", "inlay.h"]
    (home / "main.c").write_text(MAIN)
    (home / "migrations").mkdir()
    (home / "migrations" / "001_a.up.sql").write_text("CREATE TABLE a (i int);\n")
    (home / "migrations" / "001_a.down.sql").write_text("DROP TABLE a;\n")
    return home


@pytest.fixture(scope="module")
def embedded(home: Path, builder: Builder) -> Path:
    words = ["embed", "migrations", "--symbol", "app_migrations", "--grammar=off"]
    sh(*builder.generator, *words, "--output", "embedded.c", cwd=home)
    return home


@pytest.mark.parametrize("name, calls", [("inlay.c", "inlay_migrate("), ("inlay.h", "INLAY_API")])
def test_each_file_stands_alone(home: Path, name: str, calls: str) -> None:
    text = (home / name).read_text()
    assert calls in text and text.count("Permission is hereby granted") == 1
    ours = re.findall(r'^#include (?:"(.*)"|<(inlay.*)>)', text, re.MULTILINE)
    assert ours == ([("inlay.h", "")] if name == "inlay.c" else [])
    included = re.findall(r"^#include .*", text, re.MULTILINE)
    assert len(included) == len(set(included))


def compiled(home: Path, compiler: str) -> str:
    """The library by that compiler, once."""
    name = f"{compiler}.o"
    if not (home / name).exists():
        options = ["-std=c11", *WARNINGS, *libpq("--cflags")]
        sh(compiler, *options, "-c", "inlay.c", "-o", name, cwd=home)
    return name


@pytest.mark.parametrize("compiler", ["gcc", "clang", "musl-gcc"])
def test_each_compiler_is_content(home: Path, compiler: str) -> None:
    compiled(home, compiler)


@pytest.mark.parametrize(
    "compiler, standard, suffix, of_the_library",
    [
        ("gcc", "c11", ".c", "gcc"),
        ("clang", "c11", ".c", "clang"),
        ("g++", "c++11", ".cpp", "gcc"),
        ("clang++", "c++20", ".cpp", "clang"),
    ],
)
def test_a_program_migrates(
    compiler: str,
    standard: str,
    suffix: str,
    of_the_library: str,
    embedded: Path,
    adopt: Callable[[Path], Program],
    database: Database,
) -> None:
    """The program in C or C++, the library always in C."""
    library = compiled(embedded, of_the_library)
    sources = [embedded / f"main{suffix}", embedded / f"embedded{suffix}"]
    for path in sources:
        if not path.exists():
            shutil.copy(path.with_suffix(".c"), path)
    output = embedded / f"program-{compiler}"
    command = [compiler, f"-std={standard}", *WARNINGS, "-I.", *sources, library]
    sh(*command, "-o", output, *libpq("--libs"), "-pthread", cwd=embedded)
    check_it_migrates(adopt(output), database)


def check_it_migrates(program: Program, database: Database) -> None:
    for _ in range(2):
        result = program.run()
        assert (result.returncode, result.stderr) == (0, "")
    assert database.rows("SELECT version FROM applied_migrations") == [(1,)]
    assert database.value("SELECT to_regclass('a') IS NOT NULL")


def test_a_plugin_with_it_inside_exports_the_calls_alone(home: Path) -> None:
    command = ["gcc", "-shared", "-fPIC", *libpq("--cflags"), "inlay.c", "-o", "plugin.so"]
    sh(*command, *libpq("--libs"), "-pthread", cwd=home)
    listed = sh("nm", "-D", "-P", "--defined-only", "plugin.so", cwd=home).splitlines()
    headers = re.sub(r"/\*.*?\*/", "", "".join(p.read_text() for p in PUBLIC), flags=re.DOTALL)
    declared = re.findall(r"^INLAY_API\b[^;(]*?\b(\w+)\(", headers, flags=re.MULTILINE)
    assert "inlay_migrate" in declared
    assert {line.split()[0] for line in listed} - {"_init", "_fini"} == set(declared)


def test_the_page(
    embedded: Path,
    builder: Builder,
    adopt: Callable[[Path], Program],
    database: Database,
    tmp_path: Path,
) -> None:
    """Its lines, in a directory with the files that it names."""
    lines = PAGE.named("sh")["amalgamation"]
    for name in ("inlay.c", "inlay.h", "main.c"):
        shutil.copy(embedded / name, tmp_path)
    shutil.copytree(embedded / "migrations", tmp_path / "migrations")
    tool = f'inlay() {{ {shlex.join(builder.generator)} "$@"; }}\n'
    sh("sh", "-euc", tool + lines.replace("notes_migrations", "app_migrations"), cwd=tmp_path)
    check_it_migrates(adopt(tmp_path / "notes"), database)


def test_a_release_has_it(home: Path, tmp_path: Path) -> None:
    """`meson dist` of the tree as it is, whatever is not committed yet."""
    tree = tmp_path / "inlay"
    names = sh("git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard",
               cwd=pages.TOP).splitlines()  # fmt: skip
    for name in names:
        if (pages.TOP / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(pages.TOP / name, tree / name)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@localhost"]
    sh(*git, "init", "-q", "-b", "main", cwd=tree)
    sh(*git, "add", "--all", cwd=tree)
    sh(*git, "commit", "-qm", "all", cwd=tree)
    sh("meson", "setup", "out", "-Dserver=disabled", "-Dtests=disabled", cwd=tree)
    dist = ["meson", "dist", "-C", "out", "--no-tests", "--formats", "gztar"]
    done = subprocess.run(dist, cwd=tree, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (tarball,) = (tree / "out" / "meson-dist").glob("*.tar.gz")
    with tarfile.open(tarball) as archive:
        for name in ("inlay.c", "inlay.h"):
            (member,) = [m for m in archive.getmembers() if m.name.endswith(f"amalgamation/{name}")]
            file = archive.extractfile(member)
            assert file is not None and file.read() == (home / name).read_bytes()
