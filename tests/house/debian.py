"""A Debian that has never seen the project: what debootstrap makes of the distribution's archives,
as root, in a temporary directory.

What runs in it has mounts and process numbers of its own, and ends with the process that started
it; so nothing stays mounted or running, however a run ends.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

OS_RELEASE = Path("/etc/os-release")

# The beginning of a command line: what follows it is process 1 of a place of its own.
APART = ["setpriv", "--pdeathsig", "KILL"]
APART += ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]

# The place becomes the root of all mounts rather than of one process (chroot), so that what runs
# there can make namespaces in its turn. The shell stays: process 1 waits for all that is left.
ENTER = r"""
root=$1 archives=$2 command=$3
umask 022
mount --bind "$root" "$root"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount --bind "$archives" "$root/var/cache/apt/archives"
cd "$root"
pivot_root . mnt
umount -l /mnt
cd /
env -i su - -c "$command"
exit $?
"""

# Waits until its standard input closes, which happens when the process that started it ends in
# whatever way; then removes the directory, as soon as nothing writes there any more.
GUARDIAN = 'read -r _; until rm -rf --one-file-system "$1"; do sleep 0.1; done'

# How this machine gets to the archives, of apt's settings.
ACCESS = re.compile(r"Acquire::(?:https?|Check-|ForceIP|Retries)")


class Unavailable(Exception):
    """It cannot be had here; the text says why."""


@dataclass(frozen=True)
class Archive:
    """One component of one of Debian's archives."""

    codename: str
    uri: str
    suite: str
    component: str

    @property
    def line(self) -> str:
        return f"deb {self.uri} {self.suite} {self.component}\n"


def codename() -> str:
    """The name of this machine's release."""
    text = OS_RELEASE.read_text() if OS_RELEASE.exists() else ""
    name = re.search(r'^VERSION_CODENAME="?(\w+)', text, re.MULTILINE)
    if not name or not re.search(r'^ID="?debian"?$', text, re.MULTILINE):
        raise Unavailable("this is not a release of Debian")
    return name[1]


def archives() -> list[Archive]:
    """Where apt gets Debian's own packages from, updates and security included."""
    form = "$(CODENAME) $(REPO_URI) $(RELEASE) $(COMPONENT)"
    command = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    lines = _output(*command, "Origin: Debian").splitlines()
    return [Archive(*line.split()) for line in lines if len(line.split()) == 4]


def check() -> None:
    """Raises Unavailable unless a Debian can be made here."""
    codename()
    if os.geteuid() != 0:
        raise Unavailable("this needs root")
    if shutil.which("debootstrap") is None:
        raise Unavailable("debootstrap is not there and could not be installed")
    reason = refusal()
    if reason:
        raise Unavailable(f"no mounts of its own: {reason}")


def refusal() -> str:
    """Why a process may not have mounts of its own; nothing if it may."""
    probe = [*APART, "mount", "--bind", "/mnt", "/mnt"]
    try:
        return subprocess.run(probe, capture_output=True, text=True).stderr.strip()
    except OSError as error:
        return str(error)


def tracked(tree: Path) -> list[str]:
    """The files of a source tree as git knows them."""
    try:
        names = _output("git", "-c", "safe.directory=*", "-C", str(tree), "ls-files", "-z")
    except (OSError, subprocess.CalledProcessError) as error:
        raise Unavailable("the source tree is not a git clone") from error
    return [name for name in names.split("\0") if name]


class Debian:
    """The base system, of which machines are copies. Lives from its making to close()."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="inlay-bare-", dir="/var/tmp"))
        self._guardian = subprocess.Popen(
            ["sh", "-c", GUARDIAN, "guardian", str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._base = self.directory / "base"
        self._archives = self.directory / "archives"
        (self._archives / "partial").mkdir(parents=True)

    def make(self, log: Path) -> None:
        """Runs debootstrap. Nothing of the caller's environment but the way to the archives."""
        release, known = codename(), archives()
        mirrors = [archive.uri for archive in known if archive.codename == release]
        if not mirrors:
            raise Unavailable(f"apt has no list of an archive of {release}: apt-get update")
        kept = {k: v for k, v in os.environ.items() if k == "PATH" or k.lower().endswith("_proxy")}
        command = ["debootstrap", "--variant=minbase", release, str(self._base), mirrors[0]]
        with open(log, "wb") as out:
            subprocess.run(
                [*APART, *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=kept,
                check=True,
            )
        self._configure(known)

    def _configure(self, known: list[Archive]) -> None:
        apt = self._base / "etc" / "apt"
        (apt / "sources.list").write_text("".join(archive.line for archive in known))
        settings = _output("apt-config", "dump").splitlines(keepends=True)
        access = [line for line in settings if ACCESS.match(line)]
        (apt / "apt.conf.d" / "90access").write_text("".join(access))
        # Nobody will look at it after a crash, nor read in it.
        settings = [
            "force-unsafe-io",
            "path-exclude=/usr/share/man/*",
            "path-exclude=/usr/share/locale/*",
        ]
        fast = self._base / "etc" / "dpkg" / "dpkg.cfg.d" / "fast"
        fast.write_text("".join(f"{line}\n" for line in settings))
        for name in ("hosts", "resolv.conf"):
            shutil.copy(Path("/etc", name), self._base / "etc" / name)
        for package in (self._base / "var/cache/apt/archives").glob("*.deb"):
            package.unlink()

    def machine(self, name: str, tree: Path) -> Machine:
        """A copy of the base system, with a copy of a source tree in root's home: what git tracks,
        as it is in the working tree. What one machine downloads, the next one has."""
        root = self.directory / name
        subprocess.run(["cp", "-a", str(self._base), str(root)], check=True)
        for path in tracked(tree):
            if os.path.lexists(tree / path):
                copy = root / "root" / "inlay" / path
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(tree / path, copy, follow_symlinks=False)
        return Machine(root, self._archives)

    def close(self) -> None:
        assert self._guardian.stdin is not None
        self._guardian.stdin.close()
        self._guardian.wait()


@dataclass(frozen=True)
class Machine:
    root: Path
    archives: Path

    def run(self, command: str, log: Path) -> int:
        """Runs a command line as root would after logging in; returns its status."""
        words = ["sh", "-ec", ENTER, "enter", str(self.root), str(self.archives), command]
        with open(log, "wb") as out:
            done = subprocess.run(
                [*APART, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
            )
        return done.returncode

    def remove(self) -> None:
        shutil.rmtree(self.root)


def _output(*command: str) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return os.fsdecode(done.stdout)
