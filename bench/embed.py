"""What embedding costs: files of 1 KB, beside `xxd -i` of the same bytes, in one run."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any, Mapping

from measure import Action, Usage, in_turn, run

RUNS = 3
ENOUGH_S = 5.0


def files(count: int) -> dict[str, str]:
    """One statement and about 1 KB each."""
    made = {}
    for number in range(1, count + 1):
        text = f"-- what this is for\nCREATE TABLE t{number} (\n"
        columns = 0
        while len(text) < 980:
            columns += 1
            text += f"    column_{columns} text NOT NULL DEFAULT 'it''s; ok',\n"
        text += "    id bigint\n);\n"
        made[f"{number:05d}_create_t{number}.sql"] = text
    return made


def benchmarks(
    home: Path, generator: str, include: str, environment: Mapping[str, str]
) -> dict[str, Action]:
    source, made, joined = home / "migrations", home / "out.c", home / "joined.sql"
    hexed = home / "hexed.c"
    joined.write_bytes(b"".join(p.read_bytes() for p in sorted(source.iterdir())))

    def embed(grammar: str) -> Usage:
        command = [generator, "embed", source, "--output", made, "--depfile", home / "out.d"]
        return run([*command, "--symbol", "app", f"--grammar={grammar}"], environment)

    def embed_fresh() -> Usage:
        made.unlink(missing_ok=True)
        return embed("off")

    def compile_c(path: Path) -> Usage:
        return run(["gcc", "-c", "-O2", f"-I{include}", path, "-o", home / "out.o"], environment)

    return {
        "inlay embed": embed_fresh,
        "inlay embed, nothing changed": lambda: embed("off"),
        "gcc, of inlay's file": lambda: compile_c(made),
        "inlay embed, with the grammar": lambda: embed("auto"),
        "xxd -i": lambda: run(["xxd", "-i", joined, hexed], environment),
        "gcc, of xxd's file": lambda: compile_c(hexed),
    }


def measure(
    generator: str, include: str, environment: Mapping[str, str], count: int
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        made = files(count)
        (home / "migrations").mkdir()
        for name, text in made.items():
            (home / "migrations" / name).write_text(text)
        time.sleep(2.1)  # what was changed only now is read again by the next run
        steps = benchmarks(home, generator, include, environment)
        if count > 1_000:  # it would take gcc longer than all else together
            del steps["gcc, of xxd's file"]
        size = sum(map(len, made.values()))
        return {"files": count, "bytes": size, "steps": in_turn(steps, RUNS, ENOUGH_S)}
