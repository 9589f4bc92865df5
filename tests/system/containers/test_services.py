"""Services of docker compose, supervised by a daemon as its own processes are."""

import json
import os
import signal
import time

import psutil
import pytest
import yaml

from tests.system.conftest import a_site
from tests.system.containers.engine import BASE
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

TICKING = "trap 'echo bye; exit 0' TERM; echo begun; while true; do echo tick; sleep 1 & wait; done"
LONG_S = 180.0


def service(script, **more):
    """Return a service that runs a script of the shell on the base image."""
    keys = {"image": BASE, "network_mode": "host", "stop_grace_period": "5s"}
    return {**keys, "command": ["sh", "-c", script.replace("$", "$$")], **more}


def entry(name, manage, **more):
    """Return the site file's entry of an agent in a container."""
    return {"agent-class": "ThermometerAgent", "instance-id": name, "manage": manage, **more}


SERVICES = {
    "ocs-one": service(TICKING),
    "ocs-two": service(TICKING),
    "ocs-unpulled": service("true", image="localhost:9/no/such:image"),
    "ocs-dying": service("echo it is broken >&2; sleep 1; exit 7"),
    "ocs-kept": service("sleep 2; exit 3", restart="always"),
    "db": service(TICKING),
}
ENTRIES = (
    entry("one", "docker/up"),
    entry("two", "docker"),
    entry("unpulled", "docker/down"),
    entry("dying", "docker/down"),
    entry("kept", "docker/down"),
    entry("gone", "docker/up"),
)


class Services:
    """A site whose agents run in containers, and the compose file of these."""

    def __init__(self, site, engine):
        self.site = site
        self.engine = engine
        self.file = site.folder / "docker-compose.yml"
        self.write(SERVICES)
        arguments = [["--docker-compose", str(self.file)], ["--docker-service-prefix", "ocs-"]]
        manager = {"agent-class": "HostManager", "instance-id": "hm", "arguments": arguments}
        site.extra_environment = engine.environment
        site.write(manager, *ENTRIES)

    def write(self, services):
        """Write the compose file."""
        self.file.write_text(yaml.safe_dump({"version": "3.7", "services": services}))

    def row(self, name):
        """Return the row of an instance in the status."""
        return self.site.instance(name)

    def until(self, name, state, words="", limit_s=LONG_S):
        """Wait until an instance is in a state, for a reason with these words."""

        def there():
            row = self.row(name)
            return row if row["state"] == state and words in row["reason"] else None

        return wait_until(there, f"{name} to be {state}: {words}", limit_s)

    def containers(self, name):
        """Return the containers of a service, by podman."""
        label = f"label=com.docker.compose.service={name}"
        done = self.engine.podman("ps", "--all", "--format", "json", "--filter", label)
        return json.loads(done.stdout)

    def docker(self):
        """Return the process that serves Docker's API."""
        words = {"service", f"unix://{self.engine.socket}"}
        return next(
            each.pid
            for each in psutil.process_iter(["cmdline"])
            if words <= set(each.info["cmdline"] or ())
        )

    def ask(self, verb, name):
        """Ask for a change and wait for nothing."""
        self.site.ocsd(verb, "--timeout", "1", name)

    def change(self, verb, name):
        """Ask for a change and wait for its result."""
        self.ocsd(verb, "--timeout", str(int(LONG_S)), name)

    def until_told(self, name, words):
        """Wait until the history of an instance has these words; if it never has, show it."""
        try:
            wait_until(lambda: words in self.ocsd("history", name), words, LONG_S)
        except pytest.fail.Exception as failure:
            pytest.fail(f"{failure}: {self.row(name)} {self.ocsd('history', name)}")

    def start(self):
        """Start the daemon; on a busy machine, its report comes before all is up."""
        words = ["-d", "--site-file", str(self.site.file), "--host", "lab"]
        self.site.ocsd("start", *words, limit_s=LONG_S)
        self.site.daemons.append("lab")

    def ocsd(self, *words, code=0):
        """Run the command line; return what it prints."""
        done = self.site.ocsd(*words, limit_s=2 * LONG_S)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def services(engine, kept_router):
    if not kept_router.answers():
        kept_router.start()
    with a_site(kept_router.port) as site:
        services = Services(site, engine)
        services.start()
        services.until("one", "up")
        services.until("two", "up")
        yield services
        site.ocsd("stop", limit_s=LONG_S)
        engine.clear()


def test_a_service_is_an_instance_like_all_others(services):
    row = services.row("one")
    (container,) = services.containers("ocs-one")
    assert (row["health"], row["target"], row["pid"]) == ("ok", "up", container["Pid"])
    assert row["rss_bytes"] > 0
    wait_until(lambda: "tick" in services.ocsd("logs", "one"), "the log of the container")
    assert "begun" in services.ocsd("logs", "one")
    assert "up" in services.ocsd("why", "one")
    assert "ThermometerAgent" in services.site.ocsd("status").stdout


