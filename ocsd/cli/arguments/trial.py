"""Tries the arguments of a host's agents, for `check --deep` and `reload --dry-run`."""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from ocsd.system.classes import ALARMS_CLASS, BRIDGE_CLASS, WEB_CLASS

if TYPE_CHECKING:
    from ocsd.site.model import Host, Instance, Site

_NO_AGENTS = frozenset({"HostManager", "RegistryAgent", WEB_CLASS, ALARMS_CLASS, BRIDGE_CLASS})
"""Classes that the daemon itself runs, or whose processes have no arguments of their own."""

_UNTRIED = {"problem": "its arguments were not tried: what tries them has ended; try again"}


def problems(
    site: "Site", host: "Host", only: Collection[str] | None = None
) -> Iterator[tuple[str, str]]:
    """Yield ``("problem" | "warning", text)`` for what a host's agents say of their arguments.

    With `only`, instances of other names are tried just to find devices that they share. An
    agent of another interpreter (`runtime: ocs`) cannot be tried.
    """
    from ocsd.site.sharing import shared_devices

    entries = {each.instance_id: each for each in triable(host)}
    answers = {
        answer["instance_id"]: answer for answer in _answers(site, host, list(entries.values()))
    }
    for name, entry in entries.items():
        problem = answers.get(name, _UNTRIED)["problem"]
        if problem and (only is None or name in only):
            yield "problem", _placed(problem, name, site.place(entry.line))
    running = {
        name: answer["values"] for name, answer in answers.items() if entries[name].manage == "up"
    }
    for warning in shared_devices(running):
        yield "warning", f"host {host.name}: {warning}"


def triable(host: "Host") -> list["Instance"]:
    """Return the instances of a host whose arguments can be tried."""
    return [each for each in host.instances if _can_be_tried(each)]


def _placed(problem: str, instance_id: str, place: str) -> str:
    """Return a problem with the instance and its place in the file, unless it names them."""
    if f"({place})" in problem:
        return problem
    return f"{place}: instance '{instance_id}': {problem}"


def _can_be_tried(instance: "Instance") -> bool:
    ours = instance.manage in {"up", "down"} and instance.runtime == "ocsd"
    return ours and instance.agent_class not in _NO_AGENTS


def _answers(site: "Site", host: "Host", instances: list["Instance"]) -> list[dict[str, Any]]:
    from ocsd.site.launch import Launch

    launches = [
        Launch(
            site_file=site.path,
            host=host.name,
            hub=host.hub(site.hub),
            instance=each,
            agent_paths=host.agent_paths,
            log_dir=host.log_dir,
            working_dir=os.getcwd(),
            crossbar_timeout=host.crossbar_timeout,
        )
        for each in instances
    ]
    if not launches:
        return []
    # -P: a module in the working directory must not be taken for a library.
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ocsd.forkserver.trial"],
        input="".join(f"{json.dumps(each.encoded())}\n" for each in launches),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
