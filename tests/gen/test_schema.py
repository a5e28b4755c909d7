"""inlay embed --schema: what --migrate-schema has written goes into the C file."""

from __future__ import annotations

from pathlib import Path

import pytest

from inlay_gen.output import stamp
from support import EMBED, Files, Inlay, Migrations

# The tests of the database have a module of the same name, which mypy takes.
from test_layouts import (  # type: ignore[attr-defined]
    DBMATE,
    DIESEL,
    FLYWAY,
    GOLANG_MIGRATE,
    GOOSE,
    REFINERY,
    SQLX,
)

HEAD = "-- inlay schema 1, PostgreSQL 15\n"
SCHEMA = ("--schema", "migrations/SCHEMA")
FILES: Files = {"001_a.sql": "SELECT 'one'"}


def test_it_is_embedded(inlay: Inlay, migrations: Migrations) -> None:
    result = inlay(
        "embed", migrations({**FILES, "SCHEMA": HEAD + 'a "?\r\n    b\n'}), *EMBED, *SCHEMA
    )
    assert (result.status, result.err) == (0, "")
    text = Path("out.c").read_text()
    assert f'app_schema[] =\n"{HEAD[:-1]}\\n\\\na \\"\\?\\n\\\n    b\\n\\\n\\000"\n;\n' in text
    assert "    /* schema */ app_schema,\n" in text
    assert " migrations/SCHEMA" in Path("out.c.d").read_text()
    assert "migrations/SCHEMA:" in Path("out.c.d").read_text()  # its end breaks no build


@pytest.mark.parametrize(
    "files",
    [DBMATE, DIESEL, FLYWAY, GOLANG_MIGRATE, GOOSE, REFINERY, SQLX],
    ids="dbmate diesel flyway golang-migrate goose refinery sqlx".split(),
)
def test_it_is_no_stray_file(inlay: Inlay, migrations: Migrations, files: Files) -> None:
    directory = migrations(files)
    before = inlay("check", directory, "--grammar", "off")
    Path("migrations/SCHEMA").write_text(HEAD)
    after = inlay("check", directory, "--grammar", "off")
    assert before == after and "SCHEMA" not in after.err


def test_an_empty_one_is_none(inlay: Inlay, migrations: Migrations) -> None:
    result = inlay("embed", migrations({**FILES, "SCHEMA": ""}), *EMBED, *SCHEMA)
    assert (result.status, result.err) == (0, "")
    assert "schema" not in Path("out.c").read_text().partition("const struct inlay_set")[2]


WRONG = {
    "another text": ("CREATE TABLE a ();\n", "not what --migrate-schema of this inlay writes: "),
    "another form": (HEAD.replace("1", "2", 1), "not what --migrate-schema of this inlay writes: "),
    "a NUL": (HEAD + "\0", "not what --migrate-schema of this inlay writes: "),
    "a conflict": (f"{HEAD}<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n", "two branches changed"),
    "no file": (None, "cannot be read: No such file or directory; an empty file will do, until "),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_none(inlay: Inlay, migrations: Migrations, what: str) -> None:
    text, message = WRONG[what]
    files: dict[str, str | bytes] = dict(FILES)
    if text is not None:
        files["SCHEMA"] = text
    result = inlay("embed", migrations(files), *EMBED, *SCHEMA)
    assert result.status == 1 and not Path("out.c").exists()
    assert result.err.startswith(f"inlay: error: migrations/SCHEMA: {message}")


def test_a_change_is_seen(inlay: Inlay, migrations: Migrations, tmp_path: Path) -> None:
    """Also of a file that lies elsewhere, by the look before the work."""
    directory = migrations(FILES)
    elsewhere = Path("SCHEMA")
    elsewhere.write_text(HEAD)
    words = ["embed", directory, *EMBED, "--schema", "SCHEMA"]
    assert inlay(*words).status == 0
    elsewhere.write_text(HEAD + "\nschema app\n")
    assert not stamp.nothing_to_do(words)
    assert inlay(*words).status == 0
    assert "schema app" in Path("out.c").read_text()
