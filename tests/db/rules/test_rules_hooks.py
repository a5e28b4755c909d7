"""What the host is asked before a run and before each migration, and what its refusal does."""

from __future__ import annotations

import re

import pytest

from conftest import ProgramFactory
from harness.database import Database
from harness.program import Files
from harness.relay import UP, Relay
from outcomes import advisory_locks, tables, versions

FILES = {
    "1_one.up.sql": "CREATE TABLE one ();",
    "1_one.down.sql": "DROP TABLE one;",
    "2_two.up.sql": "CREATE TABLE two ();\nCREATE TABLE more ();",
    "2_two.down.sql": "DROP TABLE two, more;",
    "3_three.up.sql": "-- inlay: no-transaction\nCREATE TABLE three ();",
    "3_three.down.sql": "-- inlay: no-transaction\nDROP TABLE three;",
    "4_four.c": """
#include <inlay-tx.h>
int app_migrations_up_4(struct inlay_tx *tx, struct inlay_error *err)
{
    return inlay_tx_execute(tx, "CREATE TABLE four ()", 0, NULL, NULL, err);
}
int app_migrations_down_4(struct inlay_tx *tx, struct inlay_error *err)
{
    return inlay_tx_execute(tx, "DROP TABLE four", 0, NULL, NULL, err);
}
""",
    "5_five.up.sql": "CREATE TABLE five ();",
    "5_five.down.sql": "DROP TABLE five;",
}

# Prints what it is asked and hears. The first argument is the version to refuse, "run" for the run
# as a whole; the second one says where to: a version, "" for up.
SOURCE = """
#include <inlay-tx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct inlay_set app_migrations;
static const char *refused;

static void print(const char *what, const struct inlay_event *event)
{
    printf("%s %lld %zu/%zu%s\\n", what,
           event->migration != NULL ? (long long)event->migration->version : -1, event->index,
           event->count, event->down ? " down" : "");
}

static void hear(void *user, const struct inlay_event *event)
{
    static const char *const names[] = {"begin",   "waiting", "started", "progress",  "applied",
                                        "skipped", "failed",  "end",     "connecting"};

    if (event->kind != INLAY_EVENT_PROGRESS && event->kind != INLAY_EVENT_WAITING)
        print(names[event->kind], event);
    fprintf(user, "%d", event->kind == INLAY_EVENT_BEGIN ? (int)event->batch : 0);
}

static int ask_run(void *user, const struct inlay_event *event, struct inlay_error *err)
{
    (void)user;
    print(event->kind == INLAY_EVENT_BEGIN ? "ask run" : "?", event);
    return strcmp(refused, "run") == 0 ? inlay_refuse(err, "the disk is full") : INLAY_OK;
}

static int ask(void *user, const struct inlay_event *event, struct inlay_error *err)
{
    (void)user;
    print(event->kind == INLAY_EVENT_STARTED ? "ask" : "?", event);
    if (atoll(refused) != event->migration->version)
        return INLAY_OK;
    return refused[0] == '0' ? 42 : inlay_refuse(err, "not on a Friday");
}

int main(int argc, char **argv)
{
    struct inlay_options options = {.size = sizeof options, .event = hear};
    struct inlay_error err;
    char text[INLAY_ERROR_TEXT_MAX];
    int rc;

    options.conninfo = getenv("INLAY_DATABASE_URL");
    options.before_run = ask_run;
    options.before_migration = ask;
    options.user = fopen("/dev/null", "w");
    refused = argc > 1 ? argv[1] : "";
    if (argc > 2)
        rc = inlay_migrate_to(&app_migrations, &options, atoll(argv[2]), NULL, &err);
    else
        rc = inlay_migrate(&app_migrations, &options, NULL, &err);
    printf("%s\\n", inlay_code_name(rc));
    inlay_error_format(&err, text, sizeof text);
    fputs(text, stderr);
    fclose(options.user);
    return -rc;
}
#include "migrations/4_four.c"
"""


