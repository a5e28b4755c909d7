"""The words of a statement, as far as the judging needs them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ..files.scripts import Script
from ..sql.lexer import Token, tokens
from ..sql.scan import Statement

# In code; ON UPDATE and FOR UPDATE change nothing.
_WRITES = re.compile(
    r"(?i)\b(?:delete\s+from|merge\s+into"
    r'|update\s+(?:only\s+)?[\w."]+(?:\s+(?:as\s+)?\w+)?\s+set)\b'
)

_VALUE = re.compile(r"(?i)(?:[bexn]|u&)?'|[-$0-9]|true\b|false\b")

# What stands between CREATE and the name of what it makes.
_BEFORE_NAME = frozenset(
    "OR REPLACE GLOBAL LOCAL TEMP TEMPORARY UNLOGGED RECURSIVE UNIQUE CONSTRAINT MATERIALIZED "
    "FOREIGN EVENT CONCURRENTLY IF NOT EXISTS TABLE VIEW TYPE DOMAIN FUNCTION PROCEDURE AGGREGATE "
    "SEQUENCE INDEX TRIGGER SCHEMA EXTENSION".split()
)


class Name(NamedTuple):
    """Of a table, as it is stored."""

    schema: str  # empty: the statement says none
    table: str

    def is_among(self, names: Iterable[Name]) -> bool:
        """A schema counts where both have one."""
        return any(
            self.table == name.table and ("" in (self.schema, name.schema) or self == name)
            for name in names
        )


@dataclass(frozen=True)
class Text:
    """The tokens of a statement: words in upper case, names as they are stored."""

    words: tuple[str, ...] = ()  # quoted names and strings keep their quotes
    places: tuple[int, ...] = ()

    def begins(self, *starts: str) -> bool:
        """With one of these? CREATE UNIQUE INDEX counts as CREATE INDEX."""
        head = [word for word in self.words[:3] if word != "UNIQUE"]
        return any(head[: len(s.split())] == s.split() for s in starts)

    def has(self, *words: str) -> bool:
        """These words in a row, anywhere."""
        n = len(words)
        return any(self.words[at : at + n] == words for at in range(len(self.words) - n + 1))

    @property
    def writes_rows(self) -> bool:
        if self.begins("DO"):
            return any(_WRITES.search(word) for word in self.words)
        if self.begins("WITH"):
            return any(self.has(verb) for verb in ("UPDATE", "DELETE", "INSERT", "MERGE"))
        return self.begins("UPDATE", "DELETE", "INSERT", "MERGE")

    @property
    def trigger_function(self) -> str | None:
        """The function of triggers that it makes."""
        returns = self.has("RETURNS", "TRIGGER") or self.has("RETURNS", "EVENT_TRIGGER")
        if not self.begins("CREATE") or not returns or "FUNCTION" not in self.words:
            return None
        at = self.words.index("FUNCTION") + 1
        return last_name("".join(self.words[at : self.words.index("(", at)]))

    @property
    def made(self) -> Name | None:
        """What CREATE makes."""
        if not self.begins("CREATE"):
            return None
        at = next((at for at, w in enumerate(self.words) if at and w not in _BEFORE_NAME), None)
        return self.full_name_at(at) if at is not None else None

    @property
    def change(self) -> str | None:
        """The table whose rows it updates or deletes, by the last part of its name."""
        if not self.begins("UPDATE", "DELETE", "MERGE", "WITH"):
            return None
        depth = 0
        for at, word in enumerate(self.words):
            depth += (word == "(") - (word == ")")
            if depth == 0 and word in ("UPDATE", "DELETE", "MERGE"):
                at += 1 if word == "UPDATE" else 2
                at += self.words[at : at + 1] == ("ONLY",)
                return self.name_at(at)
        return None

    def name_at(self, at: int) -> str:
        """The last part of the name there, as it is stored."""
        while self.words[at + 1 : at + 2] == (".",):
            at += 2
        return _stored(self.words[at]) if at < len(self.words) else ""

    def full_name_at(self, at: int) -> Name:
        is_qualified = self.words[at + 1 : at + 2] == (".",)
        return Name(_stored(self.words[at]) if is_qualified else "", self.name_at(at))

    def equals(self) -> set[str]:
        """The columns that its WHERE compares with one value each or with some; empty if there is
        an OR."""
        depth, where, found = 0, False, set()
        for at, word in enumerate(self.words):
            depth += (word == "(") - (word == ")")
            where |= depth == 0 and word == "WHERE"
            if not where or depth > (word == "("):
                continue
            if word == "OR":
                return set()
            value = self.words[at + 1 : at + 2]
            if word == "IN":
                value = self.words[at + 2 : at + 3]
            if word in ("=", "IN") and value and _VALUE.match(value[0]):
                found.add(_stored(self.words[at - 1]))
        return found

    def uses(self, identity: str) -> bool:
        """Does it name it outside of strings?"""
        return Text(tuple(word for word in self.words if "'" not in word[:2])).names(identity)

    def names(self, identity: str) -> bool:
        """Does it name the object, whose identity may be qualified? In a block of code, too."""
        name = last_name(identity)
        if self.begins("DO"):
            return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", word) for word in self.words)
        return name in {_stored(word) for word in self.words}


def texts(script: Script) -> list[Text]:
    return [read(script.text, statement) for statement, _ in script.statements]


def read(data: bytes, statement: Statement) -> Text:
    found = list(tokens(data, *statement))
    return Text(tuple(_word(data, t) for t in found), tuple(t.start for t in found))


def _word(data: bytes, token: Token) -> str:
    text = data[token.start : token.end].decode("utf-8", "replace")
    return text.upper() if token.kind == "word" else text


def _stored(word: str) -> str:
    quote = word[:1]
    return word[1:-1].replace(quote * 2, quote) if quote in ("'", '"') else word.lower()


def full_name(identity: str) -> Name:
    """Of public."Order" both."""
    schema = re.match(r'("(?:[^"]|"")*"|[^."]+)\.', identity)
    return Name(_stored(schema[1]) if schema is not None else "", last_name(identity))


def last_name(identity: str) -> str:
    """The name in a qualified one: of public."Order" Order, of public.f(integer) f."""
    parts = re.findall(r'"(?:[^"]|"")*"|[^."(]+', identity.partition("(")[0])
    return _stored(parts[-1]) if parts else ""
