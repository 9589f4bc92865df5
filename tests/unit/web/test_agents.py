"""Operations of agents: their forms, and the words for what goes wrong."""

import pytest

from ocsd.client.http import CONNECTION_ERROR, REQUEST_ERROR, ControlClientError
from ocsd.site.model import Hub
from ocsd.web.login.viewer import ForbiddenError, Viewer
from ocsd.web.refusals import AwayError, MissingError, RequestRefusedError
from ocsd.web.sources.agents import Agents

DELAY = {"key": "delay", "type": "float", "default": 5.0, "choices": None, "required": False}
MODE = {"key": "mode", "type": "str", "default": None, "choices": ["a", "b"], "required": True}
API = {
    "tasks": [
        ["wait", {"status": "done", "session_id": 1}, {"op_type": "task", "params": [DELAY, MODE]}]
    ],
    "processes": [["acq", {"status": "no_history"}, {"op_type": "process", "docstring": "<b>x"}]],
}


class StandIn:
    """A client of an agent that answers what it is told to."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def __call__(self, *words):
        self.asked.append(words)
        return self

    def get_api(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return API

    def request(self, *words, **more):
        self.asked.append(words)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def agents(answer=None):
    client = StandIn(answer)
    return Agents(Hub(wamp_server="ws://localhost:1/ws"), "web", client), client


def error(uri, *texts):
    return ControlClientError([0, 0, 0, 0, uri, list(texts), {}])


def test_operations_tell_their_parameters():
    wait, acq = agents()[0].operations("thermo1")
    assert (wait["name"], wait["kind"]) == ("wait", "task")
    delay, mode = wait["params"]
    assert (delay["type"], delay["default"], delay["has_default"]) == ("float", 5.0, True)
    assert (mode["choices"], mode["has_default"]) == (["a", "b"], False)
    assert wait["session"]["session_id"] == 1
    assert (acq["params"], acq["session"], acq["docstring"]) == (None, None, "<b>x")


ALICE = Viewer("alice", "", "10.0.0.5")


def test_a_request_names_who_asks():
    source, client = agents([0, "started", {"op_name": "acq"}])
    answer = source.request("thermo1", "acq", "start", {"n": 1}, ALICE)
    assert answer == {"status": 0, "message": "started", "session": {"op_name": "acq"}}
    address, *_, words = client.asked[0]
    assert address == "observatory.thermo1"
    assert words == "page of ocsd (alice of the page, from 10.0.0.5)"
    assert client.asked[1] == ("start", "acq", {"n": 1})


def test_an_unknown_operation_is_told_from_one_that_refuses():
    source, _ = agents([-1, "no such operation", {}])
    with pytest.raises(MissingError, match="no operation 'aqc'; did you mean 'acq'"):
        source.status("thermo1", "aqc")
    assert source.request("thermo1", "acq", "stop", {}, Viewer())["status"] == -1
    assert source.status("thermo1", "acq") is None


@pytest.mark.parametrize("name", ["..", "a.ops", "<script>", "", "router", "ocsd", "web"])
def test_what_is_no_agent_is_not_called(name):
    source, client = agents([0, "", {}])
    with pytest.raises(MissingError):
        source.operations(name)
    assert client.asked == []


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (error("wamp.error.no_such_procedure"), AwayError, "thermo1 is not connected"),
        (error(CONNECTION_ERROR, "Failed to connect to http://x"), AwayError, "router is away"),
        (error(REQUEST_ERROR, "has not answered"), AwayError, "or the router hangs"),
        (error("wamp.error.not_authorized", "no"), RequestRefusedError, "cannot be called"),
        ("nonsense", RequestRefusedError, "no answer of an agent"),
    ],
)
def test_what_goes_wrong_is_said_in_words(answer, kind, words):
    with pytest.raises(kind, match=words):
        agents(answer)[0].request("thermo1", "acq", "start", {}, Viewer())


def test_no_viewer_gets_the_password_in_the_address_of_the_router():
    failed = error(CONNECTION_ERROR, "Failed to connect to http://ocs:secret@hub:1/call")
    with pytest.raises(AwayError, match="connect to http://hub:1/call: the router is away"):
        agents(failed)[0].request("thermo1", "acq", "start", {}, Viewer())


class Published(StandIn):
    """An agent of the published OCS, which takes no `caller`."""

    def request(self, *words, caller=None):
        self.asked.append(words)
        if caller is not None:
            text = "OCSAgent._ops_handler() got an unexpected keyword argument 'caller'"
            raise error("wamp.error.runtime_error", text)
        return [0, "started", {}]


def test_the_role_of_the_person_counts_and_not_that_of_the_page():
    client = Published(None)
    source = Agents(Hub(wamp_server="ws://localhost:1/ws"), "web", client)
    otto = Viewer("otto", "operator", "10.0.0.5")
    assert source.request("thermo1", "acq", "start", {}, otto)["status"] == 0
    with pytest.raises(ForbiddenError, match="needs the role operator"):
        source.request("thermo1", "acq", "start", {}, Viewer("vera", "viewer", "10.0.0.5"))
