"""What processes and PostgreSQL say to each other when several start at once, as a small machine.

It is not the program: it is the order of its messages, so that every interleaving of two or three
processes, with every kill, cut and cancel between any two messages, can be tried. A rule can be
taken away, and then the machine must find what the manual says would go wrong: see test_model.py.

A process sends a batch of messages and hears their answers together. A session is PostgreSQL's
side: it takes one message after another, also when its client is gone, until it notices. A message
here is what cannot be seen half done: "claim" is BEGIN and the INSERT of the row, "body" is all of
a migration's statements with the seal behind them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

Message = tuple[str, int]  # a verb, and the migration that it is about
Answer = tuple[str, object]  # "ok" and what was asked for, or "error" and its cause

RULES = {
    "lock": "one process at a time",
    "poll": "the lock is tried, never waited for inside PostgreSQL",
    "read under the lock": "what was read before may be stale",
    "claim": "the row is inserted before the body runs",
    "again": "a row that is there already means: read again",
    "seal": "a body that ended its own transaction does not pass",
    "stop": "an error stops what was sent behind it",
    "unknown": "a lost connection says nothing about what was sent",
    "lock before reading": "the dead session may still commit, until its lock is free",
    "notice": "PostgreSQL ends a session whose client is gone",
    "intent": "what cannot share a transaction is announced first",
    "keep the intent": "it is withdrawn only for what is known not to be done",
    "refuse": "no migration without a transaction through a pooler",
}


@dataclass(frozen=True)
class Setting:
    """What is tried: how many processes, which migrations, what may go wrong, which rules hold."""

    kinds: tuple[str, ...]  # "transaction", "alone", or "rude": it ends its own transaction
    processes: int = 2
    kills: int = 0
    cuts: int = 0
    cancels: int = 0
    pooler: bool = False  # in transaction mode, and told so: there is no lock
    without: str = ""  # a rule that is taken away

    def has(self, rule: str) -> bool:
        assert rule in RULES
        return rule != self.without

    def lacking(self, rule: str) -> Setting:
        assert rule in RULES
        return replace(self, without=rule)


class Session(NamedTuple):
    process: int
    connected: bool = True
    lock: bool = False
    transaction: bool = False
    claimed: tuple[int, ...] = ()  # rows of the open transaction
    ran: tuple[int, ...] = ()  # bodies of the open transaction
    building: int = -1  # a statement that needs all other snapshots to end
    waiting: bool = False  # inside PostgreSQL, for the lock, with a snapshot
    queue: tuple[Message, ...] = ()
    answers: tuple[Answer, ...] = ()


class Process(NamedTuple):
    phase: str = "start"
    at: int = -1  # the migration that was sent
    rows: frozenset[int] = frozenset()  # as last read
    intents: frozenset[int] = frozenset()
    lost: int = -1  # what had been sent when the connection was lost
    outcome: str = ""  # when it is over


class World(NamedTuple):
    sessions: tuple[Session, ...]
    processes: tuple[Process, ...]
    done: tuple[tuple[int, ...], ...]  # for each migration, the processes whose body was committed
    rows: frozenset[int]
    intents: frozenset[int]
    kills: int
    cuts: int
    cancels: int


def first(setting: Setting) -> World:
    return World(
        (),
        (Process(),) * setting.processes,
        ((),) * len(setting.kinds),
        frozenset(),
        frozenset(),
        setting.kills,
        setting.cuts,
        setting.cancels,
    )


# --- PostgreSQL ---


def put(world: World, old: Session | None, new: Session | None) -> World:
    """The world with one session in the place of another. Their order means nothing."""
    rest = list(world.sessions)
    if old is not None:
        rest.remove(old)
    if new is not None:
        rest.append(new)
    return world._replace(sessions=tuple(sorted(rest, key=hash)))


def commit(world: World, session: Session) -> World:
    done = list(world.done)
    for migration in session.ran:
        done[migration] = tuple(sorted((*done[migration], session.process)))
    return world._replace(done=tuple(done), rows=world.rows | set(session.claimed))


def rolled_back(session: Session) -> Session:
    return session._replace(transaction=False, claimed=(), ran=(), building=-1)


def fails(setting: Setting, world: World, session: Session, cause: str) -> World:
    """The transaction ends at once; what was sent behind the error is skipped."""
    rest = () if setting.has("stop") else session.queue[1:]
    failed = rolled_back(session)._replace(queue=rest, answers=(*session.answers, ("error", cause)))
    return put(world, session, failed)


def blocks(world: World, session: Session, message: Message) -> bool:
    """Must it wait for another session?"""
    verb, migration = message
    others = [other for other in world.sessions if other != session]
    if verb == "claim":
        return any(migration in other.claimed for other in others)
    if verb == "body":
        return any(migration in other.ran for other in others)
    if verb == "lock":
        return any(other.lock for other in others)
    if verb == "build" and session.building >= 0:
        return any(other.waiting for other in others)
    return False


def take(setting: Setting, world: World, session: Session) -> World:
    """The session takes its next message, which does not block."""
    verb, migration = session.queue[0]
    after = session._replace(queue=session.queue[1:], waiting=False)
    answer: object = None
    if verb == "look":
        answer = (world.rows, world.intents)
    elif verb == "find":
        answer = bool(world.done[migration])
    elif verb in ("try", "lock"):
        free = setting.pooler or not any(other.lock for other in world.sessions)
        after = after._replace(lock=free and not setting.pooler)
        answer = free
    elif verb == "unlock":
        after = after._replace(lock=False)
    elif verb == "begin":
        after = after._replace(transaction=True)
    elif verb in ("claim", "late claim"):
        if migration in world.rows:
            return fails(setting, world, session, "duplicate")
        after = after._replace(transaction=True, claimed=(*session.claimed, migration))
    elif verb == "body":
        if world.done[migration] or migration in session.ran:
            return fails(setting, world, session, "exists")
        if setting.kinds[migration] == "rude":  # ROLLBACK, and on with the rest
            after = rolled_back(after)
            if setting.has("seal"):
                world = commit(world, after._replace(ran=(migration,)))
                return fails(setting, world, session, "seal")
        after = after._replace(ran=(*after.ran, migration))
        if not after.transaction:
            world = commit(world, after)
            after = rolled_back(after)
    elif verb == "commit":
        world = commit(world, after)
        after = rolled_back(after)
    elif verb == "intent":
        world = world._replace(intents=world.intents | {migration})
    elif verb == "withdraw":
        world = world._replace(intents=world.intents - {migration})
    elif verb == "build":
        if world.done[migration] and session.building < 0:
            return fails(setting, world, session, "exists")
        if session.building < 0:  # it has begun, and is seen by others
            return put(world, session, session._replace(building=migration))
        world = commit(world, after._replace(ran=(migration,), claimed=()))
        after = after._replace(building=-1)
    elif verb == "record":
        world = world._replace(rows=world.rows | {migration}, intents=world.intents - {migration})
    return put(world, session, after._replace(answers=(*after.answers, ("ok", answer))))


def serve(setting: Setting, world: World, session: Session) -> Iterator[World]:
    """What the server's side of a session may do next."""
    if session.queue:
        if not blocks(world, session, session.queue[0]):
            yield take(setting, world, session)
        elif session.queue[0][0] == "lock" and not session.waiting:
            yield put(world, session, session._replace(waiting=True))
        if world.cancels > 0 and session.queue[0][0] in ("build", "record"):
            yield fails(setting, world, session, "cancelled")._replace(cancels=world.cancels - 1)
    if not session.connected and (setting.has("notice") or session.queue):
        yield put(world, session, None)


