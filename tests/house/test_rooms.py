"""The rooms of the source: what may use what. An include or import leads down or stays in its room,
no files and no folders use each other in a circle, and no folder is a hall."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
MOST_SOURCES = 12

# From the ground up; rooms in one line do not know each other.
LIBRARY = (
    ("base",),
    ("wire",),
    ("history",),
    ("plan", "foreign", "schema"),
    ("run",),
    ("apply",),
    ("calls",),
)
COMMAND_LINE = (
    ("writing",),
    ("terminal",),
    ("backup",),
    ("words",),
    ("report",),
    ("verbs", "targets"),
    ("cli",),
)
GENERATOR = (
    ("sql",),
    ("files",),
    ("layouts", "scratch"),
    ("rules",),
    ("output", "importing"),
    ("execute",),
    ("commands",),
    ("main",),
    ("__main__",),
)

Arrows = dict[str, set[str]]


def room_of(unit: str) -> str:
    return unit.split("/")[0]


def floors(order: Iterable[tuple[str, ...]]) -> dict[str, int]:
    return {room: floor for floor, rooms in enumerate(order) for room in rooms}


def includes(root: Path) -> Arrows:
    """Which unit (a source and its header) includes which; a name begins with its room."""
    arrows: Arrows = defaultdict(set)
    files = sorted([*root.rglob("*.c"), *root.rglob("*.h")])
    for path in files:
        unit = str(path.relative_to(root).with_suffix(""))
        arrows[unit] |= {
            name[: -len(".h")]
            for name in re.findall(r'^#include "([^"]+)"', path.read_text(), re.M)
        } - {unit}
    assert len(arrows) > 10, f"there are no sources in {root}"
    return arrows


def imports(package: Path) -> Arrows:
    """The same of Python's relative imports."""
    arrows: Arrows = defaultdict(set)
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package).with_suffix("")
        here = list(inside.parts[:-1])
        unit = "/".join(inside.parts if inside.name != "__init__" else here) or "__init__"
        found = re.findall(
            r"^from (\.+)([\w.]*) import (\(.*?\)|.*)$", path.read_text(), re.M | re.S
        )
        for dots, module, names in found:
            base = here[: len(here) - (len(dots) - 1)] + [p for p in module.split(".") if p]
            for name in re.findall(r"\w+", names.split("\n", 1)[0] if "(" not in names else names):
                whole = package.joinpath(*base, name)
                target = [*base, name] if whole.with_suffix(".py").exists() else base
                arrows[unit].add("/".join(target) or "__init__")
        arrows[unit] -= {unit}
    assert len(arrows) > 10, f"there are no modules in {package}"
    return arrows


def arrows_up(arrows: Arrows, order: Iterable[tuple[str, ...]]) -> list[str]:
    floor = floors(order)
    return [
        f"{unit} uses {used}"
        for unit, all_used in sorted(arrows.items())
        for used in sorted(all_used)
        if room_of(unit) != room_of(used)
        and "__init__" not in (unit, used)
        and floor[room_of(used)] >= floor[room_of(unit)]
    ]


def reached_from(arrows: Arrows, unit: str) -> set[str]:
    seen: set[str] = set()
    todo = list(arrows.get(unit, ()))
    while todo:
        used = todo.pop()
        if used not in seen:
            seen.add(used)
            todo += arrows.get(used, set())
    return seen


def circles(arrows: Arrows) -> list[list[str]]:
    """Units that can be reached from themselves, with those that lie in the same circle."""
    reached = {unit: reached_from(arrows, unit) for unit in arrows}
    found = {
        tuple(sorted(other for other in reached[unit] if unit in reached.get(other, set())))
        for unit in reached
        if unit in reached[unit]
    }
    return [list(circle) for circle in sorted(found)]


def between_folders(arrows: Arrows) -> Arrows:
    """Which folder uses which. An __init__ belongs to its folder; the outermost one is anyone's."""
    packages = {unit.rpartition("/")[0] for unit in arrows}

    def folder(unit: str) -> str:
        return unit if unit in packages else unit.rpartition("/")[0]

    found: Arrows = defaultdict(set)
    for unit in set(arrows) - {"__init__"}:
        used = {folder(other) for other in arrows[unit] - {"__init__"}}
        found[folder(unit)] |= used - {folder(unit)}
    return found


