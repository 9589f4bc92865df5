"""Write every message of every recorded feed to a file of JSON lines.

``python -m tests.compatibility.listener FILE [options of an agent]``
"""

import json
import sys
from typing import Any

from ocsd import ocs_agent, site_config


def main() -> None:
    """Listen until ended."""
    path, *words = sys.argv[1:]
    args = site_config.parse_args(agent_class="FeedListener", args=words)
    agent, runner = ocs_agent.init_site_agent(args)
    file = open(path, "a", buffering=1)  # noqa: SIM115 - open until the process ends

    def listen(pair: Any) -> None:
        message, feed = pair
        if feed["record"]:
            fields: dict[str, Any] = {}
            for block in message.values():
                fields |= block["data"]
            file.write(json.dumps({"feed": feed["address"], "fields": fields}) + "\n")

    agent.subscribe_on_start(listen, f"{args.address_root}..feeds.", options={"match": "wildcard"})
    runner.run(agent)


if __name__ == "__main__":
    main()
