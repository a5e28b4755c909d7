"""README.md: its transcript is what the demo shows, its lines are those of an example."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Iterator

import pages
import psycopg
import pytest
from conftest import AppFactory
from harness.program import Builder
from harness.server import ADMIN, Server

PAGE = pages.load(pages.TOP / "README.md")
TEXT = PAGE.named("text")


def block(language: str) -> str:
    (found,) = [b.text for b in PAGE.blocks if (b.language, b.name) == (language, "")]
    return found


def timeless(line: str) -> str:
    """Without what is different each time."""
    line = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+\S*", "TIME", line)
    line = re.sub(r"\d+(\.\d)? m?s\b", "N ms", line)
    line = re.sub(r"(127\.0\.0\.1):\d+", r"\1:PORT", line)
    return re.sub(r" +", " ", line)


def is_shown(shown: list[str], real: list[str]) -> bool:
    """The same lines, but for stretches that the page leaves out with a line of dots."""
    pattern = "".join(
        r"(?:.*\n)*" if line == "..." else re.escape(timeless(line)) + r"\n" for line in shown
    )
    return re.fullmatch(pattern, "".join(timeless(line) + "\n" for line in real)) is not None


def runs_of(text: str) -> list[list[str]]:
    """Each command with what it printed. A line that is empty ends that."""
    runs = re.findall(r"^\$ .*(?:\n(?!\$ ).+)*", text, re.MULTILINE)
    return [run.splitlines() for run in runs]


@pytest.fixture
def demonstration(server: Server, tmp_path: Path) -> Iterator[str]:
    """What the demo prints, from the build under test."""
    admin = server.admin_url()
    env = {**os.environ, "PGUSER": ADMIN, "PGDATABASE": ADMIN, "PGHOST": str(server.directory)}
    command = [str(pages.TOP / "tools" / "demo"), str(tmp_path), os.environ["INLAY_BUILD"]]
    done = subprocess.run(
        command,
        env={**env, "PGPORT": str(server.port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS shop WITH (FORCE)")
        connection.execute("DROP ROLE IF EXISTS shop")
    assert done.returncode == 0, done.stdout
    yield done.stdout


def test_the_demo(demonstration: str) -> None:
    """The page shows some of its commands, in their order."""
    real = iter(runs_of(demonstration))
    for shown in runs_of(TEXT["demo"]) + runs_of(TEXT["versions"]):
        assert any(is_shown(shown, run) for run in real), f"{shown}\n{demonstration}"


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
    (only,) = re.findall(r"`(return inlay_main.*)`", PAGE.prose)
    assert only in (pages.DOCS / "other-builds.md").read_text()


def test_installing(builder: Builder, tmp_path: Path) -> None:
    """What is installed, as first-steps.md does it, is what the lines for meson.build ask for."""
    commands = pages.load(pages.DOCS / "first-steps.md").named("sh")["install"].splitlines()
    setup, install = [shlex.split(line) for line in commands if line.startswith("meson ")]
    assert setup[:4] == ["meson", "setup", "inlay-build", "inlay"] and install[3] == "inlay-build"
    build = str(tmp_path / "build")
    for step in [
        [*setup[:2], build, str(builder.source), *setup[4:]],
        [*install[:3], build, *install[4:]],
    ]:
        step = [word.replace("$HOME", str(tmp_path)) for word in step]
        result = subprocess.run(step, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
    found = list((tmp_path / "inlay-0.1").rglob("*.pc"))
    (where,) = {path.parent for path in found}
    assert f'"{str(where).replace(str(tmp_path), "$HOME")}"' in commands[-1]
    packages = {path.stem for path in found}
    asked = set(re.findall(r"dependency\('([\w-]+)'", block("meson")))
    assert asked <= packages == {"inlay", "inlay-cli", "inlay-tool"}


def test_the_list_of_the_manual() -> None:
    """Every page, and no more than a screen or two in all, with what ./dev bench writes."""
    listed = {Path(link).name for link in PAGE.links if link.startswith("docs/")}
    assert listed >= {path.name for path in pages.DOCS.glob("*.md")}
    assert len(PAGE.text.splitlines()) <= 145
