"""docs/command-line.md and docs/json.md say what the program does: the same verbs and options, and
transcripts that come out the same."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

from conftest import ProgramFactory
from harness.program import Builder, Program

SOURCE = """
#include <inlay-cli.h>
extern const struct inlay_set app_migrations;
int main(int argc, char **argv)
{
    struct inlay_cli_outcome outcome;
    return inlay_cli(&argc, argv, &app_migrations, &outcome) ? outcome.exit_status : 99;
}
"""
FILES = {
    "001_create_users.up.sql": (
        "CREATE TABLE users (\n"
        "    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
        "    name text NOT NULL\n"
        ");\n"
    ),
    "001_create_users.down.sql": "DROP TABLE users;\n",
    "002_add_email.sql": (
        "ALTER TABLE users ADD email text;\n"
        "UPDATE users SET email = name || '@example.com';\n"
        "ALTER TABLE users ALTER email SET NOT NULL;\n"
    ),
    "003_index_email.sql": (
        "-- inlay: no-transaction\n"
        "CREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email);\n"
    ),
}
# In this order, on a database that is empty to begin with.
COMMANDS = [
    "--migrate-list",
    "--migrate-show 002",
    "--migrate-show 7",
    "--migrate-statsu",
    "--migrate-up",
    "--migrate-create",
    "--migrate-status --migrate-only",
    "--migrate-check",
    "--migrate-dry-run",
    "--migrate-rehearse",
    "--migrate-rehearse --migrate-json",
    "--migrate-await 2",
    "--migrate-selftest",
    "--migrate-selftest --migrate-json",
    "--migrate-show 2 --migrate-json",
    "--migrate-only",
    "--migrate-only",
    "--migrate-version",
    "--migrate-version --migrate-json",
    "--migrate-await 1 --migrate-json",
    "--migrate-down 1",
    "--migrate-down 1 --migrate-yes",
    "--migrate-down 2 --migrate-yes --migrate-skip-missing-down",
    "--migrate-to 0 --migrate-yes",
    "--migrate-to 1",
    "--migrate-to 1",
    "--migrate-rollback --migrate-yes",
    "--migrate-to 1",
    "--migrate-to 1",
    "--migrate-redo --migrate-yes",
    "--migrate-redo --migrate-yes --migrate-json",
    "--migrate-accept 1",
    "--migrate-adopt goose",
    "--migrate-adopt rails",
    "--migrate-resume-at 2:1",
    "--migrate-baseline 2",
    "--migrate-resume-at 3:2",
    "--migrate-mark 3",
    "--migrate-mark 3 --migrate-json",
    "--migrate-unmark 3",
    '--migrate-only --migrate-set "lock_timeout=5sec isolation=serializable"',
    "--migrate-mark 3",
]


def page(builder: Builder, name: str = "command-line.md") -> str:
    return (Path(builder.source) / "docs" / name).read_text()


def squeeze(text: str) -> str:
    """Without times, without what the machine is linked with, and without the lines that a document
    is broken into for reading."""
    text = re.sub(r"libpq [\d.]+, OpenSSL .*", "LINKED", text)
    text = re.sub(r'("(?:libpq|openssl)"): "[^"]*"', r"\1: LINKED", text)
    text = re.sub(r"\d+(\.\d+)? (ms|s)\b", "TIME", text)
    text = re.sub(r'("(?:waited|elapsed)_ms"): \d+', r"\1: TIME", text)
    return re.sub(r",\n +", ", ", text).strip()


def transcript(program: Program, command: str) -> str:
    """As the page writes it; a document comes alone, for the rest goes to stderr."""
    result = program.run(*shlex.split(command))
    output = result.stdout if "json" in command else result.stderr + result.stdout
    status = f"[exit status {result.returncode}]\n" if result.returncode else ""
    output = output.replace(program.database.name, "shop")
    return f"$ ./server {command}\n{output}{status}"


def test_the_transcripts_are_real(program: ProgramFactory, builder: Builder) -> None:
    both = page(builder) + page(builder, "json.md")
    blocks = re.findall(r"(?:^    .*\n)+", both, re.MULTILINE)
    written = {squeeze(re.sub("^    ", "", block, flags=re.MULTILINE)) for block in blocks}
    server = program(SOURCE, FILES)
    for command in COMMANDS:
        assert squeeze(transcript(server, command)) in written
    unnamed = "env -u INLAY_DATABASE_URL ./server --migrate-version"
    output = server.run("--migrate-version", url=None).stdout
    assert squeeze(f"$ {unnamed}\n{output}") in written
    result = server.run("--migrate-check", env={"MIGRATIONS_DIR": "/etc/migrations"})
    command = "MIGRATIONS_DIR=/etc/migrations ./server --migrate-check"
    assert squeeze(f"$ {command}\n{result.stderr}{result.stdout}") in written
    server.database.execute("DELETE FROM applied_migrations WHERE version = 2")
    assert squeeze(transcript(server, "--migrate-only --migrate-late=refuse")) in written


def test_the_page_has_what_the_help_has(program: ProgramFactory, builder: Builder) -> None:
    path = program(SOURCE, FILES).path
    help_text = subprocess.run([path, "--migrate-help"], capture_output=True, text=True).stdout
    offered = re.findall(
        r"^  (--migrate-\S+(?: [A-Za-z.|:=\[\]]+)?)(?:  |$)", help_text, re.MULTILINE
    )
    described = re.findall(r"^#### (--migrate-.*)$", page(builder), re.MULTILINE)
    assert len(offered) == 42
    assert described == offered


def test_a_host_program_goes_on_without_a_verb(program: ProgramFactory) -> None:
    server = program(SOURCE, FILES)
    assert server.run("--listen", ":80", "--migrate-strict").returncode == 99
    assert server.run("--listen", ":80", "--migrate-list").returncode == 0
