"""Before the merge: this directory against another commit, by what git has on this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from ..files import paths
from ..files.discover import Directory, Numbering
from ..files.findings import Finding, InlayError, Note, Place, Severity
from ..files.settings import Range
from .frozen import sources


@dataclass(frozen=True)
class _Tree:
    """The files of the directory in one commit: name and object."""

    objects: dict[str, str]
    numbering: Numbering

    def versions(self) -> dict[int, str]:
        """By version, the first file that has it."""
        found: dict[int, str] = {}
        version_of = self.numbering(self.objects)
        for name in sorted(self.objects):
            version = version_of(name)
            if version is not None:
                found.setdefault(version, name)
        return found


def _git(directory: str, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", paths.to_system(directory), *arguments],
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise InlayError(f"git cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InlayError(f"git {arguments[0]}: {said[0] if said else 'failed'}")
    return paths.from_system(done.stdout)


def _commit(directory: str, ref: str) -> str:
    try:
        return _git(directory, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").strip()
    except InlayError:
        raise InlayError(
            f"'{ref}' is not a commit that is here; in a shallow clone fetch it first "
            f"(git fetch origin, or fetch-depth: 0)"
        ) from None


def _tree(directory: Directory, commit: str) -> _Tree:
    """The files in the directory and below. Paths are relative to it, since git runs there."""
    listed = _git(directory.path, "ls-tree", "-r", "-z", commit, "./").split("\0")
    objects = {}
    for line in listed:
        meta, _, name = line.partition("\t")
        if name:
            objects[name] = meta.split()[2]
    return _Tree(objects, directory.numbering)


def names_at(directory: Directory, ref: str) -> frozenset[str]:
    """The files that a commit has in the directory."""
    return frozenset(_tree(directory, _commit(directory.path, ref)).objects)


def check(directory: Directory, ref: str, replaced: Sequence[Range] = ()) -> list[Finding]:
    """What would collide, come late, or was changed although the other side has it. What another
    migration replaces may be deleted, and nothing may be added to it."""
    path = directory.path
    theirs = _commit(path, ref)
    fork = _git(path, "merge-base", "HEAD", theirs).strip()
    there, before = _tree(directory, theirs), _tree(directory, fork)
    files = {source.name: source for source in sources(directory)}
    findings = []
    moved = _check_numbers(directory, ref, before)
    for name in files if not moved else ():
        if name not in before.objects and name not in there.objects:
            findings += _check_new(directory, name, ref, there, replaced)
    for name in sorted(before.objects):
        version = directory.version_of(name)
        path_now = paths.to_system(os.path.join(path, name))
        gone = any(version in range_ for range_ in replaced) and not os.path.exists(path_now)
        if version is not None and not gone:
            findings += _check_old(directory, name, ref, before)
    return findings + moved


def _check_numbers(directory: Directory, ref: str, before: _Tree) -> list[Finding]:
    """The first version with points gives all the others new numbers."""
    old = before.numbering(before.objects)
    for name in sorted(before.objects):
        then, now = old(name), directory.version_of(name)
        if then is not None and now is not None and then != now:
            text = (
                f"this is version {then} on {ref}, and {now} here, because one of the two has a "
                "file whose version has points and the other has none; name new files as before"
            )
            return [_finding(directory, name, "base-changed", text)]
    return []


def _finding(directory: Directory, name: str, rule: str, text: str, *notes: Note) -> Finding:
    severity = Severity.WARNING if rule == "late-version" else Severity.ERROR
    return Finding(Place(os.path.join(directory.path, name)), severity, rule, text, notes)


def _check_new(
    directory: Directory, name: str, ref: str, there: _Tree, replaced: Sequence[Range]
) -> list[Finding]:
    versions = there.versions()
    version = directory.version_of(name)
    within = next((range_ for range_ in replaced if version in range_), None)
    if within is not None:
        text = (
            f"version {version} is new and lies in {within}, which another migration replaces: a "
            "database that has that one would never run this; give it a number above"
        )
        return [_finding(directory, name, "replaces", text)]
    if version is None or not versions:
        return []
    highest = max(versions)
    if version in versions:
        text = f"version {version} is taken on {ref} by {versions[version]}; renumber this one"
        if directory.layout != "diesel":  # which has times
            text += f", such as {highest + 1}"
        return [_finding(directory, name, "base-collision", text)]
    if version < highest:
        text = (
            f"version {version} is late: {ref} is at {highest} already, and databases there will "
            "apply this one after it; renumber it if it was meant to come last"
        )
        return [_finding(directory, name, "late-version", text)]
    return []


def _check_old(directory: Directory, name: str, ref: str, before: _Tree) -> list[Finding]:
    path = os.path.join(directory.path, name)
    if not os.path.exists(paths.to_system(path)):
        text = f"{name} is on {ref} and was deleted here; put it back: git checkout {ref} -- {path}"
        return [_finding(directory, name, "base-changed", text)]
    # Through git's own filters, so that a checkout with other line ends is no change.
    now = _git(directory.path, "hash-object", "--", name).strip()
    if now == before.objects[name]:
        return []
    text = (
        f"{name} is on {ref} and was edited here; put it back (git checkout {ref} -- {path}) and "
        "the change into a new migration"
    )
    return [_finding(directory, name, "base-changed", text)]
