"""docs/command-line.md says what the program does: the same verbs and options, and
transcripts that come out the same."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
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
    "--migrate-up",
    "--migrate-dry-run",
    "--migrate-rehearse",
    "--migrate-await 2",
    "--migrate-only",
    "--migrate-only",
    "--migrate-version",
]


def page(builder: Builder) -> str:
    return (Path(builder.source) / "docs" / "command-line.md").read_text()


def squeeze(text: str) -> str:
    """Without times, and without what the machine is linked with."""
    text = re.sub(r"libpq [\d.]+, OpenSSL .*", "LINKED", text)
    return re.sub(r"\d+(\.\d+)? (ms|s)\b", "TIME", text).strip()


def transcript(program: Program, command: str) -> str:
    """As the page writes it."""
    result = program.run(*shlex.split(command))
    output = result.stderr + result.stdout
    status = f"[exit status {result.returncode}]\n" if result.returncode else ""
    output = output.replace(program.database.name, "shop")
    return f"$ ./server {command}\n{output}{status}"


def test_the_transcripts_are_real(program: ProgramFactory, builder: Builder) -> None:
    blocks = re.findall(r"(?:^    .*\n)+", page(builder), re.MULTILINE)
    written = {squeeze(re.sub("^    ", "", block, flags=re.MULTILINE)) for block in blocks}
    server = program(SOURCE, FILES)
    for command in COMMANDS:
        assert squeeze(transcript(server, command)) in written
    result = server.run("--migrate-check", env={"MIGRATIONS_DIR": "/etc/migrations"})
    command = "MIGRATIONS_DIR=/etc/migrations ./server --migrate-check"
    assert squeeze(f"$ {command}\n{result.stderr}{result.stdout}") in written


MOST_VERBS = 24


def test_the_list_has_the_words_of_the_help(program: ProgramFactory, builder: Builder) -> None:
    """Each verb and option with its values and the line that the program has for it."""
    server = program(SOURCE, FILES)
    screen, _, names = server.run("--migrate-help").stdout.partition("\noptions ")
    verbs = re.findall(
        r"^  (--migrate-\S+(?: [A-Z]\S*| \[[A-Z]+\])?) {2,}(.+)$", screen, re.MULTILINE
    )
    options = []
    for name in re.findall(r"--migrate-([a-z-]+)", names.partition("\n")[2]):
        head, says, *_ = server.run("--migrate-help", name).stdout.splitlines()
        options.append((head.strip(), says.strip()))
    text = page(builder).partition("## Verbs")[2].replace("\\|", "|")
    rows = re.findall(r"^\| `(--migrate-[^`]*)` \| ([^|]*) \| [^|]*\|$", text, re.MULTILINE)
    assert rows == verbs + options
    assert len(options) == 25 and 20 < len(verbs) <= MOST_VERBS


def test_the_manual_page_is_made_of_the_help(program: ProgramFactory, builder: Builder) -> None:
    server = program(SOURCE, FILES)
    command = [sys.executable, str(builder.source / "tools" / "man.py"), str(server.path)]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    written = (builder.source / "docs" / "inlay-migrate.7").read_text()
    assert made == written, "python3 tools/man.py build/server > docs/inlay-migrate.7"
    named = re.findall(r"^\.Sy (\S+)", written, re.MULTILINE)
    assert len([name for name in named if name.startswith("\\-\\-migrate")]) >= 42


def test_alike_verbs_are_told_apart(builder: Builder) -> None:
    table = page(builder).partition("## Which of them answers what")[2].partition("\n## ")[0]
    asked = re.findall(
        r"^\| `(?:--migrate-|inlay )([a-z-]+)` \| (.+) \| .+ \|$", table, re.MULTILINE
    )
    told = {"check", "status", "dry-run", "rehearse", "selftest", "drift", "verify"}
    assert {verb for verb, _ in asked} == told
    assert len({question for _, question in asked}) == len(asked) == 8


def test_a_host_program_goes_on_without_a_verb(program: ProgramFactory) -> None:
    server = program(SOURCE, FILES)
    assert server.run("--listen", ":80", "--migrate-strict").returncode == 99
    assert server.run("--listen", ":80", "--migrate-show").returncode == 0


def test_the_kept_rehearsal_is_real(program: ProgramFactory, builder: Builder) -> None:
    """After what is released was applied."""
    server = program(SOURCE, FILES)
    said = server.run("--migrate-to", "1").stderr
    said += server.run("--migrate-rehearse=keep", "--migrate-yes").stderr
    block = re.findall(r"^    \$ inlay scratch -- sh -ec .*\n((?:    .*\n)+)", page(builder), re.M)
    shown = squeeze(re.sub("^    ", "", block[0], flags=re.MULTILINE))
    # Where nothing takes a millisecond there is no time behind it.
    assert squeeze(said).replace(" (TIME)", "") == shown.replace(" (TIME)", "")
