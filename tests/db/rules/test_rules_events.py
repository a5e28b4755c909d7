"""What a host hears of a run: the events in their order, half-second ticks, log lines."""

from __future__ import annotations

import re
import subprocess

from conftest import ProgramFactory
from harness.database import Database
from outcomes import DRIVER, assert_half_seconds, backends, read_line, wait_until
from phases import SETUP

ALONE = "-- inlay: no-transaction\n"
FILES = {"001_one.sql": "CREATE TABLE one ();", "003_three.sql": "SELECT 1;\nSELECT 2;\nSELECT 3;"}


def events_of(result: subprocess.CompletedProcess[str]) -> list[str]:
    """The events without their times, which are told apart below; no ticks."""
    lines = [line[6:] for line in result.stdout.splitlines() if line.startswith("event ")]
    kept = [line for line in lines if not line.startswith(("waiting", "progress", "connecting"))]
    return [line.rpartition(" elapsed=")[0] for line in kept]


def test_a_run_from_begin_to_end(program: ProgramFactory, database: Database) -> None:
    files = {**FILES, "004_alone.sql": f"{ALONE}SELECT 1;\nSELECT 2;"}
    driver = program(DRIVER, files)
    assert events_of(driver.run("migrate")) == [
        "begin -1 0/3 statement=0 batch=1",
        "started 1 1/3 statement=0 batch=1",
        "applied 1 1/3 statement=1 batch=1",
        "started 3 2/3 statement=0 batch=1",
        "applied 3 2/3 statement=3 batch=1",
        "started 4 3/3 statement=0 batch=1",
        "applied 4 3/3 statement=2 batch=1",
        "end -1 3/3 statement=2 batch=1",
    ]
    assert events_of(driver.run("migrate", "check", "status")) == []


def test_a_run_that_fails(program: ProgramFactory, database: Database) -> None:
    files = {**FILES, "002_bad.sql": "SELECT 1;\nSELECT nothing;\nSELECT 2;"}
    events = events_of(program(DRIVER, files).run("migrate"))
    assert [event.partition(" statement")[0] for event in events] == [
        "begin -1 0/3",
        "started 1 1/3",
        "applied 1 1/3",
        "started 2 2/3",
        "failed 2 2/3",
        "end -1 1/3",
    ]


def test_a_second_run_has_its_own_number(program: ProgramFactory, database: Database) -> None:
    program(DRIVER, {"001_one.sql": FILES["001_one.sql"]}).run("migrate")
    events = events_of(program(DRIVER, FILES).run("migrate"))
    assert events[0] == "begin -1 0/1 statement=0 batch=2"
    assert events[2] == "applied 3 1/1 statement=3 batch=2"


def test_ticks_while_a_body_runs(program: ProgramFactory, database: Database) -> None:
    """Every half a second, with the statements that are done by then."""
    database.execute(*SETUP)
    body = "SELECT 1;\nSELECT gate('first');\nSELECT gate('second');\n"
    for head in ("", ALONE):
        database.execute("INSERT INTO closed VALUES ('first'), ('second')")
        running = program(DRIVER, {"001_slow.sql": head + body}).start("migrate")
        moments = await_ticks(running, statement=1, count=4)
        database.execute("DELETE FROM closed WHERE gate = 'first'")
        await_ticks(running, statement=2, count=1)
        database.execute("DELETE FROM closed")
        assert "migrate ok" in running.communicate(timeout=60)[0]
        assert_half_seconds(moments)
        database.execute("DROP TABLE applied_migrations, applied_migrations_state")


def await_ticks(running: subprocess.Popen[str], statement: int, count: int) -> list[int]:
    """Reads until so many were told with so many statements done; returns when they were."""
    pattern = rf"event progress 1 1/1 statement={statement} batch=1 elapsed=(\d+)\n"
    found: list[int] = []
    while len(found) < count:
        found += [int(at) for at in re.findall(pattern, read_line(running.stdout))]
    return found


def test_elapsed_times(program: ProgramFactory, database: Database) -> None:
    files = {"1_fast.sql": "SELECT 1;", "2_slow.sql": "SELECT pg_sleep(1);"}
    stdout = program(DRIVER, files).run("migrate").stdout
    elapsed = {
        (kind, version): int(at)
        for kind, version, at in re.findall(r"event (\w+) (-?\d+) .* elapsed=(\d+)", stdout)
    }
    assert elapsed["applied", "1"] < elapsed["applied", "2"] <= elapsed["end", "-1"]
    assert elapsed["applied", "2"] >= 1000
    recorded = database.rows("SELECT elapsed_ms FROM applied_migrations ORDER BY version")
    assert [at for (at,) in recorded] == [elapsed["applied", "1"], elapsed["applied", "2"]]


def test_silence_is_allowed(program: ProgramFactory, database: Database) -> None:
    files = {**FILES, "004_notice.sql": "DO $$ BEGIN RAISE WARNING 'heard'; END $$;"}
    result = program(DRIVER, files).run("silent", "migrate")
    assert result.stdout == "migrate ok\nresult applied=3 skipped=0 batch=1\n"
    assert result.stderr == ""


def test_a_log_line_is_one_line(program: ProgramFactory, database: Database) -> None:
    body = "DO $$ BEGIN RAISE NOTICE E'one\\ntwo\\r\\nthree'; END $$;"
    stdout = program(DRIVER, {"1_lines.sql": body}).run("migrate").stdout
    assert "log notice 1_lines.sql: NOTICE: one two  three\n" in stdout


def test_a_long_notice_is_cut_between_characters(
    program: ProgramFactory, database: Database
) -> None:
    body = "DO $$ BEGIN RAISE NOTICE '%', repeat('ü', 5000); END $$;"
    stdout = program(DRIVER, {"1_long.sql": body}).run("migrate").stdout  # decodes, or fails
    (line,) = [line for line in stdout.splitlines() if line.startswith("log notice")]
    assert 1900 < len(line.encode()) < 2100


def test_a_skipped_migration_is_told(program: ProgramFactory, database: Database) -> None:
    """Somebody without our lock is faster: both tell what happened to their claim."""
    files = {"1_a.sql": "SELECT pg_sleep(0.3);", "2_b.sql": "CREATE TABLE b ();", "3_c.sql": ""}
    driver = program(DRIVER, files)
    running = driver.start("migrate")
    wait_until(lambda: backends(database, "query ~ 'pg_sleep' AND state = 'active'"))
    database.execute("INSERT INTO applied_migrations (version, name) VALUES (2, 'b')")
    stdout, _ = running.communicate(timeout=20)
    assert "event skipped 2 2/3" in stdout
    assert "event applied 3 3/3" in stdout
    assert "migrate ok\nresult applied=2 skipped=1 batch=1\n" in stdout
