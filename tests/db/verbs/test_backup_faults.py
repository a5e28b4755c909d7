"""--backup where something goes wrong: nothing is applied, and nothing half made is left."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import subprocess
import time
from pathlib import Path
from typing import Callable, Iterator, Mapping

import pytest

from backups import HELD, NAME, SLOW, STUBBORN, Tools, backups as whole
from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from outcomes import advisory_locks, assert_prompt, backends, finish, migrate, tables, versions
from outcomes import wait_until
from terminal import Terminal, screen
from ways import table

pytestmark = pytest.mark.pg_dump

TWO = {**table(1, "a"), **table(2, "b")}
THREE = {**TWO, **table(3, "c")}


@pytest.fixture
def tools(database: Database, tmp_path: Path) -> Tools:
    return Tools(database.server, tmp_path)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "kept"
    made.mkdir()
    return made


@pytest.fixture
def program(app: AppFactory) -> Program:
    """Two of its three migrations are applied."""
    migrate(app(TWO))
    return app(THREE)


def assert_untouched(database: Database, directory: Path) -> None:
    assert versions(database) == [1, 2] and tables(database) == {"a", "b"}
    assert advisory_locks(database) == 0
    assert list(directory.iterdir()) == []


# ---- no pg_dump that can do it ----


def test_older(program: Program, database: Database, tools: Tools, directory: Path) -> None:
    script = 'echo "pg_dump (PostgreSQL) 9.6.24"'
    env = {**tools.write(script), "INLAY_BACKUP_DIR": str(directory)}
    outcome = migrate(program, "--backup-required", env=env)
    assert outcome.exit == 7 and "PATH" in outcome.error["hint"]
    assert_untouched(database, directory)
    outcome = migrate(program, env=env)
    assert (outcome.exit, outcome.applied) == (0, [3])
    assert any("continuing without a backup: " in warning for warning in outcome.warnings)
    assert list(directory.iterdir()) == []


# What pg_dump does, and what is said of it.
BROKEN = {
    "speechless": ("true", " does not say its version"),
    "another": ('echo "not installed; see (the manual)"', " does not say its version"),
    "failing": ('echo "no library" >&2; exit 127', " --version ended with status 127"),
    "crashing": ("kill -SEGV $$", " --version was ended by signal 11"),
}


@pytest.mark.parametrize("script, says", BROKEN.values(), ids=BROKEN)
def test_one_that_does_not_work(
    program: Program, database: Database, tools: Tools, directory: Path, script: str, says: str
) -> None:
    """Required or not; --no-backup is the way out."""
    env = {**tools.write(script), "INLAY_BACKUP_DIR": str(directory)}
    for words in ((), ("--backup-required",)):
        outcome = migrate(program, *words, env=env)
        assert outcome.exit == 7 and outcome.error["message"].endswith("/pg_dump" + says)
        assert outcome.error["outcome"] == "there is no backup, and nothing was changed"
        assert outcome.error["hint"].endswith("--no-backup")
        assert outcome.error["detail"] == ("no library" if "library" in script else None)
        assert_untouched(database, directory)
    assert migrate(program, "--no-backup", env=env).applied == [3]


def test_one_without_its_interpreter(
    program: Program, database: Database, tools: Tools, directory: Path
) -> None:
    """It is there, though running it says that there is no such file."""
    env = {**tools.write("true"), "INLAY_BACKUP_DIR": str(directory)}
    Path(env["PATH"].split(":")[0], "pg_dump").write_text("#!/nowhere/sh\n")
    outcome = migrate(program, env=env)
    assert outcome.exit == 7 and "/pg_dump --version ended with" in outcome.error["message"]
    assert_untouched(database, directory)


def test_missing(program: Program, database: Database, directory: Path) -> None:
    env = {"PATH": str(directory), "INLAY_BACKUP_DIR": str(directory)}
    assert migrate(program, "--backup-required", env=env).exit == 7
    assert_untouched(database, directory)
    outcome = migrate(program, env=env)
    assert outcome.applied == [3] and "there is no pg_dump in PATH" in outcome.warnings[0]


@pytest.mark.parametrize("script", ["exec sleep 1000", "sleep 1000 & echo $! >{notes}/slow; wait"])
def test_one_that_hangs(
    program: Program, database: Database, tools: Tools, directory: Path, script: str
) -> None:
    """Nothing that it has started stays."""
    env = {**tools.write(script), "INLAY_BACKUP_DIR": str(directory)}
    began = time.monotonic()
    outcome = migrate(program, env=env)
    assert_prompt(began, 20)
    assert outcome.exit == 7 and "did not end within 10 s" in outcome.error["message"]
    assert_untouched(database, directory)
    if "notes" in script:
        assert not runs(pid_of(tools))


def test_newer(program: Program, tools: Tools, directory: Path) -> None:
    script = '[ "$1" = --version ] && echo "pg_dump (PostgreSQL) 99beta1" && exit\nexec {real} "$@"'
    env = {**tools.write(script), "INLAY_BACKUP_DIR": str(directory)}
    assert migrate(program, "--backup-required", env=env).exit == 0
    assert len(whole(directory)) == 1


# ---- nowhere to write to ----


def test_the_directory_is_missing(
    program: Program, database: Database, tools: Tools, directory: Path
) -> None:
    """It is not made: a mount that is missing would be hidden by it. The way out works."""
    missing = directory / "it's there" / "not"
    outcome = migrate(program, "--backup", str(missing), env=tools.real())
    assert outcome.exit == 7
    assert_untouched(database, directory)
    subprocess.run(outcome.error["hint"], shell=True, check=True)
    assert migrate(program, "--backup", str(missing), env=tools.real()).exit == 0
    assert len(whole(missing)) == 1 and missing.stat().st_mode & 0o777 == 0o700


def test_not_a_directory(
    program: Program, database: Database, tools: Tools, directory: Path, tmp_path: Path
) -> None:
    for path in (tmp_path / "file", Path("/proc/self/fd")):
        if path.parent == tmp_path:
            path.write_text("")
        outcome = migrate(program, "--backup", str(path), env=tools.real())
        assert outcome.exit == 7 and str(path) in outcome.error["message"]
        assert_untouched(database, directory)


def limit_files() -> None:
    """Nobody may write more than 4 kB into a file: what a full disk does, without being root."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def fill(database: Database) -> None:
    rows = "SELECT md5(n::text) AS text FROM generate_series(1, 20000) AS n"
    database.execute(f"CREATE TABLE filled AS {rows}")


