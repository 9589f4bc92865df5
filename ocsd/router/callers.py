"""Changes to crossbar, in its own processes, that let agents know who calls them.

crossbar gives a client that need not log in a random authid, lets every client call in the name
of another one, and its HTTP bridge calls in its own name. Here the authid is the client's
address and its words about itself, and only the bridge calls in the name of its client
(`ocsd.bus.caller`). The bridge also refuses what does not fit into a message of WAMP; crossbar
would leave its client waiting.

`ocsd/router/shadow` makes them in the processes of ocsd's own crossbar.
"""

import json
import os
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final

from ocsd.bus.caller import BRIDGE_ROLE, SPEAKERS, authid_of, words_of
from ocsd.client.http import LONGEST_REQUEST_BYTES, MOST_GROWTH, message_bytes

LONGEST_BODY_BYTES: Final = 4 * LONGEST_REQUEST_BYTES
"""Size of a request that is not even read: as JSON, arguments have up to three times the room
that they take in a message [bytes]."""


def identify(anonymous: ModuleType) -> None:
    """Let the authid of a client that does not log in say where and who it is."""

    class Identified(anonymous.PendingAuthAnonymous):  # type: ignore[name-defined,misc] # crossbar's
        """An anonymous login."""

        _config: Mapping[str, Any]

        def hello(self, realm: str, details: Any) -> Any:
            """Answer a HELLO."""
            transport = self._session_details["transport"]
            headers = transport.get("http_headers_received") or {}
            words = words_of(details.authextra, headers)
            authid = authid_of(transport.get("peer") or "unix", words)
            self._config = {"authid": authid, **self._config}
            return super().hello(realm, details)

    anonymous.PendingAuthAnonymous = Identified  # type: ignore[attr-defined] # it has it


def forward(caller: ModuleType) -> None:
    """Let the HTTP bridge name its client, and refuse calls that no message can carry."""

    class Forwarding(caller.CallerResource):  # type: ignore[name-defined,misc] # crossbar's
        """The HTTP bridge."""

        def _render_request(self, request: Any) -> Any:
            size_bytes = request.content.seek(0, os.SEEK_END)
            request.content.seek(0)
            if size_bytes > LONGEST_BODY_BYTES:
                return _too_large(request, "the request", size_bytes, LONGEST_BODY_BYTES)
            return super()._render_request(request)

        def _process(self, request: Any, event: dict[str, Any]) -> Any:
            size_bytes = oversize(request.content.tell(), event)
            if size_bytes:
                what = f"the call of {event.get('procedure')}"
                return _too_large(request, what, size_bytes, LONGEST_REQUEST_BYTES)
            # autobahn takes a client's own `options` for these, and the client would be hidden.
            kwargs = event.get("kwargs") or {}
            event["kwargs"] = {**kwargs, "options": self._options_of(request)}
            return super()._process(request, event)

        def _options_of(self, request: Any) -> Any:
            from autobahn.wamp.types import CallOptions

            address = request.getClientAddress()
            peer = f"tcp:{address.host}:{address.port}"
            headers = {"user-agent": request.getHeader("user-agent") or ""}
            client = {
                "session": self._session.session_id,
                "authid": authid_of(peer, words_of(None, headers)),
                "authrole": BRIDGE_ROLE,
            }
            return CallOptions(forward_for=[client])

    caller.CallerResource = Forwarding  # type: ignore[attr-defined] # it has it


def distrust(dealer: ModuleType) -> None:
    """Let nobody but the HTTP bridge, and the bridges of hosts, call in the name of others.

    Only a guarded router has the role of a host, and the guard has looked at what it says.
    """

    class Distrusting(dealer.Dealer):  # type: ignore[name-defined,misc] # crossbar's
        """The part of the router that passes calls on."""

        def processCall(self, session: Any, call: Any) -> Any:
            """Pass a call on."""
            if session.authrole not in SPEAKERS:
                call._init_forward_for(None)  # noqa: SLF001 - there is no other way
            return super().processCall(session, call)

    dealer.Dealer = Distrusting  # type: ignore[attr-defined] # it has it


def oversize(body_bytes: int, event: Mapping[str, Any]) -> int:
    """Return the size of a call if it does not fit into a message [bytes], else 0."""
    if body_bytes * MOST_GROWTH <= LONGEST_REQUEST_BYTES:
        return 0
    size_bytes = message_bytes([event.get("args"), event.get("kwargs")])
    if size_bytes <= LONGEST_REQUEST_BYTES:
        return 0
    return size_bytes


def _too_large(request: Any, what: str, size_bytes: int, limit_bytes: int) -> bytes:
    """Return the answer to a request that is too large, as that to any other failed call."""
    request.setResponseCode(200)
    text = f"{what} has {size_bytes:,} bytes; it can have at most {limit_bytes:,}"
    error = {"error": "wamp.error.payload_size_exceeded", "args": [text], "kwargs": {}}
    return json.dumps(error).encode()


AMENDMENTS: Final[Mapping[str, Callable[[ModuleType], None]]] = {
    "crossbar.router.auth.anonymous": identify,
    "crossbar.bridge.rest.caller": forward,
    "crossbar.router.dealer": distrust,
}
"""The changes, by the module to which each is made."""
