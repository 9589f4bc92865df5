"""A stand-in for the controller of a readout, as the control library sorunlib drives it."""

import argparse
import time

from ocs import ocs_agent, site_config


class Readout:
    """Streams nothing; one that is broken fails to take noise."""

    def __init__(self, broken):
        self.broken = broken

    def stream(self, session, params):
        """stream(**params) - Be on until it is stopped."""
        session.data = {"stream_on": True, "tag": params.get("tag")}
        while session.status == "running":
            time.sleep(0.05)
        return True, "off"

    def stop(self, session, params):
        """Ask `stream` to end."""
        session.set_status("stopping")

    def take_noise(self, session, params):
        """take_noise(**params) - Take as long as noise takes, at most a second."""
        time.sleep(0.2)
        return not self.broken, "taken"


def main(args=None):
    """Run the agent."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--broken", action="store_true")
    parsed = site_config.parse_args(agent_class="PysmurfController", parser=parser, args=args)
    agent, runner = ocs_agent.init_site_agent(parsed)
    readout = Readout(parsed.broken)
    agent.register_process("stream", readout.stream, readout.stop)
    agent.register_task("take_noise", readout.take_noise)
    runner.run(agent, auto_reconnect=True)


if __name__ == "__main__":
    main()
