"""What goes wrong first for a person who has never seen inlay: the message alone has to be enough.
Each test makes the mistake, reads the way out in the message and takes it; then all is well."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any, Callable

import pytest

from conftest import AppFactory, ProgramFactory
from foreign_tables import GOLANG_MIGRATE
from harness.database import Database
from harness.program import Builder, Program
from outcomes import backends, migrate, tables, versions, wait_until
from pooler import Pooler

ONE = {"001_create_notes.sql": "CREATE TABLE notes (id bigint, body text);"}
TWO = {"002_add_title.sql": "ALTER TABLE notes ADD COLUMN title text;"}
NO_TRANSACTION = "-- inlay: no-transaction\n"
GRANT = re.compile(r"GRANT [^;]*")


@pytest.fixture
def inlay(builder: Builder, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The generator, in an empty directory."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*builder.generator, *arguments], cwd=tmp_path, capture_output=True, text=True
        )

    (tmp_path / "migrations").mkdir()
    return run


def write(home: Path, *names: str, text: str = "CREATE TABLE t ();\n") -> None:
    for name in names:
        (home / "migrations" / name).write_text(text)


def applies(program: Program, *options: str, **how: Any) -> bool:
    return migrate(program, *options, **how).exit == 0


# ---- the connection string ----


def test_no_url(app: AppFactory, database: Database) -> None:
    refused = migrate(app(ONE), url=None, env={"PGHOST": "/nowhere"})
    assert refused.exit == 6
    assert "no connection string was given (--migrate-database" in refused.error["hint"]
    assert applies(app(ONE), url=None, env={"DATABASE_URL": database.url})


@pytest.mark.parametrize(
    ("mistake", "message", "hint"),
    [
        ("'{url}'", "it is in quotes", "remove them where it is set"),
        ('"{url}"', "it is in quotes", "remove them where it is set"),
        ("{url}\n", "there is a space or a newline after it", "remove it where it is set"),
        (" {url}", "there is a space or a newline before it", "remove it where it is set"),
        ("{url}&sslmod=disable", "(did you mean sslmode?)", "the keys are libpq's"),
        ("databse=x host=y", 'key "databse" (did you mean dbname?)', "the keys are libpq's"),
        ("hots=y", 'key "hots" (did you mean host?)', "the keys are libpq's"),
        ("notes", "neither a URL nor a list", "write postgresql://USER:PASSWORD@HOST"),
    ],
)
def test_a_url_that_is_none(
    app: AppFactory, database: Database, mistake: str, message: str, hint: str
) -> None:
    """What is wrong with it, and which variable it is: another one may come before the one that the
    person looks at."""
    broken = mistake.format(url=database.url)
    env = {"INLAY_DATABASE_URL": broken, "DATABASE_URL": database.url}
    refused = migrate(app(ONE), url=None, env=env)
    assert refused.exit == 2
    assert message in refused.error["message"] and hint in refused.error["hint"]
    assert refused.error["detail"] == "the connection string is that of INLAY_DATABASE_URL"
    del env["INLAY_DATABASE_URL"]
    assert applies(app(ONE), url=None, env=env)


def test_a_server_that_is_down(app: AppFactory, database: Database) -> None:
    env = {"DATABASE_URL": "postgresql://u@127.0.0.1:1/notes"}
    refused = migrate(app(ONE), url=None, env=env)
    assert refused.exit == 6 and "Connection refused. Is the server" in refused.error["message"]
    assert refused.error["detail"] == "the connection string is that of DATABASE_URL"
    assert "is PostgreSQL running at this host and port?" in refused.error["hint"]
    assert "--migrate-connect-wait 60" in refused.error["hint"]


def test_a_server_without_tls(app: AppFactory, database: Database) -> None:
    url = database.url_for(database.role, host="127.0.0.1", sslmode="require")
    refused = migrate(app(ONE), url=url)
    assert refused.exit == 6
    assert "if the server has no TLS: ssl = on there, or sslmode=prefer" in refused.error["hint"]
    assert "sslrootcert=FILE" in refused.error["hint"]
    assert applies(app(ONE), url=url.replace("sslmode=require", "sslmode=prefer"))


def test_a_server_that_wants_tls(app: AppFactory, database: Database) -> None:
    """Or at least that has no line for who comes without."""
    settings = database.server.directory / "data" / "pg_hba.conf"
    before = settings.read_text()
    settings.write_text(f"hostnossl {database.name} all 127.0.0.1/32 reject\n{before}")
    try:
        database.rows("SELECT pg_reload_conf()")
        url = database.url_for(database.role, host="127.0.0.1", sslmode="disable")
        wait_until(lambda: migrate(app(ONE), "--connect-wait=0", url=url).exit == 6)
        refused = migrate(app(ONE), url=url)
        assert refused.error["sqlstate"] == "28000"
        assert "if that wants encryption: sslmode=require" in refused.error["hint"]
    finally:
        settings.write_text(before)
        database.rows("SELECT pg_reload_conf()")


# ---- rights ----


def test_no_rights_on_the_schema(app: AppFactory, database: Database) -> None:
    database.admin("ALTER SCHEMA public OWNER TO postgres")
    refused = migrate(app(ONE))
    assert refused.exit == 7 and "may not create tables in schema" in refused.error["message"]
    (grant,) = GRANT.findall(refused.error["hint"])
    database.admin(grant)
    assert applies(app(ONE))


# ---- files ----


def test_two_files_with_one_number(
    inlay: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    write(tmp_path, "001_create_notes.sql", "001_create_tags.sql")
    refused = inlay("check", "migrations")
    assert refused.returncode == 1
    assert "001_create_tags.sql:1:1: error: version 1 is also used by" in refused.stderr
    (free,) = re.findall(r": (\d+) is free", refused.stderr)
    (tmp_path / "migrations/001_create_tags.sql").rename(
        tmp_path / f"migrations/{free}_create_tags.sql"
    )
    assert inlay("check", "migrations").returncode == 0


def test_sql_beside_up_sql(
    inlay: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    write(tmp_path, "001_create_notes.sql", "001_create_notes.up.sql")
    refused = inlay("check", "migrations")
    assert refused.returncode == 1
    assert "is the same migration, and only one of the two can run; remove one" in refused.stderr
    (tmp_path / "migrations/001_create_notes.sql").unlink()
    assert inlay("check", "migrations").returncode == 0


def test_a_typo(
    inlay: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    app: AppFactory,
    database: Database,
) -> None:
    """With the grammar the build tells; without it says what to install, and the server tells the
    same place."""
    typo = "ALTER TABEL notes ADD COLUMN title text;\n"
    write(tmp_path, "002_add_title.sql", text=typo)
    said = inlay("check", "migrations").stderr
    assert 'migrations/002_add_title.sql:1:7: warning: syntax error at or near "TABEL"' in said
    (option,) = re.findall(r"--target-version=\d+", said)
    assert inlay("check", "migrations", option).returncode == 1
    failed = migrate(app({**ONE, "002_add_title.sql": typo}))
    assert (failed.exit, failed.error["sqlstate"]) == (1, "42601")
    assert "migrations/002_add_title.sql:1:7: error: syntax error" in failed.stderr
    assert "was rolled back" in failed.stderr and "Fix the file, rebuild" in failed.stderr
    assert applies(app({**ONE, **TWO}))


def test_a_concurrent_index(
    inlay: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    app: AppFactory,
    database: Database,
) -> None:
    index = "CREATE INDEX CONCURRENTLY notes_body ON notes (body);"
    write(tmp_path, "002_index.sql", text=index)
    refused = inlay("check", "migrations")
    assert refused.returncode == 1
    (line,) = re.findall("'(-- inlay: [^']*)'", refused.stderr)
    write(tmp_path, "002_index.sql", text=f"{line}\n{index}")
    assert inlay("check", "migrations").returncode == 0
    assert applies(app({**ONE, "002_index.sql": f"{line}\n{index}"}))


@pytest.mark.parametrize(
    ("hidden", "state", "outside"),
    [
        (
            "DO $$ BEGIN EXECUTE 'CREATE INDEX CONCURRENTLY i ON notes (body)'; END $$;",
            "25001",
            "CREATE INDEX CONCURRENTLY i ON notes (body);",
        ),
        ("CALL commits();", "2D000", "CALL commits();"),
    ],
)
def test_what_the_build_cannot_see(
    app: AppFactory, database: Database, hidden: str, state: str, outside: str
) -> None:
    database.execute("CREATE PROCEDURE commits() LANGUAGE plpgsql AS 'BEGIN COMMIT; END'")
    failed = migrate(app({**ONE, "002_hidden.sql": hidden}))
    assert (failed.exit, failed.error["sqlstate"]) == (1, state)
    (line,) = re.findall("'(-- inlay: [^']*)' at the top", failed.error["hint"])
    assert (state == "2D000") == ("--no-transaction" in failed.error["hint"])
    assert applies(app({**ONE, "002_hidden.sql": f"{line}\n{outside}"}))


def test_a_new_file_that_the_build_does_not_see(
    inlay: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, builder: Builder
) -> None:
    """Meson's lines without the one that is forgotten: said by the first build."""
    write(tmp_path, "001_create_notes.sql")
    project = (
        "project('notes', 'c')\n"
        "custom_target(output: 'embedded one.c', build_by_default: true,\n"
        f"  command: {[*builder.generator, 'embed']} + [\n"
        "    meson.current_source_dir() / 'migrations',\n"
        "    '--symbol', 'm', '--output', '@OUTPUT@'])\n"
    )
    (tmp_path / "meson.build").write_text(project)
    told = build(tmp_path)
    assert "does not make embedded one.c again when a migration is added" in told
    write(tmp_path, "002_add_title.sql")
    assert build(tmp_path) == "" and "add_title" not in embedded(tmp_path)
    (line,) = re.findall(r"build_always_stale: true", told)
    (tmp_path / "meson.build").write_text(project.replace("command", f"{line}, command"))
    assert "warning" not in build(tmp_path) and "add_title" in embedded(tmp_path)


