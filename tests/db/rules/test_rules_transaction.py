"""One transaction from claim to seal: a body that ends it, or touches its own row, is caught; what
PostgreSQL allows inside a transaction passes."""

from __future__ import annotations

import struct

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.relay import DOWN, Relay
from outcomes import backends, finish, migrate, tables, versions, wait_until

ONE = {"001_one.sql": "CREATE TABLE one ();"}
THREE = {"003_three.sql": "CREATE TABLE three ();"}

# Bodies that end their transaction, the tables that they leave behind, half applied or not.
ENDING: dict[str, tuple[str, set[str] | None, bool]] = {
    "COMMIT": ("CREATE TABLE two ();\nCOMMIT;\n", {"two"}, True),
    "COMMIT and more": ("CREATE TABLE two ();\nCOMMIT;\nCREATE TABLE more ();\n", None, True),
    "COMMIT and BEGIN": ("CREATE TABLE two ();\nCOMMIT;\nBEGIN;\n", {"two"}, True),
    "COMMIT AND CHAIN": ("CREATE TABLE two ();\nCOMMIT AND CHAIN;\n", {"two"}, True),
    "ROLLBACK": ("CREATE TABLE two ();\nROLLBACK;\n", set(), False),
    "ROLLBACK and BEGIN": ("CREATE TABLE two ();\nROLLBACK;\nBEGIN;\n", set(), False),
    "ROLLBACK and its own row": (
        "CREATE TABLE two ();\nROLLBACK;\nBEGIN;\n"
        "INSERT INTO applied_migrations (version, name) VALUES (2, 'two');\n",
        set(),
        False,
    ),
    "PREPARE TRANSACTION": (
        "CREATE TABLE two ();\nPREPARE TRANSACTION 'two';\nBEGIN;\n",
        set(),
        False,
    ),
    "forges the row": (
        "CREATE TABLE two ();\nCOMMIT;\nBEGIN;\n"
        "DELETE FROM applied_migrations WHERE version = 2;\nCOMMIT;\nBEGIN;\n"
        "INSERT INTO applied_migrations (version, name, checksum, batch)"
        " VALUES (2, 'two', 'x', 1);\n",
        {"two"},
        False,
    ),
    "SET TRANSACTION and COMMIT": (
        "SET TRANSACTION READ WRITE;\nCREATE TABLE two ();\nEND;\n",
        {"two"},
        True,
    ),
}


@pytest.mark.parametrize("case", ENDING)
def test_a_body_that_ends_its_transaction(app: AppFactory, database: Database, case: str) -> None:
    body, left, half = ENDING[case]
    outcome = migrate(app({**ONE, "002_two.sql": body, **THREE}, allow_bad=True))
    assert (outcome.exit, outcome.code, outcome.applied) == (1, "failed", [1])
    assert outcome.error["path"] == "migrations/002_two.sql"
    assert ("PARTLY COMMITTED" in outcome.error["outcome"]) is half
    if left is not None:
        assert tables(database) == {"one"} | left
    assert "three" not in tables(database)
    assert versions(database) == [1]


OWN_ROW = {
    "deletes": "DELETE FROM applied_migrations WHERE version = 2",
    "renames": "UPDATE applied_migrations SET name = 'zwei' WHERE version = 2",
    "disowns": "UPDATE applied_migrations SET checksum = NULL WHERE version = 2",
    "rebatches": "UPDATE applied_migrations SET batch = 7 WHERE version = 2",
    "touches": "UPDATE applied_migrations SET name = name WHERE version = 2",
    "rewrites": "ALTER TABLE applied_migrations ADD COLUMN r float DEFAULT random()",
    "makes again": "DELETE FROM applied_migrations WHERE version = 2;\n"
    "INSERT INTO applied_migrations (version, name, batch) VALUES (2, 'two', 1)",
    "renumbers": "UPDATE applied_migrations SET version = 7 WHERE version = 2",
    "truncates": "TRUNCATE applied_migrations",
    "drops": "DROP TABLE applied_migrations",
    "moves": "ALTER TABLE applied_migrations RENAME TO gone",
}


@pytest.mark.parametrize("case", OWN_ROW)
def test_a_body_that_takes_its_row_away(app: AppFactory, database: Database, case: str) -> None:
    body = f"CREATE TABLE two ();\n{OWN_ROW[case]};\n"
    outcome = migrate(app({**ONE, "002_two.sql": body, **THREE}))
    assert (outcome.exit, outcome.applied) == (1, [1])
    assert tables(database) == {"one"} and versions(database) == [1]


