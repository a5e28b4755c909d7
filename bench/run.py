#!/usr/bin/env python3
"""inlay beside its peers, in one run: medians and ratios.

usage: run.py [--runs N] [--only PART] ...       $INLAY_BUILD: the build directory

Prints tables on stdout and writes their numbers as JSON to bench.json, startup.json, embed.json.

parts: apply   200 and 1,000 migrations of five statements, on a socket and through 10 ms
       boot    nothing pending, the server linked dynamically and statically
       fleet   50 processes at once, through 10 ms
       embed   10,000 files of 1 KB

The server's fsync is off: what is measured is the tools, not the disk. These machines are shared;
a time alone proves nothing, a ratio within one run does.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Callable, Iterator, Sequence

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests" / "db"))

from harness.database import Database  # noqa: E402
from harness.program import Builder  # noqa: E402
from harness.relay import Relay  # noqa: E402
from harness.server import Server  # noqa: E402

import peers  # noqa: E402
from measure import Row, Table, Usage, fleet, median, run  # noqa: E402

ROUND_TRIP_S = 0.010
FLEET = 50
FLEETS = 10  # for each run of the others: it is soon done, and scatters more


def migrations(count: int) -> list[peers.Migration]:
    """Five statements each, of the usual kinds."""
    return [
        (
            n,
            f"create_t{n}",
            (
                f"CREATE TABLE t{n} (id bigint PRIMARY KEY, name text NOT NULL)",
                f"CREATE INDEX t{n}_name ON t{n} (name)",
                f"ALTER TABLE t{n} ADD COLUMN state text NOT NULL DEFAULT 'new'",
                f"INSERT INTO t{n} VALUES ({n}, 'first')",
                f"COMMENT ON TABLE t{n} IS 'number {n}'",
            ),
        )
        for n in range(1, count + 1)
    ]


class Bench:
    """What all parts need: a server, a builder, a way to it that takes 10 ms."""

    def __init__(self, runs: int) -> None:
        self.runs = runs
        self.server = Server()
        self.build = Path(os.environ["INLAY_BUILD"])
        self.builder = Builder(self.build)
        self.environment = {k: os.environ[k] for k in ("PATH", "HOME") if k in os.environ}
        self.environment["LC_ALL"] = "C.UTF-8"

    def close(self) -> None:
        self.builder.close()
        self.server.close()

    @contextmanager
    def database(self) -> Iterator[Database]:
        database = Database(self.server)
        try:
            yield database
        finally:
            database.drop()

    @contextmanager
    def relay(self) -> Iterator[Relay]:
        relay = Relay(str(self.server.directory / f".s.PGSQL.{self.server.port}"))
        relay.delay = ROUND_TRIP_S / 2
        try:
            yield relay
        finally:
            relay.close()


# ---- apply ----

Subject = tuple[str, Callable[[str], Sequence[object]], Callable[[str], dict[str, str]], Path]


def _inlay_url(url: str) -> dict[str, str]:
    return {"INLAY_DATABASE_URL": url}


def _ours(bench: Bench, made: Sequence[peers.Migration]) -> list[Subject]:
    files = {f"{v:05}_{name}.sql": ";\n".join(s) + ";\n" for v, name, s in made}
    app = bench.builder.app(files, None, False)
    limit = bench.builder.program((TOP / "bench" / "pipeline.c").read_text(), files, None)
    return [
        ("a hand-written pipeline", lambda url: [limit, "apply"], _inlay_url, TOP),
        ("inlay", lambda url: [app, "--only"], _inlay_url, TOP),
    ]


def _measure(bench: Bench, subject: Subject, through: bool) -> Usage:
    """One run on a database of its own."""
    _, command, environment, directory = subject
    with bench.database() as database:
        if not through:
            env = {**bench.environment, **environment(database.url)}
            return run(command(database.url), env, directory)
        with bench.relay() as relay:
            url = relay.url(database.url)
            usage = run(command(url), {**bench.environment, **environment(url)}, directory)
            return replace(usage, round_trips=relay.round_trips)


def _table(title: str, bench: Bench, subjects: Sequence[Subject], through: bool) -> Table:
    """Turn by turn, so that what disturbs the machine disturbs all alike."""
    found: dict[str, list[Usage]] = {subject[0]: [] for subject in subjects}
    for _ in range(bench.runs):
        for subject in subjects:
            found[subject[0]].append(_measure(bench, subject, through))
    return Table(title, [Row(name, median(usages), bench.runs) for name, usages in found.items()])


def apply(bench: Bench) -> Iterator[Table]:
    for count in (200, 1000):
        with tempfile.TemporaryDirectory(prefix="inlay-bench-") as home:
            made = migrations(count)
            found, missing = peers.find(Path(home), made)
            if missing:
                print(f"not installed, left out: {', '.join(missing)}\n")
            ours = _ours(bench, made)
            others = [(p.name, p.command, p.environment, p.directory) for p in found]
            # A thousand through 10 ms takes a tool that waits for each answer a minute and more.
            slow = others if count == 200 else others[:1]
            what = f"{count} migrations of five statements"
            yield _table(f"{what}, on a socket", bench, ours + others, False)
            yield _table(f"{what}, through 10 ms", bench, ours + slow, True)


# ---- boot ----


def boot(bench: Bench) -> Iterator[Table]:
    servers = [bench.build / "server", bench.build / "artifact" / "server"]
    environment = {**os.environ, "SCRATCH_ADMIN_URL": bench.server.admin_url()}
    command = [sys.executable, TOP / "bench" / "startup.py", *servers]
    subprocess.run([str(word) for word in command], env=environment, check=True)
    return iter(())


# ---- fleet ----


def fleets(bench: Bench) -> Iterator[Table]:
    files = {f"{v:05}_{name}.sql": ";\n".join(s) for v, name, s in migrations(20)}
    app = bench.builder.app(files, None, False)
    bare = bench.builder.program((TOP / "bench" / "pipeline.c").read_text(), files, None)
    found: dict[str, list[Usage]] = {}

    def note(name: str, seconds: float) -> None:
        found.setdefault(name, []).append(Usage(seconds, 0.0, 0.0))

    rounds = bench.runs * FLEETS
    for _ in range(rounds):
        with bench.database() as database, bench.relay() as relay:
            env = {**bench.environment, **_inlay_url(relay.url(database.url))}
            note("connect, and one question", fleet([bare, "connect"], env, FLEET))
            note("inlay, 20 to apply", fleet([app, "--only"], env, FLEET))
            note("inlay, nothing pending", fleet([app, "--only"], env, FLEET))
    rows = [Row(name, median(usages), rounds) for name, usages in found.items()]
    yield Table(f"{FLEET} processes at once through 10 ms, until the last is done", rows)


# ---- embed ----


def embed(bench: Bench) -> Iterator[Table]:
    command = [sys.executable, TOP / "bench" / "embed.py", bench.build / "gen" / "inlay"]
    subprocess.run([str(c) for c in command] + [str(TOP / "include")], check=True)
    return iter(())


PARTS: dict[str, Callable[[Bench], Iterator[Table]]] = {
    "apply": apply,
    "boot": boot,
    "fleet": fleets,
    "embed": embed,
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="inlay beside its peers")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=PARTS, action="append")
    options = parser.parse_args(arguments)
    bench = Bench(options.runs)
    tables = []
    try:
        for name in options.only or PARTS:
            for table in PARTS[name](bench):
                tables.append(table)
                print(table.text(), flush=True)
    finally:
        bench.close()
    Path("bench.json").write_text(json.dumps([t.data() for t in tables], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
