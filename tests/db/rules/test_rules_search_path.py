"""--migrate-search-path: each migration begins with it, in a transaction or without, in SQL or C,
through the session's reset and beside other tenants; a schema that is not there is never passed
over."""

from __future__ import annotations

import subprocess

import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.server import Server
from outcomes import DRIVER, check, migrate, tables, versions
from pooler import Pooler

FILES = {
    "001_base.sql": "CREATE TABLE a (i int);\nSET search_path = pg_temp;\nRESET search_path;\n",
    "001_base.down.sql": "DROP TABLE a;\n",
    "002_index.sql": "-- inlay: no-transaction\nCREATE INDEX CONCURRENTLY a_i ON a (i);\n"
    "CREATE TABLE b ();\n",
    "003_more.sql": "CREATE TABLE c AS SELECT current_setting('search_path') AS path;\n",
    "R__view.sql": "CREATE OR REPLACE VIEW v AS SELECT i FROM a;\n",
}
OURS = {"done", "done_state"}
MADE = {"a", "b", "c", *OURS}


def tenant(name: str, path: str | None = None) -> list[str]:
    return ["--history", f"{name}.done", "--search-path", path or name]


def all_tables(database: Database, schema: str) -> set[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
    return {row[0] for row in database.rows(query, schema)}


def test_a_schema_for_each_tenant(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    database.execute('CREATE SCHEMA "Acme, Inc"')
    for name in ("acme", "globex", "O'Hara\"s"):
        result = program.run("--only", *tenant(name))
        assert result.returncode == 0, result.stderr
        assert versions(database, '"' + name.replace('"', '""') + '".done') == [1, 2, 3]
        assert all_tables(database, name) == MADE
        assert check(program, *tenant(name)) == 0
    assert tables(database) == set()
    assert database.rows("SELECT path FROM globex.c") == [('"globex"',)]
    assert database.value("SELECT count(*) FROM pg_class WHERE relname IN ('a_i', 'v')") == 6
    first = app({name: text for name, text in FILES.items() if name.startswith("001")})
    assert migrate(first, *tenant("initech")).exit == 0
    assert first.run("--down", "1", "--yes", *tenant("initech")).returncode == 0
    assert all_tables(database, "initech") == OURS


def test_several_schemas(app: AppFactory, database: Database) -> None:
    database.execute("CREATE TABLE shared (i int)", "CREATE SCHEMA two")
    files = {"001_a.sql": "CREATE TABLE a AS SELECT i FROM shared;\n"}
    assert migrate(app(files), *tenant("two", "two, public")).exit == 0
    assert all_tables(database, "two") == {"a", *OURS}


@pytest.mark.parametrize("path", ["acm", "acme,publik", "acm,public"])
@pytest.mark.parametrize("file", ["001_base.sql", "002_index.sql"])
def test_a_schema_that_is_not_there(
    app: AppFactory, database: Database, path: str, file: str
) -> None:
    """The server would make its tables in the next one."""
    database.execute("CREATE SCHEMA acme")
    text = FILES[file].replace("INDEX CONCURRENTLY a_i ON a (i)", "TABLE a ()")
    outcome = migrate(app({file: text}), *tenant("acme", path))
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "3F000"), outcome.stderr
    missing = "publik" if path.endswith("publik") else "acm"
    assert f'schema "{missing}" does not exist' in outcome.error["message"]
    assert "--migrate-search-path" in outcome.error["context"]
    assert tables(database) == set() and versions(database, "acme.done") == []
    assert all_tables(database, "acme") <= OURS
    database.execute(f'CREATE SCHEMA "{missing}"')
    assert migrate(app({file: text}), *tenant("acme", path)).exit == 0


def test_what_is_no_list(app: AppFactory, database: Database) -> None:
    for path in (",", "a,", ",a", "a,,b", "a" * 64, ",".join("abcdefghi")):
        result = app(FILES).run("--only", "--search-path", path)
        assert result.returncode == 2, path
        assert "options.search_path is not a list of schemas" in result.stderr
    assert app(FILES).run("--only", "--search-path", "postgresql://x:y@z/").returncode == 2
    assert tables(database) == set()


def test_a_rehearsal_and_a_transaction_pooler(
    app: AppFactory, database: Database, server: Server
) -> None:
    program = app({"001_a.sql": FILES["001_base.sql"], "003_more.sql": FILES["003_more.sql"]})
    database.execute("CREATE SCHEMA acme")
    assert program.run("--rehearse", *tenant("acme")).returncode == 0
    assert all_tables(database, "acme") == set()
    pooler = Pooler(server, database, "transaction")
    try:
        options = ["--pooler", "transaction", *tenant("acme")]
        outcome = migrate(program, *options, url=pooler.url)
        assert outcome.exit == 0, outcome.stderr
    finally:
        pooler.close()
    assert database.rows("SELECT path FROM acme.c") == [('"acme"',)]


def test_a_callers_session_is_given_back(program: ProgramFactory, database: Database) -> None:
    source = DRIVER.replace('{{"history",', '{{"search-path", &options.search_path}, {"history",')
    driver = program(source, FILES)
    database.execute("CREATE SCHEMA acme")
    show = "sql=SELECT current_setting('search_path')"
    result = driver.run("search-path=acme", "history=acme.done", "caller", "migrate", show)
    assert "migrate ok" in result.stdout, result.stderr
    assert '"$user", public' in result.stdout
    assert all_tables(database, "acme") == MADE


FUNCTION = """
#include <inlay-tx.h>
int app_migrations_up_1(struct inlay_tx *tx, struct inlay_error *err)
{
    return inlay_tx_execute(tx, "CREATE TABLE made_in_c ()", 0, NULL, NULL, err);
}
"""


def test_a_migration_in_c(program: ProgramFactory, database: Database) -> None:
    main = "#include <inlay-cli.h>\nextern const struct inlay_set app_migrations;\n"
    main += "int main(int c, char **v) { return inlay_main(c, v, &app_migrations); }\n"
    built = program(main + FUNCTION, {"001_c.c": FUNCTION})
    database.execute("CREATE SCHEMA acme")
    assert migrate(built, *tenant("acme")).exit == 0
    assert all_tables(database, "acme") == {"made_in_c", *OURS}


def test_a_script_for_psql(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    database.execute("CREATE SCHEMA acme")
    script = program.run("--script", *tenant("acme")).stdout
    command = [database.server.program("psql"), "-X", "-d", database.url]
    done = subprocess.run(command, input=script, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert all_tables(database, "acme") == MADE and tables(database) == set()
    assert check(program, *tenant("acme")) == 0
