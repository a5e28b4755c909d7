"""Places of their own for processes: mounts that nobody else sees, and a network that can fall
silent.

Linux only, with util-linux and iproute2, and as root. Nothing of the machine is changed, and
nothing is left: a namespace is gone with the last process in it.
"""

from __future__ import annotations

import subprocess

SERVER, CLIENT = "192.0.2.1", "192.0.2.2"  # of a network that is nowhere (RFC 5737)
NETWORK = "192.0.2.0/24"
NOBODY = "02:00:00:00:00:ff"


class NamespaceError(Exception):
    """It may not be made here; the text says why."""


class Namespace:
    """Lives from its making to close()."""

    def __init__(self) -> None:
        try:
            self._holder = subprocess.Popen(
                ["unshare", "--mount", "--net", "sh", "-c", "echo here; read -r _"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        except OSError as error:
            raise NamespaceError(str(error)) from error
        assert self._holder.stdout is not None and self._holder.stderr is not None
        if self._holder.stdout.readline() == "":
            raise NamespaceError(self._holder.stderr.read().strip())

    @property
    def pid(self) -> int:
        """Of a process that is in it."""
        return self._holder.pid

    @property
    def within(self) -> list[str]:
        """The beginning of a command line: what follows runs in here."""
        return ["nsenter", f"--target={self.pid}", "--mount", "--net", "--"]

    def run(self, *command: str) -> str:
        """Runs a command in here; returns what it prints."""
        done = subprocess.run([*self.within, *command], capture_output=True, text=True)
        if done.returncode != 0:
            raise NamespaceError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def close(self) -> None:
        self._holder.communicate("")


class Cable:
    """Two namespaces, SERVER and CLIENT, and all that is between them."""

    def __init__(self) -> None:
        self.server, self.client = Namespace(), Namespace()
        self._is_silent = False
        self._ends = ((self.server, SERVER, CLIENT), (self.client, CLIENT, SERVER))
        peer = ["peer", "name", "cable", "netns", str(self.client.pid)]
        self.server.run("ip", "link", "add", "cable", "type", "veth", *peer)
        for end, own, _ in self._ends:
            end.run("ip", "address", "add", f"{own}/24", "dev", "cable")
            end.run("ip", "link", "set", "lo", "up")
            end.run("ip", "link", "set", "cable", "up")

    def silence(self) -> None:
        """From now on every packet is lost, in both directions, and nobody is told: each end
        addresses its frames to a card that is not there."""
        self._is_silent = True
        for end, _, other in self._ends:
            where = [other, "lladdr", NOBODY, "dev", "cable", "nud", "permanent"]
            end.run("ip", "neighbour", "replace", *where)

    def mend(self) -> None:
        """Packets arrive again, if they did not."""
        if self._is_silent:
            self._is_silent = False
            for end, _, other in self._ends:
                end.run("ip", "neighbour", "delete", other, "dev", "cable")

    def close(self) -> None:
        self.server.close()
        self.client.close()
