"""What a site of many hosts needs, reckoned from what was measured of a small one.

``python -m benchmarks.site.scale [--hosts 100] [--agents 50]`` prints which share of a core or of
another limit each part of the site takes, at how many hosts it gives out, and how an hour goes in
which the hub's router is killed. Nothing here runs an agent: the costs are those of
docs/run/scale.md.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured (docs/run/scale.md): CPU in seconds of one core, memory in bytes.

    Attributes
    ----------
    router_agent_s : float
        CPU of the hub's router for what an agent without a feed sends in a second: a heartbeat,
        which registry and aggregator hear, and now and then a call to itself.
    router_message_s : float
        CPU of a router for a message of a feed that one subscriber hears.
    router_join_s : float
        CPU of a router for a session that joins with its two procedures.
    registry_agent_s, aggregator_agent_s : float
        CPU of the hub's daemon and aggregator for the heartbeat of an agent.
    aggregator_message_s, bridge_message_s : float
        CPU of an aggregator and of a bridge for a message.
    agent_s, host_s : float
        CPU per second of an idle agent, and of a daemon and its fork server.
    agent_bytes, host_bytes, router_bytes : float
        Memory of an agent, of daemon and fork server, and of a router (PSS).
    """

    router_agent_s: float = 790e-6
    router_message_s: float = 600e-6
    router_join_s: float = 6e-3
    registry_agent_s: float = 105e-6
    aggregator_agent_s: float = 120e-6
    aggregator_message_s: float = 100e-6
    bridge_message_s: float = 330e-6
    agent_s: float = 1.5e-3
    host_s: float = 7e-3
    agent_bytes: float = 15e6
    host_bytes: float = 73e6
    router_bytes: float = 77e6


@dataclass(frozen=True, slots=True)
class Shape:
    """The site.

    Attributes
    ----------
    hosts, agents : int
        Hosts, and agents on each.
    messages_hz : float
        Messages of recorded feeds that an agent publishes [1/s].
    local_routers, local_recorders : bool
        Whether each host has a router, and an aggregator, of its own.
    descriptors : int
        Connections that a router may have (LimitNOFILE).
    """

    hosts: int = 100
    agents: int = 50
    messages_hz: float = 1.0
    local_routers: bool = False
    local_recorders: bool = False
    descriptors: int = 65536


@dataclass(frozen=True, slots=True)
class Demand:
    """What one part of the site needs.

    Attributes
    ----------
    part : str
        Which part.
    share : float
        Of what it has: 1 is all.
    grows : bool
        Whether it grows with the number of hosts.
    remedy : str
        What to do when it gives out.
    """

    part: str
    share: float
    grows: bool
    remedy: str

    def gives_out_at(self, hosts: int) -> float:
        """Return the number of hosts at which all is taken, if it grows with them."""
        return hosts / self.share if self.grows and self.share else float("inf")


def demands(shape: Shape, costs: Costs) -> Iterator[Demand]:
    """Yield what each part needs of what it has, when nothing goes wrong."""
    everyone = shape.hosts * shape.agents
    to_hub = 0.0 if shape.local_recorders else shape.messages_hz * everyone
    router_s = everyone * costs.router_agent_s + to_hub * costs.router_message_s
    yield Demand(
        "CPU of the hub's router",
        router_s,
        True,
        "`record: local` keeps recorded messages off it; after that several sites, each with a "
        "hub of its own",
    )
    yield Demand(
        "CPU of the hub's aggregator",
        to_hub * costs.aggregator_message_s + everyone * costs.aggregator_agent_s,
        True,
        "`record: local` on hosts",
    )
    yield Demand(
        "CPU of the hub's daemon (registry)",
        everyone * costs.registry_agent_s,
        True,
        "several sites",
    )
    sessions = shape.hosts if shape.local_routers else everyone + shape.hosts
    yield Demand(
        "connections of the hub's router",
        sessions / shape.descriptors,
        True,
        "LimitNOFILE= of the unit; `router: local`",
    )
    if shape.local_routers:
        passed = shape.agents * (1 + (0 if shape.local_recorders else shape.messages_hz))
        local_s = shape.agents * (costs.router_agent_s + shape.messages_hz * costs.router_message_s)
        yield Demand("CPU of a host's bridge", passed * costs.bridge_message_s, False, "")
        yield Demand("CPU of a host's router", local_s, False, "")
    yield Demand(
        "CPU of a host (2 cores) for idle agents",
        (shape.agents * costs.agent_s + costs.host_s) / 2,
        False,
        "another host",
    )
    yield Demand(
        "memory of a host (8 GB)",
        (
            shape.agents * costs.agent_bytes
            + costs.host_bytes
            + (costs.router_bytes if shape.local_routers else 0)
        )
        / 8e9,
        False,
        "another host",
    )


