"""The part of the site file that one host runs."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ocsd.errors import SiteFileError
from ocsd.site import load, recording
from ocsd.site.compose import ComposeOptions, options
from ocsd.site.model import (
    ALARMS_NAME,
    BRIDGE_NAME,
    HOST_MANAGER,
    IN_CONTAINERS,
    WEB_NAME,
    Host,
    Instance,
    Manage,
    Site,
)
from ocsd.site.recording import AGGREGATOR_CLASS, WRITERS, centre, data_folder
from ocsd.site.supervision import ResourceLimits
from ocsd.supervisor.dependencies import cycle
from ocsd.system.classes import ALARMS_CLASS, BRIDGE_CLASS, WEB_CLASS
from ocsd.text.nearest import did_you_mean

REGISTRY_CLASS: Final = "RegistryAgent"
DIRECTOR_CLASS: Final = "AccessDirector"

WEB_NICE: Final = 5
"""Priority of the page: behind what supervises, acquires and records."""

ROUTER_NAME: Final = "router"
"""The router's name among the fork server's children."""

RESERVED: Final = {
    ROUTER_NAME: "the site's router",
    "ocsd": "the daemon",
    "forkserver": "the fork server",
}
"""Names, also of log files, that no agent may have, and their owners."""


@dataclass(frozen=True, slots=True)
class HostPlan:
    """The work of the daemon of a host."""

    host: Host
    """The host's entry."""
    runs_router: bool
    """Whether a router belongs here: the site's, or one of this host's own."""
    instances: tuple[Instance, ...]
    """The agents to supervise, the built-in ones included, in the order of their start."""
    notices: tuple[str, ...]
    """Entries that are left alone, and why, because the operator may not expect that."""
    left_alone: tuple[Instance, ...]
    """Those entries, but for HostManager's: agents of the host that something else runs."""
    host_manager: Instance
    """The name under which the daemon answers OCS's tools: the host's HostManager entry, or one
    that is called after the host.
    """
    compose: ComposeOptions = field(default_factory=ComposeOptions)
    """The compose files whose services are managed; none without ``--docker-compose``."""


def plan(site: Site, host: Host, data_dir: str) -> HostPlan:
    """Return the work of one host of a site.

    The router belongs to the host with a ``crossbar`` entry, or to the only host; one with
    ``router: local`` has its own beside it. Registry and aggregator run where an entry lists them;
    if none does, on the first host with a router, or else on the first one. A host with ``record:
    local`` has an aggregator in any case. `data_dir` is for an aggregator that no entry configures.

    Raises
    ------
    SiteFileError
        If an instance has a name that ocsd itself uses on this host, or alarms would not be
        evaluated.
    """
    _check_names(site, host)
    runs_router = load.runs_router(site, host) or host.has_own_router
    _check_alarms(site, host)
    _check_bridge(site, host)
    compose = options(host)
    listed = [each for each in host.instances if _is_ours(each, compose)]
    others = [each for each in host.instances if not _is_ours(each, compose)]
    notices = (*map(_left_alone, others), *_hidden_page(site, host))
    left_alone = tuple(each for each in others if each.agent_class != HOST_MANAGER)
    added = (
        *_built_in(site, host, data_dir),
        *listed,
        *_alarms(host),
        *_bridge(host),
        *_page(host),
    )
    instances = _told(site, host, sorted(added, key=_rank), data_dir)
    _check_order(site, instances)
    answers_as = _host_manager(host)
    return HostPlan(host, runs_router, tuple(instances), notices, left_alone, answers_as, compose)


def _told(site: Site, host: Host, instances: list[Instance], data_dir: str) -> list[Instance]:
    """Return instances with the arguments that tell them of the host."""
    if recording.records_itself(site, host):
        instances = [_of_this_host_only(each, host) for each in instances]
    return [_told_of_host(each, host, instances, data_dir) for each in instances]


def _check_names(site: Site, host: Host) -> None:
    for each in host.instances:
        if each.instance_id in RESERVED:
            raise SiteFileError(
                f"{site.path}:{each.line}: instance-id {each.instance_id!r} is the name of "
                f"{RESERVED[each.instance_id]}; give this instance another one"
            )


