"""What each statement is taken for."""

from __future__ import annotations

import pytest
from pglast.parser import parse_sql

from inlay_gen.sql.classify import Class, Kind, classify
from inlay_gen.sql.scan import scan


def known(sql: str) -> Class:
    data = sql.encode()
    (statement,) = scan(data).statements
    return classify(data, statement)


# Not in the grammar that the other examples are held to, PostgreSQL 15's.
NEWER = {
    "CLUSTER (VERBOSE)",
    "REINDEX DATABASE",
    "REINDEX SYSTEM",
    "REINDEX (VERBOSE) DATABASE CONCURRENTLY",
    "REINDEX (CONCURRENTLY true) TABLE CONCURRENTLY t",
}


def check_grammar(sql: str) -> None:
    """An example that is no SQL would prove nothing."""
    if sql not in NEWER:
        assert len(parse_sql(sql)) == 1


ORDINARY = [
    "SELECT 1",
    "(SELECT 1)",
    "WITH a AS (SELECT 1) SELECT * FROM a",
    "CREATE TABLE concurrently_made (a int)",
    "CREATE INDEX ON t (a)",
    'CREATE INDEX "concurrently" ON t (a)',
    "CREATE UNIQUE INDEX i ON t (a)",
    "CREATE VIEW database AS SELECT 1",
    "CREATE SUBSCRIPTION s CONNECTION 'c' PUBLICATION p WITH (connect = false)",
    "CREATE SUBSCRIPTION s CONNECTION 'c' PUBLICATION p WITH (enabled, create_slot = 'off')",
    "CREATE SUBSCRIPTION s CONNECTION 'with (' PUBLICATION p WITH (create_slot = 0)",
    "DROP INDEX i",
    'DROP INDEX "concurrently"',
    "DROP TABLE t",
    "REINDEX TABLE t",
    "REINDEX INDEX i",
    "REINDEX (VERBOSE) TABLE t",
    "REINDEX (CONCURRENTLY off) TABLE t",
    "REINDEX (CONCURRENTLY 0, VERBOSE) INDEX i",
    "REINDEX (CONCURRENTLY 'False') INDEX i",
    "CLUSTER t",
    "CLUSTER VERBOSE t",
    "CLUSTER (VERBOSE off) t USING i",
    "CLUSTER i ON t",
    "ANALYZE",
    "ALTER TABLE t DETACH PARTITION p",
    "ALTER TABLE t DETACH PARTITION p FINALIZE",
    "ALTER TABLE t ADD COLUMN concurrently_made int",
    "ALTER TABLE t SET TABLESPACE s",
    "ALTER DATABASE d SET work_mem = '1MB'",
    "ALTER DATABASE d RENAME TO e",
    "ALTER SUBSCRIPTION s DISABLE",
    "ALTER SUBSCRIPTION s SET (binary = on)",
    "ALTER SUBSCRIPTION s SET PUBLICATION p WITH (refresh = false)",
    "ALTER SUBSCRIPTION refresh DROP PUBLICATION p WITH (copy_data, refresh = OFF)",
    "PREPARE p AS SELECT 1",
    "PREPARE transaction AS SELECT 1",
    "PREPARE transaction (int) AS SELECT 1",
    "COPY t FROM '/tmp/stdin'",
    "COPY t FROM PROGRAM 'cat'",
    "COPY (SELECT 1 FROM stdin) TO '/tmp/a'",
    "DISCARD TEMP",
    "DISCARD SEQUENCES",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END",
]


