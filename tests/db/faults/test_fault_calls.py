"""Every allocation, and every call of libpq that can fail, fails in turn: a clean error, nothing
left over, nothing leaked, and the next run completes. What each failure looks like is said in
wraps.c; faulty.c runs a scenario once for each call and prints a line for each time."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Mapping

import pytest

from conftest import ProgramFactory
from harness.database import Database
from harness.program import Builder, Program
from outcomes import versions

HERE = Path(__file__).parents[1]
SOURCES = ("wraps.c", "faulty_calls.c", "faulty.c")
WRAPPED = sorted(set(re.findall(r"__wrap_(\w+)\(", (HERE / "wraps.c").read_text())))

ALONE = "-- inlay: no-transaction\n"
PAUSE = "SELECT pg_sleep(coalesce(nullif(current_setting('faulty.pause', true), ''), '0')::int);"
IN_C = """#include <inlay-tx.h>

int app_migrations_up_4(struct inlay_tx *tx, struct inlay_error *err)
{
    const char *const parameters[] = {"x"};
    struct inlay_rows *rows;
    int rc = inlay_tx_query(tx, "SELECT 'four' WHERE $1 = 'x'", 1, parameters, &rows, err);

    if (rc != INLAY_OK)
        return rc;
    if (inlay_rows_value(rows, 0, 0)[0] == 'f')
        rc = inlay_tx_execute(tx, "CREATE TABLE four ()", 0, NULL, NULL, err);
    inlay_rows_free(rows);
    return rc;
}

