#!/usr/bin/env python3
"""What embedding costs: 10,000 files of 1 KB, beside `xxd -i` of the same bytes, in one run.

usage: embed.py GENERATOR INCLUDE [FILES]

Prints a table on stdout, medians of three, and writes the numbers as JSON to embed.json.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, NamedTuple

RUNS = 3


def make(directory: Path, count: int) -> int:
    """Writes the files; returns how many bytes they have."""
    directory.mkdir()
    size = 0
    for number in range(1, count + 1):
        text = f"-- what this is for\nCREATE TABLE t{number} (\n"
        columns = 0
        while len(text) < 980:
            columns += 1
            text += f"    column_{columns} text NOT NULL DEFAULT 'it''s; ok',\n"
        text += "    id bigint\n);\n"
        size += len(text)
        (directory / f"{number:05d}_create_t{number}.sql").write_text(text)
    return size


class Cost(NamedTuple):
    """Of one run: by the clock, in the processor, and the most memory of any child so far."""

    seconds: float
    cpu_seconds: float  # user: what a busy machine does not add to
    peak_kib: int


def run(*command: object, output: Path | None = None) -> Cost:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(output or "/dev/null", "wb") as stdout:
        began = time.monotonic()
        subprocess.run([str(word) for word in command], stdout=stdout, check=True)
        took = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(took, after.ru_utime - before.ru_utime, after.ru_maxrss)


def measure(action: Callable[[], Cost]) -> dict[str, float]:
    runs = [action() for _ in range(RUNS)]
    return {
        "seconds": statistics.median(cost.seconds for cost in runs),
        "cpu_seconds": statistics.median(cost.cpu_seconds for cost in runs),
        "peak_mib": runs[-1].peak_kib / 1024,
    }


def fresh(path: Path) -> Path:
    path.unlink(missing_ok=True)
    return path


def benchmarks(home: Path, generator: str, include: str) -> dict[str, dict[str, float]]:
    source, made, joined = home / "migrations", home / "out.c", home / "joined.sql"
    hexed = home / "hexed.c"
    joined.write_bytes(b"".join(p.read_bytes() for p in sorted(source.iterdir())))

    def embed(grammar: str) -> Cost:
        return run(generator, "embed", source, "--output", made, "--depfile", home / "out.d",
                   "--symbol", "app", f"--grammar={grammar}")  # fmt: skip

    def compile_c(path: Path) -> Cost:
        return run("gcc", "-c", "-O2", f"-I{include}", path, "-o", home / "out.o")

    def embed_fresh() -> Cost:
        fresh(made)
        return embed("off")

    return {
        "inlay embed": measure(embed_fresh),
        "inlay embed, nothing changed": measure(lambda: embed("off")),
        "xxd -i": measure(lambda: run("xxd", "-i", joined, output=hexed)),
        "gcc, of inlay's file": measure(lambda: compile_c(made)),
        "inlay embed, with the grammar": measure(lambda: embed("auto")),
        "gcc, of xxd's file": measure(lambda: compile_c(hexed)),
    }


def main(arguments: list[str]) -> int:
    generator, include = arguments[:2]
    count = int(arguments[2]) if len(arguments) > 2 else 10_000
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        size = make(home / "migrations", count)
        results = benchmarks(home, generator, include)
    print(f"{count} files, {size / 1e6:.1f} MB; medians of {RUNS}; peak is of all so far")
    print(f"{'':32} {'wall':>10} {'CPU (user)':>12} {'peak':>12}")
    for name, numbers in results.items():
        wall, cpu, peak = (numbers[key] for key in ("seconds", "cpu_seconds", "peak_mib"))
        print(f"{name:32} {wall:8.2f} s {cpu:10.2f} s {peak:8.0f} MiB")
    Path("embed.json").write_text(json.dumps(results, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