@pytest.mark.parametrize(
    "sql, command",
    [
        ("SAVEPOINT a", "SAVEPOINT"),
        ("RELEASE a", "RELEASE SAVEPOINT"),
        ("ROLLBACK TO a", "ROLLBACK TO SAVEPOINT"),
        ("ROLLBACK WORK TO SAVEPOINT a", "ROLLBACK TO SAVEPOINT"),
        ("ROLLBACK TRANSACTION TO a", "ROLLBACK TO SAVEPOINT"),
        ("LOCK t", "LOCK TABLE"),
        ("LOCK TABLE ONLY t IN SHARE MODE", "LOCK TABLE"),
        ("DECLARE c CURSOR FOR SELECT 1", "DECLARE CURSOR"),
        ("DECLARE c CURSOR WITHOUT HOLD FOR SELECT 1", "DECLARE CURSOR"),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", ""),
        ("SET LOCAL lock_timeout = '1s'", "SET LOCAL"),
        ("SET CONSTRAINTS ALL DEFERRED", "SET CONSTRAINTS"),
    ],
)
def test_what_needs_a_transaction(sql: str, command: str) -> None:
    check_grammar(sql)
    assert known(sql) == Class(Kind.ORDINARY, command)


CALLS = ["DO $$ BEGIN COMMIT; END $$", "do LANGUAGE plpgsql ''", "CALL p()", "call/**/p(1)"]


@pytest.mark.parametrize("sql", CALLS)
def test_what_may_commit_by_itself(sql: str) -> None:
    check_grammar(sql)
    assert known(sql) == Class(Kind.CALL)


@pytest.mark.parametrize("sql", ORDINARY)
def test_ordinary(sql: str) -> None:
    check_grammar(sql)
    assert known(sql) == Class(Kind.ORDINARY)


def test_words_that_only_begin_like_commands() -> None:
    for sql in ("set_up (1)", "vacuum1", "commit$", "endé", "begin_work()"):
        assert known(sql) == Class(Kind.ORDINARY)


SESSION_SET = [
    "SET search_path = a, b",
    "set Search_Path to a",
    "SET SESSION lock_timeout = 0",
    "SET /* local */ lock_timeout = 0",
    "SET TIME ZONE 'UTC'",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION DEFAULT",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "SET NAMES 'UTF8'",
    "RESET ALL",
    "RESET ROLE",
]


@pytest.mark.parametrize("sql", SESSION_SET)
def test_session_set(sql: str) -> None:
    check_grammar(sql)
    assert known(sql).kind is Kind.SESSION_SET


INDEX = Kind.INDEX_CONCURRENTLY
DROP = Kind.DROP_INDEX_CONCURRENTLY
REINDEX = Kind.REINDEX_CONCURRENTLY


@pytest.mark.parametrize(
    "sql, kind, index, table",
    [
        ("CREATE INDEX CONCURRENTLY i ON t (a)", INDEX, "i", "t"),
        ("create unique index concurrently i on only s.t using btree (a)", INDEX, "i", "s.t"),
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY (t) (a)", INDEX, "i", "t"),
        (
            'CREATE INDEX CONCURRENTLY "My I" ON "S;" . "My ""T""" (a)',
            INDEX,
            '"My I"',
            '"S;"."My ""T"""',
        ),
        ("CREATE/**/INDEX--\nCONCURRENTLY/**/i ON s/**/./**/t (a)", INDEX, "i", "s.t"),
        ('CREATE INDEX CONCURRENTLY U&"\\0061" ON é$1 (a)', INDEX, '"a"', "é$1"),
        (
            """CREATE INDEX CONCURRENTLY u&"d!0022!+0000e9!!é\\" UESCAPE '!' ON s.U&"T" (a)""",
            INDEX,
            '"d""é!é\\"',
            's."T"',
        ),
        ('DROP INDEX CONCURRENTLY U&"\\d83d\\de00"', DROP, '"😀"', None),
        ('DROP INDEX CONCURRENTLY U&"\\+01F600"', DROP, '"😀"', None),
        ("DROP INDEX CONCURRENTLY i", DROP, "i", None),
        ('DROP INDEX CONCURRENTLY IF EXISTS s."I" RESTRICT', DROP, 's."I"', None),
        ("REINDEX INDEX CONCURRENTLY s.i", REINDEX, "s.i", None),
        ("REINDEX TABLE CONCURRENTLY s.t", REINDEX, None, "s.t"),
        ("REINDEX (CONCURRENTLY) TABLE t", REINDEX, None, "t"),
        ("REINDEX (VERBOSE off, CONCURRENTLY on) INDEX i", REINDEX, "i", None),
        ("REINDEX (TABLESPACE s, CONCURRENTLY 1) INDEX i", REINDEX, "i", None),
        ("REINDEX (CONCURRENTLY 'true') SCHEMA s", REINDEX, None, None),
        ("REINDEX DATABASE CONCURRENTLY d", REINDEX, None, None),
        ("REINDEX (VERBOSE) DATABASE CONCURRENTLY", REINDEX, None, None),
    ],
)
def test_concurrent_indexes(sql: str, kind: Kind, index: str | None, table: str | None) -> None:
    check_grammar(sql)
    found = known(sql)
    names = [name and name.decode() for name in (found.index, found.table)]
    assert (found.kind, *names, found.rule) == (kind, index, table, "")


