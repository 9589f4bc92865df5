"""client_http: every call ends, and errors have the shape that scripts look at."""

import base64
import contextlib
import re
import socket
import threading
import time

import pytest

from ocsd.base import ERROR, OK, TIMEOUT
from ocsd.client.waiting import run_of
from ocsd.client_http import ControlClient, ControlClientError
from tests.unit.client.stand_in_bridge import session


@pytest.fixture
def client(bridge):
    return ControlClient("observatory.dev1", url=bridge.url, realm="test_realm", timeout_s=0.5)


def refused(function, *args, **kwargs):
    with pytest.raises(ControlClientError) as caught:
        function(*args, **kwargs)
    zeros, error = caught.value.args[0][:4], caught.value.args[0][4]
    assert zeros == [0, 0, 0, 0]
    assert isinstance(caught.value.args[0][5], list)
    assert isinstance(caught.value.args[0][6], dict)
    return error


def test_the_api_is_returned_whole_or_as_names(client):
    assert client.get_api()["agent_class"] == "Dev"
    assert client.get_api(simple=True) == {
        "feeds": ["values", "heartbeat"],
        "tasks": ["init"],
        "processes": ["acq"],
    }


def test_a_request_goes_to_ops_with_its_arguments(client, bridge):
    assert client.request("start", "init", {"delay": 1}, password="x")[0] == OK
    assert client.request("status", "init")[1] == "status init"
    assert bridge.calls == [
        ("observatory.dev1.ops", ["start", "init", {"delay": 1}], {"password": "x"}),
        ("observatory.dev1.ops", ["status", "init", {}], {}),
    ]


def test_parts_of_the_api_and_special_addresses_have_names(client, bridge):
    for ask, query in (
        (client.get_tasks, "get_tasks"),
        (client.get_processes, "get_processes"),
        (client.get_feeds, "get_feeds"),
    ):
        ask()
        assert bridge.calls[-1] == ("observatory.dev1", [query], {})
    assert refused(client.special, "agent_poll", instance_id="a") == "wamp.error.no_such_procedure"
    assert bridge.calls[-1] == ("observatory.dev1.agent_poll", [], {"instance_id": "a"})


@pytest.mark.parametrize(
    "params",
    [
        {"text": "x" * 20_000_000},
        {"table": [0.5] * 2_500_000},  # 10 MB of JSON, but 22 MB in a message
        {"rows": [{"a": [1.5] * 1000}] * 1_900},
    ],
)
def test_params_that_no_message_can_carry_are_an_error_at_once(params):
    client = ControlClient("observatory.dev1", url="http://localhost:1/nobody-is-asked")
    with pytest.raises(ControlClientError, match="a message can have at most 16,711,680") as caught:
        client.request("start", "init", params)
    assert caught.value.error == "client_http.error.request_error"
    assert "observatory.dev1.ops" in str(caught.value)


def test_large_params_that_fit_are_sent(client, bridge):
    client.timeout_s = 30
    assert client.request("start", "init", {"text": "x" * 10_000_000})[0] == OK


def test_errors_of_the_router_are_passed_on(bridge):
    client = ControlClient("observatory.nobody", url=bridge.url)
    assert refused(client.get_api) == "wamp.error.no_such_procedure"


@pytest.fixture
def nothing_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/call"


def test_no_router_is_a_connection_error(nothing_there):
    client = ControlClient("observatory.dev1", url=nothing_there)
    assert refused(client.get_api) == "client_http.error.connection_error"


def test_the_text_of_a_connection_error_is_one_that_scripts_for_ocs_take_apart(nothing_there):
    with pytest.raises(ControlClientError) as caught:
        ControlClient("observatory.dev1", url=nothing_there).get_api()
    # The way of control libraries: the words, then the URL up to an apostrophe.
    assert "Failed to connect" in str(caught.value)
    assert re.search(r"(http://[^ ]+)'", str(caught.value))[1] == nothing_there
    assert caught.value.reason == f"Failed to connect to {nothing_there}: Connection refused"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://localhost:99999/call", "Port out of range 0-65535"),
        ("http://localhost:x/call", "Port could not be cast"),
        ("http://[::1/call", "Invalid IPv6 URL"),
        ("http://a..b/call", ""),
        ("localhost:8001/call", "begins with http:// or https://"),
        ("ws://localhost:8001/ws", "begins with http:// or https://"),
        ("", "begins with http:// or https://"),
    ],
)
def test_a_url_that_is_none_is_a_connection_error_as_well(url, why):
    with pytest.raises(ControlClientError) as caught:
        ControlClient("observatory.dev1", url=url).get_api()
    assert caught.value.error == "client_http.error.connection_error"
    assert caught.value.reason.startswith(f"Failed to connect to {url}: ")
    assert why in caught.value.reason


