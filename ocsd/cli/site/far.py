"""A host of the site that may be another machine, as commands ask it and run there."""

import sys
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol

from ocsd.cli.screen import terminal
from ocsd.cli.talk import control
from ocsd.errors import (
    NoDaemonError,
    OcsdError,
    TimedOutError,
    UnreachableError,
)
from ocsd.status.commands import COMMANDS
from ocsd.status.site import RUN_LIMIT_S, SiteHost, hosts_of
from ocsd.text import units

_LIMITS_S: Final[Mapping[str, float]] = {
    "status": 3.0,
    "site": 4.0,
    "file": 10.0,
    "take_file": 45.0,
    "put_back": 10.0,
    "run": RUN_LIMIT_S + 1.0,
    "more": RUN_LIMIT_S + 1.0,
}
"""Time for the answers to requests; their own limits are shorter [s]."""
_SEARCH_LIMIT_S: Final = 6.0
"""Time in which a daemon is found that knows all others [s]."""
_FAR_LIMIT_S: Final = 6.0
_SUCCESSOR_LIMIT_S: Final = 60.0
_BACK_POLL_S: Final = 0.1

Write = Callable[[str], object]


class Way(Protocol):
    """A way to the daemons of the site."""

    def ask(self, host: str, body: Mapping[str, Any], limit_s: float) -> dict[str, Any]:
        """Return a host's answer; raise OcsdError without one."""

    def asked_for_all(self) -> Iterator[str]:
        """Yield the hosts that may know all others, the best first."""


class ThroughDaemon(NamedTuple):
    """Through the daemon of a host that runs on this machine."""

    daemon: control.DaemonClient

    def ask(self, host: str, body: Mapping[str, Any], limit_s: float) -> dict[str, Any]:
        """Return a host's answer.

        Raises
        ------
        OcsdError
            If there is none, or the host refuses.
        """
        from urllib.parse import quote

        return self.daemon.ask(f"/v1/site/{quote(host)}", body, limit_s)

    def asked_for_all(self) -> Iterator[str]:
        """Yield the daemon's own host."""
        yield self.daemon.host


def ways(
    site_file: str | None = None, silent: Container[str] = (), through: str | None = None
) -> Iterator[Way]:
    """Yield the ways to the site's daemons: those that run on this machine, else the router.

    Daemons of `silent` hosts have not answered. If a site file is given, its router is the way;
    with `through`, the daemon of that host on this machine.
    """
    if through is not None:
        yield ThroughDaemon(control.find(through))
        return
    found = False
    for daemon in control.find_all():
        if site_file is None and daemon.host not in silent:
            found = True
            yield ThroughDaemon(daemon)
    if found:
        return
    # What it loads (pydantic, yaml, http, ssl) takes longer than all of `ocsd status --site`.
    from ocsd.cli.site.through_router import way_of

    yield way_of(site_file)


def whole_site(
    site_file: str | None = None,
    silent: Container[str] = (),
    through: str | None = None,
    *,
    is_brief: bool = True,
) -> tuple[Way, tuple[SiteHost, ...]]:
    """Return all hosts of the site as one of them knows them, and the way to that one.

    Parameters are those of `ways`. The status of a host is brief (`ocsd.status.brief`), unless the
    whole is asked for.

    Raises
    ------
    OcsdError
        If none can be asked.
    """
    failure: OcsdError | None = None
    body = {"request": "site", "brief": is_brief}
    deadline_s = time.monotonic() + _SEARCH_LIMIT_S
    for way, host in _all_ways(ways(site_file, silent, through)):
        limit_s = min(_LIMITS_S["site"], deadline_s - time.monotonic())
        if limit_s <= 0:
            break
        try:
            return way, hosts_of(way.ask(host, body, limit_s))
        except (NoDaemonError, TimedOutError, UnreachableError) as error:
            failure = failure or error
    raise failure or NoDaemonError("no daemon of this site can be asked")


def _all_ways(found: Iterator[Way]) -> Iterator[tuple[Way, str]]:
    for way in found:
        for host in way.asked_for_all():
            yield way, host


