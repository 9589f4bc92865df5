"""The state of the host as the page shows it: the verdict, and what is wrong."""

from collections.abc import Mapping
from typing import Any, Final

from ocsd.status.headlines import PLAIN, full_in_s, recording_lines, verdict_parts
from ocsd.status.replies import HostStatus, host_status
from ocsd.status.verdict import HostVerdict, HostWord, verdict_of
from ocsd.status.wrong import Wrong, wrong_of
from ocsd.web.settings import PageSettings
from ocsd.web.sources.states import HostState

DOT: Final = " · "
LEVEL_OF_WORD: Final = {
    HostWord.OK: "ok",
    HostWord.DEGRADED: "warning",
    HostWord.NOTHING_RUNS: "warning",
    HostWord.ATTENTION: "bad",
    HostWord.STOPPING: "bad",
}
"""The level of each verdict; the page has a sign and a colour for each."""
LATE_FOR_S: Final = 10.0
"""Time for which a daemon may answer late before it counts as away [s]."""


def state_of(settings: PageSettings, state: HostState, now_at: float) -> dict[str, Any]:
    """Return the state at a time [Unix s], as `GET state` answers."""
    return {
        "schema": "ocsd.page/1",
        "at": now_at,
        "site": {"name": settings.name or settings.host, "colour": settings.colour or None},
        "hosts": [_host(settings.host, state, now_at)],
    }


def _host(host: str, state: HostState, now_at: float) -> dict[str, Any]:
    told = {
        "host": host,
        "answers": state.answers,
        "reason": state.reason,
        "asked_at": state.asked_at,
        "answered_at": state.answered_at or None,
        "away_since_at": state.since_at or None,
        "status": state.status,
    }
    if state.answers:
        return {**told, **_present(state.status or {})}
    if state.is_late and state.status is not None and now_at - state.since_at < LATE_FOR_S:
        return {**told, **_late(state.reason, state.since_at, state.status)}
    return {**told, **_away(host, state)}


def _late(reason: str, since_at: float, status: Mapping[str, Any]) -> dict[str, Any]:
    """Return the last state, and that the daemon has much to do."""
    last = _present(status)
    remedy = "it is asked again every 2 s; if it lasts: ocsd logs ocsd"
    late = Wrong("the daemon answers late", None, reason, since_at, remedy)
    if last["level"] == LEVEL_OF_WORD[HostWord.OK]:
        last["level"] = LEVEL_OF_WORD[HostWord.DEGRADED]
    return {
        "level": last["level"],
        "verdict": f"{last['verdict']}{DOT}the daemon answers late",
        "wrong": [late._asdict(), *last["wrong"]],
    }


def _away(host: str, state: HostState) -> dict[str, Any]:
    remedy = f"ocsd start --host {host}; what runs goes on without it"
    gone = Wrong("the daemon does not answer", None, state.reason, state.since_at, remedy)
    verdict = f"{host}: the daemon does not answer; what is shown is its last word"
    if state.status is None:
        verdict = f"{host}: the daemon does not answer"
    return {"level": "bad", "verdict": verdict, "wrong": [gone._asdict()]}


def _present(status: Mapping[str, Any]) -> dict[str, Any]:
    report = host_status(status)
    verdict = verdict_of(report)
    return {
        "level": LEVEL_OF_WORD[verdict.word],
        "verdict": verdict_line(report, verdict),
        "wrong": [each._asdict() for each in wrong_of(report, verdict)],
    }


def verdict_line(report: HostStatus, verdict: HostVerdict) -> str:
    """Return the verdict and the recording in one line, in the words of `ocsd status`."""
    parts = verdict_parts(report, verdict, PLAIN)
    for instance in report.instances:
        if instance.records:
            parts += next(recording_lines(instance, full_in_s(report), PLAIN), [])
    return DOT.join(parts)
