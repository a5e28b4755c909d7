"""What a statement is, as far as running it is concerned: told by its words.

What cannot run in a transaction is what PostgreSQL 13 to 18 guards with PreventInTransactionBlock.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from .lexer import Token, tokens
from .scan import Statement


class Kind(Enum):
    """enum inlay_statement_kind."""

    ORDINARY = "INLAY_STATEMENT_ORDINARY"
    SESSION_SET = "INLAY_STATEMENT_SESSION_SET"
    INDEX_CONCURRENTLY = "INLAY_STATEMENT_INDEX_CONCURRENTLY"
    DROP_INDEX_CONCURRENTLY = "INLAY_STATEMENT_DROP_INDEX_CONCURRENTLY"
    REINDEX_CONCURRENTLY = "INLAY_STATEMENT_REINDEX_CONCURRENTLY"
    OTHER_NON_TRANSACTIONAL = "INLAY_STATEMENT_OTHER_NON_TRANSACTIONAL"
    REPEATABLE = "INLAY_STATEMENT_REPEATABLE"
    QUERY = "INLAY_STATEMENT_QUERY"  # of a verify script alone
    CALL = "INLAY_STATEMENT_CALL"

    @property
    def transactional(self) -> bool:
        return self in (Kind.ORDINARY, Kind.SESSION_SET, Kind.QUERY, Kind.CALL)


@dataclass(frozen=True)
class Class:
    """What is known of a statement."""

    kind: Kind
    command: str = ""  # for messages: "CREATE INDEX CONCURRENTLY"
    index: bytes | None = None  # as written
    table: bytes | None = None
    rule: str = ""  # that the statement breaks wherever it stands


_ORDINARY = Class(Kind.ORDINARY)
# What the server refuses outside of a transaction.
INSIDE = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "LOCK TABLE", "DECLARE CURSOR")
_FALSE = ("FALSE", "OFF", "0")


class _Reader:
    """The tokens of a statement, one after the other."""

    def __init__(self, data: bytes, statement: Statement) -> None:
        self.data = data
        self.source = tokens(data, *statement)
        self.ahead: list[Token] = []

    def token(self, place: int = 0) -> Token | None:
        """The token `place` places ahead; None after the last."""
        while len(self.ahead) <= place:
            token = next(self.source, None)
            if token is None:
                return None
            self.ahead.append(token)
        return self.ahead[place]

    def text(self, place: int = 0) -> str:
        """That token in upper case; quoted ones keep their quotes, so they equal no keyword."""
        token = self.token(place)
        return "" if token is None else _ascii(self.data[token.start : token.end]).upper()

    def kind(self, place: int = 0) -> str:
        token = self.token(place)
        return "" if token is None else token.kind

    def step(self, count: int = 1) -> None:
        self.token(count - 1)
        del self.ahead[:count]

    def accept(self, *words: str) -> bool:
        """Steps over these words if they come next."""
        if any(self.text(place) != word for place, word in enumerate(words)):
            return False
        self.step(len(words))
        return True

    def name(self) -> bytes | None:
        """A name as written, `schema."My Table"` in whole; U&"..." as "...", which the server's
        functions for names understand."""
        parts: list[bytes] = []
        while (token := self.token()) is not None and token.kind in ("word", "name"):
            parts.append(self.data[token.start : token.end])
            self.step()
            if parts[-1][:2].upper() == b"U&":
                parts[-1] = _plain_name(parts[-1], self.escape())
            if not self.accept("."):
                break
        return b".".join(parts) or None

    def escape(self) -> str:
        """What begins an escape in the name before: UESCAPE '!'."""
        if not self.accept("UESCAPE"):
            return "\\"
        character = self.text().strip("'")
        self.step()
        return character or "\\"

    def options(self) -> dict[str, str]:
        """A list of options in parentheses, `(CONCURRENTLY, refresh = off)`, by name."""
        found: dict[str, str] = {}
        if not self.accept("("):
            return found
        while self.text() not in (")", ""):
            name = self.text()
            self.step()
            self.accept("=")
            if self.text() in (",", ")", ""):
                found[name] = "TRUE"
            else:
                found[name] = self.text().strip("'\"")
                self.step()
            self.accept(",")
        self.step()
        return found

    def with_options(self) -> dict[str, str]:
        """The list after the WITH that comes next, wherever it is."""
        while self.text() not in ("WITH", ""):
            self.step()
        self.step()
        return self.options()


def _ascii(text: bytes) -> str:
    return text.decode("latin-1")


def _plain_name(name: bytes, escape: str) -> bytes:
    """U&"d\\0061ta" as "data"."""
    e = re.escape(escape)
    inside = re.sub(
        rf"{e}(?:({e})|([0-9A-Fa-f]{{4}})|\+((?:0[0-9A-Fa-f]|10)[0-9A-Fa-f]{{4}}))",
        lambda m: m[1] or chr(int(m[2] or m[3], 16)).replace('"', '""'),
        name[3:-1].decode("utf-8", "replace"),
    )
    # Beyond the first 65,536 characters they may be written as two halves.
    text = inside.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return f'"{text}"'.encode()


def _other(command: str) -> Class:
    return Class(Kind.OTHER_NON_TRANSACTIONAL, command)


def _repeatable(command: str) -> Class:
    """If it is not known whether it ran, running it again does no harm."""
    return Class(Kind.REPEATABLE, command)


def _transaction_control(command: str) -> Class:
    return Class(Kind.ORDINARY, command, rule="transaction-control")


def _inside(command: str) -> Class:
    return Class(Kind.ORDINARY, command)


def _create(reader: _Reader) -> Class:
    reader.accept("UNIQUE")
    if reader.accept("INDEX"):
        return _create_index(reader)
    if reader.text() in ("DATABASE", "TABLESPACE"):
        return _other(f"CREATE {reader.text()}")
    if reader.accept("SUBSCRIPTION"):
        options = reader.with_options()
        # Without a replication slot nothing happens outside of the database.
        if options.get("CREATE_SLOT") in _FALSE or options.get("CONNECT") in _FALSE:
            return _ORDINARY
        return _other("CREATE SUBSCRIPTION")
    return _ORDINARY


def _create_index(reader: _Reader) -> Class:
    if not reader.accept("CONCURRENTLY"):
        return _ORDINARY
    reader.accept("IF", "NOT", "EXISTS")
    index = None if reader.text() == "ON" else reader.name()
    reader.accept("ON")
    reader.accept("ONLY")
    reader.accept("(")  # ONLY (name)
    table = reader.name()
    rule = "unnamed-index" if index is None else ""
    return Class(Kind.INDEX_CONCURRENTLY, "CREATE INDEX CONCURRENTLY", index, table, rule)


def _drop(reader: _Reader) -> Class:
    if reader.accept("INDEX", "CONCURRENTLY"):
        reader.accept("IF", "EXISTS")
        return Class(Kind.DROP_INDEX_CONCURRENTLY, "DROP INDEX CONCURRENTLY", reader.name())
    if reader.text() in ("DATABASE", "TABLESPACE", "SUBSCRIPTION"):
        return _other(f"DROP {reader.text()}")
    return _ORDINARY


def _reindex(reader: _Reader) -> Class:
    concurrently = reader.options().get("CONCURRENTLY", "OFF") not in _FALSE
    what = reader.text()
    reader.step()
    concurrently = reader.accept("CONCURRENTLY") or concurrently
    command = f"REINDEX {what}" + (" CONCURRENTLY" if concurrently else "")
    if not concurrently:
        # These commit after each table.
        return _repeatable(command) if what in ("SCHEMA", "DATABASE", "SYSTEM") else _ORDINARY
    name = reader.name()
    index = name if what == "INDEX" else None
    table = name if what == "TABLE" else None
    return Class(Kind.REINDEX_CONCURRENTLY, command, index, table)


def _alter(reader: _Reader) -> Class:
    if reader.accept("SYSTEM"):
        return _other("ALTER SYSTEM")
    if reader.accept("DATABASE"):
        reader.name()
        if not reader.accept("SET"):
            reader.accept("WITH")
        if reader.text() == "TABLESPACE":
            return _other("ALTER DATABASE SET TABLESPACE")
    elif reader.accept("SUBSCRIPTION"):
        reader.name()
        return _alter_subscription(reader)
    elif reader.accept("TABLE"):
        return _alter_table(reader)
    return _ORDINARY


def _alter_subscription(reader: _Reader) -> Class:
    if reader.accept("REFRESH"):
        return _other("ALTER SUBSCRIPTION REFRESH")
    verb = reader.text()
    reader.step()
    if verb in ("SET", "ADD", "DROP") and reader.accept("PUBLICATION"):
        if reader.with_options().get("REFRESH") in _FALSE:
            return _ORDINARY
        return _other(f"ALTER SUBSCRIPTION {verb} PUBLICATION with refresh")
    if verb == "SET" and {"FAILOVER", "TWO_PHASE"} & set(reader.options()):
        return _other("ALTER SUBSCRIPTION SET of failover or two_phase")
    return _ORDINARY


def _alter_table(reader: _Reader) -> Class:
    reader.accept("IF", "EXISTS")
    reader.accept("ONLY")
    reader.name()
    reader.accept("*")
    if reader.accept("DETACH", "PARTITION"):
        reader.name()
        if reader.accept("CONCURRENTLY"):
            return _other("ALTER TABLE DETACH PARTITION CONCURRENTLY")
    return _ORDINARY


def _set(reader: _Reader) -> Class:
    if reader.text() in ("LOCAL", "SESSION") and reader.text(1) == "TRANSACTION":
        reader.step()
    if reader.text() == "TRANSACTION":
        return _transaction_control("SET TRANSACTION")
    if reader.text() in ("LOCAL", "CONSTRAINTS"):
        return Class(Kind.ORDINARY, f"SET {reader.text()}")
    return Class(Kind.SESSION_SET)


def _commit(reader: _Reader) -> Class:
    if reader.accept("PREPARED"):
        return _other("COMMIT PREPARED")
    return _transaction_control("COMMIT")


def _rollback(reader: _Reader) -> Class:
    if reader.accept("PREPARED"):
        return _other("ROLLBACK PREPARED")
    if not reader.accept("WORK"):
        reader.accept("TRANSACTION")
    if reader.text() == "TO":
        return _inside("ROLLBACK TO SAVEPOINT")
    return _transaction_control("ROLLBACK")


def _prepare(reader: _Reader) -> Class:
    if reader.accept("TRANSACTION") and reader.kind() == "string":
        return _transaction_control("PREPARE TRANSACTION")
    return _ORDINARY  # PREPARE transaction AS ... prepares a statement of that name


def _copy(reader: _Reader) -> Class:
    depth = 0
    while (text := reader.text()) != "":
        depth += (text == "(") - (text == ")")
        if depth == 0 and text in ("FROM", "TO") and reader.text(1) in ("STDIN", "STDOUT"):
            return Class(Kind.ORDINARY, f"COPY {text} {reader.text(1)}", rule="copy-client")
        reader.step()
    return _ORDINARY


def _cluster(reader: _Reader) -> Class:
    reader.options()
    reader.accept("VERBOSE")
    return _repeatable("CLUSTER without a table") if reader.token() is None else _ORDINARY


def _declare(reader: _Reader) -> Class:
    while reader.text() not in ("FOR", ""):
        if reader.accept("WITH", "HOLD"):
            return _ORDINARY
        reader.step()
    return _inside("DECLARE CURSOR")


def _discard(reader: _Reader) -> Class:
    return _repeatable("DISCARD ALL") if reader.text() == "ALL" else _ORDINARY


@dataclass(frozen=True)
class _Command:
    """What to do with statements that begin with a word."""

    read: Callable[[_Reader], Class]
    seconds: frozenset[str] = frozenset()  # the second words that matter; none: all


_COMMANDS: dict[str, _Command] = {
    "ABORT": _Command(lambda _: _transaction_control("ABORT")),
    "ALTER": _Command(_alter, frozenset(("SYSTEM", "DATABASE", "SUBSCRIPTION", "TABLE"))),
    "BEGIN": _Command(lambda _: _transaction_control("BEGIN")),
    "CALL": _Command(lambda _: Class(Kind.CALL)),
    "CLUSTER": _Command(_cluster),
    "COMMIT": _Command(_commit),
    "COPY": _Command(_copy),
    "CREATE": _Command(
        _create, frozenset(("UNIQUE", "INDEX", "DATABASE", "TABLESPACE", "SUBSCRIPTION"))
    ),
    "DECLARE": _Command(_declare),
    "DISCARD": _Command(_discard),
    "DO": _Command(lambda _: Class(Kind.CALL)),
    "DROP": _Command(_drop, frozenset(("INDEX", "DATABASE", "TABLESPACE", "SUBSCRIPTION"))),
    "END": _Command(lambda _: _transaction_control("END")),
    "LOCK": _Command(lambda _: _inside("LOCK TABLE")),
    "PREPARE": _Command(_prepare),
    "REINDEX": _Command(_reindex),
    "RELEASE": _Command(lambda _: _inside("RELEASE SAVEPOINT")),
    "RESET": _Command(lambda _: Class(Kind.SESSION_SET)),
    "ROLLBACK": _Command(_rollback),
    "SAVEPOINT": _Command(lambda _: _inside("SAVEPOINT")),
    "SET": _Command(_set),
    "START": _Command(lambda _: _transaction_control("START TRANSACTION")),
    "VACUUM": _Command(lambda _: _repeatable("VACUUM")),
}

_FIRST_WORDS = re.compile(rb"([A-Za-z]+)(?:[ \t\n\r\f\v]+([A-Za-z]+))?")


def classify(data: bytes, statement: Statement) -> Class:
    """Says what a statement is."""
    words = _FIRST_WORDS.match(data, *statement)
    command = _COMMANDS.get(_ascii(words[1]).upper()) if words is not None else None
    if words is None or command is None:
        return _ORDINARY
    # Most statements need no closer look.
    if command.seconds and words[2] and _ascii(words[2]).upper() not in command.seconds:
        return _ORDINARY
    reader = _Reader(data, statement)
    first = reader.text()
    reader.step()
    return command.read(reader) if first in _COMMANDS else _ORDINARY  # "set_up" begins like SET


def created_table(data: bytes, statement: Statement) -> bytes | None:
    """The name, as written, of the table that a CREATE TABLE makes; not of a temporary one."""
    reader = _Reader(data, statement)
    if not reader.accept("CREATE"):
        return None
    if reader.text() in ("UNLOGGED", "FOREIGN"):
        reader.step()
    if not reader.accept("TABLE"):
        return None
    reader.accept("IF", "NOT", "EXISTS")
    return reader.name()
