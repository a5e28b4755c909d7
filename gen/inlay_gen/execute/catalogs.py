"""Questions to the catalogs of the migrated database. psql is asked, because the generator has no
driver; which migration made a thing is told by the transactions of both."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..files.findings import InlayError
from .facts import Advice

_QUESTIONS = """
WITH there AS (
    SELECT c.oid, c.relkind, format('%I.%I', nspname, relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE c.oid >= 16384 AND nspname !~ '^pg_' AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), keys AS (
    SELECT o.*, o.xmin AS made, name, format('%s.%I', name, conname) AS object
    FROM pg_constraint o JOIN there ON there.oid = conrelid
    WHERE contype = 'f' AND conparentid = 0
), indexes AS (
    SELECT i.*, i.xmin AS made, t.name, x.name AS object, pg_get_expr(indexprs, indrelid) AS exprs,
        pg_get_expr(indpred, indrelid) AS pred
    FROM pg_index i JOIN there t ON t.oid = indrelid JOIN there x ON x.oid = indexrelid
    WHERE NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)
), found (rule, object, name, made, columns) AS (
    SELECT 'foreign-key-without-index', object, name, made, (SELECT json_agg(quote_ident(attname))
        FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)) FROM keys
    WHERE NOT EXISTS (SELECT FROM pg_index WHERE indrelid = conrelid
        AND (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey
        AND (indpred IS NULL OR pg_get_expr(indpred, indrelid) IN (
            SELECT format('(%I IS NOT NULL)', attname) FROM pg_attribute
            WHERE attrelid = conrelid AND attnum = ANY (conkey))))
    UNION ALL
    SELECT 'foreign-key-type', object, name, made, NULL FROM keys
    WHERE EXISTS (SELECT FROM unnest(conkey, confkey) AS k (mine, theirs)
        JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = mine
        JOIN pg_attribute b ON b.attrelid = confrelid AND b.attnum = theirs
        WHERE a.atttypid <> b.atttypid)
    UNION ALL
    SELECT 'invalid-index', object, name, made, NULL FROM indexes WHERE NOT indisvalid
    UNION ALL
    SELECT 'duplicate-index', object, name, made, NULL FROM indexes i
    WHERE indisvalid AND EXISTS (SELECT FROM indexes e
        WHERE (e.indrelid, e.indkey, e.indclass, e.indcollation, e.indoption)
                = (i.indrelid, i.indkey, i.indclass, i.indcollation, i.indoption)
            AND e.indexrelid < i.indexrelid AND e.indisvalid
            AND e.exprs IS NOT DISTINCT FROM i.exprs AND e.pred IS NOT DISTINCT FROM i.pred)
    UNION ALL
    SELECT 'table-without-key', name, name, pg_type.xmin, NULL
    FROM there JOIN pg_class c USING (oid) JOIN pg_type ON pg_type.oid = reltype
    WHERE there.relkind IN ('r', 'p') AND NOT relispartition
        AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisunique)
), unique_keys (name, columns) AS (
    SELECT name, json_agg(attname) FROM indexes JOIN pg_attribute a ON attrelid = indrelid
    WHERE indisunique AND indpred IS NULL AND exprs IS NULL
        AND attnum = ANY ((indkey::int2[])[0:indnkeyatts - 1])
    GROUP BY indexrelid, name
)
SELECT json_build_object(
    'keys', (SELECT coalesce(json_agg(unique_keys), '[]') FROM unique_keys),
    'found', (SELECT coalesce(json_agg(json_build_object('rule', rule, 'object', object,
        'table', name, 'made', made::text, 'columns', columns) ORDER BY rule, object), '[]')
        FROM found),
    'history', (SELECT coalesce(json_agg(json_build_object('version', version::text,
        'made', xmin::text)), '[]') FROM {history}))
"""


@dataclass(frozen=True)
class Found:
    """An answer, and the transaction that made what it is about."""

    advice: Advice
    made: int


@dataclass(frozen=True)
class Answers:
    """What stands in the database, and the transactions of the migrations."""

    found: tuple[Found, ...] = ()
    history: tuple[tuple[int, str], ...] = ()  # transaction and version, in order
    keys: dict[str, tuple[frozenset[str], ...]] = field(default_factory=dict)  # of the tables

    def versions(self, in_transaction: Callable[[str], bool]) -> Iterator[tuple[Advice, str]]:
        """Which migration made each. A migration's row is written at the beginning of its
        transaction, or after its statements where it has none."""
        for found in self.found:
            after = [v for made, v in self.history if made >= found.made]
            before = [v for made, v in self.history if made <= found.made]
            late = bool(after) and not in_transaction(after[0])
            yield found.advice, after[0] if late else before[-1] if before else ""


def find_psql(bindir: str) -> str | None:
    return shutil.which("psql", path=bindir) or shutil.which("psql")


def ask(psql: str, url: str, history: str, environment: Mapping[str, str]) -> Answers:
    """`history` is SCHEMA.TABLE as stored."""
    table = ".".join('"' + part.replace('"', '""') + '"' for part in history.split("."))
    asked = subprocess.run(
        [psql, "-XqAtw", "-v", "ON_ERROR_STOP=1", "-d", url],
        input=_QUESTIONS.replace("{history}", table),
        env=environment,
        capture_output=True,
        text=True,
    )
    if asked.returncode != 0:
        raise InlayError(f"the scratch database cannot be asked: {asked.stderr.strip()}")
    data: dict[str, Any] = json.loads(asked.stdout)
    found = (
        Found(
            Advice(f["rule"], f["object"], f["table"], frozenset(f["columns"] or ())),
            int(f["made"]),
        )
        for f in data["found"]
    )
    history_rows = sorted((int(row["made"]), row["version"]) for row in data["history"])
    keys: dict[str, tuple[frozenset[str], ...]] = {}
    for key in data["keys"]:
        keys[key["name"]] = (*keys.get(key["name"], ()), frozenset(key["columns"]))
    return Answers(tuple(found), tuple(history_rows), keys)
