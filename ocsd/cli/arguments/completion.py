"""The names that the shell offers when the tab key is pressed."""

from collections.abc import Iterable
from typing import Any

import click

from ocsd.errors import OcsdError

# Whoever presses the tab key waits; no list is better than a late one.
_LIMIT_S = 0.3
COMPLETE_VARIABLE = "_OCSD_COMPLETE"
PROGRAM = "ocsd"


def instance_ids(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the instance-ids that begin with `begun`, for click's completion."""
    from ocsd.cli.talk import control

    try:
        daemon = control.find(context.params.get("host"), _LIMIT_S)
        answer = daemon.status(_LIMIT_S)
    except OcsdError:
        return []
    already = context.params.get("names") or ()
    names = (str(one.get("instance_id", "")) for one in answer.get("instances", ()))
    return _beginning(begun, (name for name in names if name not in already))


def names(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the same and, for what knows of them, the router and the daemon itself."""
    already = context.params.get("names") or ()
    others = (name for name in ("router", "ocsd") if name not in already)
    return [*instance_ids(context, parameter, begun), *_beginning(begun, others)]


def hosts(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the hosts whose daemons run here and that begin with `begun`."""
    from ocsd.cli.talk import control

    return _beginning(begun, (daemon.host for daemon in control.find_all(_LIMIT_S)))


def operations(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the operations of agent NAME that begin with `begun`."""
    return _beginning(begun, _operations_of_agent(context))


def call_words(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the actions and the parameters of operation OP that begin with `begun`."""
    op_info = _operations_of_agent(context).get(str(context.params.get("operation")))
    if op_info is None:
        return []
    given = context.params.get("words") or ()
    ending = "abort" if op_info.get("op_type") == "task" else "stop"
    actions = () if given else ("start", ending, "wait", "status")
    keys = [f"{one.get('key')}=" for one in op_info.get("params") or ()]
    there = tuple(word.partition("=")[0] + "=" for word in given)
    return _beginning(begun, (*actions, *(key for key in keys if key not in there)))


def _operations_of_agent(context: click.Context) -> dict[str, dict[str, Any]]:
    from ocsd.cli.talk import site_router
    from ocsd.client.http import ControlClientError

    asked = context.params
    try:
        router = site_router.find(asked.get("site_file"), asked.get("host"), _LIMIT_S)
        api = router.client(str(asked.get("name")), timeout_s=_LIMIT_S).get_api()
    except (OcsdError, ControlClientError):
        return {}
    return {name: op_info for name, _, op_info in [*api["tasks"], *api["processes"]]}


def _beginning(begun: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(begun)]
