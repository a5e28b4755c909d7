"""Our tables are what they have to be after each migration, too: one that leaves them otherwise
fails, and nothing of it is kept."""

from __future__ import annotations

import json

import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import Outcome, migrate, tables, versions

HISTORY = "applied_migrations"
STATE = "applied_migrations_state"
QUIET = "EXECUTE FUNCTION suppress_redundant_updates_trigger()"
ONE = {"001_one.sql": "CREATE TABLE one ();"}
AFTER = {"900_after.sql": "CREATE TABLE after ();"}

# So many that the seal is prepared, and knows by itself when there is something to ask.
MANY = {f"{number:03}_many.sql": "SELECT 1;" for number in range(100, 130)}

# What goes before, and whether an earlier run has done that: the seal of the first migration is
# prepared ahead then.
WAYS = {"few": (ONE, False), "many": ({**ONE, **MANY}, False), "ahead": (ONE, True)}

FORCE = "ALTER TABLE {0} ENABLE ROW LEVEL SECURITY;\nALTER TABLE {0} FORCE ROW LEVEL SECURITY;"
EVERYWHERE = """DO $$ DECLARE t regclass; BEGIN
  FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
  LOOP EXECUTE format('{}', t); END LOOP;
END $$;"""
DELETES = f"""CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN DELETE FROM {HISTORY} WHERE version = NEW.version; RETURN NULL; END';
CREATE CONSTRAINT TRIGGER gone AFTER UPDATE ON {HISTORY} DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION gone();"""

SECURITY = "has row security, which hides rows from this role"
TRIGGERS = "has triggers, which can change or drop what is recorded"
RULES = "has rules, which rewrite what is recorded"
CHILDREN = "has tables that inherit from it, whose rows look like its own"
COLUMNS = "lacks a column that inlay needs, or has it with another type"

# What a migration does, which table is unfit then, and why.
LEAVING: dict[str, tuple[str, str, str]] = {
    "row security, history": (FORCE.format(HISTORY), HISTORY, SECURITY),
    "row security, state": (FORCE.format(STATE), STATE, SECURITY),
    "row security everywhere": (
        EVERYWHERE.format("ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"),
        HISTORY,
        SECURITY,
    ),
    "a trigger on everything": (
        EVERYWHERE.format(f"CREATE TRIGGER audit BEFORE UPDATE ON %s FOR EACH ROW {QUIET}"),
        HISTORY,
        TRIGGERS,
    ),
    "a trigger that deletes the row": (DELETES, HISTORY, TRIGGERS),
    "a trigger on the state": (
        f"CREATE TRIGGER t BEFORE UPDATE ON {STATE} FOR EACH ROW {QUIET};",
        STATE,
        TRIGGERS,
    ),
    "a trigger from under a savepoint": (
        f"DO $$ BEGIN CREATE TRIGGER t BEFORE UPDATE ON {STATE} FOR EACH ROW {QUIET};"
        " EXCEPTION WHEN OTHERS THEN NULL; END $$;",
        STATE,
        TRIGGERS,
    ),
    "a rule on the history": (
        f"CREATE RULE r AS ON INSERT TO {HISTORY} DO INSTEAD NOTHING;",
        HISTORY,
        RULES,
    ),
    "a rule on the state": (
        f"CREATE RULE r AS ON DELETE TO {STATE} DO ALSO NOTHING;",
        STATE,
        RULES,
    ),
    "no key of the history": (
        f"ALTER TABLE {HISTORY} DROP CONSTRAINT {HISTORY}_pkey;",
        HISTORY,
        "has no unique key on version",
    ),
    "another key of the history": (
        f"ALTER TABLE {HISTORY} DROP CONSTRAINT {HISTORY}_pkey, ADD PRIMARY KEY (version, name);",
        HISTORY,
        "has no unique key on version",
    ),
    "no key of the state": (
        f"ALTER TABLE {STATE} DROP CONSTRAINT {STATE}_pkey;",
        STATE,
        "has no unique key on (kind, key)",
    ),
    "a child of the history": (f"CREATE TABLE c () INHERITS ({HISTORY});", HISTORY, CHILDREN),
    "a child of the state": (f"CREATE TABLE c () INHERITS ({STATE});", STATE, CHILDREN),
    "an unlogged history": (
        f"ALTER TABLE {HISTORY} SET UNLOGGED;",
        HISTORY,
        "is unlogged: a crash would empty it",
    ),
    "a history with another type": (
        f"ALTER TABLE {HISTORY} ALTER batch TYPE numeric;",
        HISTORY,
        COLUMNS,
    ),
    "a state without a column": (f"ALTER TABLE {STATE} DROP COLUMN body;", STATE, COLUMNS),
    "a state with another column": (
        f"ALTER TABLE {STATE} RENAME COLUMN done TO finished;",
        STATE,
        COLUMNS,
    ),
    "a view for the state": (
        f"ALTER TABLE {STATE} RENAME TO moved; CREATE VIEW {STATE} AS SELECT * FROM moved;",
        STATE,
        "is not an ordinary table",
    ),
}


