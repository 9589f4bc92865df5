"""`ocsd reload`: take an edited site file into use without touching unchanged instances."""

import json
import sys
from collections.abc import Mapping
from typing import Any, Final

import click

from ocsd.cli import up_down_restart
from ocsd.cli.arguments import options, trial
from ocsd.cli.screen import change_text, question
from ocsd.cli.systemd import unit_job
from ocsd.cli.talk import control
from ocsd.errors import ConfigurationError, SiteFileError, UsageError
from ocsd.status import changes
from ocsd.text.plural import plural

_WOULD: Final = {
    "starts": "start",
    "ends": "end",
    "restarts": "restart",
    "goes on": "leave running",
    "stays down": "leave down",
}
"""The verb for each effect of a reload, in the order in which the effects are printed."""

_ASK_ABOVE: Final = 3
"""Number of instances that are interrupted without a question."""

_LEADS: Final = {"problem": "", "warning": "warning: "}

_USUAL: Final = {"added": "starts", "removed": "ends", "changed": "restarts", "kept": "goes on"}


@options.command(
    "ocsd reload --dry-run              # what would it change?",
    "ocsd reload",
    "ocsd reload --dry-run --stdin < new.yaml   # what would that file change?",
    "ocsd reload --no-wait",
    "ocsd reload --json | jq .changed",
    after="A broken file changes nothing; the message says where it is broken (exit code 78). "
    "Neither does a file that would restart what runs with an agent class that is not found.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option(
    "--stdin",
    "from_input",
    is_flag=True,
    help="With --dry-run: take what comes on the input for the site file.",
)
@options.yes_option
@click.option("--no-wait", is_flag=True, help="Do not wait for instances to start, restart or end.")
@options.host_option
@options.timeout_option
@options.json_option
@click.option(
    "--unit",
    metavar="UNIT",
    help="For ExecReload in a unit of systemd: the daemon is $MAINPID, whatever its host.",
)
def reload(
    dry_run: bool,
    from_input: bool,
    is_sure: bool,
    no_wait: bool,
    host: str | None,
    timeout_s: float,
    as_json: bool,
    unit: str | None,
) -> int:
    """Read the site file again, and start, restart and end what it changed.

    With --dry-run, each change is shown with its old and its new value, and the agents that would
    be started parse their arguments, without being started.

    New instances are started, instances that left the file are ended, and
    instances whose entries changed are restarted. All others are not touched. Before more than
    three would be restarted or ended, a person at a terminal is asked.
    """
    text = _given(from_input, dry_run)
    daemon = _daemon(host, unit)
    if not (dry_run or is_sure) and question.can_ask():
        _confirm_many(daemon)
    if dry_run:
        return _foreseen(daemon, text, as_json)
    answer = daemon.reload(dry_run, None if no_wait else timeout_s)
    return _shown(_planned(answer), answer, dry_run, as_json)


def _planned(answer: up_down_restart.Lines) -> Mapping[str, Any]:
    """Return the changes, with which an answer begins, and print their warnings."""
    plan: Mapping[str, Any]
    plan, _ = next(iter(answer), ({}, None))
    for warning in plan.get("warnings", ()):
        print(f"ocsd: warning: {warning}", file=sys.stderr)
    return plan


def _foreseen(daemon: control.DaemonClient, text: str | None, as_json: bool) -> int:
    """Show what would change; return the exit code."""
    answer = daemon.reload(dry_run=True, text=text)
    plan = _planned(answer)
    problems = plan and _refused_arguments(plan, daemon, text)
    if not problems:
        return _shown(plan, answer, True, as_json)
    _shown({**plan, "problems": problems}, answer, True, as_json)
    return ConfigurationError.exit_code


def _given(from_input: bool, dry_run: bool) -> str | None:
    """Return the text on the input, if it is to be taken for the site file."""
    if not from_input:
        return None
    if not dry_run:
        raise UsageError("--stdin belongs to --dry-run: a reload takes the site file itself")
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise SiteFileError(f"the input is not UTF-8: {error.reason}; save it as UTF-8") from error


def _confirm_many(daemon: control.DaemonClient) -> None:
    """Ask before many instances are interrupted: the cause may be a slip in what they share."""
    plan, _ = next(daemon.reload(dry_run=True), ({}, None))
    effects = (plan.get("effects") or {}).items()
    hit = [name for name, effect in effects if effect in {"restarts", "ends"}]
    if len(hit) > _ASK_ABOVE:
        print("\n".join(_plan_lines(plan, dry_run=True)), file=sys.stderr)
        question.confirm(f"{daemon.host}: interrupt {len(hit)} instances?")


