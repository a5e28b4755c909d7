"""--reset: everything is dropped but what is not ours, and the migrations run from nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Callable

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Builder, Program
from outcomes import advisory_locks, migrate, versions
from ways import schema, table

TWO = {**table(1, "a"), **table(2, "b")}

# One of each kind that a role without privileges can make, in public and beside it.
KINDS = """
CREATE TABLE people (id serial PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, name text);
CREATE TABLE "Odd "" name" (x int GENERATED ALWAYS AS (1 + 1) STORED);
CREATE TABLE parts (n int) PARTITION BY RANGE (n);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (2);
CREATE UNLOGGED TABLE unlogged () INHERITS (people);
CREATE SEQUENCE counter;
CREATE VIEW named AS SELECT name FROM people;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM people;
CREATE RECURSIVE VIEW nums (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM nums WHERE n < 9;
CREATE TYPE mood AS ENUM ('fine');
CREATE TYPE pair AS (a int, b mood);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE FUNCTION twice(p positive, VARIADIC m mood[]) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION twice() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER twice AFTER INSERT ON people FOR EACH ROW EXECUTE FUNCTION twice();
CREATE PROCEDURE act(INOUT n int) LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE every_one(*) (sfunc = int8inc, stype = int8, initcond = 0);
CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int, initcond = 0);
CREATE OPERATOR === (leftarg = int, rightarg = int, procedure = int4eq);
CREATE OPERATOR !== (rightarg = int, procedure = int4abs);
CREATE COLLATION plain FROM "C";
CREATE CONVERSION mine FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION texts (COPY = pg_catalog.simple);
CREATE STATISTICS moods ON id, name FROM people;
CREATE RULE quiet AS ON DELETE TO people DO INSTEAD NOTHING;
CREATE POLICY all_of_it ON people USING (true);
ALTER TABLE people ADD boss int REFERENCES people, ADD pair pair, ADD moods mood[];
"""

# What only a superuser can make.
PRIVILEGED = """
CREATE OPERATOR CLASS reversed FOR TYPE int USING btree AS
    OPERATOR 1 >, OPERATOR 3 =, FUNCTION 1 btint4cmp(int, int);