def check_failure(outcome: Outcome, table: str, why: str, path: str) -> None:
    assert (outcome.exit, outcome.code) == (1, "failed"), outcome.stderr
    assert outcome.error["message"] == (f'the migration leaves "public"."{table}" unfit: it {why}')
    assert outcome.error["path"] == f"migrations/{path}"


@pytest.mark.parametrize("before, earlier", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("case", LEAVING)
def test_a_migration_that_leaves_a_table_unfit(
    app: AppFactory, database: Database, case: str, before: dict[str, str], earlier: bool
) -> None:
    body, table, why = LEAVING[case]
    bad = {"200_bad.sql": f"CREATE SEQUENCE runs;\n{body}\n"}
    more = {**MANY, **AFTER} if len(before) > 1 else AFTER
    more = {name.replace("1", "3", 1): body for name, body in more.items()}
    if earlier:
        migrate(app(before))
    outcome = migrate(app({**before, **bad, **more}))
    check_failure(outcome, table, why, "200_bad.sql")
    assert outcome.error["hint"] == (
        f'leave "public"."{HISTORY}" and "public"."{STATE}" alone, in loops over all tables and in'
        " event triggers too"
    )
    assert "200_bad.sql was rolled back" in outcome.error["outcome"]
    assert "runs again on its own" not in outcome.stderr
    assert tables(database) == {"one"}
    assert versions(database) == sorted(int(name[:3]) for name in before)
    assert migrate(app({**before, **AFTER})).applied == [900]


def test_it_fails_beside_what_was_there_already(app: AppFactory, database: Database) -> None:
    """Nothing is made in this run: the tables are those of an earlier one."""
    migrate(app(ONE))
    body = LEAVING["a trigger on the state"][0]
    outcome = migrate(app({**ONE, **MANY, "200_bad.sql": body}))
    check_failure(outcome, STATE, TRIGGERS, "200_bad.sql")
    assert len(versions(database)) == 1 + len(MANY)


READ_ONLY = "the migration made its transaction read-only: it cannot be recorded"
RIGHT = "the migration took the right to write inlay's tables from this role"


@pytest.mark.parametrize("before, earlier", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    "body, why",
    [
        ("SET transaction_read_only = on;", READ_ONLY),
        ("SELECT set_config('transaction_read_only', 'on', true);", READ_ONLY),
        (f"SELECT as_admin('ALTER TABLE {HISTORY} OWNER TO {{other}}');", RIGHT),
        (f"SELECT as_admin('REVOKE UPDATE ON {HISTORY} FROM {{role}}');", RIGHT),
    ],
    ids=["SET", "set_config", "owner", "privilege"],
)
def test_a_migration_after_which_nothing_can_be_recorded(
    app: AppFactory, database: Database, body: str, why: str, before: dict[str, str], earlier: bool
) -> None:
    database.admin(
        "CREATE FUNCTION as_admin(sql text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS"
        " 'BEGIN EXECUTE sql; END'",
    )
    body = body.format(role=database.role, other=database.add_role("other"))
    if earlier:
        migrate(app(before))
    outcome = migrate(app({**before, "200_bad.sql": body, **AFTER}))
    assert (outcome.exit, outcome.code) == (1, "failed"), outcome.stderr
    assert outcome.error["message"] == why
    assert outcome.error["path"] == "migrations/200_bad.sql"
    assert outcome.error["outcome"].endswith("Fix the file, rebuild, run again")
    assert versions(database) == sorted(int(name[:3]) for name in before)
    assert migrate(app({**before, **AFTER})).applied == [900]


def test_an_owner_that_the_role_is_no_member_of_any_more(
    app: AppFactory, database: Database
) -> None:
    """No table changes by that."""
    owner = database.add_role("holder", "NOLOGIN")
    migrate(app(ONE))
    database.admin(
        f"GRANT {owner} TO {database.role}",
        f"ALTER TABLE {HISTORY} OWNER TO {owner}",
        f"ALTER TABLE {STATE} OWNER TO {owner}",
        f"GRANT ALL ON {HISTORY}, {STATE} TO {database.role}",
        "CREATE FUNCTION leave() RETURNS void LANGUAGE sql SECURITY DEFINER AS"
        f" 'REVOKE {owner} FROM {database.role}'",
    )
    outcome = migrate(app({**ONE, "200_bad.sql": "SELECT leave();"}))
    why = "belongs to a role that this one is no member of"
    check_failure(outcome, HISTORY, why, "200_bad.sql")
    assert versions(database) == [1]


def test_the_state_table_is_gone(app: AppFactory, database: Database) -> None:
    outcome = migrate(app({**ONE, **MANY, "200_bad.sql": f"DROP TABLE {STATE};"}))
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "42P01")
    assert STATE in outcome.error["message"]
    assert database.value(f"SELECT to_regclass('{STATE}') IS NOT NULL") is True


