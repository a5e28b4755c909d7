"""--migrate-version says what is linked, and which migrations binary and database have."""

from __future__ import annotations

import ctypes
import re
import subprocess
from pathlib import Path

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from test_cli_verbs import FILES, document


def loaded(program: Path, library: str) -> ctypes.CDLL:
    """The library that the program is run with."""
    said = subprocess.check_output(["ldd", program], text=True)
    (path,) = re.findall(rf"{library}\.so\S* => (\S+)", said)
    return ctypes.CDLL(path)


def linked(program: Program) -> str:
    libpq = loaded(program.path, "libpq").PQlibVersion()
    openssl = loaded(program.path, "libcrypto").OpenSSL_version
    openssl.restype = ctypes.c_char_p
    return f"inlay 0.1.0, libpq {libpq // 10000}.{libpq % 10000}, {openssl(0).decode()}"


def test_what_is_linked(app: AppFactory) -> None:
    program = app(FILES)
    result = program.run("--version", url=None)
    assert (result.returncode, result.stderr) == (0, "")
    said = dict(re.findall(r"^(\w+) +(.*)$", result.stdout, re.MULTILINE))
    assert said == {
        "binary": "010_seed",
        "database": "not asked: none is named (--database, DATABASE_URL, PGHOST)",
        "linked": linked(program),
    }
    assert re.search(r", OpenSSL \d", said["linked"])


def test_the_newest_of_the_database(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    name = database.name
    assert f"\ndatabase  {name}: nothing is applied\n" in program.run("--version").stdout
    assert database.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []
    program.run("--to", "2")
    assert f"\ndatabase  {name}: 002_add_email\n" in program.run("--version").stdout
    database.execute("INSERT INTO applied_migrations (version, name) VALUES (11, 'newer')")
    result = program.run("--version")
    assert (result.returncode, result.stderr) == (0, "")
    newest = f"\ndatabase  {name}: 11 (newer), which this binary lacks\n"
    assert newest in result.stdout and result.stdout.startswith("binary    010_seed\n")
    read = document(program.run("--version", "--json"))
    assert read["binary"] == {"version": "10", "name": "seed"}
    assert (read["database"], read["applied"]) == (name, {"version": "11", "name": "newer"})
    together = "inlay {inlay}, libpq {libpq}, {openssl}".format_map(read["linked"])
    assert together == linked(program)


@pytest.mark.parametrize(
    "url, status", [("postgresql://nobody@127.0.0.1:1/none", 6), ("postgresql://u@[x/d", 2)]
)
def test_a_database_that_cannot_be_read(app: AppFactory, url: str, status: int) -> None:
    program = app(FILES)
    result = program.run("--version", url=url)
    assert result.returncode == status
    first, second, third = result.stdout.splitlines()
    assert first == "binary    010_seed"
    assert "error: " + second[len("database  not read: ") :] in result.stderr
    assert third == f"linked    {linked(program)}"
    read = document(program.run("--version", "--json", url=url))
    assert (read["exit"], read["database"], read["applied"]) == (status, None, None)
    assert read["linked"]["libpq"]
