"""The images, built once, and run as the compose files of deploy/ and of the guides run them."""

import json
import os
import shutil
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.system.authors.test_agents import recorded
from tests.system.conftest import fake_agent
from tests.system.containers.engine import REPOSITORY
from tests.system.waiting import free_port, wait_until

# The first test waits for the builds.
pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

COMPOSE = REPOSITORY / "deploy" / "compose"
AGENTS = REPOSITORY / "agents"
FIELD = "observatory.fake-data1.feeds.false_temperatures.channel_00"
# The service of OCS's guide, letter by letter.
GUIDE_SERVICE = """
  fake-data1:
    image: simonsobs/ocs-fake-data-agent
    hostname: ocs-docker
    environment:
      - LOGLEVEL=info
    volumes:
      - ${OCS_CONFIG_DIR}:/config:ro
    logging:
      options:
        max-size: "20m"
        max-file: "10"
"""
# Router and aggregator as OCS's pages have them; docs/run/containers.md has what differs:
# images and entry points.
OCS_SERVICES = """
version: "3.7"
services:
  crossbar:
    image: ocsd
    entrypoint: [tini, --, crossbar, start, --cbdir, /ocs/.crossbar]
    ports: ["127.0.0.1:${ROUTER_PORT}:8001"]
    volumes: ["./.crossbar:/ocs/.crossbar"]
    environment: [PYTHONUNBUFFERED=1]
  ocs-aggregator:
    image: ocsd
    entrypoint: [tini, --, ocs-agent-cli]
    hostname: ocs-docker
    user: "9000"
    environment:
      - INSTANCE_ID=aggregator
      - SITE_HUB=ws://crossbar:8001/ws
      - SITE_HTTP=http://crossbar:8001/call
      - LOGLEVEL=info
    volumes:
      - ${OCS_CONFIG_DIR}:/config:ro
      - ./data:/data
  fake-data2:
    image: ocsd-agent
    hostname: ocs-second
    environment: [INSTANCE_ID=fake-data2, LOGLEVEL=info]
    command: ["--site-hub=ws://crossbar:8001/ws", "--site-http=http://crossbar:8001/call"]
    volumes: ["${OCS_CONFIG_DIR}:/config:ro"]
"""
ANYTHING = {"call": True, "register": True, "publish": True, "subscribe": True}
CROSSBAR = {
    "version": 2,
    "workers": [
        {
            "type": "router",
            "realms": [
                {
                    "name": "test_realm",
                    "roles": [
                        {
                            "name": "iocs_agent",
                            "permissions": [{"uri": "", "match": "prefix", "allow": ANYTHING}],
                        }
                    ],
                }
            ],
            "transports": [
                {
                    "type": "web",
                    "endpoint": {"type": "tcp", "port": 8001},
                    "paths": {
                        "ws": {
                            "type": "websocket",
                            "auth": {"anonymous": {"type": "static", "role": "iocs_agent"}},
                        },
                        "call": {"type": "caller", "realm": "test_realm", "role": "iocs_agent"},
                    },
                }
            ],
        }
    ],
}


LIMITS_MB = {"ocsd-agent": 350, "ocsd": 900}
USER = "9000"


@pytest.fixture(scope="module")
def images(engine):
    """Both images, and those of our agents."""
    if not os.environ.get("OCSD_TEST_KEPT_IMAGES"):
        engine.build(REPOSITORY, "ocsd-agent", "--target", "agent")
        engine.build(REPOSITORY, "ocsd", "--target", "host")
    for folder in sorted(path.parent for path in AGENTS.glob("*/Dockerfile")):
        engine.build(folder, f"ocsd-{folder.name.replace('_', '-')}-agent")
    return engine


