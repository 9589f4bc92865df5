"""`ocsd status`: the state of everything on this host, the trouble first."""

import json
import sys
import time
from typing import Any

import click

from ocsd.cli.arguments import completion, options, targets
from ocsd.cli.arguments.targets import no_such_instance
from ocsd.cli.overview.page import lines_above, page, wrapped
from ocsd.cli.screen import terminal
from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.talk import control
from ocsd.errors import (
    NoDaemonError,
    NoSuchInstanceError,
    OcsdError,
    SeveralDaemonsError,
    UsageError,
)
from ocsd.status import replies
from ocsd.status import verdict as verdicts
from ocsd.status.headlines import verdict_parts
from ocsd.status.verdict import verdict_of

WATCH_PERIOD_S = 2.0


@options.command(
    "ocsd status                        # what is not well; -a shows all",
    "ocsd status thermo1                # everything about one instance",
    "ocsd status 'thermo-*'             # or about some; also --class FakeDataAgent",
    "ocsd status --site                 # all hosts of the site",
    "ocsd status lab-2:thermo1          # an instance of another host",
    "ocsd status --watch                # the same in place, every two seconds",
    "ocsd status --strict >/dev/null || echo look at this host",
    "ocsd status --json | jq '.instances[] | select(.state != .target)'",
    after="Exit code 3 means that something is not in its target state, or that the router does "
    "not work. With --strict, exit code 5 means that everything is in its target state and the "
    "verdict still is not `ok`: an instance is `degraded` or `hung`, nothing is recorded, an "
    "operation that starts with its agent does not run, or nothing runs at all.",
)
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completion.targets)
@click.option("-a", "--all", "everything", is_flag=True, help="Fold nothing on a small terminal.")
@click.option("-S", "--site", "whole", is_flag=True, help="Show all hosts of the site.")
@click.option("--watch", is_flag=True, help="Show it in place, until Ctrl-C.")
@click.option("--strict", is_flag=True, help="Exit code 5 if the verdict is not ok.")
@targets.class_option
@options.host_option
@options.json_option
def status(
    names: tuple[str, ...],
    everything: bool,
    whole: bool,
    watch: bool,
    strict: bool,
    agent_class: str | None,
    host: str | None,
    as_json: bool,
) -> int:
    """Show the state of this host's instances.

    The first line is the verdict. Then come the recording, holes of the last day, operations
    that do not run, and whatever is not well, with the reason. On a terminal with too few
    lines the instances that are well are counted only.

    With NAME..., everything about these instances, and the end of the log of
    those that are not in their target state. NAME may be a pattern, and also `router`, or
    `ocsd`, the daemon.

    With --site, all hosts of the site, those that do not answer with what was last known of
    them. That is also what is shown where no daemon runs on this machine, or where several do.
    """
    named = bool(names or agent_class)
    if whole and named:
        raise UsageError("--site shows all hosts; leave out names and --class")
    if watch:
        return _watch(names, agent_class, host, as_json, whole)
    if whole:
        return _whole_site(None, everything, strict, as_json, host)
    try:
        answer = control.find(host).status()
    except (NoDaemonError, SeveralDaemonsError) as error:
        if named or host:
            raise
        return _whole_site(error, everything, strict, as_json)
    return _one_host(answer, names, agent_class, everything, strict, as_json)


def _one_host(
    answer: dict[str, Any],
    names: tuple[str, ...],
    agent_class: str | None,
    everything: bool,
    strict: bool,
    as_json: bool,
) -> int:
    """Show a host, or some of its instances, by its daemon's answer; return the exit code."""
    named = bool(names or agent_class)
    if named:
        answer = _only(answer, names, agent_class)
    report = replies.host_status(answer)
    if as_json:
        print(json.dumps(answer, indent=2))
    else:
        print("\n".join(_lines(report, terminal.of_output(), named, everything)))
    return exit_code(report, with_router=not named, strict=strict)


def _whole_site(
    error: OcsdError | None,
    everything: bool,
    strict: bool,
    as_json: bool,
    through: str | None = None,
) -> int:
    """Show all hosts of the site, maybe because of an error about this host."""
    from ocsd.cli.site import whole  # nearly always it is one host that is looked at

    is_brief = not (as_json or everything)
    if error is None:
        site = whole.found(through, is_brief=is_brief)
    else:
        site = whole.instead_of(error, is_brief=is_brief)
    return whole.show(site, as_json_text=as_json, everything=everything, strict=strict)


def _lines(
    report: replies.HostStatus, screen: Terminal, named: bool, everything: bool = False
) -> list[str]:
    if named:
        from ocsd.cli.overview.details import details

        return [*lines_above(report, verdict_of(report), screen), *details(report, screen)]
    return page(report, verdict_of(report), screen, everything=everything)


def exit_code(report: replies.HostStatus, *, with_router: bool = True, strict: bool = False) -> int:
    """Return 3 if something is not in its target state, else 0, or 5 if `strict` and not well."""
    router_works = report.router.works or not with_router
    return verdicts.exit_code(verdict_of(report), router_works=router_works, strict=strict)


def verdict(report: replies.HostStatus, screen: Terminal) -> str:
    """Return the one line that says whether there is anything to do."""
    return f" {screen.dot} ".join(verdict_parts(report, verdict_of(report), screen))


def _watch(
    names: tuple[str, ...], agent_class: str | None, host: str | None, as_json: bool, whole: bool
) -> int:
    screen = terminal.of_output()
    if as_json or not screen.interactive:
        raise click.UsageError(
            "--watch is for a terminal; a program can ask again, or listen to /v1/events"
        )
    sys.stdout.write(terminal.CLEAR)
    try:
        while True:
            screen = terminal.of_output()
            lines = _present(names, agent_class, host, screen, whole)
            sys.stdout.write(terminal.in_place(lines, screen))
            sys.stdout.flush()
            time.sleep(WATCH_PERIOD_S)
    except KeyboardInterrupt:
        return 0


def _present(
    names: tuple[str, ...], agent_class: str | None, host: str | None, screen: Terminal, whole: bool
) -> list[str]:
    """Return the lines of this moment; a daemon that is away may come back."""
    if whole:
        from ocsd.cli.site.whole import present

        return present(None, screen)
    try:
        answer = control.find(host).status()
    except OcsdError as error:
        return wrapped([[f"{error}"]], screen)
    named = bool(names or agent_class)
    if named:
        answer = _only(answer, names, agent_class)
    return _lines(replies.host_status(answer), screen, named)


def _only(
    answer: dict[str, Any], names: tuple[str, ...], agent_class: str | None
) -> dict[str, Any]:
    rows = replies.rows(answer)
    chosen = targets.chosen(names, agent_class, answer)
    for name in chosen:
        if name not in rows:
            raise NoSuchInstanceError(no_such_instance(name, answer))
    return {**answer, "instances": [rows[name] for name in chosen]}
