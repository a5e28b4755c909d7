"""The command line: usage, exit statuses, locales, the configured tool."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support import EMBED, SOURCE, Inlay, Migrations
from inlay_gen import VERSION
from inlay_gen.commands.values import ADOPTED


OPTIONS = {"--output": "out.c", "--symbol": "app"}


def last_line(text: str) -> str:
    return text.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "inlay: error: the following arguments are required: COMMAND"),
        (["embed"], "inlay embed: error: the following arguments are required: DIR, --output, "
         "--symbol"),
        (["check"], "inlay check: error: the following arguments are required: DIR"),
        (["check", ".", "."], "inlay: error: unrecognized arguments: ."),
        (["check", ".", "--hist", "a.b"], "inlay: error: unrecognized arguments: --hist a.b"),
    ],
)  # fmt: skip
def test_usage(inlay: Inlay, arguments: list[str], message: str) -> None:
    result = inlay(*arguments)
    assert (result.status, result.out) == (2, "")
    assert last_line(result.err) == message


def test_an_unknown_command(inlay: Inlay) -> None:
    result = inlay("embetter", ".")
    assert result.status == 2
    assert "invalid choice: 'embetter'" in last_line(result.err)


@pytest.mark.parametrize("option", OPTIONS)
def test_options_that_embed_needs(inlay: Inlay, migrations: Migrations, option: str) -> None:
    given = [word for name, value in OPTIONS.items() if name != option for word in (name, value)]
    result = inlay("embed", migrations({}), *given)
    assert result.status == 2
    assert last_line(result.err).endswith(f"the following arguments are required: {option}")
    assert os.listdir(".") == ["migrations"]


def usage_error(inlay: Inlay, migrations: Migrations, option: str, value: str) -> str:
    """What the tool says about the value of an option."""
    result = inlay("embed", migrations({}), *EMBED, f"{option}={value}")
    assert (result.status, os.listdir(".")) == (2, ["migrations"])
    start = f"inlay embed: error: argument {option}: "
    assert last_line(result.err).startswith(start)
    return last_line(result.err)[len(start) :]


@pytest.mark.parametrize("symbol", ["", "1a", "a-b", "a.b", "é", "a b", "int", "while"])
def test_symbols_that_are_no_names(inlay: Inlay, migrations: Migrations, symbol: str) -> None:
    message = usage_error(inlay, migrations, "--symbol", symbol)
    assert message == f"'{symbol}' is not a name in C"


@pytest.mark.parametrize(
    "words, argument",
    [
        (["check", ""], "DIR"),
        (["import", "prisma", "", "out"], "DIR"),
        (["import", "prisma", "migrations", ""], "OUT"),
        (["embed", "migrations", "--symbol", "s", "--output", ""], "--output"),
    ],
)
def test_a_path_that_is_empty(
    inlay: Inlay, migrations: Migrations, words: list[str], argument: str
) -> None:
    """It is not the current directory: a variable of a script was not set."""
    migrations({})
    result = inlay(*words)
    assert (result.status, os.listdir(".")) == (2, ["migrations"])
    assert last_line(result.err).endswith(f"error: argument {argument}: the name is empty")


def test_a_new_file_in_a_directory_without_a_name(inlay: Inlay, migrations: Migrations) -> None:
    migrations({})
    result = inlay("new", "", "create_users")
    assert (result.status, os.listdir(".")) == (1, ["migrations"])
    assert result.err == "inlay: error: the name of the directory is empty\n"


@pytest.mark.parametrize("history", ["", "a", ".a", "a.", ".", "a.b.c", "a..b"])
def test_histories_that_are_no_names(inlay: Inlay, migrations: Migrations, history: str) -> None:
    message = usage_error(inlay, migrations, "--history", history)
    assert message == f"'{history}' is not SCHEMA.TABLE, as stored and without quotes"


@pytest.mark.parametrize("history", ["information_schema.h", "pg_catalog.h", "pg_temp.h"])
def test_histories_among_the_servers_own(
    inlay: Inlay, migrations: Migrations, history: str
) -> None:
    message = usage_error(inlay, migrations, "--history", history)
    assert message == f"'{history}' is in a schema of the server's own"


def test_the_length_of_a_history_counts_in_bytes(inlay: Inlay, migrations: Migrations) -> None:
    directory = migrations({})
    for schema, table in (("s" * 63, "t" * 57), ("é" * 31 + "s", "é" * 28 + "t")):
        assert inlay("embed", directory, *EMBED, "--history", f"{schema}.{table}").status == 0
    for path in ("out.c", "out.c.d", "out.c.stamp"):
        Path(path).unlink()
    for history in (f"{'s' * 64}.t", f"s.{'t' * 58}", f"{'é' * 32}.t", f"s.{'é' * 29}"):
        assert usage_error(inlay, migrations, "--history", history) == (
            f"'{history}' is too long: at most 63 bytes of schema and 57 of table"
        )


def test_a_history_that_is_not_utf8(inlay: Inlay, migrations: Migrations) -> None:
    assert usage_error(inlay, migrations, "--history", "a\udcff.b") == "'a\\udcff.b' is not UTF-8"


def test_a_history_is_taken_as_it_is(inlay: Inlay, migrations: Migrations) -> None:
    assert inlay("embed", migrations({}), *EMBED, "--history", 'My "S".T b').status == 0
    assert '/* history */ "My \\"S\\".T b",' in Path("out.c").read_text()


@pytest.mark.parametrize("adopted", ["", "goose", "goose=", "=a.b", "alembic=a.b", "Goose=a.b"])
def test_what_cannot_be_adopted(inlay: Inlay, migrations: Migrations, adopted: str) -> None:
    message = usage_error(inlay, migrations, "--adopt", adopted)
    assert message.startswith(f"{ascii(adopted)} is not TOOL=SCHEMA.TABLE; tools are golang-")


def test_tables_that_are_no_names(inlay: Inlay, migrations: Migrations) -> None:
    assert usage_error(inlay, migrations, "--adopt", "goose=a.b.c").startswith("'a.b.c' is not")
    long = f"{'s' * 63}.{'t' * 64}"
    assert usage_error(inlay, migrations, "--adopt", f"goose={long}").endswith(
        "at most 63 bytes of schema and 63 of table"
    )
    for table in ("a..c", ".b.c", "a.b.c.d", '"a.b"'):
        message = usage_error(inlay, migrations, "--adopt", f"filenames={table}")
        assert message.endswith("is not SCHEMA.TABLE, as stored and without quotes")
    for table in ('"a"b.c', 'a."b', '"".b', '"a.b'):
        message = usage_error(inlay, migrations, "--adopt", f"filenames={table}")
        assert message == f"{ascii(f'filenames={table}')} has a quote that closes no name"
    for column in ("", "c" * 64):
        assert usage_error(inlay, migrations, "--adopt", f"filenames=a.b.{column}") == (
            f"'{column}' is not a column: a name has 1 to 63 bytes"
        )
    message = usage_error(inlay, migrations, "--adopt", "filenames=a.b.\udcff")
    assert message == "'a.b.\\udcff' is not UTF-8"


def test_what_is_adopted_is_taken_as_it_is(inlay: Inlay, migrations: Migrations) -> None:
    directory = migrations({})
    assert inlay("embed", directory, *EMBED, "--adopt", 'goose=My "S".T=b').status == 0
    assert '/* adopt */ "goose=My \\"S\\".T=b",' in Path("out.c").read_text()
    quoted = 'filenames="a.b"."c""d"."e.f"'
    assert inlay("embed", directory, *EMBED, "--adopt", quoted).status == 0
    assert r'filenames=\"a.b\".\"c\"\"d\".\"e.f\"",' in Path("out.c").read_text()
    column = f"filenames=a.b.{'é' * 31}"
    assert inlay("embed", directory, *EMBED, "--adopt", column).status == 0
    assert '/* adopt */ "filenames=a.b.' in Path("out.c").read_text()
    assert inlay("embed", directory, *EMBED).status == 0
    assert ".adopt" not in Path("out.c").read_text()


def test_generator_and_library_know_the_same_tools() -> None:
    tools = (SOURCE / "src" / "library" / "foreign" / "tools.c").read_text()
    assert tuple(re.findall(r'^ +\.name = "([a-z-]+)",$', tools, re.MULTILINE)) == ADOPTED


@pytest.mark.parametrize("command", ["check", "embed"])
def test_a_directory_that_cannot_be_read(
    inlay: Inlay, migrations: Migrations, command: str
) -> None:
    migrations({})
    Path("file").touch()
    options = EMBED if command == "embed" else ()
    for path, why in (("nowhere", "No such file or directory"), ("file", "Not a directory")):
        result = inlay(command, path, *options)
        assert (result.status, result.out) == (1, "")
        assert result.err == f"inlay: error: {path}: cannot be read: {why}\n"
    assert sorted(os.listdir(".")) == ["file", "migrations"]


def test_version_and_help(inlay: Inlay) -> None:
    assert inlay("--version") == (0, f"inlay {VERSION}\n", "")
    for arguments in (["--help"], ["embed", "--help"], ["check", "--help"]):
        result = inlay(*arguments)
        assert (result.status, result.err) == (0, "")
        assert result.out.startswith("usage: inlay")


@pytest.mark.parametrize("command", ["embed", "check", "list", "freeze"])
def test_help_has_the_form_that_is_taken(inlay: Inlay, command: str) -> None:
    text = inlay(command, "--help").out
    assert text.count("--strip-transaction[=GLOB]") == 2 and "--strip-transaction GLOB" not in text


@pytest.mark.parametrize("command", ["check", "list", "freeze"])
@pytest.mark.parametrize("option", ["--no-transaction", "--strip-transaction"])
def test_a_pattern_that_is_of_no_file(
    inlay: Inlay, migrations: Migrations, command: str, option: str
) -> None:
    directory = migrations({"001_a.up.sql": "SELECT 1;", "001_a.down.sql": "SELECT 1;"})
    told = inlay(command, directory, f"{option}=zzz*")
    assert told.status == 1 and told.err == (
        f"{directory}:1:1: error: {option}=zzz* is of no file in this directory; it is compared "
        "with names such as 001_a.up.sql [unmatched]\n"
    )


def test_an_exception_that_is_of_no_file(inlay: Inlay, migrations: Migrations) -> None:
    directory = migrations({"001_a.sql": "SELECT 1;"})
    told = inlay("check", directory, "--grammar=off", "--allow=empty-set:zzz")
    assert told.status == 0 and told.err == (
        f"{directory}:1:1: warning: --allow empty-set:zzz is of no file in this directory; it is "
        "compared with names such as 001_a.sql [unmatched]\n"
    )
    for fits in ("empty-set", "empty-set:migrations", "syntax:001_*", "syntax:*.sql"):
        assert inlay("check", directory, "--grammar=off", f"--allow={fits}").err == ""
    empty = migrations({})
    Path(empty).mkdir(exist_ok=True)
    stripped = ("--strip-transaction", "--allow=empty-set")
    assert inlay("check", empty, "--grammar=off", *stripped).err == ""


def test_what_check_says(inlay: Inlay, migrations: Migrations) -> None:
    quiet = ("--grammar", "off")
    end = "layout inlay, without PostgreSQL's grammar\n"
    assert inlay("check", migrations({}), *quiet, "--allow", "empty-set") == (
        0,
        f"migrations: 0 migrations, 0 warnings, {end}",
        "",
    )
    result = inlay("check", migrations({"1_a.sql": "SELECT 'a\r\n'"}), *quiet)
    assert (result.status, result.out) == (0, f"migrations: 1 migration, 1 warning, {end}")
    assert result.err.startswith("migrations/1_a.sql:1:10: warning: ")
    assert inlay("check", migrations({"1_a.sql": "("}), *quiet).out == ""


# ---- as another process ----


def run(*command: "str | bytes | Path", **env: str) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE / "gen"), **env}
    return subprocess.run(command, env=environment, capture_output=True)


MODULE = (sys.executable, "-B", "-m", "inlay_gen")


def locales() -> list[str]:
    """What this machine has, of each kind of encoding one."""
    there = run("locale", "-a").stdout.decode().split()
    latin = [name for name in there if name.lower().endswith(("iso88591", "iso885915"))]
    return ["C", "POSIX", "C.UTF-8", *latin[:1]]


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("utf8", ["0", "1"])
def test_any_locale_makes_the_same(migrations: Migrations, locale: str, utf8: str) -> None:
    directory = migrations({"1_é ü.sql": "SELECT 'é'", "2_日本.up.sql": "SELECT 1"}).encode()
    env = {"LC_ALL": locale, "PYTHONUTF8": utf8, "PYTHONCOERCECLOCALE": "0"}
    history = ("--history", "schéma.täble".encode())
    for _ in range(2):  # here, and then as everywhere
        done = run(*MODULE, "embed", directory, *EMBED, *history, **env)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        made = Path("out.c").read_bytes(), Path("out.c.d").read_bytes()
        assert b'/* history */ "sch\\303\\251ma.t\\303\\244ble",' in made[0]
        assert "migrations/2_日本.up.sql:".encode() in made[1]
        assert made == EVERYWHERE.setdefault("made", made)
        env = {}


EVERYWHERE: dict[str, tuple[bytes, bytes]] = {}


@pytest.mark.parametrize("locale", locales())
def test_any_locale_says_the_same(migrations: Migrations, locale: str) -> None:
    directory = migrations({"é.sql": "", "1_日.sql": "SELECT 'é', ("}).encode()
    done = run(*MODULE, "check", directory, "--grammar", "off", LC_ALL=locale, PYTHONUTF8="0")
    assert done.returncode == 1
    first, second = done.stderr.decode("utf-8").splitlines()
    assert first.startswith("migrations/1_日.sql:1:13: error: ")
    assert second.startswith("migrations/é.sql:1:1: error: ")


@pytest.mark.parametrize("command", ["check", "list"])
def test_a_standard_output_that_takes_nothing(migrations: Migrations, command: str) -> None:
    directory = migrations({"1_a.sql": "SELECT 1"})
    with open("/dev/full", "wb") as full:
        environment = {**os.environ, "PYTHONPATH": str(SOURCE / "gen")}
        done = subprocess.run(
            [*MODULE, command, directory], env=environment, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    message = b"inlay: error: <stdout>: cannot be written: No space left on device\n"
    assert done.stderr == message


TOOL = os.environ.get("INLAY_TOOL")


@pytest.mark.skipif(TOOL is None, reason="not run from a build directory")
def test_the_configured_tool(migrations: Migrations) -> None:
    """It runs under the Python that Meson found, wherever it is started, and leaves nothing behind
    in the source tree."""
    directory = migrations({"1_a.sql": "SELECT 1"})
    first_line = Path(str(TOOL)).read_text().splitlines()[0]
    assert Path(first_line[len("#!") :]).is_absolute()
    there = sorted((SOURCE / "gen").rglob("*"))
    for path in ("", "/nowhere"):
        done = run(str(TOOL), "embed", directory, *EMBED, PATH=path, PYTHONPATH="")
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert run(str(TOOL), "--version").stdout.decode() == f"inlay {VERSION}\n"
    assert sorted((SOURCE / "gen").rglob("*")) == there


def test_the_modules_need_nothing_but_python() -> None:
    """No package of the distribution's or the user's: -S leaves them all out."""
    done = run(sys.executable, "-B", "-S", "-m", "inlay_gen", "--version")
    assert done.stdout.decode() == f"inlay {VERSION}\n"


def test_every_module_is_installed() -> None:
    gen = SOURCE / "gen"
    listed = re.findall(r"'(inlay_gen/\S+\.py)'", (gen / "meson.build").read_text())
    modules = (gen / "inlay_gen").rglob("*.py")
    assert sorted(listed) == sorted(str(path.relative_to(gen)) for path in modules)
