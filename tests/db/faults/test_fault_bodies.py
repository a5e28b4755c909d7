"""Bodies that mean harm, or do it without meaning to. What a body does to its session is in
rules/test_rules_session.py, to its own row and its transaction in
rules/test_rules_transaction.py."""

from __future__ import annotations

import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import advisory_locks, backends, lock_key, migrate, tables, versions, wait_until
from phases import ALONE

ONE = {"001_one.sql": "CREATE TABLE one ();"}
THREE = {"003_three.sql": "CREATE TABLE three ();"}

# ---- transaction control that no lexer sees ----

CONTROL = {
    "DO": "DO $$ BEGIN {} COMMIT; END $$;",
    "DO with ROLLBACK": "DO $$ BEGIN {} ROLLBACK; END $$;",
    "EXECUTE": "DO $$ BEGIN {} EXECUTE 'COMMIT'; END $$;",
    "a function": (
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {} COMMIT; END $$;\n"
        "SELECT f();"
    ),
    "a procedure": (
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN {} COMMIT; END $$;\nCALL p();"
    ),
    "a procedure that catches": (
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN {} COMMIT;"
        " EXCEPTION WHEN others THEN COMMIT; END $$;\nCALL p();"
    ),
}


@pytest.mark.parametrize("case", CONTROL)
def test_transaction_control_from_within(app: AppFactory, database: Database, case: str) -> None:
    """PostgreSQL refuses it inside of a transaction, and so nothing of it is kept."""
    body = CONTROL[case].replace("{}", "CREATE TABLE two ();")
    outcome = migrate(app({**ONE, "002_two.sql": body, **THREE}))
    assert (outcome.exit, outcome.applied) == (1, [1])
    assert outcome.error["sqlstate"] in ("2D000", "0A000")
    assert tables(database) == {"one"} and versions(database) == [1]
    assert advisory_locks(database) == 0


def test_a_transaction_of_its_own_by_another_connection(
    app: AppFactory, database: Database
) -> None:
    """Not ours to see, and not taken back: what is recorded is still true."""
    database.admin("CREATE EXTENSION dblink")
    elsewhere = (
        "SELECT dblink_exec('dbname=' || current_database() || ' host=' ||"
        " split_part(current_setting('unix_socket_directories'), ',', 1) || ' port=' ||"
        " current_setting('port') || ' user=postgres', 'CREATE TABLE elsewhere ()');\n"
    )
    program = app({**ONE, "002_two.sql": elsewhere + "SELECT 1 / 0;\n"})
    outcome = migrate(program, url=database.admin_url)
    assert (outcome.exit, outcome.applied) == (1, [1])
    assert tables(database) == {"one", "elsewhere"} and versions(database) == [1]


# ---- the lock and the session ----

RELEASES = {
    "by its key": f"SELECT pg_advisory_unlock({lock_key()});",
    "all of them": "SELECT pg_advisory_unlock_all();",
    "in a function": f"DO $$ BEGIN PERFORM pg_advisory_unlock({lock_key()}); END $$;",
}


@pytest.mark.parametrize("body", RELEASES.values(), ids=RELEASES.keys())
def test_our_lock_is_released(app: AppFactory, database: Database, body: str) -> None:
    """The claims keep others apart all the same; it is said at the end."""
    outcome = migrate(app({**ONE, "002_release.sql": body, **THREE}, allow_bad=True))
    assert (outcome.exit, outcome.applied) == (0, [1, 2, 3])
    (warning,) = outcome.warnings
    assert "released the migration lock of" in warning
    assert versions(database) == [1, 2, 3] and advisory_locks(database) == 0


def test_our_lock_is_taken_once_more(app: AppFactory, database: Database) -> None:
    """A lock counts: one that a body took twice is still held after we gave it back once. It ends
    with the connection."""
    body = f"SELECT pg_advisory_lock({lock_key()});"
    assert migrate(app({**ONE, "002_lock.sql": body, **THREE})).applied == [1, 2, 3]
    wait_until(lambda: advisory_locks(database) == 0)
    assert migrate(app({**ONE, "002_lock.sql": body, **THREE}), "--lock-wait=0").exit == 0


def test_while_the_lock_is_lost_another_one_runs(app: AppFactory, database: Database) -> None:
    """Two at once, of which one has let go of the lock: each migration runs once."""
    database.execute("CREATE TABLE closed AS SELECT 1", "CREATE TABLE log (line int)")
    gate = "DO $$ BEGIN WHILE EXISTS (SELECT FROM closed) LOOP PERFORM pg_sleep(0.02);"
    gate += " END LOOP; END $$;\n"
    files = {"001_release.sql": "SELECT pg_advisory_unlock_all();"}
    files["002_slow.sql"] = f"INSERT INTO log VALUES (2);\n{gate}"
    files["003_next.sql"] = "INSERT INTO log VALUES (3);\n"
    program = app(files, allow_bad=True)
    first = program.start("--only", "--json")
    wait_until(lambda: backends(database, "query ~ 'closed' AND state = 'active'"))
    second = program.start("--only", "--json")
    blocked = "query ~ 'INSERT INTO .public' AND wait_event_type = 'Lock'"
    wait_until(lambda: backends(database, blocked), "for its claim to wait for the other's")
    database.execute("DELETE FROM closed")
    assert (first.wait(60), second.wait(60)) == (0, 0)
    assert database.rows("SELECT line FROM log ORDER BY line") == [(2,), (3,)]
    assert versions(database) == [1, 2, 3]


