"""`ocsd status`: how everything on this host is doing, the trouble first."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.logs import logfile
from ocsd.cli.screen import terminal, units
from ocsd.cli.screen.table import Cell, ScreenColumn, table_lines
from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.talk import control, replies
from ocsd.errors import NoSuchInstanceError
from ocsd.text.reason import shortened

NOT_IN_TARGET = 3
_LOG_LINES = 10
# More names than this in the verdict would hide it; the table has them all.
_NAMES_IN_VERDICT = 5
_COLUMNS = (
    ScreenColumn("INSTANCE"),
    ScreenColumn("CLASS"),
    ScreenColumn("STATE"),
    ScreenColumn("TARGET"),
    ScreenColumn("HEALTH"),
    ScreenColumn("PID", right=True),
    ScreenColumn("UPTIME", right=True),
    ScreenColumn("RESTARTS", right=True),
    ScreenColumn("CPU%", right=True),
    ScreenColumn("MEMORY", right=True),
    ScreenColumn("REASON"),
)
_NONE = "-"


@click.command(
    epilog=options.examples(
        "ocsd status",
        "ocsd status thermo1                # everything about one instance",
        "ocsd status --json | jq '.instances[] | select(.state != .target)'",
    )
    + "\n\nExit code 3 means that something is not in its target state. An instance that is\n"
    "`degraded` or `hung` is in it: its health is in the table and in --json, not in the exit code."
)
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completion.names)
@options.host_option
@options.json_option
def status(names: tuple[str, ...], host: str | None, as_json: bool) -> int:
    """Show how this host's instances are doing.

    The first line is the verdict; what is not well comes next, with the reason.
    With NAME..., everything about these instances, and the end of the log of
    those that are not in their target state. NAME may also be `router`, or `ocsd`, the daemon.
    """
    answer = control.find(host).status()
    if names:
        answer = _only(answer, names)
    report = replies.host_status(answer)
    if as_json:
        print(json.dumps(answer, indent=2))
    else:
        screen = terminal.of(sys.stdout, os.environ)
        print(verdict(report, screen))
        lines = _details(report, screen) if names else _overview(report, screen)
        print("\n".join(lines))
    return exit_code(report, with_router=not names)


def exit_code(report: replies.HostStatus, *, with_router: bool = True) -> int:
    """Return 3 if something is not in its target state, else 0."""
    settled = all(one.in_target for one in report.instances)
    return 0 if settled and (report.router.works or not with_router) else NOT_IN_TARGET


def verdict(report: replies.HostStatus, screen: Terminal) -> str:
    """Return the one line that says whether there is anything to do.

    Parameters
    ----------
    report : HostStatus
    screen : Terminal
        Where the line will be printed.
    """
    astray = [one for one in report.instances if not one.in_target]
    ailing = [one for one in report.instances if one.in_target and not one.healthy]
    word = "degraded" if ailing or report.trouble else "ok"
    if astray or not report.router.works:
        word = "attention"
    if report.stopping:
        word = "stopping"
    parts = [screen.styled(word, word), _counts(report.instances)]
    if astray:
        names = _listed([f"{one.instance_id} {one.state}" for one in astray])
        parts.append(f"{len(astray)} not in target state ({names})")
    if ailing:
        names = _listed([f"{one.instance_id} {one.health}" for one in ailing])
        parts.append(f"{len(ailing)} not healthy ({names})")
    parts.append(f"router {screen.styled(report.router.word, report.router.word)}")
    return f"{screen.bold(report.host)}: " + f" {screen.dot} ".join(parts)


def _counts(instances: Sequence[replies.InstanceStatus]) -> str:
    counts: dict[str, int] = {}
    for one in instances:
        counts[one.state] = counts.get(one.state, 0) + 1
    # `up` first, for that is what people look for.
    words = sorted(counts, key=lambda state: (state != "up", state))
    return ", ".join(f"{counts[word]} {word}" for word in words) or "no instances"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES_IN_VERDICT])
    more = len(names) - _NAMES_IN_VERDICT
    return f"{shown} and {more} more" if more > 0 else shown


def _overview(report: replies.HostStatus, screen: Terminal) -> list[str]:
    lines = [f"trouble: {terminal.one_line(report.trouble)}"] if report.trouble else []
    if report.router.reason and not report.router.works:
        lines.append(f"router: {terminal.one_line(report.router.reason)}")
    if report.instances:
        rows = [_row(one, screen) for one in sorted(report.instances, key=lambda one: one.urgency)]
        lines += table_lines(_COLUMNS, rows, screen)
    parts = [f"router {report.router.url or _NONE}", f"site file {report.site_file or _NONE}"]
    parts.append(f"ocsd {report.version}, pid {report.pid}")
    return [*lines, f" {screen.dot} ".join(parts)]


def _row(one: replies.InstanceStatus, screen: Terminal) -> list[Cell]:
    # A symbol helps the eye, and would be in the way of a program.
    state = f"{screen.symbol(one.state)} {one.state}" if screen.interactive else one.state
    running = one.pid is not None
    return [
        Cell(one.instance_id),
        Cell(one.agent_class),
        Cell(state, one.state),
        Cell(one.target),
        Cell(one.health or _NONE, one.health or ""),
        Cell(str(one.pid) if running else _NONE),
        Cell(_NONE if one.uptime_s is None or not running else units.duration(one.uptime_s)),
        Cell(str(one.restarts)),
        Cell(_NONE if one.cpu_percent is None else f"{one.cpu_percent:.1f}"),
        Cell(_NONE if one.rss_bytes is None else units.memory(one.rss_bytes)),
        Cell(_reason(one)),
    ]


def _reason(one: replies.InstanceStatus) -> str:
    parts = [terminal.one_line(one.reason)] if one.reason else []
    if one.next_try_s is not None:
        parts.append(f"next try in {one.next_try_s:.1f} s")
    return "; ".join(parts)


def _details(report: replies.HostStatus, screen: Terminal) -> list[str]:
    lines: list[str] = []
    for one in report.instances:
        lines += ["", f"{screen.bold(one.instance_id)}  {one.agent_class}"]
        lines += [f"  {name:<9} {text}" for name, text in _facts(one, screen)]
        if not one.in_target and one.log_path:
            lines += _end_of_log(Path(one.log_path))
    return lines


def _facts(one: replies.InstanceStatus, screen: Terminal) -> list[tuple[str, str]]:
    since = f" since {units.date(one.since_at)}" if one.since_at is not None else ""
    facts = [("state", f"{screen.styled(one.state, one.state)}{since}, target {one.target}")]
    if one.health:
        facts.append(("health", screen.styled(one.health, one.health)))
    if one.reason:
        # Further lines of a reason, such as a parser's usage, stand below its first.
        facts.append(
            ("reason", terminal.printable(one.reason.strip()).replace("\n", "\n" + " " * 12))
        )
    if one.next_try_s is not None:
        facts.append(("next try", f"in {one.next_try_s:.1f} s"))
    if one.pid is not None:
        uptime = "" if one.uptime_s is None else f", for {units.duration(one.uptime_s)}"
        facts.append(("pid", f"{one.pid}{uptime}"))
    facts.append(("restarts", str(one.restarts)))
    if one.cpu_percent is not None:
        facts.append(("CPU", f"{one.cpu_percent:.1f} %"))
    if one.rss_bytes is not None:
        facts.append(("memory", units.memory(one.rss_bytes)))
    facts.append(("log", one.log_path or _NONE))
    if one.data_dir:
        facts.append(("data", one.data_dir))
    return facts


def _end_of_log(path: Path) -> list[str]:
    lines = logfile.last_lines(path, _LOG_LINES)
    if not lines:
        return []
    told = (f"    {terminal.printable(shortened(line))}" for line in lines)
    return ["  last lines of the log:", *told]


def _only(answer: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    by_name = replies.rows(answer)
    for name in names:
        if name not in by_name:
            raise NoSuchInstanceError(no_such_instance(name, answer))
    return {**answer, "instances": [by_name[name] for name in dict.fromkeys(names)]}


def no_such_instance(name: str, answer: dict[str, Any]) -> str:
    """Return what to say about a name that the daemon's `answer` does not list."""
    from difflib import get_close_matches

    ids = [str(one.get("instance_id")) for one in answer.get("instances", ())]
    near = get_close_matches(name, ids)
    advice = f"did you mean {' or '.join(near)}?" if near else "`ocsd status` lists them"
    return f"host '{answer.get('host')}' has no instance '{name}'; {advice}"