def build(project: Path) -> str:
    """What inlay said of it."""
    if not (project / "build").exists():
        subprocess.run(["meson", "setup", "build"], cwd=project, check=True, capture_output=True)
    done = subprocess.run(
        ["ninja", "-C", "build"], cwd=project, check=True, capture_output=True, text=True
    )
    return "".join(line for line in done.stdout.splitlines() if line.startswith("inlay: "))


def embedded(project: Path) -> str:
    return (project / "build/embedded one.c").read_text()


# ---- what was applied, and is no longer as it was ----


def test_an_edited_file_before_it_is_applied(app: AppFactory, database: Database) -> None:
    assert migrate(app({**ONE, "002_add_title.sql": "ALTER TABLE note ADD x int;"})).exit == 1
    assert applies(app({**ONE, **TWO}))


def test_an_edited_file_after_a_deploy(app: AppFactory, database: Database) -> None:
    """The first way out keeps the data; others come after it."""
    down = {"002_add_title.down.sql": "ALTER TABLE notes DROP COLUMN title;"}
    assert applies(app({**ONE, **TWO, **down}))
    edited = app(
        {**ONE, "002_add_title.sql": "ALTER TABLE notes ADD title text, ADD x int;", **down}
    )
    refused = migrate(edited)
    assert refused.exit == 4 and "was edited after it was applied" in refused.error["message"]
    restore, redo, *_ = refused.error["hint"].split(". ")
    assert restore.startswith("restore the file and put the change into a new migration")
    assert (
        redo
        == "If only your own database has it: --migrate-redo undoes it and applies it as it is now"
    )
    assert applies(app({**ONE, **TWO, **down, "003_x.sql": "ALTER TABLE notes ADD x int;"}))


