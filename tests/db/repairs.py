"""Running the repairs that the manual offers: something is wrong, a block of a page is run by psql
as its reader would, and the next run completes."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass, field
from typing import Callable, Mapping, Union

from conftest import AppFactory
from harness.database import Database
from harness.program import Files, Program
from harness.server import Server

FileText = Union[str, bytes]

ACCOUNTS = {"001_create_accounts.sql": "CREATE TABLE accounts ();\n"}
MEMBERS = {"002_create_members.sql": "CREATE TABLE members ();\n"}
TICKETS = {"003_create_tickets.sql": "CREATE TABLE tickets (id integer);\n"}
ALL: Mapping[str, FileText] = {**ACCOUNTS, **MEMBERS, **TICKETS}


def psql(server: Server, text: str, url: str) -> str:
    """Runs statements as a reader would; returns what psql printed."""
    command = [server.program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", url]
    result = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


class Stage:
    """A database and the programs that work on it."""

    def __init__(self, app: AppFactory, database: Database) -> None:
        self.app = app
        self.database = database
        self.kept: list[object] = []  # connections that stay open as long as the stage
        # What a reader would replace in a block, and what by.
        self.words = {
            "app": database.name,
            "app_owner": database.role,
            "app_service": f"{database.name}_service",
        }

    def apply(self, files: Files, *options: str) -> None:
        result = self.app(files).run("--only", *options)
        assert result.returncode == 0, result.stderr

    def fail(self, files: Files) -> None:
        assert self.app(files).run("--only").returncode == 1

    def psql(self, text: str, url: str) -> str:
        """Runs the statements of a page."""
        for word, replacement in self.words.items():
            text = re.sub(rf"\b{word}\b", replacement, text)
        return psql(self.database.server, text, url)


@dataclass(frozen=True)
class Repair:
    """A repair under test: `status` is the exit status before it."""

    status: int
    breakage: Callable[[Stage], None]
    files: Files = field(default_factory=lambda: ALL)
    options: tuple[str, ...] = ()  # of both runs
    options_after: tuple[str, ...] = ()
    embed: tuple[str, ...] = ()  # of the generator
    service: bool = False  # the service runs the program, not the owner
    superuser: bool = False  # a superuser runs the block, not the owner
    after: Callable[[Stage], None] = lambda stage: None


def run(repair: Repair, block: str, stage: Stage) -> str:
    """Proves a repair: SQL, a command of the program or, if there is neither, the statements of the
    hint. Returns what the refused run said."""
    repair.breakage(stage)
    program = stage.app(repair.files, embed=repair.embed)
    database = stage.database
    url = database.url_for(stage.words["app_service"]) if repair.service else database.url
    refused = program.run("--only", *repair.options, url=url)
    assert refused.returncode == repair.status, refused.stderr
    block = block or " ".join(re.findall(r"(?:GRANT|CREATE) [^;]*;", refused.stderr))
    if block.startswith("./server "):
        command = program.run(*shlex.split(block)[1:], url=url)
        assert command.returncode == 0, command.stderr
    else:
        stage.psql(block, database.admin_url if repair.superuser else database.url)
    options = (*repair.options, *repair.options_after)
    _complete(program, options, url)
    repair.after(stage)
    return refused.stderr


def _complete(program: Program, options: tuple[str, ...], url: str) -> None:
    for verb in ("--only", "--check"):
        result = program.run(verb, *options, url=url)
        assert result.returncode == 0, result.stderr
