"""A replay of migrations in Python that asks PostgreSQL, after each statement, what it did: the
oracle that a program's kept rehearsal is held against."""

from __future__ import annotations

from typing import Any, NamedTuple

import psycopg

from inlay_gen.files.scripts import CheckedMigration

RELATIONS = """
SELECT c.oid, format('%I.%I', nspname, relname), relkind::text, relfilenode
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE c.oid >= 16384 AND nspname !~ '^pg_' AND nspname <> 'information_schema'
"""

LOCKED = """
SELECT l.relation, l.mode, coalesce(pg_stat_get_xact_numscans(l.relation), 0)
FROM pg_locks l
WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND l.relation >= 16384
"""

# What is counted is not reset at the end of a transaction, but at some time after it: this is asked
# inside of the next one.
COUNTED = """
SELECT oid, pg_stat_get_xact_numscans(oid) FROM pg_class
WHERE oid >= 16384 AND relkind IN ('r', 'm')
"""

Fact = tuple[str, int, str, str]  # file, statement, what was done to which relation


class Relation(NamedTuple):
    name: str
    kind: str
    file: int


class Replay:
    """One connection, and what it has counted so far."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.facts: set[Fact] = set()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return list(self.connection.execute(query).fetchall())

    def relations(self) -> dict[int, Relation]:
        return {oid: Relation(*rest) for oid, *rest in self.rows(RELATIONS)}

    def migration(self, migration: CheckedMigration) -> None:
        script, alone = migration.up, migration.up.settings.no_transaction
        before = self.relations()
        files = {oid: relation.file for oid, relation in before.items()}
        held: set[int] = set()
        self.connection.execute("RESET ALL")
        if not alone:
            self.connection.execute("BEGIN")
        scans: dict[int, int] = {oid: count for oid, count in self.rows(COUNTED)}
        for number, (statement, _) in enumerate(script.statements, 1):
            self.connection.execute(script.text[statement.start : statement.end])
            locked = [row for row in self.rows(LOCKED) if row[0] in before]
            now = self.relations()

            def add(what: str, oid: int) -> None:
                if before[oid].kind in "rpm":
                    self.facts.add((script.path, number, what, before[oid].name))

            for oid, mode, count in locked:
                if mode == "AccessExclusiveLock" and oid not in held and not alone:
                    held.add(oid)
                    add("ACCESS EXCLUSIVE", oid)
                if count > scans.get(oid, 0):
                    scans[oid] = count
                    add("scan", oid)
            for oid in files.keys() & now.keys():
                if now[oid].file != files[oid]:
                    files[oid] = now[oid].file
                    add("rewrite", oid)
        if not alone:
            self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            self.connection.execute("COMMIT")


def replay(url: str, migrations: list[CheckedMigration]) -> set[Fact]:
    with psycopg.connect(url, autocommit=True) as connection:
        replayed = Replay(connection)
        for migration in migrations:
            replayed.migration(migration)
        return replayed.facts
