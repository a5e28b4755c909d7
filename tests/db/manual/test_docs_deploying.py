"""docs/deploying.md: what it shows is parsed and run, with a scratch server in the place of the
page's own."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

import pytest

from conftest import AppFactory
from deployment import DOCKERFILE, INI, PAGE, SH, SQL, YAML, Place
from harness.database import Database
from harness.program import Builder, Program
from harness.server import Server
from outcomes import versions, wait_until
from pooler import Pooler

NOTES = {"001_create_notes.sql": "CREATE TABLE notes ();\n"}
AUTHORS = {"002_create_authors.sql": "CREATE TABLE authors ();\n"}


def test_every_block_is_tested() -> None:
    assert set(SH) == {"script", "by-hand", "rehearse", "rollback", "pooler"}
    assert set(SQL) == {"roles", "history", "not-the-owner", "not-everybody"}  # test_docs_roles.py
    assert set(YAML) == {"compose", "kubernetes", "at-start"}
    assert set(INI) == {"app.service", "app.env", "pgbouncer.ini"}
    named = len(SH) + len(SQL) + len(YAML) + len(INI)
    assert len(PAGE.blocks) == named + len([DOCKERFILE])


@pytest.fixture
def place(database: Database) -> Iterator[Place]:
    """The roles and the database of the page."""
    made = Place(database)
    made.create()
    yield made
    made.drop()


def read_yaml(name: str) -> list[Any]:
    yaml = pytest.importorskip("yaml")
    return list(yaml.safe_load_all(YAML[name]))


def environment(place: Place, variables: Mapping[str, str]) -> dict[str, str]:
    return {name: place.fill(value) for name, value in variables.items()}


class Service:
    """The serving command of the page, on a free port."""

    def __init__(self, server: Program, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        at = list(arguments).index("--listen") + 1
        here = [*arguments[:at], f"127.0.0.1:{self.port}", *arguments[at + 1 :]]
        self.process = server.start(*here, url=None, env=env, stderr=subprocess.DEVNULL)

    def answers(self, path: str = "/readyz") -> bool:
        assert self.process.poll() is None
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5):
                return True
        except urllib.error.URLError:
            return False

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


# ---- in a script, and going back ----


def run_lines(
    text: str, program: tuple[str, Path], url: str, directory: Path
) -> list[tuple[str, int]]:
    """Runs a script line by line; returns each line's comment and exit status."""
    (directory / program[0]).symlink_to(program[1])
    env = {"PATH": os.environ["PATH"], "INLAY_DATABASE_URL": url, "DATABASE_URL": "host=/nowhere"}
    return [
        (
            line.partition("#")[2].strip(),
            subprocess.call(["sh", "-c", line], cwd=directory, env=env),
        )
        for line in text.splitlines()
    ]


def test_the_script(builder: Builder, database: Database, tmp_path: Path) -> None:
    done = run_lines(SH["script"], ("server", builder.server), database.url, tmp_path)
    assert [status for _, status in done] == [0, 0, 0]
    assert versions(database) != []


def test_a_script_for_psql(app: AppFactory, database: Database, tmp_path: Path) -> None:
    """The reference server has a migration in C, for which the page's lines are not enough."""
    (tmp_path / "server").symlink_to(app(NOTES).path)
    lines = SH["by-hand"].replace("--migrate-", "--")
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": database.url}
    assert subprocess.call(["sh", "-ec", lines], cwd=tmp_path, env=env) == 0
    assert versions(database) == [1]


def test_the_rehearsal(builder: Builder, database: Database, tmp_path: Path) -> None:
    (tmp_path / "server").symlink_to(builder.server)
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": "host=/nowhere", "COPY_URL": database.url}
    for _ in range(2):
        assert subprocess.call(["sh", "-ec", SH["rehearse"]], cwd=tmp_path, env=env) == 0
    assert database.rows("SELECT relname FROM pg_class WHERE relname ~ '^applied'") == []


def test_rolling_back(app: AppFactory, database: Database, tmp_path: Path) -> None:
    assert app({**NOTES, **AUTHORS}).run("--only").returncode == 0
    done = run_lines(SH["rollback"], ("old-server", app(NOTES).path), database.url, tmp_path)
    assert [comment for comment, _ in done] == [str(status) for _, status in done]
    assert versions(database) == [1, 2]


# ---- Dockerfile ----


