"""--script: what a run would do, as a script for psql. What it leaves is what a run leaves."""

from __future__ import annotations

import json
from typing import Iterator

import pytest

from by_psql import apply, refused, script_of, span
from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.server import Server
from outcomes import check, migrate, tables, versions

HISTORY = (
    "SELECT version, name, checksum, batch, elapsed_ms IS NOT NULL FROM applied_migrations"
    " ORDER BY version"
)
STATE = "SELECT kind, key, checksum, done, body FROM applied_migrations_state ORDER BY kind, key"
ALONE = "-- inlay: no-transaction\n"

# What psql would take for its own, were it not where it is; and what must not be split.
ODD = """\
CREATE TABLE "o'dd" (a integer[] DEFAULT '{1,2,3}', "q:x" text DEFAULT ':inlay_batch \\d $1');
INSERT INTO "o'dd" DEFAULT VALUES;
DO $$ BEGIN PERFORM ':x;'; -- ;
END $$;
CREATE RULE r AS ON DELETE TO "o'dd" DO ALSO (SELECT 1; SELECT a[1:2] FROM "o'dd");
UPDATE "o'dd" SET a = a[2:3]
"""
PAIR = {
    "001_base.up.sql": "CREATE TABLE base (x integer);\nINSERT INTO base VALUES (1), (2);\n",
    "001_base.down.sql": "DROP TABLE base;\n",
    "002_odd's.up.sql": ODD,
    "002_odd's.down.sql": 'DROP TABLE "o\'dd";\n',
    "003_slow.up.sql": "-- inlay: lock_timeout=7s statement_timeout=9s isolation=serializable\n"
    "CREATE TABLE settings AS SELECT current_setting('lock_timeout'),\n"
    "current_setting('statement_timeout') AS s, current_setting('transaction_isolation') AS i;\n",
    "003_slow.down.sql": "DROP TABLE settings;\n",
}
INDEX = f"""{ALONE}SET work_mem = '2MB';
CREATE INDEX CONCURRENTLY i ON base (x);
INSERT INTO base VALUES (3);
"""


@pytest.fixture
def another(server: Server) -> Iterator[Database]:
    """What a run does there, a script does here."""
    database = Database(server)
    yield database
    database.drop()


# ---- the same as a run ----


def everything(database: Database) -> list[list[tuple[object, ...]]]:
    objects = "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    return [
        database.rows(HISTORY),
        database.rows(STATE),
        sorted(database.rows(objects)),
    ]


def test_the_same_as_a_run(app: AppFactory, database: Database, another: Database) -> None:
    files = {**PAIR, "R__view.sql": "CREATE OR REPLACE VIEW v AS SELECT 1 AS one;\n"}
    program = app(files, embed=["--keep-down"])
    assert program.run("--only", url=another.url).returncode == 0
    printed = apply(database, script_of(program))
    assert printed.splitlines()[-1] == "done"
    assert everything(database) == everything(another)
    assert database.rows('SELECT a, "q:x" FROM "o\'dd"') == [([2, 3], ":inlay_batch \\d $1")]
    assert database.rows("SELECT * FROM settings") == [("7s", "9s", "serializable")]
    assert check(program) == 0


def test_it_can_run_again(app: AppFactory, database: Database) -> None:
    """After a mistake it continues, and at the end it changes nothing."""
    files = {**PAIR, "004_more.sql": "INSERT INTO wanted VALUES (1);\n"}
    script = script_of(app(files))
    refused(database, script, 'relation "wanted" does not exist')
    assert versions(database) == [1, 2, 3]
    database.execute("CREATE TABLE wanted (x integer)")
    assert apply(database, script).splitlines() == ["applying 004_more.sql", "done"]
    assert apply(database, script) == "done\n"
    assert database.value("SELECT count(*) FROM wanted") == 1


def test_what_is_pending(app: AppFactory, database: Database) -> None:
    migrate(app({**PAIR}))
    program = app({**PAIR, "004_more.sql": "CREATE TABLE more ();\n"})
    assert apply(database, script_of(program)).splitlines() == ["applying 004_more.sql", "done"]
    assert database.rows("SELECT version, batch FROM applied_migrations WHERE batch > 1") == [
        (4, 2)
    ]
    assert apply(database, script_of(program)) == "nothing is to be done\n"


def test_a_history_in_its_own_schema(app: AppFactory, database: Database) -> None:
    program = app(PAIR)
    script = script_of(program, "--script", "--history", "o\"wn.h'is")
    apply(database, script)
    assert versions(database, '"o""wn"."h\'is"') == [1, 2, 3]
    assert program.run("--check", "--history", "o\"wn.h'is").returncode == 0


