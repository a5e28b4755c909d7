"""What is not adopted: records that do not fit the binary, tables that are not the tool's, rows
that cannot be understood. Nothing is recorded then, and the message says what and where."""

from __future__ import annotations

from typing import Sequence

import pytest

from conftest import AppFactory
from foreign_tables import BY_TOOL, GOLANG_MIGRATE, GOOSE
from harness.database import Database
from outcomes import migrate, versions
from test_adopt import flyway, versions_or_none
from ways import Way, go, table

A, B, C, D = table(1, "a"), table(2, "b"), table(3, "c"), table(4, "d")
ALL = {**A, **B, **C}
APPLIED = "(version_id, is_applied) VALUES"


def is_refused(database: Database, way: Way, message: str, status: int = 7) -> None:
    assert (way.exit, way.error["message"]) == (status, message)
    assert way.error["hint"] or "rows" in message
    assert versions_or_none(database) is None


# ---- versions ----


def test_versions_that_are_not_embedded(app: AppFactory, database: Database) -> None:
    rows = ", ".join(f"({n}, true)" for n in (1, 7, 2, *range(20, 40)))
    database.execute(*GOOSE.fill(f"{APPLIED} {rows}"))
    program = app({**A, **B})
    way = go(program, "adopt", "goose")
    message = "public.goose_db_version and this binary do not have the same migrations"
    is_refused(database, way, message, 4)
    assert way.error["version"] == "7"
    assert way.error["detail"] == (
        "applied there and not in this binary: 7, 20, 21, 22, 23, 24, 25, 26, 27, 28, ..."
    )
    assert "--migrate-allow-missing" in way.error["hint"]
    assert go(program, "adopt", "goose", "--allow-missing").exit == 0
    assert versions(database) == [1, 2] and migrate(program).exit == 0


def test_versions_that_are_not_applied(app: AppFactory, database: Database) -> None:
    """Above the newest that is they are simply pending."""
    database.execute("CREATE TABLE c ()", *GOOSE.fill(f"{APPLIED} (3, true), (9, true)"))
    program = app({**ALL, **D})
    way = go(program, "adopt", "goose")
    assert (way.exit, way.error["detail"]) == (
        4,
        "applied there and not in this binary: 9\n"
        "in this binary and not applied there, below the newest that is: 1, 2, 4",
    )
    assert versions_or_none(database) is None
    assert go(program, "adopt", "goose", "--allow-missing").exit == 0
    assert versions(database) == [3]
    outcome = migrate(program)
    assert outcome.applied == [1, 2, 4] and "applying late" in outcome.warnings[0]


def test_nothing_in_common(app: AppFactory, database: Database) -> None:
    """Another program's database: the rest of nothing would be everything."""
    database.execute(*GOOSE.fill(f"{APPLIED} (20240101000000, true)"))
    way = go(app(ALL), "adopt", "goose")
    assert (way.exit, "--migrate-allow-missing" in way.error["hint"]) == (4, False)
    way = go(app(ALL), "adopt", "goose", "--allow-missing")
    is_refused(database, way, "not one version of public.goose_db_version is in this binary", 4)


@pytest.mark.parametrize("counter, adopted", [(2, [1, 2]), (5, [1, 2, 4])])
def test_a_counter(
    app: AppFactory, database: Database, counter: int, adopted: Sequence[int]
) -> None:
    """Everything up to it, whatever the numbers are; it must be one of them itself."""
    database.execute(*GOLANG_MIGRATE.fill(f"VALUES ({counter}, false)"))
    program = app({**A, **B, **D, **table(6, "f")})
    way = go(program, "adopt", "golang-migrate")
    if counter == 5:
        assert way.exit == 4
        assert way.error["detail"] == "applied there and not in this binary: 5"
        way = go(program, "adopt", "golang-migrate", "--allow-missing")
    assert way.exit == 0 and versions(database) == adopted


# ---- rows ----


