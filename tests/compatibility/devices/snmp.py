"""Devices that speak SNMP."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from tests.compatibility.devices.simulated import Simulated

UPS = (1, 3, 6, 1, 2, 1, 33)
SYNC_BOX = (1, 3, 6, 1, 4, 1, 5597, 40)
TEXTS = {
    **{(*UPS, 1, 1, number, 0): "lab" for number in (1, 2)},
    **{(*SYNC_BOX, 0, number, 0): "lab" for number in (1, 2, 3, 4)},
    **{(*SYNC_BOX, 2, number, 0): "lab" for number in (8, 9)},
    **{(*SYNC_BOX, 2, number, 0): "2 us" for number in (7, 16, 17)},
}
"""What is no number: manufacturer, model, source, clock; delays have a unit."""


@contextmanager
def _responder() -> Iterator[int]:
    """Answer every question for any object with 1, or with a text; give the UDP port."""
    # Installed where socs is, nowhere else.
    from pyasn1.codec.ber import decoder, encoder
    from pysnmp.proto import api

    def reply_to(datagram: bytes) -> bytes:
        protocol = api.protoModules[api.decodeMessageVersion(datagram)]
        question, _ = decoder.decode(datagram, asn1Spec=protocol.Message())
        answer = protocol.apiMessage.getResponse(question)
        asked = protocol.apiPDU.getVarBinds(protocol.apiMessage.getPDU(question))
        values = [
            (name, protocol.OctetString(text) if text else protocol.Integer(1))
            for name, text in ((name, TEXTS.get(tuple(name))) for name, _ in asked)
        ]
        protocol.apiPDU.setVarBinds(protocol.apiMessage.getPDU(answer), values)
        return bytes(encoder.encode(answer))

    end = Event()
    with socket.socket(type=socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(0.2)

        def serve() -> None:
            while not end.is_set():
                try:
                    datagram, sender = line.recvfrom(65536)
                except TimeoutError:
                    continue
                line.sendto(reply_to(datagram), sender)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield line.getsockname()[1]
        finally:
            end.set()
            thread.join()


@contextmanager
def outlets(_: Path) -> Iterator[Simulated]:
    """IBootPDU."""
    with _responder() as port:
        arguments = ["--address", "127.0.0.1", "--port", port, "--snmp-version", 2]
        yield Simulated([*arguments, "--mode", "acq"], "ibootbar", {"outletStatus_0": 1})


@contextmanager
def clock(_: Path) -> Iterator[Simulated]:
    """Meinberg M1000."""
    with _responder() as port:
        arguments = ["--address", "127.0.0.1", "--port", port, "--snmp-version", 2]
        yield Simulated(arguments, "m1000", {"mbgLtNgRefclockState_1": 1})


@contextmanager
def sync_box(_: Path) -> Iterator[Simulated]:
    """Meinberg Syncbox N2X."""
    with _responder() as port:
        arguments = ["--address", "127.0.0.1", "--port", port, "--snmp-version", 1]
        arguments += ["--mode", "acq", "--sample-period", 2]
        yield Simulated(arguments, "syncbox", {"mbgSyncboxN2XPtpPortState_0": 1})


@contextmanager
def power_supply(_: Path) -> Iterator[Simulated]:
    """A UPS."""
    with _responder() as port:
        arguments = ["--address", "127.0.0.1", "--port", port, "--mode", "acq"]
        values = {"upsBatteryVoltage_0": 1, "upsIdentModel_0": "lab"}
        yield Simulated(arguments, "ups", values)


SIMULATORS = {
    "UPSAgent": power_supply,
    "MeinbergM1000Agent": clock,
    "MeinbergSyncboxAgent": sync_box,
    "ibootbarAgent": outlets,
}
