"""The tools to compare with, each with the same migrations in its own form.

A tool that is not installed is left out, and said to be.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Sequence
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

Migration = tuple[int, str, Sequence[str]]  # version, name, statements


@dataclass(frozen=True)
class Peer:
    """A tool, ready to run."""

    name: str
    command: Callable[[str], list[str]]  # for the URL of a database
    environment: Callable[[str], dict[str, str]]
    directory: Path
    tcp: bool = False  # its driver knows no Unix socket


def plain_url(url: str) -> str:
    """The URL for drivers that are not libpq and know fewer parameters."""
    parts = urlsplit(url)
    query = [(k, v) for k, v in parse_qsl(parts.query) if k != "gssencmode"]
    query = [(k, v) for k, v in query if k != "sslmode"] + [("sslmode", "disable")]
    return urlunsplit(parts._replace(scheme="postgres", query=urlencode(query)))


def _nothing(_: str) -> dict[str, str]:
    return {}


def _files(home: Path, migrations: Sequence[Migration], form: str, head: str, tail: str) -> None:
    home.mkdir(parents=True)
    for version, name, statements in migrations:
        text = head + "\n".join(f"{s};" for s in statements) + "\n" + tail
        (home / form.format(version=version, name=name)).write_text(text)


def psql_by_file(home: Path, migrations: Sequence[Migration]) -> Peer:
    _files(home / "files", migrations, "{version:05}_{name}.sql", "", "")
    script = home / "run.sh"
    script.write_text(
        'for f in files/*.sql; do psql -qX1 -v ON_ERROR_STOP=1 -f "$f" "$1" || exit; done\n'
    )
    return Peer(PSQL_BY_FILE, lambda url: ["sh", str(script), url], _nothing, home)


def psql_concatenated(home: Path, migrations: Sequence[Migration]) -> Peer:
    """Each migration in a transaction with its row, as the others do it."""
    home.mkdir(parents=True)
    text = "CREATE TABLE applied (version bigint PRIMARY KEY, name text);\n"
    for version, name, statements in migrations:
        text += "BEGIN;\n" + "".join(f"{s};\n" for s in statements)
        text += f"INSERT INTO applied VALUES ({version}, '{name}');\nCOMMIT;\n"
    (home / "all.sql").write_text(text)
    return Peer(
        PSQL_CONCATENATED,
        lambda url: ["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-f", "all.sql", url],
        _nothing,
        home,
    )


def dbmate(home: Path, migrations: Sequence[Migration], program: str) -> Peer:
    _files(
        home / "m", migrations, "{version:05}_{name}.sql", "-- migrate:up\n", "-- migrate:down\n"
    )
    return Peer(
        "dbmate",
        lambda url: [program, "--url", plain_url(url), "-d", "m", "--no-dump-schema", "migrate"],
        _nothing,
        home,
    )


def goose(home: Path, migrations: Sequence[Migration], program: str) -> Peer:
    _files(home / "m", migrations, "{version:05}_{name}.sql", "-- +goose Up\n", "")
    return Peer(
        "goose",
        lambda url: [program, "-dir", "m", "postgres", plain_url(url), "up"],
        _nothing,
        home,
    )


def golang_migrate(home: Path, migrations: Sequence[Migration], program: str) -> Peer:
    _files(home / "m", migrations, "{version:06}_{name}.up.sql", "", "")
    return Peer(
        "golang-migrate",
        lambda url: [program, "-path", "m", "-database", plain_url(url), "up"],
        _nothing,
        home,
    )


def node_pg_migrate(home: Path, migrations: Sequence[Migration], program: str) -> Peer:
    moved = [(1700000000000 + version, name, s) for version, name, s in migrations]
    _files(home / "migrations", moved, "{version}_{name}.sql", "-- Up Migration\n", "")
    return Peer(
        "node-pg-migrate",
        lambda url: [program, "up"],
        lambda url: {"DATABASE_URL": plain_url(url)},
        home,
    )


def sqitch(home: Path, migrations: Sequence[Migration], program: str) -> Peer:
    _files(home / "deploy", migrations, "{name}.sql", "BEGIN;\n", "COMMIT;\n")
    (home / "sqitch.conf").write_text(
        "[core]\n    engine = pg\n[user]\n    name = b\n    email = b\n"
    )
    plan = "%syntax-version=1.0.0\n%project=bench\n\n"
    plan += "".join(f"{name} 2026-01-01T00:00:00Z b <b>\n" for _, name, _ in migrations)
    (home / "sqitch.plan").write_text(plan)
    return Peer(
        "sqitch",
        lambda url: [program, "deploy", "--no-verify", url.replace("postgresql:", "db:pg:", 1)],
        _nothing,
        home,
    )


_ALEMBIC_ENV = """\
import os
from alembic import context
from sqlalchemy import create_engine, pool
with create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""


