"""Errors of calls through the router, in words for an operator."""

from ocsd.cli.talk.site_router import SiteRouter
from ocsd.client.http import REQUEST_ERROR, ControlClientError

ROUTER = SiteRouter("ws://hub/ws", "http://hub/call", "r", "lab", listed=("pump1",))


def test_a_call_without_an_answer_blames_the_agent_or_its_router():
    error = ControlClientError([0, 0, 0, 0, REQUEST_ERROR, ["it has not answered within 10 s"]])
    said = str(ROUTER.explained(error, "pump1"))
    assert said == (
        "it has not answered within 10 s: 'pump1' or its router hangs; "
        "see: ocsd status pump1; ocsd logs pump1"
    )
