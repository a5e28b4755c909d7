"""What one ALTER TABLE costs those who read the table meanwhile.

Others hold the table in four ways; ten readers come and go all the time. For each way and each
migrator: the longest that one of the ten waited, and when the column was there, after the table was
free and from the beginning where it never is.
"""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Sequence

import psycopg
from harness.database import Database
from harness.server import Server

READERS = 10
PATIENCE_S = 10.0
SLOW = (
    "autovacuum_enabled = off, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
)
OFTEN = "autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0"
VACUUMS = (
    "SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
    " WHERE relation = 'busy'::regclass AND backend_type = 'autovacuum worker'"
)


class Readers:
    """Ten sessions that read one row each 20 ms."""

    def __init__(self, url: str) -> None:
        self.worst = 0.0
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(url,)) for _ in range(READERS)]
        for thread in self._threads:
            thread.start()

    def _read(self, url: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not self._over.wait(0.02):
                began = time.monotonic()
                connection.execute("SELECT a FROM busy LIMIT 1")
                self.worst = max(self.worst, time.monotonic() - began)

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


# ---- who holds the table; each gives the moment at which it is free ----


@contextmanager
def one_reader(url: str) -> Iterator[Callable[[], float]]:
    """For three seconds."""
    freed = [0.0]

    def hold() -> None:
        with psycopg.connect(url) as holder:
            holder.execute("SELECT FROM busy")
            held.set()
            time.sleep(3)
        freed[0] = time.monotonic()

    held = threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    yield lambda: freed[0]
    thread.join()


@contextmanager
def overlapping(url: str, seconds: float) -> Iterator[Callable[[], float]]:
    """Three readers without a gap between them."""
    over = threading.Event()

    def read(offset: float) -> None:
        time.sleep(offset)
        with psycopg.connect(url) as holder:
            while not over.is_set():
                holder.execute("SELECT FROM busy")
                over.wait(seconds)
                holder.rollback()

    threads = [threading.Thread(target=read, args=(n * seconds / 3,)) for n in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    began = time.monotonic()
    yield lambda: began
    over.set()
    for thread in threads:
        thread.join()


@contextmanager
def autovacuum(url: str) -> Iterator[Callable[[], float]]:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("ALTER TABLE busy SET (autovacuum_enabled = on)")
        admin.execute("DELETE FROM busy WHERE a % 2 = 0")
        while admin.execute(VACUUMS).fetchall() == [(0,)]:
            time.sleep(0.05)
    began = time.monotonic()
    yield lambda: began


HELD: dict[str, Callable[[str], object]] = {
    "a reader for 3 s": one_reader,
    "readers of 0.5 s that overlap": lambda url: overlapping(url, 0.5),
    "readers of 3 s that overlap": lambda url: overlapping(url, 3.0),
    "an autovacuum": autovacuum,
}


# ---- who alters it ----


def alter_plainly(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SET statement_timeout = '{PATIENCE_S}s'")
        try:
            connection.execute("ALTER TABLE busy ADD c int")
        except psycopg.errors.QueryCanceled:
            return 1
    return 0


def by_inlay(app: Path, environment: Mapping[str, str], *options: str) -> Callable[[str], int]:
    def alter(url: str) -> int:
        command: Sequence[object] = [app, "--only", f"--retry={PATIENCE_S:.0f}s", *options]
        return subprocess.call(
            [str(word) for word in command],
            env={**environment, "INLAY_DATABASE_URL": url},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    return alter


def try_once(
    server: Server, held: Callable[[str], object], alter: Callable[[str], int]
) -> dict[str, float | int]:
    database = Database(server)
    database.execute(
        f"CREATE TABLE busy (a int, b text) WITH ({SLOW}, {OFTEN})",
        "INSERT INTO busy SELECT n, repeat('x', 500) FROM generate_series(1, 5000) AS n",
    )
    with held(database.admin_url) as free:  # type: ignore[attr-defined]
        readers = Readers(database.admin_url)
        status = alter(database.url)
        done = time.monotonic()
        readers.stop()
        landed = max(0.0, done - (free() or done))
    database.drop()
    return {"status": status, "landed_s": landed, "worst_s": readers.worst}


def measure(app: Path, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    server = Server(settings={"autovacuum": "on", "autovacuum_naptime": "1s"})
    migrators = {
        "a plain ALTER": alter_plainly,
        "inlay, lock_timeout=5s": by_inlay(app, environment, "--set=lock_timeout=5s"),
        "inlay": by_inlay(app, environment),
    }
    found = []
    try:
        for held, hold in HELD.items():
            for name, alter in migrators.items():
                found.append({"held": held, "name": name, **try_once(server, hold, alter)})
    finally:
        server.close()
    return found