def _check_alarms(site: Site, host: Host) -> None:
    """Refuse alarms whose process has no name left, or that nobody would evaluate."""
    if host.alarms is None:
        return
    entries = [each for each in host.instances if each.agent_class == ALARMS_CLASS]
    if not entries and ALARMS_NAME in {each.instance_id for each in host.instances}:
        raise SiteFileError(
            f"{site.place(host.lines.get('alarms'))}: the alarms cannot be evaluated, because an "
            f"instance is called {ALARMS_NAME!r}; give their process another name with an entry "
            f"{{agent-class: {ALARMS_CLASS}, instance-id: watch}}"
        )
    for second in entries[1:]:
        raise SiteFileError(
            f"{site.place(second.line)}: alarms of a host are evaluated by one process; leave one "
            f"of the entries of class {ALARMS_CLASS}"
        )
    for entry in entries:
        if entry.user is not None:
            raise SiteFileError(
                f"{site.place(entry.line)}: alarms are kept in the state folder of the daemon, "
                "which another user cannot write; leave 'user' out"
            )


def _check_bridge(site: Site, host: Host) -> None:
    """Refuse a bridge without a router to begin at, or without a name."""
    entries = [each for each in host.instances if each.agent_class == BRIDGE_CLASS]
    for entry in entries if not host.has_own_router else entries[1:]:
        raise SiteFileError(
            f"{site.place(entry.line)}: one bridge joins a host's own router to the hub, and only "
            "on a host with router: local; take this entry out"
        )
    _check_sockets_do(site, host)
    if host.has_own_router and not entries and BRIDGE_NAME in _ids(host):
        raise SiteFileError(
            f"{site.place(host.lines.get('router'))}: the bridge of router: local has no name, "
            f"because an instance is called {BRIDGE_NAME!r}; give it another one with an entry "
            f"{{agent-class: {BRIDGE_CLASS}, instance-id: link}}"
        )


def _check_sockets_do(site: Site, host: Host) -> None:
    """Refuse agents that need a port where the host's own router has none."""
    if not (host.has_own_router and site.hub.is_closed):
        return
    for each in host.instances:
        if each.user is not None or each.runtime == "ocs":
            key = "user" if each.user is not None else "runtime: ocs"
            raise SiteFileError(
                f"{site.place(each.line)}: {each.instance_id!r} has {key}, so it needs a port, and "
                "on a closed site router: local has Unix sockets of the daemon's user only; take "
                f"{key} out, or router: local"
            )


def _ids(host: Host) -> frozenset[str]:
    return frozenset(each.instance_id for each in host.instances)


def _host_manager(host: Host) -> Instance:
    for each in host.instances:
        if each.agent_class == HOST_MANAGER:
            return each.model_copy(update={"arguments": ()})
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", f"hm-{host.name}")
    return Instance(instance_id=name, agent_class=HOST_MANAGER)


def _check_order(site: Site, instances: list[Instance]) -> None:
    """Refuse instances that wait for an unknown one, or for each other."""
    names = [each.instance_id for each in instances]
    for each in instances:
        for name in each.after:
            if name not in names:
                others = [other for other in names if other != each.instance_id]
                raise SiteFileError(
                    f"{site.path}:{each.line}: {each.instance_id!r} is to start after {name!r}, "
                    f"which this host does not run{did_you_mean(name, others)}"
                )
    circle = cycle({each.instance_id: each.after for each in instances})
    if circle:
        raise SiteFileError(
            f"{site.path}: these instances wait for each other: {' after '.join(circle)}; "
            "take one 'after' out"
        )


def _built_in(site: Site, host: Host, data_dir: str) -> tuple[Instance, ...]:
    """Return the built-in agents of a host that no host's entry configures."""
    aggregator = Instance(
        instance_id=recording.built_in_name(site, host),
        agent_class=AGGREGATOR_CLASS,
        arguments=("--initial-state", "record", "--data-dir", data_dir),
    )
    defaults = [Instance(instance_id="registry", agent_class=REGISTRY_CLASS), aggregator]
    added: tuple[Instance, ...] = ()
    if recording.records_itself(site, host):
        defaults.remove(aggregator)
        if recording.own_aggregator(host) is None:
            added = (_unless_taken(site, host, aggregator),)
    if host.name != centre(site):
        return added
    listed = recording.of_site(site)
    taken = {word for each in listed for word in (each.agent_class, each.instance_id)}
    missing = (each for each in defaults if taken.isdisjoint((each.agent_class, each.instance_id)))
    return (*missing, *added)


def _unless_taken(site: Site, host: Host, aggregator: Instance) -> Instance:
    """Return the aggregator of a host that records itself; refuse a name that an agent has."""
    entries = [each for other in site.hosts.values() for each in other.instances]
    for each in entries:
        if each.instance_id == aggregator.instance_id:
            raise SiteFileError(
                f"{site.place(each.line)}: instance-id {each.instance_id!r} is the name of the "
                f"aggregator of host {host.name!r}, which has record: local; give this instance "
                "another one, or list an aggregator there"
            )
    return aggregator


