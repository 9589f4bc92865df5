"""What a check of the conformance suite leaves behind when it fails."""

import socket
from itertools import count
from types import SimpleNamespace

import pytest

from ocsd.testing import TcpDevice, conformance, conformance_agents
from ocsd.testing.device import FAULTS

PATIENCE_S = 20.0


class Unwell:
    """An agent that does not notice faults of its device, and blocks its reactor."""

    def __init__(self, device):
        self.simulation = SimpleNamespace(device=device)
        self.process = SimpleNamespace(
            exit_code=None,
            output=str,
            beats=count(0, conformance.FAULT_BEATS).__next__,
            silence_s=lambda since_s: 60.0,
        )

    def prepare(self):
        pass

    def start(self, name):
        pass

    def publishes(self):
        return True

    def watch(self, name, condition, limit_s):
        return {"status": "running"}


@pytest.fixture
def device():
    with TcpDevice(lambda request: request.upper(), terminator=b"\n") as device:
        yield device


@pytest.mark.parametrize("fault", FAULTS)
def test_a_device_is_well_again_after_a_check_that_failed(device, fault):
    with pytest.raises(pytest.fail.Exception):
        conformance.test_it_outlives_a_device_that_is("acq", Unwell(device), fault)
    with socket.create_connection((device.host, device.port), PATIENCE_S) as driver:
        driver.settimeout(PATIENCE_S)
        driver.sendall(b"well?\n")
        assert driver.makefile("rb").readline() == b"WELL?\n"


def test_a_device_knows_no_other_faults(device):
    with pytest.raises(ValueError, match="mute, slow, garbled, cut short, unplugged, not 'shy'"):
        device.fail("shy")


class Kept:
    """A shared agent that counts how often it is closed."""

    def __init__(self):
        self.closed = 0
        self.agent_there = SimpleNamespace(
            process=SimpleNamespace(exit_code=None, output=str, silence_s=lambda since_s: 0.5),
            api=dict,
        )

    def agent(self):
        return self.agent_there

    def close(self):
        self.closed += 1


@pytest.mark.parametrize(("failures", "closed"), [([3, 3], 0), ([3, 4], 1)])
def test_a_check_that_failed_costs_the_next_one_nothing(failures, closed):
    kept, counted = Kept(), iter(failures)
    with conformance_agents.one_check(kept, counted.__next__) as agent:
        assert agent is kept.agent_there
    assert kept.closed == closed


def test_an_agent_that_died_in_a_check_is_not_kept():
    kept = Kept()
    kept.agent_there.process.exit_code = 1
    with (
        pytest.raises(pytest.fail.Exception, match="ended with exit code 1"),
        conformance_agents.one_check(kept, int),
    ):
        pass
    assert kept.closed == 1
