"""Old and new binaries that start at once where nothing holds the migration lock: steps 1 to 3, and
a create script 4 that replaces them. What decides is that a row can be claimed once, and that the
script claims the rows of the steps too."""

from __future__ import annotations

from typing import Iterator, NamedTuple

import pytest

STEPS = (1, 2, 3)
SCRIPT = 4
RECORD = -SCRIPT  # its row alone


class Process(NamedTuple):
    new: bool  # it has the script
    plan: tuple[int, ...] | None = None  # what is to be applied; None: it is to read
    claimed: tuple[int, ...] = ()  # rows of the open transaction
    kills: int = 1


class World(NamedTuple):
    processes: tuple[Process, ...]
    rows: frozenset[int] = frozenset()
    ran: tuple[int, ...] = ()  # bodies that are committed

    def put(self, number: int, process: Process) -> World:
        processes = self.processes
        return self._replace(processes=(*processes[:number], process, *processes[number + 1 :]))


class Broken(Exception):
    """Something that must not happen did."""


def planned(process: Process, rows: frozenset[int]) -> tuple[int, ...]:
    if SCRIPT in rows:
        return ()
    if process.new and not rows:
        return (SCRIPT,)
    return (*(step for step in STEPS if step not in rows), *((RECORD,) if process.new else ()))


def to_claim(migration: int, whole: bool) -> tuple[int, ...]:
    """The rows that it writes, in their order."""
    return (SCRIPT, *STEPS) if migration == SCRIPT and whole else (abs(migration),)


def commit(world: World, number: int) -> World:
    process = world.processes[number]
    assert process.plan
    bodies = {SCRIPT: STEPS, RECORD: ()}.get(process.plan[0], process.plan[:1])
    if set(bodies) & set(world.ran):
        raise Broken("a body ran where what it makes is there")
    after = process._replace(plan=process.plan[1:], claimed=())
    ran = tuple(sorted((*world.ran, *bodies)))
    return world.put(number, after)._replace(rows=world.rows | set(process.claimed), ran=ran)


def moves(world: World, whole: bool) -> Iterator[World]:
    for number, process in enumerate(world.processes):
        again = process._replace(plan=None, claimed=())
        if process.kills > 0 and process.plan != ():
            yield world.put(number, again._replace(kills=process.kills - 1))
        if process.plan is None:
            yield world.put(number, process._replace(plan=planned(process, world.rows)))
        if not process.plan:
            continue
        missing = [row for row in to_claim(process.plan[0], whole) if row not in process.claimed]
        if not missing:
            yield commit(world, number)
        elif missing[0] in world.rows:
            yield world.put(number, again)  # the key is unique: roll back, and read again
        elif not any(missing[0] in other.claimed for other in world.processes):
            yield world.put(number, process._replace(claimed=(*process.claimed, missing[0])))


def explore(binaries: tuple[bool, ...], rows: frozenset[int], whole: bool) -> set[World]:
    """The ends of every interleaving."""
    start = World(tuple(map(Process, binaries)), rows, tuple(sorted(rows)))
    seen, ends, open_ = {start}, set[World](), [start]
    while open_:
        world = open_.pop()
        after = list(moves(world, whole))
        if not after:
            ends.add(world)
        for state in after:
            if state not in seen:
                seen.add(state)
                open_.append(state)
    return ends


BINARIES = [(True, True), (True, False), (True, False, True), (True, False, False)]


@pytest.mark.parametrize("binaries", BINARIES)
@pytest.mark.parametrize("rows", [set(), {1}, {1, 2}, {2}, set(STEPS)])
def test_every_interleaving_ends_the_same(binaries: tuple[bool, ...], rows: set[int]) -> None:
    ends = explore(binaries, frozenset(rows), whole=True)
    assert ends
    for end in ends:
        assert [process.plan for process in end.processes] == [()] * len(binaries)
        assert end.rows == {*STEPS, SCRIPT} and end.ran == STEPS


def test_its_own_row_alone_is_not_enough() -> None:
    with pytest.raises(Broken):
        explore((True, False), frozenset(), whole=False)
