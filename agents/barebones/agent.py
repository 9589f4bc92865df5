"""BarebonesAgent: a process operation that counts, and a task that prints."""

import argparse
import threading
import time
from typing import Any

from ocsd import ocs_agent, site_config
from ocsd.ocs_twisted import TimeoutLock

COUNT_FEED = "feed_name"
COUNT_BLOCK = "count"
COUNT_FRAME_S = 600
COUNT_PERIOD_S = 1.0
LOCK_LIMIT_S = 3.0


class BarebonesAgent:
    """Counts seconds and prints texts.

    Parameters
    ----------
    agent : OCSAgent
        Its connection to the site.
    """

    def __init__(self, agent: ocs_agent.OCSAgent) -> None:
        self.agent = agent
        self.log = agent.log
        # An operation that uses the device holds the lock; here the device is imagined.
        self.lock = TimeoutLock()
        self._stop_count = threading.Event()
        agent.register_feed(
            COUNT_FEED, record=True, agg_params={"frame_length": COUNT_FRAME_S}, buffer_time=1.0
        )

    @ocs_agent.param("test_mode", default=False, type=bool)
    def count(self, session: ocs_agent.OpSession, params: dict[str, Any]) -> tuple[bool, str]:
        """**Process** - Count the seconds, from 1 at every start.

        Parameters
        ----------
        test_mode : bool, optional
            Count to 1, then end.

        Notes
        -----
        The session data::

            >>> response.session['data']
            {'value': 12, 'timestamp': 1795328225.75}
        """
        self._stop_count.clear()
        value = 0
        while session.status == "running":
            # Held for one step only, so that a task gets it between two steps.
            with self.lock.acquire_timeout(LOCK_LIMIT_S, job="count") as acquired:
                if not acquired:
                    return False, f"Could not acquire lock, {self.lock.job} is running."
                value += 1
                now = time.time()
            session.data = {"value": value, "timestamp": now}
            sample = {"block_name": COUNT_BLOCK, "timestamp": now, "data": {"value": value}}
            self.agent.publish_to_feed(COUNT_FEED, sample)
            if params["test_mode"]:
                break
            # Not time.sleep(), which a stop cannot interrupt.
            self._stop_count.wait(COUNT_PERIOD_S)
        self.agent.feeds[COUNT_FEED].flush_buffer()
        return True, "Counting exited cleanly."

    def stop_count(self, session: ocs_agent.OpSession, params: Any) -> tuple[bool, str]:
        """Ask `count` to end."""
        session.set_status("stopping")
        self._stop_count.set()
        return True, "Requested counting to end."

    @ocs_agent.param("text", default="hello world", type=str)
    def print(self, session: ocs_agent.OpSession, params: dict[str, Any]) -> tuple[bool, str]:
        """**Task** - Print a text to the agent's log.

        Parameters
        ----------
        text : str, optional
            The text.

        Notes
        -----
        The session data::

            >>> response.session['data']
            {'text': 'hello world', 'last_updated': 1795328225.75}
        """
        with self.lock.acquire_timeout(LOCK_LIMIT_S, job="print") as acquired:
            if not acquired:
                return False, f"Could not acquire lock, {self.lock.job} is running."
            self.log.info("{text}", text=params["text"])
            session.data = {"text": params["text"], "last_updated": time.time()}
        return True, "Printed text to logs."


def add_agent_args(parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Add the options of this agent to a parser and return it."""
    parser = parser or argparse.ArgumentParser()
    group = parser.add_argument_group("Agent Options")
    group.add_argument(
        "--mode", default="count", choices=["idle", "count"], help="Operation to start with."
    )
    return parser


def main(args: list[str] | None = None) -> None:
    """Run the agent until SIGINT or SIGTERM."""
    parsed = site_config.parse_args(
        agent_class="BarebonesAgent", parser=add_agent_args(), args=args
    )
    agent, runner = ocs_agent.init_site_agent(parsed)
    barebones = BarebonesAgent(agent)
    agent.register_process(
        "count", barebones.count, barebones.stop_count, startup=parsed.mode == "count"
    )
    agent.register_task("print", barebones.print)
    runner.run(agent, auto_reconnect=True)


if __name__ == "__main__":
    main()
