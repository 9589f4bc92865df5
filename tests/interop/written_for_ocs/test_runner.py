"""Tests that start an agent again and again, with other arguments, through `_AgentRunner`."""

import os

import ocs.agents.fake_data.agent as fake_data
import pytest
from ocs.ocs_client import OCSClient
from ocs.testing import SIGINT_TIMEOUT, _AgentRunner, create_client_fixture

client = create_client_fixture("fake")


@pytest.fixture
def fake():
    runner = _AgentRunner(fake_data.__file__, "fake", ["--instance-id", "fake", "--mode", "acq"])
    runner.env["LOGLEVEL"] = "debug"
    runner.run(timeout=60)
    yield runner
    runner.shutdown()


def test_it_runs_with_its_own_arguments(fake, client):
    assert fake.proc.pid
    assert os.environ["OCS_CONFIG_DIR"] == os.getcwd()
    client.acq.stop()
    client.acq.wait(timeout=SIGINT_TIMEOUT)
    # A second client finds the site as the first one does.
    assert OCSClient("fake").acq.status().session["status"] == "done"


def test_it_runs_again_after_its_end(fake, client):
    assert client.delay_task(delay=0.1).session["success"]


def test_an_agent_that_cannot_start_is_told():
    runner = _AgentRunner(fake_data.__file__, "fake", ["--no-such-option"])
    with pytest.raises(RuntimeError):
        runner.run(timeout=30)


def test_an_agent_that_takes_too_long_is_told():
    runner = _AgentRunner(fake_data.__file__, "fake", [])
    runner.run(timeout=3)
    runner.proc.wait(20)
    with pytest.raises(RuntimeError):
        runner.shutdown()
