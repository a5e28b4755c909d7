"""Adopting: what another tool has recorded is recorded here, nothing runs, its table stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import AppFactory
from foreign_tables import ALL as TOOLS
from foreign_tables import (
    BUN,
    DIESEL,
    DIESEL_FILES,
    FILENAMES,
    FLYWAY_TABLE,
    GOLANG_MIGRATE,
    GOOSE,
    ID_NAME,
    SQLX,
    Foreign,
    tool_of,
)
from harness.database import Database
from outcomes import advisory_locks, check, migrate, tables, versions
from ways import batches, go, schema, table, undone

A, B, C, D = table(1, "a"), table(2, "b"), table(3, "c"), table(4, "d")
ALL = {**A, **B, **C}


def source(foreign: Foreign) -> str:
    """How the table is named on the command line: as short as may be."""
    named = f"=public.{foreign.table}" if foreign.tool == "filenames" else ""
    return foreign.tool + named


def contents(database: Database, foreign: Foreign) -> list[tuple[Any, ...]]:
    return database.rows(f"SELECT *, xmin::text FROM {foreign.table} AS t ORDER BY t::text")


def fill(database: Database, foreign: Foreign, *rows: str) -> None:
    """What the versions 1 and 2 have made, and what the tool says of it."""
    database.execute("CREATE TABLE a ()", "CREATE TABLE b ()", *foreign.fill(*rows))


@pytest.mark.pg_dump
@pytest.mark.parametrize("foreign", TOOLS, ids=tool_of)
def test_every_tool(app: AppFactory, database: Database, foreign: Foreign) -> None:
    fill(database, foreign)
    before, kept = schema(database), contents(database, foreign)
    program = app(DIESEL_FILES) if foreign is DIESEL else app(ALL)
    assert go(program, "adopt", source(foreign)).exit == 0
    assert schema(database) == before and contents(database, foreign) == kept
    assert advisory_locks(database) == 0
    rows = database.rows(
        "SELECT name, checksum, batch, date_trunc('second', applied_at) = '2024-01-02 03:04:05'"
        " FROM applied_migrations ORDER BY version"
    )
    first, second = (4, 5) if foreign is BUN else (None, None)
    times = foreign.has_times
    assert rows == [("a", None, first, times), ("b", None, second, times)]
    outcome = migrate(program)
    assert len(outcome.applied) == 1 and tables(database) == {"a", "b", "c", foreign.table}
    assert check(program) == 0 and contents(database, foreign) == kept


def test_diesels_numbers(app: AppFactory, database: Database) -> None:
    """They are those that the generator gives."""
    database.execute(
        "CREATE TABLE a ()",
        *DIESEL.fill(
            "(version) VALUES ('00000000000000'), ('20240131120000'), ('202401311200001')"
        ),
    )
    database.execute("INSERT INTO __diesel_schema_migrations VALUES ('202401311200000001')")
    program = app(
        {
            "00000000000000_setup/up.sql": "",
            "2024-01-31-120000_a/up.sql": "CREATE TABLE a ();",
            "2024-01-31-120000-1_b/up.sql": "CREATE TABLE b ();",
            "2024-01-31-120000-0001_c/up.sql": "CREATE TABLE c ();",
        }
    )
    assert go(program, "adopt", "diesel").exit == 0
    assert versions(database) == [0, 2024013112000000000, 2024013112000000011, 2024013112000010000]
    assert check(program) == 0


def test_a_batch_is_a_group(app: AppFactory, database: Database) -> None:
    """What bun applied together goes back together."""
    fill(database, BUN, "(name, group_id) VALUES ('001', 1), ('002', 2)")
    program = app(ALL)
    assert go(program, "adopt", "bun").exit == 0
    assert go(program, "down", "batch").steps == undone(2) and versions(database) == [1]
    assert migrate(program).batch == 2


def test_goose_is_a_log(app: AppFactory, database: Database) -> None:
    """The row with the highest id counts, wherever it lies in the table."""
    database.execute("CREATE TABLE a ()", GOOSE.create)
    database.execute(
        "INSERT INTO goose_db_version (id, version_id, is_applied)"
        " VALUES (9, 2, false), (1, 0, true), (3, 2, true), (2, 1, true)"
    )
    program = app(ALL)
    assert go(program, "adopt", "goose").exit == 0
    assert versions(database) == [1] and migrate(program).applied == [2, 3]


def flyway(*rows: str) -> str:
    """Rows of number, version, type and success."""
    named = {"'1'": "a", "'2'": "b", "'3'": "c"}
    names = [named.get(row.split(", ")[1], "d") for row in rows]
    values = ", ".join(f"({row}, '{name}', 's', 'x', 1)" for row, name in zip(rows, names))
    columns = "installed_rank, version, type, success, description, script, installed_by"
    return f"({columns}, execution_time) VALUES {values}"


@pytest.mark.parametrize(
    "rows, adopted",
    [
        (["0, NULL, 'SCHEMA', true", "1, '1', 'SQL', true"], [1]),
        (["1, '1', 'SQL', true", "2, '2', 'SQL', true", "3, '2', 'UNDO_SQL', true"], [1]),
        (["1, '1', 'SQL', false", "2, '1', 'SQL', true"], [1]),  # the last row counts
        (["1, '2', 'BASELINE', true"], [1, 2]),
        (["1, '0', 'BASELINE', true", "2, '1', 'SQL', true", "3, '2', 'JDBC', true"], [1, 2]),
        (["1, '2', 'SQL_BASELINE', true", "2, '3', 'SQL', true"], [1, 2, 3]),
        (["1, '1', 'SQL', true", "2, '9', 'SQL', true", "3, '9', 'DELETE', true"], [1]),
    ],
)
def test_rows_of_flyways(
    app: AppFactory, database: Database, rows: list[str], adopted: list[int]
) -> None:
    database.execute(*FLYWAY_TABLE.fill(flyway(*rows)))
    assert go(app(ALL), "adopt", "flyway").exit == 0
    assert versions(database) == adopted


@pytest.mark.parametrize(
    "columns, row",
    [
        ("f text", "'migrations/001_a.sql'"),
        ("f text", "'a.js'"),
        ("file varchar(80), at date", "'001_a', NULL"),
        ("filename text, note text, a timestamp, b timestamptz", "'001-a'"),
        ("script text, filename text", "'2_b.sql', '1_a.sql'"),
    ],
)
def test_a_table_of_file_names(app: AppFactory, database: Database, columns: str, row: str) -> None:
    """The column `filename`; or the only one that is text."""
    database.execute("CREATE TABLE a ()", f"CREATE TABLE done ({columns})")
    database.execute(f"INSERT INTO done VALUES ({row})")
    assert go(app(ALL), "adopt", "filenames=public.done").exit == 0
    assert versions(database) == [1]


def test_a_column_of_file_names(app: AppFactory, database: Database) -> None:
    """The one that is named, its name as it is stored."""
    database.execute('CREATE TABLE done (filename text, script text, "The path" text, at date)')
    database.execute("INSERT INTO done VALUES ('a', '7_x.sql', '001_a.sql'), ('b', '8', '002_b')")
    assert go(app(ALL), "adopt", "filenames=public.done.The path").exit == 0
    assert versions(database) == [1, 2]


def test_a_table_of_no_file_names(app: AppFactory, database: Database) -> None:
    database.execute("CREATE TABLE done (f text)")
    adopted = app(ALL).run("--adopt", "filenames=public.done")
    assert adopted.returncode == 0 and versions_or_none(database) is None
    assert adopted.stderr == "public.done has no applied migration: nothing to adopt\n"


@pytest.mark.parametrize(
    "rows, adopted",
    [
        ("VALUES (9, '001_x', now()), (10, '2.x', now())", [1, 2]),
        ("VALUES (1, 'create-a', now()), (2, '2fa', now())", [3, 4]),
        ("VALUES (1, '1700000000000_x', now())", [1700000000000]),
    ],
)
def test_a_table_of_numbers_and_names(
    app: AppFactory, database: Database, rows: str, adopted: list[int]
) -> None:
    """The names tell, by their numbers or as they are; not the numbers of the rows."""
    database.execute(*ID_NAME.fill(rows))
    names = {3: "create_a", 4: "2fa"} if adopted[0] == 3 else {1: "x", 2: "x", 1700000000000: "x"}
    files = {f"{n}_{name}.sql": "" for n, name in names.items() if n >= adopted[0]}
    assert go(app(files), "adopt", "id-name").exit == 0
    assert versions(database) == adopted


def test_where_it_is_looked_for(app: AppFactory, database: Database) -> None:
    """Where the history is and on the search_path, or where it is said to be."""
    database.execute("CREATE SCHEMA old", "CREATE SCHEMA app")
    with database.connect(autocommit=True) as connection:
        connection.execute("SET search_path = old")
        for statement in GOOSE.fill():
            connection.execute(statement.encode())
    program = app(ALL)
    assert go(program, "adopt", "goose").error["message"] == (
        "there is no table to adopt from: goose"
    )
    assert versions_or_none(database) is None
    assert go(program, "adopt", "goose", "--history", "old.h").exit == 0
    assert versions(database, "old.h") == [1, 2]
    assert go(program, "adopt", "goose=old.goose_db_version").exit == 0
    assert versions(database) == [1, 2]
    database.admin(f'ALTER ROLE "{database.role}" SET search_path = old, public')
    assert go(program, "adopt", "goose", "--history", "app.h").exit == 0
    assert versions(database, "app.h") == [1, 2]


def versions_or_none(database: Database) -> list[int] | None:
    there = database.value("SELECT to_regclass('public.applied_migrations') IS NOT NULL")
    return versions(database) if there else None


def test_names_with_everything_in_them(app: AppFactory, database: Database) -> None:
    database.execute(
        'CREATE SCHEMA "Odd ""one"""',
        'CREATE TABLE "Odd ""one"""."the=table ✓" (version varchar PRIMARY KEY)',
        'INSERT INTO "Odd ""one"""."the=table ✓" VALUES (\'1\')',
    )
    assert go(app(ALL), "adopt", 'dbmate=Odd "one".the=table ✓').exit == 0
    assert versions(database) == [1]


