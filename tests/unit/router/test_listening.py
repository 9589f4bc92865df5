"""A router listens at the addresses that its hub names, and nowhere else."""

import pytest

from ocsd.errors import RouterError
from ocsd.router.listening import addresses, is_own, main_addresses

MAIN = "10.0.0.5"


def found(host, listen=None, names=(), own=(MAIN, "127.0.1.1")):
    """Return the addresses on a machine whose main address is `MAIN`."""
    return addresses(
        host, listen, resolve=lambda _: names, own=own.__contains__, main=lambda: [MAIN]
    )


@pytest.mark.parametrize(
    ("host", "address"), [("localhost", "127.0.0.1"), ("::1", "127.0.0.1"), ("127.0.0.7",) * 2]
)
def test_a_loopback_name_means_this_machine_alone(host, address):
    assert found(host) == (address,)


def test_a_name_means_its_addresses_of_this_machine():
    assert found("hub.example", names=[MAIN, "10.9.9.9"]) == (MAIN,)


def test_a_name_that_debian_gives_a_loopback_address_means_the_main_one_as_well():
    assert found("hub", names=["127.0.1.1"]) == ("127.0.1.1", MAIN)


def test_a_name_that_cannot_be_resolved_means_the_main_address():
    assert found("hub.example") == (MAIN,)


def test_listen_stands_in_the_place_of_the_name():
    assert found("hub.example", "0.0.0.0") == ("0.0.0.0",)
    assert found("hub.example", "::") == ("::",)
    assert found("hub.example", MAIN, names=[MAIN]) == (MAIN,)
    assert found("hub.example", "fd00::5", own=("fd00::5",)) == ("fd00::5",)


def test_a_name_of_another_machine_is_refused_with_the_remedy():
    with pytest.raises(RouterError, match=r"'hub.example': 10\.9\.9\.9 is no address .*{listen:"):
        found("hub.example", names=["10.9.9.9"])


def test_this_machine_knows_its_own_addresses():
    assert is_own("127.0.0.1")
    assert not is_own("192.0.2.77")
    assert all(map(is_own, main_addresses()))
