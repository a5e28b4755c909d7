"""A merge request to the reference server's migrations, checked by the line that docs/checking.md
has for CI: an ALTER that rewrites a table fails with a sentence that everybody understands, and
what the manual shows instead passes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import executed
import pages
from harness.program import Builder

MIGRATIONS = pages.TOP / "migrations"
MAIN = """
#include <inlay-cli.h>
extern const struct inlay_set app_migrations;
int main(int argc, char **argv) { return inlay_main(argc, argv, &app_migrations); }
#define server_migrations_up_13 app_migrations_up_13
#define server_migrations_down_13 app_migrations_down_13
#include "migrations/013_add_ticket_codes.c"
"""
REWRITES = {
    "014_ticket_keys.up.sql": "-- A key for links.\n"
    "ALTER TABLE tickets ADD COLUMN key uuid NOT NULL DEFAULT gen_random_uuid();\n"
}
INSTEAD = {
    "014_ticket_keys.up.sql": "ALTER TABLE tickets ADD COLUMN key uuid;\n"
    "ALTER TABLE tickets ALTER COLUMN key SET DEFAULT gen_random_uuid();\n",
    "015_fill_ticket_keys.up.sql": "UPDATE tickets SET key = gen_random_uuid() "
    "WHERE key IS NULL;\n",
    "016_require_ticket_keys.up.sql": "ALTER TABLE tickets ADD CONSTRAINT key_known CHECK "
    "(key IS NOT NULL) NOT VALID;\n",
    "017_validate_ticket_keys.up.sql": "ALTER TABLE tickets VALIDATE CONSTRAINT key_known;\n",
}


@pytest.mark.parametrize("new", [REWRITES, INSTEAD], ids=["rewrites", "instead"])
def test_a_merge_request(new: dict[str, str], builder: Builder, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in MIGRATIONS.glob("0*")}
    executed.write(tmp_path / "migrations", before)
    for words in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "a"],
        ["update-ref", "refs/remotes/origin/main", "main"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    for name, text in new.items():
        (tmp_path / "migrations" / name).write_text(text)
    program = builder.program(MAIN, {**before, **{n: t.encode() for n, t in new.items()}}, None)
    (tmp_path / "server").symlink_to(program)
    page = pages.load(pages.DOCS / "checking.md").text
    (command,) = re.findall(r"- run: (inlay check .*--execute.*)\n", page)
    env = executed.environment()
    env["PATH"] = f"{Path(builder.generator[0]).parent}:{env['PATH']}"
    done = subprocess.run(
        ["sh", "-ec", f"{command} --warnings=error"],
        cwd=tmp_path,
        env={**env, "GITHUB_BASE_REF": "main"},
        capture_output=True,
        text=True,
    )
    if new is INSTEAD:
        assert (done.returncode, done.stderr.count("::")) == (0, 0), done.stderr
        return
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("::")]
    assert line.startswith(
        "::error file=migrations/014_ticket_keys.up.sql,line=2,col=1,title=table-rewrite::"
        "PostgreSQL writes every row of public.tickets anew for this, and nobody can read or write "
        "the table until that is done: with many rows that takes minutes, and the application "
        "stands still%0A"
    )
    assert "instead: ALTER TABLE public.tickets ADD COLUMN without the default, in the next" in line
