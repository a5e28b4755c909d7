"""Where nothing can be written: an up-to-date program boots, a run refuses and says why."""

from __future__ import annotations

from typing import Iterator

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.server import Server
from outcomes import check, migrate, tables, versions
from standby import Standby

FILES = {"001_one.sql": "CREATE TABLE one ();", "002_two.sql": "CREATE TABLE two ();"}
MORE = {**FILES, "003_three.sql": "CREATE TABLE three ();"}


@pytest.fixture(scope="module")
def standby(server: Server) -> Iterator[Standby]:
    running = Standby(server)
    yield running
    running.close()


@pytest.mark.parametrize("files", [{}, FILES], ids=["empty", "some"])
def test_a_standby_with_something_pending(
    app: AppFactory, database: Database, standby: Standby, files: dict[str, str]
) -> None:
    if files:
        migrate(app(files))
    standby.await_replay(database)
    url = standby.url(database.role, database.name)
    outcome = migrate(app(MORE), url=url)
    assert (outcome.exit, outcome.code, outcome.results) == (7, "refused", {})
    assert outcome.error["message"].startswith("the server is a standby: it takes no writes")
    assert "migrate on the primary" in outcome.error["hint"]
    assert check(app(MORE), url=url) == 3


def test_a_standby_that_is_up_to_date(
    app: AppFactory, database: Database, standby: Standby
) -> None:
    program, url = app(FILES), standby.url(database.role, database.name)
    standby.await_replay(database)
    waiting = program.start("--await=20", url=url)
    assert migrate(program).applied == [1, 2]
    assert waiting.wait(20) == 0
    outcome = migrate(program, url=url)
    assert (outcome.exit, outcome.results) == (0, {})
    assert check(program, url=url) == 0
    assert '"read_only":true' in program.run("--status", "--json", url=url).stdout.replace(" ", "")


def test_the_primary_is_found_among_several(
    app: AppFactory, database: Database, standby: Standby
) -> None:
    """As the hint says."""
    standby.await_replay(database)
    hosts = f"{standby.directory},{database.server.directory}"
    url = f"host={hosts} port={database.server.port} dbname={database.name} user={database.role}"
    assert migrate(app(FILES), url=url).code == "refused"
    assert migrate(app(FILES), url=f"{url} target_session_attrs=read-write").applied == [1, 2]


def test_a_read_only_role_with_something_pending(app: AppFactory, database: Database) -> None:
    database.execute(f"ALTER ROLE {database.role} SET default_transaction_read_only = on")
    outcome = migrate(app(FILES))
    assert (outcome.exit, outcome.code, outcome.results) == (7, "refused", {})
    assert outcome.error["message"].startswith("the session is read-only")
    assert "default_transaction_read_only" in outcome.error["hint"]
    assert tables(database) == set()
    database.admin(f"ALTER ROLE {database.role} RESET default_transaction_read_only")
    assert migrate(app(FILES)).applied == [1, 2]


def test_a_read_only_role_that_is_up_to_date(app: AppFactory, database: Database) -> None:
    migrate(app(FILES))
    database.execute(f"ALTER ROLE {database.role} SET default_transaction_read_only = on")
    assert migrate(app(FILES)).exit == 0
    assert check(app(FILES)) == 0
    assert versions(database) == [1, 2]
