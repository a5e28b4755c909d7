"""docs/many-databases.md: what it shows is run, or parsed."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
from pathlib import Path

import pytest

import pages
from conftest import AppFactory
from harness.database import Database

PAGE = pages.load(pages.DOCS / "many-databases.md")
SH, TEXT, YAML, INI = map(PAGE.named, ("sh", "text", "yaml", "ini"))
NOTES = {"001_notes.sql": "CREATE TABLE notes ();\n"}
AUTHORS = {**NOTES, "002_authors.sql": "CREATE TABLE authors ();\n"}


def test_every_block_is_tested() -> None:
    assert (set(SH), set(TEXT)) == ({"list", "xargs", "parallel"}, {"tenants", "check", "only"})
    assert (set(YAML), set(INI)) == ({"kubernetes"}, {"migrate@.service"})
    assert len(PAGE.blocks) == len(SH) + len(TEXT) + len(YAML) + len(INI)


def of_a_whole_program(text: str) -> str:
    return text.replace("--migrate-", "--")


@pytest.mark.sample
def test_what_is_run(app: AppFactory, database: Database, tmp_path: Path) -> None:
    old, new = app(NOTES), app(AUTHORS)
    server, listing = tmp_path / "server", tmp_path / "tenants.txt"
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DATABASE_URL": database.url}

    def shell(text: str, *expected: int) -> str:
        command = ["sh", "-c", of_a_whole_program(text)]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode in (expected or (0,)), done.stderr
        return re.sub(r"\d+ ms", "N ms", done.stderr + done.stdout)

    listed = re.sub(r"^host=.*", rf"\g<0>\t\t{database.url}", TEXT["tenants"], flags=re.MULTILINE)
    listing.write_text(re.sub(r"postgresql://app:secret@.*", database.url, listed))
    server.symlink_to(old.path)
    shell(f"{SH['list'].splitlines()[0]}", 3)
    one = "--migrate-targets - "
    shell(f"printf 'cirrus\\ndelta\\n' | ./server --migrate-only {one}")
    shell(f"printf 'acme\\nborealis\\ttenant_borealis\\t\\n' | ./server --migrate-only {one}")
    server.unlink()
    server.symlink_to(new.path)
    shell(f"printf 'cirrus\\ndelta\\n' | ./server --migrate-only {one}")
    for name, status in (("check", 3), ("only", 0)):
        command, *said = TEXT[name].splitlines()
        shown = re.sub(r"\d+ ms", "N ms", "\n".join(said))
        assert sorted(shell(command.removeprefix("$ "), status).splitlines()) == sorted(
            shown.splitlines()
        )

    listing.write_text("".join(f"s{n}\n" for n in range(12)))
    shell(SH["xargs"])
    assert shell(SH["list"].splitlines()[0]).endswith("12 targets: 12 up to date\n")
    listing.write_text("".join(f"p{n}\n" for n in range(8)))
    database.execute("CREATE SCHEMA p5; CREATE TABLE p5.notes ()")
    assert "p5\n" in shell(SH["parallel"], 3)
    database.execute("DROP TABLE p5.notes", "DROP SCHEMA IF EXISTS p6 CASCADE")  # perhaps not begun
    with listing.open("a") as listed_too:
        listed_too.write("gone\t\thost=/nowhere\n")
    assert "\n9 targets: 8 up to date, 1 unreadable\n" in shell(SH["parallel"], 8)
    listing.write_text("".join(f"p{n}\n" for n in range(8)))
    assert shell(SH["parallel"]).endswith("8 targets: 8 up to date\n")
    assert shell(SH["list"].splitlines()[0]).endswith("8 targets: 8 up to date\n")
    query = of_a_whole_program(SH["list"].splitlines()[1]).replace("tenant\\_%", "p_")
    assert shell(query).endswith("8 targets: 8 up to date\n")


def test_the_job_of_kubernetes() -> None:
    yaml = pytest.importorskip("yaml")
    job = yaml.safe_load(YAML["kubernetes"])
    spec = job["spec"]
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    assert set(spec) == {
        "completionMode",
        "completions",
        "parallelism",
        "backoffLimitPerIndex",
        "podFailurePolicy",
        "template",
    }
    assert spec["completionMode"] == "Indexed"  # else there is no JOB_COMPLETION_INDEX
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "Never"  # backoffLimitPerIndex and podFailurePolicy want it
    (container,) = pod["containers"]
    assert container["command"][-1] == f"--migrate-part=/{spec['completions']}"
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule["action"] == "FailIndex"
    assert rule["onExitCodes"]["containerName"] == container["name"]
    assert 5 not in rule["onExitCodes"]["values"] and 6 not in rule["onExitCodes"]["values"]


def test_the_unit_of_systemd() -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.read_string(INI["migrate@.service"])
    assert unit["Service"]["Type"] == "oneshot"
    assert unit["Service"]["ExecStart"].endswith(" --migrate-part %i/4")
    assert "systemctl start migrate@{1..4}" in PAGE.prose
