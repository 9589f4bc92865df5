"""What becomes of each agent class: under ocsd, and under the published OCS."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.compatibility.fleet import HOST, Fleet, Wanted, published_id, until

REGISTERED_LIMIT_S = 90.0
"""So long the whole fleet may take to come up [s]."""
WATCHED_S = 15.0
"""So long an agent is watched once all have come up, for drivers give up after 10 s [s]."""
PUBLISHED_LIMIT_S = 40.0
AT_ONCE = 6


@dataclass(frozen=True)
class Outcome:
    """What became of one agent."""

    operations: tuple[str, ...] | None = None
    """Names of its tasks and processes; None if it never answered."""
    feeds: tuple[str, ...] = ()
    ended: bool = False
    reason: str = ""
    """Why it ended, or never answered."""

    @property
    def registered(self) -> bool:
        """Whether it has said what it can do."""
        return self.operations is not None

    @property
    def not_imported(self) -> str:
        """The error of its import; empty if it was imported."""
        _, found, error = self.reason.partition("cannot import ")
        return error.partition(": ")[2] if found else ""


def under_ocsd(fleet: Fleet, wanted: Sequence[Wanted]) -> dict[str, Outcome]:
    """Return what became of each class in a running fleet, once all have settled."""
    apis: dict[str, Mapping[str, Any]] = {}

    def settled() -> bool:
        rows = fleet.rows()
        for each in wanted:
            if each.class_name not in apis and rows[each.instance_id]["pid"]:
                api = fleet.api(each.instance_id)
                if api is not None:
                    apis[each.class_name] = api
        return all(
            each.class_name in apis or rows[each.instance_id]["state"] in ("failed", "down")
            for each in wanted
        )

    until(settled, REGISTERED_LIMIT_S)
    # Not a wait for something to become true: that nothing more happens is what we look for.
    time.sleep(WATCHED_S)
    settled()
    rows = fleet.rows()
    return {
        each.class_name: _outcome(
            apis.get(each.class_name), rows[each.instance_id], fleet.log(each.instance_id)
        )
        for each in wanted
    }


def _outcome(api: Mapping[str, Any] | None, row: Mapping[str, Any], log: Sequence[str]) -> Outcome:
    ended = row["state"] in ("failed", "down", "backoff")
    reason = str(row["reason"]) if ended or api is None else ""
    if "exit code 0" in reason:
        reason = last_words(log)
    return Outcome(*names(api), ended=ended, reason=_trimmed(reason))


def _trimmed(reason: str) -> str:
    """Return a reason without what ocsd adds and is the same for all."""
    reason = reason.removesuffix("; restart is never")
    return re.sub(r"^ended with exit code \d+: ", "", reason)


def names(api: Mapping[str, Any] | None) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Return the names of operations and of feeds; None where an agent has not answered."""
    if api is None:
        return None, ()
    return tuple(sorted([*api["tasks"], *api["processes"]])), tuple(
        sorted(set(api["feeds"]) - {"heartbeat"})
    )


def last_words(lines: Sequence[str]) -> str:
    """Return the text of the last error in a log, or else its last line."""
    texts = [line for line in lines if line.strip()]
    errors = [line for line in texts if re.search(r"\[(error|critical)\]", line)]
    line = (errors or texts or ["nothing"])[-1]
    return re.sub(r"^\S+Z \[\w+\] ", "", line.strip())


def under_published(
    fleet: Fleet, wanted: Sequence[Wanted], ended: Sequence[str]
) -> dict[str, Outcome]:
    """Return what becomes of each class under the published OCS, on the fleet's router.

    Parameters
    ----------
    fleet : Fleet
        Running; its site file has the agents as others'.
    wanted : sequence of Wanted
        The agents.
    ended : sequence of str
        The classes that ended by themselves under ocsd, so that their end is waited for.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {
            each.class_name: pool.submit(_published, fleet, each, each.class_name in ended)
            for each in wanted
        }
    return {name: future.result() for name, future in futures.items()}


def _published(fleet: Fleet, wanted: Wanted, wait_for_end: bool) -> Outcome:
    # Beside us is the published OCS, with a command line of its own.
    program = Path(sys.executable).with_name("ocs-agent-cli")
    instance_id = published_id(wanted)
    log = fleet.folder / f"{instance_id}.log"
    environment = {**fleet.environment, "PYTHONUNBUFFERED": "1"}
    environment["OCS_CONFIG_DIR"] = str(fleet.folder)
    environment.pop("PYTHONPATH", None)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(program, "--instance-id", instance_id, "--site-file", fleet.site_file),
                *("--site-host", HOST),
            ],
            env=environment,
            cwd=fleet.folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    api: dict[str, Any] = {}
    try:

        def answered() -> bool:
            api.update(fleet.api(instance_id) or {})
            return bool(api) or process.poll() is not None

        until(answered, PUBLISHED_LIMIT_S)
        if wait_for_end:
            until(lambda: process.poll() is not None, PUBLISHED_LIMIT_S)
        ended = process.poll() is not None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 9)
        process.wait()
    words = last_words(log.read_text(errors="replace").splitlines())
    return Outcome(*names(api or None), ended=ended, reason=words if ended else "")
