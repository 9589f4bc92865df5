"""Requests to Docker's HTTP API, or podman's, over its Unix socket."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from twisted.internet.protocol import ClientFactory, Protocol, connectionDone

from ocsd.bus.caller import user_name
from ocsd.containers.engine import EngineSocket, why_unreachable
from ocsd.containers.inspected import Container, ListedContainer, container, row
from ocsd.containers.stream import Body, answer, message_of, request
from ocsd.errors import ContainerEngineError, EngineAwayError, UnreachableError
from ocsd.reactor.unix_exchange import exchange

ENGINE_ANSWER_LIMIT_S: Final = 5.0
"""Time in which Docker has to answer a question [s]."""
TAIL_LINES: Final = 20

_ERROR_NUMBER: Final = re.compile(r".*\((\d+)\)")
_NOT_FOUND: Final = 404
_FIRST_REFUSAL: Final = 400


@dataclass(eq=False)
class Engine:
    """The container engine of this host."""

    reactor: Any
    endpoint: EngineSocket

    async def rows(self) -> list[ListedContainer]:
        """Return all containers that docker compose has made, running or not.

        Raises
        ------
        ContainerEngineError
            As all methods here, if Docker does not answer, or refuses.
        """
        listed = json.loads(await self._ask("GET", "/containers/json", all="1"))
        return [each for each in map(row, listed) if each is not None]

    async def container(self, container_id: str) -> Container | None:
        """Return a container; None if there is none."""
        body = await self._ask("GET", f"/containers/{container_id}/json")
        return container(json.loads(body)) if body else None

    async def tail(self, container_id: str) -> bytes:
        """Return the end of a container's output, in frames unless it is a terminal's."""
        return await self.output(
            container_id, {"stdout": "1", "stderr": "1", "tail": str(TAIL_LINES)}
        )

    async def output(self, container_id: str, query: dict[str, str]) -> bytes:
        """Return the output of a container, in frames unless it is a terminal's."""
        return await self._ask(
            "GET", f"/containers/{container_id}/logs", limit_s=ENGINE_ANSWER_LIMIT_S, **query
        )

    async def image_id(self, image: str) -> str:
        """Return the id of an image of this host; empty if it is not here."""
        body = await self._ask("GET", f"/images/{quote(image, safe='/:@')}/json")
        return str(json.loads(body).get("Id") or "") if body else ""

    async def stop(self, container_id: str, limit_s: float) -> None:
        """End a container as its compose file says: a signal, time, then SIGKILL."""
        await self._ask("POST", f"/containers/{container_id}/stop", limit_s=limit_s)

    async def kill(self, container_id: str, signal_name: str) -> None:
        """Send a signal to a container."""
        await self._ask("POST", f"/containers/{container_id}/kill", signal=signal_name)

    async def remove(self, container_id: str) -> None:
        """Remove a container, with force if it runs."""
        await self._ask("DELETE", f"/containers/{container_id}", force="1", limit_s=30.0)

    def follow(
        self,
        path: str,
        query: dict[str, str],
        on_data: Callable[[bytes], None],
        on_end: Callable[[], None],
    ) -> "EngineStream":
        """Read an answer that goes on and on, until it ends."""
        stream = EngineStream(request("GET", path, **query), on_data, on_end)
        self.reactor.connectUNIX(self.endpoint.path, stream, timeout=ENGINE_ANSWER_LIMIT_S)
        return stream

    async def _ask(
        self, method: str, path: str, *, limit_s: float = ENGINE_ANSWER_LIMIT_S, **query: str
    ) -> bytes:
        """Return the body of an answer; empty if there is no such container or image."""
        if self.endpoint.trouble:
            raise ContainerEngineError(self.endpoint.trouble)
        asked = request(method, path, **query)
        try:
            raw = await exchange(self.reactor, Path(self.endpoint.path), asked, limit_s)
            status, body = answer(raw)
        except UnreachableError as error:
            said = _in_words(str(error))
            why = why_unreachable(self.endpoint.path, said, user_name())
            raise EngineAwayError(why) from None
        except ValueError as error:
            raise ContainerEngineError(f"{self.endpoint.path}: {error}") from None
        if status == _NOT_FOUND:
            return b""
        if status >= _FIRST_REFUSAL:
            raise ContainerEngineError(f"Docker refuses {method} {path}: {message_of(body)}")
        return body


def _in_words(said: str) -> str:
    """Return the words for the number of the kernel's error, if there is one."""
    found = _ERROR_NUMBER.match(said)
    return os.strerror(int(found.group(1))) if found else said


class EngineStream(ClientFactory):
    """An answer that goes on and on: events, or the output of a container (IProtocolFactory)."""

    noisy = False

    def __init__(
        self, asked: bytes, on_data: Callable[[bytes], None], on_end: Callable[[], None]
    ) -> None:
        self.asked = asked
        self.on_data = on_data
        self.on_end = on_end
        self._conversation: _EngineConversation | None = None

    def buildProtocol(self, _addr: Any) -> "_EngineConversation":
        """Return the conversation of the connection that was made."""
        self._conversation = _EngineConversation(self)
        return self._conversation

    def clientConnectionFailed(self, _connector: Any, _reason: Any) -> None:
        """Report the end: there was no connection."""
        self.on_end()

    def leave(self) -> None:
        """Hear nothing more of it, not even its end."""
        self.on_data, self.on_end = _ignore, _ignore
        if self._conversation is not None and self._conversation.transport is not None:
            self._conversation.transport.abortConnection()


def _ignore(*_: object) -> None:
    pass


class _EngineConversation(Protocol):
    # Any: Twisted's interfaces are zope's, which mypy cannot match with classes.
    transport: Any

    def __init__(self, stream: EngineStream) -> None:
        self._stream = stream
        self._body = Body()

    def connectionMade(self) -> None:
        self.transport.write(self._stream.asked)

    def dataReceived(self, data: bytes) -> None:
        try:
            body = self._body.take(data)
        except ValueError:
            self.transport.abortConnection()
            return
        if self._body.status >= _FIRST_REFUSAL:
            self.transport.abortConnection()
        elif body:
            self._stream.on_data(body)

    def connectionLost(self, reason: Any = connectionDone) -> None:
        self._stream.on_end()
