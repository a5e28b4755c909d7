"""`inlay scratch`: a command with a PostgreSQL of its own, which is gone afterwards whatever ends
the one or the other."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable

import psycopg
import pytest

from harness.database import Database
from harness.program import Builder, Program
from harness.server import ADMIN, find_bindir
from outcomes import read_line, wait_until
from terminal import Terminal

SCRATCH = ("scratch", "--pg", str(find_bindir()), "--")

# Prints where its database is, then the signals that it gets; ends with the second kind of them.
COUNTS = """
import os, signal
def told(number, frame):
    os.write(1, signal.Signals(number).name.encode() + b"\\n")
    if number == signal.SIGTERM:
        os._exit(5)
signal.signal(signal.SIGINT, told)
signal.signal(signal.SIGTERM, told)
print(os.environ["PGHOST"], flush=True)
while True:
    signal.pause()
"""
WAITS = ("sh", "-c", "echo $PGHOST; exec sleep 600")


@pytest.fixture
def tool(adopt: Callable[[Path], Program], builder: Builder) -> Program:
    """The generator."""
    (path,) = builder.generator
    return adopt(Path(path))


def processes_in(directory: Path) -> list[int]:
    """That have it as the root of where they work, or in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            works = os.readlink(process / "cwd")
            called = (process / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if works.startswith(str(directory)) or os.fsencode(directory) in called:
            found.append(int(process.name))
    return found


def is_gone(directory: Path) -> bool:
    return not directory.exists() and processes_in(directory) == []


def guardian_of(pid: int) -> int:
    """The first child of `inlay scratch`; 0 before it is there."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        called = [(int(c), Path(f"/proc/{c}/cmdline").read_bytes()) for c in children]
    except FileNotFoundError:
        return 0
    return next((child for child, line in called if b"\0guardian\0" in line), 0)


def directory_of(guardian: int) -> Path:
    return Path(os.fsdecode(Path(f"/proc/{guardian}/cmdline").read_bytes().split(b"\0")[-2]))


# ---- the command ----


def environment_in(tool: Program, *scratch: str, url: str, **env: str) -> dict[str, str]:
    """Of a command, which also looks whether libpq and DATABASE_URL come to the same empty
    database."""
    look = (
        "import json, os, psycopg\n"
        "query = 'SELECT pg_postmaster_start_time()::text, current_database(),"
        " (SELECT count(*) FROM pg_tables WHERE schemaname = $$public$$)'\n"
        "found = [psycopg.connect(to).execute(query).fetchone()"
        " for to in ('', os.environ['DATABASE_URL'])]\n"
        "assert found[0] == found[1] and found[0][2] == 0, found\n"
        "print(json.dumps(dict(os.environ)))"
    )
    process = tool.start(*scratch, sys.executable, "-c", look, url=url, env=env)
    out, err = process.communicate()
    assert process.returncode == 0, err
    seen: dict[str, str] = json.loads(out)
    return seen


def test_a_command_gets_an_empty_database(tool: Program) -> None:
    seen = environment_in(tool, *SCRATCH, url="")
    assert (seen["PGPORT"], seen["PGUSER"], seen["PGDATABASE"]) == ("5432", ADMIN, ADMIN)
    assert is_gone(Path(seen["PGHOST"]))


def test_nothing_of_the_callers_leads_elsewhere(tool: Program) -> None:
    env = {"PGHOSTADDR": "192.0.2.1", "PGSERVICE": "x", "PGOPTIONS": "-c a.b=c", "PG_COLOR": "auto"}
    seen = environment_in(
        tool, *SCRATCH, url="postgresql://nowhere/x", DATABASE_URL="postgresql:///y", **env
    )
    libpq = {name for name in seen if name.startswith("PG")}
    assert libpq == {"PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PG_COLOR"}
    assert "INLAY_DATABASE_URL" not in seen


def test_the_server_is_fast_and_alone(tool: Program) -> None:
    ask = 'for s in fsync full_page_writes listen_addresses; do psql -Atc "SHOW $s"; done'
    assert tool.run(*SCRATCH, "sh", "-c", ask).stdout == "off\noff\n\n"


@pytest.mark.parametrize(
    "does, status", [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)]
)
def test_the_exit_status_is_the_commands(tool: Program, does: str, status: int) -> None:
    done = tool.run(*SCRATCH, "sh", "-c", f"echo $PGHOST; cat; {does}", stdin="read\n")
    directory, read = done.stdout.splitlines()
    assert (done.returncode, done.stderr, read) == (status, "", "read")
    assert is_gone(Path(directory))


def test_a_caller_that_ignores_the_end_of_processes(builder: Builder) -> None:
    """As some that start tests do: then no exit status would be told."""
    command = [*builder.generator, *SCRATCH, "sh", "-c", "exit 7"]

    def ignore() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    assert subprocess.run(command, preexec_fn=ignore).returncode == 7


def test_a_command_that_cannot_be_executed(tool: Program, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    (tmp_path / "strange").write_text("#!/nowhere/sh\n")
    (tmp_path / "strange").chmod(0o755)
    (tmp_path / "garbage").write_bytes(b"\x7fELF garbage")
    (tmp_path / "garbage").chmod(0o755)
    for name, status, said in (
        ("no-such-command", 127, "no-such-command: command not found"),
        (f"{tmp_path}/none", 127, f"{tmp_path}/none: command not found"),
        (f"{tmp_path}/plain", 126, f"{tmp_path}/plain: cannot be executed"),
        (f"{tmp_path}/strange", 126, f"{tmp_path}/strange: No such file or directory"),
        (f"{tmp_path}/garbage", 126, f"{tmp_path}/garbage: Exec format error"),
    ):
        done = tool.run(*SCRATCH, name)
        assert (done.returncode, done.stderr) == (status, f"inlay: error: {said}\n")


@pytest.mark.parametrize(
    "initdb, said",
    [
        (b"#!/bin/sh\necho no room here >&2; exit 1\n", "initdb failed:\nno room here"),
        (b"\x7fELF", r"\S+/initdb: does not start( as user \w+)?: Exec format error"),
    ],
)
def test_a_server_that_does_not_start(tool: Program, initdb: bytes, said: str) -> None:
    """What its programs say is shown."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        place = Path(name)
        place.chmod(0o755)
        for program in ("initdb", "postgres"):
            (place / program).write_bytes(initdb)
            (place / program).chmod(0o755)
        done = tool.run("scratch", "--pg", name, "--", "true")
    assert done.returncode == 1
    assert re.fullmatch(f"inlay: error: {said}\n", done.stderr)


# ---- its end ----


def test_a_signal_is_passed_on_once(tool: Program) -> None:
    process = tool.start(*SCRATCH, sys.executable, "-c", COUNTS)
    directory = Path(read_line(process.stdout).strip())
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
        process.send_signal(number)
        assert read_line(process.stdout).strip() == signal.Signals(number).name
    assert process.wait(60) == 5
    assert is_gone(directory)


def test_an_interrupt_at_the_keyboard_comes_once(tool: Program) -> None:
    terminal = Terminal(tool, *SCRATCH, sys.executable, "-c", COUNTS, env={"TERM": "xterm"})
    terminal.read_until("\n")
    directory = Path(terminal.seen.strip())
    terminal.press(b"\x03")
    terminal.read_until("SIGINT")
    terminal.process.terminate()
    assert terminal.finish() == 5
    assert terminal.seen.replace("^C", "").split() == [str(directory), "SIGINT", "SIGTERM"]
    wait_until(lambda: is_gone(directory))


def test_a_terminal_that_is_closed(tool: Program) -> None:
    terminal = Terminal(tool, *SCRATCH, *WAITS, env={"TERM": "xterm"})
    terminal.read_until("\n")
    directory = Path(terminal.seen.strip())
    terminal.close()
    wait_until(lambda: is_gone(directory))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_kill_ends_the_command_and_the_server(tool: Program, number: int) -> None:
    process = tool.start(*SCRATCH, "sh", "-c", "echo $$ $PGHOST; exec sleep 600")
    command, directory = read_line(process.stdout).split()
    process.send_signal(number)
    process.wait(60)
    wait_until(lambda: is_gone(Path(directory)))
    wait_until(lambda: not Path(f"/proc/{command}/cwd").exists())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_kill_while_the_server_is_made(tool: Program, number: int) -> None:
    process = tool.start(*SCRATCH, "true")
    wait_until(lambda: guardian_of(process.pid))
    directory = directory_of(guardian_of(process.pid))
    wait_until((directory / "data" / "base").exists)
    process.send_signal(number)
    assert process.wait(60) == -number
    wait_until(lambda: is_gone(directory))
    assert process.stderr is not None and process.stderr.read() == ""


def test_a_guardian_that_was_killed_is_done_without(tool: Program) -> None:
    process = tool.start(*SCRATCH, sys.executable, "-c", COUNTS)
    directory = Path(read_line(process.stdout).strip())
    os.kill(guardian_of(process.pid), signal.SIGKILL)
    assert tool.run(*SCRATCH, "true").returncode == 0
    assert directory.exists(), "another start took it for left"
    process.terminate()
    assert process.wait(60) == 5
    assert is_gone(directory)


def test_the_next_start_clears_what_was_left(tool: Program) -> None:
    process = tool.start(*SCRATCH, "sh", "-c", "echo $$ $PGHOST; exec sleep 600")
    command, place = read_line(process.stdout).split()
    directory = Path(place)
    guardian = guardian_of(process.pid)
    os.kill(guardian, signal.SIGSTOP)
    process.kill()
    process.wait(60)
    os.kill(guardian, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{guardian}/cwd").exists())
    assert tool.run(*SCRATCH, "true").returncode == 0
    assert is_gone(directory)
    os.kill(int(command), signal.SIGKILL)


# ---- a database that is there ----


def test_a_given_database(tool: Program, database: Database) -> None:
    database.admin("CREATE EXTENSION pg_trgm SCHEMA public")
    url = database.tcp_url
    seen = environment_in(tool, "scratch", "--url", url, "--", url="postgresql://nowhere/x",
                          PGPASSWORD=psycopg.conninfo.conninfo_to_dict(url)["password"],
                          PGHOST="/nowhere", PGDATABASE="nowhere", PGSERVICE="nowhere")  # fmt: skip
    assert seen["DATABASE_URL"] == url and "INLAY_DATABASE_URL" not in seen
    assert (seen["PGHOST"], seen["PGDATABASE"]) == ("127.0.0.1", database.name)
    assert database.value("SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'") == 1


@pytest.mark.parametrize(
    "made, held",
    [
        ("CREATE TABLE t ()", "table public.t"),
        ("CREATE VIEW v AS SELECT 1", "view public.v"),
        ("CREATE TYPE e AS ENUM ()", "type public.e"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "function public.f"),
        ("CREATE SEQUENCE s", "sequence public.s"),
        ('CREATE SCHEMA "A"; CREATE TABLE "A"."B" ()', 'table "A"."B"'),
        (
            "CREATE TABLE a (); CREATE TABLE b (); CREATE TABLE c (); CREATE TABLE d ()",
            "table public.a, table public.b, table public.c and 1 more",
        ),
    ],
)
def test_a_database_that_holds_something(
    tool: Program, database: Database, made: str, held: str
) -> None:
    database.execute(made)
    done = tool.run("scratch", "--url", database.url, "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error: database {database.name} is not empty: {held}" in done.stderr


def test_a_given_database_that_is_not_there(tool: Program, database: Database) -> None:
    gone = database.server.url(database.role, "not_there")
    done = tool.run("scratch", "--url", gone, "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (1, "")
    assert "inlay: error: the database of --url cannot be looked at: " in done.stderr
    assert 'database "not_there" does not exist' in done.stderr


def test_a_given_database_without_psql(builder: Builder, tmp_path: Path) -> None:
    (tmp_path / "true").symlink_to("/bin/true")
    done = subprocess.run(
        [*builder.generator, "scratch", "--url", "postgresql:///x", "--", "true"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.endswith("is empty: apt-get install postgresql-client\n")
