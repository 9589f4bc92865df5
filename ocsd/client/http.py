"""Calls to agents over the router's HTTP bridge.

The module uses the standard library only. Each call opens a connection of its own, so
several threads may use one client, and ends in bounded time.
"""

import http.client
import json
from collections.abc import Mapping
from typing import Any

from ocsd.bus.caller import own_words
from ocsd.client.exchange import exchange, reason_of
from ocsd.client.waiting import CALL_LIMIT_S, OperationRun, Reply, waiting
from ocsd.text.logins import without_logins

LONGEST_REQUEST_BYTES = 2**24 - 2**16
"""Size of a call at most: the router carries 16 MiB at a time [bytes]."""
MOST_GROWTH = 3
"""Factor by which arguments grow from JSON to a message at most: ``0.5,`` becomes 9 bytes."""

CONNECTION_ERROR = "client_http.error.connection_error"
REQUEST_ERROR = "client_http.error.request_error"


class ControlClientError(RuntimeError):
    """The router or the agent did not carry out a call.

    Its one argument is the list ``[0, 0, 0, 0, error, args, kwargs]``. `error` is
    a WAMP error URI (``wamp.error.no_such_procedure``: no such agent), or
    ``client_http.error.connection_error`` (no router) or
    ``client_http.error.request_error`` (no answer, or none that can be read). Its
    text is that of the list, because scripts for OCS look for words in it.

    A script may raise it with any other arguments.
    """

    @property
    def error(self) -> str:
        """The error URI; empty if the arguments are not such a list."""
        match self.args:
            case ([_, _, _, _, error, *_],):
                return str(error)
        return ""

    @property
    def reason(self) -> str:
        """The error in words; may be empty."""
        match self.args:
            case ([_, _, _, _, _, list() | tuple() as texts, *_],):
                return ": ".join(map(str, texts))
            case ([_, _, _, _, _, None, *_],):
                return ""
        return str(self)


