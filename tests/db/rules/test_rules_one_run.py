"""A directory ends the same whether its migrations share a session or each has one of its own: what
a body leaves there, plans that functions keep above all, does not decide how the next one ends."""

from __future__ import annotations

from typing import Iterator, Tuple

import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.program import Program
from harness.server import Server
from outcomes import DRIVER, migrate, versions
from phases import ALONE

# Three files each: what is used, what changes under it, and its use afterwards.
Bodies = Tuple[str, str, str]

SETUP = (
    "CREATE TABLE t (id int, n int);\nINSERT INTO t VALUES (1, 1);\nCREATE TABLE log (v text);\n"
)
WIDEN = "ALTER TABLE t ALTER n TYPE bigint;\n"
TEXT = "ALTER TABLE t ALTER n TYPE text;\n"
MORE = "ALTER TABLE t ADD m int DEFAULT 7;\n"
LESS = "ALTER TABLE t DROP id;\n"
AGAIN = "DROP TABLE t;\nCREATE TABLE t (id int, n bigint);\nINSERT INTO t VALUES (1, 4);\n"
CALL = "INSERT INTO log SELECT f();\n"
READ = "BEGIN SELECT * INTO r FROM t LIMIT 1; "


def function(body: str, returns: str = "text") -> str:
    return f"CREATE FUNCTION f() RETURNS {returns} LANGUAGE plpgsql AS $$\n{body} $$;\n"


def used(body: str, change: str, before: str = "", call: str = CALL) -> Bodies:
    """A function that runs before a change and after it."""
    return SETUP + before + function(body) + call, change, call


def triggered(body: str, change: str) -> Bodies:
    """The same with a trigger."""
    insert = "INSERT INTO t VALUES (2, 2);\n"
    made = "CREATE TRIGGER s BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();\n"
    return SETUP + function(f"{body} RETURN NEW; END", "trigger") + made + insert, change, insert


def rows_of(language: str, body: str, change: str) -> Bodies:
    """The same with a function that returns rows."""
    made = f"CREATE FUNCTION f() RETURNS SETOF t LANGUAGE {language} AS $$ {body} $$;\n"
    call = "INSERT INTO log SELECT f()::text;\n"
    return SETUP + made + call, change, call


RECORD = f"DECLARE r record; {READ} RETURN r.n + 1; END"
ROW = f"DECLARE r t%ROWTYPE; {READ} RETURN r.n + 1; END"
WHOLE = f"DECLARE r t; {READ} RETURN r::text; END"
LOOP = """DECLARE r record; s text := '';
BEGIN FOR r IN TABLE t LOOP s := s || r.n; END LOOP; RETURN s; END"""
FETCH = """DECLARE c CURSOR FOR TABLE t; r record;
BEGIN OPEN c; FETCH c INTO r; CLOSE c; RETURN r.n + 1; END"""
CASE = f"DECLARE r record; {READ} CASE r.n WHEN '1' THEN RETURN 'one'; END CASE; END"
COPY = f"DECLARE r t; {READ} INSERT INTO t VALUES (r.*); RETURN r::text; END"
INSERTED = "DECLARE r t; BEGIN INSERT INTO t VALUES (5, 5) RETURNING * INTO r; RETURN r.n; END"
ASSIGN = "DECLARE r t; BEGIN r := (SELECT t FROM t LIMIT 1); RETURN (r.n + 1) || r::text; END"
JSON = f"DECLARE r record; {READ} RETURN row_to_json(r); END"
DO = f"DO $$ DECLARE r record; {READ} INSERT INTO log VALUES (r.n + 1); END $$;\n"
ENTRY = "DECLARE v e; BEGIN v.a := 1; RETURN v::text || v.a; END"
IN_PATH = "DECLARE r record; BEGIN SELECT n INTO r FROM x; RETURN r.n; END"
ARGUMENT = (
    "CREATE FUNCTION g(a t) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN a.n + 1; END $$;"
)
ANY = """CREATE FUNCTION g(a anyelement) RETURNS text LANGUAGE plpgsql
AS $$ DECLARE v a%TYPE; BEGIN v := a; RETURN v::text; END $$;"""
LARGE = "UPDATE t SET n = 3000000000;\n"
PARTS = """DROP TABLE t; CREATE TABLE t (id int, n int) PARTITION BY LIST (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); INSERT INTO t VALUES (1, 1);\n"""
OTHER_PART = """ALTER TABLE t DETACH PARTITION t1; ALTER TABLE t ALTER n TYPE bigint;
CREATE TABLE t2 (n bigint, id int); ALTER TABLE t ATTACH PARTITION t2 FOR VALUES IN (1);
INSERT INTO t VALUES (1, 2);\n"""
SCHEMAS = """CREATE SCHEMA a; CREATE TABLE a.x AS SELECT 1 AS n;
CREATE SCHEMA b; CREATE TABLE b.x AS SELECT 'b'::text AS n; SET search_path = a, public;\n"""
OF_COLUMN = "DECLARE v t.n%TYPE; BEGIN v := (SELECT n FROM t); RETURN v::text; END"
SEQUENCE = "INSERT INTO log SELECT nextval('s');\n"
GG = "INSERT INTO log SELECT g(t) FROM t;\n"
GN = "INSERT INTO log SELECT g(n) FROM t;\n"

