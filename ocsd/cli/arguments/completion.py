"""The names that the shell offers when the tab key is pressed."""

from collections.abc import Collection, Iterable
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


def targets(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return names as `names` does, and those of other hosts, ``HOST:NAME``."""
    if _split(context, begun)[1]:
        return _after_colon(context, begun)
    here = names(context, parameter, begun)
    return [*here, *_hosts_of_site(context, begun, here)]


def changeable_targets(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the instance-ids that begin with `begun`, and those of other hosts."""
    if _split(context, begun)[1]:
        return _after_colon(context, begun)
    here = instance_ids(context, parameter, begun)
    return [*here, *_hosts_of_site(context, begun, here)]


def _after_colon(context: click.Context, begun: str) -> list[str]:
    """Return the names on the host before the colon."""
    host, _, name = _split(context, begun)
    listed = _names_by_host(context).get(host)
    if listed is None:
        return []
    found = _beginning(name, (*listed, "router", "ocsd"))
    # bash has cut the word at the colon, and replaces what is behind it.
    prefix = f"{host}:" if begun.startswith(f"{host}:") else ""
    return [f"{prefix}{each}" for each in found if f"{host}:{each}" not in _given(context)]


def _hosts_of_site(context: click.Context, begun: str, here: Collection[str]) -> list[str]:
    """Return the hosts that begin with `begun`, each with a colon.

    A shell appends a space to the only word that is left, and so the names of an only host are
    returned, unless others are `here`.
    """
    by_host = _names_by_host(context)
    near = [each for each in by_host if each.startswith(begun) and len(by_host) > 1]
    if len(near) == 1 and not here:
        return [f"{near[0]}:{each}" for each in (*by_host[near[0]], "router")]
    return [f"{each}:" for each in near]


def _split(context: click.Context, begun: str) -> tuple[str, str, str]:
    """Return the host, the colon if there is one, and the name of a word that has begun.

    bash takes the colon for a word of its own.
    """
    given = _given(context)
    if begun == ":" and given:
        return given[-1], ":", ""
    if len(given) > 1 and given[-1] == ":":
        return given[-2], ":", begun
    return begun.partition(":")


def _names_by_host(context: click.Context) -> dict[str, list[str]]:
    """Return the instance-ids of all hosts, as the daemon's site file or else ours has them."""
    from ocsd.cli.talk import control

    daemon = next(iter(control.find_all(_COMPLETION_LIMIT_S)), None)
    if daemon is None:
        site = _site(context)
        hosts = site.hosts if site is not None else {}
        return {host: [it.instance_id for it in entry.instances] for host, entry in hosts.items()}
    try:
        answer = daemon.ask(f"/v1/site/{daemon.host}", {"request": "names"}, _COMPLETION_LIMIT_S)
    except OcsdError:
        return {}
    return dict(answer.get("hosts") or {})


def _given(context: click.Context) -> tuple[str, ...]:
    params = context.params
    return params.get("instance_ids") or params.get("names") or params.get("words") or ()


def _not_given(context: click.Context, names: Iterable[str]) -> list[str]:
    """Return the names that the command line does not contain yet."""
    given = _given(context)
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
