"""A migration fails: where it is pointed at, what is kept, and that the repaired file completes."""

from __future__ import annotations

import json

import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import backends, migrate, tables, versions, wait_until

ONE = {"001_one.sql": "CREATE TABLE one (id int, plans int);"}
THREE = {"003_three.sql": "CREATE TABLE three ();"}


@pytest.mark.valgrind
def test_in_the_middle(app: AppFactory, database: Database) -> None:
    broken = "CREATE TABLE two ();\nINSERT INTO one VALUES (1);\n\nUPDATE one\n   SET plan = 2;\n"
    outcome = migrate(app({**ONE, "002_two.sql": broken, **THREE}))
    assert (outcome.exit, outcome.code) == (1, "failed")
    assert outcome.results == {1: "applied", 2: "failed"}
    error = outcome.error
    assert (error["version"], error["path"]) == ("2", "migrations/002_two.sql")
    assert (error["line"], error["column"], error["sqlstate"]) == (5, 8, "42703")
    assert error["excerpt"] == "    5 |    SET plan = 2;\n      |        ^\n"
    assert error["outcome"] == (
        "002_two.sql was rolled back; the 1 migration applied earlier in this run stays applied."
        " Fix the file, rebuild, run again"
    )
    assert outcome.stderr.splitlines()[-4:] == [
        'migrations/002_two.sql:5:8: error: column "plan" of relation "one" does not exist [42703]',
        "    5 |    SET plan = 2;",
        "      |        ^",
        error["outcome"],
    ]
    assert tables(database) == {"one"} and versions(database) == [1]
    assert database.rows("SELECT * FROM one") == []
    outcome = migrate(app({**ONE, "002_two.sql": broken.replace("plan ", "plans "), **THREE}))
    assert (outcome.exit, outcome.applied, outcome.batch) == (0, [2, 3], 2)
    assert database.rows("SELECT * FROM one") == [(1, 2)]


FIX = "Fix the file, rebuild, run again"
SERVER = "This may be the server's fault and not the file's: see its log, run again"
WAYS_ON = {
    "DO $$ BEGIN RAISE SQLSTATE '53200'; END $$": ("53200", SERVER),
    "DO $$ BEGIN RAISE SQLSTATE '58030'; END $$": ("58030", SERVER),
    "DO $$ BEGIN RAISE SQLSTATE 'XX000'; END $$": ("XX000", SERVER),
    "DO $$ BEGIN RAISE SQLSTATE 'P0001'; END $$": ("P0001", FIX),
    "CREATE ROLE nobody": (
        "42501",
        "Give the role that right, or fix the file and rebuild; run again",
    ),
    "SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(60)": ("57014", "Run again"),
    "SET statement_timeout = 1; SELECT pg_sleep(60)": ("57014", FIX),
}


@pytest.mark.parametrize("body", WAYS_ON)
def test_the_file_is_not_always_at_fault(app: AppFactory, body: str) -> None:
    error = migrate(app({"001_one.sql": body})).error
    sqlstate, way_on = WAYS_ON[body]
    assert error["sqlstate"] == sqlstate
    assert (
        error["outcome"] == f"001_one.sql was rolled back; this run applied no migration. {way_on}"
    )


def test_a_history_that_takes_no_row(app: AppFactory, database: Database) -> None:
    migrate(app(ONE))
    database.execute("ALTER TABLE applied_migrations ADD CHECK (version < 2)")
    error = migrate(app({**ONE, "002_two.sql": "CREATE TABLE two ();"})).error
    assert "while recording the migration" in error["context"]
    assert error["outcome"].endswith(
        ". The history table is at fault, not the file: repair it, run again"
    )
    assert tables(database) == {"one"}


BASELINE = (
    "if this schema was there before inlay: --migrate-baseline VERSION records all versions up to "
    "that one without running them"
)
EXISTING = {
    "CREATE TABLE one ();": "42P07",
    "ALTER TABLE one ADD id int;": "42701",
    "CREATE TYPE kind AS ENUM ();": "42710",
    "CREATE SCHEMA kept;": "42P06",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';": "42723",
}


