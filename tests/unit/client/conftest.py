import pytest

from tests.unit.client.stand_in_bridge import Bridge, StandInAgent


@pytest.fixture
def agent():
    return StandInAgent()


@pytest.fixture
def bridge(agent):
    """A router's HTTP bridge on which `observatory.dev1` is the only agent."""
    bridge = Bridge(agent)
    yield bridge
    bridge.shutdown()
    bridge.server_close()
