#!/usr/bin/env python3
"""inlay beside its peers, in one run: medians and ratios.

usage: run.py [--runs N] [--only PART] ...       $INLAY_BUILD: the build directory

Prints each part as docs/performance.md has it and writes the figures to bench.json. Without --only
it also writes that page, the rows of README.md and bench/figures.json, from which page.py can write
both again.

parts: apply   200 migrations of five statements through 10 ms and on a socket, 1,000 small ones
       boot    nothing pending: through 10 ms; the server linked dynamically and statically
       fleet   many processes at once, through 10 ms
       busy    one ALTER on a table in use: how long it makes others wait, and when it is done
       embed   what the generator and gcc need for 1,000 and for 10,000 files of 1 KB
       size    what a program grows by, and the memory that it takes
       targets 10,000 schemas: which are behind, and a migration into 1,000 of them

The server's fsync is off: what is measured is the tools, not the disk. These machines are shared;
a time alone proves nothing, a ratio within one run does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests" / "db"))

from harness.database import Database  # noqa: E402
from harness.program import Builder  # noqa: E402
from harness.relay import Relay  # noqa: E402
from harness.server import Server  # noqa: E402

import about  # noqa: E402
import busy  # noqa: E402
import embed  # noqa: E402
import page  # noqa: E402
import peers  # noqa: E402
import startup  # noqa: E402
import targets  # noqa: E402
from measure import Failed, Usage, fleet, in_turn, row, run  # noqa: E402

ROUND_TRIP_S = 0.010
ENOUGH_S = 5.0  # a subject that has taken so long is not run again
FLEET = 50
FLEETS = 5  # it is soon done, and scatters
RIVALS = 5  # processes of a peer at once
LIMIT = "a hand-written pipeline"
INLAY = "inlay"


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


def small(count: int) -> list[peers.Migration]:
    """One statement each, which costs the server next to nothing."""
    return [
        (n, f"comment_{n}", (f"COMMENT ON SCHEMA public IS '{n}'",)) for n in range(1, count + 1)
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
        # Debian's /usr/bin/psql is a script in Perl, which takes longer than psql.
        programs = Path(self.server.program("postgres")).parent
        self.environment["PATH"] = f"{programs}:{self.environment['PATH']}"
        self.missing: list[str] = []

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

    @contextmanager
    def peers(
        self, made: Sequence[peers.Migration], but: Sequence[str] = ()
    ) -> Iterator[list[peers.Peer]]:
        with tempfile.TemporaryDirectory(prefix="inlay-bench-") as home:
            found, self.missing = peers.find(Path(home), made)
            yield [peer for peer in found if peer.name not in but]

    @staticmethod
    def files(made: Sequence[peers.Migration]) -> dict[str, str]:
        return {f"{v:05}_{name}.sql": ";\n".join(s) + ";\n" for v, name, s in made}

    def ours(self, made: Sequence[peers.Migration]) -> list[peers.Peer]:
        """What a pipeline without any safety takes, and inlay."""
        files = self.files(made)
        app = self.builder.app(files, None, False)
        limit = self.builder.program((TOP / "bench" / "pipeline.c").read_text(), files, None)
        return [
            peers.Peer(LIMIT, lambda url: [str(limit), "apply"], _inlay_url, TOP),
            peers.Peer(INLAY, lambda url: [str(app), "--only"], _inlay_url, TOP),
        ]

    def run(self, peer: peers.Peer, url: str) -> Usage:
        env = {**self.environment, **peer.environment(url)}
        return run(peer.command(url), env, peer.directory)

    def run_through(self, peer: peers.Peer, database: Database) -> Usage:
        """From 10 ms away."""
        with self.relay() as relay:
            usage = self.run(peer, relay.url(database.url))
            return replace(usage, round_trips=relay.round_trips)


def _inlay_url(url: str) -> dict[str, str]:
    return {"INLAY_DATABASE_URL": url}


# ---- apply ----

# They start a program for each migration, or take long to start.
SLOW_TO_START = ("sqitch", peers.PSQL_BY_FILE, "Liquibase")


def _apply(bench: Bench, subjects: Sequence[peers.Peer], far: bool) -> list[dict[str, Any]]:
    """Each run on a database of its own."""

    def action(peer: peers.Peer) -> Usage:
        with bench.database() as database:
            if far:
                return bench.run_through(peer, database)
            return bench.run(peer, database.tcp_url if peer.tcp else database.url)

    actions = {peer.name: partial(action, peer) for peer in subjects}
    return in_turn(actions, bench.runs, ENOUGH_S)


def apply(bench: Bench) -> Any:
    made, many = migrations(200), small(1000)
    found = {}
    with bench.peers(made) as others:
        subjects = [*bench.ours(made), *others]
        found["far"] = _apply(bench, subjects, True)
        near = [subject for subject in subjects if subject.name != "sqitch"]  # a minute more
        found["near"] = _apply(bench, near, False)
    with bench.peers(many, SLOW_TO_START) as others:
        found["small"] = _apply(bench, [*bench.ours(many), *others], False)
    return found


# ---- boot ----


def boot(bench: Bench) -> Any:
    made = migrations(20)
    files = bench.files(made)
    bare = bench.builder.program((TOP / "bench" / "pipeline.c").read_text(), files, None)
    connect = peers.Peer(
        "connect, and one question", lambda url: [str(bare), "connect"], _inlay_url, TOP
    )
    with ExitStack() as stack:
        others = stack.enter_context(bench.peers(made, peers.WITHOUT_HISTORY))
        actions = {}
        for peer in [connect, *bench.ours(made)[1:], *others]:
            database = stack.enter_context(bench.database())
            bench.run(peer, database.tcp_url if peer.tcp else database.url)
            actions[peer.name] = partial(bench.run_through, peer, database)
        far = in_turn(actions, bench.runs, ENOUGH_S)
    servers = {"dynamic": bench.build / "server", "static": bench.build / "artifact" / "server"}
    os.environ["INLAY_DATABASE_URL"] = bench.server.admin_url()
    return {"far": far, "server": startup.measure(servers, startup.RUNS)}


# ---- fleet ----


def fleets(bench: Bench) -> Any:
    made = migrations(20)
    files = bench.files(made)
    bare = bench.builder.program((TOP / "bench" / "pipeline.c").read_text(), files, None)
    inlay = bench.ours(made)[1]
    found: dict[str, list[Usage]] = {}

    def note(name: str, peer: peers.Peer, url: str) -> None:
        env = {**bench.environment, **peer.environment(url)}
        seconds, well = fleet(peer.command(url), env, FLEET)
        if well < FLEET:
            raise Failed(f"{name}: {FLEET - well} of {FLEET} failed")
        found.setdefault(name, []).append(Usage(seconds, 0.0, 0.0))

    connect = peers.Peer("", lambda url: [str(bare), "connect"], _inlay_url, TOP)
    for _ in range(FLEETS):
        with bench.database() as database, bench.relay() as relay:
            url = relay.url(database.url)
            note("connect, and one question", connect, url)
            note("inlay, 20 to apply", inlay, url)
            note("inlay, nothing pending", inlay, url)
    with bench.peers(made, peers.WITHOUT_HISTORY) as others:
        rivals = [_rivals(bench, peer) for peer in [inlay, *others]]
    return {"fleet": [row(name, usages) for name, usages in found.items()], "rivals": rivals}


def _rivals(bench: Bench, peer: peers.Peer) -> dict[str, Any]:
    """A few of a peer's processes at once on an empty database."""
    with bench.database() as database, bench.relay() as relay:
        url = relay.url(database.url)
        env = {**bench.environment, **peer.environment(url)}
        seconds, well = fleet(peer.command(url), env, RIVALS, peer.directory)
        tables = database.value("SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-9]+$'")
    return {"name": peer.name, "seconds": seconds, "well": well, "of": RIVALS, "tables": tables}


