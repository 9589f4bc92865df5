"""Executes instances with `runtime: ocs`, and watches them from outside.

The published OCS has no supervisor, so the daemon asks such an agent over the router
how it is, and reports to its keeper as an agent on ocsd would do itself.
"""

import json
import os
import pwd
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.defer import maybeDeferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from ocsd import compat
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.ports import Clock
from ocsd.forkserver import published
from ocsd.forkserver.protocol import SpawnRequest
from ocsd.router.guard.urls import AGENT_PATH, CALL_PATH, TICKET_MARK
from ocsd.site.launch import Launch
from ocsd.site.model import Hub, Instance, http_beside
from ocsd.supervisor.events import State
from ocsd.system.paths import HostPaths
from ocsd.system.runs import PROCESS, RUNS_KEY, TASK, Run, encode_runs, run_state
from ocsd.text.reason import shortened

API_POLL_S = 2.0
"""Time between two questions to an agent that is up [s]; one that starts is asked each round."""
API_ANSWER_LIMIT_S = 4.0
SESSION_STATUSES = frozenset({"starting", "running", "stopping", "done"})


def request(launch: Launch, paths: HostPaths, bundle_file: str | None = None) -> SpawnRequest:
    """Return the request that executes an agent with the published OCS.

    Its launch, as of an agent on ocsd, becomes a site file with only the keys that OCS has. An
    agent with a ticket gets it in the router's URLs, so nobody else may read that file.

    Parameters
    ----------
    launch : Launch
        The launch.
    paths : HostPaths
        The folders of this host.
    bundle_file : str, optional
        The authorities that it shall trust, among them that of the site.
    """
    instance = launch.instance
    file = paths.runtime / f"{instance.instance_id}.site.yaml"
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    mode = 0o644 if launch.ticket is None else 0o600
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "w", encoding="utf-8") as content:
        content.write(json.dumps(_site_file(launch), indent=1) + "\n")
    if launch.ticket is not None and instance.user is not None:
        os.chown(new, pwd.getpwnam(instance.user).pw_uid, -1)
    new.replace(file)
    options = {
        "--site-file": str(file),
        "--site-host": launch.host,
        "--instance-id": instance.instance_id,
        "--working-dir": launch.working_dir,
    }
    return SpawnRequest(
        instance_id=instance.instance_id,
        log_path=str(paths.instance_log(instance.instance_id)),
        working_dir=launch.working_dir,
        environment={**_environment(launch), **_trust(bundle_file)},
        command=(
            instance.python or sys.executable,
            str(Path(published.__file__).absolute()),
            instance.agent_class,
            *(word for option in options.items() for word in option),
        ),
    )


def _site_file(launch: Launch) -> dict[str, Any]:
    hub, instance = launch.hub, launch.instance
    host = {
        # OCS's own default ends an agent that has had no router for ten seconds.
        "crossbar_timeout": int(launch.crossbar_timeout or 0),
        "agent-instances": [
            {
                "agent-class": instance.agent_class,
                "instance-id": instance.instance_id,
                "arguments": list(instance.arguments),
            }
        ],
    }
    addresses = {**hub.addresses, **_with_ticket(launch)}
    return {
        "hub": addresses,
        "hosts": {launch.host: host},
    }


def _with_ticket(launch: Launch) -> dict[str, str]:
    """Return the URLs by which the router knows the agent, if it asks for a login."""
    hub, credentials = launch.hub, launch.entrance.credentials
    if credentials is None or hub.tls_url is None:
        return {}
    secret = f"{credentials.authid}{TICKET_MARK}{credentials.secret}"
    server = urlsplit(hub.tls_url)
    bridge = urlsplit(http_beside(hub.tls_url))
    return {
        "wamp_server": server._replace(path=f"/{AGENT_PATH}{secret}").geturl(),
        "wamp_http": bridge._replace(path=f"/{CALL_PATH}{secret}").geturl(),
    }


def _trust(bundle_file: str | None) -> dict[str, str]:
    """Return the variables by which OpenSSL and `requests` find the authorities to trust."""
    if bundle_file is None:
        return {}
    return {"SSL_CERT_FILE": bundle_file, "REQUESTS_CA_BUNDLE": bundle_file}


def _environment(launch: Launch) -> dict[str, str]:
    environment = {"PYTHONPATH": _without_compat(), "PYTHONUNBUFFERED": "1"}
    if launch.site_file and "OCS_CONFIG_DIR" not in os.environ:
        # As for agents on ocsd: some look there for files of their own.
        environment["OCS_CONFIG_DIR"] = os.path.dirname(launch.site_file)
    return environment


def _without_compat() -> str:
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if folder and folder != compat.FOLDER)


