"""--script refuses what a run refuses, in its words, before anything is changed."""

from __future__ import annotations

import pytest

import foreign_tables
from by_psql import apply, psql, refused, script_of, span
from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from outcomes import check, migrate, tables, versions

FILES = {
    "001_base.sql": "CREATE TABLE base (x integer);\n",
    "002_two.sql": "CREATE TABLE two ();\n",
    "003_three.sql": "CREATE TABLE three ();\n",
}
EVERYTHING = (
    "SELECT c.relname, c.relkind, (SELECT count(*) FROM pg_attribute AS a WHERE a.attrelid = c.oid)"
    " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname NOT LIKE"
    " 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1, 2, 3"
)
HISTORY = "SELECT version, name, checksum FROM applied_migrations ORDER BY version"


def both_refuse(program: Program, database: Database, words: str, text: str = "..") -> None:
    """The program, and the script that was printed without a look at the database."""
    before = database.rows(EVERYTHING)
    result = program.run("--only")
    assert result.returncode != 0 and words in result.stderr, result.stderr
    words = words.replace("this binary", "the program of this script")
    refused(database, span(program, text), words)
    assert database.rows(EVERYTHING) == before


# ---- server and role ----


def test_a_session_that_is_read_only(app: AppFactory, database: Database) -> None:
    database.execute(f"ALTER ROLE {database.role} SET default_transaction_read_only = on")
    both_refuse(app(FILES), database, "the session is read-only, and there is something to write")


def test_a_schema_that_is_not_there(app: AppFactory, database: Database) -> None:
    database.admin(f'REVOKE CREATE ON DATABASE "{database.name}" FROM "{database.role}"')
    program = app(FILES, embed=["--history", "book.keeping"])
    words = f'schema "book" does not exist and role "{database.role}" may not create it in this'
    both_refuse(program, database, words)


def test_a_schema_that_is_not_the_roles(app: AppFactory, database: Database) -> None:
    database.admin("CREATE SCHEMA book", f'GRANT USAGE ON SCHEMA book TO "{database.role}"')
    program = app(FILES, embed=["--history", "book.keeping"])
    words = f'role "{database.role}" may not create tables in schema "book"'
    both_refuse(program, database, words)


def test_a_history_of_another_role(app: AppFactory, database: Database) -> None:
    other = database.add_role("other", "NOLOGIN")
    migrate(app({"001_base.sql": FILES["001_base.sql"]}))
    database.admin(f'ALTER TABLE applied_migrations OWNER TO "{other}"')
    database.admin(f'GRANT SELECT ON applied_migrations TO "{database.role}"')
    both_refuse(app(FILES), database, f'role "{database.role}" cannot migrate: ')


def test_what_a_client_brings(app: AppFactory, database: Database) -> None:
    script = span(app(FILES), "..")
    run = psql(database, script, environment={"PGTZ": "Asia/Tokyo", "PGDATESTYLE": "German"})
    words = "this connection brings its own DateStyle, TimeZone, so a migration would not do the"
    assert run.exit == 3 and words in run.stderr, run
    assert tables(database) == set()


# ---- other tools ----


@pytest.mark.parametrize("tool", ["goose", "golang-migrate", "dbmate", "flyway"])
def test_another_tools_table(app: AppFactory, database: Database, tool: str) -> None:
    foreign = foreign_tables.BY_TOOL[tool]
    program = app(FILES)
    database.execute(foreign.create)
    empty = script_of(program)
    database.execute(*foreign.fill()[1:])
    printed = program.run("--script")
    assert (printed.returncode, printed.stdout) == (7, "")
    words = f"has migrated this database (public.{foreign.table} has rows) and inlay has no history"
    assert words in printed.stderr
    if tool != "dbmate":
        both_refuse(program, database, words)
    refused(database, empty, words)
    apply(database, script_of(program, "--script", "--fresh"))
    assert check(program) == 0


def test_another_tools_table_that_is_empty(app: AppFactory, database: Database) -> None:
    database.execute(foreign_tables.GOLANG_MIGRATE.create)
    apply(database, span(app(FILES), ".."))


