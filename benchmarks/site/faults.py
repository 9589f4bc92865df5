"""What goes wrong on a site of three hosts, for longer than tests/system/site has time for.

``python -m benchmarks.site.faults [--agents 20] [--cut 60] [--rounds 1]`` needs root. Hosts are cut
off, links are slow and lossy, and routers, daemons and bridges are killed (-9) while agents count.
Prints how long the site needed until nothing was missing, and accounts for each sample in the end.
Exit code 1 if one is missing without a hole, twice, or changed.
"""

import argparse
import sys
import time
from collections.abc import Iterator

from tests.system import namespaces
from tests.system.site import faults
from tests.system.site.counting_site import CountingSite


def steps(site: CountingSite, cut_s: float) -> Iterator[tuple[str, object]]:
    """Yield each fault: its name, and what does it and waits until the site is well."""
    for host in site.hosts:
        yield (
            f"{host.name} cut off for {cut_s:.0f} s",
            lambda host=host: faults.cut_off(site, host, cut_s),
        )
    for host in (site.hub, site.own_router):
        yield f"router of {host.name} killed", lambda host=host: faults.kill_router(site, host)
    yield "bridge killed", lambda: faults.kill_bridge(site, site.own_router)
    for host in site.hosts:
        yield f"daemon of {host.name} killed", lambda host=host: faults.kill_daemon(site, host)
    for loss, rate in ((0.1, "2mbit"), (0.5, "500kbit")):
        yield (
            f"links lose {loss:.0%} and send {rate}/s for {cut_s:.0f} s",
            lambda loss=loss, rate=rate: faults.worsen_links(
                site, site.hosts[1:], loss, rate, cut_s
            ),
        )


def main(arguments: list[str] | None = None) -> int:
    """Run it, print what came of it, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.site.faults", description=__doc__)
    parser.add_argument("--agents", type=int, default=20, help="on each host")
    parser.add_argument("--cut", type=float, default=60.0, help="how long a link is cut or bad [s]")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args(arguments)
    with namespaces.network() as network:
        site = CountingSite(network, options.agents)
        site.make()
        site.bring_up()
        site.settles()
        print("| fault | until nothing is missing |\n|---|---|", flush=True)
        for _ in range(options.rounds):
            for name, work in steps(site, options.cut):
                begun_s = time.monotonic()
                work()
                print(f"| {name} | {time.monotonic() - begun_s:.1f} s |", flush=True)
        site.settles()
        site.stop()
        found = site.verdict()
    print(
        f"\npublished {found.published}, in the files once {found.recorded}, in recorded holes "
        f"{found.in_holes}, missing {found.missing}, twice {found.duplicate}, "
        f"changed {found.changed}"
    )
    print("\n".join(found.violations))
    return int(bool(found.violations))


if __name__ == "__main__":
    sys.exit(main())
