"""From what the statements of a file did to hazards: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..files.scripts import Script
from ..sql.classify import Kind
from . import changed
from .facts import Advice, Change, Effect, Executed, Touched
from .hazard import Hazard, Judged
from .statements import Text, last_name, texts

# The modes that make others wait, weakest first: writers, and from the last one on readers, too.
_BLOCKING = ("SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE")
_ALL = "ACCESS EXCLUSIVE"

_ROWS = ("table", "materialized view", "foreign table", "partitioned table")
_CONCURRENT = (
    Kind.INDEX_CONCURRENTLY,
    Kind.DROP_INDEX_CONCURRENTLY,
    Kind.REINDEX_CONCURRENTLY,
)


@dataclass(frozen=True)
class _Held:
    """The strongest lock on a table, and the statement that took it."""

    mode: str
    number: int

    @property
    def who(self) -> str:
        return "read or write" if self.mode == _ALL else "write to"


class _File:
    """The statements of a file, one after the other."""

    def __init__(self, executed: Executed, script: Script, judged: Judged) -> None:
        self.executed = executed
        self.script = script
        self.judged = judged
        self.texts = texts(script)
        self.held: dict[str, _Held] = {}
        self.gone = {c.name for c in executed.changes if c.change in ("dropped", "replaced")}
        self.empty: set[str] = set()  # by TRUNCATE

    def run(self) -> Iterator[Hazard]:
        several = False
        effects = {n: Effect(n, 0) for n in range(1, len(self.texts) + 1)}
        for number, effect in sorted({**effects, **self.executed.effects}.items()):
            before = dict(self.held) if self.executed.transaction else {}
            self.held = dict(before)
            for lock in effect.locks:
                self.take(lock, number)
            found = [*self.rewrites(effect), *self.scans(effect, before)]
            yield from found
            if not several:
                hazards = list(self.several(effect, before))
                several = bool(hazards)
                yield from hazards
            for change in self.executed.changes:
                if change.change == "renamed" and change.number == number:
                    self.rename(change)

    def rename(self, change: Change) -> None:
        """A table stays locked under its new name."""
        if change.name in self.held:
            self.held[change.to] = self.held.pop(change.name)

    def text(self, number: int) -> Text:
        return self.texts[number - 1] if number <= len(self.texts) else Text()

    def concurrent(self, number: int) -> bool:
        statements = self.script.statements
        return number <= len(statements) and statements[number - 1][1].kind in _CONCURRENT

    def take(self, lock: Touched, number: int) -> None:
        if lock.kind not in _ROWS or lock.mode not in _BLOCKING or not self.judged.counts(lock):
            return
        if lock.kind == "materialized view" and lock.mode != _ALL:  # nobody writes to it
            return
        old = self.held.get(lock.relation)
        if old is None or _BLOCKING.index(old.mode) < _BLOCKING.index(lock.mode):
            self.held[lock.relation] = _Held(lock.mode, number)

    def naming(self, name: str, table: str | None, verb: str = "") -> int:
        """The statement that is it: of those that name the object (or else its table), the first
        that has the verb."""

        def fits(text: Text, *names: str | None) -> bool:
            return all(n is None or text.names(n) for n in names)

        here = [(n, t) for n, t in enumerate(self.texts, 1) if not t.begins("COMMENT")]
        for chosen in (
            [n for n, t in here if fits(t, name, table) and t.has(*verb.split())],
            [n for n, t in here if fits(t, name) and t.has(*verb.split())],
            [n for n, t in here if fits(t, name, table)],
            [n for n, t in here if fits(t, name)],
            [n for n, t in here if table and fits(t, table) and t.has(*verb.split())],
            [n for n, t in here if table and fits(t, table)],
        ):
            if chosen:
                return chosen[0]
        return 1

    def is_new(self, change: Change) -> bool:
        """Is what is gone of a name that this file gave? The old one is told of, too."""
        renamed = [c for c in self.executed.changes if c.change == "renamed"]
        if change.kind in ("column", "enum value"):
            names = {f"{c.table}.{c.to}" for c in renamed if c.kind == change.kind}
            return change.name in names or any(c.again and c.to == change.table for c in renamed)
        return any(c.to == change.name for c in renamed)

    def made_by(self, change: Change) -> str | None:
        """A column that must have a value is one of its table's, also if it is new."""
        if change.change == "not-null":
            for effect in self.executed.effects.values():
                for lock in effect.locks:
                    if lock.relation == change.table:
                        return lock.made_by
        return change.made_by

    def has_default(self, change: Change) -> bool:
        """After the last statement that says so."""
        default = change.default
        for text in self.texts[change.number or 0 :]:
            if text.names(change.name) and change.table and text.names(change.table):
                default = text.has("SET", "DEFAULT") or (
                    default and not text.has("DROP", "DEFAULT")
                )
        return default

    # ---- what takes as long as the table is large ----

    def rewrites(self, effect: Effect) -> Iterator[Hazard]:
        text = self.text(effect.number)
        if text.begins("TRUNCATE") or self.concurrent(effect.number):
            return
        mine = [t for t in effect.rewrites if self.judged.counts(t)]
        tables = [t for t in mine if t.kind in _ROWS]
        for table in tables:
            words = {"table": table.relation}
            yield Hazard("table-rewrite", effect.number, words, _rewriting(text))
        if not tables and mine and text.begins("REINDEX"):
            words = {"table": mine[0].relation}
            yield Hazard("index-not-concurrent", effect.number, words, "reindex")

    def scans(self, effect: Effect, before: dict[str, _Held]) -> Iterator[Hazard]:
        if self.concurrent(effect.number):
            return
        rewritten = {t.relation for t in effect.rewrites}
        if self.text(effect.number).begins("TRUNCATE"):
            self.empty |= rewritten
        self.empty |= self.must_be_empty(effect.number)
        scanned = [t for t in effect.scans if self.judged.counts(t)]
        scanned = [t for t in scanned if t.relation not in rewritten | self.empty]
        text = self.text(effect.number)
        if text.change is not None:
            locked = [t for t in effect.locks if self.is_changed(t)]
            locked += [Touched(table, "table", None) for table in before]
            scanned = changed.read(text, scanned, locked, self.judged)
        if not scanned or text.begins("REINDEX"):
            return
        if text.writes_rows:
            yield from self.rows(effect, scanned, before)
            return
        locked = [t for t in scanned if t.relation in self.held]
        yield from self.checked(effect, text, locked or scanned, before)

    def is_changed(self, lock: Touched) -> bool:
        return lock.mode == "ROW EXCLUSIVE" and lock.kind in _ROWS and self.judged.counts(lock)

    def rows(
        self, effect: Effect, scanned: list[Touched], before: dict[str, _Held]
    ) -> Iterator[Hazard]:
        """A lock of an earlier statement, or of the same block of code."""
        held = before or {k: h for k, h in self.held.items() if h.number == effect.number}
        if not held:
            return
        strongest = max(held, key=lambda t: (_BLOCKING.index(held[t].mode), t))
        lock = held[strongest]
        words = {"table": strongest, "rows": scanned[0].relation, "who": lock.who}
        since = lock.number if lock.number != effect.number else None
        yield Hazard("rows-under-lock", effect.number, words, since=since)

    def checked(
        self, effect: Effect, text: Text, scanned: list[Touched], before: dict[str, _Held]
    ) -> Iterator[Hazard]:
        """All rows are read and none is changed: for an index, a constraint, or something else."""
        table = scanned[0].relation
        held = self.held.get(table)
        if held is None:
            yield from self.read_meanwhile(effect, table, before)
            return
        words = {"table": table, "who": held.who}
        since = held.number if held.number < effect.number else None
        tables = {t.relation for t in scanned}
        if text.begins("CREATE INDEX") or self.makes_index(text, tables):
            form = "unique" if text.begins("ALTER TABLE") else ""
            yield Hazard("index-not-concurrent", effect.number, words, form, since)
        elif (
            text.begins("ALTER TABLE") and text.has("REFERENCES") and not self.alters(text, tables)
        ):
            return  # a new table: the other one is read as far as there are rows in this one
        elif text.has("VALIDATE") or self.makes_constraint(text, tables):
            child = self.constrained(text, tables) or table
            held = self.held.get(child, held)
            words = {"table": child, "who": held.who}
            form = "same file" if text.has("VALIDATE") else self.sort(text)
            if form != "same file" or since is not None:
                yield Hazard("validated-at-once", effect.number, words, form, since)
        else:
            form = "not null" if text.has("SET", "NOT", "NULL") else ""
            form = "attach" if text.has("ATTACH", "PARTITION") else form
            yield Hazard("scan-under-lock", effect.number, words, form, since)

    def must_be_empty(self, number: int) -> set[str]:
        """The tables that have no rows, or the statement fails: they get a column that must have a
        value, and no default."""
        if self.text(number).has("DEFAULT"):
            return set()
        mine = [c for c in self.executed.changes if c.number == number and c.kind == "column"]
        new = {c.name for c in mine if c.change == "created"}
        return {
            c.table
            for c in mine
            if c.change == "not-null" and not c.default and c.name in new and c.table is not None
        }

    def read_meanwhile(
        self, effect: Effect, table: str, before: dict[str, _Held]
    ) -> Iterator[Hazard]:
        """A table is read while another one is locked."""
        if not before:
            return
        locked = max(before, key=lambda t: (_BLOCKING.index(before[t].mode), t))
        words = {"table": locked, "who": before[locked].who, "read": table}
        since = before[locked].number
        yield Hazard("scan-under-lock", effect.number, words, "other", since)

    def created(self, kind: str, tables: set[str]) -> list[Change]:
        return [
            c
            for c in self.executed.changes
            if c.change == "created" and c.kind == kind and c.table in tables
        ]

    def makes_index(self, text: Text, tables: set[str]) -> bool:
        if text.begins("ALTER TABLE"):
            adds = text.has("UNIQUE") or text.has("PRIMARY", "KEY") or text.has("EXCLUDE")
            return adds and not text.has("USING", "INDEX")
        return text.begins("DO", "SELECT", "CALL") and bool(self.created("index", tables))

    def makes_constraint(self, text: Text, tables: set[str]) -> bool:
        if text.begins("ALTER TABLE"):
            return text.has("CHECK") or text.has("REFERENCES")
        checks = [c for c in self.created("constraint", tables) if c.valid]
        return text.begins("DO", "SELECT", "CALL") and bool(checks)

    @staticmethod
    def alters(text: Text, tables: set[str]) -> bool:
        """Is it one of these that ALTER TABLE names?"""
        end = text.words.index("ADD") if "ADD" in text.words else len(text.words)
        return any(Text(text.words[:end]).names(table) for table in tables)

    def constrained(self, text: Text, tables: set[str]) -> str | None:
        """Of a foreign key both tables are read; the one that gets it."""
        new = [c for c in self.created("constraint", tables) if text.names(c.name)]
        return new[0].table if new else None

    @staticmethod
    def sort(text: Text) -> str:
        return "foreign key" if text.has("REFERENCES") else "check"

    # ---- more than one table ----

    def several(self, effect: Effect, before: dict[str, _Held]) -> Iterator[Hazard]:
        """Locks that keep readers away, taken by one statement after another."""
        kept = {t: h for t, h in before.items() if t not in self.gone}
        all_before = {t: h for t, h in kept.items() if h.mode == _ALL}
        for lock in effect.locks:
            table = lock.relation
            held = self.held.get(table)
            new = held is not None and held.number == effect.number and held.mode == _ALL
            if all_before and new and table not in all_before and table not in self.gone:
                first = min(all_before, key=lambda t: all_before[t].number)
                words = {"table": table, "first": first}
                since = all_before[first].number
                yield Hazard("several-tables-locked", effect.number, words, since=since)
                return


