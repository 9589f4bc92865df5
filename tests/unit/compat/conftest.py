"""The stand-in router of the tests of clients, and the site file of those of sites."""

from tests.unit.client.conftest import agent, bridge
from tests.unit.site.conftest import file, no_site_in_environment

__all__ = ["agent", "bridge", "file", "no_site_in_environment"]
