"""The names that the shell offers when the tab key is pressed."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from ocsd.errors import OcsdError
from ocsd.log.levels import LEVELS, USUAL

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ocsd.site.model import Site

# The operator waits after the tab key; no list is better than a late one.
_COMPLETION_LIMIT_S = 0.3
COMPLETE_VARIABLE = "_OCSD_COMPLETE"
PROGRAM = "ocsd"


def instance_ids(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the instance-ids that begin with `begun`, for click's completion."""
    listed = (str(row.get("instance_id", "")) for row in _instances(context))
    return _beginning(begun, _not_given(context, listed))


def classes(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the agent classes of the host's instances that begin with `begun`."""
    listed = {str(row.get("agent_class", "")) for row in _instances(context)}
    return _beginning(begun, sorted(listed))


def _instances(context: click.Context) -> list[dict[str, Any]]:
    """Return the daemon's rows of its instances; none if it does not answer soon."""
    from ocsd.cli.talk import control

    try:
        daemon = control.find(context.params.get("host"), _COMPLETION_LIMIT_S)
        return list(daemon.status(_COMPLETION_LIMIT_S).get("instances", ()))
    except OcsdError:
        return []


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
    found = instance_ids(context, parameter, begun)
    if not context.params.get("words"):
        return found
    return [*found, *_beginning(begun, (*LEVELS, USUAL))]


def hosts(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the hosts whose daemons run here and that begin with `begun`."""
    from ocsd.cli.talk import control

    return _beginning(begun, (daemon.host for daemon in control.find_all(_COMPLETION_LIMIT_S)))


def site_hosts(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the hosts of the site file that begin with `begun`."""
    site = _site(context)
    if site is None:
        return []
    return _beginning(begun, site.hosts)


def site_instances(
    context: click.Context, _parameter: click.Parameter, begun: str
) -> "list[CompletionItem]":
    """Return the instance-ids of a host in the site file; files of code are offered, too."""
    from click.shell_completion import CompletionItem

    from ocsd.site import load

    files = CompletionItem(begun, type="file")
    site = _site(context)
    if site is None:
        return [files]
    try:
        listed = [
            each.instance_id for each in load.pick_host(site, context.params.get("host")).instances
        ]
    except OcsdError:
        listed = [each.instance_id for host in site.hosts.values() for each in host.instances]
    return [*map(CompletionItem, _beginning(begun, listed)), files]


def _site(context: click.Context) -> "Site | None":
    from ocsd.site import load

    try:
        return load.load(load.find(context.params.get("site_file")))
    except OcsdError:
        return None


def feeds(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the instance-ids, and after the dot of NAME. the feeds of that agent."""
    instance_id, dot, _ = begun.partition(".")
    if not dot:
        return instance_ids(context, parameter, begun)
    described = _api(context, instance_id).get("feeds", ())
    names = [*(str(name) for name, *_ in described), "heartbeat"]
    return _beginning(begun, dict.fromkeys(f"{instance_id}.{name}" for name in names))


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
    api = _api(context, str(context.params.get("instance_id")))
    listed = [*api.get("tasks", ()), *api.get("processes", ())]
    return {name: op_info for name, _, op_info in listed}


def _api(context: click.Context, name: str) -> dict[str, Any]:
    """Return an agent's description of itself; empty if it does not answer soon."""
    from ocsd.cli.talk import site_router
    from ocsd.client.http import ControlClientError

    given = context.params
    try:
        router = site_router.find(given.get("site_file"), given.get("host"), _COMPLETION_LIMIT_S)
        return dict(router.client(name, timeout_s=_COMPLETION_LIMIT_S).get_api())
    except (OcsdError, ControlClientError):
        return {}


def _beginning(begun: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(begun)]
