"""The requests of ocs-web, replayed frame by frame: every reply has the shape that it needs.

ocs-web is OCS's page in the browser. It speaks WAMP as JSON over a WebSocket, and a WAMP error is
never caught in it: its promise does not end. ``ocs_web/frames.json`` has what it sends.
"""

import json
import time
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from websockets.sync.client import connect

pytestmark = pytest.mark.interop

GOLDEN = json.loads((Path(__file__).parent / "ocs_web" / "frames.json").read_text())
WELCOME, GOODBYE, ERROR, SUBSCRIBED, EVENT, RESULT = 2, 6, 8, 33, 36, 50
LIMIT_S = 60
HEARTBEAT_LIMIT_S = 5.0
"""Time without a heartbeat after which ocs-web shows an agent in red [s]."""


class Page:
    """The connection of ocs-web to the router."""

    def __init__(self, socket):
        self._socket = socket
        self._number = 0
        self.heartbeats = {}
        self.joined = self._talk(GOLDEN["hello"])

    def send(self, frame):
        """Send a frame; return the reply to it."""
        self._number += 1
        return self._talk([self._number if each == "ID" else each for each in frame])

    def hear(self, condition):
        """Take in events until a condition holds."""
        deadline_s = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline_s
            self._receive()

    def _talk(self, frame):
        self._socket.send(json.dumps(frame))
        while True:
            reply = self._receive()
            if reply is not None:
                return reply

    def _receive(self):
        """Return the next frame; None if it is a heartbeat."""
        # A bare NaN would end autobahn-js's reading of the frame.
        text = self._socket.recv(timeout=LIMIT_S)
        frame = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in {text}"))
        if frame[0] != EVENT:
            return frame
        [[message, feed]] = frame[4]
        assert isinstance(message, dict)
        self.heartbeats.setdefault(feed["agent_address"], []).append(time.monotonic())
        return None


@pytest.fixture(scope="module")
def page(site):
    # Other files of this site run operations that have never run here.
    assert site.ocsd("restart", "fake-data1", "fake-data2").returncode == 0
    url = yaml.safe_load(site.site_file.read_text())["hub"]["wamp_server"]
    with connect(url, subprotocols=["wamp.2.json"], max_size=2**24, proxy=None) as socket:
        assert socket.subprotocol == "wamp.2.json"
        yield Page(socket)


def matches(shape, value):
    """Return what is wrong with a value of a shape; empty if nothing is."""
    schema = {"$defs": GOLDEN["$defs"], **GOLDEN["shapes"][shape]}
    found = Draft202012Validator(schema).iter_errors(value)
    return [f"{error.json_path}: {error.message:.200}" for error in found]


def test_anybody_may_join_and_hears_a_heartbeat_of_each_agent(page):
    kind, session, details = page.joined
    assert (kind, type(session), "broker" in details["roles"]) == (WELCOME, int, True)
    assert page.send(GOLDEN["subscribe"])[0] == SUBSCRIBED
    names = ("fake-data1", "fake-data2", "registry", "aggregator", "hm-interop")
    agents = {f"observatory.{name}" for name in names}
    page.hear(lambda: all(len(page.heartbeats.get(agent, [])) >= 4 for agent in agents))
    for agent in agents:
        times = page.heartbeats[agent]
        assert max(b - a for a, b in pairwise(times)) < HEARTBEAT_LIMIT_S, agent


@pytest.mark.parametrize(
    "call", GOLDEN["calls"], ids=[f"{n}-{call['from']}" for n, call in enumerate(GOLDEN["calls"])]
)
def test_every_reply_has_the_shape_that_ocs_web_needs(page, until, site, call):
    if call["reply"] == "recording":
        until(lambda: reply_to(page, call)[2]["data"].get("current_file"))
    assert matches(call["reply"], reply_to(page, call)) == []


def reply_to(page, call):
    """Return the value that a call gets, which is one positional argument."""
    reply = page.send(call["send"])
    assert reply[0] == RESULT, reply
    assert len(reply[3]) == 1
    assert not any(reply[4:])
    return reply[3][0]


def test_the_host_manager_is_one_for_the_page(page):
    api = reply_to(page, {"send": [48, "ID", {}, "observatory.hm-interop", ["get_api"]]})
    assert api["agent_class"] == "HostManager"
    assert {"update", "die"} <= {name for name, _, _ in api["tasks"]}
    assert {"manager"} <= {name for name, _, _ in api["processes"]}


def test_an_agent_that_went_away_is_an_error_of_the_router(page):
    reply = page.send([48, "ID", {}, "observatory.no-such-agent", ["get_api"]])
    assert (reply[0], reply[4]) == (ERROR, "wamp.error.no_such_procedure")


def test_the_shapes_refuse_what_ocs_web_could_not_show():
    session = {"op_name": "acq", "status": "running", "start_time": 1.0, "end_time": None}
    session |= {"success": None, "messages": [[1.0, "a"]], "data": {}}
    assert matches("running", [0, "Session active.", session]) == []
    for broken in (
        [0, "Session active.", session, None],
        [1, "Session active.", session],
        [0, "Session active.", session | {"messages": [["now", "a"]]}],
        [0, "Session active.", session | {"data": None}],
        [0, "Session active.", session | {"status": "done"}],
    ):
        assert matches("running", broken)
    assert matches("manager", [0, "x", session | {"data": {"child_states": [{}]}}])