# --- A process ---


def batch(setting: Setting, migration: int) -> tuple[Message, ...]:
    """One transactional migration."""
    early = ("claim", "body", "commit")
    late = ("begin", "body", "late claim", "commit")
    return tuple((verb, migration) for verb in (early if setting.has("claim") else late))


def together(setting: Setting, rows: frozenset[int]) -> list[int]:
    """The transactional migrations at the head of what is pending: they travel together."""
    travelling = []
    for migration, kind in enumerate(setting.kinds):
        if migration in rows:
            continue
        if kind == "alone":
            break
        travelling.append(migration)
    return travelling


def onward(setting: Setting, process: Process) -> tuple[Process, tuple[Message, ...]]:
    """With the lock and after reading: what is next of what is pending."""
    pending = [m for m in range(len(setting.kinds)) if m not in process.rows]
    if not pending:
        return process._replace(phase="unlocking", at=-1), (("unlock", -1),)
    at = pending[0]
    process = process._replace(at=at)
    if setting.kinds[at] != "alone":
        messages = [batch(setting, m) for m in together(setting, process.rows)]
        return process._replace(phase="sent"), tuple(chain.from_iterable(messages))
    if setting.pooler and setting.has("refuse"):
        return process._replace(phase="over", outcome="refused"), ()
    if at in process.intents:
        return process._replace(phase="finding"), (("find", at),)
    announce: tuple[Message, ...] = (("intent", at),) if setting.has("intent") else ()
    return process._replace(phase="alone"), (*announce, ("build", at), ("record", at))


