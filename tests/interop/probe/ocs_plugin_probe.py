"""Where ocsd finds the agent that is asked; the published OCS runs the file itself."""

import os

from ocs import site_config

site_config.register_agent_class(
    "ProbeAgent", os.path.join(os.path.dirname(os.path.abspath(__file__)), "probe_agent.py")
)
site_config.register_agent_class(
    "ACUAgent", os.path.join(os.path.dirname(os.path.abspath(__file__)), "acu_agent.py")
)
site_config.register_agent_class(
    "PysmurfController", os.path.join(os.path.dirname(os.path.abspath(__file__)), "smurf_agent.py")
)
