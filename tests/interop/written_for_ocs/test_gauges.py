"""Tests of a published agent with the fixtures of `ocs.testing` and the device of `socs.testing`.

They are in the form in which agents of socs are tested; tests/interop/test_written_for_ocs.py
runs them on ocsd.
"""

import time

import pytest
import socs.agents.pfeiffer_tpg366.agent as gauges
from ocs.base import OpCode
from ocs.testing import (
    check_crossbar_connection,
    create_agent_runner_fixture,
    create_client_fixture,
)
from socs.testing.device_emulator import create_device_emulator

PRESSURES = "0,1.2000E-03,0,2.2000E-03,0,3.2000E-03,0,4.2000E-03,0,5.2000E-03,0,6.2000E-03\r\n"

run_once = create_agent_runner_fixture(gauges.__file__, "gauges", args=["--mode", "test"])
run_agent = create_agent_runner_fixture(gauges.__file__, "gauges", args=["--log-dir", "./logs/"])
client = create_client_fixture("gauges")
device = create_device_emulator(
    {"PRX": "\x06\r\n", "\x05": PRESSURES}, relay_type="tcp", port=18801
)


@pytest.fixture(scope="session")
def wait_for_crossbar():
    check_crossbar_connection(port=18001)


def test_it_acquires(wait_for_crossbar, device, run_once, client):
    client.acq.wait(timeout=20)
    reply = client.acq.status()
    print(reply)
    assert reply.session["op_code"] == OpCode.SUCCEEDED.value


def test_it_is_degraded_while_the_device_talks_nonsense(
    wait_for_crossbar, device, run_agent, client
):
    device.define_responses({"PRX": "\x06\r\n"}, default_response="nonsense\r\n")
    for _ in range(100):
        if client.acq.status().session["degraded"]:
            break
        time.sleep(0.1)
    else:
        pytest.fail("it was never degraded")
    assert client.acq.stop().msg
    client.acq.wait(timeout=20)
    assert client.acq.status().session["status"] == "done"