@dataclass(slots=True)
class Hour:
    """How an hour went, second by second.

    Attributes
    ----------
    busiest : float
        The largest share of its core that the hub's router needed, outside of a storm.
    longest_storm_s : float
        The longest time from the return of the router until all sessions had joined and nothing
        waited.
    most_waiting_s : float
        The most work that has waited at the router [s of CPU].
    storm_since_s : float or None
        Since when not all is well again; None if it is.
    """

    busiest: float = 0.0
    longest_storm_s: float = 0.0
    most_waiting_s: float = 0.0
    storm_since_s: float | None = None

    def words(self) -> str:
        """Return how the hour ended."""
        if self.storm_since_s is not None:
            return f"since {self.storm_since_s:.0f} s the router cannot keep up"
        return f"all is well again {self.longest_storm_s:.0f} s after each"


def simulate(
    shape: Shape,
    costs: Costs,
    killed_at: tuple[int, ...] = (600, 1800, 3000),
    away_s: int = 5,
    retry_s: int = 5,
) -> Hour:
    """Reckon an hour of the hub's router, in which it is killed some times.

    Parameters
    ----------
    shape : Shape
        The site.
    costs : Costs
        What each thing costs.
    killed_at : tuple of int
        When [s].
    away_s : int
        How long a start of the router takes [s].
    retry_s : int
        All sessions try again within so many seconds of its return, evenly spread.
    """
    everyone = shape.hosts * shape.agents
    sessions = shape.hosts if shape.local_routers else everyone
    recorded_hz = 0.0 if shape.local_recorders else everyone * shape.messages_hz
    # With a bridge, one session joins for all agents of a host, and registers what they have.
    join_s = costs.router_join_s * everyone / sessions
    found = Hour()
    joined, waiting_s, kept = float(sessions), 0.0, 0.0
    for now_s in range(HOUR_S):
        since_s = min((now_s - at for at in killed_at if at <= now_s), default=HOUR_S)
        if since_s < away_s:
            joined, waiting_s, found.storm_since_s = 0.0, 0.0, now_s + 1
            kept += recorded_hz
            continue
        joining = min(sessions - joined, sessions / retry_s)
        joined += joining
        here = joined / sessions
        arriving_s = joining * join_s + here * everyone * costs.router_agent_s
        recorded_s = (here * recorded_hz + kept * here) * costs.router_message_s
        kept = (1 - here) * (kept + recorded_hz)
        waiting_s = max(0.0, waiting_s + arriving_s + recorded_s - 1.0)
        found.most_waiting_s = max(found.most_waiting_s, waiting_s)
        _note(found, now_s, waiting_s, joined >= sessions, arriving_s + recorded_s)
    return found


def _note(found: Hour, now_s: int, waiting_s: float, all_joined: bool, needed_s: float) -> None:
    if found.storm_since_s is None:
        found.busiest = max(found.busiest, needed_s)
    elif all_joined and waiting_s == 0.0:
        found.longest_storm_s = max(found.longest_storm_s, now_s + 1 - found.storm_since_s)
        found.storm_since_s = None


def table(shape: Shape, costs: Costs) -> str:
    """Return what a site needs as a markdown table, what gives out first at the top."""
    rows = sorted(
        (each for each in demands(shape, costs) if each.share), key=lambda each: -each.share
    )
    lines = ["| part | share | gives out at | what to do then |", "|---|---|---|---|"]
    for each in rows:
        hosts = each.gives_out_at(shape.hosts)
        when = f"{hosts:,.0f} hosts" if each.grows else "not with the number of hosts"
        lines.append(f"| {each.part} | {100 * each.share:.0f} % | {when} | {each.remedy} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.site.scale", description=__doc__)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--messages", type=float, default=1.0, help="of an agent, per second")
    options = parser.parse_args(arguments)
    costs = Costs()
    for name, local_routers, local_recorders in (
        ("one router, one recorder", False, False),
        ("one router, a recorder on each host", False, True),
        ("a router and a recorder on each host", True, True),
    ):
        shape = Shape(
            hosts=options.hosts,
            agents=options.agents,
            messages_hz=options.messages,
            local_routers=local_routers,
            local_recorders=local_recorders,
        )
        hour = simulate(shape, costs)
        print(f"\n{shape.hosts} hosts of {shape.agents} agents: {name}\n\n{table(shape, costs)}\n")
        print(
            f"An hour with three kills of the hub's router: {hour.words()}; at most "
            f"{hour.most_waiting_s:.1f} s of work wait for it."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
