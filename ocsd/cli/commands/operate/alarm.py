"""The commands `ocsd alarm …`: see the alarms of this host, and say that somebody knows."""

import fnmatch
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from ocsd.cli.arguments import options
from ocsd.cli.screen import terminal
from ocsd.cli.screen.table import Cell, columns, table_lines
from ocsd.cli.talk import control
from ocsd.errors import NoSuchInstanceError, OcsdError, UsageError
from ocsd.status.alarms import AlarmStatus, HostAlarms, alarms_of
from ocsd.text.nearest import did_you_mean
from ocsd.text.printable import one_line
from ocsd.text.reason import clause
from ocsd.text.times import WAYS_TO_WRITE_LATER, future_time, utc

_TEST_LIMIT_S = 60.0
"""Time in which the receivers of a test have answered [s]."""
_TEST_PERIOD_S = 0.2
_OVER = {"delivered", "undeliverable"}
_COMPLETION_LIMIT_S = 0.3
_NONE = "-"
_COLUMNS = columns("ALARM", "STATE", "SEVERITY", "SINCE", "VALUE", "TEXT", right=("VALUE",))
_COLOUR_WORDS = {"raised": "failed", "pending": "degraded", "unseen": "degraded", "clear": "ok"}


class _FutureTime(click.ParamType[float]):
    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the Unix time [s]."""
        try:
            return future_time(str(value), time.time())
        except ValueError as error:
            return self.fail(str(error), param, ctx)


def _names(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the names of alarms that begin with `begun`, for the completion."""
    try:
        daemon = control.find(context.params.get("host"), _COMPLETION_LIMIT_S)
        found = alarms_of(daemon.ask("/v1/alarms", limit_s=_COMPLETION_LIMIT_S)).alarms
    except OcsdError:
        return []
    given = context.params.get("names") or ()
    return [each.name for each in found if each.name.startswith(begun) and each.name not in given]


_names_argument = click.argument(
    "names", metavar="NAME...", nargs=-1, required=True, shell_complete=_names
)
_comment_option = click.option(
    "--comment", metavar="TEXT", default="", help="Words for the record, and for the others."
)
_of_host = options.with_all(options.json_option, options.host_option)


@click.group(
    epilog=options.examples(
        "ocsd alarm list",
        "ocsd alarm ack stage-warm --comment 'cooler is being restarted'",
        "ocsd alarm silence stage-warm --for 2h",
        "ocsd alarm silence 'dome-*' --until 06:00",
        "ocsd alarm unsilence stage-warm",
        "ocsd alarm test slack               # does a message arrive there?",
    ),
)
def alarm() -> None:
    """See the alarms of this host, acknowledge, silence and try them.

    The key `alarms` of a host in the site file describes them (docs/see/alarms.md).
    """


@options.command(
    "ocsd alarm list",
    "ocsd alarm list --raised",
    "ocsd alarm list --json | jq -r '.alarms[] | select(.state == \"raised\") | .name'",
    after="Exit code 0, also if alarms are raised: `ocsd status --strict` is for scripts.",
)
@click.option("--raised", is_flag=True, help="Only those that are raised.")
@_of_host
def listed(raised: bool, as_json: bool, host: str | None) -> None:
    """List the alarms, the raised ones first, and messages that are not delivered."""
    daemon = control.find(host)
    answer = daemon.ask("/v1/alarms")
    if as_json:
        print(json.dumps(answer, indent=2))
        return
    found = alarms_of(answer)
    if not found.alarms:
        print(_no_alarms(daemon.host))
        return
    chosen = [each for each in found.alarms if each.state == "raised" or not raised]
    print("\n".join(_lines(chosen, found)))


def _no_alarms(host: str) -> str:
    return (
        f"host '{host}' has no alarms; the key `alarms` of the site file describes them: "
        "docs/see/alarms.md"
    )


def _lines(chosen: Sequence[AlarmStatus], found: HostAlarms) -> list[str]:
    screen = terminal.of_output()
    lines = [f"no alarm is raised, of {len(found.alarms)}"]
    if chosen:
        lines = list(table_lines(_COLUMNS, [_row(each) for each in chosen], screen))
    lines += [f"not delivered to {one_line(each.words)}" for each in found.deliveries]
    return [*lines, *map(one_line, found.troubles)]


def _row(alarm: AlarmStatus) -> list[Cell]:
    since = value = _NONE
    if alarm.since is not None:
        since = utc(alarm.since)
    if alarm.value is not None:
        value = f"{alarm.value:.6g}"
    return [
        Cell(alarm.name),
        Cell(alarm.state, _COLOUR_WORDS.get(alarm.state, "")),
        Cell(alarm.severity),
        Cell(since),
        Cell(value),
        Cell(one_line(alarm.words)),
    ]


@options.command("ocsd alarm ack stage-warm", "ocsd alarm ack stage-warm dome-open --comment rain")
@_names_argument
@_comment_option
@_of_host
def ack(names: tuple[str, ...], comment: str, as_json: bool, host: str | None) -> None:
    """Say that you know of raised alarms: nobody is reminded of them until they come again."""
    _request("ack", names, {"comment": comment}, "acknowledged", as_json, host)