CREATE OPERATOR FAMILY several USING hash;
CREATE TEXT SEARCH TEMPLATE templ (LEXIZE = dsimple_lexize);
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION watch();
CREATE CAST (mood AS positive) WITH INOUT;
CREATE FOREIGN DATA WRAPPER far;
CREATE SERVER there FOREIGN DATA WRAPPER far;
CREATE USER MAPPING FOR CURRENT_USER SERVER there;
CREATE FOREIGN TABLE abroad (n int) SERVER there;
"""

# A program whose set adopts by itself.
ADOPTING = """
#include <inlay-cli.h>
extern const struct inlay_set app_migrations;
int main(int argc, char **argv)
{
    struct inlay_set set = app_migrations;
    set.adopt = "%s";
    return inlay_main(argc, argv, &set);
}
"""

BESIDE = "CREATE SCHEMA {0}; SET search_path = {0};" + KINDS


def reset(program: Program, *words: str, **how: Any) -> subprocess.CompletedProcess[str]:
    return program.run("--reset", f"--yes={program.database.name}", *words, **how)


def said(program: Program, *words: str, **how: Any) -> dict[str, Any]:
    """The document of a reset."""
    read: dict[str, Any] = json.loads(reset(program, "--json", *words, **how).stdout)
    return read


@pytest.fixture
def program(app: AppFactory) -> Program:
    return app(TWO)


def objects(database: Database) -> set[str]:
    """All that is in schemas of users, by kind and name, less what belongs to extensions."""
    query = """
        SELECT i.type || ' ' || i.identity
        FROM pg_depend d JOIN pg_namespace n ON d.refobjid = n.oid,
             pg_identify_object(d.classid, d.objid, 0) i
        WHERE d.refclassid = 'pg_namespace'::regclass AND n.nspname !~ '^pg_'
          AND n.nspname <> 'information_schema' AND d.deptype = 'n'
          AND i.type NOT IN ('extension', 'default acl')
          AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = d.classid
                          AND m.objid = d.objid AND m.deptype = 'e')
        UNION ALL SELECT 'schema ' || nspname FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"""
    return {row[0] for row in database.rows(query)}


# ---- what is dropped ----


@pytest.mark.pg_dump
def test_one_of_each_kind(program: Program, database: Database) -> None:
    migrate(program)
    fresh = objects(database)
    empty = schema(database)
    database.execute(KINDS, BESIDE.format("beside"), BESIDE.format('"Odd schema"'))
    assert len(objects(database)) > len(fresh) + 80
    result = reset(program)
    assert result.returncode == 0, result.stderr
    assert objects(database) == fresh and schema(database) == empty
    assert versions(database) == [1, 2] and advisory_locks(database) == 0


def test_what_only_a_superuser_makes(program: Program, database: Database) -> None:
    migrate(program, url=database.admin_url)
    fresh = objects(database)
    database.admin(KINDS + PRIVILEGED, "CREATE SCHEMA beside; SET search_path = beside;" + KINDS)
    result = reset(program, url=database.admin_url)
    assert result.returncode == 0, result.stderr
    assert objects(database) == fresh
    assert database.value("SELECT count(*) FROM pg_event_trigger") == 0
    assert database.value("SELECT count(*) FROM pg_foreign_server") == 0


def test_an_empty_database(program: Program, database: Database) -> None:
    read = said(program)
    assert (read["code"], read["applied"], read["batch"]) == ("ok", 2, 1)
    assert versions(database) == [1, 2]


def test_a_database_without_public(program: Program, database: Database) -> None:
    database.execute("DROP SCHEMA public")
    history = ["--history", "own.history"]
    database.execute("CREATE SCHEMA own", f"ALTER ROLE {database.role} SET search_path = own")
    for _ in range(2):
        assert reset(program, *history).returncode == 0
        assert objects(database) >= {"schema own", "table own.history", "table own.a"}


def test_every_history_goes(app: AppFactory, program: Program, database: Database) -> None:
    other = app(table(7, "seven"), history="elsewhere.history")
    assert migrate(other).exit == 0 and migrate(program).exit == 0
    assert reset(program).returncode == 0
    assert database.value("SELECT to_regclass('elsewhere.history')") is None
    assert migrate(other).applied == [7]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE applied_migrations SET checksum = 'x'",
        "UPDATE applied_migrations SET name = 'other'",
        "INSERT INTO applied_migrations VALUES (99, 'newer')",
        "DELETE FROM applied_migrations",
        "CREATE TABLE schema_migrations AS SELECT 1 AS version, false AS dirty",
    ],
)
def test_whatever_the_history_says(program: Program, database: Database, change: str) -> None:
    migrate(program)
    database.execute(change)
    assert reset(program).returncode == 0
    assert versions(database) == [1, 2] and program.run("--check").returncode == 0


def test_another_tools_database(program: Program, database: Database) -> None:
    database.execute("CREATE TABLE schema_migrations AS SELECT 1 AS version, false AS dirty")
    assert migrate(program).exit == 7
    assert reset(program).returncode == 0
    assert objects(database) >= {"table public.a"}
    assert "table public.schema_migrations" not in objects(database)


def test_repeatables_run_again(app: AppFactory, database: Database) -> None:
    program = app({**TWO, "R__view.sql": "CREATE OR REPLACE VIEW v AS SELECT 1 AS n;"})
    for _ in range(2):
        assert reset(program).returncode == 0
        assert "view public.v" in objects(database)
        assert program.run("--check").returncode == 0


def test_what_would_be_adopted_by_itself(
    builder: Builder, adopt: Callable[[Path], Program], database: Database
) -> None:
    """The other tool's table is gone with the rest: everything runs."""
    adopting = ADOPTING % "golang-migrate=public.schema_migrations"
    program = adopt(builder.program(adopting, TWO, None))
    database.execute(
        "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)",
        "INSERT INTO schema_migrations VALUES (2, false)",
    )
    assert reset(program).returncode == 0
    assert "table public.b" in objects(database) and versions(database) == [1, 2]


def test_a_migration_fails_afterwards(app: AppFactory, database: Database) -> None:
    """Then the rest is that of any run."""
    migrate(app(TWO))
    database.execute("CREATE TABLE mine ()")
    read = said(app({**TWO, "003_typo.sql": "SELECT * FROM nowhere;"}))
    assert (read["exit"], read["applied"]) == (1, 2)
    assert read["error"]["path"] == "migrations/003_typo.sql"
    assert versions(database) == [1, 2] and "table public.mine" not in objects(database)


