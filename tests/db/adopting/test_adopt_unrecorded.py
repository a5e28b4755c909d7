"""A schema without any record: a table that the first file would create is there, and no history.
Refused before anything runs, whoever made it."""

from __future__ import annotations

from subprocess import CompletedProcess

import pytest

from by_psql import psql, refused, script_of, span
from conftest import AppFactory, ProgramFactory
from foreign_tables import GOOSE
from harness.database import Database
from harness.program import Program
from harness.relay import UP, Relay
from outcomes import DRIVER, advisory_locks, check, migrate, tables, versions

USERS = {"001_users.sql": "CREATE TABLE users (id int);\n"}
SOFT = {"001_users.sql": "CREATE TABLE IF NOT EXISTS users (id int, email text);\n"}
MORE = {"002_more.sql": "CREATE TABLE more ();\n"}
FOUND = "this database has the table public.users, which 001_users.sql would create, and inlay has"


@pytest.mark.parametrize("first", [USERS, SOFT], ids=["fails", "passes over it"])
def test_before_anything_is_done(
    app: AppFactory, database: Database, first: dict[str, str]
) -> None:
    database.execute("CREATE TABLE users (name text)")
    program = app({**first, **MORE})
    outcome = migrate(program)
    assert (outcome.exit, outcome.code, outcome.results) == (7, "refused", {})
    assert outcome.error["message"] == f"{FOUND} no history here"
    assert outcome.error["version"] == "1" and outcome.error["sqlstate"] is None
    assert outcome.error["detail"] == (
        "its schema was made without inlay: running migration 1 would fail, or take what is there "
        "for what it should be"
    )
    assert outcome.error["hint"] == (
        "record what is there without running it: --migrate-baseline 1, or the newest version "
        "whose work is there; or, if a table knows what is applied, say it with a query (query= of "
        "--migrate-adopt); or, to run 001_users.sql all the same: --migrate-fresh, once"
    )
    assert tables(database) == {"users"} and advisory_locks(database) == 0
    assert check(program) == 3  # the same as where another tool's table is found
    shown = program.run("--status")
    assert (shown.returncode, FOUND in shown.stdout) == (0, True), shown
    rehearsed = program.run("--rehearse")
    assert rehearsed.returncode == 7 and FOUND in rehearsed.stderr
    assert program.run("--baseline", "1").returncode == 0
    assert migrate(program).applied == [2] and versions(database) == [1, 2]
    assert check(program) == 0


def test_fresh_runs_it_all_the_same(app: AppFactory, database: Database) -> None:
    database.execute("CREATE TABLE users ()")
    assert migrate(app({**USERS, **MORE}), "--fresh").error["sqlstate"] == "42P07"
    assert migrate(app({**SOFT, **MORE}), "--fresh").applied == [1, 2]
    assert database.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass"
                          " AND attnum > 0") == 0  # fmt: skip


def test_in_c(program: ProgramFactory, database: Database) -> None:
    database.execute("CREATE TABLE users ()")
    result = program(DRIVER, USERS).run("migrate")
    assert result.stdout.startswith("migrate refused\n") and FOUND in result.stderr, result
    assert tables(database) == {"users"}


# ---- an empty history ----

EMPTY = "and inlay's history is empty"


@pytest.mark.parametrize("state", [True, False], ids=["with its state", "without"])
def test_an_empty_history_is_none(app: AppFactory, database: Database, state: bool) -> None:
    """A first run that failed leaves one."""
    broken = app({"001_users.sql": "CREATE TABLE users (id no_type);\n"})
    assert migrate(broken).error["sqlstate"] == "42704"
    assert versions(database) == []
    if not state:
        database.execute("DROP TABLE applied_migrations_state")
    database.execute("CREATE TABLE users (name text)")
    program = app({**SOFT, **MORE})
    outcome = migrate(program)
    assert (outcome.exit, outcome.results) == (7, {})
    assert outcome.error["message"] == f"{FOUND[:-14]} {EMPTY}"
    refused(database, span(program, ".."), EMPTY)
    assert migrate(program, "--fresh").applied == [1, 2]


def test_another_tools_rows_beside_an_empty_history(app: AppFactory, database: Database) -> None:
    assert migrate(app({"001_users.sql": "SELECT 1 / 0;"})).error["sqlstate"] == "22012"
    database.execute(*GOOSE.fill())
    program = app({**USERS, **MORE})
    message = migrate(program).error["message"]
    assert message == f"goose has migrated this database (public.goose_db_version has rows) {EMPTY}"
    assert program.run("--adopt", "goose").returncode == 0
    assert check(program) == 0


