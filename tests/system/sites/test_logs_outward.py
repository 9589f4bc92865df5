"""`ocsd start --log-format json`: every line of daemon and agents as one JSON object."""

import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.system.conftest import fake_agent
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

AGENT = """
import os
import sys
from ocs import ocs_agent, site_config

def main(args=None):
    args = site_config.parse_args(agent_class='LoudAgent', args=args)
    agent, runner = ocs_agent.init_site_agent(args)

    def measure(session, params):
        print('printed without a logger')
        print('a warning of a library', file=sys.stderr)
        os.write(2, b'written by a driver in C\\n')
        agent.log.warn('logged: {n}', n=7)
        raise OSError('the device is gone')

    agent.register_task('measure', measure, startup=True)
    runner.run(agent, auto_reconnect=True)
"""


@pytest.fixture
def loud(site):
    """A site with an agent that writes in every way."""
    plugins = site.folder / "plugins"
    plugins.mkdir()
    (plugins / "ocs_plugin_loud.py").write_text("agents = [('LoudAgent', 'loud.py')]\n")
    (plugins / "loud.py").write_text(AGENT)
    loud = {"agent-class": "LoudAgent", "instance-id": "loud1"}
    site.write(fake_agent("fake1"), loud, **{"agent-paths": [str(plugins)]})
    return site


@contextlib.contextmanager
def daemon(site, name):
    """Run the daemon with its output in a file; let a test read the file."""
    output = site.folder / name
    words = ["start", "--log-format", "json", "--site-file", site.file, "--host", "lab"]
    with output.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "ocsd", *words],
            env=site.environment,
            cwd=site.folder,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    site.daemons.append("lab")
    yield process, lambda: [json.loads(line) for line in output.read_text().splitlines()]


def test_every_line_is_json_also_after_a_kill_and_at_the_end(loud):
    with daemon(loud, "first.txt") as (process, lines):
        wait_until(lambda: "traceback" in str(lines()), "the traceback")
        found = of("loud1", lines())
        assert found["printed without a logger"]["level"] == "info"
        # A line without a time belongs to the event before, as for `ocsd logs`.
        foreign = found["a warning of a library\nwritten by a driver in C"]
        assert foreign["level"] == "error"
        assert found["logged: 7"]["level"] == "warn"
        trace = next(line for line in found.values() if "traceback" in line)
        assert trace["traceback"].endswith("OSError: the device is gone")
        assert "in measure" in trace["traceback"]
        for line in lines():
            assert line["host"] == "lab"
            assert datetime.datetime.fromisoformat(line["time"]).utcoffset() is not None
        wait_until(lambda: "loud1: starting -> up" in " ".join(of("ocsd", lines())), "the agent")
        sender = next(
            each
            for each in psutil.Process(process.pid).children()
            if "outward" in str(each.cmdline())
        )
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: not sender.is_running(), "the end of the writer")
    with daemon(loud, "second.txt") as (process, lines):
        wait_until(lambda: of("ocsd", lines()), "the next daemon")
        wait_until(lambda: is_settled(loud), "the host")
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        said = " ".join(of("ocsd", lines()))
        assert "stopped after" in said
        assert "printed without a logger" not in of("loud1", lines())
    assert os.path.exists(loud.folder / "state/lab/logs-sent.json")


def of(name, lines):
    """Return the lines of an instance by their messages."""
    return {line["message"]: line for line in lines if line["instance"] == name}


def is_settled(site):
    with contextlib.suppress(Exception):
        return {row["state"] for row in site.status()["instances"]} == {"up"}
    return False


def test_a_start_that_is_refused_says_it_in_json(site):
    site.write(fake_agent("fake1"))
    environment = site.environment | {"OCSD_LOG_FORMAT": "json"}
    done = subprocess.run(
        [sys.executable, "-m", "ocsd", "start", "--site-file", site.file, "--host", "lob"],
        env=environment,
        cwd=site.folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = json.loads(done.stderr)
    assert done.returncode == 78
    assert (said["level"], said["instance"]) == ("critical", "ocsd")
    assert "'lob'" in said["message"]
