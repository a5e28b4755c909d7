"""Running programs and saying what they took."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence


class Failed(Exception):
    """A program that was to be measured did not do its work."""


@dataclass(frozen=True)
class Usage:
    """Of one run, its children included."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    round_trips: int | None = None


def run(
    command: Sequence[object], environment: Mapping[str, str], directory: Path | None = None
) -> Usage:
    """Runs a program to its end."""
    with tempfile.NamedTemporaryFile("r") as peak:
        # A child begins with the peak of whoever forked it: of something small, then.
        measured = ["/usr/bin/time", "-q", "-f", "%M", "-o", peak.name, *map(str, command)]
        began = time.monotonic()
        process = subprocess.Popen(
            measured,
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        took = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        if process.returncode != 0:
            raise Failed(f"{command[0]} ended with {process.returncode}:\n{said.decode()[-2000:]}")
        return Usage(took, used.ru_utime + used.ru_stime, int(peak.read()) / 1024)


def fleet(command: Sequence[object], environment: Mapping[str, str], count: int) -> float:
    """Starts many at once; seconds until the last one is done."""
    began = time.monotonic()
    processes = [
        subprocess.Popen(
            [str(word) for word in command],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(count)
    ]
    statuses = [process.wait() for process in processes]
    took = time.monotonic() - began
    if any(statuses):
        raise Failed(f"{command[0]}: {sum(map(bool, statuses))} of {count} failed")
    return took


def median(usages: Sequence[Usage]) -> Usage:
    """Of each figure."""
    trips = [usage.round_trips for usage in usages if usage.round_trips is not None]
    return Usage(
        statistics.median(usage.seconds for usage in usages),
        statistics.median(usage.cpu_seconds for usage in usages),
        statistics.median(usage.peak_mib for usage in usages),
        int(statistics.median(trips)) if trips else None,
    )


@dataclass(frozen=True)
class Row:
    """A line of a table."""

    name: str
    usage: Usage
    runs: int


@dataclass(frozen=True)
class Table:
    """One comparison: the first row is what the ratios are to."""

    title: str
    rows: Sequence[Row]

    def text(self) -> str:
        base = self.rows[0].usage.seconds
        lines = [self.title, f"{'':34}{'seconds':>9}{'ratio':>8}{'CPU s':>9}{'MiB':>7}{'trips':>7}"]
        for row in self.rows:
            usage = row.usage
            trips = "" if usage.round_trips is None else str(usage.round_trips)
            lines.append(
                f"{row.name:34}{usage.seconds:9.3f}{usage.seconds / base:8.2f}"
                f"{usage.cpu_seconds:9.3f}{usage.peak_mib:7.0f}{trips:>7}"
            )
        return "\n".join(lines) + "\n"

    def data(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "rows": [
                {"name": row.name, "runs": row.runs, **asdict(row.usage)} for row in self.rows
            ],
        }