def test_all_undone(app: AppFactory, database: Database) -> None:
    """What was adopted is known although no version is applied any more."""
    database.execute("CREATE TABLE users ()", "CREATE TABLE more ()", *GOOSE.fill())
    program = app(
        {**USERS, "001_users.down.sql": "DROP TABLE users;"}
        | {**MORE, "002_more.down.sql": "DROP TABLE more;"}
    )
    assert program.run("--adopt", "goose").returncode == 0
    assert program.run("--down", "2", "--yes").returncode == 0
    assert versions(database) == []
    assert migrate(program).applied == [1, 2]


def test_a_file_that_is_half_done_goes_on(app: AppFactory, database: Database) -> None:
    """Its table is there, and no version is applied."""
    files = {"001_users.sql": "-- inlay: no-transaction\nCREATE TABLE users ();\nSELECT 1 / {};\n"}
    assert migrate(app({n: text.format(0) for n, text in files.items()})).exit != 0
    assert tables(database) == {"users"} and versions(database) == []
    assert migrate(app({n: text.format(1) for n, text in files.items()})).applied == [1]


# ---- which tables ----

QUOTED = 'CREATE TABLE IF NOT EXISTS app."Old ""One""" ();'
FOREIGN = "CREATE FOREIGN TABLE f () SERVER s;"
CASES = {
    # what is there, the first file, the table that is found
    "quoted": ('CREATE TABLE app."Old ""One""" ()', QUOTED, '"app"."Old ""One"""'),
    "the same in other letters": ("CREATE TABLE app.old ()", QUOTED.replace('"O', '"o'), None),
    "folded": ("CREATE TABLE über ()", "CREATE TABLE Public . ÜBER ();", None),
    "folded in ASCII": ("CREATE TABLE users ()", "create table PUBLIC.Users ();", "users"),
    "escapes": ("CREATE TABLE data ()", r'CREATE TABLE U&"d\0061ta" ();', "data"),
    "too long": (f"CREATE TABLE {'x' * 70} ()", f"CREATE TABLE {'x' * 66} ();", "x" * 63),
    "unlogged": ("CREATE TABLE users ()", "CREATE UNLOGGED TABLE users ();", "users"),
    "of a query": ("CREATE TABLE users ()", "CREATE TABLE users AS SELECT 1 AS n;", "users"),
    "a partition": (
        "CREATE TABLE users (n int) PARTITION BY LIST (n)",
        "CREATE TABLE other (n int) PARTITION BY LIST (n);"
        " CREATE TABLE users PARTITION OF other DEFAULT;",
        "users",
    ),
    "behind others": (
        "CREATE TABLE users ()",
        "SET lock_timeout = '1s';\nCREATE TABLE other ();\nCREATE INDEX ON other ((1));\n"
        "DO $$ BEGIN CREATE TYPE mood AS ENUM ('ok'); END $$;\nCREATE TABLE users ();",
        "users",
    ),
    "a comment": ("CREATE TABLE users ()", "CREATE /* a */ TABLE -- b\n users ();", "users"),
    "another schema": ("CREATE TABLE app.users ()", "CREATE TABLE users ();", None),
    "temporary": ("CREATE TABLE users ()", "CREATE TEMP TABLE users ();", None),
    "in pg_temp": ("CREATE TABLE users ()", "CREATE TABLE pg_temp.users ();", None),
    "a view": ("CREATE VIEW users AS SELECT 1", "CREATE TABLE other ();", None),
    "dropped before": ("CREATE TABLE users ()", "DROP TABLE users; CREATE TABLE users ();", None),
    "renamed before": (
        "CREATE TABLE users ()",
        "ALTER TABLE users RENAME TO old; CREATE TABLE users ();",
        None,
    ),
    "dropped in a DO": (
        "CREATE TABLE users ()",
        "DO $$ BEGIN DROP TABLE users; END $$; CREATE TABLE users ();",
        None,
    ),
    "dropped afterwards": (
        "CREATE TABLE users ()",
        "CREATE TABLE IF NOT EXISTS users (); DROP TABLE users;",
        "users",
    ),
    "a path of its own": (
        "CREATE TABLE users ()",
        "SET search_path = app; CREATE TABLE users (); CREATE TABLE app.more ();",
        None,
    ),
    "a path of its own, and a schema": (
        "CREATE TABLE app.more ()",
        "SELECT set_config('search_path', 'app', false); CREATE TABLE IF NOT EXISTS app.more ();",
        "app.more",
    ),
    "in a function": (
        "CREATE TABLE users ()",
        "DO $$ BEGIN CREATE TABLE IF NOT EXISTS users (); END $$;",
        None,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_which_tables(app: AppFactory, database: Database, case: str) -> None:
    there, first, found = CASES[case]
    database.execute("CREATE SCHEMA app", there)
    outcome = migrate(app({"001_first.sql": first}))
    if found is None:
        assert (outcome.exit, outcome.applied) == (0, [1]), outcome.stderr
        return
    found = found.replace('"app"', "app") if "app" in found else f"public.{found}"
    assert (outcome.exit, outcome.code) == (7, "refused"), outcome.stderr
    assert outcome.error["message"].startswith(f"this database has the table {found}, which 001")


@pytest.mark.parametrize(
    "there, kind",
    [
        ("CREATE VIEW users AS SELECT 1", "view"),
        ("CREATE MATERIALIZED VIEW users AS SELECT 1", "materialized view"),
        ("CREATE TYPE users AS (n int)", "type"),
        ("CREATE SEQUENCE users", "sequence"),
    ],
)
def test_what_is_no_table(app: AppFactory, database: Database, there: str, kind: str) -> None:
    """IF NOT EXISTS passes over all of them."""
    database.execute(there)
    words = f"this database has the {kind} public.users, where 001_users.sql would create a table, "
    program = app(SOFT)
    outcome = migrate(program)
    assert outcome.exit == 7 and outcome.error["message"].startswith(words)
    refused(database, span(program, ".."), words)


def test_only_the_first_file(app: AppFactory, database: Database) -> None:
    database.execute("CREATE TABLE more ()")
    outcome = migrate(app({**USERS, **MORE}))
    assert (outcome.error["sqlstate"], outcome.applied) == ("42P07", [1])


def test_a_file_without_a_transaction(app: AppFactory, database: Database) -> None:
    database.execute("CREATE TABLE users ()")
    files = {"001_users.sql": "-- inlay: no-transaction\n" + USERS["001_users.sql"]}
    assert FOUND in migrate(app(files)).error["message"] and tables(database) == {"users"}


def test_a_repeatable_is_no_first_file(app: AppFactory, database: Database) -> None:
    database.execute("CREATE TABLE users ()")
    assert app({"R__users.sql": SOFT["001_users.sql"]}).run("--only").returncode == 0


def test_a_squash(app: AppFactory, database: Database) -> None:
    """What runs first is what replaces the others, or, up to one of those, that one."""
    squash = {"003_all.sql": "-- inlay: replaces 1..2\nCREATE TABLE squashed ();\n"}
    program = app({**USERS, **MORE, **squash})
    database.execute("CREATE TABLE squashed ()")
    error = migrate(program).error
    assert "the table public.squashed, which 003_all.sql would create" in error["message"]
    assert "without running it: --migrate-baseline VERSION, the newest whose" in error["hint"]
    assert program.run("--to", "1", "--yes").returncode == 0 and versions(database) == [1]
    database.execute("DROP TABLE applied_migrations")
    assert FOUND in program.run("--to", "2", "--yes").stderr


def test_as_much_as_is_there_of_a_squash(app: AppFactory, database: Database) -> None:
    squash = "-- inlay: replaces 1..2\nCREATE TABLE users (id int); CREATE TABLE more ();\n"
    database.execute("CREATE TABLE users (id int)")
    program = app({**USERS, **MORE, "003_all.sql": squash})
    assert "--migrate-baseline VERSION, the newest" in migrate(program).error["hint"]
    assert program.run("--baseline", "1").returncode == 0
    assert migrate(program).exit == 0 and tables(database) == {"users", "more"}
    database.execute("DROP TABLE applied_migrations, applied_migrations_state, more")
    error = migrate(app({"003_all.sql": squash})).error
    assert "--migrate-baseline 3, or the newest version" in error["hint"]
    assert "running migration 3 would fail" in error["detail"]


# ---- where a name without a schema is ----


def test_with_a_search_path(app: AppFactory, database: Database) -> None:
    """The first schema of it, and no other."""
    database.execute("CREATE TABLE users ()", "CREATE SCHEMA shared", "CREATE TABLE shared.more ()")
    program = app(USERS)
    tenant = ["--history", "acme.done", "--search-path", "acme, public"]
    assert migrate(program, *tenant).applied == [1]
    database.execute("DROP TABLE acme.done")
    error = migrate(program, *tenant).error
    assert "the table acme.users, which" in error["message"]
    assert error["hint"].endswith(" once; with --migrate-history acme.done")
    assert migrate(program, "--search-path", "shared,acme").applied == [1]


@pytest.mark.parametrize("role", ["ALTER ROLE {0} SET search_path = own, public", None])
def test_in_a_schema_that_is_still_to_be_made(
    app: AppFactory, database: Database, role: str | None
) -> None:
    """That of the history is there before the first file runs, and is on the path then."""
    own = "own" if role is not None else database.role
    database.execute("CREATE TABLE users ()")
    if role is not None:
        database.admin(role.format(f'"{database.role}"'))
    program = app(USERS, embed=["--history", f"{own}.done"])
    assert migrate(program).applied == [1]
    database.execute(f'DROP TABLE "{own}".done')
    assert f"{own}.users" in migrate(program).error["message"].replace('"', "")


def test_a_history_in_a_schema_of_its_own(app: AppFactory, database: Database) -> None:
    database.execute("CREATE TABLE users ()")
    assert FOUND in migrate(app(USERS, embed=["--history", "book.keeping"])).error["message"]


# ---- another history ----


def test_another_history_is_named(app: AppFactory, database: Database) -> None:
    program = app(USERS)
    assert migrate(program).applied == [1]
    error = migrate(program, "--history", "book.keeping").error
    assert FOUND in error["message"]
    assert error["detail"] == "another history of inlay's is here: public.applied_migrations"
    assert error["hint"].startswith(
        "if that is its record: --migrate-history public.applied_migrations; or record what is"
    )
    assert migrate(program, "--history", "public.applied_migrations").exit == 0
    database.execute(
        "CREATE SCHEMA book",
        "ALTER TABLE applied_migrations SET SCHEMA book",
        "ALTER TABLE applied_migrations_state SET SCHEMA book",
    )
    detail = migrate(program).error["detail"]
    assert detail == "another history of inlay's is here: book.applied_migrations"


def test_of_many_histories_the_one_beside_the_table(app: AppFactory, database: Database) -> None:
    program = app(USERS)
    assert program.run("--only", "--targets", "-", stdin="a\nb\n").returncode == 0
    database.execute("CREATE SCHEMA c", "CREATE TABLE c.users ()")
    made = "its schema was made without inlay"
    for schema, words in ("b", "another history of inlay's is here: b.applied_migr"), ("c", made):
        tenant = ["--history", f"{schema}.done", "--search-path", schema]
        assert migrate(program, *tenant).error["detail"].startswith(words)


# ---- beside others ----


def test_what_a_tool_records_comes_first(app: AppFactory, database: Database) -> None:
    database.execute("CREATE TABLE users ()", *GOOSE.fill(GOOSE.rows[0]))
    program = app({**USERS, **MORE})
    assert FOUND in migrate(program).error["message"]
    database.execute("INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, true)")
    assert "goose has migrated this database" in migrate(program).error["message"]
    database.execute("DELETE FROM goose_db_version WHERE version_id = 1")
    adopts = app({**USERS, **MORE}, embed=["--adopt", "goose=public.goose_db_version"])
    assert FOUND in migrate(adopts).error["message"]


@pytest.mark.parametrize("options", [[], ["--pooler", "transaction"]])
def test_another_process_was_first(
    app: AppFactory, database: Database, relay: Relay, options: list[str]
) -> None:
    """Between the look at the history and the question it has applied the first file."""
    program = app(USERS)
    others: list[CompletedProcess[str]] = []
    relay.at(UP, b"parse_ident", lambda: others.append(program.run("--only")))
    result = program.run("--only", *options, url=relay.url(database.url))
    assert (result.returncode, [other.returncode for other in others]) == (0, [0]), result.stderr
    assert versions(database) == [1]


def test_many_databases(app: AppFactory, database: Database) -> None:
    """The others go on."""
    program = app(USERS)
    database.execute("CREATE SCHEMA b", "CREATE TABLE b.users ()", "CREATE TABLE users ()")
    result = program.run("--only", "--targets", "-", stdin="a\nb\nc\n")
    assert (result.returncode, result.stdout) == (8, "b\n"), result.stderr
    assert "the table b.users, which 001_users.sql would create" in result.stderr
    assert database.value("SELECT to_regclass('a.users') IS NOT NULL")
    assert database.value("SELECT to_regclass('c.users') IS NOT NULL")


def test_a_script_for_psql(app: AppFactory, database: Database) -> None:
    """Printed with the database, and without."""
    program: Program = app({**SOFT, **MORE})
    database.execute("CREATE TABLE users ()")
    printed = program.run("--script")
    assert (printed.returncode, printed.stdout) == (7, "") and FOUND in printed.stderr
    refused(database, span(program, ".."), FOUND)
    assert tables(database) == {"users"}
    assert psql(database, script_of(program, "--script", "--fresh")).exit == 0
    assert versions(database) == [1, 2]
