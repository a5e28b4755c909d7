"""Reads and checks a directory, as embed and check do."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

from .. import layouts
from ..files.discover import Directory
from ..files.findings import Finding
from ..files.scripts import CheckedMigration
from ..rules import base, frozen, squash
from ..rules.check import check
from ..rules.file import Checks
from ..rules.policy import Policy
from ..sql import grammar as grammars
from ..sql.grammar import Grammar
from . import printing


@dataclass(frozen=True)
class Loaded:
    """A directory that was read and checked."""

    directory: Directory
    migrations: list[CheckedMigration]
    findings: list[Finding]
    grammar: Grammar | None
    frozen: frozenset[str]  # names of files
    note: str  # what was not looked at, as a line or nothing


def load(arguments: argparse.Namespace) -> Loaded:
    policy = replace(
        scripts(arguments), warnings=arguments.warnings, allowed=tuple(arguments.allow)
    )
    grammar = grammars.load(arguments.grammar)
    directory = discover(arguments)
    migrations, findings = check(
        directory, Checks(policy, grammar, arguments.target_version, arguments.history)
    )
    replaced = squash.ranges(migrations)
    findings += policy.idle(directory, directory.findings + findings)
    names, changed = frozen.check(directory, arguments.require_frozen, replaced)
    findings += directory.findings + changed
    findings += squash.check_gaps(directory, migrations, names)
    base_ref = getattr(arguments, "base", None)
    if base_ref is not None:
        findings += base.check(directory, base_ref, replaced)
    notes = [grammars.note(grammar, arguments.grammar, arguments.target_version)]
    program = getattr(arguments, "execute", None)
    if program is not None:
        more, unexecuted = _execute(arguments, directory, migrations, findings, frozenset(names))
        findings += more
        notes.append(unexecuted)
    return Loaded(
        directory,
        migrations,
        sorted(policy.apply(findings)),
        grammar,
        frozenset(names),
        "".join(f"inlay: note: {text}\n" for text in notes if text is not None),
    )


def discover(arguments: argparse.Namespace) -> Directory:
    return layouts.discover(arguments.directory, arguments.layout, arguments.pattern)


def scripts(arguments: argparse.Namespace) -> Policy:
    """What the command line says of the scripts of some files."""
    return Policy(
        no_transaction=tuple(arguments.no_transaction),
        strip_transaction=tuple(arguments.strip_transaction),
    )


def _execute(
    arguments: argparse.Namespace,
    directory: Directory,
    migrations: list[CheckedMigration],
    findings: list[Finding],
    frozen_names: frozenset[str],
) -> tuple[list[Finding], str | None]:
    """What the migrations do; those with errors are in no program."""
    from ..execute import check as execute  # a build, which would wait for it, has no use for it

    if printing.has_errors(findings):
        return [], "the program was not executed, because of the errors in the files"
    since = arguments.since if arguments.since is not None else arguments.base
    small = frozenset(name if "." in name else f"public.{name}" for name in arguments.small)
    options = execute.Options(arguments.execute, since, small)
    return execute.check(directory, migrations, frozen_names, options)