@pytest.mark.parametrize(
    "tool, row, message",
    [
        ("golang-migrate", "VALUES (3, true)", "says that version 3 is half done"),
        ("golang-migrate", "VALUES (-1, true)", "says that version -1 is half done"),
        (
            "golang-migrate",
            "VALUES (1, false), (2, false)",
            "has more than one row for its version, which is not how golang-migrate leaves it",
        ),
        (
            "sqlx",
            "VALUES (1, 'a', now(), false, '', 1)",
            "says that version 1 is half done",
        ),
        ("dbmate", "VALUES ('1'), ('2a')", 'has a row whose version is not one: "2a"'),
        ("dbmate", "VALUES ('-1')", 'has a row whose version is not one: "-1"'),
        ("dbmate", "VALUES ('')", 'has a row whose version is not one: ""'),
        (
            "dbmate",
            "VALUES ('9223372036854775808')",
            'has a row whose version is not one: "9223372036854775808"',
        ),
        (
            "dbmate",
            "VALUES ('1'), ('01')",
            "has more than one row for 01, which is not how dbmate leaves it",
        ),
        ("diesel", "VALUES ('1234567890123456789')", "has a row whose version is not one: "),
        ("diesel", "VALUES ('2024-01-31')", "has a row whose version is not one: "),
        ("refinery", "VALUES (-4, 'a', '', '')", 'has a row whose version is not one: "-4"'),
        ("bun", "VALUES (1, NULL, 1)", "has a row without a version"),
        ("bun", "VALUES (1, '20240101_a', 1)", 'has a row whose version is not one: "20240101_a"'),
        (
            "filenames",
            "VALUES ('x.sql')",
            'has a row that names no migration of this binary: "x.sql"',
        ),
        (
            "filenames",
            "VALUES ('1x.sql')",
            'has a row that names no migration of this binary: "1x.sql"',
        ),
        (
            "id-name",
            "VALUES (1, '1_a', now()), (2, 'x', now())",
            'names no migration of this binary: "x"',
        ),
        ("flyway", flyway("1, '2.1.x', 'SQL', true"), 'whose version is not one: "2.1.x"'),
        ("flyway", flyway("1, '1', 'SQL', true", "2, '2', 'SQL', false"), "version 2 is half done"),
    ],
)
def test_a_row_that_is_not_understood(
    app: AppFactory, database: Database, tool: str, row: str, message: str
) -> None:
    foreign = BY_TOOL[tool]
    database.execute(*foreign.fill(row))
    way = go(app(ALL), "adopt", f"{tool}=public.{foreign.table}", "--allow-missing")
    assert way.exit == 7 and way.error["message"].startswith(f"public.{foreign.table} ")
    assert message in way.error["message"] and versions_or_none(database) is None


def test_a_time_that_is_none(app: AppFactory, database: Database) -> None:
    database.execute(*BY_TOOL["refinery"].fill("VALUES (1, 'a', 'yesterday evening', '')"))
    way = go(app(ALL), "adopt", "refinery")
    assert (way.exit, way.error["sqlstate"]) == (7, "22007")
    assert versions_or_none(database) is None


def test_a_number_that_the_name_does_not_have(app: AppFactory, database: Database) -> None:
    """Which of the two ran? Neither the number nor the name is believed."""
    foreign = BY_TOOL["filenames"]
    database.execute(*foreign.fill("(filename) VALUES ('003_a.sql')"))
    program = app(ALL)
    ways: list[list[str]] = [[], ["--allow-missing"]]
    for more in ways:
        way = go(program, "adopt", f"filenames=public.{foreign.table}", *more)
        message = 'has a row whose number is not that of its migration: "003_a.sql"'
        is_refused(database, way, f"public.{foreign.table} {message}")
        assert way.error["detail"] == "here that name is version 1"
    name = f"SELECT regexp_replace(filename, '^[0-9]+_', '') AS name FROM {foreign.table}"
    assert go(program, "adopt", f"query={name}").exit == 0 and versions(database) == [1]