class FarHost:
    """A host of the site, on this machine or another one.

    Parameters
    ----------
    name : str
        Its name in the site file.
    way : Way, optional
        The way to it; by default the first that `ways` finds.
    """

    def __init__(self, name: str, way: Way | None = None) -> None:
        self.name = name
        self._way = way

    @property
    def way(self) -> Way:
        """The way to the host.

        Raises
        ------
        OcsdError
            If no daemon runs on this machine, and there is no site file either.
        """
        if self._way is None:
            self._way = next(ways())
        return self._way

    def ask(self, request: str, **more: Any) -> dict[str, Any]:
        """Return the answer to a request (docs/reference/wire.md, "Daemons").

        Raises
        ------
        DaemonRefusedError
            If the host refuses it, with its own message and exit code.
        UnreachableError, NoDaemonError, TimedOutError
            If there is no answer in time.
        """
        limit_s = _LIMITS_S.get(request, _FAR_LIMIT_S)
        return self.way.ask(self.name, {"request": request, **more}, limit_s)

    def status(self) -> dict[str, Any]:
        """Return the host's answer of ``GET /v1/status``; raises as `ask` does."""
        status: dict[str, Any] = self.ask("status")["status"]
        return status

    def run(
        self,
        words: Sequence[str],
        given: str | None = None,
        out: Write | None = None,
        err: Write | None = None,
    ) -> int:
        """Run ``ocsd WORDS`` on the host, print what it prints, and return its exit code.

        Parameters
        ----------
        words : sequence of str
            The command and its words, without ``--host``.
        given : str, optional
            Its standard input.
        out, err : callable, optional
            Take its output; by default it is printed.

        Raises
        ------
        DaemonRefusedError, UnreachableError, NoDaemonError, TimedOutError
            As for `ask`.
        """
        screen = terminal.of_output()
        looks: dict[str, Any] = {"columns": screen.width_columns, "colour": screen.colour}
        if screen.interactive and out is None:
            looks["lines"] = screen.height_lines
        begun_s = time.monotonic()
        answer = self._ask_on(words, "run", words=list(words), input=given, **looks)
        show, complain = out or _printer(sys.stdout), err or _printer(sys.stderr)
        while True:
            show(answer["out"])
            complain(answer["err"])
            if "to" in answer:
                return self._upgraded(answer, begun_s, show)
            if answer["exit_code"] is not None:
                return int(answer["exit_code"])
            answer = self._ask_on(words, "more", run=answer["run"])

    def _ask_on(self, command: Sequence[str], request: str, **more: Any) -> dict[str, Any]:
        """Ask for a command; without an answer, it may have been carried out all the same."""
        try:
            return self.ask(request, **more)
        except (TimedOutError, UnreachableError) as error:
            if COMMANDS[command[0]].action == "status":
                raise
            raise type(error)(
                f"{error}; what came of it says: ocsd history {self.name}:"
            ) from error

    def _upgraded(self, told: Mapping[str, Any], begun_s: float, show: Write) -> int:
        """Wait for the daemon that takes the place of the one that has agreed to an upgrade."""
        deadline_s = time.monotonic() + _SUCCESSOR_LIMIT_S
        while time.monotonic() < deadline_s:
            with suppress(OcsdError):
                status = self.status()
                if status.get("since_at") != told.get("since_at"):
                    took = units.short_duration(time.monotonic() - begun_s)
                    versions = f"{told.get('from')} -> {status.get('version')}"
                    show(f"{self.name}: ocsd {versions} in {took}\n")
                    return 0
            time.sleep(_BACK_POLL_S)
        raise TimedOutError(
            f"the daemon of host '{self.name}' has agreed to the upgrade, but has not been back on "
            f"the site's router for {_SUCCESSOR_LIMIT_S:.0f} s; see there: ocsd logs ocsd"
        )


def _printer(stream: Any) -> Write:
    def write(text: str) -> None:
        if text:
            stream.write(text)
            stream.flush()

    return write