def test_the_text_of_an_absent_agent_has_the_words_of_the_router(bridge):
    with pytest.raises(ControlClientError, match="no callee registered"):
        ControlClient("observatory.nobody", url=bridge.url).get_api()


INNER = ControlClientError([0, 0, 0, 0, "wamp.error.canceled", ["callee gone"], {}])


@pytest.mark.parametrize(
    ("made", "text", "error", "reason"),
    [
        (ControlClientError("the link is down"), "the link is down", "", "the link is down"),
        (ControlClientError(INNER), "callee gone", "", str(INNER)),
        (ControlClientError(), "", "", ""),
        (ControlClientError("a", "b"), "'b'", "", "('a', 'b')"),
        (ControlClientError([0, 0]), "[0, 0]", "", "[0, 0]"),
        (ControlClientError({"why": 1}), "'why'", "", "{'why': 1}"),
        (ControlClientError(None), "None", "", "None"),
        (ControlClientError([0, 0, 0, 0, "e", None, {}]), "'e'", "e", ""),
        (ControlClientError([0, 0, 0, 0, "e", [1, "x"], {}]), "[1, 'x']", "e", "1: x"),
        (ControlClientError([0, 0, 0, 0, "e"]), "'e'", "e", "[0, 0, 0, 0, 'e']"),
        (INNER, "callee gone", "wamp.error.canceled", "callee gone"),
    ],
    ids=repr,
)
def test_an_error_shows_whatever_a_script_made_it_with(made, text, error, reason):
    assert text in str(made)
    assert (made.error, made.reason) == (error, reason)


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (200, None, "client_http.error.connection_error"),
        (500, b"{}", "client_http.error.request_error"),
        (200, b"not JSON", "client_http.error.request_error"),
        (200, b"[1]", "client_http.error.request_error"),
    ],
    ids=["closed", "status 500", "no JSON", "no object"],
)
def test_an_answer_that_cannot_be_read_is_an_error(client, bridge, status, answer, error):
    bridge.status, bridge.answer = status, lambda *_: answer
    assert refused(client.get_api) == error


def test_a_silent_agent_is_an_error_in_bounded_time(client, bridge):
    released = threading.Event()
    bridge.answer = lambda *_: released.wait(20)
    for call in (client.get_api, lambda: client.request("start", "init")):
        begun_s = time.monotonic()
        assert refused(call) == "client_http.error.request_error"
        assert time.monotonic() - begun_s < 5
    released.set()


def test_a_silent_router_is_an_error_in_bounded_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/call"
        client = ControlClient("observatory.dev1", url=url, timeout_s=0.3)
        begun_s = time.monotonic()
        assert refused(client.get_api) == "client_http.error.request_error"
        assert time.monotonic() - begun_s < 5


def test_an_answer_that_drips_does_not_outlast_the_limit():
    def drip(server):
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            try:
                while True:
                    connection.sendall(b" ")
                    time.sleep(0.05)
            except OSError:
                pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=drip, args=(server,), daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/call"
        begun_s = time.monotonic()
        client = ControlClient("observatory.dev1", url=url, timeout_s=0.4)
        assert refused(client.get_api) == "client_http.error.request_error"
        assert time.monotonic() - begun_s < 5


def test_a_wait_with_a_limit_times_out_and_tells_the_session(client, agent):
    agent.running = threading.Event()
    begun_s = time.monotonic()
    code, _, seen = client.request("wait", "init", timeout=0.6)
    assert (code, seen["status"]) == (TIMEOUT, "running")
    assert 0.6 <= time.monotonic() - begun_s < 5


def test_a_wait_for_one_run_does_not_take_another(client, agent):
    agent.next_session = 8
    code, text, _ = client.wait("init", run=run_of(session(7)))
    assert code == ERROR
    assert "run 8 took its place" in text


def test_one_client_serves_several_threads(bridge):
    client = ControlClient("observatory.dev1", url=bridge.url)
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(client.request("status", "init")[0]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert answers == [OK] * 8


def test_user_and_password_of_the_url_are_sent(bridge):
    url = bridge.url.replace("http://", "http://alice:se%40cret@")
    ControlClient("observatory.dev1", url=url).get_api()
    assert bridge.logins == ["Basic " + base64.b64encode(b"alice:se@cret").decode()]


def test_an_answer_that_comes_in_drips_ends_in_time():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/call"

        def drip():
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                for byte in b"HTTP/1.1 200 OK\r\nX: " + 1000 * b"x":
                    connection.send(bytes([byte]))
                    time.sleep(0.01)  # slower than any limit allows, faster than one read's

        thread = threading.Thread(target=drip)
        thread.start()
        client = ControlClient("observatory.dev1", url=url, timeout_s=0.5)
        begun_s = time.monotonic()
        assert refused(client.get_api) == "client_http.error.request_error"
        assert time.monotonic() - begun_s < 5
        thread.join()
