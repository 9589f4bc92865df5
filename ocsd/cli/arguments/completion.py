"""The names that the shell offers when the tab key is pressed."""

from collections.abc import Iterable
from typing import Any

import click

from ocsd.errors import OcsdError

# The operator waits after the tab key; no list is better than a late one.
_COMPLETION_LIMIT_S = 0.3
COMPLETE_VARIABLE = "_OCSD_COMPLETE"
PROGRAM = "ocsd"


def instance_ids(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the instance-ids that begin with `begun`, for click's completion."""
    from ocsd.cli.talk import control

    try:
        daemon = control.find(context.params.get("host"), _COMPLETION_LIMIT_S)
        answer = daemon.status(_COMPLETION_LIMIT_S)
    except OcsdError:
        return []
    listed = (str(row.get("instance_id", "")) for row in answer.get("instances", ()))
    return _beginning(begun, _not_given(context, listed))


def names(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the instance-ids, and the names of the router and the daemon."""
    others = _not_given(context, ("router", "ocsd"))
    return [*instance_ids(context, parameter, begun), *_beginning(begun, others)]


def _not_given(context: click.Context, names: Iterable[str]) -> list[str]:
    """Return the names that the command line does not contain yet."""
    params = context.params
    given = params.get("instance_ids") or params.get("names") or params.get("words") or ()
    return [name for name in names if name not in given]


def levels(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the instance-ids, and after the first one the levels of a log."""
    from ocsd.cli.arguments.options import LEVELS, USUAL

    found = instance_ids(context, parameter, begun)
    if not context.params.get("words"):
        return found
    return [*found, *_beginning(begun, (*LEVELS, USUAL))]


def hosts(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the hosts whose daemons run here and that begin with `begun`."""
    from ocsd.cli.talk import control

    return _beginning(begun, (daemon.host for daemon in control.find_all(_COMPLETION_LIMIT_S)))


def operations(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the operations of agent NAME that begin with `begun`."""
    return _beginning(begun, _operations_of_agent(context))


def call_words(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the actions and the parameters of operation OP that begin with `begun`."""
    op_info = _operations_of_agent(context).get(str(context.params.get("operation")))
    if op_info is None:
        return []
    given = context.params.get("words") or ()
    keys = [f"{param.get('key')}=" for param in op_info.get("params") or ()]
    if not given:
        ending = {"task": "abort"}.get(str(op_info.get("op_type")), "stop")
        return _beginning(begun, ("start", ending, "wait", "status", *keys))
    present = [word.partition("=")[0] + "=" for word in given]
    return _beginning(begun, (key for key in keys if key not in present))


def _operations_of_agent(context: click.Context) -> dict[str, dict[str, Any]]:
    from ocsd.cli.talk import site_router
    from ocsd.client.http import ControlClientError

    given = context.params
    try:
        router = site_router.find(given.get("site_file"), given.get("host"), _COMPLETION_LIMIT_S)
        api = router.client(str(given.get("instance_id")), timeout_s=_COMPLETION_LIMIT_S).get_api()
    except (OcsdError, ControlClientError):
        return {}
    return {name: op_info for name, _, op_info in [*api["tasks"], *api["processes"]]}


def _beginning(begun: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(begun)]
