"""A database that was given instead of a server: is it empty, and where is it? psql is asked,
because the generator has no driver."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

from ..files.findings import InlayError

# What is in schemas that are not the server's own, and of no extension, in the order of its making.
_HELD = r"""
\pset fieldsep '\n'
SELECT :'HOST', :'PORT', :'USER', :'DBNAME';
WITH held (class, oid, namespace, what, name) AS (
    SELECT 'pg_class'::regclass, oid, relnamespace,
           CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
               WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' WHEN 'f' THEN 'foreign table'
               ELSE 'table' END, relname
    FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
    UNION ALL
    SELECT 'pg_proc'::regclass, oid, pronamespace, 'function', proname FROM pg_proc
    UNION ALL
    SELECT 'pg_type'::regclass, oid, typnamespace, 'type', typname
    FROM pg_type WHERE typtype IN ('e', 'd', 'r')
)
SELECT format('%s %I.%I', what, nspname, name)
FROM held JOIN pg_namespace n ON n.oid = namespace
WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
    AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = class AND d.objid = held.oid AND d.deptype IN ('e', 'i'))
ORDER BY held.oid;
"""
_SHOWN = 3


def empty_database(url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment that leads to it by PG* as well."""
    if shutil.which("psql") is None:
        raise InlayError(
            "--url needs psql, to see whether the database is empty: "
            "apt-get install postgresql-client"
        )
    # They would come before the PG* that are set below.
    asked_with = {k: v for k, v in environment.items() if k not in ("PGSERVICE", "PGHOSTADDR")}
    asked = subprocess.run(
        ["psql", "-XqAtw", "-v", "ON_ERROR_STOP=1", "-d", url],
        env=asked_with,
        input=_HELD,
        capture_output=True,
        text=True,
        errors="surrogateescape",
    )
    if asked.returncode != 0:
        raise InlayError(f"the database of --url cannot be looked at: {asked.stderr.strip()}")
    host, port, user, database, *held = asked.stdout.splitlines()
    if held:
        more = f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else ""
        raise InlayError(
            f"database {database} is not empty: {', '.join(held[:_SHOWN])}{more}; "
            "--url takes an empty database, such as createdb makes"
        )
    place = {"PGHOST": host, "PGPORT": port, "PGUSER": user, "PGDATABASE": database}
    return {**asked_with, **place}
