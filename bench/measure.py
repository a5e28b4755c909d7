"""Running programs and saying what they took."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence


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


def fleet(
    command: Sequence[object],
    environment: Mapping[str, str],
    count: int,
    directory: Path | None = None,
) -> tuple[float, int]:
    """Starts many at once; seconds until the last one is done, and how many ended with 0."""
    began = time.monotonic()
    processes = [
        subprocess.Popen(
            [str(word) for word in command],
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(count)
    ]
    statuses = [process.wait() for process in processes]
    return time.monotonic() - began, statuses.count(0)


def median(usages: Sequence[Usage]) -> Usage:
    """Of each figure."""
    trips = [usage.round_trips for usage in usages if usage.round_trips is not None]
    return Usage(
        statistics.median(usage.seconds for usage in usages),
        statistics.median(usage.cpu_seconds for usage in usages),
        statistics.median(usage.peak_mib for usage in usages),
        int(statistics.median(trips)) if trips else None,
    )


Action = Callable[[], Usage]


def in_turn(subjects: Mapping[str, Action], runs: int, enough_s: float) -> list[dict[str, Any]]:
    """Turn by turn, so that what disturbs the machine disturbs all alike. What has taken long
    enough is not run again."""
    found: dict[str, list[Usage]] = {name: [] for name in subjects}
    for _ in range(runs):
        for name, action in subjects.items():
            if sum(usage.seconds for usage in found[name]) < enough_s:
                found[name].append(action())
    return [row(name, usages) for name, usages in found.items()]


def row(name: str, usages: Sequence[Usage]) -> dict[str, Any]:
    """What a table says of one subject."""
    return {"name": name, "runs": len(usages), **asdict(median(usages))}
