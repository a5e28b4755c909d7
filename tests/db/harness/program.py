"""Programs with migrations inside, built as a user's build would build them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence, Union

from .database import Database
from .kept import Kept
from .schema import check_documents
from .tables import write_tables

Files = Mapping[str, Union[str, bytes]]

# All that a program under test gets of the environment: nothing of libpq's, nothing of inlay's.
KEPT = ("PATH", "MALLOC_PERTURB_", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS")

# What every program under test is run with, and what it ends with where that found something.
UNDER = shlex.split(os.environ.get("INLAY_UNDER", ""))
FOUND = 99


class BuildError(Exception):
    """The generator, the compiler or the linker refused; the text is what it said."""


class Program:
    """An executable together with the database it works on unless it is told otherwise."""

    def __init__(self, path: Path, database: Database, home: Path) -> None:
        self.path = path
        self.database = database
        self._home = home
        self._started: list[subprocess.Popen[str]] = []

    def run(
        self,
        *arguments: str,
        url: str | None = "",
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Runs the program to its end. `url` becomes INLAY_DATABASE_URL: by default that of the
        test's database, None for none. Whatever it is, no password may be shown."""
        result = subprocess.run(
            [*UNDER, str(self.path), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self._environment(url, env),
            cwd=self._home,
            timeout=timeout,
        )
        assert not UNDER or result.returncode != FOUND, result.stderr
        for password in self.database.passwords:
            assert password not in result.stdout + result.stderr, "a password was shown"
        check_documents(result.stdout)
        return result

    def start(
        self,
        *arguments: str,
        url: str | None = "",
        env: Mapping[str, str] | None = None,
        **options: Any,
    ) -> subprocess.Popen[str]:
        """Starts the program in the background, its output in pipes unless options say otherwise.
        What still runs when the test is over is killed."""
        pipes: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        process = _Process(
            [*UNDER, str(self.path), *arguments],
            text=True,
            env=self._environment(url, env),
            cwd=self._home,
            **{**pipes, **options},
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()

    def _environment(self, url: str | None, extra: Mapping[str, str] | None) -> dict[str, str]:
        environment = {key: os.environ[key] for key in KEPT if key in os.environ}
        environment.update(LC_ALL="C.UTF-8", HOME=str(self._home))
        if url is not None:
            environment["INLAY_DATABASE_URL"] = url or self.database.url
        return {**environment, **(extra or {})}


class _Process(subprocess.Popen[str]):
    """Its documents are checked when it has ended."""

    def communicate(self, *arguments: Any, **named: Any) -> tuple[str, str]:
        out, err = super().communicate(*arguments, **named)
        check_documents(out or "")
        return out, err


class Builder:
    """Generates, compiles and links with what the build directory under test was made with; the
    same inputs are built once, and what was built stays in the build directory."""

    def __init__(self, build_directory: Path) -> None:
        description = build_directory / "tests" / "db" / "build.json"
        if not description.exists():
            raise BuildError(f"{description} is missing: set INLAY_BUILD to a build directory")
        self._build = {
            key: [item for item in value if item] if isinstance(value, list) else value
            for key, value in json.loads(description.read_text()).items()
        }
        self._programs = Kept(build_directory / "programs", self._made_with(description))
        self._home = tempfile.TemporaryDirectory(prefix="inlay-home-")
        self.home = Path(self._home.name)

    @property
    def source(self) -> Path:
        """The top of the source tree."""
        return Path(self._build["source"])

    @property
    def libraries(self) -> list[Path]:
        """The static libraries under test."""
        return [Path(path) for path in self._build["libraries"]]

    @property
    def server(self) -> Path:
        """The reference server."""
        return Path(self._build["server"])

    @property
    def generator(self) -> list[str]:
        """The generator's command line."""
        return list(self._build["generator"])

    def app(
        self, files: Files, history: str | None, allow_bad: bool, embed: Sequence[str] = ()
    ) -> Path:
        """A program whose main is inlay_main; `embed` are further options of the generator."""
        return self._make(files, history, allow_bad, None, embed)

    def program(
        self,
        source: str,
        files: Files,
        history: str | None,
        embed: Sequence[str] = (),
        link: Sequence[str] = (),
        before: Sequence[str] = (),
    ) -> Path:
        """A program with a main of the test's own; `app_migrations` holds the files. `link` are
        further arguments of the linker, `before` are for the compiler before all others."""
        return self._make(files, history, False, source, embed, link, before)

    def build_library(self, include: Path, output: Path) -> None:
        """The library as a shared one, with the public headers of another place. As one source:
        that takes a second."""
        sources = sorted((self.source / "src" / "library").rglob("*.c"))
        lines = "".join(f'#include "{source}"\n' for source in sources)
        unity = output.with_suffix(".c")
        unity.write_text(lines)
        flags = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-fvisibility=hidden", "-fPIC", "-shared"]
        rooms = self.source / "src" / "library"
        places = [f"-I{include}", f"-I{rooms}", *self._build["compile_args"]]
        command = [*self._build["cc"], *flags, *places, str(unity), "-o", str(output)]
        _run([*command, *self._build["link_args"], "-pthread"], output.parent)

    def close(self) -> None:
        self._programs.close()
        self._home.cleanup()

    def _made_with(self, description: Path) -> str:
        """The key of all that is an input of every program."""
        compiler = Path(shutil.which(self._build["cc"][0]) or "").resolve()
        inputs = [description, *self.libraries, Path(self._build["app_main"])]
        inputs += Path(__file__).parent.glob("*.py")
        inputs += (self.source / "gen").rglob("*.py")
        for argument in self._build["compile_args"]:
            if argument.startswith("-I"):
                inputs += Path(argument[2:]).glob("*.h")
        key = hashlib.sha256(repr((compiler, compiler.stat(), sys.version)).encode())
        for path in sorted(inputs):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            key.update(f"{path} {content}\n".encode())
        return key.hexdigest()[:16]

    def _make(
        self,
        files: Files,
        history: str | None,
        bad: bool,
        source: str | None,
        embed: Sequence[str],
        link: Sequence[str] = (),
        before: Sequence[str] = (),
    ) -> Path:
        contents = {n: t.encode() if isinstance(t, str) else t for n, t in files.items()}

        def make(directory: Path) -> None:
            for name, content in contents.items():
                path = directory / "migrations" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            if bad:
                tables = write_tables(contents, history or "public.applied_migrations")
                (directory / "migrations.c").write_text(tables)
            else:
                self._embed(directory, history, embed)
            self._compile(directory, source, link, before)

        inputs = (sorted(contents.items()), history, bad, source, embed, link, before)
        key = hashlib.sha256(repr(inputs).encode())
        return self._programs.get(key.hexdigest()[:16], make) / "app"

    def _embed(self, directory: Path, history: str | None, embed: Sequence[str]) -> None:
        (directory / "migrations").mkdir(exist_ok=True)
        command = ["embed", "migrations", "--output", "migrations.c", "--grammar=off"]
        command += ["--depfile", "migrations.c.d", "--symbol", "app_migrations"]
        command += [*(["--history", history] if history else []), *embed]
        command += ["--allow", "empty-set", "--allow", "history-rows"]
        self._generate(command, directory)

    def _generate(self, command: Sequence[str], directory: Path) -> None:
        """Runs the generator's command line in this process: its start takes ten times as long as
        its work."""
        sys.path.insert(0, str(self.source / "gen"))
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        from inlay_gen.main import main

        sys.dont_write_bytecode = before
        sys.path.pop(0)
        said = io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape")
        with _working_in(directory), contextlib.redirect_stdout(said):
            with contextlib.redirect_stderr(said):
                try:
                    status = main(list(command))
                except SystemExit as error:
                    status = int(error.code or 0)
        if status != 0:
            said.seek(0)
            raise BuildError(f"{' '.join([*self.generator, *command])}\n{said.read()}")

    def _compile(
        self, directory: Path, source: str | None, link: Sequence[str], before: Sequence[str]
    ) -> None:
        inputs = ["migrations.c"]
        if source is None:
            inputs.append(self._build["app_main"])
        else:
            (directory / "main.c").write_text(source)
            inputs.append("main.c")
        _run(
            [
                *self._build["cc"],
                *before,
                *self._build["compile_args"],
                *inputs,
                *self._build["libraries"],
                *self._build["link_args"],
                *link,
                "-o",
                "app",
            ],
            directory,
        )


@contextlib.contextmanager
def _working_in(directory: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)


def _run(command: Sequence[str], directory: Path) -> None:
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if result.returncode != 0:
        raise BuildError(f"{' '.join(command)}\n{result.stdout}{result.stderr}")
