"""Fixtures of the database tests; what they give is described where its class is (harness/)."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Callable, Iterator, Protocol, Sequence

import pytest

from harness.database import Database
from harness.program import Builder, Files, Program
from harness.relay import Relay
from harness.server import Server


def pytest_configure() -> None:
    """A terminated run still tears down what it has started."""

    def stop(signum: int, _: object) -> None:
        pytest.exit(f"stopped by signal {signum}", returncode=128 + signum)

    signal.signal(signal.SIGTERM, stop)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The scratch PostgreSQL of this run. Who stops it starts it again."""
    running = Server()
    yield running
    running.close()


@pytest.fixture(scope="session")
def builder() -> Iterator[Builder]:
    """The build directory under test, $INLAY_BUILD."""
    made = Builder(Path(os.environ["INLAY_BUILD"]))
    yield made
    made.close()


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    """A fresh database with an ordinary role that owns its schema public."""
    fresh = Database(server)
    yield fresh
    fresh.drop()


class AppFactory(Protocol):
    def __call__(
        self,
        files: Files,
        history: str | None = None,
        allow_bad: bool = False,
        embed: Sequence[str] = (),
    ) -> Program:
        ...


class ProgramFactory(Protocol):
    def __call__(
        self, source: str, files: Files, history: str | None = None, embed: Sequence[str] = ()
    ) -> Program:
        ...


@pytest.fixture
def adopt(builder: Builder, database: Database) -> Iterator[Callable[[Path], Program]]:
    """Ties an executable to the test's database, and ends what it started with the test."""
    adopted: list[Program] = []

    def tie(path: Path) -> Program:
        adopted.append(Program(path, database, builder.home))
        return adopted[-1]

    yield tie
    for program in adopted:
        program.close()


@pytest.fixture
def app(builder: Builder, adopt: Callable[[Path], Program]) -> AppFactory:
    """app({"001_a.sql": "CREATE TABLE ..."}): a program with these migrations inside, whose main
    is inlay_main. `allow_bad` goes around the generator and what it refuses; `embed` are further
    options of the generator."""

    def build(
        files: Files,
        history: str | None = None,
        allow_bad: bool = False,
        embed: Sequence[str] = (),
    ) -> Program:
        return adopt(builder.app(files, history, allow_bad, embed))

    return build


@pytest.fixture
def program(builder: Builder, adopt: Callable[[Path], Program]) -> ProgramFactory:
    """program("int main(void) ...", files): a C program of the test's own on inlay.h."""

    def build(
        source: str, files: Files, history: str | None = None, embed: Sequence[str] = ()
    ) -> Program:
        return adopt(builder.program(source, files, history, embed))

    return build


@pytest.fixture
def reference_server(builder: Builder, adopt: Callable[[Path], Program]) -> Program:
    """build/server, the reference server."""
    return adopt(builder.server)


@pytest.fixture
def relay(server: Server) -> Iterator[Relay]:
    """A relay in front of the server."""
    running = Relay(str(server.directory / f".s.PGSQL.{server.port}"))
    yield running
    running.close()
