"""A real PgBouncer in front of the scratch server."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from harness.database import Database
from harness.server import Server

CONFIGURATION = """
[databases]
{databases}
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {directory}
auth_type = trust
auth_file = {directory}/users
pool_mode = {mode}
default_pool_size = 5
ignore_startup_parameters = extra_float_digits
"""


class Pooler:
    """Runs from its making to close()."""

    def __init__(
        self, server: Server, database: Database, mode: str, databases: str = "* = {place}"
    ) -> None:
        """`databases` are entries of that section; {place} is where the server is."""
        self._database = database
        self.directory = Path(tempfile.mkdtemp(prefix="inlay-pooler-", dir="/tmp"))
        entries = databases.format(place=f"host={server.directory} port={server.port}")
        settings = CONFIGURATION.format(directory=self.directory, mode=mode, databases=entries)
        (self.directory / "settings").write_text(settings)
        (self.directory / "users").write_text(f'"{database.role}" ""\n')
        self._process = self._start(server)

    @property
    def url(self) -> str:
        """For the database's ordinary role."""
        return self.url_of(self._database.name)

    def url_of(self, entry: str) -> str:
        return f"postgresql://{self._database.role}@/{entry}?host={self.directory}&port=6432"

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self, server: Server) -> subprocess.Popen[bytes]:
        identity: dict[str, int | list[int]] = {}
        if os.geteuid() == 0:  # PgBouncer will not be run by root
            user = pwd.getpwuid(server.directory.stat().st_uid)
            shutil.chown(self.directory, user.pw_uid)
            identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        program = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
        assert program, "PgBouncer is not installed"
        with open(self.directory / "log", "wb") as log:
            process = subprocess.Popen(  # type: ignore[call-overload]
                [program, str(self.directory / "settings")], stdout=log, stderr=log, **identity
            )
        deadline = time.monotonic() + 20
        while not (self.directory / ".s.PGSQL.6432").exists():
            assert process.poll() is None and time.monotonic() < deadline, self._log()
            time.sleep(0.02)
        return process  # type: ignore[no-any-return]

    def _log(self) -> str:
        return (self.directory / "log").read_text()
