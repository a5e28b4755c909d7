"""The C file: golden files, and what a compiler makes of it."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional, Sequence

import pytest

from support import EMBED, SOURCE, Files, Inlay, compilers

GOLDEN = Path(__file__).parent / "golden"

STRICT = (
    "-std=c11 -pedantic-errors -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes "
    "-Wmissing-prototypes -Wundef -Wcast-qual -Wwrite-strings -Wmissing-field-initializers -Werror"
).split()


CXX_STRICT = (
    "-pedantic-errors -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror".split()
)


@pytest.mark.parametrize("case", sorted(p.name for p in GOLDEN.iterdir() if p.is_dir()))
def test_golden(inlay: Inlay, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """INLAY_WRITE_GOLDEN=1 writes the files anew; read the difference before it is committed."""
    monkeypatch.chdir(tmp_path)
    result = inlay("embed", GOLDEN / case / "migrations", *EMBED, "--warnings", "off")
    assert (result.status, result.err) == (0, "")
    expected = GOLDEN / case / "expected.c"
    if os.environ.get("INLAY_WRITE_GOLDEN"):
        expected.write_bytes(Path("out.c").read_bytes())
    assert Path("out.c").read_text() == expected.read_text()


# ---- read back by a compiled program ----


Statement = tuple[int, int, int, int, Optional[str], Optional[str]]


@dataclass
class Script:
    text: bytes
    path: str
    statements: Sequence[Statement] = ()
    flags: int = 0
    settings: tuple[int, int, int] | None = None

    def lines(self, what: str) -> list[str]:
        rows = []
        for *numbers, index, table in self.statements:
            rows.append(f"statement {' '.join(map(str, numbers))}")
            rows += [f"index {shown(index)}", f"table {shown(table)}"]
        return [
            f"{what} {self.text.hex()}00",
            f"path {shown(self.path)}",
            f"flags {self.flags}",
            f"settings {' '.join(map(str, self.settings)) if self.settings else 'NULL'}",
            "function 0",
            *(rows or ["statements NULL"]),
        ]


def shown(text: str | None) -> str:
    return "NULL" if text is None else text.encode().hex()


def sha256sum(data: bytes) -> str:
    """As the command of that name has it."""
    done = subprocess.run(["sha256sum"], input=data, capture_output=True, check=True)
    return done.stdout.decode().split()[0]


def migration(version: int, name: str, sha: str, up: Script, down: Script | None) -> list[str]:
    return [
        f"migration {version}",
        f"name {shown(name)}",
        f"sha256 {shown(sha)}",
        "body up",
        *up.lines("up"),
        *(["down NULL"] if down is None else down.lines("down")),
    ]


ReadBack = Callable[..., list[str]]


def cxx_compilers() -> list[str]:
    """Those of this machine, each with an old standard and a newer one."""
    found = [name for name in ("g++", "clang++") if shutil.which(name)]
    return [f"{name} -std={standard}" for name in found for standard in ("c++11", "c++20")]


@pytest.fixture(params=[*compilers(), *cxx_compilers()])
def read_back(request: pytest.FixtureRequest, embed: Callable[..., str]) -> ReadBack:
    """What a program has that these files were compiled into, as C or as C++."""

    def run(files: Files, *options: str) -> list[str]:
        embed(files, *options)
        include = ["-I", str(SOURCE / "include")]
        reader, given = str(Path(__file__).with_name("readback.c")), "out.c"
        if request.param in cxx_compilers():
            given = "out.o"
            as_cxx = [*request.param.split(), *CXX_STRICT, *include, "-x", "c++", "-c", "out.c"]
            subprocess.run([*as_cxx, "-o", given], check=True)
        compiler = compilers()[0] if given == "out.o" else request.param
        command = [*compiler.split(), *STRICT, *include, given, reader]
        subprocess.run([*command, "-o", "readback"], check=True)
        return subprocess.run(
            ["./readback"], check=True, capture_output=True, text=True
        ).stdout.splitlines()

    return run


def test_an_empty_directory(read_back: ReadBack) -> None:
    assert read_back({}) == [
        "abi 3",
        f"directory {shown('migrations')}",
        f"history {shown('public.applied_migrations')}",
        f"digest {shown(sha256sum(b''))}",
        "migrations NULL",
    ]


def test_flags_of_the_set(embed: Callable[..., str]) -> None:
    files = {"1_a.sql": "SELECT 1;\n"}
    assert "    /* flags */ 0,\n" in embed(files)
    for options in (["--keep-down"], ["--keep-down", "--keep-down"]):
        assert "    /* flags */ INLAY_SET_KEEP_DOWN,\n" in embed(files, *options)


def test_nothing_but_comments(read_back: ReadBack) -> None:
    read = read_back({"1_a.up.sql": "-- a", "1_a.down.sql": "", "2_b.sql": "\n"})
    assert read[4:] == [
        *migration(
            1, "a", sha256sum(b"-- a"), Script(b"-- a", "1_a.up.sql"), Script(b"", "1_a.down.sql")
        ),
        *migration(2, "b", sha256sum(b"\n"), Script(b"\n", "2_b.sql"), None),
    ]


EVERYTHING = (
    '-- "\\?\\ ??/ ??= %d {} \\n \\0 \\x41 */\n'
    + "".join(f"-- {chr(c)}9f\n" for c in [*range(1, 10), *range(11, 13), *range(14, 0x250)])
    + "-- \r\n-- \U0001f409 \uffff\n"
)


def test_every_byte_is_kept(read_back: ReadBack) -> None:
    data = EVERYTHING.encode()
    read = read_back({"1_a.sql": data})
    sha = sha256sum(data.replace(b"\r\n", b"\n"))
    assert read[4:] == migration(1, "a", sha, Script(data, "1_a.sql"), None)


def test_names_are_kept(read_back: ReadBack) -> None:
    name = "a \"b'c\\d??=é$#%n"
    read = read_back({f"007_{name}.up.sql": ""}, "--history", 'S"é.T\\ x')
    assert read[2] == f"history {shown('S' + chr(34) + 'é.T' + chr(92) + ' x')}"
    script = Script(b"", f"007_{name}.up.sql")
    assert read[4:] == migration(7, name, sha256sum(b""), script, None)


def test_crlf_and_bom(read_back: ReadBack) -> None:
    bom = b"\xef\xbb\xbf"
    read = read_back({"1_a.sql": bom + b"SELECT 1;\r\n\r\nSELECT 2\r\n", "2_b.sql": bom + bom})
    statements = [(0, 8, 1, 0, None, None), (13, 8, 3, 0, None, None)]
    first = Script(b"SELECT 1;\r\n\r\nSELECT 2\r\n", "1_a.sql", statements)
    # Only the first mark is one.
    second = Script(bom, "2_b.sql", [(0, 3, 1, 0, None, None)])
    assert read[4:] == [
        *migration(1, "a", sha256sum(b"SELECT 1;\n\nSELECT 2\n"), first, None),
        *migration(2, "b", sha256sum(bom), second, None),
    ]


def test_line_ends_do_not_change_hash_or_digest(read_back: ReadBack) -> None:
    unix = read_back({"1_a.sql": b"SELECT 1;\nSELECT 2;\n"})
    windows = read_back({"1_a.sql": b"SELECT 1;\r\nSELECT 2;\r\n"})
    assert unix[:7] == windows[:7]
    assert unix != windows
    assert unix[3] != read_back({"1_a.sql": b"SELECT 1;\rSELECT 2;\r"})[3]


def test_statements_and_settings(read_back: ReadBack) -> None:
    up = (
        "-- inlay: no-transaction lock_timeout=0\n"
        "RESET x;\n\n"
        '  CREATE INDEX CONCURRENTLY i ON "T é" (a); -- done\n'
        "DROP INDEX CONCURRENTLY s.i; REINDEX TABLE CONCURRENTLY t;\nVACUUM;\nSELECT 1"
    )
    down = "-- inlay: statement_timeout=1min isolation=repeatable-read\nSELECT 1;"
    read = read_back({"1_a.up.sql": up, "1_a.down.sql": down})
    data = up.encode()

    def statement(
        sql: str, line: int, kind: int, index: str | None, table: str | None
    ) -> Statement:
        return data.index(sql.encode()), len(sql.encode()), line, kind, index, table

    statements = [
        statement("RESET x", 2, 1, None, None),
        statement('CREATE INDEX CONCURRENTLY i ON "T é" (a)', 4, 2, "i", '"T é"'),
        statement("DROP INDEX CONCURRENTLY s.i", 5, 3, "s.i", None),
        statement("REINDEX TABLE CONCURRENTLY t", 5, 4, None, "t"),
        statement("VACUUM", 6, 6, None, None),
        statement("SELECT 1", 7, 0, None, None),
    ]
    assert read[4:] == migration(
        1,
        "a",
        sha256sum(data),
        Script(data, "1_a.up.sql", statements, 1, (0, -1, 0)),
        Script(down.encode(), "1_a.down.sql", [(59, 8, 2, 0, None, None)], 0, (-1, 60_000, 2)),
    )


def test_versions_in_numeric_order_and_the_digest_over_them(read_back: ReadBack) -> None:
    files: Files = {
        "10_c.sql": "c",
        "9_b.sql": "b",
        "0_z.sql": "",
        "9223372036854775807_a.sql": "a",
    }
    read = read_back(files)
    versions = [line.split()[1] for line in read if line.startswith("migration ")]
    assert versions == ["0", "9", "10", "9223372036854775807"]
    lines = "".join(
        f"{version} {name} {sha256sum(text)}\n"
        for version, name, text in [
            (0, "z", b""),
            (9, "b", b"b"),
            (10, "c", b"c"),
            (2**63 - 1, "a", b"a"),
        ]
    )
    assert read[3] == f"digest {shown(sha256sum(lines.encode()))}"


# ---- the file itself ----


def test_another_abi_does_not_compile(embed: Callable[..., str], tmp_path: Path) -> None:
    embed({"1_a.sql": "SELECT 1"})
    header = (SOURCE / "include" / "inlay-set.h").read_text()
    (tmp_path / "inlay-set.h").write_text(
        header.replace("#define INLAY_ABI 3", "#define INLAY_ABI 4")
    )
    places = ["-I.", f"-I{SOURCE / 'include'}"]
    command = [*compilers()[0].split(), *places, "-c", "out.c", "-o", "out.o"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "take the generator and the library from one release" in done.stderr


def test_a_set_that_refuses_what_comes_late(embed: Callable[..., str]) -> None:
    files = {"1_a.sql": "SELECT 1"}
    assert "    /* flags */ 0,\n" in embed(files)
    assert embed(files, "--late=apply") == embed(files)
    assert "\n    /* flags */ INLAY_SET_REFUSE_LATE,\n" in embed(files, "--late", "refuse")


def test_a_set_that_cannot_be_reset(embed: Callable[..., str]) -> None:
    files = {"1_a.sql": "SELECT 1"}
    assert "\n    /* flags */ INLAY_SET_NO_RESET,\n" in embed(files, "--no-reset", "--no-reset")
    both = "\n    /* flags */ INLAY_SET_NO_RESET | INLAY_SET_REFUSE_LATE,\n"
    assert both in embed(files, "--late=refuse", "--no-reset")


def test_the_set_goes_by_the_directory_s_own_name(
    inlay: Inlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "db é"
    own.mkdir()
    (own / "sub").mkdir()
    (tmp_path / "link").symlink_to(own)
    monkeypatch.chdir(own)
    made = set()
    for directory in (".", "sub/..", "../link", "../link/", tmp_path / "db é"):
        assert inlay("embed", directory, *EMBED).status == 0
        made.add(Path("out.c").read_bytes())
    assert len(made) == 1
    assert b'/* directory */ "db \\303\\251",' in made.pop()


def test_a_directory_s_name_cannot_end_the_comment(
    inlay: Inlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "\u202ea*").mkdir()
    assert inlay("embed", "\u202ea*", *EMBED).status == 0
    begin = "/* Generated by inlay from the directory \\u202ea*: "
    assert Path("out.c").read_text().startswith(begin)


# What could end a comment, begin one, go on in the next line, or is not printed as it is.
ODD = ["*", "**", "??", "\\", "\\\\", '"', "'", "é", "\u3000", "%s{}", "*??", "_"]


def test_a_comment_holds_any_name(read_back: ReadBack) -> None:
    """Flyway's layout has directories below, so that a slash may stand beside anything."""
    pairs = enumerate(itertools.product(ODD, ODD))
    files = {f"{above}/{below}/V{number}__{above}.sql": "" for number, (above, below) in pairs}
    paths = [line for line in read_back(files) if line.startswith("path ")]
    assert paths == [f"path {shown(name)}" for name in files]


