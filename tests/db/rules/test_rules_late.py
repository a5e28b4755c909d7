"""Files that come late: applied and told, or refused before anything runs."""

from __future__ import annotations

import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from outcomes import check, migrate, tables, versions

FILES = {f"{n}_t{n}.sql": f"CREATE TABLE t{n} ();" for n in (1, 2, 3, 5)}
AT_FIRST = {name: FILES[name] for name in ("1_t1.sql", "3_t3.sql")}


@pytest.fixture
def late(app: AppFactory, database: Database) -> Database:
    """1 and 3 are applied, 2 and 5 are to come."""
    assert migrate(app(AT_FIRST)).applied == [1, 3]
    return database


def test_it_is_applied_and_said_so(app: AppFactory, late: Database) -> None:
    outcome = migrate(app(FILES))
    assert (outcome.exit, outcome.applied) == (0, [2, 5])
    assert outcome.warnings == ["applying late: 2 is lower than a version already applied"]


def test_it_is_refused_before_anything_runs(app: AppFactory, late: Database) -> None:
    outcome = migrate(app(FILES), "--late=refuse")
    assert (outcome.exit, outcome.code, outcome.results) == (4, "mismatch", {})
    assert (outcome.error["version"], outcome.error["path"]) == ("2", "migrations/2_t2.sql")
    assert "version 3 is applied" in outcome.error["message"]
    for way_out in ("a number above 3", "--migrate-late=refuse", "--migrate-mark 2"):
        assert way_out in outcome.error["hint"]
    assert versions(late) == [1, 3] and tables(late) == {"t1", "t3"}


@pytest.mark.parametrize("verb", ["--check", "--dry-run"])
def test_who_only_looks_refuses_too(app: AppFactory, late: Database, verb: str) -> None:
    program = app(FILES)
    assert program.run(verb, "--late=refuse").returncode == 4
    assert program.run(verb).returncode == (3 if verb == "--check" else 0)


REFUSING = """
#include <inlay-cli.h>
extern const struct inlay_set app_migrations;
int main(int argc, char **argv)
{
    struct inlay_set set = app_migrations;
    set.flags |= INLAY_SET_REFUSE_LATE;
    return inlay_main(argc, argv, &set);
}
"""


def test_the_build_may_say_so(program: ProgramFactory, late: Database) -> None:
    outcome = migrate(program(REFUSING, FILES))
    assert (outcome.exit, outcome.error["version"]) == (4, "2")
    assert versions(late) == [1, 3]


def test_what_is_in_order_is_not_refused(app: AppFactory, late: Database) -> None:
    files = {name: text for name, text in FILES.items() if name != "2_t2.sql"}
    assert migrate(app(files), "--late=refuse").applied == [5]
    assert check(app(files), "--late=refuse") == 0


def test_the_ways_out(app: AppFactory, late: Database) -> None:
    renumbered = {**FILES, "4_t2.sql": FILES["2_t2.sql"]}
    del renumbered["2_t2.sql"]
    assert migrate(app(renumbered), "--late=refuse").applied == [4, 5]
    late.execute("DELETE FROM applied_migrations WHERE version > 3")
    late.execute("DROP TABLE t5")
    program = app(FILES)
    assert program.run("--mark", "2").returncode == 0
    assert migrate(program, "--late=refuse").applied == [5]


def test_going_to_a_version(app: AppFactory, late: Database) -> None:
    """What is undone first counts no more, and what stays pending neither."""
    files = {f"{n}_t{n}.up.sql": f"CREATE TABLE t{n} ();" for n in (1, 2, 3, 5)}
    files.update({f"{n}_t{n}.down.sql": f"DROP TABLE t{n};" for n in (1, 2, 3, 5)})
    late.execute("DROP TABLE applied_migrations, applied_migrations_state, t1, t3")
    program = app({name: text for name, text in files.items() if name[0] in "13"})
    assert migrate(program).applied == [1, 3]
    program = app(files)
    assert program.run("--to", "3", "--late=refuse").returncode == 4
    assert program.run("--to", "2", "--late=refuse", "--yes").returncode == 0
    assert versions(late) == [1, 2] and tables(late) == {"t1", "t2"}
