"""docs/going-back.md: the transcripts come out the same."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pages
from conftest import ProgramFactory
from harness.database import Database
from harness.program import Program
from outcomes import tables, versions
from terminal import Terminal, screen
from test_cli_docs import SOURCE, squeeze, transcript

BACK = pages.load(pages.DOCS / "going-back.md")

USERS = {
    "001_create_users.up.sql": "CREATE TABLE users (id bigint PRIMARY KEY, name text);\n",
    "001_create_users.down.sql": "DROP TABLE users;\n",
}
EMAIL = {
    "002_add_email.up.sql": "ALTER TABLE users ADD email text;\n",
    "002_add_email.down.sql": "ALTER TABLE users DROP email;\n",
}
ORDERS = {
    "003_create_orders.up.sql": "CREATE TABLE orders (id bigint PRIMARY KEY);\n",
    "003_create_orders.down.sql": "DROP TABLE orders;\n",
}
EVENTS = {
    "004_create_events.up.sql": "CREATE TABLE events (id bigint PRIMARY KEY);\n",
    "004_create_events.down.sql": "DROP TABLE events;\n",
}
EDITED = {
    **EVENTS,
    "004_create_events.up.sql": "CREATE TABLE events (id bigint PRIMARY KEY, at timestamptz);\n",
}
REWORDED = {"001_create_users.up.sql": "-- People.\n" + USERS["001_create_users.up.sql"]}
ALL = {**USERS, **EMAIL, **ORDERS, **EVENTS}
SURE = "? [y/N] "


class Transcripts(set[str]):
    """Those of a page. A line of dots in one stands for any lines."""

    def __contains__(self, said: object) -> bool:
        shortened = (block.split("\n...\n") for block in self)
        return any(
            re.fullmatch("\n(?:.*\n)*".join(map(re.escape, parts)), str(said))
            for parts in shortened
        )


def blocks(page: pages.Page) -> Transcripts:
    found = re.findall(r"(?:^    .*\n)+", page.prose, re.MULTILINE)
    return Transcripts(squeeze(re.sub("^    ", "", block, flags=re.MULTILINE)) for block in found)


def at_terminal(program: Program, command: str, answer: str) -> str:
    """What is on the screen in the end."""
    terminal = Terminal(program, *command.split(), env={"TERM": "xterm"}, columns=250)
    if answer:
        terminal.read_until(SURE)
        terminal.press(f"{answer}\n".encode())
    status = terminal.finish()
    lines = [line for line in screen(terminal.seen) if line]
    lines = [f"$ ./server {command}", *lines]
    return squeeze(
        "\n".join([*lines, *([f"[exit status {status}]"] if status else [])]).replace(
            program.database.name, "shop"
        )
    )


def test_transcripts_of_going_back(program: ProgramFactory) -> None:
    server = program(SOURCE, ALL)
    edited = program(SOURCE, {**ALL, **EDITED})
    reworded = program(SOURCE, {**ALL, **EDITED, **REWORDED})
    assert program(SOURCE, {**USERS, **EMAIL}).run("--migrate-only").returncode == 0
    assert server.run("--migrate-only").returncode == 0
    written = blocks(BACK)
    for made, command, answer in [
        (server, "--migrate-down batch", "y"),
        (server, "--migrate-to 3", None),
        (server, "--migrate-to 2 --migrate-yes", ""),
        (server, "--migrate-only", None),
        (edited, "--migrate-only", ""),
        (edited, "--migrate-redo", "y"),
        (reworded, "--migrate-accept 1", ""),
    ]:
        if answer is None:
            assert made.run(*command.split()).returncode == 0
        else:
            assert at_terminal(made, command, answer) in written, command


def test_transcripts_of_keeping_the_way_back(program: ProgramFactory, database: Database) -> None:
    """Up to following them by hand."""
    orders = {name.replace("003", "3"): text for name, text in ORDERS.items()}
    assert (
        program(SOURCE, {**USERS, **EMAIL, **orders})
        .run("--migrate-only", "--migrate-keep-down")
        .returncode
        == 0
    )
    server = program(SOURCE, {**USERS, **EMAIL})
    written = blocks(BACK)
    for command in ("--migrate-down 1 --migrate-yes", "--migrate-show 3"):
        assert squeeze(transcript(server, command)) in written, command
    text = BACK.named("sh")["by-hand"].replace("./server", str(server.path))
    path = f"{Path(database.server.program('psql')).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-e"], input=text, text=True, env={"PATH": path, "DATABASE_URL": database.url}
    )
    assert done.returncode == 0 and tables(database) == {"users"} and versions(database) == [1, 2]
