"""--script: bodies reach the server byte for byte, and statements that run without a transaction
leave what a run leaves."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Iterator

import psycopg
import pytest

from by_psql import apply, psql, refused, script_of, span
from conftest import AppFactory
from harness.database import Database
from harness.server import Server
from outcomes import backends, check, migrate, tables, versions, wait_until

ALONE = "-- inlay: no-transaction\n"
BASE = {"001_base.sql": "CREATE TABLE base (x integer);\nINSERT INTO base VALUES (1), (2);\n"}
STATE = "SELECT kind, key, done, body FROM applied_migrations_state ORDER BY kind, key"
FUNCTIONS = "SELECT proname, prosrc, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace ="
VIEWS = "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'"


@pytest.fixture
def another(server: Server) -> Iterator[Database]:
    """What a run does there, a script does here."""
    database = Database(server)
    yield database
    database.drop()


# ---- byte for byte ----

# What psql would put a variable into, take for a command, or split elsewhere. It always has
# ROW_COUNT, and the script sets others.
BODIES = [
    "CREATE VIEW v AS SELECT tags[1:row_count] FROM (SELECT ARRAY[7, 8, 9] AS tags,"
    " 2 AS row_count) AS t",
    "CREATE VIEW v AS SELECT tags[1:ROW_COUNT] FROM (SELECT ARRAY[7, 8, 9] AS tags,"
    " 2 AS row_count) AS t",
    'CREATE VIEW v AS SELECT a[1:"ROW_COUNT"] FROM (SELECT ARRAY[7, 8] AS a,'
    ' 2 AS "ROW_COUNT") AS t',
    "CREATE TABLE t (a integer[]);\nINSERT INTO t VALUES ('{1,2}');\n"
    "CREATE VIEW v AS SELECT a[1:'1'] FROM t",
    "CREATE VIEW v AS SELECT a[1:inlay_batch] FROM (SELECT ARRAY[7, 8] AS a,"
    " 1 AS inlay_batch) AS t",
    "CREATE FUNCTION f() RETURNS integer LANGUAGE SQL BEGIN ATOMIC\n"
    "  SELECT 1 AS end;\n  SELECT 2;\nEND",
    "CREATE FUNCTION f(begin integer) RETURNS integer LANGUAGE SQL AS 'SELECT 1;'",
    "CREATE FUNCTION f() RETURNS integer LANGUAGE SQL BEGIN ATOMIC\n"
    "  SELECT CASE WHEN true THEN 1 END;\nEND",
    "CREATE FUNCTION f() RETURNS text LANGUAGE SQL AS"
    " $inlay$ SELECT '$inlay_1_$ $inlay_2_' $inlay$",
    "CREATE FUNCTION f() RETURNS text LANGUAGE SQL AS $$ SELECT $inlay$ \\d :x :'y' $inlay$ $$",
    "CREATE FUNCTION f() RETURNS text LANGUAGE SQL AS 'SELECT '':x'' -- \\q\r\n\t;'",
    "CREATE FUNCTION f() RETURNS text LANGUAGE SQL AS E'SELECT ''\\\\\\\\ä€𝄞''\\n'",
    "SET standard_conforming_strings = off;\n"
    "CREATE FUNCTION f() RETURNS text LANGUAGE SQL AS $$ SELECT 'a' $$",
    "CREATE VIEW v AS SELECT '%s %L %% %1$s' AS one, current_setting('search_path')",
]


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("body", BODIES)
def test_byte_for_byte(
    app: AppFactory, database: Database, another: Database, body: str, alone: bool
) -> None:
    if "ATOMIC" in body and database.server.major_version < 14:
        body = body.replace("BEGIN ATOMIC\n", "AS $$\n").removesuffix("END") + "$$"
    program = app({"001_body.sql": (ALONE if alone else "") + body + ";\n"})
    migrate(program, url=another.url)
    # What is read as text would lose the carriage returns.
    apply(database, json.loads(program.run("--script", "--json").stdout)["script"])
    found = [
        [held.rows(query) for query in (f"{FUNCTIONS} 'public'::regnamespace", VIEWS)]
        for held in (database, another)
    ]
    assert found[0] == found[1] and found[0] != [[], []]
    assert check(program) == 0


def test_variables_of_a_caller(app: AppFactory, database: Database) -> None:
    """Whatever psql is told beforehand."""
    program = app({"001_body.sql": BODIES[4] + ";\nSELECT ARRAY[1, 2];\n"})
    options = ["-S", "-v", "FETCH_COUNT=1", "-v", "inlay_batch=7", "-v", "AUTOCOMMIT=off", "-a"]
    run = psql(database, span(program, ".."), *options)
    assert (run.exit, run.stderr) == (0, ""), run
    assert database.rows("TABLE v") == [([7],)]


# ---- what commits by itself ----

CALLS = {
    **BASE,
    "002_procedure.sql": "CREATE PROCEDURE fill(rows integer) LANGUAGE plpgsql AS $$ BEGIN\n"
    "FOR i IN 1..rows LOOP INSERT INTO base VALUES (i); COMMIT; END LOOP; END $$;\n"
    "CREATE PROCEDURE plain() LANGUAGE SQL AS 'INSERT INTO base VALUES (9)';\n",
    "003_calls.sql": f"{ALONE}CALL fill(3);\ncall plain();\n"
    "DO LANGUAGE plpgsql $inlay$ BEGIN INSERT INTO base VALUES (10);\nEND $inlay$;\n"
    "do $$ BEGIN INSERT INTO base VALUES (11); COMMIT; END $$;\n",
}


def test_what_commits_by_itself(app: AppFactory, database: Database, another: Database) -> None:
    program = app(CALLS)
    migrate(program, url=another.url)
    apply(database, script_of(program))
    rows = "SELECT x FROM base ORDER BY x"
    assert database.rows(rows) == another.rows(rows)
    assert database.rows(STATE) == []
    assert check(program) == 0


def test_what_committed_and_failed_is_for_a_person(app: AppFactory, database: Database) -> None:
    fails = "DO $$ BEGIN INSERT INTO base VALUES (11); COMMIT; PERFORM 1 / 0; END $$;\n"
    program = app({**BASE, "002_fails.sql": f"{ALONE}SELECT 1;\n{fails}"})
    script = script_of(program)
    refused(database, script, "division by zero")
    ((_, _, done, body),) = database.rows(STATE)
    assert (done, body.split()[:2]) == (1, ["begun", "2"])
    refused(database, script, "statement 2 of version 2 was begun by an earlier run")
    assert migrate(program).exit == 7


def test_what_failed_and_did_not_commit_runs_again(app: AppFactory, database: Database) -> None:
    fails = "DO $$ BEGIN INSERT INTO base VALUES (11); INSERT INTO wanted VALUES (1); END $$;\n"
    program = app({**BASE, "002_fails.sql": f"{ALONE}{fails}"})
    script = script_of(program)
    refused(database, script, 'relation "wanted" does not exist')
    assert database.rows(STATE) == []
    database.execute("CREATE TABLE wanted (x integer)")
    apply(database, script)
    assert database.value("SELECT count(*) FROM base") == 3


# ---- indexes ----

INDEX = {**BASE, "002_index.sql": f'{ALONE}CREATE INDEX CONCURRENTLY "i\'x" ON base (x);\n'}
DROP = {
    **BASE,
    "002_index.sql": "CREATE INDEX gone ON base (x);\n",
    "003_drop.sql": f"{ALONE}DROP INDEX CONCURRENTLY IF EXISTS gone;\n",
}


def start(database: Database, script: str) -> subprocess.Popen[str]:
    command = [database.server.program("psql"), "-X", "-d", database.url]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(script)
    process.stdin.close()
    return process


def cut_off(database: Database, script: str, waits_for: str) -> None:
    """psql is killed while the statement waits for somebody else's transaction; then that ends, and
    the server ends the statement well, or not."""
    with database.connect() as holder:
        holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        holder.execute("TABLE base")
        process = start(database, script)
        waiting = f"query ~ '^{waits_for}' AND wait_event = 'virtualxid'"
        wait_until(lambda: backends(database, waiting))
        process.kill()
        process.wait()
    wait_until(lambda: not backends(database, "application_name = 'psql'"))


@pytest.mark.parametrize(
    ("files", "word", "command"),
    [(INDEX, "building", "CREATE INDEX"), (DROP, "dropping", "DROP INDEX")],
)
def test_an_index_that_was_cut_off_is_for_the_program(
    app: AppFactory, database: Database, files: dict[str, str], word: str, command: str
) -> None:
    """It finds the index as it finds one of its own run."""
    program = app(files)
    assert program.run("--to", str(len(files) - 1), "--yes").returncode == 0
    script = script_of(program)
    cut_off(database, script, command)
    ((_, _, done, body),) = database.rows(STATE)
    assert (done, body.split()[0]) == (0, word)
    refused(database, script, f"statement 1 of version {len(files)} was begun by an earlier run")
    assert migrate(program).applied == [len(files)]
    assert database.rows("SELECT FROM pg_index WHERE NOT indisvalid") == []
    assert database.rows(STATE) == []


def test_an_invalid_index_makes_room(app: AppFactory, database: Database) -> None:
    """As in a run: what an earlier try left is dropped."""
    program = app(
        {**BASE, "002_index.sql": f"{ALONE}CREATE UNIQUE INDEX CONCURRENTLY i ON base (x);\n"}
    )
    assert program.run("--to", "1", "--yes").returncode == 0
    database.execute("INSERT INTO base VALUES (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        database.execute("CREATE UNIQUE INDEX CONCURRENTLY i ON base (x)")
    database.execute("DELETE FROM base WHERE ctid = '(0,1)'")
    apply(database, script_of(program))
    assert database.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass")


def test_if_not_exists_takes_another_name(app: AppFactory, database: Database) -> None:
    index = f"{ALONE}CREATE INDEX CONCURRENTLY IF NOT EXISTS base ON base (x);\n"
    program = app({**BASE, "002_index.sql": index})
    words = "the statement built no index: what is named base is no index of that table"
    refused(database, script_of(program), words)
    assert versions(database) == [1]


def test_a_timeout_of_the_role_is_not_an_indexs(app: AppFactory, database: Database) -> None:
    database.execute(f"ALTER ROLE {database.role} SET statement_timeout = '300ms'")
    program = app(INDEX)
    assert program.run("--to", "1", "--yes").returncode == 0
    script = script_of(program)
    with database.connect() as holder:
        holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        holder.execute("TABLE base")
        process = start(database, script)
        time.sleep(1)
        assert process.poll() is None
    assert process.wait(60) == 0
    assert check(program) == 0


# ---- verify scripts ----


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT false", "002_two.verify.sql:2: this query of the verify script is false"),
        ("SELECT NULL::boolean", "002_two.verify.sql:2: this query of the verify script is NULL"),
        ("SELECT (ARRAY[true, false])[1:ROW_COUNT]", 'column "row_count" does not exist'),
        ("SELECT 1 / (count(*) - 2) FROM base", "division by zero"),
        ("INSERT INTO base VALUES (3)", "cannot execute INSERT in a read-only transaction"),
    ],
)
def test_verify_in_the_programs_words(
    app: AppFactory, database: Database, query: str, words: str, alone: bool
) -> None:
    two = (ALONE if alone else "") + "CREATE TABLE two ();\n"
    program = app(
        {**BASE, "002_two.sql": two, "002_two.verify.sql": f"SELECT true;\n{query};\nSELECT 1;\n"}
    )
    run = psql(database, script_of(program))
    assert run.exit == 3 and words in run.stderr, run
    assert "invalid input syntax" not in run.stderr
    assert versions(database) == [1]
    assert ("two" in tables(database)) == alone
    assert run.stdout == "applying 001_base.sql\napplying 002_two.sql\n"


SAVEPOINTS = "SAVEPOINT inlay_verify;\nSELECT true;\n"


def test_savepoints_of_others(app: AppFactory, database: Database, another: Database) -> None:
    """Neither those of a body nor those of a verify script are taken for ours."""
    two = "SAVEPOINT inlay_verify;\nCREATE TABLE two ();\n"
    program = app({**BASE, "002_two.sql": two, "002_two.verify.sql": SAVEPOINTS})
    migrate(program, url=another.url)
    apply(database, script_of(program))
    assert versions(another) == versions(database) == [1, 2]
    assert tables(database) == tables(another) == {"base", "two"}
