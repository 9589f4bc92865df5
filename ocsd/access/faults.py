"""The faults of a router's certificate, each in one sentence with the next step."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

NOT_YET_VALID: Final = 9
EXPIRED: Final = 10
WRONG_NAME: Final = 62
"""Numbers of OpenSSL for faults of a certificate (X509_V_ERR_…, openssl-verify(1))."""

_UNKNOWN_AUTHORITY: Final = {18, 19, 20, 21}

_MADE_ANEW: Final = "on the hub: ocsd access rotate"


def certificate_fault(
    code: int, peer: str, now_at: float, ca_file: str | None, text: str = ""
) -> str:
    """Return the fault of a router's certificate.

    Parameters
    ----------
    code : int
        OpenSSL's number.
    peer : str
        The router's address.
    now_at : float
        The time by this machine's clock [s, Unix time].
    ca_file : str, optional
        The certificate of the authority that is trusted.
    text : str
        OpenSSL's words, for faults of other kinds.
    """
    clock = datetime.fromtimestamp(now_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if code in _UNKNOWN_AUTHORITY:
        return _of_authority(peer, ca_file)
    known: Mapping[int, str] = {
        EXPIRED: f"has expired by this machine's clock ({clock}); if the clock is right, make a "
        f"new one {_MADE_ANEW}",
        NOT_YET_VALID: f"is not valid yet by this machine's clock ({clock}); correct the clock",
        WRONG_NAME: "is for another host name; use the name in the hub's wamp_server, or make a "
        f"new one for this name {_MADE_ANEW}",
    }
    reason = known.get(code, f"cannot be verified: {text or code}; make a new one {_MADE_ANEW}")
    return f"the certificate of the router at {peer} {reason}"


def _of_authority(peer: str, ca_file: str | None) -> str:
    start = f"the certificate of the router at {peer} is not of an authority that this host trusts"
    if ca_file is None:
        return (
            f"{start}; on the hub: ocsd access host NAME; here: ocsd access join BUNDLE, or name "
            "the site's ca.pem with OCSD_CA_FILE"
        )
    return (
        f"{start}: {ca_file} is of another site or out of date; on the hub: ocsd access host NAME; "
        "here: ocsd access join BUNDLE"
    )
