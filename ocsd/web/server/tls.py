"""TLS for the page: a certificate that is taken anew when its file has changed."""

import errno
import stat
from pathlib import Path
from typing import Any, NamedTuple


class CertificateFiles(NamedTuple):
    """A certificate and its key."""

    certificate: Path
    key: Path


class NoCertificateError(Exception):
    """The certificate of the page cannot be used; says why, and what to do."""


class PageCertificate:
    """Gives each connection the newest certificate (twisted's interface of context factories)."""

    def __init__(self, files: CertificateFiles) -> None:
        self._files = files
        self._context: Any = None
        self._seen: tuple[int, ...] | None = None
        self.getContext()

    def getContext(self) -> Any:
        """Return the TLS context of a new connection.

        A certificate that cannot be read does not take the place of the one in use.

        Raises
        ------
        NoCertificateError
            If there is none yet.
        """
        try:
            seen = tuple(each.stat().st_mtime_ns for each in self._files)
            if seen != self._seen:
                self._context, self._seen = _context(self._files), seen
        except Exception as error:
            if self._context is None:
                raise NoCertificateError(_why(self._files, error)) from error
        return self._context


def _context(files: CertificateFiles) -> Any:
    # Loaded late: they take 60 ms, and most pages need no TLS.
    from OpenSSL import SSL
    from twisted.internet.ssl import CertificateOptions, TLSVersion

    options = CertificateOptions(raiseMinimumTo=TLSVersion.TLSv1_2, **_loaded(files))
    context = options.getContext()
    context.set_options(SSL.OP_NO_RENEGOTIATION)
    return context


def _loaded(files: CertificateFiles) -> dict[str, Any]:
    from OpenSSL import crypto

    mode = stat.S_IMODE(files.key.stat().st_mode)
    if mode & stat.S_IRWXO:
        raise PermissionError(
            errno.EPERM, f"everybody may use the key, its mode is {mode:04o}; chmod 600 {files.key}"
        )
    pem = files.certificate.read_bytes()
    mark = b"-----BEGIN CERTIFICATE-----"
    pieces = [mark + each for each in pem.split(mark)[1:]]
    chain = [crypto.load_certificate(crypto.FILETYPE_PEM, each) for each in pieces]
    if not chain:
        raise ValueError("it holds no certificate")
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, files.key.read_bytes())
    return {"privateKey": key, "certificate": chain[0], "extraCertChain": chain[1:]}


def _why(files: CertificateFiles, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return (
        f"the page is not served without TLS, and its certificate {files.certificate} or key "
        f"{files.key} cannot be used ({reason}); make them with: ocsd access init, or name files "
        "in web: {certificate: FILE, key: FILE}"
    )