def _rewriting(text: Text) -> str:
    for form, words in (
        ("type", ("TYPE",)),
        ("stored", ("STORED",)),
        ("persistence", ("LOGGED",)),
        ("persistence", ("UNLOGGED",)),
        ("column", ("ADD",)),
    ):
        if text.begins("ALTER TABLE") and text.has(*words):
            return form
    if text.begins("REFRESH"):
        return "refresh"
    return "compact" if text.begins("CLUSTER", "VACUUM") else ""


def hazards(
    executed: Executed, script: Script, judged: Judged, advice: Sequence[Advice] = ()
) -> list[Hazard]:
    """Those of the statements' locks, what a running program would miss, and what was left."""
    file = _File(executed, script, judged)
    left = [_left(file, one) for one in advice if not _reads_little(one, judged)]
    return [*file.run(), *_missing(executed, file), *left]


# ---- what an older binary uses ----

_USED = (
    "table",
    "column",
    "view",
    "materialized view",
    "foreign table",
    "function",
    "procedure",
    "aggregate",
    "type",
    "domain",
    "enum",
    "enum value",
)


def _missing(executed: Executed, file: _File) -> Iterator[Hazard]:
    for change in executed.changes:
        form = _breaks(change)
        if not form or not file.judged.released.existed(file.made_by(change)):
            continue
        if form == "not null" and file.has_default(change):
            continue
        if change.kind == "function" and last_name(change.name) in file.judged.of_triggers:
            continue
        if form in ("dropped", "renamed") and file.is_new(change):
            continue
        if change.again and form != "schema" and not _loses_rows(change):
            continue
        words = {"kind": change.kind, "object": change.name, "to": change.to}
        yield Hazard("breaks-older-binary", _statement_of(change, file), words, form)


