"""A rehearsal has one transaction where a run has many: what that changes, and what not."""

from __future__ import annotations

from conftest import AppFactory
from harness.database import Database
from outcomes import migrate, tables, versions
from rehearsals import ALONE, BASE, UNCHANGED, ran, rehearse

# ---- deferred constraints ----

NODES = (
    "CREATE TABLE node (id integer PRIMARY KEY, parent integer"
    " REFERENCES node DEFERRABLE INITIALLY DEFERRED);\n"
)


def test_a_deferred_constraint_fails_at_the_end_of_its_file(app: AppFactory) -> None:
    program = app(
        {
            "001_node.sql": NODES,
            "002_orphan.sql": "INSERT INTO node VALUES (2, 1);\n",
            "003_parent.sql": "INSERT INTO node VALUES (1, NULL);\n",
        }
    )
    result = rehearse(program)
    assert (result.exit, result.steps[-1]) == (1, ("2", "failed"))
    assert result.error["sqlstate"] == "23503"
    assert "a deferred constraint, checked at the end of the migration" in result.error["context"]
    assert {**migrate(program).error, "outcome": UNCHANGED} == result.error


def test_a_constraint_is_deferred_again_in_the_next_file(app: AppFactory) -> None:
    """Where it was before; where the next file makes it; and where one that can be deferred is
    not."""
    program = app(
        {
            "001_node.sql": f"{NODES}INSERT INTO node VALUES (2, 1), (1, NULL);\n",
            "002_more.sql": "INSERT INTO node VALUES (4, 3);\nINSERT INTO node VALUES (3, 1);\n",
            "003_other.sql": NODES.replace("node", "other")
            + "INSERT INTO other VALUES (2, 1);\nINSERT INTO other VALUES (1, NULL);\n"
            "CREATE TABLE rank (n integer UNIQUE DEFERRABLE INITIALLY IMMEDIATE);\n"
            "INSERT INTO rank VALUES (1);\n",
            "004_rank.sql": "DO $$ BEGIN INSERT INTO rank VALUES (1); RAISE 'not immediate';\n"
            " EXCEPTION WHEN unique_violation THEN NULL; END $$;\n",
        }
    )
    assert rehearse(program).steps == ran(1, 2, 3, 4)
    assert migrate(program).exit == 0


def test_constraints_of_one_name(app: AppFactory, database: Database) -> None:
    """One that cannot be deferred, and names that need quotes."""
    program = app(
        {
            "001_node.sql": 'CREATE SCHEMA "My App";\n'
            'CREATE TABLE "My App".node (id integer PRIMARY KEY, parent integer,\n'
            ' CONSTRAINT "is in" FOREIGN KEY (parent) REFERENCES "My App".node'
            " DEFERRABLE INITIALLY DEFERRED);\n"
            'CREATE TABLE "My App".leaf (id integer CONSTRAINT "is in" CHECK (id > 0));\n',
            "002_more.sql": 'INSERT INTO "My App".node VALUES (1, NULL);\n',
            "003_more.sql": 'INSERT INTO "My App".node VALUES (2, 1);\n'
            'ALTER TABLE "My App".node ADD x integer;\n',
        }
    )
    result = rehearse(program)
    assert (result.exit, result.steps) == (0, ran(1, 2, 3)), result.stderr


def test_no_events_are_pending_in_the_next_file(app: AppFactory) -> None:
    program = app(
        {
            "001_node.sql": NODES,
            "002_rows.sql": "INSERT INTO node VALUES (2, 1), (1, NULL);\n",
            "003_alter.sql": "ALTER TABLE node ADD name text;\n",
        }
    )
    assert rehearse(program).steps == ran(1, 2, 3)


def test_events_that_are_pending_in_the_same_file(app: AppFactory) -> None:
    body = "INSERT INTO node VALUES (2, 1), (1, NULL);\nALTER TABLE node ADD name text;\n"
    program = app({"001_node.sql": NODES, "002_both.sql": body})
    result = rehearse(program)
    assert (result.exit, result.error["sqlstate"]) == (1, "55006")
    assert migrate(program).error["sqlstate"] == "55006"


# ---- what cannot be rehearsed ----


def test_without_a_transaction_in_the_middle(app: AppFactory, database: Database) -> None:
    index = {"002_index.sql": f"{ALONE}CREATE INDEX CONCURRENTLY i ON base (x);\n"}
    program = app({**BASE, **index, "003_three.sql": "ALTER TABLE base ADD y integer;\n"})
    result = rehearse(program)
    assert (result.exit, result.code) == (0, "ok")
    assert result.steps == [("1", "rehearsed"), ("2", "unrehearsed"), ("3", "rehearsed")]
    assert result.warnings == [
        "002_index.sql could not be rehearsed: it runs without a transaction"
    ]
    assert tables(database) == set()


