"""Every tool of the list, one after the other in one database: the guard tells whose table it is,
its advice is followed, and what the tool calls half done or its lock says is heeded. Then queries,
and tables that are wrong or hostile."""

from __future__ import annotations

import re
import shlex
import time

import pages
from conftest import AppFactory
from foreign_tables import ALL as FIRST
from foreign_tables import AT, BUN, MORE, drop
from harness.database import Database
from harness.program import Program
from outcomes import finish, migrate, versions
from test_adopt import versions_or_none
from ways import go, table

FILES = {**table(1, "a"), **table(2, "b"), **table(3, "c")}
TOOLS_C = pages.TOP / "src" / "library" / "foreign" / "tools.c"


def advice(program: Program) -> str:
    found = re.search(r": (--migrate-adopt \S+);", migrate(program).error["hint"])
    assert found, program.run("--only").stderr
    return found[1]


def test_each_is_adopted_as_the_guard_advises(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    for foreign in MORE:
        database.execute(*foreign.fill())
        advised = advice(program)
        assert advised == f"--migrate-adopt {foreign.tool}"
        assert program.run(*shlex.split(advised)).returncode == 0, foreign.tool
        rows = database.rows(
            "SELECT version, batch, date_trunc('second', applied_at) = '2024-01-02 03:04:05'"
            " FROM applied_migrations ORDER BY version"
        )
        first, second = (4, 5) if foreign.tool == "knex" else (None, None)
        times = foreign.has_times
        assert rows == [(1, first, times), (2, second, times)], foreign.tool
        database.execute(*drop(foreign.table))


def test_a_file_that_is_not_the_one_that_was_applied(app: AppFactory, database: Database) -> None:
    """Prisma keeps a checksum beside the name, and a query can have one."""
    program = app({**FILES, "002_b.up.sql": "CREATE TABLE b (edited int);\n"})
    (prisma,) = (foreign for foreign in MORE if foreign.tool == "prisma")
    query = "query=SELECT migration_name AS name, checksum FROM _prisma_migrations WHERE id < 'c'"
    said = "warning: the text of %s is not the one that was applied, by the checksum in %s\n"
    for source, where in (("prisma", "public._prisma_migrations"), (query, "the query")):
        database.execute(*prisma.fill())
        way = go(program, "adopt", source)
        assert (way.exit, versions(database)) == (0, [1, 2])
        assert said % ("002_b.up.sql", where) in way.stderr
        database.execute(*drop(prisma.table))
    database.execute(*prisma.fill(), "UPDATE _prisma_migrations SET checksum = 'x'")
    others = "public._prisma_migrations; so are others"
    assert said % ("001_a.up.sql", others) in go(program, "adopt", "prisma").stderr
    # Whose checksum is that of the file with LF, which says nothing of one with CRLF.
    program = app({**FILES, "001_a.up.sql": "CREATE TABLE a ();\r\n"})
    database.execute("DROP TABLE applied_migrations, applied_migrations_state")
    alone = ("002_b.up.sql", "public._prisma_migrations")
    assert said % alone in go(program, "adopt", "prisma").stderr


def test_what_is_half_done_is_refused(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    for foreign in (foreign for foreign in MORE if foreign.half):
        database.execute(*foreign.fill())
        database.execute(f"INSERT INTO {foreign.table} {foreign.half}")
        way = go(program, "adopt", foreign.tool, "--allow-missing")
        assert (way.exit, versions_or_none(database)) == (7, None), foreign.tool
        assert re.search(r" says that version \S+ is half done$", way.error["message"])
        assert advice(program) == f"--migrate-adopt {foreign.tool}"  # which says what to do
        database.execute(*drop(foreign.table))


def test_a_lock_row_is_a_lock(app: AppFactory, database: Database) -> None:
    """Also under another name of ours for the same table."""
    program = app(FILES)
    bun_lock = (
        "CREATE TABLE bun_migration_locks (id bigserial, table_name varchar)",
        "INSERT INTO bun_migration_locks (table_name) VALUES ('bun_migrations')",
    )
    locks = [(foreign, foreign.lock) for foreign in MORE if foreign.lock] + [(BUN, bun_lock)]
    for foreign, lock in locks:
        database.execute(*foreign.fill())
        database.execute(*lock)
        for source in (foreign.tool, f"filenames=public.{foreign.table}"):
            way = go(program, "adopt", source, "--lock-wait", "0")
            assert (way.exit, way.code, versions_or_none(database)) == (5, "locked", None), source
            assert way.error["message"] == f"{foreign.tool} is at work on public.{foreign.table}"
        name = lock[0].split()[2]
        assert way.error["detail"].startswith(f"a row of public.{name} says so")
        database.execute(f"DELETE FROM {name}")
        assert go(program, "adopt", foreign.tool).exit == 0 and versions(database) == [1, 2]
        database.execute(*drop(foreign.table))


def test_what_is_left_to_a_baseline(app: AppFactory, database: Database) -> None:
    """Their rows do not say which files were applied, and nothing makes them a list of names."""
    program = app(FILES)
    tables = {
        "Liquibase": ("databasechangelog", "filename text, orderexecuted int", "'1_a.sql', 1"),
        "Laravel": ("migrations", "migration varchar, batch int", "'1_a', 1"),
        "Versioning": ("_v.patches", "patch_name text", "'001_a'"),
        "Alembic": ("alembic_version", "version_num varchar(32)", "'001_a'"),
        "another tool": ("db_version", "version int, minor int", "1, 4"),
        "tern or another tool": ("schema_version", "version int, minor int", "1, 4"),
    }
    for kind, (name, columns, row) in tables.items():
        schema = name.rpartition(".")[0] or "public"
        database.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        database.execute(f"CREATE TABLE {name} ({columns})", f"INSERT INTO {name} VALUES ({row})")
        error = migrate(program).error
        assert error["message"].startswith(f"{kind} has migrated this database"), kind
        assert error["hint"].startswith("say with a query what it has applied (query= of"), kind
        if "another" not in kind:
            full = name if "." in name else f"public.{name}"
            way = go(program, "adopt", f"filenames={full}", "--allow-missing")
            assert way.exit == 7 and "is another tool's" in way.error["message"], kind
        database.execute(*drop(name))


# ---- versions with points, and queries ----

POINTS = {
    "V1__a.sql": "CREATE TABLE a ();",
    "V1.0.1__b_c.sql": "CREATE TABLE b ();",
    "V1.1__d.sql": "CREATE TABLE c ();",
}
DOTTED = [10**12, 10**12 + 10**4]


def test_versions_with_points(app: AppFactory, database: Database) -> None:
    """The numbers that the generator gives them, also of what is written without a point."""
    program = app(POINTS)
    rows = [f"(1, '1', 'a', 'SQL', '', 1, 'x', {AT}, 1, true)"]
    later = f"(2, '1.0.1', 'b c', 'SQL', '', 1, 'x', {AT}, 1, true)"
    for expected in (DOTTED[:1], DOTTED):
        database.execute(*BY["flyway"].fill(f"VALUES {', '.join(rows)}"))
        assert advice(program) == "--migrate-adopt flyway"
        assert go(program, "adopt", "flyway").exit == 0 and versions(database) == expected
        rows.append(later)
        database.execute(*drop("flyway_schema_history"))
    query = "query=SELECT '1.0' AS version UNION SELECT '1.0.1'"
    assert go(program, "adopt", query).exit == 0 and versions(database) == DOTTED
    database.execute(*drop())
    assert go(program, "adopt", "query=SELECT '1.0.1' AS through").exit == 0
    assert versions(database) == DOTTED and migrate(program).applied == [10**12 + 10**8]


ADOPTED = [
    "SELECT max(v) AS through FROM own",
    "SELECT v AS version FROM own;",
    "SELECT v AS version, CASE WHEN v > 2 THEN v END AS half FROM own",
    "SELECT v::numeric AS version, at AS applied_at, 7 AS batch FROM own -- as it is",
    "SELECT v::text AS version, n AS name FROM own",
    "SELECT n AS name, at::text AS applied_at FROM own",
    "SELECT '0' || v || '_' || n || '.sql' AS name FROM own",
    "WITH a AS (TABLE own) SELECT v AS version FROM a;;\n",
    "SELECT 2 AS baseline",
    "SELECT 2.000 AS through",
    "SELECT '2.0' AS through",
    "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t (version, name)",
]
NOTHING = [
    "SELECT max(v) AS through FROM own WHERE v > 2",
    "SELECT max(v) AS baseline, max(at) AS applied_at FROM own WHERE v > 2",
    "SELECT v AS version FROM own WHERE v > 2",
]
REFUSED = [
    ("SELECT v FROM own", 'the query has a column "v" that is unknown here'),
    ("SELECT v > 0 AS version FROM own", 'version is not one: "true"'),
    (
        "SELECT v AS version, now() - at AS applied_at FROM own",
        "invalid input syntax for type timestamp",
    ),
    (
        "SELECT v AS version, v AS version FROM own",
        'a column "version" that is unknown here, or there twice',
    ),
    ("SELECT v AS version FROM own; DROP TABLE own", "syntax error"),
    ("DELETE FROM own RETURNING v AS version", "syntax error"),
    ("WITH d AS (DELETE FROM own RETURNING v) SELECT v AS version FROM d", "top level"),
    ("SELECT loses() AS version", "read-only transaction"),
    ("SELECT nextval('s') AS version", "read-only transaction"),
    ("SELECT 1 AS version) AS x, (SELECT loses() AS version", "read-only transaction"),
    ("SELECT 1 / (v - 2) AS version FROM own", "the query failed: division by zero"),
    ("SELECT v AS through FROM own", "more than one row for its version"),
    ("SELECT NULL::int AS version", "has a row without a version"),
    ("SELECT 1.5 AS through", "has a number with a fraction: 1.5"),
    ("SELECT 1.5::float8 AS baseline", "has a number with a fraction: 1.5"),
    ("SELECT '1.5' AS through", "not have the same migrations"),
    ("SELECT 1 AS version, 2 AS through", 'a row that says two things of versions: "2"'),
    ("SELECT 'a' AS name, 2 AS baseline", 'a row that says two things of versions: "2"'),
    ("SELECT 1 AS through, 2 AS baseline", 'a row that says two things of versions: "1"'),
    ("SELECT 1 AS version, 9223372036854775807 AS batch", "a row whose batch is not one: "),
    ("SELECT 1 AS version, -1 AS batch", 'a row whose batch is not one: "-1"'),
    ("SELECT 1 AS version, 'x' AS batch", 'a row whose batch is not one: "x"'),
    ("SELECT NULL::int AS through FROM own", "has a row without a version"),
    ("SELECT 1e30 AS version", "a row whose version is not one"),
    ("SELECT 'NaN'::numeric AS version", "a row whose version is not one"),
    ("SELECT at AS applied_at FROM own", "has a row without a version"),
    ("SELECT v AS half FROM own", "says that version 1 is half done"),
    ("SELECT v AS version, false AS half FROM own", 'a column "half" that is true or false'),
    ("SELECT v AS version, NULL::bool AS half FROM own", 'a column "half" that is true or false'),
    ("SELECT 'x' AS name", "a row that names no migration of this binary"),
    ("SELECT max(v) AS version FROM own", "not have the same migrations"),
    ("COMMIT", "the query failed: syntax error"),
]


def test_a_query_that_was_given(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    database.execute(
        "CREATE TABLE own (v int, n text, at timestamptz)",
        f"INSERT INTO own VALUES (1, 'a', {AT}), (2, 'b', {AT})",
        "CREATE SEQUENCE s",
        "CREATE FUNCTION loses() RETURNS int LANGUAGE sql AS 'DELETE FROM own RETURNING v'",
    )
    for query in ADOPTED:
        said = program.run("--adopt", f"query={query}")
        assert said.returncode == 0 and versions(database) == [1, 2], (query, said.stderr)
        assert said.stderr.endswith("adopted 2 migrations from the query; nothing was run\n")
        assert go(program, "adopt", f"query={query}").exit == 0  # already so
        database.execute(*drop())
    for query, message in REFUSED:
        way = go(program, "adopt", f"query={query}")
        assert way.exit in (4, 7) and message in way.error["message"], (query, way.error)
        assert versions_or_none(database) is None, query
        assert database.value("SELECT count(*) FROM own") == 2, query
    for query in NOTHING:
        said = program.run("--adopt", f"query={query}")
        assert said.returncode == 0 and versions_or_none(database) is None, (query, said.stderr)
        assert said.stderr == "the query has no applied migration: nothing to adopt\n"
    assert "is one SELECT" in go(program, "adopt", "query=DROP TABLE own").error["hint"]
    assert (
        "through and baseline take a number"
        in go(program, "adopt", "query=SELECT 'b' AS through").error["hint"]
    )
    assert (
        "a counter is no list: --migrate-adopt 'query="
        in go(program, "adopt", "query=SELECT max(v) AS version FROM own").error["hint"]
    )


def test_while_another_session_holds_a_table(app: AppFactory, database: Database) -> None:
    """A query, and the guard, which reads as well: what is waited for, and who holds it."""
    program = app(FILES)
    table_name = "public.goose_db_version"
    database.execute(*BY["goose"].fill())
    with database.connect() as holder:
        holder.execute("LOCK TABLE goose_db_version")
        query = "query=SELECT version_id AS version FROM goose_db_version"
        ways = {
            "a table of the query": go(program, "adopt", query, "--lock-wait", "0"),
            table_name: go(program, "only", "--lock-wait", "0"),
        }
        for name, way in ways.items():
            assert (way.exit, way.code, versions_or_none(database)) == (5, "locked", None), name
            assert way.error["message"] == f"a lock on {name} was not obtained in time"
            held = rf"pid {holder.info.backend_pid} .* holds AccessExclusiveLock on {table_name}$"
            assert re.match(held, way.error["detail"]), way.error
        running = program.start("--only", "--json")
        assert running.stderr is not None
        assert f"waiting: a lock on {table_name} was not obtained" in running.stderr.readline()
        time.sleep(3)  # longer than a single try
        assert running.poll() is None
    assert finish(running).error["message"].startswith("goose has migrated this database")
    busy = "BEGIN RAISE 'the lamp is busy' USING ERRCODE = '55P03'; END"
    database.execute(f"CREATE FUNCTION busy() RETURNS int LANGUAGE plpgsql AS $${busy}$$")
    way = go(program, "adopt", "query=SELECT busy() AS version", "--lock-wait", "0")
    assert (way.code, way.error["detail"]) == ("locked", "the lamp is busy")


# ---- what is wrong or hostile ----


def test_another_set_with_the_same_numbers(app: AppFactory, database: Database) -> None:
    database.execute(*BY["sql-migrate"].fill(f"VALUES ('001_x.sql', {AT}), ('002_y.sql', {AT})"))
    program = app(FILES)
    ways: list[list[str]] = [[], ["--allow-missing"]]
    for more in ways:
        way = go(program, "adopt", "sql-migrate", *more)
        assert (way.exit, way.code, versions_or_none(database)) == (4, "mismatch", None)
        assert way.error["detail"] == "of another name there: 1 (001_x.sql), 2 (002_y.sql)"
        assert way.error["hint"].startswith("not one migration is the same: ")
    database.execute("UPDATE gorp_migrations SET id = '002_b.sql' WHERE id = '002_y.sql'")
    for more in ways:
        way = go(program, "adopt", "sql-migrate", *more)
        assert (way.exit, way.error["detail"]) == (4, "of another name there: 1 (001_x.sql)")
        assert versions_or_none(database) is None
    assert "query=SELECT ... AS version" in way.error["hint"]
    query = "query=SELECT left(id, 3) AS version FROM gorp_migrations"
    assert go(program, "adopt", query).exit == 0 and versions(database) == [1, 2]


def test_what_never_ran_is_not_adopted(app: AppFactory, database: Database) -> None:
    """Neither is another migration with its number; versions that lack are another matter."""
    rows = [f"({n}, '{what}', {AT}, true, '', 1)" for n, what in ((1, "a"), (2, "drop it"))]
    database.execute("CREATE TABLE a ()", *BY["sqlx"].fill(f"VALUES {', '.join(rows)}"))
    program = app(FILES)
    way = go(program, "adopt", "sqlx", "--allow-missing")
    assert (way.exit, way.code, versions_or_none(database)) == (4, "mismatch", None)
    assert way.error["detail"] == "of another name there: 2 (drop it)"
    database.execute("UPDATE _sqlx_migrations SET version = 9 WHERE version = 2")
    assert go(program, "adopt", "sqlx", "--allow-missing").exit == 0
    assert versions(database) == [1] and migrate(program).applied[0] == 2


BY = {foreign.tool: foreign for foreign in (*FIRST, *MORE)}
VERSIONS = "CREATE TABLE t (version varchar)"
FILE_NAMES = "CREATE TABLE t (f text)"
COUNTER = "CREATE TABLE t (version int)"
NOT_ONE = "has a row whose version is not one"
NONE = "has a row that names no migration of this binary"
# tool, the table t, its rows, what the refusal says
HOSTILE = [
    ("knex", "CREATE TABLE t (name text, migration_time timestamp)", "", 'has no column "batch"'),
    ("knex", "CREATE TABLE t (name text, migration_time date, batch int)", "", "is not a time"),
    ("sequelize", "CREATE TABLE t (name json)", "", 'has a column "name" that is not text'),
    ("sequelize", 'CREATE TABLE t (name text, "createdAt" text)', "", "that is not a time"),
    ("typeorm", "CREATE TABLE t (timestamp numeric, name text)", "", "is not a whole number"),
    ("tern", "CREATE TABLE t (version int, minor int)", "", "has more columns"),
    ("tern", COUNTER, "(1), (2)", "has more than one row for its version"),
    ("tern", COUNTER, "(NULL)", "has a row without a version"),
    ("tern", COUNTER, "(-1)", NOT_ONE),
    ("rails", VERSIONS, "('1e30')", NOT_ONE),
    ("rails", VERSIONS, f"('{10**30}')", NOT_ONE),
    ("rails", VERSIONS, "('1'), ('01')", "has more than one row for "),
    ("rails", VERSIONS, "(NULL)", "has a row without a version"),
    (
        "rails",
        "CREATE TABLE u (version varchar); CREATE VIEW t AS TABLE u",
        "",
        "an ordinary table",
    ),
    ("rails", "CREATE MATERIALIZED VIEW t AS SELECT '1' AS version", "", "an ordinary table"),
    ("rails", f"{VERSIONS} PARTITION BY LIST (version)", "", "an ordinary table"),
    ("rails", f"{VERSIONS}; ALTER TABLE t ENABLE ROW LEVEL SECURITY", "", "has row security"),
    ("rails", "CREATE DOMAIN d AS varchar; CREATE TABLE t (version d)", "", "that is not text"),
    ("rails", "CREATE TYPE e AS ENUM ('1'); CREATE TABLE t (version e)", "", "that is not text"),
    ("rails", f"{VERSIONS}; REVOKE SELECT ON t FROM CURRENT_USER", "", "may not read w"),
    ("sqitch", "CREATE TABLE t (change_id text, event text)", "", 'has no column "change"'),
    ("hasura", "CREATE TABLE t (cli_state text)", "", "that is not jsonb"),
    (
        "hasura",
        "CREATE TABLE t (cli_state jsonb)",
        """('{"migrations": {"a": 1}}')""",
        "non-object",
    ),
    ("drizzle", "CREATE TABLE t (hash text)", f"('{'0' * 64}')", NONE),
    ("yoyo", "CREATE TABLE t (migration_id text, applied_at_utc date)", "", "without a zone"),
    ("filenames", "CREATE TABLE t (f text, note text)", "", "has several columns of text"),
    ("filenames", "CREATE TABLE t (filename int)", "", "that is not text"),
    ("filenames", FILE_NAMES, "('2')", NONE),
    ("filenames", FILE_NAMES, "('1_a'), ('01_a')", "has more than one row for "),
    ("filenames", FILE_NAMES, "('1_a'), (NULL)", "has a row without a version"),
]


def test_tables_that_are_wrong(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    statements = []
    for number, (_, create, rows, _) in enumerate(HOSTILE):
        fill_it = f"; INSERT INTO t VALUES {rows}" if rows else ""
        statements.append(f"CREATE SCHEMA w{number}")
        statements.append(f"SET search_path = w{number}; {create}{fill_it}")
    database.execute(*statements)
    for number, (tool, create, _, said) in enumerate(HOSTILE):
        way = go(program, "adopt", f"{tool}=w{number}.t", "--allow-missing")
        assert (way.exit, way.steps) == (7, []), (tool, create)
        assert said in way.error["message"], (tool, create)
    assert versions_or_none(database) is None


# ---- one list ----


def test_the_list_is_one() -> None:
    """A row in tools.c has a table here and a section in docs/tools.md (test_docs_tools.py), and
    needs nothing else."""
    rows = TOOLS_C.read_text()
    names = set(re.findall(r'\.name = "([^"]+)"', rows)) - {"query"}
    assert names == set(BY) | {"node-pg-migrate"}
    sources = (pages.TOP / "src" / "library").rglob("*.[ch]")
    code = "".join(path.read_text() for path in sources if path != TOOLS_C)
    only = {foreign.tool for foreign in MORE} - {"rails", "databases"}
    assert {name for name in only if re.search(rf'"[^"]*\b{name}\b', code)} == set()
