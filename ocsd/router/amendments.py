"""All changes to crossbar, by the module to which each is made (`ocsd/router/shadow` makes them).

A router whose site has keys gets those of the guard as well; others do not even load it.
"""

import os
from collections.abc import Callable, Mapping
from types import ModuleType

from ocsd.router import callers
from ocsd.router.guard.facts import GUARD_VARIABLE

Change = Callable[[ModuleType], None]


def amendments() -> Mapping[str, Change]:
    """Return the changes for this process."""
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
