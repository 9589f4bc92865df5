"""Tries ocsd beside a running OCS: looks at ports and agents, and starts nothing of the site."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from ocsd.cli.arguments import trial
from ocsd.cli.talk import engine
from ocsd.client.http import ControlClient, ControlClientError
from ocsd.migration.attempt import Observed
from ocsd.migration.finding import MoveFinding, Paper
from ocsd.router import probe
from ocsd.site.model import IN_CONTAINERS, Host, Hub, Site

_ALIVE_LIMIT_S: Final = 3.0
_AT_ONCE: Final = 8
"""Agents that are asked at the same time."""
_PARTS_LIMIT_S: Final = 90.0


def observe(site: Site, host: Host) -> Observed:
    """Look at this machine and at the router of the site."""
    hub = host.hub(site.hub)
    router = probe.probe(hub.wamp_server)
    page = host.web.listen
    has_containers = any(each.manage in IN_CONTAINERS for each in host.instances)
    return Observed(
        router=str(router),
        holder=probe.holder(hub.wamp_server),
        page_is_taken=host.web.enabled and probe.is_open(f"http://{page}"),
        page=page,
        alive=_alive(host, hub) if router == probe.Answering.ROUTER else (),
        faults=[text for kind, text in trial.problems(site, host) if kind == "problem"],
        no_engine=engine.why_away() if has_containers else "",
    )


def _alive(host: Host, hub: Hub) -> frozenset[str]:
    """Return the instances of a host that answer on the router."""

    def answers(name: str) -> bool:
        address = f"{hub.address_root}.{name}"
        client = ControlClient(address, hub.wamp_http, hub.wamp_realm, timeout_s=_ALIVE_LIMIT_S)
        try:
            client.get_api()
        except ControlClientError as error:
            # One that has registered and does not answer is alive as well.
            return "has not answered" in error.reason
        return True

    names = [each.instance_id for each in host.instances]
    with ThreadPoolExecutor(_AT_ONCE) as several:
        return frozenset(
            name for name, yes in zip(names, several.map(answers, names), strict=True) if yes
        )


def parts(host: Host, file: str) -> Iterator[MoveFinding]:
    """Start router, recorder and page of ocsd at ports of their own, without agents; end them."""
    paper = Paper(file)
    with tempfile.TemporaryDirectory(prefix="ocsd-try-") as folder:
        site_file = Path(folder) / "site.yaml"
        port, page = _free_ports()
        site_file.write_text(_SITE.format(port=port, page=page, name=json.dumps(host.name)))
        started = _ocsd(folder, "start", "-d", "--site-file", str(site_file), "--host", host.name)
        _ocsd(folder, "stop", "--yes", "--host", host.name)
    thing = "router, recorder and page"
    if started.returncode == 0:
        told = f"those of ocsd started beside OCS, at port {port}, and were ended again"
        yield paper.taken(None, thing, told)
    else:
        said = " ".join((started.stderr or started.stdout).split())[-300:]
        cause = f"those of ocsd do not start on this machine: {said}"
        yield paper.first(None, thing, cause, "see: ocsd start --help")


_SITE: Final = """\
hub:
  wamp_server: ws://127.0.0.1:{port}/ws
  wamp_http: http://127.0.0.1:{port}/call
  wamp_realm: test_realm
  address_root: observatory
hosts:
  {name}:
    crossbar: {{}}
    web: {{listen: '127.0.0.1:{page}'}}
    agent-instances: []
"""


def _ocsd(folder: str, *words: str) -> subprocess.CompletedProcess[str]:
    own = {f"{kind}_DIRECTORY": os.path.join(folder, kind.lower()) for kind in _KINDS}
    return subprocess.run(
        [sys.executable, "-P", "-m", "ocsd", *words],
        env=os.environ | own,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_PARTS_LIMIT_S,
        check=False,
    )


_KINDS: Final = ("RUNTIME", "STATE", "LOGS")


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
