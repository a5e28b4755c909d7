"""Squashed migrations: `-- inlay: replaces 1..300`.

Where none of the range is applied such a migration runs; where some of it is, the rest runs and it
is recorded. For that a program has to have the files, or to know which versions there were: while
they are there that is plain, afterwards SHA256SUMS remembers it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..files.discover import Directory
from ..files.findings import Finding, Note, Place, Severity, place_in
from ..files.scripts import CheckedMigration, Script
from ..files.settings import Range

_DATES = 10_000_000  # versions from here on are dates, such as 20240131, or seconds


def ranges(migrations: Iterable[CheckedMigration]) -> list[Range]:
    """What is replaced by any of them."""
    return [found for m in migrations if (found := m.up.settings.replaces) is not None]


def complete(
    directory: Directory, migrations: list[CheckedMigration], frozen: Iterable[str]
) -> tuple[list[CheckedMigration], list[Finding]]:
    """Each migration with the versions that it replaces, and what is wrong with them. `frozen` has
    the names of all files that were ever frozen."""
    squashes = [m for m in migrations if m.up.settings.replaces is not None]
    if not squashes:
        return migrations, []
    names = set(frozen)
    known = {m.version for m in migrations}
    known |= _versions(directory, names)
    findings: list[Finding] = []
    for number, squash in enumerate(squashes):
        findings += _check_own(directory, squash)
        findings += _check_between(directory, squash, migrations)
        findings += _check_ends(directory, squash, squashes[:number], known)
        findings += _check_frozen(directory, squash, migrations, names)
        findings += _check_whole(directory, squash, migrations, known)
        for lower in squashes[:number]:
            findings += _check_pair(directory, lower, squash)
    return [_with_replaced(m, known) for m in migrations], findings


def _versions(directory: Directory, names: Iterable[str]) -> set[int]:
    return {version for name in names if (version := directory.version_of(name)) is not None}


def check_gaps(
    directory: Directory, migrations: list[CheckedMigration], frozen: Iterable[str]
) -> Iterator[Finding]:
    """What cannot be embedded until a list of frozen files says which versions there were."""
    squashes = [m for m in migrations if m.up.settings.replaces is not None]
    listed = _versions(directory, frozen)
    known = listed | {m.version for m in migrations}
    for number, squash in enumerate(squashes):
        if any(m.version in _range(squash) for m in migrations):
            gaps = _gaps(squash, squashes[:number], known)
            yield from _check_gaps(directory, squash, gaps, listed)


def _with_replaced(migration: CheckedMigration, known: set[int]) -> CheckedMigration:
    found = migration.up.settings.replaces
    if found is None:
        return migration
    return replace(migration, replaced=tuple(sorted(v for v in known if v in found)))


def _range(squash: CheckedMigration) -> Range:
    assert squash.up.settings.replaces is not None
    return squash.up.settings.replaces


def place(directory: Directory, script: Script) -> Place:
    """Where the setting is."""
    assert script.settings.replaces is not None
    at = script.settings.replaces.at
    return place_in(os.path.join(directory.path, script.path), script.text, at)


def _error(
    directory: Directory, squash: CheckedMigration, text: str, *notes: Note
) -> Iterator[Finding]:
    yield Finding(place(directory, squash.up), Severity.ERROR, "replaces", text, notes)


def _check_own(directory: Directory, squash: CheckedMigration) -> Iterator[Finding]:
    """A version of its own above the range; one transaction."""
    own = _range(squash)
    if squash.version <= own.last:
        yield from _error(
            directory,
            squash,
            f"version {squash.version} cannot replace {own}: its own version lies above all that "
            "it replaces",
        )
    if squash.up.settings.no_transaction:
        yield from _error(
            directory,
            squash,
            "a migration that replaces others runs in one transaction, so that it is there or not, "
            "and this file is no-transaction; on an empty database nothing has to be CONCURRENTLY",
        )


def _check_between(
    directory: Directory, squash: CheckedMigration, migrations: list[CheckedMigration]
) -> Iterator[Finding]:
    own = _range(squash)
    between = next((m for m in migrations if own.last < m.version < squash.version), None)
    if between is not None:
        other = Note(Place(os.path.join(directory.path, between.up.path)), "this one")
        yield from _error(
            directory,
            squash,
            f"version {between.version} lies between {own} and this one: on an empty database it "
            f"would run before what it builds on; write replaces {own.first}..{between.version}",
            other,
        )


def _check_ends(
    directory: Directory,
    squash: CheckedMigration,
    lower: list[CheckedMigration],
    known: set[int],
) -> Iterator[Finding]:
    """Both ends are versions, so that the range is no guess. Where nothing of it is known any more
    it is taken as it is."""
    own = _range(squash)
    inside = [version for version in known if version in own]
    starts = [_range(other).first for other in lower]
    if not inside:
        return
    first = own.first if own.first in starts else min(inside)
    if (own.first, own.last) == (first, max(inside)):
        return
    end = own.last if own.last != max(inside) else own.first
    yield from _error(
        directory,
        squash,
        f"there is no version {end}: what there is of {own} is {first}..{max(inside)}",
    )


def _check_frozen(
    directory: Directory,
    squash: CheckedMigration,
    migrations: list[CheckedMigration],
    names: set[str],
) -> Iterator[Finding]:
    """Where files are frozen at all, those that will be deleted should be."""
    drafts = [
        m for m in migrations if m.version in _range(squash) and names and m.up.path not in names
    ]
    for draft in drafts:
        text = (
            f"{squash.up.path} replaces this file, which is not frozen: once it is deleted, "
            f"nothing says that there was a version {draft.version}; inlay freeze {directory.path}"
        )
        at = Place(os.path.join(directory.path, draft.up.path))
        yield Finding(at, Severity.WARNING, "replaces", text)


def _check_whole(
    directory: Directory,
    squash: CheckedMigration,
    migrations: list[CheckedMigration],
    known: set[int],
) -> Iterator[Finding]:
    """All of the range is embedded, or nothing: what a database lacks of it is run."""
    own = _range(squash)
    there = [m for m in migrations if m.version in own]
    lower = [found for m in there if (found := m.up.settings.replaces) is not None]
    gone = sorted(
        version
        for version in known - {m.version for m in there}
        if version in own and not any(version in found for found in lower)
    )
    if not there or not gone:
        return
    listed = ", ".join(map(str, gone[:5])) + (f" and {len(gone) - 5} more" if gone[5:] else "")
    one = len(gone) == 1
    text = (
        f"of {own} version{'' if one else 's'} {listed} {'is' if one else 'are'} not there any "
        f"more, and {there[0].version} is: a database that has a part of them is refused; put the "
        f"file{'' if one else 's'} back, or delete all that this one replaces"
    )
    yield Finding(place(directory, squash.up), Severity.WARNING, "replaces", text)


def _gaps(squash: CheckedMigration, lower: list[CheckedMigration], known: set[int]) -> list[Range]:
    """The numbers in between that no version has. What one below replaces is its own affair."""
    own = _range(squash)
    taken = [(version, version) for version in known if version in own]
    taken += [(r.first, r.last) for other in lower if (r := _range(other)).first in own]
    taken.sort()
    gaps, end = [], taken[0][1]
    for first, last in taken:
        if first > end + 1:
            gaps.append(Range(end + 1, first - 1))
        end = max(end, last)
    return gaps


def _check_gaps(
    directory: Directory, squash: CheckedMigration, gaps: list[Range], frozen: set[int]
) -> Iterator[Finding]:
    """There was no such version, or its file was deleted: then a database without it would count
    as complete, and never get what it makes. A list of frozen files that goes on above tells it. Of
    dates most are no version, so that they are not asked for by number."""
    unknown = [gap for gap in gaps if gap.last > max(frozen, default=-1)]
    numbers = [gap for gap in unknown if gap.last < _DATES]
    own = _range(squash)
    if numbers:
        shown = [str(gap.first) if gap.first == gap.last else str(gap) for gap in numbers]
        listed = ", ".join(shown[:5]) + (" and more" if shown[5:] else "")
        one = len(numbers) == 1 and numbers[0].first == numbers[0].last
        yield from _error(
            directory,
            squash,
            f"of {own} version{'' if one else 's'} {listed} {'is' if one else 'are'} not there, "
            f"and nothing says that {'it' if one else 'they'} never {'was' if one else 'were'}: a "
            "database that has a part of the others would never get what a deleted file makes; put "
            "it back, or delete all that this one replaces; if nothing was deleted, list what "
            f"there is: inlay freeze {directory.path}",
        )
    elif unknown and not frozen:
        text = (
            f"of {own}, which are dates, no file is frozen: nobody would miss one that is deleted, "
            "and a database that has a part of the others would never get what it makes; inlay "
            f"freeze {directory.path}"
        )
        yield Finding(place(directory, squash.up), Severity.WARNING, "replaces", text)


def _check_pair(
    directory: Directory, lower: CheckedMigration, upper: CheckedMigration
) -> Iterator[Finding]:
    """One range holds all of the other with its migration, or nothing."""
    below, above = _range(lower), _range(upper)
    apart = above.last < below.first or lower.version < above.first
    inside = below.first in above and lower.version in above
    if apart or inside:
        return
    first, last = min(above.first, below.first), max(above.last, lower.version)
    yield from _error(
        directory,
        upper,
        f"{above} holds a part of {below}, which {lower.up.path} replaces; write replaces "
        f"{first}..{last}",
        Note(place(directory, lower.up), "replaced here"),
    )
