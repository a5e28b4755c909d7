"""What a word of the command line may be."""

from __future__ import annotations

import argparse
import os
import re

from ..files import paths
from ..layouts.pattern import Pattern, compile_pattern
from ..rules.policy import parse_allowed


# Whose record of what is applied the library reads (src/library/foreign/tools.c).
ADOPTED = tuple(
    "golang-migrate rails ecto supabase dbmate goose sqlx flyway diesel refinery bun filenames"
    " id-name node-pg-migrate sql-migrate tern knex sequelize kysely typeorm postgres-migrations"
    " db-migrate postgrator databases graphile-migrate prisma sqitch yoyo atlas hasura"
    " drizzle entity-framework".split()
)

# Whose directories `import` reads: the rows of importing/.
IMPORTED = tuple(
    "prisma drizzle hasura sqitch supabase atlas bun graphile-migrate yoyo sql-migrate tern".split()
)

_QUOTED = re.compile(r'(?:^|(?<=\.))"((?:[^"]|"")+)"(?=\.|$)')

_IDENTIFIER_MAX = 63  # bytes: PostgreSQL's NAMEDATALEN - 1
_TABLE_MAX = 57  # less "_state"

_C_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while".split()
)


def path(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return paths.from_argument(text)


def symbol(text: str) -> str:
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", text) or text in _C_KEYWORDS:
        raise argparse.ArgumentTypeError(f"'{text}' is not a name in C")
    return text


def pattern(text: str) -> Pattern:
    try:
        return compile_pattern(_utf8(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def history(text: str) -> str:
    name = _table(text, _TABLE_MAX)
    if name.startswith("pg_") or name.startswith("information_schema."):
        raise argparse.ArgumentTypeError(f"'{name}' is in a schema of the server's own")
    return name


def _table(text: str, most: int) -> str:
    """SCHEMA.TABLE, with at most this many bytes of table."""
    name = _utf8(text)
    schema, _, table = name.partition(".")
    if not schema or not table or "." in table:
        raise argparse.ArgumentTypeError(
            f"'{name}' is not SCHEMA.TABLE, as stored and without quotes"
        )
    if len(schema.encode()) > _IDENTIFIER_MAX or len(table.encode()) > most:
        raise argparse.ArgumentTypeError(
            f"'{name}' is too long: at most {_IDENTIFIER_MAX} bytes of schema and {most} of table"
        )
    return name


def _utf8(text: str) -> str:
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeDecodeError:
        raise argparse.ArgumentTypeError(f"{ascii(text)} is not UTF-8") from None


def adopted(text: str) -> str:
    """TOOL=SCHEMA.TABLE; of file names the column can be named, too. A name in double quotes may
    have points."""
    tool, _, table = text.partition("=")
    if tool not in ADOPTED or not table:
        raise argparse.ArgumentTypeError(
            f"{ascii(text)} is not TOOL=SCHEMA.TABLE; tools are {', '.join(ADOPTED)}"
        )
    table = _QUOTED.sub(lambda m: m[1].replace('""', "_").replace(".", "_"), _utf8(table))
    if re.search(r'(?:^|\.)"', table):
        raise argparse.ArgumentTypeError(f"{ascii(text)} has a quote that closes no name")
    if tool == "filenames" and table.count(".") == 2:
        table, _, column = table.rpartition(".")
        if not 0 < len(column.encode()) <= _IDENTIFIER_MAX:
            raise argparse.ArgumentTypeError(
                f"'{column}' is not a column: a name has 1 to {_IDENTIFIER_MAX} bytes"
            )
    _table(table, _IDENTIFIER_MAX)
    return _utf8(text)


def allowed(text: str) -> tuple[str, str]:
    try:
        return parse_allowed(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