def test_what_the_build_says_to_adopt(app: AppFactory, database: Database) -> None:
    """It is for the program, which takes it over first; then a script may follow."""
    database.execute("CREATE SCHEMA own", "CREATE TABLE own.base (x integer)")
    database.execute("CREATE TABLE own.schema_migrations (version bigint, dirty boolean)")
    database.execute("INSERT INTO own.schema_migrations VALUES (1, false)")
    program = app(FILES, embed=["--adopt", "golang-migrate=own.schema_migrations"])
    script = span(program, "..")
    refused(
        database, script, "golang-migrate has migrated this database (own.schema_migrations has"
    )
    assert tables(database) == set()
    assert migrate(program).exit == 0
    assert versions(database) == [1, 2, 3]
    apply(database, script)


# ---- the tables ----


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("ALTER TABLE applied_migrations SET UNLOGGED", "is unlogged: a crash would empty it"),
        (
            "ALTER TABLE applied_migrations DROP CONSTRAINT applied_migrations_pkey",
            "has no unique k",
        ),
        ("ALTER TABLE applied_migrations FORCE ROW LEVEL SECURITY", None),
        (
            "ALTER TABLE applied_migrations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            "has row security, which hides rows from this role",
        ),
        ("CREATE TABLE child () INHERITS (applied_migrations)", "has tables that inherit from it"),
        (
            "ALTER TABLE applied_migrations_state DROP CONSTRAINT applied_migrations_state_pkey",
            "has no unique key on (kind, key)",
        ),
    ],
)
def test_a_table_that_is_unfit(
    app: AppFactory, database: Database, change: str, words: str | None
) -> None:
    migrate(app({"001_base.sql": FILES["001_base.sql"]}))
    database.execute(change)
    if words is None:
        apply(database, span(app(FILES), ".."))
    else:
        both_refuse(app(FILES), database, words)


def test_a_table_of_another_hand(app: AppFactory, database: Database) -> None:
    database.execute("CREATE TABLE applied_migrations (version bigint PRIMARY KEY, label text)")
    refused(database, span(app(FILES), ".."), '"public"."applied_migrations" lacks a column that i')
    database.execute("DROP TABLE applied_migrations", "CREATE VIEW applied_migrations AS SELECT 1")
    refused(database, span(app(FILES), ".."), '"public"."applied_migrations" is not an ordinary ta')
    assert tables(database) == set()


def test_a_history_that_lacks_columns(app: AppFactory, database: Database) -> None:
    """It is completed, as by a run."""
    database.execute(
        "CREATE TABLE applied_migrations (version integer PRIMARY KEY, name varchar NOT NULL)",
        "INSERT INTO applied_migrations VALUES (1, 'base')",
    )
    apply(database, span(app(FILES), "1.."))
    program = app(FILES)
    assert (versions(database), check(program)) == ([1, 2, 3], 0)
    assert [row[2] is None for row in database.rows(HISTORY)] == [True, False, False]


# ---- the rows ----


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            ["SET name = 'y' WHERE version = 2"],
            'version 2 was applied as "y" and is now named "two"',
        ),
        (
            ["SET checksum = 'abcdefabcdefabcdef' WHERE version = 1"],
            "version 1 (base) was edited after it was applied: the history has sha256"
            " abcdefabcdef..., this binary ",
        ),
        (
            ["SET name = 'a' WHERE version = 1", "SET name = 'b' WHERE version = 2"],
            "belongs to another set of migrations: none of its names is in this binary",
        ),
        (
            ["SET version = 9 WHERE version = 2"],
            '"two" was applied as version 9 and is now version 2: renumbered after it was applied',
        ),
        (
            ["SET version = 0, name = 'x', checksum = 'x' WHERE version = 2"],
            "the histories have diverged: the database has version 0 (x), which this binary lacks",
        ),
    ],
)
def test_a_history_that_is_another(
    app: AppFactory, database: Database, changes: list[str], words: str
) -> None:
    migrate(app({name: FILES[name] for name in ("001_base.sql", "002_two.sql")}))
    if "another set" in words:
        database.execute("UPDATE applied_migrations SET checksum = 'x' || version")
    database.execute(*(f"UPDATE applied_migrations {change}" for change in changes))
    before = database.rows(HISTORY)
    both_refuse(app(FILES), database, words)
    assert database.rows(HISTORY) == before


