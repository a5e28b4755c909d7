"""What meets somebody else is tried again as a whole, and who is in its way is named."""

from __future__ import annotations

import re
import subprocess
from typing import Any, Iterator

import psycopg
import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.server import Server
from outcomes import DRIVER, Outcome, advisory_locks, backends, finish, migrate
from outcomes import read_line, tables, versions, wait_until

QUICK = "-- inlay: lock_timeout=100ms\n"
ONE = {"1_one.sql": "CREATE TABLE one ();"}
BUSY = {"2_busy.sql": f"{QUICK}CREATE TABLE two ();\nALTER TABLE busy ADD b int;\n"}
THREE = {"3_three.sql": "CREATE TABLE three ();"}


@pytest.fixture
def busy(database: Database) -> Database:
    database.execute("CREATE TABLE busy (a int)", "INSERT INTO busy VALUES (1), (2)")
    return database


def hold(database: Database, lock: str = "SELECT FROM busy") -> psycopg.Connection[Any]:
    """Somebody's transaction that is left open."""
    holder = database.connect(application_name="night report")
    holder.execute(lock)
    return holder


def test_it_goes_on_when_the_lock_is_free(program: ProgramFactory, busy: Database) -> None:
    with hold(busy) as holder:
        running = program(DRIVER, {**ONE, **BUSY, **THREE}).start("migrate")
        line = read_line(running.stdout, "trying again")
        assert "tables" not in line
        assert versions(busy) == [1] and tables(busy) == {"one", "busy"}
        pid = holder.info.backend_pid
    assert line.startswith(
        "log warning migrations/2_busy.sql:3: canceling statement due to lock timeout; "
        f"pid {pid} (night report, in its transaction for "
    )
    assert line.endswith("s) holds AccessShareLock on public.busy; trying again\n")
    stdout, _ = running.communicate(timeout=30)
    assert "migrate ok\nresult applied=3 skipped=0 batch=1\n" in stdout
    assert versions(busy) == [1, 2, 3] and tables(busy) == {"one", "two", "three", "busy"}
    assert advisory_locks(busy) == 0


def test_the_events_of_a_retry(program: ProgramFactory, busy: Database) -> None:
    with hold(busy):
        running = program(DRIVER, {**ONE, **BUSY, **THREE}).start("migrate")
        seen = read_line(running.stdout, "event retried")
        read_line(running.stdout, "event started 2 ")
    stdout, _ = running.communicate(timeout=30)
    assert seen.startswith("event retried 2 2/3 statement=1 batch=1 ")
    kinds = re.findall(r"event (started|applied|failed|end) (-?\d+)", stdout)
    kept = [kind for kind in kinds if kind != ("started", "2")]
    assert kept == [("applied", "2"), ("started", "3"), ("applied", "3"), ("end", "-1")]


def test_the_time_is_over(app: AppFactory, busy: Database) -> None:
    program = app({**ONE, **BUSY, **THREE})
    with hold(busy) as holder:
        outcome = migrate(program, "--retry=1s")
        pid = holder.info.backend_pid
    error = outcome.error
    assert (outcome.exit, outcome.code, outcome.applied) == (5, "locked", [1])
    assert (error["sqlstate"], error["line"]) == ("55P03", 3)
    blocker, tries = error["detail"].splitlines()
    assert blocker.startswith(f"pid {pid} (night report, in its transaction for ")
    assert re.fullmatch(r"tried \d+ times within [1-9]s", tries)
    assert "pg_terminate_backend" in error["hint"] and "--migrate-retry" in error["hint"]
    assert error["outcome"].endswith("stays applied. Run again")
    assert len(outcome.warnings) == int(tries.split()[1]) - 1
    assert tables(busy) == {"one", "busy"} and versions(busy) == [1]
    assert advisory_locks(busy) == 0
    assert migrate(program).applied == [2, 3]


def test_not_at_all(app: AppFactory, busy: Database) -> None:
    with hold(busy) as holder:
        outcome = migrate(app({**ONE, **BUSY}), "--retry=0")
        assert outcome.error["detail"].startswith(f"pid {holder.info.backend_pid} ")
    assert (outcome.exit, outcome.warnings) == (5, [])
    assert "tried" not in outcome.error["detail"]


