"""inlay new and list, and the forms of findings."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support import Files, Inlay, write_files


@pytest.mark.parametrize(
    ("there", "name", "made"),
    [
        ([], "first", ["001_first.sql"]),
        (["003_a.sql"], "Add User Roles", ["004_add_user_roles.sql"]),
        (["0099_a.sql"], "b", ["0100_b.sql"]),
        (["999_a.sql"], "b", ["1000_b.sql"]),
        (["7_a.sql", "08_b.sql"], "  c/d; drop--it ", ["09_c_d_drop_it.sql"]),
        (["001_a.up.sql", "001_a.down.sql"], "b", ["002_b.up.sql", "002_b.down.sql"]),
        (["001_a.up.sql"], "b", ["002_b.up.sql"]),
    ],
)
def test_new(inlay: Inlay, tmp_path: Path, there: list[str], name: str, made: list[str]) -> None:
    directory = write_files(tmp_path / "m", {file: "" for file in there})
    result = inlay("new", directory, name)
    assert result.status == 0
    assert result.out.splitlines() == [str(directory / file) for file in made]
    head = (directory / made[0]).read_text()
    assert re.fullmatch(r"-- [0-9]{4}-[0-9]{2}-[0-9]{2} .+\n\n", head)
    assert " ".join(name.split()) in head
    assert inlay("check", directory).status == 0


def test_new_by_the_time(inlay: Inlay, tmp_path: Path) -> None:
    directory = write_files(tmp_path / "m", {})
    made = Path(inlay("new", directory, "a", "--timestamp").out.strip())
    assert re.fullmatch("20[0-9]{12}_a.sql", made.name)
    again = Path(inlay("new", directory, "b").out.strip())  # its own style
    assert re.fullmatch("20[0-9]{12}_b.sql", again.name)
    assert made.name[:14] < again.name[:14]


@pytest.mark.parametrize("name", ["", "???", "---"])
def test_new_without_a_name(inlay: Inlay, tmp_path: Path, name: str) -> None:
    directory = write_files(tmp_path / "m", {})
    result = inlay("new", directory, "--", name)
    assert (result.status, list(directory.iterdir())) == (1, [])
    assert result.err == f"inlay: error: '{name}' leaves no name: use letters and digits\n"


def test_new_writes_over_nothing(inlay: Inlay, tmp_path: Path) -> None:
    directory = write_files(tmp_path / "m", {"001_a.sql": ""})
    (directory / "002_b.sql").symlink_to("nowhere")
    result = inlay("new", directory, "b")
    assert result.status == 1
    assert not (directory / "nowhere").exists()


def test_new_makes_the_directory(inlay: Inlay, tmp_path: Path) -> None:
    directory = tmp_path / "sql" / "m"
    assert inlay("new", directory, "???").status == 1
    assert not directory.parent.exists()
    result = inlay("new", directory, "a")
    assert (result.status, result.out) == (0, f"{directory}/001_a.sql\n")
    assert result.err == f"inlay: made the directory {directory}\n"
    assert inlay("new", directory, "b") == (0, f"{directory}/002_b.sql\n", "")
    result = inlay("new", directory / "001_a.sql" / "m", "a")
    assert (result.status, result.out) == (1, "")
    assert result.err == f"inlay: error: {directory}/001_a.sql/m: cannot be made: Not a directory\n"


def test_new_with_a_down_script(inlay: Inlay, tmp_path: Path) -> None:
    directory = write_files(tmp_path / "m", {"001_a.sql": "SELECT 1;"})
    words: list[tuple[str | Path, ...]] = [
        ("--down", directory, "b"),
        (directory, "--down", "c"),
        (directory, "d", "--down"),
    ]
    for number, given in enumerate(words, 2):
        stem = f"{directory}/{number:03d}_{'abcd'[number - 1]}"
        assert inlay("new", *given) == (0, f"{stem}.up.sql\n{stem}.down.sql\n", "")
    assert " undoes: b\n" in (directory / "002_b.down.sql").read_text()
    assert inlay("check", directory).status == 0
    result = inlay("new", directory, "x", "--down", "--repeatable")
    assert (result.status, result.out) == (1, "")
    assert "a repeatable migration has no down script: leave out --down" in result.err


def test_new_finds_the_directory(
    inlay: Inlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def refused(*words: str) -> str:
        result = inlay("new", *words)
        assert (result.status, result.out) == (1, "")
        return result.err.removeprefix("inlay: error: ").rstrip("\n")

    none = "there is no directory migrations here: say which: inlay new DIR NAME"
    assert refused("a") == none
    write_files(Path("db/migrations"), {})
    assert inlay("new", "a") == (0, "db/migrations/001_a.sql\n", "")
    write_files(Path("app/migrations"), {})
    both = "there are app/migrations, db/migrations: say which: inlay new DIR NAME"
    assert refused("b") == both
    write_files(Path("migrations"), {})
    assert inlay("new", "b", "--timestamp").out.startswith("migrations/20")
    is_one = "migrations is a directory: name the migration, too: inlay new DIR NAME"
    assert refused("migrations") == is_one
    assert refused("migrations", "add", "user", "roles") == (
        "DIR and NAME are two words, and there are 4: a name of several words needs quotes, "
        "such as 'add user roles'"
    )


SETTINGS = ["inlay: no-transaction", "no-transaction", "+goose Up", "migrate:up", "+migrate Up"]


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("there", [{}, {"001_a.up.sql": "", "001_a.down.sql": ""}])
def test_new_writes_no_setting(inlay: Inlay, tmp_path: Path, there: Files, name: str) -> None:
    """Neither inlay's nor that of a tool whose directory it could be."""
    directory = write_files(tmp_path / "m", there)
    assert inlay("new", directory, name).status == 0
    listed = json.loads(inlay("list", directory, "--json").out)
    assert listed["layout"] == "inlay"
    assert all(migration["transaction"] for migration in listed["migrations"])


