"""The reference server while it runs, and a client that asks it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import socketserver
import struct
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

from harness.program import Program
from outcomes import wait_until

LISTENING = re.compile(r"^listening on http://(.+):(\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: str

    @property
    def headline(self) -> str:
        return self.body.partition("\n")[0]


class Service:
    """Starts on a free port; what the test does not stop is killed with the program."""

    def __init__(
        self,
        program: Program,
        directory: Path,
        *arguments: str,
        listen: str = "127.0.0.1:0",
        details: bool = True,
        **how: Any,
    ) -> None:
        self._log = directory / f"server-{len(list(directory.iterdir()))}.log"
        self._passwords = program.database.passwords
        if details:
            arguments += ("--status-details",)
        with open(self._log, "wb") as log:
            self.process = program.start("--listen", listen, *arguments, stderr=log, **how)
        wait_until(lambda: LISTENING.search(self.log), "for the server to listen")
        found = LISTENING.search(self.log)
        assert found is not None
        self.host, self.port = found[1].strip("[]"), int(found[2])

    @property
    def log(self) -> str:
        return self._log.read_text()

    def ask(
        self, path: str, method: str = "GET", timeout: float = 5, body: str | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()
        for password in self._passwords:
            assert password not in answer.body, "a password was shown"
        return answer

    def readiness(self) -> Answer:
        """/readyz, which /healthz agrees with."""
        return self.ask("/readyz")

    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.ask("/status.json").body))

    def states(self) -> dict[int, str]:
        return {int(m["version"]): m["state"] for m in self.document()["migrations"]}

    def await_ready(self, seconds: float = 20) -> Answer:
        wait_until(lambda: self.readiness().status == 200, "to be ready", seconds)
        return self.readiness()

    def await_unready(self, headline: str, seconds: float = 20) -> Answer:
        """Waits for a reason that begins like this."""

        def said() -> bool:
            answer = self.readiness()
            return answer.status == 503 and answer.body.startswith(headline)

        wait_until(said, f"for {headline!r}", seconds)
        return self.readiness()

    def stop(self, number: int = signal.SIGTERM, seconds: float = 10) -> int:
        """Ends it and returns its exit status."""
        self.process.send_signal(number)
        status = self.process.wait(seconds)
        for password in self._passwords:
            assert password not in self.log, "a password was shown"
        return status


@contextmanager
def silent_server() -> Iterator[int]:
    """A port where connections are taken and nothing is ever answered."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@contextmanager
def refusing_server(text: bytes) -> Iterator[int]:
    """A port where a PostgreSQL refuses every connection with this text."""
    fields = b"SFATAL\0VFATAL\0C57P03\0M" + text + b"\0\0"
    message = b"E" + struct.pack("!i", len(fields) + 4) + fields

    class Refusal(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(message)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusal) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield listener.server_address[1]
        listener.shutdown()


def refusal(program: Program, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A start that comes to nothing: one line on stderr."""
    result = program.run(*arguments, timeout=10)
    assert result.stdout == ""
    assert result.stderr.startswith("server: ") and result.stderr.count("\n") == 1
    return result
