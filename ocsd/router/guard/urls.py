"""Capability URLs: paths that let in whoever knows them."""

from typing import Final

AGENT_PATH: Final = "k-"
CLIENT_PATH: Final = "c-"
CALL_PATH: Final = "call-"
"""First characters of the paths: of agents, of clients, of calls over HTTP."""


TICKET_MARK: Final = "~"
"""Between login and ticket in the URL of an agent that the daemon starts on the published OCS."""


def secret_of(path: str) -> tuple[str, str]:
    """Return the kind and the secret of a capability URL's path; two empty texts if it is none.

    The kind is one of `AGENT_PATH`, `CLIENT_PATH` and `CALL_PATH`.
    """
    name = path.strip("/")
    for kind in (AGENT_PATH, CLIENT_PATH, CALL_PATH):
        if name.startswith(kind) and len(name) > len(kind):
            return kind, name.removeprefix(kind)
    return "", ""
