"""The guard: a database that another tool has migrated is refused, and the way out that the refusal
names is one. It is followed as it is printed, for every kind of table that the guard knows."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass

import pytest

from conftest import AppFactory
from foreign_tables import (
    AT,
    BUN,
    DBMATE,
    DIESEL,
    DIESEL_FILES,
    FLYWAY_TABLE,
    GOLANG_MIGRATE,
    GOOSE,
    ID_NAME,
    REFINERY,
    SQLX,
    Foreign,
    tool_of,
)
from harness.database import Database
from harness.program import Program
from outcomes import check, migrate, tables, versions
from ways import go, table

FILES = {**table(1, "a"), **table(2, "b")}
DATED = {
    "20240101000000_a.sql": "CREATE TABLE a ();",
    "20240102000000_b.sql": "CREATE TABLE b ();",
}
BASELINE = "--migrate-baseline VERSION"


@dataclass(frozen=True)
class Left:
    """What a tool has left behind two migrations, and the way out that is advised."""

    kind: str  # as the message names the tool
    foreign: Foreign
    way_out: str


def left(kind: str, name: str, columns: str, rows: str, way_out: str = BASELINE) -> Left:
    return Left(kind, Foreign("", name, columns, (f"VALUES {rows}",)), way_out)


def adopting(kind: str, foreign: Foreign) -> Left:
    return Left(kind, foreign, f"--migrate-adopt {foreign.tool}")


def by_names(kind: str, name: str, columns: str, rows: str, column: str = "") -> Left:
    source = f"filenames=public.{name.strip(chr(34))}{column}"
    return left(kind, name, columns, rows, f"--migrate-adopt {source}")


def kind_of(left: Left) -> str:
    """For the names of tests."""
    return left.kind


VAGUE = "dbmate or another tool"
HAND_MADE = "version varchar PRIMARY KEY, applied_at timestamptz DEFAULT now(), checksum text"
TOOLS = [
    adopting("golang-migrate", GOLANG_MIGRATE),
    adopting(VAGUE, DBMATE),
    adopting("goose", GOOSE),
    adopting("sqlx", SQLX),
    adopting("Flyway", FLYWAY_TABLE),
    adopting("diesel", DIESEL),
    adopting("refinery", REFINERY),
    adopting("bun", BUN),
    Left("node-pg-migrate", ID_NAME, "--migrate-adopt node-pg-migrate"),
    left("Alembic", "alembic_version", "version_num varchar(32) PRIMARY KEY", "('002')"),
    left(
        "Django",
        "django_migrations",
        "id serial PRIMARY KEY, app varchar(255) NOT NULL, name varchar(255) NOT NULL,"
        " applied timestamptz NOT NULL",
        f"(1, 'auth', '0001_initial', {AT}), (2, 'shop', '0001_a', {AT})",
    ),
    left(
        "Liquibase",
        "databasechangelog",
        "id varchar(255) NOT NULL, author varchar(255) NOT NULL, filename varchar(255) NOT NULL,"
        " dateexecuted timestamp NOT NULL, orderexecuted integer NOT NULL, exectype varchar(10)",
        f"('1', 'x', 'c.sql', {AT}, 1, 'EXECUTED'), ('2', 'x', 'c.sql', {AT}, 2, 'EXECUTED')",
    ),
]

# Hand-made tables, and others of the tools' names that are not the tools'.
OTHERS = {
    "file names": by_names(
        "another tool",
        "schema_migrations",
        HAND_MADE,
        f"('001_a.sql', {AT}, '7d4462'), ('002_b.sql', {AT}, '098612')",
        ".version",
    ),
    "paths": by_names(
        "another tool",
        "schema_migrations",
        HAND_MADE,
        f"('db/001_a.sql', {AT}, '20240101'), ('db/002_b.sql', {AT}, '20240102')",
        ".version",
    ),
    "names": by_names(
        "another tool",
        "schema_version",
        HAND_MADE,
        f"('001_a', {AT}, NULL), ('002_b', {AT}, '')",
        ".version",
    ),
    "names in two columns": by_names(
        "another tool",
        "schema_migrations",
        "path text, version text",
        "('db/001_a.sql', '001_a'), ('db/002_b.sql', '002_b')",
        ".version",
    ),
    "numbers and more": Left(
        VAGUE,
        Foreign("", "schema_migrations", HAND_MADE, (f"VALUES ('001', {AT}), ('2', {AT})",)),
        "--migrate-adopt dbmate",
    ),
    "numbers that are no text": left(
        VAGUE, "schema_migrations", "version bigint, at timestamp", f"(1, {AT}), (2, {AT})"
    ),
    "versions with points": left(
        VAGUE, "schema_migrations", HAND_MADE, f"('1.0', {AT}), ('1.1', {AT})"
    ),
    "a counter of text": left("tern or another tool", "schema_version", "version text", "('2')"),
    "names without a number": by_names(
        "another tool",
        "schema_migrations",
        HAND_MADE,
        f"('a.sql', {AT}), ('b.sql', {AT})",
        ".version",
    ),
    "names of others": left(VAGUE, "schema_migrations", HAND_MADE, f"('x.sql', {AT})"),
    "a column too few": left(
        "sqlx", "_sqlx_migrations", "version bigint, installed_on timestamptz", f"(2, {AT})"
    ),
    "points of Flyway's": Left(
        "Flyway",
        Foreign(
            "",
            "flyway_schema_history",
            FLYWAY_TABLE.columns,
            (f"VALUES (1, '1.1.x', 'a', 'SQL', 'V1.1__a.sql', 1, 'x', {AT}, 1, true)",),
        ),
        BASELINE,
    ),
    "a dirty flag of text": left(
        "golang-migrate", "schema_migrations", "version text, dirty text", "('1', 'f'), ('2', 'f')"
    ),
}


def way_out(program: Program) -> str:
    """The first command of the refusal's hint, as a shell would take it."""
    hint = migrate(program).error["hint"]
    found = re.search(r"(?:: |or )(--migrate-(?:adopt|baseline) ('[^']+'|[^;]+));", hint)
    assert found, hint
    return found[1]


