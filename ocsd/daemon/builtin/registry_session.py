"""The registry's agent, connected from within the daemon.

Apart from `ocsd.daemon.builtin.registry_host`, because it loads autobahn, and agents must not
wait for that.
"""

from collections.abc import Callable

from ocsd import ocs_agent, site_config
from ocsd.bus.connection import Connection
from ocsd.log import logs
from ocsd.registry import agent as registry
from ocsd.registry.table import KnownAgents
from ocsd.site.values import told as launches


def assemble(
    launch: launches.ToldLaunch, on_change: Callable[[], None]
) -> tuple[ocs_agent.OCSAgent, KnownAgents, Connection]:
    """Return the registry's agent, what it knows, and its connection, not started yet.

    `on_change` is called whenever the connection has changed.

    Raises
    ------
    AgentArgumentsError
        If the registry refuses its arguments.
    """
    logs.follow()
    launches.set_current(launch)
    args = site_config.parse_args(
        agent_class=registry.REGISTRY_CLASS, parser=registry.make_parser(), args=[]
    )
    agent, _runner = ocs_agent.init_site_agent(args)
    table = registry.build(agent, args.wait_time).table
    return agent, table, Connection(agent, args, on_change=on_change)
