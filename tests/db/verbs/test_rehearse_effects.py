"""--rehearse=keep: what each statement is said to have done, beside what PostgreSQL does."""

from __future__ import annotations

from conftest import AppFactory
from effects import effects, short
from harness.database import Database
from outcomes import versions
from rehearsals import ALONE

TABLE = (
    "CREATE TABLE {t} (id integer PRIMARY KEY, a text, b integer, c varchar(10), d integer);\n"
    "INSERT INTO {t} SELECT g, g, g, g, g FROM generate_series(1, 500) AS g;\n"
    "CREATE INDEX {t}_c ON {t} (c);\n"
)

# What there is before the statement, if that is more than the table; the statement; what it did.
# {t} is a table of its own. Rows read by a rewrite are those of the table and of each index.
EXCLUSIVE = "1 lock {t} ACCESS EXCLUSIVE"
REWRITTEN = [EXCLUSIVE, "1 rewrite {t}", "1 scan {t} 1500"]
CASES: dict[str, tuple[str, str, list[str]]] = {
    "add a column": (
        "",
        "ALTER TABLE {t} ADD x integer NOT NULL DEFAULT 1",
        [EXCLUSIVE, "1 created column {t}.x", "1 not-null column {t}.x"],
    ),
    "add a volatile column": (
        "",
        "ALTER TABLE {t} ADD x float DEFAULT random()",
        [*REWRITTEN, "1 created column {t}.x"],
    ),
    "add an identity": (
        "",
        "ALTER TABLE {t} ADD x integer GENERATED ALWAYS AS IDENTITY",
        [*REWRITTEN, "1 created column {t}.x", "1 not-null column {t}.x"],
    ),
    "add a stored column": (
        "",
        "ALTER TABLE {t} ADD x integer GENERATED ALWAYS AS (b + 1) STORED",
        [*REWRITTEN, "1 created column {t}.x"],
    ),
    "integer to bigint": (
        "",
        "ALTER TABLE {t} ALTER b TYPE bigint",
        [*REWRITTEN, "1 retyped column {t}.b bigint"],
    ),
    "text to a shorter one": (
        "",
        "ALTER TABLE {t} ALTER a TYPE varchar(50)",
        [*REWRITTEN, "1 retyped column {t}.a character varying(50)"],
    ),
    "a longer varchar with an index": (
        "",
        "ALTER TABLE {t} ALTER c TYPE varchar(20)",
        [EXCLUSIVE, "1 retyped column {t}.c character varying(20)"],
    ),
    "varchar to text with an index": (
        "",
        "ALTER TABLE {t} ALTER c TYPE text",
        [EXCLUSIVE, "1 retyped column {t}.c text"],
    ),
    "not null": (
        "",
        "ALTER TABLE {t} ALTER a SET NOT NULL",
        [EXCLUSIVE, "1 scan {t} 500", "1 not-null column {t}.a without default"],
    ),
    "not null with a valid check": (
        "ALTER TABLE {t} ADD CHECK (a IS NOT NULL);",
        "ALTER TABLE {t} ALTER a SET NOT NULL",
        [EXCLUSIVE, "1 not-null column {t}.a without default"],
    ),
    "check": (
        "",
        "ALTER TABLE {t} ADD CONSTRAINT k CHECK (b > 0)",
        [EXCLUSIVE, "1 scan {t} 500", "1 created constraint {t}.k"],
    ),
    "check that is not valid": (
        "",
        "ALTER TABLE {t} ADD CONSTRAINT k CHECK (b > 0) NOT VALID",
        [EXCLUSIVE, "1 created constraint {t}.k invalid"],
    ),
    "validate a check": (
        "ALTER TABLE {t} ADD CONSTRAINT k CHECK (b > 0) NOT VALID;",
        "ALTER TABLE {t} VALIDATE CONSTRAINT k",
        [
            "1 lock {t} SHARE UPDATE EXCLUSIVE",
            "1 scan {t} 500",
            "1 validated constraint {t}.k",
        ],
    ),
    "index": (
        "",
        "CREATE INDEX {t}_b ON {t} (b)",
        ["1 lock {t} SHARE", "1 scan {t} 500", "1 created index {t}_b"],
    ),
    "foreign key": (
        "CREATE TABLE {t}_r (id integer PRIMARY KEY);"
        "INSERT INTO {t}_r SELECT generate_series(1, 500);",
        "ALTER TABLE {t} ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES {t}_r",
        [
            "1 lock {t} SHARE ROW EXCLUSIVE",
            "1 lock {t}_r SHARE ROW EXCLUSIVE",
            "1 scan {t} 500",
            "1 scan {t}_r 500",
            "1 created constraint {t}.f",
        ],
    ),
    "foreign key that is not valid": (
        "CREATE TABLE {t}_r (id integer PRIMARY KEY);",
        "ALTER TABLE {t} ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES {t}_r NOT VALID",
        [
            "1 lock {t} SHARE ROW EXCLUSIVE",
            "1 lock {t}_r SHARE ROW EXCLUSIVE",
            "1 created constraint {t}.f invalid",
        ],
    ),
    "validate a foreign key": (
        "CREATE TABLE {t}_r (id integer PRIMARY KEY);"
        "INSERT INTO {t}_r SELECT generate_series(1, 500);"
        "ALTER TABLE {t} ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES {t}_r NOT VALID;",
        "ALTER TABLE {t} VALIDATE CONSTRAINT f",
        [
            "1 lock {t} SHARE UPDATE EXCLUSIVE",
            "1 lock {t}_r ROW SHARE",
            "1 scan {t} 500",
            "1 scan {t}_r 500",
            "1 validated constraint {t}.f",
        ],
    ),
    "unique using an index": (
        "CREATE UNIQUE INDEX {t}_u ON {t} (b);",
        "ALTER TABLE {t} ADD CONSTRAINT {t}_k UNIQUE USING INDEX {t}_u",
        [EXCLUSIVE, "1 created constraint {t}.{t}_k", "1 renamed index {t}_u {t}_k"],
    ),
    "primary key using an index on a column that may be null": (
        "ALTER TABLE {t} DROP CONSTRAINT {t}_pkey, ALTER id DROP NOT NULL;"
        "CREATE UNIQUE INDEX {t}_u ON {t} (id);",
        "ALTER TABLE {t} ADD CONSTRAINT {t}_k PRIMARY KEY USING INDEX {t}_u",
        [
            EXCLUSIVE,
            "1 scan {t} 500",
            "1 created constraint {t}.{t}_k",
            "1 not-null column {t}.id without default",
            "1 renamed index {t}_u {t}_k",
        ],
    ),
    "attach a partition": (
        "CREATE TABLE {t}_p (LIKE {t}) PARTITION BY RANGE (id);",
        "ALTER TABLE {t}_p ATTACH PARTITION {t} FOR VALUES FROM (0) TO (1000)",
        [EXCLUSIVE, "1 lock {t}_p SHARE UPDATE EXCLUSIVE", "1 scan {t} 500"],
    ),
    "attach a partition with a check, beside a default": (
        "CREATE TABLE {t}_p (LIKE {t}) PARTITION BY RANGE (id);"
        "CREATE TABLE {t}_d PARTITION OF {t}_p DEFAULT;"
        "INSERT INTO {t}_p SELECT * FROM {t}; UPDATE {t}_p SET id = id + 2000;"
        "ALTER TABLE {t} ADD CHECK (id >= 0 AND id < 1000);",
        "ALTER TABLE {t}_p ATTACH PARTITION {t} FOR VALUES FROM (0) TO (1000)",
        [
            EXCLUSIVE,
            "1 lock {t}_d ACCESS EXCLUSIVE",
            "1 lock {t}_p SHARE UPDATE EXCLUSIVE",
            "1 scan {t}_d 500",
        ],
    ),
    "cluster": (
        "",
        "CLUSTER {t} USING {t}_pkey",
        REWRITTEN,
    ),
    "refresh": (
        "CREATE MATERIALIZED VIEW {t}_m AS SELECT id FROM {t};",
        "REFRESH MATERIALIZED VIEW {t}_m",
        [
            "1 lock {t}_m ACCESS EXCLUSIVE",
            "1 rewrite {t}_m",
            "1 rows {t}_m 500/0/0",
            "1 scan {t} 500",
        ],
    ),
    "refresh concurrently": (
        "CREATE MATERIALIZED VIEW {t}_m AS SELECT id FROM {t};"
        "CREATE UNIQUE INDEX {t}_mi ON {t}_m (id);",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY {t}_m",
        ["1 lock {t}_m EXCLUSIVE", "1 scan {t} 500", "1 scan {t}_m 500"],
    ),
    "truncate": ("", "TRUNCATE {t}", [EXCLUSIVE, "1 rewrite {t}", "1 scan {t} 0"]),
    "drop a column": (
        "",
        "ALTER TABLE {t} DROP COLUMN c",
        [EXCLUSIVE, "1 dropped column {t}.c", "1 dropped index {t}_c"],
    ),
    "rename a column": (
        "",
        "ALTER TABLE {t} RENAME c TO cc",
        [EXCLUSIVE, "1 renamed column {t}.c cc"],
    ),
    "rename a table": (
        "",
        "ALTER TABLE {t} RENAME TO {t}x",
        [EXCLUSIVE, "1 renamed table {t} {t}x"],
    ),
    "drop a table": ("", "DROP TABLE {t}", [EXCLUSIVE, "1 dropped table {t}"]),
    "trigger": (
        "CREATE FUNCTION {t}_g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';",
        "CREATE TRIGGER g BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {t}_g()",
        ["1 lock {t} SHARE ROW EXCLUSIVE", "1 created trigger {t}.g"],
    ),
    "a new label": ("CREATE TYPE {t}_e AS ENUM ('a');", "ALTER TYPE {t}_e ADD VALUE 'b'", []),
    "a function is gone": (
        "CREATE FUNCTION {t}_f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';",
        "DROP FUNCTION {t}_f",
        ["1 dropped function {t}_f(integer)"],
    ),
    "a trigger's function is gone": (
        "CREATE FUNCTION {t}_g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';",
        "DROP FUNCTION {t}_g",
        ["1 dropped trigger function {t}_g()"],
    ),
    "a view is made again": (
        "CREATE VIEW {t}_v AS SELECT id FROM {t};",
        "DROP VIEW {t}_v;\nCREATE VIEW {t}_v AS SELECT a FROM {t}",
        ["1 dropped column {t}_v.id", "1 lock {t}_v ACCESS EXCLUSIVE", "1 replaced view {t}_v"],
    ),
    "a table is made again": (
        "",
        "DROP TABLE {t};\nCREATE TABLE {t} (x integer)",
        [EXCLUSIVE, "1 dropped table {t}"],
    ),
    "a default comes later": (
        "",
        "ALTER TABLE {t} ALTER b SET NOT NULL;\nALTER TABLE {t} ALTER b SET DEFAULT 1",
        [EXCLUSIVE, "1 scan {t} 500", "1 not-null column {t}.b"],
    ),
    "a new column must have a value later": (
        "",
        "ALTER TABLE {t} ADD x integer DEFAULT 1;\nALTER TABLE {t} ALTER x SET NOT NULL;\n"
        "ALTER TABLE {t} ALTER x DROP DEFAULT",
        [
            EXCLUSIVE,
            "1 created column {t}.x",
            "2 scan {t} 500",
            "2 not-null column {t}.x without default",
        ],
    ),
    "a type is gone": (
        "CREATE TYPE {t}_e AS ENUM ('a');",
        "DROP TYPE {t}_e",
        ["1 dropped type {t}_e"],
    ),
    "a type has another name": (
        "CREATE TYPE {t}_e AS ENUM ('a'); ALTER TABLE {t} ADD e {t}_e;",
        "ALTER TYPE {t}_e RENAME TO {t}_f;\nALTER TABLE {t} ALTER b SET DEFAULT 1",
        ["1 renamed type {t}_e {t}_f", "2 lock {t} ACCESS EXCLUSIVE"],
    ),
    "a schema has another name": (
        "CREATE SCHEMA {t}_s; CREATE TABLE {t}_s.x ();",
        "ALTER SCHEMA {t}_s RENAME TO {t}_z;\nALTER TABLE {t}_z.x ADD y integer",
        [
            "1 renamed schema {t}_s {t}_z",
            "2 lock {t}_z.x ACCESS EXCLUSIVE",
            "2 created column {t}_z.x.y",
        ],
    ),
    "a label has another name": (
        "CREATE TYPE {t}_e AS ENUM ('a');",
        "ALTER TYPE {t}_e RENAME VALUE 'a' TO 'b'",
        ["1 renamed enum value {t}_e.'a' 'b'"],
    ),
    "rows": (
        "",
        "UPDATE {t} SET b = 0 WHERE b <= 100",
        ["1 lock {t} ROW EXCLUSIVE", "1 scan {t} 500", "1 rows {t} 0/100/0"],
    ),
    "several in one": (
        "",
        "DO $$ BEGIN ALTER TABLE {t} ADD x integer; UPDATE {t} SET x = 1; "
        "ALTER TABLE {t} ALTER b TYPE bigint; END $$",
        [
            EXCLUSIVE,
            "1 rewrite {t}",
            "1 scan {t} 2000",
            "1 rows {t} 0/500/0",
            "1 created column {t}.x",
            "1 retyped column {t}.b bigint",
        ],
    ),
    "undone by an exception": (
        "",
        "DO $$ BEGIN ALTER TABLE {t} ALTER b TYPE bigint; RAISE 'no';"
        " EXCEPTION WHEN raise_exception THEN NULL; END $$",
        [],
    ),
    "vacuum full": (ALONE, "VACUUM FULL {t}", [EXCLUSIVE, "1 rewrite {t}"]),
    "index concurrently": (
        ALONE,
        "CREATE INDEX CONCURRENTLY {t}_b ON {t} (b)",
        ["1 lock {t} SHARE UPDATE EXCLUSIVE", "1 created index {t}_b"],
    ),
    "drop an index concurrently": (
        ALONE,
        "DROP INDEX CONCURRENTLY {t}_c",
        ["1 lock {t} SHARE UPDATE EXCLUSIVE", "1 dropped index {t}_c"],
    ),
    "reindex concurrently": (
        ALONE,
        "REINDEX INDEX CONCURRENTLY {t}_c",
        ["1 lock {t} SHARE UPDATE EXCLUSIVE", "1 rewrite {t}_c"],
    ),
    "rows in a file without a transaction": (
        ALONE,
        "DELETE FROM {t} WHERE b <= 100",
        ["1 lock {t} ROW EXCLUSIVE", "1 scan {t} 500", "1 rows {t} 0/0/100"],
    ),
}


def test_what_statements_do(app: AppFactory, database: Database) -> None:
    before, files = "", {}
    for number, (more, statement, _) in enumerate(CASES.values(), 2):
        name = f"t{number}"
        alone, more = (more, "") if more == ALONE else ("", more)
        before += TABLE.format(t=name) + more.replace("{t}", name) + "\n"
        files[f"{number:03}_x.sql"] = alone + statement.replace("{t}", name) + ";\n"
    steps = effects(app({"001_before.sql": before, **files}))
    assert len(versions(database)) == len(CASES) + 1
    found = {
        name: sorted(line.replace(f"t{number}", "{t}") for line in short(steps[str(number)]))
        for number, name in enumerate(CASES, 2)
    }
    # PostgreSQL 13 reads a row more.
    found["refresh concurrently"][-1] = found["refresh concurrently"][-1].replace("501", "500")
    assert found == {name: sorted(lines) for name, (_, _, lines) in CASES.items()}
    assert short(steps["1"]) == []
