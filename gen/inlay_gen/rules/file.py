"""The rules about one file: from its text to a script that can be embedded, and findings."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace

from ..files import repeatables
from ..files import settings as setting
from ..files.discover import Directory, Source
from ..files.findings import Finding, Place, Severity, place_in
from ..files.scripts import Script
from ..files.settings import SettingError, Settings
from ..sql.classify import Class, classify
from ..sql.grammar import NEWEST, Grammar
from ..sql.lexer import tokens
from ..sql.scan import Problem, Scan, Statement, scan
from . import transaction, verify
from .advice import advise, row_statements, schema_statements
from .foreign import other_tools
from .policy import Policy

# libpq and the server each hold a statement as a whole, several times over.
_LARGE_STATEMENT = 64 << 20

_UNLOCK_ALL = re.compile(rb"(?i)\bpg_advisory_unlock_all\b")
_DO = re.compile(rb"(?i)DO\b")


@dataclass(frozen=True)
class Checks:
    """What is checked beyond the rules that always hold."""

    policy: Policy = Policy()
    grammar: Grammar | None = None
    target_version: int | None = None  # of the server; None: not known
    history: str | None = None  # SCHEMA.TABLE


def check_file(
    directory: Directory,
    source: Source,
    findings: list[Finding],
    checks: Checks,
    is_down: bool = False,
    is_verify: bool = False,
) -> Script | None:
    """Reads one file; adds what is wrong with it to the findings."""
    data = source.script
    report = _Report(os.path.join(directory.path, source.name), data, findings)
    if not _check_bytes(report):
        return None
    if source.name.endswith(".c"):
        return Script(source.name, data, [], Settings(), in_c=True)
    result = scan(data)
    for problem in result.problems:
        _report_problem(report, problem)
    settings = _read_settings(report, result)
    statements = [(statement, classify(data, statement)) for statement in result.statements]
    if is_verify:
        statements = verify.questions(data, statements)
    if transaction.runs_alone(source, statements, checks.policy):
        settings = replace(settings, no_transaction=True)
    if not is_verify:
        file = transaction.File(source.name, data, statements, settings.no_transaction)
        statements, refused = transaction.strip(file, checks.policy)
        for at, text in refused:
            report.error("transaction-control", at, text)
    for statement, known in statements:
        _check_statement(report, statement, known, settings, source.name, is_verify)
    _check_unlock(report, result.statements)
    down = None if is_down or is_verify else _down_script(directory.layout, source.name)
    marked = other_tools.File(data, result.statements, settings, directory.layout, down)
    for remark in other_tools.check(marked):
        report.add(*remark)
    if not result.problems:
        _check_grammar(report, result.statements, checks)
    _give_advice(report, statements, checks)
    return Script(source.name, source.text, statements, settings)


def _down_script(layout: str, file: str) -> str:
    """Where a down script of this file is to be."""
    if layout in ("inlay", "golang-migrate", "sqlx") and not repeatables.is_repeatable(file):
        return re.sub(r"(\.up)?\.sql$", ".down.sql", file)
    return "a down script"


class _Report:
    """Where the findings about one file go."""

    def __init__(self, path: str, data: bytes, findings: list[Finding]) -> None:
        self.path = path
        self.data = data
        self.findings = findings

    def error(self, rule: str, offset: int, text: str) -> None:
        self.add(Severity.ERROR, rule, offset, text)

    def warning(self, rule: str, offset: int, text: str) -> None:
        self.add(Severity.WARNING, rule, offset, text)

    def add(self, severity: Severity, rule: str, offset: int, text: str) -> None:
        self.findings.append(Finding(self.place(offset), severity, rule, text))

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
    elif problem.rule == "setting":
        text = f"this looks like a setting and is none, since {what}; write '-- inlay: ...'"
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
        if statement is None:
            continue
        # Comments are no tokens, and what is in a string runs only in a DO.
        found = next((t for t in tokens(report.data, *statement) if t.start <= at < t.end), None)
        if found and (found.kind != "string" or _DO.match(report.data, statement.start)):
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
    grammar, target = checks.grammar, checks.target_version
    if grammar is None:
        return
    here = f"PostgreSQL {grammar.version}"
    for problem in grammar.check(report.data, statements):
        offset, text = problem.offset, problem.text
        if target is not None and target > grammar.version:
            text += f" (in the grammar of {here}, older than the target)"
            report.warning("syntax", offset, text)
        elif target is None and grammar.version < NEWEST and not problem.sure:
            text += (
                f" (in the grammar of {here}; if no server is newer, --target-version="
                f"{grammar.version} makes this an error)"
            )
            report.warning("syntax", offset, text)
        else:
            report.error("syntax", offset, f"{text} ({here})")
    if target is not None and target < grammar.version:
        for problem in grammar.newer(report.data, statements, target):
            tell = report.error if problem.sure else report.warning
            tell("syntax", problem.offset, problem.text)


def _give_advice(
    report: _Report,
    statements: list[tuple[Statement, Class]],
    checks: Checks,
) -> None:
    for rule, offset, text in advise(report.data, statements):
        report.warning(rule, offset, text)
    if checks.history is None:
        return
    schema, _, table = checks.history.partition(".")
    if b"schema" in report.data.lower():
        for rule, offset, text in schema_statements(report.data, statements, schema):
            report.error(rule, offset, text)
    if table.encode() in report.data.lower():
        for rule, offset, text in row_statements(report.data, statements, schema, table):
            report.error(rule, offset, text)


# ---- statements ----

_NO_TRANSACTION = "'-- inlay: no-transaction'"

_LOCAL = {"SET LOCAL": "write SET", "SET CONSTRAINTS": "remove it"}

_RULES = {
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
    report: _Report,
    statement: Statement,
    known: Class,
    settings: Settings,
    name: str,
    is_verify: bool,
) -> None:
    start = statement.start
    if is_verify and not verify.is_allowed(known):
        report.error(*verify.refusal(known, start))
        return
    if known.rule in _RULES:
        report.error(known.rule, start, _RULES[known.rule].format(command=known.command))
    if not known.kind.transactional and not settings.no_transaction:
        report.error(
            "needs-no-transaction",
            start,
            f"{known.command} cannot run inside a transaction; give it a file of its own with "
            f"{_NO_TRANSACTION} at the top. {transaction.APPLIED}: embed it with --no-transaction "
            f"{transaction.pattern_of(name)}",
        )
    if known.command == "DISCARD ALL":
        report.warning("unlock-all", start, f"DISCARD ALL {_UNLOCKS}")
    if settings.no_transaction and known.command in _LOCAL:
        report.warning(
            "session-setting",
            start,
            f"{known.command} ends with itself, because the statements of this file run one by "
            f"one; {_LOCAL[known.command]}",
        )
    size = statement.end - start
    if size > _LARGE_STATEMENT:
        report.warning(
            "large-statement",
            start,
            f"a statement of {size >> 20} MB, which client and server each hold in memory several "
            "times; split it",
        )
