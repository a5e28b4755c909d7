"""The caller's own connection: refused unless it is idle, given back as it was, never closed."""

from __future__ import annotations

import pytest

from conftest import ProgramFactory
from harness.database import Database
from harness.relay import DOWN, FAR, UP, Relay
from outcomes import DRIVER, lock_key, tables, versions, wait_until

FILES = {"001_one.sql": "CREATE TABLE one ();", "002_two.sql": "CREATE TABLE two ();"}
ALONE = "-- inlay: no-transaction\n"
IDLE = "state status=0 transaction=0 pipeline=0 nonblocking=0 encoding=UTF8 receiver=default"


def lines_of(
    program: ProgramFactory, files: dict[str, str], *words: str, url: str = ""
) -> list[str]:
    """What the driver prints, less what the library tells."""
    result = program(DRIVER, files).run(*words, url=url)
    assert result.returncode == 0
    return [line for line in result.stdout.splitlines() if not line.startswith(("log ", "event "))]


BUSY = {
    "a transaction": (["sql=BEGIN"], "is inside a transaction"),
    "a failed transaction": (["sql=BEGIN", "sql=SELECT nothing"], "is inside a transaction"),
    "a COPY": (["sql=COPY (SELECT 1) TO STDOUT"], "is inside a transaction, a COPY or a query"),
    "a pipeline": (["pipeline"], "is in pipeline mode"),
}


@pytest.mark.parametrize("words, why", BUSY.values(), ids=BUSY.keys())
@pytest.mark.parametrize("call", ["migrate", "check", "status"])
def test_a_connection_that_is_not_idle(
    program: ProgramFactory, database: Database, call: str, words: list[str], why: str
) -> None:
    result = program(DRIVER, FILES).run("caller", *words, "state", call, "state")
    before, answer, *_, after = [
        line
        for line in result.stdout.splitlines()
        if not line.startswith(("log ", "event ", "sql ", "result "))
    ]
    assert answer == f"{call} refused"
    assert before == after
    assert f"the caller's connection {why}" in result.stderr
    assert tables(database) == set()


def test_a_connection_that_is_none(program: ProgramFactory, database: Database) -> None:
    url = database.server.url(database.role, "nowhere")
    result = program(DRIVER, FILES).run("caller", "migrate", url=url)
    assert "the caller's connection is not connected" in result.stderr


@pytest.mark.parametrize("receiver", ["default", "own"])
@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("call", ["migrate", "check", "status"])
def test_it_comes_back_as_it_was(
    program: ProgramFactory, database: Database, call: str, blocking: bool, receiver: str
) -> None:
    words = ["caller"] + (["own-receiver"] if receiver == "own" else [])
    words += [] if blocking else ["nonblocking"]
    lines = lines_of(program, FILES, *words, "state", call, "state", "sql=SELECT 1")
    states = [line for line in lines if line.startswith("state ")]
    assert states[0] == states[1]
    assert f"nonblocking={0 if blocking else 1}" in states[0]
    assert states[0].endswith(f"receiver={receiver}")
    assert lines[-1] == "sql 1"


def test_nothing_pending_leaves_settings_alone(program: ProgramFactory, database: Database) -> None:
    lines_of(program, FILES, "migrate")
    words = ["caller", "sql=SET work_mem = '7MB'", "migrate", "sql=SHOW work_mem"]
    assert lines_of(program, FILES, *words)[-1] == "sql 7MB"


def test_settings_are_those_of_the_connections_beginning(
    program: ProgramFactory, database: Database
) -> None:
    """What the header says: SET of before is reset, what came with the connection is not."""
    database.execute(f"ALTER ROLE {database.role} SET work_mem = '9MB'")
    shown, url = {"work_mem": "9MB", "lock_timeout": "0"}, database.url
    if database.server.major_version >= 14:
        shown.update(idle_session_timeout="8min", client_connection_check_interval="0")
        url += "&options=-cidle_session_timeout%3D8min"
    words = ["caller", "sql=SET work_mem = '7MB'", "sql=SET lock_timeout = '7s'", "migrate"]
    lines = lines_of(program, FILES, *words, *(f"sql=SHOW {name}" for name in shown), url=url)
    assert lines[-len(shown) :] == [f"sql {value}" for value in shown.values()]