# ---- how long a try is ----

TELLS = """DO $$ BEGIN IF nextval('tries') < {last} THEN
    RAISE EXCEPTION 'waited %', current_setting('lock_timeout') USING ERRCODE = '55P03';
END IF; END $$;
"""
SEEN = "CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS l;"


def waited(outcome: Outcome) -> list[str]:
    """The lock_timeout of each try that failed."""
    return [found[1] for w in outcome.warnings if (found := re.search(r"waited (\w+)", w))]


def test_tries_are_short_and_grow(app: AppFactory, database: Database) -> None:
    """The migration that is sent behind them begins as short as the first."""
    database.execute("CREATE SEQUENCE tries")
    outcome = migrate(app({"1_tells.sql": TELLS.format(last=6), "2_seen.sql": SEEN}))
    assert (outcome.exit, outcome.applied) == (0, [1, 2])
    assert waited(outcome) == ["200ms", "300ms", "450ms", "675ms", "800ms"]
    assert database.rows("TABLE seen") == [("200ms",)]


SAID: dict[str, tuple[str, list[str], list[str]]] = {
    "the file's": ("-- inlay: lock_timeout=3s\n", [], []),
    "the caller's": ("", ["--set", "lock_timeout=3s"], []),
    "the role's": ("", [], ["ALTER ROLE {r} SET lock_timeout = '3s'"]),
}


@pytest.mark.parametrize("whose", SAID)
def test_what_is_said_is_taken_as_it_is(app: AppFactory, database: Database, whose: str) -> None:
    head, options, statements = SAID[whose]
    for statement in statements:
        database.admin(statement.format(r=database.role))
    database.execute("CREATE SEQUENCE tries")
    outcome = migrate(app({"1_tells.sql": head + TELLS.format(last=3)}), *options)
    assert outcome.exit == 0 and waited(outcome) == ["3s", "3s"]


def test_the_only_try_is_a_longer_one(app: AppFactory, database: Database) -> None:
    assert migrate(app({"1_seen.sql": SEEN}), "--retry=0").exit == 0
    assert database.rows("TABLE seen") == [("800ms",)]


def test_each_migration_has_its_own_time(app: AppFactory, database: Database) -> None:
    """Together they need more than one of them may."""
    database.execute("CREATE SEQUENCE tries")
    tells = TELLS.format(last=3)
    restart = "SELECT setval('tries', 1, false);\n"
    files = {f"{n}_tells.sql": tells + restart for n in range(1, 5)}
    outcome = migrate(app(files), "--retry=1s")
    assert (outcome.exit, outcome.applied) == (0, [1, 2, 3, 4]), outcome.stderr
    assert len(waited(outcome)) == 8


@pytest.fixture
def vacuuming() -> Iterator[Server]:
    """A server with an autovacuum that takes its time."""
    server = Server(settings={"autovacuum": "on", "autovacuum_naptime": "1s"})
    yield server
    server.close()


def test_an_autovacuum_gives_way(app: AppFactory, vacuuming: Server) -> None:
    """It does so for those alone that wait for deadlock_timeout, which no other try lasts."""
    database = Database(vacuuming)
    slow = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
    often = "autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0"
    database.execute(
        f"CREATE TABLE busy (a int, b text) WITH ({slow}, {often})",
        "INSERT INTO busy SELECT n, repeat('x', 500) FROM generate_series(1, 5000) AS n",
        "DELETE FROM busy WHERE a % 2 = 0",
    )
    works = (
        "SELECT FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
        " WHERE relation = 'busy'::regclass AND backend_type = 'autovacuum worker'"
    )
    wait_until(lambda: database.rows(works), "for an autovacuum")
    outcome = migrate(app({"1_busy.sql": "ALTER TABLE busy ADD c int;"}), url=database.url)
    assert (outcome.exit, outcome.applied) == (0, [1]), outcome.stderr
    (warning,) = outcome.warnings
    assert "(autovacuum) holds ShareUpdateExclusiveLock on public.busy" in warning
    assert "canceling autovacuum task" in vacuuming.log()


