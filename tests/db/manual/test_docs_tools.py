"""docs/tools.md has a section for each tool of the list, with what the list says of it and the
transcript of adopting from the table that the tool leaves."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pages
from conftest import ProgramFactory
from foreign_tables import ALL as FIRST
from foreign_tables import DIESEL_FILES, ID_NAME, MORE, Foreign, drop
from harness.database import Database
from test_back_docs import at_terminal, blocks
from test_cli_docs import SOURCE
from ways import table

PAGE = pages.load(pages.DOCS / "tools.md")
WRITTEN = blocks(PAGE)
NODE = Foreign("node-pg-migrate", ID_NAME.table, ID_NAME.columns, ID_NAME.rows)
FILES = {**table(1, "a"), **table(2, "b"), **table(3, "c")}
TOOLS_C = pages.TOP / "src" / "library" / "foreign" / "tools.c"
GENERIC = {"filenames", "id-name"}  # tables of no tool: a section of coming-from.md, a line
TABLES = {t.tool: t for t in (*FIRST, *MORE, NODE) if t.tool not in GENERIC}


@dataclass(frozen=True)
class Row:
    """What the list says of a tool."""

    name: str
    shown: str
    table: str
    text: str

    @property
    def section(self) -> str:
        """Its heading, and what stands under it."""
        sections = re.split(r"^## ", PAGE.prose, flags=re.MULTILINE)
        shown = re.escape(self.shown.removesuffix(" or another tool"))
        found = [s for s in sections if re.match(rf"(.*, )?{shown}(,| and |\n)", s)]
        assert len(found) == 1, self.shown
        return " ".join(found[0].split())


def rows() -> list[Row]:
    found = []
    for text in re.findall(r"^    \{(.*?)\},$", TOOLS_C.read_text(), re.MULTILINE | re.DOTALL):
        said = dict(re.findall(r'\.(name|shown|table) = "([^"]*)"', text))
        if "shown" in said and said["shown"] != "another tool":
            found.append(Row(said.get("name", ""), said["shown"], said["table"], text))
    assert len(found) > 30
    return found


ROWS = rows()
NAMED = [row for row in ROWS if row.name]


def test_each_tool_has_its_section() -> None:
    """And the page none of a tool that is not in the list; all are linked at its top."""
    sections = {row.section.partition(" Table `")[0] for row in NAMED}
    titles = {"Alembic, Django, Laravel, Liquibase, Versioning", "For every tool"}
    assert sections | titles == set(PAGE.headings[1:])
    assert {pages.anchor(title) for title in PAGE.headings[2:]} <= {
        link.removeprefix("#") for link in PAGE.links
    }
    assert {row.name for row in NAMED} == set(TABLES)


def test_a_section_says_what_the_list_says() -> None:
    for row in NAMED:
        section, query = row.section, row.text
        assert f" Table `{row.table}`: " in section, row.name
        assert ("AS half" in query) <= ("Refused: " in section), row.name
        assert ("AS baseline" in query) == ("up to a baseline" in section), row.name
        assert bool(re.search(r"\bbatch\b", query)) == ("batch" in section), row.name
        assert ("AS through" in query) == ("every embedded version up to" in section), row.name
        assert (".lock =" in query or "lock_rule" in query) == ("advisory" in section), row.name
        lock = re.search(r'\.lock_row = "([^.]*)\.(?:id"|locked"|is_locked")', query)
        name = lock[1].replace("%", row.table) if lock else ""
        assert bool(lock) == (f"a row of `{name}`" in section), row.name
        none = "advisory" not in section and not lock and row.name not in {"ecto", "atlas"}
        assert none == ("No lock." in section), row.name


def test_each_transcript(program: ProgramFactory, database: Database) -> None:
    servers = {"diesel": program(SOURCE, DIESEL_FILES)}
    usual = program(SOURCE, FILES)
    for tool, foreign in TABLES.items():
        database.execute(*foreign.fill())
        said = at_terminal(servers.get(tool, usual), f"--migrate-adopt {tool}", "")
        assert said in WRITTEN, said
        database.execute(*drop(foreign.table))


def test_what_has_no_files_in_its_rows(program: ProgramFactory, database: Database) -> None:
    for row in (row for row in ROWS if not row.name):
        assert f"`{row.table}`" in row.section
    database.execute("CREATE TABLE alembic_version (version_num varchar(32))")
    database.execute("INSERT INTO alembic_version VALUES ('1975ea83b712')")
    assert at_terminal(program(SOURCE, FILES), "--migrate-only", "") in WRITTEN