def test_comments_name_the_files(embed: Callable[..., str]) -> None:
    written = embed(
        {
            "001_a.up.sql": "-- inlay: lock_timeout=1s\nSELECT 1;",
            "001_a.down.sql": "SELECT 2;",
            "002_b.sql": "-- inlay: replaces 1..1",
        }
    )
    parts = {part.split("[]")[0].split("_")[-1]: part for part in written.split("\nstatic const ")}
    named = {what: re.findall(r"/\* (\S+\.sql) \*/", part) for what, part in parts.items()}
    assert named["text"] == ["001_a.up.sql", "001_a.down.sql", "002_b.sql"]
    assert named["statements"] == ["001_a.up.sql", "001_a.down.sql"]
    assert named["settings"] == ["001_a.up.sql"] and named["ranges"] == ["002_b.sql"]


def test_a_row_shows_what_it_is(embed: Callable[..., str]) -> None:
    sha = sha256sum(b"SELECT 1;")
    row = f'    {{7, "a", "{sha}", &app_text[0],\n     {{&app_text[0], 9, "007_a.sql",'
    assert row in embed({"007_a.sql": "SELECT 1;"})


COMMANDS = {
    "--symbol app": "",
    "--symbol app --history app.done": "--history app.done",
    "--symbol app --keep-down --no-reset --late=refuse": "--late refuse --no-reset --keep-down",
    "--symbol app --adopt dbmate=public.d": "--adopt dbmate=public.d",
    "--symbol app --layout goose": "",  # found by itself
    "--symbol app --no-transaction '*.sql'": "--no-transaction *.sql",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_head_says_how_it_was_made(embed: Callable[..., str], command: str) -> None:
    """By options, spelled in one way; not where it was written nor what was warned of."""
    sql = "-- +goose Up\nSELECT 1;\n" if "goose" in command else "SELECT 1;\n"
    written = embed({"00001_a.sql": sql}, *COMMANDS[command].split())
    assert f" *     inlay embed migrations {command}\n" in written


def test_the_head_makes_the_same_file_again(
    inlay: Inlay, embed: Callable[..., str], tmp_path: Path
) -> None:
    written = embed({"001_a.sql": "SELECT 1;"}, "--history", "s.it's \"x", "--no-transaction", "*")
    (command,) = re.findall(r"^ \*     inlay (.*)$", written, re.MULTILINE)
    again = [*shlex.split(command), "--output", "again.c", "--depfile", "again.d"]
    assert inlay(*again, "--grammar", "off", "--warnings", "off").status == 0
    assert (tmp_path / "again.c").read_text() == written


def test_the_symbol_may_be_any_name(embed: Callable[..., str]) -> None:
    for symbol in ("text", "migrations", "up_1", "inlay_set_of_mine", "_x", "NULL_"):
        embed({"1_a.sql": "SELECT 1"}, "--symbol", symbol)
        for compiler in compilers():
            subprocess.run(
                [
                    *compiler.split(),
                    *STRICT,
                    "-I",
                    SOURCE / "include",
                    "-c",
                    "out.c",
                    "-o",
                    "out.o",
                ],
                check=True,
            )


def test_the_order_of_a_directory_does_not_matter(
    embed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files: Files = {f"{n}_{n % 7}.sql": f"SELECT {n}" for n in range(50)}
    expected = embed(files)
    listdir = os.listdir
    for seed in range(5):

        def shuffled(path: bytes, seed: int = seed) -> list[bytes]:
            names = listdir(path)
            random.Random(seed).shuffle(names)
            return names

        monkeypatch.setattr(os, "listdir", shuffled)
        assert embed(files) == expected


def test_nothing_of_the_machine_gets_in(embed: Callable[..., str], tmp_path: Path) -> None:
    text = embed({"1_a.sql": "SELECT 1"})
    for word in (str(tmp_path), os.uname().nodename, "/"):
        assert word not in text.replace("/* ", "").replace(" */", "")


def test_hashlib_and_sha256sum_agree() -> None:
    assert sha256sum(b"a") == hashlib.sha256(b"a").hexdigest()


def test_repeatables(read_back: ReadBack) -> None:
    files: Files = {
        "001_a.sql": "CREATE TABLE a ();",
        "R__b.sql": "CREATE VIEW b AS SELECT 1;\nSELECT 2;",
        "R__B.sql": "-- inlay: lock_timeout=2s\n",
        "R__é x.sql": "SELECT 1;",
    }
    sums = {name: sha256sum(str(text).encode()) for name, text in files.items()}
    read = read_back(files)
    names = [line.split()[1] for line in read if line.startswith("name")]
    assert names == [shown(name) for name in ("a", "B", "b", "é x")]
    at = read.index("repeatable -1")
    assert read[at : at + 5] == [
        "repeatable -1",
        f"name {shown('B')}",
        f"sha256 {shown(sums['R__B.sql'])}",
        "body up",
        f"up {str(files['R__B.sql']).encode().hex()}00",
    ]
    assert "settings 2000 -1 0" in read
    lines = [f"1 a {sums['001_a.sql']}\n"]
    lines += [f"R__ {name} {sums[f'R__{name}.sql']}\n" for name in ("B", "b", "é x")]
    assert read[3] == f"digest {shown(sha256sum(''.join(lines).encode()))}"


def test_repeatables_alone(read_back: ReadBack) -> None:
    assert read_back({"R__a.sql": "SELECT 1;"})[4:6] == ["migrations NULL", "repeatable -1"]


def test_what_is_replaced(read_back: ReadBack) -> None:
    files: Files = {"001_a.sql": "", "003_c.sql": "", "004_s.sql": "-- inlay: replaces 1..3\n"}
    sums = "".join(f"{hashlib.sha256().hexdigest()}  {name}\n" for name in list(files)[:2])
    assert read_back({**files, "SHA256SUMS": sums})[-3:] == [
        "replaces 1 3",
        "replaced 1",
        "replaced 3",
    ]
    assert read_back({"004_s.sql": files["004_s.sql"]})[-2:] == ["replaces 1 3", "replaced NULL"]
