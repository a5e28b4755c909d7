"""Runs the program that has the migrations, on a server that is thrown away."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..files.findings import InlayError, printable
from ..files.repeatables import REPEATABLE
from ..files.scripts import CheckedMigration
from ..output.emit import sha256
from ..scratch.command import without_databases
from ..scratch.server import Server, find_bindir
from . import catalogs, facts

_JSON = "--migrate-json"
_LIST = ("--migrate-show", _JSON)
_SCHEMA = ("--migrate-schema", _JSON)
_REHEARSE = ("--migrate-rehearse=keep", "--migrate-yes", _JSON)


@dataclass(frozen=True)
class Rehearsal:
    """What was done, what failed, and what the catalogs answer after that, if there is a psql."""

    executed: list[facts.Executed] = field(default_factory=list)
    failure: facts.Failure | None = None
    answers: catalogs.Answers | None = None
    schema: str = ""  # by the steps, if there is a create script
    by_script: str = ""  # and by that


def rehearse(
    program: str, migrations: Sequence[CheckedMigration], first: CheckedMigration | None
) -> Rehearsal:
    """Executes all migrations. Where a create script runs in the place of its steps, the steps are
    executed on a second server, from the first of them on; on an empty one nothing of the script
    hurts. Raises ServerError if there is no server to be had."""
    history = _compare(program, migrations)
    done = _rehearse(program, history, None, first is not None)
    if first is None or done.failure is not None:
        return done
    return replace(_rehearse(program, history, first.version, True), by_script=done.schema)


def _rehearse(program: str, history: str, first: int | None, compared: bool) -> Rehearsal:
    bindir = find_bindir()
    psql = catalogs.find_psql(str(bindir))
    # Statistics that appear meanwhile would change plans, and with them what is scanned.
    server = Server(bindir, {"autovacuum": "off"})
    url = {"INLAY_DATABASE_URL": server.url()}
    try:
        if first is not None:
            failure = facts.failure(_run(program, ("--migrate-to", str(first), _JSON), url))
            if failure is not None:
                return Rehearsal([], failure)
        executed, failure = facts.read(_run(program, _REHEARSE, url))
        schema, answers = "", None
        if failure is None and compared:
            said = _run(program, _SCHEMA, url)
            failure = facts.failure(said)
            schema = str(json.loads(said).get("schema", ""))
        if failure is not None:
            return Rehearsal(executed, failure)
        if psql is not None:
            answers = catalogs.ask(psql, server.url(), history, without_databases())
        return Rehearsal(executed, None, answers, schema)
    finally:
        server.close()


def _run(program: str, arguments: Sequence[str], more: dict[str, str]) -> str:
    environment = {**without_databases(), "DATABASE_URL": "", **more}
    try:
        done = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
        )
    except OSError as error:
        raise InlayError(f"{program}: cannot be executed: {error.strerror}") from error
    text = done.stdout.decode("utf-8", "replace")
    if not text.startswith("{"):
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it says nothing"]
        raise InlayError(
            f"{program} {arguments[0]} printed no JSON and ended with {done.returncode}: "
            f"{printable(said[0])}"
        )
    return text


def _compare(program: str, migrations: Sequence[CheckedMigration]) -> str:
    """What would be executed must be what was checked. Returns the history's name."""
    try:
        listed = json.loads(_run(program, _LIST, {}))
        theirs = {(m["version"], m["name"]): m["checksum"] for m in listed["migrations"]}
        history: str = listed["history"]
    except (ValueError, KeyError, TypeError) as error:
        raise InlayError(f"the program's list cannot be read: {error!r}") from error
    ours = {_key(m): sha256(m.up.text) for m in migrations}
    if theirs == ours:
        return history
    names = {_key(m): m.up.path for m in migrations}
    both = theirs.keys() | ours.keys()
    differs = min(names.get(key, key[1]) for key in both if theirs.get(key) != ours.get(key))
    raise InlayError(
        f"{os.path.basename(program)} was built from other migrations than these ({differs} is not "
        "the same): build it, and run this again"
    )


def _key(migration: CheckedMigration) -> tuple[str | None, str]:
    version = str(migration.version) if migration.version != REPEATABLE else None
    return version, migration.name