# ---- the rest ----


def embedding(bench: Bench) -> Any:
    generator, include = str(bench.build / "gen" / "inlay"), str(TOP / "include")
    counts = (1_000, 10_000)
    return [embed.measure(generator, include, bench.environment, count) for count in counts]


def in_use(bench: Bench) -> Any:
    files = {"1_alter.sql": "ALTER TABLE busy ADD c int;"}
    return busy.measure(bench.builder.app(files, None, False), bench.environment)


def size(bench: Bench) -> Any:
    plain = bench.builder.program("int main(void) { return 0; }", {}, None)
    short = {count: bench.files(migrations(count)) for count in (1, 400, 4000)}
    made = [("five short statements", count, files) for count, files in short.items()]
    made.append(("a statement of 1 KB", 1000, embed.files(1000)))
    sets = []
    for each, count, files in made:
        app = bench.builder.app(files, None, False)
        with bench.database() as database:
            env = {**bench.environment, **_inlay_url(database.url)}
            peak = run([app, "--only"], env).peak_mib
        sql = sum(map(len, files.values()))
        figures = {"sql": sql, "program": startup.own_size(app), "peak_mib": peak}
        sets.append({"each": each, "count": count, **figures})
    return {
        "plain": startup.own_size(plain),
        "sets": sets,
        "peers": dict(peers.single_files()),
    }


def many(bench: Bench) -> Any:
    with bench.database() as database, tempfile.TemporaryDirectory(prefix="inlay-bench-") as home:
        return targets.measure(bench.builder, bench.server, database, Path(home), bench.runs)


PARTS: dict[str, Callable[[Bench], Any]] = {
    "apply": apply,
    "boot": boot,
    "fleet": fleets,
    "busy": in_use,
    "embed": embedding,
    "size": size,
    "targets": many,
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="inlay beside its peers")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=PARTS, action="append")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    bench = Bench(options.runs)
    figures: dict[str, Any] = {"about": about.here(bench.server, options.runs)}
    try:
        for name in options.only or PARTS:
            figures[name] = PARTS[name](bench)
            print(page.SECTIONS[name](figures[name]), flush=True)
    finally:
        bench.close()
    figures["about"] |= {"minutes": (time.monotonic() - began) / 60, "missing": bench.missing}
    exact = json.dumps(figures)
    rounded = json.loads(exact, parse_float=lambda figure: float(f"{float(figure):.4g}"))
    text = json.dumps(rounded, indent=1) + "\n"
    Path("bench.json").write_text(text)
    if not options.only:
        page.FIGURES.write_text(text)
        page.write(rounded)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