def test_numbers_where_names_belong(app: AppFactory, database: Database) -> None:
    database.execute("CREATE TABLE done (n text)", "INSERT INTO done VALUES ('001')")
    way = go(app(ALL), "adopt", "filenames=public.done")
    is_refused(database, way, 'public.done has a row that names no migration of this binary: "001"')
    assert way.error["hint"].startswith("a number alone is no name of a file; ")
    assert go(app(ALL), "adopt", "query=SELECT n AS version FROM done").exit == 0


# ---- tables ----


@pytest.mark.parametrize(
    "statements, what",
    [
        (["CREATE TABLE g (version_id bigint)"], 'has no column "tstamp"'),
        (
            ["CREATE TABLE g (version_id text, is_applied boolean, tstamp timestamp, id int)"],
            'has a column "version_id" that is not a whole number',
        ),
        (
            ["CREATE TABLE g (version_id int, is_applied int, tstamp timestamp, id int)"],
            'has a column "is_applied" that is not boolean',
        ),
        (
            ["CREATE TABLE g (version_id int, is_applied bool, tstamp text, id int)"],
            'has a column "tstamp" that is not a time',
        ),
        (["CREATE TABLE g ()"], 'has no column "version_id"'),
        ([GOOSE.create, "CREATE VIEW g AS TABLE goose_db_version"], "is not an ordinary table"),
        (
            [
                GOOSE.create,
                "ALTER TABLE goose_db_version RENAME TO g",
                "ALTER TABLE g ENABLE ROW LEVEL SECURITY",
            ],
            "has row security, which hides rows",
        ),
    ],
)
def test_a_table_that_is_not_the_tools(
    app: AppFactory, database: Database, statements: Sequence[str], what: str
) -> None:
    database.execute(*statements)
    way = go(app(ALL), "adopt", "goose=public.g")
    is_refused(database, way, f"public.g is not a table of goose: it {what}")


@pytest.mark.parametrize(
    "column, what",
    [
        ("file", 'has no column "file"'),
        ("number", 'has a column "number" that is not text'),
    ],
)
def test_a_column_that_holds_no_file_names(
    app: AppFactory, database: Database, column: str, what: str
) -> None:
    """Named it is the one, whatever else there is."""
    database.execute(
        "CREATE TABLE done (filename text, number int)", "INSERT INTO done VALUES ('001_a.sql', 1)"
    )
    way = go(app(ALL), "adopt", f"filenames=public.done.{column}")
    is_refused(database, way, f"public.done is not a table of filenames: it {what}")


def test_two_tools_of_one_name(app: AppFactory, database: Database) -> None:
    """golang-migrate's counter is not dbmate's list, and the other way round."""
    database.execute(*GOLANG_MIGRATE.fill())
    way = go(app(ALL), "adopt", "dbmate")
    is_refused(
        database,
        way,
        'public.schema_migrations is not a table of dbmate: it has a column "version" that is not'
        " text",
    )
    database.execute("ALTER TABLE schema_migrations DROP dirty")
    way = go(app(ALL), "adopt", "golang-migrate")
    is_refused(
        database,
        way,
        'public.schema_migrations is not a table of golang-migrate: it has no column "dirty"',
    )


def test_two_tables(app: AppFactory, database: Database) -> None:
    database.execute("CREATE SCHEMA b", *GOOSE.fill())
    database.execute("CREATE TABLE b.goose_db_version (LIKE goose_db_version)")
    way = go(app(ALL), "adopt", "goose", "--history", "b.h")
    message = "there are two tables of goose: b.goose_db_version and public.goose_db_version"
    is_refused(database, way, message)
    assert go(app(ALL), "adopt", "goose=public.goose_db_version", "--history", "b.h").exit == 0


def test_no_table(app: AppFactory, database: Database) -> None:
    way = go(app(ALL), "adopt", "goose=public.nothing")
    is_refused(database, way, "there is no table to adopt from: goose=public.nothing")


