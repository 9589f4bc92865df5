"""The images, built once, and run as the compose files of deploy/ and of the guides run them."""

import json
import shutil
import time
import urllib.request
from pathlib import Path

import pytest
from so3g.hk import HKArchiveScanner

from tests.system.containers.engine import REPOSITORY
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system

COMPOSE = REPOSITORY / "deploy" / "compose"
AGENTS = REPOSITORY / "agents"
FIELD = "observatory.fake-data1.feeds.false_temperatures.channel_00"
LIMITS_MB = {"ocsd-agent": 350, "ocsd": 900}
USER = "9000"


@pytest.fixture(scope="module")
def images(engine):
    """Both images, and those of our agents."""
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


def recorded(folder, field=FIELD):
    """Return the times and values that G3 files below a folder hold."""
    scanner = HKArchiveScanner()
    for path in sorted(folder.glob("**/*.g3")):
        scanner.process_file(str(path))
    return scanner.finalize().simple(field, short_match=False)


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
    wait_until(lambda: b"fake-data1.channel_00" in (read(view) or b""), "samples in the view")


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
    before = recorded(data)[0]
    assert len(before) > 0
    project.engine.podman("rm", name)
    project.compose("up", "-d")
    router = ports["ROUTER_PORT"]
    wait_until(lambda: session_data(router, "fake-data1", "acq"), "the agent at the new router")
    project.compose("stop", "--timeout", "60")
    times = recorded(data)[0]
    assert len(times) > len(before)
    assert list(times[: len(before)]) == list(before)