class Project:
    """A folder with a compose file, brought up."""

    def __init__(self, engine, folder, **variables):
        self.engine, self.folder, self.variables = engine, folder, variables
        self.compose("up", "-d")

    def compose(self, *words):
        return self.engine.compose(self.folder, *words, **self.variables)

    def container(self, service):
        return f"{self.folder.name}_{service}_1"

    def run(self, service, *words, check=True):
        """Run a command in a container; return the finished process."""
        return self.engine.podman("exec", self.container(service), *words, check=check)

    def logs(self, service):
        done = self.engine.podman("logs", self.container(service))
        return done.stdout + done.stderr

    def volume(self, name):
        """Return the folder of a volume."""
        words = ("volume", "inspect", "--format", "{{.Mountpoint}}", f"{self.folder.name}_{name}")
        return Path(self.engine.podman(*words).stdout.strip())


def read(url):
    """Return what an address answers, or None while nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read()
    except OSError:
        return None


def session_data(router_port, instance, operation):
    """Ask an agent by the router's call bridge; return session.data, or None."""
    call = {"procedure": f"observatory.{instance}.ops", "args": ["status", operation]}
    url = f"http://127.0.0.1:{router_port}/call"
    head = {"content-type": "application/json"}
    try:
        asked = urllib.request.Request(url, json.dumps(call).encode(), head)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.load(answer)["args"][0][2]["data"]
    except (OSError, LookupError, TypeError):
        return None


@pytest.fixture(scope="module")
def ports():
    return {name: str(free_port()) for name in ("ROUTER_PORT", "PAGE_PORT", "VIEW_PORT")}


@pytest.fixture(scope="module")
def project(images, tmp_path_factory, ports):
    """The site of deploy/compose, up; its volumes and images stay when it goes down."""
    folder = tmp_path_factory.mktemp("site") / "compose"
    shutil.copytree(COMPOSE, folder)
    project = Project(images, folder, **ports)
    try:
        router = ports["ROUTER_PORT"]
        wait_until(lambda: session_data(router, "fake-data1", "acq"), "the agent's container", 120)
        yield project
    finally:
        project.compose("down", "--timeout", "20", "--volumes")


def test_the_images_are_small(images):
    text = images.podman("images", "--format", "json").stdout
    sizes = {each["Names"][0]: each["Size"] / 1e6 for each in json.loads(text) if "Names" in each}
    print({name: round(size) for name, size in sizes.items()})
    for name, limit_mb in LIMITS_MB.items():
        assert sizes[f"localhost/{name}:latest"] <= limit_mb


def test_router_page_and_view_are_reached_at_published_ports(project, ports):
    data = session_data(ports["ROUTER_PORT"], "fake-data1", "acq")
    assert len(data["fields"]) == 16
    page = f"http://127.0.0.1:{ports['PAGE_PORT']}/"
    assert b"<html" in wait_until(lambda: read(page), "the page")
    view = f"http://127.0.0.1:{ports['VIEW_PORT']}/samples"
    wait_until(lambda: b'"channel_00":' in (read(view) or b""), "samples in the view")


def test_no_process_is_roots_and_init_is_process_1(project):
    for service in ("ocsd", "fake-data1", "fake-data1-view"):
        listing = "for each in /proc/[0-9]*; do stat -c %u $each; done | sort -u"
        assert project.run(service, "sh", "-c", listing).stdout.split() == [USER]
        assert project.run(service, "cat", "/proc/1/comm").stdout == "tini\n"


def test_process_1_reaps_what_others_leave_behind(project):
    orphan = project.run("ocsd", "sh", "-c", "(sleep 0.2 & echo $!)").stdout.strip()
    gone = ("sh", "-c", f"! test -e /proc/{orphan}")
    wait_until(lambda: project.run("ocsd", *gone, check=False).returncode == 0, "the orphan's end")


def test_a_host_is_healthy_until_its_daemon_hangs(project):
    def is_healthy():
        words = ("healthcheck", "run", project.container("ocsd"))
        return project.engine.podman(*words, check=False).returncode == 0

    def send(signal):
        # Brackets, so that the shell does not find itself.
        each = f"grep -qa 'ocsd[.]daemo[n]' $each/cmdline && kill -{signal} ${{each#/proc/}}"
        project.run("ocsd", "sh", "-c", f"for each in /proc/[0-9]*; do {each}; done; true")

    wait_until(is_healthy, "a healthy host")
    send("STOP")
    try:
        assert not is_healthy()
    finally:
        send("CONT")
    wait_until(is_healthy, "a healthy host")


