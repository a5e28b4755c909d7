"""docs/deploying.md, roles: the rights that it gives suffice, and each of them is needed."""

from __future__ import annotations


from typing import Iterator

import psycopg
import pytest

from conftest import AppFactory
from deployment import SQL, Place
from harness.database import Database

NOTES = {"001_create_notes.sql": "CREATE TABLE notes (id serial PRIMARY KEY, words text);\n"}
AUTHORS = {"002_add_author.sql": "ALTER TABLE notes ADD COLUMN author text;\n"}

WORK = {
    "SELECT": "SELECT words FROM notes",
    "INSERT": "INSERT INTO notes (words) VALUES ('x')",
    "UPDATE": "UPDATE notes SET words = 'y'",
    "DELETE": "DELETE FROM notes",
}
TABLES = "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES"


@pytest.fixture
def place(database: Database) -> Iterator[Place]:
    made = Place(database)
    yield made
    made.drop()


def changed(old: str, new: str) -> str:
    """The script for superusers with something else in one place."""
    assert SQL["roles"].count(old) == 1
    return SQL["roles"].replace(old, new)


def test_the_owner_migrates_and_the_service_looks(app: AppFactory, place: Place) -> None:
    place.create()
    assert app(NOTES).run("--only", url=place.owner_url).returncode == 0
    place.as_owner(SQL["history"])
    expected = {"--only": 7, "--dry-run": 7, "--check": 3, "--await=1": 3, "--status": 0}
    for verb in expected:
        assert app(NOTES).run(verb, url=place.service_url).returncode == 0
    newer = app({**NOTES, **AUTHORS})
    for verb, status in expected.items():
        assert newer.run(verb, url=place.service_url).returncode == status
    assert newer.run("--only", url=place.owner_url).returncode == 0


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM applied_migrations",
        "INSERT INTO applied_migrations (version, name) VALUES (9, 'x')",
        "UPDATE applied_migrations SET name = 'x'",
        "DELETE FROM applied_migrations_state",
    ],
)
def test_the_second_script_is_needed(app: AppFactory, place: Place, statement: str) -> None:
    place.create()
    app(NOTES).run("--only", url=place.owner_url)
    place.as_service(statement)
    place.as_owner(SQL["history"])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        place.as_service(statement)


def test_the_service_looks_at_repeatables(app: AppFactory, place: Place) -> None:
    """What it keeps is enough, and needed: the state table says what ran of them."""
    program = app({**NOTES, "R__words.sql": "CREATE OR REPLACE VIEW w AS SELECT words FROM notes;"})
    place.create()
    program.run("--only", url=place.owner_url)
    place.as_owner(SQL["history"])
    for verb in ("--check", "--await=1", "--only"):
        assert program.run(verb, url=place.service_url).returncode == 0
    place.as_owner("REVOKE SELECT ON applied_migrations_state FROM app_service;")
    assert program.run("--check", url=place.service_url).returncode == 7
    assert program.run("--await=1", url=place.service_url).returncode == 3


def test_the_service_works_and_does_no_more(app: AppFactory, place: Place) -> None:
    place.create()
    app(NOTES).run("--only", url=place.owner_url)
    place.as_service(*WORK.values())
    if place.server.major_version < 15:
        place.as_superuser(SQL["not-everybody"])
    for statement in (
        "CREATE TABLE mine ()",
        "ALTER TABLE notes ADD COLUMN mine integer",
        "TRUNCATE notes",
        "DROP TABLE notes",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            place.as_service(statement)


@pytest.mark.parametrize("privilege", WORK)
def test_each_right_on_tables_is_needed(app: AppFactory, place: Place, privilege: str) -> None:
    place.create(changed(TABLES, "GRANT TRIGGER ON TABLES"))
    app(NOTES).run("--only", url=place.owner_url)
    for other in WORK:
        if other != privilege:
            place.as_owner(f"GRANT {other} ON notes, applied_migrations TO app_service;")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="table notes"):
        place.as_service("SET plan_cache_mode = auto", WORK[privilege])
    status = app(NOTES).run("--check", url=place.service_url).returncode
    assert status == (7 if privilege == "SELECT" else 0)


def test_the_right_on_sequences_is_needed(app: AppFactory, place: Place) -> None:
    place.create(changed("GRANT USAGE ON SEQUENCES", "GRANT SELECT ON SEQUENCES"))
    app(NOTES).run("--only", url=place.owner_url)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="sequence"):
        place.as_service(WORK["INSERT"])


def test_the_owner_owns_the_database_or_has_one_right(
    app: AppFactory, database: Database, place: Place
) -> None:
    place.create(changed(" OWNER app_owner", ""))
    if int(database.value("SHOW server_version_num")) >= 150000:
        assert app(NOTES).run("--only", url=place.owner_url).returncode == 7
    place.as_superuser(SQL["not-the-owner"])
    assert app(NOTES).run("--only", url=place.owner_url).returncode == 0


def test_a_table_in_use_is_tried_again(app: AppFactory, place: Place) -> None:
    place.create()
    app(NOTES).run("--only", url=place.owner_url)
    newer = app({**NOTES, **AUTHORS})
    with psycopg.connect(place.service_url) as reader:
        reader.execute(WORK["SELECT"])
        failed = newer.run("--only", "--retry=0", url=place.owner_url)
        assert failed.returncode == 5
        assert "[55P03]" in failed.stderr
        trying = newer.start("--only", url=place.owner_url)
        assert trying.stderr is not None
        assert "trying again" in trying.stderr.readline()
    assert trying.wait(20) == 0
