"""Does the reference server start on a database that is up to date, and say that it is well? By the
script of docs/checking.md; Meson runs this as a test of its own."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pages
import pytest
from harness.database import Database
from harness.program import Program

SCRIPT = pages.load(pages.DOCS / "checking.md").named("sh")["boot"]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def boot(server: Program, directory: Path) -> subprocess.CompletedProcess[str]:
    script = directory / "boot.sh"
    script.write_text(SCRIPT.replace("8099", str(free_port())))
    script.chmod(0o755)
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": server.database.url}
    return subprocess.run(
        [script, server.path], env=env, capture_output=True, text=True, timeout=120
    )


@pytest.mark.sample
def test_up_to_date(reference_server: Program, tmp_path: Path) -> None:
    assert reference_server.run("--migrate-only").returncode == 0
    booted = boot(reference_server, tmp_path)
    assert booted.returncode == 0, booted.stderr
    assert booted.stdout.startswith("ready: 13 migrations, the newest is 013_add_ticket_codes")


def test_pending(reference_server: Program, database: Database, tmp_path: Path) -> None:
    booted = boot(reference_server, tmp_path)
    assert (booted.returncode, booted.stdout) == (3, "")
    assert database.value("SELECT to_regclass('applied_migrations') IS NULL")


def test_newer(reference_server: Program, database: Database, tmp_path: Path) -> None:
    assert reference_server.run("--migrate-only").returncode == 0
    database.execute("INSERT INTO applied_migrations (version, name) VALUES (99, 'later')")
    assert boot(reference_server, tmp_path).returncode == 4
