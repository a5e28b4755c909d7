#!/usr/bin/env python3
"""What a start costs when nothing is pending: dynamic and static, taking turns in one run.

usage: startup.py DYNAMIC STATIC [RUNS]

Needs a PostgreSQL in DATABASE_URL (inlay scratch gives one), reached through its
socket. Prints a table of medians on stdout and writes the numbers as JSON to startup.json. Size is
without debugging symbols; that of the dynamic program includes its shared libraries.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 200
MILLION = 1e6


def libraries(program: Path) -> list[Path]:
    listed = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", listed)]


def own_size(program: Path) -> int:
    """Without debugging symbols."""
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["strip", "-o", stripped.name, program], check=True)
        return os.path.getsize(stripped.name)


def size(program: Path) -> int:
    """Its shared libraries included."""
    return own_size(program) + sum(library.stat().st_size for library in libraries(program))


def start(program: Path) -> tuple[float, float]:
    """Seconds of processor time, in the program and for it in the kernel, and of the clock."""
    silent = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
    began = time.perf_counter()
    pid = os.posix_spawn(program, [program, "--migrate-only"], os.environ, file_actions=silent)
    _, status, used = os.wait4(pid, 0)
    took = time.perf_counter() - began
    assert status == 0, f"{program} ended with status {status}"
    return used.ru_utime + used.ru_stime, took


def measure(programs: dict[str, Path], runs: int) -> dict[str, dict[str, float]]:
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for program in programs.values():
        start(program)  # the first migrates, both are in memory then
    for _ in range(runs):
        for name, program in programs.items():
            seen[name].append(start(program))
    return {
        name: {
            "cpu_ms": 1000 * statistics.median(cpu for cpu, _ in seen[name]),
            "wall_ms": 1000 * statistics.median(wall for _, wall in seen[name]),
            "size_mb": size(program) / MILLION,
            "libraries": len(libraries(program)),
        }
        for name, program in programs.items()
    }


def main(arguments: list[str]) -> int:
    programs = {"dynamic": Path(arguments[0]), "static": Path(arguments[1])}
    runs = int(arguments[2]) if len(arguments) > 2 else RUNS
    results = measure(programs, runs)
    print(f"started with nothing pending, {runs} times in turn; medians")
    print(f"{'':8} {'CPU':>10} {'time':>10} {'size':>11}  shared libraries")
    for name, got in results.items():
        print(f"{name:8} {got['cpu_ms']:7.2f} ms {got['wall_ms']:7.2f} ms", end=" ")
        print(f"{got['size_mb']:8.1f} MB  {got['libraries']}")
    ratio = results["static"]["cpu_ms"] / results["dynamic"]["cpu_ms"]
    print(f"CPU of the static one: {ratio:.2f} of the dynamic one's")
    Path("startup.json").write_text(json.dumps(results, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