def test_a_renamed_file(app: AppFactory, database: Database) -> None:
    assert applies(app({**ONE, **TWO}))
    renamed = app({**ONE, "002_title.sql": TWO["002_add_title.sql"]})
    refused = migrate(renamed)
    assert refused.exit == 4
    assert 'was applied as "add_title" and is now named "title"' in refused.error["message"]
    (version,) = re.findall(r"--migrate-accept (\d+)", refused.error["hint"])
    assert renamed.run("--accept", version).returncode == 0
    assert applies(renamed)


def test_a_renumbered_file(app: AppFactory, database: Database) -> None:
    assert applies(app({**ONE, **TWO}))
    renumbered = app({**ONE, "003_add_title.sql": TWO["002_add_title.sql"]})
    refused = migrate(renumbered)
    assert refused.exit == 4 and "renumbered after it was applied" in refused.error["message"]
    database.execute(refused.way_out)
    assert applies(renumbered) and versions(database) == [1, 3]


def test_a_renumbered_and_renamed_file(app: AppFactory, database: Database) -> None:
    assert applies(app({**ONE, **TWO}))
    refused = migrate(app({**ONE, "003_title.sql": TWO["002_add_title.sql"]}))
    assert refused.exit == 4
    assert refused.error["detail"] == (
        "version 3 (title) has the same text as version 2: if it was only renumbered and renamed, "
        "name its file as it was"
    )
    assert applies(app({**ONE, **TWO}))


