"""README.md: its transcript is what the demo shows, its lines are those of an example."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pages
from conftest import AppFactory
from harness.database import Database
from harness.program import Builder, Program

PAGE = pages.load(pages.TOP / "README.md")
TEXT = PAGE.named("text")


def block(language: str) -> str:
    (found,) = [b.text for b in PAGE.blocks if (b.language, b.name) == (language, "")]
    return found


def timeless(line: str) -> str:
    """Without what is different each time."""
    line = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+\S*", "TIME", line)
    line = re.sub(r"\d+(\.\d)? m?s\b", "N ms", line)
    return re.sub(r" +", " ", line)


def assert_shows(shown: list[str], real: list[str]) -> None:
    """The same lines, but for stretches that the page leaves out with a line of dots."""
    pattern = "".join(
        r"(?:.*\n)*" if line == "..." else re.escape(timeless(line)) + r"\n" for line in shown
    )
    text = "".join(timeless(line) + "\n" for line in real)
    assert re.fullmatch(pattern, text), text


def test_the_transcript(reference_server: Program, database: Database) -> None:
    runs = [run.strip().splitlines() for run in TEXT["demo"].split("$ ")[1:]]
    assert len(runs) == 3
    for command, *shown in runs:
        words = shlex.split(command)
        assert words[0] == "./server"
        done = reference_server.run(*words[1:])
        assert done.returncode == 0
        text = (done.stdout + done.stderr).replace(database.role, "shop")
        assert_shows(shown, text.replace(database.name, "shop").splitlines())


def test_the_collision(builder: Builder, tmp_path: Path) -> None:
    migrations = tmp_path / "migrations"
    shutil.copytree(builder.source / "migrations", migrations)
    shutil.copy(migrations / "003_create_tickets.up.sql", migrations / "003_create_invoices.up.sql")
    command = [*builder.generator, "check", "migrations"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, TEXT["collision"])


def test_the_two_commands() -> None:
    commands = re.findall(r"^\./dev (\w+)", block("sh"), re.MULTILINE)
    assert commands == ["demo", "test"]
    told = subprocess.check_output([pages.TOP / "dev", "help"], text=True)
    assert all(f"\n  {command} " in told for command in commands)


def test_the_lines_are_those_of_the_example(app: AppFactory) -> None:
    example = pages.TOP / "examples" / "meson"
    assert block("meson") in (example / "meson.build").read_text()
    lines = iter((example / "main.c").read_text().splitlines())
    for line in block("c").splitlines():
        assert line.strip() == "..." or line in lines, line  # in this order


def test_installing(builder: Builder, tmp_path: Path) -> None:
    """What is installed is what the lines for meson.build ask for."""
    setup, install = [
        shlex.split(line)
        for b in PAGE.blocks
        if b.name == "install"
        for line in b.text.splitlines()
    ]
    assert setup[:3] == ["meson", "setup", "build"] and install[-2:] == ["-C", "build"]
    build = [str(tmp_path / "build"), str(builder.source), "-Dserver=disabled"]
    steps = [
        [*setup[:2], *build, *setup[3:]],
        [*install[:-1], build[0], "--destdir", str(tmp_path / "root")],
    ]
    for step in steps:
        result = subprocess.run(step, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
    packages = {path.stem for path in (tmp_path / "root").rglob("*.pc")}
    asked = set(re.findall(r"dependency\('([\w-]+)'", block("meson")))
    assert asked <= packages == {"inlay", "inlay-cli", "inlay-tool"}
