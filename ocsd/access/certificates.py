"""The certificate authority of a site, and the router's certificate that it issues.

It needs the package `cryptography`, which is imported with this module: only who makes or judges
certificates imports it. Times are Unix times. Rules: RFC 5280; the limit of 398 days for a
server's certificate is that of the CA/Browser Forum's Baseline Requirements, 6.3.2.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ocsd.errors import AccessFilesError
from ocsd.text.times import utc

AUTHORITY_DAYS: Final = 20 * 365
ROUTER_DAYS: Final = 397
PAGE_DAYS: Final = 825
"""A page's certificate of another host comes in a bundle, by hand. Browsers accept as many days
from an authority that somebody has added (Apple, "Requirements for trusted certificates")."""
_RENEWED_AT: Final = 2 / 3
"""The part of its time after which a certificate is renewed."""
_BACKDATED: Final = timedelta(hours=1)
"""The clocks of other hosts may be behind by so much."""


class Issued(NamedTuple):
    """A certificate and its private key, both in PEM."""

    certificate: bytes
    key: bytes


class Described(NamedTuple):
    """A certificate, as people look at it."""

    names: tuple[str, ...]
    """The host names and addresses for which it stands."""
    since_at: float
    until_at: float
    """The times from which and until which it is valid [s, Unix time]."""


def make_authority(name: str, now_at: float, days: int = AUTHORITY_DAYS) -> Issued:
    """Make the certificate authority of a site; `name` is for people who look at it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    builder = _builder(subject, subject, key, key, now_at, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(is_authority=True), critical=True)
    return _signed(builder, key, key)


def issue(
    authority: Issued, hosts: Iterable[str], now_at: float, days: int = ROUTER_DAYS
) -> Issued:
    """Issue the certificate of a server.

    Parameters
    ----------
    authority : Issued
        The site's authority.
    hosts : iterable of str
        The host names and IP addresses by which clients reach the server.
    now_at : float
        The present time [s, Unix time].
    days : int
        For how long it is valid.

    Raises
    ------
    AccessFilesError
        If the authority cannot be read.
    """
    listed = list(dict.fromkeys(hosts))
    issuer, issuer_key = certificate_of(authority.certificate), _key_of(authority.key)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(listed[0]), issuer.subject, key, issuer_key, now_at, days)
    for extension, is_critical in (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage(is_authority=False), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName(map(_general_name, listed)), False),
    ):
        builder = builder.add_extension(extension, critical=is_critical)
    return _signed(builder, key, issuer_key)


def described(pem: bytes) -> Described:
    """Return what a certificate says.

    Raises
    ------
    AccessFilesError
        If it cannot be read.
    """
    certificate = certificate_of(pem)
    names: tuple[str, ...] = ()
    with suppress(x509.ExtensionNotFound):
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = tuple(str(each.value) for each in found.value)
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return Described(names, since.timestamp(), until.timestamp())


def renewal_due(pem: bytes, now_at: float) -> bool:
    """Say whether it is time to renew a certificate: two thirds of its time have passed.

    Raises
    ------
    AccessFilesError
        If it cannot be read.
    """
    found = described(pem)
    return now_at >= found.since_at + _RENEWED_AT * (found.until_at - found.since_at)


def faults(issued: Issued, authority: bytes, host: str, now_at: float) -> Iterator[str]:
    """Yield what is wrong with the certificate of a server that clients reach as `host`.

    Raises
    ------
    AccessFilesError
        If one of the files cannot be read.
    """
    found = described(issued.certificate)
    if now_at < found.since_at:
        yield (
            f"is valid only from {utc(found.since_at)}, and it is {utc(now_at)} by this machine's "
            "clock; the clock is wrong"
        )
    if now_at > found.until_at:
        yield f"has expired on {utc(found.until_at)}"
    if not any(_is_same(host, name) for name in found.names):
        yield f"is for {', '.join(found.names) or 'no host'}, but clients reach it as {host}"
    certificate = certificate_of(issued.certificate)
    try:
        certificate.verify_directly_issued_by(certificate_of(authority))
    except (ValueError, TypeError, InvalidSignature):
        yield "was not issued by the authority of this site (ca.pem)"
    if certificate.public_key() != _key_of(issued.key).public_key():
        yield "does not belong to its key (router.key)"


def certificate_of(pem: bytes) -> x509.Certificate:
    """Return the certificate in a PEM.

    Raises
    ------
    AccessFilesError
        If it is none.
    """
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise AccessFilesError(f"this is no certificate: {error}") from error


def _key_of(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        # Its text may hold parts of the file.
        raise AccessFilesError("this is no private key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AccessFilesError("this is a private key of another kind than ocsd makes")
    return key


def _name(text: str) -> x509.Name:
    # X.520 allows 64 characters.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host.encode("idna").decode())


def _is_same(host: str, name: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host) == ipaddress.ip_address(name)
    return host.casefold() == name.casefold()


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    now_at: float,
    days: int,
) -> x509.CertificateBuilder:
    now = datetime.fromtimestamp(int(now_at), UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    of_issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(identifier, critical=False)
        .add_extension(of_issuer, critical=False)
    )


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(
    builder: x509.CertificateBuilder,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> Issued:
    pem = builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Issued(pem, private)