def test_logs_are_on_stdout_as_json(project):
    lines = [json.loads(line) for line in project.logs("ocsd").splitlines() if line[:1] == "{"]
    assert {"ocsd", "router", "aggregator"} <= {line["instance"] for line in lines}
    assert {line["host"] for line in lines} == {"control"}
    assert "fake-data1" in project.logs("fake-data1")


def test_a_host_ends_in_order_on_sigterm_and_its_data_survive_its_container(project, ports):
    data = project.volume("data")
    wait_until(lambda: list(data.glob("**/*.g3")), "a file of recorded data")
    name = project.container("ocsd")
    began_s = time.monotonic()
    project.engine.podman("stop", "--time", "60", name)
    lasted_s = time.monotonic() - began_s
    ended = json.loads(project.engine.podman("inspect", name).stdout)[0]["State"]
    assert (ended["ExitCode"], ended["OOMKilled"]) == (0, False)
    print(f"ended in {lasted_s:.1f} s")
    assert lasted_s < 30
    before = recorded(data, FIELD)[0]
    assert len(before) > 0
    project.engine.podman("rm", name)
    project.compose("up", "-d")
    router = ports["ROUTER_PORT"]
    wait_until(lambda: session_data(router, "fake-data1", "acq"), "the agent at the new router")

    def is_recorded():
        data = session_data(router, "aggregator", "record") or {}
        return any("fake-data1" in address for address in data.get("providers", ()))

    wait_until(is_recorded, "its data at the new aggregator")
    project.compose("stop", "--timeout", "60")
    times = recorded(data, FIELD)[0]
    assert len(times) > len(before)
    assert list(times[: len(before)]) == list(before)


@pytest.fixture
def ocs_folder(tmp_path):
    """A folder with the files of a site of OCS in containers."""
    folder = tmp_path / "ocs"
    for name in (".crossbar", "data", "site"):
        (folder / name).mkdir(parents=True)
        (folder / name).chmod(0o777)
    (folder / ".crossbar" / "config.json").write_text(json.dumps(CROSSBAR))
    (folder / "docker-compose.yml").write_text(OCS_SERVICES + GUIDE_SERVICE)
    hub = {
        "wamp_server": "ws://localhost:8001/ws",
        "wamp_http": "http://localhost:8001/call",
        "wamp_realm": "test_realm",
        "address_root": "observatory",
    }
    recording = [
        ["--initial-state", "record"],
        ["--time-per-file", "3600"],
        ["--data-dir", "/data/"],
    ]
    entries = [
        {"agent-class": "AggregatorAgent", "instance-id": "aggregator", "arguments": recording},
        fake_agent("fake-data1", channels=16),
    ]
    hosts = {
        "ocs-docker": {"agent-instances": entries},
        "ocs-second": {"agent-instances": [fake_agent("fake-data2")]},
    }
    (folder / "site" / "default.yaml").write_text(yaml.safe_dump({"hub": hub, "hosts": hosts}))
    return folder


def test_compose_files_of_ocs_and_its_guide_run_with_our_images(images, ocs_folder):
    images.podman("tag", "ocsd-fake-data-agent", "docker.io/simonsobs/ocs-fake-data-agent")
    variables = {"ROUTER_PORT": str(free_port()), "OCS_CONFIG_DIR": "./site"}
    project = Project(images, ocs_folder, **variables)
    try:
        for name in ("fake-data1", "fake-data2"):
            wait_until(
                lambda name=name: session_data(variables["ROUTER_PORT"], name, "acq"), name, 120
            )
        wait_until(lambda: list((ocs_folder / "data").glob("*/*.g3")), "a file of recorded data")
    finally:
        project.compose("down", "--timeout", "20")
    for name in ("fake-data1", "fake-data2"):
        assert len(recorded(ocs_folder / "data", FIELD.replace("fake-data1", name))[0]) > 0
    assert project.compose("ps", "--quiet").stdout == ""
