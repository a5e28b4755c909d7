"""Exceptions that live outside of the files: an applied file cannot be changed any more."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from ..files.discover import Directory
from ..files.findings import Finding, Place, Severity

# What a project may decide for itself. Everything else could not be embedded, or not run.
ALLOWABLE = frozenset(
    (
        "breaks-older-binary",
        "create-script",
        "create-script-columns",
        "crlf-in-string",
        "duplicate-index",
        "empty-migration",
        "empty-set",
        "foreign-key-type",
        "foreign-key-without-index",
        "grant-to-public",
        "history-rows",
        "history-schema",
        "index-not-concurrent",
        "invalid-index",
        "large-statement",
        "late-setting",
        "late-version",
        "lock-table",
        "other-mark",
        "other-tool",
        "password-in-clear",
        "placeholder",
        "rows-under-lock",
        "scan-under-lock",
        "security-definer",
        "session-leftover",
        "session-setting",
        "several-tables-locked",
        "syntax",
        "table-rewrite",
        "table-without-key",
        "unlock-all",
        "unmatched",
        "unnamed-index",
        "update-without-where",
        "validated-at-once",
    )
)


@dataclass(frozen=True)
class Policy:
    """What the command line says about findings."""

    warnings: str = "show"  # error, show or off
    allowed: tuple[tuple[str, str], ...] = ()  # rule, pattern of file names
    no_transaction: tuple[str, ...] = ()  # patterns of file names
    strip_transaction: tuple[str, ...] = ()  # the same

    def runs_without_transaction(self, file: str) -> bool:
        """Does the command line say so of this file?"""
        return any(fnmatchcase(file, pattern) for pattern in self.no_transaction)

    def strips_transaction(self, file: str) -> list[str]:
        """The patterns by which the command line says so of this file."""
        return [pattern for pattern in self.strip_transaction if fnmatchcase(file, pattern)]

    def apply(self, findings: Iterable[Finding]) -> list[Finding]:
        """Leaves out what is allowed; makes of warnings what is asked for."""
        kept = [f for f in findings if not self._allows(f)]
        if self.warnings == "off":
            return [f for f in kept if f.severity != Severity.WARNING]
        if self.warnings == "error":
            return [replace(f, severity=Severity.ERROR) for f in kept]
        return kept

    def _allows(self, finding: Finding) -> bool:
        path = finding.place.path
        return any(finding.rule == rule and _is_of(path, pattern) for rule, pattern in self.allowed)

    def idle(self, directory: Directory, findings: Iterable[Finding]) -> list[Finding]:
        """The patterns that are of no file: mostly mistyped."""
        migrations = [*directory.migrations, *directory.repeatables]
        sources = [s for m in migrations for s in (m.up, m.down, m.verify) if s is not None]
        files = [source.name for source in sources]
        paths = {f.place.path for f in findings} | {os.path.join(directory.path, f) for f in files}
        names = files + [os.path.relpath(path, directory.path) for path in paths]
        scripts = [("--no-transaction", glob) for glob in self.no_transaction]
        scripts += [("--strip-transaction", glob) for glob in self.strip_transaction]
        such = f"; it is compared with names such as {files[0]}" if files else ""

        def finding(severity: Severity, option: str) -> Finding:
            text = f"{option} is of no file in this directory{such}"
            return Finding(Place(directory.path.rstrip("/") or "/"), severity, "unmatched", text)

        return [
            finding(Severity.ERROR, f"{option}={glob}")
            for option, glob in scripts
            if files and not any(fnmatchcase(name, glob) for name in names)
        ] + [
            finding(Severity.WARNING, f"--allow {rule}:{glob}")
            for rule, glob in self.allowed
            if not any(_is_of(path, glob) for path in {*paths, directory.path})
        ]


def _is_of(path: str, pattern: str) -> bool:
    return fnmatchcase(os.path.basename(path), pattern) or fnmatchcase(path, f"*/{pattern}")


def parse_allowed(text: str) -> tuple[str, str]:
    """RULE or RULE:GLOB; ValueError says what is wrong with it."""
    rule, _, pattern = text.partition(":")
    if rule not in ALLOWABLE:
        raise ValueError(
            f"'{rule}' is not a rule that can be allowed; there are {', '.join(sorted(ALLOWABLE))}"
        )
    return rule, pattern or "*"
