"""A site of three hosts and 60 agents that count, so that each sample can be accounted for."""

import http.client
import json
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.counting import counting_agent, judge, published
from tests.system import invariants
from tests.system.sites.three_hosts import HOSTS, OPEN, PORT, ThreeHosts, content
from tests.system.waiting import wait_until

AGENTS = 20
"""On each host."""
NOBODYS = "attic"
"""A host of the file that no machine has."""
CLAIMED = "claimed"
"""A host of the file that two machines may claim."""
OWN_ROUTER = "lab-1"
"""The host that has a router of its own, and a bridge to the hub; it records its own agents."""
CLOCK_OFF_S = 300
"""How far the clock of the last host is ahead [s]."""
SETTLE_LIMIT_S = 120.0
QUIET_FOR_S = 3.0
"""Longer than a heartbeat: nothing must be missing for so long."""
_WRONG_CLOCK = Path(__file__).with_name("wrong_clock.c")
_NOT_COUNTING = (NOBODYS, CLAIMED)
_RECORDER = {
    "agent-class": "AggregatorAgent",
    "instance-id": "aggregator",
    "arguments": ["--initial-state", "record", "--time-per-file", "30"],
}


def counting_agents(network, host, count):
    """Return the entries of a host's agents: a message every two seconds from each."""
    folder = network.folder / host
    words = ["--folder", str(folder / "published"), "--rate", 1, "--pause", 0.5]
    return [
        {
            "agent-class": "CountingAgent",
            "instance-id": f"{host}-{number:02}",
            "arguments": [*words, "--frame-length", 15],
        }
        for number in range(1, count + 1)
    ]


class CountingSite(ThreeHosts):
    """The three hosts, and two more that stand in the file only."""

    def __init__(self, network, agents=AGENTS):
        rows = {name: counting_agents(network, name, agents) for name in HOSTS}
        rows["hub"].append(_RECORDER)
        keys = {name: {"agent-paths": [str(network.folder / name / "plugins")]} for name in HOSTS}
        keys[OWN_ROUTER].update(router="local", record="local")
        for name in _NOT_COUNTING:
            agent = {"agent-class": "FakeDataAgent", "instance-id": f"fake-{name}"}
            rows[name] = [{**agent, "arguments": []}]
        super().__init__(network, content(OPEN, rows, keys))

    @property
    def hosts(self):
        return [self.network.hosts[name] for name in self.names]

    @property
    def own_router(self):
        return self.network.hosts[OWN_ROUTER]

    def make(self):
        """Switch on the hosts, the last with a clock that is minutes ahead."""
        super().make()
        for host in self.hosts:
            (host.folder / "published").mkdir()
            (host.folder / "plugins").mkdir()
            shutil.copy(counting_agent.__file__, host.folder / "plugins")
            plugins = 'agents = [("CountingAgent", "counting_agent.py")]\n'
            (host.folder / "plugins" / "ocs_plugin_counting.py").write_text(plugins)
        wrong = self.hosts[-1]
        clock = wrong.folder / "wrong_clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", clock, _WRONG_CLOCK], check=True)
        wrong.extra_environment.update(LD_PRELOAD=str(clock), WRONG_CLOCK_S=str(CLOCK_OFF_S))

    def recording(self):
        """Return what the aggregator says of its recording; an empty dict if it does not."""
        body = json.dumps({"procedure": "observatory.aggregator.ops", "args": ["status", "record"]})
        connection = http.client.HTTPConnection("hub", PORT, timeout=5)
        try:
            connection.sock = self.hub.connect(self.hub.address, PORT, limit_s=5)
            connection.request("POST", "/call", body, {"Content-Type": "application/json"})
            answer = json.load(connection.getresponse())
        except (OSError, ValueError, http.client.HTTPException):
            return {}
        finally:
            connection.close()
        # What went wrong is a text.
        session = answer.get("args", [["", "", ""]])[0][2]
        return (isinstance(session, dict) and session.get("data")) or {}

    def settles(self, limit_s=SETTLE_LIMIT_S):
        """Wait until all hosts are well and nothing has been missing for some seconds."""
        for host in self.hosts:
            wait_until(host.is_well, f"host {host.name} to be well", limit_s)
        since_s = None

        def is_complete():
            nonlocal since_s
            data = self.recording()
            if not data or data["missing"] or data["trouble"]:
                since_s = None
            elif since_s is None:
                since_s = time.monotonic()
            return since_s is not None and time.monotonic() - since_s > QUIET_FOR_S

        wait_until(is_complete, "all to be recorded", limit_s)

    def counted(self, host):
        """Return how many samples a host's agents have published."""
        return sum(each.sure for each in published.read(host.folder / "published"))

    def goes_on_counting(self, *hosts):
        """Wait until agents of hosts have published more, by their own account."""
        goals = {host.name: self.counted(host) + AGENTS for host in hosts}
        for host in hosts:
            goal = goals[host.name]
            wait_until(
                lambda host=host, goal=goal: self.counted(host) > goal,
                f"the agents of {host.name} to go on",
            )

    def pids(self, host):
        """Return the pids of a host's instances outside of its daemon, by name."""
        return invariants.pids(host.status())

    def stop(self):
        """Stop all in order: the recorder's host last, so that it gets what is left."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda host: host.stop(), self.hosts[1:]))
        self.hub.stop()

    def verdict(self):
        """Return how what is in the files goes together with what was published."""
        counted = [
            each for host in self.hosts for each in published.read(host.folder / "published")
        ]
        folders = [host.state / "data" for host in (self.hub, self.own_router)]
        found = judge.judge(counted, judge.read(*folders), judge.Excuses())
        for folder, hosts in zip(folders, [{"hub", "lab-2"}, {OWN_ROUTER}], strict=True):
            recorded = judge.read(folder)
            agents = {each.agent for each in counted}
            agents &= {feed.split(".")[1] for feed, _ in recorded.columns}
            here = {each for each in agents if each.rpartition("-")[0] in hosts}
            found.violations += [f"{each} is recorded in {folder}" for each in agents - here]
            # For each feed, so3g reads all files.
            some = [each for each in counted if each.agent in here and each.agent.endswith("-01")]
            found.violations += judge.loaded_otherwise(folder, some, recorded)
        return found
