"""Runs a command with a database of its own, and ends as the command did."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

from ..files.findings import InlayError
from .given import empty_database
from .server import ADMIN, Server, find_bindir

# What is passed on to the command. Those of the keyboard reach it without us.
_KEYBOARD = {signal.SIGINT, signal.SIGQUIT}
_PASSED = {*_KEYBOARD, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2}

_NOT_FOUND, _NOT_RUNNABLE = 127, 126  # as a shell has them


class CommandError(InlayError):
    """The command does not start; the status is a shell's."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def run_on_scratch(command: Sequence[str], bindir: str | None) -> int:
    """Runs the command with a server that is gone afterwards; returns its exit status."""
    _prepare(command)
    server = Server(find_bindir(bindir))
    database = {
        "DATABASE_URL": server.url(),
        "PGHOST": str(server.directory),
        "PGPORT": str(server.port),
        "PGUSER": ADMIN,
        "PGDATABASE": ADMIN,
    }
    try:
        return _run(command, {**without_databases(), **database}, server.name_to_guardian)
    finally:
        server.close()


def run_on_given(command: Sequence[str], url: str) -> int:
    """The same on an empty database that is there already."""
    _prepare(command)
    environment = empty_database(url, {**os.environ, "DATABASE_URL": url})
    environment.pop("INLAY_DATABASE_URL", None)
    return _run(command, environment, lambda pid: None)


def _prepare(command: Sequence[str]) -> None:
    """Before anything is started: is the command there? And how signals are taken: until it runs an
    interrupt ends us at once, and whoever ignores SIGCHLD is never told how a process ended."""
    if shutil.which(command[0]) is None:
        raise _not_started(command[0], os.path.exists(command[0]) and os.sep in command[0])
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _not_started(name: str, exists: bool, why: str = "cannot be executed") -> CommandError:
    if exists:
        return CommandError(f"{name}: {why}", _NOT_RUNNABLE)
    return CommandError(f"{name}: command not found", _NOT_FOUND)


def without_databases() -> dict[str, str]:
    """The environment without what leads a program to another database."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "INLAY_DATABASE_URL" and (not name.startswith("PG") or name.startswith("PG_"))
    }


def _run(
    command: Sequence[str], environment: Mapping[str, str], name: Callable[[int | None], None]
) -> int:
    """Runs it in our own process group, so that it has the terminal, and passes on what we get. A
    key that interrupts is for the whole group."""
    waited = _PASSED | {signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waited)

    def begin() -> None:
        name(os.getpid())  # here, so that there is no moment in which the guardian does not know
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    try:
        process = subprocess.Popen(command, env=environment, preexec_fn=begin)
    except OSError as error:
        name(None)
        raise _not_started(command[0], os.path.exists(command[0]), str(error.strerror)) from error
    while process.poll() is None:
        got = signal.sigwaitinfo(waited)
        has_it = got.si_signo in _KEYBOARD and got.si_code > 0  # not from a process
        if got.si_signo in _PASSED and not has_it:
            process.send_signal(got.si_signo)
    name(None)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode
