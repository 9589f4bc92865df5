"""An agent that publishes the number in a file, ten times a second; nothing while there is none."""

import os
import time
from pathlib import Path

from ocs import ocs_agent, site_config


class Lamp:
    def __init__(self, agent):
        self.agent = agent
        self.file = Path(os.environ["LAMP_FILE"])

    def acq(self, session, params):
        while session.status in ["starting", "running"]:
            text = self.file.read_text().strip()
            if text:
                data = {"level": float(text)}
                message = {"block_name": "light", "timestamp": time.time(), "data": data}
                self.agent.publish_to_feed("light", message)
            time.sleep(0.1)
        return True, "stopped"

    def stop_acq(self, session, params):
        session.set_status("stopping")


def main(args=None):
    args = site_config.parse_args(agent_class="Lamp", args=args)
    agent, runner = ocs_agent.init_site_agent(args)
    lamp = Lamp(agent)
    agent.register_feed("light", record=True)
    agent.register_process("acq", lamp.acq, lamp.stop_acq, startup=True)
    runner.run(agent)