def listed(program: Program) -> list[str]:
    return [
        str(m["version"]) for m in json.loads(program.run("--show", "--json").stdout)["migrations"]
    ]


def follow(program: Program, database: Database, expected: Left) -> None:
    before = database.rows(f"SELECT t::text, xmin::text FROM {expected.foreign.table} AS t")
    command = way_out(program)
    assert command == expected.way_out
    followed = program.run(*shlex.split(command.replace("VERSION", listed(program)[-1])))
    assert followed.returncode == 0, followed.stderr
    assert check(program) == 0
    assert program.run("--status").stdout.splitlines()[-1].startswith("up to date: 2 migrations")
    assert database.rows(f"SELECT t::text, xmin::text FROM {expected.foreign.table} AS t") == before
    assert tables(database) == {"a", "b", expected.foreign.table.strip('"')}


def files_of(expected: Left) -> dict[str, str]:
    if expected.foreign is DIESEL:
        return dict(list(DIESEL_FILES.items())[:2])
    return DATED if "20240101000000" in "".join(expected.foreign.rows) else FILES


@pytest.mark.parametrize("expected", TOOLS, ids=kind_of)
def test_every_kind(app: AppFactory, database: Database, expected: Left) -> None:
    database.execute("CREATE TABLE a ()", "CREATE TABLE b ()", *expected.foreign.fill())
    program = app(files_of(expected))
    outcome = migrate(program)
    name = expected.foreign.table
    assert (outcome.exit, outcome.results) == (7, {})
    assert outcome.error["message"] == (
        f"{expected.kind} has migrated this database (public.{name} has rows)"
        " and inlay has no history here"
    )
    first = int(listed(program)[0])
    assert outcome.error["detail"] == f"running migration {first} would fail or do damage"
    assert outcome.error["hint"].endswith(
        "declare everything up to a version applied: --migrate-baseline VERSION; or, if that table"
        " belongs to another program: --migrate-fresh, once"
    )
    follow(program, database, expected)


