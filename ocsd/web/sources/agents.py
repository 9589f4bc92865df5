"""The operations of agents, through the router's HTTP bridge."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from ocsd.access.roles import Role
from ocsd.client.http import CONNECTION_ERROR, REQUEST_ERROR, ControlClient, ControlClientError
from ocsd.site.values.hub import HubValues
from ocsd.text.logins import without_logins
from ocsd.text.nearest import did_you_mean
from ocsd.web.login.viewer import Viewer, check_role
from ocsd.web.refusals import AwayError, MissingError, RequestRefusedError
from ocsd.web.sources.records import check_instance

CALL_LIMIT_S: Final = 10.0
"""Time that an agent has for its answer [s]."""

OPERATION_ACTIONS: Final = ("start", "stop", "abort")
_NO_AGENTS: Final = {"router": "the site's router", "ocsd": "the daemon"}
_NO_AGENT: Final = "wamp.error.no_such_procedure"
_NO_CALLER: Final = "unexpected keyword argument 'caller'"
"""In the error of an agent of the published OCS, which asks nobody for whom a call is."""


class Agents:
    """Calls agents; each method waits for the answer, and is called in a thread.

    `page` is the instance-id of the page, which is no agent.
    """

    def __init__(
        self, hub: HubValues, page: str, client: Callable[..., ControlClient] = ControlClient
    ) -> None:
        self._hub = hub
        self._no_agents = {**_NO_AGENTS, page: "the page itself"}
        self._client_of = client

    def operations(self, name: str) -> list[dict[str, Any]]:
        """Return the operations of an agent, as `GET instances/NAME/operations` answers.

        Raises
        ------
        AwayError, MissingError, RequestRefusedError
            If it cannot be asked.
        """
        with _explaining(name):
            api = self._client(name).get_api()
        return operations_of(api)

    def status(self, name: str, operation: str) -> Mapping[str, Any] | None:
        """Return the session of an operation; None if it has never run.

        Raises
        ------
        AwayError, MissingError, RequestRefusedError
            If it cannot be asked.
        """
        return dict(self._ask(name, operation, "status", {}, None)[2]) or None

    def request(
        self, name: str, operation: str, action: str, params: Mapping[str, Any], viewer: Viewer
    ) -> dict[str, Any]:
        """Start, stop or abort an operation for somebody; return the answer.

        Raises
        ------
        AwayError, MissingError, RequestRefusedError
            If it cannot be asked.
        """
        status, message, session = self._ask(name, operation, action, params, viewer)
        return {"status": status, "message": message, "session": session or None}

    def _ask(
        self,
        name: str,
        operation: str,
        action: str,
        params: Mapping[str, Any],
        viewer: Viewer | None,
    ) -> tuple[int, str, Mapping[str, Any]]:
        with _explaining(name):
            answer = self._answer(name, operation, action, params, viewer)
        if not isinstance(answer, list | tuple) or len(answer) != 3:
            raise RequestRefusedError(f"{name} answered something that is no answer of an agent")
        status, message, session = answer
        if status != 0 and not session:
            self._check_operation(name, operation)
        return int(status), str(message), dict(session or {})

    def _answer(
        self,
        name: str,
        operation: str,
        action: str,
        params: Mapping[str, Any],
        viewer: Viewer | None,
    ) -> Any:
        """Return the answer of an agent to a person, whose rights count and not ours."""
        if viewer is None:
            return self._client(name).request(action, operation, params)
        client, caller = self._client(name, viewer.words), viewer.caller()
        if caller is None:
            return client.request(action, operation, params)
        try:
            return client.request(action, operation, params, caller=caller)
        except ControlClientError as error:
            if _NO_CALLER not in error.reason:
                raise
        # An agent of the published OCS knows one level only, which an operator has.
        check_role(viewer, Role.OPERATOR, f"{action} of {operation}")
        return client.request(action, operation, params)

    def _check_operation(self, name: str, operation: str) -> None:
        """Refuse an operation that the agent does not have."""
        known = [each["name"] for each in self.operations(name)]
        if operation not in known:
            near = did_you_mean(operation, known) or f"; it has {', '.join(known) or 'none'}"
            raise MissingError(f"{name} has no operation {operation!r}{near}")

    def _client(self, name: str, who: str = "") -> ControlClient:
        check_instance(name)
        if name in self._no_agents:
            raise MissingError(f"{name} is {self._no_agents[name]} and has no operations")
        hub = self._hub
        words = ""
        if who:
            words = f"page of ocsd ({who.replace('(', ' ').replace(')', ' ')})"
        return self._client_of(
            f"{hub.address_root}.{name}", hub.wamp_http, hub.wamp_realm, CALL_LIMIT_S, words
        )


def operations_of(api: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the operations in the answer to ``get_api``, with the values of their parameters."""
    found = []
    for kind in ("tasks", "processes"):
        for name, session, about in api.get(kind) or ():
            params = about.get("params")
            found.append(
                {
                    "name": name,
                    "kind": about.get("op_type") or kind.removesuffix("s").removesuffix("e"),
                    "docstring": about.get("docstring") or "",
                    "params": None if params is None else [_param(each) for each in params],
                    "abortable": bool(about.get("abortable")),
                    "session": _session(session),
                }
            )
    return found


def _param(declared: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": declared.get("key"),
        "type": declared.get("type"),
        "choices": declared.get("choices"),
        "default": declared.get("default"),
        "has_default": not declared.get("required"),
        "help": "",
    }


def _session(session: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not session or session.get("status") == "no_history":
        return None
    return dict(session)


@contextmanager
def _explaining(name: str) -> Iterator[None]:
    """Turn the errors of calls to an agent into words for a viewer."""
    try:
        yield
    except ControlClientError as error:
        raise explained(error, name) from error


def explained(error: ControlClientError, name: str) -> RequestRefusedError:
    """Return the refusal that an error of a call to the agent `name` means."""
    reason = without_logins(error.reason)
    if error.error == _NO_AGENT:
        return AwayError(f"{name} is not connected to the router; see: ocsd why {name}")
    if error.error == CONNECTION_ERROR:
        return AwayError(f"{reason}: the router is away; see: ocsd why router")
    if error.error == REQUEST_ERROR:
        return AwayError(f"{reason}: {name} or the router hangs; see: ocsd why {name}")
    return RequestRefusedError(f"{name} cannot be called: {error.error} {reason}".rstrip())
