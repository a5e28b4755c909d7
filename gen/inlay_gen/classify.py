"""What a statement is, as far as running it is concerned: told by its first words.

The list of what cannot run in a transaction is that of the callers of PreventInTransactionBlock in
PostgreSQL 13 to 18.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from .scan import Statement, Token, tokens


class Kind(Enum):
    """enum inlay_statement_kind."""

    ORDINARY = "INLAY_STATEMENT_ORDINARY"
    SESSION_SET = "INLAY_STATEMENT_SESSION_SET"
    INDEX_CONCURRENTLY = "INLAY_STATEMENT_INDEX_CONCURRENTLY"
    DROP_INDEX_CONCURRENTLY = "INLAY_STATEMENT_DROP_INDEX_CONCURRENTLY"
    REINDEX_CONCURRENTLY = "INLAY_STATEMENT_REINDEX_CONCURRENTLY"
    OTHER_NON_TRANSACTIONAL = "INLAY_STATEMENT_OTHER_NON_TRANSACTIONAL"


# How far into a statement anything that matters to us stands.
_HEAD = 40


@dataclass(frozen=True)
class Classified:
    """A statement and what follows from its first words."""

    kind: Kind
    what: str = ""  # the command, for messages: "CREATE INDEX CONCURRENTLY"
    index: bytes | None = None  # as written
    table: bytes | None = None
    problem: str = ""  # a rule that the statement breaks wherever it stands


class _Words:
    """The first tokens of a statement, read one after the other."""

    def __init__(self, data: bytes, statement: Statement) -> None:
        self.data = data
        self.tokens = list(islice(_safe_tokens(data, statement), _HEAD))
        self.at = 0

    def text(self, offset: int = 0) -> str:
        """The word `offset` places ahead in upper case; other tokens as they are."""
        if self.at + offset >= len(self.tokens):
            return ""
        token = self.tokens[self.at + offset]
        return self.data[token.start : token.end].decode("utf-8", "replace").upper()

    def accept(self, *words: str) -> bool:
        """Steps over these words if they come next."""
        if all(self.text(i) == word for i, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def accept_any(self, *words: str) -> bool:
        return any(self.accept(word) for word in words)

    def options(self) -> dict[str, str]:
        """A parenthesized list of options, `(CONCURRENTLY, VERBOSE off)`, by name."""
        found: dict[str, str] = {}
        if not self.accept("("):
            return found
        while self.text() not in (")", ""):
            name, value = self.text(), self.text(1)
            self.at += 1
            if value in (",", ")", ""):
                value = "TRUE"
            else:
                self.at += 1
            found[name] = value.strip("'\"")
            self.accept(",")
        self.accept(")")
        return found

    def name(self) -> bytes | None:
        """A name as written, `schema."My Table"` in whole."""
        if not self.is_name():
            return None
        start = self.tokens[self.at].start
        self.at += 1
        while self.text() == "." and self.at + 1 < len(self.tokens):
            self.at += 2
        return self.data[start : self.tokens[self.at - 1].end]

    def is_name(self) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at].kind in ("word", "name")

    def rest(self) -> list[str]:
        return [self.text(i) for i in range(len(self.tokens) - self.at)]


def _safe_tokens(data: bytes, statement: Statement) -> Iterator[Token]:
    return tokens(data, statement.start, statement.end)


def _other(what: str) -> Classified:
    return Classified(Kind.OTHER_NON_TRANSACTIONAL, what)


_ORDINARY = Classified(Kind.ORDINARY)


def _create_index(words: _Words) -> Classified:
    if not words.accept("CONCURRENTLY"):
        return _ORDINARY
    what = "CREATE INDEX CONCURRENTLY"
    hides = words.accept("IF", "NOT", "EXISTS")
    index = None if words.text() == "ON" else words.name()
    if not words.accept("ON"):
        return Classified(Kind.INDEX_CONCURRENTLY, what, index)
    words.accept("ONLY")
    table = words.name()
    problem = "unnamed-index" if index is None else "if-not-exists" if hides else ""
    return Classified(Kind.INDEX_CONCURRENTLY, what, index, table, problem)


def _create(words: _Words) -> Classified:
    if words.accept("UNIQUE", "INDEX") or words.accept("INDEX"):
        return _create_index(words)
    for thing in ("DATABASE", "TABLESPACE"):
        if words.accept(thing):
            return _other(f"CREATE {thing}")
    if words.accept("SUBSCRIPTION") and not _creates_no_slot(words):
        return _other("CREATE SUBSCRIPTION")
    return _ORDINARY


def _creates_no_slot(words: _Words) -> bool:
    """WITH (create_slot = false) and (connect = false) need no connection to the publisher."""
    rest = words.rest()
    for option in ("CREATE_SLOT", "CONNECT"):
        if option in rest:
            value = [w for w in rest[rest.index(option) + 1 :] if w != "="][:1]
            if value and value[0].strip("'\"") in ("FALSE", "OFF", "0", "NO"):
                return True
    return False


def _drop(words: _Words) -> Classified:
    if words.accept("INDEX", "CONCURRENTLY"):
        words.accept("IF", "EXISTS")
        return Classified(Kind.DROP_INDEX_CONCURRENTLY, "DROP INDEX CONCURRENTLY", words.name())
    for thing in ("DATABASE", "TABLESPACE", "SUBSCRIPTION"):
        if words.accept(thing):
            return _other(f"DROP {thing}")
    return _ORDINARY


_FALSE = ("FALSE", "OFF", "0", "NO")


def _reindex(words: _Words) -> Classified:
    concurrently = words.options().get("CONCURRENTLY", "OFF") not in _FALSE
    thing = words.text()
    words.at += 1
    concurrently = words.accept("CONCURRENTLY") or concurrently
    if thing in ("SCHEMA", "DATABASE", "SYSTEM"):
        return _other(f"REINDEX {thing}")
    if not concurrently:
        return _ORDINARY
    name = words.name()
    return Classified(
        Kind.REINDEX_CONCURRENTLY,
        f"REINDEX {thing} CONCURRENTLY",
        name if thing == "INDEX" else None,
        name if thing == "TABLE" else None,
    )


def _alter(words: _Words) -> Classified:
    if words.accept("SYSTEM"):
        return _other("ALTER SYSTEM")
    if words.accept("DATABASE"):
        words.name()
        return (
            _other("ALTER DATABASE SET TABLESPACE")
            if words.accept("SET", "TABLESPACE")
            else _ORDINARY
        )
    if words.accept("SUBSCRIPTION"):
        words.name()
        return _other("ALTER SUBSCRIPTION") if _refreshes(words) else _ORDINARY
    if words.accept("TABLE"):
        rest = words.rest()
        if "DETACH" in rest and "CONCURRENTLY" in rest[rest.index("DETACH") :]:
            return _other("ALTER TABLE DETACH PARTITION CONCURRENTLY")
    return _ORDINARY


def _refreshes(words: _Words) -> bool:
    rest = words.rest()
    if rest[:2] == ["REFRESH", "PUBLICATION"]:
        return True
    changes = rest[1:2] == ["PUBLICATION"] and rest[0] in ("SET", "ADD", "DROP")
    if "REFRESH" in rest:
        value = [w for w in rest[rest.index("REFRESH") + 1 :] if w != "="][:1]
        return changes and not (value and value[0].strip("'\"") in _FALSE)
    return changes


def _set(words: _Words) -> Classified:
    if words.accept("TRANSACTION"):
        return Classified(Kind.ORDINARY, "SET TRANSACTION", problem="transaction-control")
    if words.text() in ("LOCAL", "CONSTRAINTS"):
        return _ORDINARY
    return Classified(Kind.SESSION_SET, "SET")


def _rollback(words: _Words) -> Classified:
    words.accept_any("WORK", "TRANSACTION")
    if words.text() == "TO":
        return _ORDINARY  # a savepoint
    return Classified(Kind.ORDINARY, "ROLLBACK", problem="transaction-control")


def _prepare(words: _Words) -> Classified:
    # PREPARE TRANSACTION 'id' against PREPARE transaction AS ...
    if words.text() == "TRANSACTION" and words.text(1).startswith(("'", "E'", "U&'", "$")):
        return Classified(Kind.ORDINARY, "PREPARE TRANSACTION", problem="transaction-control")
    return _ORDINARY


def _copy(words: _Words) -> Classified:
    depth = 0
    rest = words.rest()
    for before, word in zip(rest, rest[1:]):
        depth += (before == "(") - (before == ")")
        if depth == 0 and (before, word) in (("FROM", "STDIN"), ("TO", "STDOUT")):
            return Classified(Kind.ORDINARY, f"COPY ... {before} {word}", problem="copy-client")
    return _ORDINARY


def _cluster(words: _Words) -> Classified:
    words.options()
    words.accept("VERBOSE")
    return _ORDINARY if words.is_name() else _other("CLUSTER")


def _discard(words: _Words) -> Classified:
    return _other("DISCARD ALL") if words.text() == "ALL" else _ORDINARY


def _transaction_control(what: str) -> Classified:
    return Classified(Kind.ORDINARY, what, problem="transaction-control")


_COMMANDS: dict[str, Callable[[_Words], Classified]] = {
    "CREATE": _create,
    "DROP": _drop,
    "REINDEX": _reindex,
    "ALTER": _alter,
    "SET": _set,
    "RESET": lambda words: Classified(Kind.SESSION_SET, "RESET"),
    "ROLLBACK": _rollback,
    "PREPARE": _prepare,
    "COPY": _copy,
    "CLUSTER": _cluster,
    "DISCARD": _discard,
    "VACUUM": lambda words: _other("VACUUM"),
    "BEGIN": lambda words: _transaction_control("BEGIN"),
    "START": lambda words: _transaction_control("START TRANSACTION"),
    "COMMIT": lambda words: _transaction_control("COMMIT"),
    "END": lambda words: _transaction_control("END"),
    "ABORT": lambda words: _transaction_control("ABORT"),
}


_LONGEST = max(len(command) for command in _COMMANDS)


def classify(data: bytes, statement: Statement) -> Classified:
    """Says what a statement is."""
    # Most statements are told apart by their first word alone.
    first = data[statement.start : statement.start + _LONGEST].split(None, 1)[0].upper()
    if not first.isalpha():
        first = first.rstrip(b"(;/-'\"$")
    command = _COMMANDS.get(first.decode("latin-1"))
    if command is None and b"/" not in first and b"-" not in first:
        return _ORDINARY
    words = _Words(data, statement)
    command = _COMMANDS.get(words.text())
    words.at += 1
    return command(words) if command is not None else _ORDINARY
