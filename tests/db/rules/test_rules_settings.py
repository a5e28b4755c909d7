"""A text means the same wherever it runs: what is always inlay's, the server's, the client's."""

from __future__ import annotations

import re
from typing import Any, Callable
from urllib.parse import quote

import psycopg
import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import advisory_locks, check, migrate, tables
from pages import DOCS
from phases import ALONE

# ---- what is always inlay's ----

SHOWN = "current_setting('NAME')"
BODY_REFUSED = "refuses('CREATE FUNCTION absent() RETURNS int LANGUAGE sql AS ''SELECT nothing''')"

# What somebody has set, an expression that means another thing then, and its value as it is meant.
# What shows in ways of its own alone is asked for by its name.
OURS = {
    "array_nulls": ("off", "('{NULL}'::text[])[1]", None),
    "backslash_quote": ("off", r"E'it\'s'", "it's"),
    "bytea_output": ("escape", r"'\x61'::bytea::text", r"\x61"),
    "check_function_bodies": ("off", f"public.{BODY_REFUSED}", "true"),
    "extra_float_digits": ("0", "0.1::float8 + 0.2::float8", "0.30000000000000004"),
    "IntervalStyle": ("iso_8601", "'1 day'::interval", "1 day"),
    "row_security": ("off", SHOWN, "on"),
    "standard_conforming_strings": ("off", r"'^\d+$'", r"^\d+$"),
    "transform_null_equals": ("on", "1 = NULL", None),
    "xmloption": ("document", SHOWN, "content"),
}
SETUP = """
CREATE TABLE public.seen (number int, name text, value text);
CREATE FUNCTION public.refuses(statement text) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN EXECUTE statement; EXECUTE 'DROP FUNCTION absent()'; RETURN false;
EXCEPTION WHEN undefined_column THEN RETURN true; END $$;
"""


def seeing_files(head: str) -> dict[str, str]:
    """Two migrations that see each setting: the second comes after a reset."""
    see = "INSERT INTO public.seen SELECT NUMBER, 'NAME', (PROBE)::text;\n"
    text = "".join(
        see.replace("PROBE", probe).replace("NAME", name) for name, (_, probe, _) in OURS.items()
    )
    return {"1_setup.sql": SETUP} | {
        f"{n}_see.sql": head + text.replace("NUMBER", str(n)) for n in (2, 3)
    }


def assert_seen(database: Database) -> None:
    meant = [(name, value) for name, (_, _, value) in OURS.items()]
    for number in (2, 3):
        seen = "SELECT name, value FROM public.seen WHERE number = %s"
        assert database.rows(seen, number) == meant


Bring = Callable[[Database, "dict[str, str]"], "dict[str, Any]"]


def as_options(settings: dict[str, str]) -> str:
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def by_role(database: Database, settings: dict[str, str]) -> dict[str, Any]:
    for name, value in settings.items():
        database.admin(f"ALTER ROLE {database.role} SET {name} = '{value}'")
    return {}


def by_database(database: Database, settings: dict[str, str]) -> dict[str, Any]:
    for name, value in settings.items():
        database.admin(f"ALTER DATABASE {database.name} SET {name} = '{value}'")
    return {}


def by_url(database: Database, settings: dict[str, str]) -> dict[str, Any]:
    return {"url": f"{database.url}&options={quote(as_options(settings))}"}


def by_environment(database: Database, settings: dict[str, str]) -> dict[str, Any]:
    return {"env": {"PGOPTIONS": as_options(settings)}}


def told(row: int) -> dict[str, str]:
    """The settings in a row of the manual's table, with the values that are told there."""
    page = (
        (DOCS / "reliability.md").read_text().partition("### A text means the same everywhere")[2]
    )
    first = page.partition("|---|---|\n")[2].splitlines()[row].split("|")[1]
    return dict(re.findall(r"`(\w+)(?:=(\w+))?`", first))


BRINGS = [by_role, by_database, by_url, by_environment]
OTHERS = {name: other for name, (other, _, _) in OURS.items()}


@pytest.mark.parametrize("bring", BRINGS)
@pytest.mark.parametrize("head", ["", ALONE], ids=["transaction", "no transaction"])
def test_what_others_have_set_means_nothing(
    app: AppFactory, database: Database, bring: Bring, head: str
) -> None:
    outcome = migrate(app(seeing_files(head)), **bring(database, OTHERS))
    assert outcome.exit == 0, outcome.stderr
    assert_seen(database)


def test_behind_a_transaction_pooler_too(app: AppFactory, database: Database) -> None:
    """There it holds for the transaction alone."""
    how = by_role(database, OTHERS)
    outcome = migrate(app(seeing_files("")), "--pooler=transaction", **how)
    assert outcome.exit == 0, outcome.stderr
    assert_seen(database)


def test_the_manual_names_them(database: Database) -> None:
    assert told(0).keys() == OURS.keys() and told(1).keys() == SERVERS.keys()
    for name, value in told(0).items():
        assert database.value("SELECT boot_val FROM pg_settings WHERE name = %s", name) == value


CODES = {"1_codes.sql": r"CREATE TABLE public.codes (v text CHECK (v ~ '^\d+$'));"}


def test_a_pattern_keeps_its_backslash(app: AppFactory, database: Database) -> None:
    by_database(database, {"standard_conforming_strings": "off"})
    assert migrate(app(CODES)).exit == 0
    database.execute("INSERT INTO codes VALUES ('12')")
    with pytest.raises(psycopg.errors.CheckViolation):
        database.execute("INSERT INTO codes VALUES ('d')")