@pytest.mark.parametrize(
    "source",
    [
        "query=;",
        "Goose",
        "goose=",
        "goose=table",
        "goose=a.b.c",
        "goose=.b",
        "goose=a.",
        "=a.b",
        f"goose=public.{'x' * 64}",
        "filenames",
        "filenames=a.b.",
        "filenames=a.b.c.d",
        "postgres://user:secret@host/db",
    ],
)
def test_no_source(app: AppFactory, database: Database, source: str) -> None:
    """It may be anything, so it is not repeated."""
    way = go(app(ALL), "adopt", source)
    assert (way.exit, way.code) == (2, "argument")
    assert way.error["message"] == (
        "what is adopted is TOOL, TOOL=SCHEMA.TABLE or query=SELECT ..."
    )
    assert "golang-migrate, rails, ecto, " in way.error["hint"]
    assert "secret" not in way.stderr


@pytest.mark.parametrize("source", ["alembic", "Django", "liquibase=public.databasechangelog"])
def test_a_tool_that_records_no_files(app: AppFactory, database: Database, source: str) -> None:
    way = go(app(ALL), "adopt", source)
    assert (way.exit, way.code) == (2, "argument")
    assert "does not record which files were applied" in way.error["message"]
    assert "--migrate-baseline VERSION" in way.error["hint"]


# ---- our side ----


def test_a_history_with_other_rows(app: AppFactory, database: Database) -> None:
    program = app(ALL)
    migrate(app(A))
    database.execute("CREATE TABLE b ()", *GOOSE.fill(f"{APPLIED} (1, true), (2, true)"))
    way = go(program, "adopt", "goose")
    assert (way.exit, way.error["message"]) == (
        7,
        "the history public.applied_migrations has rows already, and version 2 of"
        " public.goose_db_version is not among them",
    )
    assert versions(database) == [1] and "--migrate-mark VERSION" in way.error["hint"]
    assert go(program, "mark", "2").exit == 0
    assert go(program, "adopt", "goose").exit == 0 and migrate(program).applied == [3]


def test_a_read_only_session(app: AppFactory, database: Database) -> None:
    database.execute(*GOOSE.fill())
    database.admin(f'ALTER ROLE "{database.role}" SET default_transaction_read_only = on')
    way = go(app(ALL), "adopt", "goose")
    is_refused(database, way, "the session is read-only, and there is something to write")


def test_a_role_that_may_not_create(app: AppFactory, database: Database) -> None:
    database.execute(*GOOSE.fill())
    database.admin("ALTER SCHEMA public OWNER TO postgres")
    way = go(app(ALL), "adopt", "goose")
    assert way.exit == 7 and "may not create tables" in way.error["message"]


def test_a_table_of_another_owner(app: AppFactory, database: Database) -> None:
    """SELECT is enough, but then nothing keeps the tool out."""
    database.admin(*GOOSE.fill(f"{APPLIED} (1, true), (2, true)"))
    program = app(ALL)
    way = go(program, "adopt", "goose")
    is_refused(database, way, f'role "{database.role}" may not read public.goose_db_version')
    grant = f'GRANT SELECT, UPDATE ON public.goose_db_version TO "{database.role}";'
    assert way.error["hint"].endswith(grant)
    database.admin(f'GRANT SELECT ON goose_db_version TO "{database.role}"')
    said = program.run("--adopt", "goose")
    assert said.returncode == 0 and versions(database) == [1, 2]
    assert said.stderr.startswith(
        "warning: public.goose_db_version is read without a lock on it, which"
    )


def test_a_schema_of_another_owner(app: AppFactory, database: Database) -> None:
    database.admin("CREATE SCHEMA theirs", "CREATE TABLE theirs.goose_db_version ()")
    for column in ("id int", "version_id int", "is_applied bool", "tstamp timestamp"):
        database.admin(f"ALTER TABLE theirs.goose_db_version ADD {column}")
    program = app(ALL)
    database.admin(f'GRANT ALL ON theirs.goose_db_version TO "{database.role}"')
    way = go(program, "adopt", "goose=theirs.goose_db_version")
    is_refused(database, way, f'role "{database.role}" may not read theirs.goose_db_version')
    first, second, _ = way.error["hint"].split(";")
    database.admin(first, second)
    assert go(program, "adopt", "goose=theirs.goose_db_version").exit == 0
