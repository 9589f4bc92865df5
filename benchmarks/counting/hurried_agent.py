"""HurriedAgent: publishes as fast as the aggregator answers; runs on OCS as well as on ocsd."""

import argparse
import json
import random
import time
from pathlib import Path
from typing import Any

from ocs import ocs_agent, site_config
from ocs.ocs_twisted import dsleep
from twisted.internet.defer import inlineCallbacks

FIELDS = 16
FEEDS = 5
POLL_S = 0.05
KNOWN_S = 1.0


class HurriedAgent:
    """Publishes messages of 16 fields on five feeds, for a time that a file says.

    Parameters
    ----------
    agent : OCSAgent
        What connects it to the site.
    folder : Path
        Until it has the file ``quiet``, each feed has a message of one value every second, so that
        the aggregator knows it. Then it gets the file ``go``, as JSON: samples of a message,
        messages between two questions to the aggregator, and seconds. Gets a report.
    aggregator : str
        Address of the aggregator's operations.
    """

    def __init__(self, agent: Any, folder: Path, aggregator: str) -> None:
        self._agent, self._folder, self._aggregator = agent, folder, aggregator
        self._names = [f"data{number}" for number in range(FEEDS)]
        for name in (*self._names, "last"):
            agent.register_feed(name, record=True, agg_params={"frame_length": 10.0})

    @inlineCallbacks
    def publish(self, session: Any, params: Any) -> Any:
        """publish() - Publish message after message, then report."""
        go = self._folder / "go"
        (self._folder / f"{self._agent.agent_address}.ready").touch()
        known = 0
        while not (self._folder / "quiet").exists():
            for name in self._names:
                self._agent.publish_to_feed(name, _one("known"))
            known += FEEDS
            yield dsleep(KNOWN_S)
        while not go.exists():
            yield dsleep(POLL_S)
        samples, lot, seconds = json.loads(go.read_text())
        values = [[random.random() for _ in range(samples)] for _ in range(FIELDS)]
        columns = {f"channel_{place:02}": column for place, column in enumerate(values)}
        count, began_cpu_s = 0, time.process_time()
        end_s = time.monotonic() + seconds
        until_at = time.time()
        while time.monotonic() < end_s:
            for _ in range(lot):
                begin_at, until_at = until_at, time.time()
                step_s = (until_at - begin_at) / samples
                stamps = [begin_at + (place + 1) * step_s for place in range(samples)]
                message = {"block_name": "block", "timestamps": stamps, "data": columns}
                self._agent.publish_to_feed(self._names[count % FEEDS], message)
                count += 1
            # What is on its way is bounded by the aggregator's answer, which comes behind it.
            yield self._agent.call(self._aggregator, "status", "record")
        cpu_s = time.process_time() - began_cpu_s
        self._agent.publish_to_feed("last", _one("count"))
        report = {"messages": count, "cpu_s": cpu_s, "known": known}
        (self._folder / f"{self._agent.agent_address}.json").write_text(json.dumps(report))
        return True, f"{count} messages"

    def stop(self, session: Any, params: Any) -> tuple[bool, str]:
        """Do nothing: it ends by itself."""
        return True, "it ends by itself"


def _one(name: str) -> dict[str, Any]:
    return {"block_name": name, "timestamp": time.time(), "data": {name: 1.0}}


def main(args: Any = None) -> None:
    """Run the agent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    options = site_config.parse_args(agent_class="HurriedAgent", parser=parser, args=args)
    agent, runner = ocs_agent.init_site_agent(options)
    aggregator = f"{options.address_root}.aggregator.ops"
    hurried = HurriedAgent(agent, options.folder, aggregator)
    agent.register_process("publish", hurried.publish, hurried.stop, blocking=False, startup=True)
    runner.run(agent, auto_reconnect=True)


if __name__ == "__main__":
    main()
