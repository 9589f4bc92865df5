"""A wire between agents and router that can be cut."""

import asyncio
import contextlib
import socket
import struct
import threading
from typing import Any

PIECE_BYTES = 2**16
ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER: what is not sent yet is forgotten."""


class Proxy:
    """Passes on what comes to a TCP port of its own, in a thread of its own.

    Parameters
    ----------
    port : int
        The port of the loopback interface to pass on to.
    """

    def __init__(self, port: int) -> None:
        self.port = 0
        self._to = port
        self._loop = asyncio.new_event_loop()
        self._cut = False
        self._links: set[asyncio.Task[None]] = set()
        listening = threading.Event()

        def run() -> None:
            asyncio.set_event_loop(self._loop)
            server = self._loop.run_until_complete(asyncio.start_server(self._link, "127.0.0.1", 0))
            self.port = server.sockets[0].getsockname()[1]
            listening.set()
            self._loop.run_forever()

        threading.Thread(target=run, daemon=True).start()
        listening.wait()

    def stall(self) -> None:
        """Swallow all that is sent from now on; nobody notices."""
        self._loop.call_soon_threadsafe(self._set, True)

    def cut(self) -> None:
        """Close all connections, and take no new ones until `mend`."""

        def cut() -> None:
            self._set(True)
            for each in self._links:
                each.cancel()

        self._loop.call_soon_threadsafe(cut)

    def mend(self) -> None:
        """Pass on again."""
        self._loop.call_soon_threadsafe(self._set, False)

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _set(self, is_cut: bool) -> None:
        self._cut = is_cut

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        writers = [writer]
        try:
            if self._cut or task is None:
                return
            self._links.add(task)
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._to)
            writers.append(to_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass_on(reader, to_writer))
                both.create_task(self._pass_on(to_reader, writer))
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            self._links.discard(task)
            for each in writers:
                _abort(each)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE_BYTES):
            if not self._cut:
                writer.write(piece)
                await writer.drain()
        raise ConnectionResetError


def _abort(writer: asyncio.StreamWriter) -> None:
    link: Any = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    writer.transport.abort()