def test_no_more_room(program: Program, database: Database, tools: Tools, directory: Path) -> None:
    fill(database)
    env = {**tools.real(), "INLAY_BACKUP_DIR": str(directory)}
    process = program.start("--only", "--json", env=env, preexec_fn=limit_files)
    outcome = finish(process)
    assert outcome.exit == 7 and "pg_dump: error" in outcome.error["detail"]
    database.execute("DROP TABLE filled")
    assert_untouched(database, directory)
    assert migrate(program, env=env).applied == [3] and len(whole(directory)) == 1


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB, for those who may mount one; test_no_more_room is for the others."""
    mount = ctypes.CDLL(None, use_errno=True).mount
    path = tmp_path / "disk"
    path.mkdir()
    if mount(b"none", str(path).encode(), b"tmpfs", 0, b"size=64k") != 0:
        pytest.skip(f"no file system of one's own: {os.strerror(ctypes.get_errno())}")
    yield path
    subprocess.run(["umount", str(path)], check=True)


@pytest.mark.sample
def test_a_full_disk(program: Program, database: Database, tools: Tools, full_disk: Path) -> None:
    fill(database)
    older = full_disk / f"20200101T000000Z_{database.name}_before_1.sql.gz"
    older.write_bytes(b"old")
    outcome = migrate(program, "--backup", str(full_disk), "--backup-keep=1", env=tools.real())
    assert outcome.exit == 7 and "No space left on device" in outcome.error["detail"]
    assert versions(database) == [1, 2] and list(full_disk.iterdir()) == [older]


# ---- pg_dump fails ----

FAILING = {
    "at once": "exit 3",
    "half way": "echo begun; echo 'pg_dump: error: it broke' >&2; exit 1",
    "by a signal": "echo begun; kill -SEGV $$",
    "with nothing written": "exit 0",
    "with plain text": "echo '-- not compressed'",
}


@pytest.mark.parametrize("script", FAILING.values(), ids=FAILING)
def test_failing(
    program: Program, database: Database, tools: Tools, directory: Path, script: str
) -> None:
    """Required or not: a dump that was begun and failed is no reason to go on."""
    version = '[ "$1" = --version ] && exec {real} --version\n'
    env = {**tools.write(version + script), "INLAY_BACKUP_DIR": str(directory)}
    older = directory / f"20200101T000000Z_{database.name}_before_1.sql.gz"
    older.write_text("old")
    outcome = migrate(program, "--backup-keep", "1", env=env)
    assert outcome.exit == 7
    assert outcome.error["outcome"] == "there is no backup, and nothing was changed"
    if "it broke" in script:
        assert outcome.error["detail"] == "pg_dump: error: it broke"
    assert older.read_text() == "old"
    older.unlink()
    assert_untouched(database, directory)
    env.update(tools.real())
    assert migrate(program, env=env).applied == [3]


def test_a_role_that_may_not_read_all(
    program: Program, database: Database, tools: Tools, directory: Path
) -> None:
    database.admin("CREATE TABLE secret ()", f"REVOKE ALL ON secret FROM {database.role}")
    env = {**tools.real(), "INLAY_BACKUP_DIR": str(directory)}
    outcome = migrate(program, env=env)
    assert outcome.exit == 7 and "permission denied for table secret" in outcome.error["detail"]
    database.admin("DROP TABLE secret")
    assert_untouched(database, directory)


# ---- stopping ----


def default_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def start(program: Program, env: Mapping[str, str]) -> subprocess.Popen[str]:
    return program.start("--only", "--json", env=env, preexec_fn=default_signals)


def pid_of(tools: Tools) -> int:
    """Of the stand-in, once it runs."""
    wait_until(lambda: (tools.notes / "slow").exists(), "for pg_dump to begin")
    return int(tools.note("slow")[0])


def runs(pid: int) -> bool:
    return Path(f"/proc/{pid}/exe").exists()


ANOTHER = SLOW.replace("exec sleep 1000", "").replace("echo $$", "sleep 1000 & echo $!") + "wait\n"


@pytest.mark.parametrize("script", [SLOW, ANOTHER], ids=["itself", "what it has started"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_dump(
    program: Program, database: Database, tools: Tools, directory: Path, number: int, script: str
) -> None:
    env = {**tools.write(script), "INLAY_BACKUP_DIR": str(directory)}
    process = start(program, env)
    pid = pid_of(tools)
    assert [path.name.endswith(".part") for path in directory.iterdir()] == [True]
    process.send_signal(number)
    outcome = finish(process)
    assert (outcome.exit, outcome.code) == (128 + number, "stopped")
    assert not runs(pid)
    assert_untouched(database, directory)
    assert migrate(program, env={**env, **tools.real()}).applied == [3]


@pytest.fixture
def held_table(database: Database, program: Program) -> Iterator[Callable[[], None]]:
    """pg_dump waits for a table that somebody has locked."""
    with database.connect() as connection:
        connection.execute("LOCK TABLE a IN ACCESS EXCLUSIVE MODE")
        yield connection.rollback


WAITS = "query LIKE 'LOCK TABLE%' AND wait_event_type = 'Lock' AND application_name = 'pg_dump'"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_real_dump(
    program: Program,
    database: Database,
    tools: Tools,
    directory: Path,
    held_table: Callable[[], None],
    number: int,
) -> None:
    env = {**tools.real(), "INLAY_BACKUP_DIR": str(directory)}
    process = start(program, env)
    wait_until(lambda: backends(database, WAITS) == 1, "for pg_dump to wait")
    process.send_signal(number)
    assert finish(process).exit == 128 + number
    wait_until(lambda: backends(database, "application_name = 'pg_dump'") == 0)
    held_table()
    assert_untouched(database, directory)


def test_it_waits_for_a_lock_and_goes_on(
    program: Program,
    database: Database,
    tools: Tools,
    directory: Path,
    held_table: Callable[[], None],
) -> None:
    process = start(program, {**tools.real(), "INLAY_BACKUP_DIR": str(directory)})
    wait_until(lambda: backends(database, WAITS) == 1, "for pg_dump to wait")
    assert process.poll() is None and versions(database) == [1, 2]
    held_table()
    assert finish(process).applied == [3] and len(whole(directory)) == 1


def test_it_does_not_wait_for_a_lock_for_ever(
    program: Program,
    database: Database,
    tools: Tools,
    directory: Path,
    held_table: Callable[[], None],
) -> None:
    environment = {**tools.real(), "INLAY_BACKUP_DIR": str(directory)}
    outcome = migrate(program, "--lock-wait=0", env=environment)
    assert outcome.exit == 7 and outcome.error["message"] == "pg_dump failed"
    assert "LOCK TABLE" in outcome.error["detail"]
    assert outcome.error["hint"] == (
        "another session has locked this table for 1 s: let it finish and run again, or wait "
        "longer with --migrate-lock-wait"
    )
    assert_untouched(database, directory)


def test_one_that_does_not_want_to_end(
    program: Program, database: Database, tools: Tools, directory: Path
) -> None:
    """It is killed in the end."""
    process = start(program, {**tools.write(STUBBORN), "INLAY_BACKUP_DIR": str(directory)})
    pid = pid_of(tools)
    process.terminate()
    assert finish(process).exit == 143 and not runs(pid)
    assert_untouched(database, directory)


def is_free(path: Path) -> bool:
    """Does nobody write it any more?"""
    with open(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_a_second_signal_ends_at_once(
    program: Program, database: Database, tools: Tools, directory: Path
) -> None:
    env = {**tools.write(STUBBORN), "INLAY_BACKUP_DIR": str(directory)}
    process = start(program, env)
    pid = pid_of(tools)
    try:
        process.terminate()
        wait_until(lambda: (tools.notes / "told").exists(), "for the word to be passed on")
        process.terminate()
        assert process.wait(4) == 143
    finally:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: advisory_locks(database) == 0)
    assert versions(database) == [1, 2]
    # What it left is cleared away by the next one, once what the script had started is gone too.
    wait_until(lambda: all(is_free(path) for path in directory.iterdir()))
    assert migrate(program, env={**env, **tools.real()}).applied == [3]
    assert [path.name for path in directory.iterdir()] == whole(directory)


def test_killed_in_the_dump(
    program: Program, database: Database, tools: Tools, directory: Path
) -> None:
    """pg_dump goes with us, and what it leaves is cleared away."""
    env = {**tools.write(SLOW), "INLAY_BACKUP_DIR": str(directory)}
    process = start(program, env)
    pid = pid_of(tools)
    process.kill()
    process.wait()
    wait_until(lambda: not runs(pid), "for pg_dump to end")
    wait_until(lambda: advisory_locks(database) == 0)
    assert len(list(directory.iterdir())) == 1 and whole(directory) == []
    assert versions(database) == [1, 2]
    outcome = migrate(program, env={**env, **tools.real()})
    assert outcome.applied == [3]
    assert [path.name for path in directory.iterdir()] == whole(directory)


def test_the_connection_is_lost_meanwhile(
    program: Program, database: Database, tools: Tools, directory: Path
) -> None:
    """The run connects again and goes on; it has its backup."""
    env = {**tools.write(HELD), "INLAY_BACKUP_DIR": str(directory)}
    process = start(program, env)
    pid_of(tools)
    ours = "application_name = 'inlay'"
    database.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = current_database() AND {ours}"
    )
    wait_until(lambda: backends(database, ours) == 0)
    (tools.notes / "go").write_text("")
    outcome = finish(process)
    assert (outcome.exit, outcome.applied) == (0, [3])
    assert any("connecting again" in warning for warning in outcome.warnings)
    assert len(whole(directory)) == 1


def test_what_is_made_before_a_reset_drops_it(
    program: Program, database: Database, tools: Tools, directory: Path
) -> None:
    """It would be dropped, and it is not in the backup."""
    env = {**tools.write(HELD), "INLAY_BACKUP_DIR": str(directory)}
    words = ("--reset", f"--yes={database.name}", "--json")
    process = program.start(*words, env=env)
    pid_of(tools)
    database.execute("CREATE TABLE late ()")
    (tools.notes / "go").write_text("")
    outcome = finish(process)
    assert (outcome.exit, outcome.code) == (7, "refused")
    assert "changed while the reset was prepared" in outcome.error["message"]
    assert outcome.error["outcome"] == "nothing was dropped"
    assert database.value("SELECT to_regclass('late')") == "late" and versions(database) == [1, 2]
    assert program.run(*words, env={**env, **tools.real()}).returncode == 0
    assert database.value("SELECT to_regclass('late')") is None


# ---- on a terminal ----


def test_it_is_drawn(program: Program, tools: Tools, directory: Path) -> None:
    env = {**tools.write(HELD), "INLAY_BACKUP_DIR": str(directory), "TERM": "xterm"}
    terminal = Terminal(program, "--only", env=env, columns=200)
    terminal.read_until("\rbackup, 0 bytes, ")
    (tools.notes / "go").write_text("")
    assert terminal.finish() == 0
    lines = [line for line in screen(terminal.seen) if line]
    assert lines[0] == "making a backup"
    assert lines[1].startswith(f"backup {directory}/") and lines[2].startswith("applied 003_c")
    assert NAME.search(lines[1])


def test_it_may_ask_on_the_terminal(program: Program, tools: Tools, directory: Path) -> None:
    """As ssh and sudo do."""
    asking = '[ "$1" = --version ] || read word </dev/tty\n' + 'exec {real} "$@"\n'
    env = {**tools.write(asking), "INLAY_BACKUP_DIR": str(directory), "TERM": "xterm"}
    terminal = Terminal(program, "--only", env=env, columns=200)
    terminal.read_until("\rbackup, 0 bytes, ")
    terminal.press(b"secret\n")
    assert terminal.finish() == 0 and len(whole(directory)) == 1


def test_the_interrupt_key(
    program: Program, database: Database, tools: Tools, directory: Path
) -> None:
    """It reaches pg_dump too."""
    env = {**tools.write(SLOW), "INLAY_BACKUP_DIR": str(directory), "TERM": "xterm"}
    terminal = Terminal(program, "--only", env=env, columns=200)
    pid = pid_of(tools)
    terminal.press(b"\x03")
    assert terminal.finish() == 130 and not runs(pid)
    assert_untouched(database, directory)
