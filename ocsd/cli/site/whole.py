"""The report of `ocsd status --site`: all hosts, also those that do not answer."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ocsd.cli.overview.page import page, wrapped
from ocsd.cli.screen import terminal
from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.site.far import whole_site
from ocsd.cli.talk import control
from ocsd.errors import NoDaemonError, OcsdError
from ocsd.status import replies
from ocsd.status import verdict as verdicts
from ocsd.status.headlines import Parts, counts, verdict_parts
from ocsd.status.site import ASK_LIMIT_S, SiteHost
from ocsd.status.verdict import HostWord, verdict_of
from ocsd.status.wrong import wrong_of
from ocsd.text.printable import one_line
from ocsd.text.reason import clause

_NO_ANSWER: Final = "no answer"


class WholeSite(NamedTuple):
    """All hosts that could be found."""

    hosts: tuple[SiteHost, ...]
    trouble: str = ""
    """Why the hosts of other machines are not among them; empty if they are."""
    beside: tuple[SiteHost, ...] = ()
    """Hosts of other sites whose daemons run on this machine."""


def found(through: str | None = None) -> WholeSite:
    """Return all hosts of the site, and those whose daemons run on this machine in any case.

    `through` names a host of this machine whose site is meant, if there may be several.

    Raises
    ------
    OcsdError
        If no daemon answers, neither here nor through the router.
    """
    here = {each.host: each for each in _here()}
    silent = {name for name, each in here.items() if not each.answers}
    try:
        hosts = whole_site(None, silent, through)[1]
    except OcsdError as error:
        if not here or through is not None:
            raise
        return WholeSite(tuple(here.values()), str(error))
    listed = tuple(_fresher(each, here.pop(each.host, None)) for each in hosts)
    return WholeSite(listed, beside=tuple(here.values()))


def instead_of(error: OcsdError) -> WholeSite:
    """Return all hosts, because a command about one host failed with `error`.

    Raises
    ------
    OcsdError
        The same, if no daemon answers.
    """
    try:
        return found()
    except OcsdError as failure:
        raise error from failure


def as_json(site: WholeSite) -> str:
    """Return the site as one JSON object."""
    rows = [
        {
            "host": each.host,
            "verdict": _word(each),
            "status": each.status,
            "seen_at": each.seen_at,
            "trouble": each.trouble,
            "notes": list(each.notes),
        }
        for each in site.hosts
    ]
    beside = [each.host for each in site.beside]
    return json.dumps({"hosts": rows, "trouble": site.trouble, "beside": beside}, indent=2)


def lines(site: WholeSite, screen: Terminal, *, everything: bool = False) -> list[str]:
    """Return the report for people: each host in a line, and what is wrong with it below.

    With `everything`, each host that answers has its whole report.
    """
    printed = _joined([_head(site, screen)], screen)
    if site.trouble:
        printed += _joined([[f"other hosts are not known: {one_line(site.trouble)}"]], screen)
    for each in site.hosts:
        if everything and each.answers:
            report = replies.host_status(each.status or {})
            printed += ["", *page(report, verdict_of(report), screen, everything=True)]
            printed += _joined(_notes(each), screen)
        else:
            printed += _joined(_of_host(each, screen), screen)
    for each in site.beside:
        note = f"of another site; all of that one: ocsd status --site --host {each.host}"
        printed += _joined([*_of_host(each, screen), [f"  {each.host} is {note}"]], screen)
    return printed


def exit_code(site: WholeSite, *, strict: bool = False) -> int:
    """Return 3 if a host does not answer or something there is not in its target state, else 0.

    If `strict`, 5 if all is in its target state and something else is not well.
    """
    codes = {_exit_code(each, strict=strict) for each in site.hosts}
    if verdicts.NOT_IN_TARGET_EXIT in codes:
        return verdicts.NOT_IN_TARGET_EXIT
    return max(codes, default=0)


def _here() -> Iterator[SiteHost]:
    for daemon in control.find_all():
        try:
            yield SiteHost(daemon.host, daemon.status(ASK_LIMIT_S), time.time())
        except NoDaemonError:
            continue  # it ended just now
        except OcsdError as error:
            yield SiteHost(daemon.host, trouble=str(error))


def _fresher(told: SiteHost, here: SiteHost | None) -> SiteHost:
    """Return a host as its own daemon tells, if that runs here."""
    if here is None:
        return told
    return told._replace(status=here.status, seen_at=here.seen_at, trouble=here.trouble)


def _head(site: WholeSite, screen: Terminal) -> Parts:
    answering = [each for each in site.hosts if each.answers]
    instances = [
        instance
        for each in answering
        for instance in replies.host_status(each.status or {}).instances
    ]
    word = _worst(site)
    number = f"{len(answering)} of {len(site.hosts)} hosts answer"
    return [f"{screen.bold('site')}: {screen.styled(word, word)}", number, counts(instances)]


def _worst(site: WholeSite) -> str:
    """Return the verdict on the site in a word: that of the host that is worst off."""
    words = {_word(each) for each in site.hosts}
    if _NO_ANSWER in words:
        return HostWord.ATTENTION
    # A host on which nothing runs on purpose says nothing of the others.
    rest = words - {HostWord.NOTHING_RUNS} or words or {HostWord.OK}
    return max(rest, key=list(map(str, HostWord)).index)


def _word(host: SiteHost) -> str:
    if not host.answers:
        return _NO_ANSWER
    return str(verdict_of(replies.host_status(host.status or {})).word)


def _of_host(host: SiteHost, screen: Terminal) -> list[Parts]:
    if not host.answers:
        return [_absent(host, screen)]
    report = replies.host_status(host.status or {})
    verdict = verdict_of(report)
    rows = [verdict_parts(report, verdict, screen)]
    for wrong in wrong_of(report, verdict):
        what = f"  {wrong.what}{clause(': ', wrong.reason)}"
        rows.append([what, wrong.remedy])
    return [*rows, *_notes(host)]


def _notes(host: SiteHost) -> list[Parts]:
    return [[f"  {host.host} {one_line(note)}"] for note in host.notes]


def _absent(host: SiteHost, screen: Terminal) -> Parts:
    """Return the line about a host that does not answer, with what was last known of it."""
    name, word = screen.bold(host.host), screen.styled(_NO_ANSWER, "attention")
    parts = [f"{name}: {word}", one_line(host.trouble)]
    if host.status is not None:
        return [*parts, f"then: {counts(replies.host_status(host.status).instances)}"]
    return [*parts, f"if it is not started: ocsd start --host {host.host} on its machine"]


def _exit_code(host: SiteHost, *, strict: bool) -> int:
    if not host.answers:
        return verdicts.NOT_IN_TARGET_EXIT
    report = replies.host_status(host.status or {})
    code = verdicts.exit_code(verdict_of(report), router_works=report.router.works, strict=strict)
    if not code and strict and host.notes:
        return verdicts.NOT_WELL_EXIT
    return code


def _joined(rows: Sequence[Parts], screen: Terminal) -> list[str]:
    if screen.interactive:
        return wrapped(rows, screen)
    return [f" {screen.dot} ".join(parts) for parts in rows]


def show(
    site: WholeSite, *, as_json_text: bool, everything: bool = False, strict: bool = False
) -> int:
    """Print the site, and return the exit code."""
    if as_json_text:
        print(as_json(site))
    else:
        print("\n".join(lines(site, terminal.of_output(), everything=everything)))
    return exit_code(site, strict=strict)


def present(site_file: str | None, screen: Terminal) -> list[str]:
    """Return the lines of this moment; what is away may come back."""
    try:
        return lines(found(site_file), screen)
    except OcsdError as error:
        return wrapped([[f"{error}"]], screen)
