"""Where the history's tables come from, and who may have them: under the lock, never on another
tool's database, with one clear sentence where a right is missing."""

from __future__ import annotations

import re

import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import check, migrate, tables, versions

FILES = {"001_one.sql": "CREATE TABLE one ();", "002_two.sql": "CREATE TABLE two ();"}
ALONE = {"003_alone.sql": "-- inlay: no-transaction\nCREATE TABLE alone ();"}

OTHER_TOOLS = {
    "golang-migrate": ("schema_migrations", "version bigint, dirty boolean", "1, false"),
    "dbmate": ("schema_migrations", "version varchar", "'1'"),
    "goose": ("goose_db_version", "id int, version_id bigint, is_applied boolean", "1, 1, true"),
    "sqlx": ("_sqlx_migrations", "version bigint, description text", "1, 'one'"),
    "diesel": ("__diesel_schema_migrations", "version varchar, run_on timestamp", "'1', now()"),
    "Flyway": ("flyway_schema_history", "installed_rank int, version varchar", "1, '1'"),
    "Alembic": ("alembic_version", "version_num varchar", "'a'"),
    "Sequelize": ('"SequelizeMeta"', "name varchar", "'one.js'"),
    "Django": ("django_migrations", "id int, app varchar, name varchar", "1, 'one', '0001'"),
}


@pytest.mark.parametrize("tool", OTHER_TOOLS)
def test_a_database_of_another_tool_is_refused(
    app: AppFactory, database: Database, tool: str
) -> None:
    table, columns, row = OTHER_TOOLS[tool]
    database.execute(f"CREATE TABLE {table} ({columns})", f"INSERT INTO {table} VALUES ({row})")
    there = tables(database)
    outcome = migrate(app(FILES))
    assert (outcome.exit, outcome.code, outcome.results) == (7, "refused", {})
    assert outcome.error["message"].startswith(tool)
    assert outcome.error["message"].endswith(
        f" has migrated this database (public.{table} has rows) and inlay has no history here"
    )
    assert "--migrate-fresh" in outcome.error["hint"]
    assert database.rows("SELECT 1 FROM pg_class WHERE relname ~ '^applied'") == []
    assert tables(database) == there


def test_another_tool_may_be_none_of_our_business(app: AppFactory, database: Database) -> None:
    database.execute(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean)",
        "INSERT INTO schema_migrations VALUES (7, false)",
    )
    assert migrate(app(FILES), "--fresh").applied == [1, 2]
    assert migrate(app({**FILES, **ALONE})).applied == [3]  # the history is there: no guess needed


def test_rows_that_may_not_be_seen_are_rows(app: AppFactory, database: Database) -> None:
    database.admin("CREATE TABLE goose_db_version (version_id bigint)")
    outcome = migrate(app(FILES))
    assert (outcome.exit, outcome.results) == (7, {})
    assert "goose has migrated this database (public.goose_db_version cannot be read)" in (
        outcome.error["message"]
    )


def test_another_tool_without_rows_is_no_obstacle(app: AppFactory, database: Database) -> None:
    database.execute("CREATE TABLE schema_migrations (version bigint, dirty boolean)")
    assert migrate(app(FILES)).applied == [1, 2]


def test_another_tool_is_found_in_the_search_path(app: AppFactory, database: Database) -> None:
    database.execute(
        "CREATE SCHEMA app",
        "CREATE TABLE app.schema_migrations (version bigint, dirty boolean)",
        "INSERT INTO app.schema_migrations VALUES (7, false)",
    )
    assert migrate(app(FILES)).applied == [1, 2]  # another schema: none of our business
    database.execute(
        "DROP TABLE applied_migrations, one, two",
        f"ALTER ROLE {database.role} SET search_path = app",
    )
    outcome = migrate(app(FILES))
    assert (outcome.exit, outcome.results) == (7, {})
    assert "app.schema_migrations" in outcome.error["message"]


def test_a_table_with_the_name_only_is_not_a_history(app: AppFactory, database: Database) -> None:
    database.execute(
        "CREATE TABLE schema_migrations (id int, notes text)",
        "INSERT INTO schema_migrations VALUES (1, 'of birds')",
    )
    assert migrate(app(FILES)).applied == [1, 2]


def test_a_role_without_create_on_public(app: AppFactory, database: Database) -> None:
    service = database.add_role("service")
    outcome = migrate(app(FILES), url=database.url_for(service))
    assert (outcome.exit, outcome.results) == (7, {})
    assert outcome.error["message"] == (
        f'role "{service}" may not create tables in schema "public"'
    )
    assert outcome.error["hint"] == (
        'run as its owner or a superuser: GRANT USAGE, CREATE ON SCHEMA "public" TO'
        f' "{service}"; or use another schema: --migrate-history SCHEMA.TABLE'
    )
    database.admin(f'GRANT USAGE, CREATE ON SCHEMA "public" TO "{service}"')
    assert migrate(app(FILES), url=database.url_for(service)).applied == [1, 2]


def test_a_role_without_usage_of_public(app: AppFactory, database: Database) -> None:
    """What CREATE alone allows is not enough."""
    service = database.add_role("service")
    words = f'role "{service}" may not create tables in schema "public"'
    database.admin(
        "REVOKE ALL ON SCHEMA public FROM PUBLIC", f"GRANT CREATE ON SCHEMA public TO {service}"
    )
    program = app(FILES)
    outcome = migrate(program, url=database.url_for(service))
    assert (outcome.exit, outcome.error["message"]) == (7, words)
    granted = re.search("GRANT [^;]*", outcome.error["hint"])
    assert granted is not None
    database.admin(granted[0])
    assert migrate(program, url=database.url_for(service)).applied == [1, 2]