@pytest.mark.parametrize("name", OTHERS)
def test_other_tables(app: AppFactory, database: Database, name: str) -> None:
    expected = OTHERS[name]
    database.execute("CREATE TABLE a ()", "CREATE TABLE b ()", *expected.foreign.fill())
    program = app(files_of(expected))
    assert migrate(program).error["message"].startswith(f"{expected.kind} has migrated ")
    follow(program, database, expected)


# ---- which table, and how it is named ----


def test_the_table_is_named_if_there_are_two(app: AppFactory, database: Database) -> None:
    database.execute("CREATE SCHEMA app", *GOOSE.fill())
    database.execute("CREATE TABLE app.goose_db_version (LIKE goose_db_version)")
    database.admin(f'ALTER ROLE "{database.role}" SET search_path = public, app')
    program = app(FILES)
    assert way_out(program) == "--migrate-adopt goose=public.goose_db_version"
    assert go(program, "adopt", "goose=public.goose_db_version").exit == 0


@pytest.mark.parametrize(
    "schema, expected",
    [
        ("Their tables", "--migrate-adopt 'filenames=Their tables.schema_migrations'"),
        ("$HOME", "--migrate-adopt 'filenames=$HOME.schema_migrations'"),
        ("it's", BASELINE),  # no shell would take it as it is
        ("a.b", "--migrate-adopt 'filenames=\"a.b\".schema_migrations'"),
        ('a"b', '--migrate-adopt \'filenames="a""b".schema_migrations\''),
    ],
)
def test_a_schema_of_an_odd_name(
    app: AppFactory, database: Database, schema: str, expected: str
) -> None:
    quoted = '"' + schema.replace('"', '""') + '"'
    database.execute(
        f"CREATE SCHEMA {quoted}",
        f"CREATE TABLE {quoted}.schema_migrations (version text)",
        f"INSERT INTO {quoted}.schema_migrations VALUES ('001_a')",
    )
    program = app(table(1, "a"))
    database.admin(f'ALTER ROLE "{database.role}" SET search_path = {quoted}')
    assert way_out(program) == expected
    command = shlex.split(expected.replace("VERSION", "1"))
    assert program.run(*command).returncode == 0 and check(program) == 0


def test_a_schema_with_a_point_is_no_column(app: AppFactory, database: Database) -> None:
    """filenames=a.b.schema_migrations is another table, with a column of that name."""
    database.execute(
        "CREATE SCHEMA a",
        "CREATE TABLE a.b (schema_migrations text)",
        "INSERT INTO a.b VALUES ('001_x')",
        'CREATE SCHEMA "a.b"',
        'CREATE TABLE "a.b".schema_migrations (version text)',
        "INSERT INTO \"a.b\".schema_migrations VALUES ('001_a')",
    )
    database.admin(f'ALTER ROLE "{database.role}" SET search_path = "a.b"')
    assert way_out(app(FILES)) == "--migrate-adopt 'filenames=\"a.b\".schema_migrations'"


def test_what_can_be_adopted_comes_first(app: AppFactory, database: Database) -> None:
    database.execute(
        "CREATE TABLE alembic_version (version_num text)",
        "INSERT INTO alembic_version VALUES ('2')",
        "CREATE TABLE schema_version (version text)",
        "INSERT INTO schema_version VALUES ('001_a.sql'), ('002_b.sql')",
        "CREATE TABLE atlas_schema_revisions (version text)",
        "INSERT INTO atlas_schema_revisions VALUES ('2')",
    )
    assert way_out(app(FILES)) == "--migrate-adopt filenames=public.schema_version"