# ---- what acts on the history behind our back ----

EATS = (
    "CREATE FUNCTION eat() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;\n"
    "CREATE TRIGGER eat BEFORE {} ON applied_migrations FOR EACH ROW EXECUTE FUNCTION eat();\n"
)
ACTING = {
    "a trigger that eats the seal": EATS.replace("{}", "UPDATE"),
    "a trigger that eats the next claim": EATS.replace("{}", "INSERT"),
    "a rule instead of the seal": (
        "CREATE RULE r AS ON UPDATE TO applied_migrations DO INSTEAD NOTHING;"
    ),
    "a rule instead of the next claim": (
        "CREATE RULE r AS ON INSERT TO applied_migrations DO INSTEAD NOTHING;"
    ),
    "row security": (
        "ALTER TABLE applied_migrations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
    ),
    "another table of that name": (
        "ALTER TABLE applied_migrations RENAME TO moved;\n"
        "CREATE TABLE applied_migrations (LIKE moved INCLUDING ALL);\n"
    ),
    "a copy of its row": (
        "CREATE TABLE copy AS TABLE applied_migrations;\nDELETE FROM applied_migrations;\n"
        "INSERT INTO applied_migrations TABLE copy;\nUPDATE applied_migrations SET name = 'x'"
        " WHERE version = 2;\n"
    ),
}


@pytest.mark.parametrize("body", ACTING.values(), ids=ACTING.keys())
def test_the_history_is_not_what_it_was(app: AppFactory, database: Database, body: str) -> None:
    """It was looked at before; that it has changed is met by the seal."""
    outcome = migrate(app({**ONE, "002_two.sql": body, **THREE}))
    assert (outcome.exit, outcome.applied) == (1, [1]), outcome.stderr
    assert versions(database) == [1] and tables(database) == {"one"}
    assert advisory_locks(database) == 0


def test_a_temporary_table_of_that_name(app: AppFactory, database: Database) -> None:
    """It stands ahead of every schema, where somebody relies on the search path."""
    body = "CREATE TEMP TABLE applied_migrations (version bigint, name text);\n"
    files = {**ONE, "002_two.sql": body, "003_alone.sql": ALONE + body, "004_four.sql": "SELECT 1;"}
    assert migrate(app(files)).applied == [1, 2, 3, 4]
    assert versions(database, "public.applied_migrations") == [1, 2, 3, 4]


# ---- constraints that wait, and large answers ----

DEFERRED = {
    "a foreign key": "CREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);\n"
    "INSERT INTO c VALUES (7);\n",
    "a unique key": "CREATE TABLE c (p int UNIQUE DEFERRABLE INITIALLY DEFERRED);\n"
    "INSERT INTO c VALUES (7), (7);\n",
    "one that was deferred": "CREATE TABLE c (p int REFERENCES p DEFERRABLE);\n"
    "SET CONSTRAINTS ALL DEFERRED;\nINSERT INTO c VALUES (7);\n",
}


@pytest.mark.parametrize("body", DEFERRED.values(), ids=DEFERRED.keys())
def test_a_constraint_that_waits(app: AppFactory, database: Database, body: str) -> None:
    """It fails the migration that broke it, before the commit, and is not left to the next."""
    parent = {"001_one.sql": "CREATE TABLE p (id int PRIMARY KEY);"}
    outcome = migrate(app({**parent, "002_two.sql": body, **THREE}))
    assert (outcome.exit, outcome.applied) == (1, [1])
    assert outcome.error["path"] == "migrations/002_two.sql"
    assert outcome.error["sqlstate"] in ("23503", "23505")
    assert tables(database) == {"p"} and versions(database) == [1]


def test_many_bodies_with_large_answers(app: AppFactory, database: Database) -> None:
    """Rows and notices of many migrations, none of which is read before it is dropped."""
    body = (
        "SELECT repeat('x', 1000) FROM generate_series(1, 3000);\n"
        "DO $$ BEGIN FOR i IN 1..500 LOOP RAISE NOTICE 'number %', i; END LOOP; END $$;\n"
    )
    files = {f"{n:03d}_talk_{n}.sql": body for n in range(1, 21)}
    outcome = migrate(app(files))
    assert (outcome.exit, outcome.applied) == (0, list(range(1, 21)))
    assert outcome.stderr.count("NOTICE: number 500\n") == 20
