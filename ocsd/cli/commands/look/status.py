"""`ocsd status`: the state of everything on this host, the trouble first."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.arguments.targets import no_such_instance
from ocsd.cli.logs import logfile
from ocsd.cli.screen import terminal, units
from ocsd.cli.screen.table import Cell, columns, table_lines
from ocsd.cli.screen.terminal import LAYOUT, Terminal
from ocsd.cli.talk import control, replies
from ocsd.errors import NoSuchInstanceError
from ocsd.text.printable import one_line, printable
from ocsd.text.reason import clause, shortened
from ocsd.text.times import utc

NOT_IN_TARGET_EXIT = 3
_LOG_END_LINES = 10
# More names than this would make the verdict too long; the table has them all.
_NAMES_IN_VERDICT = 5
_NUMBERS = ("PID", "UPTIME", "RESTARTS", "CPU%", "MEMORY")
_WORDS = ("INSTANCE", "CLASS", "STATE", "TARGET", "HEALTH")
_COLUMNS = columns(*_WORDS, *_NUMBERS, "REASON", right=_NUMBERS)
_NONE = "-"


@options.command(
    "ocsd status",
    "ocsd status thermo1                # everything about one instance",
    "ocsd status --json | jq '.instances[] | select(.state != .target)'",
    after="Exit code 3 means that something is not in its target state. An instance that is "
    "`degraded` or `hung` is in it: its health is in the table and in --json, not in the exit "
    "code.",
)
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completion.names)
@options.host_option
@options.json_option
def status(names: tuple[str, ...], host: str | None, as_json: bool) -> int:
    """Show the state of this host's instances.

    The first line is the verdict; then comes whatever is not well, with the reason.
    With NAME..., everything about these instances, and the end of the log of
    those that are not in their target state. NAME may also be `router`, or `ocsd`, the daemon.
    """
    answer = control.find(host).status()
    if names:
        answer = _only(answer, names)
    report = replies.host_status(answer)
    if as_json:
        print(json.dumps(answer, indent=2))
        return exit_code(report, with_router=not names)
    screen = terminal.of_output()
    print(verdict(report, screen))
    if names:
        print("\n".join(_details(report, screen)))
    else:
        print("\n".join(_overview(report, screen)))
    return exit_code(report, with_router=not names)


def exit_code(report: replies.HostStatus, *, with_router: bool = True) -> int:
    """Return 3 if something is not in its target state, else 0."""
    router_works = report.router.works or not with_router
    if router_works and all(instance.in_target for instance in report.instances):
        return 0
    return NOT_IN_TARGET_EXIT


def verdict(report: replies.HostStatus, screen: Terminal) -> str:
    """Return the one line that says whether there is anything to do."""
    astray = [instance for instance in report.instances if not instance.in_target]
    ailing = [one for one in report.instances if one.in_target and not one.healthy]
    word = _verdict_word(report, astray=bool(astray), ailing=bool(ailing))
    parts = [screen.styled(word, word), _counts(report.instances)]
    if astray:
        names = _listed([f"{instance.instance_id} {instance.state}" for instance in astray])
        parts.append(f"{len(astray)} not in target state ({names})")
    if ailing:
        names = _listed([f"{instance.instance_id} {instance.health}" for instance in ailing])
        parts.append(f"{len(ailing)} not healthy ({names})")
    parts.append(f"router {screen.styled(report.router.word, report.router.word)}")
    return f"{screen.bold(report.host)}: " + f" {screen.dot} ".join(parts)


def _verdict_word(report: replies.HostStatus, *, astray: bool, ailing: bool) -> str:
    if report.stopping:
        return "stopping"
    if astray or not report.router.works:
        return "attention"
    if ailing or report.trouble:
        return "degraded"
    return "ok"


def _counts(instances: Iterable[replies.InstanceStatus]) -> str:
    counts = Counter(instance.state for instance in instances)
    # `up` comes first, because operators search for it.
    words = sorted(counts, key=lambda state: (state != "up", state))
    return ", ".join(f"{counts[word]} {word}" for word in words) or "no instances"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES_IN_VERDICT])
    more = len(names) - _NAMES_IN_VERDICT
    if more > 0:
        return f"{shown} and {more} more"
    return shown


def _overview(report: replies.HostStatus, screen: Terminal) -> list[str]:
    lines = []
    if report.trouble:
        lines.append(f"trouble: {one_line(report.trouble)}")
    if report.router.reason and not report.router.works:
        lines.append(f"router: {one_line(report.router.reason)}")
    if report.instances:
        instances = sorted(report.instances, key=lambda instance: instance.urgency)
        lines += table_lines(_COLUMNS, [_row(each, screen) for each in instances], screen)
    parts = [f"router {report.router.url or _NONE}", f"site file {report.site_file or _NONE}"]
    parts.append(f"ocsd {report.version}, pid {report.pid}")
    return [*lines, f" {screen.dot} ".join(parts)]


def _row(instance: replies.InstanceStatus, screen: Terminal) -> list[Cell]:
    state = instance.state
    if screen.interactive:
        # A symbol helps the eye, and would disturb a program.
        state = f"{screen.symbol(state)} {state}"
    return [
        Cell(instance.instance_id),
        Cell(instance.agent_class),
        Cell(state, instance.state),
        Cell(instance.target),
        Cell(instance.health or _NONE, instance.health or ""),
        Cell(_text(instance.pid, str) or _NONE),
        Cell(_uptime(instance) or _NONE),
        Cell(str(instance.restarts)),
        Cell(_text(instance.cpu_percent, "{:.1f}".format) or _NONE),
        Cell(_text(instance.rss_bytes, units.memory) or _NONE),
        Cell(reason_line(instance)),
    ]


def reason_line(instance: replies.InstanceStatus) -> str:
    """Return the reason for an instance's state and the time of the next try, on one line."""
    next_try = _text(instance.next_try_s, "next try in {:.1f} s".format)
    return "; ".join(filter(None, (one_line(instance.reason or ""), next_try)))