def _of_this_host_only(instance: Instance, host: Host) -> Instance:
    """Return an aggregator that records what the agents of its host publish, and no others."""
    if instance.agent_class != AGGREGATOR_CLASS or not recording.is_told(instance):
        return instance
    arguments = (*instance.arguments, "--recorded-by", host.name)
    return instance.model_copy(update={"arguments": arguments})


def _page(host: Host) -> tuple[Instance, ...]:
    """Return the process that serves the page in the browser, unless an entry configures it."""
    listed = {word for each in host.instances for word in (each.agent_class, each.instance_id)}
    if not host.web.enabled or not listed.isdisjoint((WEB_CLASS, WEB_NAME)):
        return ()
    # Where the daemon itself runs behind others, only root may go before it.
    limits = ResourceLimits(nice=max(WEB_NICE, os.nice(0)))
    return (Instance(instance_id=WEB_NAME, agent_class=WEB_CLASS, limits=limits),)


def _alarms(host: Host) -> tuple[Instance, ...]:
    """Return the process that evaluates alarms, unless an entry configures it."""
    if host.alarms is None or any(each.agent_class == ALARMS_CLASS for each in host.instances):
        return ()
    return (Instance(instance_id=ALARMS_NAME, agent_class=ALARMS_CLASS),)


def _bridge(host: Host) -> tuple[Instance, ...]:
    """Return the process that joins the host's own router to the hub."""
    if not host.has_own_router or any(e.agent_class == BRIDGE_CLASS for e in host.instances):
        return ()
    return (Instance(instance_id=BRIDGE_NAME, agent_class=BRIDGE_CLASS),)


def _hidden_page(site: Site, host: Host) -> Iterator[str]:
    """Yield a notice if an agent has the name of the page."""
    classes = {each.agent_class for each in host.instances}
    for each in host.instances:
        if each.instance_id == WEB_NAME and host.web.enabled and WEB_CLASS not in classes:
            yield (
                f"{site.place(each.line)}: the page in the browser is not served, because an "
                f"instance is called {WEB_NAME!r}; give the page another name with an entry "
                f"{{agent-class: {WEB_CLASS}, instance-id: page}}, or write web: {{enabled: false}}"
            )


def _told_of_host(
    instance: Instance, host: Host, instances: Sequence[Instance], data_dir: str
) -> Instance:
    """Return an instance that knows the data folder, if it reads what is recorded there.

    The page also knows the key ``web``. A published writer knows no such option, and a published
    aggregator writes no journal.
    """
    if instance.agent_class not in {WEB_CLASS, ALARMS_CLASS, *WRITERS}:
        return instance
    recorders = list(filter(_records_here, instances))
    words: tuple[str, ...] = ()
    if instance.agent_class == WEB_CLASS:
        words = host.web.arguments()
    elif instance.runtime == "ocs":
        return instance
    else:
        recorders = [each for each in recorders if each.runtime == "ocsd"]
    folders = (data_folder(each.arguments, Path(data_dir).parent) for each in recorders)
    arguments = (*words, *(f"--data-dir={folder}" for folder in folders), *instance.arguments)
    return instance.model_copy(update={"arguments": arguments})


def _records_here(instance: Instance) -> bool:
    return instance.agent_class == AGGREGATOR_CLASS and instance.manage not in IN_CONTAINERS


def _is_ours(instance: Instance, compose: ComposeOptions) -> bool:
    supervised = {Manage.UP, Manage.DOWN}
    if compose.files:
        supervised |= IN_CONTAINERS
    return instance.manage in supervised and instance.agent_class != HOST_MANAGER


def why_left_alone(instance: Instance) -> str:
    """Return why an entry of the site file is left alone, and where to look for it."""
    if instance.agent_class == HOST_MANAGER:
        return "this daemon does the job of OCS's HostManager"
    if instance.manage is Manage.IGNORE:
        return "its entry tells ocsd to ignore it (manage)"
    return (
        "docker runs it (manage), and the HostManager entry of this host has no --docker-compose "
        "FILE, with which ocsd would manage it; see: docker ps -a"
    )


def _left_alone(instance: Instance) -> str:
    return f"{instance.instance_id} is left alone: {why_left_alone(instance)}"


def _rank(instance: Instance) -> int:
    """Start those whom others ask first, then those that record, and the page last."""
    ranks = {
        BRIDGE_CLASS: 0,
        REGISTRY_CLASS: 0,
        DIRECTOR_CLASS: 0,
        AGGREGATOR_CLASS: 1,
        WEB_CLASS: 3,
    }
    return ranks.get(instance.agent_class, 2)
