"""pg_dump goes to where the run is, and takes nothing along that it should not have."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Iterator

import pytest

from backups import NOTING, Tools, environment_of, text_of
from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.relay import Relay
from outcomes import migrate, versions
from ways import table

pytestmark = pytest.mark.pg_dump

TWO = {**table(1, "a"), **table(2, "b")}


@pytest.fixture
def tools(database: Database, tmp_path: Path) -> Tools:
    return Tools(database.server, tmp_path)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "kept"
    made.mkdir()
    return made


@pytest.fixture
def noting(database: Database, tools: Tools, directory: Path) -> Iterator[dict[str, str]]:
    """A run whose pg_dump notes what it was given. There is something to find in the database."""
    database.execute("CREATE TABLE here AS SELECT 4711 AS n")
    yield {**tools.write(NOTING), "INLAY_BACKUP_DIR": str(directory)}
    (path,) = directory.iterdir()
    assert "\n4711\n" in text_of(path)


def test_no_password_in_the_arguments(
    app: AppFactory, database: Database, tools: Tools, noting: dict[str, str]
) -> None:
    assert migrate(app(TWO), url=database.tcp_url, env=noting).exit == 0
    arguments = " ".join(tools.note("arguments"))
    assert not any(password in arguments for password in database.passwords)
    assert database.name not in arguments and "://" not in arguments
    assert tools.note("arguments")[-1] == "--lock-wait-timeout=300000"
    given = environment_of(tools)
    assert given["PGPASSWORD"] in database.passwords
    assert given["PGHOST"] == given["PGHOSTADDR"] == "127.0.0.1"
    assert (given["PGUSER"], given["PGDATABASE"]) == (database.role, database.name)


def test_every_parameter_of_the_url(
    app: AppFactory, database: Database, tools: Tools, noting: dict[str, str]
) -> None:
    url = database.url_for(
        database.role,
        host="127.0.0.1",
        sslmode="disable",
        options="-cwork_mem=1MB",
        application_name="of-mine",
        target_session_attrs="read-write",
        connect_timeout="7",
        gssencmode="disable",
    )
    assert migrate(app(TWO), url=url, env=noting).exit == 0
    given = environment_of(tools)
    assert given["PGSSLMODE"] == "disable" and given["PGOPTIONS"] == "-cwork_mem=1MB"
    assert given["PGAPPNAME"] == "of-mine" and given["PGCONNECT_TIMEOUT"] == "7"
    assert given["PGTARGETSESSIONATTRS"] == "read-write" and given["PGGSSENCMODE"] == "disable"
    assert "PGCLIENTENCODING" not in given


def test_the_environment_does_not_lead_elsewhere(
    app: AppFactory, tools: Tools, noting: dict[str, str], tmp_path: Path
) -> None:
    """What the URL says counts, whatever the variables beside it say."""
    services = tmp_path / "services"
    services.write_text("[astray]\nhost=/nowhere\nport=1\ndbname=none\nuser=nobody\n")
    elsewhere = {
        "PGDATABASE": "postgres",
        "PGUSER": "nobody",
        "PGPORT": "1",
        "PGSERVICEFILE": str(services),
        "PGSYSCONFDIR": str(tmp_path),
        "KEPT": "as it is",
    }
    assert migrate(app(TWO), env={**noting, **elsewhere}).exit == 0
    given = environment_of(tools)
    assert "PGSERVICEFILE" not in given and given["KEPT"] == "as it is"


def test_libpqs_own_environment(
    app: AppFactory, database: Database, tools: Tools, noting: dict[str, str]
) -> None:
    own = {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(database.server.port),
        "PGDATABASE": database.name,
        "PGUSER": database.role,
        "PGPASSWORD": database._passwords[database.role],
    }
    assert migrate(app(TWO), url=None, env={**noting, **own}).exit == 0
    assert environment_of(tools)["PGDATABASE"] == database.name


def test_a_service_and_a_password_file(
    app: AppFactory, database: Database, tools: Tools, noting: dict[str, str], tmp_path: Path
) -> None:
    server, password = database.server, database._passwords[database.role]
    services, passfile = tmp_path / "services", tmp_path / "passfile"
    services.write_text(
        f"[shop]\nhost=127.0.0.1\nport={server.port}\ndbname={database.name}\n"
        f"user={database.role}\n"
    )
    passfile.write_text(f"127.0.0.1:{server.port}:*:*:{password}\n")
    passfile.chmod(0o600)
    env = {**noting, "PGSERVICEFILE": str(services), "PGPASSFILE": str(passfile)}
    assert migrate(app(TWO), url="service=shop", env=env).exit == 0
    given = environment_of(tools)
    assert "PGSERVICE" not in given and given["PGPASSWORD"] == password


def test_of_several_hosts_the_one_that_answered(
    app: AppFactory, database: Database, tools: Tools, noting: dict[str, str], relay: Relay
) -> None:
    url = (
        f"host=127.0.0.1,127.0.0.1 port=1,{relay.port} dbname={database.name}"
        f" user={database.role} password={database._passwords[database.role]}"
    )
    assert migrate(app(TWO), url=url, env=noting).exit == 0
    given = environment_of(tools)
    assert (given["PGHOST"], given["PGPORT"]) == ("127.0.0.1", str(relay.port))


def test_no_descriptor_goes_along(
    app: AppFactory, tools: Tools, noting: dict[str, str], tmp_path: Path
) -> None:
    with open(tmp_path / "secret", "w") as secret:
        number = os.dup2(secret.fileno(), 57)
        process = app(TWO).start("--only", env=noting, pass_fds=[number])
        process.communicate(timeout=60)
        os.close(number)
    assert process.returncode == 0
    # A shell keeps files of its own from 10 on.
    given = {int(descriptor) for descriptor in tools.note("descriptors")}
    assert given >= {0, 1, 2} and not given & {*range(3, 10), 57}


def test_signals_that_were_ignored_stay_so(
    app: AppFactory, tools: Tools, noting: dict[str, str]
) -> None:
    """nohup is for pg_dump too; that we ignore SIGPIPE is not."""
    noting.update(tools.write("grep ^SigIgn /proc/$$/status >{notes}/ignored\n" + NOTING))
    process = app(TWO).start("--only", env=noting, preexec_fn=ignore_hangups)
    process.communicate(timeout=60)
    assert process.returncode == 0
    ignored = int(tools.note("ignored")[0].split()[1], 16)
    assert ignored & 1 << 1  # SIGINT - 1
    assert not ignored & 1 << 12  # SIGPIPE - 1


def ignore_hangups() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


# ---- the same for others: what the library tells before a run ----

HOST = r"""
#include <inlay-admin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct inlay_set app_migrations;

