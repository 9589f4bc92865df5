"""Changes instances, waits for the result and prints it: `ocsd up`, `down` and `restart`."""

import json
import os
import sys
from collections.abc import Callable, Container, Iterable
from typing import Any

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.screen import terminal, units
from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.talk import control, replies
from ocsd.errors import NoDaemonError, OcsdError, TimedOutError, UsageError

Lines = Iterable[tuple[dict[str, Any], replies.Event | None]]


def arguments(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options of `up`, `down` and `restart`."""
    for decorate in (
        options.json_option,
        options.timeout_option,
        options.host_option,
        click.option("--all", "everything", is_flag=True, help="All instances of the host."),
        click.argument(
            "names", metavar="[NAME]...", nargs=-1, shell_complete=completion.instance_ids
        ),
    ):
        command = decorate(command)
    return command


def change(
    verb: str,
    *,
    names: tuple[str, ...],
    everything: bool,
    host: str | None,
    timeout_s: float,
    as_json: bool,
) -> int:
    """Change instances, and wait for the result.

    Parameters
    ----------
    verb : str
        ``up``, ``down`` or ``restart``.
    names : tuple of str
        The instance-ids.
    everything : bool
        All instances of the host, in place of `names`.
    host : str, optional
        Its host name; not needed where one daemon runs.
    timeout_s : float
        The longest wait for the result [s].
    as_json : bool
        Print the daemon's answer as it came.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    UsageError
        If `names` and `everything` are both given, or neither.
    """
    if everything and names:
        raise UsageError(f"`ocsd {verb}` takes names or --all, not both")
    if not everything and not names:
        raise UsageError(f"`ocsd {verb}` needs the names of instances, or --all")
    names = tuple(dict.fromkeys(names))
    lines = control.find(host).change(verb, names, timeout_s)
    results, begun = shown(lines, as_json)
    check_complete(results, names or begun)
    if len(results) > 1 and not as_json:
        print(_summary(verb, results.values()))
    return exit_code(results.values())


def shown(lines: Lines, as_json: bool) -> tuple[dict[str, replies.Result], list[str]]:
    """Print what happens, as it happens.

    Parameters
    ----------
    lines : iterable
        What the daemon answers.
    as_json : bool
        Print it as it came.

    Returns
    -------
    dict of str to Result
        What became of each instance.
    list of str
        Those that changed their state.
    """
    screen = terminal.of(sys.stdout, os.environ)
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
    """Return the line that tells an operator about an event.

    Parameters
    ----------
    event : Event
    screen : Terminal
        Where the line will be printed.
    """
    match event:
        case replies.StateChange(instance_id, state, reason, at):
            time = f"{units.clock(at)}  " if at is not None else ""
            because = f": {terminal.one_line(reason)}" if reason else ""
            return f"{time}{instance_id} {screen.styled(state, state)}{because}"
        case replies.Result():
            return _result_line(event, screen)
        case replies.LeftOut(instance_id, reason):
            return f"{screen.bold(instance_id)}: stays down, {terminal.one_line(reason)}"
        case replies.Stopped(took_s):
            return f"all stopped in {units.short_duration(took_s)}"


def _result_line(result: replies.Result, screen: Terminal) -> str:
    state = screen.styled(result.state, result.state)
    took = units.short_duration(result.took_s)
    because = f": {terminal.one_line(result.reason)}" if result.reason else ""
    if result.ok:
        return f"{screen.bold(result.instance_id)}: {state} after {took}{because}"
    if result.timed_out:
        outcome = f"timed out after {took}, still {state}{because}"
    else:
        outcome = f"{state} after {took}{because}"
    return (
        f"{screen.bold(result.instance_id)}: {outcome} "
        f"(see: ocsd status {result.instance_id}; ocsd logs {result.instance_id})"
    )


def _summary(verb: str, results: Iterable[replies.Result]) -> str:
    everything = list(results)
    good = sum(result.ok for result in everything)
    bad = [result.instance_id for result in everything if not result.ok]
    took = units.short_duration(max(result.took_s for result in everything))
    without = f"; not done: {', '.join(bad)}" if bad else ""
    return f"{verb}: {good} of {len(everything)} done in {took}{without}"


def check_complete(results: Container[str], names: Iterable[str]) -> None:
    """See that the daemon has said what became of each instance.

    Raises
    ------
    NoDaemonError
        If it ended before.
    """
    missing = [name for name in names if name not in results]
    if missing:
        raise NoDaemonError(
            f"the daemon ended before it said what became of {', '.join(missing)}; "
            "look at `ocsd status` and `ocsd logs ocsd`"
        )


def exit_code(results: Iterable[replies.Result]) -> int:
    """Return what a command ends with that has waited for instances."""
    # A failure is the worse news: waiting longer would not change it.
    bad = [result for result in results if not result.ok]
    if any(not result.timed_out for result in bad):
        return OcsdError.exit_code
    return TimedOutError.exit_code if bad else 0
