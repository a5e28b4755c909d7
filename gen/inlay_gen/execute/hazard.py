"""What would hurt, and what decides whether it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .facts import Touched
from .released import Released


@dataclass(frozen=True)
class Hazard:
    """What would hurt, at which statement; `words` fill in the rule's text."""

    rule: str
    number: int  # of the statement, from 1
    words: dict[str, str] = field(default_factory=dict)
    form: str = ""  # which recipe
    since: int | None = None  # the statement that took the lock


@dataclass(frozen=True)
class Judged:
    """What the hazards of a file depend on."""

    released: Released
    small: frozenset[str]  # tables, as SCHEMA.TABLE
    of_triggers: frozenset[str] = frozenset()  # functions that no program calls, without a schema
    keys: Mapping[str, tuple[frozenset[str], ...]] = field(default_factory=dict)  # by table

    def counts(self, touched: Touched) -> bool:
        """Is it a table of which there may be much?"""
        return self.released.existed(touched.made_by) and touched.relation not in self.small
