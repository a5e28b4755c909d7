"""The session is given back after each body, and nothing of ours trusts a search_path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import advisory_locks, check, migrate, versions, wait_until

HOSTILE = Path(__file__).parents[1] / "hostile.sql"

ALONE = "-- inlay: no-transaction\n"

# What a body does to its session, and an expression that sees it.
LEAKS = {
    "setting": ("SET work_mem = '7MB'", "current_setting('work_mem')"),
    "own_setting": ("SET app.mode = 'seven'", "coalesce(current_setting('app.mode', true), '')"),
    "by_function": (
        "SELECT set_config('statement_timeout', '7000', false)",
        "current_setting('statement_timeout')",
    ),
    "deferrable": (
        "SET default_transaction_deferrable = on",
        "current_setting('default_transaction_deferrable')",
    ),
    "characteristics": (
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "current_setting('default_transaction_isolation')",
    ),
    "time_zone": ("SET TIME ZONE 'Asia/Kolkata'", "current_setting('TimeZone')"),
    "role": ('SET ROLE "{other}"', "current_user"),
    "search_path": ("SET search_path = pg_catalog", "current_schemas(true)"),
    "encoding": ("SET client_encoding = 'LATIN1'", "current_setting('client_encoding')"),
    "temporary": ("CREATE TEMP TABLE mine ()", "to_regclass('pg_temp.mine')"),
    "prepared": (
        "PREPARE p AS SELECT 1",
        "(SELECT count(*) FROM pg_prepared_statements WHERE name <> 'inlay seal')",
    ),
    "cursor": (
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "(SELECT count(*) FROM pg_cursors WHERE is_holdable)",
    ),
    "currval": ("SELECT nextval('public.numbers')", "public.last_number()"),
}
SEE = "INSERT INTO public.seen SELECT '{leak}', '{when}', ({probe})::text;\n"
SETUP = """
CREATE TABLE seen (leak text, moment text, value text);
GRANT ALL ON seen TO public;
CREATE SEQUENCE numbers;
CREATE FUNCTION last_number() RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN currval('public.numbers'); EXCEPTION WHEN others THEN RETURN 'none'; END $$;
"""


def leaking_files(other: str, head: str) -> dict[str, str]:
    """For each leak a migration before it, the one that leaks, and one after it."""
    files = {"0_setup.sql": SETUP}
    for number, (leak, (statement, probe)) in enumerate(LEAKS.items(), 1):
        before, during, after = (
            SEE.format(leak=leak, when=when, probe=probe) for when in ("before", "during", "after")
        )
        files[f"{number}1_{leak}.sql"] = before
        files[f"{number}2_{leak}.sql"] = f"{head}{statement.format(other=other)};\n{during}"
        files[f"{number}3_{leak}.sql"] = after
    return files


@pytest.mark.parametrize("head", ["", ALONE], ids=["transaction", "no transaction"])
def test_nothing_leaks_into_the_next_migration(
    app: AppFactory, database: Database, head: str
) -> None:
    other = database.add_role("other")
    database.admin(f"GRANT {other} TO {database.role}")
    outcome = migrate(app(leaking_files(other, head)))
    assert outcome.exit == 0, outcome.stderr
    seen: dict[str, dict[str, Any]] = {}
    for leak, moment, value in database.rows("SELECT leak, moment, value FROM seen"):
        seen.setdefault(leak, {})[moment] = value
    assert seen.keys() == LEAKS.keys()
    assert {leak for leak, at in seen.items() if at["during"] == at["before"]} == set()
    assert {leak for leak, at in seen.items() if at["after"] != at["before"]} == set()


def test_listening_does_not_leak(app: AppFactory, database: Database) -> None:
    """LISTEN takes effect at the commit only."""
    probe = "INSERT INTO seen SELECT '{n}', '', (SELECT count(*) FROM pg_listening_channels());"
    files = {"0_setup.sql": SETUP, "1_listen.sql": "LISTEN a;", "2_see.sql": probe}
    files["3_listen.sql"] = ALONE + "LISTEN a;\n" + probe
    files["4_see.sql"] = probe
    assert migrate(app(files)).exit == 0
    assert database.rows("SELECT value FROM seen") == [("0",), ("1",), ("0",)]


@pytest.mark.parametrize("head", ["", ALONE], ids=["transaction", "no transaction"])
def test_a_session_authorization_does_not_leak(
    app: AppFactory, database: Database, head: str
) -> None:
    see = "INSERT INTO seen SELECT '', '', session_user;\n"
    files = {"0_setup.sql": SETUP, "1_see.sql": see, "3_see.sql": see}
    files["2_become.sql"] = f"{head}SET SESSION AUTHORIZATION {database.role};\n{see}"
    outcome = migrate(app(files), url=database.admin_url)
    assert outcome.exit == 0, outcome.stderr
    rows = database.rows("SELECT value FROM seen")
    assert rows == [("postgres",), (database.role,), ("postgres",)]


@pytest.mark.parametrize("kind", ["LOGIN", "SUPERUSER LOGIN"])
@pytest.mark.parametrize("head", ["", ALONE], ids=["transaction", "no transaction"])
def test_what_the_role_brings_is_in_force_again(
    app: AppFactory, database: Database, head: str, kind: str
) -> None:
    """ALTER ROLE ... SET role is a setting of the connection: each body finds it."""
    group, member = database.add_role("group", "NOLOGIN"), database.add_role("member", kind)
    database.admin(
        f"GRANT {group} TO {member}",
        f"GRANT CREATE ON SCHEMA public TO {group}",
        f"ALTER ROLE {member} SET role = {group}",
        f"ALTER ROLE {member} SET work_mem = '9MB'",
    )
    see = "INSERT INTO seen SELECT '', current_setting('work_mem'), current_user;\n"
    files = {"0_setup.sql": SETUP, "1_see.sql": see, "3_see.sql": see, "5_see.sql": see}
    files["2_leave.sql"] = f"{head}SET ROLE NONE;\nSET work_mem = '7MB';\n{see}"
    files["4_leave.sql"] = f"{head}SET SESSION AUTHORIZATION {member};\nSET ROLE NONE;\n"
    outcome = migrate(app(files), url=database.url_for(member))
    assert outcome.exit == 0, outcome.stderr
    theirs, left = ("9MB", group), ("7MB", member)
    assert database.rows("SELECT moment, value FROM seen") == [theirs, left, theirs, theirs]
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE tablename ~ '^applied'"
    assert database.value(owners) == group


def test_an_advisory_lock_of_a_body_ends_with_the_run(app: AppFactory, database: Database) -> None:
    body = "SELECT pg_advisory_lock(42);"
    assert migrate(app({"1_lock.sql": body, "2_lock.sql": ALONE + body})).exit == 0
    wait_until(lambda: advisory_locks(database) == 0)


def test_a_body_that_drops_our_lock_is_told(app: AppFactory, database: Database) -> None:
    files = {"1_drop.sql": "SELECT pg_advisory_unlock_all();", "2_next.sql": ""}
    outcome = migrate(app(files, allow_bad=True))
    assert outcome.applied == [1, 2]
    (warning,) = outcome.warnings
    assert "released the migration lock of" in warning


def test_a_lock_that_cannot_be_given_back_is_not_lost(app: AppFactory, database: Database) -> None:
    database.admin("REVOKE EXECUTE ON FUNCTION pg_catalog.pg_advisory_unlock(bigint) FROM PUBLIC")
    outcome = migrate(app({"1_one.sql": "SELECT 1;"}))
    assert (outcome.exit, outcome.applied) == (0, [1])
    assert outcome.warnings == [
        "the migration lock of public.applied_migrations is held until this connection ends: "
        "permission denied for function pg_advisory_unlock"
    ]


def test_pg_locks_that_may_not_be_read(app: AppFactory, database: Database) -> None:
    database.admin("REVOKE SELECT ON pg_catalog.pg_locks FROM PUBLIC")
    outcome = migrate(app({"1_alone.sql": ALONE + "CREATE TABLE alone ();"}))
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "42501")
    assert outcome.error["message"] == "permission denied for view pg_locks"
    assert outcome.error["context"] == (
        "while looking whether the migration lock of public.applied_migrations is still held"
    )


def test_without_the_lock_no_statement_runs_alone(app: AppFactory, database: Database) -> None:
    files = {"1_drop.sql": "SELECT pg_advisory_unlock_all();"}
    files["2_alone.sql"] = ALONE + "CREATE TABLE alone ();"
    outcome = migrate(app(files, allow_bad=True))
    assert (outcome.exit, outcome.code, outcome.applied) == (5, "locked", [1])
    assert "a migration of this run released the migration lock" in outcome.error["message"]
    assert database.value("SELECT to_regclass('alone')") is None
    assert migrate(app(files, allow_bad=True)).applied == [2]


def test_nothing_of_ours_trusts_the_search_path(app: AppFactory, database: Database) -> None:
    database.admin(
        HOSTILE.read_text(),
        f"GRANT USAGE ON SCHEMA evil TO {database.role}",
        f"ALTER ROLE {database.role} SET search_path = evil, pg_catalog, public",
    )
    with database.connect(autocommit=True) as own:
        with pytest.raises(psycopg.Error, match="a twin was used"):
            own.execute("SELECT pg_backend_pid()")
    files = {"1_one.sql": "CREATE TABLE public.one (id integer);", "2_none.sql": ""}
    index = "CREATE INDEX CONCURRENTLY i ON public.one (id);\n"
    files["3_alone.sql"] = f"{ALONE}{index}INSERT INTO public.one VALUES (1);"
    files["4_set.sql"] = "-- inlay: lock_timeout=5s statement_timeout=1min\nSELECT;"
    outcome = migrate(app(files))
    assert outcome.exit == 0, outcome.stderr
    assert versions(database, "public.applied_migrations") == [1, 2, 3, 4]
    assert check(app(files)) == 0
    assert app(files).run("--status").returncode == 0
    failing = {**files, "5_bad.sql": f"{ALONE}SELECT;\nSELECT nothing;"}
    assert migrate(app(failing)).error["sqlstate"] == "42703"
    assert migrate(app({**files, "5_bad.sql": f"{ALONE}SELECT;\nSELECT;"})).applied == [5]
