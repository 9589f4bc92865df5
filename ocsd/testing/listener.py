"""Records every feed of a site: ``python -m ocsd.testing.listener FILE OPTIONS…``.

A program of its own, so that no reactor runs in the process of the tests. Each
message becomes a line of JSON: ``[message, feed_info]``.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ocsd.testing.agent_process import RunningProgram, python
from ocsd.testing.router import LocalRouter

LISTENER_START_LIMIT_S = 60.0


class FeedLog:
    """The messages published at a running router since this object was made."""

    def __init__(self, router: LocalRouter) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ocsd-feeds-")
        self._file = Path(self._folder.name, "feeds.jsonl")
        self._file.touch()
        self._read_bytes = 0
        self._heard: list[tuple[Any, dict[str, Any]]] = []
        words = [*router.options, "--instance-id", "ocsd-feed-log"]
        command = python("-m", "ocsd.testing.listener", str(self._file), *words)
        self._process = RunningProgram(command)

    def wait_until_ready(self) -> None:
        """Wait until all messages that are published from now on are recorded.

        Raises
        ------
        SubprocessError
            If the listener does not join the router.
        """
        if not self._process.wait_until_ready(LISTENER_START_LIMIT_S):
            raise subprocess.SubprocessError(f"nobody hears:\n{self._process.output()}")

    def heard(self) -> list[tuple[Any, dict[str, Any]]]:
        """Return all messages so far, each with its feed_info, in the order of arrival."""
        with self._file.open("rb") as file:
            file.seek(self._read_bytes)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # is just being written
                self._read_bytes += len(line)
                message, info = json.loads(line)
                self._heard.append((message, info))
        return self._heard

    def close(self) -> None:
        """Stop listening."""
        self._process.close()
        self._folder.cleanup()


def main() -> None:
    """Write all messages into the file until SIGTERM."""
    from ocsd import ocs_agent, site_config

    path, *words = sys.argv[1:]
    args = site_config.parse_args(agent_class="FeedLog", args=words)
    agent, runner = ocs_agent.init_site_agent(args)
    file = open(path, "a", buffering=1, encoding="utf-8")  # noqa: SIM115 - until the end

    def listen(pair: Any) -> None:
        if pair[1]["feed_name"] != "heartbeat":
            file.write(json.dumps(pair) + "\n")

    topic = f"{args.address_root}..feeds."
    agent.subscribe_on_start(listen, topic, options={"match": "wildcard"})
    runner.run(agent)


if __name__ == "__main__":
    main()
