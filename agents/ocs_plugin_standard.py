"""The agent classes of this package (entry point ``ocs.plugins``)."""

package_name = "ocsd_agents"

agents = {
    "FakeDataAgent": {"module": "ocsd_agents.fake_data.agent", "entry_point": "main"},
}
