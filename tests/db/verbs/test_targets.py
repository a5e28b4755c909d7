"""Many histories in one command: looked at together, migrated one by one or some at once."""

from __future__ import annotations

import json
import random
import socket
import time
from pathlib import Path
from typing import Any

from conftest import AppFactory
from foreign_tables import GOOSE
from harness.database import Database
from harness.program import Program

FILES = {
    "001_items.sql": "CREATE TABLE items (n int);",
    "002_more.sql": "INSERT INTO items VALUES (1);",
}
TENANTS = [f"t{n:02}" for n in range(20)]
GONE = "gone\t\thost=/nowhere dbname=gone"
BROKEN = ["t02", "t03", "t04", "gone"]


def given(program: Program, verb: str, *lines: str, options: tuple[str, ...] = ()) -> Any:
    text = "".join(f"{line}\n" for line in lines)
    return program.run(f"--{verb}", "--targets", "-", *options, stdin=text)


def names(text: str) -> list[str]:
    return sorted(text.splitlines())


def state_of(document: dict[str, Any]) -> dict[str, str]:
    return {
        left["target"]: f"{left['state']}, {left['code']}" for left in document["targets"]["left"]
    }


def break_some(database: Database) -> None:
    database.execute(
        "DELETE FROM t01.applied_migrations WHERE version = 2",
        "ALTER TABLE t03.applied_migrations RENAME TO kept",
        "CREATE VIEW t03.applied_migrations AS TABLE t03.kept",
        "UPDATE t04.applied_migrations SET checksum = 'another' WHERE version = 1",
        "DROP SCHEMA t05 CASCADE",
        "ALTER TABLE t06.applied_migrations ADD note text",
        "UPDATE t07.applied_migrations SET checksum = NULL",
        "INSERT INTO t08.applied_migrations (version, name) VALUES (3, 'newer')",
        "ALTER TABLE t09.applied_migrations DROP batch",
    )


