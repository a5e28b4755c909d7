"""The rules: from the files of a directory to scripts that can be embedded, and findings."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .classify import Classified, Kind, classify
from .discover import Directory, Source, place
from .findings import ERROR, WARNING, Finding, Place
from .scan import Scan, Statement, quoted_parts, scan
from .settings import SettingError, Settings, is_setting, parse

BOM = b"\xef\xbb\xbf"

# libpq and the server each hold a statement as a whole, several times over.
LARGE_STATEMENT = 64 * 1024 * 1024


@dataclass(frozen=True)
class Script:
    """One direction of a migration, ready to be written down."""

    path: str  # in the directory
    text: bytes
    statements: list[tuple[Statement, Classified]]
    settings: Settings


class _Checker:
    """The findings about one file."""

    def __init__(self, directory: str, source: Source) -> None:
        self.directory = directory
        self.name = source.name
        self.data = source.data[len(BOM) :] if source.data.startswith(BOM) else source.data
        self.findings: list[Finding] = []

    def place(self, offset: int) -> Place:
        line_start = self.data.rfind(b"\n", 0, offset) + 1
        column = len(self.data[line_start:offset].decode("utf-8", "replace")) + 1
        return place(self.directory, self.name, self.data.count(b"\n", 0, offset) + 1, column)

    def report(
        self,
        rule: str,
        offset: int,
        text: str,
        severity: str = ERROR,
        notes: tuple[tuple[Place, str], ...] = (),
    ) -> None:
        self.findings.append(Finding(self.place(offset), severity, rule, text, notes))

    # ---- the text as a whole ----

    def check_bytes(self) -> bool:
        """Is this text at all?"""
        nul = self.data.find(b"\0")
        if nul >= 0:
            self.report(
                "nul-byte", nul, "a NUL byte: this is not SQL text (UTF-16?); save as UTF-8"
            )
            return False
        try:
            self.data.decode("utf-8")
        except UnicodeDecodeError as error:
            self.report(
                "invalid-utf8",
                error.start,
                f"byte 0x{self.data[error.start]:02x} is not valid UTF-8: save the file as UTF-8",
            )
            return False
        return True

    def check_line_ends(self) -> None:
        if b"\r\n" not in self.data:
            return
        for token in quoted_parts(self.data):
            at = self.data.find(b"\r\n", token.start, token.end)
            if at >= 0:
                self.report(
                    "crlf-in-string",
                    at,
                    "a CRLF line end inside a string becomes part of the data: two checkouts can "
                    "leave two different databases; keep LF with `*.sql text eol=lf` in "
                    ".gitattributes",
                    WARNING,
                )
                return

    def check_unlock(self, statements: list[Statement]) -> None:
        for match in re.finditer(rb"(?i)\bpg_advisory_unlock_all\b", self.data):
            if any(s.start <= match.start() < s.end for s in statements):
                self.report(
                    "unlock-all",
                    match.start(),
                    "pg_advisory_unlock_all also releases the migrator's own lock; release locks "
                    "one by one with pg_advisory_unlock",
                    WARNING,
                )

    # ---- settings ----

    def check_settings(self, result: Scan) -> Settings:
        first = result.statements[0].start if result.statements else len(self.data)
        head = [(a, self.data[a:b]) for a, b in result.comments if a < first]
        for start, end in result.comments:
            if start > first and is_setting(self.data[start:end]):
                self.report(
                    "late-setting",
                    start,
                    "a setting below the first statement has no effect: move it to the head of "
                    "the file",
                )
        try:
            return parse(head)
        except SettingError as error:
            self.report("unknown-setting", error.offset, error.text)
            return Settings()

    # ---- statements ----

    def check_statement(
        self, statement: Statement, classified: Classified, settings: Settings
    ) -> None:
        start, what = statement.start, classified.what
        if classified.problem == "transaction-control":
            self.report(
                "transaction-control",
                start,
                f"{what} is not a migration's to say: inlay runs each migration in a transaction "
                "of its own, together with its row; take it out, or mark the file "
                "`-- inlay: no-transaction` to run statement by statement",
            )
        elif classified.problem == "copy-client":
            self.report(
                "copy-client",
                start,
                f"{what} reads from or writes to a client, and there is none: use INSERT ... "
                "VALUES, or COPY from a file of the server",
            )
        elif classified.problem == "unnamed-index":
            self.report(
                "unnamed-index",
                start,
                f"{what} without a name: give it one, so that it can be found again and dropped "
                "when it is left INVALID",
            )
        if classified.kind not in (Kind.ORDINARY, Kind.SESSION_SET) and not settings.no_transaction:
            self.report(
                "needs-no-transaction",
                start,
                f"{what} cannot run in a transaction: put it into a file of its own with "
                "`-- inlay: no-transaction` in its head",
            )
        if statement.end - start > LARGE_STATEMENT:
            self.report(
                "large-statement",
                start,
                f"a statement of {(statement.end - start) >> 20} MiB: client and server each hold "
                "it in memory several times; split it",
                WARNING,
            )

    def run(self) -> Script | None:
        if not self.check_bytes():
            return None
        result = scan(self.data)
        for problem in result.problems:
            self.report(problem.rule, problem.offset, problem.text)
        settings = self.check_settings(result)
        statements = [(s, classify(self.data, s)) for s in result.statements]
        for statement, classified in statements:
            self.check_statement(statement, classified, settings)
        self.check_line_ends()
        if b"advisory_unlock_all" in self.data.lower():
            self.check_unlock(result.statements)
        return Script(self.name, self.data, statements, settings)


@dataclass(frozen=True)
class CheckedMigration:
    """A migration whose files have been read."""

    version: int
    name: str
    up: Script
    down: Script | None


def check_file(directory: str, source: Source) -> tuple[Script | None, list[Finding]]:
    """Reads one file."""
    checker = _Checker(directory, source)
    return checker.run(), checker.findings


def check(directory: Directory) -> tuple[list[CheckedMigration], list[Finding]]:
    """Reads all files of a directory. What cannot be read at all is left out and reported."""
    findings = list(directory.findings)
    checked = []
    for migration in directory.migrations:
        up, found = check_file(directory.path, migration.up)
        findings += found
        down = None
        if migration.down is not None:
            down, found = check_file(directory.path, migration.down)
            findings += found
        if up is not None:
            checked.append(CheckedMigration(migration.version, migration.name, up, down))
    return checked, findings
