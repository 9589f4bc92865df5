"""Changes to crossbar's web server: capability URLs, and logins of calls over HTTP."""

import base64
import json
from types import ModuleType
from typing import Any, Final
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred

from ocsd.access.rules import Party
from ocsd.bus.caller import authid_of, words_of
from ocsd.router.guard.door import OPEN_ROLE, Admitted, Denied, Door, Unproven
from ocsd.router.guard.guard import the_guard
from ocsd.router.guard.sessions import CLIENT_PEER, NOT_AUTHORIZED, applicant
from ocsd.router.guard.urls import CALL_PATH, secret_of

_NOT_LOGGED_IN: Final = 401
_OF_ANOTHER_SITE: Final = 403

_Base: Any = object


class HiddenPages(_Base):  # type: ignore[misc] # crossbar is untyped
    """The root of a web server."""

    def getChild(self, path: bytes, request: Any) -> Any:
        """Return what a path that is not in the configuration leads to."""
        kind, secret = secret_of(path.decode("latin-1"))
        if not kind or not request.isSecure():
            return super().getChild(path, request)
        guard = the_guard()
        decision = guard.book.by_url(kind, secret)
        if isinstance(decision, Denied):
            host = str(request.getClientAddress().host)
            guard.logins.guessed(host)
            guard.refusals.told(Party("", ""), host, "join", decision.reason)
            return super().getChild(path, request)
        name = guard.book.facts.ws_path
        if kind == CALL_PATH:
            name = guard.book.facts.call_path
        return self.children.get(name.encode()) or super().getChild(path, request)


def open_urls(base: ModuleType) -> None:
    """Serve capability URLs, which come and go without a restart."""
    base.Resource404 = type("Hidden", (HiddenPages, base.Resource404), {})  # type: ignore[attr-defined] # it has it


def login_of(header: str | None) -> tuple[str, str] | None:
    """Return the name and the password of an ``Authorization`` header, if it is a basic one."""
    kind, _, encoded = (header or "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (name, password) if colon else None


def is_of_another_site(origin: str | None, host: str | None) -> bool:
    """Whether a browser says that a page of another site sends a request."""
    if not origin:
        return False
    return urlsplit(origin).netloc != (host or "")


class Bridge(_Base):  # type: ignore[misc] # crossbar is untyped
    """The HTTP bridge."""

    not_done: int
    """twisted.web's answer for "later"; that package is loaded after this module."""

    def render(self, request: Any) -> Any:
        """Handle a request."""
        origin, host = request.getHeader("origin"), request.getHeader("host")
        capability = secret_of(request.path.decode("latin-1"))[0]
        closed = the_guard().book.facts.is_closed
        if closed and not capability and is_of_another_site(origin, host):
            reason = f"a page of {origin} may not call over this address"
            return _refuse(request, _OF_ANOTHER_SITE, reason)
        return super().render(request)

    def _render_request(self, request: Any) -> Any:
        decision = self._decide(request)
        if not isinstance(decision, Deferred):
            return self._go_on(decision, request)
        gone: list[Any] = []
        request.notifyFinish().addBoth(gone.append)
        decision.addCallback(self._finish, request, gone)
        decision.addErrback(self._failed, request, gone)
        return self.not_done

    def _decide(self, request: Any) -> Any:
        guard = the_guard()
        kind, secret = secret_of(request.path.decode("latin-1"))
        login = login_of(request.getHeader("authorization"))
        who = applicant(request.channel.transport, login[0] if login else "")
        if login and who.authid and not kind:
            return guard.logins.over_http(who, login[1], guard.let_in)
        return guard.at_door(who, kind, secret)

    def _go_on(self, decision: Admitted | Denied | Unproven, request: Any) -> Any:
        if isinstance(decision, Admitted):
            request.party = party = self._shown(decision.party, request)
            # The page on another host asks in this way whom the router lets in.
            request.setHeader("x-ocsd-role", party.role)
            if party.role == OPEN_ROLE:
                the_guard().census.joined(
                    party.authid.partition(" ")[2] or "somebody", party.authid
                )
            return super()._render_request(request)
        reason = "log in with a name and a password"
        if isinstance(decision, Denied):
            reason = decision.reason
        who = applicant(request.channel.transport)
        login = login_of(request.getHeader("authorization")) or ("", "")
        the_guard().refusals.not_proven(login[0], who.peer, "call", reason)
        return _refuse(request, _NOT_LOGGED_IN, reason)

    def _finish(self, decision: Any, request: Any, gone: list[Any]) -> None:
        if gone:
            return
        answer = self._go_on(decision, request)
        if answer is not self.not_done:
            request.write(answer)
            request.finish()

    def _failed(self, failure: Any, request: Any, gone: list[Any]) -> None:
        the_guard().refusals.fault(f"a login over HTTP failed: {failure.value}")
        if not gone:
            request.write(_refuse(request, 500, "the router could not check the login"))
            request.finish()

    def _shown(self, party: Party, request: Any) -> Party:
        """Return the party as agents see it; only nobody in particular has words."""
        if party.role != OPEN_ROLE and not party.authid.startswith("unix:"):
            return party
        headers = {"user-agent": request.getHeader("user-agent") or ""}
        peer = party.authid
        address = request.getClientAddress()
        if hasattr(address, "port"):
            peer = f"tcp:{address.host}:{address.port}"
        return Party(authid_of(peer, words_of(None, headers)), party.role)

    def _options_of(self, request: Any) -> Any:
        from autobahn.wamp.types import CallOptions

        authid, role = request.party
        client = {"session": self._session.session_id, "authid": authid, "authrole": role}
        client[CLIENT_PEER] = applicant(request.channel.transport).peer
        return CallOptions(forward_for=[client])

    def _set_common_headers(self, request: Any) -> None:
        super()._set_common_headers(request)
        who = applicant(request.channel.transport)
        if the_guard().book.facts.is_closed or who.door is not Door.OPEN:
            # Browsers send a login that they remember for every page that asks so.
            request.responseHeaders.removeHeader("access-control-allow-credentials")


def ask_for_logins(caller: ModuleType) -> None:
    """Let nobody call over HTTP without a login, and name the client to agents.

    The module's bridge is ours already (`ocsd.router.callers.forward`).
    """
    from twisted.web.server import NOT_DONE_YET

    bases = Bridge, caller.CallerResource
    asking = type("Asking", bases, {"not_done": NOT_DONE_YET})
    caller.CallerResource = asking  # type: ignore[attr-defined] # it has it


def _refuse(request: Any, code: int, reason: str) -> bytes:
    """Return the answer to a request that is refused, as that to any other failed call."""
    request.setResponseCode(code)
    if code == _NOT_LOGGED_IN:
        request.setHeader("www-authenticate", 'Basic realm="ocsd", charset="UTF-8"')
    request.setHeader("content-type", "application/json; charset=UTF-8")
    error = {"error": NOT_AUTHORIZED, "args": [reason], "kwargs": {}}
    return json.dumps(error).encode()