def test_a_search_path_full_of_traps(app: AppFactory, database: Database) -> None:
    """Nothing of ours is looked for on the search_path but the table itself."""
    fill(database, SQLX)
    database.execute(
        "CREATE SCHEMA trap",
        "CREATE FUNCTION trap.jsonb_object_field_text(jsonb, text) RETURNS text"
        " LANGUAGE sql AS 'SELECT ''3'''",
        "CREATE FUNCTION trap.to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql AS"
        " 'SELECT ''{}''::jsonb'",
        "CREATE FUNCTION trap.pg_try_advisory_xact_lock(bigint) RETURNS boolean LANGUAGE sql AS"
        " 'SELECT false'",
    )
    database.admin(f'ALTER ROLE "{database.role}" SET search_path = trap, pg_catalog, public')
    assert go(app(ALL), "adopt", "sqlx").exit == 0
    assert versions(database) == [1, 2]


def test_dates_in_another_style(app: AppFactory, database: Database) -> None:
    fill(database, GOOSE)
    database.admin(
        f"ALTER ROLE \"{database.role}\" SET datestyle = 'German, DMY'",
        f"ALTER ROLE \"{database.role}\" SET timezone = 'Asia/Tokyo'",
    )
    assert go(app(ALL), "adopt", "goose").exit == 0
    # A time without a zone is one in the zone of the session.
    at = "SELECT count(*) FROM applied_migrations WHERE applied_at = '2024-01-01 18:04:05+00'"
    assert database.value(at) == 2