DIRECTORIES: dict[str, Bodies] = {
    "a row": used(ROW, WIDEN),
    "a record": used(RECORD, WIDEN),
    "a loop": used(LOOP, WIDEN),
    "a loop over text": used(LOOP, TEXT),
    "a cursor": used(FETCH, WIDEN),
    "a case": used(CASE, WIDEN),
    "a case of text": used(CASE, TEXT),
    "an assignment": used(ASSIGN, WIDEN),
    "a whole row": used(WHOLE, WIDEN),
    "a whole row with more": used(WHOLE, MORE),
    "a whole row with less": used(WHOLE, LESS),
    "a copy": used(COPY, WIDEN),
    "a copy with more": used(COPY, MORE),
    "a copy with less": used(COPY, LESS),
    "an inserted row": used(INSERTED, WIDEN + MORE),
    "json": used(JSON, WIDEN + LESS),
    "a table made again": used(RECORD, AGAIN),
    "a table renamed": used(RECORD, AGAIN.replace("DROP TABLE t", "ALTER TABLE t RENAME TO u")),
    "a column made again": used(
        ROW, "ALTER TABLE t DROP n;\nALTER TABLE t ADD n bigint DEFAULT 5;"
    ),
    "a view": used(
        RECORD.replace("FROM t", "FROM w"),
        "DROP VIEW w;\n" + WIDEN + "CREATE VIEW w AS TABLE t;\n",
        before="CREATE VIEW w AS TABLE t;\n",
    ),
    "partitions": used(RECORD, OTHER_PART, before=PARTS),
    "a composite type": used(
        ENTRY, "ALTER TYPE e ALTER ATTRIBUTE a TYPE bigint;", before="CREATE TYPE e AS (a int);\n"
    ),
    "a composite type made again": used(
        ENTRY, "DROP TYPE e;\nCREATE TYPE e AS (a text);", before="CREATE TYPE e AS (a int);\n"
    ),
    "a sequence made again": used(
        "BEGIN RETURN nextval('s'); END",
        "DROP SEQUENCE s;\nCREATE SEQUENCE s START 10;",
        before="CREATE SEQUENCE s;\n",
    ),
    "a function made again": used(
        "BEGIN RETURN g(); END",
        "DROP FUNCTION g();\nCREATE FUNCTION g() RETURNS text LANGUAGE sql AS $$SELECT 'x'$$;",
        before="CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1';\n",
    ),
    "a new row": triggered("BEGIN NEW.n := NEW.n + 1;", WIDEN),
    "a new row of text": triggered("BEGIN NEW.n := NEW.n;", TEXT),
    "a row from a new row": triggered("DECLARE r t; BEGIN r := NEW; NEW.n := r.n + 1;", WIDEN),
    "a new row with more": triggered("BEGIN NEW.n := NEW.n + 1;", WIDEN + MORE),
    "a query": rows_of("plpgsql", "BEGIN RETURN QUERY SELECT * FROM t; END", WIDEN),
    "a query with more": rows_of("plpgsql", "BEGIN RETURN QUERY SELECT * FROM t; END", MORE),
    "SQL": rows_of("sql", "SELECT * FROM t", WIDEN),
    "SQL with more": rows_of("sql", "SELECT * FROM t", WIDEN + MORE),
    "an argument": (SETUP + ARGUMENT + GG, WIDEN, LARGE + GG),
    "an argument of any type": (SETUP + ANY + GN, WIDEN, LARGE + GN),
    "a variable of a column's type": used(
        OF_COLUMN, WIDEN + LARGE + function(OF_COLUMN).replace("CREATE", "CREATE OR REPLACE")
    ),
    "a block": (SETUP + DO, WIDEN, DO),
    "a search path": (
        SETUP + function(IN_PATH) + SCHEMAS + CALL,
        "SELECT;",
        "SET search_path = b, public;\n" + CALL,
    ),
    "a sequence that is cached": (
        SETUP + "CREATE SEQUENCE s CACHE 10;\n" + SEQUENCE,
        SEQUENCE,
        SEQUENCE,
    ),
}

# Without a transaction a statement cannot be tried again with all before it.
ALONE_TOO = [
    *("a row", "a loop over text", "an assignment", "a table made again", "a composite type"),
    *("a composite type made again", "a row from a new row", "an argument", "partitions"),
]