def _uptime(instance: replies.InstanceStatus) -> str:
    if instance.pid is None:
        return ""
    return _text(instance.uptime_s, units.duration)


def _text(value: object, render: Callable[[Any], str]) -> str:
    """Return a value as text; nothing if it is not known."""
    if value is None:
        return ""
    return render(value)


def _details(report: replies.HostStatus, screen: Terminal) -> list[str]:
    lines: list[str] = []
    for instance in report.instances:
        lines += ["", f"{screen.bold(instance.instance_id)}  {instance.agent_class}"]
        facts = _facts(instance, screen)
        lines += [f"  {name:<9} {text}" for name, text in facts.items() if text]
        if not instance.in_target and instance.log_path:
            lines += _end_of_log(Path(instance.log_path))
    return lines


def _facts(instance: replies.InstanceStatus, screen: Terminal) -> dict[str, str]:
    state = screen.styled(instance.state, instance.state)
    since = clause(" since ", _text(instance.since_at, utc))
    health, reason = instance.health or "", instance.reason or ""
    return {
        "state": f"{state}{since}, target {instance.target}",
        "health": screen.styled(health, health),
        # Further lines of a reason, such as a parser's usage, stand below its first.
        "reason": printable(reason.strip(), keep=LAYOUT).replace("\n", "\n" + " " * 12),
        "next try": _text(instance.next_try_s, "in {:.1f} s".format),
        "pid": _text(instance.pid, str) + clause(", for ", _uptime(instance)),
        "restarts": str(instance.restarts),
        "CPU": _text(instance.cpu_percent, "{:.1f} %".format),
        "memory": _text(instance.rss_bytes, units.memory),
        "log": instance.log_path or _NONE,
        "data": instance.data_dir or "",
    }


def _end_of_log(path: Path) -> list[str]:
    lines = logfile.last_lines(path, _LOG_END_LINES)
    if not lines:
        return []
    shown = (f"    {printable(shortened(line), keep=LAYOUT)}" for line in lines)
    return ["  last lines of the log:", *shown]


def _only(answer: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    rows = replies.rows(answer)
    for name in names:
        if name not in rows:
            raise NoSuchInstanceError(no_such_instance(name, answer))
    return {**answer, "instances": [rows[name] for name in dict.fromkeys(names)]}
