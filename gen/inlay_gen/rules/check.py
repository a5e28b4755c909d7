"""The rules: from the files of a directory to scripts that can be embedded, and findings."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace

from ..files import repeatables
from ..files import settings as setting
from ..files.discover import Directory, Migration, Source, Transaction
from ..files.findings import Finding, Note, Place, Severity, place_in
from ..files.scripts import CheckedMigration, Script
from ..files.settings import SettingError, Settings
from ..sql.classify import Class, classify
from ..sql.grammar import Grammar
from ..sql.lexer import tokens
from ..sql.scan import Problem, Scan, Statement, scan
from . import frozen, squash
from .advice import advise, schema_statements
from .policy import Policy

# libpq and the server each hold a statement as a whole, several times over.
_LARGE_STATEMENT = 64 << 20

_UNLOCK_ALL = re.compile(rb"(?i)\bpg_advisory_unlock_all\b")


@dataclass(frozen=True)
class Checks:
    """What is checked beyond the rules that always hold."""

    policy: Policy = Policy()
    grammar: Grammar | None = None
    target_version: int | None = None  # of the server; None: the grammar's
    schema: str | None = None  # that holds the history


def check(
    directory: Directory, checks: Checks = Checks()
) -> tuple[list[CheckedMigration], list[Finding]]:
    """Reads all files of a directory, those of repeatable migrations last. What cannot be read as
    text is left out and reported."""
    findings = _check_names(directory)
    checked = []
    for migration in directory.migrations:
        up = check_file(directory.path, migration.up, findings, checks)
        down = _check_down(directory, migration, findings, checks)
        if up is not None:
            checked.append(CheckedMigration(migration.version, migration.name, up, down))
    checked, found = squash.complete(directory, checked, frozen.names(directory))
    for repeatable in directory.repeatables:
        about: list[Finding] = []
        script = check_file(directory.path, repeatable.up, about, checks)
        if script is not None:
            about = repeatables.check(directory.path, script, about)
            checked.append(CheckedMigration(repeatable.version, repeatable.name, script, None))
        found += about
    return checked, _pair(findings + found, "history-schema")


def _pair(findings: list[Finding], rule: str) -> list[Finding]:
    """Lets each finding of a rule name the others: what creates a schema, and what drops it."""
    places = [finding.place for finding in findings if finding.rule == rule]
    return [
        replace(f, notes=tuple(Note(p, "and here") for p in places if p != f.place))
        if f.rule == rule
        else f
        for f in findings
    ]


def _check_down(
    directory: Directory, migration: Migration, findings: list[Finding], checks: Checks
) -> Script | None:
    """Other tools never looked at the way down before somebody took it, and an applied file is not
    rewritten for a way that nobody takes: what cannot run there is left out."""
    if migration.down is None:
        return None
    found: list[Finding] = []
    script = check_file(directory.path, migration.down, found, checks)
    if directory.layout != "inlay" and any(f.severity == Severity.ERROR for f in found):
        script = None
        found = [_left_out(f) if f.severity == Severity.ERROR else f for f in found]
    if script is not None and script.settings.replaces is not None:
        found.append(Finding(squash.place(directory, script), Severity.ERROR, "replaces", _DOWN))
    findings += found
    return script


_DOWN = "replaces belongs in the up file: it is about what has been applied"


def _left_out(finding: Finding) -> Finding:
    text = f"{finding.text}; this down script is not embedded"
    return replace(finding, severity=Severity.WARNING, text=text)


def _check_names(directory: Directory) -> list[Finding]:
    """Two migrations with one name are often one that was renumbered, and is there twice."""
    findings = []
    first: dict[str, str] = {}
    for migration in directory.migrations:
        plain = re.sub(r"[\W_]+", "", migration.name.lower())
        place = Place(os.path.join(directory.path, migration.up.name))
        if plain in first:
            note = Note(Place(os.path.join(directory.path, first[plain])), "and here")
            text = f"the name '{migration.name}' is taken twice; was this file renumbered?"
            findings.append(Finding(place, Severity.WARNING, "duplicate-name", text, (note,)))
        first.setdefault(plain, migration.up.name)
    return findings


def check_file(
    directory: str, source: Source, findings: list[Finding], checks: Checks = Checks()
) -> Script | None:
    """Reads one file; adds what is wrong with it to the findings."""
    data = source.script
    report = _Report(os.path.join(directory, source.name), data, findings)
    if not _check_bytes(report):
        return None
    if source.name.endswith(".c"):
        return Script(source.name, data, [], Settings(), in_c=True)
    result = scan(data)
    for problem in result.problems:
        _report_problem(report, problem)
    settings = _read_settings(report, result)
    statements = [(statement, classify(data, statement)) for statement in result.statements]
    if _runs_without_transaction(source, statements, checks.policy):
        settings = replace(settings, no_transaction=True)
    for statement, known in statements:
        _check_statement(report, statement, known, settings)
    _check_unlock(report, result.statements)
    if not result.problems:
        _check_grammar(report, result.statements, checks)
    _give_advice(report, statements, settings, checks)
    return Script(source.name, source.text, statements, settings)


def _runs_without_transaction(
    source: Source, statements: list[tuple[Statement, Class]], policy: Policy
) -> bool:
    """Does something outside of the settings in the file say so?"""
    if source.transaction is Transaction.AS_NEEDED and statements:
        if not any(known.kind.transactional for _, known in statements):
            return True
    return source.transaction is Transaction.NEVER or policy.runs_without_transaction(source.name)


class _Report:
    """Where the findings about one file go."""

    def __init__(self, path: str, data: bytes, findings: list[Finding]) -> None:
        self.path = path
        self.data = data
        self.findings = findings

    def error(self, rule: str, offset: int, text: str) -> None:
        self.findings.append(Finding(self.place(offset), Severity.ERROR, rule, text))

    def warning(self, rule: str, offset: int, text: str) -> None:
        self.findings.append(Finding(self.place(offset), Severity.WARNING, rule, text))

    def place(self, offset: int) -> Place:
        return place_in(self.path, self.data, offset)


# ---- the text as a whole ----


def _check_bytes(report: _Report) -> bool:
    """Is this text at all?"""
    nul = report.data.find(b"\0")
    if nul >= 0:
        report.error("nul-byte", nul, "a NUL byte; save the file as UTF-8 (is it UTF-16?)")
        return False
    try:
        report.data.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = report.data[error.start]
        report.error(
            "invalid-utf8", error.start, f"byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"
        )
        return False
    return True


def _report_problem(report: _Report, problem: Problem) -> None:
    """Puts into words what the scanner found."""
    what, at = problem.what, problem.offset
    if problem.rule == "crlf-in-string":
        report.warning(
            problem.rule,
            at,
            "a CRLF inside a string is data, which another checkout may not have; keep LF with "
            "'*.sql text eol=lf' in .gitattributes, or write E'\\r\\n'",
        )
    elif problem.rule == "psql-command":
        report.error(problem.rule, at, f"{what} is a command of psql, not SQL; {_instead_of(what)}")
    elif problem.rule == "parenthesis":
        text = "this ) closes nothing" if what == ")" else "this ( is never closed"
        report.error(problem.rule, at, text)
    else:
        report.error(problem.rule, at, f"this {what} does not end; {_ENDS[what]}")


_ENDS = {
    "string": "close it with '",
    "quoted identifier": 'close it with "',
    "comment": "close it with */ (comments nest)",
    "dollar quote": "close it with the tag that opened it",
    "BEGIN ATOMIC": "close it with END",
}


def _instead_of(command: str) -> str:
    if command in ("\\restrict", "\\unrestrict"):
        return "pg_dump wrote it for psql: remove the line"
    if command == "\\copy":
        return "use INSERT, or COPY from a file on the server"
    if command in ("\\i", "\\ir", "\\include", "\\include_relative"):
        return "put the statements of that file here"
    return "remove it, or write what it does in SQL"


def _check_unlock(report: _Report, statements: list[Statement]) -> None:
    for match in _UNLOCK_ALL.finditer(report.data):
        at = match.start()
        statement = next((s for s in statements if s.start <= at < s.end), None)
        # Comments are no tokens.
        if statement and any(t.start <= at < t.end for t in tokens(report.data, *statement)):
            report.warning("unlock-all", at, f"pg_advisory_unlock_all {_UNLOCKS}")


_UNLOCKS = (
    "also releases the lock that keeps two migrators apart; release your own locks one by one with "
    "pg_advisory_unlock"
)


# ---- settings ----


def _read_settings(report: _Report, result: Scan) -> Settings:
    """Reads the comments before the first statement."""
    end_of_head = result.statements[0].start if result.statements else len(report.data)
    settings = Settings()
    seen: set[str] = set()
    for start, end in result.remarks:
        if start > end_of_head:
            report.error(
                "late-setting",
                start,
                "a setting after the first statement has no effect; move it to the top of the file",
            )
            continue
        words = setting.words(report.data[start:end])
        if not words:
            report.error("setting", start, "no setting follows '-- inlay:'")
        for offset, word in words:
            settings = _add_setting(report, settings, seen, start + offset, word)
    return settings


def _add_setting(
    report: _Report, settings: Settings, seen: set[str], offset: int, word: str
) -> Settings:
    name = setting.name_of(word)
    if name in seen:
        report.error("setting", offset, f"{name} is set twice; keep one")
        return settings
    seen.add(name)
    if {"no-transaction", "isolation"} <= seen:
        report.error(
            "setting",
            offset,
            "isolation is a transaction's, and this file is no-transaction; remove one of the two",
        )
    try:
        return setting.apply(settings, word, offset)
    except SettingError as error:
        report.error("setting", offset, str(error))
        return settings


# ---- the grammar, and advice ----


def _check_grammar(report: _Report, statements: list[Statement], checks: Checks) -> None:
    grammar = checks.grammar
    if grammar is None:
        return
    newer = checks.target_version is not None and checks.target_version > grammar.version
    for offset, text in grammar.check(report.data, statements):
        if newer:
            text += f" (in the grammar of PostgreSQL {grammar.version}, older than the target)"
            report.warning("syntax", offset, text)
        else:
            report.error("syntax", offset, f"{text} (PostgreSQL {grammar.version})")


def _give_advice(
    report: _Report,
    statements: list[tuple[Statement, Class]],
    settings: Settings,
    checks: Checks,
) -> None:
    for rule, offset, text in advise(report.data, statements, settings):
        report.warning(rule, offset, text)
    if checks.schema is not None and b"schema" in report.data.lower():
        for rule, offset, text in schema_statements(report.data, statements, checks.schema):
            report.error(rule, offset, text)


# ---- statements ----

_NO_TRANSACTION = "'-- inlay: no-transaction'"

_RULES = {
    "transaction-control": (
        "remove {command}: inlay already runs the file and its history row in one transaction"
    ),
    "copy-client": (
        "{command} needs a client for the rows, and a migration has none. Use INSERT, or COPY with "
        "a file on the database server"
    ),
    "unnamed-index": (
        "{command} without a name: if it fails, it leaves an INVALID index, which can only be "
        "found by its name; give it one"
    ),
}


def _check_statement(
    report: _Report, statement: Statement, known: Class, settings: Settings
) -> None:
    start = statement.start
    if known.rule:
        text = _RULES[known.rule].format(command=known.command)
        if known.rule == "transaction-control" and settings.no_transaction:
            text = f"remove {known.command}: the statements of this file run one by one"
        if known.command == "SET TRANSACTION":
            text += ", and write '-- inlay: isolation=serializable' at the top of the file"
        report.error(known.rule, start, text)
    if not known.kind.transactional and not settings.no_transaction:
        report.error(
            "needs-no-transaction",
            start,
            f"{known.command} cannot run inside a transaction; give it a file of its own with "
            f"{_NO_TRANSACTION} at the top",
        )
    if known.command == "DISCARD ALL":
        report.warning("unlock-all", start, f"DISCARD ALL {_UNLOCKS}")
    size = statement.end - start
    if size > _LARGE_STATEMENT:
        report.warning(
            "large-statement",
            start,
            f"a statement of {size >> 20} MB, which client and server each hold in memory several "
            "times; split it",
        )
