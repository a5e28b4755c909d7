"""What a history must be: an ordinary, permanent table with a key, ours, and nothing in it that
acts on its own."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import check, migrate, tables, versions

FILES = {"001_one.sql": "CREATE TABLE one ();", "002_two.sql": "CREATE TABLE two ();"}
ALONE = {"001_one.sql": "-- inlay: no-transaction\nCREATE TABLE one ();"}

COLUMNS = "version bigint NOT NULL PRIMARY KEY, name text NOT NULL"
KEYLESS = "version bigint NOT NULL, name text NOT NULL"
STATE = (
    "kind text, key text, checksum text, done bigint, body text, at timestamptz DEFAULT now(),"
    " PRIMARY KEY (kind, key)"
)

# What the history is, and the words that name it.
UNFIT = {
    "view": (["CREATE VIEW {} AS SELECT 1::bigint AS version, 'one' AS name"], "is a view"),
    "materialized view": (
        ["CREATE MATERIALIZED VIEW {} AS SELECT 1::bigint AS version, 'one' AS name"],
        "is a materialized view",
    ),
    "partitioned": (
        [f"CREATE TABLE {{}} ({COLUMNS}) PARTITION BY LIST (version)"],
        "is a partitioned table",
    ),
    "sequence": (["CREATE SEQUENCE {}"], "is a sequence"),
    "unlogged": ([f"CREATE UNLOGGED TABLE {{}} ({COLUMNS})"], "is unlogged"),
    "row security": (
        [
            f"CREATE TABLE {{}} ({COLUMNS})",
            "ALTER TABLE {} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        ],
        "has row security",
    ),
    "child": (
        [f"CREATE TABLE {{}} ({COLUMNS})", "CREATE TABLE child () INHERITS ({})"],
        "has tables that inherit from it",
    ),
    "rule": (
        [
            f"CREATE TABLE {{}} ({COLUMNS})",
            "CREATE RULE r AS ON INSERT TO {} DO INSTEAD NOTHING",
        ],
        "has rules",
    ),
    "trigger": (
        [
            f"CREATE TABLE {{}} ({COLUMNS})",
            "CREATE TRIGGER t BEFORE UPDATE ON {} FOR EACH ROW"
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        ],
        "has triggers",
    ),
    "without a key": ([f"CREATE TABLE {{}} ({KEYLESS})"], "has no unique key on version"),
    "with a key on more": (
        [f"CREATE TABLE {{}} ({KEYLESS}, UNIQUE (version, name))"],
        "has no unique key on version",
    ),
    "with a partial key": (
        [
            f"CREATE TABLE {{}} ({KEYLESS})",
            "CREATE UNIQUE INDEX ON {} (version) WHERE version > 5",
        ],
        "has no unique key on version",
    ),
    "with a deferred key": (
        [f"CREATE TABLE {{}} ({KEYLESS}, UNIQUE (version) DEFERRABLE)"],
        "has no unique key on version",
    ),
    "with a key on an expression": (
        [f"CREATE TABLE {{}} ({KEYLESS})", "CREATE UNIQUE INDEX ON {} ((version / 2))"],
        "has no unique key on version",
    ),
    "without a name": (
        ["CREATE TABLE {} (version bigint PRIMARY KEY)"],
        'has no column "name": it is not a history of ours',
    ),
    "without a version": (
        ["CREATE TABLE {} (id bigint PRIMARY KEY, name text)"],
        'has no column "version": it is not a history of ours',
    ),
    "with a text version": (
        ["CREATE TABLE {} (version text PRIMARY KEY, name text)"],
        'has a column "version" that is not bigint',
    ),
    "with a numeric name": (
        ["CREATE TABLE {} (version int PRIMARY KEY, name int)"],
        'has a column "name" that is not text',
    ),
    "with an odd checksum": (
        [f"CREATE TABLE {{}} ({COLUMNS}, checksum bytea)"],
        'has a column "checksum" that is not text',
    ),
    "with an odd batch": (
        [f"CREATE TABLE {{}} ({COLUMNS}, batch text)"],
        'has a column "batch" that is not bigint',
    ),
    "with an odd time": (
        [f"CREATE TABLE {{}} ({COLUMNS}, applied_at date)"],
        'has a column "applied_at" that is not timestamptz',
    ),
    "with an odd elapsed_ms": (
        [f"CREATE TABLE {{}} ({COLUMNS}, elapsed_ms interval)"],
        'has a column "elapsed_ms" that is not bigint',
    ),
}


@pytest.mark.parametrize("statements, words", UNFIT.values(), ids=UNFIT.keys())
def test_an_unfit_history_is_refused(
    app: AppFactory, database: Database, statements: list[str], words: str
) -> None:
    database.execute(*(statement.format("applied_migrations") for statement in statements))
    outcome = migrate(app(FILES))
    assert (outcome.exit, outcome.code, outcome.results) == (7, "refused", {})
    assert outcome.error["message"].startswith(f'"public"."applied_migrations" {words}')
    assert "--migrate-history SCHEMA.TABLE" in outcome.error["hint"]
    assert check(app(FILES)) == 7
    assert not {"one", "two", "applied_migrations_state"} & tables(database)
    assert migrate(app(FILES), "--history=public.another_history").applied == [1, 2]


UNFIT_STATE = {
    "view": ["CREATE VIEW {} AS SELECT 'a' AS kind, 'b' AS key"],
    "unlogged": [f"CREATE UNLOGGED TABLE {{}} ({STATE})"],
    "trigger": [
        f"CREATE TABLE {{}} ({STATE})",
        "CREATE TRIGGER t BEFORE UPDATE ON {} FOR EACH ROW"
        " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ],
    "without a key": [f"CREATE TABLE {{}} ({STATE.partition(', PRIMARY')[0]})"],
    "with other columns": ["CREATE TABLE {} (kind text, key text, PRIMARY KEY (kind, key))"],
}


@pytest.mark.parametrize("statements", UNFIT_STATE.values(), ids=UNFIT_STATE.keys())
def test_an_unfit_state_table_is_refused(
    app: AppFactory, database: Database, statements: list[str]
) -> None:
    database.execute(*(statement.format("applied_migrations_state") for statement in statements))
    outcome = migrate(app(ALONE))
    assert (outcome.exit, outcome.results) == (7, {})
    assert outcome.error["message"].startswith('"public"."applied_migrations_state" ')
    assert tables(database) == set()


@pytest.mark.parametrize("table", ["applied_migrations", "applied_migrations_state"])
def test_another_owner_is_refused_when_something_is_pending(
    app: AppFactory, database: Database, table: str
) -> None:
    owner = database.add_role("other")
    migrate(app({**ALONE}))
    database.admin(f"ALTER TABLE {table} OWNER TO {owner}", f"GRANT ALL ON {table} TO public")
    assert migrate(app(ALONE)).exit == 0
    outcome = migrate(app({**ALONE, "002_two.sql": "CREATE TABLE two ();"}))
    assert (outcome.exit, outcome.results) == (7, {})
    assert outcome.error["message"] == (
        f'role "{database.role}" cannot migrate: "public"."{table}" belongs to role "{owner}",'
        f' and "{database.role}" is not a member of it'
    )
    database.admin(f"GRANT {owner} TO {database.role}")
    assert migrate(app({**ALONE, "002_two.sql": "CREATE TABLE two ();"})).applied == [2]


def test_the_tables_of_another_owner_are_handed_over_together(
    app: AppFactory, database: Database
) -> None:
    """By the statements of the hint, as they are printed."""
    owner = database.add_role("other")
    migrate(app({**ALONE}))
    for table in "applied_migrations", "applied_migrations_state":
        database.admin(f"ALTER TABLE {table} OWNER TO {owner}", f"GRANT ALL ON {table} TO public")
    program = app({**ALONE, "002_two.sql": "CREATE TABLE two ();"})
    hint = migrate(program).error["hint"]
    database.admin(*re.findall("ALTER TABLE [^;]*", hint))
    assert migrate(program).applied == [2]


def test_missing_columns_are_added(app: AppFactory, database: Database) -> None:
    database.execute(
        f"CREATE TABLE applied_migrations ({COLUMNS})",
        "INSERT INTO applied_migrations VALUES (1, 'one')",
    )
    assert migrate(app(FILES)).applied == [2]
    rows = (
        "SELECT version, name, applied_at IS NULL, checksum IS NULL, batch FROM applied_migrations"
    )
    assert database.rows(rows + " ORDER BY 1") == [
        (1, "one", True, True, None),
        (2, "two", False, False, 1),
    ]


def test_missing_columns_are_read_as_unknown(app: AppFactory, database: Database) -> None:
    """Nothing pending: nothing is written, not even a column."""
    database.execute(
        f"CREATE TABLE applied_migrations ({COLUMNS})",
        "INSERT INTO applied_migrations VALUES (1, 'one'), (2, 'two')",
    )
    assert migrate(app(FILES)).exit == 0
    assert check(app(FILES)) == 0
    assert len(database.rows("SELECT * FROM applied_migrations")[0]) == 2


def test_further_columns_are_ignored(app: AppFactory, database: Database) -> None:
    database.execute(
        "CREATE TABLE applied_migrations (ticket text DEFAULT 'none', version int PRIMARY KEY,"
        " name varchar(80), applied_at timestamp, checksum varchar(64), batch int, elapsed_ms int,"
        " state text DEFAULT 'fine')"
    )
    assert migrate(app(FILES)).applied == [1, 2]
    assert migrate(app(FILES)).results == {}
    rows = "SELECT version, name, ticket, state, batch FROM applied_migrations ORDER BY version"
    assert database.rows(rows) == [(1, "one", "none", "fine", 1), (2, "two", "none", "fine", 1)]


def test_a_rule_that_was_dropped_is_forgotten(app: AppFactory, database: Database) -> None:
    database.execute(
        f"CREATE TABLE applied_migrations ({COLUMNS})",
        "CREATE RULE r AS ON INSERT TO applied_migrations DO INSTEAD NOTHING",
        "DROP RULE r ON applied_migrations",
    )
    assert migrate(app(FILES)).applied == [1, 2]


def test_a_foreign_key_to_the_history_is_no_trigger_of_anybody(
    app: AppFactory, database: Database
) -> None:
    migrate(app(FILES))
    database.execute("CREATE TABLE notes (version bigint REFERENCES applied_migrations)")
    assert migrate(app({**FILES, "003_three.sql": "CREATE TABLE three ();"})).applied == [3]


def test_keys_may_be_in_any_order_and_have_company(app: AppFactory, database: Database) -> None:
    state = STATE.replace("(kind, key)", "(key, kind)")
    database.execute(
        f"CREATE TABLE applied_migrations_state (more int, {state}, UNIQUE (more, key))",
        "CREATE INDEX ON applied_migrations_state (kind)",
        "CREATE UNIQUE INDEX ON applied_migrations_state (lower(key)) WHERE more > 0",
    )
    assert migrate(app(ALONE)).applied == [1]


PARTIAL = [
    "CREATE UNIQUE INDEX ON applied_migrations (version) WHERE version > 5",
    "CREATE UNIQUE INDEX ON applied_migrations (version, name)",
    "CREATE UNIQUE INDEX ON applied_migrations ((version + 0))",
    "ALTER TABLE applied_migrations ADD UNIQUE (version) DEFERRABLE",
]


@pytest.mark.parametrize("key", PARTIAL)
def test_a_key_that_is_none_is_refused(app: AppFactory, database: Database, key: str) -> None:
    database.execute(f"CREATE TABLE applied_migrations ({KEYLESS})", key)
    outcome = migrate(app(FILES))
    assert (outcome.exit, outcome.results) == (7, {})
    assert "has no unique key on version" in outcome.error["message"]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns"])
def test_times_are_iso_8601_whatever_the_session_writes(
    app: AppFactory, database: Database, zone: str
) -> None:
    files = {**FILES, "R__view.sql": "CREATE OR REPLACE VIEW v AS SELECT 1 AS one;"}
    program = app(files)
    assert program.run("--only").returncode == 0
    expected = database.rows("SELECT applied_at FROM applied_migrations ORDER BY version")
    expected += database.rows("SELECT at FROM applied_migrations_state")
    written = []
    for style in ("ISO", "German"):
        for setting in (f"datestyle = '{style}'", f"timezone = '{zone}'"):
            database.admin(f'ALTER ROLE "{database.role}" SET {setting}')
        status = json.loads(program.run("--status", "--json").stdout)
        written.append([row["applied_at"] for row in status["migrations"]])
    assert written[0] == written[1]
    assert [(datetime.fromisoformat(text),) for text in written[0]] == expected
    assert all(re.fullmatch(r"\S+T\S+[+-]\d\d:\d\d", text) for text in written[0])


def test_a_row_that_makes_no_sense_is_refused(app: AppFactory, database: Database) -> None:
    database.execute(
        "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text)",
        "INSERT INTO applied_migrations VALUES (1, NULL)",
    )
    outcome = migrate(app(FILES))
    assert (outcome.exit, outcome.results) == (7, {})
    assert "has a row without a version or a name" in outcome.error["message"]
    database.execute("UPDATE applied_migrations SET name = 'one'")
    assert migrate(app(FILES)).applied == [2]


def test_a_required_column_of_another_hand_fails_the_claim(
    app: AppFactory, database: Database
) -> None:
    """A column that we do not fill: the server's words, and nothing is kept."""
    database.execute(f"CREATE TABLE applied_migrations ({COLUMNS}, ticket text NOT NULL)")
    outcome = migrate(app(FILES))
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "23502")
    assert "while recording the migration in public.applied_migrations" in outcome.error["context"]
    assert tables(database) == set() and versions(database) == []
