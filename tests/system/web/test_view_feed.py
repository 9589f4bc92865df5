"""`ocsd view-feed` with the variables of OCS's guide, asked as Grafana asks."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ocsd.web.sources.views import views
from tests.system.conftest import a_site, fake_agent
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system

# As docker-compose.yml has them; the site file names the router.
GUIDE = {
    "TARGET": "fake-data1",
    "NAME": "fake-data1",
    "DESCRIPTION": "Fake temperatures",
    "FEED": "false_temperatures",
    "LOGLEVEL": "info",
}
ALL = ["fake-data1.channel_00", "fake-data1.channel_01"]


class Viewer:
    """A running feed viewer, asked as Grafana asks."""

    def __init__(self, site, **environment):
        self.port = free_port()
        words = ["view-feed", "--listen", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ocsd", *words],
            env=site.environment | GUIDE | environment,
            cwd=site.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return answer.status, answer.read()

    def post(self, path, body):
        headers = {"content-type": "application/json;charset=UTF-8", "user-agent": "Grafana/9.5.2"}
        url = f"http://127.0.0.1:{self.port}{path}"
        asked = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.load(answer)

    def samples(self):
        return json.loads(self.get("/samples")[1])

    def is_there(self):
        try:
            return self.get("/")[0] == 200
        except OSError:
            assert self.process.poll() is None, self.process.stdout.read()
            return False

    def query(self, *targets):
        now = time.time()
        begin, end = (datetime.fromtimestamp(at, UTC).isoformat() for at in (now - 300, now + 60))
        body = {
            "panelId": 2,
            "range": {"from": begin, "to": end, "raw": {"from": "now-5m", "to": "now"}},
            "rangeRaw": {"from": "now-5m", "to": "now"},
            "intervalMs": 1000,
            "targets": [{"target": target, "refId": "A", "type": kind} for target, kind in targets],
            "format": "json",
            "maxDataPoints": 600,
        }
        return self.post("/query", body)

    def values(self):
        [answer] = self.query((ALL[0], "timeserie"))
        return answer["datapoints"]


@pytest.fixture(scope="module")
def lab():
    with a_site(free_port()) as site:
        site.write(fake_agent("fake-data1", rate_hz=10))
        yield site


def test_it_waits_for_router_and_agent_and_survives_both(lab):
    viewer = Viewer(lab, SITE_HUB=f"ws://localhost:{lab.port}/ws")
    try:
        wait_until(viewer.is_there, "the page")
        assert "the router at ws://localhost" in viewer.samples()["missing"]
        assert viewer.post("/search", {"target": ""}) == []

        lab.bring_up()
        wait_until(lambda: viewer.post("/search", {"target": ""}) == ALL, "both fields")
        wait_until(lambda: viewer.samples()["missing"] == "", "nothing to be missing")
        channel = viewer.samples()["fields"]["channel_00"]
        assert (channel["units"], channel["label"]) == ("K", "false temperature 0")

        serie, table = viewer.query((ALL[0], "timeserie"), (ALL[1], "table"))
        assert serie["target"] == ALL[0]
        value, at_ms = serie["datapoints"][-1]
        assert 0.05 < value < 0.15
        assert abs(at_ms / 1000 - time.time()) < 30
        assert [column["text"] for column in table["columns"]] == ["Time", ALL[1]]
        assert viewer.post("/annotations", {"annotation": {"name": "a"}}) == []

        runtime = Path(lab.environment["RUNTIME_DIRECTORY"]) / "lab"
        [view] = wait_until(lambda: views(runtime, time.time()), "the host to be told")
        assert (view.name, view.description) == ("fake-data1", "Fake temperatures")
        assert view.url == f"http://127.0.0.1:{viewer.port}/"

        os.kill(lab.status()["router"]["pid"], signal.SIGKILL)
        before = len(viewer.values())
        assert before
        wait_until(lambda: len(viewer.values()) > before + 20, "messages after the router's death")

        lab.ocsd("down", "fake-data1")
        wait_until(
            lambda: "'fake-data1' is not connected" in viewer.samples()["missing"],
            "the agent to be missed",
        )
        assert viewer.values()
    finally:
        viewer.process.terminate()
        assert viewer.process.wait(20) == 0
    assert views(runtime, time.time()) == []


def test_a_feed_that_the_agent_has_not_got_is_named(lab):
    lab.ocsd("up", "fake-data1")
    viewer = Viewer(lab, FEED="false_temperature", OCS_CONFIG_DIR=str(lab.folder))
    try:
        wait_until(viewer.is_there, "the page")
        told = "has no feed 'false_temperature' yet; did you mean 'false_temperatures'?"
        wait_until(lambda: told in viewer.samples()["missing"], "the feed to be missed")
        taken = subprocess.run(
            [sys.executable, "-m", "ocsd", "view-feed", "--listen", f"127.0.0.1:{viewer.port}"],
            env=lab.environment | GUIDE,
            cwd=lab.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert taken.returncode == 1
        assert "Address already in use; choose another one with --listen" in taken.stdout
    finally:
        viewer.process.terminate()
        assert viewer.process.wait(20) == 0
