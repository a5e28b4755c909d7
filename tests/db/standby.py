"""A hot standby that follows the scratch server."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from harness.database import Database
from harness.server import ADMIN, SETTINGS, Server
from outcomes import wait_until


class Standby:
    """Runs from its making to close(). It has a socket of its own, and no port."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.directory = Path(
            tempfile.mkdtemp(prefix="inlay-standby-", dir=server.directory.parent)
        )
        owner = server.directory.stat()
        self._identity: dict[str, object] = {}
        if os.geteuid() == 0:
            os.chown(self.directory, owner.st_uid, owner.st_gid)
            ids = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
            self._identity.update(ids)
        self._data = self.directory / "data"
        self._copy()
        self._process = self._start()

    def url(self, role: str, database: str) -> str:
        return f"postgresql://{role}@/{database}?host={self.directory}&port={self._server.port}"

    def promote(self) -> None:
        """Makes it a server of its own."""
        url = self.url(ADMIN, "postgres")
        with psycopg.connect(url, autocommit=True) as connection:
            assert connection.execute("SELECT pg_promote()").fetchone() == (True,)

    def await_replay(self, database: Database) -> None:
        """Until it has what the server has now."""
        here = database.value("SELECT pg_current_wal_lsn()")

        def has_it() -> bool:
            url = self.url(ADMIN, "postgres")
            with psycopg.connect(url, autocommit=True) as connection:
                row = connection.execute("SELECT pg_last_wal_replay_lsn() >= %s", [here]).fetchone()
            return row == (True,)

        wait_until(has_it, "for the standby")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self.directory)

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=open(self.directory / "log", "ab"),
            cwd="/",
            **self._identity,
        )

    def _copy(self) -> None:
        """What pg_basebackup would do, which not every server comes with."""
        begin, end = "pg_backup_start('standby', true)", "pg_backup_stop()"
        if self._server.major_version < 15:
            begin, end = "pg_start_backup('standby', true, false)", "pg_stop_backup(false)"
        with psycopg.connect(self._server.admin_url(), autocommit=True) as connection:
            connection.execute(f"SELECT {begin}")
            # Files that vanish meanwhile are no loss.
            self._spawn("cp", "-a", str(self._server.directory / "data"), str(self._data)).wait()
            (label,) = connection.execute(f"SELECT labelfile FROM {end}").fetchone() or ("",)
        (self._data / "postmaster.pid").unlink()
        owner = self._data.stat()
        for name, text in (("backup_label", label), ("standby.signal", "")):
            (self._data / name).write_text(text)
            os.chown(self._data / name, owner.st_uid, owner.st_gid)

    def _start(self) -> subprocess.Popen[bytes]:
        primary = f"host={self._server.directory} port={self._server.port} user={ADMIN}"
        settings = {
            **SETTINGS,
            "port": str(self._server.port),
            "listen_addresses": "",
            "unix_socket_directories": str(self.directory),
            "primary_conninfo": primary,
        }
        arguments = [f"-c{key}={value}" for key, value in settings.items()]
        process = self._spawn(self._server.program("postgres"), "-D", str(self._data), *arguments)
        status = self._data / "postmaster.pid"
        deadline = time.monotonic() + 60
        while not (status.exists() and "ready" in status.read_text()):
            assert process.poll() is None and time.monotonic() < deadline, self._log()
            time.sleep(0.02)
        return process

    def _log(self) -> str:
        return (self.directory / "log").read_text()