static int ask(void *user, const struct inlay_event *event, struct inlay_error *err)
{
    const struct inlay_target *target = event->target;

    printf("asked kind=%d first=%lld down=%d count=%zu batch=%lld database=%s server=%d\n",
           event->kind, event->migration ? (long long)event->migration->version : -1, event->down,
           event->count, (long long)event->batch, target->database, target->server_version);
    for (char *const *variable = target->environment; *variable; variable++)
        if (strncmp(*variable, "PGDATABASE=", 11) == 0 || strncmp(*variable, "PGUSER=", 7) == 0)
            printf("%s\n", *variable);
    if (strcmp(user, "stop") == 0)
        return INLAY_E_STOPPED;
    return strcmp(user, "refuse") == 0 ? inlay_refuse(err, "not today") : INLAY_OK;
}

static void hear(void *user, const struct inlay_event *event)
{
    (void)user;
    if (event->target != NULL || (event->kind == INLAY_EVENT_BEGIN && event->migration != NULL))
        printf("not for events\n");
}

int main(int argc, char **argv)
{
    struct inlay_options options = {.size = sizeof options, .before_run = ask, .event = hear};
    struct inlay_error err;
    int rc;

    options.conninfo = getenv("INLAY_DATABASE_URL");
    options.user = argv[1];
    if (argc > 3)
        rc = inlay_reset(&app_migrations, &options, argv[3], NULL, &err);
    else if (argc > 2)
        rc = inlay_undo(&app_migrations, &options, 1, NULL, &err);
    else
        rc = inlay_migrate(&app_migrations, &options, NULL, &err);
    printf("%s %s\n", inlay_code_name(rc), err.message);
    return rc != INLAY_OK;
}
"""


def test_a_host_is_asked(program: ProgramFactory, database: Database) -> None:
    host = program(HOST, TWO)
    role = f"PGUSER={database.role}"
    where = f"database={database.name} server={database.value('SHOW server_version_num')}"

    def said(*words: str) -> list[str]:
        return host.run(*words).stdout.splitlines()

    names = {f"PGDATABASE={database.name}", role}
    lines = said("refuse")
    assert lines[0] == f"asked kind=0 first=1 down=0 count=2 batch=1 {where}"
    assert set(lines[1:3]) == names and lines[3:] == ["refused not today"]
    assert said("stop")[3:] == ["stopped the program refused to continue"]
    assert database.value("SELECT to_regclass('applied_migrations')") is None
    assert said("go")[3:] == ["ok "]
    assert said("go") == ["ok "]  # nothing runs, nobody is asked
    assert said("go", "down")[0] == f"asked kind=0 first=2 down=1 count=1 batch=2 {where}"
    assert versions(database) == [1]
    assert said("refuse", "", database.name)[3:] == ["refused not today"]
    assert versions(database) == [1]
    lines = said("go", "", database.name)
    assert lines[0] == f"asked kind=0 first=-1 down=0 count=2 batch=1 {where}"
    assert lines[3:] == ["ok "] and versions(database) == [1, 2]
