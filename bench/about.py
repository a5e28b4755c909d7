"""Where and with what a run of the measurements took place."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import peers
from harness.server import Server, version_in


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1].strip() if found else "unknown"


def _said_by(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout


def _others_running(seconds: float = 5) -> float:
    """How many other processes run, on average: the system's own load average would still count
    the build that came before."""
    counted = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        running, _, _ = Path("/proc/loadavg").read_text().split()[3].partition("/")
        counted.append(int(running) - 1)
        time.sleep(0.05)
    return sum(counted) / len(counted)


def here(server: Server, runs: int) -> dict[str, Any]:
    os_release = Path("/etc/os-release")
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "runs": runs,
        "load": _others_running(),
        "processors": os.cpu_count(),
        "processor": _first(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text()),
        "memory_gib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        "system": _first(r'^PRETTY_NAME="(.*)"', os_release.read_text()),
        "kernel": platform.release(),
        "server": version_in(Path(server.program("postgres")).parent),
        "libpq": _first(r"(\S+)", _said_by("pkg-config", "--modversion", "libpq")),
        "gcc": _first(r"(\S+)", _said_by("gcc", "-dumpfullversion")),
        "python": platform.python_version(),
        "tools": peers.versions(),
    }