# ---- from one version to another ----


def test_a_span_needs_no_database(app: AppFactory, database: Database) -> None:
    program = app(PAIR)
    apply(database, span(program, "..2"))
    assert versions(database) == [1, 2]
    apply(database, span(program, "2.."))
    assert check(program) == 0


def test_back(app: AppFactory, database: Database) -> None:
    program = app(PAIR, embed=["--keep-down"])
    migrate(program)
    script = span(program, "3..1")
    assert apply(database, script).splitlines() == [
        "undoing 003_slow.down.sql",
        "undoing 002_odd's.down.sql",
        "done",
    ]
    assert (versions(database), tables(database)) == ([1], {"base"})
    assert apply(database, script) == "done\n"
    apply(database, span(program, "1.."))
    assert check(program) == 0


@pytest.mark.parametrize(
    ("text", "exit", "words"),
    [
        ("4..", 2, "version 4 is not in this binary"),
        ("..9", 2, "version 9 is not in this binary"),
        ("3", 2, "needs two versions after =, as in =3..7"),
        ("a..b", 2, "needs two versions after =, as in =3..7"),
        ("99999999999999999999..", 2, "needs two versions after =, as in =3..7"),
    ],
)
def test_a_wrong_span(app: AppFactory, text: str, exit: int, words: str) -> None:
    result = app(PAIR).run(f"--script={text}", url=None)
    assert (result.returncode, result.stdout) == (exit, "")
    assert words in result.stderr


def test_no_way_back(app: AppFactory) -> None:
    program = app({"001_base.sql": "CREATE TABLE base ();\n"})
    result = program.run("--script=1..0", url=None)
    assert (result.returncode, result.stdout) == (7, "")
    assert "version 1 (base) has no down script" in result.stderr


def test_the_document(app: AppFactory) -> None:
    program = app(PAIR)
    document = json.loads(program.run("--script=2..", "--json", url=None).stdout)
    assert document["script"] == span(program, "2..")


# ---- without a transaction ----


def test_without_a_transaction(app: AppFactory, database: Database, another: Database) -> None:
    files = {**PAIR, "004_index.sql": INDEX}
    files["005_memory.sql"] = "CREATE TABLE m AS SELECT current_setting('work_mem');\n"
    program = app(files)
    migrate(program, url=another.url)
    apply(database, script_of(program))
    assert [row[:4] for row in database.rows(HISTORY)] == [row[:4] for row in another.rows(HISTORY)]
    assert database.rows(STATE) == another.rows(STATE) == []
    assert database.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass")
    assert database.rows("TABLE m") == another.rows("TABLE m")
    assert check(program) == 0


FAILS = f"{ALONE}INSERT INTO base VALUES (3);\nINSERT INTO wanted VALUES (3);\n"


def test_a_statement_that_fails_is_where_it_continues(app: AppFactory, database: Database) -> None:
    """The script and the program, whichever is next."""
    program = app({**PAIR, "004_fails.sql": FAILS})
    script = script_of(program)
    refused(database, script, 'relation "wanted" does not exist')
    assert database.rows(STATE)[0][:2] == ("progress", "4")
    refused(database, script, 'relation "wanted" does not exist')
    assert migrate(program).exit == 1
    database.execute("CREATE TABLE wanted (x integer)")
    apply(database, script)
    assert database.value("SELECT count(*) FROM base") == 3
    assert check(program) == 0


def test_a_statement_that_may_be_done_is_for_the_program(
    app: AppFactory, database: Database
) -> None:
    """It can look; psql cannot."""
    index = f"{ALONE}CREATE UNIQUE INDEX CONCURRENTLY i ON base (x);\n"
    program = app({**PAIR, "004_index.sql": index})
    assert program.run("--to", "3", "--yes").returncode == 0
    database.execute("INSERT INTO base VALUES (1)")
    script = script_of(program)
    refused(database, script, "could not create unique index")
    refused(database, script, "statement 1 of version 4 was begun by an earlier run")
    assert migrate(program).exit == 1
    database.execute("DELETE FROM base WHERE ctid = '(0,1)'")
    assert migrate(program).applied == [4]
    assert apply(database, script) == "done\n"


def test_statements_that_were_edited_since(app: AppFactory, database: Database) -> None:
    refused(database, script_of(app({**PAIR, "004_fails.sql": FAILS})), "wanted")
    edited = FAILS.replace("(3)", "(4)", 1)
    refused(
        database,
        span(app({**PAIR, "004_fails.sql": edited}), ".."),
        "an earlier run finished statements of version 4 that are not those of this script",
    )
    assert database.value("SELECT count(*) FROM base") == 3


