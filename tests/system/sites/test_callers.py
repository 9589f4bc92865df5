"""Who started or stopped an operation is on record, by the router's word and by its own."""

import getpass
import json
import socket
import subprocess
import sys
import urllib.request

import pytest

from ocsd.client.http import LONGEST_REQUEST_BYTES
from ocsd.ocs_client import OCSClient
from tests.system.conftest import a_site, fake_agent
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system

ME = f"{getpass.getuser()}@{socket.gethostname()}"

FORGER = """
from autobahn.wamp.types import CallOptions
from ocsd.client_t import run_control_script

async def forge(app, args):
    someone = {"session": 1, "authid": "tcp:10.9.9.9:1 root (root@boss)", "authrole": "ocs-bridge"}
    options = CallOptions(forward_for=[someone])
    address = args.address_root + ".fake-data1.ops"
    await app.call(address, "start", "delay_task", {"delay": 0.01}, options=options)

run_control_script(forge)
"""


@pytest.fixture(scope="module")
def site():
    with a_site(free_port()) as site:
        site.write(fake_agent("fake-data1"))
        site.bring_up()
        yield site


def post(site, user_agent, *args, **kwargs):
    """Call the agent's operations as a program does that knows nothing of ocsd."""
    procedure = "observatory.fake-data1.ops"
    body = json.dumps({"procedure": procedure, "args": args, "kwargs": kwargs}).encode()
    headers = {"Content-Type": "application/json", "User-Agent": user_agent}
    request = urllib.request.Request(f"http://127.0.0.1:{site.port}/call", body, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def test_a_stop_by_our_client_is_on_record_everywhere(site):
    client = OCSClient("fake-data1", args=["--site-file", str(site.file)])
    client.acq.stop()
    session = client.acq.wait(timeout=20).session
    ended_by = session["ended_by"]
    assert ended_by["name"].startswith(f"{ME} (")
    assert ended_by["name"].endswith(", from 127.0.0.1")
    assert ended_by["router"]["peer"].startswith("tcp:127.0.0.1:")
    assert "started_by" not in session  # it started with the agent
    for words in (["status"], ["history"], ["why", "fake-data1"], ["logs", "fake-data1"]):
        wait_until(lambda words=words: ME in site.ocsd(*words).stdout, 10)


def test_a_client_that_says_nothing_is_known_by_its_address(site):
    [[code, _, session]] = post(site, "curl/8.5", "start", "delay_task", {"delay": 0.01})["args"]
    assert code == 0
    assert session["started_by"]["name"] == "a client (curl/8.5), from 127.0.0.1"
    assert session["started_by"]["router"]["authrole"] == "ocs-bridge"


def test_nobody_can_call_in_the_name_of_somebody_else(site, tmp_path):
    forger = tmp_path / "forger.py"
    forger.write_text(FORGER)
    command = [sys.executable, str(forger), "--site-file", str(site.file)]
    done = subprocess.run(command, env=site.environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    [[_, _, session]] = post(site, "curl/8.5", "status", "delay_task")["args"]
    assert session["started_by"]["name"] == f"{ME} (forger.py), from 127.0.0.1"
    assert session["started_by"]["router"]["authrole"] == "ocs"


def test_a_call_that_no_message_can_carry_is_refused_at_once(site):
    text = "x" * (LONGEST_REQUEST_BYTES + 1)
    answer = post(site, "curl/8.5", "start", "delay_task", {"delay": text})
    assert answer["error"] == "wamp.error.payload_size_exceeded"
    assert f"{LONGEST_REQUEST_BYTES:,}" in answer["args"][0]
    [[code, _, _]] = post(site, "curl/8.5", "status", "acq")["args"]
    assert code == 0


def test_the_history_tells_who_asked_the_daemon_to_upgrade(site):
    assert site.ocsd("upgrade").returncode == 0
    entries = json.loads(site.ocsd("history", "--json").stdout)["entries"]
    [upgrade] = [each for each in entries if each["event"] == "UpgradeRequested"]
    assert upgrade["by"].startswith(getpass.getuser())


def test_a_hook_is_tried_by_the_daemon_itself(site):
    told = site.folder / "told"
    site.write(
        fake_agent("fake-data1"), hooks={"on-failed": ["/bin/sh", "-c", f"cat > {told}; id"]}
    )
    assert site.ocsd("reload").returncode == 0
    done = site.ocsd("hook", "on-failed", "fake-data1")
    assert done.returncode == 0, done.stderr
    assert "uid=" in done.stdout
    assert json.loads(told.read_text())["test"] is True
    assert "HookTried" in site.ocsd("history", "--json").stdout