def test_late_versions(app: AppFactory, database: Database) -> None:
    migrate(app({name: FILES[name] for name in ("001_base.sql", "003_three.sql")}))
    late = app(FILES, embed=["--late=refuse"])
    words = "version 2 (two) comes late: version 3 is applied, and late versions are refused"
    both_refuse(late, database, words)
    printed = app(FILES).run("--script=..", "--late=refuse", url=None).stdout
    refused(database, printed, words)
    apply(database, span(app(FILES), ".."))
    apply(database, span(late, ".."))


def test_what_is_replaced_in_part(app: AppFactory, database: Database) -> None:
    zero = {"000_zero.sql": "CREATE TABLE zero ();\n"}
    migrate(app({**zero, "001_base.sql": FILES["001_base.sql"]}))
    replacing = "-- inlay: replaces 1..2\nCREATE TABLE base ();\nCREATE TABLE two ();\n"
    words = "version 5 replaces 1..2: 1 of them is applied here"
    both_refuse(app({**zero, "005_all.sql": replacing}), database, words)


def test_what_runs_in_the_place_of_others(app: AppFactory, database: Database) -> None:
    """On an empty database it writes the rows of these too; where some are there the script is for
    another database, and one that was printed for this one has the missing steps."""
    replacing = "-- inlay: replaces 1..2\nCREATE TABLE base ();\nCREATE TABLE two ();\n"
    files = {name: FILES[name] for name in ("001_base.sql", "002_two.sql")}
    program = app({**files, "005_all.sql": replacing})
    rows = "SELECT version, name, checksum FROM applied_migrations ORDER BY version"
    apply(database, span(program, ".."))
    ends = [(tables(database), database.rows(rows))]
    database.execute("DROP TABLE base, two, applied_migrations, applied_migrations_state")
    assert program.run("--to", "1").returncode == 0
    refused(database, span(program, ".."), "version 5 replaces 1..2: 1 of them is applied here")
    apply(database, program.run("--script").stdout)
    ends.append((tables(database), database.rows(rows)))
    assert ends[0] == ends[1] and versions(database) == [1, 2, 5]
    migrate(program)


def test_what_comes_after_what_is_replaced(app: AppFactory, database: Database) -> None:
    migrate(app({"006_base.sql": FILES["001_base.sql"]}))
    replacing = {"005_all.sql": "-- inlay: replaces 1..4\nCREATE TABLE base ();\n"}
    words = (
        "version 5 replaces 1..4, of which nothing is applied here; but version 6 (base), which"
        " comes after, is"
    )
    both_refuse(app({**replacing, "006_base.sql": FILES["001_base.sql"]}), database, words)


def test_a_migration_that_leaves_a_table_unfit(app: AppFactory, database: Database) -> None:
    unfit = "ALTER TABLE applied_migrations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;\n"
    program = app({**FILES, "004_unfit.sql": unfit})
    words = (
        'the migration leaves "public"."applied_migrations" unfit: it has row security, which hides'
        " rows from this role"
    )
    refused(database, span(program, ".."), "migrations/004_unfit.sql: " + words)
    assert versions(database) == [1, 2, 3]
    result = program.run("--only")
    assert result.returncode == 1 and words in result.stderr


def test_stored_down_scripts_go_with_what_is_undone(app: AppFactory, database: Database) -> None:
    """Also where the script was printed without a database, and nothing is to be stored."""
    files = {"001_base.up.sql": FILES["001_base.sql"], "001_base.down.sql": "DROP TABLE base;\n"}
    alone = "-- inlay: no-transaction\n"
    files["002_two.up.sql"] = alone + FILES["002_two.sql"]
    files["002_two.down.sql"] = alone + "DROP TABLE two;\n"
    migrate(app(files, embed=["--keep-down"]))
    stored = "SELECT key FROM applied_migrations_state WHERE kind = 'down' ORDER BY key"
    assert database.rows(stored) == [("1",), ("2",)]
    apply(database, span(app(files), "2..1"))
    assert database.rows(stored) == [("1",)]
    apply(database, span(app(files, embed=["--keep-down"]), "1..0"))
    assert database.rows("SELECT kind FROM applied_migrations_state") == []
