"""--selftest: each migration up, down and up again on an empty database, and who does not lead back
is named."""

from __future__ import annotations

import json

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Builder, Program
from outcomes import advisory_locks, check, migrate, tables, versions, wait_until
from ways import ALONE, go, schema, table

pytestmark = pytest.mark.pg_dump  # schemas are compared by it

A, B, C = table(1, "a"), table(2, "b"), table(3, "c", alone=True)
EXAMPLES = {
    "meson": None,
    "test-databases": None,
    "two-services/shop": "shop.applied_migrations",
    "two-services/billing": "billing.applied_migrations",
}


def selftest(program: Program, *options: str) -> dict[str, object]:
    """The document of a self-test; `differences` are the lines that it told."""
    result = program.run("--selftest", "--json", *options)
    document: dict[str, object] = json.loads(result.stdout)
    assert document["exit"] == result.returncode
    lines = [str(line) for line in document["log"]]  # type: ignore[attr-defined]
    return {
        **document,
        "differences": [line for line in lines if line[:2] in ("- ", "+ ", "~ ")],
        "message": (document["error"] or {}).get("message"),  # type: ignore[attr-defined]
    }


def pair(version: int, up: str, down: str) -> dict[str, str]:
    return {f"{version:03d}_m{version}.up.sql": up, f"{version:03d}_m{version}.down.sql": down}


def test_the_reference_server(reference_server: Program, database: Database) -> None:
    """Every migration of it goes up, down, up, and the schema after the second up is the first."""
    result = reference_server.run("--migrate-selftest")
    assert result.returncode == 0, result.stderr
    assert "\n013_add_ticket_codes.c: up, down, up\n" in result.stderr
    assert "13 migrations went up, down and up again, and the schema came out the same (" in (
        result.stderr
    )
    assert reference_server.run("--migrate-check", "--migrate-strict").returncode == 0
    after = schema(database)
    for words in (["--migrate-to", "0", "--migrate-yes"], ["--migrate-only"]):
        assert reference_server.run(*words).returncode == 0
    assert schema(database) == after and advisory_locks(database) == 0


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples(builder: Builder, app: AppFactory, example: str) -> None:
    directory = builder.source / "examples" / example / "migrations"
    files = {path.name: path.read_bytes() for path in directory.glob("*.sql")}
    assert files
    document = selftest(app(files, EXAMPLES[example]), "--skip-missing-down")
    assert (document["exit"], document["differences"]) == (0, [])


def test_without_a_transaction(app: AppFactory, database: Database) -> None:
    index = {
        "004_index.up.sql": f"{ALONE}CREATE INDEX CONCURRENTLY c_x ON c (x);\n",
        "004_index.down.sql": f"{ALONE}DROP INDEX CONCURRENTLY c_x;\n",
    }
    c = {**C, "003_c.up.sql": f"{ALONE}CREATE TABLE c (x integer);\n"}
    document = selftest(app({**A, **B, **c, **index}))
    assert (document["exit"], document["tested"], document["untested"]) == (0, 4, 0)
    assert versions(database) == [1, 2, 3, 4] and tables(database) == {"a", "b", "c"}


def test_repeatables_have_no_way_back(app: AppFactory, database: Database) -> None:
    """They run once, at the end, and are in the way of no other."""
    view = {"R__v.sql": "CREATE OR REPLACE VIEW v AS SELECT * FROM a;\n"}
    document = selftest(app({**A, **B, **view}))
    assert (document["exit"], document["tested"]) == (0, 2), document
    assert database.value("SELECT count(*) FROM v") == 0


def test_an_empty_set(app: AppFactory) -> None:
    document = selftest(app({}))
    assert (document["exit"], document["tested"]) == (0, 0)


# ---- only on an empty database ----

HELD = {
    "a table": "CREATE TABLE t ()",
    "a view": "CREATE VIEW v AS SELECT 1 AS x",
    "a function": "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "a type": "CREATE TYPE mood AS ENUM ('good')",
    "a schema": "CREATE SCHEMA app",
    "a sequence": "CREATE SEQUENCE s",
    "a table of another schema": "CREATE SCHEMA app; CREATE TABLE app.t ()",
}


@pytest.mark.parametrize("held", HELD)
def test_a_database_that_holds_something(app: AppFactory, database: Database, held: str) -> None:
    database.execute(*HELD[held].split("; "))
    before = schema(database)
    document = selftest(app({**A, **B}))
    assert (document["exit"], document["code"]) == (7, "refused")
    assert f"database {database.name} is not empty: " in str(document["message"])
    assert document["error"]["outcome"] == "nothing was run"  # type: ignore[index]
    assert schema(database) == before and versions_or_none(database) is None


