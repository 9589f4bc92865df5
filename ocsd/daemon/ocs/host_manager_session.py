"""The HostManager's agent, connected from within the daemon.

Apart from `ocsd.daemon.ocs.host_manager`, because it loads autobahn, and agents must not
wait for that.
"""

from collections.abc import Callable
from typing import Any

from ocsd import ocs_agent, site_config
from ocsd.bus.connection import Connection
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.ocs.host_manager import Dockers, HostManagerFace, Reload
from ocsd.log import logs
from ocsd.site.values import told as launches
from ocsd.site.values.instance import HOST_MANAGER
from ocsd.site.values.told import ToldLaunch


def connect(
    launch: ToldLaunch,
    fleet: Fleet,
    reload: Reload,
    stop: Callable[[str], None],
    dockers: Callable[[], Dockers | None],
    reactor: Any,
) -> tuple[ocs_agent.OCSAgent, Connection]:
    """Bring the HostManager's operations to the router, for as long as the daemon runs.

    `launch` is that of an agent of this instance-id; for the others see `HostManagerFace`.
    """
    logs.follow()
    launches.set_current(launch)
    args = site_config.parse_args(agent_class=HOST_MANAGER, args=[])
    agent, _runner = ocs_agent.init_site_agent(args)
    HostManagerFace(agent, fleet, reload, stop, reactor, launch.hub.is_closed, dockers)
    connection = Connection(agent, args)
    connection.start()
    return agent, connection
