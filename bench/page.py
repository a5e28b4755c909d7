#!/usr/bin/env python3
"""docs/performance.md and six rows of README.md, written from figures.json; pure but for write().

usage: page.py      writes both again, for instance after a change to the words in here
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path
from typing import Any, Callable, Iterable, Sequence

TOP = Path(__file__).resolve().parent.parent
FIGURES = TOP / "bench" / "figures.json"
PAGE = TOP / "docs" / "performance.md"
README = TOP / "README.md"
IN_README = re.compile(r"(?<=<!-- written by \./dev bench -->\n).*?(?=<!-- end -->)", re.DOTALL)

Figures = dict[str, Any]
Rows = Sequence[Figures]

LIMIT = "a hand-written pipeline"
CONNECT = "connect, and one question"
COMPILED, COMPILED_HEX = "gcc, of inlay's file", "gcc, of xxd's file"
FLOORS = (LIMIT, CONNECT)  # not tools: what nobody can go below

# ---- words for numbers ----


def seconds(value: float) -> str:
    if value < 0.1:
        return f"{value * 1000:.1f} ms"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def megabytes(count: float) -> str:
    return f"{count / 1e6:.2f} MB" if count < 1e6 else f"{count / 1e6:.1f} MB"


def times(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], align: str = "---:") -> str:
    lines = [head, ["---", *[align] * (len(head) - 1)], *rows]
    return "".join(
        "|" + "".join(f" {cell} |" if cell else " |" for cell in line) + "\n" for line in lines
    )


def prose(text: str) -> str:
    """A paragraph, filled."""
    return textwrap.fill(" ".join(text.split()), 105, break_on_hyphens=False) + "\n"


def named(rows: Rows, name: str) -> Figures:
    (found,) = [row for row in rows if row["name"] == name]
    return found


def usages(rows: Rows) -> str:
    """Times, as they are and beside inlay's, and what else a run took."""
    base = named(rows, "inlay")["seconds"]
    far = any(row["round_trips"] is not None for row in rows)
    head = ["", "time", "inlay = 1", *(["round trips"] if far else []), "CPU", "memory", "runs"]

    def line(row: Figures) -> list[str]:
        trips = [str(row["round_trips"])] if far else []
        used = [seconds(row["cpu_seconds"]), f"{row['peak_mib']:.0f} MiB", str(row["runs"])]
        return [row["name"], seconds(row["seconds"]), times(row["seconds"] / base), *trips, *used]

    return table(head, map(line, rows))


# ---- a section for each part ----


def loaded(about: Figures) -> list[str]:
    """What has to be known of figures that were taken beside other work."""
    if about["load"] <= 1:
        return []
    load = f"load average {about['load']:.1f}"
    text = f"**Other work ran on the machine ({load}): compare ratios; times hold only roughly.**"
    return [prose(text)]


def section(heading: str, *parts: str) -> str:
    return "\n".join([f"## {heading}\n", *parts])


def apply(found: Figures) -> str:
    kinds = "Five statements each: a table, an index, a column, a row, a comment.\n"
    trifles = """One statement each, which costs the server next to nothing. What starts a process
        for each migration, or a Java machine, is left out."""
    parts = [
        section("200 migrations, 10 ms away", kinds, usages(found["far"])),
        section("200 migrations, on a socket", usages(found["near"])),
        section("1,000 small migrations, on a socket", prose(trifles), usages(found["small"])),
    ]
    return "\n".join(parts)


def boot(found: Figures) -> str:
    servers = [
        [
            f"the reference server, {name}",
            f"{row['wall_ms']:.1f} ms",
            f"{row['cpu_ms']:.1f} ms",
            f"{row['size_mb']:.1f} MB",
            str(row["libraries"]),
        ]
        for name, row in found["server"].items()
    ]
    head = ["", "time", "CPU", "size, libraries included", "shared libraries"]
    far = "10 ms away, 20 migrations applied. Connecting takes one of the round trips, or more.\n"
    near = """On a socket, the [server of this repository](../src/server/README.md) with
        `--migrate-only`, 200 times:"""
    return section(
        "A start with nothing pending", far, usages(found["far"]), prose(near), table(head, servers)
    )