def versions_or_none(database: Database) -> list[int] | None:
    exists = database.value("SELECT to_regclass('applied_migrations') IS NOT NULL")
    return versions(database) if exists else None


def test_a_database_that_has_a_history(app: AppFactory, database: Database) -> None:
    program = app({**A, **B})
    for words in (["mark", "1"], ["unmark", "1"]):  # an empty one
        assert go(program, *words).exit == 0
    document = selftest(program)
    assert document["exit"] == 7 and "public.applied_migrations" in str(document["message"])
    assert versions(database) == []


def test_what_a_fresh_database_may_have(app: AppFactory, database: Database) -> None:
    """What an administrator prepares: extensions, privileges."""
    database.admin(
        "CREATE EXTENSION pg_trgm",
        "CREATE EXTENSION file_fdw",
        f"GRANT USAGE ON SCHEMA public TO {database.role}",
        "COMMENT ON SCHEMA public IS 'ours'",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {database.role} GRANT SELECT ON TABLES TO PUBLIC",
    )
    assert selftest(app({**A, **B}))["exit"] == 0


def test_somebody_elses_temporary_table_is_no_matter(app: AppFactory, database: Database) -> None:
    with database.connect(autocommit=True) as other:
        other.execute("CREATE TEMPORARY TABLE t (id serial PRIMARY KEY)")
        assert selftest(app({**A, **B}))["exit"] == 0


# ---- missing down scripts ----


def test_a_missing_down_refuses(app: AppFactory, database: Database) -> None:
    files = {**A, "002_b.sql": "CREATE TABLE b ();\n", "004_d.sql": "CREATE TABLE d ();\n", **C}
    document = selftest(app(files))
    assert (document["exit"], document["code"]) == (7, "refused")
    assert document["message"] == "2 of 4 migrations have no down script: 2, 4"
    assert versions_or_none(database) is None


def test_a_missing_down_may_be_skipped(app: AppFactory, database: Database) -> None:
    files = {**A, "002_b.sql": "CREATE TABLE b ();\n", **C, **table(4, "d")}
    document = selftest(app(files), "--skip-missing-down")
    assert (document["exit"], document["tested"], document["untested"]) == (0, 3, 1)
    assert "002_b.sql: up; not tested, it has no down script" in document["log"]  # type: ignore
    assert versions(database) == [1, 2, 3, 4]


# ---- what does not lead back: test_selftest_schema.py has each kind of object ----

ONCE = (
    "DO $$ BEGIN IF EXISTS (SELECT FROM pg_largeobject_metadata WHERE oid = 77)"
    " THEN %s; END IF; END $$;\n"
)
MARK = "SELECT lo_create(77);\n"


def test_another_schema_the_second_time(app: AppFactory) -> None:
    up = "CREATE TABLE u ();\n" + ONCE % "ALTER TABLE u ADD x integer"
    document = selftest(app({**A, **pair(2, up, f"DROP TABLE u;\n{MARK}")}))
    assert document["exit"] == 1
    assert document["message"] == "version 2 (m2) makes another schema when it is applied again"
    assert document["differences"] == ["+ table public.u: x integer"]


def test_what_only_shows_when_all_are_undone(app: AppFactory) -> None:
    """Each alone leads back; together they do not."""
    down = "DROP TABLE u;\n" + ONCE % "CREATE TABLE left_over ()"
    files = {**pair(1, "CREATE TABLE u ();\n", down), **pair(2, "SELECT 1;\n", "SELECT 1;\n")}
    files["002_m2.up.sql"] += ONCE.replace("IF EXISTS", "IF NOT EXISTS") % "PERFORM lo_create(77)"
    document = selftest(app(files))
    assert document["exit"] == 1
    assert document["message"] == (
        "undone together, the newest 2 migrations do not lead back to the schema before them"
    )
    assert document["differences"] == ["+ table public.left_over"]


def test_what_only_shows_when_all_are_applied_again(app: AppFactory) -> None:
    up = "CREATE TABLE u ();\n" + ONCE % "ALTER TABLE u ADD x integer"
    files = {**pair(1, up, "DROP TABLE u;\n"), **pair(2, "SELECT 1;\n", "SELECT 1;\n")}
    files["002_m2.up.sql"] += ONCE.replace("IF EXISTS", "IF NOT EXISTS") % "PERFORM lo_create(77)"
    document = selftest(app(files))
    assert document["exit"] == 1
    assert document["message"] == (
        "the newest 2 migrations make another schema when they are applied again"
    )