@options.command(
    "ocsd alarm silence stage-warm --for 2h",
    "ocsd alarm silence stage-warm --until 06:00 --comment 'warm-up of the night'",
)
@_names_argument
@click.option("--for", "for_at", metavar="DURATION", type=_FutureTime(), help="E.g. 30m, 1d12h.")
@click.option(
    "--until", "until_at", metavar="TIME", type=_FutureTime(), help=f"{WAYS_TO_WRITE_LATER}."
)
@_comment_option
@_of_host
def silence(
    names: tuple[str, ...],
    for_at: float | None,
    until_at: float | None,
    comment: str,
    as_json: bool,
    host: str | None,
) -> None:
    """Tell nobody of alarms until a time, not of their end either.

    They are still judged and written down; those still raised at that time are told then.
    """
    if (for_at is None) == (until_at is None):
        raise UsageError("a silence has an end: give --for DURATION or --until TIME")
    until = for_at or until_at or 0.0
    body = {"until": until, "comment": comment}
    _request("silence", names, body, f"silenced until {utc(until)}", as_json, host)


@options.command("ocsd alarm unsilence stage-warm")
@_names_argument
@_of_host
def unsilence(names: tuple[str, ...], as_json: bool, host: str | None) -> None:
    """End the silence of alarms."""
    _request("unsilence", names, {}, "not silenced any more", as_json, host)


@options.command(
    "ocsd alarm test slack              # to this receiver",
    "ocsd alarm test stage-warm         # to all whom this alarm tells",
    after="Exit code 1 means that a receiver did not take the message.",
)
@click.argument("name", metavar="NAME|RECEIVER", shell_complete=_names)
@_of_host
def test(name: str, as_json: bool, host: str | None) -> int:
    """Send a message that says that it is a test, and show whether it arrived."""
    daemon = control.find(host)
    alarms = [each.name for each in alarms_of(daemon.ask("/v1/alarms")).alarms]
    kind = "receiver"
    if name in alarms:
        kind = "name"
    told = daemon.ask("/v1/alarms/test", {kind: name})
    rows = _outcomes(daemon, told["key"], told["receivers"])
    if as_json:
        print(json.dumps({**told, "deliveries": rows}))
    else:
        print("\n".join(map(_outcome, rows)) or f"'{name}' tells nobody: its rule has no `tell`")
    return int(not rows or any(row["state"] != "delivered" for row in rows))


def _outcomes(
    daemon: control.DaemonClient, key: str, receivers: Sequence[str]
) -> list[dict[str, Any]]:
    """Wait until each receiver has taken a message, or refused it once; return the rows."""
    deadline_s = time.monotonic() + _TEST_LIMIT_S
    while True:
        rows = [row for row in daemon.ask("/v1/alarms")["deliveries"] if row["key"] == key]
        known = [row for row in rows if row["state"] in _OVER or row["reason"]]
        if len(known) >= len(receivers) or time.monotonic() > deadline_s:
            return rows
        time.sleep(_TEST_PERIOD_S)


def _outcome(row: Mapping[str, Any]) -> str:
    again = "; it is tried again" * (row["state"] not in _OVER)
    reason = clause(": ", one_line(row["reason"]))
    return f"{row['receiver']}: {row['state']}{reason}{again}"


def _request(
    verb: str,
    names: Sequence[str],
    body: dict[str, Any],
    done: str,
    as_json: bool,
    host: str | None,
) -> None:
    """Send a request for each alarm.

    Raises
    ------
    NoSuchInstanceError
        If there is no alarm of a name; nothing is changed then.
    """
    daemon = control.find(host)
    # All of them are looked at before the first is changed.
    alarms = alarms_of(daemon.ask("/v1/alarms")).alarms
    if not alarms:
        raise NoSuchInstanceError(_no_alarms(daemon.host))
    for name in _chosen(verb, names, alarms):
        answer = daemon.ask(f"/v1/alarms/{verb}", {"name": name, **body})
        if as_json:
            print(json.dumps(answer))
        else:
            print(f"{name}: {done}")


def _chosen(verb: str, words: Sequence[str], alarms: Sequence[AlarmStatus]) -> list[str]:
    """Return the names of alarms that words, or patterns such as ``stage-*``, mean.

    A pattern means those for which the request makes sense.

    Raises
    ------
    NoSuchInstanceError
        If a word means none.
    """
    known = [each.name for each in alarms]
    able = [each.name for each in alarms if _FITS.get(verb, _always)(each)]
    chosen: list[str] = []
    for word in words:
        names = [word] if word in known else fnmatch.filter(able, word)
        if not names:
            raise NoSuchInstanceError(_none_of(verb, word, known))
        chosen += names
    return list(dict.fromkeys(chosen))


def _none_of(verb: str, word: str, known: Sequence[str]) -> str:
    if fnmatch.filter(known, word):
        return f"no alarm of '{word}' can be given to {verb} now: see ocsd alarm list"
    near = did_you_mean(word, known) or f"; there are: {', '.join(known)}"
    return f"there is no alarm '{word}'{near}"


def _always(_alarm: AlarmStatus) -> bool:
    return True


_FITS: dict[str, Callable[[AlarmStatus], bool]] = {
    "ack": lambda each: each.state == "raised" and not each.acknowledged_by,
    "unsilence": lambda each: each.is_silenced,
}


for _name, _command in (
    ("list", listed),
    ("ack", ack),
    ("silence", silence),
    ("unsilence", unsilence),
    ("test", test),
):
    alarm.add_command(_command, _name)
