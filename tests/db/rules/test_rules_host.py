"""The program around the library: what it hands over, closes, throws and unloads."""

from __future__ import annotations

import subprocess
from pathlib import Path

from conftest import ProgramFactory
from harness.database import Database
from harness.program import Builder
from harness.relay import DOWN, Relay
from outcomes import advisory_locks, backends, read_line, tables, versions, wait_until

FILES = {"001_one.sql": "CREATE TABLE one ();", "002_two.sql": "CREATE TABLE two ();"}
SLOW = {"001_slow.sql": "SELECT pg_sleep(600);"}

CLOSES = """
#include <inlay.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern const struct inlay_set app_migrations;
static int ends[2];

static void say(void *user, enum inlay_log_level level, const char *text)
{
    (void)user;
    if (level == INLAY_LOG_WARNING)
        printf("warning: %s\\n", text);
}

static int close_it(void *user, const struct inlay_event *event, struct inlay_error *err)
{
    (void)user, (void)event, (void)err;
    return close(ends[0]);
}

int main(void)
{
    struct inlay_options options = {.size = sizeof options, .log = say, .before_run = close_it};
    options.conninfo = getenv("INLAY_DATABASE_URL");
    if (pipe(ends) != 0)
        return 99;
    options.stop_fd = ends[0];
    return -inlay_migrate(&app_migrations, &options, NULL, NULL);
}
"""


def test_a_stop_fd_that_is_closed_meanwhile(program: ProgramFactory, database: Database) -> None:
    """Its number may be anything by then; it is no order to stop."""
    result = program(CLOSES, FILES).run()
    assert result.returncode == 0
    assert result.stdout == (
        "warning: options.stop_fd was closed during the call, which cannot be stopped any more\n"
    )
    assert versions(database) == [1, 2]


# Compiled as C++ the way that the page shows: nothing leaves a callback.
CPLUSPLUS = """
#include <inlay.h>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>

extern "C" const struct inlay_set app_migrations;

static void ask(const std::string &what)
{
    if (what == "refuse")
        throw std::runtime_error("not while the moon is full");
}

extern "C" int before(void *user, const struct inlay_event *, struct inlay_error *err) noexcept
try {
    ask(*static_cast<std::string *>(user));
    return INLAY_OK;
} catch (const std::exception &e) {
    return inlay_refuse(err, e.what());
}

int main(int, char **argv)
{
    std::string word = argv[1];
    struct inlay_options options = {};
    struct inlay_error err;
    options.size = sizeof options;
    options.conninfo = std::getenv("INLAY_DATABASE_URL");
    options.before_run = before;
    options.user = &word;
    int rc = inlay_migrate(&app_migrations, &options, nullptr, &err);
    std::printf("%s\\n", err.message);
    return -rc;
}
"""


def test_an_exception_is_caught_in_the_callback(
    builder: Builder, program: ProgramFactory, database: Database, tmp_path: Path
) -> None:
    source = tmp_path / "host.cc"
    source.write_text(CPLUSPLUS.replace("int main(", 'extern "C" int host_main('))
    include = f"-I{builder.source / 'include'}"
    command = ["g++", "-std=c++11", "-Wall", "-Wextra", "-Werror", include, "-c", str(source)]
    subprocess.run([*command, "-o", str(tmp_path / "host.o")], check=True)
    main = "int host_main(int, char **);\nint main(int c, char **v) { return host_main(c, v); }"
    libraries = [str(path) for path in builder.libraries]
    link = [str(tmp_path / "host.o"), *libraries, "-lpq", "-lstdc++"]
    host = program(main, FILES, link=link)
    result = host.run("refuse")
    assert (result.returncode, result.stdout) == (7, "not while the moon is full\n")
    assert tables(database) == set() and advisory_locks(database) == 0
    assert host.run("go").returncode == 0
    assert versions(database) == [1, 2]


PLUGIN = """
#include <inlay.h>

extern const struct inlay_set app_migrations;

int plugin_migrate(const char *conninfo, int stop_fd);

int plugin_migrate(const char *conninfo, int stop_fd)
{
    struct inlay_options options = {.size = sizeof options};
    options.conninfo = conninfo;
    options.stop_fd = stop_fd;
    return inlay_migrate(&app_migrations, &options, NULL, NULL);
}
"""
LOADER = """
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int (*migrate)(const char *, int);
    int ends[2], input = dup(0);
    char byte;
    void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);

    if (argc != 2 || plugin == NULL || pipe(ends) != 0)
        return 99;
    *(void **)&migrate = dlsym(plugin, "plugin_migrate");
    int rc = migrate(getenv("INLAY_DATABASE_URL"), input);
    printf("returned %d\\nclosed %d\\n", rc, dlclose(plugin));
    fflush(stdout);
    while (read(input, &byte, 1) == 1)
        continue;
    return 0;
}
"""


def flags_of_the_build(builder: Builder) -> list[str]:
    """What a user of the library links with, as pkg-config says it."""
    found = Path(builder.libraries[1]).parents[2] / "meson-uninstalled"
    said = subprocess.run(
        ["pkg-config", "--libs-only-other", "inlay-uninstalled"],
        env={"PATH": "/usr/bin:/bin", "PKG_CONFIG_PATH": str(found)},
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.split()


def test_a_plugin_that_is_unloaded_with_a_cancel_on_its_way(
    builder: Builder, program: ProgramFactory, database: Database, relay: Relay
) -> None:
    """The thread that waits for an answer to it wakes up after dlclose."""
    link = ["-shared", "-fPIC", *flags_of_the_build(builder)]
    plugin = program(PLUGIN, SLOW, link=link)
    loader = program(LOADER, FILES)
    process = loader.start(str(plugin.path), url=relay.url(database.url), stdin=subprocess.PIPE)
    sleeps = "query ~ 'pg_sleep' AND state = 'active'"
    wait_until(lambda: backends(database, sleeps))
    relay.stall(DOWN)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("x")
    process.stdin.flush()
    wait_until(lambda: any(c.is_cancel for c in relay.connections))
    relay.connections[0].cut()
    assert read_line(process.stdout) == "returned -8\n"
    assert read_line(process.stdout) == "closed 0\n"
    relay.resume(DOWN)
    wait_until(lambda: backends(database) == 0)
    process.communicate("x", timeout=30)
    assert process.returncode == 0
