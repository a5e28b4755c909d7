"""build/artifact/server, which ./dev artifact builds: one file is enough, wherever it runs."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Callable, Iterator

import pages
import psycopg
import pytest
from elf import assert_is_static_pie, assert_memory_is_protected, read
from harness.database import Database
from harness.program import Builder, Program
from harness.server import Server
from outcomes import wait_until
from serving import Service

PAGE = pages.load(pages.DOCS / "artifact.md")
ARTIFACT = Path(os.environ["INLAY_BUILD"]) / "artifact"

ARM64, EMULATOR = ARTIFACT.with_name("artifact-arm64"), "qemu-aarch64-static"

pytestmark = pytest.mark.skipif(
    not (ARTIFACT / "server").exists(), reason="build/artifact/server is missing: ./dev artifact"
)
for_arm64 = pytest.mark.skipif(
    not (ARM64 / "server").exists() or not shutil.which(EMULATOR),
    reason="build/artifact-arm64/server is missing: ./dev artifact --arm64",
)

NAME, ADDRESS = "db.internal", "127.0.0.1"


@pytest.fixture(scope="module", autouse=True)
def static_libpq(record_testsuite_property: Callable[[str, object], None]) -> None:
    """The results name the one inside too, which is not the machine's."""
    said = subprocess.check_output([ARTIFACT / "server", "--migrate-version"], text=True)
    (version,) = re.findall(r"^linked .*, libpq ([\d.]+), OpenSSL \d", said, re.MULTILINE)
    record_testsuite_property("remark", f"libpq {version} inside")


@pytest.fixture
def root(server: Server) -> Iterator[Path]:
    """What the server will see as /: itself, and what a test puts there, such as PostgreSQL's
    socket, which can be linked from its own file system only."""
    with tempfile.TemporaryDirectory(prefix="inlay-root-", dir=server.directory.parent) as name:
        shutil.copy(ARTIFACT / "server", name)
        yield Path(name)


@pytest.fixture
def jailed(root: Path, tmp_path: Path, adopt: Callable[[Path], Program]) -> Program:
    """The server in that directory."""
    words = ["chroot", str(root), "/server"]
    if os.geteuid() != 0:
        words = ["unshare", "--map-root-user", *words]
    enter = tmp_path / "enter"
    enter.write_text(
        f'#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nexec {shlex.join(words)} "$@"\n'
    )
    enter.chmod(0o755)
    return adopt(enter)


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_text(text)


def assert_migrates(program: Program, url: str) -> None:
    result = program.run("--migrate-only", url=url)
    assert result.returncode == 0, result.stderr
    count = "SELECT count(*) FROM applied_migrations"
    assert program.database.value(count) == len(list((pages.TOP / "migrations").glob("*.up.*"))) + 1


def test_it_needs_no_library() -> None:
    assert_is_static_pie(ARTIFACT / "server")


def test_its_memory_is_protected() -> None:
    assert_memory_is_protected(ARTIFACT / "server")


@for_arm64
def test_the_one_for_arm64(
    adopt: Callable[[Path], Program], database: Database, tmp_path: Path
) -> None:
    assert re.search(r"Machine: +AArch64", read(ARM64 / "server", "--file-header"))
    assert_is_static_pie(ARM64 / "server")
    assert_memory_is_protected(ARM64 / "server")
    run = tmp_path / "run"
    run.write_text(f'#!/bin/sh\nexec {EMULATOR} {shlex.quote(str(ARM64 / "server"))} "$@"\n')
    run.chmod(0o755)
    program = adopt(run)
    said = program.run("--migrate-version").stdout
    assert re.search(r"^linked .*, libpq [\d.]+, OpenSSL \d", said, re.MULTILINE)
    assert_migrates(program, database.tcp_url)
    made = json.loads((ARM64 / "server.spdx.json").read_text())
    assert {"libpq", "OpenSSL", "glibc"} < {package["name"] for package in made["packages"]}
    assert (ARM64 / "LICENSES").stat().st_size > 10_000


