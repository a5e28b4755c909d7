"""A PostgreSQL server that is thrown away: in a temporary directory, reached through a socket
there, and gone with the process that made it, whatever ends that one.

Linux only: what still runs in a directory is read from /proc.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from ..files.findings import InlayError

ADMIN = "postgres"

# Made and dropped in memory, a database costs a third; this much must be free there.
MEMORY = Path("/dev/shm")
ROOM = 4 << 30
PREFIX = "inlay-scratch-"

DEBIAN = Path("/usr/lib/postgresql")  # and a directory for each version

# It reads process ids until its standard input closes, which happens when the process that started
# it ends in whatever way. Then it ends the process that was named last, if any, and the server (by
# the id in its own directory, and only if that process works there), and removes the directory.
GUARDIAN = r"""
while read -r named; do last=$named; done
[ -z "$last" ] || kill -TERM "$last"
pid=$(head -n 1 "$1/data/postmaster.pid")
runs() { [ "$(readlink "/proc/$pid/cwd")" = "$1/data" ]; }
runs "$1" && kill -QUIT "$pid"
while runs "$1"; do sleep 0.02; done
for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$1" && exit; sleep 0.2; done
"""

SETTINGS = {"listen_addresses": "", "fsync": "off", "full_page_writes": "off"}

INITDB = ("--username", ADMIN, "--encoding=UTF8", "--locale=C", "--no-sync")


class ServerError(InlayError):
    """PostgreSQL is not there or does not start; the text says what to do."""


def find_bindir(chosen: str | None = None) -> Path:
    """The directory of PostgreSQL's server programs: the chosen one, or that of PATH, pg_config's,
    or the newest of those that Debian installs."""
    if chosen is None:
        candidates = _installed_bindirs()
        missing = (
            "no PostgreSQL server here (looked for initdb and postgres in PATH, in pg_config "
            f"--bindir and in {DEBIAN}/*/bin): apt-get install postgresql; or say where they are, "
            "--pg DIR; or name an empty database, --url URL"
        )
    else:
        candidates = [Path(chosen)]
        missing = (
            f"{chosen}: no initdb and postgres here; the directory of PostgreSQL's server programs "
            f"is one such as {DEBIAN}/17/bin"
        )
    for directory in candidates:
        if all(os.access(directory / name, os.X_OK) for name in ("initdb", "postgres")):
            # A link in PATH stands for the directory where the other programs are, too.
            return (directory / "postgres").resolve().parent
    raise ServerError(missing)


def _installed_bindirs() -> list[Path]:
    found = [Path(directory) for directory in os.get_exec_path() if directory]
    if shutil.which("pg_config"):
        asked = subprocess.run(["pg_config", "--bindir"], stdout=subprocess.PIPE)
        found.append(Path(os.fsdecode(asked.stdout.strip())))
    return found + sorted(DEBIAN.glob("*/bin"), key=_version, reverse=True)


def _version(bindir: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", bindir.parent.name)]


def _unprivileged_user() -> pwd.struct_passwd | None:
    """The user of the server if we are root, because PostgreSQL refuses to be; None if not."""
    if os.geteuid() != 0:
        return None
    for name in (ADMIN, "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerError(
        "PostgreSQL does not run as root, and there is no user postgres or nobody to run it as: "
        "useradd --system postgres; or run this as another user"
    )


def _parent() -> Path:
    """Where the directories are made. Not in $TMPDIR: the other user must be able to reach it, and
    a socket's path is short."""
    try:
        free = os.statvfs(MEMORY)
        available = re.findall(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        return Path("/tmp")
    has_room = min(free.f_bavail * free.f_frsize, int(available[0]) << 10) >= ROOM
    usable = os.access(MEMORY, os.W_OK) and not free.f_flag & os.ST_NOEXEC
    return MEMORY if has_room and usable else Path("/tmp")


# ---- directories ----
# A directory is locked as long as its guardian or the process that made it lives. One that is not
# was left by a guardian that was killed, too.


def _lock(directory: Path) -> int | None:
    """A descriptor that holds the lock of a directory; None if another process has it, or the
    directory is gone."""
    try:
        held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(held), os.lstat(directory)):
            return held
    except OSError:
        pass
    os.close(held)
    return None


def _make_directory() -> tuple[Path, int]:
    """A new directory and its lock."""
    while True:
        try:
            directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_parent()))
        except OSError as error:
            raise ServerError(f"no place for a server: {error}") from error
        held = _lock(directory)
        if held is not None:
            return directory, held


def _clear_what_was_left(owner: int) -> None:
    """Ends and removes the servers of killed processes whose guardian was killed as well."""
    for parent in (MEMORY, Path("/tmp")):
        for directory in parent.glob(PREFIX + "*"):
            try:
                about = directory.lstat()
            except OSError:
                continue
            if not stat.S_ISDIR(about.st_mode) or about.st_uid not in (owner, os.geteuid()):
                continue
            held = _lock(directory)
            if held is not None:
                _start_guardian(directory, held, subprocess.DEVNULL).wait()
                os.close(held)