def test_in_a_rehearsal_too(app: AppFactory, database: Database) -> None:
    by_database(database, {"standard_conforming_strings": "off"})
    again = {"2_more.sql": r"CREATE TABLE more (v text CHECK (v = '\d'));"}
    files = {**CODES, **again, "3_fill.sql": r"INSERT INTO more VALUES (E'\\d');"}
    result = app(files).run("--rehearse")
    assert result.returncode == 0, result.stderr


# ---- what is the server's, the database's or the role's ----

# What a client may bring along.
SERVERS = {
    "DateStyle": "German, DMY",
    "TimeZone": "Asia/Kolkata",
    "timezone_abbreviations": "India",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "lc_time": "C",
    "default_tablespace": "pg_default",
    "default_table_access_method": "heap",
    "default_toast_compression": "pglz",
    "default_text_search_config": "simple",
    "password_encryption": "scram-sha-256",
}
SINCE = {"default_toast_compression": 14}


def new(name: str = "TimeZone") -> dict[str, str]:
    """A migration that keeps what it finds."""
    return {"1_one.sql": f"CREATE TABLE one AS SELECT current_setting('{name}') AS value;"}


@pytest.mark.parametrize("name", SERVERS)
def test_what_a_client_brings_is_refused(app: AppFactory, database: Database, name: str) -> None:
    """Its way out gives the same value to every client."""
    if database.server.major_version < SINCE.get(name, 0):
        pytest.skip("this server does not have it")
    program = app(new(name))
    value = SERVERS[name].replace(" ", "\\ ")
    outcome = migrate(program, env={"PGOPTIONS": f"-c {name}={value}"})
    assert (outcome.exit, outcome.code) == (7, "refused")
    assert f"brings its own {name}," in outcome.error["message"]
    assert tables(database) == set() and advisory_locks(database) == 0
    assert database.value("SELECT to_regclass('applied_migrations')") is None
    database.admin(outcome.way_out)
    assert migrate(program).applied == [1]
    assert database.value("TABLE one").endswith(SERVERS[name])


BROUGHT: dict[str, Callable[[Database], dict[str, Any]]] = {
    "TimeZone": lambda database: {"env": {"PGTZ": "Asia/Kolkata"}},
    "DateStyle": lambda database: {"env": {"PGDATESTYLE": "German"}},
    "DateStyle, TimeZone": lambda database: by_url(
        database, {"datestyle": "German", "timezone": "Asia/Kolkata"}
    ),
}


@pytest.mark.parametrize("names", BROUGHT)
def test_every_way_to_bring_it(app: AppFactory, database: Database, names: str) -> None:
    outcome = migrate(app(new()), **BROUGHT[names](database))
    assert outcome.exit == 7 and f"its own {names}," in outcome.error["message"]


def test_it_is_no_matter_where_no_migration_runs(app: AppFactory, database: Database) -> None:
    env = {"PGTZ": "Asia/Kolkata"}
    assert check(app(new()), env=env) == 3
    assert app(new()).run("--mark", "1", "--yes", env=env).returncode == 0
    assert migrate(app(new()), env=env).exit == check(app(new()), env=env) == 0
    assert app(new()).run("--status", env=env).returncode == 0


@pytest.mark.parametrize("options", ["--down", "--rehearse"])
def test_so_is_what_goes_back_or_rehearses(
    app: AppFactory, database: Database, options: str
) -> None:
    files = {"1_one.up.sql": "CREATE TABLE one ();", "1_one.down.sql": "DROP TABLE one;"}
    if options == "--down":
        migrate(app(files))
    words = ["1", "--yes"] if options == "--down" else []
    result = app(files).run(options, *words, env={"PGTZ": "Asia/Kolkata"})
    assert result.returncode == 7 and "brings its own TimeZone," in result.stderr


def test_a_reset_is_refused_before_it_drops(app: AppFactory, database: Database) -> None:
    program = app(new())
    migrate(program)
    result = program.run("--reset", f"--yes={database.name}", env={"PGTZ": "Asia/Kolkata"})
    assert result.returncode == 7 and "brings its own TimeZone," in result.stderr
    assert tables(database) == {"one"}


@pytest.mark.parametrize("bring", [by_role, by_database])
def test_the_roles_and_the_databases_stay(
    app: AppFactory, database: Database, bring: Bring
) -> None:
    bring(database, {"TimeZone": "Asia/Kolkata"})
    more = "CREATE TABLE two AS SELECT current_setting('TimeZone') AS value;"
    assert migrate(app({**new(), "2_two.sql": more})).exit == 0
    assert database.value("TABLE one") == database.value("TABLE two") == "Asia/Kolkata"


# ---- what the client's stay ----


def test_the_clients_stay(app: AppFactory, database: Database) -> None:
    group = database.add_role("group", "NOLOGIN")
    database.admin(
        f"GRANT {group} TO {database.role}",
        f"CREATE SCHEMA mine AUTHORIZATION {group}",
        f"GRANT CREATE ON SCHEMA public TO {group}",
    )
    settings = {"search_path": "mine", "role": group, "statement_timeout": "7min"}
    files = {
        f"{n}_see.sql": f"CREATE TABLE t{n} AS SELECT current_setting('statement_timeout') AS t;"
        for n in (1, 2)
    }
    outcome = migrate(app(files), **by_environment(database, settings))
    assert outcome.exit == 0, outcome.stderr
    for n in (1, 2):
        assert database.value(f"TABLE mine.t{n}") == "7min"
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE tablename ~ '^(t[12]|applied.*)$'"
    assert database.value(owners) == group
