"""`ocsd call`: start, stop or abort an operation of an agent, wait for it or show it."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import click

from ocsd.base import ERROR, OK, TIMEOUT, ResponseCode
from ocsd.cli.arguments import completion, options, values
from ocsd.cli.screen import session_text, terminal
from ocsd.cli.screen.progress import WaitIndicator
from ocsd.cli.talk import site_router
from ocsd.client.http import ControlClient
from ocsd.client.passwords import credentials_for
from ocsd.client.waiting import Reply, run_of
from ocsd.errors import NoSuchOperationError, OcsdError, TimedOutError, UsageError

ACTIONS = ("start", "stop", "wait", "status", "abort")
_PYTHON_WORDS = {"True": "true", "False": "false", "None": "null"}


@dataclass(frozen=True, slots=True)
class _Request:
    """One action on one operation."""

    instance_id: str
    operation: str
    action: str
    params: Mapping[str, Any]
    then_wait: bool
    timeout_s: float | None
    credentials: Mapping[str, Any]


@options.command(
    "ocsd call fake-data1 delay_task delay=2",
    "ocsd call fake-data1 acq                     # its status",
    "ocsd call fake-data1 acq start test_mode=true --wait",
    "ocsd call fake-data1 acq stop --wait --timeout 10",
    "ocsd call fake-data1 acq status --json | jq .session.data",
    "ocsd call fake-data1 delay_task --level 2    # with a password of ~/.ocs-passwords.yaml",
    after="Exit code 1 means that the agent refused or that the operation failed, 75 that it "
    "has not ended in time; the operation goes on then.",
)
@click.argument("instance_id", metavar="NAME", shell_complete=completion.instance_ids)
@click.argument("operation", metavar="OP", shell_complete=completion.operations)
@click.argument(
    "words",
    metavar="[start|stop|wait|status|abort] [KEY=VALUE]...",
    nargs=-1,
    shell_complete=completion.call_words,
)
@click.option(
    "--wait", "then_wait", is_flag=True, help="After start, stop or abort, wait for the end."
)
@click.option(
    "--timeout",
    "timeout_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    help="How long to wait for the end; by default as long as it takes.",
)
@click.option(
    "--level",
    metavar="LEVEL",
    type=click.IntRange(1, 3),
    help="Level of access to ask for, 1 to 3; its password is in ~/.ocs-passwords.yaml or "
    "$OCS_PASSWORDS_FILE.",
)
@options.json_option
@options.site_file_option
@options.host_option
def call(
    instance_id: str,
    operation: str,
    words: tuple[str, ...],
    then_wait: bool,
    timeout_s: float | None,
    level: int | None,
    as_json: bool,
    site_file: str | None,
    host: str | None,
) -> int:
    """Call operation OP of agent NAME.

    Without an action, a task is started and waited for, and a process shows its
    status, as when it is called from Python. A VALUE has the type that the agent
    declares for it: a text is passed as it is written. Where none is declared, a
    VALUE that is JSON (`2.5`, `true`, `[1, 2]`) is read as JSON, any other as text.

    The router is taken from --site-file, else from $OCS_CONFIG_DIR, else from
    the daemon that runs here.
    """
    action, texts = _read(words)
    request = _Request(instance_id, operation, action, {}, then_wait, timeout_s, {})
    router = site_router.find(site_file, host)
    client = router.client(instance_id)
    with router.explaining(instance_id), WaitIndicator(f"waiting for {instance_id} {operation}"):
        api = client.get_api()
        op_info = find_operation(api, instance_id, operation)
        kinds = values.types(op_info)
        params = {key: values.read(text, kinds.get(key)) for key, text in texts.items()}
        request = _with_action(replace(request, params=params), op_info.get("op_type"))
        _check(request)
        if level is not None:
            given = credentials_for(client, api, level, instance_id)
            request = replace(request, credentials=given)
        reply = _carried_out(client, request)
    _show(request, reply, as_json)
    if reply[0] == ERROR:
        _hint(request.params, kinds)
    return _exit_code(request, reply)


def find_operation(api: Mapping[str, Any], instance_id: str, operation: str) -> dict[str, Any]:
    """Return an agent's description of one of its operations, with the latest session.

    Raises
    ------
    NoSuchOperationError
        If the agent has no operation of that name.
    """
    operations: dict[str, dict[str, Any]] = {
        op_name: {"session": session, **op_info}
        for op_name, session, op_info in [*api["tasks"], *api["processes"]]
    }
    if operation not in operations:
        from ocsd.text.nearest import nearest_or_all

        near = nearest_or_all(operation, operations)
        raise NoSuchOperationError(f"agent '{instance_id}' has no operation '{operation}'{near}")
    return operations[operation]


def _read(words: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """Return the action, empty if none is given, and the parameters as they are written."""
    action = ""
    if words and words[0] in ACTIONS:
        action, words = words[0], words[1:]
    params = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise _unreadable(word, action)
        if key in params:
            raise UsageError(f"parameter '{key}' is given twice")
        params[key] = value
    return action, params


def _unreadable(word: str, action: str) -> UsageError:
    message = f"'{word}' is neither an action ({', '.join(ACTIONS)}) nor KEY=VALUE"
    if not action:
        from ocsd.text.nearest import did_you_mean

        message += did_you_mean(word, ACTIONS)
    return UsageError(message)


def _with_action(request: _Request, op_type: Any) -> _Request:
    """Return the request with the action that an operation of its kind has by default."""
    if request.action:
        return request
    if op_type == "task":
        return replace(request, action="start", then_wait=True)
    if request.params or request.then_wait:
        raise UsageError(
            f"'{request.operation}' is a process; to run it, write: {request.operation} start"
        )
    return replace(request, action="status")


def _check(request: _Request) -> None:
    """Refuse parameters and options that do not go with the action."""
    action, params = request.action, request.params
    if params and action != "start":
        raise UsageError(f"parameters ({', '.join(params)}) are for start, not for {action}")
    if request.then_wait and action == "status":
        raise UsageError("--wait does not go with status; the action wait waits")
    if request.timeout_s is not None and not (request.then_wait or action == "wait"):
        raise UsageError(f"--timeout limits the waiting, and {action} without --wait does not wait")


def _carried_out(client: ControlClient, request: _Request) -> Reply:
    operation, limit_s = request.operation, request.timeout_s
    if request.action == "wait":
        return client.wait(operation, limit_s)
    reply: Reply = client.request(request.action, operation, request.params, **request.credentials)
    if reply[0] != OK or not request.then_wait:
        return reply
    try:
        return client.wait(operation, limit_s, run=run_of(reply[2]))
    except KeyboardInterrupt:
        print(
            f"ocsd: '{operation}' goes on; see: ocsd call {request.instance_id} {operation} status",
            file=sys.stderr,
        )
        raise


def _show(request: _Request, reply: Reply, as_json: bool) -> None:
    code, message, session = reply
    try:
        word = ResponseCode(code).name
    except ValueError:
        word = str(code)
    if as_json:
        document = {"agent": request.instance_id, "operation": request.operation}
        document |= {"action": request.action, "status": word}
        print(json.dumps({**document, "message": message, "session": session}, indent=2))
    else:
        screen = terminal.of_output()
        print("\n".join(session_text.reply_lines(word, message, session, screen)))


def _hint(params: Mapping[str, Any], kinds: Mapping[str, str | None]) -> None:
    """Say which parameter is of a wrong type or unknown, and what may be meant.

    `kinds` has the declared type of each parameter of the operation.
    """
    from ocsd.text.nearest import nearest

    for key, value in params.items():
        word = isinstance(value, str) and _PYTHON_WORDS.get(value)
        misfit = values.misfit(key, value, kinds.get(key))
        if word:
            print(f"ocsd: '{value}' is text; did you mean {key}={word}?", file=sys.stderr)
        elif misfit:
            print(f"ocsd: {misfit}", file=sys.stderr)
        right = nearest(key, kinds)
        if key not in kinds and right:
            print(f"ocsd: there is no parameter '{key}'; did you mean '{right}'?", file=sys.stderr)


def _exit_code(request: _Request, reply: Reply) -> int:
    code, _, session = reply
    if code == TIMEOUT:
        return TimedOutError.exit_code
    # An operation that was asked to stop early need not succeed.
    counts = request.action == "wait" or (request.action == "start" and request.then_wait)
    failed = bool(session) and session.get("success") is False
    if code != OK or (counts and failed):
        return OcsdError.exit_code
    return 0