def _start_guardian(directory: Path, lock: int, stdin: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["sh", "-c", GUARDIAN, "guardian", str(directory)],
        bufsize=0,  # what could not be written is not tried again when it is closed
        stdin=stdin,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[lock],
        start_new_session=True,  # what ends a terminal does not end it
    )


class Server:
    """A running PostgreSQL with a Unix socket, which asks no password of who may enter its
    directory: its own user and root. The settings come on top of SETTINGS."""

    port = 5432
    _settings: Mapping[str, str]

    def __init__(self, bindir: Path, settings: Mapping[str, str] | None = None) -> None:
        self._bindir = bindir
        self._settings = {**SETTINGS, **(settings or {})}
        self._user = _unprivileged_user()
        self._process: subprocess.Popen[bytes] | None = None
        _clear_what_was_left(self._user.pw_uid if self._user else os.geteuid())
        self.directory, self._lock = _make_directory()
        self._guardian = _start_guardian(self.directory, self._lock, subprocess.PIPE)
        try:
            self._hand_over(self.directory)
            self._initialize()
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Starts the server and returns when it answers."""
        assert self._process is None, "the server is already running"
        settings = {
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            **self._settings,
        }
        arguments = [f"-c{key}={value}" for key, value in settings.items()]
        self._process = self._spawn("postgres", "-D", str(self._data), *arguments)
        self._await_ready()
        self.name_to_guardian(None)

    def stop(self, mode: str = "fast") -> None:
        """Stops the server: 'fast' (clean), or 'immediate' (as in a crash)."""
        assert self._process is not None, "the server is not running"
        self._process.send_signal({"fast": 2, "immediate": 3}[mode])
        self._process.wait(60)
        self._process = None

    def close(self) -> None:
        """Ends the server and removes all that it had."""
        if self._process is not None:
            self.stop("immediate")
        assert self._guardian.stdin is not None
        self._guardian.stdin.close()
        self._guardian.wait()
        shutil.rmtree(self.directory, ignore_errors=True)  # if the guardian was killed
        os.close(self._lock)

    def name_to_guardian(self, pid: int | None) -> None:
        """The process that ends with us, should we be killed, besides the server."""
        assert self._guardian.stdin is not None
        try:
            self._guardian.stdin.write(b"%d\n" % pid if pid is not None else b"\n")
        except BrokenPipeError:  # killed; we still end the server ourselves
            pass

    def url(self) -> str:
        """A connection URI of the administrator, through the socket."""
        return f"postgresql://{ADMIN}@/{ADMIN}?host={quote(str(self.directory))}&port={self.port}"

    def log(self) -> str:
        """All that the server has logged so far."""
        return self._log_path.read_text(errors="replace")

    def program(self, name: str) -> str:
        """The path of one of PostgreSQL's programs."""
        return str(self._bindir / name)

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _log_path(self) -> Path:
        return self.directory / "log"

    def _initialize(self) -> None:
        self._run_initdb("--auth=trust")

    def _run_initdb(self, *arguments: str) -> None:
        process = self._spawn("initdb", *INITDB, *arguments, f"--pgdata={self._data}")
        if process.wait() != 0:
            raise ServerError(f"initdb failed:\n{self.log().strip()}")
        self.name_to_guardian(None)
        self._log_path.write_bytes(b"")

    def _hand_over(self, path: Path) -> None:
        """Gives a file to the server's user."""
        if self._user is not None:
            try:
                os.chown(path, self._user.pw_uid, self._user.pw_gid)
            except OSError as error:
                raise ServerError(
                    f"PostgreSQL does not run as root, and {path} cannot be given to the user "
                    f"{self._user.pw_name}: {error.strerror}; run this as another user"
                ) from error

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        command, identity = self._as_its_user([self.program(program), *arguments])
        with open(self._log_path, "ab") as log:
            try:
                process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env={**environment, "LC_ALL": "C"},
                    start_new_session=True,  # an interrupt at the keyboard is not for the server
                    preexec_fn=lambda: self.name_to_guardian(os.getpid()),
                    **identity,
                )
            except OSError as error:
                user = f" as user {self._user.pw_name}" if self._user else ""
                raise ServerError(
                    f"{command[0]}: does not start{user}: {error.strerror}"
                ) from error
        return process

    def _as_its_user(self, command: Sequence[str]) -> tuple[list[str], dict[str, object]]:
        """The command line and the arguments of Popen that run this as the server's user."""
        if self._user is None:
            return list(command), {}
        user, group = self._user.pw_uid, self._user.pw_gid
        return list(command), {"user": user, "group": group, "extra_groups": []}

    def _await_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                self._process = None
                raise ServerError(f"PostgreSQL did not start:\n{self.log().strip()}")
            if self._is_ready():
                return
            time.sleep(0.02)
        raise ServerError(f"PostgreSQL did not get ready in a minute:\n{self.log().strip()}")

    def _is_ready(self) -> bool:
        try:
            status = (self._data / "postmaster.pid").read_text().splitlines()[7]
        except (FileNotFoundError, IndexError):
            return False
        return status.strip() == "ready"
