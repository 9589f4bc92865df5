"""The agent classes of this package for entry points of group ``ocs.plugins``."""

from ocsd_agents.ocs_plugin_standard import agents as _files

package_name = "ocsd_agents"

agents = {
    name: {
        "module": f"ocsd_agents.{path.removesuffix('.py').replace('/', '.')}",
        "entry_point": "main",
    }
    for name, path in _files
}