def test_each_stands_and_ends_by_itself(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    first = given(program, "only", *TENANTS[:10], options=("--jobs=3",))
    assert (first.returncode, first.stdout) == (0, ""), first.stderr
    assert "t03: 2 migrations applied in batch 1" in first.stderr
    assert first.stderr.endswith("\n10 targets: 10 migrated\n")
    break_some(database)
    holder = database.connect()
    holder.execute("BEGIN; LOCK t02.applied_migrations")
    found = given(program, "check", *TENANTS[:10], GONE, options=("--lock-wait=1",))
    assert (found.returncode, names(found.stdout)) == (8, ["t01", "t05"])
    assert (
        "\n11 targets: 5 up to date, 1 behind, 1 new, 1 disagreeing, 3 unreadable\n" in found.stderr
    )
    assert "version 1 (items) was edited" in found.stderr and "  in t04\n" in found.stderr
    with open("/dev/full", "w") as full:
        unheard = program.start("--check", "--targets", "SELECT 't01' AS schema", stdout=full)
        assert "cannot be written" in unheard.communicate(timeout=20)[1] and unheard.returncode == 1
    nothing = program.run("--check", "--targets", "SELECT NULL AS schema")
    assert (nothing.returncode, nothing.stderr) == (
        2,
        "error: row 1 of the query for targets: a target needs a schema or a connection string\n",
    )
    query = "SELECT 't01' AS schema FROM t02.applied_migrations"
    held = program.run("--check", "--targets", query, "--lock-wait=1")
    assert held.returncode == 5, held.stderr
    assert "the query for targets did not get a lock on a table in time" in held.stderr
    assert "holds AccessExclusiveLock on t02.applied_migrations" in held.stderr
    shown = given(program, "status", *TENANTS[:10], options=("--lock-wait=1", "--json"))
    assert state_of(json.loads(shown.stdout)) == {
        "t01": "behind, pending",
        "t02": "unreadable, locked",
        "t03": "unreadable, refused",
        "t04": "disagreeing, mismatch",
        "t05": "new, pending",
    }
    lines = given(program, "only", *TENANTS[:10], GONE, options=("--lock-wait=1", "--json=lines"))
    *events, document = map(json.loads, lines.stdout.splitlines())
    assert (lines.returncode, document["exit"]) == (8, 8)
    assert sorted(left["target"] for left in document["targets"]["left"]) == sorted(BROKEN)
    assert {event["target"] for event in events if event["event"] == "applied"} == {"t01", "t05"}
    assert (
        document["targets"]["counts"]["migrated"] == 2
        and document["targets"]["counts"]["current"] == 5
    )
    holder.close()
    assert given(program, "check", "t02", "t01", "t05").returncode == 0
    assert given(program, "check", GONE).returncode == 6
    assert database.rows("SELECT n FROM t05.items") == [(1,)]
    database.execute("CREATE SCHEMA gg", *GOOSE.fill())
    database.execute("ALTER TABLE goose_db_version SET SCHEMA gg")
    refused = given(program, "only", "gg")
    assert (
        refused.returncode == 7 and "take over its record: --migrate-adopt goose;" in refused.stderr
    )
    assert "once; with --migrate-history gg.applied_migrations\n" in refused.stderr
    assert program.run("--adopt", "goose", "--history", "gg.applied_migrations").returncode == 0
    assert given(program, "check", "gg").returncode == 0


def test_two_runs_that_are_killed(app: AppFactory, database: Database, tmp_path: Path) -> None:
    """Each target has each migration exactly once, whatever moment it was."""
    program = app(FILES)
    listing = tmp_path / "tenants"
    listing.write_text("".join(f"{name}\n" for name in [*TENANTS, "broken"]))
    database.execute("CREATE SCHEMA broken; CREATE VIEW broken.items AS SELECT 1")
    command = ["--only", "--targets", str(listing), "--jobs", "2"]
    for _ in range(4):
        running = [program.start(*command) for _ in range(2)]
        for process in running:
            assert process.stderr is not None
            for _ in range(random.randrange(12)):
                process.stderr.readline()
        for process in running:
            process.kill()
            process.communicate()
    both = [program.start(*command) for _ in range(2)]
    assert both[0].stderr is not None
    both[0].stderr.readline()  # it has looked, and has connections that it shares
    database.admin(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    ends = [(*process.communicate(), process.returncode) for process in both]
    assert [(out, status) for out, _, status in ends] == [("broken\n", 8)] * 2
    for _, said, _ in ends:
        assert "has the view broken.items" in said and ", 1 failed\n" in said, said
    for name in TENANTS:
        assert database.rows(f"SELECT n FROM {name}.items") == [(1,)]
        assert database.rows(f"SELECT version FROM {name}.applied_migrations ORDER BY 1") == [
            (1,),
            (2,),
        ]


def test_servers_that_stay_silent_are_waited_for_together(
    app: AppFactory, database: Database
) -> None:
    """Eight at once, or as many as the command line says. One of them after another would take two
    seconds each, of 24 that is 48."""
    program = app(FILES)
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent:
        port = silent.getsockname()[1]
        hosts = [
            f"host=127.0.0.1 port={port} dbname=d{n:02} connect_timeout=2 sslmode=disable"
            for n in range(24)
        ]
        lines = [host for pair in zip(hosts, TENANTS + TENANTS[:4]) for host in pair]
        lines = list(dict.fromkeys(lines))
        began = time.monotonic()
        looks = [given(program, "check", *lines) for _ in range(2)]
        assert time.monotonic() - began < 48
        began = time.monotonic()
        ran = given(program, "only", *lines, options=("--jobs=24", "--json"))
        assert time.monotonic() - began < 30
        began = time.monotonic()
        few = given(program, "only", *hosts[:16], options=("--jobs=2",))
        assert time.monotonic() - began < 14 and few.returncode == 6  # two at once: 16
    for look in looks:
        assert (look.returncode, look.stdout.splitlines()) == (8, TENANTS), look.stderr
        assert look.stderr.splitlines()[-2:] == [
            "44 targets: 20 new, 24 unreadable",
            "error: 24 of 44 targets cannot be taken as they are",
        ]
    assert looks[0].stderr == looks[1].stderr
    assert f"  in {', '.join(hosts[:10])} and 14 more\n" in looks[0].stderr
    (failure,) = json.loads(ran.stdout)["targets"]["failures"]
    assert (ran.returncode, failure["targets"]) == (8, 24)
    assert "20 migrated, 24 unreadable\n" in ran.stderr