def test_another_file_that_is_half_done(app: AppFactory, database: Database) -> None:
    """It is for the program, whichever way the script leads."""
    program = app({**PAIR, "004_fails.sql": FAILS})
    refused(database, script_of(program), "wanted")
    for text in ("..2", "3..1"):
        refused(database, span(program, text), "version 4 is half done: run the program first")
    assert versions(database) == [1, 2, 3]


# ---- what must be so ----


def test_one_try_for_the_lock(app: AppFactory, database: Database) -> None:
    script = script_of(app(PAIR))
    with database.connect() as holder:
        holder.execute("SELECT pg_advisory_lock(-442889694232162704)")
        refused(database, script, "another process holds the migration lock of public.applied_mi")
    assert tables(database) == set()
    apply(database, script)


def test_no_transaction_around_it(app: AppFactory, database: Database) -> None:
    refused(database, script_of(app(PAIR)), "run this without a transaction around it", "-1", "-f-")
    assert tables(database) == set()


@pytest.mark.parametrize(
    ("change", "text", "words"),
    [
        (
            "SET checksum = 'x' WHERE version = 1",
            "..",
            "version 1 (base) was edited after it was appl",
        ),
        (
            "SET name = 'y' WHERE version = 2",
            "2..",
            'version 2 was applied as "y" and is now named',
        ),
        ("SET version = 9 WHERE version = 1", "2..", "version 1 (base) is not applied"),
        (
            "SET version = 9 WHERE version = 1",
            "..",
            '"base" was applied as version 9 and is now version 1',
        ),
        (
            "SET version = 9 WHERE version = 3",
            "2..1",
            "version 9 (slow) would have to be undone first, an",
        ),
    ],
)
def test_a_database_that_is_elsewhere(
    app: AppFactory, database: Database, change: str, text: str, words: str
) -> None:
    program = app(PAIR)
    migrate(program)
    database.execute(f"UPDATE applied_migrations {change}")
    before = everything(database)
    refused(database, span(program, text), words)
    assert everything(database) == before


def test_a_checksum_that_is_not_known_is_no_difference(app: AppFactory, database: Database) -> None:
    program = app(PAIR)
    program.run("--baseline", "2")
    database.execute("CREATE TABLE base ()")
    apply(database, span(program, "2.."))
    assert versions(database) == [1, 2, 3]


def test_a_body_that_makes_the_history_unfit(app: AppFactory, database: Database) -> None:
    """The seal is the run's own."""
    unfit = "ALTER TABLE applied_migrations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;\n"
    refused(database, script_of(app({**PAIR, "004_unfit.sql": unfit})), "unfit: ")
    assert versions(database) == [1, 2, 3]


def test_a_timeout_is_the_files_or_the_callers(app: AppFactory, database: Database) -> None:
    program = app(PAIR)
    script = script_of(program, "--script", "--set", "lock_timeout=3s")
    assert "SET LOCAL lock_timeout = 3000;" in script and "= 7000;" in script
    with database.connect() as holder:
        apply(database, span(program, "..1"))
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE base")
        blocked = app({**PAIR, "004_b.sql": "ALTER TABLE base ADD y integer;\n"})
        refused(database, script_of(blocked), "canceling statement due to lock timeout")
    assert versions(database) == [1, 2, 3]


IN_C = """\
#include <inlay-cli.h>
#include <inlay-tx.h>

extern const struct inlay_set app_migrations;
int app_migrations_up_4(struct inlay_tx *tx, struct inlay_error *err)
{
    return inlay_tx_execute(tx, "CREATE TABLE c ()", 0, NULL, NULL, err);
}

int main(int argc, char **argv)
{
    return inlay_main(argc, argv, &app_migrations);
}
"""


def test_a_migration_in_c(program: ProgramFactory, database: Database) -> None:
    """It is for the program; the message says how the rest gets around it."""
    files = {**PAIR, "004_c.c": "", "005_last.sql": "CREATE TABLE last ();\n"}
    built = program(IN_C, files)
    result = built.run("--script")
    assert (result.returncode, result.stdout) == (7, "")
    assert "version 4 (c) is written in C: psql cannot run it" in result.stderr
    assert (
        "hint: --migrate-script=..3 for psql, then the program with --migrate-to 4, then"
        " --migrate-script=4..\n"
    ) in result.stderr.replace("--script", "--migrate-script").replace("--to", "--migrate-to")
    apply(database, span(built, "..3"))
    assert built.run("--to", "4", "--yes").returncode == 0
    apply(database, span(built, "4.."))
    assert check(built) == 0
