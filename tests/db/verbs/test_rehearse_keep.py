"""--rehearse=keep: everything is applied as in a real run, and nobody does that by mistake."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from conftest import AppFactory, ProgramFactory
from effects import KEEP, effects, short
from harness.database import Database
from harness.program import Builder
from harness.relay import UP, Relay
from outcomes import advisory_locks, migrate, tables, versions
from rehearsals import ALONE, BASE, TWO

FILES = {
    **BASE,
    **TWO,
    "003_index.sql": f"{ALONE}CREATE INDEX CONCURRENTLY i ON two (y);\n"
    "INSERT INTO two VALUES (1);\n",
    "004_view.sql": "CREATE VIEW v AS SELECT * FROM two;\n",
    "R__again.sql": "CREATE OR REPLACE VIEW w AS SELECT * FROM two;\n",
}


def test_all_is_kept(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    result = program.run(*KEEP, "--json")
    document = json.loads(result.stdout)
    assert (result.returncode, document["kept"], document["rehearsed"]) == (0, True, 5)
    results = [(step["result"], step["transaction"]) for step in document["migrations"]]
    assert results == [("applied", number != 2) for number in range(5)]
    assert versions(database) == [1, 2, 3, 4] and advisory_locks(database) == 0
    assert database.value("SELECT count(*) FROM w") == 1
    assert database.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass")
    assert migrate(program).applied == [] and program.run("--check").returncode == 0


def test_what_this_run_made_is_told(app: AppFactory) -> None:
    files = {
        **BASE,
        "002_more.sql": "ALTER TABLE base ADD y integer;\nALTER TABLE base ALTER x TYPE bigint;\n",
        "R__last.sql": "CREATE TABLE IF NOT EXISTS l ();\nALTER TABLE base ADD z integer;\n",
    }
    steps = effects(app(files))
    first, second = steps["2"]["statements"]
    assert (first["number"], first["line"], second["number"], second["line"]) == (1, 1, 2, 2)
    assert [lock["made_by"] for lock in first["locks"]] == ["1"] and second["locks"] == []
    assert [rewrite["made_by"] for rewrite in second["rewrites"]] == ["1"]
    assert [change["made_by"] for change in steps["2"]["changes"]] == ["1", "1"]
    again = {**files, "003_next.sql": "ALTER TABLE base DROP y;\nALTER TABLE l ADD a integer;\n"}
    step = effects(app(again))["3"]
    assert [lock["made_by"] for lock in step["statements"][0]["locks"]] == [None]


def test_it_asks_first(app: AppFactory, database: Database) -> None:
    result = app(FILES).run("--rehearse=keep")
    assert result.returncode == 2
    assert f"would apply 5 migrations to database {database.name}, and keep" in result.stderr
    assert "not confirmed: no terminal to ask on; add --yes\n" in result.stderr
    assert result.stderr.endswith("nothing was applied\n")
    assert tables(database) == set()


def test_only_keep_is_a_word(app: AppFactory, database: Database) -> None:
    result = app(FILES).run("--rehearse=kept", "--yes")
    assert result.returncode == 2 and '"keep" or nothing' in result.stderr
    assert tables(database) == set()


def test_nothing_is_pending(app: AppFactory) -> None:
    program = app(BASE)
    migrate(program)
    result = program.run("--rehearse=keep")
    assert (result.returncode, result.stderr) == (
        0,
        "nothing to rehearse; up to date: 1 migration, the newest is 001_base\n",
    )


def test_a_failure_keeps_those_before_it(app: AppFactory, database: Database) -> None:
    broken = {"003_no.sql": "ALTER TABLE base ADD y integer;\nSELECT 1 / 0;\n"}
    result = app({**BASE, **TWO, **broken}).run(*KEEP, "--json")
    document = json.loads(result.stdout)
    assert [step["result"] for step in document["migrations"]] == ["applied", "applied", "failed"]
    assert short(document["migrations"][2]) == [
        "1 lock base ACCESS EXCLUSIVE",
        "1 created column base.y",
    ]
    assert document["error"]["line"] == 2
    assert document["error"]["outcome"] == (
        "003_no.sql was rolled back; the 2 migrations applied earlier in this run stay applied."
        " Fix the file, rebuild, run again"
    )
    assert versions(database) == [1, 2]
    assert (
        database.value(
            "SELECT count(*) FROM information_schema.columns" " WHERE table_name = 'base'"
        )
        == 1
    )


def test_a_cut_connection_leaves_it_open(app: AppFactory, database: Database, relay: Relay) -> None:
    """What was committed before stays; of the one whose COMMIT was sent nobody knows."""
    relay.at(UP, b"ALTER TABLE base", relay.cut)
    more = {"002_more.sql": "ALTER TABLE base ADD y integer;\n"}
    result = app({**BASE, **more}).run(*KEEP, "--json", url=relay.url(database.url))
    document = json.loads(result.stdout)
    assert (result.returncode, document["code"]) == (6, "lost")
    assert [step["result"] for step in document["migrations"]] == ["applied", "failed"]
    assert document["error"]["outcome"].startswith("002_more.sql may or may not be committed")
    assert versions(database) == [1]


def test_a_file_without_a_transaction_fails(app: AppFactory, database: Database) -> None:
    broken = {"002_no.sql": f"{ALONE}INSERT INTO base VALUES (3);\nSELECT 1 / 0;\n"}
    result = app({**BASE, **broken}).run(*KEEP, "--json")
    document = json.loads(result.stdout)
    assert [step["result"] for step in document["migrations"]] == ["applied", "failed"]
    assert short(document["migrations"][1]) == ["1 lock base ROW EXCLUSIVE", "1 rows base 1/0/0"]
    assert "1 of 2 statements done and kept" in document["error"]["outcome"]
    assert database.value("SELECT count(*) FROM base") == 3 and versions(database) == [1]


def test_what_a_file_makes_is_its_own(app: AppFactory) -> None:
    """Also if it changes that, drops it, or makes it again; and temporary tables."""
    files = {
        "001_own.sql": "CREATE TABLE a (x integer);\nALTER TABLE a ALTER x TYPE bigint;\n"
        "CREATE INDEX i ON a (x);\nINSERT INTO a VALUES (1);\nUPDATE a SET x = 2;\n"
        "DROP TABLE a;\nCREATE TABLE a (y integer NOT NULL);\n"
        "CREATE TEMPORARY TABLE t AS SELECT 1 AS x;\nALTER TABLE t ALTER x TYPE bigint;\n",
    }
    step = effects(app(files))["1"]
    assert (step["statements"], step["changes"]) == ([], [])


def test_what_deferred_constraints_do(app: AppFactory) -> None:
    """At the end of the file: no statement did it."""
    files = {
        **BASE,
        "002_rows.sql": "CREATE TABLE log (x integer);\nCREATE FUNCTION f() RETURNS trigger LANGUAGE"  # noqa: E501
        " plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN NULL; END';\n"
        "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON base DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION f();\n",
        "003_late.sql": "INSERT INTO base VALUES (3);\n",
    }
    assert short(effects(app(files))["3"]) == [
        "1 lock base ROW EXCLUSIVE",
        "1 rows base 1/0/0",
        "None lock log ROW EXCLUSIVE",
        "None rows log 1/0/0",
    ]


CODE = """
#include <inlay-tx.h>
int app_migrations_up_2(struct inlay_tx *tx, struct inlay_error *err)
{
    return inlay_tx_execute(tx, "ALTER TABLE base ALTER x TYPE bigint", 0, NULL, NULL, err);
}
"""


MAIN_OF_APP = """
#include <inlay-cli.h>
extern const struct inlay_set app_migrations;
int main(int argc, char **argv)
{
    return inlay_main(argc, argv, &app_migrations);
}
"""


def test_what_a_migration_in_c_does(program: ProgramFactory) -> None:
    step = effects(program(MAIN_OF_APP + CODE, {**BASE, "002_c.c": CODE}))["2"]
    assert short(step) == [
        "None lock base ACCESS EXCLUSIVE",
        "None rewrite base",
        "None scan base 2",
        "None retyped column base.x bigint",
    ]


ORDERS = {
    "001_orders.sql": "CREATE TABLE orders (id integer PRIMARY KEY, total integer, note text);\n"
    "CREATE TABLE users (id integer);\n",
    "002_change.sql": "ALTER TABLE users ADD name text;\nUPDATE orders SET total = 1;\n"
    "ALTER TABLE orders DROP note;\nALTER TABLE orders ALTER total TYPE bigint;\n",
    "003_index.sql": "CREATE INDEX o ON orders (total);\n"
    "ALTER TABLE orders ADD c integer NOT NULL;\n",
}


def said(text: str) -> list[str]:
    """The lines of stderr without their times."""
    return [re.sub(r" \([\d.]+ m?s\)", "", line) for line in text.splitlines()]


def test_what_is_said(app: AppFactory, database: Database) -> None:
    """The worst first, whatever the order of the statements."""
    migrate(app({"001_orders.sql": ORDERS["001_orders.sql"]}))
    result = app(ORDERS).run(*KEEP)
    assert (result.returncode, result.stdout) == (0, "")
    assert said(result.stderr) == [
        "applied 002_change",
        "  line 4: rewrites public.orders under ACCESS EXCLUSIVE: no reads or writes meanwhile",
        "  line 3: drops column public.orders.note: what uses it fails",
        "  line 4: makes column public.orders.total another type: bigint: what uses it fails",
        "  line 1: locks public.users, ACCESS EXCLUSIVE: no reads or writes meanwhile",
        "applied 003_index",
        "  line 1: reads all of public.orders under SHARE: no writes meanwhile",
        "  line 2: reads all of public.orders under ACCESS EXCLUSIVE: no reads or writes meanwhile",
        "  line 2: demands a value for column public.orders.c, which has no default",
        "2 migrations rehearsed and kept",
    ]


def test_what_pending_files_made_nobody_uses(app: AppFactory) -> None:
    result = app(ORDERS).run(*KEEP)
    assert said(result.stderr) == [
        "applied 001_orders",
        "applied 002_change",
        "applied 003_index",
        "3 migrations rehearsed and kept",
    ]


def test_what_is_said_of_what_is_rolled_back(app: AppFactory, database: Database) -> None:
    """Its locks are held by the files after it too."""
    migrate(app({"001_orders.sql": ORDERS["001_orders.sql"]}))
    result = app(ORDERS).run("--rehearse")
    lines = said(result.stderr)
    assert [line for line in lines if "held" in line] == [
        "  held since 002_change: public.orders (ACCESS EXCLUSIVE), public.users (ACCESS EXCLUSIVE)",  # noqa: E501
    ]
    assert lines[-2].startswith("  held since") and "rewrites public.orders" in lines[1]
    document = json.loads(app(ORDERS).run("--rehearse", "--json").stdout)
    held = document["migrations"][1]["statements"][0]
    assert held["number"] is None
    assert {(lock["relation"], lock["held_since"]) for lock in held["locks"]} == {
        ("public.orders", "2"),
        ("public.users", "2"),
    }
    assert versions(database) == [1]


def test_a_hostile_path(app: AppFactory, database: Database) -> None:
    """Our questions are read with PostgreSQL's own names, and the file keeps its path."""
    path = (
        "CREATE SCHEMA bad;\nCREATE TABLE bad.pg_class (oid oid, relkind text);\n"
        "CREATE FUNCTION bad.quote_ident(name) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';\n"
        "CREATE FUNCTION bad.eq(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT false';\n"
        "CREATE OPERATOR bad.= (leftarg = oid, rightarg = oid, function = bad.eq);\n"
    )
    hostile = (
        "SET search_path = bad, pg_catalog, public;\nALTER TABLE public.base ADD y integer;\n"
        "CREATE TABLE here ();\nSET LOCAL search_path = public, pg_catalog;\n"
        "CREATE TABLE there ();\n"
    )
    steps = effects(app({**BASE, "002_path.sql": path, "003_use.sql": hostile}))
    assert short(steps["3"]) == ["2 lock base ACCESS EXCLUSIVE", "2 created column base.y"]
    assert database.value("SELECT to_regclass('bad.here') IS NOT NULL")
    assert database.value("SELECT to_regclass('public.there') IS NOT NULL")


