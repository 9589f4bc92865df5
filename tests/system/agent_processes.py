"""A crossbar and agents in processes of their own, without a daemon."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from ocsd.router import config
from ocsd.site.model import Hub
from ocsd.system import notify
from tests import forked_scripts
from tests.system.waiting import wait_until

RUN = """
import sys, json
from ocsd.site import launch
launch.set_current(launch.Launch.model_validate(json.loads(sys.argv[1])))
from ocsd_agents.fake_data.agent import main
main([])
"""

LISTEN = """
import sys, json
from ocsd import ocs_agent, site_config
from ocsd.site import launch
launch.set_current(launch.Launch.model_validate(json.loads(sys.argv[1])))
args = site_config.parse_args(args=[])
agent, runner = ocs_agent.init_site_agent(args)
out = open(args.instance_id + '.jsonl', 'w', buffering=1)
agent.subscribe_on_start(lambda event: print(json.dumps(event), file=out),
                         'observatory..feeds.', options={'match': 'wildcard'})
agent.register(lambda: 'at your service', agent.agent_address + '.special')
runner.run(agent)
"""


class Router:
    """A crossbar of its own."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.socket_path = folder / "r.sock"
        self.hub = Hub(
            wamp_server=f"ws://127.0.0.1:{port}/ws", wamp_http=f"http://127.0.0.1:{port}/call"
        )
        self.process = None

    def start(self):
        config.write(self.folder, self.hub, self.socket_path)
        crossbar = str(Path(sys.executable).parent / "crossbar")
        start = config.start(crossbar, self.folder)
        with open(self.folder / "out", "a") as out:
            self.process = subprocess.Popen(
                start.command,
                env=os.environ | start.environment,
                cwd=self.folder,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        wait_until(self.answers, "the router")

    def answers(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket_path)) == 0

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        # The worker is another process of the group; its sockets close with it.
        wait_until(lambda: not self.answers(), "the router's end")

    def call(self, procedure, *args, **kwargs):
        body = json.dumps({"procedure": procedure, "args": args, "kwargs": kwargs}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.hub.wamp_http, body, headers)
        with urllib.request.urlopen(request, timeout=20) as reply:
            return json.load(reply)["args"][0]


class Supervisor:
    """Starts agents and hears what they say of themselves."""

    def __init__(self, folder, forks=True):
        self.folder = folder
        self.forks = forks
        self.processes = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(folder / "notify"))

    def run(self, script, *args):
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(self.folder / "notify"),
            "STATE_DIRECTORY": str(self.folder / "state"),
        }
        with open(self.folder / "log", "a") as log, open(os.devnull) as nothing:
            if self.forks:
                streams = (nothing, log, log)
                process = forked_scripts.start(script, args, environment, self.folder, streams)
            else:
                process = subprocess.Popen(
                    [sys.executable, "-c", script, *args],
                    cwd=self.folder,
                    env=environment,
                    stdout=log,
                    stderr=log,
                )
        self.processes.append(process)
        return process

    def launch(self, router, iid, *arguments, script=RUN, local=True, **more):
        hub = router.hub.model_copy(update=more.pop("hub", {}))
        instance = {"instance-id": iid, "agent-class": "FakeDataAgent", "arguments": arguments}
        launch = {
            "site_file": None,
            "host": "lab",
            "hub": hub.model_dump(),
            "instance": instance,
            "working_dir": str(self.folder),
            "router_socket": str(router.socket_path) if local else None,
            **more,
        }
        return self.run(script, json.dumps(launch))

    def hears(self, what, **fields):
        """Wait for a message with these fields; return all its fields."""
        self.socket.settimeout(30)
        while True:
            said = notify.decode(self.socket.recv(4096))
            if all(wanted in said.get(key, "") for key, wanted in fields.items()):
                return said

    def log(self):
        return (self.folder / "log").read_text()
