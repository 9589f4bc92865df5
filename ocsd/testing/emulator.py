"""Devices that answer from a table, under the names that socs gives them."""

import logging
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Literal

from ocsd.testing.device import Device
from ocsd.testing.serial_device import SerialDevice
from ocsd.testing.tcp_device import TcpDevice

LINK = "./responder"


class DeviceEmulator:
    """A device that answers from a table.

    Parameters
    ----------
    responses : mapping
        Reply by request. A list is answered one by one, until it is used up.
    encoding : str or None
        Of requests and replies, which are text then. None: they are bytes.
    reconnect : bool
        Accepted; a second connection is always welcome.

    Attributes
    ----------
    responses : dict
        The table.
    default_response
        Reply to a request that is not in the table; None for no reply.
    socket_port : int or None
        The port of a device on the network.
    device : SerialDevice or TcpDevice
        Makes the device mute, slow, unplugged and more.
    """

    def __init__(
        self,
        responses: Mapping[Any, Any] | None,
        encoding: str | None = "utf-8",
        reconnect: bool = False,
    ) -> None:
        self.responses: dict[Any, Any] = deepcopy(dict(responses or {}))
        self.default_response: Any = None
        self.encoding = encoding
        self.reconnect = reconnect
        self.socket_port: int | None = None
        self.device: Device | None = None
        self.logger = logging.getLogger(type(self).__name__)

    def define_responses(
        self, responses: Mapping[Any, Any] | None, default_response: Any = None
    ) -> None:
        """Replace the table and the default."""
        self.responses = deepcopy(dict(responses or {}))
        self.default_response = default_response

    def update_responses(self, responses: Mapping[Any, Any]) -> None:
        """Add to the table."""
        self.responses.update(deepcopy(dict(responses)))

    def get_response(self, msg: Any) -> Any:
        """Return the reply to a request; None for no reply."""
        if msg not in self.responses:
            if self.default_response is None:
                self.logger.info("no response to %r", msg)
            return self.default_response
        response = self.responses[msg]
        if not isinstance(response, list):
            return response
        if not response:
            return None
        return response.pop(0)

    def create_serial_relay(self, responder_link: str = LINK) -> None:
        """Appear as a serial port; replies get a line ending.

        Parameters
        ----------
        responder_link : str
            Path of the port.
        """
        line, ending = b"", b""
        if self.encoding:
            line, ending = b"\n", b"\r\n"
        self.device = SerialDevice(self._answer, line, ending, path=responder_link)
        self.device.start()

    def create_tcp_relay(self, port: int) -> None:
        """Listen on the loopback interface; whatever arrives at once is one request.

        Parameters
        ----------
        port : int
            0 for a free one, see `socket_port`.
        """
        device = self.device = TcpDevice(self._answer, terminator=b"", port=port)
        device.start()
        self.socket_port = device.port

    def shutdown(self) -> None:
        """Unplug the device for good."""
        if self.device is not None:
            self.device.close()

    def _answer(self, request: bytes) -> bytes | None:
        message: Any = request
        if self.encoding:
            message = request.strip().decode(self.encoding)
        if not message:
            return None
        response = self.get_response(message)
        if response is None or isinstance(response, bytes):
            return response
        return str(response).encode(self.encoding or "utf-8")


def create_device_emulator(
    responses: Mapping[Any, Any] | None,
    relay_type: Literal["serial", "tcp"],
    port: int = 9001,
    encoding: str | None = "utf-8",
    reconnect: bool = False,
) -> Any:
    """Make a fixture whose value is a running `DeviceEmulator`.

    Parameters
    ----------
    responses : mapping
        Reply by request.
    relay_type : str
        ``serial``: a port at ``./responder``; ``tcp``.
    port : int
        For ``tcp``; 0 for a free one.
    encoding : str or None
        Of requests and replies; None if they are bytes.
    reconnect : bool
        Accepted; a second connection is always welcome.

    Raises
    ------
    NotImplementedError
        If `relay_type` is another.
    """
    import pytest

    if relay_type not in {"serial", "tcp"}:
        raise NotImplementedError(f"relay_type {relay_type!r} is neither 'serial' nor 'tcp'")

    @pytest.fixture
    def create_device() -> Iterator[DeviceEmulator]:
        emulator = DeviceEmulator(responses, encoding, reconnect)
        if relay_type == "serial":
            emulator.create_serial_relay()
        else:
            emulator.create_tcp_relay(port)
        yield emulator
        emulator.shutdown()

    return create_device
