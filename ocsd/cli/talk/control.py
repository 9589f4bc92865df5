"""The client of the daemon's control API: HTTP and JSON over a Unix socket.

It needs nothing but the standard library, and one request opens one connection.
"""

import json
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ocsd.cli.talk import holder, unit_state
from ocsd.cli.talk.hosts import foreign_folders, places_of, runtime_folders
from ocsd.cli.talk.unix_http import Answer, BrokenAnswerError
from ocsd.errors import (
    DaemonRefusedError,
    ForeignDaemonError,
    NoDaemonError,
    NotPermittedError,
    OcsdError,
    SeveralDaemonsError,
    TimedOutError,
    UnfinishedError,
)
from ocsd.system.paths import HostPaths
from ocsd.system.peer import peer_of
from ocsd.system.proc import why_silent
from ocsd.text.reason import clause

if TYPE_CHECKING:
    from ocsd.status.changes import Line

_STUCK_AFTER_S = 5.0
"""Time after which a daemon that has not answered is stuck: others answer in milliseconds [s]."""

_RESULT_GRACE_S = 5.0
"""Time for the daemon to report that a request's own time limit is over [s]."""

_BEGIN_LIMIT_S = 10.0
"""Time in which the daemon reports that it has begun with a change [s]."""

_HOOK_ANSWER_LIMIT_S = 40.0
"""Time in which a hook has ended, or the daemon has killed it [s]."""

_ACCEPT_LIMIT_S = 2.0
_RELEASES = "are the ocsd of this command and of the daemon of one release?"


