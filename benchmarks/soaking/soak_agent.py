"""SoakAgent: samples like any agent, and ends or hangs when it is told to."""

import os
import time
from typing import Any

from ocs import ocs_agent, site_config

NEVER_S = 1e9


class SoakAgent:
    """Does what a fault needs.

    Parameters
    ----------
    agent : OCSAgent
        What connects it to the site.
    crash_after_s : float
        It ends with exit code 1 so long after it began.
    hang_after_s : float
        It blocks its reactor so long after it began.
    """

    def __init__(self, agent: Any, crash_after_s: float, hang_after_s: float) -> None:
        self.agent = agent
        self.crash_after_s = crash_after_s
        self.hang_after_s = hang_after_s
        agent.register_feed("readings", record=True)

    def acq(self, session: Any, params: Any) -> tuple[bool, str]:
        """acq() - Publish a reading every second."""
        begun_s = time.monotonic()
        while session.status in {"starting", "running"}:
            running_s = time.monotonic() - begun_s
            if running_s > self.crash_after_s:
                os._exit(1)
            if running_s > self.hang_after_s:
                self.agent.start("hang")
            reading = {"timestamp": time.time(), "block_name": "readings", "data": {"s": running_s}}
            self.agent.publish_to_feed("readings", reading)
            time.sleep(1.0)
        return True, "stopped"

    def stop_acq(self, session: Any, params: Any) -> tuple[bool, str]:
        """Ask `acq` to end."""
        session.set_status("stopping")
        return True, "asked to stop"

    @ocs_agent.param("code", type=int)
    def end(self, session: Any, params: Any) -> tuple[bool, str]:
        """end(code) - End the process at once."""
        os._exit(params["code"])

    def hang(self, session: Any, params: Any) -> tuple[bool, str]:
        """hang() - Block the reactor until somebody ends the process."""
        time.sleep(NEVER_S)
        return False, "woke up"


def main(args: Any = None) -> None:
    """Run the agent."""
    parser = site_config.add_arguments()
    parser.add_argument("--crash-after", type=float, default=NEVER_S)
    parser.add_argument("--hang-after", type=float, default=NEVER_S)
    parser.add_argument("--setting", default="", help="may change, and means nothing")
    options = site_config.parse_args(agent_class="SoakAgent", parser=parser, args=args)
    agent, runner = ocs_agent.init_site_agent(options)
    soak = SoakAgent(agent, options.crash_after, options.hang_after)
    agent.register_process("acq", soak.acq, soak.stop_acq, startup=True)
    agent.register_task("end", soak.end)
    agent.register_task("hang", soak.hang, blocking=False)
    runner.run(agent)


if __name__ == "__main__":
    main()