def test_an_index_without_a_name() -> None:
    sql = "CREATE INDEX CONCURRENTLY ON s.t (a)"
    check_grammar(sql)
    assert known(sql) == Class(INDEX, "CREATE INDEX CONCURRENTLY", None, b"s.t", "unnamed-index")


@pytest.mark.parametrize(
    "sql, command",
    [
        ("CREATE DATABASE d", "CREATE DATABASE"),
        ("DROP DATABASE IF EXISTS d", "DROP DATABASE"),
        ("CREATE TABLESPACE s LOCATION '/tmp'", "CREATE TABLESPACE"),
        ("DROP TABLESPACE s", "DROP TABLESPACE"),
        ("ALTER SYSTEM SET work_mem = '1MB'", "ALTER SYSTEM"),
        ("ALTER SYSTEM RESET ALL", "ALTER SYSTEM"),
        ("ALTER DATABASE d SET TABLESPACE s", "ALTER DATABASE SET TABLESPACE"),
        ("ALTER DATABASE d TABLESPACE s", "ALTER DATABASE SET TABLESPACE"),
        ("ALTER DATABASE d WITH TABLESPACE s", "ALTER DATABASE SET TABLESPACE"),
        ("CREATE SUBSCRIPTION s CONNECTION 'c' PUBLICATION p", "CREATE SUBSCRIPTION"),
        (
            "CREATE SUBSCRIPTION s CONNECTION 'c' PUBLICATION p WITH (create_slot)",
            "CREATE SUBSCRIPTION",
        ),
        ("DROP SUBSCRIPTION s", "DROP SUBSCRIPTION"),
        ("ALTER SUBSCRIPTION s REFRESH PUBLICATION", "ALTER SUBSCRIPTION REFRESH"),
        (
            "ALTER SUBSCRIPTION s SET PUBLICATION p, q",
            "ALTER SUBSCRIPTION SET PUBLICATION with refresh",
        ),
        (
            "ALTER SUBSCRIPTION s ADD PUBLICATION p WITH (refresh)",
            "ALTER SUBSCRIPTION ADD PUBLICATION with refresh",
        ),
        (
            "ALTER SUBSCRIPTION s SET (failover = true)",
            "ALTER SUBSCRIPTION SET of failover or two_phase",
        ),
        (
            "ALTER SUBSCRIPTION s SET (binary, two_phase = off)",
            "ALTER SUBSCRIPTION SET of failover or two_phase",
        ),
        (
            "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
            "ALTER TABLE DETACH PARTITION CONCURRENTLY",
        ),
        (
            'ALTER TABLE IF EXISTS ONLY s.t DETACH PARTITION s."P" CONCURRENTLY',
            "ALTER TABLE DETACH PARTITION CONCURRENTLY",
        ),
        (
            "ALTER TABLE t * DETACH PARTITION p CONCURRENTLY",
            "ALTER TABLE DETACH PARTITION CONCURRENTLY",
        ),
        ("COMMIT PREPARED 'a'", "COMMIT PREPARED"),
        ("ROLLBACK PREPARED 'a'", "ROLLBACK PREPARED"),
    ],
)
def test_other_statements_that_cannot_run_in_a_transaction(sql: str, command: str) -> None:
    check_grammar(sql)
    assert known(sql) == Class(Kind.OTHER_NON_TRANSACTIONAL, command)