# ---- what the table says ----


@pytest.mark.parametrize(
    "foreign, rows",
    [
        (GOOSE, GOOSE.rows[0]),
        (GOOSE, "(version_id, is_applied) VALUES (0, true), (1, true), (1, false)"),
        (FLYWAY_TABLE, "VALUES (0, NULL, 's', 'SCHEMA', 's', NULL, 'x', now(), 0, true)"),
    ],
)
def test_a_record_of_nothing(
    app: AppFactory, database: Database, foreign: Foreign, rows: str
) -> None:
    """Rows, but no migration that would run again."""
    database.execute(*foreign.fill(rows))
    assert migrate(app(FILES)).applied == [1, 2]


@pytest.mark.parametrize(
    "foreign, rows",
    [
        (GOLANG_MIGRATE, "VALUES (2, true)"),
        (SQLX, "VALUES (1, 'a', now(), false, '', 1)"),
    ],
)
def test_a_migration_that_is_half_done(
    app: AppFactory, database: Database, foreign: Foreign, rows: str
) -> None:
    """The command says what to do first."""
    database.execute(*foreign.fill(rows))
    program = app(FILES)
    assert way_out(program) == f"--migrate-adopt {foreign.tool}"
    way = go(program, "adopt", foreign.tool)
    assert way.exit == 7 and way.error["hint"].startswith("finish it by hand or undo it")


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE schema_migrations ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE schema_migrations RENAME TO part; CREATE TABLE schema_migrations (LIKE part)"
        " PARTITION BY LIST (version); ALTER TABLE schema_migrations ATTACH PARTITION part DEFAULT",
    ],
)
def test_a_table_that_is_not_adopted(app: AppFactory, database: Database, change: str) -> None:
    database.execute(*DBMATE.fill(), *change.split(";"))
    program = app(FILES)
    assert way_out(program) == BASELINE
    assert go(program, "adopt", "dbmate").exit == 7
    assert go(program, "baseline", "2").exit == 0 and check(program) == 0


@pytest.mark.parametrize("foreign", [GOOSE, DBMATE], ids=tool_of)
def test_a_table_that_is_hidden(app: AppFactory, database: Database, foreign: Foreign) -> None:
    """Let read as it is said, the run says more."""
    database.admin(*foreign.fill())
    program = app(FILES)
    error = migrate(program).error
    assert error["message"].endswith(
        f"(public.{foreign.table} cannot be read) and inlay has no history here"
    )
    assert error["hint"].startswith("let it be read and run again: GRANT USAGE ON SCHEMA ")
    assert "--migrate-adopt" not in error["hint"] and BASELINE in error["hint"]
    database.admin(*re.findall(r"GRANT [^;]*", error["hint"]))
    assert way_out(program) == f"--migrate-adopt {foreign.tool}"
    assert go(program, "adopt", foreign.tool).exit == 0
    assert versions(database) == [1, 2] and check(program) == 0


def test_nothing_to_run_again(app: AppFactory, database: Database) -> None:
    """A binary with repeatables alone has no migration to name."""
    database.execute(*GOOSE.fill())
    error = migrate(app({"R__views.sql": "CREATE OR REPLACE VIEW v AS SELECT 1;"})).error
    assert error["message"].startswith("goose has migrated") and not error["detail"]


def test_rows_that_row_security_hides_are_rows(app: AppFactory, database: Database) -> None:
    database.execute(
        "CREATE TABLE schema_migrations (version text)",
        "INSERT INTO schema_migrations VALUES ('1'), ('2')",
        "ALTER TABLE schema_migrations ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE schema_migrations FORCE ROW LEVEL SECURITY",
    )
    result = app(FILES).run("--only")
    assert result.returncode == 7 and BASELINE in result.stderr
    assert tables(database) == {"schema_migrations"}
