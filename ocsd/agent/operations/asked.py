"""The report of a client's request, for the history and the audit journal of the host."""

import time
from collections.abc import Collection
from typing import Any

from ocsd.audit.secrets import told
from ocsd.bus.caller import Caller
from ocsd.system.runs import OperationRequest


def request_of(
    action: str,
    op_name: str,
    by: Caller,
    params: Any,
    refusal: str = "",
    secrets: Collection[str] = (),
) -> OperationRequest:
    """Return the report of a request that the client `by` made just now.

    A `refusal` is the reason why it was refused. Parameters that are `secrets`, or whose names say
    so, are left out.
    """
    outcome = "done"
    if refusal:
        outcome = "refused"
    return OperationRequest(
        action=action,
        operation=op_name,
        by=str(by),
        at=time.time(),
        person=by.authid,
        role=by.authrole,
        address=by.peer,
        says=by.words,
        parameters=told(params, secrets),
        outcome=outcome,
        reason=refusal,
    )
