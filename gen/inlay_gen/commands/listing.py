"""`inlay list` and `inlay freeze`: what is in a directory."""

from __future__ import annotations

import argparse
import sys

from ..files.findings import Finding, Severity
from ..output import listing
from ..output.formats import render
from ..rules import frozen, squash
from ..rules.check import check
from ..rules.file import Checks
from . import loading, options, printing


def add(commands: options.Commands) -> None:
    listed = options.add(commands, "list", _list, "show what is in a directory")
    listed.add_argument("--json", action="store_true")
    options.add_scripts(listed)


def add_freeze(commands: options.Commands) -> None:
    freeze = options.add(
        commands, "freeze", _freeze, "add what is new to SHA256SUMS: it will not change any more"
    )
    options.add_scripts(freeze)


def _list(arguments: argparse.Namespace) -> int:
    directory = loading.discover(arguments)
    policy = loading.scripts(arguments)
    migrations, findings = check(directory, Checks(policy))
    findings += policy.idle(directory, findings)
    findings = sorted(f for f in directory.findings + findings if _leaves_out(f))
    printing.write(sys.stderr, render(findings, "text"))
    names, _ = frozen.check(directory, False)
    show = listing.as_json if arguments.json else listing.as_text
    printing.say(sys.stdout, show(directory.layout, migrations, names))
    return printing.EXIT_FINDINGS if printing.has_errors(findings) else 0


def _leaves_out(finding: Finding) -> bool:
    """Is there a file that is not in the list?"""
    return finding.severity == Severity.ERROR or finding.rule == "unmatched"


def _freeze(arguments: argparse.Namespace) -> int:
    """What is wrong is not frozen: it could not be repaired any more."""
    directory = loading.discover(arguments)
    policy = loading.scripts(arguments)
    migrations, findings = check(directory, Checks(policy))
    findings += policy.idle(directory, findings) + directory.findings
    findings += frozen.check(directory, False, squash.ranges(migrations))[1]
    findings = sorted(f for f in findings if f.severity == Severity.ERROR)
    printing.write(sys.stderr, render(findings, "text"))
    if findings:
        return printing.EXIT_FINDINGS
    for name in frozen.freeze(directory):
        printing.say(sys.stdout, f"frozen: {name}")
    return 0
