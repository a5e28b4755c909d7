"""inlay import: what is written of each tool's directory, what is said, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable

import pytest

from inlay_gen.importing import TOOLS
from inlay_gen.commands.values import IMPORTED
from support import Files, Inlay, Result, write_files

Import = Callable[..., Result]

ONE, TWO = "CREATE TABLE t (a int);", "DROP TABLE t;"
ALONE = "-- inlay: no-transaction\n"
INDEX = "CREATE INDEX CONCURRENTLY i ON t (a);"


@pytest.fixture
def import_(inlay: Inlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    """Imports these files into `out`."""
    monkeypatch.chdir(tmp_path)

    def run(tool: str, files: Files) -> Result:
        write_files(Path("theirs"), files)
        return inlay("import", tool, "theirs", "out")

    return run


def out() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(Path("out").iterdir())}


def journal(*tags: str, dialect: str = "postgresql") -> str:
    entries = [{"tag": tag, "when": 1700000000000} for tag in tags]
    return json.dumps({"dialect": dialect, "entries": entries})


def test_the_tools_are_the_rows() -> None:
    assert IMPORTED == tuple(TOOLS)


PLAN = "%project=p\n\na 2024-01-01T00:00:00Z A <a@b.c> # a\n"

CASES: dict[str, tuple[str, Files, dict[str, str], list[str]]] = {
    "prisma": (
        "prisma",
        {
            "20240101000000_a/migration.sql": f"-- kept\n{ONE}",
            "20240102000000_b/migration.sql": INDEX,
            "20240102000000_b/down.sql": "DROP INDEX i;",
            "migration_lock.toml": 'provider = "postgresql"\n',
        },
        {
            "20240101000000_a.sql": f"-- kept\n{ONE}",
            "20240102000000_b.up.sql": f"{ALONE}{INDEX}",
            "20240102000000_b.down.sql": "DROP INDEX i;",
        },
        [
            "theirs/20240102000000_b/migration.sql:1:1: note: its text is another now than the one "
            "whose checksum was recorded"
        ],
    ),
    "drizzle with a journal": (
        "drizzle",
        {
            "meta/_journal.json": journal("0000_a", "0001_b"),
            "0000_a.sql": f"{ONE}\n--> statement-breakpoint\n{TWO}",
            "0001_b.sql": "SELECT 1\n--> statement-breakpoint\nSELECT 2",
            "0002_c.sql": "",
        },
        {
            "0000_a.sql": f"{ONE}\n--> statement-breakpoint\n{TWO}",
            "0001_b.sql": "SELECT 1\n;--> statement-breakpoint\nSELECT 2",
        },
        [
            "theirs/0001_b.sql:1:1: note: its text is another now than the one whose checksum was "
            "recorded",
            "theirs/0002_c.sql:1:1: note: it is not in meta/_journal.json, and Drizzle does not "
            "run it",
        ],
    ),
    "drizzle in directories": (
        "drizzle",
        {"20240101000000_a/migration.sql": ONE, "20240101000000_a/snapshot.json": "{}"},
        {"20240101000000_a.sql": ONE},
        [],
    ),
    "hasura": (
        "hasura",
        {
            "10_b/up.sql": TWO,
            "2_a/up.sql": ONE,
            "2_a/down.sql": TWO,
            "10_b/down.sql": "-- Could not auto-generate a down migration.",
            "3_c/down.sql": TWO,
        },
        {"10_b.sql": TWO, "2_a.up.sql": ONE, "2_a.down.sql": TWO},
        ["theirs/3_c/down.sql:1:1: note: there is nothing that it undoes"],
    ),
    "sqitch": (
        "sqitch",
        {
            "sqitch.plan": f"{PLAN}@v1 2024-01-01T00:00:00Z A <a@b.c> # tag\n"
            "dir/b [a other:c] 2024-01-02T00:00:00Z A <a@b.c> # b\n"
            "a [a@v1] 2024-01-03T00:00:00Z A <a@b.c> # again\n",
            "deploy/a@v1.sql": f"-- Deploy a\n\nBEGIN;\n\n{ONE}\n\nCOMMIT;\n",
            "revert/a@v1.sql": f"BEGIN;\n{TWO}\nCOMMIT;\n",
            "verify/a@v1.sql": "BEGIN;\nSELECT a FROM t;\nROLLBACK;\n",
            "deploy/dir/b.sql": "SELECT 1;\nSELECT 2;\n",
            "deploy/a.sql": "begin; SELECT 3; commit;",
            "verify/a.sql": "COMMIT;",
        },
        {
            "001_a.up.sql": f"-- Deploy a\n\n\n{ONE}\n\n",
            "001_a.down.sql": f"{TWO}\n",
            "001_a.verify.sql": "BEGIN;\nSELECT a FROM t;\nROLLBACK;\n",
            "002_dir-b.sql": f"{ALONE}SELECT 1;\nSELECT 2;\n",
            "003_a.sql": " SELECT 3; ",
        },
        [
            "theirs/sqitch.plan:1:1: note: dir/b depends on other:c, which nothing here looks at",
            "theirs/verify/a.sql:1:1: note: remove COMMIT: a verify script runs in a transaction "
            "that is rolled back; it was left out",
        ],
    ),
    "several transactions": (
        "sqitch",
        {"sqitch.plan": PLAN, "deploy/a.sql": f"BEGIN;\n{ONE}\nCOMMIT;\nSELECT 1;\n"},
        {"001_a.sql": f"{ALONE}      \n{ONE}\n       \nSELECT 1;\n"},
        [
            "theirs/deploy/a.sql:1:1: note: it has several transactions; its statements run one by "
            "one here"
        ],
    ),
    "settings before its transaction": (
        "sqitch",
        {"sqitch.plan": PLAN, "deploy/a.sql": f"SET a.b = 1;\nBEGIN;\n{ONE}\nCOMMIT;\n"},
        {"001_a.sql": f"SET a.b = 1;\n      \n{ONE}\n       \n"},
        [],
    ),
    "supabase": (
        "supabase",
        {"20240101000000_a.sql": ONE, "20240102000000_b.sql": INDEX, "notes.sql": ""},
        {"20240101000000_a.sql": ONE, "20240102000000_b.sql": f"{ALONE}{INDEX}"},
        ["theirs/notes.sql:1:1: note: Supabase leaves it out, because of its name"],
    ),
    "atlas": (
        "atlas",
        {
            "20240101000000.sql": ONE,
            "20240102000000_b.sql": f"-- atlas:txmode none\n\n{INDEX}\n",
            "atlas.sum": "h1:x",
        },
        {
            "20240101000000_20240101000000.sql": ONE,
            "20240102000000_b.sql": f"{ALONE}\n{INDEX}\n",
        },
        [],
    ),
    "bun": (
        "bun",
        {
            "1_a.tx.up.sql": ONE,
            "1_a.tx.down.sql": TWO,
            "2_b.up.sql": f"{ONE}\n--bun:split\nSELECT 1\n--bun:split\n{TWO}",
            "3_c.up.sql": f"{ONE}{TWO}",
            "4_d.up.sql": INDEX,
            "main.go": "",
        },
        {
            "1_a.up.sql": ONE,
            "1_a.down.sql": TWO,
            "2_b.sql": f"{ALONE}{ONE}\nSELECT 1\n;--bun:split\n{TWO}",
            "3_c.sql": f"{ONE}{TWO}",
            "4_d.sql": f"{ALONE}{INDEX}",
        },
        [],
    ),
    "graphile-migrate": (
        "graphile-migrate",
        {
            "committed/000001.sql": f"--! Previous: -\n--! Hash: sha1:1\n\n{ONE}\n",
            "committed/000002-b.sql": f"--! Previous: sha1:1\n--! no-transaction\n{INDEX}\n",
            "current.sql": ONE,
        },
        {"000001_000001.sql": f"\n{ONE}\n", "000002_b.sql": f"{ALONE}{INDEX}\n"},
        ["theirs/current.sql:1:1: note: it is not committed"],
    ),
    "yoyo": (
        "yoyo",
        {
            "20240101_02_bbbbb-b.sql": f"-- depends: 20240101_03_aaaaa-a\n{TWO}",
            "20240101_03_aaaaa-a.sql": f"-- depends:\n-- transactional: false\n{ONE}\n{INDEX}",
            "20240101_03_aaaaa-a.rollback.sql": TWO,
            "post-apply.sql": "",
        },
        {
            "001_20240101_03_aaaaa-a.up.sql": f"{ALONE}{ONE}\n{INDEX}",
            "001_20240101_03_aaaaa-a.down.sql": TWO,
            "002_20240101_02_bbbbb-b.sql": TWO,
        },
        ["theirs/post-apply.sql:1:1: note: yoyo runs it after each time; inlay has R__name.sql"],
    ),
    "sql-migrate": (
        "sql-migrate",
        {
            "1-b.sql": f"-- +migrate Up notransaction\n{INDEX}\n-- +migrate Down\nDROP INDEX i;\n",
            "1-a.sql": "-- +migrate Up\n-- +migrate StatementBegin\nDO $$ BEGIN; END $$;\n"
            "-- +migrate StatementEnd\n-- +migrate Down\n",
            "last.sql": f"-- +migrate Up\n{ONE}\n",
        },
        {
            "001_1-a.sql": "DO $$ BEGIN; END $$;\n",
            "002_1-b.up.sql": f"{ALONE}{INDEX}\n",
            "002_1-b.down.sql": "DROP INDEX i;\n",
            "003_last.sql": f"{ONE}\n",
        },
        [],
    ),
    "tern": (
        "tern",
        {"001_a.sql": f"{ONE}\n---- create above / drop below ----\n{TWO}", "002_b.sql": ONE},
        {"001_a.up.sql": f"{ONE}\n", "001_a.down.sql": f"{TWO}\n", "002_b.sql": f"{ONE}\n"},
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_written(case: str, import_: Import, inlay: Inlay) -> None:
    tool, files, written, said = CASES[case]
    made = import_(tool, files)
    assert (made.status, made.err.splitlines()) == (0, said)
    others = (".down.sql", ".verify.sql")
    count = sum(not name.endswith(others) for name in written)
    assert made.out.startswith(f"out: {count} migration")
    assert out() == dict(sorted(written.items()))
    checked = inlay("check", "out", "--warnings", "error", "--grammar", "off")
    assert (checked.status, checked.err) == (0, "")


@pytest.mark.parametrize(
    "tool, files, said",
    [
        (
            "prisma",
            {"1_a/migration.sql": ONE, "migration_lock.toml": '# x\nprovider = "mysql"\n'},
            "theirs/migration_lock.toml:2:1: error: these are migrations for mysql; name another "
            "directory [other-tool]",
        ),
        (
            "drizzle",
            {"meta/_journal.json": journal("0000_a")},
            "theirs/0000_a.sql:1:1: error: meta/_journal.json lists this file, and it is not here: "
            "restore it [unreadable]",
        ),
        (
            "drizzle",
            {"meta/_journal.json": "{"},
            "theirs/meta/_journal.json:1:1: error: this is not a journal of Drizzle's; restore it "
            "[metadata]",
        ),
        (
            "drizzle",
            {"meta/_journal.json": journal(dialect="mysql")},
            "theirs/meta/_journal.json:1:1: error: these are migrations for mysql; name another "
            "directory [other-tool]",
        ),
        (
            "hasura",
            {"1_a/up.yaml": ""},
            "theirs/1_a/up.yaml:1:1: error: inlay reads no YAML: write its statements into a file "
            "with the ending .sql [other-tool]",
        ),
        (
            "sqitch",
            {"deploy/a.sql": ""},
            "theirs/:1:1: error: there is no sqitch.plan here; name the directory that has it "
            "[empty-set]",
        ),
        (
            "sqitch",
            {"sqitch.plan": PLAN, "deploy/a.sql": 'SELECT 1;\nCREATE SCHEMA :"app";'},
            'theirs/deploy/a.sql:2:15: error: psql puts a value in the place of :"app"; write the '
            "value [placeholder]",
        ),
        (
            "sqitch",
            {"sqitch.plan": PLAN, "deploy/a.sql": "BEGIN;\nROLLBACK;\nCOMMIT;"},
            "theirs/deploy/a.sql:2:1: error: a file is one transaction from BEGIN to COMMIT, and "
            "ROLLBACK stands between the first and the last statement; make a file of each part, "
            "without BEGIN and COMMIT [transaction-control]",
        ),
        (
            "prisma",
            {"1_a/migration.sql": f"BEGIN ISOLATION LEVEL SERIALIZABLE;\n{ONE}\nCOMMIT;\n"},
            "theirs/1_a/migration.sql:1:1: error: a file is one transaction from BEGIN to COMMIT, "
            "and this BEGIN says what kind of transaction it begins; write BEGIN alone, and a "
            "setting such as '-- inlay: isolation=serializable' [transaction-control]",
        ),
        (
            "prisma",
            {"1_a/migration.sql": f"{ONE}\nBEGIN;\n{TWO}\n"},
            "theirs/1_a/migration.sql:1:1: error: a file is one transaction from BEGIN to COMMIT, "
            "and this statement stands before BEGIN; make a file of each part, without BEGIN and "
            "COMMIT [transaction-control]",
        ),
        (
            "prisma",
            {"1_a/migration.sql": f"BEGIN;\n{ONE}\nCOMMIT;\nCOMMIT;\n"},
            "theirs/1_a/migration.sql:3:1: error: a file is one transaction from BEGIN to COMMIT, "
            "and COMMIT stands between the first and the last statement; make a file of each part, "
            "without BEGIN and COMMIT [transaction-control]",
        ),
        (
            "prisma",
            {"1_a/migration.sql": f"BEGIN;\nSAVEPOINT s;\n{ONE}\nCOMMIT;\n{TWO}\n"},
            "theirs/1_a/migration.sql:4:1: error: a file is one transaction from BEGIN to COMMIT, "
            "and COMMIT stands between the first and the last statement; make a file of each part, "
            "without BEGIN and COMMIT [transaction-control]",
        ),
        (
            "sqitch",
            {"sqitch.plan": PLAN.replace("a 2", "a [b] 2", 1), "deploy/a.sql": ONE},
            "theirs/sqitch.plan:3:1: error: a depends on b, which is not above it in this file "
            "[version-order]",
        ),
        (
            "sqitch",
            {"sqitch.plan": f"{PLAN}hello\n", "deploy/a.sql": ONE},
            "theirs/sqitch.plan:4:1: error: this line of the plan is no change; restore it, or "
            "begin it with # [metadata]",
        ),
        (
            "sqitch",
            {"sqitch.plan": PLAN},
            "theirs/deploy/a.sql:1:1: error: cannot be read: No such file or directory "
            "[unreadable]",
        ),
        (
            "atlas",
            {"1_a.sql": "SELECT '{{ .x }}';"},
            "theirs/1_a.sql:1:9: error: Atlas reads this file as a template; write what it makes "
            "of it [placeholder]",
        ),
        (
            "bun",
            {"1_a.go": "", "2_b.up.sql": ONE},
            "theirs/1_a.go:1:1: error: a migration in Go, which this program cannot run; write in "
            "SQL what it does [code-migration]",
        ),
        (
            "graphile-migrate",
            {"000001.sql": "GRANT CONNECT ON DATABASE :DATABASE_NAME TO a;"},
            "theirs/000001.sql:1:27: error: graphile-migrate puts a value in the place of "
            ":DATABASE_NAME; write the value [placeholder]",
        ),
        (
            "yoyo",
            {"a.sql": "-- depends: b\nSELECT 1;"},
            "theirs/a.sql:1:1: error: it depends on b, which is not here: add that file "
            "[version-order]",
        ),
        (
            "yoyo",
            {"a.sql": "-- depends: a\nSELECT 1;"},
            "theirs/a.sql:1:1: error: it depends on itself [version-order]",
        ),
        (
            "yoyo",
            {"a.py": ""},
            "theirs/a.py:1:1: error: a migration in Python, which this program cannot run; write "
            "in SQL what it does [code-migration]",
        ),
        (
            "tern",
            {"001_a.sql": "SELECT {{.a}};"},
            "theirs/001_a.sql:1:8: error: tern reads this file as a template, and inlay as it is; "
            "write what tern makes of {{.a}}; [placeholder]",
        ),
        (
            "supabase",
            {"1_a.sql": "SELECT 1;\n\\d"},
            "theirs/1_a.sql:2:1: error: \\d is a command of psql, not SQL; remove it, or write "
            "what it does in SQL [psql-command]",
        ),
        (
            "drizzle",
            {"0000_a.sql": ONE, "meta/_journal.json": journal("0000_a").replace("when", "then")},
            "theirs/meta/_journal.json:1:1: error: the entry of 0000_a has no time in 'when', by "
            "which Drizzle knows it; restore it [metadata]",
        ),
        (
            "hasura",
            {"notes/up.sql": ONE},
            "inlay: error: theirs: no migration of hasura's; name the directory that has them",
        ),
    ],
)
def test_what_is_refused(tool: str, files: Files, said: str, import_: Import) -> None:
    made = import_(tool, files)
    assert (made.status, made.out, made.err) == (1, "", f"{said}\n")
    assert not Path("out").exists()


def test_nothing_is_written_over(inlay: Inlay, import_: Import) -> None:
    files: Files = {"1_a.sql": ONE}
    Path("out").mkdir()
    assert import_("supabase", files).status == 0
    made = inlay("import", "supabase", "theirs", "out")
    said = "inlay: error: out is not empty; nothing was written: name another directory\n"
    assert (made.status, made.err) == (1, said)
    Path("file").write_text("kept")
    made = inlay("import", "supabase", "theirs", "file")
    said = "inlay: error: file is not a directory; nothing was written: name another\n"
    assert (made.status, made.err, Path("file").read_text()) == (1, said, "kept")


def test_nothing_is_written_into_what_is_read(inlay: Inlay, import_: Import) -> None:
    """Another import would read it with the rest."""
    assert import_("supabase", {"1_a.sql": ONE, "sub/empty": ""}).status == 0
    Path("link").symlink_to("theirs/sub")
    for within in ("theirs/new", "theirs/sub/../new", "link/new"):
        made = inlay("import", "supabase", "theirs", within)
        said = f"inlay: error: {within} lies in theirs, which is read: name a directory beside it\n"
        assert (made.status, made.err, Path(within).exists()) == (1, said, False)
    assert inlay("import", "supabase", "theirs", "theirs-new").status == 0


def test_a_down_script_that_cannot_run(import_: Import) -> None:
    made = import_("hasura", {"1_a/up.sql": ONE, "1_a/down.sql": "\\q"})
    assert made.err == "theirs/1_a/down.sql:1:1: note: it cannot run here, and was left out\n"
    assert list(out()) == ["1_a.sql"]
