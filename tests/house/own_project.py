"""A project of one's own outside the tree, as docs/first-steps.md and docs/other-builds.md have it,
by each build: a script for a Debian that has nothing yet."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOORS = {
    "cmake": ("CMakeLists.txt", "./cmake-build/notes"),
    "make": ("Makefile", "./notes"),
    "cc": ("", "./notes"),
    "cxx": ("main.cpp", "./notes"),
}
APPLIED = "psql -qAt -d notes -c 'SELECT max(version) FROM applied_migrations'"
BEGIN = "set -eu\nexport DEBIAN_FRONTEND=noninteractive\napt-get -q update"


def blocks(page: str) -> dict[tuple[str, str], str]:
    """Of a page of the manual, by language and name."""
    found = BLOCK.findall((DOCS / page).read_text())
    return {(kind, name): text for kind, name, text in found}


def steps(before: str, install: str = "") -> str:
    """A script of all the pages' blocks; before each is a line with its name and the time. `before`
    comes first; `install` is in the place of the page's way to install inlay."""
    lines = [BEGIN, before]
    for (_, name), text in blocks("first-steps.md").items():
        if name == "install" and install:
            text = install
        lines += [f"echo == {name} $(date +%s)", text]
        if name == "mistake":
            build, run = text.rsplit(" && ", 1)
            lines[-1] = f"{build}\nif {run.strip()}; then exit 9; fi"
        if name in ("database", "deploy", "back"):
            lines.append(f'echo "version $({APPLIED})"')
    lines += ["apt-get install -y cmake make g++"]
    other = blocks("other-builds.md")
    files = {name: text for (kind, name), text in other.items() if kind != "sh"}
    for door, (file, program) in DOORS.items():
        lines.append(f"echo == {door} $(date +%s)\nrm -f notes")
        if file:
            lines.append(f"cat >{file} <<'END'\n{files[file]}END")
        lines.append(f"{other['sh', door]}{program} --migrate-show")
    return "\n".join([*lines, "echo == end $(date +%s)", ""])


def check(said: str) -> dict[str, int]:
    """Did each step end as the pages have it? The seconds that each took."""
    assert re.findall(r"^version (\d+)$", said, re.MULTILINE) == ["1", "3", "2"]
    assert said.count("index_title ") >= len(DOORS)
    times = [(name, int(at)) for name, at in re.findall(r"^== (\w+) (\d+)$", said, re.MULTILINE)]
    return {name: after - at for (name, at), (_, after) in zip(times, times[1:])}
