"""The site that both sides run: N FakeDataAgents on one host."""

from dataclasses import dataclass
from pathlib import Path

import yaml

HOST = "bench"
SUPERVISOR_ID = f"hm-{HOST}"
AGENT_ARGUMENTS = ["--mode", "acq", "--num-channels", 16, "--sample-rate", 4]


@dataclass(frozen=True, slots=True)
class Hub:
    """Where the router of the run is."""

    port: int
    realm: str = "test_realm"
    address_root: str = "observatory"

    @property
    def wamp_server(self) -> str:
        """The WebSocket address."""
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def wamp_http(self) -> str:
        """The address of the HTTP call bridge."""
        return f"http://127.0.0.1:{self.port}/call"

    @property
    def block(self) -> dict[str, str]:
        """The keys of ``hub`` in a site file."""
        return {
            "wamp_server": self.wamp_server,
            "wamp_http": self.wamp_http,
            "wamp_realm": self.realm,
            "address_root": self.address_root,
        }

    def address(self, instance_id: str) -> str:
        """Return the WAMP address of an instance."""
        return f"{self.address_root}.{instance_id}"


def instance_ids(agents: int) -> list[str]:
    """Return the names of the agents, ``fake-01`` and so on."""
    return [f"fake-{number:02d}" for number in range(1, agents + 1)]


def write(path: Path, hub: Hub, agents: int) -> Path:
    """Write the site file that both sides read.

    It lists OCS's HostManager, which OCS needs in order to run at all, and an
    aggregator, which ocsd would bring along; both managed by nobody, so that
    either side supervises the same agents and nothing else.

    Parameters
    ----------
    path : Path
        The file to write.
    hub : Hub
        The router that the agents join.
    agents : int
        How many FakeDataAgents.

    Returns
    -------
    Path
        The file.
    """
    instances: list[dict[str, object]] = [
        {
            "agent-class": agent_class,
            "instance-id": instance_id,
            "manage": "ignore",
            "arguments": [],
        }
        for agent_class, instance_id in (
            ("HostManager", SUPERVISOR_ID),
            ("AggregatorAgent", "aggregator"),
        )
    ]
    instances += [
        {
            "agent-class": "FakeDataAgent",
            "instance-id": instance_id,
            "manage": "up",
            "arguments": AGENT_ARGUMENTS,
        }
        for instance_id in instance_ids(agents)
    ]
    site = {
        "hub": hub.block,
        "hosts": {HOST: {"agent-instances": instances}},
    }
    path.write_text(yaml.safe_dump(site, sort_keys=False))
    return path