@pytest.mark.parametrize("head", ["", "-- inlay: no-transaction\n"])
@pytest.mark.parametrize("body", EXISTING)
def test_a_schema_from_before(app: AppFactory, database: Database, body: str, head: str) -> None:
    before = list(EXISTING)
    before[1] = "ALTER TABLE one ADD id int, ADD plans int;"
    database.execute(*before)
    files = {"001_sure.sql": "CREATE TABLE IF NOT EXISTS one ();", "002_two.sql": head + body}
    error = migrate(app(files), "--fresh").error
    assert (error["sqlstate"], error["hint"]) == (EXISTING[body], BASELINE)
    assert migrate(app(files)).error["hint"] == (
        "if the database already has all that this file makes: --migrate-mark 2 records it without "
        "running it"
    )
    assert app(files).run("--baseline=2").returncode == 0
    assert migrate(app({**files, **THREE})).applied == [3]


def test_nothing_to_mark(app: AppFactory, database: Database) -> None:
    """A repeatable has no version, and what fails to come back is no reason to mark."""
    database.execute("CREATE VIEW seen AS SELECT 1")
    result = app({"R__seen.sql": "CREATE VIEW seen AS SELECT 1"}).run("--only", "--json")
    error = json.loads(result.stdout)["error"]
    assert (error["sqlstate"], error["hint"]) == ("42P07", None)
    down = {"001_one.down.sql": "CREATE VIEW seen AS SELECT 1"}
    program = app({"001_one.up.sql": ONE["001_one.sql"], **down})
    assert migrate(program).exit == 0
    error = json.loads(program.run("--down=1", "--yes", "--json").stdout)["error"]
    assert (error["sqlstate"], error["hint"]) == ("42P07", None)


PLACES = {
    "first character": ("SELEKT 1;", 1, 1),
    "after comments": ("-- one\n/* two\n */ SELEKT 1;", 3, 5),
    "second statement of a line": ("SELECT 1; SELEKT 2;", 1, 11),
    "after wide characters": ("SELECT 'größe, 大小', nothing;", 1, 21),
    "behind a tab": ("SELECT\n\tnothing;", 2, 2),
    "windows lines": ("SELECT 1;\r\nSELECT 2,\r\n  nothing;\r\n", 3, 3),
    "at the end": ("SELECT 1 +;", 1, 11),
    "no position": ("SELECT 1;\n  SELECT 1 / 0;", 2, 3),
}


@pytest.mark.parametrize("body, line, column", PLACES.values(), ids=PLACES.keys())
def test_places(app: AppFactory, body: str, line: int, column: int) -> None:
    outcome = migrate(app({"1_bad.sql": body}))
    assert (outcome.error["line"], outcome.error["column"]) == (line, column)
    shown, caret = outcome.error["excerpt"].splitlines()
    assert shown == f"{line:5} | " + body.splitlines()[line - 1]
    assert len(caret) == len("    1 | ") + column


def test_a_very_long_line_is_cut(app: AppFactory) -> None:
    outcome = migrate(
        app({"1_long.sql": "SELECT '" + "ü" * 5000 + "', nothing, '" + "x" * 999 + "';"})
    )
    assert outcome.error["column"] == 5000 + 12
    shown, caret = outcome.error["excerpt"].splitlines()
    assert len(shown) < 250
    assert shown[len(caret) - 1 :].startswith("nothing")


def test_inside_do(app: AppFactory, database: Database) -> None:
    body = "CREATE TABLE kept ();\n\nDO $$\nBEGIN\n  PERFORM nothing FROM one;\nEND $$;\n"
    outcome = migrate(app({**ONE, "002_do.sql": body}))
    assert (outcome.error["line"], outcome.error["column"]) == (3, 1)
    assert 'column "nothing" does not exist' in outcome.error["message"]
    assert "PL/pgSQL function inline_code_block line 3 at PERFORM" in outcome.error["context"]
    assert "in: SELECT nothing FROM one" in outcome.error["context"]
    assert tables(database) == {"one"}


@pytest.mark.valgrind
def test_inside_a_function(app: AppFactory, database: Database) -> None:
    function = (
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n"
        "  RAISE EXCEPTION 'no seats' USING DETAIL = 'all taken', HINT = 'add a room';\nEND $$;\n"
    )
    outcome = migrate(app({**ONE, "002_f.sql": function + "SELECT\n  f();\n"}))
    error = outcome.error
    assert (error["line"], error["column"], error["sqlstate"]) == (5, 1, "P0001")
    assert (error["message"], error["detail"], error["hint"]) == (
        "no seats",
        "all taken",
        "add a room",
    )
    assert "PL/pgSQL function f() line 3 at RAISE" in error["context"]
    assert "  hint: add a room\n" in outcome.stderr
    assert database.rows("SELECT 1 FROM pg_proc WHERE proname = 'f'") == []


