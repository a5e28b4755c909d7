"""What is said of each hazard, to a reader who has never heard of table rewrites, and what to write
instead."""

from __future__ import annotations

from ..files.findings import Severity
from .hazard import Hazard

_ERROR, _WARNING = Severity.ERROR, Severity.WARNING

SEVERITY = {
    "table-rewrite": _ERROR,
    "scan-under-lock": _ERROR,
    "index-not-concurrent": _ERROR,
    "validated-at-once": _ERROR,
    "rows-under-lock": _ERROR,
    "several-tables-locked": _WARNING,
    "breaks-older-binary": _ERROR,
    "foreign-key-without-index": _WARNING,
    "foreign-key-type": _WARNING,
    "duplicate-index": _WARNING,
    "invalid-index": _ERROR,
    "table-without-key": _WARNING,
    "update-without-where": _WARNING,
    "lock-table": _WARNING,
    "password-in-clear": _ERROR,
    "security-definer": _WARNING,
    "grant-to-public": _WARNING,
}

# A create script beside its steps, both on an empty database.
CREATE_SCRIPT = {
    "create-script": (
        _ERROR,
        "a new database, which this file creates, gets another schema than one that takes the "
        "steps which it replaces",
    ),
    "create-script-columns": (
        _WARNING,
        "a new database, which this file creates, has columns in another order than one that "
        "takes the steps, which put a new column last: SELECT *, and COPY and INSERT without a "
        "list of columns, tell the two apart",
    ),
}

_LARGE = "with many rows that takes minutes, and the application stands still"

_TEXTS = {
    "table-rewrite": (
        "PostgreSQL writes every row of {table} anew for this, and nobody can read or write the "
        f"table until that is done: {_LARGE}"
    ),
    "scan-under-lock": (
        "this reads every row of {table} while nobody else can {who} the table: " + _LARGE
    ),
    "scan-under-lock/other": (
        "this reads every row of {read} while {table} is locked, so that nobody else can {who} "
        f"{{table}} meanwhile: {_LARGE}"
    ),
    "index-not-concurrent": (
        "this builds an index from every row of {table} while nobody else can {who} the table: "
        + _LARGE
    ),
    "index-not-concurrent/reindex": (
        "this builds {table} again while nobody else can write to its table, or use the index: "
        + _LARGE
    ),
    "validated-at-once": (
        "this checks every row of {table} against the new rule while nobody else can {who} the "
        f"table: {_LARGE}"
    ),
    "rows-under-lock": (
        "this goes through the rows of {rows} while {table} is locked, so that nobody else can "
        f"{{who}} {{table}} before the whole file is done: {_LARGE}"
    ),
    "several-tables-locked": (
        "this locks {table} while the lock on {first} is still held: other sessions wait for both, "
        "and one that uses them in the other order ends in a deadlock"
    ),
    "breaks-older-binary/dropped": (
        "{kind} {object} is gone after this, and the program's older version still uses it: it "
        "runs beside the new one during the deploy, and is what you go back to"
    ),
    "breaks-older-binary/renamed": (
        "{kind} {object} is called {to} after this, and the program's older version still uses the "
        "old name: it runs beside the new one during the deploy, and is what you go back to"
    ),
    "breaks-older-binary/schema": (
        "schema {object} is called {to} after this, and the program's older version still uses all "
        "that is in it under the old name: it runs beside the new one during the deploy, and is "
        "what you go back to"
    ),
    "breaks-older-binary/replaced": (
        "{kind} {object} is another one after this: what was in it is gone or has another name, "
        "and the program's older version still uses it"
    ),
    "breaks-older-binary/not null": (
        "{kind} {object} must have a value after this and has no default: the program's older "
        "version, which may write rows without it, fails then; so does this file if a row lacks it"
    ),
    "foreign-key-without-index": (
        "no index begins with the columns of the foreign key {object}: each delete or change of a "
        "key in the other table reads all of {table}"
    ),
    "foreign-key-type": (
        "the columns of the foreign key {object} have another type than those they refer to: "
        "joins convert each value, and a value may fit in one of them only"
    ),
    "duplicate-index": "{object} is the same index as another one on {table}: it slows each write",
    "invalid-index": (
        "{object} was left INVALID: it slows each write to {table} and is used by no query"
    ),
    "table-without-key": (
        "{object} has neither a primary key nor a unique index: no row can be told from its copy, "
        "and logical replication refuses updates and deletes"
    ),
    "update-without-where": "this changes every row of {table}: WHERE is missing",
    "update-without-where/DELETE": "this deletes every row of {table}: WHERE is missing",
    "update-without-where/TRUNCATE": "this deletes every row of {table}",
    "lock-table": (
        "this locks {table} for as long as the file runs, and others wait: each statement takes "
        "the lock that it needs"
    ),
    "password-in-clear": (
        "a password stands here for all who can read the source, the program's bytes or the "
        "server's log"
    ),
    "security-definer": (
        "{object} runs with its owner's rights and finds what it calls by the caller's "
        "search_path: who can create a function of a name that it uses gets those rights"
    ),
    "grant-to-public": "this gives rights to PUBLIC: to every role that there is or will be",
}