@pytest.mark.parametrize(
    ("arrows", "order"),
    [
        (includes(TOP / "src" / "library"), LIBRARY),
        (includes(TOP / "src" / "cli"), COMMAND_LINE),
        (imports(TOP / "gen" / "inlay_gen"), GENERATOR),
    ],
    ids=["library", "command line", "generator"],
)
def test_nothing_leads_up_or_round(arrows: Arrows, order: tuple[tuple[str, ...], ...]) -> None:
    assert arrows_up(arrows, order) == []
    assert circles(arrows) == []
    assert len(between_folders(arrows)) >= len(order) - 1
    assert circles(between_folders(arrows)) == []


def test_the_server_is_one_room_and_writes_as_the_command_line_does() -> None:
    arrows = includes(TOP / "src" / "server")
    assert circles(arrows) == []
    assert all((TOP / "src" / "server" / f"{unit}.h").exists() for unit in set(arrows) - {"main"})
    others = {used for all_used in arrows.values() for used in all_used if "/" in used}
    assert {room_of(used) for used in others} == {"writing"}


def test_what_a_source_of_the_command_line_offers_has_its_name_and_its_header() -> None:
    root = TOP / "src" / "cli"
    found = 0
    for path in sorted(root.glob("*/*.c")):
        text = path.read_text()
        names = re.findall(r"^(?!static )\w[\w *]*?\b(\w+)\([^;{]*\)\n\{", text, re.M)
        names += re.findall(r"^(?!static )\w[\w ]*?\b(\w+)(?:\[\])? = ", text, re.M)
        header = path.with_suffix(".h").read_text()
        for name in names:
            assert re.fullmatch(rf"inlay_cli_{path.stem}(_\w+)?", name), (path, name)
            assert re.search(rf"\b{name}\b", header), (path, name)
        found += len(names)
    assert found > 80


@pytest.mark.parametrize("room", ["library", "cli", "server"])
def test_a_source_includes_its_own_header_first(room: str) -> None:
    root = TOP / "src" / room
    for path in root.rglob("*.c"):
        own = str(path.relative_to(root).with_suffix(".h"))
        found = re.findall(r'^#include "([^"]+)"', path.read_text(), re.M)
        assert own not in found[1:], path


@pytest.mark.parametrize("top", ["src", "gen", "bench", "tools", "include"])
def test_no_folder_is_a_hall(top: str) -> None:
    counts: dict[Path, int] = defaultdict(int)
    for path in sorted((TOP / top).rglob("*")):
        source = path.suffix in (".c", ".py") and path.name != "__init__.py"
        counts[path.parent] += source or (top == "include" and path.suffix == ".h")
    assert sum(counts.values()) > 0, "there is no source here"
    assert {str(folder): n for folder, n in counts.items() if n > MOST_SOURCES} == {}


def test_the_command_line_stands_on_public_headers() -> None:
    """What it needs, other programs can have."""
    root = TOP / "src" / "cli"
    rooms = {p.name for p in root.iterdir() if p.is_dir()}
    found = [
        (path, name)
        for path in [*root.rglob("*.c"), *root.rglob("*.h")]
        for name in re.findall(r'^#include "([^"]+)"', path.read_text(), re.M)
    ]
    assert len(found) > 20
    assert [f for f in found if f[1].split("/")[0] not in rooms] == []


def test_every_source_begins_with_its_purpose() -> None:
    """Before anything else, in one to five lines; what follows a blank one explains more."""
    sources = sorted((TOP / "src").rglob("*.c"))
    assert len(sources) > 100, "there is no source here"
    for path in sources:
        head = re.match(r"/\* (?!---).{30,}?\*/\n", path.read_text(), re.DOTALL)
        assert head is not None, f"{path} does not say what it is for"
        purpose = head[0].strip().split("\n *\n")[0]
        assert purpose.count("\n") < 5, f"{path} takes long to say what it is for"
