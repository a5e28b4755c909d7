"""`check --execute` as far as it needs no database: programs that are none, a machine without a
server, and what the program printed. tests/db/execute has the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

from support import Files, Inlay, Migrations, Result
from inlay_gen.execute import catalogs
from inlay_gen.execute import program as program_module
from inlay_gen.files.discover import discover
from inlay_gen.output.emit import sha256
from inlay_gen.scratch import server

ORDERS = {"001_orders.sql": "CREATE TABLE orders (id bigint PRIMARY KEY, total int);\n"}
LOCK = {"002_lock.sql": "LOCK TABLE orders;\nUPDATE orders SET total = 0;\n"}

Check = Callable[..., Result]


def listed(directory: str) -> str:
    return json.dumps(
        {
            "migrations": [
                {"version": str(m.version), "name": m.name, "checksum": sha256(m.up.data)}
                for m in discover(directory).migrations
            ],
            "history": "public.applied_migrations",
        }
    )


@pytest.fixture
def check(inlay: Inlay, migrations: Migrations, tmp_path: Path) -> Check:
    """Checks these files with a program that lists them and prints what is given."""

    def run(files: Files, rehearsal: str = "", *options: str) -> Result:
        directory = migrations(files)
        (tmp_path / "list").write_text(listed(directory))
        (tmp_path / "rehearsal").write_text(rehearsal)
        program = tmp_path / "program"
        program.write_text(
            f'#!/bin/sh\n[ "$1" = --migrate-show ] && exec cat "{tmp_path}/list"\n'
            f'exec cat "{tmp_path}/rehearsal"\n'
        )
        program.chmod(0o755)
        words = ("check", directory, "--grammar", "off", "--execute", program)
        return inlay(*words, *options)

    return run


class Nothing:
    """A server that nobody talks to."""

    def __init__(self, *_: object) -> None:
        pass

    def url(self) -> str:
        return "postgresql://"

    def close(self) -> None:
        pass


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_module, "Server", Nothing)
    monkeypatch.setattr(program_module, "find_bindir", lambda: None)
    monkeypatch.setattr(catalogs, "find_psql", lambda bindir: None)


def test_without_a_server(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text is looked at, and a line says what was not."""
    monkeypatch.setattr(server, "_installed_bindirs", list)
    found = check({**ORDERS, **LOCK})
    note, *lines = found.err.splitlines()
    assert note.startswith(
        "inlay: note: nothing was executed, and only the files' text was looked at: no PostgreSQL "
        "server here"
    )
    assert [line.rsplit(" ", 1)[1] for line in lines if "warning:" in line] == [
        "[lock-table]",
        "[update-without-where]",
    ]
    assert found.status == 0


def test_a_table_of_another_schema_is_another(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A schema counts where both have one."""
    monkeypatch.setattr(server, "_installed_bindirs", list)
    made = "CREATE TABLE app.orders (a int);\nCREATE TABLE plans (a int);\n"
    used = 'UPDATE app."orders" SET a = 1;\nUPDATE orders SET a = 1;\nUPDATE o.orders SET a = 1;\n'
    text = made + used + "LOCK o.plans;\nLOCK TABLE o.orders;\n"
    lines = [line for line in check({"001_a.sql": text}).err.splitlines() if "warning:" in line]
    assert [(line.split(":")[1], line.rsplit(" ", 1)[1]) for line in lines] == [
        ("5", "[update-without-where]"),
        ("7", "[lock-table]"),
    ]


def test_a_small_table_of_another_schema_is_another(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_installed_bindirs", list)
    files = {"001_a.sql": "UPDATE orders SET a = 1;\nUPDATE o.orders SET a = 1;\n"}
    for small, line in ("orders", "2"), ("public.orders", "2"), ("o.orders", "1"):
        found = check(files, "", "--small", small)
        lines = [text.split(":")[1] for text in found.err.splitlines() if "warning:" in text]
        assert lines == [line]


def test_without_the_option_no_text_is_judged(inlay: Inlay, migrations: Migrations) -> None:
    assert inlay("check", migrations({**ORDERS, **LOCK}), "--grammar", "off").err == ""


def test_errors_come_first(inlay: Inlay, migrations: Migrations) -> None:
    """There is no program with these files."""
    directory = migrations({**ORDERS, "002_b.sql": "BEGIN;\n"})
    found = inlay("check", directory, "--grammar", "off", "--execute", "/nowhere")
    note, finding = found.err.splitlines()
    assert note == "inlay: note: the program was not executed, because of the errors in the files"
    assert finding.endswith("[transaction-control]")


@pytest.mark.parametrize(
    "text, said",
    [
        (None, "program: cannot be executed: No such file or directory"),
        ("echo what >&2; exit 3", "printed no JSON and ended with 3: what"),
        ("exit 0", "printed no JSON and ended with 0: it says nothing"),
        ("echo '{}'", "the program's list cannot be read: KeyError('migrations')"),
        ("echo '{'", "the program's list cannot be read: JSONDecodeError"),
    ],
)
def test_what_is_no_program(
    text: str | None, said: str, inlay: Inlay, migrations: Migrations, tmp_path: Path
) -> None:
    directory = migrations(ORDERS)
    program = tmp_path / "program"
    if text is not None:
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    found = inlay("check", directory, "--grammar", "off", "--execute", program)
    assert (found.status, found.out) == (1, "")
    assert said in found.err


@pytest.mark.parametrize(
    "rehearsal, said",
    [
        ("", "--migrate-rehearse=keep printed no JSON and ended with 0: it says nothing"),
        ("{}", "the program's rehearsal cannot be read: KeyError('migrations')"),
        ("{", "the program's rehearsal cannot be read: JSONDecodeError"),
    ],
)
@pytest.mark.usefixtures("served")
def test_what_is_no_rehearsal(check: Check, rehearsal: str, said: str) -> None:
    found = check(ORDERS, rehearsal)
    assert found.status == 1 and said in found.err


def statement(**effects: Any) -> str:
    """What the program prints where the second file has one statement with these effects."""
    one = {"number": 1, "line": 1, **effects}
    migration = {"version": "2", "name": "b", "file": "002_b.sql", "result": "applied"}
    return json.dumps({"migrations": [{**migration, "statements": [one]}], "error": None})


ORDERS_AFTER = {"relation": "public.orders", "kind": "table"}


@pytest.mark.usefixtures("served")
def test_what_is_not_known_is_passed_over(check: Check) -> None:
    files = {**ORDERS, "002_b.sql": "SELECT f();\n"}
    rewrites = [{**ORDERS_AFTER, "made_by": "1", "weight": 7}]
    found = check(files, statement(rewrites=rewrites, colours=[]), "--since", "1")
    note, finding, *_ = found.err.splitlines()
    assert finding.endswith("[table-rewrite]")
    assert note == (
        "inlay: note: foreign keys, indexes and keys of tables were not looked at: there is no "
        "psql (Debian: postgresql-client)"
    )


@pytest.mark.usefixtures("served")
def test_made_by_decides(check: Check) -> None:
    """What the newer files made is empty."""
    files = {**ORDERS, "002_b.sql": "SELECT f();\n"}
    for made_by, found in ((None, True), ("1", True), ("2", False), ("R__views", False)):
        rewrites = [{**ORDERS_AFTER, "made_by": made_by}]
        result = check(files, statement(rewrites=rewrites), "--since", "1")
        assert ("[table-rewrite]" in result.err) == found
