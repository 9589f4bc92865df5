"""Changes instances, waits for the result and prints it: `ocsd up`, `down` and `restart`."""

import json
from collections.abc import Collection, Iterable, Mapping

import click

from ocsd.cli.arguments import completion, options, targets
from ocsd.cli.screen import question, terminal
from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.talk import control
from ocsd.errors import NoDaemonError, OcsdError, TimedOutError, UsageError
from ocsd.status import changes, replies
from ocsd.text import units
from ocsd.text.printable import one_line
from ocsd.text.reason import clause
from ocsd.text.times import clock

Lines = Iterable[changes.Line]


arguments = options.with_all(
    options.json_option,
    options.timeout_option,
    options.host_option,
    targets.class_option,
    click.option("--all", "everything", is_flag=True, help="Change all instances of the host."),
    click.argument(
        "instance_ids", metavar="[NAME]...", nargs=-1, shell_complete=completion.changeable_targets
    ),
)
"""The options of `up`, `down` and `restart`."""


def change(
    verb: str,
    *,
    instance_ids: tuple[str, ...],
    everything: bool,
    agent_class: str | None,
    host: str | None,
    timeout_s: float,
    as_json: bool,
    is_sure: bool = True,
    also_put_down: bool = False,
) -> int:
    """Bring instances ``up`` or ``down``, or ``restart`` them; return the exit code.

    Unless it `is_sure`, a person at a terminal is asked before all are brought down. What was put
    down singly stays down when all are brought up, unless `also_put_down`.

    Raises
    ------
    UsageError
        If `instance_ids` or a class, and `everything` are both given, or none; or if
        `also_put_down` is given without `everything`.
    NoSuchInstanceError
        If a pattern or the class stands for no instance.
    """
    _check_choice(verb, bool(instance_ids or agent_class), everything, also_put_down)
    daemon = control.find(host)
    instance_ids = _chosen_targets(instance_ids, agent_class, daemon)
    if not is_sure:
        _confirm_all(daemon, instance_ids)
    leave = verb == "up" and everything and not also_put_down
    lines = daemon.change(verb, instance_ids, timeout_s, leave_put_down=leave)
    results, begun, left_out = shown(lines, as_json)
    code = exit_code(results, instance_ids or begun)
    if as_json:
        return code
    if len(results) > 1:
        print(_summary(verb, results.values()))
    if leave and left_out:
        print(f"{len(left_out)} left down; to start these too: ocsd up --all --also-put-down")
    return code


def _check_choice(verb: str, chooses: bool, everything: bool, also_put_down: bool) -> None:
    if also_put_down and not everything:
        raise UsageError("--also-put-down belongs to --all; what is named is brought up anyway")
    if everything and chooses:
        raise UsageError(f"`ocsd {verb}` takes names or --all, not both")
    if not everything and not chooses:
        raise UsageError(f"`ocsd {verb}` needs the names of instances, --class or --all")


def _chosen_targets(
    instance_ids: tuple[str, ...], agent_class: str | None, daemon: control.DaemonClient
) -> tuple[str, ...]:
    """Return the instances that the names, patterns and the class stand for, each once."""
    if agent_class or any(map(targets.is_pattern, instance_ids)):
        return tuple(targets.chosen(instance_ids, agent_class, daemon.status()))
    return tuple(dict.fromkeys(instance_ids))


def _confirm_all(daemon: control.DaemonClient, instance_ids: tuple[str, ...]) -> None:
    """Ask whether all instances are to go down, if these are all."""
    if not question.can_ask():
        return
    report = replies.host_status(daemon.status())
    listed = {instance.instance_id for instance in report.instances}
    if len(listed) > 1 and (not instance_ids or listed <= set(instance_ids)):
        question.confirm(f"{daemon.host}: bring down all {len(listed)} instances?")


def shown(lines: Lines, as_json: bool) -> tuple[dict[str, changes.Result], list[str], list[str]]:
    """Print events as they happen, or as JSON the daemon's unchanged lines.

    Return the result of each instance, the instances that changed their state, and those that
    were left out. A reason is printed once.
    """
    screen = terminal.of_output()
    results: dict[str, changes.Result] = {}
    said: dict[str, str] = {}
    left_out = []
    for data, event in lines:
        line = event
        match event:
            case changes.Result(instance_id):
                results[instance_id] = event
                if event.reason and event.reason == said.get(instance_id):
                    line = event._replace(reason="")
            case changes.StateChange(instance_id):
                said[instance_id] = event.reason or ""
            case changes.LeftOut(instance_id):
                left_out.append(instance_id)
        if as_json:
            print(json.dumps(data), flush=True)
        elif line is not None:
            print(event_line(line, screen), flush=True)
    return results, list(said), left_out


def event_line(event: changes.Event, screen: Terminal) -> str:
    """Return the line for an operator about an event."""
    match event:
        case changes.StateChange(instance_id, state, reason, at):
            line = f"{instance_id} {screen.styled(state, state)}{_because(reason)}"
            if at is None:
                return line
            return f"{clock(at)}  {line}"
        case changes.Result():
            return _result_line(event, screen)
        case changes.LeftOut(instance_id, reason):
            return f"{screen.bold(instance_id)}: stays down, {one_line(reason)}"
        case changes.Notice(text):
            return f"warning: {one_line(text)}"
        case changes.Stopped(took_s):
            return f"all stopped in {units.short_duration(took_s)}"


def _result_line(result: changes.Result, screen: Terminal) -> str:
    state = screen.styled(result.state, result.state)
    took = units.short_duration(result.took_s)
    outcome = f"{state} after {took}"
    if result.timed_out and not result.ok:
        outcome = f"timed out after {took}, still {state}"
    line = f"{screen.bold(result.instance_id)}: {outcome}{_because(result.reason)}"
    if result.ok:
        return line
    return f"{line} (see: ocsd status {result.instance_id}; ocsd logs {result.instance_id})"


def _because(reason: str | None) -> str:
    return clause(": ", one_line(reason or ""))


def _summary(verb: str, results: Collection[changes.Result]) -> str:
    bad = [result.instance_id for result in results if not result.ok]
    took = units.short_duration(max(result.took_s for result in results))
    failures = clause("; not done: ", ", ".join(bad))
    return f"{verb}: {len(results) - len(bad)} of {len(results)} done in {took}{failures}"


def exit_code(results: Mapping[str, changes.Result], expected: Iterable[str]) -> int:
    """Return the exit code of a command that has waited for instances.

    Raises
    ------
    NoDaemonError
        If the daemon ended before it reported the result of each expected instance.
    """
    missing = [instance_id for instance_id in expected if instance_id not in results]
    if missing:
        raise NoDaemonError(
            f"the daemon ended before it reported what became of {', '.join(missing)}; "
            "look at `ocsd status` and `ocsd logs ocsd`"
        )
    bad = [result for result in results.values() if not result.ok]
    if not bad:
        return 0
    # A failure is the worse news, because waiting longer would not change it.
    if all(result.timed_out for result in bad):
        return TimedOutError.exit_code
    return OcsdError.exit_code