def build_elsewhere(source: Path, home: Path) -> dict[str, bytes]:
    """The server and the library, from a copy of the tree."""
    kept = shutil.ignore_patterns("build", "build-*", ".git", "__pycache__", "packagecache")
    shutil.copytree(source, home, ignore=kept)
    setup = ["meson", "setup", "out", "--buildtype=release", "-Dserver=enabled", "-Dtests=disabled"]
    for command in (setup, ["ninja", "-C", "out", "server", "src/library/libinlay.a"]):
        done = subprocess.run(command, cwd=home, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    names = ("server", "src/library/libinlay.a")
    return {name: (home / "out" / name).read_bytes() for name in names}


def test_another_directory_and_another_time_make_the_same_bytes(
    builder: Builder, tmp_path: Path
) -> None:
    first = build_elsewhere(builder.source, tmp_path / "here")
    second = build_elsewhere(builder.source, tmp_path / "a directory" / "further down")
    assert [name for name in first if first[name] != second[name]] == []


def test_the_bill_of_materials() -> None:
    made = json.loads((ARTIFACT / "server.spdx.json").read_text())
    said = subprocess.check_output([ARTIFACT / "server", "--migrate-version"], text=True)
    ((inlay, libpq, openssl),) = re.findall(
        r"^linked +inlay (\S+), libpq (\S+), OpenSSL (\S+)", said, re.MULTILINE
    )
    versions = {package["name"]: package["versionInfo"] for package in made["packages"]}
    assert versions.items() >= {"inlay": inlay, "libpq": libpq, "OpenSSL": openssl}.items()
    assert {"server", "libevent", "glibc"} < set(versions) and all(versions.values())
    (whole,) = [package for package in made["packages"] if package["name"] == "server"]
    digest = hashlib.sha256((ARTIFACT / "server").read_bytes()).hexdigest()
    assert whole["checksums"] == [{"algorithm": "SHA256", "checksumValue": digest}]
    inside = [r["relatedSpdxElement"] for r in made["relationships"] if "STATIC" in str(r)]
    assert inside == [p["SPDXID"] for p in made["packages"] if p is not whole]
    for key in ("spdxVersion", "dataLicense", "documentNamespace", "creationInfo"):
        assert made[key], key


def test_the_licences_of_all_that_is_inside() -> None:
    parts = re.findall(r"^======== (.*) ========$", (ARTIFACT / "LICENSES").read_text(), re.M)
    assert parts == ["inlay", "libpq", "libevent", "OpenSSL", "the GNU C library"]


def test_the_page_names_what_is_there() -> None:
    named = re.findall(r"^\| `([\w./]+)` \|", PAGE.prose, re.MULTILINE)
    assert named and all((ARTIFACT / name).exists() for name in named)
    (stage,) = [block.text for block in PAGE.blocks if block.language == "dockerfile"]
    copied = re.findall(r"/src/build/artifact/(\w+)", stage)
    assert set(copied) == {"server", "LICENSES"} <= set(named)


def test_it_migrates_and_serves_where_nothing_else_is(
    jailed: Program, root: Path, database: Database, tmp_path: Path
) -> None:
    assert_migrates(jailed, database.tcp_url)
    service = Service(jailed, tmp_path, env={"INLAY_DATABASE_URL": database.tcp_url})
    assert service.await_ready().headline.startswith("ready: ")
    assert "create_accounts" in service.ask("/").body
    assert service.stop() == 0
    assert [path.name for path in root.iterdir()] == ["server"]


def test_a_socket_that_is_put_there(jailed: Program, root: Path, database: Database) -> None:
    server = database.server
    name = f".s.PGSQL.{server.port}"
    os.link(server.directory / name, root / name)
    assert_migrates(
        jailed, f"postgresql://{database.role}@/{database.name}?host=/&port={server.port}"
    )


def test_a_role_that_nothing_names(jailed: Program, database: Database) -> None:
    result = jailed.run("--migrate-only", url=f"postgresql://{ADDRESS}:1/{database.name}")
    assert (result.returncode, result.stdout) == (6, "")
    assert "could not look up local user ID" in result.stderr


def test_names_in_the_hosts_file(jailed: Program, root: Path, database: Database) -> None:
    put(root, "etc/hosts", f"{ADDRESS} {NAME}\n")
    assert_migrates(jailed, database.tcp_url.replace(ADDRESS, NAME))


@pytest.fixture
def name_server() -> Iterator[str]:
    """The address of one that knows NAME and no IPv6 address of it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        try:
            listener.bind(("127.0.0.77", 53))
        except PermissionError:
            pytest.skip("port 53 is root's")

        def answer() -> None:
            while True:
                query, client = listener.recvfrom(512)
                if not query:
                    return
                question = query[12 : query.index(b"\0", 12) + 5]
                known = question[-4:-2] == b"\0\1"
                header = query[:2] + b"\x81\x80\0\1\0" + bytes([known]) + b"\0\0\0\0"
                record = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(ADDRESS)
                listener.sendto(header + question + record * known, client)

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[0]
        listener.sendto(b"", listener.getsockname())
        thread.join()


def test_names_by_dns(jailed: Program, root: Path, database: Database, name_server: str) -> None:
    put(root, "etc/resolv.conf", f"nameserver {name_server}\n")
    assert_migrates(jailed, database.tcp_url.replace(ADDRESS, NAME))


def certificate(directory: Path, name: str) -> tuple[Path, Path]:
    """A key and a certificate that it has signed itself."""
    key, cert = directory / f"{name}.key", directory / f"{name}.crt"
    command = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    return key, cert


@pytest.fixture
def encrypted(server: Server, tmp_path: Path) -> Iterator[Path]:
    """Has the server speak TLS; gives the certificate that it shows."""
    owner = server.directory.stat()
    files = [server.directory / path.name for path in certificate(tmp_path, NAME)]
    for path in files:
        shutil.copy(tmp_path / path.name, path)
        os.chown(path, owner.st_uid, owner.st_gid)
        path.chmod(0o600)
    settings = {"ssl_key_file": files[0], "ssl_cert_file": files[1], "ssl": "on"}
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:

        def shows(value: str) -> bool:
            return connection.execute("SHOW ssl").fetchone() == (value,)

        for key, value in settings.items():
            connection.execute(f"ALTER SYSTEM SET {key} = '{value}'")
        connection.execute("SELECT pg_reload_conf()")
        wait_until(lambda: shows("on"), "for TLS")
        yield tmp_path / f"{NAME}.crt"
        connection.execute("ALTER SYSTEM RESET ssl")
        connection.execute("SELECT pg_reload_conf()")
        wait_until(lambda: shows("off"), "for no TLS")


def tls_url(database: Database) -> str:
    url = database.url_for(
        database.role, host=ADDRESS, sslmode="verify-full", sslrootcert="/ca.crt"
    )
    return url.replace(ADDRESS, NAME)


def test_tls(
    jailed: Program, root: Path, database: Database, encrypted: Path, tmp_path: Path
) -> None:
    put(root, "etc/hosts", f"{ADDRESS} {NAME}\n")
    shutil.copy(encrypted, root / "ca.crt")
    assert_migrates(jailed, tls_url(database))
    Service(jailed, tmp_path, env={"INLAY_DATABASE_URL": tls_url(database)}).await_ready()


def test_tls_with_somebody_else(
    jailed: Program, root: Path, database: Database, encrypted: Path, tmp_path: Path
) -> None:
    put(root, "etc/hosts", f"{ADDRESS} {NAME}\n")
    shutil.copy(certificate(tmp_path, "other.internal")[1], root / "ca.crt")
    result = jailed.run("--migrate-only", url=tls_url(database))
    assert result.returncode == 6
    assert "certificate verify failed" in result.stderr


def test_a_start_takes_at_most_half_the_processor_time(
    builder: Builder, database: Database, tmp_path: Path
) -> None:
    script = builder.source / "bench" / "startup.py"
    command = [sys.executable, str(script), str(builder.server), str(ARTIFACT / "server"), "50"]
    environment = {**os.environ, "DATABASE_URL": database.admin_url}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, stdout=subprocess.DEVNULL)
    seen = json.loads((tmp_path / "startup.json").read_text())
    assert seen["static"]["cpu_ms"] <= seen["dynamic"]["cpu_ms"] / 2
    assert (seen["static"]["libraries"], seen["dynamic"]["libraries"] > 0) == (0, True)
