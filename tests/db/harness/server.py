"""A scratch PostgreSQL in a temporary directory.

Needs nothing but the standard library and PostgreSQL's own programs, so that ./dev can use it too:

    server.py COMMAND [ARGUMENT ...]

runs the command with SCRATCH_ADMIN_URL, SCRATCH_HOST and SCRATCH_PORT set and the server's own
programs in its PATH, and ends the server when the command ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator, Mapping, Sequence
from urllib.parse import quote, urlencode

ADMIN = "postgres"

# Waits until its standard input closes, which happens when the process that started it ends in
# whatever way; then ends the server (by the id in its own directory, and only if that process
# works there) and removes the directory. It is the only thing that ever cleans up.
GUARDIAN = r"""
read -r _
pid=$(head -n 1 "$1/data/postmaster.pid")
runs() { [ "$(readlink "/proc/$pid/cwd")" = "$1/data" ]; }
runs "$1" && kill -QUIT "$pid"
while runs "$1"; do sleep 0.02; done
rm -rf "$1"
"""

SETTINGS = {
    "autovacuum": "off",  # what a test sees is what it did
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "128MB",  # a burst of a gigabyte is neither kept nor removed at the end
    "max_connections": "200",
    "timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %q%a ",
}

INITDB = ["--username", ADMIN, "--encoding=UTF8", "--locale=C", "--no-sync"]
INITDB += ["--auth-local=trust", "--auth-host=scram-sha-256"]

# In memory a database is made and dropped with a third of the work; this much must be free there.
MEMORY = Path("/dev/shm")
ROOM = 4 << 30


class ServerError(Exception):
    """PostgreSQL is not there or does not start; the text says what to do."""


def find_bindir() -> Path:
    """The directory of PostgreSQL's server programs: $INLAY_PG_BIN, the newest, pg_config's."""
    chosen = os.environ.get("INLAY_PG_BIN")
    return _first([Path(chosen)] if chosen else _installed_bindirs())


def distribution_bindir() -> Path:
    """The same, whatever $INLAY_PG_BIN says."""
    return _first(_installed_bindirs())


def _first(candidates: list[Path]) -> Path:
    for directory in candidates:
        if (directory / "initdb").exists():
            return directory
    looked = ", ".join(map(str, candidates)) or "/usr/lib/postgresql/*/bin, pg_config"
    raise ServerError(f"no PostgreSQL server found (looked in: {looked}); run ./dev test once")


def _installed_bindirs() -> list[Path]:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: [int(n) for n in re.findall(r"\d+", path.parent.name)],
        reverse=True,
    )
    if shutil.which("pg_config"):
        out = subprocess.run(["pg_config", "--bindir"], stdout=subprocess.PIPE, text=True)
        found.append(Path(out.stdout.strip()))
    return found


def version_in(bindir: Path) -> str:
    """The exact version of a server, such as "15.20 (Debian 15.20-0+deb12u1)"."""
    shown = subprocess.check_output([bindir / "postgres", "--version"], text=True)
    return shown.strip().removeprefix("postgres (PostgreSQL) ")


def _major_version(bindir: Path) -> int:
    return int(re.findall(r"\d+", version_in(bindir))[0])


def _unprivileged_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: who it runs as instead; None if we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerError("PostgreSQL refuses to run as root, and there is no user postgres or nobody")


def _scratch_parent() -> Path:
    """Where the servers' directories are made. Not in $TMPDIR: the other user must be able to reach
    it, and a socket's path is short."""
    try:
        free = os.statvfs(MEMORY)
        available = re.findall(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        return Path("/tmp")
    has_room = min(free.f_bavail * free.f_frsize, int(available[0]) << 10) >= ROOM
    return MEMORY if has_room and not free.f_flag & os.ST_NOEXEC else Path("/tmp")


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[Path]:
    """The directory, which is made, while no other process is in here."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield directory


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Server:
    """A running PostgreSQL with a Unix socket (trust) and 127.0.0.1 (scram-sha-256).

    `settings` come on top of SETTINGS. `within` is the beginning of a command line that runs what
    follows it somewhere else, as root: in a namespace (harness/namespace.py)."""

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
        bindir: Path | None = None,
    ) -> None:
        self._settings = {**SETTINGS, **(settings or {})}
        self._within = list(within)
        self._bindir = bindir or find_bindir()
        self.major_version = _major_version(self._bindir)
        self._user = _unprivileged_user()
        self._process: subprocess.Popen[bytes] | None = None
        self.password = ""  # of the administrator
        self.directory = Path(tempfile.mkdtemp(prefix="inlay-pg-", dir=_scratch_parent()))
        self._guardian = subprocess.Popen(
            ["sh", "-c", GUARDIAN, "guardian", str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.port = _free_port()
        try:
            self._initialize()
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Starts the server and returns when it answers."""
        assert self._process is None, "the server is already running"
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            **self._settings,
        }
        arguments = [f"-c{key}={value}" for key, value in settings.items()]
        with open(self._log_path, "ab") as log:
            self._process = self._spawn(["postgres", "-D", str(self._data), *arguments], log)
        self._await_ready()

    def stop(self, mode: str = "fast") -> None:
        """Stops the server: 'fast' (clean), or 'immediate' (as in a crash)."""
        assert self._process is not None, "the server is not running"
        self._process.send_signal({"fast": 2, "immediate": 3}[mode])
        self._process.wait(60)
        self._process = None

    def restart(self, mode: str = "fast") -> None:
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """Ends the server and removes all that it had."""
        assert self._guardian.stdin is not None
        self._guardian.stdin.close()
        if self._process is not None:
            self._process.wait()
            self._process = None
        self._guardian.wait()

    def url(
        self,
        role: str = ADMIN,
        database: str = "postgres",
        host: str = "",
        password: str | None = None,
        **parameters: str,
    ) -> str:
        """A connection URI; without a host it goes through the socket, which asks no password."""
        user = quote(role) + (f":{quote(password)}" if password else "")
        if host:
            where, query = f"{host}:{self.port}", parameters
        else:
            where = ""
            query = {"host": str(self.directory), "port": str(self.port), **parameters}
        tail = "?" + urlencode(query) if query else ""
        return f"postgresql://{user}@{where}/{quote(database)}{tail}"

    def admin_url(self, database: str = "postgres") -> str:
        return self.url(ADMIN, database, password=self.password)

    def log(self) -> str:
        """All that the server has logged so far."""
        return self._log_path.read_text(errors="replace")

    def admit(self, network: str) -> None:
        """Lets everybody with a password in from a network, from the next start on."""
        with open(self._data / "pg_hba.conf", "a") as rules:
            rules.write(f"host all all {network} scram-sha-256\n")

    def program(self, name: str) -> str:
        """The path of one of PostgreSQL's programs: this server's own, else the distribution's."""
        own = self._bindir / name
        return str(own if own.exists() else distribution_bindir() / name)

    @property
    def can_be_dumped(self) -> bool:
        """Is there a pg_dump for it? One dumps servers of its own version and older ones."""
        newest = Path(self.program("pg_dump")).parent
        return self.major_version <= _major_version(newest)

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _log_path(self) -> Path:
        return self.directory / "log"

    def _initialize(self) -> None:
        """Makes the cluster, or copies it: initdb runs once in a build directory."""
        if self._user is not None:
            shutil.chown(self.directory, self._user.pw_uid, self._user.pw_gid)
        build = os.environ.get("INLAY_BUILD")
        if build is None:
            self._run_initdb()
            return
        made_with = repr((INITDB, self._user, version_in(self._bindir)))
        name = "cluster-" + hashlib.sha256(made_with.encode()).hexdigest()[:16]
        with _locked(Path(build) / "scratch") as scratch:
            if not (scratch / name).exists():
                self._run_initdb()
                self._keep(scratch / name)
                return
        self.password = (scratch / name / "password").read_text()
        subprocess.run(["cp", "-a", scratch / name / "data", self._data], check=True)

    def _keep(self, template: Path) -> None:
        """Copies the cluster to where the next ones are copied from."""
        unfinished = template.with_name("unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        subprocess.run(["cp", "-a", self._data, unfinished / "data"], check=True)
        (unfinished / "password").write_text(self.password)
        unfinished.rename(template)

    def _run_initdb(self) -> None:
        self.password = secrets.token_hex(8)
        password_file = self.directory / "password"
        password_file.write_text(self.password)
        if self._user is not None:
            shutil.chown(password_file, self._user.pw_uid, self._user.pw_gid)
        command = ["initdb", *INITDB, f"--pwfile={password_file}", f"--pgdata={self._data}"]
        with open(self._log_path, "ab") as log:
            if self._spawn(command, log).wait() != 0:
                raise ServerError(f"initdb failed:\n{self.log()}")
        self._log_path.write_bytes(b"")

    def _spawn(self, command: list[str], log: object) -> subprocess.Popen[bytes]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        identity: dict[str, object] = {}
        before = self._within
        if self._user is not None and before:
            become = ["setpriv", f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}"]
            before = [*before, *become, "--clear-groups"]
        elif self._user is not None:
            identity = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [*before, self.program(command[0]), *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**environment, "LC_ALL": "C"},
            start_new_session=True,  # an interrupt at the keyboard is not for the server
            **identity,
        )

    def _await_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                self._process = None
                raise ServerError(f"PostgreSQL did not start:\n{self.log()}")
            if self._is_ready():
                return
            time.sleep(0.02)
        raise ServerError(f"PostgreSQL did not get ready in a minute:\n{self.log()}")

    def _is_ready(self) -> bool:
        try:
            status = (self._data / "postmaster.pid").read_text().splitlines()[7]
        except (FileNotFoundError, IndexError):
            return False
        return status.strip() == "ready"


def main(command: list[str]) -> int:
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    server = Server()
    try:
        environment = {
            **os.environ,
            "SCRATCH_ADMIN_URL": server.admin_url(),
            "SCRATCH_HOST": str(server.directory),
            "SCRATCH_PORT": str(server.port),
            "PATH": f"{find_bindir()}:{os.environ['PATH']}",
        }
        return subprocess.run(command, env=environment).returncode
    finally:
        server.close()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ServerError as error:
        sys.exit(f"server.py: {error}")
