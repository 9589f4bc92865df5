"""The report of `ocsd status --site`: all hosts, also those that do not answer."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
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
from ocsd.status.verdict import HostVerdict, HostWord, verdict_of
from ocsd.status.wrong import wrong_of
from ocsd.text.plural import plural
from ocsd.text.printable import one_line
from ocsd.text.reason import clause

_NO_ANSWER: Final = "no answer"


class HostView(NamedTuple):
    """A host, and what its last status says."""

    host: SiteHost
    report: replies.HostStatus
    """Empty if nothing is known of the host."""
    verdict: HostVerdict

    @property
    def word(self) -> str:
        """The verdict on the host in a word."""
        if not self.host.answers:
            return _NO_ANSWER
        return str(self.verdict.word)


class WholeSite:
    """All hosts that could be found.

    Parameters
    ----------
    hosts : iterable of SiteHost
        Those of the site.
    trouble : str
        Why the hosts of other machines are not among them; empty if they are.
    beside : iterable of SiteHost
        Hosts whose daemons run on this machine and are not in the site file of the host that was
        asked: those of other sites, and new ones.
    asked : str
        The host that was asked for all hosts of the site; empty if none was.
    """

    def __init__(
        self,
        hosts: Iterable[SiteHost],
        trouble: str = "",
        beside: Iterable[SiteHost] = (),
        asked: str = "",
    ) -> None:
        self.hosts = [_view(each) for each in hosts]
        self.trouble = trouble
        self.beside = [_view(each) for each in beside]
        self.asked = next((each for each in self.hosts if each.host.host == asked), None)


def _view(host: SiteHost) -> HostView:
    report = replies.host_status(host.status or {})
    return HostView(host, report, verdict_of(report))


def found(through: str | None = None, *, is_brief: bool = True) -> WholeSite:
    """Return all hosts of the site, and those whose daemons run on this machine in any case.

    Parameters
    ----------
    through : str, optional
        A host of this machine whose site is meant, if there may be several.
    is_brief : bool
        Whether brief statuses are enough (`ocsd.status.brief`).

    Raises
    ------
    OcsdError
        If no daemon answers, neither here nor through the router.
    """
    daemons = list(control.find_all())
    if len(daemons) == 1:
        # Its answer has all, itself included. Without one, it is found out why, below.
        with suppress(OcsdError):
            return WholeSite(whole_site(through=through, is_brief=is_brief)[1])
    here = {each.host: each for each in _here(daemons)}
    silent = {name for name, each in here.items() if not each.answers}
    try:
        way, hosts = whole_site(None, silent, through, is_brief=is_brief)
    except OcsdError as error:
        if not here or through is not None:
            raise
        return WholeSite(here.values(), str(error))
    listed = [_fresher(each, here.pop(each.host, None)) for each in hosts]
    return WholeSite(listed, beside=here.values(), asked=next(way.asked_for_all()))


def instead_of(error: OcsdError, *, is_brief: bool) -> WholeSite:
    """Return all hosts, because a command about one host failed with `error`.

    Raises
    ------
    OcsdError
        The same, if no daemon answers.
    """
    try:
        return found(is_brief=is_brief)
    except OcsdError as failure:
        raise error from failure


def as_json(site: WholeSite) -> str:
    """Return the site as one JSON object."""
    rows = [
        {
            "host": each.host.host,
            "verdict": each.word,
            "status": each.host.status,
            "seen_at": each.host.seen_at,
            "trouble": each.host.trouble,
            "notes": list(each.host.notes),
        }
        for each in site.hosts
    ]
    beside = [each.host.host for each in site.beside]
    return json.dumps({"hosts": rows, "trouble": site.trouble, "beside": beside}, indent=2)


def lines(site: WholeSite, screen: Terminal, *, everything: bool = False) -> list[str]:
    """Return the report for people: each host in a line, and what is wrong with it below.

    With `everything`, each host that answers has its whole report.
    """
    printed = _joined([_head(site, screen)], screen)
    if site.trouble:
        printed += _joined([[f"other hosts are not known: {one_line(site.trouble)}"]], screen)
    for each in site.hosts:
        if everything and each.host.answers:
            printed += ["", *page(each.report, each.verdict, screen, everything=True)]
            printed += _joined(_notes(each), screen)
        else:
            printed += _joined(_of_host(each, screen), screen)
    for each in site.beside:
        printed += _joined([*_of_host(each, screen), [f"  {_why_beside(each, site)}"]], screen)
    return printed


def _why_beside(view: HostView, site: WholeSite) -> str:
    """Say why a host that runs here is not counted."""
    name = view.host.host
    if site.asked is not None and _hub(view) and _hub(view) == _hub(site.asked):
        asked = site.asked.host.host
        return (
            f"{name} has the same hub, and {asked} uses another version of the site file, without "
            f"{name}: ocsd reload {asked}:"
        )
    return f"{name} is of another site; all of that one: ocsd status --site --host {name}"


def _hub(view: HostView) -> Mapping[str, str]:
    """Return the router's addresses as the daemon of a host on this machine tells them."""
    hub: Mapping[str, str] = (view.host.status or {}).get("hub") or {}
    return hub


