"""A scratch PostgreSQL as `inlay scratch` starts it (gen/inlay_gen/scratch/server.py), with what
tests need on top: TCP and passwords, copies of a cluster, restarts, namespaces."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Iterator, Mapping, Sequence
from urllib.parse import quote, urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "gen"))

from inlay_gen.scratch import server as scratch  # noqa: E402

ADMIN = scratch.ADMIN

SETTINGS = {
    **scratch.SETTINGS,
    "autovacuum": "off",  # what a test sees is what it did
    "max_wal_size": "128MB",  # a burst of a gigabyte is neither kept nor removed at the end
    "max_connections": "200",
    "timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %q%a ",
    "listen_addresses": "127.0.0.1",
}

AUTHENTICATION = ("--auth-local=trust", "--auth-host=scram-sha-256")


def find_bindir() -> Path:
    """The directory of PostgreSQL's server programs: $INLAY_PG_BIN, else the distribution's."""
    return scratch.find_bindir(os.environ.get("INLAY_PG_BIN") or None)


def distribution_bindir() -> Path:
    """The same, whatever $INLAY_PG_BIN says."""
    return scratch.find_bindir()


def version_in(bindir: Path) -> str:
    """The exact version of a server, such as "15.20 (Debian 15.20-0+deb12u1)"."""
    shown = subprocess.check_output([bindir / "postgres", "--version"], text=True)
    return shown.strip().removeprefix("postgres (PostgreSQL) ")


def _major_version(bindir: Path) -> int:
    return int(re.findall(r"\d+", version_in(bindir))[0])


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


class Server(scratch.Server):
    """A running PostgreSQL with a Unix socket (trust) and 127.0.0.1 (scram-sha-256).

    `settings` come on top of SETTINGS. `within` is the beginning of a command line that runs what
    follows it somewhere else, as root: in a namespace (harness/namespace.py)."""

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
        bindir: Path | None = None,
    ) -> None:
        self._within = list(within)
        self.password = ""  # of the administrator
        self.port = _free_port()
        bindir = bindir or find_bindir()
        self.major_version = _major_version(bindir)
        super().__init__(bindir, {**SETTINGS, **(settings or {})})

    def restart(self, mode: str = "fast") -> None:
        self.stop(mode)
        self.start()

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

    def admit(self, network: str) -> None:
        """Lets everybody with a password in from a network, from the next start on."""
        with open(self._data / "pg_hba.conf", "a") as rules:
            rules.write(f"host all all {network} scram-sha-256\n")

    def program(self, name: str) -> str:
        """The path of one of PostgreSQL's programs: this server's own, else the distribution's."""
        own = Path(super().program(name))
        return str(own if own.exists() else distribution_bindir() / name)

    @property
    def can_be_dumped(self) -> bool:
        """Is there a pg_dump for it? One dumps servers of its own version and older ones."""
        newest = Path(self.program("pg_dump")).parent
        return self.major_version <= _major_version(newest)

    def _initialize(self) -> None:
        """Makes the cluster, or copies it: initdb runs once in a build directory."""
        build = os.environ.get("INLAY_BUILD")
        if build is None:
            self._make_cluster()
            return
        made_with = repr((scratch.INITDB, AUTHENTICATION, self._user, version_in(self._bindir)))
        name = "cluster-" + hashlib.sha256(made_with.encode()).hexdigest()[:16]
        with _locked(Path(build) / "scratch") as kept:
            if not (kept / name).exists():
                self._make_cluster()
                self._keep(kept / name)
                return
        self.password = (kept / name / "password").read_text()
        subprocess.run(["cp", "-a", kept / name / "data", self._data], check=True)

    def _keep(self, template: Path) -> None:
        """Copies the cluster to where the next ones are copied from."""
        unfinished = template.with_name("unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        subprocess.run(["cp", "-a", self._data, unfinished / "data"], check=True)
        (unfinished / "password").write_text(self.password)
        unfinished.rename(template)

    def _make_cluster(self) -> None:
        self.password = secrets.token_hex(8)
        password_file = self.directory / "password"
        password_file.write_text(self.password)
        self._hand_over(password_file)
        self._run_initdb(*AUTHENTICATION, f"--pwfile={password_file}")

    def _as_its_user(self, command: Sequence[str]) -> tuple[list[str], dict[str, object]]:
        if self._user is None or not self._within:
            words, identity = super()._as_its_user(command)
            return [*self._within, *words], identity
        become = ["setpriv", f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}"]
        return [*self._within, *become, "--clear-groups", *command], {}
