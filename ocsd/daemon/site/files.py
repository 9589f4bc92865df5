"""The site file of this host, which a person on another host may read, replace and put back."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ocsd import __version__
from ocsd.errors import ConfigurationError, OcsdError, SiteFileError, UsageError
from ocsd.site import load

CHECK_LIMIT_S: Final = 30.0
LARGEST_FILE_BYTES: Final = 1 << 22
_BEFORE, _REFUSED, _NEW = ".previous", ".refused", ".new"


@dataclass(frozen=True, slots=True)
class SiteFileKeeper:
    """Replaces the site file of a host; its methods block, so they belong in a thread."""

    path: Path
    host: str

    def shown(self) -> dict[str, Any]:
        """Return the file as it is on the disk now.

        Raises
        ------
        SiteFileError
            If it cannot be read.
        """
        content = self._read()
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise SiteFileError(f"{self.path} is no text in UTF-8: {error}") from error
        return {
            **self._facts(content),
            "text": text,
            "has_previous": self._beside(_BEFORE).exists(),
        }

    def take(self, text: object, digest_before: object) -> dict[str, Any]:
        """Put a text in the place of the file, which is kept as ``.previous``.

        Raises
        ------
        UsageError
            If it is no text, or the file is not the one that the caller has seen.
        ConfigurationError
            If `ocsd check` refuses it for this host; nothing is changed then.
        SiteFileError
            If it cannot be written.
        """
        if not isinstance(text, str) or len(text) > LARGEST_FILE_BYTES:
            raise UsageError(f"a site file is a text of at most {LARGEST_FILE_BYTES:,} characters")
        before, after = self._read(), text.encode()
        if digest_before is not None and digest_before != load.digest(before):
            raise self._changed()
        if before == after:
            return {**self._facts(after), "changed": False}
        new = self._beside(_NEW)
        try:
            self._write(new, after)
            warnings = self._checked(new)
            if self._read() != before:
                raise self._changed()
            self._write(self._beside(_BEFORE), before)
            os.replace(new, self._target)
        except OSError as error:
            raise self._unwritten(error) from error
        finally:
            new.unlink(missing_ok=True)
        return {**self._facts(after), "changed": True, "warnings": warnings}

    def put_back(self) -> dict[str, Any]:
        """Take the file before into use again; that of now is kept as ``.refused``.

        Raises
        ------
        UsageError
            If there is no file before.
        SiteFileError
            If it cannot be written.
        """
        before = self._beside(_BEFORE)
        if not before.exists():
            raise UsageError(f"host {self.host!r} has no {before} to put back")
        try:
            self._write(self._beside(_REFUSED), self._read())
            os.replace(before, self._target)
        except OSError as error:
            raise self._unwritten(error) from error
        return {**self._facts(self._read()), "changed": True}

    @property
    def _target(self) -> Path:
        # The file may be a link into a checkout; the folder with the file is the one to write to.
        return self.path.resolve()

    def _beside(self, ending: str) -> Path:
        target = self._target
        return target.with_name(target.name + ending)

    def _facts(self, content: bytes) -> dict[str, Any]:
        return {
            "site_file": str(self.path),
            "digest": load.digest(content),
            "version": __version__,
        }

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise SiteFileError(f"{self.path} cannot be read: {error.strerror}") from error

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file with the rights of the site file, and see it on the disk."""
        path.unlink(missing_ok=True)
        rights = self._target.stat()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            os.fchmod(file.fileno(), rights.st_mode & 0o777)
            if os.geteuid() == 0:
                os.fchown(file.fileno(), rights.st_uid, rights.st_gid)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def _checked(self, new: Path) -> str:
        """Have `ocsd check` look at a file for this host; return its warnings."""
        words = ["check", "--site-file", str(new), "--host", self.host]
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "ocsd", *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=CHECK_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OcsdError(
                f"host {self.host!r} has not checked the file within {CHECK_LIMIT_S:.0f} s"
            ) from error
        told = done.stderr.replace(str(new), str(self.path)).strip()
        if done.returncode != 0:
            raise ConfigurationError(
                f"host {self.host!r} refuses the file, and nothing is changed there: {told}"
            )
        return told

    def _changed(self) -> UsageError:
        return UsageError(
            f"{self.path} of host {self.host!r} was changed meanwhile; look at it again, then "
            "send the file anew"
        )

    def _unwritten(self, error: OSError) -> SiteFileError:
        place = error.filename or self.path
        return SiteFileError(
            f"host {self.host!r} cannot write {place}: {error.strerror}; the daemon's user needs "
            "to write in the folder of the site file"
        )