@dataclass(eq=False)
class OutsideWatch:
    """Asks agents of the published OCS over the router how they are."""

    log = Logger()

    hub: Hub
    clock: Clock
    ask: Callable[[str], Any] | None = None
    """Returns the API of the agent at an address, maybe later, or fails with ControlClientError."""

    def __post_init__(self) -> None:
        self._ask = self.ask or self._ask_router
        self._asked_at_s: dict[str, float] = {}
        self._waiting: set[str] = set()

    def check(self, instance: Instance, keeper: Keeper) -> None:
        """Ask an agent of OCS that runs how it is, if it is time to."""
        if instance.runtime != "ocs":
            return
        state, now_s = keeper.life.state, self.clock.seconds()
        if state not in {State.STARTING, State.UP}:
            return
        age_s = now_s - self._asked_at_s.get(keeper.instance_id, float("-inf"))
        too_soon = state is State.UP and age_s < API_POLL_S
        if keeper.pid is None or too_soon or keeper.instance_id in self._waiting:
            return
        self._asked_at_s[keeper.instance_id] = now_s
        self._waiting.add(keeper.instance_id)
        answered = maybeDeferred(self._ask, f"{self.hub.address_root}.{keeper.instance_id}")
        answered.addBoth(self._not_waiting, keeper.instance_id)
        answered.addCallbacks(
            partial(self._answered, keeper, keeper.pid), partial(self._refused, keeper, keeper.pid)
        )
        # An agent is asked again whatever its answer.
        answered.addErrback(lambda failure: self.log.failure("while asking", failure))

    def _ask_router(self, address: str) -> Any:
        # Few hosts have agents of the published OCS: this loads http.client, and ssl with it.
        from ocsd.client.http import ControlClient

        client = ControlClient(address, self.hub.wamp_http, timeout_s=API_ANSWER_LIMIT_S)
        return deferToThread(client.get_api)

    def _not_waiting(self, result: Any, name: str) -> Any:
        self._waiting.discard(name)
        return result

    def _answered(self, keeper: Keeper, pid: int, api: Any) -> None:
        if not isinstance(api, dict):
            _report(keeper, pid, WATCHDOG="1", STATUS=f"its answer to get_api is {api!r:.100}")
            return
        holder = api.get("instance_pid")
        if holder == pid:
            runs = {RUNS_KEY: encode_runs(runs_of(api))}
            _report(keeper, pid, READY="1", WATCHDOG="1", STATUS=trouble_of(api), **runs)
            return
        where = api.get("instance_hostname")
        _report(keeper, pid, WATCHDOG="1", STATUS=f"pid {holder} on {where} has its address")

    def _refused(self, keeper: Keeper, pid: int, failure: Any) -> None:
        from ocsd.client.http import REQUEST_ERROR, ControlClientError

        failure.trap(ControlClientError)
        error: ControlClientError = failure.value
        # Without an answer in time its reactor may be stuck: the silence shows that.
        if error.error != REQUEST_ERROR:
            reason = error.reason
            if error.error.startswith("wamp."):
                reason = "it is not joined to the realm"
            _report(keeper, pid, WATCHDOG="1", STATUS=reason)


def _report(keeper: Keeper, pid: int, **fields: str) -> None:
    if keeper.pid == pid:
        keeper.notified(fields)


def trouble_of(api: dict[str, Any]) -> str:
    """Return the troubles that ``get_api`` shows and an operator should know; empty if all is well.

    A task that failed concerns only the client that started it.
    """
    processes, tasks = api.get("processes", ()), api.get("tasks", ())
    troubles = [_trouble(name, session) for name, session, _ in processes]
    troubles += [_trouble(name, {**session, "success": None}) for name, session, _ in tasks]
    return "; ".join(filter(None, troubles))


def runs_of(api: dict[str, Any]) -> Iterator[Run]:
    """Yield the latest run of each operation that ``get_api`` shows.

    OCS does not tell whether somebody asked a process to end.
    """
    for kind, key in ((TASK, "tasks"), (PROCESS, "processes")):
        for name, session, _ in api.get(key, ()):
            status, success = session.get("status"), session.get("success")
            if status in SESSION_STATUSES:
                degraded = bool(session.get("degraded"))
                since_at = session.get("end_time") or session.get("start_time") or 0.0
                state = run_state(kind, status, success, degraded=degraded)
                yield Run(str(name), kind, state, float(since_at))


def _trouble(name: str, session: dict[str, Any]) -> str:
    """Return the trouble of one operation; empty if there is none."""
    if session.get("status") == "running" and session.get("degraded"):
        trouble = "is degraded"
    elif session.get("success") is False:
        trouble = "failed"
    else:
        return ""
    messages = [text for _, text in session.get("messages", ())]
    why = next((text for text in reversed(messages) if "Status is now" not in text), "")
    return f"operation {name!r} {trouble}: {shortened(why) or 'it does not say why'}"
