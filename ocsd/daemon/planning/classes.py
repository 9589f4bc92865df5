"""Keeps what runs from a restart with an agent class that is not found."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from ocsd import site_config
from ocsd.errors import SiteFileError
from ocsd.site import plugins
from ocsd.site.plugins import AgentEntry, Catalogue, Failure
from ocsd.supervisor.amendment import Effect
from ocsd.supervisor.events import State
from ocsd.text.plural import plural

if TYPE_CHECKING:  # not for the interpreter that looks up classes
    from ocsd.daemon.instances.fleet import Fleet
    from ocsd.daemon.planning.reload import Change
    from ocsd.site.model import Instance
    from ocsd.supervisor.lifecycle import Lifecycle

_LOOKUP_LIMIT_S: Final = 8.0
"""Time that a new interpreter has to find the classes, while a client waits for the answer [s]."""


def refuse_lost_classes(change: "Change", fleet: "Fleet") -> None:
    """Refuse to restart instances that run if their classes are not found.

    Raises
    ------
    SiteFileError
        With the problems in the words of `ocsd check`.
    """
    lives = {each.instance_id: each.life for each in fleet.everyone()}
    restarted = restarted_by(change, lives)
    paths = change.settings.plan.host.agent_paths
    # Most often the classes are found here, in milliseconds. A daemon that has run for weeks does
    # not see every package that was installed since, but a new interpreter does.
    for look_up in (site_config.agent_classes, looked_up_anew):
        refusal = ""
        if restarted:
            refusal = refusal_of(change, restarted, look_up(paths))
        if not refusal:
            return
    raise SiteFileError(refusal)


def restarted_by(change: "Change", lives: Mapping[str, "Lifecycle"]) -> list["Instance"]:
    """Return the new entries of what runs, or would run again by itself, and is to be restarted."""

    def is_restarted(name: str) -> bool:
        effect = change.effects.get(name)
        waits = name in lives and lives[name].state is State.BACKOFF
        return effect is Effect.RESTARTS or (effect is Effect.STARTS and waits)

    return [each for each in change.settings.plan.instances if is_restarted(each.instance_id)]


def refusal_of(change: "Change", restarted: Sequence["Instance"], classes: Catalogue) -> str:
    """Return why the change is refused: the problems, a line each; empty if there are none."""
    missing = plugins.missing(change.settings.site, restarted, classes)
    if not missing:
        return ""
    count = plural(len(missing), "instance")
    last = f"nothing has changed, because what runs could not start again ({count})"
    return "\n".join([*plugins.problems(missing, classes), last])


def looked_up_anew(agent_paths: Sequence[str]) -> Catalogue:
    """Return the classes that a new interpreter finds; those found here if it has no answer."""
    try:
        # -P: a module in the working directory must not be taken for a library.
        done = subprocess.run(
            [sys.executable, "-P", "-m", __name__, *agent_paths],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_LOOKUP_LIMIT_S,
            check=True,
        )
        # A plug-in may print as well.
        found = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return site_config.agent_classes(agent_paths)
    entries = {name: AgentEntry(name, None) for name in found["classes"]}
    return Catalogue(entries, failures=tuple(Failure(**each) for each in found["failures"]))


def _print_classes(agent_paths: Sequence[str]) -> None:
    found = site_config.agent_classes(agent_paths)
    failures = [asdict(each) for each in found.failures]
    print(json.dumps({"classes": list(found.entries), "failures": failures}))  # noqa: T201


if __name__ == "__main__":
    _print_classes(sys.argv[1:])