def instructions() -> list[tuple[str, str]]:
    lines = re.sub(r"\\\n\s*", "", DOCKERFILE).splitlines()
    return [(line.split()[0], line.partition(" ")[2]) for line in lines if line]


def packages(stage: int) -> set[str]:
    (install,) = [t for t in _runs(stage) if "apt-get install" in t]
    words = shlex.split(install.split("apt-get install")[1].split("&&")[0])
    return {word for word in words if not word.startswith("--")}


def _runs(stage: int) -> list[str]:
    found: list[list[str]] = []
    for instruction, text in instructions():
        if instruction == "FROM":
            found.append([])
        elif instruction == "RUN":
            found[-1].append(text)
    return found[stage]


def test_the_image_is_what_is_run(reference_server: Program, place: Place) -> None:
    known = {"FROM", "RUN", "COPY", "USER", "ENTRYPOINT", "CMD"}
    assert {name for name, _ in instructions()} == known
    last = dict(instructions())
    (entry,) = json.loads(last["ENTRYPOINT"])
    assert last["COPY"] == f"--from=build /build/server {entry}"
    assert reference_server.run("--migrate-show", url=None).returncode == 0
    service = Service(reference_server, json.loads(last["CMD"]), {"DATABASE_URL": place.owner_url})
    wait_until(service.answers)
    assert service.stop() == 0


def test_the_build_stage_builds(builder: Builder, tmp_path: Path) -> None:
    build = (
        _runs(0)[-1]
        .replace("/build ", f"{tmp_path} ")
        .replace("/src ", f"{shlex.quote(str(builder.source))} ")
    )
    result = subprocess.run(["sh", "-c", build], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    assert subprocess.call([tmp_path / "server", "--migrate-show"], stdout=subprocess.DEVNULL) == 0


@pytest.mark.sample
def test_the_image_has_the_libraries(builder: Builder) -> None:
    release = Path("/etc/os-release").read_text()
    if "ID=debian" not in release or 'VERSION_ID="12"' not in release:
        pytest.skip("the page's packages are those of Debian 12")
    dynamic = subprocess.check_output(["readelf", "-d", builder.server], text=True)
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))
    owners = set()
    for library in needed:
        found = subprocess.run(["dpkg", "-S", library], capture_output=True, text=True).stdout
        owners |= {line.split(":")[0] for line in found.splitlines() if line.endswith(library)}
    always_there = {owner for owner in owners if owner.startswith("libc6")}
    sanitizers = {"libasan8", "libubsan1", "libgcc-s1"}
    assert owners - always_there - sanitizers == packages(1)
    assert {"gcc", "meson", "ninja-build", "libpq-dev", "libevent-dev"} < packages(0)


# ---- compose ----


def test_compose(reference_server: Program, place: Place) -> None:
    (document,) = read_yaml("compose")
    services = document["services"]
    assert set(services) == {"db", "migrate", "server"}
    after = services["server"]["depends_on"]["migrate"]
    assert after == {"condition": "service_completed_successfully"}
    migrate, serve = services["migrate"], services["server"]
    env = environment(place, serve["environment"])
    service = Service(reference_server, serve["command"], env)
    wait_until(lambda: service.answers("/livez"))
    assert not service.answers()
    done = reference_server.run(
        *migrate["command"], url=None, env=environment(place, migrate["environment"])
    )
    assert done.returncode == 0
    wait_until(service.answers)
    assert service.stop() == 0


# ---- Kubernetes ----


@pytest.mark.sample
def test_kubernetes(reference_server: Program, place: Place) -> None:
    """All at once, the pods first."""
    job, deployment = read_yaml("kubernetes")
    pod = deployment["spec"]["template"]["spec"]
    (init,), (serve,) = pod["initContainers"], pod["containers"]
    (migrate,) = job["spec"]["template"]["spec"]["containers"]
    waiting = [
        reference_server.start(*init["args"], url=None, env=from_secret(place, init))
        for _ in range(deployment["spec"]["replicas"])
    ]
    assert len(waiting) == 3
    for process in waiting:
        assert process.stderr is not None
        assert "migrations are pending" in process.stderr.readline()
    done = reference_server.run(*migrate["args"], url=None, env=from_secret(place, migrate))
    assert done.returncode == 0
    assert [process.wait(20) for process in waiting] == [0, 0, 0]
    service = Service(reference_server, serve["args"], from_secret(place, serve))
    answers_probes(service, serve, "livenessProbe", "readinessProbe")
    assert service.stop() == 0