# What a host has made of its session, in which objects land elsewhere or another role owns them.
HOSTS = {
    "search path": ["CREATE SCHEMA host", "SET search_path = host"],
    "role": ["SET ROLE OTHER"],
    "authorization": ["SET SESSION AUTHORIZATION OTHER"],
    "temporary table": ["CREATE TEMP TABLE old (id int)"],
    "read-only": ["SET default_transaction_read_only = on"],
    "strings": ["SET standard_conforming_strings = off"],
    "time zone": ["SET TIME ZONE 'Asia/Kolkata'"],
}
LANDS = {
    "001_one.sql": "ALTER TABLE old ADD more int;\n"
    r"CREATE TABLE one AS SELECT '\d' AS v, current_setting('TimeZone') AS zone;",
    "002_two.sql": "CREATE TABLE two AS TABLE one;",
}


def all_of(database: Database) -> list[tuple[str, ...]]:
    """Where everything is, and whose."""
    return database.rows(
        "SELECT relnamespace::regnamespace::text, relname, pg_get_userbyid(relowner)"
        " FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text !~ '^(pg_|info)'"
        " ORDER BY relname"
    )


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("head", ["", ALONE], ids=["transaction", "no transaction"])
def test_what_the_host_has_set_is_gone_before_the_first(
    program: ProgramFactory, database: Database, host: str, head: str
) -> None:
    """Our own tables, and whatever is pending, are made as on a connection that begins."""
    other = database.add_role("other", "SUPERUSER LOGIN")
    database.execute("CREATE TABLE old (id int)")
    database.admin(f"GRANT {other} TO {database.role}")
    url = database.url
    if host == "authorization":
        database.admin(f"ALTER ROLE {database.role} SUPERUSER")
    files = {name: head + body for name, body in LANDS.items()}
    words = [f"sql={word.replace('OTHER', other)}" for word in HOSTS[host]]
    result = program(DRIVER, files).run("caller", *words, "migrate", url=url)
    assert "migrate ok\n" in result.stdout, result.stderr
    names = ["applied_migrations", "applied_migrations_state", "old", "one", "two"]
    assert all_of(database) == [("public", name, database.role) for name in names]
    (one,) = database.rows("TABLE one")
    assert one[0] == r"\d" and one[1] != "Asia/Kolkata"
    more = "SELECT attname FROM pg_attribute WHERE attrelid = 'old'::regclass AND attname = 'more'"
    assert database.rows(more) == [("more",)]


def test_a_role_that_may_less_is_found_out_before_anything_is_made(
    program: ProgramFactory, database: Database
) -> None:
    """The host had put on one that may more."""
    weak = database.add_role("weak", "LOGIN NOINHERIT")
    database.admin(f"GRANT {database.role} TO {weak}")
    words = ["caller", f"sql=SET ROLE {database.role}", "migrate", "state"]
    result = program(DRIVER, FILES).run(*words, url=database.url_for(weak))
    assert "migrate refused\n" in result.stdout and IDLE in result.stdout
    assert f'role "{weak}" may not create tables in schema "public"' in result.stderr
    assert all_of(database) == []


def test_the_reset_costs_no_round_trip(
    program: ProgramFactory, database: Database, relay: Relay
) -> None:
    """It stands in front of the look that takes the lock. The two at the end give the session back:
    what a body left, then what the caller had set."""
    driver = program(DRIVER, FILES)
    relay.delay = FAR
    trips = []
    for words in (["migrate"], ["caller", "migrate"]):
        before = relay.round_trips
        assert "migrate ok\n" in driver.run(*words, url=relay.url(database.url)).stdout
        trips.append(relay.round_trips - before)
        database.execute("DROP TABLE one, two, applied_migrations, applied_migrations_state")
    assert trips[1] - trips[0] == 2


KEPT = {
    "SET work_mem = '7MB'": "SHOW work_mem",
    "CREATE TEMP TABLE mine ()": "SELECT to_regclass('mine')",
    "PREPARE p AS SELECT 1": "SELECT count(*) FROM pg_prepared_statements",
    "DECLARE c CURSOR WITH HOLD FOR SELECT 1": "SELECT count(*) FROM pg_cursors WHERE is_holdable",
    "LISTEN a": "SELECT pg_listening_channels()",
    "CREATE TEMP SEQUENCE s; GRANT ALL ON s TO public; SELECT nextval('s')": "SELECT lastval()",
    "SET client_encoding = 'LATIN1'": "SHOW client_encoding",
    "SET ROLE OTHER": "SELECT current_user",
}


