"""Nobody passes for somebody else, on a crossbar that hands forged identities on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ocsd.router.config import node_config
from ocsd.site.model import Hub
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system


@pytest.fixture
def router(tmp_path):
    """A crossbar without ocsd's changes, which tells both callers and publishers."""
    port = free_port()
    url = f"127.0.0.1:{port}"
    hub = Hub(wamp_server=f"ws://{url}/ws", wamp_http=f"http://{url}/call")
    config = node_config(hub, tmp_path / "r.sock")
    [worker] = config["workers"]
    worker["transports"] = worker["transports"][:1]
    for role in worker["realms"][0]["roles"]:
        role["permissions"][0]["disclose"] = {"caller": True, "publisher": True}
    (tmp_path / "config.json").write_text(json.dumps(config))
    crossbar = str(Path(sys.executable).with_name("crossbar"))
    with (tmp_path / "log").open("wb") as log:
        node = subprocess.Popen(
            [crossbar, "start", "--cbdir", str(tmp_path)], stdout=log, stderr=log
        )
    yield port
    node.terminate()
    node.wait(timeout=60)


def answers(port):
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_agents_see_the_true_sender_whatever_a_message_claims(router):
    wait_until(lambda: answers(router), "the router to listen", 60)
    program = Path(__file__).with_name("forging.py")
    done = subprocess.run(
        [sys.executable, str(program), str(router)], capture_output=True, text=True, timeout=100
    )
    assert done.stdout, done.stderr
    seen = json.loads(done.stdout)
    stranger = [seen["stranger"], "ocs"]
    assert seen["calls"][:4] == [stranger] * 4
    assert seen["publications"] == [stranger] * len(seen["publications"])
    assert len(seen["publications"]) >= 4
    # What is registered already stays the agent's, whoever claims to ask for it.
    assert seen["refused"]["register"] == "wamp.error.procedure_already_exists"
