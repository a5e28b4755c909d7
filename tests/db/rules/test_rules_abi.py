"""Programs and libraries of different age: they work together, or the library says what it does
not know. The headers of the first of this ABI are in first/; those of a later one are today's with
a member appended to each struct."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import permutations
from pathlib import Path

import pytest

from conftest import ProgramFactory
from harness.database import Database
from harness.program import Builder, Program
from outcomes import DRIVER, tables, versions

HERE = Path(__file__).parents[1]

FILES = {
    "001_a.sql": "-- inlay: lock_timeout=5s\nCREATE TABLE a (i int);\nINSERT INTO a VALUES (1);\n",
    "001_a.down.sql": "DROP TABLE a;\n",
    "002_b.sql": "-- inlay: no-transaction\nCREATE INDEX CONCURRENTLY a_i ON a (i);\n"
    "CREATE TABLE b ();\n",
    "003_c.sql": "CREATE TABLE c ();\n",
    "R__d.sql": "CREATE OR REPLACE VIEW d AS SELECT i FROM a;\n",
    "R__e.sql": "CREATE OR REPLACE VIEW e AS SELECT i FROM d;\n",
}

# What a caller gives memory for does not grow: a later member comes out of its reserve.
RESERVED = re.compile(r"^    (int64_t|const char \*)( ?)reserved\[(\d+)\];", re.MULTILINE)
# What another struct has inside, and what has room for the options that it has inside.
FIXED = {"inlay_script", "inlay_cli_outcome"}


def grow(header: str) -> str:
    """Each struct with a member more."""

    def reserve(match: re.Match[str]) -> str:
        kind, space, count = match.groups()
        return f"    {kind}{space}grown;\n    {kind}{space}reserved[{int(count) - 1}];"

    def append(match: re.Match[str]) -> str:
        if match[1] in FIXED or RESERVED.search(match[2]):
            return match[0]
        return f"struct {match[1]} {{{match[2]}    const void *grown;\n}};"

    grown = re.sub(r"^struct (\w+) \{(.*?)^\};", append, header, flags=re.MULTILINE | re.DOTALL)
    return RESERVED.sub(reserve, grown)


@pytest.fixture(scope="module")
def ages(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The headers of each age, beside the library that was built with them."""
    top = tmp_path_factory.mktemp("ages")
    ages = {"first": HERE / "first", "today": builder.source / "include", "later": top / "grown"}
    ages["later"].mkdir()
    for header in ages["today"].glob("inlay*.h"):
        (ages["later"] / header.name).write_text(grow(header.read_text()))
    for age in ages:
        (top / age).mkdir()
        for header in ages[age].glob("inlay*.h"):
            shutil.copy(header, top / age)
        # The sources of today use what the headers of today have.
        if age != "first":
            builder.build_library(top / age, top / age / "libinlay.so")
    shutil.copy(top / "today" / "libinlay.so", top / "first")
    return {age: top / age for age in ages}


def build(
    program: ProgramFactory, source: str, headers: Path, library: Path, embed: tuple[str, ...] = ()
) -> Program:
    before = [f"-I{headers}", str(library / "libinlay.so"), f"-Wl,-rpath,{library}"]
    return program(source, FILES, embed=embed, before=before)


@pytest.mark.parametrize("ours, theirs", permutations(("first", "today", "later"), 2))
def test_a_program_and_a_library_of_another_age(
    program: ProgramFactory, database: Database, ages: dict[str, Path], ours: str, theirs: str
) -> None:
    driver = build(program, DRIVER, ages[ours], ages[theirs])
    linked = subprocess.run(["ldd", driver.path], capture_output=True, text=True, check=True)
    assert str(ages[theirs] / "libinlay.so") in linked.stdout
    result = driver.run("status", "migrate", "check", "status")
    said = result.stdout.splitlines()
    assert {"migrate ok", "check ok"} <= set(said), result.stderr + result.stdout
    assert [line for line in said if line.startswith("entry ")] == [
        f"entry {version} {state}"
        for state in ("pending", "applied")
        for version in (1, 2, 3, -1, -1)
    ]
    assert [line.split()[2] for line in said if line.startswith("event applied")] == [
        *("1", "2", "3"),
        *("-1", "-1"),
    ]
    assert tables(database) == {"a", "b", "c"} and versions(database) == [1, 2, 3]
    assert database.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_i'::regclass")
    assert database.value("SELECT count(*) FROM e") == 1


CALL = """
#include <inlay-admin.h>
#include <stdio.h>
#include <stdlib.h>
extern const struct inlay_set app_migrations;
int main(void)
{
    static char text[INLAY_ERROR_TEXT_MAX];
    struct inlay_options options = {.size = sizeof options};
    struct inlay_error err;
    struct inlay_migration migrations[] = {
        *inlay_set_migration(&app_migrations, 0), *inlay_set_migration(&app_migrations, 1),
        *inlay_set_migration(&app_migrations, 2)};
    struct inlay_set set = app_migrations;
    set.migrations = migrations;
    options.conninfo = getenv("INLAY_DATABASE_URL");
    WHAT;
    int rc = inlay_migrate(&set, &options, NULL, &err);
    inlay_error_format(&err, text, sizeof text);
    printf("%s %s", inlay_code_name(rc), text);
    return 0;
}
"""

UNKNOWN = {
    "options.grown = &set": "options",
    "set.grown = &set": "set",
    "set.flags |= 1u << 31": "set",
    "set.reserved = &set": "set",
    "migrations[1].grown = &set": "set.migrations[1]",
    "migrations[2].up.reserved = &set": "set.migrations[2]",
    "migrations[0].down.flags |= 1u << 31": "set.migrations[0]",
    "struct inlay_settings s = *migrations[0].up.settings; s.grown = &set;"
    " migrations[0].up.settings = &s": "set.migrations[0]",
    "struct inlay_statement s = *inlay_script_statement(&migrations[2].up, 0); s.grown = &set;"
    " migrations[2].up.statements = &s": "set.migrations[2]",
    "struct inlay_range r = {.first = 1, .last = 1, .grown = &set};"
    " migrations[2].replaces = &r": "set.migrations[2]",
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_an_older_library_does_not_know_is_refused(
    program: ProgramFactory, database: Database, ages: dict[str, Path], what: str
) -> None:
    """It may be what keeps a database whole."""
    caller = build(program, CALL.replace("WHAT", what), ages["later"], ages["today"])
    said = caller.run().stdout
    assert said.startswith(f"argument error: {UNKNOWN[what]} says what this library ("), said
    assert tables(database) == set()


def test_it_knows_what_it_is_not_told(
    program: ProgramFactory, database: Database, ages: dict[str, Path]
) -> None:
    caller = build(program, CALL.replace("WHAT", "(void)0"), ages["later"], ages["today"])
    assert caller.run().stdout.startswith("ok ")
    assert versions(database) == [1, 2, 3]
