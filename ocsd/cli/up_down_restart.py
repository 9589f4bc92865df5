"""Changes instances, waits for the result and prints it: `ocsd up`, `down` and `restart`."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.screen import terminal, units
from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.talk import control, replies
from ocsd.errors import NoDaemonError, OcsdError, TimedOutError, UsageError
from ocsd.text.printable import one_line
from ocsd.text.reason import clause

Lines = Iterable[tuple[dict[str, Any], replies.Event | None]]


arguments = options.with_all(
    options.json_option,
    options.timeout_option,
    options.host_option,
    click.option("--all", "everything", is_flag=True, help="Change all instances of the host."),
    click.argument(
        "instance_ids", metavar="[NAME]...", nargs=-1, shell_complete=completion.instance_ids
    ),
)
"""The options of `up`, `down` and `restart`."""


def change(
    verb: str,
    *,
    instance_ids: tuple[str, ...],
    everything: bool,
    host: str | None,
    timeout_s: float,
    as_json: bool,
) -> int:
    """Bring instances ``up`` or ``down``, or ``restart`` them; return the exit code.

    Raises
    ------
    UsageError
        If `instance_ids` and `everything` are both given, or neither.
    """
    if everything and instance_ids:
        raise UsageError(f"`ocsd {verb}` takes names or --all, not both")
    if not everything and not instance_ids:
        raise UsageError(f"`ocsd {verb}` needs the names of instances, or --all")
    instance_ids = tuple(dict.fromkeys(instance_ids))
    lines = control.find(host).change(verb, instance_ids, timeout_s)
    results, begun = shown(lines, as_json)
    code = exit_code(results, instance_ids or begun)
    if len(results) > 1 and not as_json:
        print(_summary(verb, results.values()))
    return code


def shown(lines: Lines, as_json: bool) -> tuple[dict[str, replies.Result], list[str]]:
    """Print events as they happen, or as JSON the daemon's unchanged lines.

    Return the result of each instance, and the instances that changed their state.
    """
    screen = terminal.of_output()
    results: dict[str, replies.Result] = {}
    begun: dict[str, None] = {}
    for data, event in lines:
        if isinstance(event, replies.Result):
            results[event.instance_id] = event
        elif isinstance(event, replies.StateChange):
            begun[event.instance_id] = None
        if as_json:
            print(json.dumps(data), flush=True)
        elif event is not None:
            print(event_line(event, screen), flush=True)
    return results, list(begun)


def event_line(event: replies.Event, screen: Terminal) -> str:
    """Return the line for an operator about an event."""
    match event:
        case replies.StateChange(instance_id, state, reason, at):
            line = f"{instance_id} {screen.styled(state, state)}{_because(reason)}"
            if at is None:
                return line
            return f"{units.clock(at)}  {line}"
        case replies.Result():
            return _result_line(event, screen)
        case replies.LeftOut(instance_id, reason):
            return f"{screen.bold(instance_id)}: stays down, {one_line(reason)}"
        case replies.Notice(text):
            return f"warning: {one_line(text)}"
        case replies.Stopped(took_s):
            return f"all stopped in {units.short_duration(took_s)}"


def _result_line(result: replies.Result, screen: Terminal) -> str:
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


def _summary(verb: str, results: Collection[replies.Result]) -> str:
    bad = [result.instance_id for result in results if not result.ok]
    took = units.short_duration(max(result.took_s for result in results))
    failures = clause("; not done: ", ", ".join(bad))
    return f"{verb}: {len(results) - len(bad)} of {len(results)} done in {took}{failures}"


def exit_code(results: Mapping[str, replies.Result], expected: Iterable[str]) -> int:
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