# ---- who is named ----

HOLDERS = {
    "a row": ("UPDATE busy SET a = 3 WHERE a = 1", "RowExclusiveLock on public.busy"),
    "a table": ("LOCK TABLE busy", "AccessExclusiveLock on public.busy"),
}


@pytest.mark.parametrize("holds", HOLDERS)
def test_what_is_held(app: AppFactory, busy: Database, holds: str) -> None:
    lock, named = HOLDERS[holds]
    files = {"1_update.sql": f"{QUICK}UPDATE busy SET a = 4 WHERE a = 1;"}
    with hold(busy, lock):
        outcome = migrate(app(files), "--retry=0")
    assert named in outcome.error["detail"]


def test_those_who_are_not_in_the_way_are_not_named(app: AppFactory, busy: Database) -> None:
    """Neither who has tables that the statement does not name nor who came while it waited."""
    busy.execute("CREATE TABLE quiet ()")
    files = {"1_busy.sql": "-- inlay: lock_timeout=3s\nUPDATE busy SET a = 5;"}
    with hold(busy, "UPDATE busy SET a = 3") as holder, hold(busy, "SELECT FROM quiet"):
        running = app(files).start("--only", "--json", "--retry=0")
        waits = "wait_event_type = 'Lock' AND now() - query_start > '1 s'"
        wait_until(lambda: backends(busy, waits), "so long that who comes now is surely younger")
        with hold(busy):
            outcome = finish(running)
        pid = holder.info.backend_pid
    assert outcome.error["detail"].startswith(f"pid {pid} ")
    assert ";" not in outcome.error["detail"]


def test_where_the_statement_names_no_table(app: AppFactory, busy: Database) -> None:
    """All that is open and old enough may be it."""
    busy.execute(
        "CREATE FUNCTION alter_it() RETURNS void LANGUAGE plpgsql AS"
        " $$ BEGIN ALTER TABLE busy ADD b int; END $$"
    )
    with hold(busy) as holder:
        outcome = migrate(app({"1_call.sql": f"{QUICK}SELECT alter_it();"}), "--retry=0")
        assert f"pid {holder.info.backend_pid} " in outcome.error["detail"]


def test_another_roles_transaction(app: AppFactory, busy: Database) -> None:
    """How old it is may not be seen by everybody."""
    busy.add_role("other")
    busy.admin(f"GRANT SELECT ON busy TO {busy.name}_other")
    with busy.connect(f"{busy.name}_other") as holder:
        holder.execute("SELECT FROM busy")
        outcome = migrate(app(BUSY), "--retry=0")
        pid = holder.info.backend_pid
    assert outcome.error["detail"] == (
        f"pid {pid} (of another role) holds AccessShareLock on public.busy"
    )