def fleet(found: Figures) -> str:
    base = named(found["fleet"], CONNECT)["seconds"]
    many = [
        [row["name"], seconds(row["seconds"]), times(row["seconds"] / base)]
        for row in found["fleet"]
    ]
    few = [
        [row["name"], f"{row['well']} of {row['of']}", f"{row['tables']} of 20"]
        + [seconds(row["seconds"])]
        for row in found["rivals"]
    ]
    return section(
        "Many processes at once",
        "50 processes, 10 ms away, until the last one has ended:\n",
        table(["", "time", "connecting = 1"], many),
        "Five processes on an empty database, 20 migrations to apply, tried once:\n",
        table(["", "ended without an error", "tables made", "time"], few),
    )


def busy(found: Rows) -> str:
    lines = [
        [row["held"], row["name"], seconds(row["worst_s"])]
        + [seconds(row["landed_s"]) if row["status"] == 0 else "not in 10 s"]
        for row in found
    ]
    what = """One `ALTER TABLE ... ADD` while others hold the table and ten more sessions come to
        read it: the longest that one of the ten waited, and when the column was there, counted
        from the moment the table was free (or from the beginning, if it never was)."""
    head = ["the table is held by", "altered by", "others wait", "done after"]
    return section("A table in use", prose(what), table(head, lines))


def embed(found: Rows) -> str:
    lines = [
        [row["name"], f"{one['files']:,}", seconds(row["seconds"])]
        + [seconds(row["cpu_seconds"]), f"{row['peak_mib']:.0f} MiB"]
        for one in found
        for row in one["steps"]
    ]
    what = "Files of 1 KB, beside `xxd -i` of the same bytes, which checks nothing.\n"
    return section("From files to C", what, table(["", "files", "time", "CPU", "memory"], lines))


def growth(found: Figures, row: Figures) -> float:
    """The bytes of a program for each byte of SQL."""
    first = found["sets"][0]
    return float((row["program"] - first["program"]) / (row["sql"] - first["sql"]))


def size(found: Figures) -> str:
    lines = [["`int main(void) { return 0; }`", "", megabytes(found["plain"]), "", ""]]
    for row in found["sets"]:
        name = f"inlay, {row['count']:,} of {row['each']}"
        grown = f"{growth(found, row):.1f} MB" if row["count"] > 1 else ""
        figures = [megabytes(row["sql"]), megabytes(row["program"]), grown]
        lines.append([name, *figures, f"{row['peak_mib']:.0f} MiB"])
    lines += [[name, "", megabytes(count), "", ""] for name, count in found["peers"].items()]
    what = """A program of `inlay_main` alone, stripped, libpq as a shared library; its memory
        while it applies all of its migrations. Of each statement the program knows where it is in
        the text. Other tools are one file too, beside which SQL files are shipped."""
    head = ["", "SQL", "program", "for each MB of SQL", "memory"]
    return section("Size and memory", prose(what), table(head, lines))


def of_targets(rows: Rows, each: int, same: str = "") -> str:
    """What one target takes, beside the first row, and beside the row of this name."""
    bases = [rows[0], *(row for row in rows if row["name"] == same)]

    def cpu_ms(row: Figures) -> float:
        used = float(row["cpu_seconds"] + row["server_cpu_seconds"])
        return used * 1000 / int(row.get("targets", each))

    def line(row: Figures) -> list[str]:
        shares = [times(cpu_ms(row) / cpu_ms(base)) for base in bases]
        memory = f"{row['peak_mib']:.0f} MiB"
        return [row["name"], seconds(row["seconds"]), f"{cpu_ms(row):.2f} ms", *shares, memory]

    ones = ["by hand = 1", "the same SQL = 1"][: len(bases)]
    head = ["", "time", "CPU for each, the server's included", *ones, "memory"]
    return table(head, map(line, rows))