def test_a_state_table_that_comes_is_looked_at(app: AppFactory, database: Database) -> None:
    database.execute(f"CREATE TABLE {HISTORY} (version bigint PRIMARY KEY, name text NOT NULL)")
    body = f"CREATE TABLE {STATE} (kind text, key text);"
    outcome = migrate(app({**ONE, **MANY, "200_bad.sql": body}))
    check_failure(outcome, STATE, COLUMNS, "200_bad.sql")
    good = f"CREATE TABLE {STATE} (kind text, key text, checksum text, done bigint, body text,"
    good += " at timestamptz DEFAULT now(), PRIMARY KEY (key, kind));"
    assert migrate(app({**ONE, **MANY, "200_good.sql": good, **AFTER})).applied == [200, 900]


# What may be done to our tables; none of it runs twice.
PASSING = {
    "row security that an owner is not subject to": EVERYWHERE.format(
        "ALTER TABLE %s ENABLE ROW LEVEL SECURITY"
    ),
    "a reference to a row": f"CREATE TABLE r (v bigint REFERENCES {HISTORY});",
    "another index": f"CREATE INDEX ON {HISTORY} (name);",
    "another key": f"ALTER TABLE {HISTORY} DROP CONSTRAINT {HISTORY}_pkey, ADD UNIQUE (version);",
    "another order": f"CLUSTER {STATE} USING {STATE}_pkey;",
    "another column": f"ALTER TABLE {STATE} ADD COLUMN note text;",
    "a trigger that goes": f"CREATE TRIGGER t BEFORE UPDATE ON {STATE} FOR EACH ROW {QUIET};"
    f"DROP TRIGGER t ON {STATE};",
    "statistics": f"ANALYZE {HISTORY};",
    "other types that will do": f"ALTER TABLE {STATE} ALTER done TYPE int;"
    f"CREATE DOMAIN words AS text; ALTER TABLE {STATE} ALTER body TYPE words;",
}


