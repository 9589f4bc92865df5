"""A device on a serial line, made of a pseudo-terminal."""

import contextlib
import os
import shutil
import tempfile
import tty
from pathlib import Path

from ocsd.testing.device import Answer, Device, Line


class SerialDevice(Device):
    r"""A device on a serial line.

    Parameters
    ----------
    answer : callable
        Gets one request without its terminator, returns the reply or None.
    terminator : bytes
        Ends a request and a reply. Empty: whatever arrives at once is a request.
    reply_terminator : bytes, optional
        Ends a reply, where that is not `terminator`.
    path : str or Path, optional
        Where the port appears; by default in a new folder.

    Examples
    --------
    >>> with SerialDevice(lambda request: b"OK", terminator=b"\r\n") as device:
    ...     port = serial.Serial(device.port, timeout=1)
    """

    def __init__(
        self,
        answer: Answer,
        terminator: bytes = b"\r\n",
        reply_terminator: bytes | None = None,
        path: str | Path | None = None,
    ) -> None:
        super().__init__(answer, terminator, reply_terminator)
        self._folder: str | None = None
        self._link = Path(path).absolute() if path else None

    @property
    def port(self) -> str:
        """Path of the port; the same after every `replug`."""
        return str(self._place)

    def start(self) -> None:
        """Plug the device in and serve it from now on."""
        if self._link is None:
            self._folder = tempfile.mkdtemp(prefix="ocsd-serial-")
            self._link = Path(self._folder, "port")
        super().start()

    def close(self) -> None:
        """Unplug the device and end its thread."""
        super().close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __repr__(self) -> str:
        return f"SerialDevice at {self._link or 'no port yet'}"

    @property
    def _place(self) -> Path:
        if self._link is None:
            raise RuntimeError(f"{self!r} is not started; use it in a with statement")
        return self._link

    def _plug_in(self) -> None:
        line = _Terminal()
        self._add(line)
        self._place.unlink(missing_ok=True)
        self._place.symlink_to(line.name)

    def _pull_out(self) -> None:
        self._place.unlink(missing_ok=True)


class _Terminal(Line):
    """Both ends of a pseudo-terminal.

    The driver's end is kept open too: without it, every close by a driver would
    be a hang-up, and the settings of the line would be lost.
    """

    def __init__(self) -> None:
        master, self._slave = os.openpty()
        super().__init__(master)
        tty.setraw(self._slave)
        os.set_blocking(master, False)
        self.name = os.ttyname(self._slave)

    def close(self) -> None:
        # The master first: that hangs up, also for a driver that has the port open.
        for descriptor in (self.descriptor, self._slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)