def test_what_the_seal_meets_is_told(app: AppFactory, database: Database) -> None:
    """What the body did, and the server's state, where the body has not ended its transaction."""
    body = "SELECT set_config('transaction_read_only', 'on', true);"
    outcome = migrate(app({**ONE, "002_two.sql": body}))
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "25006")
    assert outcome.error["path"] == "migrations/002_two.sql"
    assert outcome.error["message"].endswith("its transaction read-only: it cannot be recorded")
    assert versions(database) == [1]


def test_a_body_may_repair_other_rows(app: AppFactory, database: Database) -> None:
    body = "UPDATE applied_migrations SET name = 'uno' WHERE version = 1;"
    assert migrate(app({**ONE, "002_two.sql": body})).applied == [1, 2]
    assert database.value("SELECT name FROM applied_migrations WHERE version = 1") == "uno"


def test_what_cleans_up_is_said_again(app: AppFactory, database: Database) -> None:
    """A cancel that comes late meets what takes the row back; it is taken back all the same."""
    migrate(app(ONE))
    body = "CREATE TABLE two ();\nCOMMIT;\nSELECT wait();\nSELECT nothing;\n"
    database.execute(
        "CREATE FUNCTION wait() RETURNS void LANGUAGE plpgsql AS $$ BEGIN WHILE NOT EXISTS (SELECT"
        " FROM pg_locks WHERE locktype = 'relation' AND mode = 'ShareLock' AND granted) LOOP"
        " PERFORM pg_sleep(0.02); END LOOP; END $$"
    )
    running = app({**ONE, "002_two.sql": body}, allow_bad=True).start("--only", "--json")
    wait_until(lambda: backends(database, "query ~ 'wait' AND state = 'active'"))
    takes_back = "query ~ '^DELETE FROM .*applied_migrations' AND wait_event_type = 'Lock'"
    when = f"SELECT pid, query_start FROM pg_stat_activity WHERE {takes_back}"
    with database.connect() as holder:
        holder.execute("LOCK TABLE applied_migrations IN SHARE MODE")
        wait_until(lambda: database.rows(when))
        ((pid, first),) = database.rows(when)
        database.admin(f"SELECT pg_cancel_backend({pid})")
        wait_until(lambda: [start for _, start in database.rows(when) if start > first])
    outcome = finish(running)
    assert (outcome.exit, outcome.code) == (1, "failed")
    assert "PARTLY COMMITTED" in outcome.error["outcome"]
    assert versions(database) == [1] and tables(database) == {"one", "two"}


def test_the_answer_to_commit_is_read(app: AppFactory, database: Database, relay: Relay) -> None:
    """A transaction that failed answers COMMIT without an error. The seal leaves none that could:
    the answer is changed on its way. What was committed all the same is found, and told."""
    migrate(app(ONE))
    relay.replace(DOWN, completed("COMMIT"), completed("ROLLBACK"))
    outcome = migrate(app({**ONE, **THREE}), url=relay.url(database.url))
    assert (outcome.exit, outcome.code, outcome.applied) == (1, "failed", [])
    assert "003_three.sql is PARTLY COMMITTED" in outcome.error["outcome"]
    assert versions(database) == [1]


def completed(tag: str) -> bytes:
    """CommandComplete, as it comes over the wire."""
    return b"C" + struct.pack("!i", 4 + len(tag) + 1) + tag.encode() + b"\0"


TRAILING = {
    "a line comment": "INSERT INTO one DEFAULT VALUES -- note",
    "a block comment": "INSERT INTO one DEFAULT VALUES /* note */",
    "a comment after the semicolon": "INSERT INTO one DEFAULT VALUES; -- note",
    "semicolons": "INSERT INTO one DEFAULT VALUES;;;",
    "a backslash": "INSERT INTO one DEFAULT VALUES; SELECT '\\';",
}


@pytest.mark.parametrize("case", TRAILING)
def test_what_ends_a_body_swallows_nothing(app: AppFactory, database: Database, case: str) -> None:
    outcome = migrate(app({**ONE, "002_two.sql": TRAILING[case], **THREE}))
    assert (outcome.exit, outcome.applied) == (0, [1, 2, 3])
    assert database.value("SELECT count(*) FROM one") == 1
    assert versions(database) == [1, 2, 3]