class DaemonClient(NamedTuple):
    """The client of a daemon that listens."""

    host: str
    """Name of the host that it serves."""
    socket_path: Path
    """Its control socket."""

    def status(self, limit_s: float = _STUCK_AFTER_S) -> dict[str, Any]:
        """Return the answer of ``GET /v1/status``, which has to come within `limit_s`.

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
        return self.ask("/v1/status", limit_s=limit_s)

    def change(
        self,
        verb: str,
        instance_ids: tuple[str, ...],
        limit_s: float,
        *,
        leave_put_down: bool = False,
    ) -> "Iterator[Line]":
        """Bring instances ``up`` or ``down``, or ``restart`` them; yield the lines of the answer.

        Without instance-ids, all of the host are meant, or with `leave_put_down` those that nobody
        has put down singly. The daemon waits `limit_s` for the result.

        Raises
        ------
        NoDaemonError, TimedOutError, NotPermittedError, DaemonRefusedError
            As for `status`; nothing has been changed if the daemon refuses.
        """
        body: dict[str, Any] = {"timeout_s": limit_s, "all": True}
        if leave_put_down:
            body["leave_put_down"] = True
        if instance_ids:
            body = {"timeout_s": limit_s, "names": list(instance_ids)}
        yield from self._stream(f"/v1/instances/{verb}", body, limit_s + _RESULT_GRACE_S)

    def reload(
        self, dry_run: bool, limit_s: float | None = None, text: str | None = None
    ) -> "Iterator[Line]":
        """Have the daemon read the site file; yield the changes, then the lines as `change` does.

        A dry run only reports what would change, or what a `text` in its place would. Without
        `limit_s` the daemon does not wait.

        Raises
        ------
        NoDaemonError, TimedOutError, NotPermittedError, DaemonRefusedError
            As for `status`; nothing has been changed if the daemon refuses.
        """
        body: dict[str, Any] = {"dry_run": dry_run} | ({} if text is None else {"text": text})
        answer_s = _BEGIN_LIMIT_S
        if limit_s is not None:
            body["timeout_s"] = limit_s
            answer_s = limit_s + _RESULT_GRACE_S
        yield from self._stream("/v1/reload", body, answer_s)

    def stop(self, limit_s: float) -> "Iterator[Line]":
        """End everything that the daemon runs, and the daemon; yield as `change` does.

        Raises
        ------
        UnfinishedError
            If the daemon has begun, but not ended everything in time.
        """
        yield from self._stream("/v1/stop", {}, limit_s)

    def ask(
        self, target: str, body: Mapping[str, Any] | None = None, limit_s: float = _STUCK_AFTER_S
    ) -> dict[str, Any]:
        """Return the answer to a GET, or with a `body` to a POST; it raises as `status` does."""
        with self._answer(target, body, limit_s) as answer:
            return _object(answer.read())

    def try_hook(self, occasion: str, instance_id: str | None) -> dict[str, Any]:
        """Run the hook of an occasion, as if it had happened; return what came of it.

        Raises
        ------
        NoDaemonError, TimedOutError, NotPermittedError, DaemonRefusedError
            As for `status`; the daemon refuses what it has no hook or no instance for.
        """
        body = {"occasion": occasion, "instance_id": instance_id}
        for line, _ in self._stream("/v1/hooks", body, _HOOK_ANSWER_LIMIT_S):
            return line
        raise self._ended()

    def record(self, action: str, target: str, parameters: Mapping[str, Any], kind: str) -> None:
        """Have the daemon write down what a command has done; it raises as `status` does."""
        body = {"action": action, "target": target, "parameters": parameters, "kind": kind}
        self.ask("/v1/audit", body)

    def upgrade(self, limit_s: float, *, dry_run: bool = False) -> Iterator[dict[str, Any]]:
        """Replace the daemon by the installed version, or only try it; yield the answer's lines."""
        with self._answer("/v1/upgrade", {"dry_run": dry_run}, limit_s) as answer:
            for line in answer:
                if line.strip():
                    yield _object(line)

    def _stream(
        self,
        target: str,
        body: Mapping[str, Any],
        limit_s: float,
        begin_limit_s: float = _BEGIN_LIMIT_S,
    ) -> "Iterator[Line]":
        from ocsd.status import changes

        deadline_s = time.monotonic() + limit_s
        with self._answer(target, body, min(limit_s, begin_limit_s)) as answer:
            while line := self._line(answer, deadline_s, limit_s):
                if line.strip():
                    data = _object(line)
                    yield data, changes.event(data)

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
        self, target: str, body: Mapping[str, Any] | None, limit_s: float
    ) -> Iterator[Answer]:
        try:
            connection = _connected(self.socket_path, limit_s)
        except (FileNotFoundError, ConnectionError) as error:
            raise self._ended() from error
        except PermissionError as error:
            raise _not_permitted([self.socket_path]) from error
        except TimeoutError as error:
            raise self._silent(limit_s, str(self.socket_path)) from error
        try:
            answer = Answer(connection, target, body)
            if answer.status >= 400:
                raise _refusal(answer.status, answer.read())
            yield answer
        except TimeoutError as error:
            raise self._unanswered(peer_of(connection).pid, body, limit_s) from error
        except (BrokenAnswerError, ConnectionError) as error:
            raise self._ended() from error
        finally:
            connection.close()

    def _unanswered(
        self, pid: int, body: Mapping[str, Any] | None, limit_s: float
    ) -> TimedOutError:
        frozen = why_silent(pid)
        if not frozen:
            return self._silent(limit_s, f"pid {pid}, {self.socket_path}")
        if body is not None and not body.get("dry_run"):
            frozen += "; what was asked for is done when it goes on"
        return TimedOutError(f"the daemon of host '{self.host}' (pid {pid}) {frozen}")

    def _silent(self, limit_s: float, which: str) -> TimedOutError:
        return TimedOutError(
            f"the daemon of host '{self.host}' has not answered within {limit_s:g} s "
            f"({which}); look at its log with: ocsd logs ocsd"
        )

    def _ended(self) -> NoDaemonError:
        return NoDaemonError(
            f"the daemon of host '{self.host}' ended before it had answered; "
            "look at its log with: ocsd logs ocsd"
        )


def find(host: str | None = None, limit_s: float = _ACCEPT_LIMIT_S) -> DaemonClient:
    """Return the daemon that a command is meant for, if it accepts within `limit_s`.

    A daemon whose folders the environment does not name may be another one of that host name; the
    error says how to reach it.

    Raises
    ------
    NoDaemonError
        If none runs, or none for `host`.
    SeveralDaemonsError
        If several run and `host` is not given.
    NotPermittedError
        If one runs but this user may not speak to it.
    """
    daemons, denied = _search(host, limit_s)
    if len(daemons) == 1:
        return daemons[0]
    if daemons:
        raise SeveralDaemonsError(_several(daemons))
    if denied:
        raise _not_permitted(denied)
    raise _none_runs(host)


def find_all(limit_s: float = _ACCEPT_LIMIT_S) -> list[DaemonClient]:
    """Return every daemon that runs on this machine and that this user may speak to."""
    return _search(None, limit_s)[0]


