"""The site's authority issues certificates that clients accept, and judges them."""

import pytest

from ocsd.access.certificates import (
    Issued,
    described,
    faults,
    issue,
    make_authority,
    renewal_due,
)
from ocsd.errors import AccessFilesError

NOW_AT = 1_764_000_000.0
DAY_S = 86_400.0
AUTHORITY = make_authority("ocsd site abc", NOW_AT)
ROUTER = issue(AUTHORITY, ["control.example", "10.0.0.5", "control.example"], NOW_AT)


def told(issued=ROUTER, authority=AUTHORITY, host="control.example", now_at=NOW_AT):
    return list(faults(issued, authority.certificate, host, now_at))


def test_a_new_certificate_has_no_fault():
    assert told() == []
    assert told(host="10.0.0.5") == []
    assert told(host="CONTROL.example") == []
    assert described(ROUTER.certificate).names == ("control.example", "10.0.0.5")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"now_at": NOW_AT - DAY_S}, "the clock is wrong"),
        ({"now_at": NOW_AT + 398 * DAY_S}, "has expired on 2026-12-26T"),
        ({"host": "other.example"}, "is for control.example, 10.0.0.5, but clients reach it as"),
        ({"host": "10.0.0.6"}, "is for control.example, 10.0.0.5, but"),
        ({"authority": make_authority("another", NOW_AT)}, "not issued by the authority"),
        ({"issued": Issued(ROUTER.certificate, AUTHORITY.key)}, "does not belong to its key"),
    ],
)
def test_each_fault_is_told(change, words):
    (fault,) = told(**change)
    assert words in fault


def test_an_hour_of_a_clock_that_is_behind_does_no_harm():
    assert told(now_at=NOW_AT - 3000) == []


def test_a_certificate_is_renewed_after_two_thirds_of_its_time():
    assert not renewal_due(ROUTER.certificate, NOW_AT)
    assert not renewal_due(ROUTER.certificate, NOW_AT + 264 * DAY_S)
    assert renewal_due(ROUTER.certificate, NOW_AT + 265 * DAY_S)


@pytest.mark.parametrize("content", [b"", b"torn", ROUTER.certificate[:300], AUTHORITY.key])
def test_what_is_no_certificate_is_refused(content):
    with pytest.raises(AccessFilesError, match="no certificate"):
        described(content)


@pytest.mark.parametrize("content", [b"", b"torn", AUTHORITY.key[:50], AUTHORITY.certificate])
def test_what_is_no_key_is_refused_without_a_word_of_it(content):
    with pytest.raises(AccessFilesError, match=r"^this is no private key$"):
        issue(Issued(AUTHORITY.certificate, content), ["a"], NOW_AT)


def test_openssl_accepts_the_chain_and_the_name(tmp_path):
    """The client's side, as Python's ssl does it."""
    import socket
    import ssl
    import threading

    for name, content in (("c", ROUTER.certificate), ("k", ROUTER.key)):
        (tmp_path / name).write_bytes(content)
    issued = issue(AUTHORITY, ["control.example"], _present())
    (tmp_path / "c").write_bytes(issued.certificate)
    (tmp_path / "k").write_bytes(issued.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "c", tmp_path / "k")
    client = ssl.create_default_context(cadata=AUTHORITY.certificate.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()
    answering = threading.Thread(target=lambda: server.wrap_socket(theirs, server_side=True))
    answering.start()
    with client.wrap_socket(ours, server_hostname="control.example") as connection:
        assert connection.getpeercert()["subjectAltName"] == (("DNS", "control.example"),)
    answering.join()


def _present():
    import time

    return time.time()
