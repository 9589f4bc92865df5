"""Write every message of recorded feeds to a file of JSON lines, for comparison."""

import json
import sys

from ocsd import ocs_agent, site_config


def main():
    path, *words = sys.argv[1:]
    args = site_config.parse_args(agent_class="FeedListener", args=words)
    agent, runner = ocs_agent.init_site_agent(args)

    def listen(pair):
        if pair[1]["record"]:
            with open(path, "a") as file:
                file.write(json.dumps(pair) + "\n")

    agent.subscribe_on_start(listen, f"{args.address_root}..feeds.", options={"match": "wildcard"})
    runner.run(agent)


if __name__ == "__main__":
    main()