def test_the_other_way_out_is_a_schema_of_its_own(app: AppFactory, database: Database) -> None:
    service = database.add_role("service")
    database.admin(f"CREATE SCHEMA ours AUTHORIZATION {service}")
    files = {"001_one.sql": "CREATE TABLE ours.one ();"}
    outcome = migrate(app(files), "--history=ours.history", url=database.url_for(service))
    assert outcome.applied == [1]
    assert versions(database, "ours.history") == [1]


def test_a_schema_that_is_missing_is_created(app: AppFactory, database: Database) -> None:
    outcome = migrate(app(FILES, history="bookkeeping.history"))
    assert outcome.applied == [1, 2]
    assert versions(database, "bookkeeping.history") == [1, 2]
    assert tables(database) == {"one", "two"}


def test_a_schema_that_may_not_be_created(app: AppFactory, database: Database) -> None:
    service = database.add_role("service")
    program = app(FILES, history="bookkeeping.history")
    outcome = migrate(program, url=database.url_for(service))
    assert (outcome.exit, outcome.results) == (7, {})
    assert outcome.error["message"] == (
        f'schema "bookkeeping" does not exist and role "{service}" may not create it in this'
        " database"
    )
    assert outcome.error["hint"] == f'CREATE SCHEMA "bookkeeping" AUTHORIZATION "{service}";'
    database.admin(outcome.error["hint"])
    database.admin(f"GRANT CREATE ON SCHEMA public TO {service}")
    assert migrate(program, url=database.url_for(service)).applied == [1, 2]


def test_the_state_table_is_made_when_it_is_missed(app: AppFactory, database: Database) -> None:
    state = "SELECT to_regclass('applied_migrations_state') IS NOT NULL"
    database.execute("CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text)")
    assert migrate(app(FILES)).applied == [1, 2]
    assert database.value(state) is False
    assert migrate(app({**FILES, **ALONE})).applied == [3]
    assert database.value(state) is True


def test_a_reader_needs_select_only(app: AppFactory, database: Database) -> None:
    reader = database.add_role("reader")
    program, newer = app(FILES), app({**FILES, **ALONE})
    migrate(program)
    url = database.url_for(reader)
    stderr = program.run("--check", url=url).stderr
    assert f'role "{reader}" may not read the history "public"."applied_migrations"' in stderr
    assert f'GRANT SELECT ON "public"."applied_migrations" TO "{reader}"' in stderr
    assert check(program, url=url) == 7
    database.execute(f"GRANT SELECT ON applied_migrations TO {reader}")
    assert check(program, url=url) == 0
    assert migrate(program, url=url).exit == 0
    assert program.run("--await=5", url=url).returncode == 0
    assert program.run("--status", url=url).returncode == 0
    assert check(newer, url=url) == 3
    outcome = migrate(newer, url=url)
    assert "cannot migrate" in outcome.error["message"]


@pytest.mark.parametrize(
    "history",
    ["public.History", 'my schema.my "history"', "größe.история", "drop table;--.a'b", "a.b\\c"],
)
def test_names_are_taken_as_they_are(app: AppFactory, database: Database, history: str) -> None:
    program = app({**FILES, **ALONE})
    assert migrate(program, "--history", history).applied == [1, 2, 3]
    assert migrate(program, "--history", history).results == {}
    schema, table = history.split(".")
    kept = "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> ALL (%s)"
    rows = database.rows(kept + " ORDER BY 1", schema, ["one", "two", "alone"])
    assert rows == [(table,), (table + "_state",)]


@pytest.mark.parametrize(
    "history", ["history", ".history", "public.", "a.b.c", "s." + "h" * 58, "s" * 64 + ".h"]
)
def test_names_that_are_none(app: AppFactory, database: Database, history: str) -> None:
    outcome = migrate(app(FILES), "--history", history)
    assert (outcome.exit, outcome.code) == (2, "argument")
    assert tables(database) == set()


def test_the_longest_names(app: AppFactory, database: Database) -> None:
    history = "s" * 63 + "." + "h" * 57
    assert migrate(app({**FILES, **ALONE}), "--history", history).applied == [1, 2, 3]
    assert versions(database, history) == [1, 2, 3]
    assert database.value("SELECT max(length(tablename)) FROM pg_tables") == 63


def test_two_histories_in_one_database(app: AppFactory, database: Database) -> None:
    ours = app({"001_ours.sql": "CREATE TABLE ours ();"}, history="public.ours_history")
    theirs = app({"001_theirs.sql": "CREATE TABLE theirs ();"}, history="public.their_history")
    assert migrate(ours).applied == migrate(theirs).applied == [1]
    assert migrate(ours).results == migrate(theirs).results == {}
    assert tables(database) >= {"ours", "theirs", "ours_history", "their_history"}


@pytest.mark.parametrize("files", [FILES, ALONE], ids=["with the first", "before the first"])
def test_a_history_that_cannot_be_made_leaves_nothing(
    app: AppFactory, database: Database, files: dict[str, str]
) -> None:
    """The name is taken by a type: the server's refusal, and not half a set of tables. They travel
    with the first migrations where these are transactional."""
    database.execute("CREATE DOMAIN applied_migrations AS int")
    outcome = migrate(app(files))
    assert (outcome.exit, outcome.error["sqlstate"]) == (7, "42710")
    assert (outcome.applied, outcome.error["version"]) == ([], None)
    assert outcome.error["outcome"] == (
        "the history public.applied_migrations could not be prepared; nothing was changed"
    )
    assert database.rows("SELECT 1 FROM pg_class WHERE relname ~ '^applied'") == []
    assert tables(database) == set()
    database.execute("DROP DOMAIN applied_migrations")
    assert migrate(app(files)).applied == [int(name[:3]) for name in files]
