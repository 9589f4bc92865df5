"""What a simulated device gives to the examination."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from ocsd.testing import TcpDevice


@dataclass(frozen=True)
class Simulated:
    """A device that answers, and how to see that its agent acquires from it."""

    arguments: Sequence[object]
    """For the agent's command line."""
    feed: str = ""
    """The feed that shall carry the values; empty where `seen` tells."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Fields and what the device measures."""
    operations: Sequence[tuple[str, Mapping[str, Any]]] = ()
    """What has to be started, where the agent does not do so by itself."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What the agent reads from its environment."""
    seen: Callable[[], bool] | None = None
    """Whether the device has got what it waits for."""

    def __post_init__(self) -> None:
        if not self.values and self.seen is None:
            raise ValueError("a simulated device without values shows nothing")


Simulator = Callable[[Path], AbstractContextManager[Simulated]]
"""Called with an empty folder."""


class DeviceAt(TcpDevice):
    """A device on a loopback address of its own, for drivers with a port built in."""

    def __init__(
        self, host: str, port: int, answer: Callable[[bytes], bytes | None], **kw: Any
    ) -> None:
        super().__init__(answer, port=port, **kw)
        self.host = host


def replies(table: Mapping[str, str]) -> Callable[[bytes], bytes | None]:
    """Return a device's behaviour from its replies to whole requests; silent to all others."""

    def answer(request: bytes) -> bytes | None:
        reply = table.get(request.decode("latin-1").strip())
        return None if reply is None else reply.encode("latin-1")

    return answer


@contextmanager
def repeating(act: Callable[[], object], every_s: float = 0.5) -> Iterator[None]:
    """Do something again and again in a thread."""
    end = Event()

    def loop() -> None:
        while not end.wait(every_s):
            with suppress(OSError):
                act()

    thread = Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
