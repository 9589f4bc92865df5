"""CountingAgent: each sample's value is its number, and its time follows from it."""

import mmap
import struct
import time
from pathlib import Path
from typing import Any

from ocs import ocs_agent, site_config
from twisted.internet import reactor

FEEDS = {"quick": 2, "slow": 50}
"""How many samples a message of each feed has."""

PAUSE_S = 0.01


class Counter:
    """How far a feed has come, in a file that is right even if this process is killed.

    It has the number of samples that somebody may have seen, the number that are
    published for sure, samples per message, samples per second, and the time of
    the first one: see `benchmarks.counting.published`.
    """

    FORMAT = struct.Struct("<QQQQd")

    def __init__(self, path: Path, per_message: int, rate_hz: int, begun_at: float) -> None:
        path.write_bytes(self.FORMAT.pack(0, 0, per_message, rate_hz, begun_at))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), self.FORMAT.size)

    def about_to(self, end: int) -> None:
        """Note that the samples before `end` will be published."""
        struct.pack_into("<Q", self._map, 0, end)

    def done(self, end: int) -> None:
        """Note that they are."""
        struct.pack_into("<Q", self._map, 8, end)


class CountingAgent:
    """Publishes counting samples on two feeds.

    Parameters
    ----------
    agent : OCSAgent
        What connects it to the site.
    folder : Path
        Where to note how far it has come.
    rate_hz : int
        Samples per second of each feed.
    frame_length_s : float
        Length of a frame of the aggregator [s].
    pause_s : float
        Time between two looks for samples that are due [s].
    """

    def __init__(
        self, agent: Any, folder: Path, rate_hz: int, frame_length_s: float, pause_s: float
    ) -> None:
        self.agent = agent
        self.folder = folder
        self.rate_hz = rate_hz
        self.pause_s = pause_s
        for name in FEEDS:
            agent.register_feed(name, record=True, agg_params={"frame_length": frame_length_s})

    def count(self, session: Any, params: Any) -> tuple[bool, str]:
        """count() - Publish sample after sample."""
        begun_at = float(int(time.time()))
        begun_s = time.monotonic()
        counters = {
            name: Counter(self._path(name), per_message, self.rate_hz, begun_at)
            for name, per_message in FEEDS.items()
        }
        ends = dict.fromkeys(FEEDS, 0)
        while session.status in {"starting", "running"}:
            due = int((time.monotonic() - begun_s) * self.rate_hz)
            for name, per_message in FEEDS.items():
                while ends[name] + per_message <= due:
                    first, ends[name] = ends[name], ends[name] + per_message
                    self._publish(name, counters[name], begun_at, first, ends[name])
            time.sleep(self.pause_s)
        return True, f"{sum(ends.values())} samples"

    def stop_count(self, session: Any, params: Any) -> tuple[bool, str]:
        """Ask `count` to end."""
        session.set_status("stopping")
        return True, "asked to stop"

    def _path(self, feed_name: str) -> Path:
        feed = self.agent.feeds[feed_name]
        return self.folder / f"{feed.address}@{self.agent.agent_session_id}"

    def _publish(self, name: str, counter: Counter, begun_at: float, first: int, end: int) -> None:
        numbers = range(first, end)
        message = {
            "block_name": "counts",
            "timestamps": [begun_at + number / self.rate_hz for number in numbers],
            "data": {
                "number": list(numbers),
                "half": [number / 2 for number in numbers],
                "text": [str(number) for number in numbers],
            },
        }
        counter.about_to(end)
        self.agent.publish_to_feed(name, message)
        # It is the reactor who publishes, in order.
        reactor.callFromThread(counter.done, end)


def main(args: Any = None) -> None:
    """Run the agent."""
    parser = site_config.add_arguments()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rate", type=int, default=100, help="samples/s of each feed")
    parser.add_argument("--frame-length", type=float, default=10.0, help="in seconds")
    parser.add_argument("--pause", type=float, default=PAUSE_S, help="in seconds")
    options = site_config.parse_args(agent_class="CountingAgent", parser=parser, args=args)
    agent, runner = ocs_agent.init_site_agent(options)
    counting = CountingAgent(
        agent, options.folder, options.rate, options.frame_length, options.pause
    )
    agent.register_process("count", counting.count, counting.stop_count, startup=True)
    runner.run(agent)


if __name__ == "__main__":
    main()
