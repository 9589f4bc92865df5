"""The client of the daemon's control API: HTTP and JSON over a Unix socket.

It needs nothing but the standard library, and one request opens one connection.
"""

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ocsd.cli.talk import holder, replies
from ocsd.cli.talk.unix_http import Answer, BrokenAnswerError
from ocsd.errors import (
    DaemonRefusedError,
    NoDaemonError,
    NotPermittedError,
    OcsdError,
    SeveralDaemonsError,
    TimedOutError,
    UnfinishedError,
)
from ocsd.system import paths
from ocsd.system.peer import peer_of
from ocsd.system.proc import why_silent

# A daemon answers in milliseconds; one that has not after this long is stuck.
ANSWER_LIMIT_S = 5.0
# The daemon keeps the time limit of a request itself; it is given this much
# longer to say so.
_GRACE_S = 5.0
# Of any change the daemon says at once that it has begun.
_FIRST_ANSWER_LIMIT_S = 10.0
_CONNECT_LIMIT_S = 2.0
# Where a daemon that systemd or root started has its folders: members of its
# group look there too, beside their own.
_SYSTEM_RUNTIME = Path("/run/ocsd")


@dataclass(frozen=True, slots=True)
class DaemonClient:
    """A daemon that listens.

    Parameters
    ----------
    host : str
        The host name that it serves.
    socket_path : Path
        Its control socket.
    """

    host: str
    socket_path: Path

    def status(self, limit_s: float = ANSWER_LIMIT_S) -> dict[str, Any]:
        """Return what the daemon says about its host, as it came.

        Parameters
        ----------
        limit_s : float
            How long to wait for the answer [s].

        Raises
        ------
        NoDaemonError
            If the daemon ends before it has answered.
        TimedOutError
            If it does not answer in time.
        NotPermittedError
            If this user may not ask.
        DaemonRefusedError
            If it refuses, with its own message and exit code.
        """
        with self._answer("GET", "/v1/status", None, limit_s) as answer:
            return _object(answer.read())

    def change(
        self, verb: str, names: tuple[str, ...], limit_s: float
    ) -> Iterator[tuple[dict[str, Any], replies.Event | None]]:
        """Bring instances up or down or restart them, and yield what happens.

        Parameters
        ----------
        verb : str
            ``up``, ``down`` or ``restart``.
        names : tuple of str
            Instance-ids; empty means all of the host.
        limit_s : float
            How long the daemon waits for the result [s].

        Yields
        ------
        tuple of dict and Event
            Each line of the answer, as it came and as a value.

        Raises
        ------
        NoDaemonError, TimedOutError, NotPermittedError, DaemonRefusedError
            As for `status`; nothing has been changed if the daemon refuses.
        """
        body: dict[str, Any] = {"names": list(names)} if names else {"all": True}
        body["timeout_s"] = limit_s
        yield from self._stream(f"/v1/instances/{verb}", body, limit_s + _GRACE_S)

    def reload(
        self, dry_run: bool, limit_s: float | None = None
    ) -> Iterator[tuple[dict[str, Any], replies.Event | None]]:
        """Have the site file taken into use; yield what changed, or would, and what follows.

        Parameters
        ----------
        dry_run : bool
            Only tell what would change.
        limit_s : float, optional
            How long the daemon waits for the result [s]; it does not wait without.

        Yields
        ------
        tuple of dict and Event
            What changed, without an event; then, as `change` does, what becomes of that.

        Raises
        ------
        NoDaemonError, TimedOutError, NotPermittedError, DaemonRefusedError
            As for `status`; nothing has been changed if the daemon refuses.
        """
        body: dict[str, Any] = {"dry_run": dry_run}
        if limit_s is None:
            yield from self._stream("/v1/reload", body, ANSWER_LIMIT_S)
        else:
            body["timeout_s"] = limit_s
            yield from self._stream("/v1/reload", body, limit_s + _GRACE_S, ANSWER_LIMIT_S)

    def stop(self, limit_s: float) -> Iterator[tuple[dict[str, Any], replies.Event | None]]:
        """End everything that the daemon runs, and the daemon; yield as `change` does.

        Raises
        ------
        UnfinishedError
            If the daemon has begun, but not ended everything in time.
        """
        yield from self._stream("/v1/stop", {}, limit_s)

    def upgrade(self, limit_s: float) -> Iterator[dict[str, Any]]:
        """Replace the daemon by the installed version; yield the lines of its answer."""
        with self._answer("POST", "/v1/upgrade", {}, limit_s) as answer:
            for line in answer:
                if line.strip():
                    yield _object(line)

    def _stream(
        self,
        target: str,
        body: Mapping[str, Any],
        limit_s: float,
        first_limit_s: float = _FIRST_ANSWER_LIMIT_S,
    ) -> Iterator[tuple[dict[str, Any], replies.Event | None]]:
        deadline_s = time.monotonic() + limit_s
        with self._answer("POST", target, body, min(limit_s, first_limit_s)) as answer:
            while line := self._line(answer, deadline_s, limit_s):
                if line.strip():
                    data = _object(line)
                    yield data, replies.event(data)

    def _line(self, answer: Answer, deadline_s: float, limit_s: float) -> bytes:
        try:
            return answer.line_before(deadline_s)
        except TimeoutError as error:
            pid = peer_of(answer.connection).pid
            what = why_silent(pid) or f"has not finished within {limit_s:g} s, but goes on"
            daemon = f"the daemon of host '{self.host}' (pid {pid})"
            raise UnfinishedError(f"{daemon} {what}; see: ocsd status") from error

    @contextmanager
    def _answer(
        self, method: str, target: str, body: Mapping[str, Any] | None, limit_s: float
    ) -> Iterator[Answer]:
        try:
            connection = _connected(self.socket_path, limit_s)
        except (FileNotFoundError, ConnectionError) as error:
            raise self._ended() from error
        except PermissionError as error:
            raise _not_permitted([self.socket_path]) from error
        except TimeoutError as error:
            raise self._silent(limit_s, None) from error
        try:
            answer = Answer(connection, method, target, None if body is None else json.dumps(body))
            if answer.status >= 400:
                raise _refusal(answer.status, answer.read())
            yield answer
        except TimeoutError as error:
            raise self._silent(limit_s, connection, _changes(method, body)) from error
        except (BrokenAnswerError, ConnectionError) as error:
            raise self._ended() from error
        finally:
            connection.close()

    def _silent(
        self, limit_s: float, connection: socket.socket | None, changes: bool = False
    ) -> TimedOutError:
        pid = 0 if connection is None else peer_of(connection).pid
        if pid and (frozen := why_silent(pid)):
            then = "; what was asked for is done when it goes on" if changes else ""
            return TimedOutError(f"the daemon of host '{self.host}' (pid {pid}) {frozen}{then}")
        who = f"pid {pid}, {self.socket_path}" if pid else f"{self.socket_path}"
        return TimedOutError(
            f"the daemon of host '{self.host}' has not answered within {limit_s:g} s "
            f"({who}); look at its log with: ocsd logs ocsd"
        )

    def _ended(self) -> NoDaemonError:
        return NoDaemonError(
            f"the daemon of host '{self.host}' ended before it had answered; "
            "look at its log with: ocsd logs ocsd"
        )


