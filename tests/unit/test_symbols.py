"""What the library takes from the system and gives to a program: the promises of inlay.h's first
paragraph, held against the symbols of the library as it is shipped."""

import os
import pathlib
import re
import subprocess

STATIC = os.environ["INLAY_STATIC"]
SHARED = os.environ["INLAY_SHARED"]
INCLUDE = pathlib.Path(os.environ["INLAY_INCLUDE"])
HEADERS = [path for path in sorted(INCLUDE.glob("inlay*.h")) if path.name != "inlay-cli.h"]

INLAY_VERSION = re.findall(r'INLAY_VERSION "(.*)"', (INCLUDE / "inlay-set.h").read_text())[0]
VERSION = "INLAY_0.1"  # of each symbol

NEVER = {
    "it ends no process": "exit _exit _Exit quick_exit abort __assert_fail atexit kill raise",
    "it prints nothing": "printf vprintf fprintf vfprintf dprintf puts fputs putchar putc fputc "
    "fwrite write perror psignal syslog stdout stderr stdin",
    "it installs no signal handler": "signal sigaction sigprocmask alarm setitimer",
    "it reads no files": "open open64 openat creat fopen fopen64 freopen fdopen read stat access",
    "it reads no environment": "getenv secure_getenv environ setenv unsetenv putenv",
    "it starts no process": "fork vfork system popen execve execvp posix_spawn",
    "it keeps no state of the process": "setlocale uselocale srand rand random strtok strerror "
    "localtime gmtime asctime ctime chdir umask",
    "it waits in poll() alone": "sleep usleep nanosleep clock_nanosleep select pselect "
    "PQexec PQexecParams PQexecPrepared PQprepare PQdescribePrepared PQdescribePortal PQfn "
    "PQconnectdb PQconnectdbParams PQsetdbLogin PQreset PQgetCopyData PQputCopyData PQping",
}

# Threads and their signal masks are for the one call of libpq that blocks.
MAY_THREAD = {"cancel.c"}

# A caller's connection is never closed: these two close what they have opened.
MAY_FINISH = {"connect.c", "session.c"}


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def plain(symbol: str) -> str:
    """The name in the source: without a version, without the fortified form."""
    return re.sub(r"^__(\w+)_chk$", r"\1", symbol.partition("@")[0])


def imports() -> dict[str, set[str]]:
    """The undefined symbols of each source file."""
    found: dict[str, set[str]] = {}
    for line in output("nm", "-A", "-P", "-u", STATIC).splitlines():
        source, symbol = re.findall(r"([a-z]+\.c)\.o\W*: (\S+)", line)[0]
        found.setdefault(source, set()).add(plain(symbol))
    return found


def sections() -> dict[str, int]:
    """The sizes of the sections of all object files."""
    sizes: dict[str, int] = {}
    for line in output("size", "-A", STATIC).splitlines():
        words = line.split()
        if len(words) == 3 and words[0].startswith("."):
            sizes[words[0]] = sizes.get(words[0], 0) + int(words[1])
    return sizes


def test_it_needs_nothing_that_it_must_not_touch() -> None:
    needed = set().union(*imports().values())
    assert {"PQsendQueryParams", "poll", "free"} <= needed
    for promise, names in NEVER.items():
        assert not needed & set(names.split()), promise


def test_it_closes_only_what_it_has_opened() -> None:
    assert {place for place, names in imports().items() if "PQfinish" in names} == MAY_FINISH


def test_it_threads_for_one_purpose() -> None:
    threads = {"pthread_create", "pthread_sigmask"}
    assert {source for source, names in imports().items() if names & threads} == MAY_THREAD


def linked_with(*wanted: str) -> set[str]:
    """The sources whose objects a linker takes out of the archive for who calls these."""
    needs: dict[str, set[str]] = {}
    defined: dict[str, str] = {}
    for line in output("nm", "-A", "-P", STATIC).splitlines():
        member, symbol, kind = re.findall(r"\[(.*?)\]: (\S+) (\S)", line)[0]
        if kind == "U":
            needs.setdefault(member, set()).add(symbol)
        elif kind.isupper():
            defined[symbol] = member
    taken: set[str] = set()
    left = set(wanted)
    while left:
        member = defined.get(left.pop(), "")
        if member and member not in taken:
            taken.add(member)
            left |= needs.get(member, set())
    return taken


def test_who_has_one_database_links_nothing_of_many() -> None:
    every_day = {"inlay_check", "inlay_migrate", "inlay_status_read", "inlay_undo", "inlay_adopt"}
    assert not [name for name in linked_with(*every_day) if "calls_many" in name]
    assert len([name for name in linked_with("inlay_many_look") if "calls_many" in name]) > 5


def test_it_has_no_writable_data() -> None:
    sizes = sections()
    assert sizes[".text"] > 0
    writable = re.compile(r"\.(data|bss|tdata|tbss)(\.(?!rel\.ro).*)?$")
    assert {name: size for name, size in sizes.items() if size and writable.match(name)} == {}


def declared_in(*headers: pathlib.Path) -> set[str]:
    text = re.sub(r"/\*.*?\*/", "", "".join(path.read_text() for path in headers), flags=re.DOTALL)
    return set(re.findall(r"^INLAY_API\b[^;(]*?\b(\w+)\(", text, flags=re.MULTILINE))


def test_it_exports_what_the_header_says() -> None:
    declared = declared_in(*HEADERS)
    lines = output("nm", "-D", "-P", "--defined-only", SHARED).splitlines()
    exported = {line.split()[0] for line in lines} - {"_init", "_fini"}
    assert "inlay_migrate" in declared
    assert exported - {VERSION} == {f"{name}@@{VERSION}" for name in declared}


def test_the_package_lists_each_call_with_the_version_that_it_came_with() -> None:
    """packaging/debian/libinlay0.1.symbols: a call that is added gets a line, none ever goes."""
    listed = (INCLUDE.parent / "packaging" / "debian" / "libinlay0.1.symbols").read_text()
    libraries = dict(re.findall(r"^(\S+)\.so\.0\.1 .*\n((?: .*\n)+)", listed, re.MULTILINE))
    named = {
        library: set(re.findall(rf"^ ([\w.]+)@{VERSION} 0\.1", lines, re.MULTILINE))
        for library, lines in libraries.items()
    }
    assert named == {
        "libinlay": {VERSION, *declared_in(*HEADERS)},
        "libinlay-cli": {VERSION, *declared_in(INCLUDE / "inlay-cli.h")},
    }


def test_programs_are_linked_with_its_version() -> None:
    """Another 0.x is another library to them: the promise of docs/c-interface.md."""
    dynamic = output("readelf", "-d", SHARED)
    assert re.search(r"\(SONAME\).*\[libinlay_shipped\.so\.0\.1\]", dynamic)
    assert INLAY_VERSION.startswith("0.1.")


def test_its_names_begin_with_its_name() -> None:
    lines = output("nm", "-P", "-g", "--defined-only", STATIC).splitlines()
    names = {line.split()[0] for line in lines if line and not line.endswith("]:")}
    assert "inlay_merge" in names
    assert {name for name in names if not name.startswith("inlay_")} == set()