def targets(found: Figures) -> str:
    look = f"""{found["schemas"]:,} schemas of three tables, up to date, on a socket: [which are
        behind](many-databases.md)? By hand: the same questions in one pipeline, and nothing is made
        of the answers. A process for each looks at {found["by_process"]} of them, two at once."""
    run = f"""`ALTER TABLE ... ADD COLUMN` into {found["migrated"]:,} of them, {found["jobs"]} at
        once. By hand: one message for each, with the row of the history; with an advisory lock
        and two looks at the history besides; and all that a run says but for its questions about
        the catalogs: a look at all, the lock, both tables, claim, timeout, statement, resets, seal
        and unlock, in two round trips. A run also asks whether its tables are as they have to be,
        before and after."""
    return section(
        "Many databases",
        *loaded(found),
        prose(look),
        of_targets(found["look"], found["schemas"]),
        prose(run),
        of_targets(found["migrate"], found["migrated"], "by hand, the same SQL"),
    )


SECTIONS: dict[str, Callable[[Any], str]] = {
    "apply": apply,
    "boot": boot,
    "fleet": fleet,
    "busy": busy,
    "embed": embed,
    "size": size,
    "targets": targets,
}

# ---- where inlay is not the best ----

MEASURES: Sequence[tuple[str, str, Callable[[float], str]]] = (
    ("seconds", "time", seconds),
    ("cpu_seconds", "CPU", seconds),
    ("peak_mib", "memory", lambda value: f"{value:.0f} MiB"),
)


def _better(title: str, rows: Rows, inlay: str = "inlay") -> Iterable[str]:
    ours = named(rows, inlay)
    for key, what, words in MEASURES:
        better = [row for row in rows if row[key] < ours[key] * 0.95]
        if better:
            others = ", ".join(f"{row['name']} {words(row[key])}" for row in better)
            yield f"- {title}, {what}: {others}; inlay {words(ours[key])}"


def worse(figures: Figures) -> list[str]:
    """Each measure in which inlay takes over 5 % more than another row."""
    found: list[str] = []
    found += _better("200 migrations, 10 ms away", figures["apply"]["far"])
    found += _better("200 migrations, on a socket", figures["apply"]["near"])
    found += _better("1,000 small migrations", figures["apply"]["small"])
    found += _better("a start with nothing pending", figures["boot"]["far"])
    many = figures["targets"]
    asked = [row for row in many["look"] if "targets" not in row]
    found += _better(f"which of {many['schemas']:,} schemas are behind", asked)
    found += _better(f"a migration into {many['migrated']:,} schemas", many["migrate"])
    for one in figures["embed"]:
        steps = [row for row in one["steps"] if row["name"] in ("inlay embed", "xxd -i")]
        found += _better(f"embedding {one['files']:,} files", steps, "inlay embed")
    for held in dict.fromkeys(row["held"] for row in figures["busy"]):
        plain, ours = [
            next(r for r in figures["busy"] if (r["held"], r["name"]) == (held, name))
            for name in ("a plain ALTER", "inlay")
        ]
        if ours["status"] != 0 or ours["landed_s"] > plain["landed_s"] * 1.05:
            when = seconds(ours["landed_s"]) if ours["status"] == 0 else "not in 10 s"
            after = f"{seconds(plain['landed_s'])}; inlay {when}"
            found.append(
                f"- a table held by {held}, until the column is there: plain ALTER {after}"
            )
    return found


# ---- the whole ----


