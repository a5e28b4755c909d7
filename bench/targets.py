"""Many targets: 10,000 schemas of three tables on one server, looked at and migrated."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

import psycopg

from harness.database import Database
from harness.program import Builder
from harness.server import Server
from measure import Usage, row, run

TOP = Path(__file__).resolve().parent.parent

SCHEMAS = 10_000
BY_PROCESS = 200
PROCESSES = "inlay, a process for each"
SAME = "by hand, the same SQL"
MIGRATED = 1_000
JOBS = 8
TABLES = ("accounts", "orders", "notes")
BEFORE = {
    f"{n}_create_{table}.sql": (
        f"CREATE TABLE {table} (id bigint PRIMARY KEY, name text NOT NULL, at timestamptz);"
    )
    for n, table in enumerate(TABLES, 1)
}
AFTER = {**BEFORE, "4_add_state.sql": "ALTER TABLE orders ADD COLUMN state text"}

# A copy of the first, in a transaction of its own for each hundred.
COPY = """
DO $$
BEGIN
    FOR n IN 2..{count} LOOP
        EXECUTE format('CREATE SCHEMA t%s', n);
        {tables}
        EXECUTE format('INSERT INTO t%s.applied_migrations SELECT * FROM t1.applied_migrations', n);
        IF n % 100 = 0 THEN COMMIT; END IF;
    END LOOP;
END $$
"""


def fill(database: Database, count: int) -> None:
    """Schemas like the first, which inlay has made."""
    names = (*TABLES, "applied_migrations", "applied_migrations_state")
    tables = "\n".join(
        f"EXECUTE format('CREATE TABLE t%s.{name} (LIKE t1.{name} INCLUDING ALL)', n);"
        for name in names
    )
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(COPY.format(count=count, tables=tables).encode())


def server_cpu(server: Server) -> float:
    """Seconds that the processes of the server have used which have ended."""
    pid = (server.directory / "data" / "postmaster.pid").read_text().split()[0]
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def write_list(path: Path, first: int, count: int) -> Path:
    path.write_text("".join(f"t{n}\n" for n in range(first, first + count)))
    return path


Command = Sequence[object]


def measured(
    server: Server,
    env: Mapping[str, str],
    commands: Mapping[str, Callable[[int], Command]],
    runs: int,
) -> list[dict[str, Any]]:
    """Turn by turn; a command is told which turn of all it is."""
    found: dict[str, list[tuple[Usage, float]]] = {name: [] for name in commands}
    for turn in range(runs * len(commands)):
        name = list(commands)[turn % len(commands)]
        began = server_cpu(server)
        usage = run(commands[name](turn), env)
        time.sleep(0.2)  # until the server has heard that its processes have ended
        found[name].append((usage, server_cpu(server) - began))
    return [
        row(name, [usage for usage, _ in each])
        | {"server_cpu_seconds": statistics.median(cpu for _, cpu in each)}
        | ({"targets": BY_PROCESS} if name == PROCESSES else {})
        for name, each in found.items()
    ]


def looks(app: Path, by_hand: Path, home: Path, count: int) -> dict[str, Callable[[int], Command]]:
    every = write_list(home / "every", 1, count)
    few = write_list(home / "few", 1, BY_PROCESS)
    one = f"exec {app} --check --history $0.applied_migrations --search-path $0 2>&1"
    return {
        "by hand, one pipeline": lambda _: [by_hand, "look", 1, count],
        "inlay": lambda _: [app, "--check", "--targets", every],
        PROCESSES: lambda _: (["xargs", "-a", few, "-P", 2, "-I{}", "sh", "-c", one, "{}"]),
    }


def migrations(app: Path, by_hand: Path, home: Path) -> dict[str, Callable[[int], Command]]:
    """Each turn takes the next of them: all have the same before them."""

    def ours(turn: int) -> Command:
        listed = write_list(home / f"turn-{turn}", 1 + turn * MIGRATED, MIGRATED)
        return [app, "--only", "--targets", listed, "--jobs", JOBS]

    def theirs(what: str) -> Callable[[int], Command]:
        return lambda turn: [by_hand, what, 1 + turn * MIGRATED, MIGRATED, JOBS]

    return {
        "by hand, a message for each": theirs("loop"),
        "by hand, with a lock and a look": theirs("lock"),
        SAME: theirs("same"),
        "inlay": ours,
    }


def measure(builder: Builder, server: Server, database: Database, home: Path, runs: int) -> Any:
    before, after = builder.app(BEFORE, None, False), builder.app(AFTER, None, False)
    by_hand = builder.program((TOP / "bench" / "many.c").read_text(), AFTER, None)
    env = {"INLAY_DATABASE_URL": database.url, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    run([before, "--only", "--targets", write_list(home / "first", 1, 1)], env)
    fill(database, SCHEMAS)
    time.sleep(1)  # that session has ended too
    of_look = looks(before, by_hand, home, SCHEMAS)
    of_run = migrations(after, by_hand, home)
    return {
        "schemas": SCHEMAS,
        "migrated": MIGRATED,
        "jobs": JOBS,
        "by_process": BY_PROCESS,
        "look": measured(server, env, of_look, runs),
        "migrate": measured(server, env, of_run, min(runs, SCHEMAS // (len(of_run) * MIGRATED))),
        "load": os.getloadavg()[0],
    }