def exit_code(site: WholeSite, *, strict: bool = False) -> int:
    """Return 3 if a host does not answer or something there is not in its target state, else 0.

    If `strict`, 5 if all is in its target state and something else is not well.
    """
    codes = {_exit_code(each, strict=strict) for each in site.hosts}
    if verdicts.NOT_IN_TARGET_EXIT in codes:
        return verdicts.NOT_IN_TARGET_EXIT
    return max(codes, default=0)


def _here(daemons: Iterable[control.DaemonClient]) -> Iterator[SiteHost]:
    for daemon in daemons:
        try:
            # As a daemon of an earlier release answers, too.
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
    answering = [each for each in site.hosts if each.host.answers]
    instances = [instance for each in answering for instance in each.report.instances]
    word = _worst(site)
    verb = "answers" if len(site.hosts) == 1 else "answer"
    number = f"{len(answering)} of {plural(len(site.hosts), 'host')} {verb}"
    return [f"{screen.bold('site')}: {screen.styled(word, word)}", number, counts(instances)]


def _worst(site: WholeSite) -> str:
    """Return the verdict on the site in a word: that of the host that is worst off."""
    words = {each.word for each in site.hosts}
    if _NO_ANSWER in words:
        return HostWord.ATTENTION
    # A host on which nothing runs on purpose says nothing of the others.
    rest = words - {HostWord.NOTHING_RUNS} or words or {HostWord.OK}
    return max(rest, key=list(map(str, HostWord)).index)


def _of_host(each: HostView, screen: Terminal) -> list[Parts]:
    if not each.host.answers:
        return [_absent(each, screen)]
    rows = [verdict_parts(each.report, each.verdict, screen)]
    for wrong in wrong_of(each.report, each.verdict, f"{each.host.host}:"):
        what = f"  {wrong.what}{clause(': ', wrong.reason)}"
        rows.append([what, wrong.remedy])
    return [*rows, *_notes(each)]


def _notes(each: HostView) -> list[Parts]:
    return [[f"  {each.host.host} {one_line(note)}"] for note in each.host.notes]


def _absent(each: HostView, screen: Terminal) -> Parts:
    """Return the line about a host that does not answer, with what was last known of it."""
    host = each.host
    name, word = screen.bold(host.host), screen.styled(_NO_ANSWER, "attention")
    parts = [f"{name}: {word}", one_line(host.trouble)]
    if host.status is not None:
        return [*parts, f"then: {counts(each.report.instances)}", "on its machine: ocsd status"]
    return [*parts, f"if it is not started: ocsd start --host {host.host} on its machine"]


def _exit_code(each: HostView, *, strict: bool) -> int:
    if not each.host.answers:
        return verdicts.NOT_IN_TARGET_EXIT
    works = each.report.router.works
    code = verdicts.exit_code(each.verdict, router_works=works, strict=strict)
    if not code and strict and each.host.notes:
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