def test_a_file_that_needs_one_without_a_transaction(app: AppFactory, database: Database) -> None:
    """It is a failure that may be none, and on a copy there is a way on."""
    alone = {"002_alone.sql": f"{ALONE}CREATE UNIQUE INDEX CONCURRENTLY i ON base (x);\n"}
    needs = {"003_needs.sql": "INSERT INTO base VALUES (1) ON CONFLICT (x) DO NOTHING;\n"}
    program = app({**BASE, **alone, **needs})
    result = rehearse(program)
    assert (result.exit, result.steps[-1]) == (1, ("3", "failed"))
    assert result.error["sqlstate"] == "42P10" and result.error["outcome"] == UNCHANGED
    assert result.error["hint"] == (
        "it may need 002_alone.sql, which could not be rehearsed: apply that to a copy of the"
        " database and rehearse the rest there: --migrate-to 2"
    )
    assert program.run("--migrate-to", "2").returncode == 0
    result = rehearse(program)
    assert (result.exit, result.steps) == (0, ran(3))
    assert versions(database) == [1, 2]


STATE = {"001_state.sql": "CREATE TYPE state AS ENUM ('new', 'done');\nCREATE TABLE t (s state);\n"}
ADDS = {"002_adds.sql": "ALTER TYPE state ADD VALUE 'late';\n"}
USES = {"003_uses.sql": "PREPARE p AS SELECT 1;\nINSERT INTO t VALUES ('late');\n"}


def test_an_enum_value_that_must_be_committed(app: AppFactory, database: Database) -> None:
    migrate(app(STATE))
    more = {"004_more.sql": "PREPARE p AS SELECT 1;\nINSERT INTO t VALUES ('new');\n"}
    program = app({**STATE, **ADDS, **USES, **more})
    result = rehearse(program)
    assert (result.exit, result.code) == (0, "ok"), result.stderr
    assert result.steps == [("2", "rehearsed"), ("3", "unrehearsed"), ("4", "rehearsed")]
    assert result.warnings == [
        "003_uses.sql could not be rehearsed: an earlier migration has to be committed first:"
        ' unsafe use of new value "late" of enum type state'
    ]
    assert database.value("SELECT count(*) FROM t") == 0
    assert migrate(program).applied == [2, 3, 4]


def test_an_enum_value_of_the_same_file(app: AppFactory) -> None:
    """That fails in a real run too, also behind a file that adds another."""
    uses = {
        "003_own.sql": "ALTER TYPE state ADD VALUE 'later';\nINSERT INTO t VALUES ('later');\n",
    }
    migrate(app(STATE))
    program = app({**STATE, **ADDS, **uses}, allow_bad=True)
    result = rehearse(program)
    assert (result.exit, result.error["sqlstate"]) == (1, "55P04")
    assert result.place == ("migrations/003_own.sql", 2, 23)
    assert migrate(program).error["sqlstate"] == "55P04"


def test_an_enum_value_that_another_type_has_too(app: AppFactory, database: Database) -> None:
    """It was not added by the earlier file, so a run fails as well."""
    database.execute("CREATE TYPE orders_state AS ENUM ('open')")
    adds = "ALTER TYPE orders_state ADD VALUE 'late';\nSELECT 'late'::orders_state;\n"
    files = {"001_a.sql": "CREATE TYPE users_state AS ENUM ('late');\n", "002_b.sql": adds}
    result = rehearse(app(files))
    assert (result.exit, result.error["sqlstate"]) == (1, "55P04")


def test_behind_an_enum_value_that_must_be_committed(app: AppFactory, database: Database) -> None:
    """What needs a file that was left out fails, and says that this may be why. The row of the one
    that was left out is gone meanwhile."""
    migrate(app(STATE))
    use = "CREATE TABLE u (s state DEFAULT 'late');\nINSERT INTO u VALUES (DEFAULT);\n"
    uses = {"003_uses.sql": use}
    looks = {
        "004_looks.sql": "DO $$ BEGIN ASSERT NOT EXISTS"
        " (SELECT FROM applied_migrations WHERE version = 3); END $$;\nSELECT * FROM u;\n"
    }
    result = rehearse(app({**STATE, **ADDS, **uses, **looks}))
    assert (result.exit, result.error["sqlstate"]) == (1, "42P01"), result
    assert "it may need 003_uses.sql" in result.error["hint"]
    assert result.error["hint"].endswith("--migrate-to 3")
    assert versions(database) == [1]