def ask_for_lock(setting: Setting) -> Message:
    return ("try" if setting.has("poll") else "lock", -1)


def failed(
    setting: Setting, process: Process, cause: object
) -> tuple[Process, tuple[Message, ...]]:
    """The server answered with an error."""
    if cause == "duplicate" and setting.has("again"):
        return process._replace(phase="under the lock"), (("look", -1),)
    outcome = "partly committed" if cause == "seal" else f"failed: {cause}"
    over = process._replace(phase="failing", outcome=outcome)
    if process.phase == "alone" and not setting.has("keep the intent"):
        return over, (("withdraw", process.at), ("unlock", -1))
    return over, (("unlock", -1),)


def hear(
    setting: Setting, process: Process, answers: tuple[Answer, ...]
) -> tuple[Process, tuple[Message, ...]]:
    """What a process makes of the answers, and sends next. Nothing more to send: it is over."""
    causes = [value for kind, value in answers if kind == "error"]
    if process.phase == "failing":
        return process._replace(phase="over"), ()
    if causes:
        return failed(setting, process, causes[0])
    value = answers[-1][1]
    if process.phase in ("looking", "looking again", "under the lock"):
        assert isinstance(value, tuple)
        process = process._replace(rows=value[0], intents=value[1])
        if process.phase == "under the lock":
            return onward(setting, process)
        if process.lost >= 0 and not setting.has("lock before reading"):
            if process.lost not in process.rows:
                return process._replace(phase="over", outcome="rolled back"), ()
        if len(process.rows) == len(setting.kinds):
            return process._replace(phase="over", outcome="done"), ()
        if not setting.has("lock"):
            return onward(setting, process)
        return process._replace(phase="trying"), (ask_for_lock(setting),)
    if process.phase == "trying":
        if not value:
            return process._replace(phase="looking again"), (("look", -1),)
        if not setting.has("read under the lock"):
            return onward(setting, process)
        return process._replace(phase="under the lock"), (("look", -1),)
    if process.phase == "finding":
        rest: tuple[Message, ...] = (("record", process.at),)
        if not value:
            rest = (("build", process.at), *rest)
        return process._replace(phase="alone"), rest
    if process.phase in ("sent", "alone"):
        alone = process.phase == "alone"
        landed = [process.at] if alone else together(setting, process.rows)
        return onward(setting, process._replace(rows=process.rows.union(landed)))
    assert process.phase == "unlocking"
    return process._replace(phase="over", outcome="done"), ()