def test_twice(app: AppFactory, database: Database) -> None:
    """Already so, also after more was applied here."""
    fill(database, GOOSE)
    program = app(ALL)
    assert go(program, "adopt", "goose").exit == 0
    assert go(program, "adopt", "goose").exit == 0
    assert versions(database) == [1, 2] and migrate(program).applied == [3]
    again = program.run("--adopt", "goose")
    assert again.returncode == 0 and versions(database) == [1, 2, 3]
    assert again.stderr == (
        "nothing to adopt: the history public.applied_migrations has every version of"
        " public.goose_db_version already\n"
    )


def test_another_record_of_the_same(app: AppFactory, database: Database) -> None:
    """It was not adopted itself, and nothing says so."""
    fill(database, GOOSE)
    database.execute(*SQLX.fill())
    program = app(ALL)
    assert go(program, "adopt", "goose").exit == 0
    again = program.run("--adopt", "sqlx")
    assert again.returncode == 0 and versions(database) == [1, 2]
    assert again.stderr == (
        "nothing to adopt: the history public.applied_migrations has every version of"
        " public._sqlx_migrations already\n"
    )


def test_a_record_of_nothing(app: AppFactory, database: Database) -> None:
    database.execute(
        *GOOSE.fill("(version_id, is_applied) VALUES (0, true), (1, true), (1, false)")
    )
    program = app(ALL)
    adopted = program.run("--adopt", "goose")
    assert adopted.returncode == 0 and versions_or_none(database) is None
    assert adopted.stderr == (
        "public.goose_db_version has no applied migration: nothing to adopt\n"
    )