def find(host: str | None = None, limit_s: float = _CONNECT_LIMIT_S) -> DaemonClient:
    """Return the daemon that a command is meant for.

    Parameters
    ----------
    host : str, optional
        Its host name; not needed where one daemon runs.
    limit_s : float
        How long to wait for a daemon to accept [s].

    Raises
    ------
    NoDaemonError
        If none runs, or none for `host`.
    SeveralDaemonsError
        If several run and `host` is not given.
    NotPermittedError
        If one runs but this user may not speak to it.
    """
    daemons, denied = _look(host, limit_s)
    if len(daemons) == 1:
        return daemons[0]
    if daemons:
        names = ", ".join(daemon.host for daemon in daemons)
        raise SeveralDaemonsError(
            f"daemons of several hosts run on this machine ({names}); add --host and one of them"
        )
    if denied:
        raise _not_permitted(denied)
    raise NoDaemonError(_none_runs(host))


def find_all(limit_s: float = _CONNECT_LIMIT_S) -> list[DaemonClient]:
    """Return every daemon that runs on this machine and that this user may speak to."""
    return _look(None, limit_s)[0]


def runtime_folders() -> list[Path]:
    """Return the folders in which daemons of this machine may have their folders."""
    own = paths.runtime_base()
    given = "RUNTIME_DIRECTORY" in os.environ
    return [own] if given or own == _SYSTEM_RUNTIME else [own, _SYSTEM_RUNTIME]


def _look(host: str | None, limit_s: float) -> tuple[list[DaemonClient], list[Path]]:
    daemons: list[DaemonClient] = []
    denied: list[Path] = []
    for folder in runtime_folders():
        try:
            names = [host] if host else sorted(os.listdir(folder))
        except PermissionError:
            denied.append(folder)
            continue
        except OSError:
            continue  # nothing ever ran there
        for name in names:
            place = replace(paths.of_host(name), runtime=folder / name).control_socket
            try:
                listens = _listens(place, limit_s)
            except PermissionError:
                denied.append(place)
            else:
                daemons += [DaemonClient(name, place)] if listens else []
    return daemons, denied


def _listens(place: Path, limit_s: float) -> bool:
    try:
        _connected(place, limit_s).close()
    except PermissionError:
        raise
    except TimeoutError:
        return True  # but does not accept, as the request will tell
    except OSError:
        return False  # no socket, or one whose daemon was killed
    return True


def _connected(place: Path, limit_s: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(limit_s)
        connection.connect(str(place))
    except BaseException:
        connection.close()
        raise
    return connection


def _none_runs(host: str | None) -> str:
    unreachable = holder.of_any() if host is None else [holder.of_host(host)]
    if any(unreachable):
        return "; ".join(unreachable)
    places = " and ".join(str(folder) for folder in runtime_folders())
    if host is None:
        return f"no daemon is running (looked in {places}); start one with: ocsd start"
    others = ", ".join(daemon.host for daemon in find_all())
    running = f"the running ones are: {others}" if others else f"looked in {places}"
    return (
        f"no daemon for host '{host}' is running ({running}); "
        f"start it with: ocsd start --host {host}"
    )


def _not_permitted(places: list[Path]) -> NotPermittedError:
    listed = ", ".join(str(place) for place in places)
    return NotPermittedError(
        f"this user may not speak to the daemon ({listed}); use its owner's account, "
        "join its group, or use sudo"
    )


def _changes(method: str, body: Mapping[str, Any] | None) -> bool:
    """Whether a request, once it is read, changes anything."""
    return method == "POST" and not (body or {}).get("dry_run")


def _object(text: bytes) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise OcsdError(
            f"the daemon answered something that is no JSON object: {text[:80]!r}; "
            "are the ocsd of this command and of the daemon of one release?"
        )
    return data


def _refusal(status: int, text: bytes) -> OcsdError:
    try:
        error = json.loads(text)["error"]
        return DaemonRefusedError(str(error["message"]), int(error.get("exit_code", 1)))
    except (ValueError, KeyError, TypeError):
        return OcsdError(
            f"the daemon answered HTTP status {status} without a reason; "
            "are the ocsd of this command and of the daemon of one release?"
        )
