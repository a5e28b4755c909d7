"""--schema prints the schema of a migrated database as text, and --drift says how a database
differs from the one that is embedded."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

import every_kind
from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.program import Builder, Program

EMBED = ["--schema", "migrations/SCHEMA"]
FILES = {"001_a.sql": "CREATE TABLE a (x integer DEFAULT 1);\nCREATE VIEW v AS SELECT x FROM a;\n"}


def drift(program: Program, *options: str, exit: int = 4, **how: Any) -> list[tuple[str, str]]:
    """What differs, and how."""
    result = program.run("--drift", "--json", *options, **how)
    document = json.loads(result.stdout)
    assert result.returncode == exit, result.stderr
    return [(one["difference"], one["object"]) for one in document["differences"]]


def embedding(app: AppFactory, files: dict[str, str], edit: tuple[str, str] = ("", "")) -> Program:
    """A program that has migrated, and embeds the schema that came of it."""
    plain = app(files)
    assert plain.run("--only").returncode == 0
    text = plain.run("--schema").stdout
    assert edit[0] in text
    return app({**files, "SCHEMA": text.replace(*edit)}, embed=EMBED)


def with_its_own_public(database: Database) -> None:
    """Before 15 everybody may create in public, which the harness takes away."""
    if int(database.value("SHOW server_version_num")) < 150000:
        database.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")


# ---- the file of the reference server ----


def test_the_reference_server(
    reference_server: Program, database: Database, builder: Builder
) -> None:
    with_its_own_public(database)
    assert reference_server.run("--migrate-only").returncode == 0
    result = reference_server.run("--migrate-drift")
    assert result.returncode == 0, result.stdout
    text = reference_server.run("--migrate-schema").stdout
    kept = (builder.source / "migrations" / "SCHEMA").read_text()
    assert text.splitlines()[1:] == kept.splitlines()[1:]


# ---- one change at a time ----

BASE = {"001_base.sql": "".join(f"{statement};\n" for statement in every_kind.STATEMENTS)}


@pytest.fixture
def every(app: AppFactory) -> Program:
    program = embedding(app, BASE)
    assert drift(program, exit=0) == []
    return program


# A change, what it is called, and the object; of one that differs, a line that tells.
CHANGES = [
    ("CREATE TABLE extra ()", "extra", "table public.extra", ""),
    ("DROP TABLE child", "missing", "table public.child", ""),
    ("ALTER TABLE t ADD extra integer", "different", "table public.t", "+     extra integer"),
    ("ALTER TABLE t DROP spare", "different", "table public.t", "-     spare integer"),
    ("ALTER TABLE t ALTER spare TYPE bigint", "different", "table public.t", "+     spare bigint"),
    (
        "ALTER TABLE t ALTER spare SET NOT NULL",
        "different",
        "table public.t",
        "+     spare integer NOT NULL",
    ),
    (
        "ALTER TABLE t ALTER name SET DEFAULT 'y'",
        "different",
        "table public.t",
        "+   |     DEFAULT 'y'::text",
    ),
    (
        "ALTER TABLE t ALTER id SET GENERATED ALWAYS",
        "different",
        "table public.t",
        "+     id bigint NOT NULL GENERATED ALWAYS AS IDENTITY",
    ),
    (
        "ALTER TABLE t ALTER twice DROP EXPRESSION",
        "different",
        "table public.t",
        "+     twice bigint",
    ),
    (
        "ALTER TABLE t ALTER name SET STATISTICS 9",
        "different",
        "table public.t",
        "+     name text STATISTICS 9",
    ),
    ("ALTER TABLE t RENAME spare TO other", "different", "table public.t", "+     other integer"),
    (
        "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 1)",
        "extra",
        "table public.t constraint c",
        "",
    ),
    ("ALTER TABLE t DROP CONSTRAINT k", "missing", "table public.t constraint k", ""),
    ("ALTER TABLE u DROP CONSTRAINT u_t_fkey", "missing", "table public.u constraint u_t_fkey", ""),
    (
        "ALTER TABLE u DROP CONSTRAINT u_t_fkey, ADD FOREIGN KEY (t) REFERENCES t NOT VALID",
        "different",
        "table public.u constraint u_t_fkey",
        "+     FOREIGN KEY (t) REFERENCES public.t(id) NOT VALID",
    ),
    ("ALTER TABLE u DROP CONSTRAINT u_pkey", "missing", "table public.u constraint u_pkey", ""),
    ("CREATE INDEX hot ON t (spare)", "extra", "table public.t index hot", ""),
    ("DROP INDEX t_name", "missing", "table public.t index t_name", ""),
    (
        "ALTER INDEX t_name SET (fillfactor = 50)",
        "different",
        "table public.t index t_name",
        "+   | CREATE INDEX t_name ON public.t USING btree (lower(name)) WITH (fillfactor='50')",
    ),
    ("ALTER TABLE t SET (fillfactor = 50)", "different", "table public.t", "+     WITH (fillf"),
    ("ALTER TABLE t ENABLE ROW LEVEL SECURITY", "different", "table public.t", "+     ROW LEVEL"),
    ("DROP POLICY p ON t", "missing", "table public.t policy p", ""),
    ("ALTER POLICY p ON t USING (id > 9)", "different", "table public.t policy p", "+   | USING"),
    (
        "ALTER TABLE t DISABLE TRIGGER touch",
        "different",
        "table public.t trigger touch",
        "+     DISABLED",
    ),
    ("DROP RULE r ON lonely", "missing", "table public.lonely rule r", ""),
    (
        "CREATE OR REPLACE VIEW v AS SELECT id FROM t WHERE id > 3",
        "different",
        "view public.v",
        "+   |   WHERE (",
    ),
    (
        "REFRESH MATERIALIZED VIEW m",
        "different",
        "materialized view public.m",
        "-     WITH NO DATA",
    ),
    (
        "CREATE OR REPLACE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 2'",
        "different",
        "function public.f(integer)",
        "+         SELECT 2",
    ),
    (
        "ALTER FUNCTION f(integer) SECURITY DEFINER",
        "different",
        "function public.f(integer)",
        "+     LANGUAGE sql SECURITY DEFINER",
    ),
    (
        "CREATE FUNCTION f(a text) RETURNS integer LANGUAGE sql AS 'SELECT 2'",
        "extra",
        "function public.f(pg_catalog.text)",
        "",
    ),
    ("ALTER TYPE mood ADD VALUE 'so' BEFORE 'good'", "different", "type public.mood", "+     'so'"),
    ("ALTER DOMAIN d SET NOT NULL", "different", "type public.d", "+     DOMAIN OVER integer NOT"),
    ("ALTER TYPE pair ADD ATTRIBUTE z integer", "different", "type public.pair", "+     z integer"),
    ("ALTER SEQUENCE s INCREMENT 7", "different", "sequence public.s", "+     AS bigint INCREMENT"),
    ("COMMENT ON TABLE t IS 'x'", "different", "table public.t", "+     COMMENT 'x'"),
    ("GRANT SELECT ON t TO PUBLIC", "different", "table public.t", "+     GRANT SELECT TO PUBLIC"),
    (
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
        "extra",
        "default privileges for OWNER on tables",
        "",
    ),
    ("CREATE SCHEMA extra", "extra", "schema extra", ""),
    ("CREATE EXTENSION citext", "extra", "extension citext", ""),
    ("DROP STATISTICS st", "missing", "table public.t statistics public.st", ""),
    (
        "ALTER TABLE child NO INHERIT lonely",
        "different",
        "table public.child",
        "-     INHERITS (public.lonely)",
    ),
    ("DROP OPERATOR === (integer, integer)", "missing", "operator public.===(integer,integer)", ""),
    (
        "ALTER TABLE t CLUSTER ON t_pkey",
        "different",
        "table public.t constraint t_pkey",
        "+     CLUSTER",
    ),
]


@pytest.mark.parametrize("change", CHANGES, ids=[change[0] for change in CHANGES])
def test_a_single_change(
    every: Program, database: Database, change: tuple[str, str, str, str]
) -> None:
    """It is named, and nothing else is."""
    statement, difference, name, line = change
    database.execute(statement)
    assert drift(every) == [(difference, name)]
    (found,) = json.loads(every.run("--drift", "--json").stdout)["differences"]
    assert any(one.startswith(line) for one in found["lines"]) == bool(line), found
    shown = every.run("--drift").stdout.splitlines()
    assert shown == [f"{difference}: {name}", *(f"  {one}" for one in found["lines"])]


def test_another_order(app: AppFactory, database: Database) -> None:
    """Each line that has moved is shown once; with another change as it was and as it is."""
    table = "CREATE TABLE a (x integer, y text, z date DEFAULT '2024-01-01');\n"
    program = embedding(app, {"001_a.sql": table})
    database.execute("ALTER TABLE a DROP y, ADD y text")
    assert drift(program) == [("different", "table public.a")]
    shown = program.run("--drift").stdout
    assert shown == "different: table public.a, in another order\n  ~     y text\n"
    database.execute("ALTER TABLE a ADD v integer")
    lines = program.run("--drift").stdout.splitlines()
    assert lines == ["different: table public.a", "  -     y text", "  +     y text"] + [
        "  +     v integer"
    ]


def test_a_body_from_windows(app: AppFactory, database: Database) -> None:
    """A CR at the end of a line is lost on the way through git, and means nothing."""
    body = "CREATE FUNCTION f() RETURNS integer LANGUAGE plpgsql AS $$\r\nBEGIN\r\n\r\n"
    body += "  RETURN 1;\r\nEND\r\n$$;\r\nCOMMENT ON FUNCTION f() IS E'two\\r\\nlines';\r\n"
    program = embedding(app, {"001_f.sql": body})
    assert drift(program, exit=0) == []
    text = program.run("--schema").stdout
    assert "\r" not in text
    database.execute(body.replace("\r\n", "\n").replace("CREATE F", "CREATE OR REPLACE F"))
    assert program.run("--schema").stdout == text
    assert drift(program, exit=0) == []


def test_it_only_reads(every: Program, database: Database) -> None:
    """A role that may read the history is enough, and owners are as others see them."""
    reader = database.add_role("reader")
    database.execute(f'GRANT SELECT ON applied_migrations, applied_migrations_state TO "{reader}"')
    url = database.url_for(reader, options="-cdefault_transaction_read_only=on")
    assert drift(every, exit=0, url=url) == []


# ---- the same on every server ----


def test_every_server_prints_the_same(app: AppFactory, database: Database) -> None:
    """But for what every_kind.py lists."""
    with_its_own_public(database)
    program = app(BASE)
    assert program.run("--only").returncode == 0
    text = program.run("--schema").stdout
    major = int(database.value("SHOW server_version_num")) // 10000
    head, *lines = text.splitlines()
    assert head == f"-- inlay schema 1, PostgreSQL {major}"
    other = every_kind.PRINTED_OTHERWISE
    for old, new in other["before"] if major < 15 else other["after"] if major > 15 else []:
        assert new in lines
        lines[lines.index(new)] = old
    assert "\n".join(lines) + "\n" == every_kind.TEXT


def test_settings_of_the_role_do_not_matter(app: AppFactory, database: Database) -> None:
    program = embedding(app, BASE)
    for name, value in {
        "quote_all_identifiers": "on",
        "datestyle": "German",
        "intervalstyle": "iso_8601",
        "timezone": "Asia/Tokyo",
        "extra_float_digits": "-2",
        "search_path": "pg_catalog",
    }.items():
        database.admin(f"ALTER ROLE {database.role} SET {name} = '{value}'")
    assert drift(program, exit=0) == []


def test_another_major_version(app: AppFactory, database: Database) -> None:
    """Views and defaults are not compared then; columns and their types are."""
    major = int(database.value("SHOW server_version_num")) // 10000
    program = embedding(app, FILES, (f"PostgreSQL {major}\n", "PostgreSQL 99\n"))
    database.execute(
        "ALTER TABLE a ALTER x SET DEFAULT 2",
        "CREATE OR REPLACE VIEW v AS SELECT x FROM a WHERE x > 1",
    )
    result = program.run("--drift")
    assert result.returncode == 0
    assert f"; that is from PostgreSQL 99, and this is {major}: " in result.stderr
    database.execute("ALTER TABLE a ADD y integer", "DROP VIEW v")
    assert drift(program) == [("different", "table public.a"), ("missing", "view public.v")]


# ---- what may differ ----

ALLOWED = {
    "table public.extra": [],
    "table public.e*a": [],
    "*": [],
    "# table public.extra\n\ntable public.extra": [],
    "table public.a: +*\ntable public.extra": [("different", "table public.a")],
    "table public.a: GRANT * TO PUBLIC\n*extra": [],
    "# from Windows\r\n\r\ntable public.e*a\r\n": [],
    "table public.a: COMMENT*": [("different", "table public.a"), ("extra", "table public.extra")],
}


@pytest.mark.parametrize("allowed", ALLOWED, ids=repr)
def test_what_may_differ(app: AppFactory, database: Database, allowed: str) -> None:
    program = embedding(app, FILES)
    database.execute("CREATE TABLE extra ()")
    if "public.a" in allowed:
        database.execute("GRANT SELECT ON a TO PUBLIC")
    wanted = ALLOWED[allowed]
    assert drift(program, "--allow-drift", allowed, exit=4 if wanted else 0) == wanted


def test_what_belongs_to_others_is_left_out(app: AppFactory, database: Database) -> None:
    """Temporary tables, extensions, the history; grants to its owner on public."""
    program = embedding(app, FILES)
    database.admin(
        "CREATE TABLE member ()",
        "CREATE EXTENSION pg_trgm",
        "ALTER EXTENSION pg_trgm ADD TABLE member",
        f'GRANT CREATE ON SCHEMA public TO "{database.role}"',
    )
    database.execute("CREATE INDEX i ON applied_migrations (name)")
    with database.connect(autocommit=True) as other:
        other.execute("CREATE TEMPORARY TABLE t (id serial PRIMARY KEY)")
        assert drift(program) == [("extra", "extension pg_trgm")]


def test_no_password_is_in_it(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    assert program.run("--only").returncode == 0
    database.admin(
        "CREATE FOREIGN DATA WRAPPER w OPTIONS (password 'hidden1')",
        "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'h', api_token 'hidden2')",
        "CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (user 'u', password 'hidden3')",
    )
    text = program.run("--schema").stdout
    assert "server s user mapping for PUBLIC\n" in text and "hidden" not in text
    assert "    OPTIONS (api_token, host=h)\n" in text


# ---- what is refused ----


def test_something_is_pending(app: AppFactory) -> None:
    program = app({**FILES, "SCHEMA": ""}, embed=EMBED)
    result = program.run("--schema")
    assert (result.returncode, result.stdout) == (3, "")
    program = app(
        {**FILES, "SCHEMA": "-- inlay schema 1, PostgreSQL 15\n"},
        embed=EMBED,
    )
    assert program.run("--drift").returncode == 3


def test_a_newer_database(app: AppFactory) -> None:
    program = embedding(app, FILES)
    assert app({**FILES, "002_b.sql": "CREATE TABLE b ();"}).run("--only").returncode == 0
    for verb in ("--schema", "--drift"):
        result = program.run(verb)
        assert (result.returncode, result.stdout) == (4, "")
        assert result.stderr.startswith("error: "), result.stderr


def test_nothing_is_embedded(app: AppFactory) -> None:
    program = app(FILES)
    assert program.run("--only").returncode == 0
    result = program.run("--drift")
    assert result.returncode == 2
    assert result.stderr.startswith("error: no schema is embedded in this binary, or not as ")


def test_an_embedded_schema_of_another_form(program: ProgramFactory) -> None:
    source = """\
        #include <inlay-cli.h>
        #include <string.h>
        extern const struct inlay_set app_migrations;
        int main(int argc, char **argv)
        {
            struct inlay_set set;
            memcpy(&set, &app_migrations, sizeof set);
            set.schema = "-- inlay schema 9, PostgreSQL 15\\n";
            return inlay_main(argc, argv, &set);
        }
        """
    made = program(source, FILES)
    assert made.run("--only").returncode == 0
    result = made.run("--drift")
    assert result.returncode == 2
    assert "error: no schema is embedded in this binary, or not as " in result.stderr
    assert made.run("--schema").returncode == 0


@pytest.mark.parametrize("wait", ["", "2500ms"])
def test_a_lock_on_a_table(app: AppFactory, database: Database, wait: str) -> None:
    """The server waits to print a view; it is said who has it, and the call ends. A timeout of
    the role, which a large catalog would meet too, is not what ends it."""
    program = embedding(app, FILES)
    if wait:
        database.admin(f"ALTER ROLE {database.role} SET statement_timeout = '1s'")
    with database.connect(application_name="the holder") as other:
        named = rf"pid {other.info.backend_pid} \(the holder, in its transaction for [0-9]+ s\)"
        other.execute("LOCK TABLE v IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        result = program.run("--drift", *(["--lock-wait", wait] if wait else []))
        assert result.returncode == 5
        assert 9.5 < time.monotonic() - began < 13 if not wait else time.monotonic() - began < 6
    named += " holds AccessExclusiveLock on public.[av]"
    lines = result.stderr.splitlines()
    assert re.match("waiting for a lock on a table: " + named, lines[0]), lines
    assert lines[1] == "error: a lock on a table was not obtained in time [55P03]"
    assert re.match("  detail: " + named, lines[2])


# ---- in C ----

CALLS = """\
    #include <inlay-admin.h>
    #include <stdio.h>
    #include <stdlib.h>
    extern const struct inlay_set app_migrations;
    int main(void)
    {
        struct inlay_schema *schema = NULL;
        struct inlay_error err;
        struct inlay_options options = {.size = sizeof options,
                                        .conninfo = getenv("INLAY_DATABASE_URL")};
        int rc = inlay_migrate(&app_migrations, &options, NULL, &err);
        %s
        return rc;
    }
    """
CALL = """\
        if (rc == INLAY_OK)
            rc = inlay_schema_read(&app_migrations, &options, &schema, &err);
        if (rc == INLAY_OK)
            printf("%d %d %zu %s", schema->major > 12, schema->embedded_major,
                   schema->difference_count, schema->text);
        inlay_schema_free(schema);
        inlay_schema_free(NULL);
        if (inlay_schema_read(&app_migrations, NULL, NULL, &err) != INLAY_E_ARGUMENT)
            return 99;
"""


def names(path: Path) -> str:
    return subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout


def test_from_c(program: ProgramFactory) -> None:
    made = program(CALLS % CALL, FILES)
    result = made.run()
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("1 0 0 -- inlay schema 1, PostgreSQL ")
    assert "inlay_catalog" in names(made.path)


def test_what_does_not_call_it_does_not_have_it(program: ProgramFactory) -> None:
    made = program(CALLS % "(void)schema;", FILES)
    assert "inlay_migrate" in names(made.path)
    assert "inlay_catalog" not in names(made.path)
    assert "inlay_schema" not in names(made.path)
