"""What runs and in which order: fresh, nothing to do, gaps, late files, batches."""

from __future__ import annotations

import hashlib

from conftest import AppFactory
from harness.database import Database
from outcomes import check, migrate, tables, versions

ONE = {"001_one.sql": "CREATE TABLE one ();"}
TWO = {"002_two.sql": "CREATE TABLE two ();"}
THREE = {"003_three.sql": "CREATE TABLE three ();"}


def test_a_fresh_database(app: AppFactory, database: Database) -> None:
    files = {**ONE, **TWO, "010_ten.sql": "INSERT INTO log VALUES ('ten');"}
    files["009_nine.sql"] = "CREATE TABLE log (line text);\nINSERT INTO log VALUES ('nine');\n"
    outcome = migrate(app(files))
    assert (outcome.exit, outcome.applied, outcome.batch) == (0, [1, 2, 9, 10], 1)
    assert tables(database) == {"one", "two", "log"}
    assert database.rows("SELECT line FROM log ORDER BY ctid") == [("nine",), ("ten",)]
    rows = database.rows(
        "SELECT version, name, checksum, batch, elapsed_ms BETWEEN 0 AND 60000,"
        " applied_at BETWEEN now() - interval '1 minute' AND now()"
        " FROM applied_migrations ORDER BY version"
    )
    names = ["001_one.sql", "002_two.sql", "009_nine.sql", "010_ten.sql"]
    assert rows == [
        (
            int(name[:3]),
            name[4:-4],
            hashlib.sha256(files[name].encode()).hexdigest(),
            1,
            True,
            True,
        )
        for name in names
    ]


def test_the_tables_are_as_the_manual_says(app: AppFactory, database: Database) -> None:
    migrate(app({**ONE, "002_alone.sql": "-- inlay: no-transaction\nSELECT 1;"}))
    columns = (
        "SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns"
        " WHERE table_name = %s ORDER BY ordinal_position"
    )
    assert database.rows(columns, "applied_migrations") == [
        ("version", "bigint", "NO", None),
        ("name", "text", "NO", None),
        ("applied_at", "timestamp with time zone", "NO", "now()"),
        ("checksum", "text", "YES", None),
        ("batch", "bigint", "YES", None),
        ("elapsed_ms", "bigint", "YES", None),
    ]
    assert database.rows(columns, "applied_migrations_state") == [
        ("kind", "text", "NO", None),
        ("key", "text", "NO", None),
        ("checksum", "text", "YES", None),
        ("done", "bigint", "YES", None),
        ("body", "text", "YES", None),
        ("at", "timestamp with time zone", "NO", "now()"),
    ]
    keys = (
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'p'"
        " AND connamespace = 'public'::regnamespace ORDER BY 1"
    )
    assert database.rows(keys) == [("PRIMARY KEY (kind, key)",), ("PRIMARY KEY (version)",)]


def test_the_second_run_has_nothing_to_do(app: AppFactory, database: Database) -> None:
    program = app({**ONE, **TWO})
    assert check(program) == 3
    migrate(program)
    before = database.rows("SELECT *, xmin FROM applied_migrations")
    outcome = migrate(program)
    assert (outcome.exit, outcome.results, outcome.batch) == (0, {}, None)
    assert check(program) == 0
    assert database.rows("SELECT *, xmin FROM applied_migrations") == before


def test_each_run_has_its_own_batch(app: AppFactory, database: Database) -> None:
    migrate(app(ONE))
    assert migrate(app({**ONE, **TWO, **THREE})).batch == 2
    batches = "SELECT version, batch FROM applied_migrations ORDER BY version"
    assert database.rows(batches) == [(1, 1), (2, 2), (3, 2)]


def test_gaps_are_no_matter(app: AppFactory, database: Database) -> None:
    migrate(app({**ONE, **THREE}))
    assert versions(database) == [1, 3]
    assert check(app({**ONE, **THREE})) == 0


def test_a_late_file_is_applied(app: AppFactory, database: Database) -> None:
    migrate(app({**ONE, **THREE}))
    outcome = migrate(app({**ONE, **TWO, **THREE}))
    assert (outcome.exit, outcome.applied) == (0, [2])
    assert outcome.warnings == ["applying late: 2 is lower than a version already applied"]
    assert versions(database) == [1, 2, 3]
    assert tables(database) == {"one", "two", "three"}


