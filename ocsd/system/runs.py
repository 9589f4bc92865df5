"""Latest runs of an agent's operations and requests to them, in the notify protocol.

The agent writes ``X_RUNS`` and ``X_REQUESTS`` and the daemon reads them, so both find their
form here: a JSON list with a short list for each run or request.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

RUNS_KEY: Final = "X_RUNS"
SAMPLE_KEY: Final = "X_SAMPLE_AGE"
RECORDING_KEY: Final = "X_RECORDING"
"""The age of the agent's newest sample [s], and the condition of an aggregator's recording."""
WRITING_KEY: Final = "X_WRITING"
"""The condition of a writer to a database: a JSON object."""
ADDRESS_KEY: Final = "X_ADDRESS"
"""The URL at which a process serves the page in the browser."""
BRIDGE_KEY: Final = "X_BRIDGE"
"""The condition of the bridge between this host's router and the hub (`ocsd.bridge`), as JSON."""
ALARMS_KEY: Final = "X_ALARMS"
"""The summary of the alarms of the host (`ocsd.alarms.view.summary`), as JSON."""
CHANGED_CODE_KEY: Final = "X_CHANGED_CODE"
"""A file of the agent's code that was written or removed since the agent loaded it."""

SESSION_KEY: Final = "X_SESSION"
"""The session-id of the agent, as in its heartbeats."""

REQUESTS_KEY: Final = "X_REQUESTS"
"""The requests of clients to operations since the last report."""
MOST_CLIENT_REQUESTS: Final = 30

MOST_RUNS: Final = 12
LONGEST_RUN_REASON: Final = 120
"""Bounds of a report [runs, characters]: with hundreds of agents datagrams should be cheap."""

TASK, PROCESS = "task", "process"
_SUCCESS: Final = {TASK: "succeeded", PROCESS: "ended"}
IN_FLIGHT: Final = frozenset({"starting", "running", "degraded", "stopping"})


class Run(NamedTuple):
    """The latest run of an operation."""

    name: str
    """The operation."""
    kind: str
    """``task`` or ``process``."""
    state: str
    """``starting running degraded stopping``, or after its end ``stopped`` (somebody asked for
    that), ``ended`` (a process that nobody asked to), ``succeeded`` (a task) or ``failed``.
    """
    since_at: float
    """When it began or, after its end, when it ended [Unix s]."""
    startup: bool = False
    """Whether it starts with the agent."""
    reason: str = ""
    """The person or program that stopped it, or why it failed."""


class OperationRequest(NamedTuple):
    """A request of a client to an operation: it was carried out, or refused for lack of rights."""

    action: str
    """``start``, ``stop`` or ``abort``."""
    operation: str
    by: str
    """The client, for operators."""
    at: float
    """When it was made [Unix s]."""
    person: str = ""
    """The client's name, for which the router vouches; empty on an open site."""
    role: str = ""
    address: str = ""
    """The client's role for the router, and the address from which it is connected."""
    says: str = ""
    """The client's own words about itself."""
    parameters: Mapping[str, Any] = {}
    """The parameters, without secrets."""
    outcome: str = "done"
    """``done``, or ``refused``."""
    reason: str = ""
    """The reason of a refusal."""


_FIRST_FIELDS: Final = 4
_LATER_FIELDS: Final = OperationRequest._fields[_FIRST_FIELDS:]


def encode_requests(requests: Iterable[OperationRequest]) -> str:
    """Return requests as text of one line; empty if there are none."""
    rows = [_row(each) for each in requests]
    if not rows:
        return ""
    return json.dumps(rows, separators=(",", ":"))


def _row(request: OperationRequest) -> list[Any]:
    """Return the fields of a request; the later ones by name, because most are empty."""
    row: list[Any] = list(request[:_FIRST_FIELDS])
    fields = zip(OperationRequest._fields, request, strict=True)
    more = {name: value for name, value in fields if value and name in _LATER_FIELDS}
    if more and more != {"outcome": "done"}:
        row.append(more)
    return row


def decode_requests(text: str) -> tuple[OperationRequest, ...]:
    """Return the requests of a text; none if it is not of the form of `encode_requests`."""
    if not text:
        return ()
    try:
        return tuple(_request(*row) for row in json.loads(text))
    except (ValueError, TypeError, AttributeError):
        return ()


def _request(
    action: object, operation: object, by: object, at: object, more: Any = None
) -> OperationRequest:
    request = OperationRequest(str(action), str(operation), str(by), _finite(at))
    if not more:
        return request
    texts: dict[str, Any] = {name: str(more[name]) for name in _LATER_FIELDS if name in more}
    texts["parameters"] = dict(more.get("parameters") or {})
    return request._replace(**texts)


def run_state(
    kind: str, status: str, success: bool | None, *, degraded: bool = False, asked: bool = False
) -> str:
    """Return the state of a run with this status of its session; `asked` if somebody stopped it."""
    if status == "running" and degraded:
        return "degraded"
    if status != "done":
        return status
    if not success:
        return "failed"
    if asked:
        return "stopped"
    return _SUCCESS[kind]


def encode_runs(runs: Iterable[Run]) -> str:
    """Return runs as text of one line; at most `MOST_RUNS`, the most important first."""
    ranked = sorted(runs, key=_rank)
    rows = [(*run[:-1], _cut(run.reason)) for run in ranked[:MOST_RUNS]]
    if not rows:
        return ""
    return json.dumps(rows, separators=(",", ":"))


def _cut(reason: str) -> str:
    """Return a reason that shows that it is not whole."""
    if len(reason) <= LONGEST_RUN_REASON:
        return reason
    return reason[: LONGEST_RUN_REASON - 1] + "…"


def _rank(run: Run) -> tuple[bool, ...]:
    return run.state not in IN_FLIGHT, run.state == _SUCCESS[TASK], run.kind == TASK


def decode_runs(text: str) -> tuple[Run, ...]:
    """Return the runs of a text; none if it is not of the form that `encode_runs` has."""
    try:
        return tuple(_run(*row) for row in json.loads(text or "[]"))
    except (ValueError, TypeError):
        return ()


def _run(
    name: object, kind: object, state: object, since_at: object, startup: object, reason: object
) -> Run:
    return Run(str(name), str(kind), str(state), _finite(since_at), bool(startup), str(reason))


def _finite(time: object) -> float:
    at = float(time)  # type: ignore[arg-type]  # the caller handles the TypeError
    if not math.isfinite(at):
        raise ValueError(f"{at} is no time")  # JSON has no such number
    return at
