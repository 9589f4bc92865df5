"""The certificate of the page."""

import os
import time

import pytest

from ocsd.access.certificates import issue, make_authority
from ocsd.web.server.tls import CertificateFiles, NoCertificateError, PageCertificate


@pytest.fixture
def files(tmp_path):
    issued = issue(make_authority("lab", time.time()), ["localhost"], time.time())
    made = CertificateFiles(tmp_path / "web.pem", tmp_path / "web.key")
    made.certificate.write_bytes(issued.certificate)
    made.key.write_bytes(issued.key)
    made.key.chmod(0o640)
    return made


def test_a_key_that_everybody_may_use_is_refused_with_the_remedy(files):
    files.key.chmod(0o644)
    with pytest.raises(NoCertificateError, match=f"0644; chmod 600 {files.key}"):
        PageCertificate(files)


def test_a_certificate_that_is_damaged_later_leaves_the_one_in_use(files):
    certificate = PageCertificate(files)
    context = certificate.getContext()
    files.certificate.write_text("")
    os.utime(files.certificate, ns=(1, 1))
    assert certificate.getContext() is context