@pytest.mark.parametrize(
    "sql, command",
    [
        ("VACUUM", "VACUUM"),
        ("VACUUM (ANALYZE) t", "VACUUM"),
        ("CLUSTER", "CLUSTER without a table"),
        ("CLUSTER VERBOSE", "CLUSTER without a table"),
        ("CLUSTER (VERBOSE)", "CLUSTER without a table"),
        ("REINDEX DATABASE d", "REINDEX DATABASE"),
        ("REINDEX DATABASE", "REINDEX DATABASE"),
        ("REINDEX (VERBOSE) SCHEMA s", "REINDEX SCHEMA"),
        ("REINDEX SYSTEM d", "REINDEX SYSTEM"),
        ("DISCARD ALL", "DISCARD ALL"),
    ],
)
def test_statements_that_may_run_twice(sql: str, command: str) -> None:
    check_grammar(sql)
    assert known(sql) == Class(Kind.REPEATABLE, command)


@pytest.mark.parametrize(
    "sql, command",
    [
        ("BEGIN", "BEGIN"),
        ("begin work isolation level serializable", "BEGIN"),
        ("START TRANSACTION", "START TRANSACTION"),
        ("COMMIT", "COMMIT"),
        ("COMMIT AND CHAIN", "COMMIT"),
        ("END", "END"),
        ("END TRANSACTION", "END"),
        ("ABORT", "ABORT"),
        ("ROLLBACK", "ROLLBACK"),
        ("ROLLBACK WORK", "ROLLBACK"),
        ("ROLLBACK TRANSACTION AND NO CHAIN", "ROLLBACK"),
        ("PREPARE TRANSACTION 'a'", "PREPARE TRANSACTION"),
        ("PREPARE TRANSACTION $$a$$", "PREPARE TRANSACTION"),
        ("SET TRANSACTION READ ONLY", "SET TRANSACTION"),
        ("SET LOCAL TRANSACTION READ ONLY", "SET TRANSACTION"),
        ("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SET TRANSACTION"),
        ("SET TRANSACTION SNAPSHOT 'a'", "SET TRANSACTION"),
    ],
)
def test_transaction_control(sql: str, command: str) -> None:
    check_grammar(sql)
    assert known(sql) == Class(Kind.ORDINARY, command, rule="transaction-control")


@pytest.mark.parametrize(
    "sql, command",
    [
        ("COPY t FROM stdin", "COPY FROM STDIN"),
        ("COPY t (a, b) FROM STDIN WITH (FORMAT csv)", "COPY FROM STDIN"),
        ("COPY t TO STDOUT", "COPY TO STDOUT"),
        ("COPY (SELECT a FROM t WHERE (b)) TO stdout", "COPY TO STDOUT"),
        ("COPY t FROM stdout", "COPY FROM STDOUT"),
        (f"COPY t ({', '.join(f'column_{n}' for n in range(500))}) FROM stdin", "COPY FROM STDIN"),
    ],
)
def test_copy_with_a_client(sql: str, command: str) -> None:
    check_grammar(sql)
    assert known(sql) == Class(Kind.ORDINARY, command, rule="copy-client")


def test_names_do_not_change_what_a_statement_is() -> None:
    """Comments and capitals are no part of the words."""
    for sql in ("dRoP /* a */ inDEX\n--b\nConcurrently i", "DROP\tINDEX\vCONCURRENTLY\fi"):
        assert known(sql).kind is DROP
