"""NNN_name.verify.sql: queries that must hold, in the migration's transaction, in a rehearsal and
at any time with --verify."""

from __future__ import annotations

import json
import re
import subprocess
import time
from typing import Any, Iterator

import pytest

import pages
from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from outcomes import assert_prompt, check, migrate, read_line, tables, versions
from rehearsals import rehearse

BASE = {
    "001_base.up.sql": "CREATE TABLE base (x integer);\nINSERT INTO base VALUES (1), (2);\n",
    "001_base.down.sql": "DROP TABLE base;\n",
}
ALONE = "-- inlay: no-transaction\n"
HOLDS = "SELECT x FROM base WHERE false;\nSELECT count(*) = 2 FROM base;\n"


def with_verify(text: str, up: str = "CREATE TABLE two ();\n") -> dict[str, str]:
    return {**BASE, "002_two.sql": up, "002_two.verify.sql": text}


# ---- in the migration's transaction ----

# What holds: no row, many rows, more columns, another type, a statement that gives none.
TRUE = [
    "SELECT true",
    "VALUES (true)",
    "(SELECT true)",
    "WITH a AS (SELECT 1) SELECT true FROM a",
    "TABLE base",
    "SELECT false FROM base",
    "SELECT false WHERE false",
    "SELECT false, 1",
    "SELECT 1, false AS value",
    "SELECT 'false'",
    "SELECT NULL",
    "SELECT 0",
    "SELECT FROM base",
    "SELECT 1 / count(*) FROM base -- two\n",
    "SELECT false AS \"q\"\"uoted\", '''' || E'\\\\'",
    "DO $$ BEGIN ASSERT (SELECT count(*) FROM base) = 2; END $$",
    "SELECT has_table_privilege('base', 'select')",
    "SHOW search_path",
    "SELECT true::truth",
    "SELECT true::fact",
    "SELECT 'false'::word",
]
FALSE = [
    ("SELECT false", "this query of the verify script is false"),
    ("SELECT NULL::boolean", "this query of the verify script is NULL"),
    ("VALUES (false)", "this query of the verify script is false"),
    ("SELECT count(*) = 3 FROM base", "this query of the verify script is false"),
    ("SELECT 1 / (count(*) - 2) FROM base", "division by zero"),
    ("SELECT x FROM bases", 'relation "bases" does not exist'),
    ("DO $$ BEGIN ASSERT false; END $$", "assertion failed"),
    ("INSERT INTO base VALUES (3)", "cannot execute INSERT in a read-only transaction"),
    ("SELECT nextval('base_seq')", "cannot execute nextval() in a read-only transaction"),
    ("SELECT false::truth", "this query of the verify script is false"),
    ("SELECT NULL::fact", "this query of the verify script is NULL"),
]
OTHERS = (
    "CREATE SEQUENCE base_seq",
    "CREATE DOMAIN truth AS boolean",
    "CREATE DOMAIN fact AS truth",
    "CREATE DOMAIN word AS text",
)


@pytest.mark.parametrize("query", TRUE)
def test_what_holds(app: AppFactory, database: Database, query: str) -> None:
    database.execute(*OTHERS)
    result = migrate(app(with_verify(f"{query};\nSELECT count(*) = 2 FROM base")))
    assert (result.exit, versions(database)) == (0, [1, 2]), result.stderr


@pytest.mark.parametrize(("query", "words"), FALSE)
def test_what_does_not_hold(app: AppFactory, database: Database, query: str, words: str) -> None:
    """Nothing of the migration stays, and the place is the query's."""
    database.execute(*OTHERS)
    result = migrate(app(with_verify(f"SELECT 1;\n\n  {query};\nSELECT 2;\n")))
    assert (result.exit, versions(database), tables(database)) == (1, [1], {"base"})
    error = result.error
    assert words in error["message"]
    assert (error["path"], error["line"]) == ("migrations/002_two.verify.sql", 3)
    assert error["version"] == "2"
    assert "002_two.sql was rolled back" in error["outcome"]


def test_the_column_is_the_servers(app: AppFactory) -> None:
    """What stands around a query does not shift its place."""
    error = migrate(app(with_verify("SELECT 'ä', nothing FROM base;\n"))).error
    assert (error["line"], error["column"]) == (1, 13)


