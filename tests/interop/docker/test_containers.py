"""Containers for OCS's tools: our HostManager beside the published one, over one podman."""

import json
import os
import subprocess
from contextlib import contextmanager

import pytest
import yaml
from test_ocs_web import Page, matches
from websockets.sync.client import connect

from tests.system.conftest import a_site, kept_router  # noqa: F401 - a fixture
from tests.system.containers.test_services import LONG_S, TICKING, entry, service
from tests.system.waiting import wait_until

pytestmark = pytest.mark.interop

NAMES = {"ocs-one": TICKING, "ocs-two": TICKING, "db": TICKING, "old": TICKING}
ENTRIES = [entry("one", "docker/up"), entry("two", "docker/down"), entry("gone", "docker/up")]
RESULT = 50
ORPHAN_KEYS = {
    *("compose_file", "service", "container_id", "running"),
    *("exit_code", "container_found", "running_image"),
}
"""As the documentation of OCS's HostManager shows them."""
# docker compose, and the rest of Docker's command line as far as the published one uses it.
DOCKER = """#!/bin/sh
case $1 in
compose) shift; exec docker-compose "$@" ;;
*) exec {podman} "$@" ;;
esac
"""


class Site:
    """A host of ours and one of the published HostManager, with the same compose file."""

    def __init__(self, site, podman, python):
        self.site, self.engine, self.python = site, podman, python
        self.file = site.folder / "docker-compose.yml"
        self.services = {name: service(script) for name, script in NAMES.items()}
        self.write()
        site.extra_environment = podman.environment
        arguments = ["--docker-compose", str(self.file)]
        for host, name in (("lab", "hm"), ("lab2", "hm2")):
            manager = {"agent-class": "HostManager", "instance-id": name, "arguments": arguments}
            site.write(manager, *ENTRIES, host=host)
        # What the published OCS cannot do without.
        content = yaml.safe_load(site.file.read_text())
        content["hub"] |= {"wamp_realm": "test_realm", "address_root": "observatory"}
        site.file.write_text(yaml.safe_dump(content))

    def write(self):
        """Write the compose file."""
        self.file.write_text(yaml.safe_dump({"version": "3.7", "services": self.services}))

    def published(self, *words, check=True):
        """Run a program of the published OCS; return what it prints."""
        environment = {**self.site.environment, "PATH": f"{self.site.folder}:{os.environ['PATH']}"}
        environment.pop("PYTHONPATH", None)
        where = ["--site-file", str(self.site.file), "--site-host", "lab"]
        done = subprocess.run(
            [self.python.with_name(words[0]), *where, *words[1:]],
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONG_S,
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done.stdout

    def call(self, name, script):
        """Run a script with OCS's client of a HostManager; return what it leaves in `result`."""
        code = (
            "import json, sys\nfrom ocs.ocs_client import OCSClient\n"
            f"hm = OCSClient({name!r}, args=sys.argv[1:])\n{script}\nprint(json.dumps(result))"
        )
        environment = {**self.site.environment}
        environment.pop("PYTHONPATH", None)
        where = ["--site-file", str(self.site.file), "--site-host", "lab"]
        done = subprocess.run(
            [self.python, "-c", code, *where],
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONG_S,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def data(self, name):
        """Return the session data of a HostManager's `manager`."""
        return self.call(name, "result = hm.manager.status().session['data']")

    def children(self, name):
        """Return the child states by instance, without the stability."""
        states = self.data(name)["child_states"]
        left_out = {"stability"}
        return {
            each["instance_id"]: {key: each[key] for key in each.keys() - left_out}
            for each in states
            if each["instance_id"] not in {"registry", "aggregator"}
        }

    @contextmanager
    def their_manager(self):
        """Run the published HostManager; in the end it lets the containers run."""
        shim = self.site.folder / "docker"
        shim.write_text(DOCKER.format(podman=" ".join(map(str, self.engine._command))))
        shim.chmod(0o755)
        environment = {**self.site.environment, "PATH": f"{self.site.folder}:{os.environ['PATH']}"}
        environment.pop("PYTHONPATH", None)
        words = ["--site-file", str(self.site.file), "--site-host", "lab2", "--instance-id", "hm2"]
        with (self.site.folder / "theirs.log").open("w") as log:
            process = subprocess.Popen(
                [self.python, "-m", "ocs.agents.host_manager.agent", *words],
                env=environment,
                cwd=self.site.folder,
                stdout=log,
                stderr=log,
            )
        try:
            yield
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def site(engine, kept_router, ocs_python):  # noqa: F811 - a fixture
    if not kept_router.answers():
        kept_router.start()
    with a_site(kept_router.port) as place:
        site = Site(place, engine, ocs_python)
        words = ["-d", "--site-file", str(place.file), "--host", "lab"]
        place.ocsd("start", *words, limit_s=LONG_S)
        place.daemons.append("lab")
        wait_until(lambda: place.instance("one")["state"] == "up", "the container", LONG_S)
        yield site
        place.ocsd("stop", limit_s=LONG_S)
        engine.clear()


def test_ocsbow_shows_and_changes_containers(site):
    rows = [line.split() for line in site.published("ocsbow", "status").splitlines()]
    assert ["one", "ThermometerAgent[d]", "up", "up"] in [row[:4] for row in rows]
    both = "ThermometerAgent[d]/ThermometerAgent[d?]"
    assert ["gone", both, "?", "up"] in [row[:4] for row in rows]
    site.published("ocsbow", "up", "two")
    wait_until(lambda: site.site.instance("two")["state"] == "up", "the container", LONG_S)
    site.published("ocsbow", "down", "two")
    wait_until(lambda: site.site.instance("two")["state"] == "down", "its end", LONG_S)


def test_the_frames_of_ocs_web_start_a_container_and_the_tasks_of_docker(site):
    url = f"ws://localhost:{site.site.port}/ws"
    with connect(url, subprotocols=["wamp.2.json"], max_size=2**24, proxy=None) as socket:
        page = Page(socket)

        def call(verb, operation, params):
            frame = [48, "ID", {}, "observatory.hm.ops", [verb, operation, params], {}]
            reply = page.send(frame)
            assert reply[0] == RESULT, reply
            return reply[3][0]

        requests = {"requests": [["db", "up"], ["two", "up"]]}
        assert matches("started", call("start", "update", requests)) == []
        for name in ("db", "two"):
            wait_until(lambda name=name: site.site.instance(name)["state"] == "up", name, LONG_S)
        requests = {"requests": [["two", "down"]]}
        assert matches("started", call("start", "update", requests)) == []
        wait_until(lambda: site.site.instance("two")["state"] == "down", "its end", LONG_S)
        assert matches("started", call("start", "docker_pull", {})) == []
        assert call("wait", "docker_pull", [])[2]["op_name"] == "docker_pull"


def test_child_states_and_orphans_are_those_of_the_published_host_manager(site):
    site.engine.compose(site.site.folder, "up", "-d", "old", limit_s=LONG_S)
    del site.services["old"]
    site.write()
    wait_until(lambda: site.data("hm")["orphans"], "the orphan", LONG_S)
    with site.their_manager():

        def same():
            try:
                theirs = site.children("hm2")
            except AssertionError:
                return False
            return theirs == site.children("hm")

        try:
            wait_until(same, "the same states", LONG_S)
        except BaseException:
            print((site.site.folder / "theirs.log").read_text()[-3000:])
            print(site.children("hm"), site.data("hm2"))
            raise
        theirs, ours = site.data("hm2"), site.data("hm")
    # The published one asks docker compose, which before version 2 does not list orphans.
    assert theirs["orphans"].keys() <= ours["orphans"].keys()
    (orphan,) = ours["orphans"].values()
    assert orphan.keys() == ORPHAN_KEYS
    assert (orphan["service"], orphan["running"]) == ("old", True)
    assert ours["config_parse_status"].keys() == theirs["config_parse_status"].keys()
    done = site.call("hm", "result = list(hm.remove_orphans())[:2]")
    assert done[0] == 0
    wait_until(lambda: not site.data("hm")["orphans"], "the orphan's end", LONG_S)
