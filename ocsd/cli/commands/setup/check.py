"""`ocsd check`: check the site file, and that every agent class is installed."""

import socket
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from ocsd.cli.arguments import completion, options, trial
from ocsd.cli.talk import control, engine
from ocsd.errors import (
    ConfigurationError,
    NoDaemonError,
    NotPermittedError,
    RouterError,
    SiteFileError,
    TimedOutError,
)
from ocsd.text.plural import plural

if TYPE_CHECKING:
    from pathlib import Path

    from ocsd.site.model import Host, Site


@dataclass(slots=True)
class _Findings:
    """The results of a check, without repetitions."""

    good: list[str] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)
    problems: dict[str, None] = field(default_factory=dict)

    def warn(self, *texts: str) -> None:
        self.warnings.update(dict.fromkeys(texts))

    def refuse(self, *texts: str) -> None:
        self.problems.update(dict.fromkeys(texts))


@options.command(
    "ocsd check",
    "ocsd check --site-file site-configs/observatory.yaml",
    "ocsd check --host grumpy           # only what runs on grumpy",
    "ocsd check --host grumpy --deep    # also the arguments of each agent",
    after="Exit code 78 means that something has to be corrected.",
)
@options.site_file_option
@click.option(
    "--host",
    metavar="HOST",
    help="Check this host's entry only.",
    shell_complete=completion.site_hosts,
)
@click.option("--deep", is_flag=True, help="Let each agent parse its arguments, too.")
def check(site_file: str | None, host: str | None, deep: bool) -> int:
    """Check a site file and find every agent class that it names.

    Without --site-file and one in the usual places, it is that of the daemon that runs here.

    Nothing is started or changed, and no agent's own module is imported. If the host is this
    machine, a warning names users, folders and programs that are missing, and limits above its
    own. Docker is asked for an answer if it is to run an instance.

    With --deep, each agent's module is loaded in a process of its own, up to the moment when it
    has parsed its arguments: unknown options, missing ones and wrong values are found, and
    instances that name the same device.
    """
    # pydantic and yaml take longer to load than all of `ocsd status`.
    from ocsd.site import load

    path = _site_file(site_file, host)
    findings = _Findings()
    try:
        site = load.load(path)
    except SiteFileError as error:
        findings.refuse(*str(error).splitlines())
    else:
        _judge(site, host, deep, findings)
    for warning in findings.warnings:
        print(f"ocsd: warning: {warning}", file=sys.stderr)
    for problem in findings.problems:
        print(f"ocsd: {problem}", file=sys.stderr)
    if not findings.problems:
        print(f"ok  site file {path}")
    for line in findings.good:
        print(line)
    if not findings.problems:
        return 0
    print(f"ocsd: {plural(len(findings.problems), 'problem')} in {path}", file=sys.stderr)
    return ConfigurationError.exit_code


def _site_file(given: str | None, host: str | None) -> "Path":
    """Return the site file given, else the usual one, else that of the daemon that runs here."""
    from ocsd.site import load

    try:
        return load.find(given)
    except SiteFileError:
        if given is not None:
            raise
        try:
            daemon = control.find(host)
            path = load.find(daemon.status().get("site_file"))
        except (NoDaemonError, NotPermittedError, TimedOutError, SiteFileError):
            path = None
        if path is None:
            raise
    print(
        f"ocsd: note: no site file is in the usual places; this is {path}, that of the daemon that "
        f"runs here for host {daemon.host}",
        file=sys.stderr,
    )
    return path


def _judge(site: "Site", host: str | None, deep: bool, findings: _Findings) -> None:
    from ocsd.site import advice, load, machine

    findings.warn(*site.warnings, *advice.of_site(site))
    here = load.of_this_machine(site)
    hosts = list(site.hosts.values())
    if host:
        hosts = [load.pick_host(site, host)]
    for entry in hosts:
        findings.warn(*advice.of_host(site, entry))
        missing = _judge_host(site, entry, findings)
        if deep:
            _try_arguments(site, entry, missing, findings)
        # Users and programs of other machines cannot be seen from here.
        if len(hosts) == 1 or entry is here:
            findings.warn(*machine.missing(site, entry), *_missing_crossbar(site, entry))
            findings.warn(*_missing_engine(site, entry))
            findings.refuse(*filter(None, [machine.router_refusal(entry)]))
    if not host:
        findings.good.append(_of_this_machine(site, here))


def _missing_crossbar(site: "Site", host: "Host") -> Iterator[str]:
    """Yield a warning if the host is to run the router, and there is none to run."""
    from ocsd.router import config

    if host.crossbar is None:
        return
    try:
        config.find_crossbar(host.crossbar.bin)
    except RouterError as error:
        yield f"{site.place(host.lines.get('crossbar'))}: {error}"


def _missing_engine(site: "Site", host: "Host") -> Iterator[str]:
    """Yield a warning if Docker is to run instances of the host, and does not answer."""
    from ocsd.site.model import IN_CONTAINERS

    for first in [each for each in host.instances if each.manage in IN_CONTAINERS][:1]:
        if why := engine.why_away():
            yield f"{site.place(first.line)}: instance {first.instance_id!r}: {why}"


def _of_this_machine(site: "Site", here: "Host | None") -> str:
    """Say which host `ocsd start` would take here."""
    machine = socket.gethostname()
    if here is not None:
        return f"    this machine, {machine!r}, is host {here.name}"
    first = next(iter(site.hosts), "HOST")
    return (
        f"    this machine, {machine!r}, is none of these hosts; to start one of them here, "
        f"name it: ocsd start --host {first}"
    )


def _try_arguments(
    site: "Site", host: "Host", missing: Collection[str], findings: _Findings
) -> None:
    """Try the arguments of all agents but those whose classes are missing."""
    before = len(findings.problems)
    found = [each.instance_id for each in trial.triable(host) if each.instance_id not in missing]
    for kind, text in trial.problems(site, host, found):
        if kind == "problem":
            findings.refuse(text)
        else:
            findings.warn(text)
    if len(findings.problems) == before:
        tried = plural(len(found), "agent")
        findings.good.append(f"ok  host {host.name}: no fault in the arguments of {tried}")


def _judge_host(site: "Site", host: "Host", findings: _Findings) -> Collection[str]:
    """Look up the classes of a host's instances; return the instances whose class is missing."""
    from ocsd import site_config
    from ocsd.site import plugins

    catalogue = site_config.agent_classes(host.agent_paths)
    findings.warn(*catalogue.warnings)
    missing = plugins.missing(site, host.instances, catalogue)
    problems = plugins.problems(missing, catalogue)
    findings.refuse(*problems)
    if not problems:
        ours = [instance for instance in host.instances if instance.manage in {"up", "down"}]
        text = f"{plural(len(ours), 'instance')}, every class found"
        if len(ours) < len(host.instances):
            text += f", {len(host.instances) - len(ours)} run by others"
        findings.good.append(f"ok  host {host.name}: {text}")
    return missing