def introduction(about: Figures) -> str:
    tools = ", ".join(f"{name} {version}" for name, version in about["tools"].items())
    missing = ", ".join(about["missing"])
    left_out = f" Not installed here, and left out: {missing}." if missing else ""
    facts = [
        ["machine", f"{about['processors']} processors ({about['processor']}), "],
        ["system", f"{about['system']}, Linux {about['kernel']}"],
        ["PostgreSQL", f"{about['server']}, on the same machine, fsync off: no disk is measured"],
        ["built with", f"libpq {about['libpq']}, gcc {about['gcc']}, Python {about['python']}"],
        ["beside", f"{tools}.{left_out}"],
    ]
    facts[0][1] += f"{about['memory_gib']:.0f} GiB"
    taken = f"""One run of `./dev bench`, which writes this page and the rows in the
        [README](../README.md); `./dev bench --only boot` tries one part and writes nothing. Taken
        on {about["date"]} in {about["minutes"]:.0f} minutes."""
    how = f"""Figures are medians of up to {about["runs"]} runs, in which all take turns; what has
        taken 5 s is not run again. "10 ms away" is a relay that holds each direction back for 5
        ms, and counts as a round trip each time that the client speaks after it has heard. CPU
        and memory (of the largest process) are the client's. "{LIMIT.capitalize()}" is
        [pipeline.c](../bench/pipeline.c): the same statements and rows, without any safety. Of
        Liquibase the open-source part runs, through TCP. Flyway, Atlas, refinery and sqlx are not
        measured: neither Debian nor npm has them as a program."""
    parts = ["# Performance\n", prose(taken), *loaded(about)]
    return "\n".join([*parts, table(["", ""], facts, "---"), prose(how)])


def page(figures: Figures) -> str:
    parts = [introduction(figures["about"])]
    parts += [write_part(figures[name]) for name, write_part in SECTIONS.items()]
    parts.append("## Where inlay takes more\n\nAll rows above in which it does, by over 5 %.\n")
    return "\n".join(parts) + "\n" + "\n".join(worse(figures)) + "\n"


def _fastest(rows: Rows, count: int) -> str:
    tools = [row for row in rows if row["name"] not in (*FLOORS, "inlay")]
    tools = sorted(tools, key=lambda row: float(row["seconds"]))[:count]
    return ", ".join(f"{row['name']} {seconds(row['seconds'])}" for row in tools)


def readme(figures: Figures) -> str:
    far, small = figures["apply"]["far"], figures["apply"]["small"]
    start, many = figures["boot"]["far"], figures["fleet"]
    fifty = named(many["fleet"], "inlay, nothing pending")["seconds"]
    fifty /= named(many["fleet"], CONNECT)["seconds"]
    failed = [r["name"] for r in many["rivals"] if r["well"] < r["of"] and r["name"] != "inlay"]
    held = [row for row in figures["busy"] if row["held"] == figures["busy"][0]["held"]]
    waits = {row["name"]: seconds(row["worst_s"]) for row in held}
    (thousand,) = [one for one in figures["embed"] if one["files"] == 1000]
    steps = {row["name"]: row["cpu_seconds"] for row in thousand["steps"]}
    ours = named(far, "inlay")
    trips = f"{ours['round_trips']} round trips"
    build = f"{seconds(steps['inlay embed'])}, gcc {seconds(steps[COMPILED])}"
    hexed = f"`xxd -i` {seconds(steps['xxd -i'])}, gcc {seconds(steps[COMPILED_HEX])}"
    cpu = f"{seconds(named(start, 'inlay')['cpu_seconds'])} of CPU"
    rows = [
        ["200 migrations, 10 ms away", f"{seconds(ours['seconds'])}, {trips}", _fastest(far, 4)],
        [
            "1,000 small ones, on a socket",
            seconds(named(small, "inlay")["seconds"]),
            _fastest(small, 3),
        ],
        [
            "a start with nothing pending, 10 ms away",
            f"{seconds(named(start, 'inlay')['seconds'])}, {cpu}",
            _fastest(start, 3),
        ],
        [
            "50 starts at once",
            f"{times(fifty)} times 50 bare connections",
            "of 5 that migrate at once some fail: " + (", ".join(failed) or "none"),
        ],
        [
            "`ALTER` while a reader holds the table for 3 s",
            f"others wait {waits['inlay']}",
            f"plain `ALTER` {waits['a plain ALTER']}",
        ],
        ["1,000 files of 1 KB into an object file, CPU", build, hexed],
    ]
    return "\n".join([table(["", "inlay", "others"], rows, "---"), *loaded(figures["about"])])


def write(figures: Figures) -> None:
    PAGE.write_text(page(figures))
    README.write_text(IN_README.sub(lambda _: readme(figures), README.read_text(), count=1))


if __name__ == "__main__":
    write(json.loads(FIGURES.read_text()))
    sys.exit(0)
