"""Judges a site file of OCS, line by line: the hub, the hosts, and every entry."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ocsd.migration.edits import Rewritten
from ocsd.migration.finding import MoveFinding, Paper
from ocsd.migration.world import World
from ocsd.site import compose, recording
from ocsd.site.model import HOST_MANAGER, IN_CONTAINERS, Host, Hub, Instance, Manage, Site

_OCS_TIMEOUT_S: Final = 10
"""Time without a router after which an agent of OCS ends, if its host states none [s]."""
_REGISTRY: Final = "RegistryAgent"
_OWN: Final = {
    _REGISTRY: "ocsd's own registry answers under this name",
    recording.AGGREGATOR_CLASS: "ocsd's own recorder takes these arguments",
    "InfluxDBAgent": "ocsd's own class takes these arguments",
    "InfluxDBAgentv2": "ocsd's own class takes these arguments",
    "AccessDirector": "ocsd's own class reads the same file",
}
_SUPERVISED: Final = {
    Manage.UP: "started with the host, watched, and started again when it ends",
    Manage.DOWN: "started by `ocsd up NAME`, and then watched",
    Manage.IGNORE: "left alone, as by the HostManager",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Judges a site with the file from which it was read."""

    paper: Paper
    site: Site
    old_line: Callable[[int], int]
    world: World
    here: Host | None
    """The entry of this machine; None if it has none."""
    python: str | None = None
    """The interpreter that runs OCS here, as far as its unit tells."""

    def findings(self) -> Iterator[MoveFinding]:
        """Yield everything about the file."""
        yield from self._hub(self.site.hub)
        for host in self.site.hosts.values():
            yield from self._host(host)
            for each in host.instances:
                yield from self._entry(host, each)
        if self.here is None:
            yield self.paper.to_do(
                self._line(min(self.site.lines.values(), default=None)),
                "hosts",
                "this machine is none of these hosts, so nothing was looked up on it",
                "name its entry with --host",
            )
        for warning in self.site.warnings:
            yield self._of_message(warning)

    def _line(self, line: int | None) -> int | None:
        if line is None:
            return None
        return self.old_line(line)

    def _of_message(self, message: str) -> MoveFinding:
        """Return the finding of a warning of the site's reader, ``FILE:LINE: thing; remedy``."""
        _, line, text = split_message(message)
        cause, _, remedy = text.rpartition("; ")
        return self.paper.to_do(self._line(line), "site file", cause, remedy)

    def _hub(self, hub: Hub) -> Iterator[MoveFinding]:
        for key in ("wamp_server", "wamp_http", "wamp_realm", "address_root", "access_policy"):
            line = self.site.lines.get(f"hub/{key}")
            if line is not None:
                yield self.paper.taken(self._line(line), key, str(getattr(hub, key)))
        if hub.registry_address is not None:
            line = self._line(self.site.lines.get("hub/registry_address"))
            yield self.paper.differs(line, "registry_address", "nothing reads it", "take it out")

    def _host(self, host: Host) -> Iterator[MoveFinding]:
        first = min(host.lines.values(), default=None)
        line = self._line(host.lines.get("", first))
        thing = f"host {host.name}"
        if host is self.here:
            yield self.paper.taken(line, thing, "the entry of this machine")
        elif self._is_for_containers(host):
            text = "no machine has this name: containers read it, and ocsd starts nothing of it"
            yield self.paper.taken(line, thing, text)
        else:
            text = "the entry of another machine: run ocsd migrate there, too"
            yield self.paper.taken(line, thing, text)
        yield from self._keys_of_host(host)
        if not any(each.agent_class == HOST_MANAGER for each in host.instances):
            yield from self._without_manager(host, line)

    def _is_for_containers(self, host: Host) -> bool:
        """Whether each entry of a host stands in another one, which starts its container."""
        others = [each for each in self.site.hosts.values() if each.name != host.name]
        managed = {
            entry.instance_id
            for other in others
            for entry in other.instances
            if entry.manage in IN_CONTAINERS
        }
        names = {each.instance_id for each in host.instances}
        return bool(names) and (names <= managed or host.name.endswith("-docker"))

    def _without_manager(self, host: Host, line: int | None) -> Iterator[MoveFinding]:
        started = [each.instance_id for each in host.instances if each.manage is Manage.UP]
        if not started or self._is_for_containers(host):
            return
        yield self.paper.to_do(
            line,
            f"host {host.name}",
            f"OCS has no HostManager here and starts nothing by itself, while ocsd starts "
            f"{', '.join(started)}",
            "write manage: ignore at each entry that something else starts, such as docker compose",
        )

    def _keys_of_host(self, host: Host) -> Iterator[MoveFinding]:
        def line(key: str) -> int | None:
            return self._line(host.lines.get(key))

        if host.log_dir is not None:
            yield self._logs(host, line("log-dir"))
        if host.crossbar is not None:
            yield from self._crossbar(host, line)
        for index, folder in enumerate(host.agent_paths):
            at = line(f"agent-paths/{index}") or line("agent-paths")
            if host is not self.here or self.world.has_folder(folder):
                yield self.paper.taken(at, "agent-paths", f"classes are looked for in {folder}")
            else:
                cause = f"{folder} is no folder on this machine, and neither OCS nor ocsd needs it"
                yield self.paper.to_do(at, "agent-paths", cause, "take it out")
        at = line("crossbar_timeout")
        if host.crossbar_timeout is not None:
            text = f"agents without a router end after {host.crossbar_timeout:g} s"
            yield self.paper.taken(at, "crossbar_timeout", text)
        elif host is self.here:
            yield self.paper.differs(
                self._line(min(host.lines.values(), default=None)),
                "crossbar_timeout",
                f"it is not set, so agents of OCS end after {_OCS_TIMEOUT_S} s without a router, "
                "while those of ocsd stay and keep their messages",
            )

    def _logs(self, host: Host, line: int | None) -> MoveFinding:
        if host is self.here and self.world.logs_folder:
            text = f"logs are written to {self.world.logs_folder}/{host.name}, not to it"
            step = "LOGS_DIRECTORY comes first; unset it to use log-dir"
            return self.paper.differs(line, "log-dir", text, step)
        text = (
            f"logs are written to {host.log_dir}; as a service of the system, to /var/log/ocsd, "
            "because its unit sets LOGS_DIRECTORY, which comes first"
        )
        return self.paper.taken(line, "log-dir", text)

    def _crossbar(self, host: Host, line: Callable[[str], int | None]) -> Iterator[MoveFinding]:
        crossbar = host.crossbar
        assert crossbar is not None  # noqa: S101 - the caller has asked
        if crossbar.config_dir is None:
            yield self.paper.differs(
                line("crossbar"),
                "crossbar",
                "ocsd runs the router itself, with a configuration that it writes from hub",
            )
            return
        yield self.paper.differs(
            line("crossbar/config-dir") or line("crossbar"),
            "config-dir",
            f"ocsd runs crossbar with the configuration in {crossbar.config_dir}, and sees only "
            "whether its port is open",
            "write x-config-dir after the move, and ocsd writes the configuration itself",
        )
        if crossbar.bin is not None:
            text = f"the router is run by {crossbar.bin}"
            yield self.paper.taken(line("crossbar/bin"), "bin", text)

    def _entry(self, host: Host, entry: Instance) -> Iterator[MoveFinding]:
        line, thing = self._line(entry.line), f"instance {entry.instance_id} ({entry.agent_class})"
        if entry.agent_class == HOST_MANAGER:
            yield from self._manager(host, entry, thing)
        elif entry.manage in IN_CONTAINERS:
            yield from self._service(host, entry, thing)
        else:
            told = _SUPERVISED[entry.manage].replace("NAME", entry.instance_id)
            if self._is_for_containers(host):
                told = "read by the agent in its container"
            if entry.agent_class in _OWN:
                told = f"{_OWN[entry.agent_class]}; {told}"
            yield self.paper.taken(line, thing, told)
            yield from self._class(host, entry, thing)
        records = recording.records_from_the_start(entry.arguments)
        if entry.agent_class == recording.AGGREGATOR_CLASS and entry.manage is Manage.UP:
            if records:
                return
            yield self.paper.to_do(
                line,
                thing,
                "it records nothing until somebody starts its operation 'record', as in OCS",
                "to record from the start, add --initial-state record to its arguments",
            )

    def _manager(self, host: Host, entry: Instance, thing: str) -> Iterator[MoveFinding]:
        line = self._line(entry.line)
        yield self.paper.differs(
            line,
            thing,
            "the daemon itself answers under this name, so ocsbow and ocs-web go on working",
        )
        given = compose.options(host, {})
        if given.files:
            text = f"services of {', '.join(given.files)} named {given.prefix}… are managed"
            yield self.paper.taken(line, "--docker-compose", text)

    def _service(self, host: Host, entry: Instance, thing: str) -> Iterator[MoveFinding]:
        line, given = self._line(entry.line), compose.options(host, {})
        name = f"{given.prefix}{entry.instance_id}"
        if given.files:
            text = f"docker compose runs it as service {name}; ocsd watches it, and starts it again"
            yield self.paper.taken(line, thing, text)
            return
        yield self.paper.to_do(
            line,
            thing,
            f"it is to run as service {name}, and no compose file is named",
            "add --docker-compose FILE to the arguments of this host's HostManager entry",
        )

    def _class(self, host: Host, entry: Instance, thing: str) -> Iterator[MoveFinding]:
        if host is not self.here or entry.manage not in {Manage.UP, Manage.DOWN}:
            return
        reason = self.world.why_no_class(entry.agent_class)
        if not reason or entry.runtime == "ocs":
            return
        yield self.paper.first(
            self._line(entry.line),
            thing,
            f"ocsd has not got this class: {reason}",
            "install its package beside ocsd, or run it with OCS: add runtime: ocs and python: "
            f"{self.python or '/path/of/python'}, which OCS does not read",
        )


def refusals(paper: Paper, message: str, rewritten: Rewritten) -> Iterator[MoveFinding]:
    """Yield the findings of a message that refuses a site file, a line each."""
    for each in message.splitlines():
        _, line, text = split_message(each)
        cause, _, remedy = text.partition("; ")
        at = line and rewritten.old_line(line)
        yield paper.first(at, "site file", cause, remedy or "correct it")


def split_message(message: str) -> tuple[str, int | None, str]:
    """Return file, line and text of ``FILE:LINE: text``; a message without a place is all text."""
    found = re.match(r"(.*?):(\d+): (.*)", message, re.DOTALL)
    if found is None:
        return "", None, message
    return found[1], int(found[2]), found[3]