@pytest.mark.parametrize("before, earlier", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("case", PASSING)
def test_what_leaves_them_fit(
    app: AppFactory, database: Database, case: str, before: dict[str, str], earlier: bool
) -> None:
    database.execute("CREATE SEQUENCE runs")
    body = f"SELECT nextval('runs');\n{PASSING[case]}\nSELECT nextval('runs');\n"
    more = {name.replace("1", "3", 1): body for name, body in MANY.items()}
    files = {**before, "200_fine.sql": body, **(more if not earlier else {}), **AFTER}
    if earlier:
        migrate(app(before))
    assert migrate(app(files)).exit == 0
    assert database.value("SELECT last_value FROM runs") == 2
    assert versions(database) == sorted(int(name[:3]) for name in files)
    later = migrate(app({**files, "901_later.sql": "SELECT 1;"}))
    assert (later.exit, later.applied) == (0, [901])


def test_a_way_back_that_leaves_one_unfit(app: AppFactory, database: Database) -> None:
    body, table, why = LEAVING["a trigger on the state"]
    files = {**ONE, "002_two.up.sql": "CREATE TABLE two ();", "002_two.down.sql": body}
    program = app(files)
    assert migrate(program).applied == [1, 2]
    result = program.run("--down", "1", "--yes", "--json")
    error = json.loads(result.stdout)["error"]
    assert (result.returncode, error["message"]) == (
        1,
        f'the migration leaves "public"."{table}" unfit: it {why}',
    )
    assert error["path"] == "migrations/002_two.down.sql"
    assert versions(database) == [1, 2] and migrate(program).exit == 0


def test_a_repeatable_that_leaves_one_unfit(app: AppFactory, database: Database) -> None:
    body, table, why = LEAVING["no key of the history"]
    result = app({**ONE, "R__bad.sql": body}).run("--only", "--json")
    error = json.loads(result.stdout)["error"]
    assert (result.returncode, error["path"]) == (1, "migrations/R__bad.sql")
    assert error["message"] == f'the migration leaves "public"."{table}" unfit: it {why}'
    assert database.rows(f"SELECT key FROM {STATE}") == [] and versions(database) == [1]
    assert migrate(app(ONE)).exit == 0


def test_a_rehearsal_finds_it(app: AppFactory, database: Database) -> None:
    body, table, why = LEAVING["a trigger on the state"]
    result = app({**ONE, "002_bad.sql": body}).run("--rehearse")
    assert result.returncode == 1
    assert f'the migration leaves "public"."{table}" unfit: it {why}' in result.stderr
    assert tables(database) == set()
    assert app({**ONE, "002_fine.sql": PASSING["another column"]}).run("--rehearse").returncode == 0


ALONE = ("a trigger on the state", "no key of the history", "a child of the history")


@pytest.mark.parametrize("case", ALONE)
def test_without_a_transaction_it_is_reported_and_not_recorded(
    app: AppFactory, database: Database, case: str
) -> None:
    body, table, why = LEAVING[case]
    files = {**ONE, "002_bad.sql": f"-- inlay: no-transaction\nCREATE TABLE two ();\n{body}\n"}
    outcome = migrate(app(files))
    check_failure(outcome, table, why, "002_bad.sql")
    assert outcome.error["hint"].endswith("; then run again")
    assert outcome.error["outcome"] == (
        "002_bad.sql has no transaction: 2 of 2 statements done and kept; the next run only writes"
        " its history row"
    )
    assert "two" in tables(database) and versions(database) == [1]
    again = migrate(app(files))
    assert (again.exit, why in again.error["message"]) == (7, True)
    database.execute(
        f"DROP TRIGGER IF EXISTS t ON {STATE}",
        "DROP TABLE IF EXISTS c",
        f"ALTER TABLE {HISTORY} DROP CONSTRAINT IF EXISTS {HISTORY}_pkey",
        f"ALTER TABLE {HISTORY} ADD PRIMARY KEY (version)",
    )
    assert migrate(app(files)).applied == [2]


# ---- our tables as they are made ----


def add_event_trigger(database: Database, statement: str) -> None:
    """What a hosted platform does with each new table."""
    database.admin(
        "CREATE FUNCTION secure() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$ DECLARE o record;"
        " BEGIN FOR o IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE object_type = 'table'"
        f" LOOP EXECUTE format('{statement}', o.objid::regclass); END LOOP; END $$",
        "CREATE EVENT TRIGGER secure ON ddl_command_end WHEN TAG IN ('CREATE TABLE')"
        " EXECUTE FUNCTION secure()",
    )


@pytest.mark.parametrize(
    "files",
    [ONE, {"001_one.sql": "-- inlay: no-transaction\nCREATE TABLE one ();"}],
    ids=["with the first", "before the first"],
)
def test_tables_that_an_event_trigger_spoils(
    app: AppFactory, database: Database, files: dict[str, str]
) -> None:
    add_event_trigger(
        database, "ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    )
    outcome = migrate(app(files))
    assert (outcome.exit, outcome.code, outcome.results) == (7, "refused", {})
    assert outcome.error["message"] == (
        f'"public"."{HISTORY}" {SECURITY}, from the moment it is made'
    )
    assert "an event trigger changes new tables" in outcome.error["hint"]
    assert outcome.error["outcome"] == (
        f"the history public.{HISTORY} could not be prepared; nothing was changed"
    )
    assert database.rows("SELECT 1 FROM pg_class WHERE relname ~ '^(applied|one)'") == []


def test_an_event_trigger_that_gives_them_away(app: AppFactory, database: Database) -> None:
    add_event_trigger(database, f"ALTER TABLE %s OWNER TO {database.add_role('other')}")
    outcome = migrate(app(ONE))
    assert (outcome.exit, outcome.code) == (7, "refused")
    assert outcome.error["message"] == (
        f'"public"."{HISTORY}" belongs to a role that this one is no member of, from the moment it'
        " is made"
    )
    assert "an event trigger changes new tables" in outcome.error["hint"]
    assert database.rows("SELECT 1 FROM pg_class WHERE relname ~ '^(applied|one)'") == []


def test_an_event_trigger_that_an_owner_can_live_with(app: AppFactory, database: Database) -> None:
    add_event_trigger(database, "ALTER TABLE %s ENABLE ROW LEVEL SECURITY")
    assert migrate(app(ONE)).applied == [1]
    assert migrate(app({**ONE, **AFTER})).applied == [900]
    secured = "SELECT bool_and(relrowsecurity) FROM pg_class WHERE relname ~ '^applied.*[a-z]s?$'"
    assert database.value(secured + " AND relkind = 'r'") is True


# ---- row security that is there ----


def test_row_security_that_hides_rows_from_a_reader(app: AppFactory, database: Database) -> None:
    reader = database.add_role("reader")
    migrate(app(ONE))
    database.execute(
        f"GRANT SELECT ON {HISTORY}, {STATE} TO {reader}",
        f"ALTER TABLE {HISTORY} ENABLE ROW LEVEL SECURITY",
    )
    result = app(ONE).run("--check", url=database.url_for(reader))
    assert result.returncode == 7 and f'"public"."{HISTORY}" {SECURITY}' in result.stderr
    assert app(ONE).run("--check").returncode == 0


def test_who_else_reads_is_warned_of(app: AppFactory, database: Database) -> None:
    reader = database.add_role("reader")
    migrate(app(ONE))
    database.execute(f"ALTER TABLE {HISTORY} ENABLE ROW LEVEL SECURITY")
    assert migrate(app({**ONE, "002_two.sql": "SELECT 1;"})).warnings == []  # nobody else reads
    database.execute(f"GRANT SELECT ON {HISTORY} TO {reader}")
    outcome = migrate(app({**ONE, "002_two.sql": "SELECT 1;", **AFTER}))
    assert outcome.exit == 0
    assert outcome.warnings == [
        f'"public"."{HISTORY}" has row security, which hides rows from role {reader}, although that'
        " may read it: what starts as that role is refused"
    ]
    assert migrate(app({**ONE, "002_two.sql": "SELECT 1;", **AFTER})).warnings == []


def test_rows_of_a_child_do_not_count(app: AppFactory, database: Database) -> None:
    migrate(app(ONE))
    database.execute(
        f"CREATE TABLE c () INHERITS ({HISTORY})",
        "INSERT INTO c (version, name) VALUES (900, 'after')",
    )
    result = app({**ONE, **AFTER}).run("--check")
    assert result.returncode == 7 and f'"public"."{HISTORY}" {CHILDREN}' in result.stderr
    database.execute("DROP TABLE c")  # the server remembers that there were some
    assert migrate(app({**ONE, **AFTER})).applied == [900]