def test_a_forgotten_prepared_transaction(app: AppFactory) -> None:
    """It has no process that could be asked for or ended."""
    server = Server()
    try:
        with psycopg.connect(server.admin_url(), autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET max_prepared_transactions = 1")
        server.restart()
        with psycopg.connect(server.admin_url(), autocommit=True) as admin:
            admin.execute("CREATE TABLE busy ()")
            admin.execute("BEGIN")
            admin.execute("SELECT FROM busy")
            admin.execute("PREPARE TRANSACTION 'left behind'")
        outcome = migrate(app(BUSY), "--retry=0", url=server.admin_url())
    finally:
        server.close()
    assert outcome.error["detail"].startswith('the prepared transaction "left behind" (in its ')
    assert "AccessShareLock on public.busy" in outcome.error["detail"]


def test_nobody_is_there_any_more(app: AppFactory, busy: Database) -> None:
    outcome = migrate(
        app({"1_raise.sql": "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '55P03'; END $$;"}),
        "--retry=0",
    )
    assert (outcome.error["sqlstate"], outcome.error["detail"]) == ("55P03", None)


# ---- what else passes ----

OTHERS = {
    "a deadlock": "40P01",
    "a serialization failure": "40001",
    "a lock not waited for": "55P03",
}


@pytest.mark.parametrize("failure", OTHERS)
def test_other_failures_that_pass(app: AppFactory, database: Database, failure: str) -> None:
    """Twice it fails, the third time it is through."""
    database.execute("CREATE SEQUENCE tries")
    body = (
        "CREATE TABLE two ();\nDO $$ BEGIN IF nextval('tries') < 3 THEN"
        f" RAISE EXCEPTION 'no' USING ERRCODE = '{OTHERS[failure]}'; END IF; END $$;\n"
    )
    outcome = migrate(app({**ONE, "2_two.sql": body, **THREE}))
    assert (outcome.exit, outcome.applied, len(outcome.warnings)) == (0, [1, 2, 3], 2)
    assert tables(database) == {"one", "two", "three"} and versions(database) == [1, 2, 3]
    assert database.value("SELECT last_value FROM tries") == 3


def test_a_real_deadlock(app: AppFactory, busy: Database) -> None:
    busy.execute("CREATE TABLE other ()")
    busy.admin(f"ALTER ROLE {busy.role} SET deadlock_timeout = '100ms'")
    files = {"1_both.sql": "LOCK TABLE busy;\nSELECT pg_sleep(0.3);\nLOCK TABLE other;"}
    with busy.connect() as holder:
        holder.execute("LOCK TABLE other")
        running = app(files).start("--only", "--json")
        wait_until(lambda: backends(busy, "query ~ 'pg_sleep' AND state = 'active'"))
        holder.execute("LOCK TABLE busy")
    outcome = finish(running)
    assert (outcome.exit, outcome.applied) == (0, [1])
    (warning,) = outcome.warnings
    assert "deadlock detected; Process" in warning and warning.endswith("; trying again")


CATALOG = {
    "a row of it is updated": (
        "GRANT SELECT ON busy TO PUBLIC",
        "GRANT INSERT ON busy TO PUBLIC",
        "tuple concurrently updated",
    ),
    "a row of it is made": (
        "CREATE SCHEMA s",
        "CREATE SCHEMA IF NOT EXISTS s",
        '"pg_namespace_nspname_index"',
    ),
}


@pytest.mark.parametrize("what", CATALOG)
def test_the_catalog_changes_meanwhile(app: AppFactory, busy: Database, what: str) -> None:
    """The server has no lock for that: it fails, and the next try finds the catalog as it is."""
    theirs, ours, said = CATALOG[what]
    with busy.connect() as other:
        other.execute(theirs)
        file = f"-- inlay: lock_timeout=1min\n{ours};"
        running = app({"1_same.sql": file}).start("--only", "--json")
        wait_until(lambda: backends(busy, "wait_event_type = 'Lock'"))
        other.commit()
    outcome = finish(running)
    assert (outcome.exit, outcome.applied) == (0, [1]), outcome.stderr
    (warning,) = outcome.warnings
    assert said in warning and warning.endswith("; trying again")


@pytest.mark.parametrize("what", ["updated", "deleted"])
def test_a_catalog_that_changes_each_time_is_a_lock_not_obtained(
    app: AppFactory, database: Database, what: str
) -> None:
    """The file is not at fault."""
    raises = f"RAISE EXCEPTION 'tuple concurrently {what}' USING ERRCODE = 'XX000'"
    outcome = migrate(app({"1_raise.sql": f"DO $$ BEGIN {raises}; END $$;"}), "--retry=0")
    assert (outcome.exit, outcome.code) == (5, "locked")
    assert outcome.error["outcome"].endswith("Run again")


@pytest.mark.parametrize(
    "using, message",
    [("ERRCODE = 'XX000'", "cache lookup failed"), ("ERRCODE = '23505'", "pg_x_index")],
)
def test_what_only_looks_like_it(
    app: AppFactory, database: Database, using: str, message: str
) -> None:
    raises = f"RAISE EXCEPTION '{message}' USING {using}, SCHEMA = 'public'"
    outcome = migrate(app({"1_raise.sql": f"DO $$ BEGIN {raises}; END $$;"}))
    assert (outcome.exit, outcome.warnings) == (1, [])


def test_other_failures_do_not_pass(app: AppFactory, database: Database) -> None:
    database.execute("CREATE SEQUENCE tries")
    outcome = migrate(app({"1_bad.sql": "SELECT nextval('tries');\nSELECT nothing;"}))
    assert (outcome.exit, outcome.warnings) == (1, [])
    assert database.value("SELECT last_value FROM tries") == 1


def test_a_half_applied_migration_is_not_tried_again(app: AppFactory, busy: Database) -> None:
    body = f"{QUICK}CREATE TABLE two ();\nCOMMIT;\nSET lock_timeout = 50;\nLOCK TABLE busy;\n"
    files = {**ONE, "2_two.sql": body.replace("LOCK TABLE busy", "ALTER TABLE busy ADD b int")}
    with hold(busy):
        outcome = migrate(app(files, allow_bad=True))
    assert (outcome.exit, outcome.error["sqlstate"], outcome.warnings) == (1, "55P03", [])
    assert "PARTLY COMMITTED" in outcome.error["outcome"]
    assert versions(busy) == [1]


# ---- stopped, lost, going back ----


def test_stopped_between_two_tries(program: ProgramFactory, busy: Database) -> None:
    with hold(busy):
        running = program(DRIVER, {**ONE, **BUSY}).start(
            "stop-on-input", "migrate", stdin=subprocess.PIPE
        )
        read_line(running.stdout, "trying again")
        stdout, stderr = running.communicate("x", timeout=20)
    assert "migrate stopped\n" in stdout
    assert "2_busy.sql was rolled back" in stderr
    assert versions(busy) == [1] and advisory_locks(busy) == 0


def test_lost_between_two_tries(program: ProgramFactory, busy: Database) -> None:
    files = {**ONE, "2_busy.sql": BUSY["2_busy.sql"].replace("100ms", "500ms")}
    with hold(busy):
        running = program(DRIVER, files).start("migrate")
        read_line(running.stdout, "trying again")
        busy.admin(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'inlay'"
        )
        read_line(running.stdout, "connecting again")
    stdout, _ = running.communicate(timeout=30)
    assert "migrate ok\n" in stdout
    assert versions(busy) == [1, 2]


def test_going_back_too(app: AppFactory, busy: Database) -> None:
    files = {
        "1_busy.up.sql": "ALTER TABLE busy ADD b int;",
        "1_busy.down.sql": f"{QUICK}ALTER TABLE busy DROP b;",
    }
    program = app(files)
    assert migrate(program).exit == 0
    with hold(busy):
        running = program.start("--down", "1", "--yes")
        read_line(running.stderr, "trying again")
    running.communicate(timeout=30)
    assert running.returncode == 0 and versions(busy) == []


FUNCTION = """
#include <inlay-tx.h>
int app_migrations_up_2(struct inlay_tx *tx, struct inlay_error *err)
{
    int rc = inlay_tx_execute(tx, "SET LOCAL lock_timeout = '100ms'", 0, NULL, NULL, err);
    if (rc == INLAY_OK)
        rc = inlay_tx_execute(tx, "CREATE TABLE two ()", 0, NULL, NULL, err);
    if (rc == INLAY_OK)
        rc = inlay_tx_execute(tx, "ALTER TABLE busy ADD b int", 0, NULL, NULL, err);
    return rc;
}
"""


def test_a_migration_in_c(program: ProgramFactory, busy: Database) -> None:
    driver = program(
        DRIVER + '#include "migrations/2_function.c"\n',
        {**ONE, "2_function.c": FUNCTION, **THREE},
    )
    with hold(busy) as holder:
        running = driver.start("migrate")
        line = read_line(running.stdout, "trying again")
        assert "2_function.c:9: canceling statement due to lock timeout; pid" in line
        assert f"pid {holder.info.backend_pid} " in line
    stdout, _ = running.communicate(timeout=30)
    assert "migrate ok\n" in stdout and versions(busy) == [1, 2, 3]
