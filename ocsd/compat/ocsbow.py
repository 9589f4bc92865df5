"""``ocs.ocsbow``: the program of OCS that shows and commands the agents of all hosts.

``python -m ocs.ocsbow`` runs it. It asks the HostManager of each host, which on hosts of
ocsd is the daemon, and prints what OCS's program prints, because scripts read that.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ocsd
from ocsd import site_config
from ocsd.client.http import ControlClientError
from ocsd.compat.agent_cli import build_agent_list
from ocsd.compat.local_support import get_parser_local, main_local
from ocsd.compat.managers import Manager, bridge_problem, manager_ids, refuse_without_site
from ocsd.compat.site_report import HOST_MANAGER, HostReport, host_report, status_lines
from ocsd.errors import OcsdError
from ocsd.site.parts import HostConfig, InstanceConfig, SiteConfig

__all__ = [
    "HOSTMANAGER_CLASS",
    "OcsbowError",
    "get_parser",
    "get_parser_local",
    "main",
    "main_local",
]

HOSTMANAGER_CLASS = HOST_MANAGER


class OcsbowError(Exception):
    """A request that cannot be carried out."""


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the commands; the site options are not in it."""
    parser = argparse.ArgumentParser(
        prog="ocsbow",
        description="Show and command the agents of all hosts of a site.",
        epilog="'ocsd status' shows more of one host; 'ocsd why NAME' says why an agent is down.",
    )
    commands = parser.add_subparsers(dest="command")
    one = commands.add_parser("status", help="show the agents of each host (without a command too)")
    one.add_argument("--host", "-H", action="append", help="only this host; may be repeated")
    one.add_argument(
        "--reload-config", "-r", action="store_true", help="first have each host read its site file"
    )
    for word, doing in (("up", "start"), ("down", "end")):
        one = commands.add_parser(word, help=f"{doing} agents, and keep them {word}")
        one.add_argument("--all", "-a", action="store_true", help="all agents of all hosts")
        one.add_argument("--dry-run", action="store_true", help="say what would be done")
        one.add_argument(
            "instance", nargs="*", help="instance-id; of a HostManager: all agents of its host"
        )
    one = commands.add_parser("config", help="show the local site file")
    one.add_argument(
        "cfg_request", nargs="?", choices=["summary", "plugins", "crossbar"], default="summary"
    )
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command that the words name."""
    parser = get_parser()
    parser.set_defaults(command="status", host=None, reload_config=False)
    try:
        parsed = site_config.parse_args(agent_class="*control*", parser=parser, args=args)
        refuse_without_site(parser, parsed)
        parsed.command = parsed.command or "status"
        run = {"status": _status, "up": _change, "down": _change, "config": _config}
        run[parsed.command](parsed, site_config.get_config(parsed, "*control*").site)
    except OcsdError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    except (OcsbowError, ControlClientError) as error:
        reason = getattr(error, "reason", "") or error
        parser.exit(1, f"{parser.prog}: error: {reason}\n")


@dataclass(frozen=True)
class _Answers:
    """One host's report, and the managers that were asked for it."""

    report: HostReport
    managers: tuple[Manager, ...]


def _asked(host: HostConfig, args: argparse.Namespace, bridge: bool) -> _Answers:
    managers = [Manager(name, None) for name in manager_ids(host)]
    if bridge:
        managers = [Manager.connected(each.instance_id, args) for each in managers]
    states, children = {}, []
    for each in managers:
        found = each.children()
        states[each.instance_id] = _state_of(each, found, bridge)
        children += found or []
    entries = ((InstanceConfig.from_dict(each).manage, each) for each in host.instances)
    return _Answers(host_report(str(host.name), entries, children, states), tuple(managers))


def _state_of(manager: Manager, children: object, bridge: bool) -> str:
    if children is not None:
        return "up"
    if manager.client is not None:
        return "sleeping"
    if bridge:
        return "down"
    return "?"


def _status(args: argparse.Namespace, site: SiteConfig) -> None:
    problem = bridge_problem(args)
    hosts = [host for name, host in site.hosts.items() if args.host is None or name in args.host]
    notes = []
    if args.reload_config and not problem:
        failed = list(_reload(hosts, args))
        notes = [f"***WARNING -- {name} did not read its site file again." for name in failed]
    reports = [_asked(host, args, bridge=not problem).report for host in hosts]
    lines = status_lines(site.source_file, args.site_http, problem, reports, notes)
    print("\n".join(lines))  # noqa: T201 - a command


