"""``ocs.agents.host_manager.agent``: the daemon, for containers and scripts that start OCS's."""

import argparse
import os
import sys

from ocsd import site_config
from ocsd.site.configuration import HOST

_WITHOUT_EFFECT = (
    "--initial-state",
    "--docker-compose",
    "--docker-compose-bin",
    "--docker-service-prefix",
)


def main(args: list[str] | None = None) -> None:
    """Become the daemon of this host; of `args` only the site options have an effect."""
    parser = argparse.ArgumentParser(description="Run ocsd in place of OCS's HostManager.")
    for option in _WITHOUT_EFFECT:
        parser.add_argument(option, help="accepted and not used")
    parser.add_argument("--quiet", action="store_true", help="accepted and not used")
    parsed = site_config.parse_args(HOST, parser, args)
    if parsed.site_file is None:
        parser.error("a host needs a site file: leave --site=none out, or give --site-file")
    start = ["start", "--site-file", parsed.site_file, "--host", parsed.site_host]
    os.execv(sys.executable, [sys.executable, "-m", "ocsd", *start])


if __name__ == "__main__":
    main()