MAIN = """
#include <inlay-admin.h>
#include <stdio.h>
#include <stdlib.h>
extern const struct inlay_set app_migrations;
static void hear(void *user, const struct inlay_event *event)
{
    (void)user;
    for (size_t i = 0; event->kind == INLAY_EVENT_APPLIED && i < event->effect_count; i++)
        printf("%s %d %s %s\\n", event->migration->name, (int)event->effects[i].kind,
               event->effects[i].object, event->effects[i].detail ? event->effects[i].detail : "");
}
int main(int argc, char **argv)
{
    struct inlay_options options = {.size = sizeof options, .event = hear};
    struct inlay_rehearsal rehearsal = {0};
    struct inlay_error err;
    options.conninfo = getenv("INLAY_DATABASE_URL");
    int rc = inlay_rehearse(&app_migrations, &options, argv[argc - 1], &rehearsal, &err);
    printf("%d %zu %s\\n", rc, rehearsal.rehearsed, rc ? err.message : "");
    return 0;
}
"""


def test_the_library_wants_the_name(program: ProgramFactory, database: Database) -> None:
    files = {**BASE, "002_more.sql": "ALTER TABLE base ADD y integer;\n"}
    built = program(MAIN, files)
    assert built.run("production").stdout == (
        f'-2 0 the database is "{database.name}", and "production" was confirmed\n'
    )
    assert tables(database) == set()
    assert built.run(database.name).stdout == (
        "more 0 public.base ACCESS EXCLUSIVE\nmore 8 public.base.y \n0 2 \n"
    )


MIGRATES = """
#include <inlay.h>
extern const struct inlay_set app_migrations;
int main(void)
{
    return inlay_migrate(&app_migrations, NULL, NULL, NULL);
}
"""


def symbols(path: Path) -> str:
    return subprocess.run(["nm", str(path)], capture_output=True, text=True, check=True).stdout


def test_who_does_not_rehearse_is_not_linked_with_it(
    program: ProgramFactory, app: AppFactory, builder: Builder
) -> None:
    for name in ("inlay_observer_", "inlay_probes_", "inlay_changes_", "inlay_rehears"):
        assert name in symbols(app(BASE).path)
        assert name not in symbols(program(MIGRATES, BASE).path)