def test_what_cannot_be_started_is_told_with_cause_and_next_step(services):
    gone = services.until("gone", "failed")["reason"]
    assert "there is no service 'ocs-gone'" in gone
    assert "docker-service-prefix" in gone
    services.ask("up", "unpulled")
    unpulled = services.until("unpulled", "backoff")["reason"]
    assert "image localhost:9/no/such:image cannot be pulled" in unpulled
    assert str(services.file) in unpulled
    services.change("down", "unpulled")


def test_a_container_that_is_killed_is_restarted_and_the_history_says_why(services):
    before = services.row("one")
    os.kill(before["pid"], signal.SIGKILL)
    wait_until(lambda: services.row("one")["restarts"] == before["restarts"] + 1, "a restart")
    after = services.until("one", "up")
    assert after["pid"] != before["pid"]
    assert "killed by SIGKILL" in services.ocsd("why", "one")
    assert "exit code 137" in services.ocsd("history", "one")


def test_a_restart_ends_the_container_as_it_wants_and_makes_a_new_one(services):
    (before,) = services.containers("ocs-one")
    services.change("restart", "one")
    services.until("one", "up")
    (after,) = services.containers("ocs-one")
    assert after["Id"] != before["Id"]
    assert "bye" in services.ocsd("logs", "one")
    assert "restart requested" in services.ocsd("history", "one")


def test_a_container_outlives_the_daemon_and_the_next_one_finds_it(services):
    before = {name: services.row(name)["pid"] for name in ("one", "two")}
    daemon = services.site.status()["pid"]
    os.kill(daemon, signal.SIGKILL)
    wait_until(lambda: not os.path.exists(f"/proc/{daemon}"), "the daemon's end")
    services.start()
    for name, pid in before.items():
        assert services.until(name, "up")["pid"] == pid
    assert "found running" in services.ocsd("history", "one")
    lines = (services.site.folder / "log" / "lab" / "one.log").read_text().splitlines()
    stamps = [line.split()[0] for line in lines if line.endswith("tick")]
    assert stamps == sorted(stamps)


def test_a_container_that_ends_by_itself_waits_longer_and_longer(services):
    services.ask("up", "dying")
    reason = services.until("dying", "backoff")["reason"]
    assert reason == "ended with exit code 7: it is broken"
    services.change("down", "dying")
    assert services.containers("ocs-dying") == [] or services.row("dying")["state"] == "down"


def test_what_docker_restarts_itself_is_left_to_it_and_told(services):
    services.ask("up", "kept")
    wait_until(lambda: services.containers("ocs-kept"), "the container", LONG_S)
    services.until_told("kept", "exit code 3")
    wait_until(lambda: services.row("kept")["restarts"], "a restart", LONG_S)
    (container,) = services.containers("ocs-kept")
    seen = json.loads(services.engine.podman("inspect", container["Id"]).stdout)[0]
    assert seen["RestartCount"] > 0
    services.change("down", "kept")
    wait_until(lambda: not services.containers("ocs-kept"), "its removal", LONG_S)


def test_a_service_that_is_no_agent_is_listed_started_by_name_and_not_restarted(services):
    assert services.row("db")["state"] == "down"
    assert services.row("db")["agent_class"] == "[docker]"
    services.change("up", "db")
    os.kill(services.until("db", "up")["pid"], signal.SIGKILL)
    row = services.until("db", "down")
    assert (row["target"], "killed by SIGKILL" in row["reason"]) == ("down", True)


def test_down_removes_the_container_and_up_makes_it_again(services):
    services.change("down", "two")
    assert services.until("two", "down")["pid"] is None
    wait_until(lambda: not services.containers("ocs-two"), "its removal")
    services.change("up", "two")
    assert services.until("two", "up")["pid"]


def test_a_broken_compose_file_is_told_and_everything_goes_on(services):
    pid = services.row("one")["pid"]
    services.file.write_text("services:\n  ocs-one: {imagee: x}\n")
    wait_until(lambda: "imagee" in services.site.status()["trouble"], "the error", LONG_S)
    assert str(services.file) in services.site.status()["trouble"]
    assert services.row("one")["pid"] == pid
    assert services.row("one")["state"] == "up"
    services.write({**SERVICES, "ocs-gone": service(TICKING)})
    # What failed for want of the service is tried again at once.
    services.until("gone", "up")
    assert services.site.status()["trouble"] == ""


def test_a_docker_that_hangs_is_told_and_makes_nobody_wait(services):
    service_pid = services.docker()
    os.kill(service_pid, signal.SIGSTOP)
    try:
        wait_until(lambda: "Docker hangs" in services.site.status()["trouble"], "the hang")
        wait_until(lambda: services.row("one")["health"] == "degraded", "the instance's health")
        began_s = time.monotonic()
        row = services.row("one")
        assert time.monotonic() - began_s < 2
        assert (row["state"], row["layer"]) == ("up", "call")
        assert "systemctl status docker" in row["reason"]
        services.ask("down", "two")
    finally:
        os.kill(service_pid, signal.SIGCONT)
    wait_until(lambda: services.row("one")["health"] == "ok", "Docker's answer", LONG_S)
    services.until("two", "down")
    assert services.site.status()["trouble"] == ""