class ControlClient:
    """Calls one agent.

    Parameters
    ----------
    agent_addr : str
        The agent's address, e.g. ``observatory.fake-data1``.
    url : str
        The router's HTTP bridge, e.g. ``http://localhost:8001/call``.
    realm : str, optional
        Accepted; the bridge has a realm of its own.
    timeout_s : float
        Time that a call may take, beyond the time that the agent is asked to wait [s].
    words : str, optional
        The client's words about itself, by default those of this program.

    Attributes
    ----------
    agent_addr, call_url, realm, timeout_s
        As given.
    """

    def __init__(
        self,
        agent_addr: str,
        url: str,
        realm: str | None = None,
        timeout_s: float = CALL_LIMIT_S,
        words: str = "",
    ) -> None:
        self.agent_addr = agent_addr
        self.call_url = url
        self.realm = realm
        self.timeout_s = timeout_s
        self._words = words

    def start(self, *_args: Any, **_kwargs: Any) -> None:
        """Do nothing; older clients had to be started."""

    def stop(self, *_args: Any, **_kwargs: Any) -> None:
        """Do nothing; older clients had to be stopped."""

    def call(self, procedure: str, *args: Any, **kwargs: Any) -> Any:
        """Call any procedure on the router.

        Parameters
        ----------
        procedure : str
            Its address.
        *args, **kwargs
            Its arguments. A number `timeout` is added to the time limit [s].

        Returns
        -------
        object
            The first result.

        Raises
        ------
        ControlClientError
            If the call was not carried out, or there is no answer in time.
        """
        asked_s = kwargs.get("timeout")
        limit_s = self.timeout_s
        if isinstance(asked_s, (int, float)):
            limit_s += max(0.0, asked_s)
        answer = self._post(procedure, args, kwargs, limit_s)
        if "error" in answer:
            raise _error(answer["error"], answer.get("args"), answer.get("kwargs"))
        return (answer.get("args") or [None])[0]

    def get_api(self, simple: bool = False) -> dict[str, Any]:
        """Return the agent's feeds and operations.

        Parameters
        ----------
        simple : bool
            Return the names only: ``{'feeds': […], 'processes': […], 'tasks': […]}``.

        Returns
        -------
        dict
            ``agent_class instance_hostname instance_pid feeds tasks processes
            access_control``; feeds are ``[name, feed_info]``, operations ``[name,
            session, op_info]``.

        Raises
        ------
        ControlClientError
            As for `call`.
        """
        api: dict[str, Any] = self.call(self.agent_addr, "get_api")
        if not simple:
            return api
        return {
            kind: [entry[0] for entry in api.get(kind, ())]
            for kind in ("feeds", "processes", "tasks")
        }

    def get_tasks(self) -> list[Any]:
        """Return the tasks as ``[name, session, op_info]``."""
        tasks: list[Any] = self.call(self.agent_addr, "get_tasks")
        return tasks

    def get_processes(self) -> list[Any]:
        """Return the processes as ``[name, session, op_info]``."""
        processes: list[Any] = self.call(self.agent_addr, "get_processes")
        return processes

    def get_feeds(self) -> list[Any]:
        """Return the feeds as ``[name, feed_info]``."""
        feeds: list[Any] = self.call(self.agent_addr, "get_feeds")
        return feeds

    def request(
        self, action: str, op_name: str, params: Mapping[str, Any] | None = None, **kw: Any
    ) -> Any:
        """Send a request to an operation.

        Parameters
        ----------
        action : str
            ``start stop abort wait status``.
        op_name : str
            The operation.
        params : dict, optional
            Parameters for ``start``.
        **kw
            ``timeout`` of a ``wait`` [s]: None waits for ever, negative not at all;
            ``password``.

        Returns
        -------
        list or tuple of (int, str, dict)
            Response code, text and session. For ``wait`` see `waiting`.

        Raises
        ------
        ControlClientError
            As for `call`.
        """
        if action != "wait":
            return self.call(f"{self.agent_addr}.ops", action, op_name, params or {}, **kw)
        return self.wait(op_name, kw.pop("timeout", None), **kw)

    def wait(
        self, op_name: str, timeout: float | None = None, run: OperationRun | None = None, **kw: Any
    ) -> Reply:
        """Wait for the end of a run, by a row of short requests.

        Parameters
        ----------
        op_name : str
            The operation.
        timeout : float, optional
            Time limit [s]; None waits for ever, negative not at all.
        run : OperationRun, optional
            The run; by default the present one.
        **kw
            ``password``.

        Raises
        ------
        ControlClientError
            As for `call`.
        """
        steps = waiting(op_name, timeout, run)
        limit_s = next(steps)
        while True:
            answer = self.call(f"{self.agent_addr}.ops", "wait", op_name, {}, timeout=limit_s, **kw)
            try:
                limit_s = steps.send(answer)
            except StopIteration as end:
                reply: Reply = end.value
                return reply

    def special(self, subaddr: str, *args: Any, **kwargs: Any) -> Any:
        """Call the procedure `subaddr` below the agent's address; see `call`."""
        return self.call(f"{self.agent_addr}.{subaddr}", *args, **kwargs)

    def _post(
        self, procedure: str, args: Any, kwargs: Mapping[str, Any], limit_s: float
    ) -> dict[str, Any]:
        url = self.call_url
        body = json.dumps({"procedure": procedure, "args": args, "kwargs": kwargs})
        _check_size(procedure, len(body), [args, kwargs])
        try:
            connect_limit_s, words = min(limit_s, self.timeout_s), self._words or own_words()
            status, content = exchange(url, body.encode(), connect_limit_s, limit_s, words)
        except TimeoutError as error:
            text = f"{procedure} has not answered within {limit_s:g} s ({without_logins(url)})"
            raise _error(REQUEST_ERROR, [text]) from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            # Scripts for OCS take the URL out of the list's text: it ends at an apostrophe.
            texts = [f"Failed to connect to {without_logins(url)}", reason_of(error, url)]
            raise _error(CONNECTION_ERROR, texts) from error
        return _decoded(status, content, url)


def _check_size(procedure: str, body_bytes: int, arguments: Any) -> None:
    """Refuse arguments that the router cannot pass on: the caller would wait in vain.

    Raises
    ------
    ControlClientError
        If they do not fit into a message.
    """
    if body_bytes * MOST_GROWTH <= LONGEST_REQUEST_BYTES:
        return
    size_bytes = message_bytes(arguments)
    if size_bytes > LONGEST_REQUEST_BYTES:
        text = (
            f"the call of {procedure} has {size_bytes:,} bytes; a message can have at most "
            f"{LONGEST_REQUEST_BYTES:,}"
        )
        raise _error(REQUEST_ERROR, [text])


def message_bytes(value: Any) -> int:
    """Return the size of a value in a WAMP message (CBOR), or a little more [bytes]."""
    if isinstance(value, str):
        return 5 + len(value.encode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return 5 + sum(message_bytes(key) + message_bytes(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return 5 + sum(map(message_bytes, value))
    return 9


def _decoded(status: int, content: bytes, url: str) -> dict[str, Any]:
    url = without_logins(url)
    if status == http.client.REQUEST_ENTITY_TOO_LARGE:
        text = f"{url} takes no request of this size (HTTP status {status}): post_body_limit"
        raise _error(REQUEST_ERROR, [f"{text} in the router's configuration"])
    refused = status in {http.client.UNAUTHORIZED, http.client.FORBIDDEN}
    if status != http.client.OK and not (refused and content.startswith(b"{")):
        raise _error(REQUEST_ERROR, [f"{url} answered with HTTP status {status}"])
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        text = f"{url} answered something other than a JSON object: {content[:80]!r}"
        raise _error(REQUEST_ERROR, [text])
    return answer


def _error(uri: str, args: Any = None, kwargs: Any = None) -> ControlClientError:
    return ControlClientError([0, 0, 0, 0, uri, args or [], kwargs or {}])
