"""The public headers: each compiles alone, as C and as C++, without a word from the compiler."""

import os
import pathlib
import shlex
import subprocess

import pytest

INCLUDE = pathlib.Path(os.environ["INLAY_INCLUDE"])
CC = shlex.split(os.environ["INLAY_CC"])
CXX = shlex.split(os.environ["INLAY_CXX"])

HEADERS = [
    "inlay.h",
    "inlay-admin.h",
    "inlay-cli.h",
    "inlay-events.h",
    "inlay-many.h",
    "inlay-set.h",
    "inlay-tx.h",
]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef", "-Werror"]
C_WARNINGS = ["-Wstrict-prototypes", "-Wmissing-prototypes"]
CXX_WARNINGS = ["-Wold-style-cast", "-Wzero-as-null-pointer-constant", "-Wextra-semi"]

LANGUAGES = [
    *(pytest.param(CC, f"-std={standard}", ".c", C_WARNINGS, id=standard) for standard in ["c11"]),
    *(
        pytest.param(CXX, f"-std={standard}", ".cpp", CXX_WARNINGS, id=standard)
        for standard in ["c++11", "c++17", "c++20"]
    ),
]

# What a C++ program does with the library.
PROGRAM = """
#include <inlay-cli.h>
#include <cstring>

static const inlay_set nothing = {
    INLAY_SET_ABI, "migrations", "a.b.c", "", nullptr, 0, nullptr, 0, 0, nullptr, nullptr, nullptr};

int main()
{
    inlay_options options{};
    inlay_error error{};
    inlay_result result{};
    options.size = sizeof options;
    options.log = [](void *, inlay_log_level, const char *) {};
    int code = inlay_migrate(&nothing, &options, &result, &error);
    char text[INLAY_ERROR_TEXT_MAX];
    inlay_error_format(&error, text, sizeof text);
    return code == INLAY_E_ARGUMENT && std::strstr(text, "a.b.c") != nullptr ? 0 : 1;
}
"""

# What a server does without the command line.
SERVER = """
#include <inlay.h>

static int allow(void *user, const struct inlay_event *event, struct inlay_error *err)
{
    return user != NULL || event->count == 0 ? INLAY_OK : inlay_refuse(err, "not today");
}

int start(const struct inlay_set *set, char *text, size_t size)
{
    struct inlay_options options = {.size = sizeof options, .before_run = allow};
    struct inlay_status *status = NULL;
    struct inlay_result result;
    struct inlay_error err;

    if (inlay_check(set, &options, &err) != INLAY_OK &&
        inlay_migrate(set, &options, &result, &err) != INLAY_OK &&
        inlay_status_read(set, &options, &status, &err) != INLAY_OK)
        inlay_error_format(&err, text, size);
    const struct inlay_status_entry *entry = inlay_status_at(status, 0);
    int pending = entry != NULL && entry->state == INLAY_STATE_PENDING;
    inlay_status_free(status);
    return pending;
}
"""


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def need(compiler: list[str]) -> None:
    if not compiler:
        pytest.skip("there is no C++ compiler")


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("compiler, standard, suffix, warnings", LANGUAGES)
def test_compiles_alone(
    header: str,
    compiler: list[str],
    standard: str,
    suffix: str,
    warnings: list[str],
    tmp_path: pathlib.Path,
) -> None:
    need(compiler)
    source = tmp_path / f"alone{suffix}"
    source.write_text(f"#include <{header}>\n#include <{header}>\n")
    flags = [standard, *WARNINGS, *warnings, "-fsyntax-only", f"-I{INCLUDE}"]
    run([*compiler, *flags, str(source)])


def test_inlay_h_is_enough_for_a_server(tmp_path: pathlib.Path) -> None:
    source = tmp_path / "server.c"
    source.write_text(SERVER)
    flags = ["-std=c11", *WARNINGS, "-fsyntax-only", f"-I{INCLUDE}"]
    run([*CC, *flags, str(source)])


def test_serves_a_cpp_program(tmp_path: pathlib.Path) -> None:
    need(CXX)
    source = tmp_path / "program.cpp"
    source.write_text(PROGRAM)
    program = tmp_path / "program"
    libraries = [os.environ["INLAY_STATIC"], *shlex.split(os.environ["INLAY_LIBPQ"])]
    flags = ["-std=c++11", *WARNINGS, *CXX_WARNINGS, f"-I{INCLUDE}"]
    run([*CXX, *flags, str(source), "-o", str(program), *libraries])
    run([str(program)])


@pytest.mark.parametrize("part", ["library", "cli"])
def test_it_compiles_as_one_source(part: str, tmp_path: pathlib.Path) -> None:
    """So that a static name means one thing in all of it, and --unity=on builds."""
    root = INCLUDE.parent / "src" / part
    sources = sorted(root.rglob("*.c"))
    assert len(sources) > 10
    whole = tmp_path / "whole.c"
    whole.write_text("".join(f'#include "{source}"\n' for source in sources))
    libpq = subprocess.check_output(["pkg-config", "--cflags", "libpq"], text=True).split()
    paths = [f"-I{INCLUDE}", f"-I{root}", *libpq, "-D_POSIX_C_SOURCE=200809L"]
    run([*CC, "-std=c11", "-fsyntax-only", *paths, str(whole)])


@pytest.mark.parametrize("folder", ["include", "src/library", "src/cli"])
def test_no_header_of_ours_hides_one_of_the_system(folder: str) -> None:
    """Nothing that these directories offer to an include is there without them."""
    root = INCLUDE.parent / folder
    names = [str(path.relative_to(root)) for path in root.rglob("*.h")]
    assert len(names) > 5
    text = "".join(f"#if __has_include(<{name}>)\n#error {name}\n#endif\n" for name in names)
    libpq = subprocess.check_output(["pkg-config", "--cflags", "libpq"], text=True).split()
    done = subprocess.run(
        [*CC, "-E", *libpq, "-o", os.devnull, "-x", "c", "-"],
        input=text,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
