"""A run that is held in the phase that a test wants to meet it in.

Most phases are held by a gate: what the server does then (a check, a trigger, a function of the
body) waits until nobody keeps the gate closed. It waits without a lock, so that no timeout and no
other session has a part in it.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psycopg

from harness.database import Database
from outcomes import backends, lock_key, wait_until

ALONE = "-- inlay: no-transaction\n"

SETUP = (
    "CREATE TABLE closed (gate text)",
    "CREATE TABLE log (line int)",
    """CREATE FUNCTION gate(wanted text) RETURNS bool LANGUAGE plpgsql AS $$
    BEGIN
        WHILE EXISTS (SELECT FROM public.closed WHERE gate = wanted) LOOP
            PERFORM pg_catalog.pg_sleep(0.02);
        END LOOP;
        RETURN true;
    END $$""",
    """CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM public.gate('deferred'); RETURN NULL; END $$""",
    "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON log DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION late()",
)
HISTORY = "applied_migrations"

# A row is claimed without a time and sealed with one.
ROW_GATES = (
    f"ALTER TABLE {HISTORY} ADD CHECK (version < 2 OR gate(CASE WHEN elapsed_ms IS NULL"
    " THEN 'claim' ELSE 'seal' END))",
    f"ALTER TABLE {HISTORY}_state ADD CHECK (done = 0 OR gate('progress'))",
)

# The second half of the first look's facts about a table: whoever creates one waits.
TABLE_GATE = (
    """CREATE FUNCTION made() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() AS c
                   WHERE c.object_identity ~ 'applied_migrations') THEN
            PERFORM public.gate('tables');
        END IF;
    END $$""",
    "CREATE EVENT TRIGGER made ON ddl_command_end EXECUTE FUNCTION made()",
)

TWO = "INSERT INTO log VALUES (2);\nSELECT gate('body');\nCREATE TABLE two ();\n"
FILES = {"001_one.sql": "CREATE TABLE one ();\n", "002_two.sql": TWO}
NEXT = {"003_three.sql": "CREATE TABLE three ();\n"}


@dataclass(frozen=True)
class Phase:
    """Where a run is held, and how the server's process is known that is held there."""

    name: str
    query: str  # what that process runs, as a regular expression
    gate: str = ""
    lock: str = ""  # a statement that holds it instead
    fresh: bool = False  # the database has no history yet
    head: str = ""  # of the second migration
    done: int = 0  # statements of it that are committed by then

    @property
    def files(self) -> dict[str, str]:
        return {**FILES, "002_two.sql": self.head + TWO, **NEXT}

    @property
    def held(self) -> str:
        """A condition on pg_stat_activity. Who waits for the lock is idle between two looks."""
        active = "" if self.name == "waiting" else " AND state = 'active'"
        return f"application_name = 'inlay' AND query ~ '{self.query}'{active}"


PHASES = [
    Phase("looking", "applied_migrations", lock=f"LOCK TABLE {HISTORY}"),
    Phase(
        "waiting", "applied_migrations|pg_locks", lock=f"SELECT pg_advisory_xact_lock({lock_key()})"
    ),
    Phase("making the tables", "CREATE TABLE .*applied_migrations", gate="tables", fresh=True),
    Phase("claiming", "^INSERT INTO .*applied_migrations", gate="claim"),
    Phase("in the body", "gate\\(''body''\\)", gate="body"),
    Phase("checking deferred constraints", "^SET CONSTRAINTS", gate="deferred"),
    Phase("sealing", "^(PREPARE .* AS )?WITH sealed", gate="seal"),
    Phase("in a statement alone", "gate\\(''body''\\)", gate="body", head=ALONE, done=1),
    Phase("saving progress", "applied_migrations_state", gate="progress", head=ALONE),
]


class Hold:
    """Keeps a phase from going on, until let_go()."""

    def __init__(self, database: Database, phase: Phase) -> None:
        self._stack = ExitStack()
        self._database = database
        self._phase = phase
        self._holder: psycopg.Connection[Any] = self._stack.enter_context(
            database.connect(application_name="holder")
        )
        if phase.lock:
            self._holder.execute(phase.lock)
        else:
            database.execute(f"INSERT INTO closed VALUES ('{phase.gate}')")

    def victims(self) -> list[int]:
        """The server's processes that are held."""
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        return [pid for (pid,) in self._database.rows(f"{query} AND {self._phase.held}")]

    def await_victim(self) -> int:
        """Waits until one is held, and only one; returns its id."""
        found: list[int] = []

        def is_one() -> bool:
            found[:] = self.victims()
            return len(found) == 1

        wait_until(is_one, f"for {self._phase.name}")
        return found[0]

    def let_go(self) -> None:
        self._stack.close()
        self._database.execute("DELETE FROM closed")


def is_gone(database: Database, pid: int) -> bool:
    return backends(database, f"pid = {pid}") == 0
