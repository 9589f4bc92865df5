"""TLS to the router: whom to trust, and what is wrong with a certificate.

Apart from `ocsd.bus.endpoint`, because OpenSSL takes a tenth of a second to load.
"""

import time
from typing import Any

from OpenSSL import SSL
from service_identity import VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from zope.interface import implementer

from ocsd.access.faults import WRONG_NAME, certificate_fault

_REQUIRED = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT


@implementer(IOpenSSLClientConnectionCreator)
class Encryption:
    """Makes the encrypted connections to one host, and notes why one cannot be trusted.

    Parameters
    ----------
    host : str
        The name or address that the certificate must have.
    peer : str
        The router's address, for people.
    ca_file : str, optional
        The certificate of the authority that must have signed it; None for those that this
        machine trusts.

    Raises
    ------
    OSError, ValueError, OpenSSL.crypto.Error
        If the file cannot be read.
    """

    def __init__(self, host: str, peer: str, ca_file: str | None) -> None:
        self._peer = peer
        self._ca_file = ca_file
        self._identity = IPAddress_ID(host) if _is_address(host) else DNS_ID(host)
        trust = None
        if ca_file is not None:
            with open(ca_file, "rb") as file:
                authority = Certificate.loadPEM(file.read())
            trust = trustRootFromCertificates([authority])  # type: ignore[no-untyped-call] # Twisted's
        self._options: Any = optionsForClientTLS(host, trustRoot=trust)

    def clientConnectionForTLS(self, tls_protocol: Any) -> SSL.Connection:
        """Return an encrypted connection that is trusted only if its certificate is."""
        connection: SSL.Connection = self._options.clientConnectionForTLS(tls_protocol)

        def verify(_: Any, certificate: Any, code: int, depth: int, trusted: int) -> bool:
            # In the place of Twisted's function, which does the same but tells no reason.
            if trusted and depth == 0:
                try:
                    verify_service_identity(extract_patterns(certificate), [self._identity], [])
                except VerificationError:
                    trusted, code = 0, WRONG_NAME
            if not trusted:
                note = certificate_fault(code, self._peer, time.time(), self._ca_file)
                tls_protocol.wrappedProtocol.tls_fault = note
            return bool(trusted)

        connection.set_verify(_REQUIRED, verify)
        return connection


def _is_address(host: str) -> bool:
    return isIPAddress(host) or isIPv6Address(host)