def test_it_sees_what_the_migration_did(app: AppFactory, database: Database) -> None:
    """Deferred constraints are checked before it, and the session is the one of a new file."""
    up = (
        "CREATE TABLE two (y integer);\nSET search_path = nowhere;\n"
        "INSERT INTO public.two VALUES (1);\n"
    )
    verify = "SELECT count(*) = 1 FROM two;\nSET work_mem = '7MB';\n"
    more = {"003_more.sql": "INSERT INTO base VALUES (3);\n"}
    assert migrate(app({**with_verify(verify, up), **more})).exit == 0
    assert database.value("SELECT count(*) FROM base") == 3


def test_many_at_once(app: AppFactory, database: Database) -> None:
    """With the prepared seal of many."""
    files = dict(BASE)
    for i in range(2, 12):
        files[f"{i:03}_t.sql"] = f"CREATE TABLE t{i} ();\n"
        files[f"{i:03}_t.verify.sql"] = f"SELECT to_regclass('t{i}') IS NOT NULL;\n"
    files["012_t.sql"] = "CREATE TABLE t12 ();\n"
    files["012_t.verify.sql"] = "SELECT to_regclass('t13') IS NOT NULL;\n"
    assert migrate(app(files)).exit == 1
    assert versions(database) == list(range(1, 12))


def test_the_manuals_script(app: AppFactory, database: Database) -> None:
    block = pages.load(pages.DOCS / "migration-files.md").named("sql")["verify"]
    plans = "CREATE TABLE plans (id integer, seats integer);\n"
    assert migrate(app(with_verify(block, plans))).exit == 0
    assert (
        migrate(
            app(
                {
                    "003_bad.sql": "ALTER TABLE plans DROP seats;\n",
                    "003_bad.verify.sql": block,
                    **with_verify("", plans),
                }
            )
        ).exit
        == 1
    )


def test_sqitchs_scripts_fit(app: AppFactory, database: Database) -> None:
    verify = "-- Verify two on pg\n\nBEGIN;\n\nSELECT x FROM base WHERE false;\n\nROLLBACK;\n"
    assert migrate(app(with_verify(verify))).exit == 0


def test_it_is_not_asked_on_the_way_back(app: AppFactory, database: Database) -> None:
    files = {**BASE, "001_base.verify.sql": HOLDS}
    program = app(files)
    migrate(program)
    database.execute("DELETE FROM base")
    assert program.run("--down", "1", "--yes").returncode == 0
    assert versions(database) == []


# ---- without a transaction ----


def test_without_a_transaction(app: AppFactory, database: Database) -> None:
    """What was done stays, but does not count; the next run asks again."""
    up = f"{ALONE}CREATE INDEX CONCURRENTLY i ON base (x);\n"
    verify = "SELECT count(*) = 3 FROM base;\n"
    program = app(with_verify(verify, up))
    result = migrate(program)
    assert (result.exit, versions(database)) == (1, [1])
    assert result.error["path"] == "migrations/002_two.verify.sql"
    assert "1 of 1 statements done and kept" in result.error["outcome"]
    database.execute("INSERT INTO base VALUES (3)")
    assert migrate(program).exit == 0
    assert versions(database) == [1, 2]


@pytest.mark.parametrize("head", ["", ALONE])
def test_it_asks_under_the_search_path_of_the_migration(
    app: AppFactory, database: Database, head: str
) -> None:
    """As it is asked at any time, in a rehearsal and by psql; not of a table of the same name."""
    database.execute("CREATE TABLE t ()", "CREATE SCHEMA acme", "CREATE SCHEMA beta")
    files = {"001_t.sql": f"{head}CREATE TABLE t (id integer);\n"}
    program = app({**files, "001_t.verify.sql": "SELECT id FROM t WHERE false;\n"})
    for schema in ("acme", "beta"):
        options = ["--history", f"{schema}.applied_migrations", "--search-path", schema]
        assert program.run("--rehearse", *options).returncode == 0
        if schema == "acme":
            assert migrate(program, *options).exit == 0
        else:
            run = psql(database, program.run("--script", *options).stdout)
            assert (run.returncode, run.stderr) == (0, "")
        assert program.run("--verify", *options).returncode == 0


SLOW = "SELECT pg_sleep(60);\n"


