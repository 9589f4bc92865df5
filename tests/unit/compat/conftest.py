"""The stand-in router of the tests of clients."""

from tests.unit.client.conftest import agent, bridge

__all__ = ["agent", "bridge"]