def act(setting: Setting, world: World, index: int) -> Iterator[World]:
    """What a process, or what happens to it, may do next."""
    process = world.processes[index]

    def become(changed: World, new: Process) -> World:
        processes = list(changed.processes)
        processes[index] = new
        return changed._replace(processes=tuple(processes))

    if process.phase == "over":
        return
    if process.phase in ("start", "lost"):
        look = Session(index, queue=(("look", -1),))
        new = process._replace(phase="looking")
        if process.phase == "lost" and setting.has("lock before reading"):
            new = process._replace(phase="trying")
            look = Session(index, queue=(ask_for_lock(setting),))
        yield become(put(world, None, look), new)
        return
    mine = next(s for s in world.sessions if s.process == index and s.connected)
    if not mine.queue:
        new, messages = hear(setting, process, mine.answers)
        after = mine._replace(queue=messages, answers=())
        if new.phase == "over":  # it closes its connection
            yield become(put(world, mine, None), new)
        else:
            yield become(put(world, mine, after), new)
    gone = put(world, mine, mine._replace(connected=False, answers=()))
    if world.kills > 0:
        dead = process._replace(phase="over", outcome="killed")
        yield become(gone, dead)._replace(kills=world.kills - 1)
    if world.cuts > 0:
        lost = Process("lost", lost=process.at)
        if not setting.has("unknown") and process.at >= 0:
            lost = Process("over", lost=process.at, outcome="rolled back")
        yield become(gone, lost)._replace(cuts=world.cuts - 1)


def following(setting: Setting, world: World) -> Iterator[World]:
    for session in world.sessions:
        yield from serve(setting, world, session)
    for index in range(len(world.processes)):
        yield from act(setting, world, index)


# --- What must hold ---


def wrong(setting: Setting, world: World) -> str | None:
    """What must never be, in any state."""
    for migration, by in enumerate(world.done):
        if len(by) > 1:
            return "a body ran twice"
        if migration in world.rows and not by:
            return "a row without its body"
        transactional = setting.kinds[migration] == "transaction"
        if transactional and by and migration not in world.rows:
            return "a body without its row"
    for index, process in enumerate(world.processes):
        if process.outcome == "done" and len(world.rows) < len(setting.kinds):
            return "it said done, and was not"
        if process.outcome == "rolled back" and index in world.done[process.lost]:
            return "it said rolled back, and was not"
        if process.outcome == "failed: exists" and "rude" not in setting.kinds:
            return "it blamed a migration that another had applied"
        if process.outcome == "failed: duplicate":
            return "it failed for what another had done"
    return None


def finished(world: World) -> bool:
    return all(process.phase == "over" for process in world.processes) and not world.sessions


def next_run(setting: Setting, world: World) -> str:
    """How one more start ends, alone and undisturbed."""
    setting = Setting(setting.kinds, 1, pooler=setting.pooler, without=setting.without)
    world = world._replace(processes=(Process(),), kills=0, cuts=0, cancels=0)
    while not finished(world):
        world = next(following(setting, world))
    if world.processes[0].outcome == "done":
        return wrong(setting, world) or "done"
    return world.processes[0].outcome


class Found(NamedTuple):
    states: int
    faults: frozenset[str]


def explore(setting: Setting) -> Found:
    """Every state that can come about, and what is wrong in any of them."""
    start = first(setting)
    before: dict[World, list[World]] = {start: []}
    todo = [start]
    ends: list[World] = []
    faults: set[str] = set()
    while todo:
        world = todo.pop()
        fault = wrong(setting, world)
        if fault is not None:
            faults.add(fault)
            continue
        if finished(world):
            ends.append(world)
            outcome = next_run(setting, world)
            if outcome not in ("done", "refused") and "rude" not in setting.kinds:
                faults.add(f"the next run: {outcome}")
            continue
        for after in following(setting, world):
            if after not in before:
                before[after] = []
                todo.append(after)
            before[after].append(world)
    if not faults and len(leading_to(before, ends)) < len(before):
        faults.add("a wait without an end")
    return Found(len(before), frozenset(faults))


def leading_to(before: dict[World, list[World]], ends: list[World]) -> set[World]:
    reached = set(ends)
    todo = list(ends)
    while todo:
        for world in before[todo.pop()]:
            if world not in reached:
                reached.add(world)
                todo.append(world)
    return reached