@pytest.mark.parametrize("call", ["migrate", "check", "status"])
def test_nothing_pending_changes_nothing(
    program: ProgramFactory, database: Database, call: str
) -> None:
    other = database.add_role("other")
    database.admin(f"GRANT {other} TO {database.role}")
    driver = program(DRIVER, FILES)
    driver.run("migrate")
    database.execute("GRANT SELECT ON applied_migrations, applied_migrations_state TO public")
    made = [f"sql={word.replace('OTHER', other)}" for word in KEPT]
    seen = [f"sql={word}" for word in KEPT.values()]
    lines = lines_of(program, FILES, "caller", *made, *seen, call, *seen)
    answers = [line for line in lines if line.startswith("sql ")][len(made) :]
    assert answers[: len(seen)] == answers[len(seen) :] and "sql 7MB" in answers
    assert "sql PGRES_FATAL_ERROR" not in answers


@pytest.mark.parametrize("files", [FILES, {"1_bad.sql": "SELECT nothing;"}], ids=["fine", "bad"])
def test_the_encoding_is_given_back(
    program: ProgramFactory, database: Database, files: dict[str, str]
) -> None:
    database.execute(f"ALTER ROLE {database.role} SET client_encoding = 'LATIN1'")
    for call in ("check", "migrate", "status"):
        lines = lines_of(program, files, "caller", call, "state")
        assert "encoding=LATIN1" in lines[-1]


REFUSED = {
    "mismatch": "UPDATE applied_migrations SET name = 'größer'",
    "refused": "ALTER TABLE applied_migrations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    "argument": "",
    "ok": "SELECT 1",
}


@pytest.mark.parametrize("code", REFUSED)
@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "WIN1252"])
def test_a_check_leaves_the_encoding_whatever_it_finds(
    program: ProgramFactory, database: Database, code: str, encoding: str
) -> None:
    lines_of(program, FILES, "migrate")
    words = [f"sql=SET client_encoding = '{encoding}'", "check", "state"]
    words.append("sql=SHOW client_encoding")
    if REFUSED[code]:
        database.execute(REFUSED[code])
    else:
        words.insert(1, "history=nowhere")
    lines = lines_of(program, FILES, "caller", *words)
    assert f"check {code}" in lines
    assert f"encoding={encoding}" in lines[-2] and lines[-1] == f"sql {encoding}"


def test_names_are_utf8_on_any_connection(program: ProgramFactory, database: Database) -> None:
    files = {"001_größe.sql": "CREATE TABLE wort AS SELECT 'größe' AS w;"}
    lines_of(program, files, "caller", "sql=SET client_encoding = 'LATIN1'", "migrate")
    assert database.value("SELECT name FROM applied_migrations") == "größe"
    assert database.value("TABLE wort") == "größe"
    lines = lines_of(program, files, "caller", "sql=SET client_encoding = 'LATIN1'", "check")
    assert lines[-1] == "check ok"


@pytest.mark.valgrind
def test_notices_go_to_the_callers_receiver(program: ProgramFactory, database: Database) -> None:
    files = {"1_notice.sql": "DO $$ BEGIN RAISE NOTICE 'about one'; END $$;"}
    result = program(DRIVER, files).run("caller", "own-receiver", "migrate")
    assert "heard about one\n" in result.stdout
    assert "log notice" not in result.stdout


def test_notices_go_to_the_log_where_nobody_else_hears(
    program: ProgramFactory, database: Database
) -> None:
    files = {"1_notice.sql": "DO $$ BEGIN RAISE NOTICE 'about {n}'; END $$;"}
    words = ["caller", "migrate", "sql=DO $$ BEGIN RAISE NOTICE 'of the caller'; END $$"]
    result = program(DRIVER, files).run(*words)
    assert "log notice 1_notice.sql: NOTICE: about {n}\n" in result.stdout
    assert "NOTICE:  of the caller\n" in result.stderr


@pytest.mark.parametrize(
    "body",
    ["SELECT nothing;", "SAVEPOINT a;\nSELECT 1/0;", ALONE + "SELECT 1;\nSELECT 1/0;"],
)
def test_after_a_failure_it_is_idle(program: ProgramFactory, database: Database, body: str) -> None:
    lines = lines_of(program, {"1_bad.sql": body}, "caller", "migrate", "state", "sql=SELECT 1")
    assert lines[0] == "migrate failed"
    assert lines[-2:] == [IDLE, "sql 1"]