def _shown(
    plan: Mapping[str, Any], answer: up_down_restart.Lines, dry_run: bool, as_json: bool
) -> int:
    """Print the changes and what becomes of them; return the exit code."""
    if as_json:
        pairs = [(data, event) for data, event in answer if isinstance(event, changes.Result)]
        results = {result.instance_id: result for _, result in pairs}
        print(json.dumps({**plan, "results": [data for data, _ in pairs]}, indent=2))
    else:
        print("\n".join(_plan_lines(plan, dry_run)), flush=True)
        results, *_ = up_down_restart.shown(answer, as_json=False)
    return up_down_restart.exit_code(results, plan.get("waits_for", ()))


def _refused_arguments(
    plan: Mapping[str, Any], daemon: control.DaemonClient, text: str | None
) -> list[str]:
    """Try the arguments of what would be started; say, and return, which agents refuse theirs."""
    effects = plan.get("effects") or {}
    begun = [name for name, effect in effects.items() if effect in {"starts", "restarts"}]
    status = daemon.status()
    if not begun or not status.get("site_file"):
        return []
    # pydantic and yaml take longer to load than all of `ocsd status`.
    from ocsd.site import load

    try:
        site = load.load(status["site_file"], text)
        host = load.pick_host(site, status["host"])
    except ConfigurationError as error:  # e.g. only the daemon's user may read it
        print(f"ocsd: warning: arguments of agents were not tried: {error}", file=sys.stderr)
        return []
    refused = []
    for kind, told in trial.problems(site, host, begun):
        print(f"ocsd: {_LEADS[kind]}{told}", file=sys.stderr)
        if kind == "problem":
            refused.append(told)
    return refused


def _daemon(host: str | None, unit: str | None) -> control.DaemonClient:
    pid = unit and unit_job.main_pid()
    if not pid:
        return control.find(host)
    return unit_job.daemon_of(pid)


def _plan_lines(plan: Mapping[str, Any], dry_run: bool) -> list[str]:
    """Return a line for each instance that changed, or would; its result follows if awaited."""
    by_effect = _lines_by_effect(plan, dry_run)
    unchanged = plural(plan.get("unchanged", 0), "instance")
    hooks = _hook_lines(plan, dry_run)
    others = _host_lines(plan, dry_run)
    if not any(by_effect.values()) and not hooks:
        return [*others, f"nothing to do: the site file says what runs ({unchanged})"]
    listed = [line for lines in by_effect.values() for line in lines]
    listed += [*hooks, *others, f"{unchanged} not touched"]
    begun = by_effect["starts"] or by_effect["restarts"]
    if begun and not dry_run and "waits_for" not in plan:
        listed.append("see how they do: ocsd status")
    return listed


def _hook_lines(plan: Mapping[str, Any], dry_run: bool) -> list[str]:
    """Return a line for each hook of the host that changes."""
    verb = "changes"
    if dry_run:
        verb = "would change"
    return [f"{verb:<14} hook {line}" for line in change_text.lines(plan.get("hooks") or {})]


def _host_lines(plan: Mapping[str, Any], dry_run: bool) -> list[str]:
    """Return a line for each host that is new in the site file."""
    verb = "is new"
    if dry_run:
        verb = "would be new"
    return [
        f"{verb:<14} host {name}; on its machine: ocsd start --host {name}"
        for name in plan.get("new_hosts") or ()
    ]


def _lines_by_effect(plan: Mapping[str, Any], dry_run: bool) -> dict[str, list[str]]:
    by_effect: dict[str, list[str]] = {effect: [] for effect in _WOULD}
    effects = plan.get("effects") or {}  # an older daemon does not send them
    values: Mapping[str, change_text.Pairs] = {}
    if dry_run:
        values = plan.get("values") or {}
    shown = _Details()
    for kind, usual in _USUAL.items():
        instances = plan.get(kind) or ()
        for instance_id in instances:
            verb = effect = effects.get(instance_id, usual)
            if dry_run:
                verb = f"would {_WOULD.get(effect, effect)}"
            line = f"{verb:<14} {instance_id}"
            if isinstance(instances, Mapping):
                line += f" ({', '.join(instances[instance_id])} changed)"
            by_effect.setdefault(effect, []).append(line)
            by_effect[effect] += shown.of(values.get(instance_id, {}))
    return by_effect


class _Details:
    """The lines of changed values; a change of many instances is shown once."""

    def __init__(self) -> None:
        self._last: list[str] = []

    def of(self, pairs: change_text.Pairs) -> list[str]:
        """Return the lines of an instance, nothing if they are those of the one before."""
        lines = [f"{'':<14}   {line}" for line in change_text.lines(pairs)]
        if lines == self._last:
            return []
        self._last = lines
        return lines
