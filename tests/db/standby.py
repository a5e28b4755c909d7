"""A hot standby that follows the scratch server."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from harness.server import ADMIN, SETTINGS, Server


class Standby:
    """Runs from its making to close(). It has a socket of its own, and no port."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.directory = Path(tempfile.mkdtemp(prefix="inlay-standby-", dir="/tmp"))
        owner = server.directory.stat()
        self._identity: dict[str, object] = {}
        if os.geteuid() == 0:
            os.chown(self.directory, owner.st_uid, owner.st_gid)
            ids = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
            self._identity.update(ids)
        self._copy()
        self._process = self._start()

    def url(self, role: str, database: str) -> str:
        return f"postgresql://{role}@/{database}?host={self.directory}&port={self._server.port}"

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self.directory)

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [self._server.program(command[0]), *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=open(self.directory / "log", "ab"),
            cwd="/",
            **self._identity,
        )

    def _copy(self) -> None:
        where = ["-h", str(self._server.directory), "-p", str(self._server.port), "-U", ADMIN]
        how = ["-R", "-c", "fast", "--no-sync", "-D", str(self.directory / "data")]
        assert self._spawn("pg_basebackup", *where, *how).wait(60) == 0, self._log()

    def _start(self) -> subprocess.Popen[bytes]:
        settings = {
            **SETTINGS,
            "port": str(self._server.port),
            "listen_addresses": "",
            "unix_socket_directories": str(self.directory),
        }
        arguments = [f"-c{key}={value}" for key, value in settings.items()]
        process = self._spawn("postgres", "-D", str(self.directory / "data"), *arguments)
        status = self.directory / "data" / "postmaster.pid"
        deadline = time.monotonic() + 60
        while not (status.exists() and "ready" in status.read_text()):
            assert process.poll() is None and time.monotonic() < deadline, self._log()
            time.sleep(0.02)
        return process

    def _log(self) -> str:
        return (self.directory / "log").read_text()
