"""The changes to crossbar: who calls is known, and what is too large is refused at once."""

import io
import json
from types import SimpleNamespace

import pytest

from ocsd.bus.caller import BRIDGE_ROLE
from ocsd.client.http import LONGEST_REQUEST_BYTES
from ocsd.router import callers


class Anonymous:
    """Stands for crossbar's anonymous login."""

    def __init__(self, transport, config):
        self._session_details = {"transport": transport}
        self._config = config

    def hello(self, realm, details):
        return self._config.get("authid", "random")


def authid(transport, greeting=None, config=None):
    """Return the authid of a client that logs in without a name."""
    module = SimpleNamespace(PendingAuthAnonymous=Anonymous)
    callers.identify(module)
    login = module.PendingAuthAnonymous(transport, config or {"type": "static"})
    return login.hello("realm", SimpleNamespace(authextra=greeting))


def test_a_client_without_a_login_is_named_by_its_address_and_its_words():
    browser = {"peer": "tcp4:10.0.0.5:1", "http_headers_received": {"user-agent": "Mozilla/5.0"}}
    assert authid(browser) == "tcp4:10.0.0.5:1 Mozilla/5.0"
    ours = {"client": "ocsd (simon@grumpy)"}
    assert authid(browser, ours) == "tcp4:10.0.0.5:1 ocsd (simon@grumpy)"
    assert authid({"peer": None}, ours) == "unix ocsd (simon@grumpy)"
    assert authid(browser, ours, {"authid": "fixed"}) == "fixed"


class Bridge:
    """Stands for crossbar's HTTP bridge."""

    def __init__(self):
        self._session = SimpleNamespace(session_id=41)

    def _process(self, request, event):
        return event

    def _render_request(self, request):
        return self._process(request, json.loads(request.content.read()))


def post(body, user_agent=None):
    """Return the arguments of the call that the bridge makes of a request, or its answer."""
    module = SimpleNamespace(CallerResource=Bridge)
    callers.forward(module)
    request = SimpleNamespace(
        content=body,
        getClientAddress=lambda: SimpleNamespace(host="10.0.0.5", port=53122),
        getHeader=lambda _: user_agent,
        setResponseCode=lambda _: None,
    )
    return module.CallerResource()._render_request(request)


def body_of(**event):
    return io.BytesIO(json.dumps({"procedure": "observatory.a.ops", **event}).encode())


@pytest.mark.parametrize(
    ("user_agent", "told"),
    [("curl/8.5", "tcp:10.0.0.5:53122 curl/8.5"), (None, "tcp:10.0.0.5:53122")],
)
def test_the_bridge_calls_in_the_name_of_its_client(user_agent, told):
    kwargs = post(body_of(args=["start"], kwargs={"timeout": 3}), user_agent)["kwargs"]
    [client] = kwargs["options"].forward_for
    assert client == {"session": 41, "authid": told, "authrole": BRIDGE_ROLE}
    assert kwargs["timeout"] == 3


@pytest.mark.parametrize("own", [None, {}, {"a": 1}])
def test_no_client_of_the_bridge_can_hide(own):
    options = post(body_of(kwargs={"options": own}))["kwargs"]["options"]
    assert options.forward_for[0]["authrole"] == BRIDGE_ROLE


def refusal(answer):
    told = json.loads(answer)
    assert told["error"] == "wamp.error.payload_size_exceeded"
    return told["args"][0]


def test_what_no_message_can_carry_is_refused_with_the_limit():
    text = refusal(post(body_of(args=["start", "x", {"a": "x" * LONGEST_REQUEST_BYTES}])))
    assert text.startswith("the call of observatory.a.ops has 16,7")
    assert f"{LONGEST_REQUEST_BYTES:,}" in text


def test_numbers_that_are_long_as_text_only_go_through():
    numbers = [0.12345678901234567] * (LONGEST_REQUEST_BYTES // 20)
    assert len(post(body_of(args=[numbers]))["args"][0]) == len(numbers)
    short = [0] * (LONGEST_REQUEST_BYTES // 9)
    assert "at most" in refusal(post(body_of(args=[short])))


def test_a_request_beyond_all_sense_is_not_even_read():
    class Huge(io.BytesIO):
        def seek(self, *_):
            return callers.LONGEST_BODY_BYTES + 1

        def read(self, *_):
            raise AssertionError("it was read")

    assert f"{callers.LONGEST_BODY_BYTES:,}" in refusal(post(Huge()))


class Dealer:
    """Stands for the part of crossbar that passes calls on."""

    def processCall(self, session, call):
        return call.forward_for


@pytest.mark.parametrize(("role", "believed"), [("ocs", False), (BRIDGE_ROLE, True)])
def test_only_the_bridge_calls_for_others(role, believed):
    module = SimpleNamespace(Dealer=Dealer)
    callers.distrust(module)
    call = SimpleNamespace(forward_for=["somebody"])
    call._init_forward_for = lambda value: setattr(call, "forward_for", value)
    path = module.Dealer().processCall(SimpleNamespace(authrole=role), call)
    assert path == (["somebody"] if believed else None)