PASSING = {
    "savepoints": "SAVEPOINT a;\nCREATE TABLE two ();\nROLLBACK TO a;\nRELEASE a;\n",
    "a caught exception": "DO $$ BEGIN PERFORM 1/0; EXCEPTION WHEN others THEN NULL; END $$;\n",
    "a temporary table": "CREATE TEMP TABLE t AS SELECT 1 AS a;\nSELECT * FROM t;\n",
    "a cursor": "DECLARE c CURSOR WITH HOLD FOR SELECT 1;\nFETCH c;\n",
    "an enum that grows": "CREATE TYPE e AS ENUM ('a');\nALTER TYPE e ADD VALUE 'b';\n",
    "SET LOCAL": "SET LOCAL work_mem = '8MB';\nSELECT 1;\n",
    "a lock on its row": "SELECT FROM applied_migrations WHERE version = 2 FOR UPDATE;\n",
    "a reference to its row": "CREATE TABLE r (v bigint REFERENCES applied_migrations);\n"
    "INSERT INTO r VALUES (2);\n",
    "another order of the rows": "CLUSTER applied_migrations USING applied_migrations_pkey;\n",
    "another column": "ALTER TABLE applied_migrations ADD COLUMN note text DEFAULT 'x';\n",
    "a function with BEGIN ATOMIC": "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;\n",
}


@pytest.mark.parametrize("case", PASSING)
def test_what_a_transaction_allows(app: AppFactory, database: Database, case: str) -> None:
    if case == "a function with BEGIN ATOMIC" and database.server.major_version < 14:
        pytest.skip("new in PostgreSQL 14")
    outcome = migrate(app({**ONE, "002_two.sql": PASSING[case], **THREE}))
    assert (outcome.exit, outcome.applied) == (0, [1, 2, 3]), outcome.stderr


def test_a_procedure_that_commits_fails_and_keeps_nothing(
    app: AppFactory, database: Database
) -> None:
    procedure = (
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE two (); COMMIT; END $$;"
    )
    outcome = migrate(app({**ONE, "002_p.sql": procedure, "003_call.sql": "CALL p();"}))
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "2D000")
    assert tables(database) == {"one"} and versions(database) == [1, 2]


def test_the_isolation_is_ours_not_the_roles(app: AppFactory, database: Database) -> None:
    database.execute(
        f"ALTER ROLE {database.role} SET default_transaction_isolation = 'serializable'",
        f"ALTER ROLE {database.role} SET default_transaction_deferrable = on",
    )
    body = "CREATE TABLE seen AS SELECT current_setting('transaction_isolation') AS level;"
    assert migrate(app({"001_seen.sql": body})).exit == 0
    assert database.value("SELECT level FROM seen") == "read committed"


def test_elapsed_time_is_the_bodys(app: AppFactory, database: Database) -> None:
    assert migrate(app({"001_slow.sql": "SELECT pg_sleep(1);", "002_fast.sql": ""})).exit == 0
    slow, fast = database.rows("SELECT elapsed_ms FROM applied_migrations ORDER BY version")
    assert fast[0] < slow[0] and slow[0] >= 1000


def test_a_claim_that_hits_a_row_goes_on(app: AppFactory, database: Database) -> None:
    """Somebody without our lock records a version while it is pending: read again, go on."""
    body = (
        "DO $$ BEGIN PERFORM dblink_exec('dbname=' || current_database() || ' host=' ||"
        " split_part(current_setting('unix_socket_directories'), ',', 1) || ' port=' ||"
        " current_setting('port') || ' user=postgres', 'INSERT INTO applied_migrations (version,"
        " name) VALUES (3, ''three'')'); END $$;"
    )
    database.admin("CREATE EXTENSION dblink")
    files = {**ONE, "002_two.sql": body, **THREE, "004_four.sql": "CREATE TABLE four ();"}
    outcome = migrate(app(files), url=database.admin_url)
    assert (outcome.exit, outcome.applied) == (0, [1, 2, 4]), outcome.stderr
    assert outcome.results[3] == "skipped"
    assert tables(database) == {"one", "four"} and versions(database) == [1, 2, 3, 4]


@pytest.mark.parametrize("column", ["name", "checksum", "batch"])
def test_only_the_key_means_that_another_process_applied_it(
    app: AppFactory, database: Database, column: str
) -> None:
    """A further unique index refuses the claim: an error that names it, and no loop."""
    database.execute(
        "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text NOT NULL,"
        " checksum text, batch bigint)",
        f"CREATE UNIQUE INDEX no_two_alike ON applied_migrations ({column})",
    )
    files = {**ONE, "002_two.sql": "CREATE TABLE two ();", "003_one.sql": ONE["001_one.sql"]}
    outcome = migrate(app(files), timeout=20)
    failing = 2 if column == "batch" else 3
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "23505"), outcome.stderr
    assert outcome.error["message"] == (
        'duplicate key value violates unique constraint "no_two_alike"'
    )
    assert outcome.error["version"] == str(failing)
    assert outcome.error["hint"] == (
        'inlay\'s tables take no unique constraint but their keys: drop "no_two_alike", run again'
    )
    assert "skipped" not in outcome.results.values()
    assert versions(database) == list(range(1, failing))
