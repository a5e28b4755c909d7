"""What is built once for all workers and runs: directories that stay in the build directory."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
from pathlib import Path
from typing import Callable

MOST = 4 << 30  # bytes; what all tests build has 1 GB, and 3 with the sanitizers

_numbers = itertools.count(1)


class Kept:
    """Directories by the key of their inputs. `made_with` is the key of what all are made with:
    when it changes nothing of before is of use, and goes. Who has one of these open can rely on
    what is there until it is closed."""

    def __init__(self, home: Path, made_with: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._directory = home / made_with
        self._lock = open(home / "lock", "w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._lock, fcntl.LOCK_SH)
        else:  # nobody else has one open
            self._clean(home)
            fcntl.flock(self._lock, fcntl.LOCK_SH)
        self._directory.mkdir(exist_ok=True)

    def get(self, key: str, make: Callable[[Path], None]) -> Path:
        """The directory of this key, filled by `make` if it is not there. Two may make it at once;
        one of them is kept."""
        kept = self._directory / key
        if not kept.exists():
            fresh = self._directory / f"unfinished-{os.getpid()}-{next(_numbers)}"
            fresh.mkdir()
            make(fresh)
            try:
                fresh.rename(kept)
            except OSError:  # another one was faster
                shutil.rmtree(fresh)
        return kept

    def close(self) -> None:
        self._lock.close()

    def _clean(self, home: Path) -> None:
        for path in home.iterdir():
            if path.is_dir() and path != self._directory:
                shutil.rmtree(path)
        files = [path.stat() for path in self._directory.rglob("*")]
        if sum(file.st_size for file in files) > MOST:
            shutil.rmtree(self._directory)
        for path in self._directory.glob("unfinished-*"):
            shutil.rmtree(path)
