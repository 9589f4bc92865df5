"""All changes to crossbar, by the module to which each is made (`ocsd/router/shadow` makes them).

A router whose site has keys gets those of the guard as well; others do not even load it.
"""

import os
from collections.abc import Callable, Mapping
from types import ModuleType

from ocsd.router import callers, log_fields
from ocsd.router.guard.facts import GUARD_VARIABLE

Change = Callable[[ModuleType], None]


def amendments() -> Mapping[str, Change]:
    """Return the changes for this process."""
    changes = _own_changes()
    return {**changes, **{name: _with_plain_fields(changes, name) for name in log_fields.COSTLY}}


def _with_plain_fields(changes: Mapping[str, Change], name: str) -> Change:
    def change(module: ModuleType) -> None:
        log_fields.leave_plain(module)
        if name in changes:
            changes[name](module)

    return change


def _own_changes() -> Mapping[str, Change]:
    if not os.environ.get(GUARD_VARIABLE):
        return callers.AMENDMENTS
    from ocsd.router.guard import pages, ports, requests, sessions

    def bridge(module: ModuleType) -> None:
        callers.forward(module)
        pages.ask_for_logins(module)

    return {
        "crossbar.bridge.rest.caller": bridge,
        "crossbar.common.twisted.endpoint": ports.guard_ports,
        "crossbar.common.twisted.web": ports.speak_http_1,
        "crossbar.router.broker": requests.keep_controls,
        "crossbar.router.router": requests.judge,
        "crossbar.router.session": sessions.admit,
        "crossbar.webservice.base": pages.open_urls,
    }