def test_deferred_constraints_are_the_migrations_own(app: AppFactory, database: Database) -> None:
    """Checked before the commit: the migration with the mistake fails, and is named."""
    tables_of_it = (
        "CREATE TABLE parent (id int PRIMARY KEY);\n"
        "CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);\n"
    )
    files = {"001_tables.sql": tables_of_it, "002_rows.sql": "INSERT INTO child VALUES (7);\n"}
    outcome = migrate(app(files))
    assert (outcome.exit, outcome.applied, outcome.error["sqlstate"]) == (1, [1], "23503")
    assert outcome.error["path"] == "migrations/002_rows.sql"
    assert "a deferred constraint, checked at the end" in outcome.error["context"]
    assert database.rows("SELECT * FROM child") == [] and versions(database) == [1]
    files["002_rows.sql"] += "INSERT INTO parent VALUES (7);\n"
    assert migrate(app(files)).applied == [2]


@pytest.mark.parametrize("direction", ["FROM STDIN", "TO STDOUT"])
@pytest.mark.parametrize("transaction", [True, False])
def test_copy_from_the_client(
    app: AppFactory, database: Database, direction: str, transaction: bool
) -> None:
    """The generator refuses it; one in a set of another hand must not hang. A server that hears
    more while it waits for rows ends the session; where that comes before its first answer is read,
    all that libpq knows is that the connection is gone."""
    head = "" if transaction else "-- inlay: no-transaction\n"
    files = {**ONE, "002_copy.sql": f"{head}COPY one {direction};"}
    outcome = migrate(app(files, allow_bad=True))
    lost = direction == "FROM STDIN" and outcome.exit == 6
    assert outcome.applied == [1]
    if not lost:
        assert outcome.exit == 1
        assert "COPY from or to the client is not possible" in outcome.error["message"]
    assert outcome.error["path"] == "migrations/002_copy.sql"
    if transaction and not lost:
        assert outcome.error["line"] == 1
    if transaction:
        assert "002_copy.sql may or may not be committed" in outcome.error["outcome"]
    wait_until(lambda: backends(database) == 0, "for the session to end")


def test_a_lock_timeout_of_the_file(app: AppFactory, database: Database) -> None:
    database.execute("CREATE TABLE busy ()")
    files = {"001_slow.sql": "-- inlay: lock_timeout=50ms\nALTER TABLE busy ADD a int;\n"}
    with database.connect() as holder:
        holder.execute("LOCK TABLE busy")
        outcome = migrate(app(files), "--retry=0")
    assert (outcome.exit, outcome.error["sqlstate"], outcome.error["line"]) == (5, "55P03", 2)
    assert migrate(app(files)).applied == [1]


def test_settings_of_a_file_are_its_own(app: AppFactory, database: Database) -> None:
    show = (
        "CREATE TABLE {n} AS SELECT current_setting('lock_timeout') AS l,"
        " current_setting('statement_timeout') AS s, current_setting('transaction_isolation') AS i;"
    )
    head = "-- inlay: lock_timeout=5s statement_timeout=10min isolation=serializable\n"
    files = {"1_a.sql": show.format(n="a"), "2_b.sql": head + show.format(n="b")}
    files["3_c.sql"] = show.format(n="c")
    assert migrate(app(files)).exit == 0
    assert database.rows("TABLE b") == [("5s", "10min", "serializable")]
    assert database.rows("TABLE a") == database.rows("TABLE c")
    assert database.value("SELECT i FROM a") == "read committed"


def test_a_statement_timeout(app: AppFactory, database: Database) -> None:
    files = {"001_slow.sql": "-- inlay: statement_timeout=50ms\nSELECT pg_sleep(30);\n"}
    outcome = migrate(app(files))
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "57014")
    assert versions(database) == []


def test_notices_are_labelled(app: AppFactory) -> None:
    notice = "DO $$ BEGIN RAISE NOTICE 'about {n}'; END $$;"
    files = {f"{n}_notice.sql": notice.replace("{n}", str(n)) for n in (1, 2)}
    stderr = app(files).run("--only").stderr
    assert "1_notice.sql: NOTICE: about 1\n" in stderr
    assert "2_notice.sql: NOTICE: about 2\n" in stderr
