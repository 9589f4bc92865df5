"""The fixtures of the agent runtime, for tests of agents."""

from tests.unit.agent.conftest import agent, link, reactor

__all__ = ["agent", "link", "reactor"]