@pytest.mark.parametrize("head", ["", ALONE])
@pytest.mark.parametrize("whose", ["the file's", "the caller's", "the role's"])
def test_a_statement_timeout_counts(
    app: AppFactory, database: Database, head: str, whose: str
) -> None:
    """It is the one of the migration, at any time."""
    setting = "-- inlay: statement_timeout=200ms\n" if whose == "the file's" else ""
    options = ["--set", "statement_timeout=200ms"] if whose == "the caller's" else []
    if whose == "the role's":
        database.admin(f"ALTER ROLE {database.role} SET statement_timeout = '200ms'")
    files = with_verify(SLOW, f"{head}{setting}SELECT 1;\n")
    result = migrate(app(files), *options)
    assert (result.exit, versions(database)) == (1, [1])
    assert (result.error["sqlstate"], result.error["line"]) == ("57014", 1)
    assert result.error["hint"].startswith(f"{whose} statement_timeout of 200ms ended this")
    assert app(files).run("--mark", "2").returncode == 0
    verify = app(files).run("--verify", *options)
    assert verify.returncode == 1
    assert "002_two.verify.sql:1:1: error: canceling statement due to statement t" in verify.stderr


def test_a_statement_timeout_of_none(app: AppFactory, database: Database) -> None:
    """The file's counts more than the role's."""
    database.admin(f"ALTER ROLE {database.role} SET statement_timeout = '200ms'")
    up = "-- inlay: statement_timeout=0\nSELECT 1;\n"
    program = app(with_verify("SELECT pg_sleep(0.5);\n", up))
    assert migrate(program).exit == 0
    assert program.run("--verify").returncode == 0


# ---- elsewhere ----


def test_a_rehearsal_asks_too(app: AppFactory, database: Database) -> None:
    result = rehearse(app(with_verify("SELECT false;\n")))
    assert result.exit == 1
    assert result.place == ("migrations/002_two.verify.sql", 1, 1)
    assert rehearse(app(with_verify(HOLDS))).exit == 0
    assert tables(database) == set()