def test_its_json(app: AppFactory, database: Database) -> None:
    fill(database, GOOSE)
    read = json.loads(app(ALL).run("--adopt", "goose", "--json").stdout)
    assert (read["verb"], read["source"], read["code"]) == ("adopt", "goose", "ok")


def test_adopted_goes_back_and_forth(app: AppFactory, database: Database) -> None:
    fill(database, GOOSE)
    program = app(ALL)
    go(program, "adopt", "goose")
    assert go(program, "down", "batch").exit == 7 and batches(database) == [(1, None), (2, None)]
    assert go(program, "to", "0").steps == undone(2, 1)
    assert migrate(program).applied == [1, 2, 3]


def test_five_hundred(app: AppFactory, database: Database) -> None:
    rows = "(version_id, is_applied) SELECT n, true FROM generate_series(1, 500) AS n"
    database.execute(*GOOSE.fill(rows))
    program = app({f"{n:03d}_m.sql": "SELECT 1 / 0;\n" for n in range(1, 501)})
    assert go(program, "adopt", "goose").exit == 0
    assert versions(database) == list(range(1, 501)) and check(program) == 0


def test_a_history_made_by_hand(app: AppFactory, database: Database) -> None:
    """Its missing columns come in the same transaction."""
    fill(database, BUN)
    database.execute("CREATE TABLE applied_migrations (version int PRIMARY KEY, name text)")
    assert go(app(ALL), "adopt", "bun").exit == 0
    assert batches(database) == [(1, 4), (2, 5)]


def test_file_names_in_directories(app: AppFactory, database: Database) -> None:
    rows = "VALUES ('a/b/0002_b.sql'), ('c/1_a.down/001_a.up.sql')"
    database.execute(*FILENAMES.fill(rows.replace("VALUES", "(filename) VALUES")))
    assert go(app(ALL), "adopt", "filenames=public.applied_files").exit == 0
    assert versions(database) == [1, 2]


# ---- migrations that replace others ----

SQUASHED = {"004_schema.sql": "-- inlay: replaces 1..3\nCREATE TABLE wrong ();\n"}
TO_FIVE = "(1, true), (2, true), (3, true), (5, true)"
RANGE = "SELECT key, body FROM applied_migrations_state WHERE kind = 'replaces'"


def test_what_another_migration_replaces(app: AppFactory, database: Database) -> None:
    """The old files are adopted, and the next run records the one that stands for them."""
    database.execute(*GOOSE.fill("(version_id, is_applied) VALUES (1, true), (2, true), (3, true)"))
    program = app({**ALL, **SQUASHED, **table(5, "e")})
    assert go(program, "adopt", "goose").exit == 0 and versions(database) == [1, 2, 3]
    assert migrate(program).exit == 0 and versions(database) == [1, 2, 3, 4, 5]
    assert tables(database) == {"e", "goose_db_version"}


def test_what_replaces_others(app: AppFactory, database: Database) -> None:
    """A counter stands above it: what it replaces is known of from then on."""
    database.execute("CREATE TABLE e ()", *GOLANG_MIGRATE.fill("VALUES (5, false)"))
    program = app({**SQUASHED, **table(5, "e"), **table(6, "f")})
    assert go(program, "adopt", "golang-migrate").exit == 0
    assert versions(database) == [4, 5] and database.rows(RANGE) == [("4", "1..3")]
    assert migrate(program).applied == [6]
    old = app({**ALL, **table(5, "e")})
    assert migrate(old).exit == 0 and tables(database) == {"e", "f", "schema_migrations"}


def test_squashed_since(app: AppFactory, database: Database) -> None:
    """As the manual has it: what the tool knows is in no file any more."""
    database.execute("CREATE TABLE e ()", *GOOSE.fill(f"(version_id, is_applied) VALUES {TO_FIVE}"))
    program = app({**SQUASHED, **table(5, "e"), **table(6, "f")})
    way = go(program, "adopt", "goose")
    assert (way.exit, way.error["detail"].splitlines()[0]) == (
        4,
        "applied there and not in this binary: 1, 2, 3",
    )
    assert go(program, "baseline", "5").exit == 0 and versions(database) == [4, 5]
    assert migrate(program).applied == [6] and check(program) == 0
