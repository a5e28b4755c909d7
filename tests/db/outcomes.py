"""What the tests of a run share: running a program and reading how it went, and waiting."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Callable, Mapping

from harness.database import HELPER, Database
from harness.program import Program
from harness.server import Server

# A program whose arguments say what it does with the library.
DRIVER = (Path(__file__).parent / "driver.c").read_text()


@dataclass(frozen=True)
class Outcome:
    """How `--only` went."""

    exit: int
    code: str
    error: dict[str, Any]  # empty where there is none
    results: dict[int, str]  # by version: applied, skipped, failed
    batch: int | None
    warnings: list[str]
    stderr: str

    @property
    def applied(self) -> list[int]:
        return [version for version, result in self.results.items() if result == "applied"]

    @property
    def way_out(self) -> str:
        """The statement that the hint of a refusal ends with."""
        return str(self.error["hint"].splitlines()[-1])


def migrate(program: Program, *options: str, **how: Any) -> Outcome:
    """Runs a program of `app` to its end."""
    return outcome_of(program.run("--only", "--json", *options, **how))


def finish(process: subprocess.Popen[str], timeout: float = 120) -> Outcome:
    """Waits for what start() gave."""
    stdout, stderr = process.communicate(timeout=timeout)
    return outcome_of(subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr))


def outcome_of(result: subprocess.CompletedProcess[str]) -> Outcome:
    assert result.stdout, result.stderr
    read = json.loads(result.stdout)
    steps = {int(step["version"]): step["result"] for step in read.get("migrations", ())}
    return Outcome(
        result.returncode,
        read["code"],
        read["error"] or {},
        steps,
        read.get("batch"),
        read["warnings"],
        result.stderr,
    )


def check(program: Program, *options: str, **how: Any) -> int:
    """The exit status of `--check`."""
    return program.run("--check", *options, **how).returncode


def versions(database: Database, history: str = "applied_migrations") -> list[int]:
    """What the history holds, ascending."""
    return [row[0] for row in database.rows(f"SELECT version FROM {history} ORDER BY version")]


def tables(database: Database, schema: str = "public") -> set[str]:
    """The tables of a schema, less the history's own."""
    rows = database.rows("SELECT tablename FROM pg_tables WHERE schemaname = %s", schema)
    return {row[0] for row in rows} - {"applied_migrations", "applied_migrations_state"}


def wait_until(condition: Callable[[], Any], what: str = "", seconds: float = 60) -> None:
    """Polls until the condition holds; fails the test when it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain {what}"
        time.sleep(0.02)


def read_line(stream: IO[str] | None, pattern: str = "") -> str:
    """The next line of what a program prints that matches, and not a byte more: communicate() does
    not give what a stream has read ahead."""
    assert stream is not None
    line = b"\n"
    while line.endswith(b"\n"):
        line = b""
        while not line.endswith(b"\n") and (byte := os.read(stream.fileno(), 1)):
            line += byte
        if line and re.search(pattern, line.decode()):
            return line.decode()
    raise AssertionError(f"{pattern} was not printed")


def await_signal(process: subprocess.Popen[str]) -> None:
    """Waits until a signal that was sent has been met: a second one would be one with the first."""
    status = Path(f"/proc/{process.pid}/status")

    def is_met() -> bool:
        pending = re.findall(r"^(?:Sig|Shd)Pnd:\t(\w+)$", status.read_text(), re.MULTILINE)
        return not any(int(mask, 16) for mask in pending)

    wait_until(is_met, "for a signal to be met")


def assert_prompt(began: float, seconds: float) -> None:
    """Fails if more time went by since then (time.monotonic()). A machine that is busy with other
    things is allowed more: ten times what it takes for ten processes that do nothing."""
    took = time.monotonic() - began
    if took < seconds:
        return
    began = time.monotonic()
    for _ in range(10):
        subprocess.run(["true"], check=True)
    allowed = seconds + 10 * (time.monotonic() - began)
    assert took < allowed, f"took {took:.2f} s; {allowed:.2f} s were allowed"


def assert_half_seconds(moments: list[int]) -> None:
    """Milliseconds at which something was told: never more often than every half a second, and as
    often wherever the machine lets it."""
    gaps = [later - earlier for earlier, later in zip(moments, moments[1:])]
    assert 400 <= min(gaps) < 700, moments


def backends(database: Database, condition: str = "true") -> int:
    """How many sessions are in the database, those of this test's helpers not counted."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        f" AND application_name <> '{HELPER}' AND ({condition})"
    )
    return int(database.value(query))


def advisory_locks(database: Database) -> int:
    return int(
        database.value(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory' AND d.datname = current_database()"
        )
    )


def ends_orphans(server: Server) -> bool:
    """Does it end the backend of a program that is gone, or does that run on until its statement is
    done? Since PostgreSQL 14 there is client_connection_check_interval."""
    return server.major_version >= 14


def end_orphans(database: Database, which: str = "application_name = 'inlay'") -> None:
    """Where the server does not do so by itself."""
    if not ends_orphans(database.server):
        database.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = current_database() AND ({which})"
        )


def lock_key(history: str = "public.applied_migrations", prefix: str = "inlay:") -> int:
    """The key of a history's lock: FNV-1a, 64 bits, as a signed number."""
    key = 14695981039346656037
    for byte in f"{prefix}{history}".encode():
        key = (key ^ byte) * 1099511628211 % 2**64
    return key - 2**64 if key >= 2**63 else key


def numbered(count: int, body: str, name: str = "step") -> Mapping[str, str]:
    """Migrations 1 to `count`; {n} in the body is the number."""
    return {f"{n:04d}_{name}.sql": body.replace("{n}", str(n)) for n in range(1, count + 1)}
