"""The requests that are refused whatever they ask for."""

import pytest

from ocsd.web.login.doors import OpenDoors, Trusted
from ocsd.web.server.safety import HEADERS, refusal
from ocsd.web.server.site import knock_of

OURS = {"host": "localhost:8002", "content-type": "application/json"}


def code(method="POST", names=frozenset(), is_page=True, **headers):
    """Return the status of the refusal of a request with these headers; None if it is taken."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    found = {**OURS, **named}
    refused = refusal(method, lambda name: found.get(name, ""), names=names, is_page=is_page)
    return refused and refused.code


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8002", "[::1]:8002", "LOCALHOST:8002"])
def test_this_machine_has_several_names(host):
    assert code("GET", host=host) is None


@pytest.mark.parametrize("host", ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil"])
def test_a_name_of_somebody_else_is_none_of_ours(host):
    assert code("GET", host=host) == 403
    assert code("GET", names=None, host=host) is None
    assert code("GET", names={"ocs.example.org"}, host=host) == 403


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_change_needs_json(kind):
    assert code(content_type=kind) == 415
    assert code("GET", content_type=kind) is None
    assert code(content_type="application/json; charset=utf-8") is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"origin": "http://localhost:8002"}, None),
        ({"origin": "http://localhost:9000"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "same-origin", "origin": "https://telescope.example"}, None),
        ({"sec_fetch_site": "same-site", "origin": "http://localhost:8002"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"origin": "https://a.example", "x_forwarded_host": "a.example"}, None),
        ({"origin": "https://b.example", "x_forwarded_host": "a.example"}, 403),
    ],
)
def test_a_change_comes_from_the_page_itself(headers, expected):
    assert code(**headers) == expected
    assert code("GET", **headers) is None


def test_a_page_of_somebody_else_may_lead_here_but_not_read():
    assert code("GET", sec_fetch_site="cross-site", sec_fetch_mode="navigate") is None
    assert code("GET", sec_fetch_site="cross-site", sec_fetch_mode="no-cors") == 403
    assert code("GET", sec_fetch_site="same-origin", sec_fetch_mode="cors") is None


def test_only_a_person_who_follows_a_link_is_led_to_the_api_from_elsewhere():
    led = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    assert code("GET", is_page=False, **led) == 403
    assert code("GET", is_page=False, **led, sec_fetch_user="?1") is None
    assert code("GET", is_page=False, sec_fetch_site="none", sec_fetch_mode="navigate") is None


def test_the_page_asks_nobody_else_and_is_in_nobodys_frame():
    policy = HEADERS["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "frame-ancestors 'self'" in policy


class Asking:
    """A request from an address, with headers."""

    def __init__(self, host, **headers):
        self.host, self.headers = host, headers

    def getClientAddress(self):
        return self

    def getHeader(self, name):
        value = self.headers.get(name.decode().replace("-", "_"))
        return value and value.encode()


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Asking("127.0.0.1"), "a viewer of the page, from this machine"),
        (Asking("10.0.0.5"), "a viewer of the page, from 10.0.0.5"),
        (
            Asking(None, x_forwarded_for="192.168.0.1, 10.0.0.5", x_remote_user="alice"),
            "alice of the page, from 10.0.0.5",  # the client itself may have sent the first one
        ),
        (Asking("10.0.0.5", x_remote_user="root"), "a viewer of the page, from 10.0.0.5"),
        (Asking("::1", x_remote_user="a\nb"), "a viewer of the page, from this machine"),
        (Asking("10.1.2.3", x_remote_user="a\nb"), "a b of the page, from 10.1.2.3"),
    ],
)
def test_the_history_names_who_asks(request_, expected):
    doors = OpenDoors(Trusted(("10.1.0.0/16",), by_socket=True))
    assert doors.viewer(knock_of(request_)).words == expected


def test_the_page_has_the_names_that_the_site_file_gives():
    assert code("GET", names={"ocs.example.org"}, host="OCS.example.org:8002") is None
    assert code("GET", names={"2001:db8::1"}, host="[2001:db8::1]:8002") is None
    assert code("GET", names={"ocs.example.org"}, host="[::") == 403