def test_many_lines(app: AppFactory) -> None:
    """The first twenty, and how many there are."""
    tables = "".join(f"CREATE TABLE u{number} ();\n" for number in range(31))
    document = selftest(app(pair(1, tables, "SELECT 1;\n")))
    assert len(document["differences"]) == 20  # type: ignore[arg-type]
    detail = document["error"]["detail"]  # type: ignore[index]
    assert detail == "31 objects of the schema differ: - as it was, + as it is now"


def test_a_migration_that_fails(app: AppFactory, database: Database) -> None:
    """Up, and on the way down: as in any other run."""
    document = selftest(app({**A, **pair(2, "SELECT wrong;\n", "SELECT 1;\n")}))
    assert (document["exit"], document["code"]) == (1, "failed")
    assert document["error"]["path"] == "migrations/002_m2.up.sql"  # type: ignore[index]
    assert versions(database) == [1]


def test_a_down_script_that_fails(app: AppFactory, database: Database) -> None:
    document = selftest(app({**A, **pair(2, "SELECT 1;\n", "SELECT wrong;\n")}))
    assert (document["exit"], document["code"]) == (1, "failed")
    assert document["error"]["path"] == "migrations/002_m2.down.sql"  # type: ignore[index]
    assert versions(database) == [1, 2]


# ---- where it runs ----


def test_a_hostile_search_path(app: AppFactory, database: Database) -> None:
    """Migrations that stand in the way of functions and operators are found all the same, and do
    not stand in ours."""
    database.admin(f"ALTER ROLE {database.role} SET search_path = public, pg_catalog")
    hostile = pair(
        1,
        'CREATE FUNCTION public.concat_ws(text, VARIADIC "any") RETURNS text LANGUAGE internal'
        " AS 'text_concat_ws';\n"
        "CREATE FUNCTION public.starts_with(text, text) RETURNS boolean LANGUAGE sql"
        " AS 'SELECT true';\n"
        "CREATE FUNCTION public.texteq_not(text, text) RETURNS boolean LANGUAGE sql"
        " AS 'SELECT false';\n"
        "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text,"
        " FUNCTION = public.texteq_not);\n"
        "CREATE TABLE public.pg_class ();\n",
        "DROP TABLE public.pg_class;\nDROP OPERATOR public.= (text, text);\n"
        "DROP FUNCTION public.texteq_not(text, text);\n"
        "DROP FUNCTION public.starts_with(text, text);\n"
        'DROP FUNCTION public.concat_ws(text, "any");\n',
    )
    hostile["001_m1.up.sql"] = hostile["001_m1.up.sql"].split("\n", 1)[1]  # internal: superusers'
    hostile["001_m1.down.sql"] = hostile["001_m1.down.sql"].rsplit("\n", 2)[0] + "\n"
    assert selftest(app({**hostile, **table(2, "b")}))["exit"] == 0
    database.admin(f"ALTER ROLE {database.role} RESET search_path")


def test_a_history_of_its_own(app: AppFactory, database: Database) -> None:
    document = selftest(app({**A, **B}), "--history", "own.done")
    assert document["exit"] == 0 and versions(database, "own.done") == [1, 2]


def test_a_read_only_role(app: AppFactory, database: Database) -> None:
    database.execute(f"ALTER ROLE {database.role} SET default_transaction_read_only = on")
    document = selftest(app({**A, **B}))
    assert (document["exit"], document["code"]) == (7, "refused")
    assert versions_or_none(database) is None


def test_stopped(app: AppFactory, database: Database) -> None:
    slow = pair(2, "SELECT pg_sleep(60);\n", "SELECT 1;\n")
    process = app({**A, **slow}).start("--selftest")
    wait_until(lambda: versions_or_none(database) == [1] and advisory_locks(database))
    process.terminate()
    assert process.wait(20) == 143
    wait_until(lambda: not advisory_locks(database))


def test_keeping_down_scripts(app: AppFactory, database: Database) -> None:
    assert selftest(app({**A, **B}, embed=["--keep-down"]))["exit"] == 0
    query = "SELECT count(*) FROM applied_migrations_state WHERE kind = 'down'"
    assert database.value(query) == 2


def test_afterwards_the_database_is_migrated(app: AppFactory, database: Database) -> None:
    program = app({**A, **B})
    assert selftest(program)["exit"] == 0
    assert check(program) == 0 and migrate(program).applied == []
    assert selftest(program)["exit"] == 7  # not empty any more