_TO_CONSTRAINT = (
    "ALTER TABLE {table} ADD CONSTRAINT name CHECK (...) NOT VALID, and in the next migration "
    "ALTER TABLE {table} VALIDATE CONSTRAINT name, during which all can read and write"
)
_NEW_COLUMN = (
    "add a second column (ALTER TABLE {table} ADD COLUMN ...), fill it in batches, and drop the "
    "old one in a later release"
)

_RECIPES = {
    "table-rewrite/type": _NEW_COLUMN,
    "table-rewrite/stored": (
        "ALTER TABLE {table} ADD COLUMN without GENERATED, a trigger that fills it in new rows, "
        "and the old rows in batches"
    ),
    "table-rewrite/column": (
        "ALTER TABLE {table} ADD COLUMN without the default, in the next statement ALTER COLUMN "
        "... SET DEFAULT, which counts for new rows, and fill the old rows in batches"
    ),
    "table-rewrite/persistence": (
        "make a second table, copy the rows in batches, and change over in a later release"
    ),
    "table-rewrite/refresh": (
        "a unique index on {table}, and REFRESH MATERIALIZED VIEW CONCURRENTLY {table}"
    ),
    "table-rewrite/compact": (
        "VACUUM {table} in a file with '-- inlay: no-transaction'; to give the space back while "
        "others work, pg_repack, outside of a migration"
    ),
    "scan-under-lock/not null": (
        "ALTER TABLE {table} ADD CONSTRAINT name CHECK (column IS NOT NULL) NOT VALID; in the next "
        "migration VALIDATE CONSTRAINT name; then SET NOT NULL reads nothing"
    ),
    "scan-under-lock/attach": (
        "first a CHECK on the partition that says the same as its bounds, NOT VALID and then "
        "validated: ATTACH PARTITION then reads nothing"
    ),
    "scan-under-lock": "a file of its own for each step, so that no lock is held meanwhile",
    "index-not-concurrent": (
        "CREATE INDEX CONCURRENTLY name ON {table} (...) in a file of its own with "
        "'-- inlay: no-transaction', during which all can read and write"
    ),
    "index-not-concurrent/unique": (
        "CREATE UNIQUE INDEX CONCURRENTLY name ON {table} (...) in a file with '-- inlay: "
        "no-transaction', and in the next one ALTER TABLE {table} ADD UNIQUE (or PRIMARY KEY) "
        "USING INDEX name"
    ),
    "index-not-concurrent/reindex": (
        "REINDEX INDEX CONCURRENTLY {table} in a file with '-- inlay: no-transaction'"
    ),
    "validated-at-once/check": _TO_CONSTRAINT,
    "validated-at-once/foreign key": (
        "ALTER TABLE {table} ADD CONSTRAINT name FOREIGN KEY (...) REFERENCES ... NOT VALID, and "
        "in the next migration ALTER TABLE {table} VALIDATE CONSTRAINT name, during which all can "
        "read and write"
    ),
    "validated-at-once/same file": (
        "VALIDATE CONSTRAINT in a migration of its own: the lock of this file's earlier statement "
        "is held until the file is done"
    ),
    "rows-under-lock": (
        "a migration of its own for the rows, before or after this one; many rows in batches"
    ),
    "several-tables-locked": "a file of its own for each table",
    "breaks-older-binary/dropped": (
        "leave it in this release. Drop it in the next one, when no program uses it any more, with "
        "--allow breaks-older-binary:FILE"
    ),
    "breaks-older-binary/renamed": (
        "keep the old name beside the new one for a release: for a table a view of the old name, "
        "for a column a second one that a trigger keeps equal"
    ),
    "breaks-older-binary/schema": (
        "leave its name; or make a schema of the old name with a view of each table, and say so "
        "with --allow breaks-older-binary:FILE"
    ),
    "breaks-older-binary/replaced": "another name for the new one, beside the old one",
    "breaks-older-binary/not null": (
        "give it a DEFAULT; or make it NOT NULL in the next release, when every program writes it, "
        "with --allow breaks-older-binary:FILE"
    ),
    "foreign-key-without-index": (
        "CREATE INDEX CONCURRENTLY name ON {table} (the foreign key's columns), in a file with "
        "'-- inlay: no-transaction'"
    ),
    "foreign-key-type": "give the column the type of the one it refers to",
    "duplicate-index": "keep one of the two",
    "invalid-index": "DROP INDEX CONCURRENTLY {object}, and build it again",
    "table-without-key": (
        "a primary key, such as id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
    ),
    "update-without-where": (
        "WHERE, and many rows in batches; if all of them are meant and they are few, "
        "--allow update-without-where:FILE"
    ),
    "lock-table": "leave out LOCK TABLE",
    "password-in-clear": (
        "create the role without it, and set it outside of the migrations (psql: \\password ROLE)"
    ),
    "security-definer": "SET search_path = pg_catalog, pg_temp at the function, qualified names",
    "grant-to-public": "GRANT ... TO a role",
}


def text(hazard: Hazard) -> str:
    return _find(_TEXTS, hazard).format(**hazard.words)


def recipe(hazard: Hazard) -> str:
    return "instead: " + _find(_RECIPES, hazard, _NEW_COLUMN).format(**hazard.words)


def _find(table: dict[str, str], hazard: Hazard, default: str = "") -> str:
    specific = table.get(f"{hazard.rule}/{hazard.form}")
    return specific if specific is not None else table.get(hazard.rule, default)
