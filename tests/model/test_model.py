"""Every interleaving of two and three processes, with kills, cuts and cancels between any two
messages: nothing is wrong in any state, until a rule is taken away."""

from __future__ import annotations

import pytest

from protocol import RULES, Setting, explore

TRANSACTION, ALONE, RUDE = "transaction", "alone", "rude"
ONE_OF_EACH = (TRANSACTION, ALONE)

INTACT = {
    "two that follow each other": Setting((TRANSACTION, TRANSACTION), kills=1, cuts=1),
    "two kills": Setting(ONE_OF_EACH, 3, kills=2),
    "the one without a transaction last": Setting(ONE_OF_EACH, kills=1, cuts=1, cancels=1),
    "the one without a transaction first": Setting(ONE_OF_EACH[::-1], cuts=1, cancels=1),
    "a body that ends its transaction": Setting((RUDE,), kills=1),
    "through a pooler": Setting((TRANSACTION, TRANSACTION), cuts=1, pooler=True),
    "through a pooler, refused": Setting(ONE_OF_EACH, kills=1, cuts=1, pooler=True),
    "three processes": Setting(ONE_OF_EACH, 3, kills=1),
    "three processes through a pooler": Setting((TRANSACTION, TRANSACTION), 3, pooler=True),
}

TWICE = "a body ran twice"
BLAMED = "it blamed a migration that another had applied"
NOT_ROLLED_BACK = "it said rolled back, and was not"

# For each rule where its absence shows, and what then goes wrong.
WITHOUT = {
    "lock": (Setting((ALONE,)), TWICE),
    "poll": (Setting((ALONE,)), "a wait without an end"),
    "read under the lock": (Setting((ALONE,)), BLAMED),
    "claim": (Setting((TRANSACTION,), pooler=True), BLAMED),
    "again": (Setting((TRANSACTION,), pooler=True), "it failed for what another had done"),
    "seal": (Setting((RUDE,)), "it said done, and was not"),
    "stop": (Setting((ALONE,), cancels=1), "a row without its body"),
    "unknown": (Setting((TRANSACTION,), cuts=1), NOT_ROLLED_BACK),
    "lock before reading": (Setting((TRANSACTION,), cuts=1), NOT_ROLLED_BACK),
    "notice": (Setting((TRANSACTION,), kills=1), "a wait without an end"),
    "intent": (Setting((ALONE,), kills=1), BLAMED),
    "keep the intent": (Setting((ALONE,), cancels=1), BLAMED),
    "refuse": (Setting((ALONE,), pooler=True), TWICE),
}


@pytest.mark.parametrize("name", INTACT)
def test_with_all_rules_nothing_goes_wrong(name: str) -> None:
    found = explore(INTACT[name])
    assert found.faults == frozenset()
    assert found.states > 100


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_is_needed(rule: str) -> None:
    setting, fault = WITHOUT[rule]
    assert explore(setting).faults == frozenset()
    assert fault in explore(setting.lacking(rule)).faults