def answers_probes(service: Service, container: Mapping[str, Any], *probes: str) -> None:
    for probe in probes:
        get = container[probe]["httpGet"]
        assert get["port"] == container["ports"][0]["containerPort"] == 8080
        wait_until(lambda: service.answers(get["path"]))


def test_kubernetes_at_start(reference_server: Program, place: Place) -> None:
    (deployment,) = read_yaml("at-start")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    (serve,) = deployment["spec"]["template"]["spec"]["containers"]
    service = Service(reference_server, serve["args"], from_secret(place, serve))
    answers_probes(service, serve, "startupProbe", "livenessProbe", "readinessProbe")
    assert service.stop() == 0
    assert reference_server.run("--migrate-check", url=place.owner_url).returncode == 0
    startup = serve["startupProbe"]  # "an hour", and the rollout is not given up before
    assert startup["periodSeconds"] * startup["failureThreshold"] == 3600
    assert deployment["spec"]["progressDeadlineSeconds"] == 3600


def from_secret(place: Place, container: Mapping[str, Any]) -> dict[str, str]:
    (variable,) = container["env"]
    urls = {"owner-url": place.owner_url, "service-url": place.service_url}
    return {variable["name"]: urls[variable["valueFrom"]["secretKeyRef"]["key"]]}


def test_the_job_retries_what_may_pass(reference_server: Program) -> None:
    job, deployment = read_yaml("kubernetes")
    template = job["spec"]["template"]["spec"]
    (rule,) = job["spec"]["podFailurePolicy"]["rules"]
    assert (rule["action"], rule["onExitCodes"]["operator"]) == ("FailJob", "In")
    assert rule["onExitCodes"]["containerName"] == template["containers"][0]["name"]
    assert rule["onExitCodes"]["values"] == [1, 2, 4, 7]  # not 5 and 6, which may pass
    assert template["restartPolicy"] == "Never"  # or the policy is refused
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels


# ---- PgBouncer ----


def test_pgbouncer(
    reference_server: Program, builder: Builder, server: Server, database: Database, tmp_path: Path
) -> None:
    """The migrator's entry is in session mode, and the application's is not."""
    parser = configparser.ConfigParser()
    parser.read_string(INI["pgbouncer.ini"])
    entries = "\n".join(f"{name} = {to}" for name, to in parser["databases"].items())
    entries = entries.replace("host=db port=5432", "{place}")
    entries = re.sub(r"^app =(.*)", rf"app =\1 dbname={database.name}", entries)
    entries = entries.replace("dbname=app ", f"dbname={database.name} ")
    pooler = Pooler(server, database, parser["pgbouncer"]["pool_mode"], entries)
    try:
        assert reference_server.run("--migrate-only", url=pooler.url_of("app")).returncode == 7
        (tmp_path / "server").symlink_to(builder.server)
        env = {"PATH": os.environ["PATH"], "APP_MIGRATE_URL": pooler.url_of("app_migrate")}
        assert subprocess.call(["sh", "-ec", SH["pooler"]], cwd=tmp_path, env=env) == 0
        assert reference_server.run("--migrate-only", url=pooler.url_of("app")).returncode == 0
    finally:
        pooler.close()
    assert versions(database) != []


# ---- systemd ----


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment]
    parser.read_string(INI["app.service"])
    return parser


def test_the_unit_runs(reference_server: Program, place: Place) -> None:
    service = unit()["Service"]
    env = environment(place, dict(line.split("=", 1) for line in INI["app.env"].splitlines()))
    assert set(unit()) == {"DEFAULT", "Unit", "Service", "Install"}
    assert service["TimeoutStartSec"] == "infinity"
    before, command = shlex.split(service["ExecStartPre"]), shlex.split(service["ExecStart"])
    assert reference_server.run(*before[1:], url=None, env=env).returncode == 0
    started = Service(reference_server, command[1:], env)
    wait_until(started.answers)
    assert started.stop() == 0


def test_systemd_takes_the_unit(builder: Builder, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not there")
    text = INI["app.service"].replace("/usr/local/bin/server", str(builder.server))
    path = tmp_path / "app.service"
    path.write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert "app.service" not in result.stderr