def _search(host: str | None, limit_s: float) -> tuple[list[DaemonClient], list[Path]]:
    """Return the daemons that listen, and the places that this user may not use."""
    candidates, denied = places_of(host)
    daemons, closed = _listening(candidates, limit_s)
    return daemons, denied + closed


def _listening(
    candidates: Iterable[HostPaths], limit_s: float
) -> tuple[list[DaemonClient], list[Path]]:
    daemons: list[DaemonClient] = []
    denied: list[Path] = []
    for places in candidates:
        try:
            if _listens(places.control_socket, limit_s):
                daemons.append(DaemonClient(places.host, places.control_socket))
        except PermissionError:
            denied.append(places.control_socket)
    return daemons, denied


def _listens(place: Path, limit_s: float) -> bool:
    try:
        _connected(place, limit_s).close()
    except PermissionError:
        raise
    except TimeoutError:
        return True  # but does not accept, as the request will show
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


def _several(daemons: Sequence[DaemonClient]) -> str:
    hosts = [daemon.host for daemon in daemons]
    if len(set(hosts)) == len(hosts):
        names = ", ".join(hosts)
        return f"daemons of several hosts run on this machine ({names}); add --host and one of them"
    places = ", ".join(str(daemon.socket_path.parent) for daemon in daemons)
    return (
        "RUNTIME_DIRECTORY and STATE_DIRECTORY of this shell lead to different daemons "
        f"({places}); set both to the folders of one"
    )


def _none_runs(host: str | None) -> NoDaemonError:
    """Return the error for a daemon that is not there, with the next step."""
    if found := holder.describe(host):
        return NoDaemonError(found)
    looked_in = f"looked in {' and '.join(map(str, runtime_folders()))}"
    hosts = [host] if host else [each.host for each in places_of(None)[0]]
    if unit := unit_state.starting(hosts):
        daemon = clause(" for host ", host or "")
        text = f"no daemon{daemon} is running yet; systemd starts it: systemctl status {unit}"
        return NoDaemonError(text)
    # Whoever had a daemon of his own wants that, and not to be led to another one.
    if not _had_daemon(host) and (folders := foreign_folders(host)):
        return ForeignDaemonError(_others_run(host, looked_in, folders))
    return NoDaemonError(_to_start(host, looked_in))


def _to_start(host: str | None, looked_in: str) -> str:
    """Return the message that a daemon has to be started."""
    if host is None:
        return f"no daemon is running ({looked_in}); start one with: ocsd start"
    others = ", ".join(daemon.host for daemon in find_all())
    if others:
        looked_in = f"the running ones are: {others}"
    return (
        f"no daemon for host '{host}' is running ({looked_in}); "
        f"start it with: ocsd start --host {host}"
    )


def _had_daemon(host: str | None) -> bool:
    """Return whether a daemon of this shell's folders ran, and did not end in order."""
    return any(each.control_socket.exists() for each in places_of(host)[0])


def _others_run(host: str | None, looked_in: str, folders: list[Path]) -> str:
    """Return the message that ocsd runs with other folders than those of the environment."""
    import shlex

    words = shlex.join(["ocsd", *sys.argv[1:]])
    found = ", ".join(
        f"host '{each.name}' in {each} (RUNTIME_DIRECTORY={each.parent} {words})"
        for each in folders
    )
    return (
        f"no daemon{clause(' for host ', host or '')} is running with the folders of this shell "
        f"({looked_in}), but ocsd runs with others: {found}. To speak to one, be its user and name "
        "its folder, as in brackets"
    )


def _not_permitted(places: list[Path]) -> NotPermittedError:
    listed = ", ".join(map(str, places))
    return NotPermittedError(
        f"this user may not speak to the daemon ({listed}); use its owner's account, "
        "join its group, or use sudo"
    )


def _object(text: bytes) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise OcsdError(
            f"the daemon answered something that is not a JSON object: {text[:80]!r}; {_RELEASES}"
        )
    return data


def _refusal(status: int, text: bytes) -> OcsdError:
    try:
        error = json.loads(text)["error"]
        return DaemonRefusedError(str(error["message"]), int(error.get("exit_code", 1)))
    except (ValueError, KeyError, TypeError):
        return OcsdError(f"the daemon answered HTTP status {status} without a reason; {_RELEASES}")