def test_what_a_body_left_in_the_session_is_gone(
    program: ProgramFactory, database: Database
) -> None:
    body = "SET work_mem = '7MB';\nPREPARE p AS SELECT 1;\nSET search_path = pg_catalog;\n"
    words = ["sql=SELECT count(*) FROM pg_prepared_statements", "sql=SHOW work_mem"]
    for head in ("", ALONE):
        lines = lines_of(program, {"1_set.sql": head + body}, "caller", "migrate", *words)
        assert lines[-2:] == ["sql 0", "sql 4MB"]
        database.execute("DROP TABLE applied_migrations, applied_migrations_state")


@pytest.mark.valgrind
@pytest.mark.parametrize("head", ["", ALONE], ids=["transaction", "no transaction"])
def test_what_a_failed_body_left_is_gone_too(
    program: ProgramFactory, database: Database, head: str
) -> None:
    other = database.add_role("other")
    database.admin(f"GRANT {other} TO {database.role}")
    body = f"{head}PREPARE p AS SELECT 1;\nSET work_mem = '7MB';\nSET ROLE {other};\nSELECT 1 / 0;"
    see = ["sql=SELECT current_user", "sql=SHOW work_mem"]
    see.append("sql=SELECT count(*) FROM pg_prepared_statements")
    lines = lines_of(program, {"1_set.sql": body}, "caller", "migrate", *see)
    assert lines[0] == "migrate failed"
    assert lines[-3:] == [f"sql {database.role}", "sql 4MB", "sql 0"]


def test_a_lost_connection_is_not_opened_again(
    program: ProgramFactory, database: Database, relay: Relay
) -> None:
    relay.at(UP, b"CREATE TABLE two", relay.cut)
    url = relay.url(database.url)
    result = program(DRIVER, FILES).run("caller", "migrate", "state", url=url)
    assert "migrate lost\n" in result.stdout and "state status=1 " in result.stdout
    assert (
        "001_one.sql may or may not be committed (nor is it known for the 1 sent" in result.stderr
    )
    assert len(relay.connections) == 1
    assert tables(database) == set()  # all was in what was cut off


def test_a_lost_answer_to_a_statement_alone_is_unknown(
    program: ProgramFactory, database: Database, relay: Relay
) -> None:
    """It is done, with its progress; we were not told."""
    body = f"{ALONE}CREATE TABLE one ();\nCREATE TABLE two ();\nCREATE TABLE three ();"
    relay.at(UP, b"CREATE TABLE two", lambda: relay.at(DOWN, b"COMMIT\0", relay.cut))
    driver = program(DRIVER, {"001_alone.sql": body})
    result = driver.run("caller", "migrate", url=relay.url(database.url))
    assert "migrate lost\n" in result.stdout
    told = "1 of 3 statements done and kept, perhaps statement 2 too; the next run finds out"
    assert told in result.stderr
    wait_until(lambda: tables(database) == {"one", "two"})
    assert "migrate ok\n" in driver.run("migrate").stdout
    assert tables(database) == {"one", "two", "three"}


def test_a_lost_answer_to_commit_is_unknown(
    program: ProgramFactory, database: Database, relay: Relay
) -> None:
    lines_of(program, {"001_one.sql": FILES["001_one.sql"]}, "migrate")
    relay.at(DOWN, b"COMMIT\0", relay.cut)
    result = program(DRIVER, FILES).run("caller", "migrate", url=relay.url(database.url))
    assert "migrate lost\n" in result.stdout
    assert "002_two.sql may or may not be committed. Run again" in result.stderr
    wait_until(lambda: versions(database) == [1, 2])


def test_results_are_untouched_on_failure(program: ProgramFactory, database: Database) -> None:
    lines = lines_of(program, {"1_bad.sql": "SELECT nothing;"}, "migrate")
    assert lines == ["migrate failed", "result applied=99 skipped=0 batch=0"]


def test_the_callers_own_lock_is_respected(program: ProgramFactory, database: Database) -> None:
    """An advisory lock is the session's: one that the caller holds stays the caller's."""
    other = f"sql=SELECT pg_advisory_lock({lock_key('public.other')})"
    held = "sql=SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    assert lines_of(program, FILES, "caller", other, "migrate", held)[-1] == "sql 1"
