"""A site of three hosts on a network of their own, open or closed, and questions to it."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import yaml

from tests.system.conftest import NO_PAGE, fake_agent
from tests.system.waiting import wait_until

PORT = 8001
HOSTS = ("hub", "lab-1", "lab-2")
OPEN = {"wamp_server": f"ws://hub:{PORT}/ws", "wamp_http": f"http://hub:{PORT}/call"}
CLOSED = {"access": "closed", "wamp_server": f"wss://hub:{PORT}/ws"}


def content(hub, instances, keys=None):
    """Return a site file: the router on `hub`, the page nowhere.

    Parameters
    ----------
    hub : dict
        Its section ``hub``.
    instances : dict
        The entries of each host.
    keys : dict, optional
        More keys of each host.
    """
    hosts = {
        name: {"web": NO_PAGE, "agent-instances": rows, **(keys or {}).get(name, {})}
        for name, rows in instances.items()
    }
    hosts["hub"].setdefault("crossbar", {})
    return yaml.safe_dump({"hub": hub, "hosts": hosts}, sort_keys=False)


def usual():
    """Return an agent for each host, each named after its host."""
    return {name: [fake_agent(f"fake-{name}", rate_hz=10)] for name in HOSTS}


@dataclass
class ThreeHosts:
    """The hosts, of which each has a copy of the site file."""

    network: object
    text: str
    names: tuple = HOSTS
    """Of the hosts, the hub's first."""

    @property
    def hub(self):
        return self.network.hosts["hub"]

    def write(self, text):
        """Give all hosts a new site file."""
        self.text = text
        for host in self.network.hosts.values():
            host.site_file.write_text(text)

    def make(self):
        """Switch on the hosts."""
        for name in self.names:
            self.network.host(name)
        self.write(self.text)

    def close(self):
        """Make the keys of a closed site, and hand the other hosts theirs."""
        self.hub.checked_ocsd("access", "init", *self.of_the_hub)
        for name in self.names[1:]:
            self.join(self.network.hosts[name])

    def join(self, host):
        """Hand a host its bundle, as an administrator carries it there."""
        bundle = self.hub.folder / f"{host.name}.bundle"
        self.hub.checked_ocsd("access", "host", host.name, "--output", bundle, *self.of_the_hub)
        carried = host.folder / bundle.name
        carried.touch(0o600)
        carried.write_bytes(bundle.read_bytes())
        own = ("--site-file", host.site_file, "--host", host.name)
        host.checked_ocsd("access", "join", carried, *own)

    @property
    def of_the_hub(self):
        return ("--site-file", self.hub.site_file, "--host", "hub")

    def bring_up(self):
        """Start the daemons, the hub's first, and the others at the same time."""
        self.hub.bring_up()
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda name: self.network.hosts[name].bring_up(), self.names[1:]))

    def recorded(self):
        """Return the number of samples of each feed in the recorded files."""
        return self.hub.recorded()


def answer(host, name, operation, *parameters):
    """Return the answer of an agent to a person on a host, once it can be reached."""

    def called():
        done = host.ocsd("call", name, operation, *parameters, "--json")
        return done.returncode == 0 and json.loads(done.stdout)

    return wait_until(called, f"the answer of {name} to {host.name}")
