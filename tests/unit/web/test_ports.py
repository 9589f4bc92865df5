"""The page gets the port of the site file, or the next free one."""

import errno
import socket

import pytest
from twisted.internet.error import CannotListenError

from ocsd.system.address import address_of
from ocsd.web.server.ports import NoPlaceError, listen, listen_at_socket


class Reactor:
    """A machine on which some ports are taken."""

    def __init__(self, *taken, error=errno.EADDRINUSE):
        self.taken, self.error = taken, error

    def listenTCP(self, port, _site, interface):
        if port in self.taken:
            raise CannotListenError(interface, port, OSError(self.error, "no"))
        return port

    def listenUNIX(self, path, _site, mode):
        assert mode == 0o660
        return path


def test_the_port_of_the_site_file_is_taken_if_it_is_free():
    found = listen(Reactor(), None, address_of("127.0.0.1:8002"), "/ocsd")
    assert found == (8002, "http://127.0.0.1:8002/ocsd/", "")


def test_a_taken_port_means_the_next_free_one_and_that_is_said():
    found = listen(Reactor(8002, 8003), None, address_of("[::1]:8002"))
    assert (found.port, found.url) == (8004, "http://[::1]:8004/")
    assert "port 8002 is taken" in found.notice


def test_the_ports_of_the_router_are_left_to_it_although_they_are_free():
    found = listen(Reactor(), None, address_of("127.0.0.1:8002"), of_others={8002, 8003})
    assert (found.port, found.url) == (8004, "http://127.0.0.1:8004/")
    assert found.notice == "port 8002 is the router's, so the page is at 127.0.0.1:8004"


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]"])
def test_all_addresses_are_shown_as_the_name_of_this_machine(host):
    found = listen(Reactor(), None, address_of(f"{host}:8002"))
    assert found.url == f"http://{socket.gethostname()}:8002/"


def test_ten_further_ports_are_tried():
    with pytest.raises(NoPlaceError, match=r"the ports 8002 to 8012 of .* are taken"):
        listen(Reactor(*range(8002, 8013)), None, address_of("127.0.0.1:8002"))


def test_an_address_of_another_machine_is_no_matter_of_ports():
    reactor = Reactor(8002, error=errno.EADDRNOTAVAIL)
    with pytest.raises(NoPlaceError, match=r"correct web: \{listen: …\}"):
        listen(reactor, None, address_of("10.0.0.5:8002"))


def test_a_socket_that_nobody_listens_on_is_replaced(tmp_path):
    path = tmp_path / "page.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert listen_at_socket(Reactor(), None, path).url == f"unix:{path}"
    assert not path.exists()


@pytest.mark.parametrize(
    "text",
    ["8002", "localhost", "localhost:", "localhost:0", ":8002", "a:b", "x:8002/y", "h:99999"],
)
def test_an_address_has_host_and_port(text):
    with pytest.raises(ValueError, match=r"is not HOST:PORT; write e.g."):
        address_of(text)


def test_loopback_addresses_are_known():
    assert address_of("localhost:1").is_local
    assert address_of("127.1.2.3:1").is_local
    assert address_of("[::1]:1").is_local
    assert not address_of("0.0.0.0:1").is_local