FILES: Files = {
    "001_a.up.sql": "CREATE TABLE a ();\nSELECT 1;\n",
    "001_a.down.sql": "DROP TABLE a;\n",
    "12_b.sql": "-- inlay: no-transaction\nVACUUM;\n",
}


def test_list(inlay: Inlay, tmp_path: Path) -> None:
    directory = write_files(tmp_path / "m", {"001_a.up.sql": FILES["001_a.up.sql"]})
    inlay("freeze", directory)
    write_files(directory, FILES)
    rows = [line.split() for line in inlay("list", directory).out.splitlines()]
    assert rows[0] == ["version", "name", "sha256", "statements", "transaction", "state"]
    assert [row[:2] + row[3:] for row in rows[1:-1]] == [
        ["1", "a", "2", "yes", "frozen"],
        ["12", "b", "1", "no", "draft"],
    ]
    assert " ".join(rows[-1]) == "2 in all, layout inlay"
    document = json.loads(inlay("list", directory, "--json").out)
    assert document["layout"] == "inlay"
    data = document["migrations"]
    assert [(m["version"], m["statements"], m["transaction"], m["frozen"]) for m in data] == [
        ("1", 2, True, True),
        ("12", 1, False, False),
    ]
    assert [(m["name"], m["down"], m["path"], len(m["sha256"])) for m in data] == [
        ("a", True, "001_a.up.sql", 64),
        ("b", False, "12_b.sql", 64),
    ]


def test_list_names_the_layout(inlay: Inlay, tmp_path: Path) -> None:
    files: Files = {"001_a.sql": "-- migrate:up\nSELECT 1;\n"}
    directory = write_files(tmp_path / "m", files)
    assert inlay("list", directory).out.splitlines()[-1] == "1 in all, layout dbmate"
    for layout, options in (("dbmate", ()), ("inlay", ("--layout", "inlay"))):
        document = json.loads(inlay("list", directory, "--json", *options).out)
        assert document["layout"] == layout
        assert len(document["migrations"]) == 1


BAD: Files = {"001_a.sql": "COMMIT;", "1_b.sql": "SELECT 1;"}


def test_findings_as_json(inlay: Inlay, tmp_path: Path) -> None:
    directory = write_files(tmp_path / "m", BAD)
    result = inlay("check", directory, "--format=json")
    assert (result.status, result.err) == (1, "")
    first, second = json.loads(result.out)
    assert {k: first[k] for k in ("path", "line", "column", "severity", "rule")} == {
        "path": str(directory / "001_a.sql"),
        "line": 1,
        "column": 1,
        "severity": "error",
        "rule": "transaction-control",
    }
    assert second["notes"][0]["path"] == str(directory / "001_a.sql")


def test_findings_for_github(inlay: Inlay, tmp_path: Path) -> None:
    directory = write_files(tmp_path / "a,b:c", BAD)
    lines = inlay("check", directory, "--format=github").err.splitlines()
    escaped = str(directory).replace(":", "%3A").replace(",", "%2C")
    assert lines[0].startswith(
        f"::error file={escaped}/001_a.sql,line=1,col=1,title=transaction-control::remove COMMIT: "
    )
    assert f"%0A{directory}/001_a.sql:1:1: version 1 is also here" in lines[1]


def test_findings_for_gcc_are_the_text(inlay: Inlay, tmp_path: Path) -> None:
    directory = write_files(tmp_path / "m", BAD)
    assert inlay("check", directory, "--format=gcc").err == inlay("check", directory).err