@pytest.mark.sample
def test_what_makes_its_own_extension(app: AppFactory, database: Database) -> None:
    """And publication: neither of them can be made twice."""
    files = {
        "001_a.sql": "CREATE EXTENSION pg_trgm;\nCREATE SCHEMA more;\n"
        "CREATE EXTENSION citext SCHEMA more;\n"
        "CREATE TABLE words (w more.citext);\n"
        "CREATE INDEX ON words USING gin ((w::text) gin_trgm_ops);\n"
        "CREATE PUBLICATION told FOR TABLE words;\n"
    }
    program = app(files)
    assert migrate(program).exit == 0
    read = said(program)
    assert read["code"] == "ok", read
    assert sorted(read["besides"].split(", ")) == [
        "citext",
        "extension pg_trgm",
        "publication told",
    ]
    assert database.value("SELECT count(*) FROM pg_extension") == 3


# ---- what stays ----


def test_what_stays(program: Program, database: Database) -> None:
    role = database.role
    database.admin(
        "CREATE EXTENSION pg_trgm",
        f"CREATE SCHEMA ext AUTHORIZATION {role}",
        "CREATE EXTENSION citext SCHEMA ext",
        "COMMENT ON SCHEMA public IS 'of the house'",
        f"GRANT USAGE ON SCHEMA public TO {role} WITH GRANT OPTION",
        "CREATE PUBLICATION theirs",
        "SELECT lo_create(4711)",
    )
    database.execute(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC",
        "CREATE TABLE ext.mine (w ext.citext)",
        "CREATE INDEX ON ext.mine (w)",
        "CREATE TABLE mine (t text)",
        "CREATE INDEX ON mine USING gin (t gin_trgm_ops)",
    )
    privileges = "SELECT nspname, nspacl FROM pg_namespace ORDER BY 1"
    defaults = "SELECT defaclacl FROM pg_default_acl"
    before = database.rows(privileges), database.rows(defaults)
    read = said(program)
    assert read["code"] == "ok", read
    assert {s["name"]: s["stays"] for s in read["schemas"]} == {"ext": True, "public": True}
    assert read["besides"] == ""
    assert (database.rows(privileges), database.rows(defaults)) == before
    assert database.value("SELECT obj_description('public'::regnamespace)") == "of the house"
    assert database.value("SELECT count(*) FROM pg_extension") == 3
    assert database.value(
        "SELECT 'abc' % 'abc' AND 'A'::ext.citext OPERATOR(ext.=) 'a'::ext.citext"
    )
    assert database.value("SELECT count(*) FROM pg_publication") == 1
    assert database.value("SELECT count(*) FROM pg_largeobject_metadata WHERE oid = 4711") == 1
    assert database.value("SELECT to_regclass('ext.mine')") is None


def test_others_schemas_that_hold_nothing_of_theirs(program: Program, database: Database) -> None:
    """It is emptied of what is ours."""
    role = database.role
    database.admin("CREATE SCHEMA lent", f"GRANT ALL ON SCHEMA lent TO {role}")
    database.execute("CREATE TABLE lent.mine ()")
    assert reset(program).returncode == 0
    assert "schema lent" in objects(database) and "table lent.mine" not in objects(database)


# ---- the document ----


def test_the_document(program: Program, database: Database) -> None:
    database.execute(
        # In one transaction: else the rows may be counted twice, by ANALYZE and as inserted.
        "CREATE TABLE filled AS SELECT generate_series(1, 3000) AS n; ANALYZE filled",
        "CREATE SCHEMA beside",
        "CREATE VIEW beside.v AS SELECT 1",
        "CREATE FUNCTION beside.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TYPE beside.t AS ENUM ()",
        "CREATE SEQUENCE beside.s",
    )
    read = said(program)
    assert (read["verb"], read["database"], read["role"]) == ("reset", database.name, database.role)
    counts = {"tables": 0, "views": 1, "functions": 1, "types": 1, "others": 1, "rows": 0}
    beside, public = read["schemas"]
    assert beside == {"name": "beside", "stays": False, **counts}
    assert public["tables"] == 1 and public["rows"] == 3000 and public["stays"] is True
    assert (read["besides"], read["applied"], read["backup"]) == ("", 2, None)
    assert [step["result"] for step in read["migrations"]] == ["applied", "applied"]