def chain(versions: list[int], count: int, direction: str = "") -> list[str]:
    """Asked, sent, committed: one after the other."""
    return [
        f"{what} {version} {index}/{count}{direction}"
        for index, version in enumerate(versions, 1)
        for what in ("ask", "started", "applied")
    ]


def test_each_migration_is_asked_about_before_it_is_sent(
    program: ProgramFactory, database: Database
) -> None:
    host = program(SOURCE, FILES)
    lines = host.run().stdout.splitlines()
    assert lines == [
        "begin -1 0/5",
        "ask run 1 1/5",
        *chain([1, 2, 3, 4, 5], 5),
        "end -1 5/5",
        "ok",
    ]
    assert host.run().stdout == "ok\n"  # nothing to ask about
    lines = host.run("", "0").stdout.splitlines()
    assert lines[2:-2] == chain([5, 4, 3, 2, 1], 5, " down")
    assert tables(database) == set() and versions(database) == []


NAMES = ["one", "two", "three", "four", "five"]


@pytest.mark.parametrize("refused", [1, 2, 3, 4, 5])
def test_a_refusal_ends_the_run(program: ProgramFactory, database: Database, refused: int) -> None:
    """Those before it stay applied."""
    host = program(SOURCE, FILES)
    result = host.run(str(refused))
    assert result.returncode == 7
    before = list(range(1, refused))
    assert result.stdout.splitlines()[2:] == [
        *chain(before, 5),
        f"ask {refused} {refused}/5",
        f"end -1 {refused - 1}/5",
        "refused",
    ]
    ending = ".c" if refused == 4 else ".up.sql"
    file = f"{refused}_{NAMES[refused - 1]}{ending}"
    assert f"migrations/{file}: error: not on a Friday\n" in result.stderr
    kept = "this run applied no migration" if refused == 1 else f"the {len(before)} migration"
    assert f"{file} was not run; {kept}" in result.stderr
    assert versions(database) == before and advisory_locks(database) == 0
    assert tables(database) - {"more"} == set(NAMES[: len(before)])
    assert host.run().returncode == 0
    assert versions(database) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("refused", [5, 4, 3, 2, 1])
def test_a_refusal_to_go_back(program: ProgramFactory, database: Database, refused: int) -> None:
    host = program(SOURCE, FILES)
    host.run()
    result = host.run(str(refused), "0")
    assert result.returncode == 7
    assert "was not run; " in result.stderr
    assert ("what this run undid before it stays undone" in result.stderr) == (refused < 5)
    assert versions(database) == list(range(1, refused + 1)) and advisory_locks(database) == 0


def test_a_refusal_without_a_word(program: ProgramFactory, database: Database) -> None:
    result = program(SOURCE, FILES).run("02")
    assert result.returncode == 7
    assert "error: the program refused to continue\n" in result.stderr
    assert versions(database) == [1]


def test_a_refused_run_changes_nothing(program: ProgramFactory, database: Database) -> None:
    result = program(SOURCE, FILES).run("run")
    assert result.returncode == 7
    assert result.stdout == "begin -1 0/5\nask run 1 1/5\nend -1 0/5\nrefused\n"
    assert "error: the disk is full\n" in result.stderr
    assert tables(database) == set() and advisory_locks(database) == 0
    assert not database.rows("SELECT 1 FROM pg_class WHERE relname = 'applied_migrations'")


def test_nothing_of_it_has_left_when_it_is_asked_about(
    program: ProgramFactory, database: Database, relay: Relay
) -> None:
    """Neither of what is refused nor of what follows."""
    seen: list[int] = []
    for n in range(1, 6):
        relay.at(UP, f"CREATE TABLE m{n} ()".encode(), lambda n=n: seen.append(n))  # type: ignore
    many: Files = {f"{n}_m.sql": f"CREATE TABLE m{n} ();" for n in range(1, 6)}
    source = SOURCE.replace('#include "migrations/4_four.c"', "")
    result = program(source, many).run("3", url=relay.url(database.url))
    assert re.findall(r"^ask (\d)", result.stdout, re.MULTILINE) == ["1", "2", "3"]
    assert seen == versions(database) == [1, 2]