def psql(database: Database, script: str) -> subprocess.CompletedProcess[str]:
    command = [database.server.program("psql"), "-X", "-d", database.url]
    return subprocess.run(command, input=script, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("head", ["", ALONE])
def test_a_script_for_psql_asks_too(app: AppFactory, database: Database, head: str) -> None:
    bad = app(with_verify("SELECT false;\n", f"{head}SELECT 1;\n")).run("--script").stdout
    run = psql(database, bad)
    assert (run.returncode, versions(database)) == (3, [1])
    assert "002_two.verify.sql:1: this query of the verify script is false" in run.stderr
    good = app(with_verify(HOLDS, f"{head}SELECT 1;\n"))
    run = psql(database, good.run("--script").stdout)
    assert (run.returncode, run.stderr, check(good)) == (0, "", 0)


# ---- at any time ----


def verified(program: Program, **how: Any) -> tuple[int, tuple[int, int, int], list[str]]:
    result = program.run("--verify", "--json", **how)
    document = json.loads(result.stdout)
    counts = (document["verified"], document["failed"], document["unverified"])
    return result.returncode, counts, document["warnings"]


def test_at_any_time(app: AppFactory, database: Database) -> None:
    files = {
        **BASE,
        "001_base.verify.sql": HOLDS,
        "002_two.sql": "CREATE TABLE two ();\n",
        "002_two.verify.sql": "SELECT to_regclass('two') IS NOT NULL;\n",
        "003_three.sql": "CREATE TABLE three ();\n",
    }
    program = app(files)
    assert verified(program) == (0, (0, 0, 0), [])
    migrate(program)
    assert verified(program) == (0, (2, 0, 1), [])
    text = program.run("--verify").stderr
    assert text.startswith("2 verify scripts hold (") and "; 1 applied migration has none" in text
    database.execute("INSERT INTO base VALUES (3)", "DROP TABLE two")
    code, counts, warnings = verified(program)
    assert (code, counts) == (4, (0, 2, 1))
    assert warnings == [
        "migrations/001_base.verify.sql:2: this query of the verify script is false",
        "migrations/002_two.verify.sql:1: this query of the verify script is false",
    ]
    result = program.run("--verify")
    assert "error: 2 of 2 verify scripts failed" in result.stderr
    assert versions(database) == [1, 2, 3]


def test_a_reader_is_enough(app: AppFactory, database: Database) -> None:
    """Rights on the tables that the script asks for come on top."""
    program = app({**BASE, "001_base.verify.sql": HOLDS})
    migrate(program)
    reader = database.add_role("reader")
    url = database.url_for(reader)
    database.execute(
        f"GRANT SELECT ON applied_migrations, applied_migrations_state, base TO {reader}"
    )
    assert verified(program, url=url)[0] == 0


def test_what_replaces_others_is_asked(app: AppFactory, database: Database) -> None:
    """It was recorded without having run, and asks about the same database all the same; so do
    those that it replaces, while their files are there."""
    files = {**BASE, "001_base.verify.sql": HOLDS}
    migrate(app(files))
    squashed = {
        "002_all.sql": "-- inlay: replaces 1..1\nCREATE TABLE base (x integer);\n",
        "002_all.verify.sql": "SELECT count(*) = 2 FROM base;\n",
    }
    for directory, count in ({**files, **squashed}, 2), (squashed, 1):
        program = app(directory)
        assert migrate(program).exit == 0
        assert verified(program) == (0, (count, 0, 0), [])
    database.execute("INSERT INTO base VALUES (3)")
    code, counts, warnings = verified(app(squashed))
    assert (code, counts) == (4, (0, 1, 0))
    assert "002_all.verify.sql:1: this query of the verify script is false" in warnings[0]


def test_what_is_recorded_is_not_asked_before(app: AppFactory, database: Database) -> None:
    """What replaces others is recorded whatever it asks: later ones changed that, perhaps."""
    migrate(app(BASE))
    squashed = {
        "002_all.sql": "-- inlay: replaces 1..1\nCREATE TABLE base (x integer);\n",
        "002_all.verify.sql": "SELECT false;\n",
    }
    assert migrate(app(squashed)).exit == 0
    assert versions(database) == [1, 2]


# ---- tables that are locked ----

WAIT = "--lock-wait=2500ms"


@pytest.fixture
def holder(database: Database) -> Iterator[Any]:
    with database.connect(application_name="the holder") as connection:
        yield connection


def named(holder: Any) -> str:
    return (
        rf"pid {holder.info.backend_pid} \(the holder, in its transaction for [0-9]+ s\) "
        "holds AccessExclusiveLock on public.base"
    )


def test_a_table_that_is_locked(app: AppFactory, holder: Any) -> None:
    """It is said who has it, and the call ends."""
    program = app({**BASE, "001_base.verify.sql": HOLDS})
    migrate(program)
    holder.execute("LOCK TABLE base")
    began = time.monotonic()
    result = program.run("--verify", WAIT)
    assert result.returncode == 5
    assert_prompt(began, 6)
    lines = result.stderr.splitlines()
    assert re.fullmatch("waiting for a lock on a table: " + named(holder), lines[0])
    assert lines[1] == (
        "migrations/001_base.verify.sql:1:15: error: a lock on a table was not obtained in time "
        "[55P03]"
    )
    assert re.search("detail: " + named(holder), result.stderr)


def test_a_table_that_is_locked_for_a_while(app: AppFactory, holder: Any) -> None:
    program = app({**BASE, "001_base.verify.sql": HOLDS})
    migrate(program)
    holder.execute("LOCK TABLE base")
    process = program.start("--verify")
    read_line(process.stderr, "^waiting for a lock on a table: ")
    holder.rollback()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said[:20]) == (0, "1 verify script hold")


def test_a_lock_that_nobody_holds_any_more(app: AppFactory) -> None:
    """The server's own words are kept, which may come from a function."""
    body = "BEGIN RAISE 'the lamp is busy' USING ERRCODE = '55P03'; END"
    made = f"CREATE FUNCTION lamp() RETURNS boolean LANGUAGE plpgsql AS $${body}$$;\n"
    migrate(app({"001_base.sql": made}))
    result = app({"001_base.sql": made, "001_base.verify.sql": "SELECT lamp();"}).run("--verify")
    assert result.returncode == 5 and "\n  detail: the lamp is busy\n" in result.stderr


@pytest.mark.parametrize("head", ["", ALONE])
def test_a_migration_meets_a_lock(
    app: AppFactory, database: Database, holder: Any, head: str
) -> None:
    """With a transaction all of it is tried again; without one the next run asks again."""
    files = with_verify(HOLDS, f"{head}SELECT 1;\n")
    migrate(app(BASE))
    holder.execute("LOCK TABLE base")
    result = app(files).run("--only", WAIT, "--retry=300ms")
    assert (result.returncode, versions(database)) == (5, [1])
    assert re.search("detail: " + named(holder), result.stderr), result.stderr
    holder.rollback()
    assert migrate(app(files)).exit == 0
