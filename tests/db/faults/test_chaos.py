"""Rounds of everything at once: a set that is drawn, two binaries of different age that go up and
down, and what happens to processes, connections and the server meanwhile. After each round every
body ran exactly as often as the history says, and one more run completes.

./dev test --chaos SECONDS. A round is drawn from its seed; INLAY_SEED=N begins with that one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from harness.relay import Relay
from harness.server import Server
from outcomes import advisory_locks, backends, migrate, wait_until

SECONDS = float(os.environ.get("INLAY_CHAOS_SECONDS", "60"))
FIRST_SEED = int(os.environ.get("INLAY_SEED", time.time()))

LEDGER = "CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY, n int, way text);\n"
LINE = "INSERT INTO ledger (n, way) VALUES ({n}, '{way}');\n"
ALONE = "-- inlay: no-transaction\n"

# What a migration is made of, up and down; a statement that may be cut off anywhere is one that
# inlay can look at, or that may run twice.
KINDS = {
    "plain": (LINE + "CREATE TABLE t{n} ();\n", LINE + "DROP TABLE t{n};\n"),
    "slow": (
        LINE + "SELECT pg_sleep(0.05);\nCREATE TABLE t{n} ();\n",
        "DROP TABLE t{n};\nSELECT pg_sleep(0.03);\n" + LINE,
    ),
    "index": (
        ALONE + LINE + "CREATE INDEX CONCURRENTLY i{n} ON ledger (n);\nCREATE TABLE t{n} ();\n",
        ALONE + "DROP TABLE t{n};\nDROP INDEX CONCURRENTLY i{n};\n" + LINE,
    ),
    "vacuum": (
        ALONE + "VACUUM ledger;\n" + LINE + "CREATE TABLE t{n} ();\nANALYZE ledger;\n",
        ALONE + LINE + "DROP TABLE t{n};\nVACUUM ledger;\n",
    ),
}

# How a process may end: 1 and 5 where something was cancelled or locked, 4 an older binary, 6 and
# 7 while the server restarts; by a signal that came before it had begun. Never 2, and never by a
# crash.
EXPECTED = {0, 1, 4, 5, 6, 7, 128 + signal.SIGTERM, -signal.SIGTERM, -signal.SIGKILL}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@dataclass
class Round:
    """What one seed draws."""

    files: dict[str, str]
    older: dict[str, str]  # the same less what was merged late, and less the end
    count: int


def draw(chance: random.Random) -> Round:
    files = {"0000_ledger.sql": LEDGER}
    late = set()
    count = chance.randint(4, 9)
    for n in range(1, count + 1):
        up, down = KINDS[chance.choice(list(KINDS))]
        files[f"{n:04d}_step.up.sql"] = up.format(n=n, way="up")
        files[f"{n:04d}_step.down.sql"] = down.format(n=n, way="down")
        if n > count * 2 // 3 or chance.random() < 0.15:
            late.add(f"{n:04d}")
    older = {name: text for name, text in files.items() if name[:4] not in late}
    return Round(files, older, count)


class Mischief:
    """What happens to processes, connections and the server; each draws its moment."""

    def __init__(
        self,
        chance: random.Random,
        fleet: list[subprocess.Popen[str]],
        database: Database,
        relay: Relay,
    ) -> None:
        self.chance = chance
        self.fleet = fleet
        self.database = database
        self.relay = relay
        self.done: list[str] = []

    def happen(self) -> None:
        acts = {
            self.kill: 5,
            self.relay.cut: 3,
            self.terminate: 4,
            self.cancel: 4,
            self.stop: 3,
            self.freeze: 2,
            self.restart: 1,
        }
        for _ in range(self.chance.randint(3, 8)):
            time.sleep(self.chance.uniform(0, 0.12))
            (act,) = self.chance.choices(list(acts), list(acts.values()))
            self.done.append(act.__name__)
            act()

    def kill(self) -> None:
        self.chance.choice(self.fleet).kill()

    def stop(self) -> None:
        self.chance.choice(self.fleet).send_signal(signal.SIGTERM)

    def freeze(self) -> None:
        victim = self.chance.choice(self.fleet)
        victim.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        victim.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        self._on_one("pg_terminate_backend")

    def cancel(self) -> None:
        self._on_one("pg_cancel_backend")

    def restart(self) -> None:
        self.database.server.restart(self.chance.choice(["fast", "immediate"]))

    def _on_one(self, function: str) -> None:
        pids = self.database.rows(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'inlay'"
            " AND datname = current_database() ORDER BY pid"
        )
        if pids:
            self.database.admin(f"SELECT {function}({self.chance.choice(pids)[0]})")


BACK = [["--down=batch", "--yes"], ["--redo", "--yes"]]


def start_one(
    chance: random.Random, newer: Program, older: Program, relay: Relay, back: bool
) -> subprocess.Popen[str]:
    words = chance.choice([["--only"]] * 5 + (BACK if back else []))
    program = older if words == ["--only"] and chance.random() < 0.3 else newer
    url = relay.url(program.database.tcp_url) if chance.random() < 0.5 else ""
    return program.start(*words, "--json", url=url)


def assert_ended_well(process: subprocess.Popen[str]) -> None:
    """Within a minute, and by a status that says what happened."""
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{process.args!r} did not end") from None
    assert process.returncode in EXPECTED, (process.args, process.returncode, out, err)


def assert_done_is_done(
    database: Database, fleet: list[subprocess.Popen[str]], programs: dict[Path, dict[str, str]]
) -> None:
    """Who ended with 0 has all of its migrations in the history, while nobody goes back."""
    for process in fleet:
        if process.returncode == 0:
            assert isinstance(process.args, list)
            files = programs[Path(process.args[-3])]  # PROGRAM --only --json
            applied = {v for (v,) in database.rows("SELECT version FROM applied_migrations")}
            assert {int(name[:4]) for name in files} <= applied


def assert_history_is_true(database: Database, count: int) -> None:
    """Each body ran in turn, up and down and up again, and the last time up."""
    ways: dict[int, list[str]] = {n: [] for n in range(1, count + 1)}
    for n, way in database.rows("SELECT n, way FROM ledger ORDER BY id"):
        ways[n].append(way)
    for n, found in ways.items():
        assert found == ["up", "down"] * (len(found) // 2) + ["up"], (n, found)
    applied = [v for (v,) in database.rows("SELECT version FROM applied_migrations ORDER BY 1")]
    assert applied == list(range(count + 1))
    there = "SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-9]+$' AND relkind = 'r'"
    assert database.value(there) == count
    assert database.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
    unfinished = (
        "SELECT key, done, body FROM applied_migrations_state"
        " WHERE kind = 'progress' AND (done > 0 OR body IS NOT NULL)"
    )
    assert database.rows(unfinished) == []
    wait_until(lambda: backends(database) == 0, "for the sessions to end")
    assert advisory_locks(database) == 0


def complete(newer: Program) -> None:
    """One more run goes to the end. Where going back had stopped half way it says so, and then
    going back does."""
    last = migrate(newer)
    if last.exit == 4 and "is half undone" in last.error["message"]:
        back = newer.run("--to", str(int(last.error["version"]) - 1), "--yes")
        assert back.returncode == 0, back.stderr
        last = migrate(newer)
    assert last.exit == 0, (last.error, last.stderr)


def play(seed: int, app: AppFactory, database: Database, relay: Relay) -> list[str]:
    chance = random.Random(seed)
    drawn = draw(chance)
    newer, older = app(drawn.files), app(drawn.older)
    done: list[str] = []
    for _ in range(chance.randint(1, 3)):
        back = chance.random() < 0.5
        count = chance.randint(2, 4)
        fleet = [start_one(chance, newer, older, relay, back) for _ in range(count)]
        mischief = Mischief(chance, fleet, database, relay)
        mischief.happen()
        done += mischief.done
        for process in fleet:
            assert_ended_well(process)
        if not back:
            assert_done_is_done(database, fleet, {newer.path: drawn.files, older.path: drawn.older})
    complete(newer)
    assert_history_is_true(database, drawn.count)
    return done


def clear(database: Database) -> None:
    database.admin(
        "DROP TABLE IF EXISTS applied_migrations, applied_migrations_state",
        "DROP SCHEMA public CASCADE",
        f"CREATE SCHEMA public AUTHORIZATION {database.role}",
    )


def test_rounds(
    app: AppFactory, database: Database, relay: Relay, capsys: pytest.CaptureFixture[str]
) -> None:
    until = time.monotonic() + SECONDS
    seed = FIRST_SEED
    happened: dict[str, int] = {}
    while time.monotonic() < until or seed == FIRST_SEED:
        print(f"INLAY_SEED={seed}")
        for act in play(seed, app, database, relay):
            happened[act] = happened.get(act, 0) + 1
        clear(database)
        seed += 1
    with capsys.disabled():
        acts = ", ".join(f"{count} {act}" for act, count in sorted(happened.items()))
        print(f"\n{seed - FIRST_SEED} rounds from INLAY_SEED={FIRST_SEED}: {acts}")