def test_rows_by_hand_are_legitimate_repairs(app: AppFactory, database: Database) -> None:
    program = app({**ONE, **TWO})
    migrate(program)
    database.execute("DROP TABLE two", "DELETE FROM applied_migrations WHERE version = 2")
    assert migrate(program).applied == [2]
    database.execute("INSERT INTO applied_migrations (version, name) VALUES (3, 'three')")
    assert migrate(app({**ONE, **TWO, **THREE})).results == {}
    assert tables(database) == {"one", "two"}


def test_versions_of_every_size(app: AppFactory, database: Database) -> None:
    sizes = [0, 7, 20260124000001, 2**63 - 1]
    files = {f"{version}_v.sql": f'CREATE TABLE "t{version}" ();' for version in sizes}
    assert migrate(app(files)).applied == sizes
    assert versions(database) == sizes
    assert check(app(files)) == 0


def test_empty_and_comment_only_files_are_recorded(app: AppFactory, database: Database) -> None:
    files = {"1_empty.sql": "", "2_comment.sql": "-- nothing here\n", "3_semicolons.sql": ";;\n;"}
    assert migrate(app(files)).applied == [1, 2, 3]
    assert versions(database) == [1, 2, 3]


def test_a_program_without_migrations(app: AppFactory, database: Database) -> None:
    outcome = migrate(app({}))
    assert (outcome.exit, outcome.results) == (0, {})
    assert database.rows("SELECT relname FROM pg_class WHERE relname ~ '^applied'") == []


def test_an_older_binary_boots_on_a_newer_database(app: AppFactory, database: Database) -> None:
    migrate(app({**ONE, **TWO, **THREE}))
    outcome = migrate(app({**ONE, **TWO}))
    assert (outcome.exit, outcome.results) == (0, {})
    assert outcome.warnings == [
        "the database is newer than this binary: public.applied_migrations has 1 version that this"
        " binary lacks: 3 (applied by a newer binary, or deleted here)"
    ]
    assert check(app({**ONE, **TWO})) == 0


def test_an_older_binary_boots_after_a_late_file(app: AppFactory, database: Database) -> None:
    migrate(app({**ONE, **THREE}))
    migrate(app({**ONE, **TWO, **THREE}))
    older = app({**ONE, **THREE})
    outcome = migrate(older)
    assert (outcome.exit, outcome.results) == (0, {})
    assert outcome.warnings == [
        "this binary lacks 1 version below its newest that public.applied_migrations has: 2 "
        "(deleted here, or applied late by a newer binary)"
    ]
    assert check(older) == 0
    assert versions(database) == [1, 2, 3]


def test_what_is_newer_and_what_is_gone_are_told_apart(app: AppFactory, database: Database) -> None:
    migrate(app({f"{n:03}_n.sql": f"CREATE TABLE t{n} ();" for n in range(1, 8)}))
    outcome = migrate(app({f"{n:03}_n.sql": f"CREATE TABLE t{n} ();" for n in (1, 4, 5)}))
    assert (outcome.exit, outcome.results) == (0, {})
    assert outcome.warnings == [
        "the database is newer than this binary: public.applied_migrations has 2 versions that "
        "this binary lacks: 6, 7 (applied by a newer binary, or deleted here)",
        "this binary lacks 2 versions below its newest that public.applied_migrations has: 2, 3 "
        "(deleted here, or applied late by a newer binary)",
    ]
    assert migrate(app({})).warnings == [
        "the database is newer than this binary: public.applied_migrations has 7 versions that "
        "this binary lacks: 1, 2, 3, 4, 5, 6, 7 (applied by a newer binary, or deleted here)"
    ]


def test_an_older_branch_may_add_above_a_newer_database(
    app: AppFactory, database: Database
) -> None:
    migrate(app({**ONE, **THREE}))
    outcome = migrate(app({**ONE, **TWO}))
    assert (outcome.exit, outcome.applied) == (0, [2])
    assert versions(database) == [1, 2, 3]
