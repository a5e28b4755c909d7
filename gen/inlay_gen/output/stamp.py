"""Has anything changed since the C file was made? Asked at each build, before anything is read.

The stamp beside the C file says what it was made from: the command, Python, the generator and the
grammar, and device, inode, size and times of each file. Only if all of that is as it was, and old
enough that no later change can look the same, there is nothing to do.

What asks imports only what Python itself has loaded: a start of Python costs less than `os`, `re`
and the like on top of it.
"""

import posix
import sys
import time

_SUFFIX = b".stamp"
_FORMAT = b"inlay-stamp-1"
_STARTED_NS = time.time_ns()

# Two changes closer together than this may leave the same times (FAT has one time for 2 s).
_CLOSE_NS = 2_000_000_000

# The clock of files moves in ticks, of 10 ms at most on what has nanoseconds.
_TICK_S = 0.011


def nothing_to_do(arguments: "list[str]") -> bool:
    """Would this command do what the last run did? Then what that one said is said again."""
    try:
        output = _output(arguments)
        said = _look(output + _SUFFIX, arguments) if output is not None else None
        while said:
            said = said[posix.write(2, said) :]
    except (OSError, ValueError):
        return False
    return said is not None


def _output(arguments: "list[str]") -> "bytes | None":
    """The C file of a command line. A wrong guess finds no stamp with this command line in it."""
    found = None
    if arguments[:1] == ["embed"]:
        for argument, value in zip(arguments, [*arguments[1:], ""]):
            if argument == "--output":
                found = value
            elif argument.startswith("--output="):
                found = argument[len("--output=") :]
    return found.encode(sys.getfilesystemencoding(), "surrogateescape") if found else None


def _look(stamp: bytes, arguments: "list[str]") -> "bytes | None":
    """What the last run said; None or an exception if this one may do something else."""
    data, written_ns = _read(stamp)
    form, key, begun_ns, root, watched, made, state, made_state, said = data.split(b"\0\0", 8)
    if form != _FORMAT or key != _key(arguments):
        return None
    now_made, newest_made_ns = _files(made.split(b"\0"))
    now, newest_ns = _inputs(root, watched.split(b"\0"))
    if now != state or now_made != made_state:
        return None
    old_enough = newest_ns + _CLOSE_NS <= int(begun_ns) and newest_made_ns < written_ns
    return said if old_enough else None


def _read(path: bytes) -> "tuple[bytes, int]":
    descriptor = posix.open(path, posix.O_RDONLY)
    try:
        about = posix.fstat(descriptor)
        return posix.read(descriptor, about.st_size), about.st_mtime_ns
    finally:
        posix.close(descriptor)


def _key(arguments: "list[str]") -> bytes:
    """The command, and which Python with which modules runs it."""
    environment = sorted(
        item
        for item in posix.environ.items()
        if item[0].startswith(b"PYTHON") or item[0] == b"HOME"
    )
    key = (arguments, environment, sys.executable, sys.version, __file__)
    return ascii(key).encode()


# ---- what is there ----


def _line(path: bytes, about: "posix.stat_result | None") -> bytes:
    if about is None:
        return path + b"\0-\n"
    numbers = about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns
    return path + b"\0%d %d %d %d %d\n" % numbers


def _files(paths: "list[bytes]") -> "tuple[bytes, int]":
    """Single files; one that is not there is a state, too."""
    lines, newest_ns = [], 0
    for path in paths:
        try:
            about = posix.stat(path)
        except FileNotFoundError:
            lines.append(_line(path, None))
        else:
            lines.append(_line(path, about))
            newest_ns = max(newest_ns, about.st_ctime_ns)
    return b"".join(lines), newest_ns


def _links(root: bytes) -> "tuple[bytes, int]":
    """The symbolic links on the way to a directory, which may lead elsewhere and back."""
    lines, newest_ns, path = [], 0, b""
    for part in root.split(b"/"):
        path += part
        about = posix.lstat(path or b"/")
        if about.st_mode & 0o170000 == 0o120000:
            lines.append(_line(path, about))
            newest_ns = max(newest_ns, about.st_ctime_ns)
        path += b"/"
    return b"".join(lines), newest_ns


def _tree(root: bytes) -> "tuple[bytes, int]":
    """All that is in a directory and below it, less what begins with a dot or #, as it is listed
    to find migrations."""
    lines, newest_ns = [], 0
    folders, seen = [root], set()
    while folders:
        folder = folders.pop()
        about = posix.stat(folder)
        lines.append(_line(folder, about))
        newest_ns = max(newest_ns, about.st_ctime_ns)
        if (about.st_dev, about.st_ino) in seen:
            continue
        seen.add((about.st_dev, about.st_ino))
        with posix.scandir(folder) as listed:
            entries = [entry for entry in listed if entry.name[:1] not in (b".", b"#")]
        for entry in sorted(entries, key=lambda entry: entry.name):
            about = entry.stat()
            lines.append(_line(entry.name, about))
            newest_ns = max(newest_ns, about.st_ctime_ns)
            if entry.is_symlink():
                about = entry.stat(follow_symlinks=False)
                lines.append(_line(entry.name, about))
                newest_ns = max(newest_ns, about.st_ctime_ns)
            if entry.is_dir():
                folders.append(entry.path)
    return b"".join(lines), newest_ns


def _inputs(root: bytes, watched: "list[bytes]") -> "tuple[bytes, int]":
    parts = [_links(root), _tree(root), _files(watched)]
    return b"".join(part[0] for part in parts), max(part[1] for part in parts)


# ---- writing it ----


class Stamp:
    """The stamp of one run. It is begun before anything is read, and what is not finished leaves
    nothing. Where it cannot be written there is none, and the next run does all of the work."""

    def __init__(self, output: bytes, root: bytes) -> None:
        self._path = output + _SUFFIX
        self._root = root
        self._temporary = self._path + b".%d.tmp" % posix.getpid()
        self._begun_ns = 0  # nothing is that old
        self._before = b""
        try:
            self._begun_ns = min(_STARTED_NS, self._write(b""))
            self._before = _inputs(root, [])[0]
        except OSError:
            self.drop()

    def finish(
        self,
        arguments: "list[str]",
        watched: "list[bytes]",
        made: "list[tuple[bytes, posix.stat_result]]",
        said: bytes,
    ) -> None:
        """Writes the stamp of a run that has made these files, as they were when it had."""
        try:
            state = _inputs(self._root, watched)[0]
            if not state.startswith(self._before):
                return
            time.sleep(_TICK_S)  # a later change of what was made has a later time
            fields = (
                _FORMAT,
                _key(arguments),
                b"%d" % self._begun_ns,
                self._root,
                b"\0".join(watched),
                b"\0".join(path for path, _ in made),
                state,
                b"".join(_line(path, about) for path, about in made),
                said,
            )
            self._write(b"\0\0".join(fields))
            posix.rename(self._temporary, self._path)
        except OSError:
            pass

    def drop(self) -> None:
        """Removes what is not finished."""
        try:
            posix.unlink(self._temporary)
        except OSError:
            pass

    def _write(self, data: bytes) -> int:
        """Writes the temporary file; its time."""
        flags = posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC
        descriptor = posix.open(self._temporary, flags, 0o666)
        try:
            if posix.write(descriptor, data) != len(data):
                raise OSError
            return posix.fstat(descriptor).st_mtime_ns
        finally:
            posix.close(descriptor)
