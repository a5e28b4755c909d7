"""Fixtures of the database tests; what they give is described where its class is (harness/)."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Callable, Iterator, Protocol, Sequence, TypeVar

import psycopg
import pytest
from _pytest.junitxml import xml_key
from _pytest.terminal import TerminalReporter

from harness.database import Database
from harness.namespace import Cable, Namespace, NamespaceError
from harness.program import Builder, Files, Program
from harness.relay import Relay
from harness.server import Server, distribution_bindir, find_bindir, version_in

# What a test carries in its results that did not run on the server under test.
ELSEWHERE = ("server", "distribution")


def pytest_configure() -> None:
    """A terminated run still tears down what it has started; and one in the background of a shell,
    where SIGINT is ignored, does not hand that on to the programs that it starts."""

    def stop(signum: int, _: object) -> None:
        pytest.exit(f"stopped by signal {signum}", returncode=128 + signum)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart(session: pytest.Session) -> None:
    """The results name the versions that were under test; tests/sum.py prints them."""
    results = session.config.stash.get(xml_key, None)
    if results is not None:  # not in the processes of xdist, which write none
        libpq = "{}.{}".format(*divmod(psycopg.pq.version(), 10000))
        found = f"PostgreSQL {version_in(find_bindir())}, libpq {libpq}"
        results.add_global_property("remark", found)


# The fault suite, by the names of its files: what goes wrong on purpose, and the rules that hold.
FAULTS = (
    "test_fault_",
    "test_rules_",
    "test_resume_",
    "test_fleet",
    "test_back_faults",
    "test_rehearse_faults",
    "test_server_stop",
)


# What is about texts, examples, the generator, psql or how libraries fit: it comes to no line of
# the library that the others do not come to, and a sanitizer doubles what it costs.
NOT_SANITIZED = (
    "execute",
    "manual",
    "test_rules_abi.py",
    "test_scratch.py",
    "test_script_bodies.py",
)


def left_out(item: pytest.Item) -> bool:
    """Not for a run under a sanitizer?"""
    marked = item.get_closest_marker("plain") is not None
    named = {item.path.name, item.path.parent.name} & set(NOT_SANITIZED)
    return "ASAN_OPTIONS" in os.environ and (marked or bool(named))


@pytest.hookimpl(tryfirst=True)  # type: ignore[misc]
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.hook.pytest_deselected(items=[item for item in items if left_out(item)])
    items[:] = [item for item in items if not left_out(item)]
    for item in items:
        if item.path.name.startswith(FAULTS):
            item.add_marker(pytest.mark.faults)
    faults = [item for item in items if item.path.name.startswith(FAULTS)]
    others = [item for item in items if not item.path.name.startswith(FAULTS)]
    items[:] = spread(others) + spread(faults)


# What takes longest, so that no worker still has it to do when the others are done. The examples
# share an installation, and stay together.
FIRST = "test_examples.py"
SLOW = ("test_fault_calls.py", "test_server.py")


def spread(items: list[pytest.Item]) -> list[pytest.Item]:
    """In the order in which they are given to the workers, some dozens in a row to one."""
    first = [item for item in items if item.path.name == FIRST]
    slow = [item for item in items if item.path.name in SLOW]
    rest = [item for item in items if item.path.name not in (FIRST, *SLOW)]
    distance = len(rest) // (2 * len(slow) or 1) + 1
    for n, item in enumerate(slow):
        rest.insert(n * distance, item)
    return first + rest


@pytest.hookimpl(optionalhook=True)  # type: ignore[misc]
def pytest_xdist_auto_num_workers() -> int:
    """-n auto: two for each processor. Much of the time is waiting, and each has its server."""
    return 2 * len(os.sched_getaffinity(0))


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    moved = {r.nodeid for r in reports if ELSEWHERE in getattr(r, "user_properties", ())}
    if moved:
        terminalreporter.section("no pg_dump for this server: ran on the distribution's")
        terminalreporter.write_line("\n".join(sorted(moved)))


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


@pytest.fixture(scope="session")
def distribution_server() -> Iterator[Server]:
    """The distribution's PostgreSQL, while another one is under test."""
    running = Server(bindir=distribution_bindir())
    yield running
    running.close()


@pytest.fixture
def database(request: pytest.FixtureRequest, server: Server) -> Iterator[Database]:
    """A fresh database with an ordinary role that owns its schema public. It is on the server under
    test, unless the test is marked with pg_dump and there is none for that server; a module that
    has a fixture `server` of its own gets it there."""
    if request.node.get_closest_marker("pg_dump") and not server.can_be_dumped:
        server = request.getfixturevalue("distribution_server")
        request.node.user_properties.append(ELSEWHERE)
    fresh = Database(server)
    yield fresh
    fresh.drop()


Place = TypeVar("Place", bound="Namespace | Cable")


def make_place(kind: Callable[[], Place]) -> Iterator[Place]:
    """Fails where it may not be made, unless that was said."""
    if os.environ.get("INLAY_WITHOUT_NETFAULTS"):
        pytest.skip("--without-netfaults")
    try:
        place = kind()
    except NamespaceError as error:
        pytest.fail(f"{error} (this needs root; ./dev test --without-netfaults leaves it out)")
    yield place
    place.close()


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    """Mounts of one's own."""
    yield from make_place(Namespace)


@pytest.fixture(scope="module")
def cable() -> Iterator[Cable]:
    """A network whose packets can be lost."""
    yield from make_place(Cable)


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
        self,
        source: str,
        files: Files,
        history: str | None = None,
        embed: Sequence[str] = (),
        link: Sequence[str] = (),
        before: Sequence[str] = (),
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
    """program("int main(void) ...", files): a C program of the test's own on inlay.h. `link` are
    further arguments of the linker, `before` are for the compiler before all others."""

    def build(
        source: str,
        files: Files,
        history: str | None = None,
        embed: Sequence[str] = (),
        link: Sequence[str] = (),
        before: Sequence[str] = (),
    ) -> Program:
        return adopt(builder.program(source, files, history, embed, link, before))

    return build


@pytest.fixture
def reference_server(builder: Builder, adopt: Callable[[Path], Program]) -> Program:
    """build/server, the reference server."""
    return adopt(builder.server)


@pytest.fixture
def relay(database: Database) -> Iterator[Relay]:
    """A relay in front of the database's server."""
    server = database.server
    running = Relay(str(server.directory / f".s.PGSQL.{server.port}"))
    yield running
    running.close()
