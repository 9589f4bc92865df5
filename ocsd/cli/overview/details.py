"""Everything about single instances, for `ocsd status NAME`."""

from pathlib import Path

from ocsd.cli.logs import log_level
from ocsd.cli.overview.rows import NONE, uptime
from ocsd.cli.screen.terminal import LAYOUT, Terminal
from ocsd.cli.screen.wrap import broken
from ocsd.log import logfile
from ocsd.log.levels import USUAL
from ocsd.status.headlines import operation_text
from ocsd.status.reasons import text
from ocsd.status.replies import HostStatus, InstanceStatus
from ocsd.text import units
from ocsd.text.printable import printable
from ocsd.text.reason import clause, shortened
from ocsd.text.times import utc

_LOG_END_LINES = 10
_INDENT = " " * 12


def details(report: HostStatus, screen: Terminal) -> list[str]:
    """Return the facts of the instances of a report."""
    lines: list[str] = []
    for instance in report.instances:
        lines += ["", f"{screen.bold(instance.instance_id)}  {instance.agent_class}"]
        facts = _facts(instance, screen)
        told = [f"  {name:<9} {fact}" for name, fact in facts.items() if fact]
        told += _operations(instance, screen)
        lines += [piece for fact in told for piece in broken(fact, screen, _INDENT)]
        if not instance.in_target and instance.log_path:
            lines += _end_of_log(Path(instance.log_path))
    return lines


def _facts(instance: InstanceStatus, screen: Terminal) -> dict[str, str]:
    state = screen.styled(instance.state, instance.state)
    since = clause(" since ", text(instance.since_at, utc))
    health, reason = instance.health or "", instance.reason or ""
    return {
        "state": f"{state}{since}, target {instance.target}",
        "health": screen.styled(health, health),
        # Further lines of a reason, such as a parser's usage, stand below its first.
        "reason": printable(reason.strip(), keep=LAYOUT).replace("\n", "\n" + _INDENT),
        "next try": text(instance.next_try_s, "in {:.1f} s".format),
        "pid": text(instance.pid, str) + clause(", for ", uptime(instance)),
        "restarts": str(instance.restarts),
        "CPU": text(instance.cpu_percent, "{:.1f} %".format),
        "memory": text(instance.rss_bytes, units.memory),
        "sample": text(instance.sample_age_s, "{:.0f} s ago".format),
        "log": instance.log_path or NONE,
        "log level": _log_level(instance),
        "data": instance.data_dir or "",
    }


def _log_level(instance: InstanceStatus) -> str:
    """Return the level that was set by `ocsd loglevel`; nothing if none was."""
    level = log_level.level_of(Path(instance.log_path or NONE))
    if level == USUAL:
        return ""
    return f"{level}; as it was started: ocsd loglevel {instance.instance_id} {USUAL}"


def _operations(instance: InstanceStatus, screen: Terminal) -> list[str]:
    """Return the latest run of each operation, below one another."""
    lines = []
    title = "doing"
    for each in instance.operations:
        lines.append(f"  {title:<9} {screen.styled(operation_text(each), each.state)}")
        title = ""
    return lines


def _end_of_log(path: Path) -> list[str]:
    lines = logfile.last_lines(path, _LOG_END_LINES)
    if not lines:
        return []
    shown = (f"    {printable(shortened(line), keep=LAYOUT)}" for line in lines)
    return ["  last lines of the log:", *shown]