def alembic(home: Path, migrations: Sequence[Migration], program: str) -> Peer:
    versions = home / "a" / "versions"
    versions.mkdir(parents=True)
    (home / "alembic.ini").write_text("[alembic]\nscript_location = a\n")
    (home / "a" / "env.py").write_text(_ALEMBIC_ENV)
    before = None
    for version, name, statements in migrations:
        text = f"revision = '{version:05}'\ndown_revision = {before!r}\nfrom alembic import op\n"
        text += "def upgrade():\n" + "".join(f"    op.execute({s!r})\n" for s in statements)
        (versions / f"{version:05}_{name}.py").write_text(text)
        before = f"{version:05}"
    return Peer(
        "alembic",
        lambda url: [program, "upgrade", "head"],
        lambda url: {"DATABASE_URL": url},
        home,
    )


def sql_migrate(home: Path, migrations: Sequence[Migration], program: str) -> Peer:
    _files(home / "m", migrations, "{version:05}_{name}.sql", "-- +migrate Up\n", "")
    (home / "dbconfig.yml").write_text(
        "development:\n  dialect: postgres\n  datasource: ${DATABASE_URL}\n  dir: m\n"
    )
    return Peer(
        "sql-migrate",
        lambda url: [program, "up"],
        lambda url: {"DATABASE_URL": plain_url(url)},
        home,
    )


# What of its package is under the Apache licence.
_LIQUIBASE = ("liquibase-core", "commons-*", "jaxb-*", "opencsv", "picocli", "snakeyaml")
_LIQUIBASE_ROOT = """\
<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:schemaLocation="http://www.liquibase.org/xml/ns/dbchangelog
        http://www.liquibase.org/xml/ns/dbchangelog/dbchangelog-latest.xsd">
    <includeAll path="m" relativeToChangelogFile="true"/>
</databaseChangeLog>
"""


def _liquibase_library(program: str) -> Path:
    return Path(program).resolve().parent / "internal" / "lib"


def liquibase(home: Path, migrations: Sequence[Migration], program: str) -> Peer:
    (home / "m").mkdir(parents=True)
    (home / "root.xml").write_text(_LIQUIBASE_ROOT)
    for version, name, statements in migrations:
        head = f"--liquibase formatted sql\n--changeset b:{version}\n"
        text = head + "".join(f"{s};\n" for s in statements)
        (home / "m" / f"{version:05}_{name}.sql").write_text(text)
    library = _liquibase_library(program)
    jars = [str(jar) for name in (*_LIQUIBASE, "postgresql") for jar in library.glob(f"{name}.jar")]
    java = ["java", "-cp", ":".join(jars), "liquibase.integration.commandline.LiquibaseCommandLine"]

    def command(url: str) -> list[str]:
        parts = urlsplit(url)
        at = f"--url=jdbc:postgresql://{parts.hostname}:{parts.port}{parts.path}"
        user = [f"--username={parts.username}", f"--password={unquote(parts.password or '')}"]
        return [*java, "--changelog-file=root.xml", at, *user, "update"]

    return Peer("Liquibase", command, _nothing, home, tcp=True)


_OTHERS = (
    ("dbmate", dbmate),
    ("sql-migrate", sql_migrate),
    ("goose", goose),
    ("migrate", golang_migrate),
    ("node-pg-migrate", node_pg_migrate),
    ("sqitch", sqitch),
    ("alembic", alembic),
    ("liquibase", liquibase),
)
NEEDED = {"liquibase": "java"}  # beside its own program
SINGLE_FILES = ("dbmate", "sql-migrate", "goose", "migrate")
PSQL_CONCATENATED = "psql, one concatenated file"
PSQL_BY_FILE = "psql, a file at a time"
WITHOUT_HISTORY = (PSQL_CONCATENATED, PSQL_BY_FILE)


def where(program: str) -> str | None:
    needed = [program, *([NEEDED[program]] if program in NEEDED else [])]
    paths = [shutil.which(name, path=os.environ["PATH"]) for name in needed]
    return paths[0] if all(paths) else None


def find(home: Path, migrations: Sequence[Migration]) -> tuple[list[Peer], list[str]]:
    """Those that can run here, and the names of those that cannot."""
    peers = [psql_concatenated(home / "one", migrations), psql_by_file(home / "each", migrations)]
    missing = []
    for program, make in _OTHERS:
        path = where(program)
        if path is None:
            missing.append(program)
        else:
            peers.append(make(home / program, migrations, path))
    return peers, missing


def single_files() -> list[tuple[str, int]]:
    """The tools that are one file, and its bytes."""
    paths = [(name, where(name)) for name in SINGLE_FILES]
    return [(name, Path(path).stat().st_size) for name, path in paths if path]


def versions() -> dict[str, str]:
    """What each says that it is."""
    found = {}
    for program in ("psql", *(name for name, _ in _OTHERS)):
        path = where(program)
        if program == "liquibase" and path is not None:
            core = _liquibase_library(path) / "liquibase-core.jar"
            said = zipfile.ZipFile(core).read("META-INF/MANIFEST.MF").decode()
            said = said[said.index("Liquibase-Version:") :]
        elif path is not None:
            said = subprocess.check_output([path, "--version"], text=True, stderr=subprocess.STDOUT)
        else:
            continue
        numbers = re.search(r"\d+(?:\.\d+)+", said)
        found[program] = numbers[0] if numbers else "unknown"
    return found
