"""Executes a directory's migrations on a scratch server, and says what would hurt where they meet
tables that are full and in use."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..files.discover import Directory
from ..files.findings import Finding, Note, Place, Severity, place_in
from ..files.scripts import CheckedMigration, Script
from ..scratch.server import ServerError
from . import judge, released, risky, schemas, words
from .facts import Advice, Change, Executed, Failure
from .hazard import Hazard, Judged
from .program import Rehearsal, rehearse
from .released import Released
from .statements import Name, full_name, texts


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    program: str
    since: str | None = None
    small: frozenset[str] = frozenset()


def check(
    directory: Directory,
    migrations: Sequence[CheckedMigration],
    frozen: frozenset[str],
    options: Options,
) -> tuple[list[Finding], str | None]:
    """The findings, and what was not looked at."""
    old = released.find(directory, migrations, options.since, frozen)
    note = None
    try:
        done = rehearse(options.program, migrations, _first_step(migrations, old))
        if done.answers is None and done.failure is None:
            note = _NO_PSQL
    except ServerError as error:
        done, note = Rehearsal(), f"{_TEXT_ONLY}: {error}"
    note = note or _without_steps(migrations, old)
    findings = [] if done.failure is None else [_failed(directory, migrations, done.failure)]
    findings += _beside_the_steps(directory, migrations, done)
    executed = {e.file: e for e in done.executed}
    advice = _advice(done)
    keys = done.answers.keys if done.answers is not None else {}
    judged = Judged(old, options.small, _of_triggers(migrations), keys)
    fresh = _fresh(done.executed, old)
    for migration in migrations:
        if not old.has(migration):
            one = executed.get(migration.up.path)
            hazards = [
                hazard
                for hazard in risky.hazards(migration.up, fresh)
                if not _is_of_few_rows(hazard, one, options.small)
            ]
            if one is not None:
                hazards += judge.hazards(one, migration.up, judged, advice.get(one.version, []))
            findings += [_finding(directory, migration.up, hazard) for hazard in hazards]
    return findings, note


def _first_step(migrations: Sequence[CheckedMigration], old: Released) -> CheckedMigration | None:
    """Of what the newest create script replaces; None: nothing of that is released, or there is
    none."""
    script = _create_script(migrations)
    steps = _steps(script, migrations) if script is not None else []
    return steps[0] if steps and (old.has(steps[0]) or not old.known) else None


def _create_script(migrations: Sequence[CheckedMigration]) -> CheckedMigration | None:
    """The newest."""
    scripts = [m for m in migrations if m.up.settings.replaces is not None]
    return scripts[-1] if scripts else None


def _without_steps(migrations: Sequence[CheckedMigration], old: Released) -> str | None:
    """Of a new create script none of whose steps is there: nobody knows whether it leads where they
    led."""
    script = _create_script(migrations)
    if script is None or old.has(script) or any(_steps(script, migrations)):
        return None
    return f"{script.up.path} was compared with nothing: of the files that it replaces none is here"


def _steps(
    script: CheckedMigration, migrations: Sequence[CheckedMigration]
) -> list[CheckedMigration]:
    replaced = script.up.settings.replaces
    return [m for m in migrations if replaced is not None and m.version in replaced]


def _beside_the_steps(
    directory: Directory, migrations: Sequence[CheckedMigration], done: Rehearsal
) -> Iterator[Finding]:
    """Where the create script leads to another schema than its steps, by the end of all files."""
    script = _create_script(migrations)
    if script is None or not (done.schema and done.by_script):
        return
    found = schemas.differences(done.by_script, done.schema)
    for columns, rule in ((False, "create-script"), (True, "create-script-columns")):
        mine = [difference for difference in found if difference.columns == columns]
        if mine:
            place = _place(directory, script.up, 1)
            severity, text = words.CREATE_SCRIPT[rule]
            notes = tuple(Note(place, says) for says in schemas.shown(mine))
            yield Finding(place, severity, rule, text, notes)


_TEXT_ONLY = "nothing was executed, and only the files' text was looked at"
_NO_PSQL = (
    "foreign keys, indexes and keys of tables were not looked at: there is no psql (Debian: "
    "postgresql-client)"
)


def _advice(done: Rehearsal) -> dict[str, list[Advice]]:
    """By version; a table whose key was dropped has lost it there, and so has a foreign key its
    index."""
    if done.answers is None:
        return {}
    in_transaction = {e.version: e.transaction for e in done.executed}
    by_version: dict[str, list[Advice]] = {}
    for advice, made in done.answers.versions(lambda v: in_transaction.get(v, True)):
        itself = made if advice.columns else None  # it makes the key again
        for one in done.executed:
            for change in one.changes:
                if one.version != itself and _takes_away(change, advice):
                    made, advice = one.version, replace(advice, number=change.number)
        by_version.setdefault(made, []).append(advice)
    return by_version


def _takes_away(change: Change, advice: Advice) -> bool:
    """Does it drop what is missing?"""
    if change.table != advice.table or change.change not in ("dropped", "replaced"):
        return False
    if advice.rule == "table-without-key":
        return change.kind in ("constraint", "index") and change.change == "dropped"
    columns = re.findall(r'(?:"(?:[^"]|"")*"|[^,"])+', change.columns)
    names = {column.strip() for column in columns[: len(advice.columns)]}
    return bool(names) and names == advice.columns


def _of_triggers(migrations: Sequence[CheckedMigration]) -> frozenset[str]:
    names = (text.trigger_function for m in migrations for text in texts(m.up))
    return frozenset(name for name in names if name is not None)


def _fresh(executed: Sequence[Executed], old: Released) -> frozenset[Name]:
    """Tables that are not released yet."""
    return frozenset(
        full_name(touched.relation)
        for one in executed
        for effect in one.effects.values()
        for touched in (*effect.locks, *effect.scans)
        if not old.existed(touched.made_by)
    )


def _is_of_few_rows(hazard: Hazard, done: Executed | None, small: frozenset[str]) -> bool:
    """An UPDATE of all rows of a small table. DELETE and TRUNCATE lose the few there are."""
    if hazard.rule != "update-without-where" or hazard.form != "UPDATE":
        return False
    table = Name(hazard.words["schema"], hazard.words["table"])
    effect = done.effects.get(hazard.number) if done is not None else None
    named = {lock.relation for lock in effect.locks} if effect is not None else set()
    named = {relation for relation in named if table.is_among([full_name(relation)])}
    return bool(small) and (named or {f"{table.schema or 'public'}.{table.table}"}) <= small


def _finding(directory: Directory, script: Script, hazard: Hazard) -> Finding:
    place = _place(directory, script, hazard.number)
    notes = [Note(place, words.recipe(hazard))]
    if hazard.since is not None:
        notes.append(Note(_place(directory, script, hazard.since), "locked here"))
    severity = words.SEVERITY.get(hazard.rule, Severity.WARNING)
    return Finding(place, severity, hazard.rule, words.text(hazard), tuple(notes))


def _place(directory: Directory, script: Script, number: int) -> Place:
    path = os.path.join(directory.path, script.path)
    if number > len(script.statements):  # a migration in C
        return Place(path)
    return place_in(path, script.text, script.statements[number - 1][0].start)


def _failed(
    directory: Directory, migrations: Sequence[CheckedMigration], failure: Failure
) -> Finding:
    """The program knows the directory by another name, perhaps."""
    scripts = (s for m in migrations for s in (m.up, m.verify) if s is not None)
    named = [s.path for s in scripts if f"/{failure.path}".endswith(f"/{s.path}")]
    path = os.path.join(directory.path, max(named, key=len)) if named else directory.path
    text = f"this fails on an empty database: {failure.message}"
    return Finding(
        Place(path, failure.line, failure.column), Severity.ERROR, "execution-failed", text
    )