def test_a_deleted_file_or_an_older_binary(app: AppFactory, database: Database) -> None:
    assert applies(app({**ONE, **TWO}))
    older = migrate(app(ONE))
    assert older.exit == 0
    assert older.warnings == [
        "the database is newer than this binary: public.applied_migrations has 1 version that this"
        " binary lacks: 2 (applied by a newer binary, or deleted here)"
    ]
    refused = migrate(app({**ONE, "003_tags.sql": "CREATE TABLE tags ();"}))
    assert refused.exit == 4
    assert refused.error["hint"].startswith("put its file back if it was deleted")
    assert applies(app({**ONE, **TWO, "003_tags.sql": "CREATE TABLE tags ();"}))


# ---- what was there before ----


def test_another_tools_history(app: AppFactory, database: Database) -> None:
    database.execute(*GOLANG_MIGRATE.fill())
    refused = migrate(app({**ONE, **TWO}))
    assert refused.exit == 7 and "golang-migrate has migrated this" in refused.error["message"]
    assert "--migrate-adopt golang-migrate" in refused.error["hint"]
    assert tables(database) == {"schema_migrations"}


def test_a_schema_without_any_history(app: AppFactory, database: Database) -> None:
    database.execute(*ONE.values())
    program = app({**ONE, **TWO})
    refused = migrate(program)
    assert refused.exit == 7 and "001_" in refused.error["message"]
    assert "--migrate-baseline 1, or" in refused.error["hint"]
    assert program.run("--baseline", "1").returncode == 0
    assert applies(program) and versions(database) == [1, 2]


def test_two_sets_in_one_program(
    program: ProgramFactory, app: AppFactory, database: Database
) -> None:
    """No name in common; and a first one in common."""
    users = {"001_init.sql": "CREATE TABLE a ();", "002_users.sql": "CREATE TABLE users ();"}
    orders = {"001_init.sql": "CREATE TABLE b ();", "002_orders.sql": "CREATE TABLE orders ();"}
    others = {"001_start.sql": "CREATE TABLE b ();", "002_orders.sql": "CREATE TABLE orders ();"}
    assert applies(app(users))
    for number, files in enumerate((orders, others)):
        refused = migrate(app(files))
        assert refused.exit == 4
        said = refused.error["hint"] + str(refused.error["detail"])
        assert "--migrate-history SCHEMA.TABLE, or inlay embed --history SCHEMA.TABLE" in said
    assert applies(app(orders, history="public.orders_migrations"))


# ---- other processes ----


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_pooler(app: AppFactory, database: Database, mode: str) -> None:
    pooler = Pooler(database.server, database, mode)
    try:
        refused = migrate(app(ONE), url=pooler.url)
        assert refused.exit == 7 and "(such as PgBouncer)" in refused.error["message"]
        assert "direct URL (INLAY_DATABASE_URL)" in refused.error["hint"]
        assert f"--migrate-pooler={mode}" in refused.error["hint"]
        assert applies(app(ONE), f"--pooler={mode}", url=pooler.url)
        assert applies(app(ONE), url=pooler.url)
    finally:
        pooler.close()


def test_a_lock_that_another_run_holds(app: AppFactory, database: Database) -> None:
    """Who has it, at which migration that one is, and how it is ended."""
    slow = app({**ONE, "002_slow.sql": "SELECT pg_sleep(600);"})
    first = slow.start("--only")
    wait_until(lambda: backends(database, "query ~ 'pg_sleep'") == 1)
    refused = migrate(slow, "--lock-wait=0")
    assert refused.exit == 5
    detail = r"the lock is held by pid \d+ \(inlay\), connected for \d+ s; next to be applied: (.*)"
    told = re.fullmatch(detail, refused.error["detail"])
    assert told is not None and told[1] == "002_slow.sql"
    (pid,) = re.findall(r"SELECT pg_terminate_backend\((\d+)\);", refused.error["hint"])
    assert f"held by pid {pid}" in refused.error["detail"]
    assert "to end a hanging process, stop its program" in refused.error["hint"]
    assert "SELECT pg_sleep(600)" in slow.run("--status").stdout
    first.terminate()
    assert first.wait(60) == 128 + 15
    assert applies(app({**ONE, "002_slow.sql": "SELECT 1;"}))