int app_migrations_down_4(struct inlay_tx *tx, struct inlay_error *err)
{
    return inlay_tx_execute(tx, "DROP TABLE four", 0, NULL, NULL, err);
}
"""
FILES = {
    "001_one.sql": "CREATE TABLE one (a int);\nINSERT INTO one VALUES (1);\n"
    "DO $$ BEGIN RAISE NOTICE 'one'; END $$;",
    "001_one.down.sql": "DROP TABLE one;\n",
    "002_two.sql": "CREATE TABLE two ();\n" + PAUSE,
    "002_two.down.sql": "DROP TABLE two;",
    "003_three.sql": ALONE + "CREATE INDEX CONCURRENTLY three ON one (a);\n"
    "INSERT INTO one VALUES (3);",
    "003_three.down.sql": ALONE + "DROP INDEX CONCURRENTLY three;\nDELETE FROM one WHERE a = 3;",
    "004_four.c": IN_C,
    "R__view.sql": "CREATE OR REPLACE VIEW view AS SELECT 1 AS one;",
}

# What the library asks of libpq that cannot fail: it reads what is there, or gives it back.
CANNOT_FAIL = {
    *("PQbackendPID", "PQcmdStatus", "PQcmdTuples", "PQdb", "PQerrorMessage", "PQfreemem"),
    *(
        "PQgetisnull",
        "PQgetlength",
        "PQgetvalue",
        "PQhost",
        "PQhostaddr",
        "PQisBusy",
        "PQisnonblocking",
    ),
    *("PQconnectionNeedsPassword", "PQfname", "PQftablecol", "PQftype", "PQnfields"),
    *("PQlibVersion", "PQntuples", "PQparameterStatus", "PQpass"),
    *("PQpipelineStatus", "PQport", "PQresultErrorField", "PQresultErrorMessage"),
    *("PQresultStatus", "PQserverVersion", "PQsetErrorVerbosity", "PQsetNoticeReceiver"),
    *("PQsocket", "PQsslInUse", "PQstatus", "PQtransactionStatus", "PQuser"),
}
ALLOCATORS = {"malloc", "calloc", "realloc", "reallocarray", "aligned_alloc", "strdup", "strndup"}
ALLOCATORS |= {"asprintf", "vasprintf", "getline", "open_memstream", "posix_memalign"}


@dataclass(frozen=True)
class Picture:
    """What is in the database."""

    applied: str
    repeated: str
    objects: str
    lines: str


@dataclass(frozen=True)
class Row:
    """How one call of the library went."""

    kind: str
    n: str
    code: str
    amiss: str
    leaks: str
    connection: str  # how the caller's came back; empty where there is none
    locks: str
    told: str
    picture: Picture
    code_again: str
    amiss_again: str
    again: Picture
    at: str  # the statement that was sent last
    message: str
    hint: str
    outcome: str

    @property
    def met(self) -> bool:
        return self.at != "not met"


def read_row(line: str) -> Row:
    cells = line.split("\t")
    assert len(cells) == len(fields(Row)) + 6, line
    first, second = Picture(*cells[8:12]), Picture(*cells[14:18])
    values: list[Any] = [*cells[:8], first, *cells[12:14], second, *cells[18:]]
    return Row(*values)


NONE = Picture("", "", "", "")
WHOLE = Picture("1,2,3,4", "view", "four,one,three,two,view", "1,3")
RECORDED = Picture("1,2,3,4", "", "", "")
BACK = Picture("1", "view", "one,view", "1")


@dataclass(frozen=True)
class Scenario:
    """What the call returns, and what there is in the end, where nothing fails."""

    code: str = "ok"
    picture: Picture = WHOLE
    again: Picture = WHOLE


SCENARIOS = {
    "first": Scenario(),
    "failing": Scenario("failed", Picture("1", "", "one,two", "1")),
    "stop": Scenario("stopped", Picture("1", "", "one", "1")),
    "done": Scenario(),
    "check": Scenario(),
    "look": Scenario(),
    "many": Scenario(),
    "read": Scenario(),
    "back": Scenario(picture=BACK, again=BACK),
    "reset": Scenario(),
    "adopt": Scenario(picture=RECORDED, again=RECORDED),
    "baseline": Scenario(picture=RECORDED, again=RECORDED),
}

# A call that fails and a run that goes on as if it had not, and why that may be.
HARMLESS = {
    "single": "the rows of a statement are kept until it is done",
    "no-cancel": "what runs is cancelled again a moment later",
    "cancel": "what runs is cancelled again a moment later",
    "thread": "what runs is cancelled again a moment later",
}
# The network: a connection of the library's own is opened again, unless that could go too far.
NETWORK = ("poll", "flush", "input", "input-ends")
# What is said when the work is done or has failed. A connection of our own is closed then,
# and what could not be given back ends with it.
CLEANING = re.compile(
    "ROLLBACK|RESET|UNLISTEN|DEALLOCATE|CLOSE|DISCARD|DELETE FROM .* AS h"
    r"|SELECT pg_catalog\.pg_advisory_unlock"
)
# The last words of a run, and what the Sync behind them follows.
LAST = re.compile(r"COMMIT$|SELECT pg_catalog\.pg_advisory_unlock")


def codes(row: Row, scenario: Scenario, caller: bool) -> set[str]:
    """What the call may have returned. That OK means all of it is another matter."""
    if not row.met or row.kind in HARMLESS or row.connection == "lost since":
        return {scenario.code}
    done = "lost" if caller and scenario.code == "ok" else scenario.code
    if row.kind == "exit" or (row.kind == "nonblocking" and caller and int(row.n) % 2 == 0):
        return {done}  # the caller's connection is not as it was
    if row.kind in NETWORK:
        again = {scenario.code} if not caller else {scenario.code} - {"ok"}
        expected = {"lost", "connection"} | again
    else:
        expected = {"memory"}
    if CLEANING.match(row.at):
        expected.add(done)
    if LAST.match(row.at):
        expected.add(scenario.code)  # all is committed and heard
    return expected | ({"stopped"} & {scenario.code})  # who stops asks no more


def assert_legal(name: str, picture: Picture) -> None:
    """Whole migrations with their rows, and none without its row or twice."""
    if name in ("adopt", "baseline"):
        assert picture in (NONE, RECORDED)
        return
    applied, objects = picture.applied.split(","), picture.objects.split(",")
    lines = picture.lines.split(",")
    there = {"1": "one", "2": "two", "4": "four"}
    if name == "failing":
        assert "2" not in applied
        del there["2"]
    for version, table in there.items():
        assert (version in applied) == (table in objects)
    assert ("view" in picture.repeated) == ("view" in objects)
    assert lines.count("1") == applied.count("1") and lines.count("3") <= 1
    whole = {"three" in objects, "3" in lines}
    if name == "back":
        assert "3" in applied or whole == {False}
    else:
        assert "3" not in applied or whole == {True}


def assert_clean(name: str, caller: bool, row: Row) -> None:
    scenario = SCENARIOS[name]
    assert row.code in codes(row, scenario, caller)
    assert (row.amiss, row.amiss_again, row.leaks, row.locks) == ("", "", "", "0")
    assert row.code == "ok" or row.message
    assert row.code != scenario.code or row.picture == scenario.picture
    assert_legal(name, row.picture)
    told = set(row.told.replace("-1", "").split(",")) - {""}
    assert told <= set(row.picture.applied.split(","))
    assert row.code_again == "ok" and row.again == scenario.again
    if caller and row.connection not in ("as it was", "lost since"):
        assert row.code == "lost" or "close the connection" in row.hint


def wrapped(program: ProgramFactory, files: Mapping[str, str], besides: str = "") -> Program:
    source = "".join((HERE / name).read_text() for name in SOURCES) + besides
    link = [f"-Wl,--wrap={name}" for name in WRAPPED]
    return program(source, files, embed=["--keep-down"], link=link)


@pytest.fixture
def faulty(program: ProgramFactory) -> Program:
    return wrapped(program, FILES, '#include "migrations/004_four.c"\n')


RARE = "conninfo:1:1 connection:1:1 poll:1:1 nonblocking:1:1 enter:1:1 "
CALLERS = "connection:1:1 nonblocking:1:1 enter:1:1 exit:1:1 "
SHORT = "memory:1:1 send:1:1 sync:1:1 flush:1:1 input:1:1 input-ends:1:1"
SHORT += " no-result:1:2 bad-result:2:2"
HALF = "memory:1:2 send:1:2 sync:2:2 flush:1:3 input:2:3 input-ends:3:3"
HALF += " no-result:1:4 bad-result:3:4"
SOME = "memory:1:3 send:1:4 sync:2:4 flush:1:6 input:2:6 input-ends:3:6"
SOME += " no-result:1:12 bad-result:7:12"
FEW = "memory:1:4 send:1:8 sync:5:8 flush:1:12 input:2:12 input-ends:3:12"
FEW += " no-result:1:24 bad-result:13:24"
EVERY = {
    # Between the two, every allocation, message and answer of a first run.
    "first caller": CALLERS + "memory:1:1 send:1:1 sync:1:1 request:1:1 single:1:20"
    " flush:1:3 input:1:3 input-ends:2:3 no-result:1:3 bad-result:2:3",
    "first own": RARE + "memory:2:8 send:3:12 sync:2:12 request:1:4"
    " flush:2:3 input:3:3 input-ends:3:6 no-result:3:6 bad-result:6:6",
    "failing caller": CALLERS + HALF + " request:1:3",
    "failing own": SOME,
    "stop own": SOME + " no-cancel:1:1 cancel:1:1 thread:1:1",
    "done caller": CALLERS + SHORT,
    "check own": SHORT,
    "look own": SHORT,
    "many own": SHORT,
    "read own": RARE + HALF,
    "read caller": CALLERS + HALF,
    "back caller": SOME,
    "reset own": FEW,
    "adopt caller": CALLERS + HALF,
    "baseline own": SOME,
}


@pytest.mark.parametrize("scenario, kinds", EVERY.items(), ids=EVERY.keys())
def test_each_call_fails_in_turn(
    faulty: Program, database: Database, scenario: str, kinds: str
) -> None:
    """Each argument names a kind of failure, the first call that fails, and how many calls further
    on the next one is: where two kinds are failures of one call they take turns."""
    name, who = scenario.split(" ")
    database.admin(f'ALTER DATABASE "{database.name}" OWNER TO "{database.role}"')  # may VACUUM
    # A user that the URL does not say, so that libpq is asked for its defaults too.
    url, env = database.url.replace(f"//{database.role}", "//", 1), {"PGUSER": database.role}
    assert url != database.url
    result = faulty.run(name, who, *kinds.split(" "), url=url, env=env, timeout=300)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout[-2000:]
    rows = [read_row(line) for line in result.stdout.splitlines()]
    for row in rows:
        assert_clean(name, who == "caller", row)
    for argument in kinds.split(" "):
        met = [row.met for row in rows if row.kind == argument.split(":")[0]]
        assert len(met) > 1 and met == [True] * (len(met) - 1) + [False], argument


def test_each_call_fails_where_the_seal_is_prepared(
    program: ProgramFactory, database: Database
) -> None:
    """Many migrations, and one of them is tried again without."""
    files = {**FILES, "004_four.sql": "CREATE TABLE four ();"}
    del files["004_four.c"]
    for n in range(5, 30):
        files[f"{n:03d}_more.sql"] = "PREPARE p AS SELECT 1;" if n == 9 else "SELECT 1;"
    many = wrapped(program, files)
    database.admin(f'ALTER DATABASE "{database.name}" OWNER TO "{database.role}"')
    kinds = ("memory:1:29", "send:9:7", "flush:1:37", "no-result:5:41")
    result = many.run("first", "caller", *kinds, timeout=300)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout[-2000:]
    rows = [read_row(line) for line in result.stdout.splitlines()]
    whole = ",".join(str(n) for n in range(1, 30))
    assert any("inlay seal" in row.at for row in rows)
    for row in rows:
        assert (row.amiss, row.amiss_again, row.leaks, row.locks) == ("", "", "", "0")
        assert row.code == "ok" or row.message
        assert row.code_again == "ok" and row.again.applied == whole
        assert whole.startswith(row.picture.applied)
        assert_legal("first", row.picture)


# What each prints where nothing fails is what it prints where something did and it went well.
VERBS = {
    "--check": 0,
    "--check --targets /dev/stdin": 0,
    "--status --json": 0,
    "--show 9": 2,
    "--to 0": 2,
    "--version": 0,
    "--up": 2,
}


@pytest.mark.parametrize("verb, status", VERBS.items(), ids=VERBS.keys())
def test_the_command_line_without_memory(
    program: ProgramFactory, database: Database, verb: str, status: int
) -> None:
    files = {"001_one.sql": "CREATE TABLE one ();", "001_one.down.sql": "DROP TABLE one;"}
    link = [f"-Wl,--wrap={name}" for name in ("malloc", "calloc", "realloc", "strdup")]
    cli = program((HERE / "faulty_cli.c").read_text(), files, link=link)
    assert cli.run("--only", env={"FAULTY_AT": "0"}).returncode == 0
    whole = cli.run(*verb.split(" "), stdin="public", env={"FAULTY_AT": "0"})
    assert whole.returncode == status
    for n in range(1, 200):
        result = cli.run(*verb.split(" "), stdin="public", env={"FAULTY_AT": str(n)})
        if result.stderr.endswith("not met\n"):
            break
        assert result.returncode in (status, 1)
        assert result.returncode == 0 or "error: " in result.stderr
        assert result.returncode != 0 or result.stdout == whole.stdout
    assert 1 < n < 199
    assert versions(database) == [1]


@pytest.mark.sample
def test_every_call_that_can_fail_is_among_them(builder: Builder) -> None:
    symbols: dict[str, set[str]] = {}
    for path in builder.libraries:
        shown = subprocess.check_output(["nm", "-u", str(path)], text=True)
        symbols[path.name] = set(re.findall(r" U (\w+)$", shown, re.MULTILINE))
    used = symbols["libinlay.a"]
    assert symbols["libinlay-cli.a"] & ALLOCATORS <= {"malloc", "calloc", "realloc", "strdup"}
    asked = {name for name in used if name.startswith("PQ")}
    assert asked - CANNOT_FAIL <= set(WRAPPED)
    assert used & ALLOCATORS <= set(WRAPPED)
