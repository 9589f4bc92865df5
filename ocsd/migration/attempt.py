"""Judges a try beside the running OCS."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from ocsd.migration.finding import MoveFinding, Paper
from ocsd.site.model import HOST_MANAGER, IN_CONTAINERS, Host, Hub, Instance, Manage


@dataclass(frozen=True, slots=True)
class Observed:
    """The things that were seen on this machine and on its router."""

    router: str
    """``router``, ``nothing`` or ``stranger``: the kind of program at the hub's address."""
    holder: str
    """Words for the process that listens there."""
    page_is_taken: bool
    """Whether something listens at the address of the page."""
    page: str
    """The address of the page."""
    alive: Collection[str]
    """Instance-ids that answer on the router."""
    faults: Collection[str]
    """Faults in the arguments of agents, as ``ocsd check --deep`` finds them."""
    no_engine: str = ""
    """Why Docker cannot be used; empty if it answers, or is not to run an instance."""


def findings(
    seen: Observed, file: str, host: Host, hub: Hub, old_line: Callable[[int], int] = int
) -> Iterator[MoveFinding]:
    """Yield what `ocsd start` would meet here now."""
    paper = Paper(file)
    yield from _router(seen, paper, host, hub)
    if seen.page_is_taken:
        text = f"something listens at {seen.page}, so the page takes the next free port"
        yield paper.differs(None, "page", text, "`ocsd start` prints its address")
    else:
        yield paper.taken(None, "page", f"{seen.page} is free")
    if seen.no_engine:
        cause, _, remedy = seen.no_engine.partition("; ")
        yield paper.to_do(_first_container(host, old_line), "Docker", cause, remedy)
    for each in host.instances:
        line = each.line and old_line(each.line)
        yield from _instance(seen, paper, line, each.instance_id, _kind(each))
    for fault in seen.faults:
        cause, _, remedy = fault.partition("; ")
        yield paper.first(None, "arguments", cause, remedy or "correct them")


def _first_container(host: Host, old_line: Callable[[int], int]) -> int | None:
    lines = [each.line for each in host.instances if each.manage in IN_CONTAINERS]
    return next((old_line(line) for line in lines if line), None)


def _kind(entry: Instance) -> str:
    if entry.agent_class == HOST_MANAGER:
        return "manager"
    if entry.manage in IN_CONTAINERS:
        return "container"
    if entry.manage is Manage.UP:
        return "up"
    return "other"


def _router(seen: Observed, paper: Paper, host: Host, hub: Hub) -> Iterator[MoveFinding]:
    at = f"the hub's address, {hub.wamp_server}"
    if seen.router == "stranger":
        cause = f"{at}, is held by {seen.holder}, which is no WAMP router"
        yield paper.first(None, "router", cause, "end it, or change wamp_server")
    elif seen.router == "nothing" and host.crossbar is None:
        cause = f"nothing answers at {at}"
        yield paper.to_do(None, "router", cause, "start the router, and run this again")
    elif seen.router == "nothing":
        yield paper.taken(None, "router", f"{at}, is free for ocsd's own router")
    elif host.crossbar is None:
        yield paper.taken(None, "router", f"{at}, has a router ({seen.holder}), which ocsd joins")
    else:
        cause = f"{at}, has a router ({seen.holder}); `ocsd start` would join it and not watch it"
        yield paper.to_do(None, "router", cause, "end it at the move, and ocsd runs its own")


def _instance(
    seen: Observed, paper: Paper, line: int | None, name: str, kind: str
) -> Iterator[MoveFinding]:
    thing = f"instance {name}"
    if name not in seen.alive:
        if kind == "up":
            yield paper.taken(line, thing, "it is not alive, and `ocsd start` would start it")
        return
    if kind == "manager":
        cause = "OCS's HostManager is alive, and starts again what ocsd would run"
        yield paper.to_do(line, thing, cause, "end it at the move, with its agents")
    elif kind == "container":
        yield paper.taken(line, thing, "it is alive in its container, which ocsd takes over")
    elif kind == "up":
        cause = "it is alive under OCS, and was not started a second time"
        yield paper.to_do(line, thing, cause, "end it at the move, before `ocsd start`")
    else:
        yield paper.taken(line, thing, "it is alive, and stays so: ocsd does not start it")
