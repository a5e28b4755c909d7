"""--drift sees what is said of an object beside its definition, some of it on new servers only."""

from __future__ import annotations

import json

import pytest

from conftest import AppFactory
from harness.database import Database
from test_schema import drift, embedding

pytestmark = pytest.mark.plain  # what the newest PostgreSQL has is asked too

BASE = (
    "CREATE TABLE t (id bigint PRIMARY KEY, name text, price integer,"
    " gross integer GENERATED ALWAYS AS (price * 2) STORED);\n"
    "CREATE TABLE u (id bigint PRIMARY KEY);\n"
    "CREATE INDEX t_name ON t (lower(name), id);\n"
    "CREATE STATISTICS st ON id, name FROM t;\n"
    "CREATE MATERIALIZED VIEW m AS SELECT id FROM t WITH NO DATA;\n"
)
PUBLISH = ("CREATE SCHEMA s", "CREATE PUBLICATION pub FOR TABLE t, u")

# Since which version, the change, the object, and a line that tells.
CHANGES = {
    "publish": (
        13,
        "ALTER PUBLICATION pub SET (publish = 'insert')",
        "publication pub",
        "+     PUBLISH insert",
    ),
    "partition root": (
        13,
        "ALTER PUBLICATION pub SET (publish_via_partition_root)",
        "publication pub",
        "+     VIA PARTITION ROOT",
    ),
    "published table": (
        13,
        "ALTER PUBLICATION pub DROP TABLE u",
        "publication pub",
        "-     TABLE public.u",
    ),
    "row filter": (
        15,
        "ALTER PUBLICATION pub SET TABLE t WHERE (id > 1), u",
        "publication pub",
        "+   |     WHERE (id > 1)",
    ),
    "column list": (
        15,
        "ALTER PUBLICATION pub SET TABLE t (name, id), u",
        "publication pub",
        "+     TABLE public.t (id, name)",
    ),
    "published schema": (
        15,
        "ALTER PUBLICATION pub ADD TABLES IN SCHEMA s",
        "publication pub",
        "+     TABLES IN SCHEMA s",
    ),
    "generated columns": (
        18,
        "ALTER PUBLICATION pub SET (publish_generated_columns = stored)",
        "publication pub",
        "+     GENERATED COLUMNS stored",
    ),
    "generated as": (
        17,
        "ALTER TABLE t ALTER gross SET EXPRESSION AS (price * 3)",
        "table public.t",
        "+   |     AS (price * 3)",
    ),
    "statistics of a column": (
        13,
        "ALTER TABLE t ALTER name SET STATISTICS 9",
        "table public.t",
        "+     name text STATISTICS 9",
    ),
    "compression": (
        14,
        "ALTER TABLE t ALTER name SET COMPRESSION pglz",
        "table public.t",
        "+     name text COMPRESSION pglz",
    ),
    "statistics of an index": (
        13,
        "ALTER INDEX t_name ALTER COLUMN 1 SET STATISTICS 7",
        "table public.t index t_name",
        "+     STATISTICS 1 7",
    ),
    "extended statistics": (
        13,
        "ALTER STATISTICS st SET STATISTICS 5",
        "table public.t statistics public.st",
        "+     STATISTICS 5",
    ),
    "cluster": (
        13,
        "ALTER TABLE u CLUSTER ON u_pkey",
        "table public.u constraint u_pkey",
        "+     CLUSTER",
    ),
    "toast": (
        13,
        "ALTER TABLE t SET (toast.autovacuum_enabled = off)",
        "table public.t",
        "+     WITH (toast.autovacuum_enabled=off)",
    ),
    "access method": (
        15,
        "ALTER TABLE u SET ACCESS METHOD other",
        "table public.u",
        "+     USING other",
    ),
    "no data": (
        13,
        "REFRESH MATERIALIZED VIEW m",
        "materialized view public.m",
        "-     WITH NO DATA",
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_it_is_seen(app: AppFactory, database: Database, kind: str) -> None:
    since, change, name, line = CHANGES[kind]
    if int(database.value("SHOW server_version_num")) // 10000 < since:
        pytest.skip(f"new in PostgreSQL {since}")
    database.admin("CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler")
    files = {"001_base.sql": BASE}
    files["002_publish.sql"] = "".join(f"{statement};\n" for statement in PUBLISH)
    program = embedding(app, files)
    database.admin(change)
    assert drift(program) == [("different", name)]
    (found,) = json.loads(program.run("--drift", "--json").stdout)["differences"]
    assert line in found["lines"]
