"""The addresses of this machine on which the site's router listens."""

import errno
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from ocsd.errors import RouterError
from ocsd.system.address import LOOPBACK, is_loopback

_EVERYWHERE: Final = {"0.0.0.0", "::"}
_ELSEWHERE: Final = ("192.0.2.1", 9)
"""An address of documentation (RFC 5737), to which no packet is sent."""


FindAddresses = Callable[[str, str | None], Sequence[str]]
"""Returns the addresses for the host of a URL and the hub's ``listen``, as `addresses`."""


def resolved(name: str) -> list[str]:
    """Return the IPv4 addresses of a name; none if it cannot be resolved."""
    with suppress(OSError):
        found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
        return sorted({str(each[4][0]) for each in found})
    return []


def is_own(address: str) -> bool:
    """Whether an address is one of this machine's; only such a one can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError as error:
        return error.errno != errno.EADDRNOTAVAIL
    return True


def main_addresses() -> list[str]:
    """Return the address from which this machine speaks to others; none without a network."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_ELSEWHERE)
        return [str(probe.getsockname()[0])]
    return []


def addresses(
    host: str,
    listen: str | None = None,
    *,
    resolve: Callable[[str], Sequence[str]] = resolved,
    own: Callable[[str], bool] = is_own,
    main: Callable[[], Sequence[str]] = main_addresses,
) -> tuple[str, ...]:
    """Return the addresses on which a router listens whose URL names `host`.

    Parameters
    ----------
    host : str
        The host of the hub's URL.
    listen : str, optional
        The hub's ``listen``, which stands in the place of `host`; ``0.0.0.0`` for all addresses.
    resolve, own, main : callable
        Ask this machine: `resolved`, `is_own` and `main_addresses`.

    Returns
    -------
    tuple of str
        IP addresses, each once. A name that stands for a loopback address in this machine's own
        file of hosts, as Debian has it, stands for the main address as well. A name that cannot
        be resolved, e.g. before the network is there, stands for the main address.

    Raises
    ------
    RouterError
        If no address of this machine is meant.
    """
    where = listen or host
    if where in _EVERYWHERE or where.startswith("127."):
        return (where,)
    if is_loopback(where):
        return (LOOPBACK,)
    meant = _meant(where, resolve, main)
    found = tuple(dict.fromkeys(address for address in meant if own(address)))
    if found:
        return found
    raise RouterError(
        f"the router cannot listen at {where!r}: {', '.join(meant) or 'it'} is no address of this "
        "machine; write the one to listen on into the site file, hub: {listen: ADDRESS}, or "
        "0.0.0.0 for all of them"
    )


def _meant(
    where: str, resolve: Callable[[str], Sequence[str]], main: Callable[[], Sequence[str]]
) -> list[str]:
    """Return the addresses for which a name or address stands."""
    if ":" in where:
        return [where]
    meant = list(resolve(where))
    if not meant or any(map(is_loopback, meant)):
        meant += main()
    return meant
