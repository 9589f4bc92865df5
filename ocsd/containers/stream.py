"""The bytes of Docker's HTTP API: requests, answers, events, and the output of containers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from ocsd.containers.inspected import unix_time

_FRAME_HEADER: Final = 8
_SECOND_NS: Final = 10**9
_TIME_LENGTH: Final = 19
"""Characters of a date and a time, as in 2026-11-30T00:00:00."""


def request(method: str, path: str, **query: str) -> bytes:
    """Return a request. It is one of HTTP/1.0, whose answer ends with the connection."""
    question = "?" * bool(query)
    head = f"{method} {path}{question}{urlencode(query)} HTTP/1.0\r\nHost: docker\r\n"
    return f"{head}Content-Length: 0\r\n\r\n".encode()


def answer(raw: bytes) -> tuple[int, bytes]:
    """Return the status code and the body of an answer.

    Raises
    ------
    ValueError
        If it is none.
    """
    head, mark, body = raw.partition(b"\r\n\r\n")
    words = head.split(None, 2)
    if not mark or len(words) < 2 or not words[0].startswith(b"HTTP/"):
        raise ValueError(f"it answers something else than HTTP: {raw[:60]!r}")
    return int(words[1]), body


def message_of(body: bytes) -> str:
    """Return the reason in the body of a refusal."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, TypeError, KeyError):
        return body[:200].decode("utf-8", "replace").strip()


def events_query() -> dict[str, str]:
    """Return the query of the events that matter here."""
    actions = ("start", "die", "oom", "destroy", "pause", "unpause", "health_status")
    return {"filters": json.dumps({"type": ["container"], "event": actions})}


def event(line: bytes) -> tuple[str, int | None]:
    """Return the container of an event, and its exit code if it is an end; "" if it is none."""
    try:
        told = json.loads(line)
        actor: Mapping[str, Any] = told["Actor"]
        attributes = actor.get("Attributes") or {}
        container_id = str(actor["ID"])
    except (ValueError, TypeError, KeyError):
        return "", None
    code = attributes.get("exitCode", attributes.get("containerExitCode"))
    if told.get("Action") in {"die", "died"} and str(code).isdigit():
        return container_id, int(str(code))
    return container_id, None


@dataclass(eq=False)
class Body:
    """Takes the head off an answer that comes in pieces, and cuts the rest into lines."""

    status: int = 0
    """The status code; 0 until it is known."""
    _held: bytes = b""

    def take(self, data: bytes) -> bytes:
        """Return the part of the body that `data` brings."""
        if self.status:
            return data
        self._held += data
        if b"\r\n\r\n" not in self._held:
            return b""
        self.status, body = answer(self._held)
        self._held = b""
        return body


@dataclass(eq=False)
class ByteLines:
    """Cuts bytes that come in pieces into whole lines."""

    longest: int = 2**20
    _held: bytes = b""

    def take(self, data: bytes) -> Iterator[bytes]:
        """Yield the lines that are whole now, without their ends; a line too long is cut."""
        self._held += data
        *whole, self._held = self._held.split(b"\n")
        yield from whole
        if len(self._held) > self.longest:
            yield self._held
            self._held = b""

    def rest(self) -> bytes:
        """Return what came after the last line, for nothing more comes."""
        rest, self._held = self._held, b""
        return rest


@dataclass(eq=False)
class Frames:
    """Takes the output of a container out of the frames in which Docker sends it.

    Each begins with 8 bytes: the stream (1: stdout, 2: stderr), and at the end the length. The
    output of a terminal comes without.
    """

    is_terminal: bool = False
    _held: bytes = b""

    def take(self, data: bytes) -> bytes:
        """Return the output that `data` completes."""
        if self.is_terminal:
            return data
        self._held += data
        parts: list[bytes] = []
        begin, held = 0, self._held
        while len(held) >= (text := begin + _FRAME_HEADER):
            end = text + int.from_bytes(held[text - 4 : text], "big")
            if len(held) < end:
                break
            parts.append(held[text:end])
            begin = end
        self._held = held[begin:]
        return b"".join(parts)


@dataclass(eq=False)
class LogLines:
    """Turns the output of a container, with Docker's times, into lines of a log.

    Each line has a stamp [ns], by which it is known whether it is in the log already: its time,
    and for an engine that tells whole seconds only (podman) its number within the second as well.
    A line that does not begin with a time of its own gets Docker's.
    """

    after_ns: int = 0
    """The stamp of the newest line that is in the log."""
    _lines: ByteLines = field(default_factory=ByteLines)
    _second: str = ""
    _number: int = 0

    def __post_init__(self) -> None:
        self._begin_ns = self.after_ns

    def take(self, data: bytes) -> list[bytes]:
        """Return the new lines for the log, with their ends."""
        return [line for line in map(self._line, self._lines.take(data)) if line]

    def rest(self) -> list[bytes]:
        """Return the last line for the log if it has no end, for nothing more comes."""
        rest = self._lines.rest()
        line = self._line(rest) if rest else b""
        return [line] if line else []

    def _line(self, raw: bytes) -> bytes:
        told, _, text = raw.rstrip(b"\r").partition(b" ")
        time = told.decode("ascii", "replace")
        stamp_ns = self._stamp_ns(time)
        # Only what was there before: stdout and stderr may come out of order, and clocks are set.
        if stamp_ns <= self._begin_ns:
            return b""
        self.after_ns = max(self.after_ns, stamp_ns)
        if _begins_with_time(text):
            return text + b"\n"
        return told + b" " + text + b"\n"

    def _stamp_ns(self, time: str) -> int:
        second, _, fraction = time.rstrip("Z").partition(".")
        whole_ns = int(unix_time(f"{second[:_TIME_LENGTH]}Z")) * _SECOND_NS
        if fraction:
            return whole_ns + int(fraction.rstrip("Z").ljust(9, "0")[:9])
        self._number = self._number + 1 if second == self._second else 1
        self._second = second
        return whole_ns + self._number


def logs_query(after_ns: int, *, follow: bool) -> dict[str, str]:
    """Return the query of the output of a container since a stamp [ns]: so far, or on and on."""
    query = {"stdout": "1", "stderr": "1", "timestamps": "1", "follow": str(int(follow))}
    if after_ns:
        query["since"] = str(after_ns // _SECOND_NS)
    return query


def last_line(output: bytes) -> str:
    """Return the last line of output that says something."""
    lines: Sequence[str] = output.decode("utf-8", "replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _begins_with_time(text: bytes) -> bool:
    return text[:4].isdigit() and text[4:5] == b"-" and text[:_TIME_LENGTH].count(b":") == 2
