"""A relay in front of the server: it delays, counts, and breaks what passes.

    client --up--> relay --up--> server
    client <-down- relay <-down- server

It listens on a port of 127.0.0.1 and talks to the server's socket, so that nobody asks for a
password and no round trip is lost to that. A request to cancel is a connection of its own.
"""

from __future__ import annotations

import asyncio
import struct
import threading
from typing import Any, Callable, Coroutine
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

UP, DOWN = "up", "down"
FAR = 0.2  # a delay with which all is sent before an answer comes, on a slow machine too
CANCEL_REQUEST = struct.pack("!ii", 16, 80877102)
GOODBYE = b"X" + struct.pack("!i", 4)


class Connection:
    """One connection through the relay, and what was seen of it."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.writers = {UP: server, DOWN: client}
        self.bytes = {UP: 0, DOWN: 0}
        self.round_trips = 0  # how often the client spoke after it had heard
        self.is_cancel = False
        self.sent = b""  # the first bytes from the client
        self.client_heard = True
        self.is_orphaned = False

    def count(self, direction: str, chunk: bytes) -> None:
        self.bytes[direction] += len(chunk)
        if direction == DOWN or chunk in (b"", GOODBYE):
            return  # nobody waits for an answer to a goodbye
        if self.client_heard:
            self.round_trips += 1
            self.client_heard = False
        self.sent = (self.sent + chunk)[:4096]
        self.is_cancel = self.sent.startswith(CANCEL_REQUEST)

    def cut(self) -> None:
        for writer in self.writers.values():
            writer.transport.abort()

    def orphan(self) -> None:
        """The client's end is reset; the server's stays open until the relay closes, and nobody
        reads what the server says."""
        self.is_orphaned = True
        self.writers[DOWN].transport.abort()


class Relay:
    """Starts at once and runs in a thread of its own until close()."""

    def __init__(self, server_socket: str) -> None:
        self.delay = 0.0  # seconds, each way
        self.connections: list[Connection] = []
        self._target = server_socket
        self._open = {UP: asyncio.Event(), DOWN: asyncio.Event()}
        self._dropping = {UP: False, DOWN: False}
        self._cancels = asyncio.Event()
        self._triggers: list[tuple[str, bytes, Callable[[], None]]] = []
        self._changes: list[tuple[str, bytes, bytes]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        for event in (*self._open.values(), self._cancels):
            event.set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listener = self._call(self._listen(0))
        self.port: int = self._listener.sockets[0].getsockname()[1]

    def url(self, url: str) -> str:
        """The same connection URI, led through the relay; without the questions whether the
        server would like TLS or GSSAPI, each of which costs a round trip."""
        parts = urlsplit(url)
        user = parts.netloc.rpartition("@")[0]
        query = [(k, v) for k, v in parse_qsl(parts.query) if k not in ("host", "port")]
        query += [("sslmode", "disable"), ("gssencmode", "disable")]
        netloc = f"{user}@127.0.0.1:{self.port}"
        path = quote(unquote(parts.path))
        return urlunsplit((parts.scheme, netloc, path, urlencode(query), ""))

    @property
    def round_trips(self) -> int:
        """Of all connections together."""
        return sum(connection.round_trips for connection in self.connections)

    def cut(self) -> None:
        """Resets every connection; new ones are welcome."""
        self._do(self._cut)

    def orphan(self) -> None:
        """Resets every connection towards the client; the server hears nothing of it until
        bury(), and goes on with what it has been told."""

        def orphan() -> None:
            for connection in self.connections:
                connection.orphan()

        self._do(orphan)

    def bury(self) -> None:
        """Lets the server know of the clients that orphan() took away."""

        def bury() -> None:
            for connection in self.connections:
                if connection.is_orphaned:
                    connection.cut()

        self._do(bury)

    def stall(self, direction: str) -> None:
        """Holds back what goes in a direction, on all connections, until resume()."""
        self._do(self._open[direction].clear)

    def resume(self, direction: str) -> None:
        self._do(self._open[direction].set)

    def hold_cancels(self) -> None:
        """Holds back requests to cancel, until let_cancels_go()."""
        self._do(self._cancels.clear)

    def let_cancels_go(self) -> None:
        self._do(self._cancels.set)

    def drop(self, direction: str, dropping: bool = True) -> None:
        """Swallows what goes in a direction, as a network does that has lost the way."""
        self._dropping[direction] = dropping

    def refuse(self) -> None:
        """Takes no new connections; those that there are go on."""
        self._do(self._listener.close)

    def accept(self) -> None:
        """Takes new connections again."""
        self._listener = self._call(self._listen(self.port))

    def at(self, direction: str, needle: bytes, action: Callable[[], None]) -> None:
        """Calls `action` once, just before the first bytes with `needle` in them are passed on:
        `relay.at(UP, b"COMMIT", relay.cut)`."""
        self._triggers.append((direction, needle, action))

    def replace(self, direction: str, old: bytes, new: bytes) -> None:
        """Puts `new` in the place of `old` in the first bytes that hold it."""
        self._changes.append((direction, old, new))

    @property
    def pending(self) -> bool:
        """Is there still something that at() waits for?"""
        return bool(self._triggers)

    def close(self) -> None:
        self._call(self._finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=200)

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            answers, server = await asyncio.open_unix_connection(self._target)
        except OSError:
            client.transport.abort()
            return
        connection = Connection(client, server)
        self.connections.append(connection)
        for direction, source in ((UP, reader), (DOWN, answers)):
            queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
            self._spawn(self._read(connection, direction, source, queue))
            self._spawn(self._write(connection, direction, queue))

    async def _read(
        self,
        connection: Connection,
        direction: str,
        source: asyncio.StreamReader,
        queue: asyncio.Queue[tuple[float, bytes]],
    ) -> None:
        """Reads one direction to its end; the chunks carry the time when they are due."""
        chunk = b"more"
        while chunk:
            try:
                chunk = await source.read(65536)
            except OSError:
                chunk = b""
            connection.count(direction, chunk)
            self._trigger(direction, chunk)
            chunk = self._change(direction, chunk)
            queue.put_nowait((self._loop.time() + self.delay, chunk))

    async def _write(
        self, connection: Connection, direction: str, queue: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        """Passes each chunk on when it is due and the direction is open; an empty one ends it."""
        writer = connection.writers[direction]
        while True:
            due, chunk = await queue.get()
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            await self._open[direction].wait()
            if connection.is_cancel:
                await self._cancels.wait()
            if not chunk or writer.is_closing():
                break
            if not self._dropping[direction]:
                connection.client_heard |= direction == DOWN
                writer.write(chunk)
        if not connection.is_orphaned:
            writer.close()

    def _trigger(self, direction: str, chunk: bytes) -> None:
        for trigger in list(self._triggers):
            if trigger[0] == direction and trigger[1] in chunk:
                self._triggers.remove(trigger)
                trigger[2]()

    def _change(self, direction: str, chunk: bytes) -> bytes:
        for change in list(self._changes):
            if change[0] == direction and change[1] in chunk:
                self._changes.remove(change)
                chunk = chunk.replace(change[1], change[2])
        return chunk

    def _cut(self) -> None:
        for connection in self.connections:
            connection.cut()

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(self) -> None:
        self._listener.close()
        self._cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _do(self, action: Callable[[], Any]) -> None:
        """Does it in the relay's thread, where it may also have been asked for by a trigger."""
        if threading.current_thread() is self._thread:
            action()
            return

        async def wrapped() -> None:
            action()

        self._call(wrapped())

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)
