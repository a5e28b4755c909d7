"""Migrations in C: a declaration, an entry, and the source as the body."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from support import Inlay, compilers

FILL = """#include <inlay-tx.h>

int app_up_2(struct inlay_tx *tx, struct inlay_error *err);
int app_up_2(struct inlay_tx *tx, struct inlay_error *err)
{
    return inlay_tx_execute(tx, "UPDATE a SET b = 1", 0, NULL, NULL, err);
}
"""
DOWN = """
int app_down_2(struct inlay_tx *tx, struct inlay_error *err);
int app_down_2(struct inlay_tx *tx, struct inlay_error *err)
{
    return inlay_tx_execute(tx, "UPDATE a SET b = NULL", 0, NULL, NULL, err);
}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    migrations = tmp_path / "migrations"
    migrations.mkdir()
    (migrations / "001_a.sql").write_text("CREATE TABLE a (b int);\n")
    (migrations / "002_fill.c").write_text(FILL)
    return migrations


def embed(inlay: Inlay, directory: Path) -> str:
    output = directory.parent / "out.c"
    result = inlay(
        "embed", directory, "--output", output, "--depfile", f"{output}.d", "--symbol", "app"
    )
    assert (result.status, result.err) == (0, "")
    return output.read_text()


def test_declared_and_entered(inlay: Inlay, directory: Path) -> None:
    text = embed(inlay, directory)
    assert "int app_up_2(struct inlay_tx *tx, struct inlay_error *err);\n" in text
    assert "app_down_2" not in text
    assert "NULL, app_up_2}" in text
    assert r'"#include <inlay-tx.h>\n' in text


def test_a_function_that_undoes(inlay: Inlay, directory: Path) -> None:
    (directory / "002_fill.c").write_text(FILL + DOWN)
    assert "NULL, app_down_2}" in embed(inlay, directory)


def test_the_source_follows_the_depfile(inlay: Inlay, directory: Path) -> None:
    embed(inlay, directory)
    assert "002_fill.c" in (directory.parent / "out.c.d").read_text()


@pytest.mark.parametrize("compiler", compilers())
def test_a_missing_function_does_not_link(inlay: Inlay, directory: Path, compiler: str) -> None:
    embed(inlay, directory)
    include = Path(__file__).parents[2] / "include"
    main = directory.parent / "main.c"
    main.write_text("#include <inlay-tx.h>\nextern const struct inlay_set app;\n"
                    "int main(void) { return app.migrations[1].up.function == 0; }\n")  # fmt: skip
    command = [*compiler.split(), "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    command += [f"-I{include}", str(main), str(directory.parent / "out.c")]
    command += ["-o", str(directory.parent / "main")]
    linked = subprocess.run(command, capture_output=True, text=True)
    assert linked.returncode != 0 and "app_up_2" in linked.stderr


@pytest.mark.skipif(not shutil.which("c++"), reason="there is no C++ compiler")
def test_a_program_in_cxx_alone(inlay: Inlay, directory: Path) -> None:
    """The generated file as C++ finds the function, which is extern "C"."""
    (directory.parent / "out.cpp").write_text(embed(inlay, directory))
    include = Path(__file__).parents[2] / "include"
    main = directory.parent / "main.cpp"
    main.write_text(
        '#include <inlay-tx.h>\nextern "C" const inlay_set app;\n'
        'extern "C" int app_up_2(inlay_tx *, inlay_error *) { return 7; }\n'
        "int main() { return app.migrations[1].up.function(nullptr, nullptr); }\n"
    )
    command = ["c++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{include}"]
    program = directory.parent / "main"
    subprocess.run([*command, main, f"{directory.parent}/out.cpp", "-o", program], check=True)
    assert subprocess.run([program]).returncode == 7


def test_versions_collide_with_sql(inlay: Inlay, directory: Path) -> None:
    (directory / "2_other.sql").write_text("SELECT 1;\n")
    result = inlay("check", directory)
    assert result.status == 1
    assert "version 2 is also used by 002_fill.c" in result.err


def test_other_c_files_are_not_migrations(inlay: Inlay, directory: Path) -> None:
    (directory / "helpers.c").write_text("int x;\n")
    assert "helpers" not in embed(inlay, directory)