def _breaks(change: Change) -> str:
    if change.change == "renamed" and change.kind == "schema":
        return "schema"
    if change.change in ("dropped", "renamed") and change.kind in _USED:
        return change.change
    if change.change == "replaced" and change.kind == "column":
        return "replaced"
    return "not null" if change.change == "not-null" and change.kind == "column" else ""


def _loses_rows(change: Change) -> bool:
    """They do not come back with the name."""
    return change.kind == "table" and change.change == "dropped"


def _statement_of(change: Change, file: _File) -> int:
    """Where there is no number: the first statement that names it."""
    verb = _VERBS.get(change.change, "")
    if change.change == "dropped" and change.kind != "column":
        verb = f"DROP {change.kind.upper()}"
    return change.number or file.naming(change.name, change.table, verb)


_VERBS = {"dropped": "DROP", "renamed": "RENAME", "not-null": "NOT NULL"}


def _reads_little(advice: Advice, judged: Judged) -> bool:
    """Without an index all rows are read, and these are few."""
    return advice.rule == "foreign-key-without-index" and advice.table in judged.small


def _left(file: _File, advice: Advice) -> Hazard:
    words = {"object": advice.object, "table": advice.table}
    verb = _WORDS.get(advice.rule, "")
    number = advice.number or file.naming(advice.object, advice.table, verb)
    return Hazard(advice.rule, number, words)


_WORDS = {
    "foreign-key-without-index": "REFERENCES",
    "foreign-key-type": "REFERENCES",
    "duplicate-index": "INDEX",
    "invalid-index": "INDEX",
}