@pytest.fixture
def other(server: Server) -> Iterator[Database]:
    """A second database."""
    fresh = Database(server)
    yield fresh
    fresh.drop()


def numbered_files(bodies: Bodies, head: str = "") -> dict[str, str]:
    return {f"{n}_file.sql": head + body for n, body in enumerate(bodies, 1)}


def contents(database: Database) -> dict[str, list[str]]:
    """The rows of each table of public, as text; the history aside."""
    names = database.rows(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relname !~ '^applied_'"
        " AND relnamespace = 'public'::regnamespace"
    )
    return {
        name: [row for (row,) in database.rows(f"SELECT x::text FROM {name} AS x ORDER BY 1")]
        for (name,) in names
    }


def one_by_one(program: Program, other: Database) -> None:
    for n in ("1", "2", "3"):
        result = program.run("--to", n, url=other.url)
        assert result.returncode == 0, result.stderr


CASES = [("", name) for name in DIRECTORIES] + [(ALONE, name) for name in ALONE_TOO]


@pytest.mark.parametrize("head, name", CASES, ids=[f"{name}{'!' * bool(h)}" for h, name in CASES])
def test_one_run_ends_as_one_by_one(
    app: AppFactory, database: Database, other: Database, head: str, name: str
) -> None:
    program = app(numbered_files(DIRECTORIES[name], head))
    one_by_one(program, other)
    outcome = migrate(program)
    assert outcome.exit == 0, outcome.stderr
    assert contents(database) == contents(other)


def test_a_rehearsal_says_what_the_run_does(app: AppFactory, database: Database) -> None:
    result = app(numbered_files(DIRECTORIES["a row"])).run("--rehearse")
    assert result.returncode == 0, result.stderr


def test_the_second_try_is_told(app: AppFactory, database: Database) -> None:
    outcome = migrate(app(numbered_files(DIRECTORIES["a row"])))
    told = "3_file.sql may have met a plan that a function keeps from before an earlier migration"
    assert told in outcome.stderr
    assert "it was rolled back and runs again after DISCARD PLANS" in outcome.stderr


BAD = SETUP + function("BEGIN RETURN (SELECT nothing FROM t); END")


def test_each_is_tried_once_more_and_no_more(program: ProgramFactory, database: Database) -> None:
    """What is wrong by itself fails as it would."""
    files = numbered_files((BAD, CALL, "SELECT;"))
    printed = program(DRIVER, files).run("migrate")
    assert "migrate failed\n" in printed.stdout and "[42703]" in printed.stderr
    assert printed.stdout.count("event retried") == 1
    assert versions(database) == [1]


@pytest.mark.parametrize("bodies", [(BAD + CALL, "SELECT;", "SELECT;"), (SETUP, "SELECT x;", "")])
def test_some_are_not_tried_again(
    program: ProgramFactory, database: Database, bodies: Bodies
) -> None:
    """The first of a session finds no plans, and outside of a function there are none."""
    printed = program(DRIVER, numbered_files(bodies)).run("migrate")
    assert "migrate failed\n" in printed.stdout and "[42703]" in printed.stderr
    assert "event retried" not in printed.stdout


def test_what_the_host_ran_before_keeps_no_plans(
    program: ProgramFactory, database: Database
) -> None:
    first, second, third = DIRECTORIES["a row"]
    program(DRIVER, {"1_file.sql": first}).run("migrate")
    driver = program(DRIVER, {"1_file.sql": first, "2_file.sql": second + third})
    printed = driver.run("caller", "sql=SELECT f()", "migrate")
    assert "migrate ok\n" in printed.stdout, printed.stderr
    assert "event retried" not in printed.stdout


# ---- what lives as long as the session ----

VALUE = "DECLARE v e := '1'; BEGIN RETURN v::text; END"
KEPT: dict[str, Bodies] = {
    "an enum": used(
        VALUE,
        "DROP TYPE e;\nCREATE TYPE e AS ENUM ('2', '1');",
        before="CREATE TYPE e AS ENUM ('1');\n",
    ),
    "a domain": used(
        VALUE, "DROP DOMAIN e;\nCREATE DOMAIN e AS varchar;", before="CREATE DOMAIN e AS text;\n"
    ),
    "the type of a column": used(OF_COLUMN, WIDEN + LARGE),
}


@pytest.mark.parametrize("name", KEPT)
def test_the_next_run_completes(
    app: AppFactory, database: Database, other: Database, name: str
) -> None:
    """A function that ran keeps the types of its variables until the session ends."""
    program = app(numbered_files(KEPT[name]))
    one_by_one(program, other)
    outcome = migrate(program)
    assert (outcome.exit, outcome.applied) == (1, [1, 2])
    assert migrate(program).applied == [3]
    assert contents(database) == contents(other)