def _reload(hosts: Sequence[HostConfig], args: argparse.Namespace) -> Iterator[str]:
    """Have all hosts read their site file again; yield the managers that do not."""
    print("Requesting config reloads ...")  # noqa: T201 - a command
    for name in (name for host in hosts for name in manager_ids(host)):
        if Manager.connected(name, args).reload():
            print(f"  Ok on {name}.")  # noqa: T201 - a command
        else:
            print(f"  !! Failed on {name}.")  # noqa: T201 - a command
            yield name
    print()  # noqa: T201 - a command


def _change(args: argparse.Namespace, site: SiteConfig) -> None:
    if args.dry_run:
        print("[dry-run, no requests will be issued]")  # noqa: T201 - a command
    requests = list(_requests(args, site))
    if not requests:
        print(f'No targets found matching "{args.instance}"')  # noqa: T201 - a command
    refusals = []
    for manager, name in requests:
        target = f"agent {name} via {manager.instance_id}"
        if name == "all":
            target = f"hostmanager {manager.instance_id} all"
        print(f"  {args.command} {target}")  # noqa: T201 - a command
        if not args.dry_run:
            refusals.append(manager.request(args.command, [name]))
    if any(refusals):
        raise OcsbowError("; ".join(filter(None, refusals)))


def _requests(args: argparse.Namespace, site: SiteConfig) -> Iterator[tuple[Manager, str]]:
    """Yield who is to be asked, and for which agent, or ``all``: managers first."""
    bridge = not bridge_problem(args)
    hosts = [_asked(host, args, bridge) for host in site.hosts.values()]
    for host in hosts:
        for manager in host.managers:
            # A host without an entry for it may have no HostManager at all.
            listed = any(row.instance_id == manager.instance_id for row in host.report.rows)
            every = args.all and (listed or manager.client is not None)
            if every or manager.instance_id in args.instance:
                yield manager, "all"
    for host in hosts:
        for row in host.report.rows:
            if row.kind != "hm" and row.instance_id in args.instance:
                yield _manager_of(row.kind, row.instance_id, host), row.instance_id


def _manager_of(kind: str, instance_id: str, host: _Answers) -> Manager:
    if kind not in {"host", "docker"}:
        raise OcsbowError(f"{instance_id} cannot be changed: its entry has manage: ignore")
    if len(host.managers) > 1:
        count = len(host.managers)
        raise OcsbowError(f"host {host.report.name} has {count} HostManagers, not one")
    return host.managers[0]


def _config(args: argparse.Namespace, site: SiteConfig) -> None:
    host = site.hosts.get(args.site_host)
    if args.site_host is None:
        host = _this_host(args)
    lines = {"summary": _summary, "plugins": _plugins, "crossbar": _crossbar}
    print("\n".join(lines[args.cfg_request](site, host)))  # noqa: T201 - a command


def _this_host(args: argparse.Namespace) -> HostConfig | None:
    try:
        host: HostConfig | None = site_config.get_config(args, "*host*").host
    except OcsdError:  # this machine is no host of the site
        return None
    return host


def _summary(site: SiteConfig, host: HostConfig | None) -> list[str]:
    specified = "No configuration block was found for the specified host."
    if host is not None:
        specified = f"Specified host is:  {host.name}\n"
    lines = [*_title("ocs configuration summary"), f"ocs import led to:\n  {ocsd.__file__}\n"]
    lines += [f"Site file was determined to be:\n  {site.source_file}\n", specified, ""]
    lines.append(f"The site file describes {len(site.hosts)} hosts:")
    for name, each in site.hosts.items():
        lines.append(f"  Host {name} includes {len(each.instances)} agent instances:")
        lines += [f"    {one['agent-class']}::{one['instance-id']}" for one in each.instances]
        lines.append("")
    return lines


def _plugins(_site: SiteConfig, _host: HostConfig | None) -> list[str]:
    found = build_agent_list()
    return [
        *_title("ocs plugin detection"),
        "Found:",
        *(f"  {name:25} : {code['module']}" for name, code in found.items()),
        "",
    ]


def _crossbar(site: SiteConfig, host: HostConfig | None) -> list[str]:
    lines = [*_title("ocs crossbar configuration"), "Configuration for the OCS hub:"]
    lines += [site.hub.summary(), ""]
    if host is None or host.crossbar is None:
        return [*lines, "This host is not known to the site config, or runs no crossbar.", ""]
    about = f"Configuration for crossbar service on this host ({host.name}):"
    return [*lines, about, host.crossbar.summary(), ""]


def _title(text: str) -> list[str]:
    return [text, "-" * len(text), ""]


if __name__ == "__main__":
    main()
